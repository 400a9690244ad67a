"""Roles of an application, assigned to users, groups and service principals (entra.md 3.8)."""

import secrets
from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.directory.access import (
    ASSIGN_APP_ROLES,
    READ_APPLICATIONS,
    WRITE_APPLICATIONS,
    denied,
    identify,
    require,
)
from sandbox.directory.entities import Entity, read_entity
from sandbox.directory.errors import bad_request, not_found
from sandbox.directory.objects import DirectoryObject, find_by_app_id, find_object, require_document
from sandbox.directory.properties import columns_of
from sandbox.directory.queries import (
    ITEM_OPTIONS,
    LIST_OPTIONS,
    answer_list,
    context,
    filtered,
    read_select,
    refuse_unknown_options,
)
from sandbox.directory.shapes import body_of
from sandbox.documents import Document, delete_document, find_document, list_documents, listing_of, put_document
from sandbox.routing import endpoint
from sandbox.state import Sandbox

# The role of an application that declares none.
DEFAULT_ROLE = "00000000-0000-0000-0000-000000000000"

_COLLECTION = "appRoleAssignments"
_TYPES = {"user": "User", "group": "Group", "servicePrincipal": "ServicePrincipal"}
_PROPERTIES = frozenset(
    {
        "id", "deletedDateTime", "appRoleId", "createdDateTime", "principalDisplayName", "principalId",
        "principalType", "resourceDisplayName", "resourceId",
    }
)  # fmt: skip
_COLUMNS = columns_of("documents", ("appRoleId", "principalId", "resourceId"), {"id": "documents.id"})

ObjectId = Annotated[str, Field(pattern="^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]


class AssignmentProperties(Entity):
    """What is said of an assignment to be made."""

    app_role_id: ObjectId = DEFAULT_ROLE
    principal_id: ObjectId = DEFAULT_ROLE
    resource_id: ObjectId = DEFAULT_ROLE


async def list_assignments(request: Request) -> Response:
    """Return one page of the assignments of an application's roles."""
    require(request, READ_APPLICATIONS)
    refuse_unknown_options(request)
    names = read_select(request, _PROPERTIES)
    sandbox, resource = sandbox_of(request), require_document(request, "servicePrincipals")
    listing = filtered(request, listing_of(_COLLECTION, resource["id"]), _COLUMNS)
    return answer_list(request, listing, "appRoleAssignments", lambda row: _show(sandbox, body_of(row), names))


async def get_assignment(request: Request) -> JSONResponse:
    """Return one assignment."""
    require(request, READ_APPLICATIONS)
    refuse_unknown_options(request)
    names = read_select(request, _PROPERTIES)
    shown = _show(sandbox_of(request), _require_assignment(request), names)
    return JSONResponse(context(request, "appRoleAssignments/$entity") | shown)


async def create_assignment(request: Request) -> JSONResponse:
    """Return the new assignment."""
    _require_writer(request)
    sandbox, resource = sandbox_of(request), require_document(request, "servicePrincipals")
    properties = await read_entity(
        request, AssignmentProperties, "AppRoleAssignment", ("appRoleId", "principalId", "resourceId")
    )
    wanted = {name: value.lower() for name, value in properties.items()}
    if wanted["resourceId"] != resource["id"]:
        raise bad_request("Invalid value specified for property 'resourceId' of resource 'AppRoleAssignment'.")
    principal = find_object(sandbox, wanted["principalId"])
    if principal is None or principal.kind not in _TYPES:
        raise bad_request("Not a valid reference update.")
    _check_role(_roles_of(sandbox, resource), wanted["appRoleId"], principal)
    for other in list_documents(sandbox, _COLLECTION, resource["id"]):
        if (other["principalId"], other["appRoleId"]) == (wanted["principalId"], wanted["appRoleId"]):
            raise bad_request("Permission being assigned already exists on the object", "InvalidUpdate")
    assignment = {"id": secrets.token_urlsafe(32), "createdDateTime": sandbox.clock.stamp()} | wanted
    put_document(sandbox, _COLLECTION, assignment, resource["id"])
    shown = _show(sandbox, assignment, None)
    return JSONResponse(context(request, "appRoleAssignments/$entity") | shown, status_code=201)


async def delete_assignment(request: Request) -> Response:
    """Take the role away again."""
    _require_writer(request)
    delete_document(sandbox_of(request), _COLLECTION, _require_assignment(request)["id"])
    return Response(status_code=204)


def is_assigned(sandbox: Sandbox, resource_id: str, object_id: str) -> bool:
    """Say whether an object holds a role of the application, itself or as a direct member of a group that does."""
    holders = {assignment["principalId"] for assignment in list_documents(sandbox, _COLLECTION, resource_id)}
    statement = "SELECT group_id FROM links WHERE relation = 'members' AND object_id = ?"
    groups = {row["group_id"] for row in sandbox.db.execute(statement, (object_id,))}
    return bool(holders & {object_id, *groups})


def _require_writer(request: Request) -> None:
    """Raise 403 for a caller that may not both assign roles and read applications."""
    caller = identify(request)
    assigns = not caller.roles.isdisjoint(ASSIGN_APP_ROLES) and not caller.roles.isdisjoint(READ_APPLICATIONS)
    if not assigns and caller.roles.isdisjoint(WRITE_APPLICATIONS):
        raise denied()


def _require_assignment(request: Request) -> Document:
    """Return the assignment of the path, or raise 404."""
    resource, name = require_document(request, "servicePrincipals"), request.path_params["assignment"]
    found = find_document(sandbox_of(request), _COLLECTION, name)
    if found is None or found["resourceId"] != resource["id"]:
        raise not_found(name)
    return found


def _roles_of(sandbox: Sandbox, resource: Document) -> list[Document]:
    """Return the roles an application declares, here or in its service principal."""
    application = find_by_app_id(sandbox, "applications", resource["appId"]) or {}
    roles: list[Document] = resource.get("appRoles") or application.get("appRoles", [])
    return roles


def _check_role(roles: list[Document], role_id: str, principal: DirectoryObject) -> None:
    """Raise 400 for a role that the application does not declare, or that such a principal cannot hold."""
    wanted_type = "Application" if principal.kind == "servicePrincipal" else "User"
    enabled = [role for role in roles if role.get("isEnabled", True)]
    if not enabled and role_id == DEFAULT_ROLE:
        return
    for role in enabled:
        if role["id"].lower() == role_id and wanted_type in role.get("allowedMemberTypes", []):
            return
    raise bad_request("Permission being assigned was not found on application")


def _show(sandbox: Sandbox, assignment: Document, names: list[str] | None) -> Document:
    """Return an assignment with the present names of both ends."""
    principal = find_object(sandbox, assignment["principalId"])
    resource = find_object(sandbox, assignment["resourceId"])
    whole = {
        "id": assignment["id"],
        "deletedDateTime": None,
        "appRoleId": assignment["appRoleId"],
        "createdDateTime": assignment["createdDateTime"],
        "principalDisplayName": principal and principal.name,
        "principalId": assignment["principalId"],
        "principalType": principal and _TYPES.get(principal.kind),
        "resourceDisplayName": resource and resource.name,
        "resourceId": assignment["resourceId"],
    }
    return whole if names is None else {name: whole[name] for name in names}


_PATH = "/servicePrincipals/{id}/appRoleAssignedTo"

ROUTES = [
    endpoint("GET", _PATH, list_assignments, query=LIST_OPTIONS),
    endpoint("POST", _PATH, create_assignment, body=AssignmentProperties, status=201),
    endpoint("GET", f"{_PATH}/{{assignment}}", get_assignment, query=ITEM_OPTIONS),
    endpoint("DELETE", f"{_PATH}/{{assignment}}", delete_assignment, status=204),
]
