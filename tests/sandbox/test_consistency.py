"""Eventual consistency as a switch: reads that show the directory as it was before a write."""

import pytest
from serving import NESTED, READERS, WORLD, directory_token, person

EVENTUAL = {"ConsistencyLevel": "eventual"}
COUNTED = {"$count": "true", "$top": "999", "$select": "id"}
LAG = 60


@pytest.fixture
def begin(control, graph_connection):
    """Start from the world with a position of the switch and a lag, and return Graph."""

    def start(position, **timing):
        timing = {"lagSeconds": 0} | timing
        world = WORLD | {
            "directory": WORLD["directory"] | {"timing": timing},
            "switches": {"directory-consistency": position},
        }
        control.put("/_sandbox/world", json=world).raise_for_status()
        graph_connection.headers["Authorization"] = f"Bearer {directory_token(control)}"
        return graph_connection

    return start


def add(graph, number, group=NESTED):
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{person(number)}"}
    graph.post(f"/v1.0/groups/{group}/members/$ref", json=reference).raise_for_status()


def create(graph, name="New"):
    body = {"displayName": name, "mailNickname": name.lower(), "mailEnabled": False, "securityEnabled": True}
    return graph.post("/v1.0/groups", json=body).raise_for_status().json()["id"]


def plain(graph, group=NESTED):
    rows = graph.get(f"/v1.0/groups/{group}/members", params={"$top": "999"}).raise_for_status().json()["value"]
    return {row["id"] for row in rows}


def advanced(graph, group=NESTED, relation="members"):
    path = f"/v1.0/groups/{group}/{relation}/microsoft.graph.user"
    body = graph.get(path, params=COUNTED, headers=EVENTUAL).raise_for_status().json()
    assert body["@odata.count"] == len(body["value"])
    return {row["id"] for row in body["value"]}


def advance(control, seconds):
    control.put("/_sandbox/clock", json={"advance": seconds}).raise_for_status()


def test_without_the_switch_a_write_is_seen_at_once(begin):
    graph = begin("immediate", lagSeconds=LAG, lagReads=5)
    add(graph, 1)

    assert person(1) in plain(graph)
    assert person(1) in advanced(graph)


@pytest.mark.parametrize("relation", ["members", "transitiveMembers"])
def test_advanced_reads_see_a_membership_after_the_lag_and_plain_ones_at_once(control, begin, relation):
    graph = begin("advancedReads", lagSeconds=LAG)
    add(graph, 1)
    graph.delete(f"/v1.0/groups/{NESTED}/members/{person(110)}/$ref").raise_for_status()
    before = advanced(graph, NESTED, relation)
    own = plain(graph)
    advance(control, LAG - 5)
    still = advanced(graph, NESTED, relation)
    advance(control, 10)

    assert before == still == {person(104), person(110), person(111)}
    assert own == advanced(graph, NESTED, relation) == {person(1), person(104), person(111)}


def test_writes_are_seen_one_after_the_other(control, begin):
    graph = begin("advancedReads", lagSeconds=LAG)
    add(graph, 1)
    advance(control, LAG / 2)
    add(graph, 2)
    advance(control, LAG / 2 + 1)
    first = advanced(graph)
    advance(control, LAG / 2)

    assert {person(1), person(2)} & first == {person(1)}
    assert {person(1), person(2)} & advanced(graph) == {person(1), person(2)}


def test_a_lag_in_reads_ends_after_that_many(begin):
    graph = begin("advancedReads", lagReads=2)
    add(graph, 1)

    assert [person(1) in advanced(graph) for _ in range(4)] == [False, False, True, True]


def test_counts_filters_and_searches_lag_too(begin):
    graph = begin("advancedReads", lagReads=9)
    create(graph)
    graph.patch(f"/v1.0/groups/{READERS}", json={"displayName": "Renamed"}).raise_for_status()

    count = graph.get("/v1.0/groups/$count", headers=EVENTUAL).text
    found = graph.get("/v1.0/groups", params={"$search": '"displayName:renamed"'}, headers=EVENTUAL).json()["value"]
    names = {group["displayName"] for group in graph.get("/v1.0/groups", headers=EVENTUAL).json()["value"]}

    assert (count, found, names) == ("2", [], {"BI Readers", "BI Nested"})
    assert {group["displayName"] for group in graph.get("/v1.0/groups").json()["value"]} == {
        "Renamed",
        "BI Nested",
        "New",
    }


def test_a_deleted_object_is_still_there_with_its_members(begin):
    graph = begin("advancedReads", lagReads=1)
    graph.delete(f"/v1.0/groups/{NESTED}").raise_for_status()

    assert advanced(graph) == {person(104), person(110), person(111)}
    assert graph.get(f"/v1.0/groups/{NESTED}/members", params=COUNTED, headers=EVENTUAL).status_code == 404


def test_with_the_second_position_a_new_object_is_not_found_by_so_many_reads(begin):
    graph = begin("allReads", lagReads=2)
    group = create(graph)

    assert [graph.get(f"/v1.0/groups/{group}").status_code for _ in range(4)] == [404, 404, 200, 200]


def test_with_the_second_position_plain_lists_lag_by_the_clock(control, begin):
    graph = begin("allReads", lagSeconds=LAG)
    group = create(graph)
    add(graph, 1, group)
    before = graph.get(f"/v1.0/groups/{group}/members").status_code
    advance(control, LAG + 1)

    assert (before, plain(graph, group)) == (404, {person(1)})


def test_a_write_finds_what_a_read_does_not_see_yet(begin):
    graph = begin("allReads", lagReads=3)
    group = create(graph)

    assert graph.get(f"/v1.0/groups/{group}").status_code == 404
    assert graph.patch(f"/v1.0/groups/{group}", json={"displayName": "Renamed"}).status_code == 204


def test_a_read_of_the_past_changes_nothing(control, begin):
    graph = begin("allReads", lagReads=50)
    create(graph)
    add(graph, 1)
    before = control.get("/_sandbox/world").json()
    for _ in range(3):
        advanced(graph)
        graph.get("/v1.0/groups")

    assert control.get("/_sandbox/world").json() == before


def test_the_reads_of_a_batch_lag_each_for_itself(begin):
    graph = begin("advancedReads", lagReads=1)
    url = f"/groups/{NESTED}/members/microsoft.graph.user?$count=true&$select=id"
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{person(1)}"}
    write = {
        "id": "w",
        "method": "POST",
        "url": f"/groups/{NESTED}/members/$ref",
        "body": reference,
        "headers": {"Content-Type": "application/json"},
    }
    reads = [{"id": str(n), "method": "GET", "url": url, "headers": EVENTUAL} for n in range(2)]
    replies = graph.post("/v1.0/$batch", json={"requests": [write, *reads]}).json()["responses"]
    counts = {reply["id"]: reply["body"]["@odata.count"] for reply in replies if reply["id"] != "w"}

    assert counts == {"0": 3, "1": 4}


def test_tampering_lags_as_any_write(control, begin):
    graph = begin("advancedReads", lagSeconds=LAG)
    control.post("/_sandbox/tamper", json={"do": "deleteUser", "user": "person104@contoso.test"}).raise_for_status()
    before = advanced(graph)
    advance(control, LAG + 1)

    assert person(104) in before
    assert person(104) not in advanced(graph)
