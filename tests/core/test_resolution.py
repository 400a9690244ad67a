from pathlib import Path

import pytest
from core.files import ACCESS, FINANCE, TODAY, faults_of, load

from qlik_provider.errors import DeclarationError
from qlik_provider.people import Directory, DirectoryUser, TenantNames, TenantSpace, TenantUser
from qlik_provider.resolution import Resolved, resolve, unknown_people

ANA = DirectoryUser("id-ana", "ana@contoso.test", "Ana", "ana@contoso.test")
BO = DirectoryUser("id-bo", "bo@contoso.test", "Bo")
CY = DirectoryUser("id-cy", "cy@contoso.test", "Cy", "cy.mail@contoso.test")
GONE = DirectoryUser("id-gone", "gone@contoso.test", is_deleted=True)
OFF = DirectoryUser("id-off", "off@contoso.test", account_enabled=False)
EVERYBODY = (ANA, BO, CY, GONE, OFF)

FINANCE_SPACE = TenantSpace("s1", "Finance", assignable_roles=frozenset({"consumer", "producer"}))
TENANT = TenantNames("tenant", "9999", ("professional", "analyzer"), roles=("Steward",), spaces=(FINANCE_SPACE,))


def group(license: str, *members: str, name: str = "") -> str:
    return f"name: BI {name or license}\nlicense: {license}\nmembers: [{', '.join(members)}]\n"


def work_out(folder: Path, files: dict[str, str], *users: DirectoryUser, tenant: TenantNames = TENANT) -> Resolved:
    return resolve(load(folder, files), Directory(users or EVERYBODY), tenant, TODAY)


def refuse(folder: Path, files: dict[str, str], *users: DirectoryUser, tenant: TenantNames = TENANT) -> list[str]:
    with pytest.raises(DeclarationError) as refusal:
        work_out(folder, files, *users, tenant=tenant)
    return faults_of(folder, refusal.value)


def held(resolved: Resolved) -> dict[str, str]:
    return {subject: str(entitlement) for subject, entitlement in resolved.assignments.items()}


def test_a_member_of_a_group_is_to_hold_its_license(tmp_path: Path):
    resolved = work_out(tmp_path, {"groups/finance": group("professional", "ANA@contoso.test", "bo@contoso.test")})

    assert held(resolved) == {
        "id-ana": "professional via finance for ana@contoso.test",
        "id-bo": "professional via finance for bo@contoso.test",
    }
    assert resolved.members == {"finance": {"id-ana": "ana@contoso.test", "id-bo": "bo@contoso.test"}}
    assert not resolved.warnings


def test_of_several_groups_the_strongest_type_is_given_once_and_every_key_is_named(tmp_path: Path):
    files = {
        "groups/a": group("analyzer", "ana@contoso.test", name="A"),
        "groups/b": group("professional", "ana@contoso.test", name="B"),
        "groups/c": group("professional", "ana@contoso.test", name="C"),
    }

    assert held(work_out(tmp_path, files)) == {"id-ana": "professional via b, c, a for ana@contoso.test"}


@pytest.mark.parametrize(
    ("exception", "expected"),
    [
        pytest.param("{license: analyzer}", "analyzer via people for ana@contoso.test", id="a weaker type"),
        pytest.param("{license: none}", None, id="none"),
        pytest.param(
            "{license: analyzer, until: 2026-11-02}", "analyzer via people for ana@contoso.test", id="its last day"
        ),
        pytest.param("{reason: watched}", "professional via finance for ana@contoso.test", id="no license said"),
    ],
)
def test_an_exception_beats_every_group(tmp_path: Path, exception: str, expected: str | None):
    resolved = work_out(tmp_path, {"groups/finance": FINANCE, "people": f"ana@contoso.test: {exception}\n"})

    assert held(resolved) == ({"id-ana": expected} if expected else {})


def test_an_expired_exception_is_no_exception_and_a_warning(tmp_path: Path):
    people = "ana@contoso.test:\n  license: none\n  until: 2026-11-01\n"

    resolved = work_out(tmp_path, {"groups/finance": FINANCE, "people": people})

    assert held(resolved) == {"id-ana": "professional via finance for ana@contoso.test"}
    assert resolved.warnings == (
        f"{tmp_path}/people.yaml:3 ana@contoso.test.until: ended on 2026-11-01 and no longer counts",
    )


def test_who_left_the_directory_is_given_nothing_and_named(tmp_path: Path):
    files = {
        "groups/finance": group("professional", "gone@contoso.test", "off@contoso.test"),
        "people": "off@contoso.test: {license: analyzer}\n",
    }

    resolved = work_out(tmp_path, files)

    assert not resolved.assignments
    assert resolved.members == {"finance": {"id-off": "off@contoso.test"}}
    assert resolved.warnings == (
        "gone@contoso.test is deleted in the directory; finance gives nothing",
        "off@contoso.test is disabled in the directory; finance gives nothing",
        "off@contoso.test is disabled in the directory; people gives nothing",
    )


def test_a_group_without_a_license_has_members_and_gives_nothing(tmp_path: Path):
    resolved = work_out(tmp_path, {"groups/x": "name: X\nmembers: [ana@contoso.test]\n"})

    assert not resolved.assignments
    assert resolved.members == {"x": {"id-ana": "ana@contoso.test"}}


def test_without_a_licenses_block_nobody_is_licensed_and_there_are_no_rules_for_it(tmp_path: Path):
    files = {"access": "subject: {from: objectId}\n", "groups/x": "name: X\nmembers: [ana@contoso.test]\n"}

    resolved = work_out(tmp_path, files)

    assert not resolved.assignments
    assert "order" not in resolved.license_rules


def test_rules_are_flat_and_those_of_members_are_brake_approvals_and_protection(tmp_path: Path):
    access = """\
        licenses:
          order: [professional, analyzer]
          reserve: {professional: 2}
          adopt: all
          retry: again
        subject: {from: userPrincipalName, realm: CONTOSO}
        brake: {max: 3, percent: 20, minimum: 5, onBreach: fail}
        protect: [cy.mail@contoso.test]
    """
    brake = {"brake.max": 3, "brake.percent": 20, "brake.minimum": 5, "brake.onBreach": "fail"}

    resolved = work_out(tmp_path, {"access": access})

    assert resolved.license_rules == {
        "order": "professional, analyzer",
        "adopt": "all",
        "repair": "additive",
        "shortage": "fail",
        "onDestroy": "keep",
        "reserve.professional": 2,
        "retry": "again",
        **brake,
        "approvals": f"{tmp_path}/approvals",
        r"protect.CONTOSO\cy@contoso.test": "cy.mail@contoso.test",
    }
    assert resolved.member_rules == {
        **brake,
        "approvals": f"{tmp_path}/approvals",
        "protect.id-cy": "cy.mail@contoso.test",
    }
    assert "retry" not in work_out(tmp_path, {}).license_rules


def test_a_name_nobody_has_is_a_fault_with_the_nearest_names(tmp_path: Path):
    files = {"groups/finance": group("professional", "anna@contoso.test", "zz")}

    assert refuse(tmp_path, files) == [
        (
            "groups/finance.yaml:3 members[0]: anna@contoso.test is unknown to the directory; "
            "the nearest: ana@contoso.test"
        ),
        "groups/finance.yaml:3 members[1]: zz is unknown to the directory",
    ]


def test_a_protected_name_that_nobody_has_is_a_fault_and_one_who_holds_nothing_is_none(tmp_path: Path):
    protect = f"{ACCESS}protect: [bo@contoso.test, breakglas@contoso.test, gone@contoso.test]\n"

    assert refuse(tmp_path, {"access": protect}) == [
        "access.yaml:4 protect[1]: breakglas@contoso.test is unknown to the directory"
    ]
    spared = work_out(tmp_path, {"access": f"{ACCESS}protect: [bo@contoso.test]\n"})
    assert (spared.warnings, dict(spared.assignments)) == ((), {})
    assert spared.license_rules["protect.id-bo"] == spared.member_rules["protect.id-bo"] == "bo@contoso.test"


def test_a_mail_that_two_people_have_is_a_fault(tmp_path: Path):
    twin = DirectoryUser("id-2", "ana.2@contoso.test", mail="cy.mail@contoso.test")
    files = {"people": "cy.mail@contoso.test: {license: analyzer}\n"}

    assert refuse(tmp_path, files, CY, twin) == [
        (
            "people.yaml:1 cy.mail@contoso.test: cy.mail@contoso.test is the mail of 2 people: "
            "cy@contoso.test, ana.2@contoso.test"
        )
    ]


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        pytest.param(
            {"groups/finance": group("professional", "cy@contoso.test", "cy.mail@contoso.test")},
            "groups/finance.yaml:3 members: cy@contoso.test is named twice, by mail and by user principal name",
            id="as members",
        ),
        pytest.param(
            {"people": "cy@contoso.test: {license: none}\ncy.mail@contoso.test: {license: analyzer}\n"},
            "people.yaml:2 cy.mail@contoso.test: cy@contoso.test is named twice, by mail and by user principal name",
            id="as exceptions",
        ),
    ],
)
def test_one_person_under_two_names_is_a_fault(tmp_path: Path, files: dict[str, str], fault: str):
    assert refuse(tmp_path, files) == [fault]


def test_who_lacks_what_the_subject_is_made_of_is_told_and_stops_nobody(tmp_path: Path):
    access = ACCESS.replace("objectId", "mail") + "protect: [off@contoso.test]\n"
    files = {"access": access, "groups/finance": group("professional", "bo@contoso.test", "cy@contoso.test")}

    resolved = work_out(tmp_path, files)

    assert held(resolved) == {"cy.mail@contoso.test": "professional via finance for cy.mail@contoso.test"}
    assert {id: str(value) for id, value in resolved.kept.items()} == {
        "id-bo": "professional via finance for bo@contoso.test"
    }
    assert resolved.object_ids == {"cy.mail@contoso.test": "id-cy", "id-off": "id-off"}
    assert resolved.license_rules["protect.id-off"] == "off@contoso.test"
    assert resolved.warnings == (
        (
            f"{tmp_path}/access.yaml:3 subject.from: 1 has no mail to make a subject of: bo@contoso.test; "
            "who holds a license by this stack keeps it"
        ),
    )


def test_two_people_of_one_subject_are_a_fault(tmp_path: Path):
    twin = DirectoryUser("id-2", "ana.2@contoso.test", mail="ANA@contoso.test")
    files = {
        "access": ACCESS.replace("objectId", "mail"),
        "groups/finance": group("professional", "ana@contoso.test", "ana.2@contoso.test"),
    }

    assert refuse(tmp_path, files, ANA, twin) == [
        "access.yaml:3 subject.from: ana@contoso.test and ana.2@contoso.test would share the subject ana@contoso.test"
    ]


def test_names_the_tenant_does_not_know_are_faults(tmp_path: Path):
    access = """\
        licenses:
          order: [Professional, analyzer]
        subject: {from: objectId}
    """
    group = "name: X\nmembers: []\nroles: [steward]\nspaces: {Sales: [consumer]}\n"

    assert refuse(tmp_path, {"access": access, "groups/x": group}) == [
        (
            "access.yaml:2 licenses.order[0]: 'Professional' is no license type of the tenant; "
            "it has analyzer, professional (case counts)"
        ),
        "groups/x.yaml:3 roles[0]: 'steward' is no role of the tenant; it has Steward (case counts)",
        "groups/x.yaml:4 spaces.Sales: 'Sales' is no space that this caller can see; it sees Finance (case counts)",
    ]


def test_a_group_that_declares_roles_or_spaces_has_a_policy_and_reaches_everybody_in_it(tmp_path: Path):
    files = {
        "access": ACCESS.replace("[professional, analyzer]", "[analyzer]\n  adopt: report\n  retry: again")
        + "protect: [bo@contoso.test]\n",
        "groups/both": "name: X\nmembers: [ana@contoso.test, bo@contoso.test]\nroles: [Steward]\n"
        "spaces: {Finance: [consumer]}\n",
        "groups/empty": "name: Y\nmembers: []\nroles: []\n",
        "groups/without": "name: Z\nmembers: [ana@contoso.test]\n",
    }

    policies = work_out(tmp_path, files, ANA, BO).policies

    assert list(policies) == ["both", "empty"]
    both, empty = policies["both"], policies["empty"]
    assert (both.roles, both.spaces, both.reach) == (("Steward",), {"Finance": ("consumer",)}, 2)
    assert (empty.roles, empty.spaces, empty.reach) == ((), None, 0)
    assert {name: both.rules[name] for name in ("adopt", "retry", "brake.max")} == {
        "adopt": "report",
        "retry": "again",
        "brake.max": 25,
    }
    assert [name for name in both.rules if name.startswith("protect.")] == [f"protect.{BO.id}"]
    assert not any(name.startswith("protect.") or name == "order" for name in empty.rules)


def test_a_tenant_without_any_has_none(tmp_path: Path):
    tenant = TenantNames("tenant", "9999", ("professional", "analyzer"))

    assert refuse(tmp_path, {"groups/x": "name: X\nmembers: []\nroles: [A]\n"}, tenant=tenant) == [
        "groups/x.yaml:3 roles[0]: 'A' is no role of the tenant; it has none (case counts)"
    ]


def tenant_user(subject: str, email: str | None, status: str = "active") -> TenantUser:
    return TenantUser(f"of {subject}", subject, email=email, status=status)


def test_subjects_are_compared_only_when_all_names_are_known(tmp_path: Path):
    tenant = TenantNames("tenant", "9999", ("professional",), users=(tenant_user("other", "ana@contoso.test"),))

    faults = refuse(tmp_path, {"groups/finance": FINANCE}, tenant=tenant)

    assert [fault.partition(" ")[0] for fault in faults] == ["access.yaml:2"]


def test_people_unknown_to_the_directory_are_listed(tmp_path: Path):
    files = {
        "access": ACCESS + "protect: [p@contoso.test]\n",
        "groups/finance": group("professional", "ana@contoso.test", "m@contoso.test"),
        "people": "q@contoso.test: {license: none}\n",
    }

    assert unknown_people(load(tmp_path, files), Directory(EVERYBODY)) == [
        "p@contoso.test",
        "q@contoso.test",
        "m@contoso.test",
    ]


def test_a_directory_finds_present_people_before_deleted_ones_and_names_before_mails():
    deleted = DirectoryUser("old", "ana@contoso.test", is_deleted=True)
    named = DirectoryUser("other", "other@contoso.test", mail="ana@contoso.test")

    directory = Directory([deleted, named, ANA])

    assert directory.find("Ana@Contoso.test") == (ANA,)
    assert Directory([deleted, named]).find("ana@contoso.test") == (named,)
    assert Directory([deleted]).find("ana@contoso.test") == (deleted,)
    assert directory.find("nobody") == ()
    assert sorted(directory) == ["ana@contoso.test", "other@contoso.test"]


WAITING = """\
licenses:
  order: [professional, analyzer]
  shortage: waitlist
  priority: [sales, finance]
  overage: {professional: 2}
  baseline: analyzer
subject: {from: objectId}
"""


def test_the_rules_of_waiting_name_what_each_key_confers_and_which_go_first(tmp_path: Path):
    files = {
        "access": WAITING,
        "groups/finance": FINANCE,
        "groups/sales": group("analyzer", "bo@contoso.test"),
        "groups/guests": group("capacity", "cy@contoso.test"),
        "groups/nothing": "name: X\nmembers: []\n",
    }
    tenant = TenantNames("tenant", "9999", ("professional", "analyzer"), pools=("analyzer_time",))

    rules = work_out(tmp_path, files, tenant=tenant).license_rules

    assert {name: value for name, value in rules.items() if name.startswith(("confers.", "prio", "over", "base"))} == {
        "confers.finance": "professional",
        "confers.sales": "analyzer",
        "priority": "sales, finance",
        "overage.professional": 2,
        "baseline": "analyzer",
    }
    assert rules["shortage"] == "waitlist"


def test_where_nobody_waits_there_are_no_rules_of_waiting_and_without_a_baseline_none_of_it(tmp_path: Path):
    rules = work_out(tmp_path, {"groups/finance": FINANCE}).license_rules

    assert not {"priority", "baseline", "confers.finance"} & set(rules)
    access = ACCESS.replace("]\n", "]\n  shortage: waitlist\n", 1)
    rules = work_out(tmp_path, {"access": access, "groups/finance": FINANCE}).license_rules
    assert "priority" not in rules
    assert rules["confers.finance"] == "professional"


WITH_MINUTES = TenantNames("tenant", "9999", ("professional", "analyzer"), pools=("analyzer_time",))


def test_who_uses_minutes_holds_no_seat_and_is_counted_under_each_key(tmp_path: Path):
    files = {
        "groups/finance": FINANCE,
        "groups/staff": group("capacity", "ana@contoso.test", "bo@contoso.test", "off@contoso.test"),
        "groups/guests": group("capacity", "bo@contoso.test", name="Guests"),
        "people": "cy@contoso.test: {license: capacity}\n",
    }

    resolved = work_out(tmp_path, files, tenant=WITH_MINUTES)

    assert held(resolved) == {"id-ana": "professional via finance for ana@contoso.test"}
    assert {name: n for name, n in resolved.license_rules.items() if name.startswith("capacity.")} == {
        "capacity.guests": 1,
        "capacity.people": 1,
        "capacity.staff": 1,
    }


def test_minutes_of_a_tenant_that_has_none_are_a_fault(tmp_path: Path):
    files = {
        "groups/staff": group("capacity", "ana@contoso.test"),
        "people": "bo@contoso.test:\n  license: capacity\n",
    }
    reason = "the tenant has no minutes to share; declare a type that is a seat"

    assert refuse(tmp_path, files) == [
        f"people.yaml:2 bo@contoso.test.license: {reason}",
        f"groups/staff.yaml:2 license: {reason}",
    ]


@pytest.mark.parametrize(
    ("users", "holders", "expected"),
    [
        pytest.param((), (), [], id="nobody came"),
        pytest.param(("ID-ANA",), (), ["id-ana"], id="one came"),
        pytest.param((), ("id-bo",), ["id-bo"], id="one holds a seat"),
    ],
)
def test_a_seat_comes_with_the_first_login_where_the_group_says_so(
    tmp_path: Path, users: tuple[str, ...], holders: tuple[str, ...], expected: list[str]
):
    tenant = TenantNames(
        "tenant",
        "9999",
        ("professional", "analyzer"),
        users=tuple(tenant_user(subject, None) for subject in users),
        holders=frozenset(holders),
    )
    files = {"groups/x": group("analyzer", "ana@contoso.test", "bo@contoso.test") + "grant: firstLogin\n"}

    resolved = work_out(tmp_path, files, tenant=tenant)

    assert sorted(resolved.assignments) == expected
    assert sorted(resolved.members["x"]) == ["id-ana", "id-bo"]
    waiting = [user.address for user in (ANA, BO) if user.id not in expected]
    told = "1 gets" if len(waiting) == 1 else "2 get"
    assert resolved.warnings == (f"x: {told} a license after their first login: {', '.join(waiting)}",)


def test_who_waits_keeps_what_a_former_subject_holds_and_an_exception_beats_the_waiting(tmp_path: Path):
    late = "grant: firstLogin\n"
    files = {
        "access": ACCESS.replace("objectId", "userPrincipalName"),
        "groups/x": group("professional", "ana@contoso.test", "bo@contoso.test", "off@contoso.test") + late,
        "groups/y": group("analyzer", "ana@contoso.test", name="Y"),
        "groups/z": group("capacity", "cy@contoso.test", name="Z") + late,
        "people": "bo@contoso.test: {license: none}\n",
    }

    resolved = work_out(tmp_path, files, tenant=WITH_MINUTES)

    assert held(resolved) == {"ana@contoso.test": "analyzer via y for ana@contoso.test"}
    assert {subject: str(value) for subject, value in resolved.waiting.items()} == {
        "ana@contoso.test": "professional via x, y for ana@contoso.test"
    }
    assert resolved.object_ids == {"ana@contoso.test": "id-ana"}


def test_who_waits_without_a_subject_keeps_what_they_hold(tmp_path: Path):
    files = {
        "access": ACCESS.replace("objectId", "mail"),
        "groups/x": group("analyzer", "bo@contoso.test") + "grant: firstLogin\n",
    }

    resolved = work_out(tmp_path, files)

    assert (list(resolved.kept), dict(resolved.waiting), dict(resolved.assignments)) == (["id-bo"], {}, {})


def as_tenant(newcomers: str, realm: str = "") -> str:
    return ACCESS.replace("objectId", f"tenant, newcomers: {newcomers}" + (f", realm: {realm}" if realm else ""))


PARTLY = TenantNames(
    "tenant",
    "9999",
    ("professional", "analyzer"),
    users=(tenant_user("auth0|ana", "ANA@contoso.test"), tenant_user("auth0|old", "cy.mail@contoso.test", "deleted")),
)


@pytest.mark.parametrize(
    ("access", "subjects", "says"),
    [
        pytest.param(as_tenant("objectId"), ["auth0|ana", "id-bo", "id-cy"], "get the object id as subject", id="id"),
        pytest.param(
            as_tenant("objectId", "C"), ["auth0|ana", r"C\id-bo", r"C\id-cy"], "get the object id", id="with a realm"
        ),
        pytest.param(as_tenant("skip"), ["auth0|ana"], "are not in the tenant and skipped", id="skipped"),
    ],
)
def test_subjects_are_those_of_the_tenants_users_and_newcomers_are_told(tmp_path: Path, access, subjects, says):
    files = {"access": access, "groups/x": group("analyzer", "ana@contoso.test", "bo@contoso.test", "cy@contoso.test")}

    resolved = work_out(tmp_path, files, tenant=PARTLY)

    assert sorted(resolved.assignments) == sorted(subjects)
    assert sorted(resolved.kept) == ["id-bo", "id-cy"]
    assert resolved.object_ids["auth0|ana"] == "id-ana"
    (told,) = resolved.warnings
    assert told.startswith(f"{tmp_path}/access.yaml:3 subject.from: 2 ")
    assert says in told
    assert "bo@contoso.test, cy.mail@contoso.test" in told


def test_a_mail_that_two_users_of_the_tenant_have_is_a_fault_and_protects_both(tmp_path: Path):
    users = (tenant_user("auth0|ana", "ana@contoso.test"), tenant_user("id-ana", "ana@contoso.test"))
    tenant = TenantNames("tenant", "9999", ("professional", "analyzer"), users=users)
    protecting = as_tenant("skip") + "protect: [ana@contoso.test]\n"

    assert refuse(tmp_path, {"access": as_tenant("skip"), "groups/finance": FINANCE}, tenant=tenant) == [
        (
            "access.yaml:3 subject.from: ana@contoso.test is the e-mail of 2 users of the tenant: "
            "'auth0|ana', 'id-ana'; "
            "leave it to one of them"
        )
    ]
    (tmp_path / "groups" / "finance.yaml").unlink()
    rules = work_out(tmp_path, {"access": protecting}, tenant=tenant).license_rules
    assert {"protect.auth0|ana", "protect.id-ana"} <= set(rules)


def test_who_is_not_active_in_the_tenant_has_not_come(tmp_path: Path):
    users = (tenant_user("id-ana", None, "invited"), tenant_user("id-bo", None))
    tenant = TenantNames("tenant", "9999", ("professional", "analyzer"), users=users)
    files = {"groups/x": group("analyzer", "ana@contoso.test", "bo@contoso.test") + "grant: firstLogin\n"}

    assert list(work_out(tmp_path, files, tenant=tenant).assignments) == ["id-bo"]


def test_where_everybody_has_come_there_is_nothing_to_tell(tmp_path: Path):
    tenant = TenantNames("tenant", "9999", ("professional", "analyzer"), users=(tenant_user("id-ana", None),))
    files = {"groups/x": group("analyzer", "ana@contoso.test") + "grant: firstLogin\n"}

    assert work_out(tmp_path, files, tenant=tenant).warnings == ()


@pytest.mark.parametrize(
    ("baseline", "license", "is_told"),
    [
        pytest.param("professional", "analyzer", True, id="less"),
        pytest.param("analyzer", "none", True, id="nothing"),
        pytest.param("analyzer", "capacity", True, id="minutes"),
        pytest.param("analyzer", "analyzer", False, id="just that"),
        pytest.param("analyzer", "professional", False, id="more"),
        pytest.param("none", "none", False, id="no baseline"),
    ],
)
def test_an_exception_below_the_baseline_is_told_since_the_tenant_gives_it_anyway(
    tmp_path: Path, baseline: str, license: str, *, is_told: bool
):
    access = ACCESS.replace("]\n", f"]\n  baseline: {baseline}\n", 1)
    people = f"ana@contoso.test:\n  license: {license}\n"

    resolved = work_out(tmp_path, {"access": access, "people": people}, tenant=WITH_MINUTES)

    told = f"{license} is less than the baseline {baseline}, which the tenant gives to everybody"
    assert resolved.warnings == ((f"{tmp_path}/people.yaml:2 ana@contoso.test.license: {told}",) if is_told else ())


def test_an_exception_without_a_licenses_block_is_below_nothing(tmp_path: Path):
    files = {"access": "subject: {from: objectId}\n", "people": "ana@contoso.test: {license: none}\n"}

    assert work_out(tmp_path, files).warnings == ()


def test_what_a_group_releases_late_is_a_rule_with_what_it_confers_and_who_has_an_exception(tmp_path: Path):
    files = {
        "groups/devs": group("professional", "ana@contoso.test") + "releaseAfter: 7d\n",
        "groups/readers": group("analyzer", "cy@contoso.test") + "releaseAfter: 12h\n",
        "people": "bo@contoso.test: {license: none}\ncy@contoso.test: {license: professional}\n",
    }

    rules = work_out(tmp_path, files).license_rules

    assert (rules["release.devs"], rules["release.readers"]) == (168, 12)
    assert (rules["confers.devs"], rules["confers.readers"]) == ("professional", "analyzer")
    assert (rules["exception.id-bo"], rules["exception.id-cy"]) == ("none", "professional")


def test_where_nothing_waits_and_everything_counts_no_rule_says_so(tmp_path: Path):
    files = {"groups/devs": group("professional", "ana@contoso.test"), "people": "bo@contoso.test: {license: none}\n"}

    rules = work_out(tmp_path, files).license_rules

    assert not [name for name in rules if name.startswith(("release.", "exception.", "only", "previously"))]


def test_a_former_key_is_a_rule(tmp_path: Path):
    files = {"groups/devs": group("professional", "ana@contoso.test") + "previously: builders\n"}

    assert work_out(tmp_path, files).license_rules["previously.devs"] == "builders"


@pytest.mark.parametrize(("only", "given"), [("devs", set()), ("devs, people", {"id-cy"})])
def test_exceptions_give_nothing_and_bar_their_groups_where_they_do_not_count(tmp_path: Path, only, given):
    files = {
        "access": ACCESS + f"only: [{only}]\n",
        "groups/devs": group("professional", "bo@contoso.test", "cy@contoso.test"),
        "people": "bo@contoso.test: {license: none}\ncy@contoso.test: {license: analyzer}\n",
    }

    resolved = work_out(tmp_path, files)

    assert resolved.assignments.keys() == given
    assert resolved.license_rules["only"] == only
    assert {"exception.id-bo", "exception.id-cy"} <= resolved.license_rules.keys()


def test_somebody_without_a_subject_has_no_rule_of_an_exception(tmp_path: Path):
    access = ACCESS.replace("objectId", "mail") + "only: [devs]\n"
    files = {
        "access": access,
        "groups/devs": group("professional", "ana@contoso.test"),
        "people": "bo@contoso.test: {license: none}\n",
    }

    rules = work_out(tmp_path, files).license_rules

    assert not [name for name in rules if name.startswith("exception.")]


NOBODY_LICENSED = "subject: {from: objectId}\nprotect: [cy@contoso.test]\n"
DIRECTLY = "ana@contoso.test: {spaces: {Finance: [producer, consumer]}}\n"


def test_people_are_granted_spaces_by_themselves_also_where_nobody_gets_a_license(tmp_path: Path):
    people = f"{DIRECTLY}bo@contoso.test: {{spaces: {{}}}}\ncy@contoso.test: {{reason: watched}}\n"

    grants = work_out(tmp_path, {"access": NOBODY_LICENSED, "people": people}).user_grants

    assert grants.people == {"id-ana": "id-ana for ana@contoso.test", "id-bo": "for bo@contoso.test"}
    assert grants.spaces == {"id-ana/Finance": "consumer, producer for ana@contoso.test"}
    assert {n: v for n, v in grants.rules.items() if n.startswith(("protect", "unmanaged"))} == {
        "protect.id-cy": "cy.mail@contoso.test",
        "unmanaged.id-cy": "cy.mail@contoso.test",
    }
    assert grants.rules["approvals"] == f"{tmp_path}/approvals"


def test_without_spaces_of_people_there_is_no_policy_of_users_and_none_where_exceptions_do_not_count(tmp_path: Path):
    none = {"people": "ana@contoso.test: {license: none}\n"}
    left = {"access": f"{NOBODY_LICENSED}only: []\n", "people": DIRECTLY}
    counted = {"access": f"{NOBODY_LICENSED}only: [people]\n", "people": DIRECTLY}

    assert work_out(tmp_path / "none", none).user_grants is None
    assert work_out(tmp_path / "left", left).user_grants is None
    assert work_out(tmp_path / "counted", counted).user_grants is not None


def test_who_has_left_or_whose_exception_has_ended_is_granted_no_space_and_told_once(tmp_path: Path):
    people = (
        "off@contoso.test: {license: analyzer, spaces: {Finance: [producer]}}\n"
        "bo@contoso.test: {license: analyzer, until: 2026-11-01, spaces: {Finance: [producer]}}\n"
        "gone@contoso.test: {spaces: {Finance: [producer]}}\n"
    )

    resolved = work_out(tmp_path, {"people": people})

    assert resolved.user_grants.spaces == {}
    assert set(resolved.user_grants.people) == {"id-off", "id-bo", "id-gone"}
    assert sorted(resolved.warnings) == sorted(
        [
            "off@contoso.test is disabled in the directory; people gives nothing",
            f"{tmp_path}/people.yaml:2 bo@contoso.test.until: ended on 2026-11-01 and no longer counts",
            "gone@contoso.test is deleted in the directory; people gives nothing",
        ]
    )


def test_a_bad_space_of_a_person_is_a_fault_at_its_place_and_nobody_is_named_twice(tmp_path: Path):
    people = (
        "ana@contoso.test: {spaces: {Sales: [consumer]}}\n"
        "cy@contoso.test: {license: none, spaces: {Finance: [publisher]}}\n"
        "cy.mail@contoso.test: {license: none, spaces: {}}\n"
        "who@contoso.test: {license: none, spaces: {}}\n"
    )

    assert refuse(tmp_path, {"people": people}) == [
        (
            "people.yaml:1 ana@contoso.test.spaces.Sales: 'Sales' is no space that this caller can see; "
            "it sees Finance (case counts)"
        ),
        (
            "people.yaml:2 cy@contoso.test.spaces.Finance: publisher cannot be assigned in the shared space 'Finance'; "
            "it has consumer, producer"
        ),
        "people.yaml:3 cy.mail@contoso.test: cy@contoso.test is named twice, by mail and by user principal name",
        "people.yaml:4 who@contoso.test: who@contoso.test is unknown to the directory",
    ]


def test_the_subjects_of_people_with_spaces_are_checked_as_any_others(tmp_path: Path):
    tenant = TenantNames(
        "t",
        "9",
        ("analyzer",),
        spaces=(FINANCE_SPACE,),
        users=(TenantUser("1", "auth0|ana", email="ana@contoso.test"),),
    )

    (fault,) = refuse(tmp_path, {"access": "subject: {from: objectId}\n", "people": DIRECTLY}, tenant=tenant)

    assert "the subjects of 1 person in the tenant are others than declared: ana@contoso.test is 'auth0|ana'" in fault
