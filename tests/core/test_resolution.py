from pathlib import Path

import pytest
from core.files import ACCESS, FINANCE, TODAY, faults_of, load

from qlik_provider.errors import DeclarationError
from qlik_provider.people import Directory, DirectoryUser, TenantNames, TenantSpace, TenantUser
from qlik_provider.resolution import Resolved, build_subject, check_subjects, resolve, unknown_people
from qlik_provider.shapes import Subject

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


def test_who_lacks_what_the_subject_is_made_of_is_a_fault(tmp_path: Path):
    access = ACCESS.replace("objectId", "mail") + "protect: [off@contoso.test]\n"
    files = {"access": access, "groups/finance": group("professional", "bo@contoso.test")}

    assert refuse(tmp_path, files) == [
        "access.yaml:3 subject.from: bo@contoso.test has no mail to make a subject of",
        "access.yaml:3 subject.from: off@contoso.test has no mail to make a subject of",
    ]


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


@pytest.mark.parametrize(
    ("rule", "subject"),
    [
        pytest.param({"from": "objectId"}, "id-cy", id="object id"),
        pytest.param({"from": "userPrincipalName"}, "cy@contoso.test", id="user principal name"),
        pytest.param({"from": "mail"}, "cy.mail@contoso.test", id="mail"),
        pytest.param({"from": "mail", "realm": "CONTOSO"}, r"CONTOSO\cy.mail@contoso.test", id="with a realm"),
        pytest.param({"from": "tenant"}, None, id="as the tenant has it"),
    ],
)
def test_a_subject_follows_from_the_directory(rule: dict[str, str], subject: str | None):
    assert build_subject(CY, Subject.model_validate(rule)) == subject


def test_without_a_mail_there_is_no_subject_made_of_it():
    assert build_subject(BO, Subject.model_validate({"from": "mail", "realm": "CONTOSO"})) is None


def tenant_user(subject: str, email: str | None, status: str = "active") -> TenantUser:
    return TenantUser(f"of {subject}", subject, email=email, status=status)


BY_ID = Subject.model_validate({"from": "objectId"})


@pytest.mark.parametrize(
    "user",
    [
        pytest.param(tenant_user("ID-ANA", "ana@contoso.test"), id="the declared subject in another case"),
        pytest.param(tenant_user("other", "nobody@contoso.test"), id="somebody else"),
        pytest.param(tenant_user("other", "ana@contoso.test", "deleted"), id="deleted"),
        pytest.param(tenant_user("other", None), id="without a mail"),
    ],
)
def test_users_of_the_tenant_who_contradict_nothing_are_no_fault(user: TenantUser):
    assert check_subjects({"id-ana": ANA}, [user], BY_ID) == []


def test_people_with_other_subjects_in_the_tenant_are_one_fault_that_says_what_fits(tmp_path: Path):
    users = (
        tenant_user(r"CONTOSO\ANA@contoso.test", "Ana@contoso.test"),
        tenant_user(r"CONTOSO\bo@contoso.test", "bo@contoso.test"),
        tenant_user("id-cy", "cy.mail@contoso.test"),
    )
    files = {"groups/finance": group("professional", "ana@contoso.test", "bo@contoso.test", "cy@contoso.test")}
    tenant = TenantNames("tenant", "9999", ("professional", "analyzer"), users=users)

    assert refuse(tmp_path, files, tenant=tenant) == [
        (
            "the subjects of 2 people in the tenant are others than declared: "
            r"ana@contoso.test is 'CONTOSO\\ANA@contoso.test' there and 'id-ana' by the declaration; "
            "what fits 2 of 3: subject: {from: userPrincipalName, realm: CONTOSO}"
        )
    ]


def test_where_the_declared_mapping_fits_best_the_tenants_users_are_to_be_corrected():
    users = [tenant_user("id-ana", "ana@contoso.test"), tenant_user("odd", "bo@contoso.test")]

    (fault,) = check_subjects({"id-ana": ANA, "id-bo": BO}, users, BY_ID)

    assert fault.endswith("the mapping fits everybody else, so correct these users in the tenant or leave them out")


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
    assert resolved.warnings == (f"x: {len(waiting)} get a license after their first login: {', '.join(waiting)}",)


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
