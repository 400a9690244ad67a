"""Which subject a person has, and what the tenant says against it."""

import pytest

from qlik_provider.people import DirectoryUser, TenantUser
from qlik_provider.shapes import Subject
from qlik_provider.subjects import Subjects, build_subject, check_subjects

ANA = DirectoryUser("id-ana", "ana@contoso.test", "Ana", "ana@contoso.test")
BO = DirectoryUser("id-bo", "bo@contoso.test", "Bo")
CY = DirectoryUser("id-cy", "cy@contoso.test", "Cy", "cy.mail@contoso.test")


def rule(origin: str, **more) -> Subject:
    return Subject.model_validate({"from": origin, **more})


def tenant_user(subject: str, email: str | None, status: str = "active") -> TenantUser:
    return TenantUser(f"of {subject}", subject, email=email, status=status)


def check(mapping: Subject, people: dict[str, DirectoryUser], *users: TenantUser):
    return check_subjects(people, Subjects(mapping, users))


@pytest.mark.parametrize(
    ("mapping", "subject"),
    [
        pytest.param(rule("objectId"), "id-cy", id="object id"),
        pytest.param(rule("userPrincipalName"), "cy@contoso.test", id="user principal name"),
        pytest.param(rule("mail"), "cy.mail@contoso.test", id="mail"),
        pytest.param(rule("mail", realm="CONTOSO"), r"CONTOSO\cy.mail@contoso.test", id="with a realm"),
    ],
)
def test_a_subject_follows_from_the_directory(mapping: Subject, subject: str):
    assert build_subject(CY, mapping) == Subjects(mapping, ()).build(CY) == subject


def test_without_a_mail_there_is_no_subject_made_of_it():
    assert build_subject(BO, rule("mail", realm="CONTOSO")) is None


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
    checked = check(rule("objectId"), {"id-ana": ANA}, user)

    assert (checked.faults, checked.warnings) == ((), ())


def test_people_with_other_subjects_in_the_tenant_are_one_fault_that_says_what_fits():
    users = (
        tenant_user(r"CONTOSO\ANA@contoso.test", "Ana@contoso.test"),
        tenant_user(r"CONTOSO\bo@contoso.test", "bo@contoso.test"),
        tenant_user("id-cy", "cy.mail@contoso.test"),
    )

    checked = check(rule("objectId"), {"id-ana": ANA, "id-bo": BO, "id-cy": CY}, *users)

    assert checked.faults == (
        (
            "the subjects of 2 people in the tenant are others than declared: "
            r"ana@contoso.test is 'CONTOSO\\ANA@contoso.test' there and 'id-ana' by the declaration; "
            "what fits 2 of 3: subject: {from: userPrincipalName, realm: CONTOSO}; "
            "if the mapping changes, declare that beside it as previously"
        ),
    )


def test_where_the_declared_mapping_fits_best_the_tenants_users_are_to_be_corrected():
    users = [tenant_user("id-ana", "ana@contoso.test"), tenant_user("odd", "bo@contoso.test")]

    (fault,) = check(rule("objectId"), {"id-ana": ANA, "id-bo": BO}, *users).faults

    assert fault.endswith("the mapping fits everybody else, so correct these users in the tenant or leave them out")


def test_whom_the_tenant_has_by_the_former_mapping_is_told_and_no_fault():
    changed = rule("objectId", previously={"from": "userPrincipalName", "realm": "C"})
    users = [tenant_user(r"C\ANA@contoso.test", "ana@contoso.test"), tenant_user("id-bo", "bo@contoso.test")]

    checked = check(changed, {"id-ana": ANA, "id-bo": BO}, *users)

    assert checked.faults == ()
    (told,) = checked.warnings
    assert told.startswith("1 is in the tenant by a former subject until they log in again")
    assert check(changed, {"id-ana": ANA}, tenant_user("odd", "ana@contoso.test")).faults


@pytest.mark.parametrize(
    ("former", "origin", "is_fault"),
    [
        pytest.param("old.name@contoso.test", "userPrincipalName", False, id="a former name"),
        pytest.param("old.name@contoso.test", "objectId", True, id="by object id nobody is renamed"),
        pytest.param("auth0|x", "userPrincipalName", True, id="no name of that form"),
        pytest.param(r"C\old.name@contoso.test", "userPrincipalName", True, id="another realm"),
    ],
)
def test_a_former_name_among_people_whom_the_mapping_fits_is_told_and_no_fault(former, origin, is_fault):
    ana, bo = (build_subject(person, rule(origin)) or "" for person in (ANA, BO))
    users = [tenant_user(former, "ana@contoso.test"), tenant_user(bo, "bo@contoso.test")]

    checked = check(rule(origin), {ana: ANA, bo: BO}, *users)

    assert (bool(checked.faults), bool(checked.warnings)) == (is_fault, not is_fault)


def test_a_mapping_that_fits_less_than_half_is_no_renaming():
    users = [tenant_user("old@contoso.test", "ana@contoso.test")]

    assert check(rule("userPrincipalName"), {"ana@contoso.test": ANA}, *users).faults


def test_who_is_in_the_tenant_by_several_subjects_is_told():
    users = [tenant_user("id-ana", "ana@contoso.test"), tenant_user("auth0|ana", "ana@contoso.test")]

    (told,) = check(rule("objectId"), {"id-ana": ANA}, *users).warnings

    assert told == (
        "1 is in the tenant by several subjects, of which the declared one counts: "
        "ana@contoso.test ('id-ana', 'auth0|ana')"
    )


def test_subjects_of_the_tenant_contradict_nothing():
    checked = check(rule("tenant", newcomers="skip"), {"x": ANA}, tenant_user("y", "ana@contoso.test"))

    assert (checked.faults, checked.warnings) == ((), ())
