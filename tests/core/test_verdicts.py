"""One person judged: spellings, what stood against a change before, and what others undid."""

from dataclasses import replace
from datetime import timedelta

import pytest
from core.builders import NOW, entitle, verbs

from qlik_provider.changes import Change
from qlik_provider.entitlements import Assignment, Deviation, Entitlement, Reverts
from qlik_provider.plan import Plan, make_plan
from qlik_provider.premises import Observed, Recorded, Rules
from qlik_provider.verdicts import choose_rows, count_reverts, is_braked, judge

ORDER = ("professional", "analyzer")
NOBODY = "-"


def value(text: str) -> Entitlement | None:
    return None if text == NOBODY else entitle(text, "ana")


def judge_one(declared: str, entry: str, row: str, before: Deviation | None = None, **rules) -> str:
    """Return the change for Ana, else why there is none."""
    found = None if row == NOBODY else Assignment("ana", row)
    verdict = judge("ana", value(declared), value(entry), found, before, Rules(ORDER, **rules))
    return str(verdict.change or verdict.why)


RAISE = "switch ana@contoso.test from analyzer to professional (a)"
LOWER = "switch ana@contoso.test from professional to analyzer (a)"
REVOKE = "revoke analyzer from ana@contoso.test"
HELD = Deviation(None, "held")


@pytest.mark.parametrize(
    ("declared", "entry", "row", "rules", "expected"),
    [
        pytest.param(
            "professional via a", "analyzer via a", "analyzer", {"adopt": "report"}, RAISE, id="ours is raised"
        ),
        pytest.param("gold via a", NOBODY, "silver", {}, "unowned", id="of two types nobody ordered none is more"),
        pytest.param(
            *("professional via a", "analyzer via a, b", "analyzer", {"doubt": {"b": "unreadable"}}, RAISE),
            id="a gain beside a key in doubt",
        ),
    ],
)
def test_a_gain_is_judged_by_what_is_ours_and_what_is_more(
    declared: str, entry: str, row: str, rules: dict, expected: str
):
    assert judge_one(declared, entry, row, **rules) == expected


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param({"protected": frozenset({"ana"})}, id="protected"),
        pytest.param({"doubt": {"a": "unreadable"}}, id="frozen"),
    ],
)
@pytest.mark.parametrize(
    ("declared", "before", "approved", "is_held"),
    [
        pytest.param(NOBODY, HELD, (), True, id="a removal that was held"),
        pytest.param(NOBODY, HELD, ("ana",), False, id="approved since"),
        pytest.param(NOBODY, Deviation(None, "frozen"), (), False, id="a removal that was not held"),
        pytest.param(NOBODY, None, (), False, id="a removal that is new"),
        pytest.param("professional via a", HELD, (), False, id="a gain"),
    ],
)
def test_only_a_removal_that_was_held_and_nobody_approved_is_called_held(
    rules: dict, declared: str, before: Deviation | None, approved: tuple[str, ...], *, is_held: bool, request
):
    why = "held" if is_held else request.node.callspec.id.split("-")[-1]

    assert judge_one(declared, "analyzer via a", "analyzer", before, approved=frozenset(approved), **rules) == why


def test_the_brake_counts_a_removal_unless_it_is_approved():
    removal = Change("revoke", "ana", "ana", None, entitle("analyzer via a", "ana"), "analyzer", is_removal=True)

    assert [is_braked(removal), is_braked(replace(removal, is_approved=True))] == [True, False]
    assert not is_braked(replace(removal, is_removal=False))


def plan_in_capitals(**rules) -> Plan:
    """Return the plan to revoke from Ana, whom record, row, protection, approval and reviews spell differently."""
    recorded = Recorded(
        {"Ana": entitle("analyzer via a", "ana")}, {"aNA": HELD} if rules.pop("was_held", False) else {}
    )
    return make_plan({}, Observed((Assignment("ANA", "analyzer"),)), recorded, Rules(ORDER, **rules), NOW)


def test_protection_approval_review_and_what_was_held_are_found_in_any_spelling():
    assert verbs(plan_in_capitals()) == [REVOKE]
    assert plan_in_capitals(protected=frozenset({"ana"})).deviations["Ana"].why == "protected"
    assert plan_in_capitals(was_held=True).deviations["Ana"].why == "held"
    assert verbs(plan_in_capitals(was_held=True, approved=frozenset({"ana"}))) == [REVOKE]
    assert verbs(plan_in_capitals(reviewed=frozenset({("ana", "analyzer", None)}))) == [REVOKE]
    assert plan_in_capitals(reviewed=frozenset({("bo", "analyzer", None)})).deviations["Ana"].why == "unreviewed"


def test_what_is_ours_in_another_spelling_is_ours():
    plan = make_plan(
        {"ANA": entitle("analyzer via a", "ana")},
        Observed((Assignment("Ana", "professional"), Assignment("Bo", "analyzer"))),
        Recorded({"ana": entitle("professional via a", "ana")}),
        Rules(ORDER),
        NOW,
    )

    assert verbs(plan) == [LOWER]
    assert dict(plan.foreign) == {"analyzer": 1}


@pytest.mark.parametrize(
    ("rows", "chosen"),
    [
        pytest.param((("ana", "basicUser"), ("ana", "professional")), "basicUser", id="the strongest, not the last"),
        pytest.param((("ANA", "analyzer"), ("ana", "professional")), "professional", id="in two spellings"),
        pytest.param((("ANA", "professional"), ("ana", "analyzer")), "professional", id="in two other spellings"),
    ],
)
def test_of_several_rows_of_one_subject_the_strongest_counts(rows: tuple[tuple[str, str], ...], chosen: str):
    found = [Assignment(subject, type) for subject, type in rows]

    assert choose_rows(found, {}, Rules(ORDER))["Ana"].type == chosen
    assert choose_rows(found[::-1], {}, Rules(ORDER))["Ana"].type == chosen


def test_who_was_left_alone_with_nothing_declared_is_judged_anew():
    """No run writes such a record; a state that was edited may hold it."""
    recorded = Recorded(deviations={"ana": Deviation(None, "reverted")})

    plan = make_plan({"ana": entitle("analyzer via a", "ana")}, Observed(()), recorded, Rules(ORDER), NOW)

    assert verbs(plan) == ["assign analyzer to ana@contoso.test (a)"]


def test_a_gain_that_others_undid_is_left_alone_also_where_a_removal_was_held():
    recorded = Recorded(
        {"Ana": entitle("analyzer via a", "ana")},
        {"Ana": Deviation(entitle("analyzer via a", "ana"), "held")},
        reverts={"ANA": Reverts("professional", 2, NOW)},
    )
    desired = {"Ana": entitle("professional via a", "ana")}

    plan = make_plan(desired, Observed((Assignment("ana", "analyzer"),)), recorded, Rules(ORDER), NOW)

    assert plan.deviations["Ana"].why == "reverted"


GIVEN = Entitlement("analyzer", ("a",), "ana@contoso.test")
WEEK = timedelta(days=7)


def reverts_of(rows: dict[str, str], repair: str = "additive", **recorded) -> dict[str, Reverts]:
    found = {subject: Assignment(subject, type) for subject, type in rows.items()}
    return count_reverts(Recorded(**recorded), found, Rules(ORDER, repair=repair), NOW)


ONCE, TWICE = Reverts("analyzer", 1, NOW), Reverts("analyzer", 2, NOW)


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        pytest.param({}, ONCE, id="for the first time"),
        pytest.param({"ANA": Reverts("analyzer", 1, NOW - WEEK + timedelta(minutes=1))}, TWICE, id="again in the week"),
        pytest.param({"ANA": Reverts("analyzer", 1, NOW - WEEK)}, ONCE, id="again after just a week"),
        pytest.param({"ANA": Reverts("professional", 1, NOW)}, ONCE, id="after another type"),
    ],
)
def test_what_others_undid_is_counted_by_type_for_a_week_in_any_spelling(earlier: dict, expected: Reverts):
    assert reverts_of({}, ledger={"Ana": GIVEN}, reverts=earlier) == {"ana": expected}


def test_what_was_explained_otherwise_was_not_undone_and_the_next_person_is_looked_at():
    ledger = {
        "Deviating": GIVEN,
        "unseen": GIVEN,
        "byhand": GIVEN.by_hand("analyzer"),
        "kept": GIVEN,
        "raised": GIVEN,
        "lowered": Entitlement("professional", ("a",), "ana@contoso.test"),
        "taken": GIVEN,
    }
    rows = {"kept": "analyzer", "raised": "professional", "lowered": "analyzer"}
    others = {"deviations": {"DEVIATING": Deviation(GIVEN, "frozen")}, "unseen": {"unseen": "analyzer"}}

    found = reverts_of(rows, ledger=ledger, **others)
    repaired = reverts_of(rows, "full", ledger=ledger, **others)

    assert found == {"lowered": Reverts("professional", 1, NOW), "taken": ONCE}
    assert repaired == {"raised": ONCE, **found}
    assert reverts_of({"ana": "gold"}, ledger={"ana": Entitlement("silver", ("a",), "ana")}) == {
        "ana": Reverts("silver", 1, NOW)
    }
