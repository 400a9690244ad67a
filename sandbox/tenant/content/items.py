"""Items: one for each app, automation, glossary and so on that a user can access (qlik-api.md 9)."""

import json
import re
import sqlite3
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import base_url, sandbox_of
from sandbox.documents import field_of
from sandbox.paging import Clause
from sandbox.routing import endpoint
from sandbox.state import fold
from sandbox.tenant.access import Caller, identify
from sandbox.tenant.content.errors import items_refusal
from sandbox.tenant.content.pages import NAME, TIMES
from sandbox.tenant.content.places import seen_by
from sandbox.tenant.listing import Collection, identity_links
from sandbox.tenant.space_access import shared_with

PATH = "/api/v1/items"
ADMIN = "admin.apps"
MAX_IDS = 100

_TYPES = {
    "apps": "app",
    "automations": "automation",
    "sharingTasks": "sharingservicetask",
    "glossaries": "glossary",
}
_KIND = " ".join(["CASE collection", *(f"WHEN '{name}' THEN '{kind}'" for name, kind in _TYPES.items()), "END"])
# The id of an item follows from its resource's; that of something without an API of its own is its own.
_ITEM_ID = "CASE collection WHEN 'items' THEN id ELSE substr(replace(id, '-', ''), -24) END"
_RESOURCE_ID = f"coalesce(nullif({field_of('resourceId')}, ''), id)"
_SUB_TYPE = f"coalesce({field_of('resourceSubType')}, '')"
_COLLECTIONS = ", ".join(f"'{name}'" for name in (*_TYPES, "items"))
# Every piece is a constant of this module.
_SOURCE = (
    f"(SELECT {_ITEM_ID} AS id, {_RESOURCE_ID} AS resource_id,"  # noqa: S608  # constants
    f" coalesce({_KIND}, {field_of('resourceType')}) AS kind, {_SUB_TYPE} AS sub_type, body"
    f" FROM documents WHERE collection IN ({_COLLECTIONS}))"
)

_ITEMS = Collection(
    columns="*",
    source=_SOURCE,
    # What somebody used lately is not known; the last change stands for it.
    sorts=TIMES | {"name": NAME, "recentlyUsed": TIMES["updatedAt"]},
    attributes={},
    refuse=items_refusal,
    default_sort="+createdAt",
    default_limit=10,
)
_PERSONAL = f"{field_of('spaceId')} = ''"
_SPACE_TYPE = f"(SELECT type FROM spaces WHERE spaces.id = {field_of('spaceId')}) IN"  # noqa: S608  # a constant
_TYPED = re.compile(r"([^,\[\]]+)(?:\[([^\[\]]*)\])?(?:,|$)")


async def list_items(request: Request) -> JSONResponse:
    """Return one page of the items the caller can access, ten unless asked for more."""
    caller = identify(request, items_refusal)
    shows_personal = sandbox_of(request).switch("admin-personal-items") == "visible"
    visible = _or_shared(caller, seen_by(caller, ADMIN, personal=shows_personal))
    listing = _ITEMS.listing(request, *visible, *_plain_conditions(request), *_resource_conditions(request))
    page = _ITEMS.read(request, listing)
    return JSONResponse(
        {"data": [_show(request, caller, row) for row in page.rows], "links": identity_links(request, page)}
    )


async def get_item(request: Request) -> JSONResponse:
    """Return one item."""
    caller = identify(request, items_refusal)
    wanted = Clause("id = ?", (request.path_params["itemId"],))
    listing = _ITEMS.listing(request, wanted, *_or_shared(caller, seen_by(caller, ADMIN)))
    rows = listing.read(sandbox_of(request).db, 1).rows
    if not rows:
        raise items_refusal(404, "Not found")
    return JSONResponse(_show(request, caller, rows[0]))


def _or_shared(caller: Caller, visible: tuple[Clause, ...]) -> tuple[Clause, ...]:
    """Return the condition of what a caller sees, with the apps that are shared with the caller."""
    shared = shared_with(caller.user_id)
    return tuple(
        Clause(f"({clause.sql}) OR (kind = 'app' AND resource_id IN ({shared.sql}))", (*clause.params, *shared.params))
        for clause in visible
    )


def _plain_conditions(request: Request) -> list[Clause]:
    """Return the conditions of the query that are about owners, names and spaces."""
    query, owner = request.query_params, field_of("ownerId")
    tests = {
        "id": "id = ?",
        "ownerId": f"{owner} = ?",
        "notOwnerId": f"{owner} <> ?",
        # Who made something is not kept apart from who owns it.
        "createdByUserId": f"{owner} = ?",
        "notCreatedByUserId": f"{owner} <> ?",
        # There are no collections in the sandbox, so nothing is in one.
        "collectionId": "? IS NULL",
    }
    conditions = [Clause(test, (query[name],)) for name, test in tests.items() if query.get(name)]
    if name := query.get("name"):
        conditions.append(Clause(f"instr({NAME}, ?) > 0", (fold(name),)))
    if text := query.get("query"):
        described = f"instr(fold(coalesce({field_of('description')}, '')), ?) > 0"
        conditions.append(Clause(f"instr({NAME}, ?) > 0 OR {described}", (fold(text), fold(text))))
    if space := query.get("spaceId"):
        conditions.append(Clause(_PERSONAL) if space == "personal" else Clause(f"{field_of('spaceId')} = ?", (space,)))
    if kinds := query.get("spaceType"):
        wanted = tuple(kinds.split(","))
        typed = f"{_SPACE_TYPE} ({', '.join('?' * len(wanted))})"
        conditions.append(Clause(f"{_PERSONAL} OR {typed}" if "personal" in wanted else typed, wanted))
    if shared := query.get("shared"):
        inside = f"coalesce({_SPACE_TYPE} ('shared'), 0)"
        conditions.append(Clause(inside if shared == "true" else f"NOT {inside}"))
    return conditions


def _resource_conditions(request: Request) -> list[Clause]:
    """Return the conditions about resources; an id of one needs its type."""
    query = request.query_params
    id, ids, link, kinds = (query.get(name) for name in ("resourceId", "resourceIds", "resourceLink", "resourceType"))
    if id and link:
        raise items_refusal(400, "Provide either the resourceId or resourceLink, but not both")
    if (id or ids or link) and not kinds:
        raise items_refusal(400, "resourceType must be provided with resourceId, resourceIds and resourceLink")
    conditions = []
    if id:
        conditions.append(Clause("resource_id = ?", (id,)))
    if ids:
        wanted = tuple(ids.split(","))
        if len(wanted) > MAX_IDS:
            raise items_refusal(400, f"At most {MAX_IDS} resourceIds")
        conditions.append(Clause(f"resource_id IN ({', '.join('?' * len(wanted))})", wanted))
    if link:
        # No item of the sandbox has a link in the place of a resource.
        conditions.append(Clause("0"))
    if kinds:
        conditions.append(_type_condition(kinds, has_sub_types=bool(query.get("resourceSubType"))))
    if sub_types := query.get("resourceSubType"):
        wanted = tuple(sub_types.split(","))
        conditions.append(Clause(f"sub_type IN ({', '.join('?' * len(wanted))})", wanted))
    return conditions


def _type_condition(text: str, *, has_sub_types: bool) -> Clause:
    """Return the condition of `app,qvapp` or of `app[qvd,],qvapp`; brackets go with no resourceSubType."""
    if "[" in text and has_sub_types:
        raise items_refusal(400, "resourceSubType cannot be combined with brackets in resourceType")
    found, place = [], 0
    while place < len(text):
        match = _TYPED.match(text, place)
        if match is None:
            raise items_refusal(400, f"Invalid resourceType: {text}")
        kind, sub_types = match.groups()
        if sub_types is None:
            found.append(Clause("kind = ?", (kind,)))
        else:
            wanted = tuple(sub_types.split(","))
            found.append(Clause(f"kind = ? AND sub_type IN ({', '.join('?' * len(wanted))})", (kind, *wanted)))
        place = match.end()
    return Clause(" OR ".join(f"({c.sql})" for c in found), tuple(param for c in found for param in c.params))


def _show(request: Request, caller: Caller, row: sqlite3.Row) -> dict[str, Any]:
    """Return an item as the service writes it, without its actions where they are not asked for."""
    body = json.loads(row["body"])
    is_manager = caller.user_id == body["ownerId"] or caller.may(ADMIN)
    actions = ["change_owner", "delete", "read", "update"] if is_manager else ["read"]
    own = f"{base_url(request)}{PATH}/{row['id']}"
    item: dict[str, Any] = {
        "name": body["name"],
        "description": body.get("description", ""),
        "resourceAttributes": {},
        "resourceCustomAttributes": None,
        "resourceUpdatedAt": body["updatedAt"],
        "resourceType": row["kind"],
        "resourceSubType": row["sub_type"],
        "resourceId": row["resource_id"],
        "resourceCreatedAt": body["createdAt"],
        "id": row["id"],
        "createdAt": body["createdAt"],
        "updatedAt": body["updatedAt"],
        "creatorId": body["ownerId"],
        "updaterId": body["ownerId"],
        "tenantId": sandbox_of(request).setting("tenant")["id"],
        "ownerId": body["ownerId"],
        "isFavorited": False,
        "links": {"self": {"href": own}, "collections": {"href": f"{own}/collections"}},
        "actions": actions,
        "collectionIds": [],
        "meta": {"isFavorited": False, "tags": [], "collections": [], "actions": actions},
    }
    if body["spaceId"]:
        item["spaceId"] = body["spaceId"]
    if request.query_params.get("noActions") == "true":
        del item["actions"]
        item["meta"]["actions"] = []
    return item


ROUTES = [
    endpoint(
        "GET",
        PATH,
        list_items,
        query="collectionId,createdByUserId,id,limit,name,next,noActions,notCreatedByUserId,notOwnerId,ownerId,prev,query,"
        "resourceId,resourceIds,resourceLink,resourceSubType,resourceType,shared,sort,spaceId,spaceType",
    ),
    endpoint("GET", f"{PATH}/{{itemId}}", get_item),
]
