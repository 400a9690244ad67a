"""Roles of the tenant: the built-in ones, and custom ones (qlik-api.md 5)."""

import sqlite3
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.ids import new_tenant_id
from sandbox.routing import endpoint
from sandbox.state import Sandbox, insert
from sandbox.tenant.access import require_admin
from sandbox.tenant.errors import roles_refusal
from sandbox.tenant.filters import Attribute
from sandbox.tenant.identities import role_row
from sandbox.tenant.identity_events import publish_role
from sandbox.tenant.listing import Collection, identity_links
from sandbox.tenant.role_shapes import PATH, find_role, show_role
from sandbox.tenant.role_uses import is_in_use, strip_deleted_users
from sandbox.tenant.sections import Role

MAX_CUSTOM = 500

_ROLES = Collection(
    columns="*",
    source="roles",
    sorts={
        "name": "name_key",
        "id": "id",
        "type": "type",
        "level": "level",
        "description": "description",
        "createdAt": "created_at",
        "lastUpdatedAt": "updated_at",
    },
    attributes={
        "id": Attribute("fold(id) = ?"),
        "name": Attribute("name_key = ?", "instr(name_key, ?) > 0"),
        "type": Attribute("type = ?"),
        "level": Attribute("level = ?"),
        # Built-in roles belong to no tenant.
        "tenantId": Attribute(
            "CASE type WHEN 'custom' THEN (SELECT fold(json_extract(value, '$.id')) FROM settings"
            " WHERE settings.name = 'tenant') ELSE '' END = ?"
        ),
        "createdAt": Attribute("fold(created_at) = ?"),
        "lastUpdatedAt": Attribute("fold(updated_at) = ?"),
        "description": Attribute("fold(description) = ?", "instr(fold(description), ?) > 0"),
        "permissions": Attribute("EXISTS (SELECT 1 FROM json_each(roles.scopes) AS scope WHERE fold(scope.value) = ?)"),
    },
    refuse=roles_refusal,
)


class NewRole(Body):
    """The body of a role to create."""

    name: str = Field(min_length=1, max_length=256)
    description: str = ""
    assigned_scopes: list[str] = Field(default_factory=list, alias="assignedScopes")


async def list_roles(request: Request) -> JSONResponse:
    """Return one page of roles; only an administrator may read them."""
    require_admin(request, roles_refusal)
    sandbox = sandbox_of(request)
    listing = _ROLES.listing(request)
    page = _ROLES.read(request, listing)
    body: dict[str, Any] = {
        "data": [show_role(request, row) for row in page.rows],
        "links": identity_links(request, page),
    }
    if request.query_params.get("totalResults") == "true":
        body["totalResults"] = listing.count(sandbox.db)
    return JSONResponse(body)


async def get_role(request: Request) -> JSONResponse:
    """Return one role by id."""
    require_admin(request, roles_refusal)
    return JSONResponse(show_role(request, find_role(sandbox_of(request), request.path_params["id"])))


async def create_role(request: Request) -> JSONResponse:
    """Return the new custom role."""
    caller = require_admin(request, roles_refusal)
    sandbox = sandbox_of(request)
    body: NewRole = await read_body(request, NewRole, roles_refusal)
    refuse_name(sandbox, body.name)
    refuse_scopes(body.assigned_scopes)
    count = sandbox.db.execute("SELECT count(*) FROM roles WHERE type = 'custom'").fetchone()[0]
    if count >= MAX_CUSTOM:
        raise roles_refusal(400, f"A tenant has at most {MAX_CUSTOM} custom roles")
    scopes = list(dict.fromkeys(body.assigned_scopes))
    role = Role.model_validate(
        {
            "id": new_tenant_id(),
            "name": body.name,
            "description": body.description,
            "assignedScopes": scopes,
            "level": level_of(scopes),
            "createdAt": sandbox.clock.now(),
            "createdBy": caller.user_id,
            "updatedBy": caller.user_id,
        }
    )
    insert(sandbox, "roles", [role_row(role, "custom")])
    shown = show_role(request, find_role(sandbox, str(role.id)))
    publish_role(sandbox, "created", shown, by=caller.user_id)
    return JSONResponse(shown, status_code=201)


async def delete_role(request: Request) -> Response:
    """Delete a custom role that is assigned to nobody and no group."""
    caller = require_admin(request, roles_refusal)
    sandbox = sandbox_of(request)
    row = find_custom(sandbox, request.path_params["id"])
    if is_in_use(sandbox, row["name"]):
        raise roles_refusal(400, "The role is assigned")
    publish_role(sandbox, "deleted", show_role(request, row), by=caller.user_id)
    strip_deleted_users(sandbox, row["name"])
    sandbox.db.execute("DELETE FROM roles WHERE id = ?", (row["id"],))
    return Response(status_code=204)


def find_custom(sandbox: Sandbox, id: str) -> sqlite3.Row:
    """Return the row of a custom role, or raise 404, or 403 for a built-in one."""
    row = find_role(sandbox, id)
    if row["type"] != "custom":
        raise roles_refusal(403, "Default roles cannot be changed")
    return row


def refuse_name(sandbox: Sandbox, name: str, but: str = "") -> None:
    """Raise 400 for a name that another role has."""
    statement = "SELECT 1 FROM roles WHERE name = ? AND id <> ?"
    if sandbox.db.execute(statement, (name, but)).fetchone() is not None:
        raise roles_refusal(400, "Role name already exists")


def refuse_scopes(scopes: list[str]) -> None:
    """Raise 400 for scopes that no custom role can have."""
    for scope in scopes:
        if not scope or scope in {"admin_classic", "user_default"}:
            raise roles_refusal(400, f"Invalid scope: {scope}")


def level_of(scopes: list[str]) -> str:
    """Return the level of a custom role: that of its highest scope."""
    return "admin" if any(scope.startswith("admin.") for scope in scopes) else "user"


ROUTES = [
    endpoint("GET", PATH, list_roles, query="filter,limit,next,prev,sort,totalResults"),
    endpoint("POST", PATH, create_role, body=NewRole, status=201),
    endpoint("GET", f"{PATH}/{{id}}", get_role),
    endpoint("DELETE", f"{PATH}/{{id}}", delete_role, status=204),
]
