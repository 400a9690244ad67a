import httpx
import pytest
from serving import person, qlik_next

PATH = "/api/v1/licenses/assignments"


def expect(control, **fault):
    control.post("/_sandbox/faults", json=fault).raise_for_status()


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


@pytest.mark.parametrize("fault", [{}, {"path": "("}, {"kind": "teapot"}, {"kind": "item"}, {"status": 99}])
def test_a_fault_that_makes_no_sense_is_refused(control, fault):
    assert control.post("/_sandbox/faults", json=fault).status_code == 400


def test_the_control_plane_has_no_faults(control):
    expect(control, path="", status=500, count=9)

    assert control.get("/_sandbox/world").json()["directory"]["users"][0]["id"] == person(0)
