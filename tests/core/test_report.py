import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from core.builders import NOW, Stack, declare, write
from core.naive import World
from core.worlds import plan_of, worlds
from hypothesis import given

from qlik_provider.changes import Change
from qlik_provider.entitlements import Assignment, Entitlement
from qlik_provider.errors import UnusablePlans
from qlik_provider.ledger import ASSIGNMENTS, MEMBERS
from qlik_provider.outcomes import Outcome
from qlik_provider.plan import Plan, make_plan
from qlik_provider.premises import Observed, Recorded, Rules
from qlik_provider.report import (
    PlanDocument,
    describe_outcomes,
    describe_plan,
    is_quiet,
    make_document,
    plan_schema,
    write_document,
)

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "stacks" / "schema" / "plan.json"


def document_of(plan: Plan, resource: str = "license-assignments") -> PlanDocument:
    deviations = ASSIGNMENTS.write_deviations(plan.deviations)
    return make_document(resource, "LicenseAssignments", plan, deviations, NOW, identity={"license": "9999"})


def as_json(document: PlanDocument) -> dict:
    return json.loads(json.dumps(document.model_dump(mode="json", by_alias=True)))


def busy_plan() -> Plan:
    """Return a plan with every verb, something held, refused ownership, foreign rows and a small reserve."""
    stack = Stack(rows={"x": "analyzer", "own": "professional"}, units={"professional": 5, "analyzer": 9})
    stack.up(declare(dict.fromkeys(("ana", "bo", "cy", "di", "fi"), "analyzer via a"), brake_max=1))
    wanted = {"ana": "professional via b", "bo": "analyzer via a", "ed": "analyzer via a", "own": "analyzer via a"}
    return stack.plan(declare(wanted, brake_max=1, reserve_professional=4), approved=["cy"])


def members_plan(declared: dict[str, str], ledger: dict[str, str], present: tuple[str, ...]) -> Plan:
    return make_plan(
        MEMBERS.parse_people({"members": declared}),
        Observed(tuple(Assignment(id, "member") for id in present)),
        Recorded(MEMBERS.parse_people({"members": ledger})),
        Rules(("member",)),
        NOW,
    )


def test_a_plan_says_what_it_does_and_who_is_concerned():
    text, _ = describe_plan("license-assignments", busy_plan())

    assert text.splitlines() == [
        (
            "license-assignments: 1 to assign, 1 to revoke, 1 to switch; 2 held; "
            "seats: analyzer 6 → 5 of 9, professional 1 → 2 of 5; not of this stack: 1 analyzer, 1 professional"
        ),
        "  2 removals in 24 hours (2 now, 0 before) among 5 people; approved besides: 1",
        "  revoke analyzer from cy@contoso.test",
        "  switch ana@contoso.test from analyzer to professional (b)",
        "  assign analyzer to ed@contoso.test (a)",
    ]


def test_no_changes_are_said_in_two_words():
    stack = Stack()

    assert describe_plan("license-assignments", stack.plan(declare({}))) == ("license-assignments: no changes", ())


def test_members_are_added_and_removed():
    plan = members_plan({"1": "ana@contoso.test"}, {"2": "bo@contoso.test"}, ("2",))

    assert describe_plan("members-finance", plan) == (
        (
            "members-finance: 1 to add, 1 to remove\n  1 removal in 24 hours (1 now, 0 before) among 1 person\n"
            "  remove bo@contoso.test\n  add ana@contoso.test"
        ),
        (),
    )


def test_many_changes_are_named_in_part_and_losses_before_gains():
    stack = Stack()
    stack.up(declare({f"old{n:02}": "analyzer via a" for n in range(60)}))

    plan = stack.plan(declare({f"new{n:02}": "analyzer via a" for n in range(12)}, brake_max=100, brake_percent=100))

    lines = describe_plan("license-assignments", plan)[0].splitlines()
    assert len(lines) == 2 + 51 + 11
    assert lines[2] == "  revoke analyzer from old00@contoso.test"
    assert lines[52] == "  … and 10 more"
    assert lines[53] == "  assign analyzer to new00@contoso.test (a)"
    assert lines[63] == "  … and 2 more"


def test_removals_of_the_last_day_are_told_also_when_none_is_planned_and_none_when_there_were_none():
    stack = Stack()
    stack.up(declare({"ana": "analyzer via a", "bo": "analyzer via a"}))
    stack.up(declare({"ana": "analyzer via a"}))

    told, _ = describe_plan("license-assignments", stack.plan(declare({"ana": "analyzer via a"})))
    stack.wait(hours=25)
    later, _ = describe_plan("license-assignments", stack.plan(declare({"ana": "analyzer via a"})))

    assert told.splitlines()[1] == "  1 removal in 24 hours (0 now, 1 before) among 2 people"
    assert "removals" not in later


def test_what_nobody_reviewed_is_named_with_the_way_out():
    plan = replace(busy_plan(), unreviewed=busy_plan().held)

    text, warnings = describe_plan("license-assignments", plan)

    assert text.startswith("license-assignments: 1 to assign, 1 to revoke, 1 to switch; 2 held; 2 unreviewed; seats:")
    assert (
        "license-assignments: 2 removals not sent, in no plan of QLIK_REVIEWED; review a new plan\n"
        "  unreviewed: revoke analyzer from di@contoso.test\n"
        "  unreviewed: revoke analyzer from fi@contoso.test"
    ) in warnings


def test_what_is_held_is_named_with_the_brake_and_the_way_out():
    stack = Stack()
    stack.up(declare({"ana": "analyzer via a", "bo": "analyzer via a"}))
    inputs = declare({}, brake_max=1)
    _, warnings = describe_plan("license-assignments", stack.up(inputs))

    assert warnings == (
        (
            "license-assignments: 2 removals in 24 hours (2 now, 0 before) among 2 people: too many for the brake; "
            "approve them in a file under approvals/, or no longer want them\n"
            "  held: revoke analyzer from ana@contoso.test, ana\n"
            "  held: revoke analyzer from bo@contoso.test, bo"
        ),
    )

    _, warnings = describe_plan("license-assignments", stack.plan({**inputs, "rules": declare({})["rules"]}))
    assert warnings[-1].startswith(
        "license-assignments: held by the brake before; approve them in a file under approvals/, or no longer want them"
    )


def test_who_differs_is_named_by_reason_and_mail_and_a_crowd_in_part():
    rows = {f"u{n:02}": "professional" for n in range(12)}
    stack = Stack(rows=rows)

    _, warnings = describe_plan("license-assignments", stack.plan(declare(dict.fromkeys(rows, "analyzer via a"))))

    names = ", ".join(f"u{n:02}@contoso.test" for n in range(10))
    assert warnings == (f"license-assignments: unowned: {names} … and 2 more",)


def test_an_undeclared_person_who_differs_is_named_by_the_mail_of_the_record():
    stack = Stack()
    stack.up(declare({"ana": "analyzer via a"}))

    _, warnings = describe_plan("license-assignments", stack.plan(declare({}, protect_ana="ana@contoso.test")))

    assert warnings == ("license-assignments: protected: ana@contoso.test",)


def test_a_small_reserve_is_a_warning_of_the_resource():
    _, warnings = describe_plan("license-assignments", busy_plan())

    assert warnings[-1] == "license-assignments: 3 seats of professional stay free, fewer than the 4 in reserve"


def test_outcomes_say_what_was_done_and_warn_of_the_rest():
    def outcome(state, subject: str, reason: str = "") -> Outcome:
        entitlement = Entitlement("analyzer", ("a",), f"{subject}@contoso.test")
        return Outcome(Change("assign", subject, subject, entitlement, None, None), state, reason)

    outcomes = [
        outcome("done", "ana"),
        outcome("done", "bo"),
        outcome("refused", "cy", "403"),
        outcome("unsent", "di", "503"),
    ]

    assert describe_outcomes("license-assignments", outcomes) == (
        "license-assignments: done: assign 2",
        (
            "license-assignments: refused: assign analyzer to cy@contoso.test (a): 403",
            "license-assignments: unsent: assign analyzer to di@contoso.test (a): 503",
        ),
    )
    assert describe_outcomes("license-assignments", outcomes[2:3])[0] == "license-assignments: done: nothing"
    unseen = [replace(outcome, is_seen=False) for outcome in outcomes[:1]]
    (warning,) = describe_outcomes("license-assignments", unseen)[1]
    assert warning.splitlines() == [
        "license-assignments: 1 done and not shown by the service yet; the record keeps what it confirmed",
        f"  {outcomes[0].change}",
    ]


def test_a_plan_of_nothing_is_quiet_and_one_of_anything_is_not():
    assert is_quiet(members_plan({}, {}, ()))
    assert not is_quiet(members_plan({"1": "ana@contoso.test"}, {}, ()))
    assert not is_quiet(busy_plan())


@given(worlds())
def test_every_document_is_of_its_schema_and_reads_back(world: World):
    document = document_of(plan_of(world))

    VALIDATOR.validate(as_json(document))
    assert PlanDocument.model_validate_json(json.dumps(as_json(document))) == document


VALIDATOR = jsonschema.Draft202012Validator(plan_schema(), format_checker=jsonschema.FormatChecker())


def test_the_schema_is_the_committed_one():
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == plan_schema()


def test_a_document_holds_the_plan_as_data():
    document = as_json(document_of(busy_plan()))

    assert [(c["verb"], c["mail"], c["held"], c["declared"], c["keys"]) for c in document["changes"]] == [
        ("revoke", "cy@contoso.test", "analyzer", None, ["a"]),
        ("switch", "ana@contoso.test", "analyzer", "professional", ["b"]),
        ("assign", "ed@contoso.test", None, "analyzer", ["a"]),
    ]
    assert [(c["subject"], c["isRemoval"], c["isApproved"]) for c in document["changes"][:2] + document["held"]] == [
        ("cy", True, True),
        ("ana", False, False),
        ("di", True, False),
        ("fi", True, False),
    ]
    assert document["seats"] == {
        "analyzer": {"units": 9, "before": 6, "after": 5},
        "professional": {"units": 5, "before": 1, "after": 2},
    }
    assert document["brake"][0] == {"key": "", "now": 2, "recent": 0, "population": 5, "isBreached": True}
    assert document["foreign"] == {"analyzer": 1, "professional": 1}
    assert document["deviations"] == {
        "own": f"{write('analyzer via a', 'own')}; unowned",
        "di": "none; held",
        "fi": "none; held",
    }
    assert (document["version"], document["now"], document["faults"]) == (1, "2026-11-02T08:00:00Z", [])


def test_a_document_of_members_speaks_of_adding_and_removing():
    plan = members_plan({"1": "ana@contoso.test"}, {"2": "bo@contoso.test"}, ("2",))

    document = make_document("members-finance", "DirectoryMembers", plan, {}, NOW, identity={"group": "finance"})

    assert [change.verb for change in document.changes] == ["remove", "add"]


def test_a_document_is_written_whole_where_the_environment_says(tmp_path: Path):
    document = document_of(busy_plan())
    folder = tmp_path / "plans" / "today"

    write_document(document, {"QLIK_PLAN_DIR": str(folder)})

    assert [path.name for path in folder.iterdir()] == ["license-assignments.json"]
    text = (folder / "license-assignments.json").read_text(encoding="utf-8")
    assert json.loads(text) == as_json(document)
    assert text.endswith("}\n")


def test_a_folder_that_cannot_be_written_is_an_error_in_one_line(tmp_path: Path):
    (tmp_path / "plans").write_text("a file")

    with pytest.raises(UnusablePlans, match=r"^QLIK_PLAN_DIR: .*/plans/license-assignments\.json cannot be written: "):
        write_document(document_of(busy_plan()), {"QLIK_PLAN_DIR": str(tmp_path / "plans")})


@pytest.mark.parametrize("environment", [{}, {"QLIK_PLAN_DIR": ""}], ids=["not set", "empty"])
def test_no_document_is_written_where_the_environment_says_nothing(tmp_path: Path, environment: dict[str, str]):
    write_document(document_of(busy_plan()), environment)

    assert not list(tmp_path.iterdir())
