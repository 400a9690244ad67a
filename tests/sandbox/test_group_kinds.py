import pytest
from azuread_world import ANA, BO, CONTACT, DEVICE, PRINCIPAL, UNIT

ON_REQUEST = "allowExternalSenders,autoSubscribeNewMembers,hideFromAddressLists,hideFromOutlookClients"


def new_group(graph, path="/beta/groups", **fields):
    body = {
        "displayName": "qlik-pro",
        "groupTypes": [],
        "mailEnabled": False,
        "mailNickname": "qlik-pro",
        "membershipRule": None,
        "securityEnabled": True,
    }
    return graph.post(path, json=body | fields)


def new_team(graph, **fields):
    return new_group(graph, **{"groupTypes": ["Unified"], "mailEnabled": True, "mailNickname": "team"} | fields)


def add(graph, group, id_, relation="members"):
    body = {"@odata.id": f"{graph.base_url}/beta/directoryObjects/{id_}"}
    return graph.post(f"/beta/groups/{group}/{relation}/$ref", json=body)


def types(graph, path):
    found = graph.get(path).raise_for_status().json()["value"]
    return {item["id"]: item["@odata.type"].removeprefix("#microsoft.graph.") for item in found}


def test_a_security_group_holds_users_groups_devices_contacts_and_service_principals(azuread):
    group, nested = new_group(azuread).json()["id"], new_group(azuread, mailNickname="nested").json()["id"]
    kinds = {
        ANA: "user",
        nested: "group",
        DEVICE: "device",
        CONTACT: "orgContact",
        PRINCIPAL: "servicePrincipal",
    }

    assert [add(azuread, group, id_).status_code for id_ in kinds] == [204] * 5
    assert types(azuread, f"/beta/groups/{group}/members") == kinds
    assert add(azuread, group, UNIT).status_code == 400


def test_only_users_and_service_principals_own_a_group(azuread):
    group = new_group(azuread).json()["id"]
    statuses = [add(azuread, group, id_, "owners").status_code for id_ in (ANA, PRINCIPAL, DEVICE, CONTACT)]

    assert statuses == [204, 204, 400, 400]


def test_any_object_is_found_with_its_type(azuread):
    found = {id_: azuread.get(f"/v1.0/directoryObjects/{id_}").json() for id_ in (DEVICE, CONTACT, UNIT, PRINCIPAL)}

    assert [item["@odata.type"].rpartition(".")[2] for item in found.values()] == [
        "device", "orgContact", "administrativeUnit", "servicePrincipal",
    ]  # fmt: skip


def test_a_microsoft_365_group_has_an_address_and_holds_users_only(azuread):
    team = new_team(azuread, visibility="Private").json()

    assert team["mail"] == "team@contoso.test"
    assert team["proxyAddresses"] == ["SMTP:team@contoso.test"]
    assert team["visibility"] == "Private"
    assert add(azuread, team["id"], ANA).status_code == 204
    assert add(azuread, team["id"], DEVICE).status_code == 400
    assert new_team(azuread).status_code == 400  # the nickname is taken


def test_what_a_microsoft_365_group_does_with_mail_is_shown_where_it_is_selected(azuread):
    path = f"/beta/groups/{new_team(azuread).json()['id']}"
    azuread.patch(path, json={"allowExternalSenders": True}).raise_for_status()

    assert azuread.get(path, params={"$select": ON_REQUEST}).json() == {
        "@odata.context": f"{azuread.base_url}/beta/$metadata#groups/$entity",
        "allowExternalSenders": True,
        "autoSubscribeNewMembers": False,
        "hideFromAddressLists": False,
        "hideFromOutlookClients": False,
    }
    assert not set(ON_REQUEST.split(",")) & set(azuread.get(path).json())


@pytest.mark.parametrize(
    "fields",
    [
        {"mailEnabled": True},
        {"groupTypes": ["Teapot"]},
        {"groupTypes": ["Unified"]},
        {"groupTypes": ["DynamicMembership"]},
        {"mailNickname": "with space"},
        {"mailNickname": ""},
        {"displayName": "x" * 257},
        {"isAssignableToRole": True, "securityEnabled": False, "groupTypes": ["Unified"], "mailEnabled": True},
        {"securityEnabled": "yes"},
        {"owners@odata.bind": "x"},
    ],
)
def test_a_group_that_cannot_be_is_refused(azuread, fields):
    assert new_group(azuread, **fields).status_code == 400


def test_a_group_for_directory_roles_stays_one_and_holds_no_groups(azuread):
    group = new_group(azuread, isAssignableToRole=True).json()["id"]

    assert azuread.patch(f"/beta/groups/{group}", json={"isAssignableToRole": False}).status_code == 400
    assert add(azuread, group, new_group(azuread, mailNickname="n").json()["id"]).status_code == 400
    assert add(azuread, group, ANA).status_code == 204


def test_only_a_microsoft_365_group_can_be_found_among_the_deleted(azuread):
    for made in (new_group(azuread), new_team(azuread)):
        azuread.delete(f"/beta/groups/{made.json()['id']}").raise_for_status()
    deleted = azuread.get("/v1.0/directory/deletedItems/microsoft.graph.group").json()["value"]

    assert [group["mailNickname"] for group in deleted] == ["team"]


def test_a_group_made_in_a_unit_is_in_it(azuread):
    members = f"/beta/directory/administrativeUnits/{UNIT}/members"
    made = new_group(azuread, members)
    group = made.json()["id"]

    assert made.status_code == 201
    assert made.json()["@odata.type"] == "#microsoft.graph.group"
    assert types(azuread, members) == {group: "group"}
    assert types(azuread, f"/beta/groups/{group}/memberOf") == {UNIT: "administrativeUnit"}
    assert azuread.delete(f"{members}/{group}/$ref").status_code == 204
    assert azuread.delete(f"{members}/{group}/$ref").status_code == 404
    assert types(azuread, f"/beta/groups/{group}/memberOf") == {}


def test_a_unit_holds_users_and_devices_and_no_contacts(azuread):
    path = f"/beta/directory/administrativeUnits/{UNIT}/members/$ref"
    statuses = [
        azuread.post(path, json={"@odata.id": f"{azuread.base_url}/beta/directoryObjects/{id_}"}).status_code
        for id_ in (BO, DEVICE, CONTACT)
    ]

    assert statuses == [204, 204, 400]
    units = azuread.get("/beta/directory/administrativeUnits").json()["value"]
    assert [unit["displayName"] for unit in units] == ["Lisbon"]


def test_groups_and_units_survive_a_snapshot(azuread):
    team = new_team(azuread, theme="Teal").json()["id"]
    azuread.patch(f"/beta/groups/{team}", json={"hideFromAddressLists": True, "description": "d"}).raise_for_status()
    group = new_group(azuread, f"/beta/directory/administrativeUnits/{UNIT}/members").json()["id"]
    azuread.patch(
        f"/beta/groups/{group}",
        json={"writebackConfiguration": {"isEnabled": False, "onPremisesGroupType": None}, "description": None},
    ).raise_for_status()
    for id_ in (DEVICE, CONTACT, PRINCIPAL):
        add(azuread, group, id_).raise_for_status()
    before = azuread.get("/_sandbox/world").json()
    azuread.put("/_sandbox/world", json=before).raise_for_status()

    assert azuread.get("/_sandbox/world").json() == before
    assert before["directory"]["administrativeUnits"][0]["members"] == [group]
