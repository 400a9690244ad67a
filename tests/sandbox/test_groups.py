import pytest
from serving import NESTED, READERS, SERVICE_PRINCIPAL, person

ALREADY = "One or more added object references already exist"


def new_group(graph, **fields):
    body = {
        "@odata.type": "#microsoft.graph.group",
        "description": None,
        "displayName": "qlik-pro",
        "groupTypes": [],
        "isAssignableToRole": False,
        "mailEnabled": False,
        "mailNickname": "833d8c31-c",
        "membershipRule": None,
        "owners@odata.bind": [f"{graph.base_url}/beta/directoryObjects/{SERVICE_PRINCIPAL}"],
        "resourceBehaviorOptions": [],
        "resourceProvisioningOptions": [],
        "securityEnabled": True,
    }
    return graph.post("/beta/groups", json=body | fields)


def reference(graph, id_):
    return f"{graph.base_url}/v1.0/directoryObjects/{id_}"


def bind(graph, *ids, group=NESTED):
    body = {"members@odata.bind": [reference(graph, id_) for id_ in ids]}
    return graph.patch(f"/v1.0/groups/{group}", json=body)


def members(graph, group=NESTED):
    answer = graph.get(f"/v1.0/groups/{group}/members", params={"$select": "id", "$top": "999"})
    return {member["id"] for member in answer.json()["value"]}


def test_a_group_lives_through_what_azuread_does_with_it(graph):
    created = new_group(graph)
    path = f"/beta/groups/{created.json()['id']}"
    statuses = [
        created,
        graph.patch(path, json={"@odata.type": "#microsoft.graph.group", "displayName": "TERRAFORM_UPDATE_x"}),
        graph.patch(path, json={"@odata.type": "#microsoft.graph.group", "displayName": "qlik-pro"}),
        graph.get(path),
        graph.get(f"{path}/owners"),
        graph.get(f"{path}/memberOf"),
        graph.delete(path),
        graph.get(path),
    ]

    assert [answer.status_code for answer in statuses] == [201, 204, 204, 200, 200, 200, 204, 404]
    assert [owner["id"] for owner in statuses[4].json()["value"]] == [SERVICE_PRINCIPAL]


def test_a_group_echoes_what_it_was_given_and_its_rule_is_null_not_absent(graph):
    created = new_group(graph, description="d", visibility="Private").json()
    group = graph.get(f"/beta/groups/{created['id']}").json()

    assert group["membershipRule"] is None
    assert graph.get(f"/beta/groups/{READERS}").json()["membershipRule"] is None
    assert (group["description"], group["visibility"]) == ("d", "Private")
    assert (group["groupTypes"], group["mailEnabled"], group["securityEnabled"]) == ([], False, True)
    assert group["resourceBehaviorOptions"] == group["resourceProvisioningOptions"] == []


def test_a_dynamic_group_keeps_its_rule_and_refuses_members(graph):
    rule = {
        "groupTypes": ["DynamicMembership"],
        "membershipRule": "user.city -eq null",
        "membershipRuleProcessingState": "On",
    }
    group = new_group(graph, **rule).json()

    assert {name: group[name] for name in rule} == rule
    assert bind(graph, person(1), group=group["id"]).status_code == 400


@pytest.mark.parametrize("name", ["displayName", "mailNickname", "mailEnabled", "securityEnabled"])
def test_a_group_without_a_required_property_is_refused(graph, name):
    assert new_group(graph, **{name: None}).status_code == 400


def test_a_property_that_cannot_be_written_is_refused(graph):
    assert graph.patch(f"/v1.0/groups/{NESTED}", json={"teapot": 1}).status_code == 400


@pytest.mark.parametrize(
    "text",
    [
        "displayName eq 'bi readers'",
        "mailNickname eq 'prod-readers'",
        "displayName eq 'BI Readers' and mailEnabled eq false and securityEnabled eq true",
        "startsWith(mailNickname, 'prod-r')",
    ],
)
def test_a_group_is_found_by_filter(graph, text):
    found = graph.get("/beta/groups", params={"$filter": text}).json()["value"]

    assert [group["id"] for group in found] == [READERS]


def test_twenty_members_are_bound_at_once(graph):
    assert bind(graph, *(person(number) for number in range(20))).status_code == 204
    assert len(members(graph)) == 23


def test_more_than_twenty_are_refused(graph):
    assert bind(graph, *(person(number) for number in range(21))).status_code == 400
    assert len(members(graph)) == 3


def test_binding_is_all_or_nothing(graph):
    answer = bind(graph, person(1), person(110))

    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(ALREADY)
    assert len(members(graph)) == 3


def test_binding_somebody_who_does_not_exist_is_not_found(graph):
    assert bind(graph, person(1), person(999)).status_code == 404
    assert len(members(graph)) == 3


def test_a_rename_in_a_refused_request_does_not_happen(graph):
    body = {"displayName": "New", "members@odata.bind": [reference(graph, person(110))]}

    assert graph.patch(f"/v1.0/groups/{NESTED}", json=body).status_code == 400
    assert graph.get(f"/v1.0/groups/{NESTED}").json()["displayName"] == "BI Nested"


def test_one_member_is_added_by_reference_and_only_once(graph):
    path, body = f"/v1.0/groups/{NESTED}/members/$ref", {"@odata.id": reference(graph, person(1))}
    answers = [graph.post(path, json=body), graph.post(path, json=body)]

    assert [answer.status_code for answer in answers] == [204, 400]
    assert answers[1].json()["error"]["message"].startswith(ALREADY)


def test_one_member_is_removed_and_then_is_none(graph):
    path = f"/v1.0/groups/{NESTED}/members/{person(110)}/$ref"

    assert [graph.delete(path).status_code for _ in range(2)] == [204, 404]
    assert person(110) not in members(graph)


def test_owners_are_added_and_removed_by_reference(graph):
    path = f"/beta/groups/{NESTED}/owners"
    for owner in (person(1), person(2)):
        assert graph.post(f"{path}/$ref", json={"@odata.id": reference(graph, owner)}).status_code == 204

    assert graph.delete(f"{path}/{person(1)}/$ref").status_code == 204
    assert [owner["id"] for owner in graph.get(path).json()["value"]] == [person(2)]


def test_the_last_user_among_the_owners_of_a_group_stays(graph):
    path = f"/beta/groups/{NESTED}/owners"
    for owner in (person(1), SERVICE_PRINCIPAL):
        graph.post(f"{path}/$ref", json={"@odata.id": reference(graph, owner)}).raise_for_status()

    assert graph.delete(f"{path}/{person(1)}/$ref").status_code == 400
    assert graph.delete(f"{path}/{SERVICE_PRINCIPAL}/$ref").status_code == 204


def test_a_deleted_group_is_a_member_of_nothing(graph):
    graph.delete(f"/v1.0/groups/{NESTED}")

    assert NESTED not in members(graph, READERS)


def test_what_is_said_of_a_group_that_does_not_exist_is_not_found(graph):
    path = f"/v1.0/groups/{person(1)}"

    for answer in (graph.get(path), graph.patch(path, json={}), graph.delete(path), graph.get(f"{path}/members")):
        assert answer.status_code == 404
