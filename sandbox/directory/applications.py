"""Application registrations (entra.md 3.5)."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.bodies import Body
from sandbox.directory.access import (
    OWNED_APPLICATIONS,
    READ_APPLICATIONS,
    WRITE_APPLICATIONS,
    require,
    require_owned,
)
from sandbox.directory.application_shapes import APPLICATION_PROPERTIES, show_application
from sandbox.directory.domains import default_domain
from sandbox.directory.entities import Entity, Properties, merged, read_entity, without_bindings
from sandbox.directory.errors import bad_request
from sandbox.directory.links import add_links, read_references
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
from sandbox.directory.service_principals import discard_principal
from sandbox.directory.shapes import body_of
from sandbox.documents import Document, list_documents, listing_of, put_document, without_nulls
from sandbox.ids import new_object_id
from sandbox.routing import endpoint
from sandbox.state import Sandbox

_FILTERABLE = (
    "appId", "applicationTemplateId", "createdDateTime", "displayName", "identifierUris", "notes", "publisherDomain",
    "signInAudience", "tags",
)  # fmt: skip
_APPLICATIONS = listing_of("applications")
_COLUMNS = columns_of("documents", _FILTERABLE, {"id": "documents.id"})
_BETA_ONLY = {"oauth2RequirePostResponse"}

Complex = dict[str, Any]


class _Part(Body):
    """A part of a complex property: what is not looked at is kept as it is."""

    model_config = ConfigDict(extra="allow")


class AppRole(_Part):
    """A role that an application declares."""

    id: Annotated[str, Field(pattern="^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")]
    allowedMemberTypes: list[str] = Field(default=[])  # noqa: N815  # Graph's name
    isEnabled: bool = True  # noqa: N815  # Graph's name
    value: str | None = None


class Api(_Part):
    """What an application offers as an interface."""

    oauth2PermissionScopes: list[Complex] = Field(default=[])  # noqa: N815  # Graph's name


class Redirects(_Part):
    """Where an application may send its users back to."""

    redirectUris: list[str] = Field(default=[])  # noqa: N815  # Graph's name


class ApplicationProperties(Entity):
    """What can be written of an application."""

    add_ins: list[Complex] = Field(default=[])
    api: Api | None = None
    app_roles: list[AppRole] = Field(default=[])
    default_redirect_uri: str | None = None
    description: Annotated[str | None, Field(max_length=1024)] = None
    display_name: Annotated[str, Field(min_length=1, max_length=256)] = ""
    group_membership_claims: str | None = None
    identifier_uris: list[str] = Field(default=[])
    info: Complex | None = None
    is_device_only_auth_supported: bool | None = None
    is_fallback_public_client: bool | None = None
    key_credentials: list[Complex] = Field(default=[])
    native_authentication_apis_enabled: str | None = None
    notes: str | None = None
    oauth2_require_post_response: bool | None = Field(default=None, alias="oauth2RequirePostResponse")
    optional_claims: Complex | None = None
    owners: list[str] = Field(default=[], alias="owners@odata.bind")
    parental_control_settings: Complex | None = None
    password_credentials: list[Complex] = Field(default=[])
    public_client: Redirects | None = None
    required_resource_access: list[Complex] = Field(default=[])
    service_management_reference: str | None = None
    sign_in_audience: Annotated[
        str | None,
        Field(
            pattern="^(AzureADMyOrg|AzureADMultipleOrgs|AzureADandPersonalMicrosoftAccount|PersonalMicrosoftAccount)$"
        ),
    ] = None
    spa: Redirects | None = None
    tags: list[str] = Field(default=[])
    token_encryption_key_id: str | None = None
    unique_name: str | None = None
    web: Redirects | None = None


async def list_applications(request: Request) -> Response:
    """Return one page of applications."""
    require(request, READ_APPLICATIONS)
    refuse_unknown_options(request)
    names = read_select(request, APPLICATION_PROPERTIES)
    listing = filtered(request, _APPLICATIONS, _COLUMNS)
    return answer_list(request, listing, "applications", lambda row: _show(request, body_of(row), names))


async def get_application(request: Request) -> JSONResponse:
    """Return one application."""
    require(request, READ_APPLICATIONS)
    refuse_unknown_options(request)
    names = read_select(request, APPLICATION_PROPERTIES)
    application = require_document(request, "applications")
    return JSONResponse(context(request, "applications/$entity") | _show(request, application, names))


async def create_application(request: Request) -> JSONResponse:
    """Return the new application, which has no service principal yet."""
    require(request, WRITE_APPLICATIONS | {OWNED_APPLICATIONS})
    sandbox = sandbox_of(request)
    properties = await read_entity(request, ApplicationProperties, "Application", ("displayName",))
    application = new_application(sandbox, without_bindings(properties))
    _check(sandbox, {}, application)
    put_document(sandbox, "applications", application)
    add_links(sandbox, "owners", application["id"], read_references("owners", properties.get("owners@odata.bind", [])))
    shown = _show(request, application, None)
    return JSONResponse(context(request, "applications/$entity") | shown, status_code=201)


async def update_application(request: Request) -> Response:
    """Change properties of an application."""
    require_owned(request, WRITE_APPLICATIONS, OWNED_APPLICATIONS, request.path_params["id"])
    sandbox, application = sandbox_of(request), require_document(request, "applications")
    properties = await read_entity(request, ApplicationProperties, "Application")
    changed = without_nulls(merged(application, without_bindings(properties)))
    _check(sandbox, application, changed)
    put_document(sandbox, "applications", changed)
    return Response(status_code=204)


async def delete_application(request: Request) -> Response:
    """Delete an application, and its service principal with it."""
    require_owned(request, WRITE_APPLICATIONS, OWNED_APPLICATIONS, request.path_params["id"])
    sandbox, application = sandbox_of(request), require_document(request, "applications")
    principal = find_by_app_id(sandbox, "servicePrincipals", application["appId"])
    if principal is not None:
        discard_principal(sandbox, principal)
    discard_document(sandbox, "applications", application)
    return Response(status_code=204)


def new_application(sandbox: Sandbox, properties: Properties) -> Document:
    """Return an application of this directory, which is not kept yet."""
    return without_nulls(
        {
            "id": new_object_id(),
            "appId": new_object_id(),
            "createdDateTime": sandbox.clock.stamp(),
            "publisherDomain": default_domain(sandbox),
            "signInAudience": "AzureADMyOrg",
        }
        | properties
    )


def _check(sandbox: Sandbox, before: Document, application: Document) -> None:
    """Raise the 400 for what an application cannot become."""
    if uris := set(application.get("identifierUris", [])):
        for other in list_documents(sandbox, "applications"):
            if other["id"] != application["id"] and not uris.isdisjoint(other.get("identifierUris", [])):
                raise bad_request("Another object with the same value for property identifierUris already exists.")
    roles = application.get("appRoles", [])
    _refuse_twice(role["id"] for role in roles)
    _refuse_twice(role["value"] for role in roles if role.get("value"))
    for old in _entitlements(before):
        found = next((new for new in _entitlements(application) if new.get("id") == old.get("id")), None)
        # azuread writes an empty text where a role has no value.
        is_changed = found is None or (found.get("value") or None) != (old.get("value") or None)
        if old.get("isEnabled", True) and is_changed:
            message = "Permission (scope or role) cannot be deleted or updated unless disabled first."
            raise bad_request(message, "CannotDeleteOrUpdateEnabledEntitlement")


def _entitlements(application: Document) -> list[Complex]:
    """Return the roles and scopes of an application."""
    return [*application.get("appRoles", []), *application.get("api", {}).get("oauth2PermissionScopes", [])]


def _refuse_twice(values: Any) -> None:
    found = list(values)
    if len(set(found)) < len(found):
        raise bad_request("Request contains a property with duplicate values.")


def _show(request: Request, application: Document, names: list[str] | None) -> Document:
    """Return an application; v1.0 shows some of its properties only where they are selected."""
    whole = show_application(application)
    return selected(request, whole, names, _BETA_ONLY)


ROUTES = [
    endpoint("GET", "/applications", list_applications, query=LIST_OPTIONS),
    endpoint("POST", "/applications", create_application, body=ApplicationProperties, status=201),
    endpoint("GET", "/applications/{id}", get_application, query=ITEM_OPTIONS),
    endpoint("PATCH", "/applications/{id}", update_application, body=ApplicationProperties, status=204),
    endpoint("DELETE", "/applications/{id}", delete_application, status=204),
]
