"""users/delta and groups/delta: everything once, and then what changed; and directoryObjects/getByIds."""

import pytest
from serving import NESTED, READER, READERS, SERVICE_PRINCIPAL, WORLD, directory_token, person

DAY = 86_400


@pytest.fixture
def graph(control, graph_connection):
    """Graph, called by an application that may write people and groups."""
    clients = [
        client | ({"roles": ["Group.ReadWrite.All", "User.ReadWrite.All"]} if number == 0 else {})
        for number, client in enumerate(WORLD["directory"]["clients"])
    ]
    control.put("/_sandbox/world", json=WORLD | {"directory": WORLD["directory"] | {"clients": clients}})
    graph_connection.headers["Authorization"] = f"Bearer {directory_token(control)}"
    return graph_connection


def read(graph, url, **params):
    """Return what every page holds, and the link of the next round."""
    items = []
    while True:
        body = graph.get(url, params=params or None).raise_for_status().json()
        items += body["value"]
        if "@odata.deltaLink" in body:
            assert "@odata.nextLink" not in body
            return items, body["@odata.deltaLink"]
        url, params = body["@odata.nextLink"], None


def add(graph, number, group=NESTED):
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{person(number)}"}
    graph.post(f"/v1.0/groups/{group}/members/$ref", json=reference).raise_for_status()


def remove(graph, number, group=NESTED):
    graph.delete(f"/v1.0/groups/{group}/members/{person(number)}/$ref").raise_for_status()


def user_of(number, **gone):
    return {"@odata.type": "#microsoft.graph.user", "id": person(number)} | gone


GONE = {"@removed": {"reason": "deleted"}}


def test_the_first_round_is_everybody_and_the_next_nobody(graph):
    people, link = read(graph, "/v1.0/users/delta", **{"$select": "id,department"})
    again, _ = read(graph, link)

    assert len({item["id"] for item in people}) == len(people) == 121
    assert set(people[0]) == {"id", "department"}
    assert again == []


def test_a_round_tells_who_is_new_changed_and_deleted(control, graph):
    _, link = read(graph, "/v1.0/users/delta", **{"$select": "displayName,department"})
    graph.patch(f"/v1.0/users/{person(1)}", json={"department": "Legal"}).raise_for_status()
    control.post("/_sandbox/tamper", json={"do": "deleteUser", "user": "person002@contoso.test"}).raise_for_status()
    control.post("/_sandbox/tamper", json={"do": "deleteUser", "user": "person003@contoso.test"}).raise_for_status()
    graph.delete(f"/v1.0/directory/deletedItems/{person(3)}").raise_for_status()

    changes, later = read(graph, link)

    assert changes == [
        {"displayName": "Person 001", "department": "Legal", "id": person(1)},
        {"id": person(2), "@removed": {"reason": "changed"}},
        {"id": person(3), "@removed": {"reason": "deleted"}},
    ]
    assert read(graph, later)[0] == []


def test_what_was_not_selected_is_no_change(graph):
    _, link = read(graph, "/v1.0/users/delta", **{"$select": "displayName"})
    graph.patch(f"/v1.0/users/{person(1)}", json={"department": "Legal"}).raise_for_status()

    assert read(graph, link)[0] == []


def test_a_restored_user_is_told_again(control, graph):
    control.post("/_sandbox/tamper", json={"do": "deleteUser", "user": "person002@contoso.test"}).raise_for_status()
    _, link = read(graph, "/v1.0/users/delta", **{"$select": "displayName"})
    graph.post(f"/v1.0/directory/deletedItems/{person(2)}/restore").raise_for_status()

    assert [item["id"] for item in read(graph, link)[0]] == [person(2)]


def test_a_round_is_filtered_by_ids(graph):
    text = f"id eq '{person(1)}' or id eq '{person(2)}'"
    people, link = read(graph, "/v1.0/users/delta", **{"$filter": text, "$select": "department"})
    for number in (1, 3):
        graph.patch(f"/v1.0/users/{person(number)}", json={"department": "Legal"}).raise_for_status()

    assert [item["id"] for item in people] == [person(1), person(2)]
    assert [item["id"] for item in read(graph, link)[0]] == [person(1)]


def test_another_filter_than_by_ids_is_refused(graph):
    assert graph.get("/v1.0/users/delta", params={"$filter": "department eq 'Sales'"}).status_code == 400


def test_groups_come_with_their_direct_members(graph):
    groups, _ = read(graph, "/v1.0/groups/delta", **{"$select": "displayName,members"})
    members = {item["id"]: item.get("members@delta", []) for item in groups}

    assert len(members[READERS]) == 106
    assert members[NESTED] == [user_of(number) for number in (104, 110, 111)]
    assert {"@odata.type": "#microsoft.graph.group", "id": NESTED} in members[READERS]


def test_a_round_tells_who_came_and_who_went(graph):
    _, link = read(graph, "/v1.0/groups/delta", **{"$select": "members"})
    add(graph, 1)
    remove(graph, 110)
    add(graph, 2)
    remove(graph, 2)

    changes, _ = read(graph, link)

    assert changes == [
        {"id": NESTED, "members@delta": [user_of(1), user_of(2, **GONE), user_of(110, **GONE)]},
    ]


def test_a_change_in_a_nested_group_does_not_surface_on_the_one_around(graph):
    _, link = read(graph, "/v1.0/groups/delta", **{"$select": "members"})
    add(graph, 1)

    assert [item["id"] for item in read(graph, link)[0]] == [NESTED]


def test_members_that_were_not_selected_are_not_told(graph):
    _, link = read(graph, "/v1.0/groups/delta", **{"$select": "displayName"})
    add(graph, 1)

    assert read(graph, link)[0] == []


def test_a_deleted_group_is_told_as_deleted(graph):
    _, link = read(graph, "/v1.0/groups/delta", **{"$select": "displayName,members"})
    graph.delete(f"/v1.0/groups/{NESTED}").raise_for_status()
    changes = {item["id"]: item for item in read(graph, link)[0]}

    assert changes[NESTED] == {"id": NESTED} | GONE
    assert changes[READERS]["members@delta"] == [
        {"@odata.type": "#microsoft.graph.directoryObject", "id": NESTED} | GONE
    ]


def test_a_large_group_comes_again_on_further_pages(control, graph):
    users = [{"id": person(n), "userPrincipalName": f"p{n}@contoso.test", "displayName": f"P {n}"} for n in range(2500)]
    group = {"id": READERS, "displayName": "Large", "mailNickname": "large", "members": [u["id"] for u in users]}
    world = WORLD | {"directory": WORLD["directory"] | {"users": users, "groups": [group]}}
    control.put("/_sandbox/world", json=world).raise_for_status()
    graph.headers["Authorization"] = f"Bearer {directory_token(control)}"

    groups, _ = read(graph, "/v1.0/groups/delta", **{"$select": "displayName,members"})

    assert [item["id"] for item in groups] == [READERS] * 3
    assert len({member["id"] for item in groups for member in item["members@delta"]}) == 2500


def test_the_latest_token_begins_with_nothing(graph):
    items, link = read(graph, "/v1.0/users/delta", **{"$deltatoken": "latest", "$select": "department"})
    graph.patch(f"/v1.0/users/{person(1)}", json={"department": "Legal"}).raise_for_status()

    assert items == []
    assert read(graph, link)[0] == [{"department": "Legal", "id": person(1)}]


def test_a_link_of_eight_days_ago_or_of_another_world_is_gone(control, graph):
    _, link = read(graph, "/v1.0/users/delta")
    control.put("/_sandbox/clock", json={"advance": 8 * DAY}).raise_for_status()
    graph.headers["Authorization"] = f"Bearer {directory_token(control)}"
    old = graph.get(link)
    _, link = read(graph, "/v1.0/users/delta")
    control.put("/_sandbox/world", json=WORLD).raise_for_status()
    graph.headers["Authorization"] = f"Bearer {directory_token(control)}"
    other = graph.get(link)

    assert (old.status_code, other.status_code) == (410, 410)
    assert old.json()["error"]["code"] == "syncStateNotFound"
    assert old.headers["location"].endswith("/v1.0/users/delta?$deltatoken=")


@pytest.mark.parametrize("token", ["x", "AAAA", "e30", "bnVsbA"])
def test_a_token_that_never_was_one_is_refused(graph, token):
    assert graph.get("/v1.0/users/delta", params={"$deltatoken": token}).status_code == 400


def test_a_delta_needs_the_right_to_read(everyone):
    headers = {"Authorization": f"Bearer {directory_token(everyone, READER, 'reader-secret')}"}

    assert everyone.get("/v1.0/users/delta", headers=headers).status_code == 403
    assert everyone.get("/v1.0/groups/delta", headers=headers).status_code == 200


def test_objects_are_looked_up_by_their_ids(graph):
    ids = [READERS, person(1), SERVICE_PRINCIPAL, person(999)]
    everything = graph.post("/v1.0/directoryObjects/getByIds", json={"ids": ids}).json()["value"]
    people = graph.post("/v1.0/directoryObjects/getByIds", json={"ids": ids, "types": ["user"]}).json()["value"]

    assert [item["id"] for item in everything] == ids[:3]
    assert [item["@odata.type"] for item in people] == ["#microsoft.graph.user"]


@pytest.mark.parametrize("body", [{}, {"ids": "x"}, {"ids": ["x"]}, {"ids": [person(1)] * 1001}])
def test_a_look_up_that_is_none_is_refused(graph, body):
    assert graph.post("/v1.0/directoryObjects/getByIds", json=body).status_code == 400
