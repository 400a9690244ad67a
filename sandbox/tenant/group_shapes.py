"""Groups as the service writes them (qlik-api.md 4.1, Appendix B5)."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from starlette.requests import Request

from sandbox.answers import sandbox_of
from sandbox.state import Sandbox
from sandbox.tenant.errors import groups_refusal
from sandbox.tenant.listing import self_link
from sandbox.tenant.role_names import RoleTable

PATH = "/api/v1/groups"


def find_group(sandbox: Sandbox, id: str) -> sqlite3.Row:
    """Return the row of a group, or raise 404."""
    row: sqlite3.Row | None = sandbox.db.execute("SELECT * FROM tenant_groups WHERE id = ?", (id,)).fetchone()
    if row is None:
        raise groups_refusal(404, "Not found", "GROUPS-7")
    return row


def show_group(request: Request, row: sqlite3.Row) -> dict[str, Any]:
    """Return one group."""
    return show_groups(request, [row])[0]


def show_groups(request: Request, rows: Iterable[sqlite3.Row]) -> list[dict[str, Any]]:
    """Return groups; those of the system have fewer members, in another order."""
    sandbox = sandbox_of(request)
    tenant_id, roles = sandbox.setting("tenant")["id"], RoleTable(sandbox)
    found = []
    for row in rows:
        show = _show_system if row["provider_type"] == "system" else _show
        group = show(row, tenant_id, roles) | {"links": self_link(request, row, PATH)}
        found.append({key: value for key, value in group.items() if value is not None})
    return found


def _show(row: sqlite3.Row, tenant_id: str, roles: RoleTable) -> dict[str, Any]:
    return {
        "id": row["id"],
        "tenantId": tenant_id,
        "createdAt": row["created_at"],
        "lastUpdatedAt": row["updated_at"],
        "name": row["name"],
        "description": row["description"],
        "status": row["status"],
        "idpId": row["idp_id"],
        "providerType": row["provider_type"],
        "createdBy": row["created_by"] or None,
        "updatedBy": row["updated_by"] or None,
        "assignedRoles": roles.show(json.loads(row["roles"])),
    }


def _show_system(row: sqlite3.Row, tenant_id: str, roles: RoleTable) -> dict[str, Any]:
    return {
        "id": row["id"],
        "tenantId": tenant_id,
        "name": row["name"],
        "status": row["status"],
        "assignedRoles": roles.show(json.loads(row["roles"])),
        "createdAt": row["created_at"],
        "lastUpdatedAt": row["updated_at"],
    }
