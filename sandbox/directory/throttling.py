"""Throttling of Graph: resource units in ten seconds and writes in minutes, for each application (entra.md 4.1)."""

import math
import re
from collections import deque
from dataclasses import dataclass, field
from http import HTTPMethod
from urllib.parse import parse_qs

from starlette.types import Scope

from sandbox.answers import Refusal
from sandbox.directory.errors import graph_refusal
from sandbox.directory.settings import read_timing
from sandbox.directory.timing import Throttling
from sandbox.state import Sandbox

UNITS = {"S": 3500, "M": 5000, "L": 8000}
UNIT_SECONDS = 10
WRITE_COST = 2
WRITES, WRITE_SECONDS = 3000, 150
TENANT_WRITES, TENANT_SECONDS = 18_000, 300
SMALL, LARGE = 50, 500
WARNING = 0.8
FEW = 20  # a page of fewer costs less

# What a read costs by its path without version and ids; anything else costs one.
_COSTS = (
    (re.compile(r"groups/[^/]+/transitiveMembers(/.*)?"), 5),
    (re.compile(r"groups/[^/]+/members(/.*)?"), 3),
    (re.compile(r"directoryObjects/getByIds"), 3),
    (re.compile(r"users"), 2),
    (re.compile(r"applications(/[^/]+/extensionProperties)?"), 2),
    (re.compile(r"users/[^/]+/(memberOf|transitiveMemberOf|ownedObjects)(/.*)?"), 2),
    (re.compile(r"servicePrincipals/[^/]+/appRoleAssignments"), 2),
)


@dataclass
class Window:
    """What was spent lately, oldest first."""

    seconds: int
    spent: deque[tuple[float, int]] = field(default_factory=deque)
    total: int = 0

    def settle(self, now: float) -> None:
        """Forget what is older than the window; a clock that was set back starts it anew."""
        while self.spent and not now - self.seconds < self.spent[0][0] <= now:
            self.total -= self.spent.popleft()[1]

    def wait(self, cost: int, limit: int, now: float) -> int:
        """Return the whole seconds until `cost` fits, or 0 when it does now."""
        excess = self.total + cost - limit
        for moment, spent in self.spent:
            if excess <= 0:
                break
            excess -= spent
            if excess <= 0:
                return max(1, math.ceil(moment + self.seconds - now))
        return 0 if excess <= 0 else self.seconds

    def spend(self, cost: int, now: float) -> None:
        """Write a cost down."""
        self.spent.append((now, cost))
        self.total += cost


@dataclass(frozen=True)
class _Limit:
    """One limit a request counts against."""

    window: Window
    cost: int
    most: int
    scope: str
    reason: str


def charge(sandbox: Sandbox, scope: Scope) -> dict[str, str]:
    """Return the headers of a request that is within its limits, or raise 429; nothing is limited by default."""
    rules = read_timing(sandbox).throttling
    caller = _caller(sandbox, scope)
    if rules is None or not caller:
        return {}
    now, cost = sandbox.clock.seconds(), _cost(scope)
    limits = _limits(sandbox, rules, caller, cost, is_write=_is_write(scope))
    for limit in limits:
        limit.window.settle(now)
        seconds = limit.window.wait(limit.cost, limit.most, now)
        if seconds:
            raise _throttled(sandbox, limit, caller, seconds)
    for limit in limits:
        limit.window.spend(limit.cost, now)
    notes = {"x-ms-resource-unit": str(cost)}
    share = max(limit.window.total / limit.most for limit in limits)
    if share >= WARNING:
        notes["x-ms-throttle-limit-percentage"] = f"{share:.2f}"
    return notes


def _limits(sandbox: Sandbox, rules: Throttling, caller: str, cost: int, *, is_write: bool) -> list[_Limit]:
    windows = sandbox.recorder.windows
    units = rules.resource_units or UNITS[rules.size or _size(sandbox)]
    reading = windows.setdefault(f"units {caller}", Window(UNIT_SECONDS))
    found = [_Limit(reading, cost, units, "Tenant_Application/ReadWrite", "ResourceUnitLimitExceeded")]
    if is_write:
        own = windows.setdefault(f"writes {caller}", Window(WRITE_SECONDS))
        whole = windows.setdefault("writes", Window(TENANT_SECONDS))
        most = rules.writes or WRITES
        found.append(_Limit(own, 1, most, "Tenant_Application/Write", "WriteLimitExceeded"))
        found.append(_Limit(whole, 1, TENANT_WRITES, "Tenant/Write", "WriteLimitExceeded"))
    return found


def _size(sandbox: Sandbox) -> str:
    """Return the size of the tenant by the number of its users."""
    count = sandbox.db.execute("SELECT count(*) AS n FROM people WHERE NOT is_deleted").fetchone()["n"]
    return "S" if count < SMALL else "M" if count <= LARGE else "L"


def _cost(scope: Scope) -> int:
    """Return the resource units of a request: fewer with $select or a short page, more with $expand."""
    path = scope["path"].split("/", 2)[-1]
    if _is_write(scope):
        return WRITE_COST
    cost = next((units for pattern, units in _COSTS if pattern.fullmatch(path)), 1)
    options = parse_qs(scope["query_string"].decode("latin-1"))
    top = options.get("$top", [""])[0]
    cost += ("$expand" in options) - ("$select" in options) - (top.isdecimal() and len(top) <= 3 and int(top) < FEW)  # noqa: PLR2004  # digits
    return max(1, cost)


def _is_write(scope: Scope) -> bool:
    return scope["method"] != HTTPMethod.GET and not scope["path"].endswith(("/getByIds", "/checkMemberGroups"))


def _caller(sandbox: Sandbox, scope: Scope) -> str:
    """Return the application behind the token, or nothing; who has no token is refused, not throttled."""
    token = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1").partition(" ")[2]
    statement = "SELECT client FROM tokens WHERE service = 'graph' AND token = ?"
    row = sandbox.db.execute(statement, (token,)).fetchone()
    return "" if row is None else str(row["client"])


def _throttled(sandbox: Sandbox, limit: _Limit, caller: str, seconds: int) -> Refusal:
    refusal = graph_refusal(429, "TooManyRequests", "Too many requests. Please retry after the time indicated.")
    tenant = sandbox.setting("directoryTenantId")
    refusal.response.headers["Retry-After"] = str(seconds)
    refusal.response.headers["x-ms-throttle-scope"] = f"{limit.scope}/{caller}/{tenant}"
    refusal.response.headers["x-ms-throttle-information"] = limit.reason
    return refusal
