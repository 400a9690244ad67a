"""Any object of the directory by its id."""

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import sandbox_of
from sandbox.directory.access import READ_ANYTHING, require
from sandbox.directory.errors import not_found
from sandbox.directory.objects import find_object
from sandbox.directory.queries import ITEM_OPTIONS, context
from sandbox.directory.shapes import show_member
from sandbox.routing import endpoint


async def get_object(request: Request) -> JSONResponse:
    """Return an object with its type, which azuread needs to sort owners."""
    caller = require(request, READ_ANYTHING)
    sandbox = sandbox_of(request)
    found = find_object(sandbox, request.path_params["id"])
    if found is None:
        raise not_found(request.path_params["id"])
    shown = show_member(found.kind, found.body, None, shows_people=caller.reads_users)
    return JSONResponse(context(request, "directoryObjects/$entity") | shown)


ROUTES = [endpoint("GET", "/directoryObjects/{id}", get_object, query=ITEM_OPTIONS)]
