"""The tenant's part of a world."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from sandbox.limits import Rates
from sandbox.sections import DAWN, Moment, Section, Subject, find_twice
from sandbox.tenant.client_sections import TenantClient
from sandbox.tenant.content.sections import (
    App,
    AppObject,
    Automation,
    AutomationConnection,
    DataAlert,
    DataConnection,
    DataFile,
    Glossary,
    Item,
    ReloadTask,
    SharingTask,
    Space,
)
from sandbox.tenant.event_sections import AuditEvent, Webhook, WebhookDelivery
from sandbox.tenant.license_sections import (
    Allotment,
    Assignment,
    ConsumptionEvent,
    License,
    LicenseSettings,
    QuarantinedSeat,
)
from sandbox.tenant.provider_sections import IdentityProvider


class ApiKey(Section):
    """A bearer token of a user, as it is sent; the subject of an identity provider is `SCIM`, a backslash and its id.

    Without an expiry it does not expire. `userId` tells users apart that had the same subject.
    """

    token: str
    subject: Subject
    status: Literal["active", "expired", "revoked"] = "active"
    id: str | None = None
    sub_type: Literal["user", "externalClient"] = "user"
    user_id: str | None = None
    description: str = ""
    expiry: Moment | None = None
    created: Moment = DAWN
    last_updated: Moment | None = None
    created_by: str = ""


class TenantUser(Section):
    """A user of the tenant."""

    id: str | None = None
    subject: Subject
    name: str
    email: str | None = None
    status: Literal["active", "invited", "disabled", "deleted", "provisioned"] = "active"
    client_id: str | None = None
    assigned_roles: list[str] = []
    created_at: Moment = DAWN
    updated_at: Moment | None = None
    invite_expiry: int | None = None
    picture: str | None = None
    locale: str | None = None
    zoneinfo: str | None = None
    preferred_locale: str | None = None
    preferred_zoneinfo: str | None = None


class TenantGroup(Section):
    """A group of the tenant: from the identity provider, custom, or the system's own one of everyone."""

    id: str | None = None
    name: str = Field(min_length=1, max_length=256)
    provider_type: Literal["idp", "custom", "system"] = "idp"
    status: Literal["active", "disabled"] = "active"
    description: str | None = None
    idp_id: str | None = None
    members: list[Subject] = []
    assigned_roles: list[str] = []
    created_at: Moment = DAWN
    updated_at: Moment | None = None
    created_by: str = ""
    updated_by: str = ""


class GroupSettings(Section):
    """What becomes of groups that appear in a claim."""

    auto_create_groups: bool = False
    sync_idp_groups: bool = False


class Role(Section):
    """A custom role."""

    id: str | None = None
    name: str
    level: Literal["admin", "user"] = "user"
    description: str = ""
    assigned_scopes: list[str] = []
    created_at: Moment = DAWN
    updated_at: Moment | None = None
    created_by: str = ""
    updated_by: str = ""


class ApiKeyConfig(Section):
    """What the tenant allows of API keys."""

    max_keys_per_user: int = Field(default=5, ge=0, le=1000)
    max_api_key_expiry: str = "PT24H"
    scim_external_client_expiry: str = "P365D"


class Tenant(Section):
    """The Qlik Cloud tenant."""

    id: str = "sandboxTenant0000000000000000000"
    rate_limits: Rates = True
    name: str = "sandbox"
    last_updated: Moment = DAWN
    auto_assign_create_shared_spaces_role_to_professionals: bool = False
    auto_assign_private_analytics_content_creator_role_to_professionals: bool = False
    auto_assign_data_services_contributor_role_to_professionals: bool = False
    enable_analytic_creation: bool = True
    enable_app_opening_feedback: bool = False
    clients: list[TenantClient] = []
    max_tokens: int = Field(default=1000, ge=0)
    api_keys: list[ApiKey] = []
    api_key_config: ApiKeyConfig = ApiKeyConfig()
    identity_providers: list[IdentityProvider] = []
    license: License | None = License()
    allotments: dict[str, Allotment] = {}
    settings: LicenseSettings = LicenseSettings()
    users: list[TenantUser] = []
    groups: list[TenantGroup] = []
    group_settings: GroupSettings = GroupSettings()
    assignments: list[Assignment] = []
    quarantine: list[QuarantinedSeat] = []
    consumption: list[ConsumptionEvent] = []
    audits: list[AuditEvent] = []
    webhooks: list[Webhook] = []
    webhook_deliveries: list[WebhookDelivery] = []
    spaces: list[Space] = []
    apps: list[App] = []
    app_objects: list[AppObject] = []
    data_connections: list[DataConnection] = []
    data_files: list[DataFile] = []
    automations: list[Automation] = []
    automation_connections: list[AutomationConnection] = []
    sharing_tasks: list[SharingTask] = []
    data_alerts: list[DataAlert] = []
    reload_tasks: list[ReloadTask] = []
    glossaries: list[Glossary] = []
    items: list[Item] = []
    roles: list[Role] = []


# Fields of the section above that are the tenant's own, as GET /tenants/me shows them.
OWN = (
    "id", "name", "last_updated", "enable_analytic_creation", "enable_app_opening_feedback",
    "auto_assign_create_shared_spaces_role_to_professionals",
    "auto_assign_private_analytics_content_creator_role_to_professionals",
    "auto_assign_data_services_contributor_role_to_professionals",
)  # fmt: skip
# What users own, in spaces or in personal ones.
PLACED = (
    "apps", "dataConnections", "dataFiles", "automations", "automationConnections", "sharingTasks", "dataAlerts",
    "glossaries", "items",
)  # fmt: skip
OWNED = (*PLACED, "appObjects", "reloadTasks")
# Fields of the section above that are kept as documents, each under the name of its collection.
COLLECTIONS: tuple[str, ...] = (
    "quarantine", "consumption", "identityProviders", "webhooks", "webhookDeliveries", *OWNED,
)  # fmt: skip
# The member of a document that names what it belongs to, for those that belong to something.
_PARENTS: dict[str, str] = {
    "appObjects": "appId",
    "reloadTasks": "appId",
    "webhookDeliveries": "webhookId",
} | dict.fromkeys(PLACED, "spaceId")


def parent_of(collection: str, document: dict[str, Any]) -> str:
    """Return what a document belongs to, or nothing."""
    return str(document.get(_PARENTS.get(collection, ""), ""))


def find_tenant_faults(tenant: Tenant, *, is_case_told: bool = False) -> Iterator[str]:
    """Yield what does not hold together in the tenant; `is_case_told` says that subjects differ by case."""
    subjects = {user.subject.casefold() for user in tenant.users}
    held = ((row.subject if is_case_told else row.subject.casefold(), row.type) for row in tenant.assignments)
    rows = (f"{subject} {kind}" for subject, kind in held)
    yield from find_twice("tenant.assignments", rows)
    yield from find_twice("tenant.clients", (client.id for client in tenant.clients))
    for key in tenant.api_keys:
        if key.sub_type == "user" and key.subject.casefold() not in subjects:
            yield f"tenant.apiKeys: {key.subject} is no user of this tenant"
    for row in tenant.assignments:
        if row.type not in tenant.allotments:
            yield f"tenant.assignments: {row.subject} holds {row.type}, which has no allotment"
