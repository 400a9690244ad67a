"""Automations, and the call that gives one away without its history and connections (qlik-api.md 9)."""

import json
import sqlite3
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.bodies import read_body
from sandbox.documents import Document, field_of, find_document
from sandbox.routing import endpoint
from sandbox.tenant.access import Caller, identify, require
from sandbox.tenant.content.bodies import NewUser
from sandbox.tenant.content.errors import automations_refusal
from sandbox.tenant.content.pages import NAME, TIMES, of_collection, one_cursor_links, read_page
from sandbox.tenant.content.places import put_content, seen_by, sees
from sandbox.tenant.filters import Attribute
from sandbox.tenant.listing import Collection
from sandbox.tenant.owners import accept_owner

BASES = ("/api/v1/automations", "/api/workflows/automations")
ADMIN = "admin.automations"
CREATOR = "AutomationCreator"

_AUTOMATIONS = Collection(
    columns="*",
    source="documents",
    sorts=TIMES
    | {
        "id": "id",
        "name": NAME,
        "runMode": field_of("runMode"),
        "state": field_of("state"),
        "lastRunAt": f"coalesce({field_of('runs[0].stopTime')}, '')",
        "lastRunStatus": field_of("lastRunStatus"),
        "maxConcurrentRuns": "1",
    },
    attributes={
        "name": Attribute(f"{NAME} = ?", f"instr({NAME}, ?) > 0"),
        "runMode": Attribute(f"{field_of('runMode')} = ?"),
        "lastRunStatus": Attribute(f"{field_of('lastRunStatus')} = ?"),
        "ownerId": Attribute(f"fold({field_of('ownerId')}) = ?"),
        "spaceId": Attribute(f"fold({field_of('spaceId')}) = ?"),
    },
    refuse=automations_refusal,
    default_sort="id",
    default_limit=100,
    max_limit=200,
)


async def list_automations(request: Request) -> JSONResponse:
    """Return one page of automations: those of everybody for administrators, unless `listAll` is false."""
    caller = identify(request, automations_refusal)
    # By its specification the list is of everybody unless asked otherwise, and so it is for those who may have it.
    visible = () if lists_all(request, caller, default=caller.may(f"{ADMIN}:read")) else seen_by(caller)
    listing = _AUTOMATIONS.listing(request, of_collection("automations"), *visible)
    page = read_page(request, _AUTOMATIONS, listing, "cursor")
    return JSONResponse({"data": [_show(row) for row in page.rows], "links": one_cursor_links(request, page, "cursor")})


async def get_automation(request: Request) -> JSONResponse:
    """Return one automation with the connections its blocks use."""
    caller = identify(request, automations_refusal)
    found = _find(request, caller)
    return JSONResponse(_show_body(found) | {"schedules": [], "workspace": _workspace(found)})


async def list_runs(request: Request) -> JSONResponse:
    """Return the history of an automation."""
    caller = identify(request, automations_refusal)
    return JSONResponse(
        {"data": _find(request, caller)["runs"], "links": {"next": {"href": None}, "prev": {"href": None}}}
    )


async def change_owner(request: Request) -> Response:
    """Return 204; the history is gone and linked connections are detached."""
    caller = require(request, automations_refusal, ADMIN)
    sandbox = sandbox_of(request)
    found = _find(request, caller)
    asked: NewUser = await read_body(request, NewUser, automations_refusal)
    accept_owner(sandbox, asked.user_id, automations_refusal, (CREATOR,))
    changes = {"ownerId": asked.user_id, "runs": [], "connections": [], "lastRunStatus": ""}
    put_content(sandbox, "automations", found | changes | {"updatedAt": sandbox.clock.stamp()})
    return Response(status_code=204)


def lists_all(request: Request, caller: Caller, *, default: bool = False) -> bool:
    """Say whether a list is of everybody's things, or raise 403 for one who is no administrator."""
    text = request.query_params.get("listAll")
    wanted = text == "true" if text else default
    if wanted and not caller.may(f"{ADMIN}:read"):
        raise automations_refusal(403, "Forbidden")
    return wanted


def _find(request: Request, caller: Caller) -> Document:
    sandbox = sandbox_of(request)
    found = find_document(sandbox, "automations", request.path_params["id"])
    if found is None or not sees(sandbox, caller, found, ADMIN):
        raise automations_refusal(404, "Not found")
    return found


def _show(row: sqlite3.Row) -> dict[str, Any]:
    return _show_body(json.loads(row["body"]))


def _show_body(body: Document) -> dict[str, Any]:
    """Return an automation as the service writes it."""
    last = body["runs"][0] if body["runs"] else {}
    return {
        "id": body["id"],
        "name": body["name"],
        "description": body["description"],
        "runMode": body["runMode"],
        "state": body["state"],
        "lastRunAt": last.get("stopTime"),
        "lastRunStatus": body["lastRunStatus"] or None,
        "lastRun": last or None,
        "ownerId": body["ownerId"],
        "spaceId": body["spaceId"],
        "maxConcurrentRuns": 1,
        "connectorIds": [],
        "endpointIds": [],
        "snippetIds": [],
        "createdAt": body["createdAt"],
        "updatedAt": body["updatedAt"],
    }


def _workspace(body: Document) -> dict[str, Any]:
    blocks = [{"type": "EndpointBlock", "datasource_id": id} for id in body["connections"]]
    return {"blocks": blocks, "variables": []}


ROUTES = [
    route
    for base in BASES
    for route in (
        endpoint("GET", base, list_automations, query="cursor,filter,limit,listAll,sort"),
        endpoint("GET", f"{base}/{{id}}", get_automation),
        endpoint("GET", f"{base}/{{id}}/runs", list_runs),
        endpoint("POST", f"{base}/{{id}}/actions/change-owner", change_owner, body=NewUser, status=204),
        endpoint("POST", f"{base}/{{id}}/actions/move", change_owner, body=NewUser, status=204),
    )
]
