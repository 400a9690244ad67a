"""Who calls Graph, and what the application's roles allow (entra.md 6)."""

import json
from dataclasses import dataclass

from starlette.requests import Request

from sandbox.answers import sandbox_of
from sandbox.directory.errors import graph_refusal

READ_USERS = frozenset({"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"})
WRITE_GROUPS = frozenset({"Group.ReadWrite.All", "Directory.ReadWrite.All"})
WRITE_MEMBERS = WRITE_GROUPS | {"GroupMember.ReadWrite.All"}
READ_GROUPS = WRITE_MEMBERS | {"Group.Read.All", "GroupMember.Read.All", "Directory.Read.All"}
READ_ANYTHING = READ_USERS | READ_GROUPS


@dataclass(frozen=True)
class Caller:
    """The application behind a token."""

    app_id: str
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
    statement = "SELECT * FROM tokens WHERE service = 'graph' AND token = ?"
    row = sandbox.db.execute(statement, (token,)).fetchone()
    if row is None:
        message = "IDX14100: JWT is not well formed, or its signature is invalid."
        raise graph_refusal(401, "InvalidAuthenticationToken", message)
    request.state.caller = row["client"]
    if row["expires"] <= sandbox.clock.seconds():
        message = "Lifetime validation failed, the token is expired."
        raise graph_refusal(401, "InvalidAuthenticationToken", message)
    return Caller(row["client"], frozenset(json.loads(row["grants"])))


def require(request: Request, allowed: frozenset[str]) -> Caller:
    """Return the caller, or raise 403 for one that has none of the roles."""
    caller = identify(request)
    if caller.roles.isdisjoint(allowed):
        message = "Insufficient privileges to complete the operation."
        raise graph_refusal(403, "Authorization_RequestDenied", message)
    return caller
