"""Application templates, and applications made from them (entra.md 3.6)."""

from typing import Annotated

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.directory.access import OWNED_APPLICATIONS, WRITE_APPLICATIONS, identify, require
from sandbox.directory.application_shapes import show_application, show_service_principal
from sandbox.directory.applications import new_application
from sandbox.directory.catalog import ROLES, TEMPLATES
from sandbox.directory.entities import Entity, read_entity
from sandbox.directory.objects import require_document
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
from sandbox.directory.service_principals import new_principal
from sandbox.directory.shapes import body_of
from sandbox.documents import Document, listing_of, put_document
from sandbox.ids import new_object_id
from sandbox.routing import endpoint
from sandbox.state import insert

_PROPERTIES = frozenset(TEMPLATES[0])
_LISTING = listing_of("applicationTemplates")
_COLUMNS = columns_of("documents", ("displayName", "publisher", "categories"), {"id": "documents.id"})
_TAGS = ["WindowsAzureActiveDirectoryCustomSingleSignOnApplication", "WindowsAzureActiveDirectoryIntegratedApp"]


class Instance(Entity):
    """What is said of an application to be made from a template."""

    display_name: Annotated[str, Field(min_length=1, max_length=256)] = ""
    service_management_reference: str | None = None


async def list_templates(request: Request) -> Response:
    """Return one page of templates; everybody with a token may read them."""
    identify(request)
    refuse_unknown_options(request)
    names = read_select(request, _PROPERTIES)
    listing = filtered(request, _LISTING, _COLUMNS)
    return answer_list(request, listing, "applicationTemplates", lambda row: _show(body_of(row), names))


async def get_template(request: Request) -> JSONResponse:
    """Return one template."""
    identify(request)
    refuse_unknown_options(request)
    names = read_select(request, _PROPERTIES)
    template = require_document(request, "applicationTemplates")
    return JSONResponse(context(request, "applicationTemplates/$entity") | _show(template, names))


async def instantiate(request: Request) -> JSONResponse:
    """Return a new application of the template, and its service principal."""
    caller = require(request, WRITE_APPLICATIONS | {OWNED_APPLICATIONS})
    sandbox, template = sandbox_of(request), require_document(request, "applicationTemplates")
    properties = await read_entity(request, Instance, "ApplicationTemplate", ("displayName",))
    application = new_application(sandbox, properties | _made_of(template))
    if sandbox.switch("template-scope") == "userImpersonation":
        application["api"] = {"oauth2PermissionScopes": [_scope(application["displayName"])]}
    more = {"applicationTemplateId": template["id"], "appRoleAssignmentRequired": True, "tags": _TAGS}
    principal = new_principal(sandbox, application, more)
    put_document(sandbox, "applications", application)
    put_document(sandbox, "servicePrincipals", principal)
    if sandbox.switch("instantiate-owner") == "caller":
        insert(sandbox, "links", ((None, "owners", made["id"], caller.oid) for made in (application, principal)))
    shown = {
        "application": show_application(application),
        "servicePrincipal": show_service_principal({"appRoles": ROLES} | principal),
    }
    return JSONResponse(context(request, "microsoft.graph.applicationServicePrincipal") | shown, status_code=201)


def _made_of(template: Document) -> Document:
    """Return what an application has from its template."""
    return {"applicationTemplateId": template["id"], "appRoles": ROLES}


def _scope(name: str) -> Document:
    """Return the permission of an application made in the portal: to be used on behalf of a user."""
    return {
        "adminConsentDescription": f"Allow the application to access {name} on behalf of the signed-in user.",
        "adminConsentDisplayName": f"Access {name}",
        "id": new_object_id(),
        "isEnabled": True,
        "type": "User",
        "userConsentDescription": f"Allow the application to access {name} on your behalf.",
        "userConsentDisplayName": f"Access {name}",
        "value": "user_impersonation",
    }


def _show(template: Document, names: list[str] | None) -> Document:
    return template if names is None else {name: template[name] for name in names}


ROUTES = [
    endpoint("GET", "/applicationTemplates", list_templates, query=LIST_OPTIONS),
    endpoint("GET", "/applicationTemplates/{id}", get_template, query=ITEM_OPTIONS),
    endpoint("POST", "/applicationTemplates/{id}/instantiate", instantiate, body=Instance, status=201),
]
