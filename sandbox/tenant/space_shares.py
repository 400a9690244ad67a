"""Resources of a space shown to those who have no role in it (qlik-api.md 6)."""

import json
import sqlite3
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import base_url, sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.documents import (
    Document,
    delete_document,
    field_of,
    find_document,
    list_documents,
    put_document,
    source_of,
)
from sandbox.ids import new_tenant_id
from sandbox.paging import Clause, Listing, Order
from sandbox.routing import endpoint
from sandbox.state import Sandbox, fold
from sandbox.tenant.access import identify
from sandbox.tenant.content.bodies import CamelBody
from sandbox.tenant.content.sections import ShareRole
from sandbox.tenant.errors import spaces_refusal
from sandbox.tenant.listing import Collection, identity_links
from sandbox.tenant.owners import find_user
from sandbox.tenant.space_access import enter_space
from sandbox.tenant.space_events import publish_space

SPACES = "/api/v1/spaces"
PATH = f"{SPACES}/{{spaceId}}/shares"
COLLECTION = "spaceShares"

# The roles of shares by type of space; a data space has no apps to share.
_ROLES = {"shared": ("consumer",), "managed": ("basicconsumer", "consumer", "contributor"), "data": ()}
_PAGES = Collection("*", "documents", {}, {}, spaces_refusal, default_limit=10)


class ShareCreate(CamelBody):
    """A new share; one by link has no assignee."""

    type: Literal["user", "group", "link"]
    assignee_id: str = ""
    resource_type: str
    resource_id: str
    roles: list[ShareRole] = Field(min_length=1)


class RolesOp(Body):
    """A patch of the roles."""

    op: Literal["replace"]
    path: Literal["/roles"]
    value: list[ShareRole] = Field(min_length=1)


class DisabledOp(Body):
    """A patch that disables a share, or enables it."""

    op: Literal["replace"]
    path: Literal["/disabled"]
    value: bool


ShareOp = Annotated[RolesOp | DisabledOp, Field(discriminator="path")]


async def list_shares(request: Request) -> JSONResponse:
    """Return one page of a space's shares, ten unless asked for more."""
    space = _enter(request)
    db = sandbox_of(request).db
    listing = Listing("*", source_of(COLLECTION, space["id"]), Order("seq", "id")).where(*_conditions(request))
    page = _PAGES.read(request, listing)
    return JSONResponse(
        {
            "data": [_show(request, json.loads(row["body"])) for row in page.rows],
            "meta": {"count": listing.count(db)},
            "links": identity_links(request, page),
        }
    )


async def create_share(request: Request) -> JSONResponse:
    """Return the new share of an app of the space."""
    caller = identify(request, spaces_refusal)
    sandbox = sandbox_of(request)
    space = _enter(request)
    asked: ShareCreate = await read_body(request, ShareCreate, spaces_refusal)
    if asked.resource_type != "app":
        raise spaces_refusal(400, f"Invalid resourceType: {asked.resource_type}")
    roles = _accept_roles(space, asked.roles)
    app = find_document(sandbox, "apps", asked.resource_id)
    if app is None or app.get("spaceId") != space["id"]:
        raise spaces_refusal(404, "Resource not found")
    if not _has_assignee(sandbox, asked):
        raise spaces_refusal(404, f"{asked.type} not found")
    for share in list_documents(sandbox, COLLECTION, space["id"]):
        if (share.get("assigneeId"), share["resourceId"]) == (asked.assignee_id, asked.resource_id):
            raise spaces_refusal(409, "Share already exists. assigneeId must be unique.")
    now = sandbox.clock.stamp()
    share = {
        "id": new_tenant_id(),
        "type": asked.type,
        "assigneeId": asked.assignee_id,
        "resourceId": asked.resource_id,
        "resourceType": "app",
        "roles": roles,
        "disabled": False,
        "spaceId": space["id"],
        "createdAt": now,
        "createdBy": caller.user_id,
        "updatedAt": now,
        "updatedBy": caller.user_id,
    }
    put_document(sandbox, COLLECTION, share, space["id"])
    _publish(sandbox, "created", space, share, caller.user_id, {"spaceType": space["type"]})
    return JSONResponse(_show(request, share), status_code=201)


async def get_share(request: Request) -> JSONResponse:
    """Return one share."""
    return JSONResponse(_show(request, _find(request, _enter(request))))


async def patch_share(request: Request) -> JSONResponse:
    """Return the share with other roles, or disabled."""
    caller = identify(request, spaces_refusal)
    sandbox = sandbox_of(request)
    space = _enter(request)
    share = _find(request, space)
    ops: list[RolesOp | DisabledOp] = await read_body(request, list[ShareOp], spaces_refusal)
    for op in ops:
        if isinstance(op, RolesOp):
            share["roles"] = _accept_roles(space, op.value)
        else:
            share["disabled"] = op.value
    share |= {"updatedAt": sandbox.clock.stamp(), "updatedBy": caller.user_id}
    put_document(sandbox, COLLECTION, share, space["id"])
    more = {"spaceType": space["type"], "updatedAt": share["updatedAt"], "updatedBy": caller.user_id}
    _publish(sandbox, "updated", space, share, caller.user_id, more)
    return JSONResponse(_show(request, share))


async def delete_share(request: Request) -> Response:
    """Return 204 after the share is gone."""
    caller = identify(request, spaces_refusal)
    space = _enter(request)
    _remove(sandbox_of(request), space, _find(request, space), caller.user_id, is_space_deleted=False)
    return Response(status_code=204)


def remove_shares(sandbox: Sandbox, space: sqlite3.Row, by: str) -> None:
    """Remove every share of a space that is deleted."""
    for share in list_documents(sandbox, COLLECTION, space["id"]):
        _remove(sandbox, space, share, by, is_space_deleted=True)


def _remove(sandbox: Sandbox, space: sqlite3.Row, share: Document, by: str, *, is_space_deleted: bool) -> None:
    delete_document(sandbox, COLLECTION, share["id"])
    _publish(sandbox, "deleted", space, share, by, {"spaceName": space["name"], "spaceDelete": is_space_deleted})


def _publish(sandbox: Sandbox, kind: str, space: sqlite3.Row, share: Document, by: str, more: dict[str, Any]) -> None:
    told = {name: share[name] for name in ("id", "type", "assigneeId", "resourceId", "resourceType")}
    if kind != "deleted":
        more |= {"roles": share["roles"], "createdAt": share["createdAt"], "createdBy": share["createdBy"]}
    told |= {"spaceId": space["id"], "resourceName": _name_of(sandbox, share), **more}
    publish_space(sandbox, f"share.{kind}", space["id"], told, by)


def _conditions(request: Request) -> list[Clause]:
    """Return the conditions of the query."""
    query = request.query_params
    exact = {name: query.get(name) for name in ("resourceId", "resourceType", "type")}
    conditions = [Clause(f"{field_of(name)} = ?", (value,)) for name, value in exact.items() if value]
    for name, kind in (("groupId", "group"), ("userId", "user")):
        if value := query.get(name):
            conditions.append(Clause(f"{field_of('type')} = ? AND {field_of('assigneeId')} = ?", (kind, value)))
    if wanted := query.get("name"):
        apps = f"SELECT id FROM documents WHERE collection = 'apps' AND fold({field_of('name')}) = ?"  # noqa: S608  # constants
        conditions.append(Clause(f"{field_of('resourceId')} IN ({apps})", (fold(wanted),)))
    return conditions


def _enter(request: Request) -> sqlite3.Row:
    """Return the space, which the caller must manage."""
    caller = identify(request, spaces_refusal)
    return enter_space(sandbox_of(request), caller, request.path_params["spaceId"], spaces_refusal, "update")[0]


def _find(request: Request, space: sqlite3.Row) -> Document:
    share = find_document(sandbox_of(request), COLLECTION, request.path_params["shareId"])
    if share is None or share["spaceId"] != space["id"]:
        raise spaces_refusal(404, "Share not found")
    return share


def _accept_roles(space: sqlite3.Row, roles: list[ShareRole]) -> list[str]:
    for role in roles:
        if role not in _ROLES[space["type"]]:
            raise spaces_refusal(400, f"Invalid role for a share of a {space['type']} space: {role}")
    return list(dict.fromkeys(roles))


def _has_assignee(sandbox: Sandbox, asked: ShareCreate) -> bool:
    """Say whether the user or group exists; a link is for nobody in particular."""
    if asked.type == "link":
        return True
    if asked.type == "group":
        statement = "SELECT 1 FROM tenant_groups WHERE id = ?"
        return sandbox.db.execute(statement, (asked.assignee_id,)).fetchone() is not None
    return find_user(sandbox, asked.assignee_id) is not None


def _name_of(sandbox: Sandbox, share: Document) -> str:
    app = find_document(sandbox, "apps", share["resourceId"])
    return str(app["name"]) if app else ""


def _show(request: Request, share: Document) -> dict[str, Any]:
    """Return a share as the service writes it."""
    own = f"{base_url(request)}{SPACES}/{share['spaceId']}"
    sandbox = sandbox_of(request)
    return {
        "id": share["id"],
        "type": share["type"],
        "assigneeId": share["assigneeId"],
        "resourceId": share["resourceId"],
        "resourceName": _name_of(sandbox, share),
        "resourceType": share["resourceType"],
        "roles": share["roles"],
        "disabled": share["disabled"],
        "spaceId": share["spaceId"],
        "tenantId": sandbox.setting("tenant")["id"],
        "createdAt": share["createdAt"],
        "createdBy": share["createdBy"],
        "updatedAt": share["updatedAt"],
        "updatedBy": share["updatedBy"],
        "links": {"self": {"href": f"{own}/shares/{share['id']}"}, "space": {"href": own}},
    }


_ONE = f"{PATH}/{{shareId}}"

ROUTES = [
    endpoint("GET", PATH, list_shares, query="groupId,limit,name,next,prev,resourceId,resourceType,type,userId"),
    endpoint("POST", PATH, create_share, body=ShareCreate, status=201),
    endpoint("GET", _ONE, get_share),
    endpoint("PATCH", _ONE, patch_share, body=list[ShareOp]),
    endpoint("DELETE", _ONE, delete_share, status=204),
]
