"""Who calls the tenant, and what the caller may do (qlik-api.md 2.7, 5 and 8)."""

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from sandbox.answers import Refusal, sandbox_of
from sandbox.state import Sandbox
from sandbox.tenant.catalog import BUILT_IN_ROLES, EVERYONE, ROLE_SCOPES
from sandbox.tenant.keys import find_owner
from sandbox.tenant.rate_limits import charge

_BY_CLIENT = "SELECT * FROM users WHERE status = 'active' AND client_id = ?"
_GROUP_ROLES = (
    "SELECT roles FROM tenant_groups WHERE roles <> '[]' AND status = 'active'"
    " AND id IN (SELECT group_id FROM memberships WHERE user_id = ? UNION ALL SELECT ?)"
)
_JSON_PATCH = "application/json-patch+json"
_BUILT_IN = frozenset(name for name, _ in BUILT_IN_ROLES)

Refuse = Callable[[int, str], Refusal]


@dataclass(frozen=True)
class Caller:
    """The user behind a bearer token, with the roles that count and the scopes they grant.

    `scopes` are those of an OAuth token; None, as for an API key, narrows nothing.
    """

    name: str
    user_id: str
    roles: frozenset[str] = frozenset()
    granted: frozenset[str] = frozenset()
    scopes: frozenset[str] | None = None

    @property
    def is_admin(self) -> bool:
        """Say whether the caller may everything: TenantAdmin, not narrowed below admin_classic."""
        return "TenantAdmin" in self.roles and (self.scopes is None or "admin_classic" in self.scopes)

    def may(self, *scopes: str) -> bool:
        """Say whether roles and token both allow one of the scopes; a scope includes its `:read`."""
        return self.is_admin or any(self._may(scope) for scope in scopes)

    def _may(self, scope: str) -> bool:
        wide = {scope, scope.partition(":")[0]}
        is_granted = "TenantAdmin" in self.roles or not wide.isdisjoint(self.granted)
        # Scopes of a token narrow what the roles allow, and never widen it.
        return is_granted and (self.scopes is None or not (wide | {"admin_classic"}).isdisjoint(self.scopes))


def identify(request: Request, refuse: Refuse) -> Caller:
    """Return the caller, or raise 401 for a token that is missing, unknown, expired or revoked."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    sandbox = sandbox_of(request)
    caller = _by_token(sandbox, token) or _by_key(sandbox, token) if scheme.lower() == "bearer" and token else None
    if caller is None:
        raise _unauthorized(sandbox, refuse)
    request.state.caller = caller.name
    charge(request, caller.name)
    if _JSON_PATCH in request.headers.get("content-type", "") and sandbox.switch("json-patch") == "refused415":
        raise refuse(415, f"Unsupported media type: {_JSON_PATCH}")
    return caller


def _unauthorized(sandbox: Sandbox, refuse: Refuse) -> Refusal:
    """Return the 401 of a service, or one without a body where the switch says so."""
    refusal = refuse(401, "Unauthorized")
    if sandbox.switch("unauthorized-body") == "empty":
        refusal.response = Response(status_code=401)
    return refusal


def require(request: Request, refuse: Refuse, *scopes: str) -> Caller:
    """Return the caller, or raise 403 for one whom none of the scopes is allowed; without any: no administrator."""
    caller = identify(request, refuse)
    if not caller.may(*scopes):
        raise refuse(403, "Insufficient access")
    return caller


def require_admin(request: Request, refuse: Refuse) -> Caller:
    """Return the caller, or raise 403 for one who is no administrator of the whole tenant."""
    return require(request, refuse)


def effective_roles(sandbox: Sandbox, user: sqlite3.Row) -> frozenset[str]:
    """Return the names of a user's own roles, of those of the user's groups, and of those of everyone."""
    rows = sandbox.db.execute(_GROUP_ROLES, (user["id"], EVERYONE))
    return frozenset(json.loads(user["roles"])).union(*(json.loads(row["roles"]) for row in rows))


def scopes_of(sandbox: Sandbox, roles: Iterable[str]) -> frozenset[str]:
    """Return the scopes that roles grant: what is known of the built-in ones, what is assigned to custom ones."""
    roles = set(roles)
    granted = frozenset[str]().union(*(ROLE_SCOPES.get(name, ()) for name in roles))
    custom = sorted(roles - _BUILT_IN)
    if not custom:
        return granted
    marks = ", ".join("?" * len(custom))
    rows = sandbox.db.execute(f"SELECT scopes FROM roles WHERE name IN ({marks})", custom)  # noqa: S608  # only marks
    return granted.union(*(json.loads(row["scopes"]) for row in rows))


def _by_token(sandbox: Sandbox, token: str) -> Caller | None:
    """Return the bot user of an OAuth token; only the scope admin_classic makes it an administrator."""
    statement = "SELECT * FROM tokens WHERE service = 'qlik' AND token = ? AND expires > ?"
    row = sandbox.db.execute(statement, (token, sandbox.clock.seconds())).fetchone()
    if row is None:
        return None
    user = _find_user(sandbox, _BY_CLIENT, row["client"])
    return None if user is None else _caller(sandbox, row["client"], user, frozenset(json.loads(row["grants"])))


def _by_key(sandbox: Sandbox, token: str) -> Caller | None:
    """Return the user of an API key, whose permissions are the key's."""
    user = find_owner(sandbox, token)
    return None if user is None else _caller(sandbox, user["subject"], user, None)


def _caller(sandbox: Sandbox, name: str, user: sqlite3.Row, scopes: frozenset[str] | None) -> Caller:
    roles = effective_roles(sandbox, user)
    granted = frozenset() if "TenantAdmin" in roles else scopes_of(sandbox, roles)
    return Caller(name, user["id"], roles, granted, scopes)


def _find_user(sandbox: Sandbox, statement: str, value: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = sandbox.db.execute(statement, (value,)).fetchone()
    return row
