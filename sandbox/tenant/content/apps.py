"""Apps and their objects, and the calls that change who owns them (qlik-api.md 9)."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import sandbox_of
from sandbox.bodies import read_body
from sandbox.documents import Document, find_document, list_documents
from sandbox.routing import endpoint
from sandbox.state import Sandbox
from sandbox.tenant.access import Caller, identify
from sandbox.tenant.content.bodies import NewOwner
from sandbox.tenant.content.errors import apps_refusal
from sandbox.tenant.content.places import put_content, sees
from sandbox.tenant.owners import accept_owner
from sandbox.tenant.space_access import assigned_roles, find_space, shared_with
from sandbox.tenant.space_assignments import assign

PATH = "/api/v1/apps"
ADMIN = "admin.apps"

# What an owner without a role in the space becomes there: Can edit, or Can manage.
_PROMOTED = {"shared": "producer", "managed": "facilitator"}
_ALL = (
    "read", "create", "update", "delete", "reload", "import", "publish", "duplicate", "export", "exportdata",
    "change_owner", "change_space",
)  # fmt: skip
_AS_ADMIN = ("read", "update", "delete", "export", "change_owner", "change_space")
_OBJECTS = ("sheet", "bookmark", "snapshot", "story", "dimension", "measure", "masterobject", "variable")


async def get_app(request: Request) -> JSONResponse:
    """Return one app with what the caller may do to it."""
    caller = identify(request, apps_refusal)
    return JSONResponse(_show(request, caller, _find(request, caller)))


async def put_owner(request: Request) -> JSONResponse:
    """Return the app, which now belongs to somebody else, who gets a role in its space if there was none."""
    caller = identify(request, apps_refusal)
    sandbox = sandbox_of(request)
    app = _find(request, caller)
    asked: NewOwner = await read_body(request, NewOwner, apps_refusal)
    if "change_owner" not in _privileges(caller, app):
        raise apps_refusal(403, "Forbidden")
    accept_owner(sandbox, asked.owner_id, apps_refusal)
    app |= {"ownerId": asked.owner_id, "updatedAt": sandbox.clock.stamp()}
    put_content(sandbox, "apps", app)
    _promote(sandbox, app, caller.user_id)
    if sandbox.switch("reload-task-owner") == "followsApp":
        for task in list_documents(sandbox, "reloadTasks", app["id"]):
            put_content(sandbox, "reloadTasks", task | {"ownerId": asked.owner_id})
    return JSONResponse(_show(request, caller, app))


async def change_object_owner(request: Request) -> JSONResponse:
    """Return the object of an app, which the caller has given away; nobody else can, not even an administrator."""
    caller = identify(request, apps_refusal)
    sandbox = sandbox_of(request)
    app = _find(request, caller)
    found = find_document(sandbox, "appObjects", request.path_params["objectId"])
    if found is None or found["appId"] != app["id"] or found["ownerId"] != caller.user_id:
        raise apps_refusal(404, "Not found")
    asked: NewOwner = await read_body(request, NewOwner, apps_refusal)
    accept_owner(sandbox, asked.owner_id, apps_refusal)
    found |= {"ownerId": asked.owner_id, "updatedAt": sandbox.clock.stamp()}
    put_content(sandbox, "appObjects", found)
    attributes = {
        "id": found["id"],
        "genericType": "genericObject",
        "objectType": found["type"],
        "name": found["name"],
        "ownerId": found["ownerId"],
        "createdAt": found["createdAt"],
        "updatedAt": found["updatedAt"],
    }
    return JSONResponse({"attributes": attributes, "privileges": ["read"]})


def _find(request: Request, caller: Caller) -> Document:
    """Return the app of the path, or raise 404 for one the caller does not see."""
    sandbox = sandbox_of(request)
    app = find_document(sandbox, "apps", request.path_params["appId"])
    if app is None or not (sees(sandbox, caller, app, ADMIN) or _is_shared(sandbox, caller, app)):
        raise apps_refusal(404, "Not found")
    return app


def _is_shared(sandbox: Sandbox, caller: Caller, app: Document) -> bool:
    shared = shared_with(caller.user_id)
    return bool(sandbox.db.execute(f"SELECT ? IN ({shared.sql})", (app["id"], *shared.params)).fetchone()[0])


def _promote(sandbox: Sandbox, app: Document, by: str) -> None:
    """Give the owner of an app a role in its space, if there is none."""
    space = find_space(sandbox, app["spaceId"]) if app["spaceId"] else None
    if space is None or space["owner_id"] == app["ownerId"]:
        return
    has_role = space["id"] in assigned_roles(sandbox, app["ownerId"], (space["id"],))
    if not has_role and space["type"] in _PROMOTED:
        assign(sandbox, space, "user", app["ownerId"], [_PROMOTED[space["type"]]], by)


def _privileges(caller: Caller, app: Document) -> list[str]:
    if app["ownerId"] == caller.user_id:
        return list(_ALL)
    return list(_AS_ADMIN) if caller.may(ADMIN) else ["read"]


def _show(request: Request, caller: Caller, app: Document) -> dict[str, Any]:
    """Return an app as the engine writes it."""
    privileges = _privileges(caller, app)
    statement = "SELECT subject FROM users WHERE id = ?"
    owner = sandbox_of(request).db.execute(statement, (app["ownerId"],)).fetchone()
    return {
        "attributes": {
            "id": app["id"],
            "name": app["name"],
            "description": app["description"],
            "thumbnail": "",
            "lastReloadTime": "",
            "createdDate": app["createdAt"],
            "modifiedDate": app["updatedAt"],
            "owner": owner["subject"] if owner is not None else "",
            "ownerId": app["ownerId"],
            "dynamicColor": "",
            "published": app["published"],
            "publishTime": app["createdAt"] if app["published"] else "",
            "custom": {},
            "hasSectionAccess": False,
            "encrypted": True,
            "originAppId": "",
            "isDirectQueryMode": False,
            "usage": app["usage"],
            "spaceId": app["spaceId"],
            "_resourcetype": "app",
        },
        "privileges": privileges,
        "create": [{"resource": kind, "canCreate": "update" in privileges} for kind in _OBJECTS],
    }


ROUTES = [
    endpoint("GET", f"{PATH}/{{appId}}", get_app),
    endpoint("PUT", f"{PATH}/{{appId}}/owner", put_owner, body=NewOwner),
    endpoint("POST", f"{PATH}/{{appId}}/objects/{{objectId}}/actions/change-owner", change_object_owner, body=NewOwner),
]
