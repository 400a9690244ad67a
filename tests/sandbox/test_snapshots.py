import pytest
from serving import CLIENT, READERS, directory_token, person

PATH = "/_sandbox/snapshots"
ADD = "/api/v1/licenses/assignments/actions/add"


@pytest.fixture
def keep(control):
    """What keeps the present state and returns the snapshot's id; all are forgotten after the test."""

    def keep(**body):
        return control.post(PATH, json=body).raise_for_status().json()["id"]

    yield keep
    for snapshot in control.get(PATH).json():
        control.delete(f"{PATH}/{snapshot['id']}").raise_for_status()


def restore(control, snapshot, **body):
    return control.post(f"{PATH}/{snapshot}/restore", json=body).raise_for_status()


def world(control):
    return control.get("/_sandbox/world").content


def mint(client):
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": "sandbox-client-secret"}
    return client.post("/oauth/token", data=form).json()["access_token"]


def test_a_snapshot_brings_everything_back_as_often_as_wanted(control, tenant, graph, keep):
    before, snapshot = world(control), keep()
    for _ in range(2):
        tenant.post(ADD, json={"add": [{"subject": "new", "type": "analyzer"}]})
        graph.delete(f"/v1.0/groups/{READERS}").raise_for_status()
        control.post("/_sandbox/tamper", json={"do": "disableUser", "user": person(1)}).raise_for_status()
        assert world(control) != before

        restore(control, snapshot)

        assert world(control) == before
        assert control.get("/_sandbox/tamper").json() == []


def test_tokens_live_as_long_as_the_state_that_knows_them(control, everyone, keep):
    older = {"Authorization": f"Bearer {mint(everyone)}"}
    snapshot = keep()
    newer = {"Authorization": f"Bearer {mint(everyone)}"}
    restore(control, snapshot)

    assert everyone.get("/api/v1/users", headers=older).status_code == 200
    assert everyone.get("/api/v1/users", headers=newer).status_code == 401


def test_a_world_put_in_between_is_forgotten_with_its_tokens(control, tenant, keep):
    before, snapshot = world(control), keep()
    control.put("/_sandbox/world", json={"world": 1}).raise_for_status()
    assert tenant.get("/api/v1/users").status_code == 401

    restore(control, snapshot)

    assert world(control) == before
    assert tenant.get("/api/v1/users").status_code == 200


def test_the_clock_goes_back_or_runs_on_as_asked(control, keep):
    snapshot = keep()
    control.put("/_sandbox/clock", json={"advance": 86_400})

    restore(control, snapshot, clock=False)
    assert control.get("/_sandbox/").json()["clock"].startswith("2026-11-03T08:0")
    restore(control, snapshot)
    assert control.get("/_sandbox/").json()["clock"].startswith("2026-11-02T08:0")


def test_faults_latency_and_limits_come_back_too(control, tenant, keep):
    control.post("/_sandbox/faults", json={"path": "/roles$", "status": 503, "count": 2}).raise_for_status()
    control.put("/_sandbox/limits", json={"tiers": {"T1": 1}})
    tenant.get("/api/v1/users")
    snapshot = keep()
    budget = control.get("/_sandbox/limits").json()["buckets"]
    tenant.get("/api/v1/roles")
    tenant.get("/api/v1/users")
    control.put("/_sandbox/latency", json={"seconds": 0.01})

    restore(control, snapshot)

    assert [fault["count"] for fault in control.get("/_sandbox/faults").json()] == [2]
    assert control.get("/_sandbox/latency").json()["seconds"] == 0
    assert control.get("/_sandbox/limits").json()["buckets"] == budget


def test_the_request_log_goes_on_and_gives_no_number_twice(control, tenant, keep):
    tenant.get("/api/v1/users")
    snapshot = keep()
    tenant.get("/api/v1/roles")
    seen = control.get("/_sandbox/requests").json()
    restore(control, snapshot)
    assert control.get("/_sandbox/requests").json() == seen

    control.delete("/_sandbox/requests")
    restore(control, snapshot)
    tenant.get("/api/v1/users")
    assert control.get("/_sandbox/requests").json()[0]["n"] > seen[-1]["n"]


def test_changes_of_the_directory_are_recorded_after_a_restore(control, keep, graph):
    snapshot = keep()
    restore(control, snapshot)
    headers = {"Authorization": f"Bearer {directory_token(control)}"}
    link = graph.get("/v1.0/groups/delta", headers=headers)
    while "@odata.deltaLink" not in link.json():
        link = graph.get(link.json()["@odata.nextLink"], headers=headers)

    graph.patch(f"/v1.0/groups/{READERS}", json={"description": "new"}, headers=headers).raise_for_status()

    changed = graph.get(link.json()["@odata.deltaLink"], headers=headers).json()["value"]
    assert [group["id"] for group in changed] == [READERS]


def test_snapshots_are_listed_named_and_forgotten(control, keep):
    first, second = keep(name="before"), keep()

    listed = control.get(PATH).json()

    assert [(entry["id"], entry["name"]) for entry in listed] == [(first, "before"), (second, "")]
    assert all(entry["bytes"] > 0 and entry["at"].startswith("2026-11-02T08:0") for entry in listed)
    assert control.delete(f"{PATH}/{first}").status_code == 204
    assert control.post(f"{PATH}/{first}/restore").status_code == 404
    assert control.delete(f"{PATH}/{first}").status_code == 404


@pytest.mark.parametrize("body", [{"name": 1}, {"teapot": 1}, [], "x"])
def test_a_snapshot_that_makes_no_sense_is_refused(control, body):
    assert control.post(PATH, json=body).status_code == 400
    assert control.get(PATH).json() == []
