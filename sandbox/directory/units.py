"""Administrative units: which groups, users and devices they hold (entra.md 3.1)."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.directory.access import CREATE_GROUPS, READ_UNITS, WRITE_UNITS, require
from sandbox.directory.entities import Reference, read_reference
from sandbox.directory.groups import GroupProperties, make_group
from sandbox.directory.links import add_links, remove_link
from sandbox.directory.objects import require_document
from sandbox.directory.properties import columns_of
from sandbox.directory.queries import (
    ITEM_OPTIONS,
    LIST_OPTIONS,
    answer_list,
    context,
    filtered,
    read_select,
    refuse_unknown_options,
)
from sandbox.directory.relations import answer_related
from sandbox.directory.shapes import UNIT_PROPERTIES, body_of, show_member, show_other
from sandbox.directory.sources import direct_listing
from sandbox.documents import listing_of
from sandbox.routing import endpoint

_COLLECTION, _KIND = "administrativeUnits", "administrativeUnit"
_UNITS = listing_of(_COLLECTION)
_COLUMNS = columns_of("documents", ("displayName", "description"), {"id": "documents.id"})


async def list_units(request: Request) -> Response:
    """Return one page of administrative units."""
    require(request, READ_UNITS)
    refuse_unknown_options(request)
    names = read_select(request, UNIT_PROPERTIES)
    listing = filtered(request, _UNITS, _COLUMNS)
    return answer_list(request, listing, "administrativeUnits", lambda row: show_other(_KIND, body_of(row), names))


async def get_unit(request: Request) -> JSONResponse:
    """Return one administrative unit."""
    require(request, READ_UNITS)
    refuse_unknown_options(request)
    names = read_select(request, UNIT_PROPERTIES)
    unit = require_document(request, _COLLECTION)
    return JSONResponse(context(request, "administrativeUnits/$entity") | show_other(_KIND, unit, names))


async def list_unit_members(request: Request) -> Response:
    """Return one page of what an administrative unit holds."""
    caller = require(request, READ_UNITS)
    return answer_related(request, direct_listing("members", require_document(request, _COLLECTION)["id"]), caller)


async def create_unit_group(request: Request) -> JSONResponse:
    """Return a new group, which the unit holds from the beginning."""
    require(request, WRITE_UNITS)
    caller, unit = require(request, CREATE_GROUPS), require_document(request, _COLLECTION)
    group = await make_group(request, caller)
    add_links(sandbox_of(request), "members", unit["id"], [group["id"]])
    # azuread reads the answer as any directory object, and needs to be told which.
    shown = show_member("group", group, None, shows_people=caller.reads_users)
    return JSONResponse(context(request, "directoryObjects/$entity") | shown, status_code=201)


async def add_unit_member(request: Request) -> Response:
    """Let a unit hold one more object."""
    require(request, WRITE_UNITS)
    unit = require_document(request, _COLLECTION)
    add_links(sandbox_of(request), "members", unit["id"], [await read_reference(request)])
    return Response(status_code=204)


async def remove_unit_member(request: Request) -> Response:
    """Let a unit no longer hold an object, or answer 404 when it did not."""
    require(request, WRITE_UNITS)
    unit, member = require_document(request, _COLLECTION), request.path_params["member"]
    remove_link(sandbox_of(request), "members", unit["id"], member.lower())
    return Response(status_code=204)


_UNIT = "/directory/administrativeUnits/{id}"

ROUTES = [
    endpoint("GET", "/directory/administrativeUnits", list_units, query=LIST_OPTIONS),
    endpoint("GET", _UNIT, get_unit, query=ITEM_OPTIONS),
    endpoint("GET", f"{_UNIT}/members", list_unit_members, query=LIST_OPTIONS),
    endpoint("POST", f"{_UNIT}/members", create_unit_group, body=GroupProperties, status=201),
    endpoint("POST", f"{_UNIT}/members/$ref", add_unit_member, body=Reference, status=204),
    endpoint("DELETE", f"{_UNIT}/members/{{member}}/$ref", remove_unit_member, status=204),
]
