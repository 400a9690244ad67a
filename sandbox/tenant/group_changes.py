"""PATCH of a group and of the settings of groups: every operation is a replace (qlik-api.md 4.2)."""

import json
import sqlite3
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import Refusal, base_url, sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.routing import endpoint
from sandbox.state import Sandbox, fold
from sandbox.tenant.access import require_admin
from sandbox.tenant.catalog import EVERYONE
from sandbox.tenant.entitlement import follow_grants, is_capacity
from sandbox.tenant.errors import groups_refusal
from sandbox.tenant.group_shapes import PATH, find_group, show_group
from sandbox.tenant.groups import MAX_NAME, MAX_ROLES, find_by_name
from sandbox.tenant.identity_events import Update, publish_group, publish_group_settings
from sandbox.tenant.role_names import RoleReference, RoleTable, find_role_names

_ROLES: TypeAdapter[list[RoleReference]] = TypeAdapter(list[RoleReference])
_FLAGS = {"/autoCreateGroups": "autoCreateGroups", "/syncIdpGroups": "syncIdpGroups"}


class Replacement(Body):
    """One operation; there is no other one than replace."""

    op: Literal["replace"]
    path: str
    value: Any


async def update_group(request: Request) -> Response:
    """Replace roles, or the name or description of a custom group."""
    caller = require_admin(request, groups_refusal)
    sandbox = sandbox_of(request)
    operations: list[Replacement] = await read_body(request, list[Replacement], groups_refusal)
    row = find_group(sandbox, request.path_params["id"])
    # The specification lists the paths without a slash, its examples have one.
    changes = {
        operation.path.removeprefix("/"): _read(sandbox, row, operation.path.removeprefix("/"), operation.value)
        for operation in operations
    }
    write_group(request, row, changes, by=caller.user_id)
    return Response(status_code=204)


async def get_settings(request: Request) -> JSONResponse:
    """Return what becomes of groups in claims, and the system's groups."""
    require_admin(request, groups_refusal)
    return JSONResponse(_show_settings(request))


async def update_settings(request: Request) -> Response:
    """Replace a setting, or the roles of a system group."""
    caller = require_admin(request, groups_refusal)
    sandbox = sandbox_of(request)
    operations: list[Replacement] = await read_body(request, list[Replacement], groups_refusal)
    kept: dict[str, bool] = sandbox.setting("groupSettings")
    settings, roles = dict(kept), None
    for operation in operations:
        if operation.path in _FLAGS and isinstance(operation.value, bool):
            settings[_FLAGS[operation.path]] = operation.value
        elif operation.path == f"/systemGroups/{EVERYONE}/assignedRoles":
            roles = _read_roles(sandbox, operation.value)
        else:
            raise _refuse(f"Invalid operation on {operation.path}")
    updates: list[Update] = [(f"/{name}", settings[name], kept[name]) for name in kept if settings[name] != kept[name]]
    sandbox.put_setting("groupSettings", settings)
    if roles is not None:
        write_group(request, find_group(sandbox, EVERYONE), {"assignedRoles": roles}, by=caller.user_id)
    if updates:
        shown = {"tenantId": sandbox.setting("tenant")["id"], **settings}
        publish_group_settings(sandbox, shown, by=caller.user_id, updates=updates)
    return Response(status_code=204)


def write_group(request: Request, row: sqlite3.Row, changes: dict[str, Any], *, by: str) -> None:
    """Keep the changes of a group and tell of them, if there are any."""
    sandbox = sandbox_of(request)
    before = {"assignedRoles": json.loads(row["roles"]), "name": row["name"], "description": row["description"]}
    updates = [(f"/{name}", value, before[name]) for name, value in changes.items() if value != before[name]]
    if not updates:
        return
    after = before | changes
    statement = (
        "UPDATE tenant_groups SET roles = ?, name = ?, name_key = ?, description = ?, updated_at = ?, updated_by = ?"
        " WHERE id = ?"
    )
    name = after["name"]
    values = (json.dumps(after["assignedRoles"]), name, fold(name), after["description"], sandbox.clock.stamp(), by)
    sandbox.db.execute(statement, (*values, row["id"]))
    publish_group(sandbox, "updated", show_group(request, find_group(sandbox, row["id"])), by=by, updates=updates)
    granted = set(after["assignedRoles"]) - set(before["assignedRoles"])
    if granted and is_capacity(sandbox):
        for subject in _subjects_of(sandbox, row["id"]):
            follow_grants(sandbox, subject, granted, by=by)


def _subjects_of(sandbox: Sandbox, group_id: str) -> list[str]:
    """Return the subjects of the users a group holds; that of the system holds all of them."""
    if group_id == EVERYONE:
        rows = sandbox.db.execute("SELECT subject FROM users WHERE status <> 'deleted'")
    else:
        statement = "SELECT subject FROM users WHERE id IN (SELECT user_id FROM memberships WHERE group_id = ?)"
        rows = sandbox.db.execute(statement, (group_id,))
    return [row["subject"] for row in rows]


def _read(sandbox: Sandbox, row: sqlite3.Row, name: str, value: Any) -> Any:
    """Return the value of one operation as it is kept, or raise 400."""
    if name == "assignedRoles":
        return _read_roles(sandbox, value)
    if name not in {"name", "description"}:
        raise _refuse(f"Invalid path: {name}")
    if row["provider_type"] != "custom":
        raise _refuse(f"Only custom groups can change their {name}")
    if not isinstance(value, str) or (name == "name" and not 1 <= len(value) <= MAX_NAME):
        raise _refuse(f"Invalid value of {name}")
    if name == "name":
        other = find_by_name(sandbox, "custom", value)
        if other is not None and other["id"] != row["id"]:
            raise _refuse("Group already exists")
    return value


def _read_roles(sandbox: Sandbox, value: Any) -> list[str]:
    """Return the names of the roles, or raise 400."""
    try:
        references = _ROLES.validate_python(value)
    except ValidationError as error:
        raise _refuse("Invalid value of assignedRoles") from error
    if len(references) > MAX_ROLES:
        raise _refuse(f"A group has at most {MAX_ROLES} roles")
    names, unknown = find_role_names(sandbox, references)
    if unknown:
        raise _refuse(f"Invalid role: {unknown[0]}")
    return names


def _show_settings(request: Request) -> dict[str, Any]:
    sandbox = sandbox_of(request)
    everyone = find_group(sandbox, EVERYONE)
    return {
        "tenantId": sandbox.setting("tenant")["id"],
        **sandbox.setting("groupSettings"),
        "systemGroups": {
            EVERYONE: {
                "id": EVERYONE,
                "name": everyone["name"],
                "enabled": True,
                "createdAt": everyone["created_at"],
                "lastUpdatedAt": everyone["updated_at"],
                "assignedRoles": RoleTable(sandbox).show(json.loads(everyone["roles"])),
            }
        },
        "links": {"self": {"href": f"{base_url(request)}{PATH}/settings"}},
    }


def _refuse(title: str) -> Refusal:
    return groups_refusal(400, title)


# These come before the paths of one group: `settings` is none.
ROUTES = [
    endpoint("GET", f"{PATH}/settings", get_settings),
    endpoint("PATCH", f"{PATH}/settings", update_settings, body=list[Replacement], status=204),
    endpoint("PATCH", f"{PATH}/{{id}}", update_group, body=list[Replacement], status=204),
]
