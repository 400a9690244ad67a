"""Spaces: who sees them, who may do what in them, and what a name may be."""

import base64

import pytest
from content import SPACES, People, make_world, put_world
from serving import follow, qlik_next

WORLD_SPACES = [
    {"id": "sales", "name": "Sales", "type": "shared", "ownerId": "qlik\\kalle"},
    {
        "id": "money",
        "name": "Money",
        "type": "managed",
        "ownerId": "kalle",
        "assignments": [
            {"assignee": "Finance", "type": "group", "roles": ["publisher"]},
            {"assignee": "qlik\\bo", "roles": ["consumer"]},
        ],
    },
    {"id": "lake", "name": "Lake", "type": "data", "assignments": [{"assignee": "bo", "roles": ["facilitator"]}]},
]


@pytest.fixture
def ask(control):
    put_world(control, spaces=WORLD_SPACES)
    return People(control)


def ids(answer):
    return [space["id"] for space in answer.raise_for_status().json()["data"]]


def test_an_administrator_sees_every_space_and_others_their_own(ask):
    assert ids(ask("admin", "GET", SPACES)) == ["lake", "money", "sales"]
    assert ids(ask("dora", "GET", SPACES)) == ["lake", "money", "sales"]
    assert ids(ask("kalle", "GET", SPACES)) == ["money", "sales"]
    assert ids(ask("bo", "GET", SPACES)) == ["lake", "money"]
    assert ids(ask("ana", "GET", SPACES)) == []


def test_a_role_of_a_group_opens_a_space_to_its_members(ask):
    assert ids(ask("nalle", "GET", SPACES)) == ["money"]
    assert ask("nalle", "GET", f"{SPACES}/money").json()["meta"] == {
        "actions": ["publish", "read"],
        "roles": ["publisher"],
        "assignableRoles": [],
    }


def test_a_role_of_everyone_opens_a_space_to_everyone(ask, control):
    everyone = {"assignee": "com.qlik.Everyone", "type": "group", "roles": ["consumer"]}
    put_world(control, spaces=[{"id": "hall", "name": "Hall", "assignments": [everyone]}])

    assert ids(ask("ana", "GET", SPACES)) == ["hall"]


def test_a_space_one_cannot_see_is_not_found(ask):
    answer = ask("ana", "GET", f"{SPACES}/sales")

    assert answer.status_code == 404
    body = answer.json()
    assert body["errors"][0]["title"] == body["title"] == "Space not found or access denied"
    assert set(body) == {"errors", "code", "title", "traceId"}


def test_an_owner_has_every_role_of_the_type(ask):
    space = ask("kalle", "GET", f"{SPACES}/sales").json()

    assert space["meta"]["roles"] == ["codeveloper", "consumer", "dataconsumer", "facilitator", "producer"]
    assert space["meta"]["assignableRoles"] == space["meta"]["roles"]
    assert space["meta"]["actions"] == ["change_owner", "create", "delete", "read", "update"]
    assert "publish" in ask("kalle", "GET", f"{SPACES}/money").json()["meta"]["actions"]


def test_an_administrator_without_a_role_manages_but_creates_nothing_in_it(ask):
    meta = ask("admin", "GET", f"{SPACES}/lake").json()["meta"]

    assert meta["roles"] == []
    assert meta["actions"] == ["change_owner", "delete", "read", "update"]
    assert "operator" in meta["assignableRoles"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"ownerId": "kalle"}, ["money", "sales"]),
        ({"type": "managed,data"}, ["lake", "money"]),
        ({"name": "ALE"}, ["sales"]),
        ({"sort": "-name"}, ["sales", "money", "lake"]),
        ({"sort": " type", "limit": 1}, ["lake"]),
        ({"environmentId": "x"}, []),
        ({"environmentId": ""}, ["lake", "money", "sales"]),
        ({"roles": "facilitator"}, []),
    ],
    ids=str,
)
def test_spaces_are_found_by_what_is_asked(ask, query, expected):
    answer = ask("admin", "GET", SPACES, params=query)

    assert ids(answer) == expected


def test_the_filter_of_roles_is_about_the_callers(ask):
    assert ids(ask("bo", "GET", SPACES, params={"roles": "facilitator,operator"})) == ["lake"]
    assert ids(ask("kalle", "GET", SPACES, params={"roles": "publisher"})) == ["money"]
    assert ids(ask("nalle", "GET", SPACES, params={"action": "publish"})) == ["money"]
    assert ids(ask("bo", "GET", SPACES, params={"action": "publish"})) == []
    assert ask("bo", "GET", SPACES, params={"action": "read"}).status_code == 400


def test_the_personal_space_is_told_to_those_who_may_create_there(ask):
    assert ask("ana", "GET", SPACES).json()["meta"] == {
        "count": 0,
        "personalSpace": {"actions": ["create", "read"], "resourceType": "personalspace"},
    }
    assert ask("bo", "GET", SPACES).json()["meta"] == {"count": 2}


def test_the_greatest_limit_is_a_switch(ask, control):
    assert ask("admin", "GET", SPACES, params={"limit": 101}).status_code == 400
    put_world(control, {"spaces-max-limit": "1000"}, spaces=WORLD_SPACES)
    assert ask("admin", "GET", SPACES, params={"limit": 1000}).status_code == 200
    assert ask("admin", "GET", SPACES, params={"limit": "9" * 5000}).status_code == 400


def test_pages_lead_forth_and_back(ask, control):
    put_world(control, spaces=[{"name": f"Space {number:03}"} for number in range(25)])
    control.headers["Authorization"] = "Bearer admin-key"
    pages = follow(control, f"{SPACES}?sort=-name", qlik_next)
    del control.headers["Authorization"]

    assert [len(page) for page in pages] == [10, 10, 5]
    names = [space["name"] for page in pages for space in page]
    assert names == sorted(names, reverse=True)


@pytest.mark.parametrize("values", ["[[],1]", "[1,{}]", f"[{2**63},1]", "[1]", "{}", '["\\ud800",1]'])
def test_a_cursor_of_somebody_elses_making_is_refused(ask, values):
    cursor = base64.urlsafe_b64encode(f"next:{values}".encode()).decode()

    assert ask("admin", "GET", SPACES, params={"next": cursor}).status_code == 400


def test_who_creates_a_space_owns_it(ask):
    answer = ask("kalle", "POST", SPACES, json={"name": "New", "type": "shared", "description": "d"})

    assert answer.status_code == 201
    space = answer.json()
    assert list(space) == [
        "id", "name", "type", "ownerId", "tenantId", "description", "createdAt", "createdBy", "updatedAt", "links",
        "meta",
    ]  # fmt: skip
    assert (space["ownerId"], space["createdBy"], space["description"]) == ("kalle", "kalle", "d")
    assert space["links"]["assignments"]["href"].endswith(f"{space['id']}/assignments")
    assert ask("kalle", "GET", f"{SPACES}/{space['id']}").json() == space


def test_a_space_is_created_with_the_role_for_its_type_only(ask):
    assert ask("kalle", "POST", SPACES, json={"name": "M", "type": "managed"}).status_code == 403
    assert ask("bo", "POST", SPACES, json={"name": "M", "type": "shared"}).status_code == 403
    assert ask("admin", "POST", SPACES, json={"name": "M", "type": "data"}).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {"type": "shared"},
        {"name": "", "type": "shared"},
        {"name": "x" * 257, "type": "shared"},
        {"name": "x", "type": "personal"},
        {"name": 1, "type": "shared"},
        *({"name": f"a{mark}b", "type": "shared"} for mark in '"*?<>/|\\:'),
        [],
        None,
    ],
    ids=str,
)
def test_a_space_that_cannot_be_is_refused(ask, body):
    assert ask("admin", "POST", SPACES, json=body).status_code == 400


def test_a_name_is_given_once(ask, control):
    assert ask("admin", "POST", SPACES, json={"name": "Sales", "type": "managed"}).status_code == 409
    assert ask("admin", "POST", SPACES, json={"name": "SALES", "type": "managed"}).status_code == 201
    rename = [{"op": "replace", "path": "/name", "value": "Lake"}]
    assert ask("admin", "PATCH", f"{SPACES}/sales", json=rename).status_code == 409
    put_world(control, {"space-name-case": "ignored"}, spaces=WORLD_SPACES)
    assert ask("admin", "POST", SPACES, json={"name": "SALES", "type": "managed"}).status_code == 409


def test_a_patch_answers_200_with_the_space(ask, control):
    ops = [
        {"op": "replace", "path": "/name", "value": "Selling"},
        {"op": "replace", "path": "/description", "value": "what we sell"},
        {"op": "replace", "path": "/ownerId", "value": "bo"},
    ]

    control.post("/_sandbox/clock", json={"advance": 60})
    answer = ask("kalle", "PATCH", f"{SPACES}/sales", json=ops)

    assert answer.status_code == 200
    space = answer.json()
    assert (space["name"], space["description"], space["ownerId"]) == ("Selling", "what we sell", "bo")
    assert space["updatedAt"] > space["createdAt"]
    assert space["meta"]["actions"] == []
    assert ask("kalle", "GET", f"{SPACES}/sales").status_code == 404


@pytest.mark.parametrize(
    "ops",
    [
        {},
        [{"op": "add", "path": "/name", "value": "x"}],
        [{"op": "replace", "path": "/type", "value": "managed"}],
        [{"op": "replace", "path": "/name", "value": "a/b"}],
        [{"op": "replace", "path": "/name"}],
    ],
    ids=str,
)
def test_a_patch_beyond_the_published_ops_is_refused(ask, ops):
    assert ask("admin", "PATCH", f"{SPACES}/sales", json=ops).status_code == 400


def test_a_put_keeps_what_it_leaves_out(ask):
    space = ask("kalle", "PUT", f"{SPACES}/sales", json={"description": "new"}).json()

    assert (space["name"], space["description"], space["ownerId"]) == ("Sales", "new", "kalle")


def test_only_who_manages_a_space_changes_it_and_only_its_owner_gives_it_away(ask):
    give = [{"op": "replace", "path": "/ownerId", "value": "ana"}]

    assert ask("bo", "PATCH", f"{SPACES}/money", json=give).status_code == 403
    assert ask("bo", "PUT", f"{SPACES}/lake", json={"name": "Pond"}).status_code == 200
    assert ask("bo", "PATCH", f"{SPACES}/lake", json=give).status_code == 403
    assert ask("ana", "PATCH", f"{SPACES}/lake", json=give).status_code == 404


@pytest.mark.parametrize(("position", "status"), [("notFound404", 404), ("badRequest400", 400)])
def test_a_space_is_given_to_a_user_of_the_tenant(ask, control, position, status):
    put_world(control, {"transfer-unknown-owner": position}, spaces=WORLD_SPACES)
    for unknown in ("nobody", "qlik\\bo", "gone"):
        assert ask("admin", "PUT", f"{SPACES}/sales", json={"ownerId": unknown}).status_code == status


@pytest.mark.parametrize(
    ("switch", "position", "owner", "status"),
    [
        ("transfer-inactive-owner", "accepted", "ill", 200),
        ("transfer-inactive-owner", "refused400", "ill", 400),
        ("transfer-without-entitlement", "accepted", "ana", 200),
        ("transfer-without-entitlement", "refused403", "ana", 403),
        ("transfer-without-role", "accepted", "bo", 200),
        ("transfer-without-role", "refused403", "bo", 403),
        ("transfer-without-role", "refused403", "admin", 200),
    ],
)
def test_what_a_new_owner_must_have_is_a_switch(ask, control, switch, position, owner, status):
    put_world(control, {switch: position}, spaces=WORLD_SPACES)

    assert ask("kalle", "PUT", f"{SPACES}/sales", json={"ownerId": owner}).status_code == status


def test_a_space_that_holds_something_is_not_deleted(ask, control):
    put_world(control, spaces=WORLD_SPACES, apps=[{"name": "Budget", "spaceId": "Sales", "ownerId": "kalle"}])

    assert ask("kalle", "DELETE", f"{SPACES}/sales").status_code == 412
    assert ask("kalle", "DELETE", f"{SPACES}/money").status_code == 204
    assert ask("kalle", "GET", f"{SPACES}/money").status_code == 404
    assert ask("bo", "DELETE", f"{SPACES}/sales").status_code == 404


def test_the_types_of_spaces_are_listed(ask):
    assert ask("ana", "GET", f"{SPACES}/types").json() == {"data": ["shared", "managed", "data"]}


def test_a_space_comes_back_from_its_snapshot_as_it_was(ask, control):
    ask("kalle", "PUT", f"{SPACES}/sales", json={"name": "Selling", "ownerId": "bo"})
    snapshot = control.get("/_sandbox/world").json()
    answer = control.put("/_sandbox/world", json=snapshot)
    assert answer.is_success, answer.text

    assert control.get("/_sandbox/world").json() == snapshot
    assert ask("bo", "GET", f"{SPACES}/sales").json()["createdBy"] == "kalle"


@pytest.mark.parametrize(
    ("spaces", "fault"),
    [
        ([{"name": "A", "ownerId": "nobody"}], "tenant.spaces: A has the owner nobody, who is no user of this tenant"),
        ([{"name": "A"}, {"name": "A", "id": "b"}], "tenant.spaces: A occurs 2 times"),
        (
            [{"name": "A", "assignments": [{"assignee": "HR", "type": "group", "roles": ["consumer"]}]}],
            "tenant.spaces: A names HR, who is no group of this tenant",
        ),
        (
            [{"name": "A", "assignments": [{"assignee": a, "roles": ["consumer"]} for a in ("bo", "qlik\\bo")]}],
            "tenant.spaces: A: the assignee: bo occurs 2 times",
        ),
        ([{"name": "A", "shares": [{"assignee": "bo", "resourceId": "x"}]}], "tenant.spaces: A shares x"),
        (
            [{"name": "A", "assignments": [{"assignee": "bo", "roles": ["publisher"]}]}],
            "publisher is no role of a shared space",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_world_whose_spaces_do_not_hold_together_is_refused(control, spaces, fault):
    answer = control.put("/_sandbox/world", json=make_world(spaces=spaces))

    assert answer.status_code == 400
    assert fault in answer.text
