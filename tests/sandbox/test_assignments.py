import pytest
from serving import set_switches

PATH = "/api/v1/licenses/assignments"
NO_SEAT = "No available allotment error, No available allotment."


def act(tenant, verb, *items):
    answer = tenant.post(f"{PATH}/actions/{verb}", json={verb: list(items)})
    assert answer.status_code == 207
    return answer.json()["data"]


def row(subject, kind):
    return {"subject": subject, "type": kind}


def held(tenant):
    rows = tenant.get(PATH, params={"limit": 100}).json()["data"]
    return {(found["subject"], found["type"]) for found in rows}


def used(tenant):
    allotments = tenant.get("/api/v1/licenses/overview").json()["allotments"]
    return {allotment["name"]: allotment["unitsUsed"] for allotment in allotments}


def test_a_row_is_added_whether_or_not_its_subject_is_a_user(tenant):
    assert act(tenant, "add", row("not\\yet", "professional")) == [
        {"status": 201, "subject": "not\\yet", "type": "professional"}
    ]
    assert used(tenant) == {"professional": 2, "analyzer": 2}


def test_adding_without_a_seat_is_refused_item_by_item(tenant):
    outcomes = act(tenant, "add", *(row(f"s{number}", "professional") for number in range(3)))

    assert [outcome["status"] for outcome in outcomes] == [201, 201, 403]
    assert outcomes[2] == row("s2", "professional") | {
        "status": 403,
        "code": "LICENSES-011",
        "title": NO_SEAT,
    }


def test_the_overage_holds_seats_beyond_the_units(tenant):
    outcomes = act(tenant, "add", *(row(f"s{number}", "analyzer") for number in range(4)))

    assert [outcome["status"] for outcome in outcomes] == [201, 201, 201, 403]
    assert used(tenant)["analyzer"] == 5


@pytest.mark.parametrize(("position", "status"), [("created201", 201), ("ok200", 200), ("conflict409", 409)])
def test_adding_the_same_type_again_consumes_no_seat(control, tenant, position, status):
    set_switches(control, add_same_type=position)

    outcomes = act(tenant, "add", row("QLIK\\Kalle", "professional"))

    assert [outcome["status"] for outcome in outcomes] == [status]
    assert used(tenant)["professional"] == 1


@pytest.mark.parametrize(("position", "status"), [("conflict409", 409), ("secondRow201", 201)])
def test_adding_another_type_does_not_overwrite(control, tenant, position, status):
    set_switches(control, add_other_type=position)

    outcomes = act(tenant, "add", row("qlik\\kalle", "analyzer"))

    assert outcomes[0]["status"] == status
    assert ("qlik\\kalle", "professional") in held(tenant)


def test_an_unknown_type_or_an_empty_subject_fails_its_item_only(tenant):
    outcomes = act(tenant, "add", row("a", "fullUser"), row("", "analyzer"), row("b", "analyzer"))

    assert [outcome["status"] for outcome in outcomes] == [400, 400, 201]


def test_an_unknown_type_may_fail_the_whole_request(control, tenant):
    set_switches(control, bad_item="request400")

    body = {"add": [row("b", "analyzer"), row("a", "fullUser")]}
    answer = tenant.post(f"{PATH}/actions/add", json=body)

    assert answer.status_code == 400
    assert used(tenant)["analyzer"] == 2


def test_a_type_is_switched_by_update(tenant):
    item = {"subject": "qlik\\malik", "sourceType": "analyzer", "type": "professional"}

    assert act(tenant, "update", item) == [item | {"status": 200}]
    assert used(tenant) == {"professional": 2, "analyzer": 1}


def test_a_subject_is_moved_by_update(tenant):
    item = {"subject": "new", "sourceSubject": "qlik\\malik", "sourceType": "analyzer"}

    assert act(tenant, "update", item)[0]["status"] == 201
    assert ("new", "analyzer") in held(tenant)
    assert used(tenant)["analyzer"] == 2


def test_updating_what_is_not_assigned_is_not_found(tenant):
    item = {"subject": "qlik/sara", "sourceType": "analyzer", "type": "professional"}

    assert act(tenant, "update", item) == [
        {
            "code": "LICENSES-016",
            "sourceType": "analyzer",
            "status": 404,
            "subject": "qlik/sara",
            "title": "Assignment not found.",
        }
    ]


@pytest.mark.parametrize(("position", "survives"), [("keep", True), ("lose", False)])
def test_an_update_without_a_seat_is_refused(control, tenant, position, survives):
    set_switches(control, update_without_seat=position)
    act(tenant, "add", row("a", "professional"), row("b", "professional"))

    item = {"subject": "qlik\\malik", "sourceType": "analyzer", "type": "professional"}
    outcome = act(tenant, "update", item)[0]

    assert (outcome["status"], outcome["code"]) == (403, "LICENSES-011")
    assert (("qlik\\malik", "analyzer") in held(tenant)) is survives


def test_an_update_into_an_existing_row_is_a_conflict(tenant):
    item = {"subject": "fabrikam\\bo", "sourceSubject": "qlik\\malik", "sourceType": "analyzer"}

    assert act(tenant, "update", item)[0]["status"] == 409
    assert ("qlik\\malik", "analyzer") in held(tenant)


def test_a_row_is_deleted_by_subject_and_type(tenant):
    outcomes = act(tenant, "delete", row("QLIK\\malik", "analyzer"), row("qlik\\o", "analyzer"))

    assert outcomes[0] == row("QLIK\\malik", "analyzer") | {"status": 200}
    assert outcomes[1] == row("qlik\\o", "analyzer") | {
        "code": "LICENSES-016",
        "status": 404,
        "title": "Assignment not found.",
    }
    assert used(tenant)["analyzer"] == 1


def test_a_seat_freed_in_a_request_is_free_for_the_next(tenant):
    act(tenant, "add", row("a", "professional"), row("b", "professional"))
    act(tenant, "delete", row("a", "professional"))

    assert act(tenant, "add", row("c", "professional"))[0]["status"] == 201


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("add", {}),
        ("add", {"add": {}}),
        ("add", {"add": ["a"]}),
        ("add", {"add": [{"subject": "a"}]}),
        ("add", {"add": [{"subject": 1, "type": "analyzer"}]}),
        ("update", {"update": [{"type": "analyzer"}]}),
        ("delete", {"delete": [{"subject": "qlik\\malik"}]}),
        ("delete", []),
    ],
)
def test_a_malformed_body_is_refused_whole_in_the_shape_of_the_service(tenant, verb, body):
    answer = tenant.post(f"{PATH}/actions/{verb}", json=body)

    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "errors", "message"}


def test_a_body_that_is_no_json_is_refused(tenant):
    assert tenant.post(f"{PATH}/actions/add", content=b"{").status_code == 400


def test_the_license_may_write_domains_in_capitals(control, tenant):
    set_switches(control, subject_case="upperDomain")

    act(tenant, "add", row("qlik\\nalle", "analyzer"))

    assert ("QLIK\\nalle", "analyzer") in held(tenant)


def test_items_may_come_back_in_another_order(control, tenant):
    set_switches(control, item_order="reversed")

    outcomes = act(tenant, "add", row("a", "analyzer"), row("b", "analyzer"))

    assert [outcome["subject"] for outcome in outcomes] == ["b", "a"]


def test_rows_beyond_the_units_are_in_excess_newest_first(control, tenant):
    control.post("/_sandbox/tamper", json={"do": "setAllotment", "type": "analyzer", "units": 0})

    excess = {row["subject"]: row["excess"] for row in tenant.get(PATH).json()["data"]}

    assert excess == {"qlik\\kalle": False, "qlik\\malik": False, "fabrikam\\bo": True}


def test_orphans_are_subjects_without_a_user(tenant):
    rows = tenant.get(PATH, params={"orphans": "true"}).json()["data"]

    assert [found["subject"] for found in rows] == ["qlik\\malik", "fabrikam\\bo"]


def test_rows_are_filtered_by_subject_and_type(tenant):
    rows = tenant.get(PATH, params={"filter": 'subject eq "FABRIKAM\\\\bo" and type eq "analyzer"'})

    assert [found["subject"] for found in rows.json()["data"]] == ["fabrikam\\bo"]


@pytest.mark.parametrize(("position", "professional"), [("keep", True), ("false", False)])
def test_a_setting_left_out_is_kept_or_off(control, tenant, position, professional):
    set_switches(control, settings_omitted=position)
    path = "/api/v1/licenses/settings"
    tenant.put(path, json={"autoAssignProfessional": True, "autoAssignAnalyzer": False})

    body = tenant.put(path, json={"autoAssignAnalyzer": True}).json()

    assert body == {"autoAssignProfessional": professional, "autoAssignAnalyzer": True}
    assert tenant.get(path).json() == body


def test_settings_of_another_shape_are_refused(tenant):
    answer = tenant.put("/api/v1/licenses/settings", json={"autoAssignAnalyzer": "yes"})

    assert answer.status_code == 400
