"""What holds of every plan, whatever the world; `naive.py` is the independent opinion."""

from collections import Counter
from dataclasses import replace

import pytest
from core.builders import carry_out, declare, write
from core.naive import (
    DAY,
    Decision,
    Person,
    Step,
    World,
    carry,
    decide,
    is_stronger,
    is_too_many,
    mine_of,
)
from core.worlds import approved_of, inputs_of_world, plan_of, stack_of, text_of, worlds
from hypothesis import given
from hypothesis import strategies as st

from qlik_provider.changes import Change, batch
from qlik_provider.entitlements import Entitlement
from qlik_provider.errors import UnsafePlan
from qlik_provider.ledger import ASSIGNMENTS, carry_over, inputs_of
from qlik_provider.plan import Plan, count_foreign

FATES = ("done", "refused", "unsent")


def step_of(change: Change) -> Step:
    return Step(change.key, change.held, change.type, change.is_removal)


def text(entitlement: Entitlement | None) -> tuple[str, tuple[str, ...]] | None:
    return (entitlement.type, entitlement.keys) if entitlement else None


def person_of(world: World, subject: str) -> Person:
    return next(person for person in world.people if person.subject == subject)


def is_sendable(plan: Plan) -> bool:
    try:
        plan.raise_if_unsafe()
    except UnsafePlan:
        return False
    return True


def fates_by(numbers: list[int]):
    """Return a fate for each change, by its place in the alphabet of subjects."""
    return lambda change: FATES[numbers[int(change.key[1:]) % len(numbers)]]


FATE_NUMBERS = st.lists(st.integers(0, 2), min_size=6, max_size=6)


@given(worlds())
def test_the_plan_of_a_world_is_what_the_naive_reading_says_of_each_person(world: World):
    plan = plan_of(world)

    planned = frozenset(step_of(change) for change in plan.changes)
    decision = decide(world)
    assert planned <= decision.steps
    assert planned == decision.steps or plan.faults
    assert (
        Decision(
            decision.steps,
            frozenset(step_of(change) for change in plan.held),
            {subject: text(entry) for subject, entry in plan.ledger.items()},
            {subject: (text(deviation.declared), deviation.why) for subject, deviation in plan.deviations.items()},
        )
        == decision
    )


@given(worlds())
def test_every_change_finds_a_seat_at_its_turn(world: World):
    plan = plan_of(world)

    used = Counter(person.row for person in world.people)
    for change in plan.changes:
        used[change.held] -= 1
        used[change.type] += 1
        if change.type in plan.seats_before:
            seats = plan.seats_before[change.type]
            assert used[change.type] <= seats.units + seats.overage
    assert {type: seats.used for type, seats in plan.seats.items()} == {type: used[type] for type in plan.seats}


@given(worlds(), st.integers(1, 4))
def test_a_batch_finds_its_seats_in_whatever_order_it_is_carried_out(world: World, limit: int):
    plan = plan_of(world)

    batches = list(batch(plan.changes, plan.seats_before, limit))

    assert [change for group in batches for change in group] == list(plan.changes)
    used = Counter(person.row for person in world.people)
    for group in batches:
        assert len(group) <= limit
        assert len({change.verb for change in group}) == 1
        for type, taking in Counter(change.type for change in group).items():
            # the worst order: everybody who takes this type before anybody who frees one
            if type in plan.seats_before:
                seats = plan.seats_before[type]
                assert used[type] + taking <= seats.units + seats.overage
        for change in group:
            used[change.held] -= 1
            used[change.type] += 1


@given(worlds())
def test_who_is_left_without_a_seat_finds_none_when_all_else_is_done_and_the_plan_is_not_sent(world: World):
    plan = plan_of(world)

    short = decide(world).steps - {step_of(change) for change in plan.changes}
    for step in short:
        assert plan.seats[step.after].free <= 0
    if short or (world.on_breach == "fail" and any(reading.breached for reading in plan.readings)):
        with pytest.raises(UnsafePlan):
            plan.raise_if_unsafe()
    else:
        plan.raise_if_unsafe()


@given(worlds())
def test_changes_are_sent_as_revokes_switches_assigns_and_nobody_is_in_two(world: World):
    plan = plan_of(world)

    order = [("revoke", "switch", "assign").index(change.verb) for change in plan.changes]
    assert order == sorted(order)
    assert max(Counter(change.key for change in [*plan.changes, *plan.held]).values(), default=1) == 1


@given(worlds())
def test_a_row_this_stack_does_not_own_is_in_no_change_unless_a_declaration_adopts_it(world: World):
    plan = plan_of(world)

    for change in plan.changes:
        person = person_of(world, change.key)
        if person.row is None or mine_of(person):
            continue
        assert person.declared
        is_raised = is_stronger(person.declared[0], person.row)
        assert world.adopt in ({"upgrade", "all"} if is_raised else {"all"})


@given(worlds())
def test_who_is_neither_declared_nor_in_the_ledger_is_left_alone(world: World):
    plan = plan_of(world)

    strangers = {person.subject for person in world.people if not person.declared and not person.entry}
    touched = {change.key for change in [*plan.changes, *plan.held]}
    assert not strangers & {*touched, *plan.ledger, *plan.deviations}


@given(worlds())
def test_who_held_a_license_and_is_declared_holds_one_after_every_single_change(world: World):
    stack = stack_of(world)
    plan = plan_of(world)

    keep = {person.subject for person in world.people if person.row and person.declared}
    for change in plan.changes:
        carry_out(stack.rows, change)
        assert keep <= set(stack.rows)


@given(worlds())
def test_nobody_protected_is_in_a_change(world: World):
    plan = plan_of(world)

    protected = {person.subject for person in world.people if person.is_protected}
    assert not protected & {change.key for change in [*plan.changes, *plan.held]}


@given(worlds())
def test_no_key_in_doubt_loses_anybody_what_it_conferred(world: World):
    plan = plan_of(world)

    for change in plan.changes:
        mine = mine_of(person_of(world, change.key))
        if change.is_removal and mine:
            assert not world.doubt & set(mine[1])


@given(worlds())
def test_unapproved_removals_never_exceed_what_the_brake_allows(world: World):
    plan = plan_of(world)

    sent, wanted = ([c for c in changes if is_braked(c)] for changes in (plan.changes, [*plan.changes, *plan.held]))
    lost = [change.lost.keys for change in sent]
    recent = [keys for age, keys in world.removed if age < DAY]
    people = {person.subject: mine[1] for person in world.people if (mine := mine_of(person))}
    holding = {**{change.key: change.lost.keys for change in wanted}, **people}.values()
    for scope in ("", "a", "b", "c", "hand"):
        now, before, held = (sum(scope in ("", *keys) for keys in group) for group in (lost, recent, holding))
        assert now == 0 or not is_too_many(world, now + before, held + before)
    assert not {person.subject for person in world.people if person.is_approved} & {c.key for c in plan.held}


def is_braked(change: Change) -> bool:
    return change.is_removal and not change.is_approved


@given(worlds(on_breach="hold"), st.integers(0, DAY - 1))
def test_the_brake_is_not_walked_around_in_two_steps(world: World, minutes: int):
    stack, inputs = stack_of(world), inputs_of_world(world)
    if not is_sendable(plan_of(world)):
        return
    first = stack.up(inputs, approved_of(world), settled=world.moved != "inputs")
    stack.wait(minutes=minutes)

    second = stack.plan({**inputs, "assignments": {}})

    before = sum(age + minutes < DAY for age, _ in world.removed)
    steps = [sum(is_braked(change) for change in plan.changes) for plan in (first, second)]
    assert steps[1] == 0 or before + sum(steps) <= world.max


@given(worlds(on_breach="hold"), st.integers(0, 60))
def test_planning_again_after_applying_is_empty_for_the_next_hour(world: World, minutes: int):
    stack, inputs, approved = stack_of(world), inputs_of_world(world), approved_of(world)
    if not is_sendable(plan_of(world)):
        return
    stack.up(inputs, approved, settled=world.moved != "inputs")
    stack.wait(minutes=minutes)

    again = stack.plan(inputs, approved)

    assert not again.changes
    assert not again.differs_from(stack.recorded)


@given(worlds(), FATE_NUMBERS)
def test_the_ledger_claims_what_was_confirmed_and_the_inputs_can_always_be_told_from_it(world: World, fates: list[int]):
    stack, inputs, approved = stack_of(world), inputs_of_world(world), approved_of(world)
    if not is_sendable(plan_of(world)):
        return
    before = {person.subject: mine_of(person) for person in world.people}

    plan = stack.up(inputs, approved, fates_by(fates), settled=world.moved != "inputs")

    assert inputs_of(stack.outputs, ASSIGNMENTS) == inputs
    assert {subject: value.split(" via ")[0] for subject, value in stack.ledger.items()}.items() <= stack.rows.items()
    for change in plan.changes:
        if fates_by(fates)(change) != "done":
            mine = before[change.key]
            assert stack.ledger.get(change.key) == (write(text_of(mine), change.key) if mine else None)


@given(worlds(), FATE_NUMBERS)
def test_a_refresh_right_after_an_apply_finds_nothing_new(world: World, fates: list[int]):
    stack = stack_of(world)
    if not is_sendable(plan_of(world)):
        return
    stack.up(inputs_of_world(world), approved_of(world), fates_by(fates), settled=world.moved != "inputs")
    stored = stack.outputs

    stack.refresh()

    observed = stack.observe()
    assert stack.outputs == stored
    assert stored["seats"] == {type: str(seats) for type, seats in observed.seats.items()}
    assert stored["foreign"] == count_foreign(observed.rows, stack.ledger)


@given(worlds(on_breach="hold"), FATE_NUMBERS)
def test_a_refused_change_waits_until_something_moves_and_an_unsent_one_does_not(world: World, fates: list[int]):
    stack, inputs, approved = stack_of(world), inputs_of_world(world), approved_of(world)
    if not is_sendable(plan_of(world)):
        return
    plan = stack.up(inputs, approved, fates_by(fates), settled=world.moved != "inputs")
    left = {fate: {c.key for c in plan.changes if fates_by(fates)(c) == fate} for fate in FATES}
    earlier = {subject for subject, text in stack.deviations.items() if "; refused" in text} - left["refused"]

    again = stack.plan(inputs, approved)
    anew = stack.plan(inputs, approved, settled=False)

    retried, braked = {change.key for change in again.changes}, {change.key for change in again.held}
    assert not left["refused"] & retried
    assert left["unsent"] <= retried | braked or again.faults
    assert retried <= left["unsent"]
    retried, braked = {change.key for change in anew.changes}, {change.key for change in anew.held}
    assert left["unsent"] | left["refused"] | earlier <= retried | braked or anew.faults


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_what_is_read_changes_nothing(world: World, random):
    stack, inputs = stack_of(world), inputs_of_world(world)
    plan = stack.plan(inputs, approved_of(world), settled=world.moved != "inputs")
    stack.rows, inputs["assignments"] = shuffle(stack.rows, random), shuffle(inputs["assignments"], random)
    stack.outputs = {**stack.outputs, "assignments": shuffle(stack.outputs["assignments"], random)}

    assert stack.plan(inputs, approved_of(world), settled=world.moved != "inputs") == plan


def shuffle(items: dict[str, str], random) -> dict[str, str]:
    pairs = list(items.items())
    random.shuffle(pairs)
    return dict(pairs)


@given(worlds(), st.integers(0, 63))
def test_the_case_in_which_a_row_spells_its_subject_changes_no_decision(world: World, upper: int):
    stack, inputs = stack_of(world), inputs_of_world(world)
    plan = stack.plan(inputs, approved_of(world), settled=world.moved != "inputs")
    stack.rows = {
        subject.upper() if upper >> int(subject[1:]) & 1 else subject: type for subject, type in stack.rows.items()
    }

    other = stack.plan(inputs, approved_of(world), settled=world.moved != "inputs")

    assert [step_of(change) for change in other.changes] == [step_of(change) for change in plan.changes]
    assert [step_of(change) for change in other.held] == [step_of(change) for change in plan.held]
    assert replace(other, changes=(), held=()) == replace(plan, changes=(), held=())
    for change in other.changes:
        assert change.held is None or stack.rows[change.subject] == change.held


@given(worlds(on_breach="hold"))
def test_a_held_removal_waits_until_it_is_approved_even_when_the_others_are_no_longer_wanted(world: World):
    stack, inputs = stack_of(world), inputs_of_world(world)
    if not is_sendable(plan_of(world)):
        return
    plan = stack.up(inputs, approved_of(world), settled=world.moved != "inputs")
    stack.wait(hours=25)
    for waiting in plan.held:
        calm = {**inputs, "assignments": {**stack.ledger, **inputs["assignments"]}}
        calm["rules"] = {**inputs["rules"], "brake.max": 1_000, "brake.percent": 100}
        calm["assignments"].pop(waiting.key, None)
        if waiting.declared:
            calm["assignments"][waiting.key] = str(waiting.declared)

        assert waiting.key in {change.key for change in stack.plan(calm).held}
        released = stack.plan(calm, [waiting.key.upper()])
        assert not released.held or waiting.key not in {change.key for change in released.held}
        assert waiting.key in {change.key for change in released.changes} or released.faults


@given(worlds(), st.lists(st.integers(0, 4), min_size=6, max_size=6))
def test_a_read_adds_nothing_to_the_ledger_and_hides_no_loss(world: World, drift: list[int]):
    stack, inputs = stack_of(world), inputs_of_world(world)
    if not is_sendable(plan_of(world)):
        return
    stack.up(inputs, approved_of(world), settled=world.moved != "inputs")
    before, stored = stack.ledger, stack.outputs
    for person, change in zip(world.people, drift, strict=False):
        row = (stack.rows.get(person.subject), None, "professional", "analyzer", "basicUser")[change]
        stack.rows.pop(person.subject, None)
        if row:
            stack.rows[person.subject] = row

    stack.refresh()

    assert set(stack.ledger) <= set(before)
    for subject, value in before.items():
        row, type = stack.rows.get(subject), value.split(" via ")[0]
        if row == type:
            assert stack.ledger[subject] == value
            assert stack.deviations.get(subject) == stored["deviations"].get(subject)
            continue
        assert subject not in stack.deviations
        declared = inputs["assignments"].get(subject)
        if row is None:
            assert subject not in stack.ledger
        elif declared and declared.startswith(f"{row} via ") and subject in stored["deviations"]:
            assert stack.ledger[subject] == declared
        else:
            assert stack.ledger[subject].startswith(f"{row} via hand")
        if row is None and declared:
            assert inputs_of(stack.outputs, ASSIGNMENTS) != inputs
    again = stack.outputs
    stack.refresh()
    assert stack.outputs == again


@st.composite
def declarations_in_doubt(draw) -> tuple[dict, dict, World]:
    """Old inputs (the entries of a world), new ones (its declaration), some spelled or sourced differently."""
    world, upper, found, accepted = draw(st.tuples(worlds(), st.integers(0, 63), st.integers(0, 3), st.booleans()))
    entries = {spell(p.subject, upper): text_of(p.entry) for p in world.people if p.entry}
    old = declare(entries, sources={"a": "id 1", "b": "id 1"})
    new = inputs_of_world(world)
    new["sources"] = {key: f"id {1 + (found >> bit & 1)}" for bit, key in enumerate("ab")}
    if accepted:
        new["rules"]["source.a"] = "id 2"
    moved = {key for key, id in new["sources"].items() if id == "id 2" and not (accepted and key == "a")}
    return old, new, replace(world, doubt=world.doubt | moved)


def spell(subject: str, upper: int) -> str:
    return subject.upper() if upper >> int(subject[1:]) & 1 else subject


@given(declarations_in_doubt())
def test_what_a_key_in_doubt_conferred_stays_and_healthy_gains_arrive(case: tuple[dict, dict, World]):
    old, new, world = case

    inputs, carried = carry_over(old, new, ASSIGNMENTS)

    expected = {person.subject: carry(person.entry, person.declared, world.doubt) for person in world.people}
    people = {subject.lower(): text(entry) for subject, entry in ASSIGNMENTS.parse_people(inputs).items()}
    assert people == {subject: value for subject, value in expected.items() if value}
    assert len(inputs["assignments"]) == len(people)
    declared = {person.subject: person.declared for person in world.people}
    assert {s.lower() for s in carried} == {
        s for s, v in expected.items() if v and (not declared[s] or v[0] != declared[s][0])
    }
    assert set(inputs["doubt"]) == world.doubt


@given(declarations_in_doubt())
def test_doubt_does_not_wear_off(case: tuple[dict, dict, World]):
    old, new, _ = case
    inputs, carried = carry_over(old, new, ASSIGNMENTS)

    again, carried_again = carry_over(inputs, new, ASSIGNMENTS)

    assert again == inputs
    assert sorted(carried_again) == sorted(carried)
