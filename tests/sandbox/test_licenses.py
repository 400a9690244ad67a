"""The license: its overview, its status, what was consumed, and what happens around its rows (qlik-api.md 2)."""

import pytest
from serving import WORLD, place

PATH = "/api/v1/licenses"
ROWS = f"{PATH}/assignments"
HOUR = 3600
DAY = 24 * HOUR


def act(tenant, verb, *items):
    answer = tenant.post(f"{ROWS}/actions/{verb}", json={verb: list(items)})
    assert answer.status_code == 207, answer.text
    return answer.json()["data"]


def row(subject, kind):
    return {"subject": subject, "type": kind}


def subjects(tenant, **query):
    return [found["subject"] for found in tenant.get(ROWS, params=query).raise_for_status().json()["data"]]


def used(tenant):
    return {found["name"]: found["unitsUsed"] for found in tenant.get(f"{PATH}/overview").json()["allotments"]}


def advance(control, seconds):
    control.put("/_sandbox/clock", json={"advance": seconds}).raise_for_status()


def tamper(control, **deed):
    return control.post("/_sandbox/tamper", json={"by": "maria.admin@contoso.test"} | deed)


def events(tenant, **query):
    """Return the events of assignments, the oldest first."""
    found = tenant.get("/api/v1/audits", params={"limit": 100, "sort": "+eventTime"} | query).json()["data"]
    return [event for event in found if event["eventType"].startswith("com.qlik.license.assignment.")]


def told(tenant):
    return [(event["eventType"].rpartition(".")[2], event["data"]["subject"]) for event in events(tenant)]


def test_the_overview_is_the_license_of_the_world(control, tenant):
    license = {
        "number": "1234123412341234",
        "key": "eyJ-signed",
        "product": "Qlik Sense Enterprise",
        "origin": "Internal",
        "trial": True,
        "valid": "./2027-05-30",
        "updated": "0001-01-01T00:00:00Z",
        "secondaryNumber": "77",
        "version": "9",
        "parameters": [{"name": "capacity", "valid": "./.", "access": {"allotment": "analyzer"}, "values": {"n": 1}}],
        "customerId": "contoso",
        "parentLicenseNumber": "1",
    }
    place(control, license=license)

    body = tenant.get(f"{PATH}/overview").json()

    del body["allotments"]
    assert body == {
        "licenseKey": "eyJ-signed",
        "licenseNumber": "1234123412341234",
        "origin": "Internal",
        "parameters": [{"name": "capacity", "valid": "./.", "access": {"allotment": "analyzer"}, "values": {"n": 1}}],
        "product": "Qlik Sense Enterprise",
        "secondaryNumber": "77",
        "status": "Ok",
        "trial": True,
        "updated": "0001-01-01T00:00:00Z",
        "valid": "./2027-05-30",
        "version": "9",
        "customerId": "contoso",
        "parentLicenseNumber": "1",
    }


def test_a_pool_of_minutes_stands_in_the_overview_and_is_assigned_to_nobody(control, tenant):
    pool = {"units": 5, "usageClass": "time", "unitsUsed": 2, "overage": -1}
    place(control, allotments=WORLD["tenant"]["allotments"] | {"analyzer_time": pool})

    shown = tenant.get(f"{PATH}/overview").json()["allotments"][-1]

    assert shown == {"name": "analyzer_time", **pool}
    assert act(tenant, "add", row("a", "analyzer_time"))[0]["status"] == 400


@pytest.mark.parametrize("status", ["Ok", "Blacklisted", "Expired", "Missing"])
def test_the_status_says_whether_the_license_grants_access(control, tenant, status):
    place(control, license={"status": status, "type": "2.0", "extensionStatus": "Pending", "deactivated": True})

    assert tenant.get(f"{PATH}/status").json() == {
        "type": "2.0",
        "origin": "External",
        "product": "Qlik Cloud Enterprise",
        "status": status,
        "trial": False,
        "valid": "2026-01-01/2027-12-31",
        "extensionStatus": "Pending",
        "deactivated": True,
    }


def test_without_a_license_the_status_is_missing_and_the_overview_not_found(control, tenant):
    place(control, license=None)

    assert tenant.get(f"{PATH}/status").json()["status"] == "Missing"
    assert tenant.get(f"{PATH}/overview").status_code == 404


def test_without_a_license_the_status_may_not_be_found(control, tenant):
    place(control, {"license-absent-status": "notFound404"}, license=None)

    assert tenant.get(f"{PATH}/status").status_code == 404


SESSIONS = [
    {"id": f"s{number}", "endTime": f"2026-10-{number + 1:02}T12:00:00Z", "minutesUsed": number} for number in range(5)
]


def test_consumption_is_read_in_pages(control, tenant):
    place(control, consumption=SESSIONS)

    first = tenant.get(f"{PATH}/consumption", params={"limit": 3}).json()
    second = tenant.get(first["links"]["next"]["href"]).json()

    assert [entry["id"] for entry in first["data"] + second["data"]] == ["s0", "s1", "s2", "s3", "s4"]
    assert first["data"][1] == {
        "id": "s1",
        "appId": "",
        "userId": "",
        "endTime": "2026-10-02T12:00:00.000Z",
        "duration": "",
        "sessionId": "",
        "allotmentId": "",
        "minutesUsed": 1,
        "capacityUsed": 0,
        "licenseUsage": "",
    }
    assert list(second["links"]) == ["prev"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"filter": 'endTime ge "2026-10-03T12:00:00.000Z"'}, ["s2", "s3", "s4"]),
        ({"filter": 'endTime gt "2026-10-01" and endTime lt "2026-10-03"'}, ["s0", "s1"]),
        ({"filter": 'endTime eq "2026-10-02T12:00:00+00:00"'}, ["s1"]),
        ({"sort": "-endTime", "limit": 2}, ["s4", "s3"]),
    ],
)
def test_consumption_is_filtered_and_sorted_by_the_end_of_the_session(control, tenant, query, found):
    place(control, consumption=SESSIONS)

    assert [entry["id"] for entry in tenant.get(f"{PATH}/consumption", params=query).json()["data"]] == found


@pytest.mark.parametrize("query", [{"filter": 'appId eq "x"'}, {"sort": "appId"}, {"limit": 201}, {"page": "x"}])
def test_consumption_refuses_what_it_does_not_know(tenant, query):
    assert tenant.get(f"{PATH}/consumption", params=query).status_code == 400


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("-created", ["fabrikam\\bo", "qlik\\malik", "qlik\\kalle"]),
        ("+subject", ["fabrikam\\bo", "qlik\\kalle", "qlik\\malik"]),
        ("type", ["qlik\\malik", "fabrikam\\bo", "qlik\\kalle"]),
    ],
)
def test_rows_are_sorted_by_what_they_show(tenant, sort, found):
    assert subjects(tenant, sort=sort) == found


def test_a_sorted_list_is_followed_by_its_cursor(tenant):
    seen, url = [], f"{ROWS}?limit=1&sort=-created"
    while url:
        body = tenant.get(url).json()
        seen += [found["subject"] for found in body["data"]]
        url = body["links"].get("next", {}).get("href")

    assert seen == ["fabrikam\\bo", "qlik\\malik", "qlik\\kalle"]


@pytest.mark.parametrize(("position", "status"), [("ignored", 200), ("refused400", 400)])
def test_sorting_rows_may_be_ignored_or_refused(control, tenant, position, status):
    place(control, {"assignments-sort": position})

    assert tenant.get(ROWS, params={"sort": "-created"}).status_code == status


def test_an_unknown_field_does_not_sort(tenant):
    assert tenant.get(ROWS, params={"sort": "name"}).status_code == 400


def test_rows_are_filtered_by_their_excess(control, tenant):
    tamper(control, do="setAllotment", type="analyzer", units=0)

    assert subjects(tenant, filter="excess eq true") == ["fabrikam\\bo"]
    assert subjects(tenant, filter='excess eq "false"') == ["qlik\\kalle", "qlik\\malik"]
    assert subjects(tenant, sort="-excess")[0] == "fabrikam\\bo"


def test_excess_goes_when_there_are_seats_again(control, tenant):
    tamper(control, do="setAllotment", type="analyzer", units=0)
    before = control.get("/_sandbox/world").json()
    control.put("/_sandbox/world", json=before).raise_for_status()
    assert control.get("/_sandbox/world").json()["tenant"] == before["tenant"]

    tamper(control, do="setAllotment", type="analyzer", units=4)

    assert subjects(tenant, filter="excess eq true") == []


def test_rows_are_filtered_by_the_deprecated_attributes(tenant):
    user = tenant.get("/api/v1/users", params={"filter": 'name eq "Kalle"'}).json()["data"][0]

    assert subjects(tenant, filter='name eq "kalle"') == ["qlik\\kalle"]
    assert subjects(tenant, filter=f'userId eq "{user["id"]}"') == ["qlik\\kalle"]


def test_only_the_deprecated_attributes_may_filter(control, tenant):
    place(control, {"assignments-filter": "deprecatedOnly"})

    assert tenant.get(ROWS, params={"filter": 'type eq "analyzer"'}).status_code == 400
    assert subjects(tenant, filter='name eq "kalle"') == ["qlik\\kalle"]


@pytest.mark.parametrize(("position", "status"), [("eq", 400), ("eqAndCo", 200)])
def test_contains_is_an_operator_or_none(control, tenant, position, status):
    place(control, {"assignments-filter-operators": position})

    answer = tenant.get(ROWS, params={"filter": 'subject co "KALLE"'})

    assert answer.status_code == status
    assert position == "eq" or [found["subject"] for found in answer.json()["data"]] == ["qlik\\kalle"]


@pytest.mark.parametrize(("position", "status"), [("unlimited", 207), ("over100is400", 400), ("over100is413", 413)])
def test_a_batch_of_more_than_a_hundred_may_be_too_long(control, tenant, position, status):
    place(control, {"batch-limit": position})
    items = [row(f"s{number}", "analyzer") for number in range(101)]

    assert tenant.post(f"{ROWS}/actions/delete", json={"delete": items}).status_code == status
    assert tenant.post(f"{ROWS}/actions/delete", json={"delete": items[:100]}).status_code == 207


@pytest.mark.parametrize(("position", "held"), [("caseless", 1), ("exact", 2)])
def test_the_case_of_a_subject_counts_or_not(control, tenant, position, held):
    place(control, {"subject-match": position})

    assert act(tenant, "add", row("QLIK\\Kalle", "professional"))[0]["status"] == 201
    assert used(tenant)["professional"] == held
    assert act(tenant, "delete", row("qlik\\KALLE", "professional"))[0]["status"] == (200 if held == 1 else 404)


def test_what_is_deprecated_in_an_add_is_accepted_and_not_told(tenant):
    item = row("a", "analyzer") | {"name": "A", "userId": "646e2faf41d790506de740d0"}

    assert act(tenant, "add", item) == [{"status": 201, "subject": "a", "type": "analyzer"}]


def test_units_used_follow_at_once_or_later(control, tenant):
    place(control, {"units-used": "delayed"}, license={"unitsUsedDelay": 60})
    act(tenant, "add", row("a", "professional"))
    act(tenant, "update", {"subject": "qlik\\malik", "sourceType": "analyzer", "type": "professional"})
    assert used(tenant) == {"professional": 1, "analyzer": 2}
    # Seats themselves are counted at once, whatever the overview tells.
    assert act(tenant, "add", row("b", "professional"))[0]["status"] == 403

    advance(control, 61)

    assert used(tenant) == {"professional": 3, "analyzer": 1}


def test_a_seat_given_back_may_stay_in_use_for_seven_days(control, tenant):
    place(
        control, {"seat-quarantine": "sevenDays"}, allotments={"professional": {"units": 1}, "analyzer": {"units": 9}}
    )
    act(tenant, "delete", row("qlik\\kalle", "professional"))
    assert used(tenant)["professional"] == 1
    assert act(tenant, "add", row("a", "professional"))[0]["status"] == 403
    kept = control.get("/_sandbox/world").json()["tenant"]
    control.put("/_sandbox/world", json={"world": 1, "tenant": kept, "switches": {"seat-quarantine": "sevenDays"}})
    assert act(tenant, "add", row("a", "professional"))[0]["status"] == 403

    advance(control, 7 * DAY + 1)

    assert act(tenant, "add", row("a", "professional"))[0]["status"] == 201


def test_who_held_a_quarantined_seat_gets_it_back(control, tenant):
    place(
        control, {"seat-quarantine": "sevenDays"}, allotments={"professional": {"units": 1}, "analyzer": {"units": 9}}
    )
    act(tenant, "delete", row("qlik\\kalle", "professional"))

    assert act(tenant, "add", row("qlik\\kalle", "professional"))[0]["status"] == 201
    assert used(tenant)["professional"] == 1


def test_every_change_of_a_row_is_an_event_of_the_caller(tenant):
    me = tenant.get("/api/v1/users/me", follow_redirects=True).json()["id"]
    act(tenant, "add", row("a", "analyzer"), row("qlik\\kalle", "professional"))
    act(tenant, "update", {"subject": "a", "sourceType": "analyzer", "type": "professional"})
    act(tenant, "delete", row("a", "professional"), row("nobody", "analyzer"))

    assert told(tenant) == [("updated", "a"), ("updated", "a"), ("deleted", "a")]
    assert {event["userId"] for event in events(tenant)} == {me}
    assert events(tenant)[0]["data"] == {
        "subject": "a",
        "license": "9999000000001234",
        "type": "analyzer",
        "origin": "internal",
    }
    assert events(tenant)[0]["source"] == "com.qlik/licenses"


def test_an_assignment_without_a_seat_is_an_event_too(tenant):
    act(tenant, "add", *(row(f"s{number}", "professional") for number in range(3)))

    assert told(tenant) == [("updated", "s0"), ("updated", "s1"), ("rejected", "s2")]
    assert events(tenant)[2]["data"]["message"] == "No available allotment error, No available allotment."


def test_a_request_that_is_refused_whole_is_no_event(control, tenant):
    place(control, {"bad-item": "request400"})
    tenant.post(f"{ROWS}/actions/add", json={"add": [row("a", "analyzer"), row("b", "nothing")]})

    assert told(tenant) == []
    assert "a" not in subjects(tenant)


def test_an_administrator_who_acts_by_hand_is_a_user_of_the_tenant(control, tenant):
    tamper(control, do="revoke", subject="qlik\\malik", type="analyzer").raise_for_status()
    tamper(control, do="assign", subject="x", type="analyzer").raise_for_status()

    authors = {event["userId"] for event in events(tenant)}
    assert len(authors) == 1
    maria = tenant.get(f"/api/v1/users/{authors.pop()}").json()
    assert maria["email"] == "maria.admin@contoso.test"
    assert [role["name"] for role in maria["assignedRoles"]] == ["TenantAdmin"]


def test_an_administrator_who_is_known_by_mail_stays_the_same_user(control, tenant):
    tamper(control, do="revoke", subject="qlik\\malik", type="analyzer", by="KALLE@contoso.test").raise_for_status()

    author = events(tenant)[0]["userId"]
    assert tenant.get(f"/api/v1/users/{author}").json()["subject"] == "qlik\\kalle"


def test_another_tenant_on_the_license_takes_seats_as_somebody_unknown_here(control, tenant):
    before = tenant.get("/api/v1/users", params={"totalResults": "true"}).json()["totalResults"]
    by = {"tenant": "other", "by": "eva.admin@fabrikam.test"}
    tamper(control, do="assign", subject="fabrikam\\eva", type="professional", **by).raise_for_status()
    tamper(control, do="switch", subject="fabrikam\\bo", type="professional", **{"from": "analyzer"}, **by)
    tamper(control, do="revoke", subject="fabrikam\\eva", type="professional", **by).raise_for_status()

    assert told(tenant) == [("updated", "fabrikam\\eva"), ("updated", "fabrikam\\bo"), ("deleted", "fabrikam\\eva")]
    assert {(event["userId"], event["data"]["origin"]) for event in events(tenant)} == {("", "external")}
    assert used(tenant) == {"professional": 2, "analyzer": 1}
    assert tenant.get("/api/v1/users", params={"totalResults": "true"}).json()["totalResults"] == before


def test_another_tenant_may_not_be_heard_of(control, tenant):
    place(control, {"other-tenant-audit": "silent"})
    tamper(control, do="assign", subject="fabrikam\\eva", type="professional", tenant="other").raise_for_status()

    assert told(tenant) == []
    assert "fabrikam\\eva" in subjects(tenant)


def test_what_the_vendor_changes_is_an_event_of_nobody(control, tenant):
    tamper(control, do="setAllotment", type="analyzer", units=9)
    tamper(control, do="setLicenseStatus", status="Expired")

    found = tenant.get("/api/v1/audits", params={"eventType": "com.qlik.license.definition.updated"}).json()["data"]
    assert [(event["userId"], event["data"]["license"]) for event in found] == [("", "9999000000001234")] * 2


@pytest.mark.parametrize(("verb", "path"), [("GET", f"{PATH}/consumption"), ("GET", ROWS), ("PUT", f"{PATH}/settings")])
def test_who_is_no_administrator_is_refused(served, verb, path):
    with served.client("member-api-key") as member:
        assert member.request(verb, path, json={}).status_code == 403


def listed(tenant):
    rows = tenant.get(ROWS, params={"limit": 100}).raise_for_status().json()["data"]
    return [(found["subject"], found["type"]) for found in rows]


def test_the_list_may_miss_a_write_for_some_reads(control, tenant):
    place(control, {"assignments-list": "delayed"}, license={"assignmentsLagReads": 2})
    before = listed(tenant)
    act(tenant, "add", row("a", "analyzer"))
    act(tenant, "delete", row("qlik\\kalle", "professional"))
    # Seats themselves are counted at once, whatever the list shows.
    assert used(tenant) == {"professional": 0, "analyzer": 3}

    seen = [listed(tenant) for _ in range(3)]

    assert seen[0] == seen[1] == before
    assert ("a", "analyzer") in seen[2]
    assert ("qlik\\kalle", "professional") not in seen[2]


def test_a_late_list_is_late_on_all_of_its_pages(control, tenant):
    place(control, {"assignments-list": "delayed"})
    before = listed(tenant)
    act(tenant, "add", row("a", "analyzer"))
    act(tenant, "update", {"subject": "a", "sourceType": "analyzer", "type": "professional"})

    pages = [tenant.get(ROWS, params={"limit": 1}).json()]
    while (pages[-1]["links"].get("next") or {}).get("href"):
        pages.append(tenant.get(pages[-1]["links"]["next"]["href"]).json())

    assert [(item["subject"], item["type"]) for page in pages for item in page["data"]] == before
    assert ("a", "professional") in listed(tenant)
