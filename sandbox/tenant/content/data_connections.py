"""Data connections, and the batch that moves them to other owners and spaces (qlik-api.md 9)."""

import json
import sqlite3
from dataclasses import replace
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import Refusal, base_url, sandbox_of
from sandbox.bodies import read_body
from sandbox.documents import Document, field_of, find_document
from sandbox.paging import Clause, Page
from sandbox.routing import endpoint
from sandbox.state import Sandbox
from sandbox.tenant.access import Caller, identify, require
from sandbox.tenant.content.bodies import CamelBody
from sandbox.tenant.content.errors import connection_error, connections_refusal
from sandbox.tenant.content.pages import NAME, TIMES, read_page
from sandbox.tenant.content.places import owned_by, put_content, seen_by, sees
from sandbox.tenant.filters import Attribute
from sandbox.tenant.listing import Collection, links, page_url
from sandbox.tenant.owners import accept_owner
from sandbox.tenant.space_access import find_space, visible_to

PATH = "/api/v1/data-connections"
ALIAS = "/api/connectivity/data-connections"
ADMIN = "admin.apps"
# Every space has a connection to its data files.
_DATA_FILES = (
    "SELECT 'datafiles-' || id AS id, 1 AS is_file, json_object('id', 'datafiles-' || id, 'name', name || ':DataFiles',"
    " 'type', 'qix-datafiles.exe', 'spaceId', id, 'ownerId', owner_id,"
    " 'createdAt', created_at, 'updatedAt', updated_at) AS body FROM spaces"
)
_STANDARD = "SELECT id, 0 AS is_file, body FROM documents WHERE collection = 'dataConnections'"
_SOURCE = f"({_STANDARD} UNION ALL {_DATA_FILES})"


_SORTS = {"_id": "id", "qName": NAME, "created": TIMES["createdAt"], "updated": TIMES["updatedAt"]}
_CONNECTIONS = Collection(
    columns="*",
    source=_SOURCE,
    sorts=_SORTS,
    attributes={
        "qID": Attribute("fold(id) = ?"),
        "qName": Attribute(f"{NAME} = ?", f"instr({NAME}, ?) > 0"),
        "qType": Attribute(f"fold({field_of('type')}) = ?"),
        "space": Attribute(f"fold({field_of('spaceId')}) = ?"),
        "user": Attribute(f"fold({field_of('ownerId')}) = ?"),
    },
    refuse=connections_refusal,
    default_sort="+_id",
    default_limit=100,
)


class Change(CamelBody):
    """What of a connection is to change; a spaceId of nothing means the personal space of the owner."""

    id: str
    name: str | None = None
    owner_id: str | None = None
    space_id: str | None = None
    space_type: Literal["personal", "shared", "managed", "data"] | None = None


class Changes(CamelBody):
    """The connections of a batch."""

    connections: list[Change]


async def list_connections(request: Request) -> JSONResponse:
    """Return the connections the caller sees, in pages only where a limit is given."""
    caller = identify(request, connections_refusal)
    listing = _in_order(request).listing(request, *_conditions(request, caller))
    total = listing.count(sandbox_of(request).db)
    if "limit" in request.query_params or "page" in request.query_params:
        page = read_page(request, _CONNECTIONS, listing, "page")
    else:
        page = Page(listing.read(sandbox_of(request).db, max(total, 1)).rows, None, None)
    name = request.query_params.get("dataName") or "data"
    return JSONResponse(
        {
            name: [_show(request, caller, row) for row in page.rows],
            "links": {"self": {"href": page_url(request, None)}}
            | links(request, page, lambda cursor: {"page": cursor.encode()}),
            "meta": {"count": total},
        }
    )


def _in_order(request: Request) -> Collection:
    """Return the connections with those to data files last, whichever way the others are sorted."""
    place = "1 - is_file" if request.query_params.get("sort", "").startswith("-") else "is_file"
    return replace(_CONNECTIONS, sorts={name: f"({place}) || {by}" for name, by in _SORTS.items()})


async def get_connection(request: Request) -> JSONResponse:
    """Return one connection."""
    caller = identify(request, connections_refusal)
    sandbox = sandbox_of(request)
    statement = f"SELECT * FROM {_SOURCE} WHERE id = ?"  # noqa: S608  # constants
    row = sandbox.db.execute(statement, (request.path_params["qID"],)).fetchone()
    if row is None or not sees(sandbox, caller, json.loads(row["body"]), ADMIN):
        raise connections_refusal(404, "Connection not found")
    return JSONResponse(_show(request, caller, row))


async def update_connections(request: Request) -> JSONResponse:
    """Return a 207 whose items say what became of each connection; credentials stay with the former owner."""
    require(request, connections_refusal, ADMIN)
    sandbox = sandbox_of(request)
    asked: Changes = await read_body(request, Changes, connections_refusal)
    return JSONResponse({"data": [_change(sandbox, change) for change in asked.connections]}, status_code=207)


def _change(sandbox: Sandbox, change: Change) -> dict[str, Any]:
    """Return the outcome of one change; each stands for itself."""
    connection = find_document(sandbox, "dataConnections", change.id)
    if connection is None:
        return _failed(change, 404, "Connection not found")
    if change.space_id is not None and change.space_type is None:
        return _failed(change, 400, "spaceType is required when spaceId is specified")
    if change.space_id and not _is_space(sandbox, change.space_id, change.space_type):
        return _failed(change, 404, "Space not found")
    if change.owner_id is not None:
        try:
            accept_owner(sandbox, change.owner_id, connections_refusal)
        except Refusal as refusal:
            # Of the rules for owners; here they fail an item, not the request.
            error = json.loads(bytes(refusal.response.body))["errors"][0]
            return {"id": change.id, "status": error["status"], "error": error}
    _apply(sandbox, connection, change)
    return {"id": change.id, "status": 200}


def _apply(sandbox: Sandbox, connection: Document, change: Change) -> None:
    owner = connection["ownerId"] if change.owner_id is None else change.owner_id
    if owner != connection["ownerId"]:
        connection |= {"ownerId": owner, "credentials": ""}
    if change.space_id is not None:
        connection["spaceId"] = change.space_id
    if change.name is not None:
        connection["name"] = change.name
    put_content(sandbox, "dataConnections", connection | {"updatedAt": sandbox.clock.stamp()})


def _is_space(sandbox: Sandbox, id: str, kind: str | None) -> bool:
    space = find_space(sandbox, id)
    return space is not None and space["type"] == kind


def _failed(change: Change, status: int, title: str) -> dict[str, Any]:
    return {"id": change.id, "status": status, "error": connection_error(status, title)}


def _conditions(request: Request, caller: Caller) -> list[Clause]:
    """Return the conditions of the query; only an administrator asks for what is somebody else's."""
    query = request.query_params
    user = query.get("userId") or (caller.user_id if query.get("ownedByMe") == "true" else "")
    if user not in {"", caller.user_id} and not caller.may(f"{ADMIN}:read"):
        raise connections_refusal(403, "Forbidden")
    conditions = [_visible(caller)]
    if query.get("noDatafiles") == "true":
        conditions.append(Clause("NOT is_file"))
    if user:
        owned = owned_by(user)
        conditions.append(Clause(f"is_file OR {owned.sql}", owned.params))
    if space := query.get("spaceId"):
        conditions.append(Clause(f"{field_of('spaceId')} = ?", (space,)))
    elif personal := query.get("personal"):
        sign = "=" if personal == "true" else "<>"
        conditions.append(Clause(f"{field_of('spaceId')} {sign} ''"))
    return conditions


def _visible(caller: Caller) -> Clause:
    """Return the condition of the connections a caller sees: to data files, of the caller's spaces."""
    standard = seen_by(caller, ADMIN)
    inside = visible_to(caller)
    spaces = " AND ".join(f"({clause.sql})" for clause in inside) or "1"
    seen = " AND ".join(f"({clause.sql})" for clause in standard) or "1"
    params = tuple(param for clause in (*inside, *standard) for param in clause.params)
    return Clause(
        f"CASE WHEN is_file THEN {field_of('spaceId')} IN (SELECT id FROM spaces WHERE {spaces}) ELSE {seen} END",  # noqa: S608  # clauses
        params,
    )


def _show(request: Request, caller: Caller, row: sqlite3.Row) -> dict[str, Any]:
    """Return a connection as the service writes it."""
    body = json.loads(row["body"])
    is_manager = body["ownerId"] == caller.user_id or caller.may(ADMIN)
    connection: dict[str, Any] = {
        "qName": body["name"],
        "qConnectStatement": body.get("statement", ""),
        "qType": body["type"],
        "qEngineObjectID": body["id"],
        "qID": body["id"],
        "qLogOn": 0,
        "qArchitecture": 0,
        "qSeparateCredentials": False,
        "tenant": sandbox_of(request).setting("tenant")["id"],
        "user": body["ownerId"],
        "created": body["createdAt"],
        "updated": body["updatedAt"],
        "privileges": ["list", "update", "delete", "read", "change_owner", "change_space"] if is_manager else ["list"],
        "tags": [],
        "datasourceID": body.get("datasource", ""),
        "links": {"self": {"href": f"{base_url(request)}{PATH}/{body['id']}"}},
    }
    if body["spaceId"]:
        connection["space"] = body["spaceId"]
    if body.get("credentials"):
        connection["qCredentialsID"] = body["credentials"]
    return connection


_QUERY = (
    "caseinsensitive,dataName,extended,filter,includeDisabled,includeQris,limit,locale,noDatafiles,ownedByMe,owner,page,"
    "personal,sort,spaceId,userId"
)

ROUTES = [
    route
    for base in (PATH, ALIAS)
    for route in (
        endpoint("GET", base, list_connections, query=_QUERY),
        endpoint("GET", f"{base}/{{qID}}", get_connection),
        endpoint("POST", f"{base}/actions/update", update_connections, body=Changes, status=207),
    )
]
