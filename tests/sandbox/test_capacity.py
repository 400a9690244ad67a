"""Capacity tenants, where entitlements follow roles; and the seats a tenant gives by itself (qlik-api.md 2.2, 2.5)."""

import pytest
from serving import CLIENT, place

PATH = "/api/v1/licenses"
ROWS = f"{PATH}/assignments"
CAPACITY = {
    "allotments": {"fullUser": {"units": 2}, "basicUser": {"units": 0, "overage": -1}},
    "assignments": [],
    "spaces": [
        {"id": "space01", "name": "Finance", "type": "shared"},
        {"id": "space02", "name": "BI", "type": "managed"},
    ],
}


@pytest.fixture
def capacity(control, tenant):
    place(control, **CAPACITY)
    return tenant


def held(tenant):
    found = tenant.get(ROWS, params={"limit": 100}).json()["data"]
    return {row["subject"]: row["type"] for row in found}


def act(tenant, verb, *items):
    return tenant.post(f"{ROWS}/actions/{verb}", json={verb: list(items)}).json()["data"]


def create(tenant, subject, *roles):
    body = {"subject": subject, "name": subject, "assignedRoles": [{"name": name} for name in roles]}
    answer = tenant.post("/api/v1/users", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def grant(tenant, user_id, role):
    change = [{"op": "add", "path": "/assignedRoles/-", "value": {"name": role}}]
    assert tenant.patch(f"/api/v1/users/{user_id}", json=change).status_code == 204


def test_a_user_without_roles_is_a_basic_user(capacity):
    create(capacity, "ana")

    assert held(capacity) == {"ana": "basicUser"}


def test_a_user_with_a_role_is_a_full_user(capacity):
    create(capacity, "ana", "Steward")
    create(capacity, "bo", "EmbeddedAnalyticsUser")

    assert held(capacity) == {"ana": "fullUser", "bo": "basicUser"}


def test_a_role_granted_later_takes_a_full_seat(capacity):
    user = create(capacity, "ana")
    grant(capacity, user, "Steward")

    assert held(capacity) == {"ana": "fullUser"}
    overview = capacity.get(f"{PATH}/overview").json()["allotments"]
    assert [(found["name"], found["unitsUsed"]) for found in overview] == [("fullUser", 1), ("basicUser", 0)]


@pytest.mark.parametrize(
    ("space", "role", "kind"),
    [
        ("space01", "consumer", "fullUser"),
        ("space02", "basicconsumer", "basicUser"),
        ("space02", "publisher", "fullUser"),
    ],
)
def test_a_role_in_a_space_promotes_unless_it_is_the_restricted_view(capacity, space, role, kind):
    user = create(capacity, "ana")
    body = {"type": "user", "assigneeId": user, "roles": [role]}
    assert capacity.post(f"/api/v1/spaces/{space}/assignments", json=body).status_code == 201

    assert held(capacity) == {"ana": kind}


def test_without_a_full_seat_a_user_stays_basic_with_the_role(capacity):
    for subject in ("ana", "bo"):
        create(capacity, subject, "Steward")
    user = create(capacity, "cy")
    grant(capacity, user, "Steward")

    assert held(capacity) == {"ana": "fullUser", "bo": "fullUser", "cy": "basicUser"}
    roles = [role["name"] for role in capacity.get(f"/api/v1/users/{user}").json()["assignedRoles"]]
    assert roles == ["Steward"]
    types = capacity.get("/api/v1/audits", params={"eventType": "com.qlik.license.assignment.rejected"}).json()["data"]
    assert [event["data"]["subject"] for event in types] == ["cy"]


def test_permissions_may_not_promote(control, tenant):
    place(control, {"capacity-promotion": "none"}, **CAPACITY)
    user = create(tenant, "ana")
    grant(tenant, user, "Steward")

    assert held(tenant) == {"ana": "basicUser"}


@pytest.mark.parametrize(("position", "survives"), [("reassigned", True), ("sticks", False)])
def test_an_entitlement_deleted_comes_back_or_does_not(control, tenant, position, survives):
    place(control, {"capacity-delete": position}, **CAPACITY)
    create(tenant, "ana", "Steward")

    assert act(tenant, "delete", {"subject": "ana", "type": "fullUser"})[0]["status"] == 200
    assert held(tenant) == ({"ana": "fullUser"} if survives else {})


def test_who_is_no_user_gets_nothing_back(capacity):
    act(capacity, "add", {"subject": "ghost", "type": "fullUser"})
    act(capacity, "delete", {"subject": "ghost", "type": "fullUser"})

    assert held(capacity) == {}


def test_an_administrator_may_change_an_entitlement(capacity):
    create(capacity, "ana")
    item = {"subject": "ana", "sourceType": "basicUser", "type": "fullUser"}

    assert act(capacity, "update", item)[0]["status"] == 200
    assert held(capacity) == {"ana": "fullUser"}


@pytest.mark.parametrize(("position", "names"), [("listed", ["fullUser", "basicUser"]), ("fullUserOnly", ["fullUser"])])
def test_basic_users_stand_in_the_overview_or_not(control, tenant, position, names):
    place(control, {"capacity-allotments": position}, **CAPACITY)

    assert [found["name"] for found in tenant.get(f"{PATH}/overview").json()["allotments"]] == names


def test_elsewhere_roles_have_nothing_to_do_with_seats(tenant):
    before = held(tenant)
    create(tenant, "ana", "Steward")

    assert held(tenant) == before


@pytest.mark.parametrize(("position", "found"), [("none", []), ("autoAssigned", ["professional"])])
def test_a_bot_takes_a_seat_with_its_first_token_or_needs_none(control, tenant, position, found):
    settings = {"autoAssignProfessional": True, "autoAssignAnalyzer": True}
    place(control, {"bot-seats": position}, settings=settings)
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": "sandbox-client-secret"}
    for _ in range(2):
        assert control.post("/oauth/token", json=form).status_code == 200

    rows = tenant.get(ROWS, params={"limit": 100}).json()["data"]
    assert [row["type"] for row in rows if row["subject"] == f"qlikbot\\{CLIENT}"] == found
