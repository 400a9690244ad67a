"""The bodies the two services send, and what a response means; performs no I/O.

Only what is used is read, so the license key of an overview never becomes a value here.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from qlik_provider.entitlements import Assignment
from qlik_provider.errors import ApiError, Forbidden, NoEvidence, NotFound, ServiceBroken, Unauthorized
from qlik_provider.people import DirectoryUser, TenantUser

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


class Overview(_Body):
    """GET /licenses/overview."""

    license_number: str
    status: str
    allotments: tuple[Allotment, ...]


class AssignmentRow(_Body):
    """One row of GET /licenses/assignments."""

    subject: str
    type: str
    excess: bool = False

    def value(self) -> Assignment:
        """Return the row as the plan knows it."""
        return Assignment(self.subject, self.type, self.excess)


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

    def value(self) -> TenantUser:
        """Return the user as the resolution knows it."""
        return TenantUser(self.id, self.subject, self.name, self.email or None, self.status)


class Named(_Body):
    """A role or a space, of which only the name matters here."""

    name: str


class Token(_Body):
    """POST /oauth/token (snake case, as OAuth has it)."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=None)
    access_token: str
    expires_in: int
    scope: str = ""


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


class GraphMember(_Body):
    """A member of a group, whatever its kind."""

    id: str
    kind: str = Field(default="", alias="@odata.type")


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
    code, reason = _read_error(response)
    kind = {401: Unauthorized, 403: Forbidden, 404: NotFound}.get(status, ApiError)
    if status in TRANSIENT:
        kind = ServiceBroken
    raise kind(service, method, path, f"{status} {reason or response.reason_phrase}", status=status, code=code)


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
