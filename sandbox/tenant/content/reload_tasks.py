"""Scheduled reloads, which stop when their owner goes (qlik-api.md 9)."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import base_url, sandbox_of
from sandbox.documents import Document, field_of, find_document
from sandbox.paging import Clause
from sandbox.routing import endpoint
from sandbox.state import Sandbox
from sandbox.tenant.access import Caller, identify
from sandbox.tenant.content.errors import tasks_refusal
from sandbox.tenant.content.pages import TIMES, of_collection
from sandbox.tenant.content.places import owned_by
from sandbox.tenant.listing import Collection, identity_links

PATH = "/api/v1/reload-tasks"
ADMIN = "admin.apps"

_TASKS = Collection(
    columns="*",
    source="documents",
    sorts={"createdAt": TIMES["createdAt"]},
    attributes={},
    refuse=tasks_refusal,
    default_sort="+createdAt",
    default_limit=10,
)


async def list_tasks(request: Request) -> JSONResponse:
    """Return one page of tasks: everybody's for administrators, else the caller's."""
    caller = identify(request, tasks_refusal)
    listing = _TASKS.listing(request, of_collection("reloadTasks"), *_conditions(request, caller))
    page = _TASKS.read(request, listing)
    return JSONResponse(
        {
            "data": [_show(request, json.loads(row["body"])) for row in page.rows],
            "links": identity_links(request, page),
        }
    )


async def get_task(request: Request) -> JSONResponse:
    """Return one task."""
    caller = identify(request, tasks_refusal)
    task = find_document(sandbox_of(request), "reloadTasks", request.path_params["taskId"])
    if task is None or not (caller.may(f"{ADMIN}:read") or task["ownerId"] == caller.user_id):
        raise tasks_refusal(404, "Not found")
    return JSONResponse(_show(request, task))


def _conditions(request: Request, caller: Caller) -> list[Clause]:
    query = request.query_params
    conditions = [] if caller.may(f"{ADMIN}:read") else [owned_by(caller.user_id)]
    if app := query.get("appId"):
        conditions.append(Clause(f"{field_of('appId')} = ?", (app,)))
    if partial := query.get("partial"):
        conditions.append(Clause(f"{field_of('partial')} = ?", (partial == "true",)))
    return conditions


def _disabled_code(sandbox: Sandbox, task: Document) -> str:
    """Return why a task does not run: its owner is gone or disabled, or a reason of its own."""
    owner = sandbox.db.execute("SELECT status FROM users WHERE id = ?", (task["ownerId"],)).fetchone()
    if owner is None or owner["status"] == "deleted":
        return "OWNER-DELETED"
    return "OWNER-DISABLED" if owner["status"] == "disabled" else str(task["disabledCode"])


def _show(request: Request, body: Document) -> dict[str, Any]:
    """Return a task as the service writes it; a code that disables it stands for its state."""
    sandbox = sandbox_of(request)
    app = find_document(sandbox, "apps", body["appId"]) if body["appId"] else None
    code = _disabled_code(sandbox, body)
    task: dict[str, Any] = {
        "id": body["id"],
        "appId": body["appId"],
        "userId": body["ownerId"],
        "tenantId": sandbox.setting("tenant")["id"],
        "spaceId": app["spaceId"] if app is not None else "",
        "partial": body["partial"],
        "recurrence": body["recurrence"],
        "state": "Disabled" if code else body["state"],
        "links": {"self": {"href": f"{base_url(request)}{PATH}/{body['id']}"}},
    }
    return task | {"disabledCode": code} if code else task


ROUTES = [
    endpoint("GET", PATH, list_tasks, query="appId,limit,next,partial,prev"),
    endpoint("GET", f"{PATH}/{{taskId}}", get_task),
]
