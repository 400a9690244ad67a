"""Groups of the tenant: of the identity provider, custom, and the system's own (qlik-api.md 4, Appendix B5)."""

import sqlite3
from dataclasses import replace
from typing import Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.bodies import KILOBYTE, Body, read_body
from sandbox.ids import new_tenant_id
from sandbox.paging import Clause, Listing
from sandbox.routing import endpoint
from sandbox.state import Sandbox, insert
from sandbox.tenant.access import require_admin
from sandbox.tenant.errors import groups_refusal
from sandbox.tenant.filters import Attribute
from sandbox.tenant.group_shapes import PATH, find_group, show_group, show_groups
from sandbox.tenant.identities import group_row
from sandbox.tenant.identity_events import publish_group
from sandbox.tenant.listing import Collection, identity_links
from sandbox.tenant.memberships import has_members
from sandbox.tenant.role_names import RoleReference, find_role_names
from sandbox.tenant.sections import TenantGroup
from sandbox.tenant.users import Filter

MAX_GROUPS = 10_000
MAX_ROLES = 100
MAX_NAME = 256
MAX_IDS = 100
LIMIT = 500 * KILOBYTE

_GROUPS = Collection(
    columns="*",
    source="tenant_groups",
    sorts={
        "name": "name_key",
        "id": "id",
        "status": "status",
        "createdAt": "created_at",
        "lastUpdatedAt": "updated_at",
        "providerType": "provider_type",
        "description": "coalesce(description, '')",
    },
    attributes={
        "id": Attribute("fold(id) = ?"),
        "name": Attribute("name_key = ?", "instr(name_key, ?) > 0"),
        "status": Attribute("status = ?"),
        "createdAt": Attribute("fold(created_at) = ?"),
        "lastUpdatedAt": Attribute("fold(updated_at) = ?"),
        "providerType": Attribute("provider_type = ?"),
        "assignedRoles.name": Attribute(
            "roles <> '[]' AND EXISTS (SELECT 1 FROM json_each(tenant_groups.roles) WHERE fold(value) = ?)"
        ),
        "assignedRoles.id": Attribute(
            "roles <> '[]' AND EXISTS (SELECT 1 FROM json_each(tenant_groups.roles) AS own"
            " JOIN roles AS role ON role.name = own.value WHERE fold(role.id) = ?)"
        ),
    },
    refuse=groups_refusal,
)
_BY_NAME = replace(_GROUPS, sorts={"name": _GROUPS.sorts["name"]})
_NOT_SYSTEM = Clause("provider_type <> 'system'")


class NewGroup(Body):
    """The body of a group to create; without a kind it is one of the identity provider."""

    name: str = Field(min_length=1, max_length=MAX_NAME)
    status: Literal["active"] = "active"
    description: str | None = None
    provider_type: Literal["idp", "custom"] = Field(default="idp", alias="providerType")
    assigned_roles: list[RoleReference] = Field(default_factory=list, alias="assignedRoles", max_length=MAX_ROLES)


async def list_groups(request: Request) -> JSONResponse:
    """Return one page of groups, or with `systemGroups=true` and nothing else those of the system."""
    require_admin(request, groups_refusal)
    wanted = request.query_params.get("systemGroups", "false")
    if wanted not in {"true", "false"}:
        raise groups_refusal(400, f"Invalid systemGroups: {wanted}")
    if wanted == "false":
        return _answer(request, _GROUPS.listing(request, _NOT_SYSTEM))
    if len(request.query_params.multi_items()) > 1:
        raise groups_refusal(400, "systemGroups cannot be combined with other parameters")
    return _answer(request, _GROUPS.listing(request, Clause("provider_type = 'system'")))


async def filter_groups(request: Request) -> JSONResponse:
    """Return one page of the groups that the filter of the body fits, by a hundred ids at most."""
    require_admin(request, groups_refusal)
    body: Filter = await read_body(request, Filter, groups_refusal)
    listing = _BY_NAME.listing(request, _NOT_SYSTEM)
    if body.filter:
        condition = _GROUPS.filter(body.filter)
        if sum(comparison.name == "id" for comparison in condition.comparisons) > MAX_IDS:
            raise groups_refusal(400, f"The filter is too complex: more than {MAX_IDS} ids")
        listing = listing.where(condition.clause)
    return _answer(request, listing)


async def get_group(request: Request) -> JSONResponse:
    """Return one group by id, also that of everyone."""
    require_admin(request, groups_refusal)
    return JSONResponse(show_group(request, find_group(sandbox_of(request), request.path_params["id"])))


async def create_group(request: Request) -> JSONResponse:
    """Return the new group."""
    caller = require_admin(request, groups_refusal)
    sandbox = sandbox_of(request)
    body: NewGroup = await read_body(request, NewGroup, groups_refusal, limit=LIMIT)
    if body.description is not None and body.provider_type == "idp":
        raise groups_refusal(400, "Only custom groups have a description")
    roles, unknown = find_role_names(sandbox, body.assigned_roles)
    if unknown:
        raise groups_refusal(400, f"Invalid role: {unknown[0]}")
    if find_by_name(sandbox, body.provider_type, body.name) is not None:
        raise groups_refusal(409, "Group already exists")
    group = {
        "name": body.name,
        "providerType": body.provider_type,
        "description": body.description,
        "assignedRoles": roles,
    }
    row = add_group(sandbox, group, by=caller.user_id)
    if row is None:
        raise groups_refusal(400, f"A tenant has at most {MAX_GROUPS} groups")
    shown = show_group(request, row)
    publish_group(sandbox, "created", shown, by=caller.user_id)
    return JSONResponse(shown, status_code=201)


async def delete_group(request: Request) -> Response:
    """Delete a group: one of the identity provider always, a custom one while nobody is in it."""
    caller = require_admin(request, groups_refusal)
    sandbox = sandbox_of(request)
    row = find_group(sandbox, request.path_params["id"])
    if row["provider_type"] == "system":
        raise groups_refusal(400, "System groups cannot be deleted")
    if row["provider_type"] == "custom" and has_members(sandbox, row["id"]):
        status = 400 if sandbox.switch("delete-group-in-use") == "refused400" else 409
        raise groups_refusal(status, "The group has users")
    publish_group(sandbox, "deleted", show_group(request, row), by=caller.user_id)
    sandbox.db.execute("DELETE FROM memberships WHERE group_id = ?", (row["id"],))
    sandbox.db.execute("DELETE FROM tenant_groups WHERE id = ?", (row["id"],))
    return Response(status_code=204)


def add_group(sandbox: Sandbox, group: dict[str, Any], *, by: str) -> sqlite3.Row | None:
    """Return the row of a new group, made of the members of a group of a world, or None where there are too many."""
    count = sandbox.db.execute("SELECT count(*) FROM tenant_groups WHERE provider_type <> 'system'").fetchone()[0]
    if count >= MAX_GROUPS:
        return None
    made = {"id": new_tenant_id(), "createdAt": sandbox.clock.now(), "createdBy": by, "updatedBy": by}
    section = TenantGroup.model_validate(group | made)
    insert(sandbox, "tenant_groups", [group_row(section)])
    return find_group(sandbox, str(section.id))


def find_by_name(sandbox: Sandbox, kind: str, name: str) -> sqlite3.Row | None:
    """Return the group of a kind with this name, whose case counts."""
    statement = "SELECT * FROM tenant_groups WHERE provider_type = ? AND name = ?"
    row: sqlite3.Row | None = sandbox.db.execute(statement, (kind, name)).fetchone()
    return row


def _answer(request: Request, listing: Listing) -> JSONResponse:
    page = _GROUPS.read(request, listing)
    body: dict[str, Any] = {"data": show_groups(request, page.rows), "links": identity_links(request, page)}
    if request.query_params.get("totalResults") == "true":
        body["totalResults"] = listing.count(sandbox_of(request).db)
    return JSONResponse(body)


ROUTES = [
    endpoint("GET", PATH, list_groups, query="filter,limit,next,prev,sort,systemGroups,totalResults"),
    endpoint("POST", PATH, create_group, body=NewGroup, status=201),
    endpoint("POST", f"{PATH}/actions/filter", filter_groups, query="limit,next,prev,sort", body=Filter, tier="S200"),
    endpoint("GET", f"{PATH}/{{id}}", get_group),
    endpoint("DELETE", f"{PATH}/{{id}}", delete_group, status=204),
]
