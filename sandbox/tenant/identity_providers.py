"""Identity providers of the tenant (qlik-api.md 7.4)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import base_url, sandbox_of
from sandbox.bodies import read_body
from sandbox.documents import (
    Document,
    delete_document,
    field_of,
    find_document,
    list_documents,
    put_document,
    source_of,
    without_nulls,
)
from sandbox.ids import new_tenant_id
from sandbox.paging import Clause
from sandbox.routing import endpoint
from sandbox.state import Sandbox
from sandbox.tenant.access import Caller, identify, require_admin
from sandbox.tenant.errors import providers_refusal
from sandbox.tenant.events import publish
from sandbox.tenant.listing import Collection, identity_links
from sandbox.tenant.provider_bodies import PATHS, PROMOTE, NewJwt, NewOidc, NewProvider, NewSaml, ProviderChanges

PATH = "/api/v1/identity-providers"
PROVIDERS = "identityProviders"
_SOURCE = "com.qlik/identity-providers"
_SECRETS = ("clientSecret", "decryptingKey")

_LISTED = Collection(
    columns="*",
    source="",
    sorts={"": "seq"},
    attributes={},
    refuse=providers_refusal,
    default_sort="",
    tie="seq",
)


async def list_providers(request: Request) -> JSONResponse:
    """Return one page of providers, the oldest first."""
    require_admin(request, providers_refusal)
    active = request.query_params.get("active")
    conditions = [Clause(f"{field_of('active')} = ?", (active == "true",))] if active else []
    listing = _LISTED.listing(request, *conditions, source=source_of(PROVIDERS))
    page = _LISTED.read(request, listing)
    data = [_show(_find(sandbox_of(request), row["id"])) for row in page.rows]
    return JSONResponse({"data": data, "links": identity_links(request, page)})


async def get_provider(request: Request) -> JSONResponse:
    """Return one provider."""
    require_admin(request, providers_refusal)
    return JSONResponse(_show(_find(sandbox_of(request), request.path_params["id"])))


async def get_status(request: Request) -> JSONResponse:
    """Return how many providers people can log in with."""
    require_admin(request, providers_refusal)
    providers = list_documents(sandbox_of(request), PROVIDERS)
    count = sum(provider["active"] and provider["interactive"] for provider in providers)
    told = [{name: provider[name] for name in ("active", "interactive", "provider")} for provider in providers]
    return JSONResponse({"active_interactive_idps_count": count, "idps_metadata": told})


async def get_own_meta(request: Request) -> JSONResponse:
    """Return the links of the default provider, which are none beside one of the tenant's own."""
    identify(request, providers_refusal)
    if _interactive(sandbox_of(request)):
        return JSONResponse({})
    base = base_url(request)
    return JSONResponse({"upgradeSubscriptionLink": f"{base}/subscription", "userPortalLink": f"{base}/profile"})


async def get_metadata(request: Request) -> JSONResponse:
    """Return what everybody may know of logging in to the tenant."""
    base = base_url(request)
    return JSONResponse(
        {
            "issuer": base,
            "authorization_endpoint": f"{base}/oauth/authorize",
            "token_endpoint": f"{base}/oauth/token",
            "jwks_uri": f"{base}/oauth/jwks",
        }
    )


async def create_provider(request: Request) -> JSONResponse:
    """Return the new provider: live by its options, or pending until somebody has tried it."""
    caller = require_admin(request, providers_refusal)
    sandbox = sandbox_of(request)
    body: NewOidc | NewSaml | NewJwt = await read_body(request, NewProvider, providers_refusal)
    now = sandbox.clock.stamp()
    given = body.model_dump(by_alias=True, exclude_none=True, exclude={"skip_verify"})
    provider = {
        "id": new_tenant_id(),
        "tenantIds": [sandbox.setting("tenant")["id"]],
        "clockToleranceSec": 5,
        "created": now,
        "lastUpdated": now,
        **given,
        **_birth(body),
    }
    put_document(sandbox, PROVIDERS, provider)
    _tell(sandbox, "created", provider, caller)
    return JSONResponse(_show(provider), status_code=201)


async def update_provider(request: Request) -> Response:
    """Return 204 after every change; if one is refused, none has happened."""
    caller = require_admin(request, providers_refusal)
    sandbox = sandbox_of(request)
    provider = _find(sandbox, request.path_params["id"])
    changes: ProviderChanges = await read_body(request, ProviderChanges, providers_refusal)
    for change in changes:
        if change.op == PROMOTE:
            _promote(provider)
        else:
            _replace(provider, change.path or "", change.value)
    provider["lastUpdated"] = sandbox.clock.stamp()
    put_document(sandbox, PROVIDERS, provider)
    _tell(sandbox, "updated", provider, caller)
    return Response(status_code=204)


async def delete_provider(request: Request) -> Response:
    """Return 204 after the provider is gone; users and groups that came from it stay."""
    caller = require_admin(request, providers_refusal)
    sandbox = sandbox_of(request)
    provider = _find(sandbox, request.path_params["id"])
    delete_document(sandbox, PROVIDERS, provider["id"])
    _tell(sandbox, "deleted", provider, caller)
    return Response(status_code=204)


def _birth(body: NewOidc | NewSaml | NewJwt) -> dict[str, Any]:
    """Return whether a new provider is live or pending, or raise 400 for options that do not fit."""
    if isinstance(body, NewJwt):
        return {"active": True, "interactive": False, "createNewUsersOnLogin": True}
    if isinstance(body, NewSaml) and not body.interactive:
        raise providers_refusal(400, "interactive: SAML is interactive")
    is_live = body.skip_verify or not body.interactive
    options = body.options if is_live else body.pending_options
    if options is None:
        raise providers_refusal(400, f"{'options' if is_live else 'pendingOptions'}: missing")
    if not isinstance(options.get("claimsMapping"), dict):
        raise providers_refusal(400, "claimsMapping: missing")
    if isinstance(body, NewOidc) and not ({"discoveryUrl", "openid_configuration"} & options.keys()):
        raise providers_refusal(400, "discoveryUrl: missing, and so is openid_configuration")
    return {"active": True} if is_live else {"active": False, "pendingState": "pending"}


def _promote(provider: Document) -> None:
    """Make the pending options live, or raise 412 for options that nobody has tried with success."""
    if provider["protocol"] not in {"OIDC", "SAML"}:
        raise providers_refusal(400, f"op: {PROMOTE} does not go with {provider['protocol']}")
    if "pendingOptions" not in provider or provider.get("pendingState") != "verified":
        raise providers_refusal(412, "The pending options are not verified")
    provider["options"] = provider.pop("pendingOptions")
    for name in ("pendingState", "pendingResult"):
        provider.pop(name, None)


def _replace(provider: Document, path: str, value: Any) -> None:
    """Replace a member, or raise 400 for one that the protocol does not let be replaced."""
    if path not in PATHS.get(provider["protocol"], ()):
        raise providers_refusal(400, f"path: {path} cannot be replaced")
    if path == "/active" and not isinstance(value, bool):
        raise providers_refusal(400, "value: not a boolean")
    if path == "/clockToleranceSec" and (not isinstance(value, int) or isinstance(value, bool)):
        raise providers_refusal(400, "value: not a number")
    if path in {"/description", "/postLogoutRedirectUri"} and not isinstance(value, str):
        raise providers_refusal(400, "value: not a string")
    if path in {"/meta", "/options", "/pendingOptions"} and not isinstance(value, dict):
        raise providers_refusal(400, "value: not an object")
    parent, _, name = path.removeprefix("/").partition("/")
    if name:
        provider[parent] = provider.get(parent, {}) | {name: value}
    else:
        provider[parent] = value
    if parent == "pendingOptions":
        # What was tried before is not what stands there now.
        provider["pendingState"] = "pending"
        provider.pop("pendingResult", None)


def _find(sandbox: Sandbox, id: str) -> Document:
    provider = find_document(sandbox, PROVIDERS, id)
    if provider is None:
        raise providers_refusal(404, "Not found")
    return provider


def _interactive(sandbox: Sandbox) -> list[Document]:
    return [found for found in list_documents(sandbox, PROVIDERS) if found["active"] and found["interactive"]]


def _tell(sandbox: Sandbox, what: str, provider: Document, caller: Caller) -> None:
    data = {name: provider[name] for name in ("id", "protocol", "provider", "active")}
    publish(sandbox, f"com.qlik.v1.identity-provider.{what}", _SOURCE, data, by=caller.user_id)


def _show(provider: Document) -> dict[str, Any]:
    """Return a provider as the service writes it, without its secrets."""
    shown = {name: provider.get(name) for name in _ORDER}
    for name in ("options", "pendingOptions"):
        if options := provider.get(name):
            shown[name] = {key: value for key, value in options.items() if key not in _SECRETS}
    return without_nulls(shown)


_ORDER = (
    "id", "active", "interactive", "protocol", "provider", "tenantIds", "description", "createNewUsersOnLogin",
    "postLogoutRedirectUri", "clockToleranceSec", "created", "lastUpdated", "meta", "options", "pendingOptions",
    "pendingState", "pendingResult",
)  # fmt: skip

ROUTES = [
    endpoint("GET", PATH, list_providers, query="active,limit,next,prev"),
    endpoint("POST", PATH, create_provider, body=NewProvider, status=201),
    endpoint("GET", f"{PATH}/.well-known/metadata.json", get_metadata),
    endpoint("GET", f"{PATH}/me/meta", get_own_meta),
    endpoint("GET", f"{PATH}/status", get_status),
    endpoint("GET", f"{PATH}/{{id}}", get_provider),
    endpoint("PATCH", f"{PATH}/{{id}}", update_provider, body=ProviderChanges, status=204),
    endpoint("DELETE", f"{PATH}/{{id}}", delete_provider, status=204),
]
