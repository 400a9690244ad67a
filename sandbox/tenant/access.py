"""Who calls the tenant, and what the caller may do (qlik-api.md 2.7, 5 and 8)."""

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request

from sandbox.answers import Refusal, sandbox_of
from sandbox.state import Sandbox, fold

_BY_CLIENT = "SELECT * FROM users WHERE status = 'active' AND client_id = ?"
_BY_SUBJECT = "SELECT * FROM users WHERE status = 'active' AND subject_key = ?"

Refuse = Callable[[int, str], Refusal]


@dataclass(frozen=True)
class Caller:
    """The user behind a bearer token."""

    name: str
    user_id: str
    is_admin: bool


def identify(request: Request, refuse: Refuse) -> Caller:
    """Return the caller, or raise 401 for a token that is missing, unknown, expired or revoked."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise refuse(401, "Unauthorized")
    sandbox = sandbox_of(request)
    caller = _by_token(sandbox, token) or _by_key(sandbox, token)
    if caller is None:
        raise refuse(401, "Unauthorized")
    request.state.caller = caller.name
    return caller


def require_admin(request: Request, refuse: Refuse) -> Caller:
    """Return the caller, or raise 403 for one without the scope or role of an administrator."""
    caller = identify(request, refuse)
    if not caller.is_admin:
        raise refuse(403, "Insufficient access")
    return caller


def _by_token(sandbox: Sandbox, token: str) -> Caller | None:
    """Return the bot user of an OAuth token; only the scope admin_classic makes it an administrator."""
    statement = "SELECT * FROM tokens WHERE service = 'qlik' AND token = ? AND expires > ?"
    row = sandbox.db.execute(statement, (token, sandbox.clock.seconds())).fetchone()
    if row is None:
        return None
    user = _find_user(sandbox, _BY_CLIENT, row["client"])
    if user is None:
        return None
    return Caller(row["client"], user["id"], "admin_classic" in json.loads(row["grants"]))


def _by_key(sandbox: Sandbox, token: str) -> Caller | None:
    """Return the user of an API key, whose roles are the key's."""
    statement = "SELECT subject FROM api_keys WHERE token = ? AND status = 'active'"
    row = sandbox.db.execute(statement, (token,)).fetchone()
    if row is None:
        return None
    user = _find_user(sandbox, _BY_SUBJECT, fold(row["subject"]))
    if user is None:
        return None
    return Caller(row["subject"], user["id"], "TenantAdmin" in json.loads(user["roles"]))


def _find_user(sandbox: Sandbox, statement: str, value: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = sandbox.db.execute(statement, (value,)).fetchone()
    return row
