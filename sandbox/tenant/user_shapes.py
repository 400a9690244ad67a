"""Users as the service writes them (qlik-api.md 3.1, Appendix B2 and B3)."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from starlette.requests import Request

from sandbox.answers import sandbox_of
from sandbox.tenant.access import Caller
from sandbox.tenant.listing import project, self_link
from sandbox.tenant.memberships import groups_of
from sandbox.tenant.role_names import RoleTable

PATH = "/api/v1/users"


def show_users(request: Request, rows: Iterable[sqlite3.Row], *, sees_roles: bool) -> list[dict[str, Any]]:
    """Return users with the fields that were asked for; roles only to callers who may see them."""
    sandbox, rows = sandbox_of(request), list(rows)
    tenant_id = sandbox.setting("tenant")["id"]
    groups = groups_of(sandbox, (row["id"] for row in rows))
    roles = RoleTable(sandbox)
    asked = (request.query_params.get("fields") or "").split(",")
    found = []
    for row in rows:
        user = _show(row, tenant_id, groups[row["id"]], roles if sees_roles else None)
        if "groups" in asked:
            user["groups"] = [group["name"] for group in groups[row["id"]]]
        if "assignedScopes" in asked and sees_roles:
            user["assignedScopes"] = roles.scopes(json.loads(row["roles"]))
        found.append(project(request, user | {"links": self_link(request, row, PATH)}))
    return found


def sees_roles(caller: Caller) -> bool:
    """Say whether the caller may see the roles of others."""
    return caller.may("admin.users:read")


def show_created(row: sqlite3.Row, tenant_id: str, roles: RoleTable) -> dict[str, Any]:
    """Return a user as the answer to its creation shows it: in another order, and without links."""
    profile = json.loads(row["profile"])
    found = {
        "id": row["id"],
        "name": row["name"],
        "email": row["email"],
        "status": row["status"],
        "picture": profile.pop("picture", None),
        "subject": row["subject"],
        "tenantId": tenant_id,
        "createdAt": row["created_at"],
        "inviteExpiry": row["invite_expiry"],
        "assignedRoles": roles.show(json.loads(row["roles"])),
        "lastUpdatedAt": row["updated_at"],
        **profile,
    }
    return {key: value for key, value in found.items() if value is not None}


def _show(row: sqlite3.Row, tenant_id: str, groups: list[sqlite3.Row], roles: RoleTable | None) -> dict[str, Any]:
    found = {
        "id": row["id"],
        "tenantId": tenant_id,
        "clientId": row["client_id"],
        "status": row["status"],
        "subject": row["subject"],
        "name": row["name"],
        "email": row["email"],
        **json.loads(row["profile"]),
        "assignedRoles": None if roles is None else roles.show(json.loads(row["roles"])),
        "assignedGroups": [_show_group(group, roles) for group in groups],
        "createdAt": row["created_at"],
        "lastUpdatedAt": row["updated_at"],
        "inviteExpiry": row["invite_expiry"],
    }
    return {key: value for key, value in found.items() if value is not None}


def _show_group(row: sqlite3.Row, roles: RoleTable | None) -> dict[str, Any]:
    """Return a group as it stands on a user."""
    found = {"id": row["id"], "name": row["name"], "providerType": row["provider_type"]}
    return found if roles is None else {**found, "assignedRoles": roles.show(json.loads(row["roles"]))}
