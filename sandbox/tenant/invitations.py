"""Invitations of users by e-mail (qlik-api.md 3.6)."""

import secrets
import sqlite3
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.ids import new_tenant_id
from sandbox.routing import endpoint
from sandbox.state import Sandbox
from sandbox.tenant.access import require
from sandbox.tenant.accounts import add_user, invite_expiry
from sandbox.tenant.errors import users_refusal
from sandbox.tenant.identity_events import publish_user
from sandbox.tenant.user_rows import find_by_email, row_of
from sandbox.tenant.user_shapes import PATH

_ACTIVE = {"code": "1001", "title": "Active User"}
_DISABLED = {"code": "1002", "title": "Disabled User"}
_EXTERNAL = {"code": "1003", "title": "Default External Dependency Error"}
_INVALID = {"code": "400", "title": "Invalid email"}


class Invitee(Body):
    """One person to invite."""

    email: str
    name: str | None = None
    language: str = Field(default="en", min_length=2)
    resend: bool = False


class Invitations(Body):
    """The body of an invitation."""

    invitees: list[Invitee]


async def invite_users(request: Request) -> JSONResponse:
    """Return a 207 whose items say what became of each invitation."""
    caller = require(request, users_refusal, "admin.users")
    body: Invitations = await read_body(request, Invitations, users_refusal)
    items = [_invite(request, invitee, caller.user_id) for invitee in body.invitees]
    return JSONResponse({"data": items}, status_code=207)


def _invite(request: Request, invitee: Invitee, by: str) -> dict[str, Any]:
    """Return the outcome for one person; a fault of the item plays the mail service that fails."""
    sandbox = sandbox_of(request)
    fault = sandbox.faults.take_item(request.method, request.url.path, invitee.email)
    if fault is not None:
        return _error(invitee, _EXTERNAL | {"detail": fault.title})
    name, _, domain = invitee.email.rpartition("@")
    if not name or not domain:
        return _error(invitee, _INVALID)
    known = find_by_email(sandbox, invitee.email)
    if not known:
        return _ok(_add(sandbox, invitee, by))
    row = known[0]
    if row["status"] in {"active", "disabled"}:
        return _error(invitee, _ACTIVE if row["status"] == "active" else _DISABLED)
    if row["status"] == "invited" and invitee.resend:
        return _ok(_renew(sandbox, row, by))
    return _ok(row) | {"status": "exists"}


def _add(sandbox: Sandbox, invitee: Invitee, by: str) -> sqlite3.Row:
    """Return a new invited user, with the subject of a Qlik account."""
    user = {
        "id": new_tenant_id(),
        "subject": f"auth0|a08D{secrets.token_hex(10)}",
        "name": invitee.name or invitee.email,
        "email": invitee.email,
        "locale": invitee.language,
        "status": "invited",
    }
    return add_user(sandbox, user, by=by)


def _renew(sandbox: Sandbox, row: sqlite3.Row, by: str) -> sqlite3.Row:
    """Return the user after the invitation runs anew."""
    expiry = invite_expiry(sandbox)
    statement = "UPDATE users SET invite_expiry = ?, updated_at = ? WHERE id = ?"
    sandbox.db.execute(statement, (expiry, sandbox.clock.stamp(), row["id"]))
    renewed = row_of(sandbox, row["id"])
    updates = [("/inviteExpiry", expiry, row["invite_expiry"])]
    publish_user(sandbox, "updated", renewed, by=by, updates=updates)
    return renewed


def _ok(row: sqlite3.Row) -> dict[str, Any]:
    return {"status": "ok", "email": row["email"], "subject": row["subject"], "userId": row["id"]}


def _error(invitee: Invitee, error: dict[str, str]) -> dict[str, Any]:
    return {"status": "error", "email": invitee.email, **error}


ROUTES = [endpoint("POST", f"{PATH}/actions/invite", invite_users, body=Invitations, status=207)]
