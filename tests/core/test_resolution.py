from pathlib import Path

import pytest
from core.files import ACCESS, FINANCE, TODAY, faults_of, load

from qlik_provider.declaration import UNSUPPORTED
from qlik_provider.errors import DeclarationError
from qlik_provider.people import Directory, DirectoryUser, TenantNames, TenantUser
from qlik_provider.resolution import Resolved, build_subject, check_subjects, resolve, unknown_people
from qlik_provider.shapes import Subject

ANA = DirectoryUser("id-ana", "ana@contoso.test", "Ana", "ana@contoso.test")
BO = DirectoryUser("id-bo", "bo@contoso.test", "Bo")
CY = DirectoryUser("id-cy", "cy@contoso.test", "Cy", "cy.mail@contoso.test")
GONE = DirectoryUser("id-gone", "gone@contoso.test", is_deleted=True)
OFF = DirectoryUser("id-off", "off@contoso.test", account_enabled=False)
EVERYBODY = (ANA, BO, CY, GONE, OFF)

TENANT = TenantNames("tenant", "9999", ("professional", "analyzer"), roles=("Steward",), spaces=("Finance",))


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
          reserve: {gold: 1}
        subject: {from: objectId}
    """
    group = "name: X\nmembers: []\nroles: [steward]\nspaces: {Sales: [consumer]}\n"

    assert refuse(tmp_path, {"access": access, "groups/x": group}) == [
        (
            "access.yaml:2 licenses.order[0]: 'Professional' is no license type of the tenant; "
            "it has analyzer, professional (case counts)"
        ),
        "access.yaml:3 licenses.reserve.gold: 'gold' is not one of Professional, analyzer",
        "groups/x.yaml:3 roles: 'steward' is no role of the tenant; it has Steward (case counts)",
        "groups/x.yaml:4 spaces: 'Sales' is no space of the tenant; it has Finance (case counts)",
    ]


def test_roles_and_spaces_the_tenant_knows_are_refused_as_not_carried_out(tmp_path: Path):
    group = "name: X\nmembers: []\nroles: [Steward]\nspaces: {Finance: [consumer]}\n"

    assert refuse(tmp_path, {"groups/x": group}) == [
        f"groups/x.yaml:3 roles: {UNSUPPORTED}",
        f"groups/x.yaml:4 spaces: {UNSUPPORTED}",
    ]


def test_a_tenant_without_any_has_none(tmp_path: Path):
    tenant = TenantNames("tenant", "9999", ("professional", "analyzer"))

    assert refuse(tmp_path, {"groups/x": "name: X\nmembers: []\nroles: [A]\n"}, tenant=tenant) == [
        "groups/x.yaml:3 roles: 'A' is no role of the tenant; it has none (case counts)"
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
