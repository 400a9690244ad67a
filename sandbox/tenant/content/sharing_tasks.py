"""Sharing tasks, report subscriptions above all, and the patch that gives one away (qlik-api.md 9)."""

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
from sandbox.tenant.content.errors import sharing_refusal
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

PATH = "/api/v1/sharing-tasks"
DISABLED = "DISABLED_DUE_TO_OWNERSHIP_CHANGE"

_TASKS = tasks_of(sharing_refusal)
_ROLES = {"owner": OWNED, "recipient": RECEIVED}
# What a patch may put where; the other published paths are not part of the sandbox.
_VALUES: dict[str, tuple[str, type]] = {
    "/name": ("name", str),
    "/description": ("description", str),
    "/tags": ("tags", list),
    "/enabled": ("enabled", bool),
    "/ownerId": ("ownerId", str),
}


class TaskOp(Body):
    """One operation of a patch."""

    op: Literal["replace", "remove"]
    path: Literal[
        "/name", "/tags", "/ownerId", "/enabled", "/description", "/scheduleOptions", "/templates", "/recipients",
        "/recipient", "/sharePointFolder", "/dataConnectionID", "/transportChannels", "/bookmarkId",
    ]  # fmt: skip
    value: Any = None


async def list_tasks(request: Request) -> JSONResponse:
    """Return one page of tasks: everybody's for administrators, else those the caller owns or receives."""
    caller = identify(request, sharing_refusal)
    listing = _TASKS.listing(request, of_collection("sharingTasks"), *_conditions(request, caller))
    bodies, beside = read_tasks(request, _TASKS, listing)
    return JSONResponse(beside | {"sharingTasks": [_show(sandbox_of(request), body) for body in bodies]})


async def get_task(request: Request) -> JSONResponse:
    """Return one task."""
    caller = identify(request, sharing_refusal)
    return JSONResponse(_show(sandbox_of(request), _find(request, caller)))


async def patch_task(request: Request) -> Response:
    """Return 204 after the changes; a new owner may find the task disabled."""
    caller = identify(request, sharing_refusal)
    sandbox = sandbox_of(request)
    task = _find(request, caller)
    ops: list[TaskOp] = await read_body(request, list[TaskOp], sharing_refusal)
    if task["ownerId"] != caller.user_id and not caller.may(ADMIN):
        raise sharing_refusal(403, "Forbidden")
    for op in ops:
        name, kind = _VALUES.get(op.path, ("", object))
        if not name or op.op == "remove":
            raise sharing_refusal(501, f"{op.op} {op.path} is not part of the sandbox")
        if not _fits(op.value, kind):
            raise sharing_refusal(400, f"Invalid value of {op.path}")
        _apply(sandbox, task, name, op.value)
    put_content(sandbox, "sharingTasks", task | {"updatedAt": sandbox.clock.stamp()})
    return Response(status_code=204)


def _apply(sandbox: Sandbox, task: Document, name: str, value: Any) -> None:
    """Put one value into a task, with what follows from it."""
    is_new_owner = name == "ownerId" and value != task["ownerId"]
    if is_new_owner:
        accept_owner(sandbox, value, sharing_refusal)
    task[name] = value
    if name == "enabled" and value:
        task["enabledBySystem"] = True
        task["taskErrors"] = [error for error in task["taskErrors"] if error["value"] != DISABLED]
    if is_new_owner and sandbox.switch("sharing-task-transfer") == "disable":
        task["enabledBySystem"] = False
        task["taskErrors"] = [*task["taskErrors"], {"timestamp": sandbox.clock.stamp(), "value": DISABLED}]


def _conditions(request: Request, caller: Caller) -> list[Clause]:
    """Return the conditions of the query; the roles are those of `owner`, or of the caller."""
    query, conditions = request.query_params, [*own_or_received(caller)]
    if kinds := read_words(request, "type"):
        conditions.append(Clause(f"{field_of('type')} IN ({', '.join('?' * len(kinds))})", tuple(kinds)))
    if app := query.get("appid"):
        conditions.append(Clause(f"{field_of('appId')} = ?", (app,)))
    if name := query.get("ownername"):
        conditions.append(Clause(f"{OWNER_NAME} = ?", (name.casefold(),)))
    owner = query.get("owner")
    roles = read_roles(request, _ROLES, sharing_refusal)
    if roles or owner:
        who = owner or caller.user_id
        tests = [test for role, test in _ROLES.items() if role in roles] or [OWNED]
        conditions.append(Clause(" OR ".join(tests), (who,) * len(tests)))
    return conditions


def _fits(value: Any, kind: type) -> bool:
    """Say whether a value is of the kind its path has; a list is one of texts."""
    if isinstance(value, list):
        return kind is list and all(isinstance(item, str) for item in value)
    return isinstance(value, kind)


def _find(request: Request, caller: Caller) -> Document:
    return find_task(request, caller, "sharingTasks", request.path_params["taskId"], sharing_refusal)


def _show(sandbox: Sandbox, body: Document) -> dict[str, Any]:
    """Return a task as the service writes it."""
    owner = sandbox.db.execute("SELECT name FROM users WHERE id = ?", (body["ownerId"],)).fetchone()
    return {
        "id": body["id"],
        "name": body["name"],
        "description": body["description"],
        "type": body["type"],
        "tenant": sandbox.setting("tenant")["id"],
        "owner": body["ownerId"],
        "ownerName": owner["name"] if owner is not None else "",
        "appId": body["appId"],
        "spaceId": body["spaceId"],
        "tags": body["tags"],
        "recipients": {"userIds": [{"value": id, "enabled": True} for id in body["recipients"]], "groupIds": []},
        "enabled": body["enabled"] and body["enabledBySystem"],
        "enabledByUser": body["enabled"],
        "enabledBySystem": body["enabledBySystem"],
        "taskErrors": body["taskErrors"],
        "statusCode": "VALID",
        "dateCreated": body["createdAt"],
        "lastUpdated": body["updatedAt"],
        "links": {"self": {"href": f"{PATH}/{body['id']}"}},
    }


ROUTES = [
    endpoint(
        "GET",
        PATH,
        list_tasks,
        query="appid,excludeDeleting,limit,next,offset,owner,ownername,page,prev,role,sort,templateId,type",
    ),
    endpoint("GET", f"{PATH}/{{taskId}}", get_task),
    endpoint("PATCH", f"{PATH}/{{taskId}}", patch_task, body=list[TaskOp], status=204),
]
