"""Microsoft Graph: the people of the directory, and the members of its groups.

https://learn.microsoft.com/graph/api/overview
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx

from qlik_provider.credentials import BearerAuth
from qlik_provider.errors import CredentialsError, Forbidden, NoEvidence, NotFound, Unauthorized
from qlik_provider.graph_credentials import GraphTokens
from qlik_provider.people import Application, DirectoryGroup, DirectoryUser
from qlik_provider.transport import open_http, send
from qlik_provider.wire import (
    GraphApplication,
    GraphBatch,
    GraphGroup,
    GraphMember,
    GraphReply,
    GraphRoleAssignment,
    GraphRule,
    GraphUser,
    parse_body,
)

T = TypeVar("T", GraphUser, GraphMember, GraphGroup, GraphApplication, GraphRoleAssignment)

SERVICE = "graph"
PAGE = 999  # https://learn.microsoft.com/graph/paging
GLANCE = 10  # pages, where a list is read for its likeness to a name and need not be whole
BATCH = 20  # requests of one $batch: https://learn.microsoft.com/graph/json-batching
READ_MEMBERS = "GroupMember.Read.All"  # https://learn.microsoft.com/graph/api/group-list-members
BIND = 20  # members of one PATCH: https://learn.microsoft.com/graph/api/group-post-members

_COUNTED = {"$select": "id,userPrincipalName,mail,displayName,accountEnabled,userType", "$count": "true"}
_GROUP = {"$select": "id,displayName,groupTypes,membershipRuleProcessingState,membershipRule"}


OTHERS = ("servicePrincipal", "device", "orgContact")
"""What can be a member of a group beside users and groups."""
BELOW = "below"
"""The users of a group and of the groups in it, among the counts of a group."""

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_EVENTUAL = {"ConsistencyLevel": "eventual"}


class GraphClient:
    """One directory, spoken to as one caller; what it opens by itself cannot write."""

    def __init__(self, tokens: GraphTokens) -> None:
        self.url = tokens.url
        self.now = tokens.now
        """The time of the directory at its first answer."""
        self._flow = tokens.flow
        self._auth = BearerAuth(tokens)
        self._http = open_http(tokens.url, self._auth)

    def close(self) -> None:
        """Give up the connections; a process that ends needs none of it."""
        self._http.close()

    @contextmanager
    def writing(self) -> Iterator["GraphWriter"]:
        """Yield what can write, for as long as it is held."""
        with open_http(self.url, self._auth, may_write=True) as http:
            yield GraphWriter(http, self.url)

    def read_users(self) -> tuple[DirectoryUser, ...]:
        """Return every user of the directory; raises NoEvidence for a list that may be short."""
        with self._needing("User.Read.All"):
            rows = self._list("/v1.0/users", GraphUser, _COUNTED)
        return tuple(row.value() for row in rows)

    def read_deleted_users(self) -> tuple[DirectoryUser, ...]:
        """Return the users in the recycle bin (https://learn.microsoft.com/graph/api/directory-deleteditems-list)."""
        with self._needing("User.Read.All"):
            rows = self._list("/v1.0/directory/deletedItems/microsoft.graph.user", GraphUser, _COUNTED)
        return tuple(row.value(is_deleted=True) for row in rows)

    def read_users_where(self, filter: str) -> tuple[DirectoryUser, ...]:
        """Return the users a filter takes; raises NoEvidence for a list that may be short.

        Every filter is asked as an advanced query: what works as a plain one works as such, and is counted
        (https://learn.microsoft.com/graph/aad-advanced-queries).
        """
        rows = self._list("/v1.0/users", GraphUser, {**_COUNTED, "$filter": filter})
        return tuple(row.value() for row in rows)

    def read_members(self, group: str, *, is_counted: bool = False) -> tuple[str, ...]:
        """Return the object ids of the direct members of a group, whatever their kind.

        Counted, the list comes from an index of its own, with the number that proves it whole.
        """
        params = {"$select": "id", "$count": "true"} if is_counted else {"$select": "id"}
        with self._needing(READ_MEMBERS):
            rows = self._list(f"/v1.0/groups/{group}/members", GraphMember, params)
        return tuple(row.id for row in rows)

    def read_group(self, group: str) -> DirectoryGroup:
        """Return the group of an object id; raises NotFound where there is none."""
        path = f"/v1.0/groups/{group}"
        return parse_body(SERVICE, "GET", path, self._read(path, _GROUP), GraphGroup).value()

    def read_deleted_group(self, group: str) -> DirectoryGroup:
        """Return the group in the recycle bin that has an object id; raises NotFound where there is none."""
        path = f"/v1.0/directory/deletedItems/{group}"
        return parse_body(SERVICE, "GET", path, self._read(path, {"$select": "id,displayName"}), GraphGroup).value()

    def read_groups_named(self, name: str) -> tuple[DirectoryGroup, ...]:
        """Return every group of a display name, in any case of its letters."""
        quoted = name.replace("'", "''")
        rows = self._list("/v1.0/groups", GraphGroup, {**_GROUP, "$filter": f"displayName eq '{quoted}'"})
        return tuple(row.value() for row in rows if row.display_name.casefold() == name.casefold())

    def read_group_names(self) -> tuple[str, ...]:
        """Return the display names of groups; of a very large directory those of the first pages alone."""
        rows = self._list("/v1.0/groups", GraphGroup, {"$select": "id,displayName"}, pages=GLANCE)
        return tuple(row.display_name for row in rows)

    def read_kind(self, id: str) -> str:
        """Return the type of the object that has an object id, as `user`; raises NotFound where there is none."""
        path = f"/v1.0/directoryObjects/{id}"
        kind = parse_body(SERVICE, "GET", path, self._read(path, {}), GraphMember).kind
        return kind.removeprefix("#microsoft.graph.")

    def read_groups_nicknamed(self, nickname: str) -> tuple[DirectoryGroup, ...]:
        """Return every group of a mail nickname, which only groups with mail do not share."""
        quoted = nickname.replace("'", "''")
        rows = self._list("/v1.0/groups", GraphGroup, {**_GROUP, "$filter": f"mailNickname eq '{quoted}'"})
        return tuple(row.value() for row in rows)

    def read_group_users(self, group: str, *, nested: bool) -> tuple[DirectoryUser, ...]:
        """Return the users in a group, those in the groups in it too where `nested`.

        Raises NoEvidence for a list that may be short: the members cast to one type come with a count of their own,
        and with the lag of the index that counts (https://learn.microsoft.com/graph/aad-advanced-queries).
        """
        relation = "transitiveMembers" if nested else "members"
        rows = self._list(f"/v1.0/groups/{group}/{relation}/microsoft.graph.user", GraphUser, _COUNTED)
        return tuple(row.value() for row in rows)

    def count_left_out(self, group: str, *, nested: bool) -> dict[str, int]:
        """Return how many a read of the users of a group leaves out, by their kind, as far as that can be told.

        Unless `nested`, that is also each `group` in it, and the users BELOW. All is asked in one call, and of beta,
        which alone lists service principals (https://learn.microsoft.com/graph/api/group-list-members).
        """
        relation = "transitiveMembers" if nested else "members"
        lists = {kind: f"{relation}/microsoft.graph.{kind}" for kind in (*OTHERS, *(() if nested else ("group",)))}
        lists |= {} if nested else {BELOW: "transitiveMembers/microsoft.graph.user"}
        urls = [f"/groups/{group}/{path}?$count=true&$top=1&$select=id" for path in lists.values()]
        requests = [{"method": "GET", "url": url, "headers": _EVENTUAL} for url in urls]
        replies = {reply.id: reply for reply in _send_batch(self._http, requests, "beta")}
        counts = {kind: _read_count(kind, replies.get(place)) for place, kind in enumerate(lists)}
        return {kind: count for kind, count in counts.items() if count is not None}

    def read_applications(self, name: str) -> tuple[Application, ...]:
        """Return every application of this directory with a client id or a display name, in any case of its letters.

        https://learn.microsoft.com/graph/api/serviceprincipal-list
        """
        quoted = name.replace("'", "''")
        property = "appId" if _GUID.fullmatch(name) else "displayName"
        select = "id,displayName,appRoleAssignmentRequired"
        params = {"$select": select, "$filter": f"{property} eq '{quoted}'"}
        rows = self._list("/v1.0/servicePrincipals", GraphApplication, params)
        return tuple(row.value() for row in rows)

    def read_assigned(self, application: str) -> tuple[tuple[str, str], ...]:
        """Return who is assigned to an application: object ids and what they are, as `User` and `Group`.

        https://learn.microsoft.com/graph/api/serviceprincipal-list-approleassignedto
        """
        path = f"/v1.0/servicePrincipals/{application}/appRoleAssignedTo"
        rows = self._list(path, GraphRoleAssignment, {"$select": "id,principalId,principalType"})
        return tuple((row.principal_id, row.principal_type) for row in rows)

    def read_rule(self, group: str) -> GraphRule.Status | None:
        """Return how the rule of a dynamic group was processed last; None for one that is not processed.

        https://learn.microsoft.com/graph/api/resources/membershipruleprocessingstatus (beta only)
        """
        path = f"/beta/groups/{group}"
        body = self._read(path, {"$select": "membershipRuleProcessingStatus"})
        return parse_body(SERVICE, "GET", path, body, GraphRule).membership_rule_processing_status

    def has_group(self, group: str) -> bool:
        """Tell whether a group exists (https://learn.microsoft.com/graph/api/group-get)."""
        try:
            self.read_group(group)
        except NotFound:
            return False
        return True

    def read_batch(self, urls: Sequence[str]) -> tuple[GraphReply, ...]:
        """Return the replies to up to 20 GETs of one $batch, in the order they came."""
        return _send_batch(self._http, [{"method": "GET", "url": url} for url in urls])

    def _list(self, path: str, shape: type[T], params: Mapping[str, str], pages: int = 0) -> list[T]:
        items: list[T] = []
        query: Mapping[str, str] = {**params, "$top": str(PAGE)}
        seen: list[Mapping[str, str]] = []
        total = None
        while True:
            body = self._read(path, query)
            if not isinstance(body, Mapping) or not isinstance(body.get("value"), list):
                raise NoEvidence(SERVICE, "GET", path, "a page without value")
            if shape is GraphUser:
                _refuse_concealed(self._flow.caller, path, body["value"])
            items += parse_body(SERVICE, "GET", path, body["value"], list[shape])  # type: ignore[valid-type]
            total = body.get("@odata.count", total)
            link = parse_body(SERVICE, "GET", path, body.get("@odata.nextLink") or "", str)
            seen.append(query)
            if not link or len(seen) == pages:
                break
            query = dict(httpx.URL(link).params)
            if query in seen:
                raise NoEvidence(SERVICE, "GET", path, "a link came twice, so the list may be short")
        # An item that comes twice stands where another one is missing.
        count = len({item.id for item in items})
        if isinstance(total, int) and total > count:
            raise NoEvidence(SERVICE, "GET", path, f"{count} of {total} items came, so the list is short")
        return items

    def _read(self, path: str, params: Mapping[str, str]) -> Any:
        headers = _EVENTUAL if "$count" in params else {}
        request = self._http.build_request("GET", path, params=params, headers=headers)
        try:
            return send(SERVICE, self._http, request)
        except Unauthorized as error:
            raise CredentialsError(self._flow.proof, f"the directory refused the token: {error.reason}") from error

    @contextmanager
    def _needing(self, permission: str) -> Iterator[None]:
        """Name the permission without which a run cannot go on."""
        try:
            yield
        except Forbidden as error:
            reason = f"{error.path} is forbidden to this client; grant it the application permission {permission}"
            raise CredentialsError(self._flow.caller, reason) from error


def _refuse_concealed(caller: str, path: str, people: Sequence[Any]) -> None:
    """Raise CredentialsError for people without their properties: all that Graph shows to who may not read users.

    https://learn.microsoft.com/graph/permissions-overview (limited information for inaccessible member objects)
    """
    for name in ("userPrincipalName", "accountEnabled"):
        if any(isinstance(person, Mapping) and person.get(name, "") is None for person in people):
            reason = f"{path} shows this client people without their {name}"
            raise CredentialsError(caller, f"{reason}; grant it the application permission User.Read.All")


def _read_count(kind: str, reply: GraphReply | None) -> int | None:
    """Return the number in the reply to a count; None where it tells none.

    A type that a group of its kind cannot hold is refused by Graph, so none are in it.
    """
    if reply is not None and reply.status == httpx.codes.BAD_REQUEST and kind in OTHERS:
        return 0
    body = reply.body if reply is not None and reply.status == httpx.codes.OK else None
    count = body.get("@odata.count") if isinstance(body, Mapping) else None
    return count if isinstance(count, int) else None


class GraphWriter:
    """The writes of group members, 20 requests a call."""

    def __init__(self, http: httpx.Client, url: str) -> None:
        self._http = http
        self._url = url

    def bind(self, group: str, members: Sequence[str]) -> dict[str, Any]:
        """Return the request that adds up to 20 members, all of them or none."""
        body = {"members@odata.bind": [self._reference(member) for member in members]}
        return {"method": "PATCH", "url": f"/groups/{group}", "body": body}

    def add(self, group: str, member: str) -> dict[str, Any]:
        """Return the request that adds one member."""
        return {
            "method": "POST",
            "url": f"/groups/{group}/members/$ref",
            "body": {"@odata.id": self._reference(member)},
        }

    def remove(self, group: str, member: str) -> dict[str, Any]:
        """Return the request that removes one member."""
        return {"method": "DELETE", "url": f"/groups/{group}/members/{member}/$ref"}

    def send(self, requests: Sequence[Mapping[str, Any]]) -> dict[int, GraphReply]:
        """Return the reply to each of up to 20 requests, by its place; a missing one has none."""
        headers = {"Content-Type": "application/json"}
        replies = _send_batch(self._http, [{"headers": headers, **request} for request in requests])
        return {reply.id: reply for reply in replies}

    def _reference(self, member: str) -> str:
        return f"{self._url}/v1.0/directoryObjects/{member}"


def _send_batch(
    http: httpx.Client, requests: Sequence[Mapping[str, Any]], version: str = "v1.0"
) -> tuple[GraphReply, ...]:
    numbered, path = [{"id": str(number), **request} for number, request in enumerate(requests)], f"/{version}/$batch"
    request = http.build_request("POST", path, json={"requests": numbered})
    return parse_body(SERVICE, "POST", path, send(SERVICE, http, request), GraphBatch).responses
