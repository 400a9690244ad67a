"""OAuth tokens that are alive: listed, and revoked (qlik-api.md 8)."""

import sqlite3
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import base_url, sandbox_of
from sandbox.bodies import Body, read_json
from sandbox.forms import read_form
from sandbox.paging import Clause, Cursor, Listing, Order
from sandbox.routing import endpoint
from sandbox.state import Sandbox
from sandbox.tenant.access import identify
from sandbox.tenant.errors import oauth_refusal
from sandbox.tenant.events import OAUTH, publish
from sandbox.tenant.listing import links, page_url, read_count

PATH = "/api/v1/oauth-tokens"
MAX_LIMIT = 100

_ALIVE = (
    "(SELECT tokens.rowid AS seq, tokens.id, tokens.token, tokens.client, users.id AS user_id, users.name"
    " FROM tokens JOIN users ON users.client_id = tokens.client WHERE tokens.service = 'qlik' AND tokens.expires > ?)"
)


class Revocation(Body):
    """A token to revoke; the hint is passed over, for there is one kind."""

    token: str
    token_type_hint: str | None = None


async def list_tokens(request: Request) -> JSONResponse:
    """Return one page of tokens: the caller's own, and for an administrator everybody's."""
    caller = identify(request, oauth_refusal)
    query = request.query_params
    if query.get("sort", "userId").replace(" ", "+").lstrip("+-") != "userId":
        raise oauth_refusal(400, f"Invalid sort: {query['sort']}")
    is_descending = query.get("sort", "").startswith("-")
    listing = Listing("*", _source(sandbox_of(request)), Order("user_id", "seq", is_descending=is_descending))
    if not caller.is_admin:
        listing = listing.where(Clause("user_id = ?", (caller.user_id,)))
    if query.get("userId"):
        listing = listing.where(Clause("user_id = ?", (query["userId"],)))
    limit = read_count(request, "limit", 20, range(1, MAX_LIMIT + 1), oauth_refusal)
    page = listing.read(sandbox_of(request).db, limit, _cursor(request))
    own = {"self": {"href": page_url(request, None)}}
    return JSONResponse(
        {
            "data": [_show(sandbox_of(request), row) for row in page.rows],
            "links": own | links(request, page, lambda cursor: {"page": cursor.encode()}),
        }
    )


async def delete_token(request: Request) -> Response:
    """Return 204 after the token counts no more."""
    caller = identify(request, oauth_refusal)
    sandbox = sandbox_of(request)
    row = _find(sandbox, "id", request.path_params["id"])
    if row is None:
        raise oauth_refusal(404, "Not found")
    if not caller.is_admin and row["user_id"] != caller.user_id:
        raise oauth_refusal(403, "Forbidden")
    _revoke(sandbox, row, caller.user_id, is_bearer=False)
    return Response(status_code=204)


async def revoke_token(request: Request) -> Response:
    """Return 200 after the token of the body counts no more; whoever holds it may, and an unknown one is no error."""
    sandbox = sandbox_of(request)
    content: Any = await _read_content(request)
    if not isinstance(content, dict) or not isinstance(content.get("token"), str) or not content["token"]:
        raise oauth_refusal(400, "token: missing")
    row = _find(sandbox, "token", content["token"])
    if row is not None:
        _revoke(sandbox, row, row["user_id"], is_bearer=True)
    return Response(status_code=200)


async def get_server_metadata(request: Request) -> JSONResponse:
    """Return what RFC 8414 tells of the tenant as an authorization server."""
    base = base_url(request)
    return JSONResponse(
        {
            "issuer": base,
            "authorization_endpoint": f"{base}/oauth/authorize",
            "token_endpoint": f"{base}/oauth/token",
            "revocation_endpoint": f"{base}/oauth/revoke",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "private_key_jwt"],
            "code_challenge_methods_supported": ["S256"],
        }
    )


async def _read_content(request: Request) -> Any:
    if "json" not in request.headers.get("content-type", ""):
        return await read_form(request)
    return await read_json(request, oauth_refusal)


def _source(sandbox: Sandbox) -> Clause:
    return Clause(_ALIVE, (sandbox.clock.seconds(),))


def _find(sandbox: Sandbox, column: str, value: str) -> sqlite3.Row | None:
    source = _source(sandbox)
    statement = f"SELECT * FROM {source.sql} WHERE {column} = ?"  # noqa: S608  # both are constants
    row: sqlite3.Row | None = sandbox.db.execute(statement, (*source.params, value)).fetchone()
    return row


def _revoke(sandbox: Sandbox, row: sqlite3.Row, by: str, *, is_bearer: bool) -> None:
    sandbox.db.execute("DELETE FROM tokens WHERE token = ?", (row["token"],))
    context = {
        "userId": row["user_id"],
        "grantId": row["id"],
        "clientId": row["client"],
        "tenantId": sandbox.setting("tenant")["id"],
    }
    now = sandbox.clock.stamp()
    data = {"revokedAt": now, "revokedBy": by, "revokedContext": context, "revokedByBearer": is_bearer}
    publish(sandbox, "com.qlik.oauth-token.revoked", OAUTH, data, by=by)


def _cursor(request: Request) -> Cursor | None:
    text = request.query_params.get("page")
    cursor = Cursor.decode(text) if text else None
    if text and cursor is None:
        raise oauth_refusal(400, "Invalid page")
    return cursor


def _show(sandbox: Sandbox, row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "tenantId": sandbox.setting("tenant")["id"],
        "userId": row["user_id"],
        "description": row["name"],
        "deviceType": "",
    }


ROUTES = [
    endpoint("GET", PATH, list_tokens, query="limit,page,sort,userId"),
    endpoint("DELETE", f"{PATH}/{{id}}", delete_token, status=204),
    endpoint("POST", "/oauth/revoke", revoke_token, body=Revocation, answers=False),
    endpoint("GET", "/.well-known/oauth-authorization-server", get_server_metadata, tier=""),
]
