from pathlib import Path

import pytest
from core.files import ACCESS, faults_of, load, write_files

from qlik_provider.claims import find_owner
from qlik_provider.errors import DeclarationError

CONTOSO = "https://contoso.eu.qlikcloud.com"
BARE = "subject: {from: objectId}\n"


def owned_by(name: str, more: str = "") -> str:
    return ACCESS.replace("]", f"]\n  ownedBy: {name}{more}", 1)


def configure(stacks: Path, **tenants: str) -> None:
    """Write `Pulumi.<stack>.yaml` for each: a tenant, or a tenant and the folder of another stack."""
    for stack, text in tenants.items():
        tenant, _, access = text.partition(" ")
        lines = [f"  qlik:tenant: {tenant}"] * bool(tenant) + [f"  qlik:access: {access or stack}"]
        (stacks / f"Pulumi.{stack}.yaml").write_text("config:\n" + "\n".join(lines) + "\n", encoding="utf-8")


def refuse(folder: Path, access: str) -> list[str]:
    with pytest.raises(DeclarationError) as refusal:
        load(folder, {"access": access})
    return faults_of(folder, refusal.value)


@pytest.mark.parametrize(
    "spelling", [CONTOSO, f"{CONTOSO}/", CONTOSO.upper().replace("HTTPS", "https"), f"{CONTOSO}:443"]
)
def test_two_stacks_that_give_the_seats_of_one_tenant_are_refused_with_the_line_to_add(tmp_path: Path, spelling: str):
    configure(tmp_path, prod=CONTOSO, pilot=spelling)
    write_files(tmp_path / "pilot", {})

    (fault,) = refuse(tmp_path / "prod", ACCESS)
    assert fault == (
        f"access.yaml:1 licenses: the stacks prod and pilot both give the seats of {CONTOSO}, and a license has one "
        f"owner; write ownedBy: pilot here, or ownedBy: prod in {tmp_path}/pilot/access.yaml"
    )


@pytest.mark.parametrize(
    ("tenants", "other"),
    [
        pytest.param({"prod": CONTOSO, "pilot": CONTOSO}, owned_by("prod"), id="the other has an owner"),
        pytest.param({"prod": CONTOSO, "pilot": CONTOSO}, BARE, id="the other gives none"),
        pytest.param({"prod": CONTOSO, "pilot": CONTOSO}, "licenses: [", id="the other cannot be read"),
        pytest.param({"prod": CONTOSO, "pilot": "https://fabrikam.eu.qlikcloud.com"}, ACCESS, id="another tenant"),
        pytest.param({"prod": CONTOSO, "pilot": "https://contoso:x"}, ACCESS, id="no URL"),
        pytest.param({"prod": "", "pilot": ""}, ACCESS, id="tenants of the environment"),
        pytest.param({"pilot": CONTOSO}, ACCESS, id="not configured"),
    ],
)
def test_what_is_no_second_claim_is_no_fault(tmp_path: Path, tenants: dict[str, str], other: str):
    configure(tmp_path, **tenants)
    write_files(tmp_path / "pilot", {"access": other})

    assert load(tmp_path / "prod", {}).access.licenses


def test_two_stacks_of_one_declaration_and_tenant_are_refused_once(tmp_path: Path):
    configure(tmp_path, prod=CONTOSO, copy=f"{CONTOSO} prod")

    (fault,) = refuse(tmp_path / "prod", ACCESS)
    assert fault == (
        f"access.yaml:1 licenses: the stacks copy and prod both give the seats of {CONTOSO}, from one declaration; "
        "keep one of them"
    )


def test_two_stacks_of_one_declaration_on_two_tenants_are_two(tmp_path: Path):
    configure(tmp_path, prod=CONTOSO, copy="https://fabrikam.eu.qlikcloud.com prod")

    assert load(tmp_path / "prod", {}).access.licenses


@pytest.mark.parametrize("name", ["prod", "live"])
def test_a_stack_that_names_itself_as_the_owner_is_refused(tmp_path: Path, name: str):
    configure(tmp_path, live=f"{CONTOSO} prod")

    assert refuse(tmp_path / "prod", owned_by(name)) == [
        "access.yaml:3 licenses.ownedBy: names this stack itself; take the line out, and it gives the seats"
    ]


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (BARE, "{path} has no licenses block, so nobody would give the seats"),
        (owned_by("third"), "{path} names third as the owner; name the stack that gives the seats"),
        (owned_by("pilot"), "{path} names pilot as the owner; name the stack that gives the seats"),
    ],
)
def test_an_owner_that_gives_no_seats_is_refused(tmp_path: Path, other: str, reason: str):
    write_files(tmp_path / "prod", {"access": other})

    assert refuse(tmp_path / "pilot", owned_by("prod")) == [
        f"access.yaml:3 licenses.ownedBy: {reason.format(path=tmp_path / 'prod' / 'access.yaml')}"
    ]


@pytest.mark.parametrize("other", [ACCESS, "licenses: [", None])
def test_an_owner_that_gives_them_or_cannot_be_seen_is_accepted(tmp_path: Path, other: str | None):
    if other:
        write_files(tmp_path / "prod", {"access": other})

    folder = load(tmp_path / "pilot", {"access": owned_by("prod")}).folder
    assert find_owner(folder, "prod") == (tmp_path / "prod" if other else None)


def test_what_the_tenant_hands_out_is_for_the_owner_to_declare(tmp_path: Path):
    text = owned_by("prod", "\n  autoAssign: {analyzer: false}\n  autoAssignRoles: {SharedSpaceCreator: false}")

    assert refuse(tmp_path / "pilot", text) == [
        "access.yaml:4 licenses.autoAssign: is for the owner of the seats to declare, prod",
        "access.yaml:5 licenses.autoAssignRoles: is for the owner of the seats to declare, prod",
    ]


@pytest.mark.parametrize(
    ("baseline", "assigned", "fault"),
    [
        ("analyzer", "analyzer: false", "analyzer: contradicts baseline: analyzer, which people get by this"),
        ("professional", "professional: false", "professional: contradicts baseline: professional"),
        ("analyzer", "professional: true", "professional: contradicts baseline: analyzer, since the tenant gives"),
        ("analyzer", "analyzer: true, professional: false", None),
        ("professional", "analyzer: true", None),
        ("none", "analyzer: false, professional: true", None),
    ],
)
def test_a_baseline_and_what_the_tenant_hands_out_may_not_contradict(tmp_path: Path, baseline, assigned, fault):
    text = ACCESS.replace("]", f"]\n  baseline: {baseline}\n  autoAssign: {{{assigned}}}", 1)
    try:
        load(tmp_path, {"access": text})
        faults = []
    except DeclarationError as error:
        faults = [f for f in faults_of(tmp_path, error) if "autoAssign" in f]

    assert len(faults) == bool(fault)
    assert all(f.startswith(f"access.yaml:4 licenses.autoAssign.{fault}") for f in faults)
