"""The table of the ledger's semantics, a row a case, and what only several runs show."""

import pytest
from core.builders import NOW, Stack, declare, entitle, verbs, write

from qlik_provider.brake import Brake
from qlik_provider.entitlements import Assignment, Deviation, Entitlement, Seats
from qlik_provider.errors import UnsafePlan
from qlik_provider.plan import Observed, Plan, Recorded, Rules, choose_rows, correct, make_plan

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
        "approve them in a file under approvals/ or declare fewer removals; "
        "5 removals of a in 24 hours (5 now, 0 before) among 5 people; the brake allows 2, and 10 % from 20 people on; "
        "approve them in a file under approvals/ or declare fewer removals"
    )


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
    stack = Stack(rows={"x": "analyzer", "y": "analyzer", "z": "professional", "w": "professional"})

    plan = stack.up(declare({"w": "analyzer via a"}))

    assert not plan.changes
    assert dict(plan.foreign) == {"analyzer": 2, "professional": 2}
    assert stack.deviations == {"w": f"{write('analyzer via a', 'w')}; unowned"}


def test_a_plan_differs_where_it_writes_or_changes_ledger_or_deviations():
    stack = Stack(rows={"ana": "analyzer"})
    inputs = declare({"ana": "analyzer via a"})

    assert stack.plan(inputs).differs_from(Recorded())
    stack.up(inputs)
    assert not stack.plan(inputs).differs_from(stack.recorded)
    assert stack.plan(declare({"ana": "professional via a"})).differs_from(stack.recorded)
    assert stack.plan(declare({"ana": "analyzer via a"}, adopt="report", doubt=["a"])).changes == ()


def test_a_shortage_stops_the_plan_before_the_first_write():
    stack = Stack(rows={"x": "analyzer"}, units={"analyzer": 2})

    plan = stack.plan(declare({"ana": "analyzer via a", "bo": "analyzer via a"}))

    with pytest.raises(UnsafePlan, match=r"^1 short of analyzer: of 2 seats none is left for bo@contoso"):
        plan.raise_if_unsafe()


def test_fewer_free_seats_than_in_reserve_are_a_warning():
    stack = Stack(units={"analyzer": 2})

    plan = stack.plan(declare({"ana": "analyzer via a"}, reserve_analyzer=2, reserve_professional=1))

    assert plan.warnings == ("1 seats of analyzer stay free, fewer than the 2 in reserve",)
    assert not stack.plan(declare({"ana": "analyzer via a"}, reserve_analyzer=1)).warnings
