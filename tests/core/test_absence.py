"""What a group that releases late keeps for who left it, case by case; the laws have the rest."""

from datetime import timedelta

import pytest
from core.builders import NOW, Stack, declare, verbs, write

from qlik_provider.entitlements import parse_absences, write_absences
from qlik_provider.errors import UnsafePlan

ANA = "ana"
DEVS = {"confers_devs": "professional", "confers_readers": "analyzer", "release_devs": 24}


def stack_with(value: str = "professional via devs", **rules) -> tuple[Stack, dict]:
    """Return the stack in which Ana holds a value, and the inputs of nobody under the same rules."""
    stack = Stack(rows={ANA: value.partition(" ")[0]}, units={"professional": 5, "analyzer": 5})
    stack.up(declare({ANA: value}, **{**DEVS, **rules}))
    return stack, declare({}, **{**DEVS, **rules})


def test_who_is_absent_keeps_the_seat_and_everybody_is_told_until_when():
    stack, nobody = stack_with()

    plan = stack.up(nobody)

    assert verbs(plan) == []
    assert stack.deviations == {ANA: "none; absent"}
    assert stack.outputs["absent"] == {ANA: "devs 2026-11-02T08:00Z"}
    told = "ana@contoso.test (professional until 2026-11-03 08:00 UTC)"
    assert plan.warnings == (f"absent: 1 in no group that gives what they keep for now: {told}",)
    assert stack.outputs["removed"] == {}
    assert stack.outputs["seats"]["professional"] == "1 of 5"


def test_the_seat_goes_in_the_first_run_after_that_time_and_the_brake_counts_it_then():
    stack, nobody = stack_with()
    stack.up(nobody)
    stack.wait(hours=23, minutes=59)
    assert not stack.plan(nobody).differs_from(stack.recorded)
    stack.wait(minutes=1)

    plan = stack.up(nobody)

    assert verbs(plan) == ["revoke professional from ana@contoso.test"]
    assert plan.readings[0].now == 1
    assert stack.outputs["removed"] == {"2026-11-03T08:00Z": "1; devs 1"}
    assert "absent" not in stack.outputs
    assert stack.deviations == {}


def test_who_comes_back_in_time_was_never_gone_and_a_second_absence_has_its_own_clock():
    stack, nobody = stack_with()
    before = stack.outputs
    stack.up(nobody)
    stack.wait(hours=20)
    back = stack.up(declare({ANA: "professional via devs"}, **DEVS))
    assert verbs(back) == []
    assert stack.outputs == before
    stack.up(nobody)
    stack.wait(hours=5)

    assert verbs(stack.plan(nobody)) == []
    assert stack.outputs["absent"] == {ANA: "devs 2026-11-03T04:00Z"}


def test_a_preview_starts_no_clock():
    stack, nobody = stack_with()
    stack.plan(nobody)
    stack.wait(hours=48)

    plan = stack.up(nobody)

    assert verbs(plan) == []
    assert stack.outputs["absent"] == {ANA: "devs 2026-11-04T08:00Z"}


def test_who_moves_to_a_weaker_group_is_lowered_only_when_the_stronger_one_lets_go():
    stack, _ = stack_with()
    moved = declare({ANA: "analyzer via readers"}, **DEVS)
    stack.up(moved)
    assert stack.rows == {ANA: "professional"}
    assert stack.deviations == {ANA: write("analyzer via readers", ANA) + "; absent"}
    assert stack.ledger == {ANA: write("professional via devs, readers", ANA)}
    stack.wait(hours=24)

    assert verbs(stack.up(moved)) == ["switch ana@contoso.test from professional to analyzer (readers)"]
    assert stack.deviations == {}


def test_what_the_other_group_takes_back_at_once_goes_at_once_and_the_rest_later():
    rules = {"release_devs": 0, "release_readers": 48}
    stack, nobody = stack_with("professional via devs, readers", **rules)

    assert verbs(stack.up(nobody)) == ["switch ana@contoso.test from professional to analyzer (readers)"]
    assert stack.ledger == {ANA: write("analyzer via readers", ANA)}
    assert stack.deviations == {ANA: "none; absent"}
    assert stack.outputs["foreign"] == {}
    stack.wait(hours=48)
    assert verbs(stack.up(nobody)) == ["revoke analyzer from ana@contoso.test"]


def test_each_group_has_its_own_clock_also_one_that_gave_less_when_it_was_left():
    rules = {"release_devs": 1, "release_readers": 24}
    stack, nobody = stack_with("professional via devs, readers", **rules)
    stack.up(declare({ANA: "professional via devs"}, **{**DEVS, **rules}))
    assert stack.deviations == {}
    assert stack.outputs["absent"] == {ANA: "readers 2026-11-02T08:00Z"}
    stack.wait(hours=10)
    stack.up(nobody)
    assert stack.outputs["absent"] == {ANA: "devs 2026-11-02T18:00Z, readers 2026-11-02T08:00Z"}
    stack.wait(hours=1)

    assert verbs(stack.up(nobody)) == ["switch ana@contoso.test from professional to analyzer (readers)"]
    stack.wait(hours=13)
    assert verbs(stack.up(nobody)) == ["revoke analyzer from ana@contoso.test"]


@pytest.mark.parametrize(
    "inputs",
    [
        pytest.param(declare({}, **DEVS, exception_ana="none"), id="an exception says none"),
        pytest.param(declare({}, confers_devs="professional"), id="the group no longer says so, or is gone"),
        pytest.param(declare({}, **{**DEVS, "confers_devs": "analyzer"}, baseline="analyzer"), id="it gives no more"),
    ],
)
def test_what_somebody_decided_waits_for_nobody(inputs):
    stack, _ = stack_with()

    plan = stack.up(inputs)

    assert [change.key for change in plan.changes] == [ANA]
    assert "absent" not in stack.outputs or plan.changes[0].type == "analyzer"


def test_an_exception_that_gives_less_waits_for_nobody_either():
    stack, _ = stack_with()

    plan = stack.up(declare({ANA: "analyzer via people"}, **DEVS))

    assert verbs(plan) == ["switch ana@contoso.test from professional to analyzer (people)"]
    assert "absent" not in stack.outputs


def test_a_removal_that_was_held_stays_held_whatever_the_clock_says():
    stack, nobody = stack_with(brake_percent=1, brake_minimum=1, release_devs=0)
    stack.up(nobody)
    assert stack.deviations == {ANA: "none; held"}
    later = declare({}, **DEVS, brake_percent=1, brake_minimum=1)

    stack.up(later)
    assert stack.deviations == {ANA: "none; held"}
    stack.wait(hours=30)
    stack.up(later)

    assert stack.deviations == {ANA: "none; held"}
    assert verbs(stack.up(later, [ANA])) == ["revoke professional from ana@contoso.test"]


def test_a_held_removal_does_not_start_the_clock_anew():
    stack, nobody = stack_with(brake_percent=1, brake_minimum=1)
    stack.up(nobody)
    stack.wait(hours=30)
    stack.up(nobody)
    assert stack.deviations == {ANA: "none; held"}

    assert stack.outputs["absent"] == {ANA: "devs 2026-11-02T08:00Z"}
    assert verbs(stack.up(nobody, [ANA])) == ["revoke professional from ana@contoso.test"]


def test_a_group_in_doubt_freezes_beyond_the_time():
    stack, nobody = stack_with()
    stack.up(nobody)
    stack.wait(hours=30)
    doubt = declare({}, doubt=["devs"], **DEVS)

    stack.up(doubt)
    assert stack.deviations == {ANA: "none; frozen"}

    assert verbs(stack.up(nobody)) == ["revoke professional from ana@contoso.test"]


def test_a_license_raised_by_hand_is_not_undone_for_the_absent():
    stack, nobody = stack_with("analyzer via readers", release_readers=24)
    stack.rows = {ANA: "professional"}
    stack.refresh()

    stack.up(nobody)
    assert stack.ledger == {ANA: write("professional via hand, readers", ANA)}
    assert stack.deviations == {ANA: "none; absent"}
    stack.wait(hours=24)

    assert verbs(stack.up(nobody)) == ["revoke professional from ana@contoso.test"]


def test_a_license_raised_by_hand_is_lowered_to_what_is_kept_under_full_repair():
    stack, nobody = stack_with("analyzer via readers", release_readers=24, repair="full")
    stack.rows = {ANA: "professional"}

    assert verbs(stack.up(nobody)) == ["switch ana@contoso.test from professional to analyzer (readers)"]
    assert stack.ledger == {ANA: write("analyzer via readers", ANA)}


def test_a_seat_taken_by_hand_is_not_given_back_to_the_absent():
    stack, nobody = stack_with()
    stack.up(nobody)
    stack.rows = {}
    stack.refresh()

    assert "absent" not in stack.outputs
    assert verbs(stack.up(nobody)) == []
    assert stack.ledger == {}


def test_a_stored_refresh_keeps_the_clock():
    stack, nobody = stack_with()
    stack.up(nobody)
    stored = stack.outputs

    stack.refresh()

    assert stack.outputs == stored


def test_a_kept_seat_counts_as_used():
    stack, nobody = stack_with()
    stack.units = {"professional": 1, "analyzer": 5}
    stack.up(nobody)

    with pytest.raises(UnsafePlan, match="1 short of professional"):
        stack.up(declare({"bo": "professional via readers"}, **DEVS))


def test_a_removal_that_the_tenant_refused_does_not_start_the_clock_anew():
    stack, nobody = stack_with()
    stack.up(nobody)
    stack.wait(hours=24)

    stack.up(nobody, fate=lambda _: "refused")

    assert stack.deviations == {ANA: "none; refused, holding professional"}
    assert stack.outputs["absent"] == {ANA: "devs 2026-11-02T08:00Z"}


def test_an_absence_is_written_and_read_alike():
    absences = {"devs": NOW, "readers": NOW - timedelta(hours=3)}

    assert write_absences(absences) == "devs 2026-11-02T08:00Z, readers 2026-11-02T05:00Z"
    assert parse_absences(write_absences(absences)) == absences
