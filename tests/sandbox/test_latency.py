import time
from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture
def latency(control):
    """What sets the latency; it ends with the test."""

    def put(**body):
        return control.put("/_sandbox/latency", json=body)

    yield put
    control.delete("/_sandbox/latency").raise_for_status()


def seconds(client, path):
    return client.get(path).elapsed.total_seconds()


def test_every_answer_comes_later_and_those_of_the_control_plane_at_once(control, tenant, latency):
    assert latency(seconds=0.2).json() == {"seconds": 0.2, "jitter": 0.0, "path": ""}

    assert seconds(tenant, "/api/v1/users") >= 0.2
    assert seconds(tenant, "/v1.0/users") >= 0.2
    assert seconds(control, "/_sandbox/") < 0.2


def test_latency_may_be_that_of_one_path(tenant, latency):
    latency(seconds=0.2, path="/roles$")

    assert seconds(tenant, "/api/v1/users") < 0.2
    assert seconds(tenant, "/api/v1/roles") >= 0.2


def test_jitter_never_makes_an_answer_come_before_its_time(tenant, latency):
    latency(seconds=0.1, jitter=0.05)

    assert all(seconds(tenant, "/api/v1/roles") >= 0.05 for _ in range(5))


def test_slow_answers_wait_side_by_side(served, latency):
    latency(seconds=0.5)
    with served.client("sandbox-api-key") as client, ThreadPoolExecutor(8) as pool:
        began = time.perf_counter()
        answers = list(pool.map(lambda _: client.get("/api/v1/roles").status_code, range(8)))
        assert time.perf_counter() - began < 8 * 0.5 / 2
    assert answers == [200] * 8


def test_the_log_counts_the_time_the_caller_waited(control, tenant, latency):
    latency(seconds=0.2)
    tenant.get("/api/v1/roles")

    (call,) = control.get("/_sandbox/requests").json()
    assert call["milliseconds"] >= 200


def test_latency_ends_on_demand(control, tenant, latency):
    latency(seconds=0.3)
    assert control.delete("/_sandbox/latency").status_code == 204

    assert control.get("/_sandbox/latency").json() == {"seconds": 0, "jitter": 0, "path": ""}
    assert seconds(tenant, "/api/v1/roles") < 0.3


@pytest.mark.parametrize(
    "body", [{"seconds": -1}, {"seconds": "x"}, {"seconds": 1e9}, {"path": "("}, {"teapot": 1}, []]
)
def test_latency_that_makes_no_sense_is_refused(control, body):
    answer = control.put("/_sandbox/latency", json=body)

    assert answer.status_code == 400
    assert answer.json()["faults"]
