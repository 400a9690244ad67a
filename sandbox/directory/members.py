"""Members and owners of groups: lists, transitive lists and single references."""

import sqlite3
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.directory.access import READ_GROUPS, WRITE_MEMBERS, Caller, require
from sandbox.directory.groups import read_body, require_group
from sandbox.directory.links import add_links, read_references, remove_link
from sandbox.directory.people import PERSON_COLUMNS
from sandbox.directory.queries import answer_list, filtered, read_select, refuse_unknown_options
from sandbox.directory.shapes import GROUP_PROPERTIES, USER_PROPERTIES, body_of, show_member
from sandbox.paging import Clause, Listing, Order

_KNOWN = USER_PROPERTIES | GROUP_PROPERTIES
_ANY_COLUMNS = {"id": "link.object_id"}

# A member is a person, a group or a service principal; the join finds which.
_KIND = (
    "CASE WHEN people.id IS NOT NULL THEN 'user' WHEN groups.id IS NOT NULL THEN 'group'"
    " ELSE 'servicePrincipal' END AS kind, coalesce(people.body, groups.body, clients.body) AS body"
)
_JOINS = (
    " LEFT JOIN people ON people.id = link.object_id LEFT JOIN groups ON groups.id = link.object_id"
    " LEFT JOIN clients ON clients.service = 'graph' AND json_extract(clients.body, '$.oid') = link.object_id"
)
_DIRECT = Listing(_KIND, Clause(f"links AS link {_JOINS}"), Order("link.seq", "link.seq"))
_REACHED = (
    "(WITH RECURSIVE reached (object_id) AS ("
    "SELECT object_id FROM links WHERE relation = 'members' AND group_id = ?"
    " UNION SELECT links.object_id FROM links JOIN reached ON links.group_id = reached.object_id"
    " WHERE links.relation = 'members') SELECT object_id FROM reached) AS link"
)
_CONTAINING = Listing(
    "'group' AS kind, groups.body AS body",
    Clause("links AS link JOIN groups ON groups.id = link.group_id"),
    Order("link.seq", "link.seq"),
    (Clause("link.relation = 'members'"),),
)
_ONLY_PEOPLE = Clause("people.id IS NOT NULL")


async def list_members(request: Request) -> JSONResponse:
    """Return one page of the direct members."""
    return _answer(request, _direct(request, "members"))


async def list_member_users(request: Request) -> JSONResponse:
    """Return one page of the direct members that are users."""
    return _answer(request, _direct(request, "members").where(_ONLY_PEOPLE))


async def list_owners(request: Request) -> JSONResponse:
    """Return one page of the owners."""
    return _answer(request, _direct(request, "owners"))


async def list_transitive_members(request: Request) -> JSONResponse:
    """Return one page of the members of the group and of every group in it."""
    return _answer(request, _transitive(request))


async def list_transitive_member_users(request: Request) -> JSONResponse:
    """Return one page of the users among the transitive members."""
    return _answer(request, _transitive(request).where(_ONLY_PEOPLE))


async def list_containing_groups(request: Request) -> JSONResponse:
    """Return one page of the groups that have this group as a member."""
    row = require_group(request)
    return _answer(request, _CONTAINING.where(Clause("link.object_id = ?", (row["id"],))))


async def add_member(request: Request) -> Response:
    """Add one member by reference."""
    return await _add(request, "members")


async def add_owner(request: Request) -> Response:
    """Add one owner by reference."""
    return await _add(request, "owners")


async def remove_member(request: Request) -> Response:
    """Remove one member, or answer 404 when it is none."""
    return _remove(request, "members")


async def remove_owner(request: Request) -> Response:
    """Remove one owner, or answer 404 when it is none."""
    return _remove(request, "owners")


def _direct(request: Request, relation: str) -> Listing:
    row = require_group(request)
    return _DIRECT.where(Clause("link.relation = ? AND link.group_id = ?", (relation, row["id"])))


def _transitive(request: Request) -> Listing:
    source = Clause(_REACHED + _JOINS, (require_group(request)["id"],))
    return Listing(_KIND, source, Order("link.object_id", "link.object_id"))


def _answer(request: Request, listing: Listing) -> JSONResponse:
    caller = require(request, READ_GROUPS)
    refuse_unknown_options(request)
    names = read_select(request, _KNOWN)
    listing = filtered(request, listing, _ANY_COLUMNS | _people_columns(listing))
    return answer_list(request, listing, "directoryObjects", lambda row: _show(row, names, caller))


def _people_columns(listing: Listing) -> dict[str, str]:
    """Return the columns of people where a cast to users makes their properties filterable."""
    return PERSON_COLUMNS if _ONLY_PEOPLE in listing.conditions else {}


def _show(row: sqlite3.Row, names: list[str] | None, caller: Caller) -> dict[str, Any]:
    return show_member(row["kind"], body_of(row), names, shows_people=caller.reads_users)


async def _add(request: Request, relation: str) -> Response:
    require(request, WRITE_MEMBERS)
    row, body = require_group(request), await read_body(request)
    ids = read_references(relation, [body.get("@odata.id")])
    add_links(sandbox_of(request), relation, row["id"], ids)
    return Response(status_code=204)


def _remove(request: Request, relation: str) -> Response:
    require(request, WRITE_MEMBERS)
    row, member = require_group(request), request.path_params["member"]
    remove_link(sandbox_of(request), relation, row["id"], member.lower())
    return Response(status_code=204)
