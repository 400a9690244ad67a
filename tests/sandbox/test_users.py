"""Users of the tenant: the list, its filters, and what creates, invites, changes and deletes them (qlik-api.md 3)."""

import pytest
from serving import WORLD, follow, qlik_next, set_switches

USERS = "/api/v1/users"
FILTER = f"{USERS}/actions/filter"
INVITE = f"{USERS}/actions/invite"
PROFESSIONAL = "/api/v1/licenses/assignments"


def names(answer):
    return [user["name"] for user in answer.raise_for_status().json()["data"]]


def find(tenant, name):
    return tenant.get(USERS, params={"filter": f'name eq "{name}"'}).raise_for_status().json()["data"][0]


def change(tenant, name, *operations):
    id = find(tenant, name)["id"]
    return tenant.patch(f"{USERS}/{id}", json=list(operations))


def replace(path, value):
    return {"op": "replace", "path": path, "value": value}


def titles(answer):
    return [error["title"] for error in answer.json()["errors"]]


GROUPED = {
    "groups": [
        {"id": "a" * 24, "name": "Finance", "members": ["qlik\\kalle", "user1234"], "assignedRoles": ["Steward"]},
        {"id": "b" * 24, "name": "Sales", "providerType": "custom", "members": ["qlik\\kalle"]},
        {"id": "c" * 24, "name": "Empty", "providerType": "custom"},
    ],
    "roles": [{"name": "My Custom Role", "assignedScopes": ["admin.users:read"]}],
    "users": [
        user | ({"assignedRoles": ["My Custom Role"]} if user["name"] == "Sara" else {})
        for user in WORLD["tenant"]["users"]
    ],
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f'assignedGroups.id eq "{"A" * 24}"', ["Kalle", "Malik"]),
        ('assignedGroups.name eq "sales"', ["Kalle"]),
        ('assignedGroupsAssignedRoles.name eq "steward"', ["Kalle", "Malik"]),
        ('assignedScopes eq "admin.users:read"', ["Sara"]),
        ('assignedRoles.name eq "my custom role"', ["Sara"]),
        ('name co "al"', ["Kalle", "Malik", "Nalle"]),
        ('subject co "QLIK"', ["Kalle", "Nalle"]),
        ('subject eq "qlik\\\\kalle" or subject eq "user5678"', ["Kalle", "Sara"]),
        ('(status eq "disabled" or status eq "provisioned") and email co "contoso"', ["Malik", "Sara"]),
        ('((status eq "disabled") and name eq "malik")', ["Malik"]),
        ('clientId eq "none"', []),
    ],
)
def test_users_are_filtered_by_every_published_attribute(tenant, place, text, found):
    place(**GROUPED)

    assert names(tenant.get(USERS, params={"filter": text})) == found
    assert names(tenant.post(FILTER, json={"filter": text})) == found


def test_users_are_filtered_by_the_id_of_a_role(tenant, place):
    place(**GROUPED)
    role = find(tenant, "Sara")["assignedRoles"][0]

    assert names(tenant.get(USERS, params={"filter": f'assignedRoles.id eq "{role["id"]}"'})) == ["Sara"]


@pytest.mark.parametrize(
    "text",
    [
        'status eq "active" or name eq "Malik"',
        '(status eq "active" or name eq "Malik") and email co "contoso"',
        'name eq "a" or name eq "b" and status eq "active"',
        'status co "act"',
        'id co "a"',
        'name ne "a"',
        'name eq "\\ud800"',
        "(" * 30 + 'name eq "a"' + ")" * 30,
        " or ".join('name eq "a"' for _ in range(201)),
    ],
)
def test_a_filter_the_service_would_not_take_is_refused(tenant, text):
    assert tenant.post(FILTER, json={"filter": text}).status_code == 400


@pytest.mark.parametrize(
    "sort", ["name", "_id", "id", "tenantId", "clientId", "status", "subject", "email", "inviteExpiry", "createdAt"]
)
def test_cursors_lead_forth_and_back_in_every_order(tenant, control, sort):
    set_switches(control, users_default_status="all")
    for sign in ("", "-", "%2B"):
        path = f"{USERS}?limit=2&sort={sign}{sort}"
        forth = follow(tenant, path, qlik_next)
        back, url = [], f"{path}"
        while qlik_next(tenant.get(url).json()):
            url = qlik_next(tenant.get(url).json())
        while url:
            body = tenant.get(url).json()
            back.insert(0, body["data"])
            url = body["links"].get("prev", {}).get("href")
        assert [len(page) for page in forth] == [2, 2, 1]
        assert back == forth
        assert len({user["id"] for page in forth for user in page}) == 5


def test_the_order_of_the_filter_call_is_by_name_only(tenant):
    assert names(tenant.post(f"{FILTER}?sort=-name&limit=2", json={})) == ["Sara", "Nalle"]
    assert tenant.post(f"{FILTER}?sort=email", json={}).status_code == 400


def test_a_hundred_ids_are_the_most_a_filter_may_name(tenant):
    ids = [find(tenant, "Kalle")["id"], *(f"{number:024}" for number in range(100))]

    def ask(count):
        return tenant.post(FILTER, json={"filter": " or ".join(f'id eq "{id}"' for id in ids[:count])})

    assert names(ask(100)) == ["Kalle"]
    assert ask(101).status_code == 400
    assert "too complex" in titles(ask(101))[0]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"status": "disabled"}, ["Malik"]),
        ({"subject": "QLIK\\KALLE"}, ["Kalle"]),
        ({"email": "nalle@contoso.test"}, ["Nalle"]),
        ({"role": "TenantAdmin"}, ["Admin"]),
        ({"tenantId": "another"}, []),
        ({"sortBy": "name", "sortOrder": "desc"}, ["Nalle", "Kalle", "Admin"]),
    ],
)
def test_older_parameters_still_work_but_not_with_a_filter(tenant, params, found):
    assert names(tenant.get(USERS, params=params)) == found
    assert tenant.get(USERS, params={**params, "filter": 'name eq "Kalle"'}).status_code == 400


def test_older_cursors_name_a_user(tenant):
    kalle = find(tenant, "Kalle")["id"]

    assert names(tenant.get(USERS, params={"startingAfter": kalle})) == ["Nalle"]
    assert names(tenant.get(USERS, params={"endingBefore": kalle})) == ["Admin"]
    assert tenant.get(USERS, params={"endingBefore": kalle, "startingAfter": kalle}).status_code == 400
    assert tenant.get(USERS, params={"startingAfter": "nobody"}).status_code == 400


def test_a_filter_that_says_nothing_of_the_status_may_mean_the_active_ones(tenant, control):
    text = 'email co "contoso"'
    assert len(names(tenant.get(USERS, params={"filter": text}))) == 4

    set_switches(control, filter_default_status="active")

    assert names(tenant.get(USERS, params={"filter": text})) == ["Kalle", "Nalle"]
    assert names(tenant.post(FILTER, json={"filter": text})) == ["Kalle", "Nalle"]
    assert names(tenant.get(USERS, params={"filter": f'{text} and status eq "disabled"'})) == ["Malik"]


def test_the_number_of_users_is_counted(tenant):
    assert tenant.get(f"{USERS}/actions/count").json() == {"total": 5}


def test_groups_and_scopes_are_shown_to_who_asks_for_them(tenant, place):
    place(**GROUPED)
    kalle = tenant.get(USERS, params={"filter": 'name eq "Kalle"', "fields": "name,groups,assignedGroups"}).json()
    sara = tenant.get(USERS, params={"filter": 'name eq "Sara"', "fields": "assignedScopes"}).json()

    steward = kalle["data"][0]["assignedGroups"][0]["assignedRoles"]
    assert kalle["data"][0]["groups"] == ["Finance", "Sales"]
    assert [group["providerType"] for group in kalle["data"][0]["assignedGroups"]] == ["idp", "custom"]
    assert [role["name"] for role in steward] == ["Steward"]
    assert sara["data"] == [{"assignedScopes": ["admin.users:read"]}]
    assert "groups" not in find(tenant, "Kalle")


def test_an_invited_user_may_come_within_seven_days(tenant, control):
    control.put("/_sandbox/clock", json={"now": "2026-11-02T08:00:00Z"})
    body = {"subject": "new", "email": "new@contoso.test", "status": "invited"}

    answer = tenant.post(USERS, json=body)

    assert answer.status_code == 201
    assert abs(answer.json()["inviteExpiry"] - 1794211200) < 60
    assert tenant.get(USERS, params={"filter": 'status eq "invited"'}).json()["data"][0]["subject"] == "new"


@pytest.mark.parametrize("status", ["active", "invited", "provisioned"])
def test_the_status_of_a_user_posted_without_one_is_a_switch(tenant, control, status):
    set_switches(control, new_user_status=status)

    user = tenant.post(USERS, json={"subject": "new", "name": "New"}).json()

    assert user["status"] == status
    assert ("inviteExpiry" in user) is (status == "invited")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"subject": ""}, 400),
        ({"subject": "new", "status": "invited"}, 400),
        ({"subject": "new", "status": "disabled"}, 400),
        ({"subject": "new", "assignedRoles": [{"name": "tenantadmin"}]}, 400),
        ({"subject": "new", "tenantId": "another"}, 400),
        ({"subject": "QLIK\\kalle"}, 409),
        ({"subject": "user1234"}, 409),
        ({"subject": "new", "email": "KALLE@contoso.test"}, 409),
        ({"subject": "new", "picture": "x" * 500_000}, 413),
        ([], 400),
    ],
)
def test_a_user_who_cannot_be_created_is_refused(tenant, body, status):
    answer = tenant.post(USERS, json=body)

    assert answer.status_code == status
    assert answer.json()["errors"][0]["status"] == status
    assert tenant.get(f"{USERS}/actions/count").json() == {"total": 5}


def test_an_email_may_be_that_of_two_users_where_the_switch_says_so(tenant, control):
    set_switches(control, duplicate_email="accepted")

    assert tenant.post(USERS, json={"subject": "new", "email": "kalle@contoso.test"}).status_code == 201
    assert tenant.post(USERS, json={"subject": "new"}).status_code == 409


def test_a_conflict_is_told_with_the_users_it_matched(tenant):
    body = {"subject": "user1234", "email": "kalle@contoso.test"}
    assert tenant.post(USERS, json=body).status_code == 409

    matched = tenant.get("/api/v1/audits?eventType=com.qlik.user-identity.conflict").json()["data"][0]["data"]

    assert {user["subject"] for user in matched["matchedUsers"]} == {"user1234", "qlik\\kalle"}


def test_an_invitation_says_for_each_person_what_became_of_it(tenant):
    tenant.post(USERS, json={"subject": "i", "email": "waiting@contoso.test", "status": "invited"}).raise_for_status()
    people = [
        {"email": "new@contoso.test", "name": "New"},
        {"email": "kalle@contoso.test"},
        {"email": "malik@contoso.test"},
        {"email": "sara@contoso.test"},
        {"email": "waiting@contoso.test"},
        {"email": "waiting@contoso.test", "resend": True},
        {"email": "nobody"},
        {"email": "NEW@contoso.test"},
    ]

    answer = tenant.post(INVITE, json={"invitees": people})

    items = answer.json()["data"]
    assert answer.status_code == 207
    assert [item["status"] for item in items] == ["ok", "error", "error", "exists", "exists", "ok", "error", "exists"]
    assert [item.get("code") for item in items] == [None, "1001", "1002", None, None, None, "400", None]
    assert list(items[0]) == ["status", "email", "subject", "userId"]
    assert items[0]["subject"].startswith("auth0|")
    assert items[7]["userId"] == items[0]["userId"]
    assert find(tenant, "New")["status"] == "invited"


def test_an_invitation_fails_where_the_mail_service_does(tenant, control):
    fault = {"method": "POST", "path": INVITE, "kind": "item", "item": {"subject": "a@contoso.test"}}
    control.post("/_sandbox/faults", json=fault).raise_for_status()

    items = tenant.post(INVITE, json={"invitees": [{"email": "a@contoso.test"}]}).json()["data"]

    assert items[0]["code"] == "1003"
    assert tenant.get(f"{USERS}/actions/count").json() == {"total": 5}


def test_an_invitation_without_invitees_is_refused(tenant):
    assert tenant.post(INVITE, json={}).status_code == 400


@pytest.mark.parametrize(
    ("operation", "member", "value"),
    [
        (replace("/name", "Kalle Anka"), "name", "Kalle Anka"),
        (replace("/email", "anka@contoso.test"), "email", "anka@contoso.test"),
        (replace("/preferredLocale", "sv-SE"), "preferredLocale", "sv-SE"),
        (replace("/preferredZoneInfo", "Europe/Stockholm"), "preferredZoneinfo", "Europe/Stockholm"),
        ({"op": "set", "path": "/name", "value": "Anka"}, "name", "Anka"),
        (replace("/status", "disabled"), "status", "disabled"),
    ],
)
def test_a_member_of_a_user_is_replaced(tenant, operation, member, value):
    id = find(tenant, "Kalle")["id"]

    assert tenant.patch(f"{USERS}/{id}", json=[operation]).status_code == 204
    assert tenant.get(f"{USERS}/{id}").json()[member] == value


def roles(tenant, name):
    return [role["name"] for role in find(tenant, name)["assignedRoles"]]


def test_roles_are_replaced_added_and_removed_by_name_or_id(tenant):
    def patch(*operations):
        assert change(tenant, "Kalle", *operations).status_code == 204
        return roles(tenant, "Kalle")

    assert patch(replace("/assignedRoles", [{"name": "AuditAdmin"}, {"name": "Steward"}])) == ["AuditAdmin", "Steward"]
    audit = find(tenant, "Kalle")["assignedRoles"][0]
    assert patch({"op": "remove-value", "path": "/assignedRoles", "value": {"id": audit["id"]}}) == ["Steward"]
    assert patch({"op": "add", "path": "/assignedRoles/-", "value": {"name": "DataAdmin"}}) == ["Steward", "DataAdmin"]
    assert patch({"op": "add", "path": "/assignedRoles/-", "value": {"name": "DataAdmin"}}) == ["Steward", "DataAdmin"]
    assert patch({"op": "set", "path": "/roles", "value": ["Steward"]}) == ["Steward"]
    assert patch({"op": "unset", "path": "/roles"}) == []


def test_roles_can_only_be_replaced_where_the_switch_says_so(tenant, control):
    set_switches(control, user_role_operations="replaceOnly")

    assert change(tenant, "Kalle", replace("/assignedRoles", [{"name": "Steward"}])).status_code == 204
    answer = change(tenant, "Kalle", {"op": "add", "path": "/assignedRoles/-", "value": {"name": "DataAdmin"}})
    assert answer.status_code == 400


def test_a_role_that_is_not_there_is_left_out_and_told(tenant, control):
    wanted = [replace("/assignedRoles", [{"name": "steward"}, {"name": "Steward"}]), replace("/preferredLocale", "sv")]

    partial = change(tenant, "Kalle", *wanted)

    assert partial.status_code == 207
    assert titles(partial) == ["Invalid role: steward"]
    assert roles(tenant, "Kalle") == ["Steward"]
    set_switches(control, unknown_role="request400")
    assert change(tenant, "Kalle", *wanted).status_code == 400
    assert roles(tenant, "Kalle") == []


@pytest.mark.parametrize(
    "operation",
    [
        replace("/subject", "new"),
        replace("/id", "new"),
        replace("/createdAt", "2026-01-01"),
        replace("/name", ""),
        replace("/name", 7),
        replace("/name", None),
        replace("/email", "nalle@contoso.test"),
        replace("/status", "deleted"),
        replace("/status", "provisioned"),
        replace("/inviteExpiry", 1),
        {"op": "renew", "path": "/inviteExpiry"},
        {"op": "add", "path": "/assignedRoles", "value": {"name": "Steward"}},
        {"op": "remove-value", "path": "/name", "value": "Kalle"},
        {"op": "move", "path": "/name", "value": "Kalle"},
        replace("/assignedRoles", {"name": "Steward"}),
        replace("/assignedRoles", None),
        {"path": "/name", "value": "Kalle"},
        "name",
    ],
)
def test_a_change_that_is_not_allowed_changes_nothing(tenant, operation):
    answer = change(tenant, "Kalle", replace("/preferredLocale", "sv-SE"), operation)

    assert answer.status_code == 400
    assert "preferredLocale" not in find(tenant, "Kalle")


def test_json_patch_is_taken_as_json_where_the_switch_says_so(tenant, control):
    id = find(tenant, "Kalle")["id"]
    headers = {"Content-Type": "application/json-patch+json"}
    content = '[{"op": "replace", "path": "/name", "value": "Anka"}]'

    assert tenant.patch(f"{USERS}/{id}", content=content, headers=headers).status_code == 204
    set_switches(control, json_patch="refused415")
    assert tenant.patch(f"{USERS}/{id}", content=content, headers=headers).status_code == 415


@pytest.mark.parametrize(
    ("position", "allowed"),
    [
        ("toDisabled", {("active", "disabled"), ("disabled", "active"), ("provisioned", "disabled"),
                        ("invited", "disabled")}),
        ("activeAndDisabledOnly", {("active", "disabled"), ("disabled", "active")}),
        ("any", {("active", "disabled"), ("disabled", "active"), ("provisioned", "disabled"), ("invited", "disabled"),
                 ("provisioned", "active"), ("invited", "active")}),
    ],
)  # fmt: skip
def test_which_status_follows_which_is_a_switch(tenant, place, position, allowed):
    for old, new in [(o, n) for o in ("active", "invited", "provisioned", "disabled") for n in ("active", "disabled")]:
        user = {"subject": "x", "name": "Xavier", "status": old}
        place({"status-transitions": position}, users=[*WORLD["tenant"]["users"], user])

        answer = change(tenant, "Xavier", replace("/status", new))

        assert (answer.status_code == 204) is ((old, new) in allowed or old == new), (old, new)
        assert find(tenant, "Xavier")["status"] == (new if answer.status_code == 204 else old)


def test_an_invitation_is_renewed(tenant, control):
    tenant.post(USERS, json={"subject": "i", "name": "Ida", "email": "ida@contoso.test", "status": "invited"})
    first = find(tenant, "Ida")["inviteExpiry"]
    control.put("/_sandbox/clock", json={"advance": 3600})

    assert change(tenant, "Ida", {"op": "renew", "path": "/inviteExpiry"}).status_code == 204
    assert find(tenant, "Ida")["inviteExpiry"] >= first + 3600


def groups(tenant, name):
    return [group["name"] for group in find(tenant, name)["assignedGroups"]]


EMPTY = "c" * 24


def test_a_custom_group_is_joined_and_left_by_a_change_of_the_user(tenant, place):
    place(**GROUPED)
    join = {"op": "add", "path": "/assignedGroups/-", "value": EMPTY}

    assert change(tenant, "Nalle", join).status_code == 204
    assert groups(tenant, "Nalle") == ["Empty"]
    assert change(tenant, "Nalle", replace("/name", "Other"), join).status_code == 400
    assert groups(tenant, "Nalle") == ["Empty"]
    assert change(tenant, "Nalle", join | {"op": "remove-value", "path": "/assignedGroups"}).status_code == 204
    assert groups(tenant, "Nalle") == []


def test_custom_groups_are_replaced_by_name(tenant, place):
    place(**GROUPED)

    wanted = [{"name": "Empty", "providerType": "custom"}, {"name": "Sales", "providerType": "custom"}]
    assert change(tenant, "Nalle", replace("/assignedGroups", wanted)).status_code == 204
    assert groups(tenant, "Nalle") == ["Empty", "Sales"]


def test_custom_groups_of_who_has_others_are_replaced_only_where_the_switch_says_so(tenant, place):
    wanted = replace("/assignedGroups", [{"name": "Empty", "providerType": "custom"}])
    place(**GROUPED)
    assert change(tenant, "Kalle", wanted).status_code == 400
    assert groups(tenant, "Kalle") == ["Finance", "Sales"]

    place({"replace-custom-groups": "keepsIdpGroups"}, **GROUPED)
    assert change(tenant, "Kalle", wanted).status_code == 204
    assert groups(tenant, "Kalle") == ["Empty", "Finance"]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/assignedGroups/-", "value": "a" * 24},
        {"op": "add", "path": "/assignedGroups/-", "value": "d" * 24},
        {"op": "add", "path": "/assignedGroups/-", "value": None},
        {"op": "add", "path": "/assignedGroups", "value": EMPTY},
        {"op": "remove-value", "path": "/assignedGroups", "value": EMPTY},
        replace("/assignedGroups", [{"name": "Finance", "providerType": "idp"}]),
        replace("/assignedGroups", [{"name": "empty", "providerType": "custom"}]),
        replace("/assignedGroups", EMPTY),
        {"op": "add", "path": "/assignedGroups/-", "value": "000000000000000000000001"},
    ],
)
def test_groups_of_the_identity_provider_and_unknown_ones_are_out_of_reach(tenant, place, operation):
    place(**GROUPED)

    assert change(tenant, "Nalle", operation).status_code == 400
    assert groups(tenant, "Nalle") == []


def test_a_deleted_user_stays_as_a_record_and_keeps_the_seat(tenant):
    id = find(tenant, "Kalle")["id"]

    assert tenant.delete(f"{USERS}/{id}").status_code == 204

    assert tenant.get(f"{USERS}/{id}").json()["status"] == "deleted"
    assert names(tenant.get(USERS, params={"filter": 'status eq "deleted"'})) == ["Kalle"]
    assert "qlik\\kalle" in {row["subject"] for row in tenant.get(PROFESSIONAL).json()["data"]}
    orphans = tenant.get(PROFESSIONAL, params={"orphans": "true"}).json()["data"]
    assert "qlik\\kalle" in {row["subject"] for row in orphans}
    assert tenant.delete(f"{USERS}/{id}").status_code == 404
    assert tenant.patch(f"{USERS}/{id}", json=[]).status_code == 404
    assert tenant.post(USERS, json={"subject": "qlik\\kalle", "email": "kalle@contoso.test"}).status_code == 201


def test_whether_a_deleted_user_is_shown_is_a_switch(tenant, control):
    set_switches(control, deleted_user="notFound404")
    id = find(tenant, "Kalle")["id"]
    tenant.delete(f"{USERS}/{id}")

    assert tenant.get(f"{USERS}/{id}").status_code == 404
    assert names(tenant.get(USERS, params={"filter": 'status eq "deleted"'})) == ["Kalle"]


def test_nobody_deletes_themselves(tenant):
    assert tenant.delete(f"{USERS}/{find(tenant, 'Admin')['id']}").status_code == 400


def kinds(tenant):
    return [event["eventType"] for event in reversed(tenant.get("/api/v1/audits?limit=100").json()["data"])]


def test_what_happens_to_a_user_is_told_under_both_names(tenant):
    admin = find(tenant, "Admin")["id"]
    id = tenant.post(USERS, json={"subject": "new", "name": "New"}).json()["id"]
    tenant.patch(f"{USERS}/{id}", json=[replace("/name", "Newer"), replace("/assignedRoles", [{"name": "Steward"}])])
    tenant.patch(f"{USERS}/{id}", json=[replace("/name", "Newer")])
    tenant.delete(f"{USERS}/{id}")

    assert kinds(tenant) == [
        "com.qlik.core.user.created",
        "com.qlik.v1.user.created",
        "com.qlik.core.user.updated",
        "com.qlik.core.user.deleted",
        "com.qlik.v1.user.deleted",
    ]
    updated = tenant.get("/api/v1/audits?eventType=com.qlik.core.user.updated").json()["data"][0]
    assert updated["userId"] == admin
    assert updated["data"]["_updates"] == [
        {"path": "/name", "newValue": "Newer", "oldValue": "New"},
        {"path": "/assignedRoles", "newValue": ["Steward"], "oldValue": []},
    ]


def test_what_was_done_to_users_survives_a_snapshot(tenant, control, place):
    place(**GROUPED)
    tenant.post(USERS, json={"subject": "i", "email": "i@contoso.test", "status": "invited", "picture": "https://p"})
    change(
        tenant, "Nalle", {"op": "add", "path": "/assignedGroups/-", "value": EMPTY}, replace("/preferredLocale", "sv")
    )
    tenant.delete(f"{USERS}/{find(tenant, 'Malik')['id']}")
    before = control.get("/_sandbox/world").json()
    shown = tenant.get(USERS, params={"filter": 'status eq "invited" or status eq "active"'}).json()["data"]

    control.put("/_sandbox/world", json=before).raise_for_status()

    assert control.get("/_sandbox/world").json() == before
    assert tenant.get(USERS, params={"filter": 'status eq "invited" or status eq "active"'}).json()["data"] == shown


def test_users_of_a_world_that_do_not_hold_together_are_refused(control):
    tenant = WORLD["tenant"] | {
        "users": [
            *WORLD["tenant"]["users"],
            {"subject": "a", "name": "A", "assignedRoles": ["Nobody"]},
            {"subject": "A", "name": "A"},
            {"id": "same", "subject": "b", "name": "B"},
            {"id": "same", "subject": "c", "name": "C"},
        ]
    }
    answer = control.put("/_sandbox/world", json=WORLD | {"tenant": tenant})

    assert answer.status_code == 400
    faults = "\n".join(answer.json()["faults"])
    assert "tenant.users: a occurs 2 times" in faults
    assert "tenant.users: the id: same occurs 2 times" in faults
    assert "has the role Nobody, which does not exist" in faults
