"""Who has which roles in a space (qlik-api.md 6)."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import base_url, sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.ids import new_tenant_id
from sandbox.paging import Clause, Listing
from sandbox.routing import endpoint
from sandbox.state import Sandbox, insert
from sandbox.tenant.access import Caller, identify
from sandbox.tenant.catalog import SPACE_ROLES
from sandbox.tenant.content.bodies import CamelBody
from sandbox.tenant.content.sections import RoleToken
from sandbox.tenant.entitlement import follow_grants
from sandbox.tenant.errors import spaces_refusal
from sandbox.tenant.listing import Collection, identity_links
from sandbox.tenant.owners import find_user
from sandbox.tenant.space_access import enter_space
from sandbox.tenant.space_events import publish_space

SPACES = "/api/v1/spaces"
PATH = f"{SPACES}/{{spaceId}}/assignments"

_ASSIGNMENTS = Collection(
    columns="*",
    source="space_assignments",
    sorts={"createdAt": "created_at"},
    attributes={},
    refuse=spaces_refusal,
    default_sort="+createdAt",
    default_limit=10,
)
_OF_SOMEBODY = Clause(
    "assignee_id IN (SELECT id FROM users WHERE status <> 'deleted' UNION ALL SELECT id FROM tenant_groups)"
)


class AssignmentCreate(CamelBody):
    """A new assignment; the assignee is the id of a user or group, not a subject."""

    type: Literal["user", "group", "bot"]
    assignee_id: str = Field(min_length=1)
    roles: list[RoleToken] = Field(min_length=1)


class AssignmentUpdate(Body):
    """All roles an assignment is to have."""

    roles: list[RoleToken] = Field(min_length=1)


async def list_assignments(request: Request) -> JSONResponse:
    """Return one page of a space's assignments, ten unless asked for more; the owner is never among them."""
    space = _enter(request)
    sandbox = sandbox_of(request)
    query, conditions = request.query_params, []
    if assignee := query.get("assigneeId"):
        conditions.append(Clause("assignee_id = ?", (assignee,)))
    if kind := query.get("type"):
        conditions.append(Clause("type = ?", (kind,)))
    listing = _shown(sandbox, space, _ASSIGNMENTS.listing(request, *conditions))
    page = _ASSIGNMENTS.read(request, listing)
    return JSONResponse(
        {
            "data": [_show(request, row) for row in page.rows],
            "meta": {"count": listing.count(sandbox.db)},
            "links": identity_links(request, page),
        }
    )


async def create_assignment(request: Request) -> JSONResponse:
    """Return the new assignment; a space has one of each user or group."""
    caller = identify(request, spaces_refusal)
    sandbox = sandbox_of(request)
    space, _ = enter_space(sandbox, caller, _space_id(request), spaces_refusal, "update")
    asked: AssignmentCreate = await read_body(request, AssignmentCreate, spaces_refusal)
    roles = _accept_roles(space, asked.roles)
    if not _exists(sandbox, asked.type, asked.assignee_id):
        raise spaces_refusal(404, f"{asked.type} not found")
    is_owner = asked.assignee_id == space["owner_id"]
    if is_owner and sandbox.switch("space-owner-assignment") == "conflict409":
        raise spaces_refusal(409, "Assignment already exists. assigneeId must be unique.")
    if find_assignment(sandbox, space["id"], asked.assignee_id) is not None:
        raise spaces_refusal(409, "Assignment already exists. assigneeId must be unique.")
    row = assign(sandbox, space, asked.type, asked.assignee_id, roles, caller.user_id)
    return JSONResponse(_show(request, row), status_code=201)


async def get_assignment(request: Request) -> JSONResponse:
    """Return one assignment."""
    return JSONResponse(_show(request, _find(request, _enter(request))))


async def put_assignment(request: Request) -> JSONResponse:
    """Return the assignment with its roles replaced by those given."""
    caller = identify(request, spaces_refusal)
    sandbox = sandbox_of(request)
    space = _enter(request)
    old = _find(request, space)
    asked: AssignmentUpdate = await read_body(request, AssignmentUpdate, spaces_refusal)
    roles = _accept_roles(space, asked.roles)
    now = sandbox.clock.stamp()
    statement = "UPDATE space_assignments SET roles = ?, updated_at = ?, updated_by = ? WHERE id = ?"
    sandbox.db.execute(statement, (json.dumps(roles), now, caller.user_id, old["id"]))
    told = {
        "id": old["id"],
        "type": old["type"],
        "roles": roles,
        "spaceId": space["id"],
        "updatedAt": now,
        "updatedBy": caller.user_id,
        "assigneeId": old["assignee_id"],
    }
    publish_space(sandbox, "assignment.updated", space["id"], told, caller.user_id)
    _follow(sandbox, old["type"], old["assignee_id"], roles, caller.user_id)
    return JSONResponse(_show(request, _find(request, space)))


async def delete_assignment(request: Request) -> Response:
    """Return 204 after the assignment is gone."""
    caller = identify(request, spaces_refusal)
    space = _enter(request)
    _remove(sandbox_of(request), space, [_find(request, space)], caller.user_id, is_space_deleted=False)
    return Response(status_code=204)


def assign(sandbox: Sandbox, space: sqlite3.Row, kind: str, assignee_id: str, roles: list[str], by: str) -> sqlite3.Row:
    """Return a new assignment of a user or group to a space, after its event and what it does to a seat."""
    now, id = sandbox.clock.stamp(), new_tenant_id()
    row = (id, space["id"], kind, assignee_id, json.dumps(roles), now, by, now, by)
    insert(sandbox, "space_assignments", [row])
    told = {
        "id": id,
        "type": kind,
        "roles": roles,
        "spaceId": space["id"],
        "tenantId": sandbox.setting("tenant")["id"],
        "createdAt": now,
        "createdBy": by,
        "spaceType": space["type"],
        "assigneeId": assignee_id,
    }
    publish_space(sandbox, "assignment.created", space["id"], told, by)
    _follow(sandbox, kind, assignee_id, roles, by)
    found: sqlite3.Row = sandbox.db.execute("SELECT * FROM space_assignments WHERE id = ?", (id,)).fetchone()
    return found


def find_assignment(sandbox: Sandbox, space_id: str, assignee_id: str) -> sqlite3.Row | None:
    """Return the assignment of a user or group to a space, or None."""
    statement = "SELECT * FROM space_assignments WHERE space_id = ? AND assignee_id = ?"
    row: sqlite3.Row | None = sandbox.db.execute(statement, (space_id, assignee_id)).fetchone()
    return row


def remove_assignments(sandbox: Sandbox, space: sqlite3.Row, by: str) -> None:
    """Remove every assignment of a space that is deleted."""
    rows = sandbox.db.execute("SELECT * FROM space_assignments WHERE space_id = ?", (space["id"],)).fetchall()
    _remove(sandbox, space, rows, by, is_space_deleted=True)


def _remove(
    sandbox: Sandbox, space: sqlite3.Row, rows: Iterable[sqlite3.Row], by: str, *, is_space_deleted: bool
) -> None:
    for row in rows:
        sandbox.db.execute("DELETE FROM space_assignments WHERE id = ?", (row["id"],))
        told = {
            "id": row["id"],
            "type": row["type"],
            "spaceId": space["id"],
            "spaceName": space["name"],
            "assigneeId": row["assignee_id"],
            "spaceDelete": is_space_deleted,
        }
        publish_space(sandbox, "assignment.deleted", space["id"], told, by)


def _follow(sandbox: Sandbox, kind: str, assignee_id: str, roles: list[str], by: str) -> None:
    """Let the entitlements of capacity tenants follow the roles a user, or the members of a group, now have."""
    if kind == "group":
        statement = (
            "SELECT subject FROM users WHERE status <> 'deleted'"
            " AND id IN (SELECT user_id FROM memberships WHERE group_id = ?)"
        )
    else:
        statement = "SELECT subject FROM users WHERE id = ?"
    for row in sandbox.db.execute(statement, (assignee_id,)).fetchall():
        follow_grants(sandbox, row["subject"], space_roles=roles, by=by)


def _enter(request: Request) -> sqlite3.Row:
    """Return the space, which the caller must manage."""
    caller: Caller = identify(request, spaces_refusal)
    return enter_space(sandbox_of(request), caller, _space_id(request), spaces_refusal, "update")[0]


def _space_id(request: Request) -> str:
    return str(request.path_params["spaceId"])


def _shown(sandbox: Sandbox, space: sqlite3.Row, listing: Listing) -> Listing:
    """Return the assignments a space shows: not the owner's, and perhaps not those of who was deleted."""
    shown = listing.where(Clause("space_id = ?", (space["id"],)), Clause("assignee_id <> ?", (space["owner_id"],)))
    return shown.where(_OF_SOMEBODY) if sandbox.switch("space-assignments-of-deleted") == "removed" else shown


def _find(request: Request, space: sqlite3.Row) -> sqlite3.Row:
    """Return the assignment of the path, or raise 404."""
    sandbox = sandbox_of(request)
    wanted = Clause("id = ?", (request.path_params["assignmentId"],))
    rows = _shown(sandbox, space, _ASSIGNMENTS.listing(request, wanted)).read(sandbox.db, 1).rows
    if not rows:
        raise spaces_refusal(404, "Assignment not found")
    return rows[0]


def _exists(sandbox: Sandbox, kind: str, id: str) -> bool:
    """Say whether there is such a user or group."""
    if kind == "group":
        return sandbox.db.execute("SELECT 1 FROM tenant_groups WHERE id = ?", (id,)).fetchone() is not None
    return find_user(sandbox, id) is not None


def _accept_roles(space: sqlite3.Row, roles: Iterable[str]) -> list[str]:
    """Return each role once, or raise 400 for one that this type of space does not have."""
    for role in roles:
        if role not in SPACE_ROLES[space["type"]]:
            raise spaces_refusal(400, f"Invalid role for a {space['type']} space: {role}")
    return list(dict.fromkeys(roles))


def _show(request: Request, row: sqlite3.Row) -> dict[str, Any]:
    """Return an assignment as the service writes it."""
    own = f"{base_url(request)}{SPACES}/{row['space_id']}"
    return {
        "id": row["id"],
        "type": row["type"],
        "assigneeId": row["assignee_id"],
        "roles": json.loads(row["roles"]),
        "spaceId": row["space_id"],
        "tenantId": sandbox_of(request).setting("tenant")["id"],
        "createdAt": row["created_at"],
        "createdBy": row["created_by"],
        "updatedAt": row["updated_at"],
        "updatedBy": row["updated_by"],
        "links": {"self": {"href": f"{own}/assignments/{row['id']}"}, "space": {"href": own}},
    }


_ONE = f"{PATH}/{{assignmentId}}"

ROUTES = [
    endpoint("GET", PATH, list_assignments, query="assigneeId,limit,next,prev,type"),
    endpoint("POST", PATH, create_assignment, body=AssignmentCreate, status=201),
    endpoint("GET", _ONE, get_assignment),
    endpoint("PUT", _ONE, put_assignment, body=AssignmentUpdate),
    endpoint("DELETE", _ONE, delete_assignment, status=204),
]
