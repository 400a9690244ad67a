import pytest
from serving import serve

PATH, ROWS = "/_sandbox/requests", "/api/v1/licenses/assignments"
ADD = f"{ROWS}/actions/add"


def paths(control, **filters):
    return [call["path"] for call in control.get(PATH, params=filters).raise_for_status().json()]


@pytest.fixture
def calls(control, tenant):
    """Four calls: two reads and a write of the tenant, and one of Graph without a token."""
    ids = [user["id"] for user in tenant.get("/api/v1/users").json()["data"]]
    tenant.get(f"/api/v1/users/{ids[0]}")
    tenant.post(ADD, json={"add": []})
    control.get("/v1.0/users")
    return ["/api/v1/users", f"/api/v1/users/{ids[0]}", ADD, "/v1.0/users"]


def test_the_log_is_filtered_by_service_writes_and_path(control, calls):
    assert paths(control) == calls
    assert paths(control, service="graph") == calls[3:]
    assert paths(control, writes="true") == [ADD]
    assert paths(control, writes="false", service="qlik") == calls[:2]
    assert paths(control, path="/users(/|$)") == [calls[0], calls[1], calls[3]]


def test_filters_go_together_with_a_number(control, calls, tenant):
    last = control.get(PATH).json()[-1]["n"]
    tenant.get("/api/v1/roles")

    assert paths(control, since=last) == ["/api/v1/roles"]
    assert paths(control, since=last, service="graph") == []


def test_calls_are_counted_by_method_and_operation(control, calls, tenant):
    tenant.get("/api/v1/users/nobody")
    tenant.get("/nowhere")

    assert control.get(f"{PATH}/count").json() == [
        {"method": "POST", "path": ADD, "count": 1},
        {"method": "GET", "path": "/api/v1/users", "count": 1},
        {"method": "GET", "path": "/api/v1/users/{id}", "count": 2},
        {"method": "GET", "path": "/nowhere", "count": 1},
        {"method": "GET", "path": "/v1.0/users", "count": 1},
    ]
    assert control.get(f"{PATH}/count", params={"writes": "true"}).json() == [
        {"method": "POST", "path": ADD, "count": 1}
    ]


def test_an_entry_tells_how_long_and_how_large_the_answer_was(control, tenant):
    answer = tenant.get("/api/v1/users")

    (call,) = control.get(PATH).json()
    assert set(call) == {
        "n", "at", "method", "path", "query", "status", "caller", "service", "writes", "operation", "tier",
        "milliseconds", "bytes", "fault",
    }  # fmt: skip
    assert call["bytes"] == len(answer.content)
    assert 0 < call["milliseconds"] <= answer.elapsed.total_seconds() * 1000


def test_what_was_asked_last_is_in_the_state_file_when_the_sandbox_ends(tmp_path, world_file):
    state = tmp_path / "sandbox.db"
    first = serve("--world", world_file, "--state", state)
    with first.client("sandbox-api-key") as tenant:
        tenant.get("/api/v1/users")
    assert first.stop() == 0
    second = serve("--state", state)
    with second.client() as control:
        assert paths(control) == ["/api/v1/users"]
    second.stop()


def test_thousands_of_entries_keep_their_order(control, tenant):
    names = [f"/api/v1/roles/{number}" for number in range(600)]
    for name in names:
        tenant.get(name)

    assert paths(control) == names


@pytest.mark.parametrize(
    "query", ["since=x", "since=-1", "since=99999999999999999999", "service=teapot", "writes=perhaps", "path=("]
)
def test_filters_that_make_no_sense_are_refused(control, query):
    for path in (PATH, f"{PATH}/count"):
        answer = control.get(f"{path}?{query}")
        assert answer.status_code == 400
        assert answer.json()["faults"]
