"""Tokens of the tenant by client credentials (qlik-api.md 8, Appendix B1)."""

import base64
import binascii
import hmac
import json
import secrets
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import sandbox_of
from sandbox.clock import stamp
from sandbox.forms import read_form
from sandbox.seed import insert, user_row
from sandbox.state import Sandbox
from sandbox.tenant.errors import oauth_refusal
from sandbox.world import TenantUser

LIFETIME = 21_600  # seconds


async def mint_token(request: Request) -> JSONResponse:
    """Return an access token; a token call is a row of the request log."""
    sandbox = sandbox_of(request)
    form = await _read_form(request)
    client_id, secret = _credentials(request, form)
    request.state.caller = client_id
    if form.get("grant_type") != "client_credentials":
        raise oauth_refusal(400, "grant_type must be client_credentials")
    client = _find_client(sandbox, client_id, secret)
    scopes = _narrow(client["scopes"], form.get("scope", ""))
    _add_bot(sandbox, client_id)
    expires = sandbox.clock.seconds() + LIFETIME
    # Three parts, as the tenant's JWT has; their content is nobody's business but the tenant's.
    token = f"eyJhbGciOiJFUzM4NCJ9.{secrets.token_urlsafe(48)}.{secrets.token_urlsafe(64)}"
    insert(sandbox, "tokens", [(token, "qlik", client_id, json.dumps(scopes), expires)])
    return JSONResponse(
        {
            "access_token": token,
            "token_type": "bearer",
            "scope": " ".join(scopes),
            "expires_at": stamp(datetime.fromtimestamp(expires, UTC)),
            "expires_in": LIFETIME,
        }
    )


async def _read_form(request: Request) -> dict[str, str]:
    """Return the fields of a JSON or a form body."""
    if "json" not in request.headers.get("content-type", ""):
        return await read_form(request)
    try:
        content: Any = await request.json()
    except ValueError as error:
        raise oauth_refusal(400, "the body is not JSON") from error
    if not isinstance(content, dict):
        raise oauth_refusal(400, "the body is no object")
    return {key: str(value) for key, value in content.items()}


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """Return client id and secret of the Authorization header, or else of the body."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return form.get("client_id", ""), form.get("client_secret", "")
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise oauth_refusal(400, "the Authorization header is malformed") from error
    return client_id, secret


def _find_client(sandbox: Sandbox, client_id: str, secret: str) -> dict[str, Any]:
    """Return the client with this id and secret."""
    statement = "SELECT body FROM clients WHERE service = 'qlik' AND id = ?"
    row = sandbox.db.execute(statement, (client_id,)).fetchone()
    client: dict[str, Any] = {} if row is None else json.loads(row["body"])
    if not client or not hmac.compare_digest(client["secret"].encode(), secret.encode()):
        raise oauth_refusal(401, "Unauthorized client")
    return client


def _narrow(allowed: list[str], wanted: str) -> list[str]:
    """Return the wanted scopes, or all allowed ones; scopes never widen."""
    if not set(wanted.split()) <= set(allowed):
        raise oauth_refusal(400, "The requested scope is invalid")
    return wanted.split() or allowed


def _add_bot(sandbox: Sandbox, client_id: str) -> None:
    """Create the client's bot user, which comes into being with its first token."""
    known = sandbox.db.execute("SELECT 1 FROM users WHERE client_id = ?", (client_id,)).fetchone()
    if known is None:
        bot = TenantUser.model_validate(
            {
                "subject": f"qlikbot\\{client_id}",
                "name": client_id,
                "clientId": client_id,
                "assignedRoles": ["TenantAdmin"],
                "createdAt": sandbox.clock.now(),
            }
        )
        insert(sandbox, "users", [user_row(bot)])
