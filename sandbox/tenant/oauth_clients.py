"""OAuth clients of the tenant: made, changed, published and deleted (qlik-api.md 8)."""

import json
import secrets
from typing import Any, Literal

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.documents import Document, without_nulls
from sandbox.paging import Clause
from sandbox.routing import endpoint
from sandbox.state import Sandbox
from sandbox.tenant.access import Caller, require_admin
from sandbox.tenant.client_sections import AppType, AuthMethod
from sandbox.tenant.clients import delete_client, find_client, name_of, put_client, secrets_of
from sandbox.tenant.errors import clients_refusal
from sandbox.tenant.events import OAUTH, publish
from sandbox.tenant.filters import Attribute
from sandbox.tenant.listing import Collection, identity_links

PATH = "/api/v1/oauth-clients"
_SOURCE = Clause("(SELECT rowid AS seq, id, body FROM clients WHERE service = 'qlik')")
_NAME = "fold(coalesce(json_extract(body, '$.name'), id))"
_APP_TYPE = "json_extract(body, '$.appType')"
_GRANT_TYPES = Literal["client_credentials", "urn:qlik:oauth:user-impersonation"]

_CLIENTS = Collection(
    columns="*",
    source="",
    sorts={
        "": "seq",
        "clientId": "id",
        "clientName": _NAME,
        "appType": _APP_TYPE,
        "tenantId": "seq",  # all are of one tenant
        "createdAt": "json_extract(body, '$.createdAt')",
        "updatedAt": "json_extract(body, '$.updatedAt')",
    },
    attributes={
        "clientId": Attribute("fold(id) = ?"),
        "clientName": Attribute(f"{_NAME} = ?", f"instr({_NAME}, ?) > 0"),
        "appType": Attribute(f"{_APP_TYPE} = ?"),
        "tenantId": Attribute("fold((SELECT json_extract(value, '$.id') FROM settings WHERE name = 'tenant')) = ?"),
        "createdByType": Attribute("'user' = ?"),
    },
    refuse=clients_refusal,
    default_sort="",
    tie="seq",
)
# How a world names what the service names otherwise.
_KEPT_AS = {"clientName": "name", "allowedScopes": "scopes"}
_SHOWN = (
    "appType", "description", "clientUri", "logoUri", "jwksUri", "redirectUris", "allowedOrigins", "allowedScopes",
    "allowedGrantTypes", "allowedAuthMethods", "publicKeys", "createdAt", "updatedAt", "publishedAt",
)  # fmt: skip
_PATCHED = {
    "/allowedOrigins": list, "/clientName": str, "/clientUri": str, "/description": str, "/logoUri": str,
    "/redirectUris": list, "/allowedScopes": list, "/allowedGrantTypes": list, "/publicKeys": list,
    "/allowedAuthMethods": list, "/jwksUri": str,
}  # fmt: skip


class _Connection(Body):
    """How the tenant trusts a client."""

    consent_method: Literal["trusted"] | None = Field(default=None, alias="consentMethod")


class NewClient(Body):
    """A client to create."""

    client_name: str = Field(alias="clientName", min_length=1)
    app_type: AppType = Field(alias="appType")
    description: str | None = None
    client_uri: str | None = Field(default=None, alias="clientUri")
    logo_uri: str | None = Field(default=None, alias="logoUri")
    jwks_uri: str | None = Field(default=None, alias="jwksUri")
    redirect_uris: list[str] = Field(default=[], alias="redirectUris")
    allowed_origins: list[str] = Field(default=[], alias="allowedOrigins")
    allowed_scopes: list[str] = Field(default=[], alias="allowedScopes")
    allowed_grant_types: list[_GRANT_TYPES] = Field(default=[], alias="allowedGrantTypes")
    allowed_auth_methods: list[AuthMethod] = Field(default=["client_secret"], alias="allowedAuthMethods")
    public_keys: list[dict[str, Any]] = Field(default=[], alias="publicKeys")
    connection_config: _Connection | None = Field(default=None, alias="connectionConfig")


class _ClientChange(BaseModel):
    """One change of a client."""

    op: Literal["add", "remove", "replace"]
    path: Literal[tuple(_PATCHED)]  # type: ignore[valid-type]  # the paths stand once, with what goes into them
    value: Any = None


ClientChanges = list[_ClientChange]


async def list_clients(request: Request) -> JSONResponse:
    """Return one page of clients, the oldest first unless sorted."""
    require_admin(request, clients_refusal)
    listing = _CLIENTS.listing(request, source=_SOURCE)
    page = _CLIENTS.read(request, listing)
    data = [_list_item(json.loads(row["body"])) for row in page.rows]
    body: dict[str, Any] = {"data": data, "links": identity_links(request, page)}
    if request.query_params.get("totalResults") == "true":
        body["totalResults"] = listing.count(sandbox_of(request).db)
    return JSONResponse(body)


async def get_client(request: Request) -> JSONResponse:
    """Return one client with the hints of its secrets."""
    require_admin(request, clients_refusal)
    return JSONResponse(show_client(find_own(request)))


async def create_client(request: Request) -> JSONResponse:
    """Return the new client with its secret, which is shown this once."""
    caller = require_admin(request, clients_refusal)
    sandbox = sandbox_of(request)
    body: NewClient = await read_body(request, NewClient, clients_refusal)
    if body.allowed_grant_types and body.app_type != "web":
        raise clients_refusal(400, "allowedGrantTypes: only for appType web")
    if body.allowed_origins and body.app_type not in {"spa", "anonymous-embed"}:
        raise clients_refusal(400, "allowedOrigins: only for appType spa")
    if "private_key_jwt" in body.allowed_auth_methods and not (body.public_keys or body.jwks_uri):
        raise clients_refusal(400, "publicKeys: missing")
    now = sandbox.clock.stamp()
    given = body.model_dump(by_alias=True, exclude_none=True, exclude={"connection_config"})
    is_trusted = body.connection_config is not None and body.connection_config.consent_method == "trusted"
    secret = secrets.token_hex(32) if body.app_type == "web" and "client_secret" in body.allowed_auth_methods else ""
    client = {
        "id": secrets.token_hex(16),
        "secret": secret,
        "secrets": [],
        **{_KEPT_AS.get(name, name): value for name, value in given.items()},
        "consentMethod": "trusted" if is_trusted else "required",
        "createdAt": now,
        "updatedAt": now,
        "createdBy": caller.user_id,
    }
    put_client(sandbox, client)
    tell_client(sandbox, "created", client, caller)
    shown = show_client(client)
    return JSONResponse(shown | {"clientSecret": secret} if secret else shown, status_code=201)


async def update_client(request: Request) -> Response:
    """Return 204, or 202 with a new secret where the change calls for one."""
    caller = require_admin(request, clients_refusal)
    sandbox, client = sandbox_of(request), find_own(request)
    changes: ClientChanges = await read_body(request, ClientChanges, clients_refusal)
    for change in changes:
        _change(client, change)
    secret = ""
    if "client_secret" in client["allowedAuthMethods"] and client["appType"] == "web" and not secrets_of(client):
        secret = client["secret"] = secrets.token_hex(32)
    client["updatedAt"] = sandbox.clock.stamp()
    put_client(sandbox, client)
    tell_client(sandbox, "updated", client, caller)
    return JSONResponse({"clientSecret": secret}, status_code=202) if secret else Response(status_code=204)


async def remove_client(request: Request) -> Response:
    """Return 204 after the client and its tokens are gone."""
    caller = require_admin(request, clients_refusal)
    client = find_own(request)
    delete_client(sandbox_of(request), client["id"])
    tell_client(sandbox_of(request), "deleted", client, caller)
    return Response(status_code=204)


async def publish_client(request: Request) -> JSONResponse:
    """Return since when the client is there for other tenants of the region."""
    caller = require_admin(request, clients_refusal)
    sandbox, client = sandbox_of(request), find_own(request)
    if "publishedAt" in client:
        raise clients_refusal(400, "The client is published")
    client["publishedAt"] = sandbox.clock.stamp()
    put_client(sandbox, client)
    tell_client(sandbox, "published", client, caller)
    return JSONResponse({"publishedAt": client["publishedAt"]}, status_code=201)


def find_own(request: Request) -> Document:
    """Return the client of the path, or raise 404."""
    client = find_client(sandbox_of(request), request.path_params["id"])
    if client is None:
        raise clients_refusal(404, "Not found")
    return client


def show_client(client: Document) -> dict[str, Any]:
    """Return a client as an administrator sees it; of its secrets only the hints."""
    hints = [
        {"hint": secret["hint"], "createdAt": secret["createdAt"], "createdBy": secret["createdBy"]}
        for secret in secrets_of(client)
    ]
    shown = {name: client.get(_KEPT_AS.get(name, name)) for name in _SHOWN}
    return {
        "clientId": client["id"],
        "clientName": name_of(client),
        **without_nulls(shown),
        "clientSecrets": hints,
        "createdByType": "user",
    }


def tell_client(sandbox: Sandbox, what: str, client: Document, caller: Caller) -> None:
    """Publish what became of a client."""
    tenant = sandbox.setting("tenant")["id"]
    data = {
        "appType": client["appType"],
        "clientId": client["id"],
        "clientName": name_of(client),
        "createdAt": client["createdAt"],
        "createdById": client.get("createdBy", ""),
        "createdByType": "user",
        "ownerId": tenant,
        "ownerType": "tenant",
        "tenantId": tenant,
    }
    publish(sandbox, f"com.qlik.v1.oauth-client.{what}", OAUTH, data, by=caller.user_id)


def _list_item(client: Document) -> dict[str, Any]:
    config = {"consentMethod": client["consentMethod"], "status": "active"}
    return show_client(client) | {"connectionConfig": config}


def _change(client: Document, change: _ClientChange) -> None:
    """Change one member, or raise 400 for a value that does not fit; a list is added to or replaced."""
    name = change.path.removeprefix("/")
    kind, place = _PATCHED[change.path], _KEPT_AS.get(name, name)
    if change.op == "remove":
        if name == "clientName":
            raise clients_refusal(400, "clientName: cannot be removed")
        if kind is list:
            client[place] = []
        else:
            client.pop(place, None)
        return
    if not isinstance(change.value, kind) or (kind is list and not _is_list(name, change.value)):
        raise clients_refusal(400, f"{name}: {change.value!r} does not fit")
    client[place] = [*client[place], *change.value] if change.op == "add" and kind is list else change.value


def _is_list(name: str, value: list[Any]) -> bool:
    """Say whether a list holds what the member takes: keys, or words that are known, or any words."""
    if name == "publicKeys":
        return all(isinstance(item, dict) for item in value)
    known = {
        "allowedAuthMethods": {"client_secret", "private_key_jwt"},
        "allowedGrantTypes": {"client_credentials", "urn:qlik:oauth:user-impersonation"},
    }.get(name)
    return all(isinstance(item, str) and (known is None or item in known) for item in value)


ROUTES = [
    endpoint("GET", PATH, list_clients, query="filter,limit,next,prev,sort,totalResults"),
    endpoint("POST", PATH, create_client, body=NewClient, status=201),
    endpoint("GET", f"{PATH}/{{id}}", get_client),
    endpoint("PATCH", f"{PATH}/{{id}}", update_client, body=ClientChanges, status=204),
    endpoint("DELETE", f"{PATH}/{{id}}", remove_client, status=204),
    endpoint("POST", f"{PATH}/{{id}}/actions/publish", publish_client, status=201),
]
