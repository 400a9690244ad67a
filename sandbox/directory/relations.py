"""Lists of related objects: members, owners and memberships, direct and transitive, whole and cast to one type."""

import re
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from sandbox.answers import sandbox_of
from sandbox.directory.access import READ_ANYTHING, READ_GROUPS, Caller, require
from sandbox.directory.errors import bad_request, not_found
from sandbox.directory.groups import GROUP_COLUMNS, require_group
from sandbox.directory.objects import require_document
from sandbox.directory.people import PERSON_COLUMNS, find_person
from sandbox.directory.properties import columns_of
from sandbox.directory.queries import (
    COUNT_OPTIONS,
    LIST_OPTIONS,
    answer_list,
    filtered,
    is_advanced,
    read_select,
    refuse_unknown_options,
    require_advanced,
)
from sandbox.directory.shapes import GROUP_PROPERTIES, USER_PROPERTIES, body_of, show_member
from sandbox.directory.sources import containing_listing, direct_listing, reached_listing, reaching_listing
from sandbox.paging import Listing
from sandbox.routing import Endpoint, endpoint

# The listing behind a request, cast to a type or whole.
Source = Callable[[Request, str], Listing]

KNOWN = USER_PROPERTIES | GROUP_PROPERTIES | {"appId", "servicePrincipalType"}

_PLAIN_FILTER = re.compile(r"\s*id\s+eq\s+'[^']*'\s*")
# Whatever an object is, these can be asked of it in an advanced query.
_ANY_COLUMNS = {
    "id": "link.id",
    "displayName": "coalesce(people.name_key, groups.name_key, fold(json_extract(things.body, '$.displayName')))",
    "description": "fold(json_extract(groups.body, '$.description'))",
    "mail": "coalesce(people.mail_key, fold(json_extract(groups.body, '$.mail')))",
    "userPrincipalName": "people.upn_key",
    "accountEnabled": "json_extract(people.body, '$.accountEnabled')",
}
_COLUMNS = {
    "": _ANY_COLUMNS,
    "microsoft.graph.user": PERSON_COLUMNS,
    "microsoft.graph.group": GROUP_COLUMNS,
    "microsoft.graph.servicePrincipal": columns_of(
        "things", ("displayName", "appId", "servicePrincipalType"), {"id": "things.id"}
    ),
    "microsoft.graph.device": columns_of("things", ("displayName", "accountEnabled"), {"id": "things.id"}),
    "microsoft.graph.orgContact": columns_of("things", ("displayName", "mail"), {"id": "things.id"}),
    "microsoft.graph.administrativeUnit": columns_of("things", ("displayName", "description"), {"id": "things.id"}),
}


def show_related(row: sqlite3.Row, names: list[str] | None, caller: Caller) -> dict[str, Any]:
    """Return a related object with its type, as far as this caller may see it."""
    return show_member(row["kind"], body_of(row), names, shows_people=caller.reads_users)


def answer_related(request: Request, listing: Listing, caller: Caller, cast: str = "") -> Response:
    """Return one page of related objects; `cast` is the type all of them have."""
    refuse_unknown_options(request)
    names = read_select(request, KNOWN)
    _refuse_plain(request, cast)
    listing = filtered(request, listing, _COLUMNS[cast])
    return answer_list(request, listing, "directoryObjects", lambda row: show_related(row, names, caller))


def _refuse_plain(request: Request, cast: str) -> None:
    """Raise 400 for what the relations of an object answer in advanced queries only."""
    if is_advanced(request):
        return
    # The count segment has an error of its own.
    if cast and "/transitive" in request.url.path and not request.url.path.endswith("/$count"):
        require_advanced(request, "cast")
    text = request.query_params.get("$filter", "")
    if text.strip() and (cast or not _PLAIN_FILTER.fullmatch(text)):
        message = "The specified filter to the reference property query is currently not supported."
        raise bad_request(message, "Request_UnsupportedQuery")
    if request.query_params.get("$orderby") and not request.query_params.get("$search"):
        raise bad_request("Sorting not supported for current query.", "Request_UnsupportedQuery")


def _members(request: Request, cast: str) -> Listing:
    """Return one page of the direct members of a group."""
    return direct_listing("members", require_group(request)["id"], cast)


def _owners(request: Request, cast: str) -> Listing:
    """Return one page of the owners of a group."""
    return direct_listing("owners", require_group(request)["id"], cast)


def _reached(request: Request, cast: str) -> Listing:
    """Return one page of the members of a group and of every group in it."""
    return reached_listing(require_group(request)["id"], cast)


def _containing(request: Request, cast: str) -> Listing:
    """Return one page of what has this object as a direct member."""
    return containing_listing(_object_id(request), cast)


def _reaching(request: Request, cast: str) -> Listing:
    """Return one page of what has this object as a member, be it through other groups."""
    return reaching_listing(_object_id(request), cast)


def _object_id(request: Request) -> str:
    """Return the id of the user, group or service principal of the path, or raise 404."""
    collection = request.url.path.split("/")[2]
    if collection == "users":
        row = find_person(sandbox_of(request), request.path_params["id"])
        if row is None:
            raise not_found(request.path_params["id"])
        return str(row["id"])
    if collection == "groups":
        return str(require_group(request)["id"])
    return str(require_document(request, "servicePrincipals")["id"])


def _handler(source: Source, cast: str) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of a list of related objects."""

    async def answer(request: Request) -> Response:
        of_group = request.url.path.split("/")[2] == "groups"
        caller = require(request, READ_GROUPS if of_group else READ_ANYTHING)
        return answer_related(request, source(request, cast), caller, cast)

    answer.__doc__ = source.__doc__
    return answer


def _endpoints(path: str, source: Source, casts: tuple[str, ...]) -> list[Endpoint]:
    """Return the endpoints of a relation: the list, its casts, and the size of each."""
    found = []
    for cast in ("", *(f"microsoft.graph.{cast}" for cast in casts)):
        place, handler = f"{path}/{cast}".rstrip("/"), _handler(source, cast)
        found.append(endpoint("GET", f"{place}/$count", handler, query=COUNT_OPTIONS))
        found.append(endpoint("GET", place, handler, query=LIST_OPTIONS))
    return found


_OBJECTS = ("user", "group", "servicePrincipal", "device", "orgContact")
_CONTAINERS = ("group", "administrativeUnit")

ROUTES = [
    *_endpoints("/groups/{id}/members", _members, _OBJECTS),
    *_endpoints("/groups/{id}/transitiveMembers", _reached, _OBJECTS),
    *_endpoints("/groups/{id}/owners", _owners, ("user", "servicePrincipal")),
    *(
        found
        for collection in ("groups", "users", "servicePrincipals")
        for name, source in (("memberOf", _containing), ("transitiveMemberOf", _reaching))
        for found in _endpoints(f"/{collection}/{{id}}/{name}", source, _CONTAINERS)
    ),
]
