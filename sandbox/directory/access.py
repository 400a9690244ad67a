"""Who calls Graph, and what the application's roles allow (entra.md 6)."""

import json
from dataclasses import dataclass
from http import HTTPStatus

from starlette.requests import Request

from sandbox.answers import Refusal, sandbox_of
from sandbox.directory.errors import graph_refusal

_READ_ALL = frozenset({"Directory.Read.All", "Directory.ReadWrite.All"})
_WRITE_ALL = frozenset({"Directory.ReadWrite.All"})

WRITE_USERS = _WRITE_ALL | {"User.ReadWrite.All"}
READ_USERS = _READ_ALL | WRITE_USERS | {"User.Read.All"}
WRITE_GROUPS = _WRITE_ALL | {"Group.ReadWrite.All"}
CREATE_GROUPS = WRITE_GROUPS | {"Group.Create"}
WRITE_MEMBERS = WRITE_GROUPS | {"GroupMember.ReadWrite.All"}
READ_GROUPS = _READ_ALL | WRITE_MEMBERS | {"Group.Read.All", "GroupMember.Read.All"}
WRITE_ROLE_GROUPS = frozenset({"RoleManagement.ReadWrite.Directory"})
WRITE_UNITS = _WRITE_ALL | {"AdministrativeUnit.ReadWrite.All"}
READ_UNITS = _READ_ALL | WRITE_UNITS | {"AdministrativeUnit.Read.All"}
READ_DOMAINS = _READ_ALL | {"Domain.Read.All", "Domain.ReadWrite.All"}

# An application with the last of these writes what it owns, and nothing else.
OWNED_APPLICATIONS = "Application.ReadWrite.OwnedBy"
WRITE_APPLICATIONS = _WRITE_ALL | {"Application.ReadWrite.All"}
READ_APPLICATIONS = _READ_ALL | WRITE_APPLICATIONS | {"Application.Read.All", OWNED_APPLICATIONS}
ASSIGN_APP_ROLES = frozenset({"AppRoleAssignment.ReadWrite.All"})
WRITE_SYNCHRONIZATION = WRITE_APPLICATIONS | {"Synchronization.ReadWrite.All"}
READ_SYNCHRONIZATION = _READ_ALL | WRITE_SYNCHRONIZATION | {"Synchronization.Read.All"}
READ_PROVISIONING = frozenset({"AuditLog.Read.All", "ProvisioningLog.Read.All"})
READ_ANYTHING = READ_USERS | READ_GROUPS | READ_APPLICATIONS | READ_UNITS


@dataclass(frozen=True)
class Caller:
    """The application behind a token."""

    app_id: str
    oid: str
    roles: frozenset[str]

    @property
    def reads_users(self) -> bool:
        """Say whether the properties of people are shown to this application."""
        return not self.roles.isdisjoint(READ_USERS)


def identify(request: Request) -> Caller:
    """Return the caller, or raise 401 for a token that is missing, unknown or expired."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise graph_refusal(401, "InvalidAuthenticationToken", "Access token is empty.")
    sandbox = sandbox_of(request)
    statement = (
        "SELECT tokens.*, json_extract(clients.body, '$.oid') AS oid FROM tokens LEFT JOIN clients"
        " ON clients.service = 'graph' AND clients.id = tokens.client"
        " WHERE tokens.service = 'graph' AND tokens.token = ?"
    )
    row = sandbox.db.execute(statement, (token,)).fetchone()
    if row is None:
        message = "IDX14100: JWT is not well formed, or its signature is invalid."
        raise graph_refusal(401, "InvalidAuthenticationToken", message)
    request.state.caller = row["client"]
    if row["expires"] <= sandbox.clock.seconds():
        message = "Lifetime validation failed, the token is expired."
        raise graph_refusal(401, "InvalidAuthenticationToken", message)
    return Caller(row["client"], row["oid"] or "", frozenset(json.loads(row["grants"])))


def require(request: Request, allowed: frozenset[str]) -> Caller:
    """Return the caller, or raise 403 for one that has none of the roles."""
    caller = identify(request)
    if caller.roles.isdisjoint(allowed):
        raise denied()
    return caller


def require_owned(request: Request, allowed: frozenset[str], owned: str, *object_ids: str, status: int = 403) -> Caller:
    """Return the caller that has one of the roles, or has the role `owned` and owns one of the objects."""
    caller = identify(request)
    if not caller.roles.isdisjoint(allowed):
        return caller
    if owned in caller.roles and any(_owns(request, caller, object_id) for object_id in object_ids):
        return caller
    raise denied(status if owned in caller.roles else 403)


def denied(status: int = 403) -> Refusal:
    """Return the refusal of an application whose roles do not suffice."""
    if status == HTTPStatus.UNAUTHORIZED:
        return graph_refusal(401, "Unauthorized", "User is not authorized to perform this operation.")
    return graph_refusal(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def _owns(request: Request, caller: Caller, object_id: str) -> bool:
    """Say whether the caller's service principal is an owner of the object."""
    statement = "SELECT 1 FROM links WHERE relation = 'owners' AND group_id = ? AND object_id = ?"
    return sandbox_of(request).db.execute(statement, (object_id.lower(), caller.oid)).fetchone() is not None
