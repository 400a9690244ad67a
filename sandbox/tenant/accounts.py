"""Users of the tenant, created and deleted (qlik-api.md 3.4 and 3.8, Appendix B3)."""

import sqlite3
from typing import Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import Refusal, sandbox_of
from sandbox.bodies import KILOBYTE, Body, read_body
from sandbox.ids import new_tenant_id
from sandbox.routing import endpoint
from sandbox.state import Sandbox, insert
from sandbox.tenant.access import effective_roles, require
from sandbox.tenant.entitlement import follow_grants
from sandbox.tenant.errors import users_refusal
from sandbox.tenant.identities import user_row
from sandbox.tenant.identity_events import publish_conflict, publish_user
from sandbox.tenant.memberships import leave_all
from sandbox.tenant.role_names import RoleReference, RoleTable, find_role_names
from sandbox.tenant.sections import TenantUser
from sandbox.tenant.user_rows import find_by_email, find_by_subject, find_user, row_of
from sandbox.tenant.user_shapes import PATH, show_created

LIMIT = 500 * KILOBYTE
INVITED_FOR = 7 * 24 * 3600  # seconds


class NewUser(Body):
    """The body of a user to create."""

    subject: str = Field(min_length=1)
    name: str | None = None
    email: str | None = None
    picture: str | None = None
    status: Literal["invited", "active"] | None = None
    tenant_id: str | None = Field(default=None, alias="tenantId")
    assigned_roles: list[RoleReference] = Field(default_factory=list, alias="assignedRoles")


async def create_user(request: Request) -> JSONResponse:
    """Return the new user; nobody is told of it by e-mail."""
    caller = require(request, users_refusal, "admin.users")
    sandbox = sandbox_of(request)
    body: NewUser = await read_body(request, NewUser, users_refusal, limit=LIMIT)
    tenant_id = sandbox.setting("tenant")["id"]
    if body.status == "invited" and not body.email:
        raise users_refusal(400, "An email is required to invite a user")
    if body.tenant_id not in {None, tenant_id}:
        raise users_refusal(400, "Invalid tenantId")
    roles, unknown = find_role_names(sandbox, body.assigned_roles)
    if unknown:
        raise users_refusal(400, f"Invalid role: {unknown[0]}")
    refuse_known(sandbox, body.subject, body.email, by=caller.user_id)
    status = body.status or sandbox.switch("new-user-status")
    user = {
        "subject": body.subject,
        "name": body.name or body.email or body.subject,
        "email": body.email or None,
        "picture": body.picture,
        "status": status,
        "assignedRoles": roles,
    }
    row = add_user(sandbox, user, by=caller.user_id)
    return JSONResponse(show_created(row, tenant_id, RoleTable(sandbox)), status_code=201)


async def delete_user(request: Request) -> Response:
    """Delete a user softly: the record stays with another status, and the license row is not touched."""
    caller = require(request, users_refusal, "admin.users")
    sandbox = sandbox_of(request)
    row = find_user(sandbox, request.path_params["id"])
    if row["id"] == caller.user_id:
        raise users_refusal(400, "Users cannot delete themselves")
    leave_all(sandbox, row["id"])
    statement = "UPDATE users SET status = 'deleted', invite_expiry = NULL, updated_at = ? WHERE id = ?"
    sandbox.db.execute(statement, (sandbox.clock.stamp(), row["id"]))
    publish_user(sandbox, "deleted", row_of(sandbox, row["id"]), by=caller.user_id)
    return Response(status_code=204)


def add_user(sandbox: Sandbox, user: dict[str, Any], *, by: str) -> sqlite3.Row:
    """Return the row of a new user, made of the members of a user of a world."""
    now = sandbox.clock.now()
    section = TenantUser.model_validate({"id": new_tenant_id(), **user, "createdAt": now})
    if section.status == "invited":
        section = section.model_copy(update={"invite_expiry": invite_expiry(sandbox)})
    insert(sandbox, "users", [user_row(section)])
    row = row_of(sandbox, str(section.id))
    publish_user(sandbox, "provisioned" if section.status == "provisioned" else "created", row, by=by)
    follow_grants(sandbox, row["subject"], effective_roles(sandbox, row), by=by)
    return row


def invite_expiry(sandbox: Sandbox) -> int:
    """Return when an invitation of now ends, in seconds since 1970."""
    return int(sandbox.clock.seconds()) + INVITED_FOR


def refuse_known(sandbox: Sandbox, subject: str, email: str | None, *, by: str) -> None:
    """Raise 409 for a subject, or as the switch says an e-mail, that a user has already."""
    by_subject = find_by_subject(sandbox, subject)
    by_email = find_by_email(sandbox, email or "") if sandbox.switch("duplicate-email") == "conflict409" else []
    matched = {row["id"]: row for row in [*([by_subject] if by_subject else []), *by_email]}
    if matched:
        raise conflict(sandbox, list(matched.values()), by=by)


def conflict(sandbox: Sandbox, matched: list[sqlite3.Row], *, by: str) -> Refusal:
    """Return the 409 for users who exist, after telling of it."""
    publish_conflict(sandbox, matched, by=by)
    # A refused request is rolled back, but that it was refused has happened: the event stays.
    sandbox.db.commit()
    return users_refusal(409, "User already exists")


ROUTES = [
    endpoint("POST", PATH, create_user, body=NewUser, status=201),
    endpoint("DELETE", f"{PATH}/{{id}}", delete_user, status=204),
]
