"""Owners of applications and of service principals."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from sandbox.answers import sandbox_of
from sandbox.directory.access import (
    OWNED_APPLICATIONS,
    READ_APPLICATIONS,
    WRITE_APPLICATIONS,
    require,
    require_owned,
)
from sandbox.directory.entities import Reference, read_reference
from sandbox.directory.links import add_links, remove_link
from sandbox.directory.objects import require_document
from sandbox.directory.queries import LIST_OPTIONS
from sandbox.directory.relations import answer_related
from sandbox.directory.sources import direct_listing
from sandbox.routing import Endpoint, endpoint

Handler = Callable[[Request], Awaitable[Response]]


def owner_endpoints(collection: str) -> list[Endpoint]:
    """Return the endpoints of the owners of a collection's objects."""
    path = f"/{collection}/{{id}}/owners"
    return [
        endpoint("GET", path, _lister(collection), query=LIST_OPTIONS),
        endpoint("POST", f"{path}/$ref", _adder(collection), body=Reference, status=204),
        endpoint("DELETE", f"{path}/{{owner}}/$ref", _remover(collection), status=204),
    ]


def _lister(collection: str) -> Handler:
    async def list_owners(request: Request) -> Response:
        """Return one page of the owners."""
        caller = require(request, READ_APPLICATIONS)
        listing = direct_listing("owners", require_document(request, collection)["id"])
        return answer_related(request, listing, caller)

    return list_owners


def _adder(collection: str) -> Handler:
    async def add_owner(request: Request) -> Response:
        """Add one owner by reference."""
        require_owned(request, WRITE_APPLICATIONS, OWNED_APPLICATIONS, request.path_params["id"])
        owned = require_document(request, collection)
        add_links(sandbox_of(request), "owners", owned["id"], [await read_reference(request)])
        return Response(status_code=204)

    return add_owner


def _remover(collection: str) -> Handler:
    async def remove_owner(request: Request) -> Response:
        """Remove one owner, or answer 404 when it is none; the last one may go."""
        require_owned(request, WRITE_APPLICATIONS, OWNED_APPLICATIONS, request.path_params["id"])
        owned, owner = require_document(request, collection), request.path_params["owner"]
        remove_link(sandbox_of(request), "owners", owned["id"], owner.lower())
        return Response(status_code=204)

    return remove_owner


ROUTES = [*owner_endpoints("applications"), *owner_endpoints("servicePrincipals")]
