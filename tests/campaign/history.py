"""What the campaign plays: a small company, and three runs over every resource there is.

Another resource joins by its inputs in `first()` and `changed()`, by what it starts from in `make_company()`, by its
class in holdings.py, by the purposes of its calls in calls.py, and, where others can change it, by an act in `DRIFT`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.worlds import GROUP, LICENSE, TENANT_ID, mail_of, make_world, people, person

from qlik_provider.license_settings import ROLES, SEATS

FOREIGN = {f"fabrikam\\{name}": "analyzer" for name in ("joe", "jim", "jon")}
OPEN = {"brake.max": 10_000, "brake.percent": 100}
CROWD = people(1000)  # foreign members, so that a group needs two pages; ours stand behind them
TEAM = [person(number) for number in range(1000, 1060)]
ANALYSTS = "Analysts"  # a custom group, which the first run creates
READERS = "65f0c0ffee00000000000001"  # a group that others have granted something already
FINANCE, BOARD, SANDPIT = (f"6512a1b2c3d4e5f60718293{number}" for number in range(3))
USERS = {person(number): f"65e0c0ffee00000000000{number:03}" for number in range(4)}  # the tenant's, by subject
STAYS, GOES, COMES, _ = USERS
WAITS = person(4)  # no user yet
CREATE, STEWARD = ROLES["SharedSpaceCreator"], ROLES["DataServicesContributor"]


@dataclass(frozen=True)
class Resource:
    """One declared resource: its name in the stack, its class, and its inputs."""

    name: str
    kind: str
    inputs: Mapping[str, Any]


def make_company() -> dict[str, Any]:
    """Return the world before the first run.

    Ninety-three license rows of others, five that already are as declared and five weaker ones: two pages. A 207 and a
    batch come reversed, and a second row for one person is possible. Two pages of groups and of spaces; one of the
    groups declared is there with what others granted it, the other one is not.
    """
    rows = {
        **FOREIGN,
        **{f"fabrikam\\p{number:03}": "analyzer" for number in range(90)},
        **dict.fromkeys(seated(0, 10), "analyzer"),
    }
    return make_world(
        rows,
        units={"professional": 20, "analyzer": 400},
        directory=1060,
        members=CROWD,
        item_order="reversed",
        batch_order="reversed",
        add_other_type="secondRow201",
        tenant={
            "users": [
                {"subject": "auth0|admin", "name": "Admin", "assignedRoles": ["TenantAdmin"]},
                *({"id": id, "subject": who, "name": who[-6:], "email": mail_of(who)} for who, id in USERS.items()),
            ],
            "groups": [
                {"id": READERS, "name": "Readers", "assignedRoles": ["Steward"], "members": ["auth0|admin"]},
                {"id": f"{READERS[:-1]}2", "name": "Auditors", "assignedRoles": ["AuditAdmin"]},
                *({"id": f"65f0c0ffee0000000001{number:04}", "name": f"Group {number:03}"} for number in range(100)),
            ],
            "spaces": [
                {"id": FINANCE, "name": "Finance", "assignments": [assign(READERS, "consumer", "a1")]},
                {"id": BOARD, "name": "Board", "assignments": [assign(f"{READERS[:-1]}2", "facilitator", "a2")]},
                {"id": SANDPIT, "name": "Sandpit"},
                *({"id": f"6512a1b2c3d4e5f6{number:08}", "name": f"Space {number:03}"} for number in range(100)),
            ],
            "settings": {SEATS["professional"]: True},
            CREATE: True,
        },
    )


def assign(group: str, role: str, id: str) -> dict[str, Any]:
    """Return what others have granted a group in a space."""
    return {"id": f"65aa00000000000000000{id:0>3}", "type": "group", "assignee": group, "roles": [role]}


def seated(start: int, end: int) -> list[str]:
    """Return the subjects of people who get seats."""
    return [person(number) for number in range(2000 + start, 2000 + end)]


def first(url: str, **rules: str) -> list[Resource]:
    """Return the declaration of the first run: 5 adopted, 5 switched up, 105 assigned; 45 members added; one group
    of the tenant created, and rights granted to it and to one that others have granted something; four settings put;
    a custom group created with two people, and one who is no user yet waits.
    """
    seats = {
        **dict.fromkeys(seated(0, 5), "analyzer"),
        **dict.fromkeys(seated(5, 10), "professional"),
        **dict.fromkeys(seated(10, 115), "analyzer"),
    }
    given = {SEATS["professional"]: "false", SEATS["analyzer"]: "true", CREATE: "false", STEWARD: "true"}
    return [
        members(TEAM[:45], rules),
        assignments(url, seats, rules),
        policy(
            url,
            "Readers",
            ["AuditAdmin", "DataServicesContributor"],
            {"Finance": "dataconsumer, producer", "Sandpit": "consumer"},
            rules,
        ),
        policy(url, "Controllers", ["SharedSpaceCreator"], {"Finance": "consumer"}, rules),
        settings(url, given, rules),
        tenant_members(url, [STAYS, GOES, WAITS], rules),
    ]


def changed(url: str, **rules: str) -> list[Resource]:
    """Return the declaration after it was edited: 101 revoked, one of those leaving is protected, 3 switched up, 3
    down, 101 assigned; 22 members out, 3 in; rights granted and withdrawn beside those of others, in one space all of
    this stack's; one setting put, two given back; one person out of the custom group, one in.
    """
    seats = {
        **dict.fromkeys(seated(0, 3), "professional"),
        **dict.fromkeys(seated(3, 5), "analyzer"),
        **dict.fromkeys(seated(5, 8), "analyzer"),
        **dict.fromkeys(seated(8, 10), "professional"),
        **dict.fromkeys(seated(112, 216), "analyzer"),
    }
    guarded = {f"protect.{GUARDED}": mail_of(GUARDED)}
    given = {SEATS["analyzer"]: "false", STEWARD: "true"}
    return [
        members([*TEAM[22:45], *TEAM[45:48]], rules),
        assignments(url, seats, {**guarded, **rules}),
        policy(
            url,
            "Readers",
            ["AuditAdmin", "PrivateAnalyticsContentCreator"],
            {"Finance": "dataconsumer", "Board": "consumer"},
            rules,
        ),
        policy(url, "Controllers", [], {"Finance": "consumer, producer"}, rules),
        settings(url, given, rules),
        tenant_members(url, [STAYS, COMES, WAITS], rules),
    ]


GUARDED = seated(111, 112)[0]
"""Leaves every group, and is protected."""

DRIFT = [
    {"do": "revoke", "subject": seated(3, 4)[0], "type": "analyzer"},
    {"do": "switch", "subject": seated(4, 5)[0], "from": "analyzer", "type": "professional"},
    {"do": "assign", "subject": "fabrikam\\new", "type": "analyzer"},
    {"do": "removeMember", "group": GROUP, "member": TEAM[30]},
    {"do": "addMember", "group": GROUP, "member": TEAM[55]},
]
"""What others do by hand before the third run, the refresh."""

ASKED = [
    (
        "PATCH",
        f"/api/v1/groups/{READERS}",
        [{"op": "replace", "path": "/assignedRoles", "value": [{"name": name} for name in ("Steward", "AuditAdmin")]}],
    ),
    ("PUT", f"/api/v1/spaces/{FINANCE}/assignments/{assign(READERS, '', 'a1')['id']}", {"roles": ["facilitator"]}),
    ("PUT", "/api/v1/licenses/settings", {SEATS["professional"]: True, SEATS["analyzer"]: True}),
    (
        "PATCH",
        f"/api/v1/users/{USERS[STAYS]}",
        [{"op": "remove-value", "path": "/assignedGroups", "value": {"name": ANALYSTS, "providerType": "custom"}}],
    ),
]
"""What others ask of the tenant by hand then: two rights taken away, one granted instead, a switch put, and one person
taken out of the custom group."""

SUBREQUESTS = {
    "first": (("PATCH", r"^/v1\.0/groups/[^/]+$", 0),),
    "change": (
        ("DELETE", r"/members/[^/]+/\$ref$", 0),
        ("DELETE", r"/members/[^/]+/\$ref$", 20),
        ("PATCH", r"^/v1\.0/groups/[^/]+$", 0),
    ),
    "refresh": (),
}
"""What is in each $batch of a run, and how many of the same were in those before."""


def members(who: list[str], rules: Mapping[str, str]) -> Resource:
    inputs = {
        "group": "readers",
        "groupObjectId": GROUP,
        "members": {id: mail_of(id) for id in who},
        "rules": {**OPEN, **rules},
    }
    return Resource("members-readers", "DirectoryMembers", inputs)


def assignments(url: str, seats: Mapping[str, str], rules: Mapping[str, str]) -> Resource:
    inputs = {
        "tenant": url,
        "tenantId": TENANT_ID,
        "license": LICENSE,
        "assignments": {who: f"{type} via finance for {mail_of(who)}" for who, type in seats.items()},
        "rules": {"order": "professional, analyzer", **OPEN, **rules},
        "doubt": {},
        "sources": {},
    }
    return Resource("license-assignments", "LicenseAssignments", inputs)


def policy(url: str, group: str, roles: list[str], spaces: Mapping[str, str], rules: Mapping[str, str]) -> Resource:
    inputs = {
        "tenant": url,
        "tenantId": TENANT_ID,
        "key": group.lower(),
        "group": group,
        "providerType": "idp",
        "claimBy": "displayName",
        "roles": dict.fromkeys(sorted(roles), ""),
        "spaces": dict(spaces),
        "reach": 3.0,
        "rules": {**OPEN, **rules},
    }
    return Resource(f"policy-{group.lower()}", "GroupPolicy", inputs)


def settings(url: str, declared: Mapping[str, str], rules: Mapping[str, str]) -> Resource:
    inputs = {"tenant": url, "tenantId": TENANT_ID, "settings": dict(declared), "retry": rules.get("retry", "")}
    return Resource("license-settings", "LicenseSettings", inputs)


def tenant_members(url: str, who: list[str], rules: Mapping[str, str]) -> Resource:
    inputs = {
        "tenant": url,
        "tenantId": TENANT_ID,
        "key": "analysts",
        "group": ANALYSTS,
        "members": {subject: f"member via analysts for {mail_of(subject)}" for subject in who},
        "rules": {**OPEN, **rules},
        "doubt": {},
        "sources": {},
    }
    return Resource("tenant-members-analysts", "TenantGroupMembers", inputs)
