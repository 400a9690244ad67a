import pytest
from serving import NESTED, directory_token, person, set_switches

JSON = {"Content-Type": "application/json"}


def batch(graph, *requests):
    answer = graph.post("/v1.0/$batch", json={"requests": list(requests)})
    assert answer.status_code == 200
    return {response["id"]: response for response in answer.json()["responses"]}


def read(id_, url, **fields):
    return {"id": id_, "method": "GET", "url": url} | fields


def bind(id_, *numbers, **fields):
    references = [f"https://graph.microsoft.com/v1.0/directoryObjects/{person(number)}" for number in numbers]
    body = {"members@odata.bind": references}
    return {"id": id_, "method": "PATCH", "url": f"/groups/{NESTED}", "headers": JSON, "body": body} | fields


def test_reads_and_writes_are_answered_each_for_itself(graph):
    responses = batch(
        graph,
        bind("a", 1, 2),
        bind("b", 1),
        read("c", f"/groups/{NESTED}/members?$select=id&$filter=id eq '{person(1)}'"),
        read("d", "/users/nobody@contoso.test"),
    )

    assert {id_: response["status"] for id_, response in responses.items()} == {"a": 204, "b": 400, "c": 200, "d": 404}
    assert "body" not in responses["a"]
    assert responses["b"]["body"]["error"]["code"] == "Request_BadRequest"
    assert [member["id"] for member in responses["c"]["body"]["value"]] == [person(1)]


def test_a_write_without_a_content_type_is_refused(graph):
    assert batch(graph, bind("a", 1, headers={}))["a"]["status"] == 400


def test_an_item_whose_dependency_failed_is_not_played(graph):
    responses = batch(graph, bind("a", 110), bind("b", 1, dependsOn=["a"]), bind("c", 2, dependsOn=["b"]))

    assert [responses[id_]["status"] for id_ in "abc"] == [400, 424, 424]


def test_twenty_one_requests_are_too_many(graph):
    requests = [read(str(number), "/users") for number in range(21)]

    assert graph.post("/v1.0/$batch", json={"requests": requests}).status_code == 400


def test_a_batch_that_is_none_is_refused(graph):
    bodies = [{}, {"requests": []}, {"requests": [{}]}, {"requests": [read("a", "/users"), read("a", "/users")]}]

    assert {graph.post("/v1.0/$batch", json=body).status_code for body in bodies} == {400}


def test_a_batch_needs_a_token(everyone):
    assert everyone.post("/v1.0/$batch", json={"requests": [read("a", "/users")]}).status_code == 401


def test_what_is_not_implemented_is_so_in_a_batch_too(graph):
    assert batch(graph, read("a", "/teapots"))["a"]["status"] == 501


def test_responses_may_come_in_another_order(control, graph):
    set_switches(control, batch_order="reversed")
    graph.headers["Authorization"] = f"Bearer {directory_token(control)}"

    assert list(batch(graph, read("a", "/users?$top=1"), read("b", "/users?$top=1"))) == ["b", "a"]


def test_a_batch_of_reads_is_no_write(control, graph):
    batch(graph, read("a", "/users?$top=1"))
    batch(graph, read("a", "/users?$top=1"), bind("b", 1))

    calls = [call for call in control.get("/_sandbox/requests").json() if call["path"] == "/v1.0/$batch"]
    assert [call["writes"] for call in calls] == [False, True]


def test_a_fault_strikes_one_item_of_a_batch(control, graph):
    fault = {"method": "PATCH", "path": f"/groups/{NESTED}$", "status": 429, "headers": {"Retry-After": "7"}}
    control.post("/_sandbox/faults", json=fault)

    responses = batch(graph, bind("a", 1), bind("b", 2))

    assert (responses["a"]["status"], responses["a"]["headers"]["Retry-After"]) == (429, "7")
    assert responses["b"]["status"] == 204


def test_what_depends_on_a_success_finds_it_done(graph):
    members = f"/groups/{NESTED}/members?$select=id&$top=999"
    responses = batch(graph, bind("a", 1), read("b", members, dependsOn=["a"]))

    assert person(1) in {member["id"] for member in responses["b"]["body"]["value"]}


def test_advanced_queries_and_look_ups_are_items_too(graph):
    lookup = {"id": "l", "method": "POST", "url": "/directoryObjects/getByIds", "headers": JSON}
    responses = batch(
        graph,
        read("c", "/users/$count", headers={"ConsistencyLevel": "eventual"}),
        read("p", "/users/$count"),
        lookup | {"body": {"ids": [person(1)]}},
    )

    assert (responses["c"]["status"], responses["c"]["body"]) == (200, 121)
    assert responses["p"]["status"] == 400
    assert [item["id"] for item in responses["l"]["body"]["value"]] == [person(1)]


@pytest.mark.parametrize(
    "item",
    [
        {"url": "https://graph.microsoft.com/v1.0/users"},
        {"url": ""},
        {"url": "http://["},
        {"url": "/users", "method": "TEAPOT"},
        {"url": "/$batch", "method": "POST"},
    ],
)
def test_an_item_that_is_none_is_refused_and_the_others_are_played(graph, item):
    responses = batch(graph, read("a", "/users?$top=1") | item, read("b", "/users?$top=1"))

    assert [responses[id_]["status"] for id_ in "ab"] == [400, 200]


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '{"requests": 1}', '{"requests": [{"id": "", "method": "GET", "url": "/"}]}']
)
def test_a_body_that_holds_no_batch_is_refused(graph, body):
    assert graph.post("/v1.0/$batch", content=body, headers=JSON).status_code == 400
