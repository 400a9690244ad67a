"""Approvals that approve nothing are never silence, and the others are."""

from datetime import timedelta
from pathlib import Path

import pytest
from core.files import TODAY, load

from qlik_provider.approvals import describe_carried_out, describe_idle, find_strangers
from qlik_provider.people import Directory, DirectoryUser, TenantNames, TenantUser

ANA = DirectoryUser("id-ana", "ana@contoso.test", mail="ana@contoso.test")
TENANT = TenantNames(
    "id",
    "9999",
    ("analyzer",),
    roles=("Steward",),
    users=(TenantUser("1", "auth0|eve"),),
    holders=frozenset({"contoso\\left@contoso.test"}),
)
ACCESS = "licenses:\n  order: [analyzer]\nsubject: {from: mail, realm: CONTOSO}\n"


def approve(*subjects: str, days: int = 0) -> str:
    return f"subjects: [{', '.join(subjects)}]\nreason: x\nexpires: {TODAY + timedelta(days=days)}\n"


def warnings_of(folder: Path, approval: str) -> list[str]:
    declaration = load(folder, {"access": ACCESS, "approvals/a": approval})
    strangers = find_strangers(declaration, Directory([ANA]), TENANT, TODAY)
    return [text.removeprefix(f"{folder}/") for text in describe_idle(declaration, strangers, TODAY)]


@pytest.mark.parametrize(
    "subject",
    [
        pytest.param("ID-ANA", id="an object id of the directory"),
        pytest.param(r"contoso\ANA@contoso.test", id="a subject made of the directory"),
        pytest.param("auth0|EVE", id="a user of the tenant"),
        pytest.param("policy/readers/role:Steward", id="a right of a group"),
        pytest.param(r"CONTOSO\Left@contoso.test", id="who is gone and holds a row"),
        pytest.param("policy/readers/role:STEWARD", id="a role of the tenant"),
        pytest.param("policy/gone/space:Board/consumer", id="a space that may be gone, of a group that is"),
        pytest.param("policy/readers/g-1/role:Steward", id="of an earlier group"),
    ],
)
def test_whoever_is_known_to_directory_or_tenant_is_no_stranger(tmp_path: Path, subject: str):
    assert warnings_of(tmp_path, approve(f"'{subject}'")) == []


def test_a_subject_of_nobody_is_a_warning_at_its_place(tmp_path: Path):
    text = f"subjects:\n  - id-ana\n  - id-anna\nreason: x\nexpires: {TODAY}\n"

    assert warnings_of(tmp_path, text) == [
        "approvals/a.yaml:3 subjects[1]: id-anna is known to neither directory nor tenant"
    ]


@pytest.mark.parametrize("subject", ["policy/readers/role:Gone", "policy/readers/Steward", "policy/role:Steward"])
def test_a_right_that_no_group_can_have_is_a_warning(tmp_path: Path, subject: str):
    assert warnings_of(tmp_path, approve(f"'{subject}'")) == [
        f"approvals/a.yaml:1 subjects[0]: {subject} is known to neither directory nor tenant"
    ]


def test_a_file_of_strangers_is_one_warning(tmp_path: Path):
    assert warnings_of(tmp_path, approve("u1", "u2")) == [
        "approvals/a.yaml:1 subjects: approves nothing: none of the 2 is known to directory or tenant"
    ]


def test_a_file_that_has_expired_is_a_warning_with_its_day_and_nothing_more(tmp_path: Path):
    assert warnings_of(tmp_path, approve("u1", "u2", days=-1)) == [
        "approvals/a.yaml:3 expires: ended on 2026-11-01 and no longer counts; take the file out"
    ]


@pytest.mark.parametrize(
    ("days", "deviations", "is_told"),
    [
        pytest.param(0, [{}, {}], True, id="nobody differs"),
        pytest.param(0, [{}, {"ID-ANA": "none; held"}], False, id="a membership is still held"),
        pytest.param(0, [{"id-bo": "none; unsent"}, {}], False, id="one of them is still to lose something"),
        pytest.param(0, [{"id-cy": "none; held"}], True, id="somebody else differs"),
        pytest.param(-1, [{}], False, id="expired, which is told elsewhere"),
    ],
)
def test_a_file_that_is_carried_out_can_go(tmp_path: Path, days: int, deviations: list, *, is_told: bool):
    declaration = load(tmp_path, {"approvals/a": approve("id-ana", "id-bo", days=days)})

    notes = list(describe_carried_out(declaration, deviations, TODAY))

    told = (
        f"{tmp_path}/approvals/a.yaml: nobody it lists is about to lose anything; if it is carried out, the file can go"
    )
    assert notes == ([told] if is_told else [])


def test_a_right_of_a_policy_that_is_still_held_keeps_its_file(tmp_path: Path):
    declaration = load(tmp_path, {"approvals/a": approve("policy/readers/space:Finance/producer")})
    held, of_others = (f"policy/{key}/space:Finance/Producer" for key in ("Readers", "devs"))

    assert not list(describe_carried_out(declaration, [{held: "none; held"}], TODAY))
    assert list(describe_carried_out(declaration, [{of_others: "none; held"}], TODAY))
    assert list(describe_carried_out(declaration, [{"id-ana": "none; held"}], TODAY))
