"""What belongs to an OAuth client: its secrets, and how the tenant trusts it (qlik-api.md 8)."""

import secrets
from typing import Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.bodies import read_body
from sandbox.routing import endpoint
from sandbox.tenant.access import require_admin
from sandbox.tenant.clients import MAX_SECRETS, drop_secret, put_client, secrets_of
from sandbox.tenant.errors import clients_refusal
from sandbox.tenant.events import OAUTH, publish
from sandbox.tenant.oauth_clients import PATH, find_own


class _ConsentChange(BaseModel):
    """The only change of how a client is trusted."""

    op: Literal["replace"]
    path: Literal["/consentMethod"]
    value: Literal["required", "trusted"]


ConsentChanges = list[_ConsentChange]


async def create_secret(request: Request) -> JSONResponse:
    """Return a further secret, which is shown this once; there are at most five."""
    caller = require_admin(request, clients_refusal)
    sandbox, client = sandbox_of(request), find_own(request)
    known = secrets_of(client)
    if len(known) >= MAX_SECRETS:
        raise clients_refusal(409, f"The client has {MAX_SECRETS} secrets")
    hints, secret = {found["hint"] for found in known}, secrets.token_hex(32)
    while secret[:5] in hints:
        secret = secrets.token_hex(32)
    kept = {"secret": secret, "createdAt": sandbox.clock.stamp(), "createdBy": caller.user_id}
    client["secrets"].append(kept)
    put_client(sandbox, client)
    hint = secrets_of(client)[-1]["hint"]
    told = {"clientId": client["id"], "hint": hint}
    publish(sandbox, "com.qlik.v1.oauth-client.secret.created", OAUTH, told, by=caller.user_id)
    return JSONResponse(
        {
            "clientId": client["id"],
            "clientSecret": secret,
            "hint": hint,
            "createdAt": kept["createdAt"],
            "createdBy": caller.user_id,
        },
        status_code=201,
    )


async def delete_secret(request: Request) -> Response:
    """Return 204 after the secret with the hint is gone."""
    caller = require_admin(request, clients_refusal)
    sandbox, client, hint = sandbox_of(request), find_own(request), request.path_params["hint"]
    if not drop_secret(client, hint):
        raise clients_refusal(404, "Not found")
    put_client(sandbox, client)
    told = {"clientId": client["id"], "hint": hint}
    publish(sandbox, "com.qlik.v1.oauth-client.secret.deleted", OAUTH, told, by=caller.user_id)
    return Response(status_code=204)


async def get_connection(request: Request) -> JSONResponse:
    """Return how the tenant trusts the client."""
    require_admin(request, clients_refusal)
    return JSONResponse({"consentMethod": find_own(request)["consentMethod"], "status": "active"})


async def update_connection(request: Request) -> Response:
    """Return 204 after the consent method was replaced."""
    caller = require_admin(request, clients_refusal)
    sandbox, client = sandbox_of(request), find_own(request)
    changes: ConsentChanges = await read_body(request, ConsentChanges, clients_refusal)
    for change in changes:
        client["consentMethod"] = change.value
    put_client(sandbox, client)
    told = {"clientId": client["id"], "consentMethod": client["consentMethod"]}
    publish(sandbox, "com.qlik.v1.oauth-client.connection-config.updated", OAUTH, told, by=caller.user_id)
    return Response(status_code=204)


async def delete_connection(request: Request) -> Response:
    """Return 204 after the tenant trusts the client no more than any other."""
    caller = require_admin(request, clients_refusal)
    sandbox, client = sandbox_of(request), find_own(request)
    client["consentMethod"] = "required"
    put_client(sandbox, client)
    told = {"clientId": client["id"], "consentMethod": "required"}
    publish(sandbox, "com.qlik.v1.oauth-client.connection-config.deleted", OAUTH, told, by=caller.user_id)
    return Response(status_code=204)


ROUTES = [
    endpoint("POST", f"{PATH}/{{id}}/client-secrets", create_secret, status=201),
    endpoint("DELETE", f"{PATH}/{{id}}/client-secrets/{{hint}}", delete_secret, status=204),
    endpoint("GET", f"{PATH}/{{id}}/connection-configs/me", get_connection),
    endpoint("PATCH", f"{PATH}/{{id}}/connection-configs/me", update_connection, body=ConsentChanges, status=204),
    endpoint("DELETE", f"{PATH}/{{id}}/connection-configs/me", delete_connection, status=204),
]
