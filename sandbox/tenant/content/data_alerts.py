"""Data alerts, and the patch that gives one away (qlik-api.md 9)."""

from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.documents import Document, field_of
from sandbox.paging import Clause
from sandbox.routing import endpoint
from sandbox.state import Sandbox
from sandbox.tenant.access import Caller, identify
from sandbox.tenant.content.errors import alerts_refusal
from sandbox.tenant.content.pages import of_collection
from sandbox.tenant.content.places import put_content
from sandbox.tenant.content.task_pages import (
    ADMIN,
    OWNED,
    OWNER_NAME,
    RECEIVED,
    find_task,
    own_or_received,
    read_roles,
    read_tasks,
    read_words,
    tasks_of,
)
from sandbox.tenant.owners import accept_owner

PATH = "/api/v1/data-alerts"

_ALERTS = tasks_of(alerts_refusal)
_ROLES = {"owner": OWNED, "recipient": RECEIVED, "notowner": f"{field_of('ownerId')} <> ?"}
_STATES = {"VALID": field_of("enabled"), "DISABLED": f"NOT {field_of('enabled')}"}
# What a patch may put where; the other published paths are not part of the sandbox.
_TEXTS = {
    "/name": "name",
    "/description": "description",
    "/conditionId": "conditionId",
    "/ownerName": "ownerName",
    "/ownerId": "ownerId",
}


class AlertOp(Body):
    """One operation of a patch."""

    op: Literal["replace"]
    path: Literal[
        "/ownerName", "/ownerId", "/conditionId", "/enabledAction", "/bookmarkId", "/name", "/description",
        "/throttling", "/triggerType", "/scheduleOptions",
    ]  # fmt: skip
    value: Any = None


async def list_alerts(request: Request) -> JSONResponse:
    """Return one page of alerts: everybody's for administrators, else those the caller owns or receives."""
    caller = identify(request, alerts_refusal)
    listing = _ALERTS.listing(request, of_collection("dataAlerts"), *_conditions(request, caller))
    bodies, beside = read_tasks(request, _ALERTS, listing)
    return JSONResponse(beside | {"tasks": [_show(sandbox_of(request), body) for body in bodies]})


async def get_alert(request: Request) -> JSONResponse:
    """Return one alert."""
    caller = identify(request, alerts_refusal)
    return JSONResponse(_show(sandbox_of(request), _find(request, caller)))


async def patch_alert(request: Request) -> Response:
    """Return 204 after the changes."""
    caller = identify(request, alerts_refusal)
    sandbox = sandbox_of(request)
    alert = _find(request, caller)
    ops: list[AlertOp] = await read_body(request, list[AlertOp], alerts_refusal)
    if alert["ownerId"] != caller.user_id and not caller.may(ADMIN):
        raise alerts_refusal(403, "Forbidden")
    new_name = next((op.value for op in ops if op.path == "/ownerName" and isinstance(op.value, str)), "")
    for op in ops:
        name = _TEXTS.get(op.path)
        if name is None:
            raise alerts_refusal(501, f"{op.path} is not part of the sandbox")
        if not isinstance(op.value, str) or (name == "name" and not op.value):
            raise alerts_refusal(400, f"Invalid value of {op.path}")
        if name == "ownerId" and op.value != alert["ownerId"]:
            accept_owner(sandbox, op.value, alerts_refusal)
            # Without a name of its own an alert shows that of its owner, and the former one's is wrong now.
            alert["ownerName"] = new_name
        alert[name] = op.value
    put_content(sandbox, "dataAlerts", alert | {"updatedAt": sandbox.clock.stamp()})
    return Response(status_code=204)


def _conditions(request: Request, caller: Caller) -> list[Clause]:
    """Return the conditions of the query."""
    query, conditions = request.query_params, [*own_or_received(caller)]
    exact = {"ownerId": "ownerId", "appID": "appId", "conditionId": "conditionId"}
    conditions += [Clause(f"{field_of(m)} = ?", (query[name],)) for name, m in exact.items() if query.get(name)]
    if name := query.get("ownerName"):
        conditions.append(Clause(f"{OWNER_NAME} = ?", (name.casefold(),)))
    if states := read_words(request, "status"):
        # No alert of the sandbox has an invalid owner or recipient.
        conditions.append(Clause(" OR ".join(_STATES.get(state, "0") for state in sorted(states))))
    if roles := read_roles(request, _ROLES, alerts_refusal):
        tests = [test for role, test in _ROLES.items() if role in roles]
        conditions.append(Clause(" OR ".join(tests), (caller.user_id,) * len(tests)))
    return conditions


def _find(request: Request, caller: Caller) -> Document:
    return find_task(request, caller, "dataAlerts", request.path_params["alertId"], alerts_refusal)


def _show(sandbox: Sandbox, body: Document) -> dict[str, Any]:
    """Return an alert as the service writes it."""
    owner = sandbox.db.execute("SELECT name FROM users WHERE id = ?", (body["ownerId"],)).fetchone()
    return {
        "id": body["id"],
        "name": body["name"],
        "description": body["description"],
        "tenantId": sandbox.setting("tenant")["id"],
        "ownerId": body["ownerId"],
        "ownerName": body["ownerName"] or (owner["name"] if owner is not None else ""),
        "appId": body["appId"],
        "conditionId": body["conditionId"],
        "enabled": body["enabled"],
        "triggerType": body["triggerType"],
        "recipients": {"userIds": [{"value": id, "enabled": True} for id in body["recipients"]], "groupIds": []},
        "errorStatus": "OK",
        "triggerStats": {"last10Scans": 0, "last100Scans": 0, "totalScans": 0},
        "dateCreated": body["createdAt"],
        "lastUpdated": body["updatedAt"],
        "links": {"self": {"href": f"{PATH}/{body['id']}"}},
    }


ROUTES = [
    endpoint(
        "GET",
        PATH,
        list_alerts,
        query="appID,conditionId,limit,next,offset,ownerId,ownerName,prev,role,sort,status",
    ),
    endpoint("GET", f"{PATH}/{{alertId}}", get_alert),
    endpoint("PATCH", f"{PATH}/{{alertId}}", patch_alert, body=list[AlertOp], status=204),
]
