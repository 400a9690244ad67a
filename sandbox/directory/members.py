"""Members and owners of groups: single references added and removed."""

from starlette.requests import Request
from starlette.responses import Response

from sandbox.answers import sandbox_of
from sandbox.directory.access import WRITE_MEMBERS, require
from sandbox.directory.entities import Reference, read_reference
from sandbox.directory.groups import require_group
from sandbox.directory.links import add_links, remove_link
from sandbox.routing import endpoint


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


async def _add(request: Request, relation: str) -> Response:
    require(request, WRITE_MEMBERS)
    row = require_group(request)
    add_links(sandbox_of(request), relation, row["id"], [await read_reference(request)])
    return Response(status_code=204)


def _remove(request: Request, relation: str) -> Response:
    require(request, WRITE_MEMBERS)
    row, member = require_group(request), request.path_params["member"]
    remove_link(sandbox_of(request), relation, row["id"], member.lower())
    return Response(status_code=204)


_GROUP = "/groups/{id}"

ROUTES = [
    endpoint("POST", f"{_GROUP}/members/$ref", add_member, body=Reference, status=204),
    endpoint("DELETE", f"{_GROUP}/members/{{member}}/$ref", remove_member, status=204),
    endpoint("POST", f"{_GROUP}/owners/$ref", add_owner, body=Reference, status=204),
    endpoint("DELETE", f"{_GROUP}/owners/{{member}}/$ref", remove_owner, status=204),
]
