"""An approval written from plans: who is held stands in it, and it is read back as what was meant."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from core.builders import NOW, Stack, declare
from core.files import write_files
from core.policy_rights import A, rights
from ruamel.yaml import YAML

from qlik_provider.approval_file import ApprovalFile, draft_approval
from qlik_provider.brake import Brake
from qlik_provider.declaration import approved_subjects
from qlik_provider.entitlements import Assignment
from qlik_provider.errors import QlikProviderError, UnusableApproval, UnusablePlans
from qlik_provider.ledger import ASSIGNMENTS, MEMBERS
from qlik_provider.plan import make_plan
from qlik_provider.policy import DesiredPolicy, ObservedPolicy, RecordedPolicy, plan_policy
from qlik_provider.policy_report import make_policy_document
from qlik_provider.premises import Observed, Recorded, Rules
from qlik_provider.report import make_document, write_document

TODAY = NOW.date()


@pytest.fixture
def prod(tmp_path: Path) -> Path:
    return write_files(tmp_path / "stacks" / "prod", {})


@pytest.fixture
def plans(tmp_path: Path) -> Path:
    """Plans that hold three seats and one membership of the same person; one more removal is approved already."""
    stack = Stack()
    held = {"bo": "analyzer via a", "CY": "professional via a, b", "di": "analyzer via b", "ed": "analyzer via b"}
    stack.up(declare(held))
    plan = stack.plan(declare({"CY": "analyzer via b"}, brake_max=1), approved=["ed"])
    write_plan(tmp_path, "license-assignments", plan)
    people = {"members": {"bo": "bo@contoso.test", "7": "fay@contoso.test"}}
    members = make_plan(
        {},
        Observed((Assignment("bo", "member"), Assignment("7", "member"))),
        Recorded(MEMBERS.parse_people(people)),
        Rules(("member",), brake=Brake(max=1)),
        NOW,
    )
    write_plan(tmp_path, "members-sales", members, kind="DirectoryMembers", identity={"group": "sales"})
    return tmp_path / "plans"


def write_plan(folder: Path, resource: str, plan, *, kind="LicenseAssignments", identity=None, now=NOW) -> None:
    deviations = ASSIGNMENTS.write_deviations(plan.deviations)
    document = make_document(
        resource,
        kind,
        plan,
        deviations,
        now,
        identity=identity or {"license": "9999"},
        approvals="stacks/prod/approvals",
    )
    write_document(document, {"QLIK_PLAN_DIR": str(folder / "plans")})


def draft(folder: Path, plans: Path, **options) -> ApprovalFile | None:
    given = {"name": "november", "reason": "sales reorganisation", "expires": "7d", "only": (), **options}
    return draft_approval(folder, plans, **given)


def refuse(folder: Path, plans: Path, **options) -> str:
    with pytest.raises(QlikProviderError) as refusal:
        draft(folder, plans, **options)
    assert not (folder / "approvals").exists()
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_everybody_held_stands_in_the_file_with_all_they_would_lose(prod, plans):
    approval = draft(prod, plans)
    approval.write()

    assert approval.left == ()
    assert (prod / "approvals" / "november.yaml").read_text(encoding="utf-8") == (
        "subjects:\n"
        "  - bo  # bo@contoso.test: revoke analyzer (a); remove from sales\n"
        "  - CY  # cy@contoso.test: switch from professional to analyzer (b)\n"
        "  - di  # di@contoso.test: revoke analyzer (b)\n"
        "  - '7' # fay@contoso.test: remove from sales\n"
        "reason: sales reorganisation\n"
        "expires: 2026-11-09\n"
    )
    assert approved_subjects(prod / "approvals", TODAY) == {"bo", "CY", "di", "7"}


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """The plan of a policy that holds a role and one in a space whose name YAML would take for something else."""
    held = rights(A, "space:Board: 2 #1/consumer")
    desired = DesiredPolicy("finance", managed=frozenset({"role", "space"}), reach=800)
    made = plan_policy(desired, ObservedPolicy(held), RecordedPolicy(held), Rules(("member",)), NOW)
    identity, folder = {"tenantId": "t", "key": "finance"}, "stacks/prod/approvals"
    document = make_policy_document(
        "policy-finance", desired, "Readers", made, {}, NOW, identity=identity, approvals=folder
    )
    write_document(document, {"QLIK_PLAN_DIR": str(tmp_path / "plans")})
    return tmp_path / "plans"


def test_the_rights_of_a_group_are_approved_one_by_one_and_read_back_as_they_are(prod, policy):
    draft(prod, policy).write()

    assert (prod / "approvals" / "november.yaml").read_text(encoding="utf-8") == (
        "subjects:\n"
        "  - policy/finance/role:A                      # Readers: withdraw role:A (finance)\n"
        "  - 'policy/finance/space:Board: 2 #1/consumer' # Readers: withdraw space:Board: 2 #1/consumer (finance)\n"
        "reason: sales reorganisation\n"
        "expires: 2026-11-09\n"
    )
    assert approved_subjects(prod / "approvals", TODAY) == {
        "policy/finance/role:A",
        "policy/finance/space:Board: 2 #1/consumer",
    }


def test_a_right_is_approved_by_its_subject_and_all_of_a_group_by_the_groups_name(prod, policy):
    only = "policy/finance/role:A"

    assert [right.subject for right in draft(prod, policy, only=[only]).people] == [only]
    assert len(draft(prod, policy, only=["readers"]).people) == 2
    assert refuse(prod, policy, only=["zz"]) == "not held: zz; held are Readers"


def test_only_some_are_approved_by_mail_or_subject_in_any_case(prod, plans):
    approval = draft(prod, plans, only=["BO@contoso.test", "cy"])

    assert [person.subject for person in approval.people] == ["bo", "CY"]
    assert [person.mail for person in approval.left] == ["di@contoso.test", "fay@contoso.test"]


def test_who_is_not_held_cannot_be_approved(prod, plans):
    assert refuse(prod, plans, only=["bo@contoso.test", "ed", "zz@contoso.test"]) == (
        "not held: ed, zz@contoso.test; held are bo@contoso.test, cy@contoso.test, di@contoso.test, fay@contoso.test"
    )


@pytest.mark.parametrize(
    ("expires", "day"),
    [
        ("1d", TODAY + timedelta(days=1)),
        ("30d", TODAY + timedelta(days=30)),
        ("2026-11-02", TODAY),
        ("2026-12-02", date(2026, 12, 2)),
    ],
)
def test_an_approval_ends_on_a_day_counted_from_the_plans(prod, plans, expires, day):
    assert draft(prod, plans, expires=expires).expires == day


@pytest.mark.parametrize(
    ("expires", "reason"),
    [
        ("31d", "--expires 31d: 2026-12-03 is out of bounds; choose a day from 2026-11-02"),
        ("2026-12-03", "is out of bounds"),
        ("2026-11-01", "is out of bounds"),
        ("0d", "--expires '0d' is neither a date as 2026-11-02 nor days as 3d"),
        ("99999d", "is neither"),
        ("12h", "is neither"),
        ("tomorrow", "is neither"),
        ("2026-02-30", "is neither"),
        ("", "is neither"),
    ],
)
def test_an_approval_never_counts_for_long_and_never_by_a_guess(prod, plans, expires, reason):
    assert reason in refuse(prod, plans, expires=expires)


@pytest.mark.parametrize("name", ["../access", "a/b", "A", ".", "a.yaml", "-"])
def test_a_name_stays_in_its_folder(prod, plans, name):
    assert f"--name {name!r}: a name is small letters" in refuse(prod, plans, name=name)


def test_without_a_name_the_file_is_named_after_the_day_of_the_plans(prod, plans):
    assert draft(prod, plans, name="").path == prod / "approvals" / "2026-11-02.yaml"


def test_a_reason_is_given_and_written_in_one_line(prod, plans):
    assert "--reason is empty" in refuse(prod, plans, reason=" \n")

    approval = draft(prod, plans, reason=f"who: 'x' # y\n{'long ' * 40}")
    approval.write()

    read = YAML(typ="safe").load(approval.path)
    assert read["reason"] == " ".join(f"who: 'x' # y {'long ' * 40}".split())


def test_a_file_that_is_there_is_never_written_over(prod, plans):
    draft(prod, plans).write()
    before = (prod / "approvals" / "november.yaml").read_bytes()

    with pytest.raises(UnusableApproval, match=r"november\.yaml is there already; give --name another one"):
        draft(prod, plans, only=["bo"]).write()

    assert (prod / "approvals" / "november.yaml").read_bytes() == before


def test_an_approval_that_would_be_refused_when_read_is_not_written(prod, plans):
    with pytest.raises(UnusableApproval, match="reason"):
        draft(prod, plans, reason="x" * 300).write()

    assert not (prod / "approvals").exists()


def test_a_file_that_cannot_be_written_is_one_line(prod, plans):
    (prod / "approvals").write_text("a file", encoding="utf-8")

    with pytest.raises(UnusableApproval, match=r"november\.yaml cannot be written"):
        draft(prod, plans).write()


@pytest.mark.parametrize(
    "subject", ["CONTOSO\\ana", "auth0|ana: #1", "- ana", "null", "007", "ünï 'q' \"d\"", "a" * 250]
)
def test_any_subject_and_any_mail_are_read_back_as_they_were(prod, tmp_path, subject):
    stack = Stack()
    stack.up({**declare({}), "assignments": {subject: "analyzer via a for ana # x\ny@contoso.test"}})
    write_plan(tmp_path, "license-assignments", stack.plan(declare({}, brake_percent=1, brake_minimum=1)))

    draft(prod, tmp_path / "plans").write()

    assert approved_subjects(prod / "approvals", TODAY) == {subject}


def test_the_file_names_its_schema_where_there_is_one(prod, plans, tmp_path):
    (tmp_path / "stacks" / "schema").mkdir()
    (tmp_path / "stacks" / "schema" / "approval.json").write_text("{}", encoding="utf-8")

    draft(prod, plans).write()

    first = (prod / "approvals" / "november.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=../../schema/approval.json"


def test_where_nothing_is_held_there_is_nothing_to_approve(prod, tmp_path):
    write_plan(tmp_path, "license-assignments", Stack().plan(declare({"ana": "analyzer via a"})))

    assert draft(prod, tmp_path / "plans") is None


def test_a_folder_without_a_stack_is_refused(prod, plans):
    assert refuse(prod.parent / "prd", plans) == f"{prod.parent / 'prd'} is no folder of a stack: it has no access.yaml"


def test_the_plans_of_another_stack_are_refused(prod, plans, tmp_path):
    test = write_files(tmp_path / "stacks" / "test", {})

    assert "is the plan of a stack that reads stacks/prod/approvals, not " in refuse(test, plans)

    text = (plans / "members-sales.json").read_text(encoding="utf-8")
    (plans / "members-sales.json").write_text(text.replace('"stacks/prod/approvals"', "null"), encoding="utf-8")
    assert "members-sales.json: is the plan of a stack that reads no approvals" in refuse(prod, plans)


def test_a_plan_left_behind_by_an_earlier_run_is_refused(prod, plans, tmp_path):
    write_plan(tmp_path, "members-old", Stack().plan(declare({})), now=NOW - timedelta(hours=25))

    assert (
        "members-old.json: planned at 2026-11-01 07:00, more than a day before the newest; empty the folder"
        in refuse(prod, plans)
    )


@pytest.mark.parametrize("fault", ["none there", "no folder", "cut short", "another version"])
def test_plans_that_cannot_be_relied_on_approve_nothing(prod, plans, fault):
    file = plans / "license-assignments.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    if fault == "none there":
        plans = plans.parent / "stacks"
    elif fault == "no folder":
        plans = plans.parent / "lost"
    elif fault == "cut short":
        file.write_text(json.dumps(document)[:-1], encoding="utf-8")
    else:
        file.write_text(json.dumps({**document, "version": 2}), encoding="utf-8")

    with pytest.raises(UnusablePlans):
        draft(prod, plans)
    assert not (prod / "approvals").exists()
