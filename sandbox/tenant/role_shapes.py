"""Roles as the service writes them (qlik-api.md 5)."""

import json
import sqlite3
from typing import Any

from starlette.requests import Request

from sandbox.answers import sandbox_of
from sandbox.state import Sandbox
from sandbox.tenant.entitlement import is_capacity, promotes
from sandbox.tenant.errors import roles_refusal
from sandbox.tenant.listing import self_link

PATH = "/api/v1/roles"


def find_role(sandbox: Sandbox, id: str) -> sqlite3.Row:
    """Return the row of a role, or raise 404."""
    row: sqlite3.Row | None = sandbox.db.execute("SELECT * FROM roles WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise roles_refusal(404, "Not Found", "IDENTITIES-10402")
    return row


def show_role(request: Request, row: sqlite3.Row) -> dict[str, Any]:
    """Return a role; built-in ones belong to no tenant."""
    sandbox, is_custom = sandbox_of(request), row["type"] == "custom"
    found = {
        "id": row["id"],
        "tenantId": sandbox.setting("tenant")["id"] if is_custom else "",
        "name": row["name"],
        "type": row["type"],
        "level": row["level"],
        "description": row["description"],
        "permissions": [],
        "assignedScopes": json.loads(row["scopes"]),
        "canEdit": is_custom,
        "canDelete": is_custom,
        "userEntitlementType": "fullUser" if is_capacity(sandbox) and promotes(row["name"]) else None,
        "createdAt": row["created_at"],
        "createdBy": row["created_by"] or None,
        "lastUpdatedAt": row["updated_at"],
        "updatedBy": row["updated_by"] or None,
        "links": self_link(request, row, PATH),
    }
    return {key: value for key, value in found.items() if value is not None}
