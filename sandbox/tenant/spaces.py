"""Spaces of the tenant (qlik-api.md 6)."""

import sqlite3
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import base_url, sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.ids import new_tenant_id
from sandbox.paging import Clause
from sandbox.routing import endpoint
from sandbox.state import Sandbox, fold, insert
from sandbox.tenant.access import Caller, identify
from sandbox.tenant.catalog import SPACE_ROLES
from sandbox.tenant.content.bodies import CamelBody
from sandbox.tenant.content.places import is_used
from sandbox.tenant.errors import spaces_refusal
from sandbox.tenant.listing import Collection, identity_links
from sandbox.tenant.owners import accept_owner
from sandbox.tenant.space_access import (
    CREATORS,
    PERSONAL_CREATORS,
    Standing,
    assigned_roles,
    enter_space,
    find_space,
    may_create,
    role_condition,
    standing_of,
    visible_to,
)
from sandbox.tenant.space_assignments import remove_assignments
from sandbox.tenant.space_events import publish_space
from sandbox.tenant.space_shares import remove_shares

PATH = "/api/v1/spaces"

SpaceName = Annotated[str, Field(min_length=1, max_length=256, pattern=r'^[^"*?<>/|\\:]+$')]

_SPACES = Collection(
    columns="*",
    source="spaces",
    sorts={"name": "name_key", "type": "type", "createdAt": "created_at"},
    attributes={},
    refuse=spaces_refusal,
    default_limit=10,
)
_COLUMNS = {"/name": "name", "/ownerId": "owner_id", "/description": "description"}


class SpaceCreate(Body):
    """A new space."""

    name: SpaceName
    type: Literal["shared", "managed", "data"]
    description: str = ""


class SpaceUpdate(CamelBody):
    """What of a space is to change."""

    name: SpaceName | None = None
    owner_id: str | None = None
    description: str | None = None


class NameOp(Body):
    """A patch of the name."""

    op: Literal["replace"]
    path: Literal["/name"]
    value: SpaceName


class TextOp(Body):
    """A patch of the owner or the description."""

    op: Literal["replace"]
    path: Literal["/ownerId", "/description"]
    value: str


SpaceOp = Annotated[NameOp | TextOp, Field(discriminator="path")]


async def list_spaces(request: Request) -> JSONResponse:
    """Return one page of the spaces the caller can access, ten unless asked for more, and the count of all."""
    caller = identify(request, spaces_refusal)
    sandbox = sandbox_of(request)
    spaces = replace(_SPACES, max_limit=int(sandbox.switch("spaces-max-limit")))
    listing = spaces.listing(request, *visible_to(caller), *_conditions(request, caller))
    page = spaces.read(request, listing)
    assigned = assigned_roles(sandbox, caller.user_id, (row["id"] for row in page.rows))
    meta: dict[str, Any] = {"count": listing.count(sandbox.db)}
    if not PERSONAL_CREATORS.isdisjoint(caller.roles):
        meta["personalSpace"] = {"actions": ["create", "read"], "resourceType": "personalspace"}
    return JSONResponse(
        {
            "data": [_show(request, row, standing_of(caller, row, assigned.get(row["id"], ()))) for row in page.rows],
            "links": identity_links(request, page),
            "meta": meta,
        }
    )


async def create_space(request: Request) -> JSONResponse:
    """Return the new space, which the caller owns."""
    caller = identify(request, spaces_refusal)
    sandbox = sandbox_of(request)
    asked: SpaceCreate = await read_body(request, SpaceCreate, spaces_refusal)
    if not may_create(caller, asked.type):
        raise spaces_refusal(403, "Space create operation denied")
    _require_free_name(sandbox, asked.name)
    id, now = new_tenant_id(), sandbox.clock.stamp()
    row = (id, asked.name, fold(asked.name), asked.type, caller.user_id, asked.description, now, caller.user_id, now)
    insert(sandbox, "spaces", [row])
    space, standing = enter_space(sandbox, caller, id, spaces_refusal)
    told = {
        "id": id,
        "name": asked.name,
        "type": asked.type,
        "ownerId": caller.user_id,
        "tenantId": sandbox.setting("tenant")["id"],
        "createdAt": now,
        "createdBy": caller.user_id,
        "description": asked.description,
    }
    publish_space(sandbox, "created", id, told, caller.user_id)
    return JSONResponse(_show(request, space, standing), status_code=201)


async def get_space(request: Request) -> JSONResponse:
    """Return one space."""
    caller = identify(request, spaces_refusal)
    return JSONResponse(_show(request, *enter_space(sandbox_of(request), caller, _id(request), spaces_refusal)))


async def patch_space(request: Request) -> JSONResponse:
    """Return the space with replaced properties."""
    caller = identify(request, spaces_refusal)
    ops: list[NameOp | TextOp] = await read_body(request, list[SpaceOp], spaces_refusal)
    return _change(request, caller, {_COLUMNS[op.path]: op.value for op in ops})


async def put_space(request: Request) -> JSONResponse:
    """Return the space with the given properties; those left out stay."""
    caller = identify(request, spaces_refusal)
    asked: SpaceUpdate = await read_body(request, SpaceUpdate, spaces_refusal)
    given = {"name": asked.name, "owner_id": asked.owner_id, "description": asked.description}
    return _change(request, caller, {column: value for column, value in given.items() if value is not None})


async def delete_space(request: Request) -> Response:
    """Return 204; its assignments and shares go with it, content must be gone before."""
    caller = identify(request, spaces_refusal)
    sandbox = sandbox_of(request)
    space, _ = enter_space(sandbox, caller, _id(request), spaces_refusal, "delete")
    if is_used(sandbox, space["id"]):
        raise spaces_refusal(412, "Space delete precondition (space not empty) failed")
    remove_assignments(sandbox, space, caller.user_id)
    remove_shares(sandbox, space, caller.user_id)
    sandbox.db.execute("DELETE FROM spaces WHERE id = ?", (space["id"],))
    told = {"id": space["id"], "name": space["name"], "ownerId": space["owner_id"]}
    publish_space(sandbox, "deleted", space["id"], told | {"description": space["description"]}, caller.user_id)
    return Response(status_code=204)


async def list_types(request: Request) -> JSONResponse:
    """Return the types a space may have."""
    identify(request, spaces_refusal)
    return JSONResponse({"data": list(SPACE_ROLES)})


def _change(request: Request, caller: Caller, changes: dict[str, str]) -> JSONResponse:
    """Return the changed space, after its event."""
    sandbox = sandbox_of(request)
    old, standing = enter_space(sandbox, caller, _id(request), spaces_refusal, "update")
    owner = changes.get("owner_id", old["owner_id"])
    if owner != old["owner_id"]:
        if not standing.may("change_owner"):
            raise spaces_refusal(403, "Operation denied")
        accept_owner(sandbox, owner, spaces_refusal, (CREATORS[old["type"]],))
    name = changes.get("name", old["name"])
    if name != old["name"]:
        _require_free_name(sandbox, name, besides=old["id"])
    now = sandbox.clock.stamp()
    statement = "UPDATE spaces SET name = ?, name_key = ?, owner_id = ?, description = ?, updated_at = ? WHERE id = ?"
    values = (name, fold(name), owner, changes.get("description", old["description"]), now, old["id"])
    sandbox.db.execute(statement, values)
    space, standing = _stand(sandbox, caller, old["id"])
    told = {
        "id": space["id"],
        "name": name,
        "type": space["type"],
        "ownerId": owner,
        "createdAt": space["created_at"],
        "updatedAt": now,
        "description": space["description"],
        "previousName": old["name"],
        "previousOwnerId": old["owner_id"],
    }
    publish_space(sandbox, "updated", space["id"], told, caller.user_id)
    return JSONResponse(_show(request, space, standing))


def _stand(sandbox: Sandbox, caller: Caller, id: str) -> tuple[sqlite3.Row, Standing]:
    """Return a space and how the caller stands in it, who may just have given it away."""
    space = find_space(sandbox, id)
    assert space is not None  # noqa: S101  # it was there a moment ago
    return space, standing_of(caller, space, assigned_roles(sandbox, caller.user_id, (id,)).get(id, ()))


def _conditions(request: Request, caller: Caller) -> list[Clause]:
    """Return the conditions of the query."""
    query, conditions = request.query_params, []
    if name := query.get("name"):
        conditions.append(Clause("instr(name_key, ?) > 0", (fold(name),)))
    if kinds := query.get("type"):
        wanted = tuple(kinds.split(","))
        conditions.append(Clause(f"type IN ({', '.join('?' * len(wanted))})", wanted))
    if owner := query.get("ownerId"):
        conditions.append(Clause("owner_id = ?", (owner,)))
    if roles := query.get("roles"):
        conditions.append(role_condition(caller, roles.split(",")))
    if action := query.get("action"):
        if action != "publish":
            raise spaces_refusal(400, f"Invalid action: {action}")
        conditions += [Clause("type = 'managed'"), role_condition(caller, ("facilitator", "publisher"))]
    if query.get("environmentId") or query.get("environment.name"):
        # No space of the sandbox belongs to an environment.
        conditions.append(Clause("0"))
    return conditions


def _require_free_name(sandbox: Sandbox, name: str, besides: str = "") -> None:
    """Raise 409 for a name that another space has, whatever its type."""
    rows = sandbox.db.execute("SELECT name FROM spaces WHERE name_key = ? AND id <> ?", (fold(name), besides))
    ignores_case = sandbox.switch("space-name-case") == "ignored"
    if any(ignores_case or row["name"] == name for row in rows):
        raise spaces_refusal(409, "Space already exists. name must be unique.")


def _id(request: Request) -> str:
    return str(request.path_params["spaceId"])


def _show(request: Request, row: sqlite3.Row, standing: Standing) -> dict[str, Any]:
    """Return a space as the service writes it; only who manages it is offered roles to assign."""
    own = f"{base_url(request)}{PATH}/{row['id']}"
    assignable = SPACE_ROLES[row["type"]] if standing.may("update") else ()
    return {
        "id": row["id"],
        "name": row["name"],
        "type": row["type"],
        "ownerId": row["owner_id"],
        "tenantId": sandbox_of(request).setting("tenant")["id"],
        "description": row["description"],
        "createdAt": row["created_at"],
        "createdBy": row["created_by"],
        "updatedAt": row["updated_at"],
        "links": {"self": {"href": own}, "assignments": {"href": f"{own}/assignments"}},
        "meta": {
            "actions": list(standing.actions),
            "roles": list(standing.roles),
            "assignableRoles": list(assignable),
        },
    }


_ONE = f"{PATH}/{{spaceId}}"

ROUTES = [
    endpoint(
        "GET",
        PATH,
        list_spaces,
        query="action,environment.name,environmentId,limit,name,next,ownerId,prev,roles,sort,type",
    ),
    endpoint("POST", PATH, create_space, body=SpaceCreate, status=201),
    endpoint("GET", f"{PATH}/types", list_types),
    endpoint("GET", _ONE, get_space),
    endpoint("PATCH", _ONE, patch_space, body=list[SpaceOp]),
    endpoint("PUT", _ONE, put_space, body=SpaceUpdate),
    endpoint("DELETE", _ONE, delete_space, status=204),
]
