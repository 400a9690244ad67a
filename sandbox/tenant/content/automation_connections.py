"""The accounts automations act with (qlik-api.md 9)."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.bodies import read_body
from sandbox.documents import Document, field_of, find_document
from sandbox.routing import endpoint
from sandbox.tenant.access import Caller, identify
from sandbox.tenant.content.automations import ADMIN, CREATOR, lists_all
from sandbox.tenant.content.bodies import NewUser
from sandbox.tenant.content.errors import automations_refusal
from sandbox.tenant.content.pages import NAME, TIMES, of_collection, one_cursor_links, read_page
from sandbox.tenant.content.places import put_content, seen_by, sees
from sandbox.tenant.filters import Attribute
from sandbox.tenant.listing import Collection
from sandbox.tenant.owners import accept_owner

BASES = ("/api/v1/automation-connections", "/api/workflows/automation-connections")

_CONNECTIONS = Collection(
    columns="*",
    source="documents",
    sorts=TIMES | {"id": "id", "name": NAME},
    attributes={
        "name": Attribute(f"{NAME} = ?", f"instr({NAME}, ?) > 0"),
        "connectorId": Attribute(f"fold({field_of('connectorId')}) = ?"),
        "ownerId": Attribute(f"fold({field_of('ownerId')}) = ?"),
        "spaceId": Attribute(f"fold({field_of('spaceId')}) = ?"),
    },
    refuse=automations_refusal,
    default_sort="id",
    default_limit=100,
    max_limit=200,
)


async def list_connections(request: Request) -> JSONResponse:
    """Return one page of connections: the caller's, or with `listAll` those of everybody, for administrators."""
    caller = identify(request, automations_refusal)
    visible = () if lists_all(request, caller) else seen_by(caller)
    listing = _CONNECTIONS.listing(request, of_collection("automationConnections"), *visible)
    page = read_page(request, _CONNECTIONS, listing, "cursor")
    return JSONResponse(
        {
            "data": [_show(json.loads(row["body"])) for row in page.rows],
            "links": one_cursor_links(request, page, "cursor"),
        }
    )


async def get_connection(request: Request) -> JSONResponse:
    """Return one connection; what it logs in with stays in the service."""
    caller = identify(request, automations_refusal)
    return JSONResponse(_show(_find(request, caller)) | {"params": []})


async def change_owner(request: Request) -> Response:
    """Return 204 after the connection belongs to somebody else."""
    caller = identify(request, automations_refusal)
    sandbox = sandbox_of(request)
    found = _find(request, caller)
    asked: NewUser = await read_body(request, NewUser, automations_refusal)
    if found["ownerId"] != caller.user_id and not caller.may(ADMIN):
        raise automations_refusal(403, "Forbidden")
    accept_owner(sandbox, asked.user_id, automations_refusal, (CREATOR,))
    changes = {"ownerId": asked.user_id, "updatedAt": sandbox.clock.stamp()}
    put_content(sandbox, "automationConnections", found | changes)
    return Response(status_code=204)


def _find(request: Request, caller: Caller) -> Document:
    sandbox = sandbox_of(request)
    found = find_document(sandbox, "automationConnections", request.path_params["id"])
    if found is None or not sees(sandbox, caller, found, ADMIN):
        raise automations_refusal(404, "Not found")
    return found


def _show(body: Document) -> dict[str, Any]:
    """Return a connection as the service writes it."""
    return {
        "id": body["id"],
        "name": body["name"],
        "connectorId": body["connectorId"],
        "isConnected": body["isConnected"],
        "ownerId": body["ownerId"],
        "spaceId": body["spaceId"],
        "createdAt": body["createdAt"],
        "updatedAt": body["updatedAt"],
    }


ROUTES = [
    route
    for base in BASES
    for route in (
        endpoint("GET", base, list_connections, query="cursor,filter,limit,listAll,sort"),
        endpoint("GET", f"{base}/{{id}}", get_connection),
        endpoint("POST", f"{base}/{{id}}/actions/change-owner", change_owner, body=NewUser, status=204),
    )
]
