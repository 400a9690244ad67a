import json
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from serving import APPLICATION, CLIENT, person, qlik_next

PATH = "/api/v1/licenses/assignments"


def expect(control, **fault):
    return control.post("/_sandbox/faults", json=fault).raise_for_status().json()


def add(tenant, *subjects):
    items = [{"subject": subject, "type": "analyzer"} for subject in subjects]
    return tenant.post(f"{PATH}/actions/add", json={"add": items})


def subjects(tenant):
    return {row["subject"] for row in tenant.get(PATH).json()["data"]}


def test_an_answer_is_replaced_as_often_as_asked_for(control, tenant):
    expect(control, method="GET", path="/users$", count=2, status=503, headers={"Retry-After": "3"}, body={"a": 1})

    answers = [tenant.get("/api/v1/users") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["retry-after"] == "3"
    assert answers[0].json() == {"a": 1}


def test_a_fault_can_let_requests_pass_first(control, tenant):
    expect(control, path="/users$", after=1, status=500)

    assert [tenant.get("/api/v1/users").status_code for _ in range(3)] == [200, 500, 200]


def test_a_fault_of_another_method_waits(control, tenant):
    expect(control, method="POST", path="", status=500)

    assert tenant.get("/api/v1/users").status_code == 200
    assert len(control.get("/_sandbox/faults").json()) == 1


def test_a_connection_is_dropped_before_anything_happens(control, tenant):
    expect(control, path="actions/add", kind="reset-before")

    with pytest.raises(httpx.TransportError):
        add(tenant, "new")
    assert "new" not in subjects(tenant)


def test_a_connection_is_dropped_after_everything_happened(control, tenant):
    expect(control, path="actions/add", kind="reset-after")

    with pytest.raises(httpx.TransportError):
        add(tenant, "new")
    assert "new" in subjects(tenant)
    dropped = [call for call in control.get("/_sandbox/requests").json() if call["status"] == 0]
    assert [call["path"] for call in dropped] == [f"{PATH}/actions/add"]


def test_a_page_is_cut_short_but_still_leads_on(control, tenant):
    expect(control, path="assignments$", kind="truncated-page")

    body = tenant.get(PATH, params={"limit": 2}).json()

    assert len(body["data"]) == 1
    assert qlik_next(body)


def test_the_next_link_is_lost(control, tenant, graph):
    expect(control, path="assignments$", kind="missing-next")
    expect(control, path="/v1.0/users$", kind="missing-next")

    assert qlik_next(tenant.get(PATH, params={"limit": 2}).json()) is None
    assert "@odata.nextLink" not in graph.get("/v1.0/users").json()


def test_a_cursor_is_repeated(control, tenant, graph):
    expect(control, path="assignments$", kind="repeated-cursor")
    expect(control, path="/v1.0/users$", kind="repeated-cursor")

    second = qlik_next(tenant.get(PATH, params={"limit": 1}).json())
    assert qlik_next(tenant.get(second).json()) == second
    assert qlik_next(tenant.get(second).json()) != second
    link = graph.get("/v1.0/users?$top=50").json()["@odata.nextLink"]
    assert graph.get(link).json()["@odata.nextLink"] == link


def test_an_answer_is_empty_or_of_another_type(control, tenant):
    expect(control, path="/users$", kind="empty-200")
    expect(control, path="/users$", kind="wrong-type")

    empty, other = tenant.get("/api/v1/users"), tenant.get("/api/v1/users")

    assert (empty.status_code, empty.content) == (200, b"")
    assert other.headers["content-type"].startswith("text/html")


def test_one_item_of_a_batch_is_refused(control, tenant):
    expect(control, item={"subject": "B", "status": 403, "code": "LICENSES-011", "title": "Full"})

    outcomes = add(tenant, "a", "b", "c").json()["data"]

    assert [outcome["status"] for outcome in outcomes] == [201, 403, 201]
    assert outcomes[1] == {
        "subject": "b",
        "type": "analyzer",
        "status": 403,
        "code": "LICENSES-011",
        "title": "Full",
    }
    assert "b" not in subjects(tenant)
    assert add(tenant, "b").json()["data"][0]["status"] == 201


def test_faults_are_forgotten_on_demand(control, tenant):
    expect(control, path="", count=99, status=500)
    control.delete("/_sandbox/faults")

    assert tenant.get("/api/v1/users").status_code == 200


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"path": "("},
        {"query": "*", "status": 500},
        {"kind": "teapot"},
        {"kind": "item"},
        {"kind": "item", "item": {}},
        {"item": {"subject": "a", "every": 2}},
        {"kind": "delay"},
        {"status": 99},
        {"status": 500, "delay": -1},
        {"status": 500, "headers": {"a": "b\r\nc: d"}},
        {"status": 500, "headers": {"content-length": "7"}},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(control, fault):
    assert control.post("/_sandbox/faults", json=fault).status_code == 400


def test_the_control_plane_has_no_faults(control):
    expect(control, path="", status=500, count=9)

    assert control.get("/_sandbox/world").json()["directory"]["users"][0]["id"] == person(0)


def bearer(control):
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": "sandbox-client-secret"}
    return {"Authorization": f"Bearer {control.post('/oauth/token', data=form).json()['access_token']}"}


def test_a_list_of_faults_waits_at_once_and_each_has_an_id(control, tenant):
    given = [{"path": "/users$", "status": 500}, {"id": "mine", "path": "/roles$", "status": 503}]

    answer = control.post("/_sandbox/faults", json=given)

    first, second = [fault["id"] for fault in answer.json()]
    assert (answer.status_code, second) == (201, "mine")
    assert [fault["id"] for fault in control.get("/_sandbox/faults").json()] == [first, "mine"]
    assert control.delete(f"/_sandbox/faults/{first}").status_code == 204
    assert tenant.get("/api/v1/users").status_code == 200
    assert tenant.get("/api/v1/roles").status_code == 503
    assert control.delete("/_sandbox/faults/mine").status_code == 404


def test_a_list_with_one_senseless_fault_is_refused_as_a_whole(control):
    answer = control.post("/_sandbox/faults", json=[{"path": "", "status": 500}, {"kind": "teapot"}])

    assert answer.status_code == 400
    assert control.get("/_sandbox/faults").json() == []


def test_what_is_left_of_a_fault_is_shown(control, tenant):
    expect(control, path="/users$", count=3, after=1, status=500)
    tenant.get("/api/v1/users")
    tenant.get("/api/v1/users")

    (fault,) = control.get("/_sandbox/faults").json()
    assert (fault["after"], fault["count"]) == (0, 2)


def test_a_fault_may_be_about_one_query(control, tenant):
    expect(control, path="/users$", query='subject eq "user1234"', status=500)

    assert tenant.get("/api/v1/users", params={"filter": 'subject eq "user5678"'}).status_code == 200
    assert tenant.get("/api/v1/users", params={"filter": 'subject eq "user1234"'}).status_code == 500


def test_a_fault_may_be_about_one_caller(control, tenant, everyone):
    token = bearer(control)
    expect(control, path="/users$", caller=CLIENT, status=500)

    assert tenant.get("/api/v1/users").status_code == 200
    assert everyone.get("/api/v1/users", headers=token).status_code == 500


def test_an_answer_comes_late_as_often_as_asked_for(control, tenant):
    expect(control, path="/users$", kind="delay", delay=0.3)

    late, early = (tenant.get("/api/v1/users").elapsed.total_seconds() for _ in range(2))

    assert late >= 0.3 > early


def test_a_write_whose_answer_is_late_is_done_when_its_caller_gives_up(control, tenant):
    expect(control, path="actions/add", delay=0.5)

    with pytest.raises(httpx.ReadTimeout):
        tenant.post(f"{PATH}/actions/add", json={"add": [{"subject": "late", "type": "analyzer"}]}, timeout=0.1)
    assert "late" in subjects(tenant)


def test_a_body_is_cut_short_or_no_json(control, tenant):
    whole = tenant.get("/api/v1/users").content
    expect(control, path="/users$", kind="truncated-json")
    expect(control, path="/users$", kind="invalid-json")

    cut, broken = tenant.get("/api/v1/users"), tenant.get("/api/v1/users")

    assert (cut.status_code, broken.status_code) == (200, 200)
    assert whole.startswith(cut.content)
    for answer in (cut, broken):
        with pytest.raises(json.JSONDecodeError):
            answer.json()


def test_every_second_item_of_a_batch_is_refused(control, tenant):
    expect(control, item={"every": 2, "status": 429, "code": "HTTP-429", "title": "Slow down"}, count=9)

    outcomes = add(tenant, "a", "b", "c").json()["data"]

    assert [outcome["status"] for outcome in outcomes] == [201, 429, 201]
    assert "b" not in subjects(tenant)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "missing-items"}, ["a", "b"]),
        ({"kind": "missing-items", "items": 5}, []),
        ({"kind": "extra-items", "items": 2}, ["a", "b", "c", "c-extra-1", "c-extra-2"]),
        ({"kind": "extra-items", "body": {"subject": "z"}}, ["a", "b", "c", "z"]),
        ({"kind": "reordered-items"}, ["c", "b", "a"]),
        ({"kind": "duplicated-items"}, ["a", "a", "b", "c"]),
    ],
    ids=lambda value: value.get("kind") if isinstance(value, dict) else "",
)
def test_the_items_of_a_207_are_others_than_were_sent(control, tenant, fault, expected):
    expect(control, path="actions/add", **fault)

    answer = add(tenant, "a", "b", "c")

    assert answer.status_code == 207
    assert [item["subject"] for item in answer.json()["data"]] == expected
    assert {"a", "b", "c"} <= subjects(tenant)


def test_the_items_of_a_list_are_reordered_too(control, tenant, graph):
    straight = graph.get("/v1.0/users?$top=3").json()["value"]
    expect(control, path="/v1.0/users$", kind="reordered-items")

    assert graph.get("/v1.0/users?$top=3").json()["value"] == straight[::-1]


def test_the_log_names_the_fault(control, tenant):
    waiting = expect(control, path="/users$", status=500)
    tenant.get("/api/v1/users")
    tenant.get("/api/v1/users")

    assert [call["fault"] for call in control.get("/_sandbox/requests").json()] == [waiting["id"], ""]


def test_a_late_answer_keeps_nobody_else_waiting(control, tenant, served):
    expect(control, path="/users$", delay=2)
    with served.client("sandbox-api-key") as other:
        other.get("/api/v1/roles")
        with pytest.raises(httpx.ReadTimeout):
            tenant.get("/api/v1/users", timeout=0.1)
        began = time.perf_counter()
        other.get("/api/v1/roles")
        assert time.perf_counter() - began < 1


def test_a_fault_of_one_caller_strikes_its_items_of_a_batch(control, graph):
    expect(control, path="/v1.0/groups$", caller=APPLICATION, status=503, body={})
    batch = {"requests": [{"id": "1", "method": "GET", "url": "/groups"}]}

    statuses = [graph.post("/v1.0/$batch", json=batch).json()["responses"][0]["status"] for _ in range(2)]

    assert statuses == [503, 200]


def test_a_held_request_does_nothing_until_it_is_let_go(control, tenant):
    hold = expect(control, path="actions/add", kind="hold")["id"]
    with ThreadPoolExecutor(1) as pool:
        adding = pool.submit(add, tenant, "new")
        control.get(f"/_sandbox/faults/{hold}/held").raise_for_status()

        world = control.get("/_sandbox/world").json()
        assert "new" not in {row["subject"] for row in world["tenant"]["assignments"]}
        assert not adding.done()

        control.delete(f"/_sandbox/faults/{hold}").raise_for_status()
        assert adding.result().status_code == 207
    assert "new" in subjects(tenant)


def test_a_hold_lets_requests_pass_first_and_others_go_on(control, tenant):
    hold = expect(control, path="/users$", after=1, kind="hold")["id"]
    assert tenant.get("/api/v1/users").status_code == 200
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(tenant.get, "/api/v1/users")
        control.get(f"/_sandbox/faults/{hold}/held").raise_for_status()

        assert subjects(tenant)
        assert not reading.done()

        control.delete("/_sandbox/faults").raise_for_status()
        assert reading.result().status_code == 200


def test_a_hold_that_there_is_not_is_told(control):
    assert control.get("/_sandbox/faults/none/held").status_code == 404
    fault = expect(control, path="/users$", status=500)["id"]
    assert control.get(f"/_sandbox/faults/{fault}/held").status_code == 404
