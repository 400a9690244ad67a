"""The cloud's metadata and the login endpoint (entra.md 1.2, 1.4)."""

import base64
import hmac
import json
import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import base_url, sandbox_of
from sandbox.bodies import Body
from sandbox.directory.assertions import check_assertion
from sandbox.directory.errors import login_refusal
from sandbox.forms import read_form
from sandbox.routing import FORM, endpoint
from sandbox.state import insert

LIFETIME = 3599  # seconds, as the real endpoint answers


class TokenForm(Body):
    """The form that asks for a token by client credentials, proved by a secret or by an assertion."""

    grant_type: str
    client_id: str
    client_secret: str = ""
    client_assertion: str = ""
    client_assertion_type: str = ""
    scope: str


async def get_metadata(request: Request) -> JSONResponse:
    """Return the endpoints of this cloud, as azuread reads them from its metadata host."""
    base = base_url(request)
    return JSONResponse(
        {
            "name": "Sandbox",
            "resourceManager": f"{base}/arm",
            "microsoftGraphResourceId": f"{base}/",
            "authentication": {
                "loginEndpoint": base,
                "audiences": [base],
                "tenant": "common",
                "identityProvider": "AAD",
            },
        }
    )


async def get_openid_configuration(request: Request) -> JSONResponse:
    """Return what MSAL needs to find the token endpoint."""
    tenant_id = _require_tenant(request)
    base = f"{base_url(request)}/{tenant_id}"
    return JSONResponse(
        {
            "issuer": f"{base}/v2.0",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
            "scopes_supported": ["openid"],
        }
    )


async def mint_token(request: Request) -> JSONResponse:
    """Return an access token for Graph, a JWT whose signature nobody checks."""
    sandbox = sandbox_of(request)
    form = await read_form(request)
    request.state.caller = form.get("client_id", "")
    tenant_id = _require_tenant(request)
    client = _find_client(request, form)
    now = int(sandbox.clock.seconds())
    claims = {
        "aud": form["scope"].removesuffix("/.default"),
        "iss": f"{base_url(request)}/{tenant_id}/v2.0",
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME,
        "appid": client["id"],
        "idtyp": "app",
        "oid": client["oid"],
        "roles": client["roles"],
        "sub": client["oid"],
        "tid": tenant_id,
        "uti": secrets.token_urlsafe(16),
        "ver": "1.0",
    }
    head = {"typ": "JWT", "alg": "RS256"}
    token = f"{_encode(head)}.{_encode(claims)}.{secrets.token_urlsafe(64)}"
    row = (token, "graph", client["id"], json.dumps(client["roles"]), claims["exp"])
    insert(sandbox, "tokens", [row])
    return JSONResponse(
        {"token_type": "Bearer", "expires_in": LIFETIME, "ext_expires_in": LIFETIME, "access_token": token}
    )


def _require_tenant(request: Request) -> str:
    """Return the tenant id of the path, or raise the 400 for another one."""
    sandbox, asked = sandbox_of(request), request.path_params["tenant"]
    tenant_id: str = sandbox.setting("directoryTenantId")
    if asked.lower() != tenant_id:
        message = f"Tenant '{asked}' not found. Check to make sure you have the correct tenant ID."
        raise login_refusal(sandbox.clock, 400, "invalid_request", 90002, message)
    return tenant_id


def _find_client(request: Request, form: dict[str, str]) -> dict[str, Any]:
    """Return the client that the form names and proves to be."""
    sandbox, client_id = sandbox_of(request), form.get("client_id", "")
    if form.get("grant_type") != "client_credentials":
        message = "The sandbox knows client credentials only."
        raise login_refusal(sandbox.clock, 400, "unsupported_grant_type", 70003, message)
    if not form.get("scope", "").endswith("/.default"):
        message = "The provided value for the input parameter 'scope' is not valid; it must end in /.default."
        raise login_refusal(sandbox.clock, 400, "invalid_scope", 1002012, message)
    statement = "SELECT body FROM clients WHERE service = 'graph' AND id = ?"
    row = sandbox.db.execute(statement, (client_id.lower(),)).fetchone()
    if row is None:
        message = f"Application with identifier '{client_id}' was not found in the directory."
        raise login_refusal(sandbox.clock, 400, "unauthorized_client", 700016, message)
    client: dict[str, Any] = json.loads(row["body"])
    if "client_assertion" in form:
        check_assertion(request, client, form)
        return client
    if not hmac.compare_digest(client["secret"].encode(), form.get("client_secret", "").encode()):
        message = f"Invalid client secret provided for app '{client_id}'."
        raise login_refusal(sandbox.clock, 401, "invalid_client", 7000215, message)
    return client


def _encode(part: dict[str, Any]) -> str:
    """Return a part of a JWT: base64url without padding."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


ROUTES = [
    endpoint("GET", "/metadata/endpoints", get_metadata, query="api-version", tier=""),
    endpoint("POST", "/{tenant}/oauth2/v2.0/token", mint_token, body=TokenForm, tier="", media=FORM),
    endpoint("GET", "/{tenant}/v2.0/.well-known/openid-configuration", get_openid_configuration, tier=""),
]
