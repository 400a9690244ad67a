"""Throttling of Graph: off by default, by resource units and by writes, for whole requests and items of a batch."""

import pytest
from serving import NESTED, READER, READERS, WORLD, directory_token, person


@pytest.fixture
def begin(control, graph_connection):
    """Start from the world with limits, and return Graph."""

    def start(**limits):
        directory = WORLD["directory"] | {"timing": {"throttling": limits or None}}
        control.put("/_sandbox/world", json=WORLD | {"directory": directory}).raise_for_status()
        graph_connection.headers["Authorization"] = f"Bearer {directory_token(control)}"
        return graph_connection

    return start


def advance(control, seconds):
    control.put("/_sandbox/clock", json={"advance": seconds}).raise_for_status()


def add(graph, number):
    reference = {"@odata.id": f"https://graph.microsoft.com/v1.0/directoryObjects/{person(number)}"}
    return graph.post(f"/v1.0/groups/{NESTED}/members/$ref", json=reference)


def test_nothing_is_throttled_by_default(begin):
    graph = begin()
    answers = [graph.get("/v1.0/groups?$top=1") for _ in range(30)]

    assert {answer.status_code for answer in answers} == {200}
    assert "x-ms-resource-unit" not in answers[0].headers


@pytest.mark.parametrize(
    ("path", "cost"),
    [
        ("users", 2),
        ("users?$select=id", 1),
        ("users?$top=5", 1),
        ("users/person001@contoso.test", 1),
        ("groups", 1),
        ("groups?$expand=members", 2),
        (f"groups/{READERS}/members", 3),
        (f"groups/{READERS}/members?$select=id", 2),
        (f"groups/{READERS}/transitiveMembers", 5),
        (f"groups/{READERS}/transitiveMembers?$select=id&$top=10", 3),
        (f"groups/{READERS}/owners", 1),
    ],
)
def test_a_read_costs_what_is_published(begin, path, cost):
    assert begin(size="L").get(f"/v1.0/{path}").headers["x-ms-resource-unit"] == str(cost)


def test_a_write_costs_two(begin):
    assert add(begin(size="S"), 1).headers["x-ms-resource-unit"] == "2"


def test_beyond_the_units_of_ten_seconds_comes_429_until_they_are_back(control, begin):
    graph = begin(resourceUnits=10)
    path = f"/v1.0/groups/{READERS}/transitiveMembers?$top=999"
    first = [graph.get(path).status_code for _ in range(2)]
    refused = graph.get(path)
    wait = int(refused.headers["retry-after"])
    advance(control, wait)

    assert first == [200, 200]
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "TooManyRequests")
    assert 1 <= wait <= 10
    assert refused.headers["x-ms-throttle-information"] == "ResourceUnitLimitExceeded"
    assert refused.headers["x-ms-throttle-scope"].startswith("Tenant_Application/ReadWrite/22222222-")
    assert graph.get(path).status_code == 200


def test_a_request_near_its_limit_says_how_near(begin):
    graph = begin(resourceUnits=10)
    shares = [graph.get("/v1.0/users").headers.get("x-ms-throttle-limit-percentage") for _ in range(5)]

    assert shares == [None, None, None, "0.80", "1.00"]


def test_writes_have_a_limit_of_their_own(control, begin):
    graph = begin(writes=2)
    statuses = [add(graph, number).status_code for number in (1, 2)]
    refused = add(graph, 3)
    reads = graph.get("/v1.0/groups").status_code
    advance(control, 150)

    assert (statuses, refused.status_code, reads) == ([204, 204], 429, 200)
    assert refused.headers["x-ms-throttle-information"] == "WriteLimitExceeded"
    assert 140 <= int(refused.headers["retry-after"]) <= 150
    assert add(graph, 3).status_code == 204


def test_a_throttled_write_writes_nothing(control, begin):
    graph = begin(writes=1)
    add(graph, 1)
    before = control.get("/_sandbox/world").json()

    assert add(graph, 2).status_code == 429
    assert control.get("/_sandbox/world").json() == before


def test_one_application_does_not_spend_the_units_of_another(everyone, begin):
    graph = begin(resourceUnits=2)
    path = f"/v1.0/groups/{NESTED}"
    answers = [graph.get(path).status_code for _ in range(3)]
    other = {"Authorization": f"Bearer {directory_token(everyone, READER, 'reader-secret')}"}

    assert answers == [200, 200, 429]
    assert everyone.get(path, headers=other).status_code == 200


def test_the_items_of_a_batch_are_throttled_each_for_itself(begin):
    graph = begin(resourceUnits=6)
    items = [{"id": str(number), "method": "GET", "url": "/users?$top=999"} for number in range(4)]
    answer = graph.post("/v1.0/$batch", json={"requests": items})
    replies = {reply["id"]: reply for reply in answer.json()["responses"]}

    assert answer.status_code == 200
    assert [replies[str(number)]["status"] for number in range(4)] == [200, 200, 200, 429]
    assert int(replies["3"]["headers"]["Retry-After"]) >= 1
    assert replies["3"]["body"]["error"]["code"] == "TooManyRequests"


def test_a_new_world_and_a_clock_set_back_start_with_nothing_spent(control, begin):
    graph = begin(resourceUnits=2)
    graph.get("/v1.0/users")
    advance(control, -3600)
    after = graph.get("/v1.0/users").status_code
    graph = begin(resourceUnits=2)

    assert (after, graph.get("/v1.0/users").status_code) == (200, 200)


def test_limits_can_be_turned_on_and_off_while_the_sandbox_runs(control, begin):
    graph = begin()
    control.patch("/_sandbox/directory", json={"throttling": {"resourceUnits": 1}}).raise_for_status()
    refused = graph.get("/v1.0/users").status_code
    control.patch("/_sandbox/directory", json={"throttling": None}).raise_for_status()

    assert (refused, graph.get("/v1.0/users").status_code) == (429, 200)
