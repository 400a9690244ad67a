"""Users of the tenant (qlik-api.md 3, Appendix B2)."""

import json
import sqlite3
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse

from sandbox.answers import sandbox_of
from sandbox.paging import Clause
from sandbox.seed import role_id
from sandbox.state import Sandbox, fold
from sandbox.tenant.access import identify
from sandbox.tenant.errors import users_refusal
from sandbox.tenant.filters import Attribute
from sandbox.tenant.listing import Collection, identity_links, project, self_link

PATH = "/api/v1/users"

_USERS = Collection(
    columns="*",
    source="users",
    sorts={
        "name": "name_key",
        "_id": "id",
        "id": "id",
        "clientId": "coalesce(client_id, '')",
        "status": "status",
        "subject": "subject_key",
        "email": "email_key",
        "createdAt": "created_at",
    },
    attributes={
        "id": Attribute("fold(id) = ?"),
        "subject": Attribute("subject_key = ?", "instr(subject_key, ?) > 0"),
        "name": Attribute("name_key = ?", "instr(name_key, ?) > 0"),
        "email": Attribute("email_key = ?", "instr(email_key, ?) > 0"),
        "status": Attribute("status = ?"),
        "clientId": Attribute("fold(client_id) = ?"),
        "assignedRoles.name": Attribute(
            "EXISTS (SELECT 1 FROM json_each(users.roles) WHERE fold(value) = ?)",
        ),
        "assignedRoles.id": Attribute(
            "EXISTS (SELECT 1 FROM json_each(users.roles) AS own JOIN roles AS role ON role.name = own.value"
            " WHERE role.id = ?)",
        ),
    },
    refuse=users_refusal,
)


async def list_users(request: Request) -> JSONResponse:
    """Return one page of users; without filter and status only the active ones."""
    caller = identify(request, users_refusal)
    listing = _USERS.listing(request, *_status_condition(request))
    page = _USERS.read(request, listing)
    sees_roles = caller.is_admin
    body: dict[str, Any] = {
        "data": [project(request, _show(request, row, sees_roles=sees_roles)) for row in page.rows],
        "links": identity_links(request, page),
    }
    if request.query_params.get("totalResults") == "true":
        body["totalResults"] = listing.count(sandbox_of(request).db)
    return JSONResponse(body)


async def get_user(request: Request) -> JSONResponse:
    """Return one user by id, whatever the status."""
    caller = identify(request, users_refusal)
    row = sandbox_of(request).db.execute("SELECT * FROM users WHERE id = ?", (request.path_params["id"],)).fetchone()
    if row is None:
        raise users_refusal(404, "Not found", "USERS-7")
    return JSONResponse(project(request, _show(request, row, sees_roles=caller.is_admin)))


async def find_me(request: Request) -> HTMLResponse:
    """Return the redirect to the caller's own user."""
    caller = identify(request, users_refusal)
    query = f"?{request.url.query}" if request.url.query else ""
    location = f"{PATH}/{caller.user_id}{query}"
    return HTMLResponse(f'<a href="{location}">Moved Permanently</a>.', status_code=301, headers={"location": location})


def _status_condition(request: Request) -> tuple[Clause, ...]:
    """Return the condition of the deprecated `status` parameter, or of its default."""
    status, text = request.query_params.get("status"), request.query_params.get("filter")
    if status and text:
        raise users_refusal(400, "status cannot be combined with filter")
    if status:
        wanted = status.split(",")
        return (Clause(f"status IN ({', '.join('?' * len(wanted))})", tuple(map(fold, wanted))),)
    if text or sandbox_of(request).switch("users-default-status") == "all":
        return ()
    return (Clause("status = 'active'"),)


def _show(request: Request, row: sqlite3.Row, *, sees_roles: bool) -> dict[str, Any]:
    """Return a user as the service writes it; roles only to callers who may see roles."""
    sandbox = sandbox_of(request)
    user: dict[str, Any] = {
        "id": row["id"],
        "tenantId": sandbox.setting("tenant")["id"],
        "status": row["status"],
        "subject": row["subject"],
        "name": row["name"],
    }
    if row["email"] is not None:
        user["email"] = row["email"]
    if row["client_id"] is not None:
        user["clientId"] = row["client_id"]
    if sees_roles:
        user["assignedRoles"] = [_show_role(sandbox, name) for name in json.loads(row["roles"])]
    return user | {
        "assignedGroups": [],
        "createdAt": row["created_at"],
        "lastUpdatedAt": row["updated_at"],
        "links": self_link(request, row, PATH),
    }


def _show_role(sandbox: Sandbox, name: str) -> dict[str, Any]:
    """Return a role as it stands on a user."""
    row = sandbox.db.execute("SELECT * FROM roles WHERE name = ?", (name,)).fetchone()
    return {"id": role_id(name), "name": name, "type": row["type"], "level": row["level"]}
