"""Groups of the tenant (qlik-api.md 4)."""

import pytest
from serving import WORLD, follow, qlik_next

GROUPS, USERS = "/api/v1/groups", "/api/v1/users"
SETTINGS = f"{GROUPS}/settings"
EVERYONE = "000000000000000000000001"
MADE = {
    "groups": [
        {"id": "a" * 24, "name": "Finance", "members": ["qlik\\kalle"], "idpId": "i" * 24},
        {"id": "b" * 24, "name": "Sales", "providerType": "custom", "members": ["qlik\\kalle"], "description": "All"},
        {"id": "c" * 24, "name": "Empty", "providerType": "custom", "assignedRoles": ["Steward"]},
    ],
}


@pytest.fixture(autouse=True)
def place(place):
    def place_made(switches=None, **changes):
        """Start from the world of the tests with these groups, and with other members of the tenant."""
        place(switches, **(MADE | changes))

    place_made()
    return place_made


def names(answer):
    return [group["name"] for group in answer.raise_for_status().json()["data"]]


def replace(path, value):
    return [{"op": "replace", "path": path, "value": value}]


def get(tenant, id):
    return tenant.get(f"{GROUPS}/{id}").raise_for_status().json()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('name eq "finance"', ["Finance"]),
        (f'id eq "{"B" * 24}" or id eq "{"c" * 24}"', ["Empty", "Sales"]),
        ("providerType eq 'custom' and status eq 'active'", ["Empty", "Sales"]),
        ('assignedRoles.name eq "Steward"', ["Empty"]),
        ('createdAt eq "2026-01-01T00:00:00.000Z"', ["Empty", "Finance", "Sales"]),
        ('name eq "com.qlik.Everyone"', []),
    ],
)
def test_groups_are_filtered(tenant, text, found):
    assert names(tenant.get(GROUPS, params={"filter": text})) == found
    assert names(tenant.post(f"{GROUPS}/actions/filter", json={"filter": text})) == found


def test_groups_are_paged_and_counted_without_those_of_the_system(tenant):
    pages = follow(tenant, f"{GROUPS}?limit=2&sort=-name", qlik_next)

    assert [[group["name"] for group in page] for page in pages] == [["Sales", "Finance"], ["Empty"]]
    assert tenant.get(GROUPS, params={"totalResults": "true"}).json()["totalResults"] == 3


def test_the_groups_of_the_system_are_asked_for_alone(tenant):
    assert names(tenant.get(GROUPS, params={"systemGroups": "true"})) == ["com.qlik.Everyone"]
    assert tenant.get(GROUPS, params={"systemGroups": "true", "limit": 5}).status_code == 400
    assert tenant.get(GROUPS, params={"systemGroups": "perhaps"}).status_code == 400
    assert names(tenant.get(GROUPS, params={"systemGroups": "false"})) == ["Empty", "Finance", "Sales"]


def test_a_group_without_a_kind_is_one_of_the_identity_provider(tenant):
    made = tenant.post(GROUPS, json={"name": "New"}).json()

    assert made["providerType"] == "idp"
    assert get(tenant, made["id"]) == made


def test_names_are_unique_by_kind_and_case(tenant):
    def create(name, kind):
        return tenant.post(GROUPS, json={"name": name, "providerType": kind}).status_code

    assert create("Finance", "idp") == 409
    assert create("finance", "idp") == 201
    assert create("Finance", "custom") == 201
    assert create("Finance", "custom") == 409


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 257},
        {"name": "x", "providerType": "system"},
        {"name": "x", "status": "disabled"},
        {"name": "x", "description": "of an idp group"},
        {"name": "x", "assignedRoles": [{"name": "Nobody"}]},
        {"name": "x", "assignedRoles": [{"name": "Steward"}] * 101},
        {"name": "x", "assignedRoles": [{}]},
        {"name": ["x"]},
        "x",
    ],
)
def test_a_group_that_cannot_be_is_refused(tenant, body):
    answer = tenant.post(GROUPS, json=body)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "GROUPS-400"
    assert len(names(tenant.get(GROUPS))) == 3


def test_a_tenant_has_ten_thousand_groups_at_most(tenant, place):
    place(groups=[{"name": f"Group {number}"} for number in range(9_999)])

    assert tenant.post(GROUPS, json={"name": "The last one"}).status_code == 201
    assert tenant.post(GROUPS, json={"name": "One more"}).status_code == 400


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_custom_group_is_changed_with_and_without_a_slash(tenant, slash):
    operations = [
        *replace(f"{slash}name", "Buyers"),
        *replace(f"{slash}description", "Some"),
        *replace(f"{slash}assignedRoles", [{"name": "Steward"}, {"name": "DataAdmin"}]),
    ]

    assert tenant.patch(f"{GROUPS}/{'b' * 24}", json=operations).status_code == 204

    group = get(tenant, "b" * 24)
    assert (group["name"], group["description"]) == ("Buyers", "Some")
    assert [role["name"] for role in group["assignedRoles"]] == ["Steward", "DataAdmin"]


def test_roles_of_a_group_of_the_identity_provider_and_of_everyone_are_replaced(tenant):
    for id in ("a" * 24, EVERYONE):
        role = {"id": get(tenant, "c" * 24)["assignedRoles"][0]["id"]}
        assert tenant.patch(f"{GROUPS}/{id}", json=replace("/assignedRoles", [role])).status_code == 204
        assert [role["name"] for role in get(tenant, id)["assignedRoles"]] == ["Steward"]


@pytest.mark.parametrize(
    ("id", "operations"),
    [
        ("a" * 24, replace("/name", "Other")),
        ("a" * 24, replace("/description", "Other")),
        (EVERYONE, replace("/name", "Other")),
        ("b" * 24, [{"op": "add", "path": "/assignedRoles/-", "value": {"name": "Steward"}}]),
        ("b" * 24, [{"op": "remove-value", "path": "/assignedRoles", "value": {"name": "Steward"}}]),
        ("b" * 24, replace("/assignedRoles/-", {"name": "Steward"})),
        ("b" * 24, replace("/assignedRoles", [{"name": "steward"}])),
        ("b" * 24, replace("/assignedRoles", [{"name": "Steward"}] * 101)),
        ("b" * 24, replace("/assignedRoles", {"name": "Steward"})),
        ("b" * 24, replace("/name", "Empty")),
        ("b" * 24, replace("/name", "")),
        ("b" * 24, replace("/status", "disabled")),
        ("b" * 24, replace("/providerType", "idp")),
        ("b" * 24, [{"op": "replace", "path": "/name"}]),
        ("b" * 24, {}),
    ],
)
def test_a_change_that_is_not_allowed_changes_nothing(tenant, id, operations):
    before = get(tenant, id)
    first = replace("/assignedRoles", [{"name": "DataAdmin"}])

    body = [*first, *operations] if isinstance(operations, list) else operations

    assert tenant.patch(f"{GROUPS}/{id}", json=body).status_code == 400
    assert get(tenant, id) == before


def test_a_group_of_the_identity_provider_is_deleted_with_its_members(tenant):
    assert tenant.delete(f"{GROUPS}/{'a' * 24}").status_code == 204
    assert tenant.get(f"{GROUPS}/{'a' * 24}").status_code == 404
    kalle = tenant.get(USERS, params={"filter": 'name eq "Kalle"'}).json()["data"][0]
    assert [group["name"] for group in kalle["assignedGroups"]] == ["Sales"]


def test_a_custom_group_is_deleted_only_while_nobody_is_in_it(tenant):
    assert tenant.delete(f"{GROUPS}/{'b' * 24}").status_code == 400
    assert tenant.delete(f"{GROUPS}/{'c' * 24}").status_code == 204
    assert tenant.delete(f"{GROUPS}/{'c' * 24}").status_code == 404
    assert tenant.delete(f"{GROUPS}/{EVERYONE}").status_code == 400


def test_the_refusal_to_delete_a_group_in_use_is_a_switch(tenant, place):
    place({"delete-group-in-use": "conflict409"})

    assert tenant.delete(f"{GROUPS}/{'b' * 24}").status_code == 409


def test_a_deleted_user_is_in_no_group_any_more(tenant):
    kalle = tenant.get(USERS, params={"filter": 'name eq "Kalle"'}).json()["data"][0]
    tenant.delete(f"{USERS}/{kalle['id']}")

    assert tenant.delete(f"{GROUPS}/{'b' * 24}").status_code == 204


def test_the_settings_tell_what_becomes_of_groups_and_the_roles_of_everyone(tenant):
    operations = [
        *replace("/autoCreateGroups", value=True),
        *replace(f"/systemGroups/{EVERYONE}/assignedRoles", [{"name": "Steward"}]),
    ]

    assert tenant.patch(SETTINGS, json=operations).status_code == 204

    body = tenant.get(SETTINGS).json()
    everyone = body["systemGroups"][EVERYONE]
    assert list(body) == ["tenantId", "autoCreateGroups", "syncIdpGroups", "systemGroups", "links"]
    assert (body["autoCreateGroups"], body["syncIdpGroups"]) == (True, False)
    assert list(everyone) == ["id", "name", "enabled", "createdAt", "lastUpdatedAt", "assignedRoles"]
    assert [role["name"] for role in everyone["assignedRoles"]] == ["Steward"]


@pytest.mark.parametrize(
    "operations",
    [
        replace("/autoCreateGroups", "true"),
        replace("/tenantId", "another"),
        replace(f"/systemGroups/{'a' * 24}/assignedRoles", []),
        replace(f"/systemGroups/{EVERYONE}/name", "Other"),
        [{"op": "add", "path": "/autoCreateGroups", "value": True}],
    ],
)
def test_a_setting_that_is_none_is_refused(tenant, operations):
    before = tenant.get(SETTINGS).json()

    assert tenant.patch(SETTINGS, json=[*replace("/autoCreateGroups", value=True), *operations]).status_code == 400
    assert tenant.get(SETTINGS).json() == before


def test_what_happens_to_a_group_is_told_under_both_names(tenant):
    id = tenant.post(GROUPS, json={"name": "New", "providerType": "custom"}).json()["id"]
    tenant.patch(f"{GROUPS}/{id}", json=replace("/name", "Newer"))
    tenant.patch(f"{GROUPS}/{id}", json=replace("/name", "Newer"))
    tenant.delete(f"{GROUPS}/{id}")
    tenant.patch(SETTINGS, json=replace("/autoCreateGroups", value=True))

    events = tenant.get("/api/v1/audits?limit=100").json()["data"][::-1]
    told = ["group.created", "group.updated", "group.deleted", "group-setting.updated"]
    assert [event["eventType"] for event in events] == [
        f"com.qlik.{name}" for what in told for name in (f"core.{what}", f"v1.{what}")
    ]
    assert events[2]["data"]["_updates"] == [{"path": "/name", "newValue": "Newer", "oldValue": "New"}]


def test_what_was_done_to_groups_survives_a_snapshot(tenant, control):
    tenant.patch(f"{GROUPS}/{EVERYONE}", json=replace("/assignedRoles", [{"name": "Steward"}]))
    tenant.patch(f"{GROUPS}/{'b' * 24}", json=replace("/name", "Buyers"))
    tenant.patch(SETTINGS, json=replace("/autoCreateGroups", value=True))
    tenant.post(GROUPS, json={"name": "New"})
    before = control.get("/_sandbox/world").json()
    shown = [tenant.get(GROUPS).json()["data"], tenant.get(SETTINGS).json(), get(tenant, EVERYONE)]

    control.put("/_sandbox/world", json=before).raise_for_status()

    assert control.get("/_sandbox/world").json() == before
    assert [tenant.get(GROUPS).json()["data"], tenant.get(SETTINGS).json(), get(tenant, EVERYONE)] == shown


def test_groups_of_a_world_that_do_not_hold_together_are_refused(control):
    groups = [
        {"name": "A", "members": ["nobody"], "assignedRoles": ["Nobody"]},
        {"name": "A"},
        {"name": "B", "providerType": "system"},
        {"name": "C", "members": ["user1234", "USER1234"]},
    ]
    answer = control.put("/_sandbox/world", json=WORLD | {"tenant": WORLD["tenant"] | {"groups": groups}})

    assert answer.status_code == 400
    faults = "\n".join(answer.json()["faults"])
    for fault in ("the role Nobody", "the member nobody", "idp A occurs 2 times", "the system group is", "user1234"):
        assert fault in faults
