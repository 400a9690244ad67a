"""A world with spaces, and with content that people own."""

import copy

from serving import WORLD

SPACES = "/api/v1/spaces"

PEOPLE = {
    "auth0|admin": ("Admin", ["TenantAdmin"]),
    "qlik\\kalle": ("Kalle", ["SharedSpaceCreator"]),
    "qlik\\nalle": ("Nalle", []),
    "qlik\\ana": ("Ana", ["PrivateAnalyticsContentCreator"]),
    "qlik\\bo": ("Bo", []),
    "qlik\\dora": ("Dora", ["AnalyticsAdmin"]),
}


def key_of(name):
    """Return the API key of a person."""
    return f"{name}-key"


def make_world(**tenant):
    """Return the small world with people who have API keys, a group, and these parts of the tenant."""
    world = copy.deepcopy(WORLD)
    world["tenant"] |= {
        "apiKeys": [{"token": "sandbox-api-key", "subject": "auth0|admin"}]
        + [{"token": key_of(name.lower()), "subject": subject} for subject, (name, _) in PEOPLE.items()],
        "users": [
            {"id": name.lower(), "subject": subject, "name": name, "assignedRoles": roles}
            for subject, (name, roles) in PEOPLE.items()
        ]
        + [
            {"id": "gone", "subject": "qlik\\gone", "name": "Gone", "status": "deleted"},
            {"id": "ill", "subject": "qlik\\ill", "name": "Ill", "status": "disabled"},
        ],
        "groups": [{"id": "finance", "name": "Finance", "members": ["qlik\\nalle"]}],
        "assignments": [{"subject": "qlik\\kalle", "type": "professional"}],
        **tenant,
    }
    return world


def put_world(control, switches=None, **tenant):
    """Start again from a world with these parts of the tenant."""
    world = make_world(**tenant) | {"switches": switches or {}}
    control.put("/_sandbox/world", json=world).raise_for_status()


class People:
    """The tenant, called by whom a test names."""

    def __init__(self, client):
        self._client = client

    def __call__(self, name, method, path, **arguments):
        """Return what somebody is answered."""
        headers = {"Authorization": f"Bearer {key_of(name)}"}
        return self._client.request(method, path, headers=headers, **arguments)


def events_of(control, kind):
    """Return the data of the events of one type, oldest first, as the audits tell them."""
    headers = {"Authorization": "Bearer sandbox-api-key"}
    query = {"eventType": kind, "sort": "eventTime", "limit": 100}
    answer = control.get("/api/v1/audits", params=query, headers=headers)
    return [event["data"] for event in answer.raise_for_status().json()["data"]]


SALES = {"id": "sales", "name": "Sales", "ownerId": "dora", "assignments": [{"assignee": "bo", "roles": ["consumer"]}]}
MONEY = {"id": "money", "name": "Money", "type": "managed", "ownerId": "dora"}

# What Kalle owns, in spaces and in the personal one, and a little of Ana's.
OWNED = {
    "spaces": [SALES, MONEY],
    "apps": [
        {"id": "0a000000-0000-4000-8000-000000000001", "name": "Budget", "ownerId": "qlik\\kalle", "spaceId": "Sales"},
        {"id": "0a000000-0000-4000-8000-000000000002", "name": "Costs", "ownerId": "kalle", "spaceId": "money"},
        {"id": "0a000000-0000-4000-8000-000000000003", "name": "Diary", "ownerId": "kalle", "description": "budget"},
        {"id": "0a000000-0000-4000-8000-000000000004", "name": "Essay", "ownerId": "ana"},
    ],
    "appObjects": [{"id": "sheet", "name": "My sheet", "ownerId": "bo", "appId": "Budget"}],
    "dataConnections": [
        {"id": "c1", "name": "Books", "ownerId": "kalle", "spaceId": "sales", "credentials": "secret-1"},
        {"id": "c2", "name": "Attic", "ownerId": "kalle", "credentials": "secret-2"},
        {"id": "c3", "name": "Cellar", "ownerId": "ana"},
    ],
    "dataFiles": [
        {"id": "f1", "name": "rows.csv", "ownerId": "kalle", "size": 10},
        {"id": "f2", "name": "old", "ownerId": "kalle", "folder": True},
        {"id": "f3", "name": "inner.csv", "ownerId": "kalle", "folderId": "f2"},
        {"id": "f4", "name": "busy.csv", "ownerId": "kalle", "locked": True},
        {"id": "f5", "name": "team.csv", "ownerId": "kalle", "spaceId": "sales"},
        {"id": "f6", "name": "rows.csv", "ownerId": "ana"},
    ],
    "automations": [
        {
            "id": "w1",
            "name": "Nightly",
            "ownerId": "kalle",
            "runMode": "scheduled",
            "lastRunStatus": "finished",
            "runs": [{"id": "r1", "status": "finished"}],
            "connections": ["k1"],
        },
        {"id": "w2", "name": "Weekly", "ownerId": "ana"},
    ],
    "automationConnections": [{"id": "k1", "name": "Mail", "ownerId": "kalle"}],
    "sharingTasks": [{"id": "t1", "name": "Report", "ownerId": "kalle", "appId": "Budget", "recipients": ["bo"]}],
    "dataAlerts": [{"id": "d1", "name": "Low", "ownerId": "kalle", "appId": "Budget", "recipients": ["bo"]}],
    "reloadTasks": [
        {"id": "e1", "name": "Morning", "ownerId": "kalle", "appId": "Budget"},
        {"id": "e2", "name": "Evening", "ownerId": "gone", "appId": "Costs"},
        {"id": "e3", "name": "Noon", "ownerId": "ill", "appId": "Costs", "partial": True},
        {"id": "e4", "name": "Night", "ownerId": "ana", "appId": "Essay", "disabledCode": "CONSECUTIVE-FAILURES"},
    ],
    "glossaries": [{"id": "g1", "name": "Words", "ownerId": "kalle", "spaceId": "sales"}],
    "items": [{"id": "i1", "name": "Table", "ownerId": "kalle", "resourceType": "dataset", "resourceSubType": "qvd"}],
}
