import pytest
from serving import CLIENT, READERS, WORLD, person

ADD = "/api/v1/licenses/assignments/actions/add"


def tamper(control, **act):
    return control.post("/_sandbox/tamper", json={"by": "maria.admin@contoso.test"} | act)


def snapshot(control):
    return control.get("/_sandbox/world").json()


def test_a_sandbox_is_recognised(served, control):
    body = control.get("/_sandbox/").json()

    assert (body["sandbox"], body["pid"]) == (1, served.pid)
    assert body["clock"].startswith("2026-11-02T08:0")


def test_the_clock_is_set_and_moved_and_dates_every_answer(control, tenant):
    control.put("/_sandbox/clock", json={"now": "2027-01-31T23:59:50Z"})
    assert tenant.get("/api/v1/spaces").headers["date"].startswith("Sun, 31 Jan 2027 23:59:5")

    control.put("/_sandbox/clock", json={"advance": 60})
    assert tenant.get("/api/v1/spaces").headers["date"].startswith("Mon, 01 Feb 2027 00:00:5")


@pytest.mark.parametrize("body", [{}, {"now": "x"}, {"now": "2027-01-01T00:00:00Z", "advance": 1}])
def test_a_clock_that_makes_no_sense_is_refused(control, body):
    assert control.put("/_sandbox/clock", json=body).status_code == 400


def test_two_snapshots_of_one_state_are_the_same_bytes(control):
    first = control.get("/_sandbox/world").content
    control.put("/_sandbox/world", content=first).raise_for_status()

    assert control.get("/_sandbox/world").content == first


def test_a_snapshot_shows_what_was_written(control, tenant):
    tenant.post(ADD, json={"add": [{"subject": "new", "type": "analyzer"}]})
    tamper(control, do="removeMember", group="BI Readers", member="person000@contoso.test")

    world = snapshot(control)

    assert "new" in [row["subject"] for row in world["tenant"]["assignments"]]
    readers = next(group for group in world["directory"]["groups"] if group["id"] == READERS)
    assert person(0) not in readers["members"]


def test_a_bad_world_is_refused_and_changes_nothing(control):
    before = control.get("/_sandbox/world").content
    answer = control.put("/_sandbox/world", json={"world": 1, "teapot": 1})

    assert answer.status_code == 400
    assert answer.json()["faults"] == ["teapot: extra inputs are not permitted"]
    assert control.get("/_sandbox/world").content == before


def test_the_log_tells_who_asked_for_what(control, tenant):
    tenant.get("/api/v1/users", params={"limit": "2"})
    tenant.post(ADD, json={"add": []})
    control.get("/v1.0/users")

    calls = control.get("/_sandbox/requests").json()

    assert [(call["service"], call["method"], call["path"], call["query"]) for call in calls] == [
        ("qlik", "GET", "/api/v1/users", "limit=2"),
        ("qlik", "POST", ADD, ""),
        ("graph", "GET", "/v1.0/users", ""),
    ]
    assert [(call["status"], call["caller"], call["writes"]) for call in calls] == [
        (200, "auth0|admin", False),
        (207, "auth0|admin", True),
        (401, "", False),
    ]


def test_the_log_is_read_from_a_number_on_and_emptied(control, tenant):
    tenant.get("/api/v1/users")
    seen = control.get("/_sandbox/requests").json()[-1]["n"]
    tenant.get("/api/v1/roles")

    later = control.get("/_sandbox/requests", params={"since": seen}).json()
    assert [call["path"] for call in later] == ["/api/v1/roles"]
    control.delete("/_sandbox/requests")
    assert control.get("/_sandbox/requests").json() == []


def test_filter_posts_and_tokens_are_no_writes(control, tenant):
    tenant.post("/api/v1/users/actions/filter", json={})
    tenant.post("/oauth/token", json={"client_id": CLIENT})

    assert [call["writes"] for call in control.get("/_sandbox/requests").json()] == [False, False]


def test_rows_are_changed_by_hand(control):
    acts = [
        {"do": "assign", "subject": "x", "type": "analyzer"},
        {"do": "switch", "subject": "x", "from": "analyzer", "type": "professional"},
        {"do": "revoke", "subject": "qlik\\malik", "type": "analyzer"},
    ]

    assert [tamper(control, **act).status_code for act in acts] == [204, 204, 204]
    rows = {(row["subject"], row["type"]) for row in snapshot(control)["tenant"]["assignments"]}
    assert rows == {("x", "professional"), ("qlik\\kalle", "professional"), ("fabrikam\\bo", "analyzer")}
    assert [act["by"] for act in control.get("/_sandbox/tamper").json()] == ["maria.admin@contoso.test"] * 3


def test_accounts_are_disabled_and_enabled_by_hand(control):
    tamper(control, do="disableUser", user="person001@contoso.test")
    tamper(control, do="enableUser", user=person(7))

    enabled = {user["id"]: user["accountEnabled"] for user in snapshot(control)["directory"]["users"]}
    assert (enabled[person(1)], enabled[person(7)]) == (False, True)


def test_properties_of_a_user_are_changed_and_taken_away_by_hand(control):
    extension = "extension_0123456789abcdef0123456789abcdef_canEdit"
    given = {
        "department": "Sales",
        "mail": "new@contoso.test",
        "userPrincipalName": "new@contoso.test",
        extension: True,
    }

    assert tamper(control, do="changeUser", user=person(1), properties=given).status_code == 204
    assert tamper(control, do="changeUser", user="NEW@contoso.test", properties={"mail": None}).status_code == 204

    (user,) = [user for user in snapshot(control)["directory"]["users"] if user["id"] == person(1)]
    assert {name: user.get(name) for name in given} == {**given, "mail": None}


def test_groups_are_renamed_deleted_and_put_back_by_hand(control):
    control.put("/_sandbox/switches", json={"deleted-security-group": "recoverable"})

    def names():
        return {group["id"]: group["displayName"] for group in snapshot(control)["directory"]["groups"]}

    assert tamper(control, do="renameGroup", group="BI Readers", name="BI Consumers").status_code == 204
    assert names()[READERS] == "BI Consumers"
    assert tamper(control, do="deleteGroup", group="bi consumers").status_code == 204
    assert READERS not in names()
    assert tamper(control, do="restoreGroup", group=READERS).status_code == 204
    assert names()[READERS] == "BI Consumers"


def test_the_rule_of_a_dynamic_group_is_changed_by_hand(control):
    body = {"id": READERS, "displayName": "Ruled", "mailNickname": "ruled", "groupTypes": ["DynamicMembership"]}
    rule = {"membershipRule": 'user.mail -eq "x"', "membershipRuleProcessingState": "On"}
    world = WORLD | {"directory": WORLD["directory"] | {"groups": [body | rule]}}
    control.put("/_sandbox/world", json=world).raise_for_status()
    user = world["directory"]["users"][0]

    taken = tamper(control, do="setRule", group="Ruled", rule=f'user.displayName -eq "{user["displayName"]}"')
    paused = tamper(control, do="setRule", group="Ruled", rule='user.mail -eq "x"', state="Paused")
    refused = tamper(control, do="setRule", group="Ruled", rule="teapot")

    assert (taken.status_code, paused.status_code, refused.status_code) == (204, 204, 400)
    (group,) = snapshot(control)["directory"]["groups"]
    assert group["membershipRuleProcessingState"] == "Paused"


def test_the_license_is_changed_by_hand(control, tenant):
    tamper(control, do="setAllotment", type="professional", units=99)
    tamper(control, do="setLicenseStatus", status="Expired")

    overview = tenant.get("/api/v1/licenses/overview").json()
    assert (overview["status"], overview["allotments"][0]["units"]) == ("Expired", 99)


@pytest.mark.parametrize(
    "act",
    [
        {"do": "revoke", "subject": "nobody", "type": "analyzer"},
        {"do": "assign", "subject": "x", "type": "fullUser"},
        {"do": "addMember", "group": "BI Readers", "member": "person000@contoso.test"},
        {"do": "removeMember", "group": "BI Nested", "member": "person000@contoso.test"},
        {"do": "addMember", "group": "No Such", "member": "person000@contoso.test"},
        {"do": "renameGroup", "group": "No Such", "name": "Any"},
        {"do": "deleteGroup", "group": "No Such"},
        {"do": "restoreGroup", "group": READERS},
        {"do": "setRule", "group": "BI Readers", "rule": 'user.mail -eq "x"'},
        {"do": "deleteUser", "user": "nobody@contoso.test"},
        {"do": "changeUser", "user": "nobody@contoso.test", "properties": {"mail": None}},
        {"do": "changeUser", "user": "person001@contoso.test", "properties": {"teapot": "x"}},
        {"do": "changeUser", "user": "person001@contoso.test", "properties": {"userPrincipalName": None}},
        {"do": "changeUser", "user": person(1), "properties": {"userPrincipalName": "person002@contoso.test"}},
        {"do": "setAllotment", "type": "fullUser", "units": 1},
    ],
)
def test_an_act_that_cannot_be_done_is_refused_in_words(control, act):
    answer = tamper(control, **act)

    assert answer.status_code == 409
    assert answer.json()["faults"]


def test_an_act_nobody_knows_is_refused(control):
    assert tamper(control, do="teapot").status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/reloads"),
        ("POST", "/api/v1/reloads"),
        ("GET", "/v1.0/drives"),
        ("DELETE", "/beta/drives/x"),
        ("GET", "/anything"),
        ("GET", "/_sandbox/teapot"),
    ],
)
def test_what_is_not_implemented_is_refused_by_name(tenant, method, path):
    answer = tenant.request(method, path)

    assert answer.status_code == 501
    assert f"{method} {path}" in answer.text


def test_a_license_may_be_missing(control, tenant):
    control.put("/_sandbox/world", json=WORLD | {"tenant": WORLD["tenant"] | {"license": None}})

    assert tenant.get("/api/v1/licenses/overview").status_code == 404
