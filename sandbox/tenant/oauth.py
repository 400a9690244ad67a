"""Tokens of the tenant by client credentials (qlik-api.md 8, Appendix B1)."""

import base64
import json
import secrets
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import sandbox_of
from sandbox.bodies import Body, read_json
from sandbox.clock import stamp
from sandbox.documents import Document
from sandbox.forms import read_form
from sandbox.routing import endpoint
from sandbox.state import Sandbox, digest, insert
from sandbox.tenant.assertions import ASSERTION, is_assertion_of
from sandbox.tenant.clients import find_client, is_secret, name_of
from sandbox.tenant.entitlement import take_seat
from sandbox.tenant.errors import oauth_refusal
from sandbox.tenant.events import OAUTH, publish
from sandbox.tenant.identities import user_row
from sandbox.tenant.identity_events import publish_user
from sandbox.tenant.rate_limits import charge
from sandbox.tenant.sections import TenantUser

LIFETIME = 21_600  # seconds


class TokenRequest(Body):
    """What is sent for a token, as JSON or as a form; the client may stand in the Authorization header instead."""

    grant_type: str
    client_id: str | None = None
    client_secret: str | None = None
    client_assertion: str | None = None
    client_assertion_type: str | None = None
    scope: str | None = None


async def mint_token(request: Request) -> JSONResponse:
    """Return an access token; a token call is a row of the request log."""
    sandbox = sandbox_of(request)
    form = await _read_form(request)
    client_id, secret = _credentials(request, form)
    request.state.caller = client_id
    charge(request, client_id)
    if form.get("grant_type") != "client_credentials":
        raise oauth_refusal(400, "grant_type must be client_credentials")
    client = _authenticate(sandbox, client_id, secret, form)
    _check_grant(sandbox, client)
    scopes = _narrow(client["scopes"], form.get("scope", ""))
    bot = _add_bot(sandbox, client)
    now = sandbox.clock.now()
    expires = now + timedelta(seconds=LIFETIME)
    # Three parts, as the tenant's JWT has; their content is nobody's business but the tenant's.
    token = f"eyJhbGciOiJFUzM4NCJ9.{secrets.token_urlsafe(48)}.{secrets.token_urlsafe(64)}"
    insert(sandbox, "tokens", [(token, "qlik", client_id, json.dumps(scopes), expires.timestamp())])
    issued = {
        "id": digest(token),
        "scopes": scopes,
        "appType": client["appType"],
        "ownerId": client_id,
        "issuedAt": stamp(now),
        "tenantId": sandbox.setting("tenant")["id"],
        "createdBy": client_id,
        "grantType": "client_credentials",
        "resourceOwner": bot,
        "issuedToClientId": client_id,
    }
    publish(sandbox, "com.qlik.oauth-token.issued", OAUTH, issued, by=bot)
    return JSONResponse(
        {
            "access_token": token,
            "scope": " ".join(scopes),
            "token_type": "bearer",
            "expires_at": stamp(expires),
            "expires_in": LIFETIME,
        }
    )


async def _read_form(request: Request) -> dict[str, str]:
    """Return the fields of a JSON or a form body."""
    if "json" not in request.headers.get("content-type", ""):
        return await read_form(request)
    content: Any = await read_json(request, oauth_refusal)
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
    except ValueError as error:
        raise oauth_refusal(400, "the Authorization header is malformed") from error
    return client_id, secret


def _authenticate(sandbox: Sandbox, client_id: str, secret: str, form: dict[str, str]) -> Document:
    """Return the client that has proved who it is, or raise 401."""
    client = find_client(sandbox, client_id)
    if client is None:
        raise oauth_refusal(401, "Unauthorized client")
    if "client_assertion" in form:
        is_proved = form.get("client_assertion_type") == ASSERTION and is_assertion_of(
            client, form["client_assertion"], sandbox.clock.seconds()
        )
    else:
        is_proved = "client_secret" in client["allowedAuthMethods"] and is_secret(client, secret)
    if not is_proved:
        raise oauth_refusal(401, "Unauthorized client")
    return client


def _check_grant(sandbox: Sandbox, client: Document) -> None:
    """Raise the refusal of a client that may not use client credentials, or not now."""
    if "client_credentials" not in client["allowedGrantTypes"]:
        raise oauth_refusal(400, "The client may not use client_credentials")
    if client["consentMethod"] != "trusted":
        raise oauth_refusal(403, "The client is not trusted")
    statement = "SELECT status FROM users WHERE client_id = ?"
    bot = sandbox.db.execute(statement, (client["id"],)).fetchone()
    counted = "SELECT count(*) FROM tokens WHERE service = 'qlik' AND client = ? AND expires > ?"
    alive = sandbox.db.execute(counted, (client["id"], sandbox.clock.seconds())).fetchone()[0]
    if (bot is not None and bot["status"] != "active") or alive >= sandbox.setting("maxTokens"):
        raise oauth_refusal(403, "The user is disabled or has reached the maximum number of tokens")


def _narrow(allowed: list[str], wanted: str) -> list[str]:
    """Return the wanted scopes, or all allowed ones; scopes never widen."""
    if not set(wanted.split()) <= set(allowed):
        raise oauth_refusal(400, "The requested scope is invalid")
    return wanted.split() or allowed


def _add_bot(sandbox: Sandbox, client: Document) -> str:
    """Return the id of the client's bot user, which comes into being with its first token."""
    statement = "SELECT * FROM users WHERE client_id = ?"
    row = sandbox.db.execute(statement, (client["id"],)).fetchone()
    if row is None:
        bot = TenantUser.model_validate(
            {
                "subject": f"qlikbot\\{client['id']}",
                "name": name_of(client),
                "clientId": client["id"],
                "assignedRoles": ["TenantAdmin"],
                "createdAt": sandbox.clock.now(),
            }
        )
        insert(sandbox, "users", [user_row(bot)])
        row = sandbox.db.execute(statement, (client["id"],)).fetchone()
        publish_user(sandbox, "created", row, by=row["id"])
    if sandbox.switch("bot-seats") == "autoAssigned":
        take_seat(sandbox, row["subject"])
    return str(row["id"])


ROUTES = [endpoint("POST", "/oauth/token", mint_token, body=TokenRequest)]
