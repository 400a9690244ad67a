"""Roles of the tenant (qlik-api.md 5)."""

import sqlite3
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import sandbox_of
from sandbox.clock import stamp
from sandbox.tenant.access import require_admin
from sandbox.tenant.errors import roles_refusal
from sandbox.tenant.filters import Attribute
from sandbox.tenant.listing import Collection, identity_links, self_link
from sandbox.world import DAWN

PATH = "/api/v1/roles"

_ROLES = Collection(
    columns="*",
    source="roles",
    sorts={"name": "name_key", "type": "type", "level": "level", "description": "description"},
    attributes={
        "id": Attribute("id = ?"),
        "name": Attribute("name_key = ?"),
        "type": Attribute("type = ?"),
        "level": Attribute("level = ?"),
    },
    refuse=roles_refusal,
)


async def list_roles(request: Request) -> JSONResponse:
    """Return one page of roles; only an administrator may read them."""
    require_admin(request, roles_refusal)
    listing = _ROLES.listing(request)
    page = _ROLES.read(request, listing)
    body: dict[str, Any] = {
        "data": [_show(request, row) for row in page.rows],
        "links": identity_links(request, page),
    }
    if request.query_params.get("totalResults") == "true":
        body["totalResults"] = listing.count(sandbox_of(request).db)
    return JSONResponse(body)


def _show(request: Request, row: sqlite3.Row) -> dict[str, Any]:
    """Return a role as the service writes it; built-in ones belong to no tenant."""
    is_custom = row["type"] == "custom"
    return {
        "id": row["id"],
        "tenantId": sandbox_of(request).setting("tenant")["id"] if is_custom else "",
        "name": row["name"],
        "type": row["type"],
        "level": row["level"],
        "description": row["description"],
        "permissions": [],
        "assignedScopes": [],
        "canEdit": is_custom,
        "canDelete": is_custom,
        "createdAt": stamp(DAWN),
        "lastUpdatedAt": stamp(DAWN),
        "links": self_link(request, row, PATH),
    }
