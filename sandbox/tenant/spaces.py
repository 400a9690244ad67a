"""Spaces of the tenant (qlik-api.md 6)."""

import sqlite3
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import base_url, sandbox_of
from sandbox.paging import Clause
from sandbox.state import fold
from sandbox.tenant.access import identify
from sandbox.tenant.catalog import SPACE_ROLES
from sandbox.tenant.errors import spaces_refusal
from sandbox.tenant.listing import Collection, identity_links

PATH = "/api/v1/spaces"

_SPACES = Collection(
    columns="*",
    source="spaces",
    sorts={"name": "name_key", "type": "type", "createdAt": "created_at"},
    attributes={},
    refuse=spaces_refusal,
    default_limit=10,
)


async def list_spaces(request: Request) -> JSONResponse:
    """Return one page of spaces, ten unless asked for more, and the count of all."""
    identify(request, spaces_refusal)
    listing = _SPACES.listing(request, *_conditions(request))
    page = _SPACES.read(request, listing)
    return JSONResponse(
        {
            "data": [_show(request, row) for row in page.rows],
            "links": identity_links(request, page),
            "meta": {"count": listing.count(sandbox_of(request).db)},
        }
    )


def _conditions(request: Request) -> list[Clause]:
    """Return the conditions of `name` (contained, without case) and `type` (a comma list)."""
    conditions = []
    if name := request.query_params.get("name"):
        conditions.append(Clause("instr(name_key, ?) > 0", (fold(name),)))
    if kinds := request.query_params.get("type"):
        wanted = tuple(kinds.split(","))
        conditions.append(Clause(f"type IN ({', '.join('?' * len(wanted))})", wanted))
    return conditions


def _show(request: Request, row: sqlite3.Row) -> dict[str, Any]:
    """Return a space as the service writes it."""
    own = f"{base_url(request)}{PATH}/{row['id']}"
    return {
        "id": row["id"],
        "name": row["name"],
        "type": row["type"],
        "ownerId": row["owner_id"],
        "tenantId": sandbox_of(request).setting("tenant")["id"],
        "description": row["description"],
        "createdAt": row["created_at"],
        "createdBy": row["owner_id"],
        "updatedAt": row["created_at"],
        "links": {"self": {"href": own}, "assignments": {"href": f"{own}/assignments"}},
        "meta": {"actions": ["read"], "roles": [], "assignableRoles": list(SPACE_ROLES[row["type"]])},
    }
