"""Users of the tenant whom no group explains, and what lets them in."""

from pathlib import Path

import pytest
from core.files import load

from qlik_provider.people import Application, Directory, DirectoryUser, IdentityProvider, TenantUser
from qlik_provider.strangers import (
    SignIn,
    describe_sign_in,
    describe_unexplained,
    find_declared,
    find_unexplained,
)

ANA = DirectoryUser("id-ana", "ana@contoso.test", "Ana", "ana.silva@contoso.test")
BO, CY, DEE = (DirectoryUser(f"id-{name}", f"{name}@contoso.test") for name in ("bo", "cy", "dee"))
OFF = DirectoryUser("id-off", "off@contoso.test", account_enabled=False)
DIRECTORY = Directory([ANA, BO, CY, DEE, OFF])
PEOPLE = {user.id: user for user in (ANA, BO)}
ACCESS = "subject: {from: objectId}\nprotect: [cy@contoso.test]\n"


def user(subject: str, email: str | None = None, **others) -> TenantUser:
    return TenantUser(f"id of {subject}", subject, email=email, **others)


def find(folder: Path, *users: TenantUser, access: str = ACCESS) -> list[str]:
    declaration = load(folder, {"access": access, "people": "bo@contoso.test: {reason: watched}\n"})
    declared = find_declared(declaration, DIRECTORY, {"readers": ["id-ana"]})
    return [found.subject for found in find_unexplained(declaration, declared, users)]


def test_groups_exceptions_the_protected_and_who_takes_over_from_leavers_explain_people(tmp_path: Path):
    access = f"{ACCESS}leavers: {{disableAfter: 7d, transferTo: dee@contoso.test, deleteAfter: 30d}}\n"
    declaration = load(tmp_path, {"access": access, "people": "bo@contoso.test: {reason: watched}\n"})

    assert set(find_declared(declaration, DIRECTORY, {"readers": ["id-ana"], "gone": []})) == {
        "id-ana",
        "id-bo",
        "id-cy",
        "id-dee",
    }


@pytest.mark.parametrize(
    "explained",
    [
        pytest.param(user("ID-ANA"), id="a subject in any case"),
        pytest.param(user("auth0|ana", "Ana.Silva@contoso.test"), id="a mail"),
        pytest.param(user("auth0|ana", "ana@contoso.test"), id="a user principal name"),
        pytest.param(user("ana@contoso.test"), id="a subject that is the name"),
        pytest.param(user("id-dee", "dee@contoso.test", status="disabled"), id="who cannot log in"),
        pytest.param(user("qlikbot\\1", is_bot=True), id="a client"),
    ],
)
def test_whoever_is_declared_or_cannot_log_in_is_no_stranger(tmp_path: Path, explained: TenantUser):
    assert find(tmp_path, explained) == []


@pytest.mark.parametrize("status", ["active", "invited", "provisioned"])
def test_everybody_else_is_one_by_mail(tmp_path: Path, status: str):
    assert find(
        tmp_path, user("z", "a@fabrikam.test"), user("id-dee", status=status), user("b", "a@fabrikam.test")
    ) == [
        "b",
        "z",
        "id-dee",
    ]


def test_a_realm_and_a_subject_taken_from_the_tenant_count(tmp_path: Path):
    realm = "subject: {from: objectId, realm: CONTOSO}\n"
    tenant = "subject: {from: tenant, newcomers: skip}\n"

    assert find(tmp_path, user("contoso\\id-ana"), user("id-ana"), access=realm) == ["id-ana"]
    assert find(tmp_path, user("x", "ana.silva@contoso.test"), user("y"), access=tenant) == ["y"]


def test_a_warning_counts_them_and_names_the_first(tmp_path: Path):
    users = [user(f"s{number}", f"p{number}@fabrikam.test") for number in range(7)]
    named = "p0@fabrikam.test, p1@fabrikam.test, p2@fabrikam.test, p3@fabrikam.test, p4@fabrikam.test and 2 more"

    (warning,) = describe_unexplained(users, [])

    assert warning == (
        f"7 users of the tenant are in no group and no exception of this stack: {named}; `qlik-provider report` lists "
        "them all"
    )
    assert list(describe_unexplained([], [])) == []


def test_while_a_group_is_in_doubt_nobody_is_called_a_stranger():
    (warning,) = describe_unexplained([user("s")], ["sales", "hr"])

    assert warning == "which users of the tenant no group explains is not known: in doubt: hr, sales"


def test_an_identity_provider_that_creates_users_is_told_with_what_to_switch():
    providers = (
        IdentityProvider("p1", "azureAD OIDC Contoso", creates_users=True),
        IdentityProvider("p2", "okta", is_active=False, creates_users=True),
        IdentityProvider("p3", "generic"),
    )

    (warning,) = describe_sign_in(SignIn(providers), PEOPLE, creates_users=True)
    (more,) = describe_sign_in(SignIn(providers), PEOPLE, creates_users=False)

    assert warning == (
        "identity provider azureAD OIDC Contoso (p1): createNewUsersOnLogin is on, so whoever signs in becomes a user "
        "of the tenant, and no API switches it; by hand: the Administration activity center, Identity provider"
    )
    assert more == f"{warning}; with provision: true this stack creates its own people before that"


@pytest.mark.parametrize(
    ("is_required", "assigned", "says"),
    [
        (True, {"id-ana", "id-bo"}, None),
        (True, {"id-bo"}, "1 person of this stack is not assigned to it and cannot sign in: ana.silva@contoso.test;"),
        (False, {"id-ana", "id-bo"}, "so every account of the directory can sign in; by hand: in Entra, Enterprise "),
        (False, {"id-ana", "id-bo"}, "Qlik, Properties: Assignment required; everybody of this stack is assigned"),
        (False, set(), "; first assign 2 people of this stack, who would be locked out: ana.silva@contoso.test, bo@"),
    ],
)
def test_an_application_is_told_with_whom_it_lets_in_or_locks_out(is_required, assigned, says):
    read = SignIn(application=Application("a", "Qlik", is_required), assigned=frozenset(assigned))

    warnings = list(describe_sign_in(read, {**PEOPLE, OFF.id: OFF}, creates_users=False))

    assert len(warnings) == (says is not None)
    assert all(says in warning for warning in warnings)


def test_what_could_not_be_read_is_told():
    assert list(describe_sign_in(SignIn(unread=("not known",)), {}, creates_users=False)) == ["not known"]
