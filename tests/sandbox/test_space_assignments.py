"""Who has which roles in a space, what is shared from one, and what is told of it."""

import pytest
from content import SPACES, People, events_of, put_world

SALES, MONEY, LAKE = (f"{SPACES}/{id}/assignments" for id in ("sales", "money", "lake"))
SHARES = f"{SPACES}/money/shares"

WORLD_SPACES = [
    {"id": "sales", "name": "Sales", "ownerId": "kalle"},
    {
        "id": "money",
        "name": "Money",
        "type": "managed",
        "ownerId": "kalle",
        "assignments": [
            {"id": "a1", "assignee": "Finance", "type": "group", "roles": ["publisher"]},
            {"id": "a2", "assignee": "qlik\\bo", "roles": ["consumer", "contributor"]},
            {"id": "a3", "assignee": "qlik\\kalle", "roles": ["facilitator"]},
        ],
        "shares": [{"id": "s1", "assignee": "qlik\\ana", "resourceId": "Budget"}],
    },
    {"id": "lake", "name": "Lake", "type": "data", "ownerId": "kalle"},
]
APPS = [
    {"id": "budget", "name": "Budget", "ownerId": "kalle", "spaceId": "Money"},
    {"id": "diary", "name": "Diary", "ownerId": "kalle"},
]


@pytest.fixture
def ask(control):
    put_world(control, spaces=WORLD_SPACES, apps=APPS)
    return People(control)


def give(assignee, *roles, type="user"):
    return {"type": type, "assigneeId": assignee, "roles": list(roles)}


def test_assignments_are_listed_without_the_owner(ask):
    body = ask("kalle", "GET", MONEY).json()

    assert [(a["id"], a["type"], a["assigneeId"], a["roles"]) for a in body["data"]] == [
        ("a1", "group", "finance", ["publisher"]),
        ("a2", "user", "bo", ["consumer", "contributor"]),
    ]
    assert body["meta"] == {"count": 2}
    assert set(body["links"]) == {"self"}
    assert ask("kalle", "GET", f"{MONEY}/a3").status_code == 404


def test_a_former_owner_with_an_assignment_is_listed_again(ask):
    ask("kalle", "PUT", f"{SPACES}/money", json={"ownerId": "ana"})

    assert [a["id"] for a in ask("ana", "GET", MONEY).json()["data"]] == ["a1", "a2", "a3"]
    assert ask("kalle", "GET", f"{SPACES}/money").json()["meta"]["roles"] == ["facilitator"]


def test_assignments_come_ten_at_a_time_and_are_filtered(ask, control):
    people = [{"subject": f"p{number}", "name": f"P {number}"} for number in range(12)]
    spaces = [
        {
            "id": "sales",
            "name": "Sales",
            "assignments": [{"assignee": p["subject"], "roles": ["consumer"]} for p in people],
        }
    ]
    key = {"token": "admin-key", "subject": "admin"}
    admin = {"subject": "admin", "name": "Admin", "assignedRoles": ["TenantAdmin"]}
    put_world(control, users=[admin, *people], apiKeys=[key], spaces=spaces, groups=[], assignments=[])

    body = ask("admin", "GET", SALES).json()
    more = ask("admin", "GET", body["links"]["next"]["href"]).json()

    assert (len(body["data"]), len(more["data"]), body["meta"]["count"]) == (10, 2, 12)
    one = body["data"][0]["assigneeId"]
    assert ask("admin", "GET", SALES, params={"assigneeId": one}).json()["meta"]["count"] == 1
    assert ask("admin", "GET", SALES, params={"type": "group"}).json()["meta"]["count"] == 0


def test_an_assignment_opens_the_space_to_the_assignee(ask):
    assert ask("ana", "GET", f"{SPACES}/sales").status_code == 404
    answer = ask("kalle", "POST", SALES, json=give("ana", "producer", "consumer", "producer"))

    assert answer.status_code == 201
    assignment = answer.json()
    assert list(assignment) == [
        "id", "type", "assigneeId", "roles", "spaceId", "tenantId", "createdAt", "createdBy", "updatedAt", "updatedBy",
        "links",
    ]  # fmt: skip
    assert assignment["roles"] == ["producer", "consumer"]
    assert assignment["createdBy"] == "kalle"
    assert ask("ana", "GET", f"{SPACES}/sales").json()["meta"]["actions"] == ["create", "read"]
    assert ask("kalle", "GET", f"{SALES}/{assignment['id']}").json() == assignment


def test_a_group_is_assigned_by_its_id(ask):
    assert ask("kalle", "POST", SALES, json=give("finance", "producer", type="group")).status_code == 201
    assert ask("nalle", "GET", f"{SPACES}/sales").json()["meta"]["roles"] == ["producer"]


def test_a_second_assignment_conflicts_until_the_first_is_replaced(ask):
    assert ask("kalle", "POST", MONEY, json=give("bo", "publisher")).status_code == 409

    answer = ask("kalle", "PUT", f"{MONEY}/a2", json={"roles": ["publisher"]})

    assert answer.status_code == 200
    assert answer.json()["roles"] == ["publisher"]
    assert answer.json()["updatedBy"] == "kalle"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (SALES, give("nobody", "consumer"), 404),
        (SALES, give("qlik\\ana", "consumer"), 404),
        (SALES, give("gone", "consumer"), 404),
        (SALES, give("ana", "consumer", type="group"), 404),
        (SALES, give("finance", "consumer"), 404),
        (SALES, give("ana"), 400),
        (SALES, give("ana", "publisher"), 400),
        (MONEY, give("ana", "producer"), 400),
        (LAKE, give("ana", "basicconsumer"), 400),
        (LAKE, give("ana", "operator"), 201),
        (MONEY, give("ana", "basicconsumer"), 201),
        (SALES, give("ana", "owner"), 400),
        (SALES, give("ana", "consumer", type="team"), 400),
        (SALES, {"type": "user", "roles": ["consumer"]}, 400),
        (SALES, give("kalle", "consumer"), 409),
        (f"{SPACES}/nowhere/assignments", give("ana", "consumer"), 404),
    ],
)
def test_what_can_be_assigned(ask, path, body, status):
    assert ask("admin", "POST", path, json=body).status_code == status


def test_an_owner_may_be_assigned_and_stays_unlisted_where_the_switch_says_so(ask, control):
    put_world(control, {"space-owner-assignment": "created201"}, spaces=WORLD_SPACES, apps=APPS)

    assert ask("admin", "POST", SALES, json=give("kalle", "consumer")).status_code == 201
    assert ask("admin", "GET", SALES).json()["data"] == []


def test_only_who_manages_a_space_sees_and_changes_its_assignments(ask):
    for method, path, body in (
        ("GET", MONEY, None),
        ("POST", MONEY, give("ana", "consumer")),
        ("GET", f"{MONEY}/a1", None),
        ("PUT", f"{MONEY}/a1", {"roles": ["consumer"]}),
        ("DELETE", f"{MONEY}/a1", None),
    ):
        assert ask("bo", method, path, json=body).status_code == 403
        assert ask("dora", method, path, json=body).status_code < 400
        assert ask("ana", method, path, json=body).status_code in {403, 404}


def test_a_removed_assignment_closes_the_space(ask):
    assert ask("kalle", "DELETE", f"{MONEY}/a2").status_code == 204
    assert ask("kalle", "DELETE", f"{MONEY}/a2").status_code == 404
    assert ask("bo", "GET", f"{SPACES}/money").status_code == 404


@pytest.mark.parametrize(("position", "count"), [("kept", 1), ("removed", 0)])
def test_what_becomes_of_the_assignments_of_a_deleted_user_is_a_switch(ask, control, position, count):
    spaces = [{"id": "sales", "name": "Sales", "assignments": [{"assignee": "gone", "roles": ["consumer"]}]}]
    put_world(control, {"space-assignments-of-deleted": position}, spaces=spaces)

    assert ask("admin", "GET", SALES).json()["meta"]["count"] == count


def test_a_role_makes_a_basic_user_a_full_one_on_a_capacity_tenant(ask, control):
    def types():
        rows = ask("admin", "GET", "/api/v1/licenses/assignments").json()["data"]
        return {row["subject"]: row["type"] for row in rows}

    basic = [{"subject": subject, "type": "basicUser"} for subject in ("qlik\\ana", "qlik\\bo", "qlik\\nalle")]
    allotments = {"fullUser": {"units": 5}, "basicUser": {"units": 5}}
    spaces = [{"id": "money", "name": "Money", "type": "managed"}]
    put_world(control, spaces=spaces, allotments=allotments, assignments=basic)

    ask("admin", "POST", MONEY, json=give("ana", "basicconsumer")).raise_for_status()
    assert types()["qlik\\ana"] == "basicUser"
    ask("admin", "POST", MONEY, json=give("bo", "consumer")).raise_for_status()
    ask("admin", "POST", MONEY, json=give("finance", "publisher", type="group")).raise_for_status()
    assert (types()["qlik\\bo"], types()["qlik\\nalle"]) == ("fullUser", "fullUser")


def test_every_change_of_a_space_is_told(ask, control):
    space = ask("admin", "POST", SPACES, json={"name": "New", "type": "shared"}).json()
    path = f"{SPACES}/{space['id']}"
    one = ask("admin", "POST", f"{path}/assignments", json=give("bo", "consumer")).json()
    ask("admin", "PUT", f"{path}/assignments/{one['id']}", json={"roles": ["producer"]})
    ask("admin", "PATCH", path, json=[{"op": "replace", "path": "/ownerId", "value": "ana"}])
    ask("admin", "DELETE", path)

    (created,) = events_of(control, "com.qlik.core.space.created")
    assert created["id"] == space["id"]
    (assigned,) = events_of(control, "com.qlik.core.space.assignment.created")
    assert (assigned["assigneeId"], assigned["roles"], assigned["spaceType"]) == ("bo", ["consumer"], "shared")
    (changed,) = events_of(control, "com.qlik.core.space.assignment.updated")
    assert (changed["roles"], changed["updatedBy"]) == (["producer"], "admin")
    (updated,) = events_of(control, "com.qlik.core.space.updated")
    assert (updated["ownerId"], updated["previousOwnerId"]) == ("ana", "admin")
    (removed,) = events_of(control, "com.qlik.core.space.assignment.deleted")
    assert removed["spaceDelete"] is True
    assert [event["id"] for event in events_of(control, "com.qlik.core.space.deleted")] == [space["id"]]


@pytest.mark.parametrize(("position", "core", "legacy"), [("core", 1, 0), ("legacy", 0, 1), ("both", 1, 1)])
def test_under_which_name_a_space_event_is_told_is_a_switch(ask, control, position, core, legacy):
    put_world(control, {"space-events": position})
    ask("admin", "POST", SPACES, json={"name": "New", "type": "shared"})

    assert len(events_of(control, "com.qlik.core.space.created")) == core
    assert len(events_of(control, "com.qlik.space.created")) == legacy


def test_a_refused_change_is_not_told(ask, control):
    ask("admin", "POST", MONEY, json=give("bo", "consumer"))
    ask("bo", "DELETE", f"{MONEY}/a1")

    assert events_of(control, "com.qlik.core.space.assignment.created") == []
    assert events_of(control, "com.qlik.core.space.assignment.deleted") == []


def test_shares_are_listed_and_filtered(ask):
    (share,) = ask("kalle", "GET", SHARES).json()["data"]

    assert (share["id"], share["assigneeId"], share["resourceName"]) == ("s1", "ana", "Budget")
    for query, count in (
        ({"userId": "ana"}, 1),
        ({"groupId": "ana"}, 0),
        ({"resourceId": "budget", "resourceType": "app"}, 1),
        ({"name": "budget"}, 1),
        ({"type": "link"}, 0),
    ):
        assert ask("kalle", "GET", SHARES, params=query).json()["meta"]["count"] == count


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 201),
        ({"type": "group", "assigneeId": "finance"}, 201),
        ({"type": "link", "assigneeId": ""}, 201),
        ({"assigneeId": "ana"}, 409),
        ({"assigneeId": "nobody"}, 404),
        ({"resourceId": "diary"}, 404),
        ({"resourceType": "note"}, 400),
        ({"roles": ["publisher"]}, 400),
        ({"roles": []}, 400),
    ],
    ids=str,
)
def test_what_can_be_shared(ask, changes, status):
    body = {"type": "user", "assigneeId": "bo", "resourceType": "app", "resourceId": "budget", "roles": ["consumer"]}

    assert ask("kalle", "POST", SHARES, json=body | changes).status_code == status


def test_a_share_is_patched_and_deleted(ask, control):
    ops = [
        {"op": "replace", "path": "/roles", "value": ["contributor"]},
        {"op": "replace", "path": "/disabled", "value": True},
    ]
    share = ask("kalle", "PATCH", f"{SHARES}/s1", json=ops)

    assert share.status_code == 200
    assert (share.json()["roles"], share.json()["disabled"]) == (["contributor"], True)
    assert ask("kalle", "GET", f"{SHARES}/s1").json() == share.json()
    assert ask("kalle", "DELETE", f"{SHARES}/s1").status_code == 204
    assert ask("kalle", "GET", f"{SHARES}/s1").status_code == 404
    assert len(events_of(control, "com.qlik.core.space.share.updated")) == 1
    assert len(events_of(control, "com.qlik.core.space.share.deleted")) == 1


def test_a_share_shows_one_app_and_not_its_space(ask):
    def apps(who):
        return [item["name"] for item in ask(who, "GET", "/api/v1/items").json()["data"]]

    assert (apps("ana"), apps("nalle")) == (["Budget"], ["Budget"])
    assert ask("ana", "GET", "/api/v1/apps/budget").json()["privileges"] == ["read"]
    assert ask("ana", "GET", f"{SPACES}/money").status_code == 404
    ask("kalle", "DELETE", f"{SHARES}/s1").raise_for_status()
    assert apps("ana") == []
    assert ask("ana", "GET", "/api/v1/apps/budget").status_code == 404


def test_assignments_and_shares_come_back_from_a_snapshot(ask, control):
    ask("kalle", "POST", SALES, json=give("finance", "producer", type="group")).raise_for_status()
    ask("kalle", "PUT", f"{MONEY}/a2", json={"roles": ["publisher"]}).raise_for_status()
    ask("kalle", "PATCH", f"{SHARES}/s1", json=[{"op": "replace", "path": "/disabled", "value": True}])
    snapshot = control.get("/_sandbox/world").json()
    listed = [ask("kalle", "GET", path).json()["data"] for path in (SALES, MONEY, SHARES)]
    control.put("/_sandbox/world", json=snapshot).raise_for_status()

    assert control.get("/_sandbox/world").json() == snapshot
    assert [ask("kalle", "GET", path).json()["data"] for path in (SALES, MONEY, SHARES)] == listed
