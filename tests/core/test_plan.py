"""The table of the ledger's semantics, a row a case, and what only several runs show."""

from datetime import date

import pytest
from core.builders import NOW, Stack, declare, entitle, verbs, write

from qlik_provider.brake import Brake
from qlik_provider.entitlements import Assignment, Deviation, Entitlement, Reverts, Seats
from qlik_provider.errors import UnsafePlan
from qlik_provider.plan import Plan, count_foreign, make_plan
from qlik_provider.premises import Observed, Recorded, Rules
from qlik_provider.verdicts import choose_rows, correct

ORDER = ("professional", "analyzer")
NOBODY = "-"


def plan_one(
    declared: str,
    entry: str,
    row: str,
    rules: Rules | None = None,
    before: Deviation | None = None,
) -> Plan:
    """Return the plan for Ana alone, of whom the ledger says `entry` and the tenant shows `row`."""
    return make_plan(
        {} if declared == NOBODY else {"ana": entitle(declared, "ana")},
        Observed(() if row == NOBODY else (Assignment("ana", row),)),
        Recorded(
            {} if entry == NOBODY else {"ana": entitle(entry, "ana")},
            {"ana": before} if before else {},
            settled=True,
        ),
        rules or Rules(ORDER),
        NOW,
    )


def outcome(plan: Plan) -> str:
    """Return the changes, else why there is none, else what the ledger says."""
    if plan.changes:
        return "; ".join(verbs(plan))
    if plan.deviations:
        return plan.deviations["ana"].why
    return f"ledger: {plan.ledger['ana']}" if plan.ledger else "nothing"


ASSIGN = "assign analyzer to ana@contoso.test (a)"
RAISE = "switch ana@contoso.test from analyzer to professional (a)"
LOWER = "switch ana@contoso.test from professional to analyzer (a)"
KEEP = "ledger: analyzer via a for ana@contoso.test"


@pytest.mark.parametrize(
    ("declared", "entry", "row", "expected"),
    [
        pytest.param(NOBODY, NOBODY, NOBODY, "nothing", id="nobody"),
        pytest.param(NOBODY, NOBODY, "analyzer", "nothing", id="a foreign row, nothing declared"),
        pytest.param(NOBODY, "analyzer via a", NOBODY, "nothing", id="ours, gone already"),
        pytest.param(
            NOBODY, "analyzer via a", "analyzer", "revoke analyzer from ana@contoso.test", id="ours, unwanted"
        ),
        pytest.param(
            NOBODY, "analyzer via a", "professional", "revoke professional from ana@contoso.test", id="ours by hand"
        ),
        pytest.param("analyzer via a", NOBODY, NOBODY, ASSIGN, id="new"),
        pytest.param("analyzer via a", "analyzer via a", NOBODY, ASSIGN, id="taken by others"),
        pytest.param("analyzer via a", "analyzer via a", "analyzer", KEEP, id="all well"),
        pytest.param("analyzer via a", "analyzer via b", "analyzer", KEEP, id="another key"),
        pytest.param("analyzer via a", NOBODY, "analyzer", KEEP, id="a foreign row that equals"),
        pytest.param("professional via a", NOBODY, "analyzer", RAISE, id="a foreign row that is weaker"),
        pytest.param("analyzer via a", NOBODY, "professional", "unowned", id="a foreign row that is stronger"),
        pytest.param("analyzer via a", NOBODY, "basicUser", "unowned", id="a foreign row nobody ordered"),
        pytest.param("professional via a", "analyzer via a", "analyzer", RAISE, id="a gain"),
        pytest.param("analyzer via a", "professional via a", "professional", LOWER, id="a loss"),
        pytest.param("analyzer via a", "analyzer via a", "professional", "raised", id="raised by hand"),
        pytest.param(
            "professional via a", "professional via a", "analyzer", RAISE, id="lowered by hand and put right again"
        ),
    ],
)
def test_a_person_is_judged_by_declaration_ledger_and_row(declared: str, entry: str, row: str, expected: str):
    assert outcome(plan_one(declared, entry, row)) == expected


@pytest.mark.parametrize(
    ("rules", "declared", "row", "expected"),
    [
        pytest.param({"adopt": "report"}, "analyzer via a", "analyzer", "unowned", id="report: an equal row"),
        pytest.param({"adopt": "report"}, "professional via a", "analyzer", "unowned", id="report: a weaker row"),
        pytest.param({"adopt": "report"}, "analyzer via a", "professional", "unowned", id="report: a stronger row"),
        pytest.param({"adopt": "report"}, "analyzer via a", NOBODY, ASSIGN, id="report: no row"),
        pytest.param({"adopt": "all"}, "analyzer via a", "analyzer", KEEP, id="all: an equal row"),
        pytest.param({"adopt": "all"}, "professional via a", "analyzer", RAISE, id="all: a weaker row"),
        pytest.param({"adopt": "all"}, "analyzer via a", "professional", LOWER, id="all: a stronger row"),
        pytest.param({"adopt": "all"}, NOBODY, "professional", "nothing", id="all: nobody we declare"),
    ],
)
def test_rows_found_are_adopted_as_far_as_the_rule_says(rules: dict, declared: str, row: str, expected: str):
    assert outcome(plan_one(declared, NOBODY, row, Rules(ORDER, **rules))) == expected


def test_full_repair_takes_back_what_was_raised_by_hand():
    assert outcome(plan_one("analyzer via a", "analyzer via a", "professional", Rules(ORDER, repair="full"))) == LOWER


@pytest.mark.parametrize(
    ("doubt", "declared", "entry", "row", "expected"),
    [
        pytest.param("a", NOBODY, "analyzer via a", "analyzer", "frozen", id="a loss of a key in doubt"),
        pytest.param("b", NOBODY, "analyzer via a, b", "analyzer", "frozen", id="a loss with any key in doubt"),
        pytest.param("a", "analyzer via b", "professional via a", "professional", "frozen", id="a lower type"),
        pytest.param("a", "analyzer via a", NOBODY, NOBODY, "frozen", id="a gain by a key in doubt alone"),
        pytest.param(
            "b",
            "analyzer via a, b",
            NOBODY,
            NOBODY,
            "assign analyzer to ana@contoso.test (a, b)",
            id="a gain by a healthy key too",
        ),
        pytest.param("a", "analyzer via a", NOBODY, "analyzer", "frozen", id="an adoption by a key in doubt alone"),
        # What is carried over in doubt may be what others once made of it.
        pytest.param("a", "professional via hand, a", NOBODY, NOBODY, "frozen", id="what a hand gave and took again"),
        pytest.param(
            "a", "professional via hand, a", "professional via hand, a", "analyzer", "frozen", id="what a hand lowered"
        ),
        pytest.param("a", "analyzer via a", "analyzer via a", "analyzer", KEEP, id="what is ours already"),
        pytest.param(
            "c", NOBODY, "analyzer via a", "analyzer", "revoke analyzer from ana@contoso.test", id="another key"
        ),
    ],
)
def test_doubt_freezes_what_a_key_confers_and_nothing_else(
    doubt: str, declared: str, entry: str, row: str, expected: str
):
    assert outcome(plan_one(declared, entry, row, Rules(ORDER, doubt={doubt: "unreadable"}))) == expected


def test_a_foreign_row_is_not_lowered_on_the_word_of_a_key_in_doubt():
    rules = Rules(ORDER, adopt="all", doubt={"a": "another object id"})

    assert outcome(plan_one("analyzer via a", NOBODY, "professional", rules)) == "frozen"


def test_somebody_without_keys_is_not_in_doubt():
    """Members of a directory group carry no keys, so that no doubt may freeze them."""
    plan = make_plan(
        {"ana": Entitlement("member", (), "ana@contoso.test")},
        Observed(()),
        Recorded(),
        Rules(("member",), doubt={"a": "unreadable"}),
        NOW,
    )

    assert verbs(plan) == ["add ana@contoso.test"]


@pytest.mark.parametrize(
    ("declared", "entry", "row", "expected"),
    [
        pytest.param(NOBODY, "analyzer via a", "analyzer", "protected", id="a loss"),
        pytest.param("professional via a", "analyzer via a", "analyzer", "protected", id="a gain"),
        pytest.param("analyzer via a", NOBODY, NOBODY, "protected", id="a first license"),
        pytest.param("analyzer via a", NOBODY, "analyzer", KEEP, id="nothing to write"),
    ],
)
def test_nobody_protected_is_written(declared: str, entry: str, row: str, expected: str):
    assert outcome(plan_one(declared, entry, row, Rules(ORDER, protected=frozenset({"ana"})))) == expected


@pytest.mark.parametrize(
    ("why", "expected"),
    [
        pytest.param("refused, holding analyzer", "refused, holding analyzer", id="over this row"),
        pytest.param("refused", RAISE, id="over no row"),
        pytest.param("refused, holding basicUser", RAISE, id="over another row"),
        pytest.param("unsent", RAISE, id="never sent"),
        pytest.param("frozen", RAISE, id="frozen"),
    ],
)
def test_a_refused_change_waits_only_for_the_row_it_was_refused_over(why: str, expected: str):
    before = Deviation(entitle("professional via a", "ana"), why)

    assert outcome(plan_one("professional via a", "analyzer via a", "analyzer", before=before)) == expected


def test_a_refused_change_is_sent_again_when_another_is_declared():
    before = Deviation(None, "refused, holding analyzer")

    assert outcome(plan_one("professional via a", "analyzer via a", "analyzer", before=before)) == RAISE


def test_a_refused_change_is_sent_again_when_anything_else_is_declared():
    wanted = entitle("analyzer via a", "ana")

    recorded = Recorded(deviations={"ana": Deviation(wanted, "refused")})

    assert verbs(make_plan({"ana": wanted}, Observed(()), recorded, Rules(ORDER), NOW)) == [ASSIGN]


def test_a_refused_change_is_sent_again_when_the_seats_have_moved():
    recorded = Recorded(
        deviations={"ana": Deviation(entitle("analyzer via a", "ana"), "refused")},
        seats={"analyzer": "0 of 1"},
        settled=True,
    )
    desired = {"ana": entitle("analyzer via a", "ana")}
    same, more = (Observed((), {"analyzer": Seats(units, 0)}) for units in (1, 2))

    assert not make_plan(desired, same, recorded, Rules(ORDER), NOW).changes
    assert verbs(make_plan(desired, more, recorded, Rules(ORDER), NOW)) == [ASSIGN]


LEAVING = {f"u{number}": "analyzer via a" for number in range(5)}


def full_stack(**kept: str) -> Stack:
    """Return a stack on which five people of group a and some others have their licenses."""
    stack = Stack()
    stack.up(declare({**LEAVING, **kept}, brake_max=2))
    return stack


def test_removals_that_are_too_many_are_held_and_keep_their_seats():
    stack = full_stack(ana="analyzer via b")

    plan = stack.up(declare({"ana": "analyzer via b"}, brake_max=2))

    assert not plan.changes
    assert [change.key for change in plan.held] == list(LEAVING)
    assert stack.deviations == dict.fromkeys(LEAVING, "none; held")
    assert set(stack.rows) == {*LEAVING, "ana"}


def test_the_rest_of_a_plan_goes_on_while_removals_are_held():
    stack = full_stack()

    plan = stack.up(declare({"ana": "analyzer via b"}, brake_max=2))

    assert verbs(plan) == ["assign analyzer to ana@contoso.test (b)"]


def test_approved_removals_go_and_do_not_count():
    stack = full_stack()
    inputs = declare({"u4": "analyzer via a"}, brake_max=1)

    plan = stack.up(inputs, approved=["U0", "U1", "U2"])

    assert verbs(plan) == [f"revoke analyzer from u{number}@contoso.test" for number in range(4)]
    assert stack.outputs["removed"] == {"2026-11-02T08:00Z": "1; a 1"}


def test_removals_in_small_steps_add_up_to_a_day():
    stack = full_stack()
    for number in (0, 1):
        stack.up(declare({key: LEAVING[key] for key in list(LEAVING)[number + 1 :]}, brake_max=2))
        stack.wait(minutes=1)
    third = declare({key: LEAVING[key] for key in ("u3", "u4")}, brake_max=2)

    assert [change.key for change in stack.plan(third).held] == ["u2"]
    stack.wait(hours=24)
    assert not stack.plan(third).held


def test_a_key_that_loses_too_many_does_not_hold_the_removals_of_another():
    people = {**LEAVING, **{f"v{number}": "analyzer via b" for number in range(20)}}
    stack = Stack()
    stack.up(declare(people))
    left = {subject: text for subject, text in people.items() if subject not in {*LEAVING, "v0"}}

    plan = stack.plan(declare(left, brake_percent=50, brake_minimum=5))

    assert [change.key for change in plan.held] == list(LEAVING)
    assert verbs(plan) == ["revoke analyzer from v0@contoso.test"]


def test_a_brake_that_fails_stops_the_whole_plan_in_words():
    stack = full_stack()

    plan = stack.plan(declare({"ana": "analyzer via b"}, brake_max=2, brake_onBreach="fail"))

    with pytest.raises(UnsafePlan) as refusal:
        plan.raise_if_unsafe()
    assert str(refusal.value) == (
        "5 removals in 24 hours (5 now, 0 before) among 5 people; the brake allows 2, and 10 % from 20 people on; "
        "approve them in a file under approvals/ or declare fewer removals"
    )


def test_a_brake_that_fails_names_only_what_is_too_many():
    stack = full_stack(ana="analyzer via b")

    plan = stack.plan(declare({}, brake_max=2, brake_onBreach="fail"))

    assert [fault.partition(" in 24 hours")[0] for fault in plan.faults] == ["6 removals", "5 removals of a"]


def test_lowering_foreign_rows_counts_them_among_the_people():
    rows = tuple(Assignment(f"u{number}", "professional") for number in range(20))
    desired = {row.subject: entitle("analyzer via a", row.subject) for row in rows}
    brake = Brake(max=25, percent=10, minimum=20)

    plan = make_plan(desired, Observed(rows), Recorded(), Rules(ORDER, adopt="all", brake=brake), NOW)

    assert plan.readings[0].population == 20
    assert len(plan.held) == 20


@pytest.mark.parametrize(
    "pause",
    [pytest.param({"doubt": ["a"]}, id="through doubt"), pytest.param({"protect_u0": "u0"}, id="through protection")],
)
def test_what_is_held_stays_held_whatever_comes_between(pause: dict):
    stack = full_stack()
    stack.up(declare({}, brake_max=2))
    still_here = {subject: text for subject, text in LEAVING.items() if subject != "u0"}
    stack.up(declare(still_here, brake_max=2, **pause))
    calm = declare(still_here, brake_max=2)

    assert [change.key for change in stack.plan(calm).held] == ["u0"]
    assert verbs(stack.plan(calm, ["u0"])) == ["revoke analyzer from u0@contoso.test"]


def test_what_is_held_and_wanted_again_is_forgotten():
    stack = full_stack()
    stack.up(declare({}, brake_max=2))

    stack.up(declare(LEAVING, brake_max=2))

    assert not stack.deviations
    assert stack.ledger == {subject: write(text, subject) for subject, text in LEAVING.items()}


def test_held_removals_stand_in_the_order_of_mails():
    stack = full_stack()
    stack.outputs = {**stack.outputs, "assignments": dict(reversed(stack.ledger.items()))}

    assert [change.key for change in stack.plan(declare({}, brake_max=2)).held] == list(LEAVING)


def test_removals_that_were_not_reviewed_stand_in_the_order_of_mails():
    recorded = Recorded({subject: entitle("analyzer via a", subject) for subject in ("cy", "ana", "bo")})
    rows = tuple(Assignment(subject, "analyzer") for subject in recorded.ledger)

    plan = make_plan({}, Observed(rows), recorded, Rules(ORDER, reviewed=frozenset()), NOW)

    assert [change.key for change in plan.unreviewed] == ["ana", "bo", "cy"]


def test_the_declared_spelling_of_a_subject_wins_in_the_record_and_the_tenants_in_the_change():
    plan = make_plan(
        {"Ana": entitle("professional via a", "ana")},
        Observed((Assignment("ANA", "analyzer"),)),
        Recorded({"ana": entitle("analyzer via a", "ana")}),
        Rules(ORDER),
        NOW,
    )

    assert [(change.key, change.subject) for change in plan.changes] == [("Ana", "ANA")]
    assert list(plan.ledger) == ["Ana"]


@pytest.mark.parametrize(
    ("types", "entry", "chosen"),
    [
        pytest.param(("analyzer", "professional"), NOBODY, "professional", id="the strongest"),
        pytest.param(("analyzer", "professional"), "analyzer via a", "analyzer", id="the one the ledger knows"),
        pytest.param(("analyzer", "basicUser"), NOBODY, "basicUser", id="one nobody ordered is stronger than all"),
    ],
)
def test_of_several_rows_of_one_subject_one_counts_whatever_their_order(
    types: tuple[str, ...], entry: str, chosen: str
):
    ledger = {} if entry == NOBODY else {"ana": entitle(entry, "ana")}
    rows = [Assignment("ana", type) for type in types]

    assert choose_rows(rows, ledger, Rules(ORDER))["ana"].type == chosen
    assert choose_rows(rows[::-1], ledger, Rules(ORDER))["ana"].type == chosen


def test_of_two_rows_that_nobody_ordered_always_the_same_one_counts():
    rows = [Assignment("ana", "fullUser"), Assignment("ana", "basicUser")]

    assert choose_rows(rows, {}, Rules(ORDER))["ana"] == choose_rows(rows[::-1], {}, Rules(ORDER))["ana"]


def test_an_entry_is_corrected_by_its_row():
    entry = entitle("analyzer via a", "ana")

    assert correct(entry, Assignment("ana", "analyzer")) == entry
    assert correct(entry, Assignment("ana", "professional")) == entitle("professional via hand, a", "ana")
    assert correct(entry, None) is None
    assert correct(None, Assignment("ana", "analyzer")) is None


def test_rows_of_others_are_counted_and_left_alone():
    stack = Stack(rows={"z": "professional", "x": "analyzer", "y": "analyzer", "w": "professional"})

    plan = stack.up(declare({"w": "analyzer via a"}))

    assert not plan.changes
    assert list(plan.foreign.items()) == [("analyzer", 2), ("professional", 2)]
    assert stack.deviations == {"w": f"{write('analyzer via a', 'w')}; unowned"}


def test_rows_of_ours_are_not_of_others_in_any_spelling():
    rows = [Assignment("ANA", "analyzer"), Assignment("Bo", "analyzer"), Assignment("cy", "analyzer")]

    assert count_foreign(rows, ["Ana", "BO"]) == {"analyzer": 1}


def test_a_plan_differs_where_it_writes_or_changes_ledger_or_deviations():
    stack = Stack(rows={"ana": "analyzer"})
    inputs = declare({"ana": "analyzer via a"})

    assert stack.plan(inputs).differs_from(Recorded())
    stack.up(inputs)
    assert not stack.plan(inputs).differs_from(stack.recorded)
    assert not stack.plan(inputs).foreign
    assert stack.plan(declare({"ana": "professional via a"})).differs_from(stack.recorded)
    only_ledger, only_deviations = (
        declare({"ana": "analyzer via b"}),
        declare({"ana": "professional via a"}, protect_ana="x"),
    )
    for other in (only_ledger, only_deviations):
        assert stack.plan(other).changes == ()
        assert stack.plan(other).differs_from(stack.recorded)
    stack.rows.clear()
    only_changes = stack.plan(inputs)
    assert (only_changes.ledger, only_changes.deviations) == (stack.recorded.ledger, stack.recorded.deviations)
    assert only_changes.differs_from(stack.recorded)
    stack.rows["ana"] = "analyzer"
    assert stack.plan(declare({"ana": "analyzer via a"}, adopt="report", doubt=["a"])).changes == ()


def test_a_shortage_stops_the_plan_before_the_first_write():
    stack = Stack(rows={"x": "analyzer"}, units={"analyzer": 2})

    plan = stack.plan(declare({"ana": "analyzer via a", "bo": "analyzer via a"}))

    with pytest.raises(UnsafePlan, match=r"^1 short of analyzer: of 2 seats none is left for bo@contoso"):
        plan.raise_if_unsafe()
    assert plan.warnings == ()
    assert plan.deviations == {}


def test_what_the_brake_says_stands_before_what_the_seats_say():
    stack = full_stack()
    stack.units = {"professional": 0}

    plan = stack.plan(declare({"ana": "professional via b"}, brake_max=2, brake_onBreach="fail"))

    assert [fault.split(" ", 2)[1] for fault in plan.faults] == ["removals", "short"]


def test_warnings_stand_in_the_order_of_who_waits_reserves_and_the_license_each_by_type():
    stack = Stack(units={"professional": 0, "analyzer": 1})
    stack.up(declare({}))
    stack.units["analyzer"] = 0
    reserves = {"reserve_professional": 1, "reserve_analyzer": 2}

    plan = stack.plan(declare({"ana": "professional via a"}, shortage="waitlist", **reserves))

    assert plan.warnings == (
        "waiting for professional: 1, since none of 0 seats is free: ana@contoso.test",
        "0 seats of analyzer stay free, fewer than the 2 in reserve",
        "0 seats of professional stay free, fewer than the 1 in reserve",
        "analyzer has 0 seats, 1 fewer than recorded",
    )


def test_fewer_free_seats_than_in_reserve_are_a_warning():
    stack = Stack(units={"analyzer": 2})

    plan = stack.plan(declare({"ana": "analyzer via a"}, reserve_analyzer=2, reserve_professional=1))

    assert plan.warnings == ("1 seat of analyzer stays free, fewer than the 2 in reserve",)
    assert not stack.plan(declare({"ana": "analyzer via a"}, reserve_analyzer=1)).warnings


BASELINE = {"baseline": "analyzer"}
BACK = "switch ana@contoso.test from professional to analyzer (baseline)"


@pytest.mark.parametrize(
    ("declared", "entry", "row", "expected"),
    [
        pytest.param(NOBODY, "professional via a", "professional", BACK, id="ours and more"),
        pytest.param(NOBODY, "analyzer via a", "professional", BACK, id="ours and raised by hand"),
        pytest.param(NOBODY, "analyzer via a", "analyzer", "nothing", id="ours and just that"),
        pytest.param(NOBODY, "professional via a", "analyzer", "nothing", id="ours and lowered to it by hand"),
        pytest.param(NOBODY, "professional via a", NOBODY, "nothing", id="ours and gone"),
        pytest.param(NOBODY, NOBODY, "professional", "nothing", id="a foreign row of more"),
        pytest.param(NOBODY, NOBODY, "analyzer", "nothing", id="a foreign row of just that"),
        pytest.param("professional via a", NOBODY, "analyzer", RAISE, id="a group that gives more"),
        pytest.param("analyzer via a", "analyzer via a", "analyzer", KEEP, id="a group that gives just that"),
    ],
)
def test_who_is_no_longer_declared_goes_back_to_the_baseline(declared: str, entry: str, row: str, expected: str):
    assert outcome(plan_one(declared, entry, row, Rules(ORDER, baseline="analyzer"))) == expected


def test_who_holds_less_than_the_baseline_is_released_as_it_is():
    assert outcome(plan_one(NOBODY, "analyzer via a", "analyzer", Rules(ORDER, baseline="professional"))) == "nothing"


def test_going_back_to_the_baseline_is_a_removal_under_the_brake():
    stack = Stack()
    stack.up(declare(dict.fromkeys(LEAVING, "professional via a"), brake_max=2))

    plan = stack.up(declare({}, brake_max=2, **BASELINE))

    assert [change.key for change in plan.held] == list(LEAVING)
    assert set(stack.rows.values()) == {"professional"}
    stack.up(declare({}, brake_max=5, **BASELINE), LEAVING)
    assert set(stack.rows.values()) == {"analyzer"}
    assert not stack.ledger


def test_who_is_back_at_the_baseline_is_the_tenants_again():
    stack = Stack(rows={"x": "analyzer"})
    stack.up(declare({"ana": "professional via a", "bo": "analyzer via b"}))

    plan = stack.up(declare({}, **BASELINE))

    assert verbs(plan) == [BACK]
    assert stack.ledger == stack.deviations == {}
    assert stack.outputs["foreign"] == {"analyzer": 3}
    assert stack.outputs["removed"] == {"2026-11-02T08:00Z": "1; a 1"}
    assert not stack.plan(declare({}, **BASELINE)).differs_from(stack.recorded)


def test_who_cannot_be_switched_back_stays_ours_and_is_counted_once():
    stack = Stack()
    stack.up(declare({"ana": "professional via a"}))

    stack.up(declare({}, **BASELINE), fate=lambda _: "refused")

    assert stack.ledger == {"ana": write("professional via a", "ana")}
    assert stack.deviations == {"ana": "none; refused, holding professional"}
    assert stack.outputs["foreign"] == {}


@pytest.mark.parametrize(
    ("shortage", "why"), [pytest.param("waitlist", "none; waitlisted", id="waits"), pytest.param("fail", None, id="")]
)
def test_the_baseline_takes_nobodys_last_license_when_it_is_full(shortage: str, why: str | None):
    stack = Stack(units={"analyzer": 1}, rows={"x": "analyzer"})
    stack.up(declare({"ana": "professional via a"}))
    inputs = declare({}, shortage=shortage, **BASELINE)

    plan = stack.plan(inputs)

    assert not plan.changes
    assert bool(plan.faults) is (why is None)
    if why:
        stack.up(inputs)
        assert stack.deviations == {"ana": why}
        assert stack.ledger == {"ana": write("professional via a", "ana")}
        del stack.rows["x"]
        assert verbs(stack.up(inputs)) == [BACK]


@pytest.mark.parametrize(
    ("offered", "allowed", "extra"),
    [
        pytest.param(0, 3, 0, id="none offered"),
        pytest.param(5, 0, 0, id="none declared"),
        pytest.param(5, 3, 3, id="more offered than declared"),
        pytest.param(2, 3, 2, id="more declared than offered"),
        pytest.param(-1, 3, 3, id="as many as one likes"),
        pytest.param(-1, 0, 0, id="as many as one likes, none declared"),
    ],
)
def test_paid_extra_seats_are_used_as_far_as_they_are_offered_and_declared(offered: int, allowed: int, extra: int):
    stack = Stack(units={"analyzer": 1}, overage=offered)
    people = {f"u{number}": "analyzer via a" for number in range(6)}

    plan = stack.plan(declare(people, overage_analyzer=allowed))

    assert len(plan.changes) == 1 + extra


def test_no_paid_extra_seat_is_used_of_a_type_for_which_none_is_declared():
    stack = Stack(units={"professional": 0, "analyzer": 0}, overage=5)

    plan = stack.plan(declare({"ana": "professional via a"}, overage_analyzer=5))

    assert plan.faults
    assert not plan.changes


UNDO = "professional via a"


def undo(stack: Stack, row: str | None = None) -> None:
    """Do what an administrator would: take Ana's seat, or change it."""
    stack.rows.pop("ana", None)
    if row:
        stack.rows["ana"] = row


@pytest.mark.parametrize("row", [pytest.param(None, id="taken"), pytest.param("analyzer", id="lowered")])
@pytest.mark.parametrize("is_read", [pytest.param(True, id="read between"), pytest.param(False, id="by plain ups")])
def test_what_others_undo_twice_is_left_alone_until_it_is_tried_by_word(row: str | None, *, is_read: bool):
    stack, inputs = Stack(), declare({"ana": UNDO})
    stack.up(inputs)
    for expected in (1, 0):
        undo(stack, row)
        if is_read:
            stack.refresh()
        assert len(stack.up(inputs).changes) == expected
        stack.wait(days=1)

    assert stack.deviations == {"ana": f"{write(UNDO, 'ana')}; reverted"}
    assert not stack.plan(inputs).differs_from(stack.recorded)
    stack.wait(days=30)
    assert not stack.plan(inputs).differs_from(stack.recorded)
    again = declare({"ana": UNDO}, retry="again")
    assert len(stack.up(again).changes) == 1
    assert "reverts" not in stack.outputs
    undo(stack, row)
    assert len(stack.up(again).changes) == 1


def test_an_attempt_by_word_that_was_not_sent_is_sent_by_the_next_run():
    stack, again = Stack(), declare({"ana": UNDO}, retry="again")
    for inputs in [declare({"ana": UNDO})] * 3:
        stack.up(inputs)
        undo(stack)
    stack.up(again, fate=lambda _: "unsent")

    assert len(stack.plan(again).changes) == 1


def test_what_others_undid_more_than_a_week_ago_is_given_again():
    stack, inputs = Stack(), declare({"ana": UNDO})
    for days in (7, 6):
        stack.up(inputs)
        stack.wait(days=1)
        undo(stack)
        assert len(stack.up(inputs).changes) == 1
        stack.wait(days=days)
    undo(stack)

    assert not stack.up(inputs).changes
    assert stack.outputs["reverts"] == {"ana": "professional 2 2026-11-17T08:00Z"}


def test_another_type_is_given_to_who_was_left_alone():
    stack = Stack()
    for inputs in [declare({"ana": UNDO})] * 3:
        stack.up(inputs)
        undo(stack)

    assert verbs(stack.up(declare({"ana": "analyzer via b"}))) == ["assign analyzer to ana@contoso.test (b)"]


@pytest.mark.parametrize(("repair", "sent"), [("additive", [0, 0, 0]), ("full", [1, 0, 0])])
def test_a_right_raised_by_hand_was_undone_only_where_it_is_to_be_undone(repair: str, sent: list[int]):
    stack, inputs = Stack(), declare({"ana": "analyzer via a"}, repair=repair)
    stack.up(inputs)
    counts = []
    for _ in sent:
        undo(stack, "professional")
        counts.append(len(stack.up(inputs).changes))

    assert counts == sent
    assert stack.deviations["ana"].endswith("raised" if repair == "additive" else "reverted")


def test_what_others_undid_of_somebody_no_longer_declared_stops_no_removal():
    stack = Stack()
    for inputs in [declare({"ana": UNDO})] * 3:
        stack.up(inputs)
        undo(stack, "analyzer")

    assert verbs(stack.up(declare({}))) == ["revoke analyzer from ana@contoso.test"]


def test_a_removal_that_was_held_stays_held_whatever_others_undid():
    """Left alone as reverted, it would run without an approval once somebody changes `retry`."""
    held = Deviation(entitle("analyzer via a", "ana"), "held")
    recorded = Recorded(
        {"ana": entitle("professional via a", "ana")},
        {"ana": held},
        reverts={"ana": Reverts("analyzer", 2, NOW)},
    )
    observed = Observed((Assignment("ana", "professional"),))
    desired = {"ana": entitle("analyzer via a", "ana")}

    assert make_plan(desired, observed, recorded, Rules(ORDER), NOW).deviations == {"ana": held}
    approved = Rules(ORDER, approved=frozenset({"ana"}))
    assert verbs(make_plan(desired, observed, recorded, approved, NOW)) == [LOWER]


def test_fewer_seats_than_recorded_are_a_warning():
    stack = Stack(units={"analyzer": 5, "professional": 5})
    stack.up(declare({}))
    stack.units = {"analyzer": 3, "professional": 6}

    assert stack.plan(declare({})).warnings == ("analyzer has 3 seats, 2 fewer than recorded",)


def test_warnings_of_the_license_stand_in_the_order_of_types():
    observed = Observed((), {"professional": Seats(1, 0), "analyzer": Seats(1, 0)})
    recorded = Recorded(seats={"professional": "0 of 2", "analyzer": "0 of 2"})

    warnings = make_plan({}, observed, recorded, Rules(ORDER), NOW).warnings

    assert [warning.partition(" ")[0] for warning in warnings] == ["analyzer", "professional"]


def test_rows_in_excess_are_named():
    rows = [Assignment(subject, "analyzer", excess=subject > "a") for subject in ("a", "c", "b")]
    observed = Observed(
        (*rows, Assignment("d", "professional")), {"analyzer": Seats(1, 3), "professional": Seats(9, 1)}
    )

    assert make_plan({}, observed, Recorded(), Rules(ORDER), NOW).warnings == (
        "analyzer: 2 in excess of its 1 seat, without access: b, c; buy seats or take some back",
    )


@pytest.mark.parametrize(
    ("ends", "warnings"),
    [
        pytest.param(None, (), id="without an end"),
        pytest.param(date(2026, 12, 3), (), id="in 31 days"),
        pytest.param(date(2026, 12, 2), ("the license ends on 2026-12-02",), id="in 30 days"),
        pytest.param(date(2026, 11, 1), ("the license ends on 2026-11-01",), id="yesterday"),
    ],
)
def test_the_end_of_the_license_is_told_a_month_before(ends: date | None, warnings: tuple[str, ...]):
    assert make_plan({}, Observed((), ends=ends), Recorded(), Rules(ORDER), NOW).warnings == warnings


@pytest.mark.parametrize(
    ("pools", "used"),
    [
        pytest.param({}, "the tenant has none", id="no pool"),
        pytest.param({"minutes": Seats(900, 20)}, "20 of 900 minutes of minutes used", id="a pool"),
        pytest.param(
            {"spare": Seats(9, 2), "minutes": Seats(900, 20)},
            "20 of 900 minutes of minutes used, 2 of 9 minutes of spare used",
            id="two pools, by name",
        ),
    ],
)
def test_people_who_use_minutes_are_counted_beside_the_pool(pools: dict[str, Seats], used: str):
    rules = Rules(ORDER, capacity={"staff": 7, "guests": 2})

    assert make_plan({}, Observed((), pools=pools), Recorded(), rules, NOW).notes == (
        f"guests: 2 without a seat, on capacity: {used}",
        f"staff: 7 without a seat, on capacity: {used}",
    )


def test_a_reserve_counts_what_is_free_beside_those_who_wait():
    stack = Stack(units={"professional": 1, "analyzer": 3})
    people = dict.fromkeys(("ana", "bo"), "professional via a")

    plan = stack.plan(declare(people, shortage="waitlist", reserve_professional=1, reserve_analyzer=3))

    assert plan.warnings == (
        "waiting for professional: 1, since none of 1 seat is free: bo@contoso.test",
        "0 seats of professional stay free, fewer than the 1 in reserve",
    )
