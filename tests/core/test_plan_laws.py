"""What holds of every plan, whatever the world; `naive.py` is the independent opinion."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from core.builders import NOW, carry_out, declare
from core.laws import law
from core.naive import (
    DAY,
    Decision,
    Person,
    Step,
    World,
    can_all_sit,
    carry,
    decide,
    is_stronger,
    is_too_many,
    mine_of,
    place_of,
    trust,
    wanted_type,
    weaker_values,
)
from core.worlds import approved_of, inputs_of_world, is_settled, movers, plan_of, stack_of, text_of, worlds
from hypothesis import strategies as st

from qlik_provider.changes import Change, batch
from qlik_provider.entitlements import Entitlement
from qlik_provider.errors import UnsafePlan
from qlik_provider.ledger import ASSIGNMENTS, carry_over
from qlik_provider.plan import Plan
from qlik_provider.verdicts import WAITLISTED

SCOPES = ("", "a", "b", "c", "people", "hand")


def step_of(change: Change) -> Step:
    return Step(change.key, change.held, change.type, change.is_removal)


def text(entitlement: Entitlement | None) -> tuple[str, tuple[str, ...]] | None:
    return (entitlement.type, entitlement.keys) if entitlement else None


def decision_of(plan: Plan) -> Decision:
    return Decision(
        frozenset(step_of(change) for change in plan.changes),
        frozenset(step_of(change) for change in plan.held),
        {subject: text(entry) for subject, entry in plan.ledger.items()},
        {subject: (text(deviation.declared), deviation.why) for subject, deviation in plan.deviations.items()},
        {subject: (found.type, found.count) for subject, found in plan.reverts.items()},
        {
            subject: {key: (NOW - since) // timedelta(minutes=1) for key, since in keys.items()}
            for subject, keys in plan.absent.items()
        },
    )


def person_of(world: World, subject: str) -> Person:
    return next(person for person in world.people if person.subject == subject)


def limits_of(world: World) -> dict[str, int]:
    """Return how many people may hold each type that has seats."""
    rows = Counter(person.row for person in world.people)
    return {type: rows[type] + spare for type, spare in world.spare.items()}


def waiting_of(plan: Plan) -> set[str]:
    return {subject for subject, deviation in plan.deviations.items() if deviation.why == WAITLISTED}


def awaited_by(person: Person, world: World) -> str:
    """Return the type somebody waits for."""
    return wanted_type(person, world)


@law(movers() | worlds())
def test_the_plan_of_a_world_is_what_the_naive_reading_says_of_each_person(world: World):
    plan = plan_of(world)

    planned, decision = decision_of(plan), decide(world)
    if world.shortage == "fail" and not can_all_sit(world, decision.steps):
        assert planned.steps < decision.steps
        planned = replace(planned, steps=decision.steps)
    assert planned == decision


@law(movers() | worlds())
def test_nothing_is_sent_where_not_everybody_can_sit_and_waiting_is_not_declared_or_the_brake_is_to_fail(world: World):
    plan = plan_of(world)

    fails = world.on_breach == "fail" and any(reading.breached for reading in plan.readings)
    if fails or (world.shortage == "fail" and not can_all_sit(world, decide(world).steps)):
        with pytest.raises(UnsafePlan):
            plan.raise_if_unsafe()
    else:
        plan.raise_if_unsafe()


@law(movers() | worlds())
def test_every_change_finds_a_seat_at_its_turn(world: World):
    plan = plan_of(world)

    used, limits = Counter(person.row for person in world.people), limits_of(world)
    for change in plan.changes:
        used[change.held] -= 1
        used[change.type] += 1
        assert used[change.type] <= limits.get(change.type, len(world.people))
    assert {type: seats.used for type, seats in plan.seats.items()} == {type: used[type] for type in plan.seats}
    assert {type: seats.limit for type, seats in plan.seats.items()} == limits


@law(movers(), st.integers(2, 6))
def test_a_batch_finds_its_seats_in_whatever_order_it_is_carried_out(world: World, limit: int):
    plan = plan_of(world)

    batches = list(batch(plan.changes, plan.seats_before, limit))

    assert [change for group in batches for change in group] == list(plan.changes)
    used, limits = Counter(person.row for person in world.people), limits_of(world)
    for group in batches:
        assert len(group) <= limit
        assert len({change.verb for change in group}) == 1
        for type, taking in Counter(change.type for change in group).items():
            # the worst order: everybody who takes this type before anybody who frees one
            assert used[type] + taking <= limits.get(type, len(world.people)) or type is None
        for change in group:
            used[change.held] -= 1
            used[change.type] += 1


@law(worlds())
def test_changes_are_sent_as_revokes_switches_assigns_and_nobody_is_in_two(world: World):
    plan = plan_of(world)

    order = [("revoke", "switch", "assign").index(change.verb) for change in plan.changes]
    assert order == sorted(order)
    assert max(Counter(change.key for change in [*plan.changes, *plan.held]).values(), default=1) == 1


@law(movers(shortage="waitlist") | worlds(shortage="waitlist"))
def test_nobody_waits_for_a_type_of_which_a_seat_is_free(world: World):
    plan = plan_of(world)

    for subject in waiting_of(plan):
        assert plan.seats[awaited_by(person_of(world, subject), world)].free <= 0


@law(movers(shortage="waitlist") | worlds(shortage="waitlist"))
def test_nobody_gets_a_type_for_which_somebody_before_them_waits(world: World):
    plan = plan_of(world)

    waiting = [person_of(world, subject) for subject in waiting_of(plan)]
    for change in plan.changes:
        for person in waiting:
            if change.type == awaited_by(person, world):
                assert place_of(person_of(world, change.key), world) < place_of(person, world)


@law(movers(shortage="waitlist") | worlds(shortage="waitlist"))
def test_nobody_waits_while_there_is_an_order_in_which_all_find_a_seat(world: World):
    plan = plan_of(world)

    waiting = waiting_of(plan)
    asked = [step_of(change) for change in plan.changes if change.key not in waiting]
    asked += [
        Step(person.subject, person.row, awaited_by(person, world))
        for person in world.people
        if person.subject in waiting
    ]
    assert not waiting or not can_all_sit(world, asked)


@law(movers(shortage="waitlist") | worlds(shortage="waitlist"))
def test_who_waits_loses_nothing_and_is_given_the_most_that_their_groups_confer_and_has_room(world: World):
    plan = plan_of(world)

    changes = {change.key: change for change in plan.changes}
    waiting = [person_of(world, subject) for subject in waiting_of(plan)]
    awaited = {awaited_by(person, world) for person in waiting}
    for person in waiting:
        change = changes.get(person.subject)
        holds = change.type if change else person.row
        if change:
            assert person.row is None or is_stronger(holds, person.row, world.order)
            assert plan.ledger[person.subject].type == holds
            assert text(plan.ledger[person.subject]) in weaker_values(person, world)
        may_move = person.declared and person.row not in awaited
        for type, _ in weaker_values(person, world) if may_move else ():
            assert (holds and not is_stronger(type, holds, world.order)) or plan.seats[type].free <= 0


@law(worlds(spare=dict.fromkeys(("professional", "analyzer", "basicUser"), 6), release={}))
def test_where_seats_suffice_waiting_and_its_rules_change_nothing(world: World):
    calm = replace(world, shortage="fail", first=(), confers={})

    plans = [plan_of(replace(world, shortage="waitlist")), plan_of(calm)]

    assert plans[0] == plans[1]


@law(worlds())
def test_a_row_this_stack_does_not_own_is_in_no_change_unless_a_declaration_adopts_it(world: World):
    plan = plan_of(world)

    for change in plan.changes:
        person = person_of(world, change.key)
        if person.row is None or mine_of(person):
            continue
        assert person.declared
        is_raised = is_stronger(person.declared[0], person.row, world.order)
        assert world.adopt in ({"upgrade", "all"} if is_raised else {"all"})


@law(worlds())
def test_who_is_neither_declared_nor_in_the_ledger_is_left_alone(world: World):
    plan = plan_of(world)

    strangers = {person.subject for person in world.people if not person.declared and not person.entry}
    touched = {change.key for change in [*plan.changes, *plan.held]}
    assert not strangers & {*touched, *plan.ledger, *plan.deviations}


@law(worlds())
def test_who_held_a_license_and_is_declared_or_has_a_baseline_holds_one_after_every_single_change(world: World):
    stack = stack_of(world)
    plan = plan_of(world)

    has_baseline = world.baseline != "none"
    keep = {person.subject for person in world.people if person.row and (person.declared or has_baseline)}
    for change in plan.changes:
        carry_out(stack.rows, change)
        assert keep <= set(stack.rows)


@law(worlds())
def test_every_declared_person_ends_in_the_ledger_as_declared_or_in_the_deviations(world: World):
    plan = plan_of(world)

    for person in world.people:
        if person.declared and person.subject not in plan.deviations:
            assert text(plan.ledger[person.subject]) == person.declared
        if person.subject in plan.deviations:
            assert text(plan.deviations[person.subject].declared) == person.declared
            assert person.declared or person.subject in plan.ledger
    assert set(plan.ledger) | set(plan.deviations) <= {p.subject for p in world.people if p.declared or mine_of(p)}


@law(worlds())
def test_nobody_protected_is_in_a_change(world: World):
    plan = plan_of(world)

    protected = {person.subject for person in world.people if person.is_protected}
    assert not protected & {change.key for change in [*plan.changes, *plan.held]}


@law(worlds())
def test_no_key_in_doubt_loses_anybody_what_it_conferred_or_gives_anything_alone(world: World):
    plan = plan_of(world)

    for change in plan.changes:
        mine = mine_of(person_of(world, change.key))
        if change.is_removal and mine:
            assert not world.doubt & set(mine[1])
        elif change.key in plan.ledger:
            assert not set(plan.ledger[change.key].keys) <= world.doubt


@law(worlds())
def test_unapproved_removals_never_exceed_what_the_brake_allows(world: World):
    plan = plan_of(world)

    sent, wanted = ([c for c in changes if is_braked(c)] for changes in (plan.changes, [*plan.changes, *plan.held]))
    lost = [change.lost.keys for change in sent]
    recent = [keys for age, keys in world.removed if age < DAY]
    people = {person.subject: mine[1] for person in world.people if (mine := mine_of(person))}
    lowered = [person_of(world, subject) for subject in waiting_of(plan) if subject not in people]
    foreign = {p.subject: () for p in lowered if p.row and is_stronger(p.row, awaited_by(p, world), world.order)}
    holding = {**{change.key: change.lost.keys for change in wanted}, **people, **foreign}.values()
    for scope in SCOPES:
        now, before, held = (sum(scope in ("", *keys) for keys in group) for group in (lost, recent, holding))
        assert now == 0 or not is_too_many(world, now + before, held + before)
    assert not {person.subject for person in world.people if person.is_approved} & {c.key for c in plan.held}


def is_braked(change: Change) -> bool:
    return change.is_removal and not change.is_approved


@law(worlds(), st.integers(0, 2**32))
def test_the_order_of_what_is_read_changes_nothing(world: World, seed: int):
    stack, inputs, random = stack_of(world), inputs_of_world(world), Random(seed)
    plan = stack.plan(inputs, approved_of(world), settled=is_settled(world))
    stack.rows, stack.outputs = shuffle(stack.rows, random), shuffle(stack.outputs, random)

    assert stack.plan(shuffle(inputs, random), approved_of(world), settled=is_settled(world)) == plan


def shuffle(items: dict, random: Random) -> dict:
    """Return the items in another order, and those of every map within."""
    pairs = [(name, shuffle(value, random) if isinstance(value, dict) else value) for name, value in items.items()]
    random.shuffle(pairs)
    return dict(pairs)


@law(worlds(), st.integers(0, 63))
def test_the_case_in_which_a_row_spells_its_subject_changes_no_decision(world: World, upper: int):
    stack, inputs = stack_of(world), inputs_of_world(world)
    plan = stack.plan(inputs, approved_of(world), settled=is_settled(world))
    stack.rows = {spell(subject, upper): type for subject, type in stack.rows.items()}

    other = stack.plan(inputs, approved_of(world), settled=is_settled(world))

    assert [step_of(change) for change in other.changes] == [step_of(change) for change in plan.changes]
    assert [step_of(change) for change in other.held] == [step_of(change) for change in plan.held]
    assert replace(other, changes=(), held=()) == replace(plan, changes=(), held=())
    for change in other.changes:
        assert change.held is None or stack.rows[change.subject] == change.held


def spell(subject: str, upper: int) -> str:
    return subject.upper() if upper >> int(subject[1:]) & 1 else subject


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


@law(declarations_in_doubt())
def test_what_a_key_in_doubt_conferred_stays_and_healthy_gains_arrive(case: tuple[dict, dict, World]):
    old, new, world = case

    inputs, carried = carry_over(old, new, ASSIGNMENTS)

    strangers = frozenset(key for key in "ab" if new["sources"][key] == "id 2" != new["rules"].get(f"source.{key}"))
    declared = {p.subject: trust(p.declared, p.entry, strangers, world) for p in world.people}
    expected = {p.subject: carry(p.entry, declared[p.subject], world.doubt, world.order) for p in world.people}
    people = {subject.lower(): text(entry) for subject, entry in ASSIGNMENTS.parse_people(inputs).items()}
    assert people == {subject: value for subject, value in expected.items() if value}
    assert len(inputs["assignments"]) == len(people)
    assert {s.lower() for s in carried} == {
        s for s, v in expected.items() if v and (not declared[s] or v[0] != declared[s][0])
    }
    assert set(inputs["doubt"]) == world.doubt


@law(declarations_in_doubt())
def test_doubt_does_not_wear_off(case: tuple[dict, dict, World]):
    old, new, _ = case
    inputs, carried = carry_over(old, new, ASSIGNMENTS)

    again, carried_again = carry_over(inputs, new, ASSIGNMENTS)

    assert again == inputs
    assert sorted(carried_again) == sorted(carried)
