"""Plans that somebody reviewed: what is read of them, and that nothing else is taken from anybody."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from core.builders import NOW, Stack, declare, verbs
from core.naive import World
from core.worlds import approved_of, inputs_of_world, is_settled, plan_of, stack_of, worlds
from hypothesis import given
from hypothesis import strategies as st

from qlik_provider.entitlements import Deviation
from qlik_provider.errors import UnusablePlans
from qlik_provider.ledger import ASSIGNMENTS, recorded_of, rules_of
from qlik_provider.outcomes import settle
from qlik_provider.plan import Plan, make_plan, removal_of
from qlik_provider.premises import Removal
from qlik_provider.report import PlanDocument, make_document, write_document
from qlik_provider.review import find_reviewed, read_plans, read_reviewed

ROOM = {"professional": 9, "analyzer": 9, "basicUser": 9}  # seats for everybody, whoever leaves
IDENTITY = {"tenantId": "tenant", "license": "9999"}


def document_of(plan: Plan, resource: str = "license-assignments", **identity: str) -> PlanDocument:
    deviations = ASSIGNMENTS.write_deviations(plan.deviations)
    return make_document(resource, "LicenseAssignments", plan, deviations, NOW, identity={**IDENTITY, **identity})


def plan_leaving(*left: str, stack: Stack | None = None) -> Plan:
    """Return the plan in which of ana, bo, cy only those `left` are declared."""
    if stack is None:
        stack = Stack()
        stack.up(declare(dict.fromkeys(("ana", "bo", "cy"), "analyzer via a")))
    return stack.plan(declare(dict.fromkeys(left, "analyzer via a")))


def write_plan(folder: Path, plan: Plan, **identity: str) -> Path:
    write_document(document_of(plan, **identity), {"QLIK_PLAN_DIR": str(folder)})
    return folder / "license-assignments.json"


def plan_bound(world: World, reviewed: frozenset[Removal] | None) -> Plan:
    """Return the plan of a world whose run is bound to a review."""
    stack, inputs = stack_of(world), inputs_of_world(world)
    recorded = recorded_of(stack.outputs, ASSIGNMENTS, settled=is_settled(world))
    rules = replace(rules_of(inputs, approved_of(world)), reviewed=reviewed)
    return make_plan(ASSIGNMENTS.parse_people(inputs), stack.observe(), recorded, rules, NOW)


def removals_of(plan: Plan) -> frozenset[Removal]:
    return frozenset(removal_of(change) for change in plan.changes if change.is_removal)


# What a review binds.


def choose(plan: Plan, chosen: int) -> frozenset[Removal]:
    """Return some of the removals of a plan, by the bits of a number."""
    return frozenset(removal for place, removal in enumerate(sorted(removals_of(plan), key=str)) if chosen >> place & 1)


@given(worlds(), st.integers(0, 2**6 - 1))
def test_no_removal_is_sent_that_was_not_reviewed(world: World, chosen: int):
    free = plan_of(world)
    reviewed = choose(free, chosen)

    plan = plan_bound(world, reviewed)

    assert removals_of(plan) <= reviewed
    assert plan.held == free.held
    for change in plan.unreviewed:
        assert removal_of(change) not in reviewed
        assert plan.deviations[change.key] == Deviation(change.declared, "unreviewed")
        assert plan.ledger.get(change.key) == change.mine


@given(worlds(spare=ROOM), st.integers(0, 2**6 - 1))
def test_where_seats_suffice_all_else_is_as_without_a_review(world: World, chosen: int):
    free = plan_of(world)
    reviewed = choose(free, chosen)

    plan = plan_bound(world, reviewed)

    # Another order may be the better one for those that are left.
    assert set(plan.changes) == {
        change for change in free.changes if not change.is_removal or removal_of(change) in reviewed
    }
    assert {removal_of(change) for change in plan.unreviewed} == removals_of(free) - reviewed
    assert plan_bound(world, removals_of(free)) == free


def test_what_was_only_unreviewed_is_planned_again_and_needs_no_approval():
    stack = Stack()
    stack.up(declare(dict.fromkeys(("ana", "bo", "cy"), "analyzer via a")))
    inputs = declare({"ana": "analyzer via a"})
    recorded = recorded_of(stack.outputs, ASSIGNMENTS, settled=False)
    rules = replace(rules_of(inputs), reviewed=frozenset({("bo", "analyzer", None)}))
    bound = make_plan(ASSIGNMENTS.parse_people(inputs), stack.observe(), recorded, rules, NOW)
    assert verbs(bound) == ["revoke analyzer from bo@contoso.test"]
    stack.outputs = settle(inputs, ASSIGNMENTS, recorded, bound, [], NOW)
    assert stack.deviations["cy"] == "none; unreviewed"

    assert "revoke analyzer from cy@contoso.test" in verbs(stack.plan(inputs))


@pytest.mark.parametrize(
    ("reviewed", "is_sent"),
    [
        pytest.param(("BO", "analyzer", None), False, id="a subject that is not folded is no removal"),
        pytest.param(("bo", "analyzer", None), True, id="the same"),
        pytest.param(("bo", "professional", None), False, id="of another type"),
        pytest.param(("bo", "analyzer", "viewer"), False, id="for another type"),
        pytest.param(("ana", "analyzer", None), False, id="of somebody else"),
    ],
)
def test_a_removal_was_reviewed_when_person_and_both_types_are_the_same(reviewed: Removal, *, is_sent: bool):
    stack = Stack()
    stack.up(declare({"ana": "analyzer via a", "bo": "analyzer via a"}))
    inputs = declare({"ana": "analyzer via a"})
    rules = replace(rules_of(inputs, approved=["bo"]), reviewed=frozenset({reviewed}))

    plan = make_plan(
        ASSIGNMENTS.parse_people(inputs),
        stack.observe(),
        recorded_of(stack.outputs, ASSIGNMENTS, settled=False),
        rules,
        NOW,
    )

    assert bool(plan.changes) is is_sent
    assert bool(plan.unreviewed) is not is_sent


# What is read.


def test_the_removals_of_a_plan_are_read_and_its_gains_and_what_it_held_are_not(tmp_path: Path):
    stack = Stack()
    stack.up(declare(dict.fromkeys(("Ana", "bo", "cy"), "analyzer via a")))
    plan = stack.plan(declare({"dee": "analyzer via a"}, brake_max=1), approved=["ana"])
    file = write_plan(tmp_path, plan)

    documents = read_reviewed({"QLIK_REVIEWED": str(file)})

    assert len(plan.held) == 2
    assert find_reviewed(documents, "license-assignments", IDENTITY) == {("ana", "analyzer", None)}
    assert find_reviewed(documents, "members-sales", {"group": "sales"}) == frozenset()


def test_several_plans_of_one_resource_add_up_and_folders_are_read_whole(tmp_path: Path):
    write_plan(tmp_path / "a", plan_leaving("ana", "bo"))
    file = write_plan(tmp_path / "b", plan_leaving("ana", "cy"))

    documents = read_reviewed({"QLIK_REVIEWED": os.pathsep.join([str(tmp_path / "a"), str(file)])})

    assert find_reviewed(documents, "license-assignments", IDENTITY) == {
        ("cy", "analyzer", None),
        ("bo", "analyzer", None),
    }


def test_without_the_variable_nothing_is_bound():
    assert read_reviewed({}) is None


@pytest.mark.parametrize("text", ["", os.pathsep, f"plans{os.pathsep}", f"{os.pathsep}plans"])
def test_a_variable_that_names_nothing_is_refused_and_never_taken_for_no_review(text: str):
    with pytest.raises(UnusablePlans, match="names no plan document"):
        read_reviewed({"QLIK_REVIEWED": text})


def spoil(text: str) -> dict[str, tuple[str, str]]:
    document = json.loads(text)
    del document["identity"]
    changed = json.loads(text)
    changed["changes"][0]["isRemoval"] = "yes"
    return {
        "cut short": (text[: len(text) // 2], "is no JSON, or was cut short in line"),
        "empty": ("", "is no JSON, or was cut short in line 1"),
        "no JSON": ("version: 1\n", "is no JSON"),
        "a list": ("[]", "is no plan document of version 1, but something else"),
        "another version": (text.replace('"version": 1', '"version": 2'), "of version 1, but 2; plan again"),
        "no version": (text.replace('"version": 1,', ""), "is no plan document of version 1"),
        "a part missing": (json.dumps(document), "identity: Field required"),
        "a part unknown": (text.replace('"version": 1', '"version": 1, "more": 1'), "more: Extra inputs"),
        "a part of another type": (json.dumps(changed), "changes.0.isRemoval"),
        "not text": ("\udcff", "cannot be read"),
    }


@pytest.mark.parametrize("fault", list(spoil(document_of(plan_leaving()).model_dump_json(by_alias=True, indent=1))))
def test_a_document_that_is_not_whole_is_refused_by_name_in_one_line(tmp_path: Path, fault: str):
    file = write_plan(tmp_path, plan_leaving("ana"))
    text, reason = spoil(file.read_text(encoding="utf-8"))[fault]
    file.write_bytes(text.encode(errors="surrogateescape"))

    with pytest.raises(UnusablePlans) as refusal:
        read_reviewed({"QLIK_REVIEWED": str(tmp_path)})

    assert str(refusal.value).startswith(f"QLIK_REVIEWED: {file}: ")
    assert reason in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_every_document_that_cannot_be_read_is_named_at_once(tmp_path: Path):
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    (tmp_path / "empty").mkdir()

    with pytest.raises(UnusablePlans) as refusal:
        read_plans([tmp_path / "bad.json", tmp_path / "lost", tmp_path / "empty"])

    assert [part.partition(": ")[0] for part in str(refusal.value).split("; ") if str(tmp_path) in part] == [
        f"{tmp_path}/{name}" for name in ("bad.json", "lost", "empty")
    ]


def test_the_plan_of_another_tenant_or_group_is_refused(tmp_path: Path):
    document = document_of(plan_leaving(), tenantId="another")
    members = document_of(plan_leaving(), resource="members-sales").model_copy(
        update={"identity": {"group": "sales", "groupObjectId": "1"}}
    )

    with pytest.raises(UnusablePlans, match="is of tenantId another, and this is tenant; name the plans of this stack"):
        find_reviewed([document], "license-assignments", IDENTITY)
    with pytest.raises(UnusablePlans, match="is of groupObjectId 1, and this is 2"):
        find_reviewed([members], "members-sales", {"group": "sales", "groupObjectId": "2"})
    assert find_reviewed([members], "members-sales", {"group": "sales"})  # not known yet in a preview
    assert read_plans([write_plan(tmp_path, plan_leaving())])


def test_plans_that_the_run_itself_writes_over_are_refused(tmp_path: Path):
    write_plan(tmp_path, plan_leaving())

    with pytest.raises(UnusablePlans, match="is also QLIK_PLAN_DIR"):
        read_reviewed(
            {"QLIK_REVIEWED": str(tmp_path / "." / "license-assignments.json"), "QLIK_PLAN_DIR": str(tmp_path)}
        )
