"""What holds from run to run, whatever the world, the tenant's answers and other people's hands."""

from collections import Counter

from core.builders import write
from core.laws import FATES, applied, fates_by, law
from core.naive import DAY, TYPES, WEEK, Person, World, is_stronger, mine_of, place_of, wanted_type
from core.worlds import approved_of, inputs_of_world, movers, text_of, worlds
from hypothesis import reject
from hypothesis import strategies as st

from qlik_provider.changes import Change
from qlik_provider.errors import UnsafePlan
from qlik_provider.ledger import ASSIGNMENTS, inputs_of
from qlik_provider.plan import Plan, count_foreign
from qlik_provider.verdicts import REVERTS

FATE_NUMBERS = st.lists(st.integers(0, len(FATES) - 1), min_size=6, max_size=6)
HANDS = st.lists(st.sampled_from([None, None, *TYPES]), min_size=6, max_size=6)


def is_braked(change: Change) -> bool:
    return change.is_removal and not change.is_approved


@law(worlds(on_breach="hold"), st.integers(0, DAY - 1))
def test_the_brake_is_not_walked_around_in_two_steps(world: World, minutes: int):
    stack, first = applied(world)
    stack.wait(minutes=minutes)

    second = stack.plan({**inputs_of_world(world), "assignments": {}})

    before = sum(age + minutes < DAY for age, _ in world.removed)
    steps = [sum(is_braked(change) for change in plan.changes) for plan in (first, second)]
    assert steps[1] == 0 or before + sum(steps) <= world.max


@law(movers() | worlds(on_breach="hold"), st.integers(0, 60), st.integers(0, 1))
def test_planning_again_after_applying_is_empty_for_the_next_hour_also_after_a_refresh(
    world: World, minutes: int, reads: int
):
    stack, _ = applied(world)
    stack.wait(minutes=minutes)
    if reads:
        stack.refresh()

    again = stack.plan(inputs_of_world(world), approved_of(world))

    assert not again.changes
    assert not again.faults
    assert not again.differs_from(stack.recorded)


@law(movers() | worlds(on_breach="hold"), FATE_NUMBERS)
def test_whatever_became_of_a_run_the_next_ones_come_to_rest(world: World, fates: list[int]):
    stack, _ = applied(world, fates_by(fates))
    inputs, approved = inputs_of_world(world), approved_of(world)
    for _ in range(len(world.people) + 1):
        if not stack.plan(inputs, approved).differs_from(stack.recorded):
            return
        try:
            stack.up(inputs, approved)
        except UnsafePlan:
            reject()

    assert not stack.plan(inputs, approved).differs_from(stack.recorded)


@law(worlds(), FATE_NUMBERS)
def test_the_ledger_claims_what_was_confirmed_and_the_inputs_can_always_be_told_from_it(world: World, fates: list[int]):
    stack, plan = applied(world, fates_by(fates))

    before = {person.subject: mine_of(person) for person in world.people}
    assert inputs_of(stack.outputs, ASSIGNMENTS) == inputs_of_world(world)
    assert {subject: value.split(" via ")[0] for subject, value in stack.ledger.items()}.items() <= stack.rows.items()
    for change in plan.changes:
        if fates_by(fates)(change) != "done":
            mine = before[change.key]
            assert stack.ledger.get(change.key) == (write(text_of(mine), change.key) if mine else None)
            assert change.key in stack.deviations


@law(worlds(), FATE_NUMBERS)
def test_rows_that_are_nobodys_concern_are_as_before(world: World, fates: list[int]):
    stack, _ = applied(world, fates_by(fates))

    for person in world.people:
        is_unowned = stack.deviations.get(person.subject, "").endswith(("unowned", "raised", "protected", "frozen"))
        if is_unowned or not (person.declared or mine_of(person)):
            assert stack.rows.get(person.subject) == person.row


@law(worlds())
def test_who_is_in_no_group_and_no_exception_holds_nothing_of_ours_or_is_told_why(world: World):
    stack, _ = applied(world)

    for person in world.people:
        if person.declared:
            continue
        row, why = stack.rows.get(person.subject), stack.deviations.get(person.subject)
        if why == "none; absent":
            assert stack.ledger[person.subject].startswith(f"{row} via ")
            assert any(key in world.release for key in stack.ledger[person.subject].split(" for ")[0].split(" via ")[1])
        elif why:
            words = ("held", "frozen", "protected", "waitlisted", f"refused, holding {row}")
            assert why in {f"none; {word}" for word in words}
            assert row == person.row
        else:
            assert person.subject not in stack.ledger
            is_ours_gone = row is None or (
                world.baseline != "none" and not is_stronger(row, world.baseline, world.order)
            )
            assert is_ours_gone or not mine_of(person)


@law(worlds(), FATE_NUMBERS)
def test_a_refresh_right_after_an_apply_finds_nothing_new(world: World, fates: list[int]):
    stack, _ = applied(world, fates_by(fates))
    stored = stack.outputs

    stack.refresh()

    observed = stack.observe()
    assert stack.outputs == stored
    assert stored["seats"] == {type: str(seats) for type, seats in observed.seats.items()}
    assert stored["foreign"] == count_foreign(observed.rows, stack.ledger)


@law(worlds(on_breach="hold"), FATE_NUMBERS)
def test_a_refused_change_waits_until_something_moves_and_an_unsent_one_does_not(world: World, fates: list[int]):
    stack, plan = applied(world, fates_by(fates))
    inputs, approved = inputs_of_world(world), approved_of(world)
    left = {fate: {c.key for c in plan.changes if fates_by(fates)(c) == fate} for fate in FATES}
    waiting = {subject for subject, text in stack.deviations.items() if text.endswith("; waitlisted")}
    left["refused"] |= left["short"] - waiting
    earlier = {subject for subject, text in stack.deviations.items() if "; refused" in text} - left["refused"]

    again = stack.plan(inputs, approved)
    anew = stack.plan(inputs, approved, settled=False)

    retried, stopped = {change.key for change in again.changes}, stopped_by(again)
    assert not left["refused"] & retried
    assert left["unsent"] | left["short"] <= retried | stopped | left["refused"] or again.faults
    assert retried <= left["unsent"] | waiting
    retried, stopped = {change.key for change in anew.changes}, stopped_by(anew) | (earlier & reverted_by(anew))
    assert left["unsent"] | left["refused"] | earlier <= retried | stopped or anew.faults


def stopped_by(plan: Plan) -> set[str]:
    """Return whom the brake or a lack of seats stops."""
    return {subject for subject, deviation in plan.deviations.items() if deviation.why in {"held", "waitlisted"}}


def reverted_by(plan: Plan) -> set[str]:
    return {subject for subject, deviation in plan.deviations.items() if deviation.why == "reverted"}


@law(worlds(on_breach="hold"))
def test_a_held_removal_waits_until_it_is_approved_even_when_the_others_are_no_longer_wanted(world: World):
    stack, plan = applied(world)
    inputs = inputs_of_world(world)
    stack.wait(hours=25)
    for waiting in plan.held:
        calm = {**inputs, "assignments": {**stack.ledger, **inputs["assignments"]}}
        calm["rules"] = {**inputs["rules"], "brake.max": 1_000, "brake.percent": 100}
        calm["assignments"].pop(waiting.key, None)
        if waiting.declared:
            calm["assignments"][waiting.key] = str(waiting.declared)

        assert waiting.key in {change.key for change in stack.plan(calm).held}
        released = stack.plan(calm, [waiting.key.upper()])
        assert waiting.key not in {change.key for change in released.held}
        stopped = released.deviations.get(waiting.key)
        assert (
            waiting.key in {change.key for change in released.changes}
            or released.faults
            or (stopped and stopped.why == "waitlisted")
        )


@law(worlds(), HANDS, st.lists(st.booleans(), min_size=6, max_size=6))
def test_a_read_adds_nothing_to_the_ledger_and_hides_no_loss(world: World, hands: list[str | None], moved: list[bool]):
    stack, _ = applied(world)
    inputs, before, stored = inputs_of_world(world), stack.ledger, stack.outputs
    for person, row, is_moved in zip(world.people, hands, moved, strict=False):
        if is_moved:
            tamper(stack.rows, person, row)

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


def tamper(rows: dict[str, str], person: Person, row: str | None) -> None:
    """Do what an administrator would: take somebody's seat, or give another."""
    rows.pop(person.subject, None)
    if row:
        rows[person.subject] = row


@law(worlds(on_breach="hold", max=1000, percent=100), HANDS, st.integers(0, 1))
def test_a_fight_with_other_hands_ends(world: World, hands: list[str | None], reads: int):
    stack, _ = applied(world)
    inputs, approved = inputs_of_world(world), approved_of(world)
    writes: Counter[str] = Counter()
    for _ in range(REVERTS + 3):
        owned = set(stack.ledger)
        for person, row in zip(world.people, hands, strict=False):
            if person.subject in owned and stack.ledger[person.subject] == inputs["assignments"].get(person.subject):
                tamper(stack.rows, person, row)
        if reads:
            stack.refresh()
        try:
            plan = stack.up(inputs, approved)
        except UnsafePlan:
            reject()
        writes.update(change.key for change in plan.changes if change.given is None)

    assert max(writes.values(), default=0) <= REVERTS
    stack.wait(minutes=WEEK)
    assert not {subject for subject in stack.deviations if stack.deviations[subject].endswith("reverted")} & {
        change.key for change in stack.plan(inputs, approved).changes
    }


@law(movers(shortage="waitlist") | worlds(shortage="waitlist", on_breach="hold"))
def test_a_waitlist_heals_without_an_edit_when_seats_are_bought(world: World):
    stack, _ = applied(world)
    inputs = inputs_of_world(world)
    waiting = {subject for subject, text in stack.deviations.items() if text.endswith("; waitlisted")}
    stack.units = dict.fromkeys(stack.units, 100)

    healed = stack.plan(inputs, approved_of(world))

    moving = {change.key for change in [*healed.changes, *healed.held]}
    assert waiting <= moving | reverted_by(healed)
    assert "waitlisted" not in {deviation.why for deviation in healed.deviations.values()}
    assert not healed.faults


@law(movers(shortage="waitlist") | worlds(shortage="waitlist", on_breach="hold"), st.sampled_from(TYPES))
def test_a_seat_that_gets_free_goes_to_the_first_who_asks_for_it(world: World, type: str):
    stack, _ = applied(world)
    inputs, approved = inputs_of_world(world), approved_of(world)
    if type in stack.units:
        stack.units[type] += 1 - stack.plan(inputs, approved).seats[type].free

    plan = stack.plan(inputs, approved)

    given = {change.key for change in plan.changes if change.type == type}
    waiting = {subject for subject, deviation in plan.deviations.items() if deviation.why == "waitlisted"}
    asking = [p for p in world.people if wanted_type(p, world) == type and p.subject in given | waiting]
    first = min(asking, key=lambda person: place_of(person, world), default=None)
    assert first is None or first.subject in given


ALL = dict.fromkeys("abc", DAY - 1)


CALM = {
    "on_breach": "hold",
    "max": 1000,
    "percent": 100,
    "doubt": frozenset(),
    "shortage": "waitlist",
    "baseline": "none",
}


@law(worlds(**CALM, release=ALL), st.integers(0, 2 * DAY))
def test_who_left_a_group_that_releases_late_keeps_what_it_gave_for_just_so_long(world: World, minutes: int):
    stack, _ = applied(world)
    inputs, nobody = inputs_of_world(world), {**inputs_of_world(world), "assignments": {}}
    settled = {
        person.subject
        for person in world.people
        if person.subject not in stack.deviations and is_kept(person, world) and not person.is_protected
    }
    rows = {subject: stack.rows[subject] for subject in settled}
    earlier = {subject: keys for subject, keys in stack.outputs.get("absent", {}).items() if subject in settled}

    stack.up(nobody)
    assert {subject: stack.rows[subject] for subject in settled} == rows
    stack.wait(minutes=minutes)
    stack.up(nobody)

    if minutes < DAY - 1:
        assert {subject: stack.rows[subject] for subject in settled} == rows
        assert not settled & {change.key for change in stack.plan(inputs).changes}
        stack.up(inputs)
        assert not settled & stack.deviations.keys()
        assert {
            s: keys for s, keys in stack.outputs.get("absent", {}).items() if s in settled
        }.items() <= earlier.items()
    else:
        assert not settled & (stack.rows.keys() | stack.ledger.keys())


def is_kept(person: Person, world: World) -> bool:
    """Tell whether somebody is declared as just what their groups confer, with no exception in it."""
    if person.declared is None or person.is_denied:
        return False
    type, keys = person.declared
    types = {world.confers[key] for key in keys if key in world.confers}
    return type in types and not any(is_stronger(other, type, world.order) for other in types)
