"""Audits (qlik-api.md 10)."""

import pytest
from serving import WORLD, place

PATH = "/api/v1/audits"
ADD = "/api/v1/licenses/assignments/actions/add"
DAY = 24 * 3600
UPDATED = "com.qlik.license.assignment.updated"


def add(tenant, *subjects):
    items = [{"subject": subject, "type": "analyzer"} for subject in subjects]
    tenant.post(ADD, json={"add": items}).raise_for_status()


def advance(control, seconds):
    control.put("/_sandbox/clock", json={"advance": seconds}).raise_for_status()


def list_events(tenant, **query):
    return tenant.get(PATH, params=query).raise_for_status().json()["data"]


def subjects(tenant, **query):
    return [event["data"]["subject"] for event in list_events(tenant, eventType=UPDATED, **query)]


def test_an_event_tells_who_did_what_and_when(served, tenant):
    me = tenant.get("/api/v1/users/me", follow_redirects=True).json()["id"]
    add(tenant, "a")

    event = list_events(tenant)[0]

    assert list(event) == [
        "id", "eventId", "eventTime", "eventType", "eventTypeVersion", "source", "tenantId", "userId", "contentType",
        "data", "extensions", "links",
    ]  # fmt: skip
    assert event["data"] == {
        "subject": "a",
        "license": "9999000000001234",
        "type": "analyzer",
        "origin": "internal",
    }
    assert (event["userId"], event["tenantId"]) == (me, WORLD["tenant"]["id"])
    assert event["eventTime"].startswith("2026-11-02T08:0")
    assert event["links"]["self"]["href"] == f"{served.url}{PATH}/{event['id']}"
    assert tenant.get(event["links"]["self"]["href"]).json() == event


def test_the_newest_comes_first_unless_asked_otherwise(tenant):
    add(tenant, "a", "b")

    assert subjects(tenant) == ["b", "a"]
    assert subjects(tenant, sort="+eventTime") == ["a", "b"]


def test_a_page_has_ten_events_and_leads_to_the_next(control, tenant):
    place(control, allotments=WORLD["tenant"]["allotments"] | {"analyzer": {"units": 99}})
    add(tenant, *(f"s{number:02}" for number in range(25)))

    first = tenant.get(PATH).json()
    second = tenant.get(first["links"]["next"]["href"]).json()
    third = tenant.get(second["links"]["next"]["href"]).json()
    back = tenant.get(third["links"]["prev"]["href"]).json()

    found = [event["data"]["subject"] for page in (first, second, third) for event in page["data"]]
    assert found == [f"s{number:02}" for number in reversed(range(25))]
    assert [len(page["data"]) for page in (first, second, third)] == [10, 10, 5]
    assert back["data"] == second["data"]
    assert len(list_events(tenant, limit=100)) == 25


def test_events_are_found_by_time_by_author_by_source_and_by_id(control, tenant):
    add(tenant, "early")
    advance(control, 2 * 3600)
    control.post("/_sandbox/tamper", json={"do": "assign", "subject": "late", "type": "analyzer"})
    late = list_events(tenant, eventType=UPDATED)[0]

    assert subjects(tenant, eventTime="2026-11-02T09:00:00Z/2026-11-02T12:00:00Z") == ["late"]
    assert subjects(tenant, eventTime="2026-11-02T09:00:00+01:00/2026-11-02T09:30:00Z") == ["early"]
    assert subjects(tenant, userId=late["userId"]) == ["late"]
    assert subjects(tenant, id=f"{late['id']},nothing") == ["late"]
    assert subjects(tenant, source="com.qlik/licenses") == ["late", "early"]
    assert subjects(tenant, source="com.qlik/LICENSES") == []


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 101},
        {"limit": 0},
        {"sort": "userId"},
        {"eventTime": "yesterday"},
        {"eventTime": "2026-11-02"},
        {"next": "x"},
        {"id": ",".join("x" * 101)},
    ],
)
def test_a_query_that_makes_no_sense_is_refused(tenant, query):
    assert tenant.get(PATH, params=query).status_code == 400


def test_after_ninety_days_events_are_in_the_archive_only(control, tenant):
    add(tenant, "old")
    event = list_events(tenant)[0]
    archive = {"date": "2026-11-02"}
    assert tenant.get(f"{PATH}/archive", params=archive).json() == {"data": []}

    advance(control, 91 * DAY)

    assert list_events(tenant) == []
    assert tenant.get(f"{PATH}/{event['id']}").status_code == 404
    found = tenant.get(f"{PATH}/archive", params=archive).json()["data"]
    assert found == [{name: value for name, value in event.items() if name not in {"id", "links"}}]
    assert tenant.get(f"{PATH}/archive", params={"date": "2026-11-03"}).json() == {"data": []}
    assert tenant.get(f"{PATH}/archive").status_code == 400
    assert tenant.get(f"{PATH}/archive", params={"date": "9999-12-31"}).json() == {"data": []}


def test_types_sources_and_settings_are_told(tenant):
    add(tenant, "a")

    assert tenant.get(f"{PATH}/types").json()["data"] == [UPDATED]
    assert tenant.get(f"{PATH}/sources").json()["data"] == ["com.qlik/licenses"]
    assert tenant.get(f"{PATH}/settings").json() == {"data": {"ArchiveEnabled": True, "EventTTL": 90 * DAY}}


def test_an_audit_administrator_reads_and_a_member_does_not(control, served):
    users = [
        user | ({"assignedRoles": ["AuditAdmin"]} if user["name"] == "Kalle" else {})
        for user in WORLD["tenant"]["users"]
    ]
    keys = [*WORLD["tenant"]["apiKeys"], {"token": "audit-key", "subject": "qlik\\kalle"}]
    place(control, users=users, apiKeys=keys)

    for token, status in (("audit-key", 200), ("member-api-key", 403), ("nothing", 401)):
        with served.client(token) as client:
            assert client.get(PATH).status_code == status


def test_a_fresh_world_has_no_past_but_the_one_it_tells(control, tenant):
    assert list_events(tenant) == []
    event = {
        "id": "a1",
        "eventTime": "2026-10-30T10:00:00Z",
        "eventType": "com.qlik.core.user.deleted",
        "source": "com.qlik/identities",
        "userId": "646e2faf41d790506de740d0",
        "data": {"id": "62b6024fcdf339bb986fae75"},
        "extensions": {"actor": {"sub": "x", "subType": "user"}},
    }
    place(control, audits=[event])

    found = list_events(tenant)[0]
    assert (found["id"], found["extensions"]) == ("a1", event["extensions"])


def test_events_survive_a_snapshot(control, tenant):
    add(tenant, "b", "a", "c")
    before, listed = control.get("/_sandbox/world").json(), list_events(tenant)

    control.put("/_sandbox/world", json=before).raise_for_status()

    assert control.get("/_sandbox/world").json() == before
    assert list_events(tenant) == listed


def test_the_consumption_app_is_not_part_of_the_sandbox(tenant):
    assert tenant.post(f"{PATH}/actions/fetch-consumption-app").status_code == 501
