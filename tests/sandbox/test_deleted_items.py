"""directory/deletedItems: what is deleted can be restored for thirty days, except security groups."""

import pytest
from serving import NESTED, READERS, WORLD, directory_token, person

DAYS = 86_400
ROLES = ["Group.ReadWrite.All", "User.ReadWrite.All", "Application.ReadWrite.All"]
UNIFIED = "aaaaaaaa-0000-4000-8000-00000000000a"
BIN = "/v1.0/directory/deletedItems"


@pytest.fixture
def begin(control, graph_connection):
    """Start from the world with switches, and return Graph, called by an application that may write."""

    def start(**switches):
        clients = [client | {"roles": ROLES} for client in WORLD["directory"]["clients"]]
        unified = {
            "id": UNIFIED,
            "displayName": "Team",
            "mailNickname": "team",
            "groupTypes": ["Unified"],
            "mailEnabled": True,
            "members": [person(1), person(2)],
            "owners": [person(1)],
        }
        directory = WORLD["directory"] | {"clients": clients, "groups": [*WORLD["directory"]["groups"], unified]}
        named = {name.replace("_", "-"): position for name, position in switches.items()}
        control.put("/_sandbox/world", json=WORLD | {"directory": directory, "switches": named}).raise_for_status()
        sign_in(control, graph_connection)
        return graph_connection

    return start


def sign_in(control, graph):
    graph.headers["Authorization"] = f"Bearer {directory_token(control)}"


def ids(graph, path):
    return [item["id"] for item in graph.get(path).raise_for_status().json()["value"]]


def test_a_deleted_user_is_restored_with_name_and_memberships(begin):
    graph = begin()
    before = graph.get(f"/beta/users/{person(1)}").json()
    graph.delete(f"/v1.0/users/{person(1)}").raise_for_status()
    gone = graph.get(f"/v1.0/users/{person(1)}").status_code
    deleted = graph.get(f"{BIN}/{person(1)}").json()
    restored = graph.post(f"{BIN}/{person(1)}/restore")

    assert gone == 404
    assert deleted["userPrincipalName"] == f"{person(1).replace('-', '')}person001@contoso.test"
    assert deleted["deletedDateTime"].startswith("2026-11-02T08:")
    assert (restored.status_code, restored.json()["userPrincipalName"]) == (200, "person001@contoso.test")
    assert graph.get(f"/beta/users/{person(1)}").json() == before
    assert sorted(ids(graph, f"/v1.0/users/{person(1)}/memberOf")) == [READERS, UNIFIED]
    assert ids(graph, f"{BIN}/microsoft.graph.user") == []


def test_memberships_may_be_lost_with_the_deletion(begin):
    graph = begin(restored_memberships="lost")
    graph.delete(f"/v1.0/users/{person(1)}").raise_for_status()
    graph.post(f"{BIN}/{person(1)}/restore").raise_for_status()

    assert ids(graph, f"/v1.0/users/{person(1)}/memberOf") == []


def test_a_name_taken_meanwhile_refuses_the_restoring(begin):
    graph = begin()
    graph.delete(f"/v1.0/users/{person(1)}").raise_for_status()
    graph.patch(f"/v1.0/users/{person(3)}", json={"userPrincipalName": "person001@contoso.test"}).raise_for_status()

    assert graph.post(f"{BIN}/{person(1)}/restore").status_code == 400


def test_a_security_group_is_gone_for_good(begin):
    graph = begin()
    graph.delete(f"/v1.0/groups/{NESTED}").raise_for_status()

    assert ids(graph, f"{BIN}/microsoft.graph.group") == []
    assert graph.get(f"{BIN}/{NESTED}").status_code == 404
    assert graph.post(f"{BIN}/{NESTED}/restore").status_code == 404


def test_a_security_group_may_be_recoverable(begin):
    graph = begin(deleted_security_group="recoverable")
    graph.delete(f"/v1.0/groups/{NESTED}").raise_for_status()
    graph.post(f"{BIN}/{NESTED}/restore").raise_for_status()

    assert ids(graph, f"/v1.0/groups/{NESTED}/members") == [person(104), person(110), person(111)]
    assert ids(graph, f"/v1.0/groups/{NESTED}/memberOf") == [READERS]


def test_a_team_is_restored_with_members_and_owners(begin):
    graph = begin()
    before = graph.get(f"/beta/groups/{UNIFIED}").json()
    graph.delete(f"/v1.0/groups/{UNIFIED}").raise_for_status()
    listed = graph.get(f"{BIN}/microsoft.graph.group?$filter=displayName eq 'team'").json()["value"]
    found = graph.get(f"{BIN}/{UNIFIED}").json()
    graph.post(f"{BIN}/{UNIFIED}/restore").raise_for_status()

    assert [(item["id"], item["displayName"]) for item in listed] == [(UNIFIED, "Team")]
    assert found["@odata.type"] == "#microsoft.graph.group"
    assert found["deletedDateTime"].startswith("2026-11-02T08:")
    assert graph.get(f"/beta/groups/{UNIFIED}").json() == before
    assert ids(graph, f"/v1.0/groups/{UNIFIED}/members") == [person(1), person(2)]
    assert ids(graph, f"/v1.0/groups/{UNIFIED}/owners") == [person(1)]


def test_what_is_deleted_for_good_cannot_be_restored(begin):
    graph = begin()
    graph.delete(f"/v1.0/users/{person(1)}").raise_for_status()
    graph.delete(f"/v1.0/groups/{UNIFIED}").raise_for_status()

    for object_id in (person(1), UNIFIED):
        assert graph.delete(f"{BIN}/{object_id}").status_code == 204
        assert graph.delete(f"{BIN}/{object_id}").status_code == 404
        assert graph.post(f"{BIN}/{object_id}/restore").status_code == 404


def test_after_thirty_days_the_bin_is_empty(control, begin):
    graph = begin()
    graph.delete(f"/v1.0/users/{person(1)}").raise_for_status()
    graph.delete(f"/v1.0/groups/{UNIFIED}").raise_for_status()
    seen = []
    for days in (29, 2):
        control.put("/_sandbox/clock", json={"advance": days * DAYS}).raise_for_status()
        sign_in(control, graph)
        seen.append([ids(graph, f"{BIN}/microsoft.graph.{kind}") for kind in ("user", "group")])

    assert seen == [[[person(1)], [UNIFIED]], [[], []]]
    assert graph.post(f"{BIN}/{person(1)}/restore").status_code == 404


def test_an_application_is_restored(begin):
    graph = begin()
    made = graph.post("/v1.0/applications", json={"displayName": "Qlik"}).raise_for_status().json()
    graph.delete(f"/v1.0/applications/{made['id']}").raise_for_status()
    listed = ids(graph, f"{BIN}/microsoft.graph.application")
    graph.post(f"{BIN}/{made['id']}/restore").raise_for_status()

    assert listed == [made["id"]]
    assert graph.get(f"/v1.0/applications/{made['id']}").json()["appId"] == made["appId"]


def test_the_bin_survives_a_snapshot(control, begin):
    graph = begin()
    graph.delete(f"/v1.0/users/{person(1)}").raise_for_status()
    graph.delete(f"/v1.0/groups/{UNIFIED}").raise_for_status()
    taken = control.get("/_sandbox/world").json()
    control.put("/_sandbox/world", json=taken).raise_for_status()
    again = control.get("/_sandbox/world").json()
    sign_in(control, graph)
    graph.post(f"{BIN}/{UNIFIED}/restore").raise_for_status()
    graph.post(f"{BIN}/{person(1)}/restore").raise_for_status()

    assert again == taken
    assert sorted(ids(graph, f"/v1.0/users/{person(1)}/memberOf")) == [READERS, UNIFIED]


def test_the_bin_is_for_who_may_read_it(everyone):
    token = directory_token(everyone, "22222222-2222-2222-2222-222222222223", "reader-secret")
    headers = {"Authorization": f"Bearer {token}"}

    assert everyone.get(f"{BIN}/microsoft.graph.user", headers=headers).status_code == 403
    assert everyone.get(f"{BIN}/microsoft.graph.group", headers=headers).status_code == 200
    assert everyone.post(f"{BIN}/{person(1)}/restore", headers=headers).status_code == 403
