"""Small worlds as values, and the plans that lead from one to another."""

from collections.abc import Iterable, Mapping
from typing import Any

from qlik_provider.brake import Brake
from qlik_provider.entitlements import MEMBER, Entitlement
from qlik_provider.graph import GraphClient
from qlik_provider.members import observe_members
from qlik_provider.plan import Plan, make_plan
from qlik_provider.premises import Recorded, Rules
from qlik_provider.tenant import Tenant

TENANT_ID = "kPzYCEmTn3Nn4uVwGc5Yh1bWq0LrT8Xa"
LICENSE = "9999000000001234"
DIRECTORY_ID = "11111111-1111-1111-1111-111111111111"
GROUP = "aaaaaaaa-0000-4000-8000-000000000001"

CLIENT_ID, CLIENT_SECRET = "3f9c1e77b4c24be3a1d0c2a5e6f70812", "sandbox-client-secret"
API_KEY = "sandbox-api-key"
DIRECTORY_SECRET = "sandbox-directory-secret"
LICENSE_KEY = "sandbox-license-key"
WEBHOOK_SECRET, DISPATCH_TOKEN = "sandbox-webhook-secret", "sandbox-dispatch-token"

ADD, UPDATE, DELETE = (f"/api/v1/licenses/assignments/actions/{verb}" for verb in ("add", "update", "delete"))
ROWS = "/api/v1/licenses/assignments$"

OPEN = Rules(order=("professional", "analyzer"), brake=Brake(max=10_000, percent=100))
MEMBERS_OPEN = Rules(order=(MEMBER,), brake=Brake(max=10_000, percent=100))


def person(number: int) -> str:
    """Return the object id, and so the subject, of the numbered person."""
    return f"6f1c0000-0000-4000-8000-{number:012}"


def people(count: int) -> list[str]:
    return [person(number) for number in range(count)]


def mail_of(subject: str) -> str:
    return f"{subject[-6:]}@contoso.test"


def make_world(
    rows: Mapping[str, str] | None = None,
    *,
    units: Mapping[str, int] | None = None,
    users: int = 0,
    directory: int = 0,
    members: Iterable[str] | None = None,
    tenant: Mapping[str, Any] | None = None,
    scopes: Iterable[str] = ("admin_classic",),
    **switches: str,
) -> dict[str, Any]:
    """Return a world with these license rows, so many users, people and members of one group."""
    return {
        "world": 1,
        "clock": "2026-11-02T08:00:00Z",
        "tenant": {
            "id": TENANT_ID,
            "name": "contoso",
            "clients": [{"id": CLIENT_ID, "secret": CLIENT_SECRET, "scopes": list(scopes)}],
            "apiKeys": [
                {"token": API_KEY, "subject": "auth0|admin"},
                {"token": "old-api-key", "subject": "auth0|admin", "status": "expired"},
                {"token": "lost-api-key", "subject": "auth0|admin", "status": "revoked"},
            ],
            "license": {"number": LICENSE, "key": LICENSE_KEY},
            "allotments": {
                type: {"units": count} for type, count in (units or {"professional": 1000, "analyzer": 1000}).items()
            },
            "users": [
                {"subject": "auth0|admin", "name": "Admin", "assignedRoles": ["TenantAdmin"]},
                *({"subject": who, "name": who[-6:], "email": mail_of(who)} for who in people(users)),
            ],
            "assignments": [{"subject": subject, "type": type} for subject, type in (rows or {}).items()],
            "spaces": [{"id": f"space{number:03}", "name": f"Space {number:03}"} for number in range(130)],
            **(tenant or {}),
        },
        "directory": {
            "tenantId": DIRECTORY_ID,
            "clients": [
                {
                    "id": "22222222-2222-2222-2222-222222222222",
                    "secret": DIRECTORY_SECRET,
                    "oid": "33333333-3333-3333-3333-333333333333",
                    "roles": ["Group.ReadWrite.All", "User.Read.All"],
                }
            ],
            "users": [
                {"id": who, "userPrincipalName": mail_of(who), "mail": mail_of(who), "displayName": who[-6:]}
                for who in people(directory)
            ],
            "deleted": [],
            "groups": []
            if members is None
            else [{"id": GROUP, "displayName": "Readers", "mailNickname": "dev-readers", "members": list(members)}],
        },
        "switches": {name.replace("_", "-"): position for name, position in switches.items()},
    }


def entitle(type: str, subject: str) -> Entitlement:
    return Entitlement(type, ("finance",), mail_of(subject))


def entitle_all(types: Mapping[str, str]) -> dict[str, Entitlement]:
    return {subject: entitle(type, subject) for subject, type in types.items()}


def plan_seats(
    tenant: Tenant, desired: Mapping[str, str], ledger: Mapping[str, str] | None = None, rules: Rules = OPEN
) -> Plan:
    """Return the plan from what the tenant shows to `desired`, where the stack holds `ledger`."""
    observed = tenant.observe(TENANT_ID, LICENSE)
    recorded = Recorded(ledger=entitle_all(ledger or {}))
    return make_plan(entitle_all(desired), observed, recorded, rules, tenant.client.now)


def plan_members(directory: GraphClient, desired: Iterable[str], ledger: Iterable[str] = ()) -> Plan:
    """Return the plan from who is in the group to `desired`."""
    observed = observe_members(directory, GROUP)
    assert observed is not None
    recorded = Recorded(ledger=entitle_all(dict.fromkeys(ledger, MEMBER)))
    return make_plan(entitle_all(dict.fromkeys(desired, MEMBER)), observed, recorded, MEMBERS_OPEN, directory.now)


ANA, BO, CY = people(3)


def outputs_of(inputs: dict) -> dict:
    """Return the outputs of somebody who applied `inputs` when nobody else had a seat."""
    return {**inputs, "deviations": {}, "removed": {}, "seats": {}, "foreign": {}}


def list_members(people, group: str = GROUP, **rules) -> dict:
    return {
        "group": "readers",
        "groupObjectId": group,
        "members": {who: mail_of(who) for who in people},
        "rules": rules,
    }
