"""The bodies the two services send, and what a response means; performs no I/O.

Only what is used is read, so the license key of an overview never becomes a value here.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from qlik_provider.entitlements import Assignment
from qlik_provider.errors import AnswerLost, ApiError, Forbidden, NoEvidence, NotFound, ServiceBroken, Unauthorized
from qlik_provider.people import (
    Administrator,
    Application,
    DirectoryGroup,
    DirectoryUser,
    GroupedUser,
    IdentityProvider,
    InvitedUser,
    SpaceAssignment,
    TenantGroup,
    TenantRole,
    TenantSpace,
    TenantUser,
)
from qlik_provider.webhooks import TenantWebhook

T = TypeVar("T")

TRANSIENT = frozenset({408, 424, 425, 429, 500, 502, 503, 504})


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel)


class Allotment(_Body):
    """One license type of the overview (https://qlik.dev/apis/rest/licenses)."""

    name: str
    units: int
    units_used: int
    overage: int = 0
    """Paid extra seats; -1 is unbounded."""
    usage_class: str = "assigned"
    """`assigned` to a person, or consumed by `time`."""

    def is_pool(self) -> bool:
        """Tell whether these are minutes that everybody uses, and not seats."""
        return self.usage_class == "time"


class Overview(_Body):
    """GET /licenses/overview."""

    license_number: str
    status: str
    allotments: tuple[Allotment, ...]
    valid: str = "./."
    """`<first day>/<last day>`; a dot is no limit."""

    @property
    def ends(self) -> date | None:
        """The last day of the license; None for one without an end."""
        try:
            return date.fromisoformat(self.valid.partition("/")[2])
        except ValueError:
            return None


class LicenseSettings(_Body):
    """GET and PUT /licenses/settings; what an answer leaves out is off."""

    auto_assign_professional: bool = False
    auto_assign_analyzer: bool = False


class TenantFlags(_Body):
    """The part of GET /tenants/{id} that hands out roles; what the answer leaves out is off."""

    id: str
    auto_assign_create_shared_spaces_role_to_professionals: bool = False
    auto_assign_private_analytics_content_creator_role_to_professionals: bool = False
    auto_assign_data_services_contributor_role_to_professionals: bool = False


class AssignmentRow(_Body):
    """One row of GET /licenses/assignments."""

    subject: str
    type: str
    excess: bool = False
    created: datetime | None = None

    def value(self) -> Assignment:
        """Return the row as the plan knows it."""
        return Assignment(self.subject, self.type, self.excess, self.created)


class GivenEvent(_Body):
    """An event of GET /audits that tells of a license row given or switched."""

    class Row(_Body):
        """The row it tells of."""

        subject: str
        type: str = ""

    event_time: datetime
    user_id: str
    data: Row

    @property
    def time(self) -> datetime:
        """When it happened."""
        return self.event_time

    @property
    def subject(self) -> str:
        """Whose row it was."""
        return self.data.subject

    @property
    def type(self) -> str:
        """What was given."""
        return self.data.type


class BatchItem(_Body):
    """What became of one item of a batch; only the status is always there."""

    status: int
    subject: str = ""
    type: str | None = None
    source_type: str | None = None
    code: str = ""
    title: str = ""


class Batch(_Body):
    """The body of a 207 of licenses/assignments/actions."""

    data: tuple[BatchItem, ...]


class Links(_Body):
    """Where a page continues; a missing or empty link is the end."""

    class Link(_Body):
        """One link."""

        href: str | None = None

    next: Link | None = None


class TenantBody(_Body):
    """GET /tenants/me; the first hostname is the original one, further ones are aliases."""

    id: str
    name: str = ""
    hostnames: tuple[str, ...] = ()


class UserRow(_Body):
    """One row of GET /users."""

    id: str
    subject: str
    name: str = ""
    email: str | None = None
    status: str = "active"
    client_id: str | None = None

    def value(self) -> TenantUser:
        """Return the user as the resolution knows it."""
        return TenantUser(self.id, self.subject, self.name, self.email or None, self.status, bool(self.client_id))


class IdentityProviderRow(_Body):
    """One row of GET /identity-providers; a switch that is left out is off."""

    id: str
    provider: str = ""
    protocol: str = ""
    description: str | None = None
    active: bool = False
    create_new_users_on_login: bool | None = None

    def value(self) -> IdentityProvider:
        """Return the identity provider, named by what an administrator sees of it."""
        name = " ".join(filter(None, (self.provider, self.protocol, self.description)))
        return IdentityProvider(self.id, name or self.id, self.active, bool(self.create_new_users_on_login))


class InvitedUserRow(UserRow):
    """One row of GET /users, read for since when somebody is awaited."""

    created_at: datetime | None = None
    invite_expiry: float | None = None
    """In seconds since 1970."""

    def invited(self) -> InvitedUser:
        """Return the user as the report of joiners knows it."""
        expiry = datetime.fromtimestamp(self.invite_expiry, UTC) if self.invite_expiry else None
        return InvitedUser(self.subject, self.name, self.email or None, self.status, self.created_at, expiry)


class GroupedUserRow(_Body):
    """One row of GET /users, read for the groups; a user without any may lack the property."""

    class Group(_Body):
        """A group of a user."""

        id: str

    id: str
    subject: str
    assigned_groups: tuple[Group, ...] = ()

    def value(self) -> GroupedUser:
        """Return the user as the plan of a custom group knows it."""
        return GroupedUser(self.id, self.subject, frozenset(group.id for group in self.assigned_groups))


class RoleRow(_Body):
    """One row of GET /roles."""

    name: str
    user_entitlement_type: str | None = None
    full_user: bool = False
    """Deprecated in favour of the entitlement type."""

    def value(self) -> TenantRole:
        """Return the role as the plan knows it."""
        return TenantRole(self.name, makes_full_users=self.user_entitlement_type == "fullUser" or self.full_user)


class SpaceRow(_Body):
    """One row of GET /spaces."""

    class Meta(_Body):
        """What the caller may do."""

        assignable_roles: frozenset[str] = frozenset()

    id: str
    name: str
    type: str = "shared"
    meta: Meta = Meta()

    def value(self) -> TenantSpace:
        """Return the space as the plan knows it."""
        return TenantSpace(self.id, self.name, self.type, self.meta.assignable_roles)


class SpaceAssignmentRow(_Body):
    """One row of GET /spaces/{id}/assignments."""

    id: str
    assignee_id: str
    roles: tuple[str, ...]

    def value(self) -> SpaceAssignment:
        """Return the assignment as the plan knows it."""
        return SpaceAssignment(self.id, self.assignee_id, self.roles)


class GroupRow(_Body):
    """One row of GET /groups."""

    class Role(_Body):
        """A role of a group."""

        name: str

    id: str
    name: str
    provider_type: str = "idp"
    assigned_roles: tuple[Role, ...] = ()

    def value(self) -> TenantGroup:
        """Return the group as the plan knows it."""
        return TenantGroup(self.id, self.name, self.provider_type, tuple(role.name for role in self.assigned_roles))


class WebhookRow(_Body):
    """One row of GET /webhooks; of the secret it tells only that there is one."""

    id: str
    name: str
    url: str
    level: str = "user"
    event_types: tuple[str, ...] = ()
    filter: str | None = None
    enabled: bool = False
    secret_key_added: bool = False

    def value(self) -> TenantWebhook:
        """Return the webhook as its plan knows it."""
        return TenantWebhook(
            self.id,
            self.name,
            self.url,
            self.level,
            self.event_types,
            self.filter or "",
            is_enabled=self.enabled,
            is_signed=self.secret_key_added,
        )


class WebhookEvents(_Body):
    """GET /webhooks/event-types."""

    class Event(_Body):
        """A type of event."""

        name: str

    data: tuple[Event, ...]


class AdministratorRow(_Body):
    """One row of GET /users, read for where its roles come from."""

    class Group(_Body):
        """A group of a user."""

        id: str
        assigned_roles: tuple[GroupRow.Role, ...] = ()

    id: str
    subject: str
    client_id: str | None = None
    assigned_roles: tuple[GroupRow.Role, ...] = ()
    assigned_groups: tuple[Group, ...] = ()

    def value(self, role: str) -> Administrator:
        """Return where the user has a role from; a bot is the user of a client."""
        groups = (group.id for group in self.assigned_groups if role in {own.name for own in group.assigned_roles})
        return Administrator(
            self.id,
            is_bot=self.client_id is not None or self.subject.casefold().startswith("qlikbot\\"),
            is_assigned=role in {own.name for own in self.assigned_roles},
            groups=frozenset(groups),
        )


class Token(_Body):
    """POST /oauth/token (snake case, as OAuth has it)."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=None)
    access_token: str
    expires_in: int
    scope: str = ""


class GitHubToken(_Body):
    """An ID token of a GitHub workflow (https://docs.github.com/actions/reference/security/oidc)."""

    value: str


class DevOpsToken(_Body):
    """An ID token of an Azure DevOps pipeline (https://learn.microsoft.com/rest/api/azure/devops/distributedtask)."""

    oidc_token: str


class MachineToken(_Body):
    """A token of a managed identity, whose numbers are texts.

    https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
    """

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=None)
    access_token: str
    expires_in: int


class Issuer(_Body):
    """Where a directory gives its tokens (https://openid.net/specs/openid-connect-discovery-1_0.html)."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=None)
    token_endpoint: str
    authorization_endpoint: str


class GraphUser(_Body):
    """A user of Graph with the properties selected by the reader."""

    id: str
    user_principal_name: str
    display_name: str | None = None
    mail: str | None = None
    account_enabled: bool = True
    user_type: str | None = None

    def value(self, *, is_deleted: bool = False) -> DirectoryUser:
        """Return the user as the resolution knows it.

        Graph prefixes the name of a deleted user with the id, without its hyphens.
        """
        name = self.user_principal_name
        if is_deleted:
            name = name.removeprefix(self.id.replace("-", ""))
        return DirectoryUser(
            self.id,
            name,
            self.display_name or "",
            self.mail or None,
            self.account_enabled,
            self.user_type or "Member",
            is_deleted,
        )


class GraphAccount(_Body):
    """Whether an account of Graph can sign in; an answer that leaves it out tells nothing."""

    id: str
    account_enabled: bool


class GraphMember(_Body):
    """A member of a group, whatever its kind."""

    id: str
    kind: str = Field(default="", alias="@odata.type")


class GraphGroup(_Body):
    """A group of Graph with the properties selected by the reader."""

    id: str
    display_name: str
    group_types: tuple[str, ...] = ()
    membership_rule_processing_state: str | None = None
    membership_rule: str | None = None

    def value(self) -> DirectoryGroup:
        """Return the group as the reader of groups knows it."""
        is_dynamic = "DynamicMembership" in self.group_types
        is_paused = is_dynamic and self.membership_rule_processing_state == "Paused"
        return DirectoryGroup(self.id, self.display_name, is_dynamic, is_paused, self.membership_rule or "")


class GraphApplication(_Body):
    """A service principal of Graph: what an application is in this directory."""

    id: str
    display_name: str
    app_role_assignment_required: bool = False

    def value(self) -> Application:
        """Return the application as the report knows it."""
        return Application(self.id, self.display_name, self.app_role_assignment_required)


class GraphRoleAssignment(_Body):
    """Who is assigned to an application (https://learn.microsoft.com/graph/api/resources/approleassignment)."""

    id: str
    principal_id: str
    principal_type: str = ""


class GraphRule(_Body):
    """How far Graph is with the rule of a dynamic group; there is no status for one that is paused."""

    class Status(_Body):
        """One processing of the rule."""

        status: str
        error_message: str | None = None

    membership_rule_processing_status: Status | None = None


class GraphReply(_Body):
    """What became of one request of a Graph $batch."""

    id: int
    """The place of the request, as it was sent."""
    status: int
    body: Any = None


class GraphBatch(_Body):
    """The answer to a Graph $batch."""

    responses: tuple[GraphReply, ...]


class Metadata(_Body):
    """The endpoints of a cloud (https://<host>/metadata/endpoints)."""

    class Authentication(_Body):
        """Where tokens come from."""

        login_endpoint: str

    authentication: Authentication
    microsoft_graph_resource_id: str


def decipher(service: str, request: httpx.Request, response: httpx.Response) -> Any:
    """Return the JSON of a response, None for one without a body; raises the ApiError its status stands for."""
    method, path, status = request.method, request.url.path, response.status_code
    if response.is_success:
        if status == httpx.codes.NO_CONTENT:
            return None
        if "json" not in response.headers.get("content-type", ""):
            raise NoEvidence(service, method, path, f"{status} without JSON", status=status)
        try:
            return response.json()
        except ValueError as error:
            raise NoEvidence(service, method, path, f"{status} with broken JSON", status=status) from error
    code, reason = (_conceal(text, request) for text in _read_error(response))
    kind = {401: Unauthorized, 403: Forbidden, 404: NotFound}.get(status, ApiError)
    if status in TRANSIENT:
        kind = ServiceBroken
    raise kind(service, method, path, f"{status} {reason or response.reason_phrase}", status=status, code=code)


def is_refusal(error: ApiError) -> bool:
    """Tell whether a service turned a request down for good."""
    is_refused = 400 <= error.status < 500  # noqa: PLR2004 - the range of refusals
    return is_refused and error.status not in TRANSIENT and not isinstance(error, AnswerLost)


def _conceal(text: str, request: httpx.Request) -> str:
    """Return what a service says without the credentials of the request, which it may have repeated."""
    for secret in _secrets_of(request):
        text = text.replace(secret, "(concealed)")
    return text


def _secrets_of(request: httpx.Request) -> Iterator[str]:
    token = request.headers.get("authorization", "").partition(" ")[2]
    if token:
        yield token
    if request.url.path.endswith("/token") or "/webhooks" in request.url.path:
        try:
            body = json.loads(request.content)
        except ValueError:
            return
        if isinstance(body, list):  # a JSON Patch
            body = {str(change["path"]).removeprefix("/"): change["value"] for change in body}
        yield from (str(body[name]) for name in ("client_secret", "client_assertion", "secret") if body.get(name))


def _read_error(response: httpx.Response) -> tuple[str, str]:
    """Return code and text of an error body: Qlik's `errors[]`, Graph's `error{}`, or OAuth's two strings."""
    try:
        body = response.json()
    except ValueError:
        return "", ""
    if not isinstance(body, Mapping):
        return "", ""
    items, error = body.get("errors"), body.get("error")
    if isinstance(items, list) and items and isinstance(items[0], Mapping):
        code, parts = items[0].get("code"), [items[0].get(key) for key in ("code", "title", "detail")]
    elif isinstance(error, Mapping):
        code, parts = error.get("code"), [f"{error.get('code', '')}:", error.get("message")]
    else:
        code, parts = error, [body.get("error_description") or error]
    return str(code or ""), " ".join(" ".join(str(part) for part in parts if part).split())


def parse_body(service: str, method: str, path: str, body: Any, shape: type[T]) -> T:
    """Return a body in its shape; raises NoEvidence for any other."""
    try:
        return TypeAdapter(shape).validate_python(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the body"
        # The cause would show the answer itself, which may hold a token or a license key.
        raise NoEvidence(service, method, path, f"unexpected answer: {where}: {first['msg']}") from None
