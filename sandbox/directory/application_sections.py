"""Applications, service principals and what hangs on them: these parts of a world."""

from typing import Any, Literal

from pydantic import Field

from sandbox.sections import DAWN, Moment, ObjectId, Section

Complex = dict[str, Any]


class Application(Section):
    """An application registration; owners are object ids."""

    id: ObjectId
    app_id: ObjectId
    display_name: str
    owners: list[ObjectId] = []
    add_ins: list[Complex] | None = None
    api: Complex | None = None
    app_roles: list[Complex] | None = None
    application_template_id: ObjectId | None = None
    created_date_time: Moment = DAWN
    default_redirect_uri: str | None = None
    description: str | None = None
    disabled_by_microsoft_status: str | None = None
    group_membership_claims: str | None = None
    identifier_uris: list[str] | None = None
    info: Complex | None = None
    is_device_only_auth_supported: bool | None = None
    is_fallback_public_client: bool | None = None
    key_credentials: list[Complex] | None = None
    native_authentication_apis_enabled: str | None = None
    notes: str | None = None
    oauth2_require_post_response: bool | None = Field(default=None, alias="oauth2RequirePostResponse")
    optional_claims: Complex | None = None
    parental_control_settings: Complex | None = None
    password_credentials: list[Complex] | None = None
    public_client: Complex | None = None
    publisher_domain: str | None = None
    required_resource_access: list[Complex] | None = None
    saml_metadata_url: str | None = None
    service_management_reference: str | None = None
    sign_in_audience: str = "AzureADMyOrg"
    spa: Complex | None = None
    tags: list[str] | None = None
    token_encryption_key_id: str | None = None
    unique_name: str | None = None
    web: Complex | None = None


class ServicePrincipal(Section):
    """A service principal; owners are object ids."""

    id: ObjectId
    app_id: ObjectId
    display_name: str
    owners: list[ObjectId] = []
    account_enabled: bool | None = None
    add_ins: list[Complex] | None = None
    alternative_names: list[str] | None = None
    app_description: str | None = None
    app_owner_organization_id: ObjectId | None = None
    app_role_assignment_required: bool | None = None
    app_roles: list[Complex] | None = None
    application_template_id: ObjectId | None = None
    created_date_time: Moment = DAWN
    description: str | None = None
    disabled_by_microsoft_status: str | None = None
    homepage: str | None = None
    info: Complex | None = None
    key_credentials: list[Complex] | None = None
    login_url: str | None = None
    logout_url: str | None = None
    notes: str | None = None
    notification_email_addresses: list[str] | None = None
    oauth2_permission_scopes: list[Complex] | None = Field(default=None, alias="oauth2PermissionScopes")
    password_credentials: list[Complex] | None = None
    preferred_single_sign_on_mode: str | None = None
    preferred_token_signing_key_thumbprint: str | None = None
    reply_urls: list[str] | None = None
    saml_metadata_url: str | None = None
    saml_single_sign_on_settings: Complex | None = None
    service_principal_names: list[str] | None = None
    service_principal_type: str = "Application"
    sign_in_audience: str | None = None
    tags: list[str] | None = None
    token_encryption_key_id: str | None = None


class AppRoleAssignment(Section):
    """A role of an application held by a user, a group or a service principal."""

    id: str = Field(min_length=1, pattern="^[^/]+$")
    app_role_id: ObjectId = "00000000-0000-0000-0000-000000000000"
    principal_id: ObjectId
    resource_id: ObjectId
    created_date_time: Moment = DAWN


class Secret(Section):
    """One of the secrets of a service principal's synchronization."""

    key: str = Field(min_length=1)
    value: str = Field(min_length=1)


class SynchronizationSecrets(Section):
    """The secrets of a service principal's synchronization, in their order."""

    id: ObjectId
    value: list[Secret] = []


class SynchronizationJob(Section):
    """A synchronization job; one without a schema has the default schema of its template."""

    id: str = Field(min_length=1, pattern="^[^/]+$")
    service_principal_id: ObjectId
    template_id: Literal["scim", "customappsso"] = "scim"
    schedule: Complex = {}
    status: Complex = {}
    schema_: Complex | None = Field(default=None, alias="schema")
    former_schema: Complex | None = None


class ProvisioningLog(Section):
    """An entry of the provisioning log."""

    id: str = Field(min_length=1)
    activity_date_time: Moment = DAWN
    change_id: str = ""
    cycle_id: str = ""
    duration_in_milliseconds: int = 0
    initiated_by: Complex = {}
    job_id: str
    modified_properties: list[Complex] = []
    provisioning_action: str = "other"
    provisioning_status_info: Complex = {}
    provisioning_steps: list[Complex] = []
    service_principal: Complex = {}
    source_identity: Complex = {}
    source_system: Complex = {}
    target_identity: Complex = {}
    target_system: Complex = {}
    tenant_id: str = ""


class Device(Section):
    """A device, which can be a member of groups."""

    id: ObjectId
    device_id: ObjectId
    display_name: str
    account_enabled: bool = True
    operating_system: str | None = None
    operating_system_version: str | None = None
    trust_type: str | None = None
    created_date_time: Moment = DAWN


class Contact(Section):
    """An organizational contact, which can be a member of groups."""

    id: ObjectId
    display_name: str
    mail: str | None = None
    mail_nickname: str | None = None
    given_name: str | None = None
    surname: str | None = None
    company_name: str | None = None
    department: str | None = None
    job_title: str | None = None


class AdministrativeUnit(Section):
    """An administrative unit; members are object ids."""

    id: ObjectId
    display_name: str
    members: list[ObjectId] = []
    description: str | None = None
    is_member_management_restricted: bool | None = None
    visibility: str | None = None


class Domain(Section):
    """A domain name of the directory; `id` is the name."""

    id: str = Field(min_length=1)
    authentication_type: Literal["Managed", "Federated"] = "Managed"
    is_admin_managed: bool = True
    is_default: bool = False
    is_initial: bool = False
    is_root: bool = True
    is_verified: bool = True
    supported_services: list[str] = ["Email", "OfficeCommunicationsOnline"]
