"""Service principals: what an application is in this directory (entra.md 3.7)."""

from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import base_url, sandbox_of
from sandbox.directory.access import (
    OWNED_APPLICATIONS,
    READ_APPLICATIONS,
    WRITE_APPLICATIONS,
    Caller,
    denied,
    require,
    require_owned,
)
from sandbox.directory.application_shapes import SERVICE_PRINCIPAL_PROPERTIES, show_service_principal
from sandbox.directory.entities import Entity, Properties, merged, read_entity, without_bindings
from sandbox.directory.errors import bad_request, graph_refusal
from sandbox.directory.links import add_links, has_link, read_references
from sandbox.directory.objects import find_by_app_id, require_document
from sandbox.directory.properties import columns_of
from sandbox.directory.queries import (
    ITEM_OPTIONS,
    LIST_OPTIONS,
    answer_list,
    context,
    filtered,
    read_select,
    refuse_unknown_options,
    selected,
)
from sandbox.directory.recycle_bin import discard_document
from sandbox.directory.shapes import body_of
from sandbox.documents import Document, listing_of, put_document, without_nulls
from sandbox.ids import new_object_id
from sandbox.routing import endpoint
from sandbox.state import Sandbox

_FILTERABLE = (
    "accountEnabled", "alternativeNames", "appId", "appOwnerOrganizationId", "appRoleAssignmentRequired",
    "applicationTemplateId", "createdDateTime", "displayName", "homepage", "servicePrincipalNames",
    "servicePrincipalType", "tags",
)  # fmt: skip
_PRINCIPALS = listing_of("servicePrincipals")
_COLUMNS = columns_of("documents", _FILTERABLE, {"id": "documents.id"})
_BETA_ONLY = {"samlMetadataUrl"}
# What the application says is so of its service principal too.
_OF_APPLICATION = ("addIns", "applicationTemplateId", "appRoles", "info", "signInAudience")

Complex = dict[str, Any]


class ServicePrincipalProperties(Entity):
    """What can be written of a service principal."""

    account_enabled: bool = True
    alternative_names: list[str] = Field(default=[])
    app_id: str = ""
    app_role_assignment_required: bool = False
    description: Annotated[str | None, Field(max_length=1024)] = None
    display_name: Annotated[str, Field(min_length=1, max_length=256)] = ""
    homepage: str | None = None
    key_credentials: list[Complex] = Field(default=[])
    login_url: str | None = None
    logout_url: str | None = None
    notes: str | None = None
    notification_email_addresses: list[str] = Field(default=[])
    owners: list[str] = Field(default=[], alias="owners@odata.bind")
    password_credentials: list[Complex] = Field(default=[])
    preferred_single_sign_on_mode: str | None = None
    preferred_token_signing_key_thumbprint: str | None = None
    reply_urls: list[str] = Field(default=[])
    saml_single_sign_on_settings: Complex | None = None
    service_principal_names: list[str] = Field(default=[])
    service_principal_type: str = ""
    tags: list[str] = Field(default=[])
    token_encryption_key_id: str | None = None


async def list_principals(request: Request) -> Response:
    """Return one page of service principals."""
    require(request, READ_APPLICATIONS)
    refuse_unknown_options(request)
    names = read_select(request, SERVICE_PRINCIPAL_PROPERTIES)
    listing = filtered(request, _PRINCIPALS, _COLUMNS)
    return answer_list(request, listing, "servicePrincipals", lambda row: _show(request, body_of(row), names))


async def get_principal(request: Request) -> JSONResponse:
    """Return one service principal."""
    require(request, READ_APPLICATIONS)
    refuse_unknown_options(request)
    names = read_select(request, SERVICE_PRINCIPAL_PROPERTIES)
    principal = require_document(request, "servicePrincipals")
    return JSONResponse(context(request, "servicePrincipals/$entity") | _show(request, principal, names))


async def create_principal(request: Request) -> JSONResponse:
    """Return the new service principal of an application that has none."""
    caller = require(request, WRITE_APPLICATIONS | {OWNED_APPLICATIONS})
    sandbox = sandbox_of(request)
    properties = await read_entity(request, ServicePrincipalProperties, "ServicePrincipal", ("appId",))
    app_id = properties["appId"]
    application = find_by_app_id(sandbox, "applications", app_id)
    if application is None:
        message = f"The appId '{app_id}' of the service principal does not reference a valid application object."
        raise bad_request(message)
    _refuse_foreign(sandbox, caller, application)
    if find_by_app_id(sandbox, "servicePrincipals", app_id) is not None:
        message = f"The service principal cannot be created, updated, or restored because the service principal name {app_id} is already in use."  # noqa: E501  # one sentence of the service
        raise graph_refusal(409, "Request_MultipleObjectsWithSameKeyValue", message)
    principal = new_principal(sandbox, application, without_bindings(properties))
    put_document(sandbox, "servicePrincipals", principal)
    add_links(sandbox, "owners", principal["id"], read_references("owners", properties.get("owners@odata.bind", [])))
    shown = _show(request, principal, None)
    return JSONResponse(context(request, "servicePrincipals/$entity") | shown, status_code=201)


async def update_principal(request: Request) -> Response:
    """Change properties of a service principal."""
    require_owned(request, WRITE_APPLICATIONS, OWNED_APPLICATIONS, request.path_params["id"])
    sandbox, principal = sandbox_of(request), require_document(request, "servicePrincipals")
    properties = await read_entity(request, ServicePrincipalProperties, "ServicePrincipal")
    if properties.get("appId", principal["appId"]) != principal["appId"]:
        raise bad_request("Property 'appId' is read-only and cannot be set.")
    put_document(sandbox, "servicePrincipals", without_nulls(merged(principal, without_bindings(properties))))
    return Response(status_code=204)


async def delete_principal(request: Request) -> Response:
    """Delete a service principal and what hangs on it; its application stays."""
    require_owned(request, WRITE_APPLICATIONS, OWNED_APPLICATIONS, request.path_params["id"])
    discard_principal(sandbox_of(request), require_document(request, "servicePrincipals"))
    return Response(status_code=204)


def new_principal(sandbox: Sandbox, application: Document, properties: Properties) -> Document:
    """Return a service principal for an application of this directory, which is not kept yet."""
    return without_nulls(
        {
            "id": new_object_id(),
            "appId": application["appId"],
            "displayName": application["displayName"],
            "appOwnerOrganizationId": sandbox.setting("directoryTenantId"),
            "createdDateTime": sandbox.clock.stamp(),
            "servicePrincipalType": "Application",
        }
        | properties
    )


def discard_principal(sandbox: Sandbox, principal: Document) -> None:
    """Delete a service principal with its synchronization; the role assignments go with the object."""
    for collection, member in (
        ("synchronizationJobs", "servicePrincipalId"),
        ("synchronizationSecrets", "id"),
    ):
        statement = f"DELETE FROM documents WHERE collection = ? AND json_extract(body, '$.{member}') = ?"  # noqa: S608  # constants
        sandbox.db.execute(statement, (collection, principal["id"]))
    discard_document(sandbox, "servicePrincipals", principal)


def _refuse_foreign(sandbox: Sandbox, caller: Caller, application: Document) -> None:
    """Raise 403 for an application that the caller would have to own."""
    if not caller.roles.isdisjoint(WRITE_APPLICATIONS):
        return
    if not has_link(sandbox, "owners", application["id"], caller.oid):
        raise denied()


def _show(request: Request, principal: Document, names: list[str] | None) -> Document:
    """Return a service principal under what its application says; v1.0 shows less unless it is selected."""
    sandbox = sandbox_of(request)
    application = find_by_app_id(sandbox, "applications", principal["appId"])
    if application is not None:
        principal = _derived(application) | {"appDisplayName": application["displayName"]} | principal
    if principal.get("preferredSingleSignOnMode") == "saml":
        url = f"{base_url(request)}/{sandbox.setting('directoryTenantId')}/federationmetadata/2007-06"
        address = f"{url}/federationmetadata.xml?appid={principal['appId']}"
        principal = {"samlMetadataUrl": address} | principal
    whole = show_service_principal(principal)
    return selected(request, whole, names, _BETA_ONLY)


def _derived(application: Document) -> Document:
    """Return what a service principal has from its application."""
    web = application.get("web", {})
    redirects = [
        uri for part in ("web", "spa", "publicClient") for uri in application.get(part, {}).get("redirectUris", [])
    ]
    names = [*application.get("identifierUris", []), application["appId"]]
    return {
        **{name: application[name] for name in _OF_APPLICATION if name in application},
        "appDescription": application.get("description"),
        "homepage": web.get("homePageUrl"),
        "logoutUrl": web.get("logoutUrl"),
        "oauth2PermissionScopes": application.get("api", {}).get("oauth2PermissionScopes", []),
        "replyUrls": redirects,
        "servicePrincipalNames": names,
    }


ROUTES = [
    endpoint("GET", "/servicePrincipals", list_principals, query=LIST_OPTIONS),
    endpoint("POST", "/servicePrincipals", create_principal, body=ServicePrincipalProperties, status=201),
    endpoint("GET", "/servicePrincipals/{id}", get_principal, query=ITEM_OPTIONS),
    endpoint("PATCH", "/servicePrincipals/{id}", update_principal, body=ServicePrincipalProperties, status=204),
    endpoint("DELETE", "/servicePrincipals/{id}", delete_principal, status=204),
]
