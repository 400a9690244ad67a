"""What a user owns, read from every service that has something to own.

A list counts only when it is whole: its last page said so, it holds as many as its service counts, and the caller
may see what is somebody else's. Whatever cannot be read is `unknown`, and nothing follows from it.
https://qlik.dev/apis/rest/items
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from qlik_provider.client import QlikClient
from qlik_provider.errors import ApiError, NotFound, NotPermitted
from qlik_provider.owned import Belonging, Belongings, in_order
from qlik_provider.owned_wire import OwnedRow

_ADMINISTRATOR = "give the client the scope admin_classic, or the user TenantAdmin"
_ITEMS = "/api/v1/items"
_ROWS = "/api/v1/licenses/assignments"
_OK = 200
_PAGE = 100

_KINDS_OF_ITEMS = {
    "app": "app",
    "automation": "automation",
    "sharingservicetask": "sharing-task",
    "glossary": "glossary",
}

_ITEMS_ONLY = frozenset({"app", "glossary"})  # the others have a list of their own


@dataclass(frozen=True)
class Source:
    """One list of what users own."""

    kind: str
    """Of every row; empty where the rows say of what kind they are."""
    plural: str
    paths: tuple[str, ...]
    """The present path and the next one, where the vendor has announced one: the first that is there answers."""
    query: Mapping[str, str]
    """Where `{user}` stands for the owner."""
    sorts: tuple[str, str]
    """Ascending and descending: an absence is proven by both."""
    scope: str
    cursor: str = "next"
    member: str = "data"
    limit: int = 100


SOURCES = (
    Source("", "items", (_ITEMS,), {"ownerId": "{user}"}, ("+createdAt", "-createdAt"), "admin.apps"),
    Source("space", "spaces", ("/api/v1/spaces",), {"ownerId": "{user}"}, ("+name", "-name"), "admin.spaces"),
    Source(
        "data-connection",
        "data connections",
        ("/api/v1/data-connections", "/api/connectivity/data-connections"),
        {"userId": "{user}", "noDatafiles": "true"},
        ("+_id", "-_id"),
        "admin.apps",
        cursor="page",
    ),
    Source(
        "data-file",
        "data files",
        ("/api/v1/data-files",),
        {"ownerId": "{user}", "appId": "*", "includeFolders": "true"},
        ("+name", "-name"),
        "admin.apps",
        cursor="page",
        limit=1000,
    ),
    Source(
        "automation",
        "automations",
        ("/api/v1/automations", "/api/workflows/automations"),
        {"filter": 'ownerId eq "{user}"', "listAll": "true"},
        ("+name", "-name"),
        "admin.automations",
        cursor="cursor",
        limit=200,
    ),
    Source(
        "automation-connection",
        "automation connections",
        ("/api/v1/automation-connections", "/api/workflows/automation-connections"),
        {"filter": 'ownerId eq "{user}"', "listAll": "true"},
        ("+name", "-name"),
        "admin.automations",
        cursor="cursor",
        limit=200,
    ),
    Source(
        "sharing-task",
        "sharing tasks",
        ("/api/v1/sharing-tasks",),
        {"owner": "{user}", "role": "owner"},
        ("+name", "-name"),
        "admin.apps",
        member="sharingTasks",
    ),
    Source(
        "data-alert",
        "data alerts",
        ("/api/v1/data-alerts",),
        {"ownerId": "{user}"},
        ("+name", "-name"),
        "admin.apps",
        member="tasks",
    ),
    Source(
        "webhook",
        "webhooks",
        ("/api/v1/webhooks", "/api/core/webhooks"),
        {"ownerId": "{user}"},
        ("+name", "-name"),
        "admin.webhooks",
    ),
    Source(
        "api-key",
        "API keys",
        ("/api/v1/api-keys",),
        {"sub": "{user}", "status": "active"},
        ("+created", "-created"),
        "admin_classic",
        cursor="startingAfter",
    ),
    Source(
        "scim-key",
        "API keys of identity providers",
        ("/api/v1/api-keys",),
        {"createdByUser": "{user}", "status": "active"},
        ("+created", "-created"),
        "admin_classic",
        cursor="startingAfter",
    ),
)
_RELOADS = Source("reload-task", "reload tasks", ("/api/v1/reload-tasks",), {}, ("", ""), "admin.apps")


def list_belongings(client: QlikClient, user_id: str, *, is_proof: bool = False) -> Belongings:
    """Return what a user owns, and what of it could not be read; raises CredentialsError for a refused token only.

    With `is_proof` every list is read twice, forwards and backwards, for a deletion that rests on what is not in it.
    For many users share an Inventory.
    """
    return Inventory(client).read(user_id, is_proof=is_proof)


class Inventory:
    """What users own; what concerns them all is read once."""

    def __init__(self, client: QlikClient) -> None:
        self._client = client
        self._lock = threading.RLock()
        self._reloads: dict[bool, list[OwnedRow] | str] = {}
        self._doubts: tuple[str, ...] | None = None

    def read(self, user_id: str, *, is_proof: bool = False) -> Belongings:
        """Return what a user owns; see `list_belongings`."""
        found: list[Belonging] = []
        unknown: list[str] = []
        sees_personal = False
        for source in SOURCES:
            rows = self._read(source, user_id, is_proof=is_proof)
            if isinstance(rows, str):
                unknown.append(rows)
                continue
            sees_personal |= not source.kind and any(not row.space for row in rows)
            found += _belongings(source, rows, user_id)
        rows = self._read_reloads(is_proof=is_proof)
        if isinstance(rows, str):
            unknown.append(rows)
        else:
            found += [_belonging("reload-task", row) for row in rows if row.owner == user_id]
        unknown += self._doubt_view(sees_personal=sees_personal)
        return Belongings(in_order(found), tuple(unknown))

    def find_shown(self, user_id: str, items: Iterable[Belonging]) -> set[Belonging]:
        """Return which of these things the tenant shows as a user's by now; what cannot be read is not shown."""
        wanted = {(item.kind, item.id): item for item in items}
        kinds = {kind for kind, _ in wanted}
        shown: set[tuple[str, str]] = set()
        for source in (source for source in SOURCES if source.kind in kinds):
            rows = self._read(source, user_id, is_proof=False)
            if not isinstance(rows, str):
                shown |= {(source.kind, row.id) for row in rows if row.owner == user_id}
        for kind in kinds & _ITEMS_ONLY:
            shown |= {(kind, id) for id in self._find_items(user_id, kind, [id for of, id in wanted if of == kind])}
        return {wanted[key] for key in shown & wanted.keys()}

    def _find_items(self, user_id: str, kind: str, ids: list[str]) -> set[str]:
        """Return which items of a type are a user's, a page for every hundred, however many others the user has."""
        found: set[str] = set()
        for start in range(0, len(ids), _PAGE):
            query = {"resourceType": kind, "resourceIds": ",".join(ids[start : start + _PAGE]), "noActions": "true"}
            rows = self._read(replace(SOURCES[0], query=query), user_id, is_proof=False)
            if not isinstance(rows, str):
                found |= {row.id for row in rows if row.owner == user_id}
        return found

    def _read(self, source: Source, user_id: str, *, is_proof: bool) -> list[OwnedRow] | str:
        """Return the rows of one list, or why it is not known."""
        query = {name: value.replace("{user}", user_id) for name, value in source.query.items()}
        try:
            rows = self._list(source, query, source.sorts[0])
            if is_proof:
                again = self._list(source, query, source.sorts[1])
                if {row.id for row in rows} != {row.id for row in again}:
                    return f"{source.plural}: two reads of the list differ, so one of them was short; run again"
        except NotPermitted:
            return (
                f"{source.plural}: forbidden to this caller; give the client the scope {source.scope}, or the user "
                "TenantAdmin"
            )
        except ApiError as error:
            return f"{source.plural}: {error.method} {error.path}: {error.reason}"
        return rows

    def _list(self, source: Source, query: Mapping[str, str], sort: str) -> list[OwnedRow]:
        for path in source.paths[:-1]:
            try:
                return self._list_at(path, source, query, sort)
            except NotFound:
                continue
        return self._list_at(source.paths[-1], source, query, sort)

    def _list_at(self, path: str, source: Source, query: Mapping[str, str], sort: str) -> list[OwnedRow]:
        params = {**query, **({"sort": sort} if sort else {})}
        return self._client.read_collection(
            path, OwnedRow, cursor=source.cursor, member=source.member, limit=source.limit, params=params
        )

    def _read_reloads(self, *, is_proof: bool) -> list[OwnedRow] | str:
        """Return the reload tasks of everybody, which cannot be asked for by owner."""
        with self._lock:
            if is_proof not in self._reloads:
                self._reloads[is_proof] = self._read(_RELOADS, "", is_proof=is_proof)
            return self._reloads[is_proof]

    def _doubt_view(self, *, sees_personal: bool) -> list[str]:
        """Return why the lists may leave out what is somebody else's, although they answered.

        Most services show to whom may not see everything what may be seen, without a word about the rest.
        """
        with self._lock:
            if self._doubts is None:
                self._doubts = (self._doubt_caller(), self._doubt_personal())
            of_caller, of_personal = self._doubts
        return [text for text in (of_caller, "" if sees_personal else of_personal) if text]

    def _doubt_caller(self) -> str:
        """Return that the caller does not administer the whole tenant; nothing where it reads what only such do."""
        try:
            answer = self._client.ask(_ROWS, {"limit": "1"})
        except ApiError as error:
            return f"everything: whether this caller may see it was not answered: {error.reason}"
        if answer.status == _OK:
            return ""
        return f"everything: this caller may see only a part of what others own; {_ADMINISTRATOR}"

    def _doubt_personal(self) -> str:
        """Return that nothing proves that personal spaces of others are shown; nothing where one item is.

        Whether they are shown to administrators is nowhere written (https://qlik.dev/apis/rest/items).
        """
        try:
            own = self._client.read_caller()
            answer = self._client.ask(_ITEMS, {"spaceType": "personal", "notOwnerId": own, "limit": "100"})
        except ApiError as error:
            return f"personal spaces: whether they are shown was not answered: {error.reason}"
        data = answer.body.get("data") if answer.status == _OK and isinstance(answer.body, Mapping) else None
        if isinstance(data, list) and any(isinstance(item, Mapping) and _is_of_another(item, own) for item in data):
            return ""
        return (
            "personal spaces: no item of anybody else's shows to this caller, so nothing proves that they are shown at "
            "all; have anybody create an app in their personal space, and run again"
        )


def _is_of_another(item: Mapping[str, object], caller: str) -> bool:
    return not item.get("spaceId") and item.get("ownerId") not in {None, "", caller}


def _belongings(source: Source, rows: Iterable[OwnedRow], user_id: str) -> Iterator[Belonging]:
    """Yield what of a list is the user's: a service that does not know the filter shows everybody's."""
    for row in rows:
        if source.kind == "scim-key":
            # A key for SCIM belongs to its identity provider, and nobody has it but who created it.
            if row.creator == user_id and row.owner != user_id:
                yield _belonging("scim-key", row, owner=user_id)
        elif row.owner == user_id:
            yield _belonging(source.kind or _KINDS_OF_ITEMS.get(row.type, row.type or "item"), row)


def _belonging(kind: str, row: OwnedRow, owner: str = "") -> Belonging:
    source = next((source for source in SOURCES if source.kind == kind), SOURCES[0])
    bar = "" if row.may_change_owner() else f"this caller may not hand it over; give it the scope {source.scope}"
    return Belonging(
        kind, row.id, row.name or row.app or row.id, owner or row.owner or "", row.space or "", row.folder or "", bar
    )
