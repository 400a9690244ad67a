"""users/delta and groups/delta: everything once, then what changed (learn.microsoft.com/graph/delta-query-overview)."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import sandbox_of
from sandbox.directory.access import READ_GROUPS, READ_USERS, require
from sandbox.directory.delta_tokens import Round, link_of, read_round
from sandbox.directory.errors import bad_request
from sandbox.directory.journal import before_image, changed_since
from sandbox.directory.queries import context, refuse_unknown_options, version_of
from sandbox.directory.recycle_bin import find_item
from sandbox.directory.shapes import GROUP_PROPERTIES, USER_DEFAULTS, USER_PROPERTIES, show_group, show_user
from sandbox.directory.sources import direct_listing
from sandbox.paging import Cursor
from sandbox.routing import endpoint
from sandbox.state import Sandbox

PAGE = 100  # objects
MEMBERS = 1000  # references of one page: a group with more of them comes again on the next

DELTA_OPTIONS = "$select,$filter,$skiptoken,$deltatoken"

Item = dict[str, Any]


@dataclass(frozen=True)
class _Kind:
    """What is tracked: its table, and how an object of it is shown."""

    table: str
    names: list[str]
    has_members: bool

    def show(self, body: Item) -> Item:
        """Return the properties a round asked for."""
        shown = show_group(body, self.names) if self.table == "groups" else show_user(body, self.names)
        return shown | {"id": body["id"]}


async def list_user_changes(request: Request) -> JSONResponse:
    """Return one page of the users, or of what changed of them."""
    require(request, READ_USERS)
    found = _read(request)
    names = _names(found, USER_PROPERTIES)
    if names is None:
        names = list(USER_DEFAULTS) if version_of(request) == "v1.0" else sorted(USER_PROPERTIES)
    return _answer(request, found, _Kind("people", names, has_members=False), "users")


async def list_group_changes(request: Request) -> JSONResponse:
    """Return one page of the groups with their direct members, or of what changed of them."""
    require(request, READ_GROUPS)
    found = _read(request)
    names = _names(found, GROUP_PROPERTIES | {"members"})
    has_members = names is None or "members" in names
    shown = sorted(GROUP_PROPERTIES) if names is None else [name for name in names if name != "members"]
    return _answer(request, found, _Kind("groups", shown, has_members=has_members), "groups")


def _read(request: Request) -> Round:
    refuse_unknown_options(request)
    return read_round(request)


def _names(found: Round, known: frozenset[str]) -> list[str] | None:
    if not found.select:
        return None
    names = [name.strip() for name in found.select.split(",")]
    for name in names:
        if name not in known:
            raise bad_request(f"Could not find a property named '{name}'.", "BadRequest")
    return names


def _answer(request: Request, found: Round, kind: _Kind, suffix: str) -> JSONResponse:
    sandbox = sandbox_of(request)
    items, place = (_read_all if found.since < 0 else _read_changes)(sandbox, found, kind)
    body: Item = dict(context(request, suffix))
    if place is not None:
        body["@odata.nextLink"] = link_of(request, replace(found, place=place), "$skiptoken")
    else:
        body["@odata.deltaLink"] = link_of(request, replace(found, place=(0, 0)), "$deltatoken")
    return JSONResponse(body | {"value": items})


def _read_all(sandbox: Sandbox, found: Round, kind: _Kind) -> tuple[list[Item], tuple[int, int] | None]:
    """Return one page of everything that is there, and where the next one starts."""
    condition = " AND NOT is_deleted" if kind.table == "people" else ""
    marks = ", ".join("?" * len(found.ids))
    wanted = f" AND id IN ({marks})" if found.ids else ""
    # The table and the marks are constants of this package.
    statement = f"SELECT seq, body FROM {kind.table} WHERE seq >= ?{condition}{wanted} ORDER BY seq LIMIT {PAGE + 1}"  # noqa: S608
    rows = sandbox.db.execute(statement, (found.place[0], *found.ids)).fetchall()
    items: list[Item] = []
    budget = MEMBERS
    for number, row in enumerate(rows):
        after = found.place[1] if row["seq"] == found.place[0] else 0
        if number == PAGE or budget <= 0:
            return items, (row["seq"], after)
        item = kind.show(json.loads(row["body"]))
        if kind.has_members:
            members, last = _members(sandbox, item["id"], after, budget)
            budget -= len(members)
            item |= {"members@delta": members} if members else {}
            if last is not None:
                return [*items, item], (row["seq"], last)
        items.append(item)
    return items, None


def _members(sandbox: Sandbox, group_id: str, after: int, limit: int) -> tuple[list[Item], int | None]:
    """Return some of the direct members, and after which one the rest starts, if there is a rest."""
    page = direct_listing("members", group_id).read(sandbox.db, limit, Cursor("next", after, after))
    members = [_reference(row["kind"], json.loads(row["body"])["id"]) for row in page.rows]
    return members, None if page.next is None else int(page.next.tie)


def _read_changes(sandbox: Sandbox, found: Round, kind: _Kind) -> tuple[list[Item], tuple[int, int] | None]:
    """Return one page of what changed, and where the next one starts."""
    keys = changed_since(sandbox, found.since, kind.table, found.until)
    links = changed_since(sandbox, found.since, "links", found.until) if kind.has_members else {}
    members = {key: _parts(parts) for key, parts in links.items()}
    changed = [key for key in {**keys, **members} if key in keys or members[key]]
    wanted = [key for key in changed if not found.ids or key in found.ids]
    start = found.place[0]
    items = [
        item
        for key in wanted[start : start + PAGE]
        for item in _change(sandbox, found, kind, key, members.get(key, []))
    ]
    return items, (start + PAGE, 0) if len(wanted) > start + PAGE else None


def _parts(parts: set[str]) -> list[str]:
    """Return the objects whose membership changed, of the parts of a group's references that did."""
    return sorted(part.partition(" ")[2] for part in parts if part.startswith("members "))


def _change(sandbox: Sandbox, found: Round, kind: _Kind, key: str, members: list[str]) -> Iterator[Item]:
    """Yield what is to be told of one object, if anything is."""
    row = sandbox.db.execute(f"SELECT * FROM {kind.table} WHERE id = ?", (key,)).fetchone()  # noqa: S608  # a constant
    if row is None or (kind.table == "people" and row["is_deleted"]):
        is_in_bin = row is not None or find_item(sandbox, key) is not None
        # Links of administrative units are changes of groups neither now nor before.
        if row is not None or before_image(sandbox, found.since, kind.table, key) is not None:
            yield {"id": key, "@removed": {"reason": "changed" if is_in_bin else "deleted"}}
        return
    item = kind.show(json.loads(row["body"]))
    changes = [_membership(sandbox, key, object_id) for object_id in members]
    told = [change for change in changes if change is not None]
    if told:
        item["members@delta"] = told
    if told or _is_news(sandbox, found, kind, row):
        yield item


def _is_news(sandbox: Sandbox, found: Round, kind: _Kind, row: sqlite3.Row) -> bool:
    """Say whether an object is new, back, or differs in a property the round asked for."""
    before = before_image(sandbox, found.since, kind.table, row["id"])
    if before is None or before.get("is_deleted"):
        return True
    return kind.show(json.loads(before["body"])) != kind.show(json.loads(row["body"]))


def _membership(sandbox: Sandbox, group_id: str, object_id: str) -> Item | None:
    """Return an object that became a member, or that is none any more."""
    statement = "SELECT 1 FROM links WHERE relation = 'members' AND group_id = ? AND object_id = ?"
    is_member = sandbox.db.execute(statement, (group_id, object_id)).fetchone() is not None
    reference = _reference(_kind_of(sandbox, object_id), object_id)
    return reference if is_member else reference | {"@removed": {"reason": "deleted"}}


def _kind_of(sandbox: Sandbox, object_id: str) -> str:
    is_group = sandbox.db.execute("SELECT 1 FROM groups WHERE id = ?", (object_id,)).fetchone() is not None
    if is_group:
        return "group"
    is_user = sandbox.db.execute("SELECT 1 FROM people WHERE id = ?", (object_id,)).fetchone() is not None
    return "user" if is_user else "directoryObject"


def _reference(kind: str, object_id: str) -> Item:
    return {"@odata.type": f"#microsoft.graph.{kind}", "id": object_id}


ROUTES = [
    endpoint("GET", "/users/delta", list_user_changes, query=DELTA_OPTIONS),
    endpoint("GET", "/groups/delta", list_group_changes, query=DELTA_OPTIONS),
]
