"""Logins, simulated: who comes into being, who is linked anew, and which seats are taken (qlik-api.md 3.4, 13.12)."""

import pytest
from serving import WORLD

USERS, GROUPS = "/api/v1/users", "/api/v1/groups"
ASSIGNMENTS = "/api/v1/licenses/assignments"
FLAGS = {
    "autoAssignCreateSharedSpacesRoleToProfessionals": True,
    "autoAssignPrivateAnalyticsContentCreatorRoleToProfessionals": True,
    "autoAssignDataServicesContributorRoleToProfessionals": True,
}
PROVIDER = {"id": "i" * 24, "protocol": "OIDC", "provider": "azureAD"}


@pytest.fixture
def log_in(control):
    def log_in(subject, **claims):
        answer = control.post("/_sandbox/login", json={"subject": subject, **claims})
        return answer.raise_for_status().json()

    return log_in


def user(tenant, id):
    return tenant.get(f"{USERS}/{id}").raise_for_status().json()


def held(tenant):
    return {row["subject"]: row["type"] for row in tenant.get(ASSIGNMENTS).json()["data"]}


def names(groups):
    return [group["name"] for group in groups]


def test_a_first_login_creates_the_user(tenant, log_in):
    said = log_in("new", email="new@contoso.test", name="New")

    assert said == {
        "status": "loggedIn",
        "userId": said["userId"],
        "created": True,
        "relinkedFrom": None,
        "formerStatus": None,
        "groups": [],
        "createdGroups": [],
        "ignoredGroups": [],
        "seat": None,
        "grantedRoles": [],
    }
    made = user(tenant, said["userId"])
    assert (made["subject"], made["email"], made["name"], made["status"]) == (
        "new", "new@contoso.test", "New", "active",
    )  # fmt: skip


def test_a_second_login_takes_over_the_name_only(tenant, log_in):
    first = log_in("new", email="new@contoso.test", name="New")
    second = log_in("NEW", name="Newer")

    assert (second["created"], second["userId"]) == (False, first["userId"])
    assert user(tenant, first["userId"])["name"] == "Newer"
    assert user(tenant, first["userId"])["subject"] == "new"


@pytest.mark.parametrize("creates", [True, False])
def test_the_identity_provider_says_whether_users_come_into_being(place, log_in, creates):
    place(identityProviders=[PROVIDER | {"createNewUsersOnLogin": creates}])

    assert log_in("new")["status"] == ("loggedIn" if creates else "refused")
    assert log_in("qlik\\kalle")["status"] == "loggedIn"


@pytest.mark.parametrize(("position", "subject"), [("prefixed", "contoso\\new"), ("asGiven", "new")])
def test_the_realm_of_the_identity_provider_stands_before_the_subject(place, tenant, log_in, position, subject):
    place({"realm-subject": position}, identityProviders=[PROVIDER | {"options": {"realm": "contoso"}}])

    said = log_in("new")

    assert user(tenant, said["userId"])["subject"] == subject
    assert log_in(subject)["userId"] == said["userId"]


@pytest.mark.parametrize("status", ["invited", "provisioned"])
def test_who_was_expected_becomes_active(tenant, place, log_in, status):
    expected = {"subject": "x", "name": "X", "status": status, "inviteExpiry": 1}
    place(users=[*WORLD["tenant"]["users"], expected])

    said = log_in("x")

    assert (said["created"], said["formerStatus"]) == (False, status)
    assert user(tenant, said["userId"])["status"] == "active"
    assert "inviteExpiry" not in user(tenant, said["userId"])


@pytest.mark.parametrize("claims", [{"subject": "user1234"}, {"subject": "other", "email": "malik@contoso.test"}])
def test_who_is_disabled_does_not_get_in(tenant, log_in, claims):
    said = log_in(**claims)

    assert (said["status"], said["reason"]) == ("refused", "the user is disabled")
    assert user(tenant, said["userId"])["subject"] == "user1234"


def test_another_subject_with_the_same_email_is_linked_and_leaves_its_seat_behind(tenant, place, log_in):
    place(settings={"autoAssignAnalyzer": True})

    said = log_in("0b9f", email="KALLE@contoso.test", name="Kalle")

    assert (said["relinkedFrom"], said["created"], said["seat"]) == ("qlik\\kalle", False, "analyzer")
    assert user(tenant, said["userId"])["subject"] == "0b9f"
    assert {s: held(tenant).get(s) for s in ("qlik\\kalle", "0b9f")} == {
        "qlik\\kalle": "professional",
        "0b9f": "analyzer",
    }
    orphans = tenant.get(ASSIGNMENTS, params={"orphans": "true"}).json()["data"]
    assert "qlik\\kalle" in {row["subject"] for row in orphans}
    told = tenant.get("/api/v1/audits?eventType=com.qlik.user-identity.reassigned").json()["data"][0]["data"]
    assert told == {"email": "kalle@contoso.test", "oldSubject": "qlik\\kalle", "newSubject": "0b9f"}


def test_an_email_that_is_not_verified_links_nobody(tenant, place, log_in):
    claims = {"subject": "0b9f", "email": "kalle@contoso.test", "emailVerified": False}

    assert log_in(**claims)["status"] == "refused"
    assert tenant.get("/api/v1/audits?eventType=com.qlik.user-identity.conflict").json()["data"]
    place(identityProviders=[PROVIDER | {"options": {"emailVerifiedAlwaysTrue": True}}])
    assert log_in(**claims)["relinkedFrom"] == "qlik\\kalle"


def test_an_email_of_two_users_links_neither(place, log_in):
    twins = [{"subject": s, "name": s, "email": "twin@contoso.test"} for s in ("a", "b")]
    place(users=[*WORLD["tenant"]["users"], *twins])

    assert log_in("c", email="twin@contoso.test")["status"] == "refused"
    assert log_in("a", email="twin@contoso.test")["status"] == "loggedIn"


@pytest.mark.parametrize(("position", "status"), [("newUser", "loggedIn"), ("refused", "refused")])
def test_whether_who_was_deleted_comes_back_as_somebody_new_is_a_switch(place, tenant, log_in, position, status):
    place({"deleted-subject-login": position})
    kalle = tenant.get(USERS, params={"filter": 'name eq "Kalle"'}).json()["data"][0]["id"]
    tenant.delete(f"{USERS}/{kalle}")

    said = log_in("qlik\\kalle", email="kalle@contoso.test")

    assert said["status"] == status
    assert (said["userId"] == kalle) is (status == "refused")


GROUPED = {
    "groups": [
        {"name": "Finance", "members": ["qlik\\kalle"]},
        {"name": "Sales"},
        {"name": "Readers", "providerType": "custom", "members": ["qlik\\kalle"]},
    ]
}


def test_the_groups_of_the_claim_replace_those_of_the_identity_provider_only(tenant, place, log_in):
    place(**GROUPED)

    said = log_in("qlik\\kalle", groups=["Sales", "sales", "Readers"])

    assert (said["groups"], said["ignoredGroups"]) == (["Sales"], ["sales", "Readers"])
    assert names(user(tenant, said["userId"])["assignedGroups"]) == ["Readers", "Sales"]
    assert names(user(tenant, log_in("qlik\\kalle")["userId"])["assignedGroups"]) == ["Readers", "Sales"]
    assert names(user(tenant, log_in("qlik\\kalle", groups=[])["userId"])["assignedGroups"]) == ["Readers"]


def test_groups_of_a_claim_come_into_being_where_the_tenant_says_so(tenant, place, log_in):
    place(**GROUPED, groupSettings={"autoCreateGroups": True}, identityProviders=[PROVIDER])

    said = log_in("new", groups=["Sales", "Buyers", "Buyers"])

    assert (said["groups"], said["createdGroups"], said["ignoredGroups"]) == (["Sales", "Buyers"], ["Buyers"], [])
    made = tenant.get(GROUPS, params={"filter": 'name eq "Buyers"'}).json()["data"][0]
    assert (made["providerType"], made["idpId"]) == ("idp", PROVIDER["id"])
    assert tenant.delete(f"{GROUPS}/{made['id']}").status_code == 204
    assert log_in("new", groups=["Buyers"])["createdGroups"] == ["Buyers"]


@pytest.mark.parametrize(
    ("settings", "units", "seat"),
    [
        ({}, (3, 5), None),
        ({"autoAssignProfessional": True, "autoAssignAnalyzer": True}, (3, 5), "professional"),
        ({"autoAssignAnalyzer": True}, (3, 5), "analyzer"),
        ({"autoAssignProfessional": True, "autoAssignAnalyzer": True}, (1, 5), "analyzer"),
        ({"autoAssignProfessional": True, "autoAssignAnalyzer": True}, (1, 2), "analyzer_time"),
        ({"autoAssignProfessional": True}, (1, 5), "analyzer_time"),
    ],
)
def test_a_login_takes_a_seat_as_the_tenant_assigns_them(tenant, place, log_in, settings, units, seat):
    professional, analyzer = units
    place(
        settings=settings,
        allotments={
            "professional": {"units": professional},
            "analyzer": {"units": analyzer},
            "analyzer_time": {"units": 1000, "usageClass": "time"},
        },
    )

    assert log_in("new")["seat"] == seat
    assert held(tenant).get("new") == (None if seat == "analyzer_time" else seat)
    assert log_in("new")["seat"] == ("analyzer_time" if seat == "analyzer_time" else None)
    assert log_in("qlik\\kalle")["seat"] is None


GIVEN = ["SharedSpaceCreator", "PrivateAnalyticsContentCreator", "DataServicesContributor"]


def roles(tenant, subject):
    text = f'subject eq "{subject}"'
    found = tenant.get(USERS, params={"filter": text}).json()["data"][0]
    return [role["name"] for role in found["assignedRoles"]]


@pytest.mark.parametrize("position", ["login", "assignment"])
def test_when_the_flags_give_professionals_their_roles_is_a_switch(tenant, place, log_in, position):
    place({"professional-roles": position}, **FLAGS)
    tenant.post(f"{ASSIGNMENTS}/actions/add", json={"add": [{"subject": "qlik\\nalle", "type": "professional"}]})

    assert roles(tenant, "qlik\\\\nalle") == (GIVEN if position == "assignment" else [])
    said = log_in("qlik\\nalle")
    assert said["grantedRoles"] == (GIVEN if position == "login" else [])
    assert roles(tenant, "qlik\\\\nalle") == GIVEN
    assert log_in("user5678")["grantedRoles"] == []


@pytest.mark.parametrize(
    "body", [{}, {"subject": ""}, {"subject": "x", "roles": []}, {"subject": "x", "groups": "a"}, []]
)
def test_a_login_that_names_nobody_is_refused_with_its_faults(control, body):
    answer = control.post("/_sandbox/login", json=body)

    assert answer.status_code == 400
    assert answer.json()["faults"]


def test_what_a_login_did_survives_a_snapshot(control, place, log_in):
    place(**GROUPED, **FLAGS, groupSettings={"autoCreateGroups": True}, settings={"autoAssignProfessional": True})
    log_in("new", email="new@contoso.test", name="New", groups=["Sales", "Buyers"])
    before = control.get("/_sandbox/world").json()

    control.put("/_sandbox/world", json=before).raise_for_status()

    assert control.get("/_sandbox/world").json() == before
    assert log_in("new", groups=["Sales", "Buyers"])["createdGroups"] == []
