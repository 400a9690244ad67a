import pytest
from core.builders import NOW, Stack, declare, entitle, write, write_all

from qlik_provider.brake import Brake
from qlik_provider.changes import Change
from qlik_provider.entitlements import Assignment, Deviation, Entitlement, Removals
from qlik_provider.errors import ServiceBroken
from qlik_provider.ledger import (
    ASSIGNMENTS,
    MEMBERS,
    carry_over,
    correct_record,
    inputs_of,
    recorded_of,
    rules_of,
    stand_in,
)
from qlik_provider.outcomes import Outcome, conclude, settle
from qlik_provider.plan import make_plan
from qlik_provider.premises import Observed, Recorded, Rules


def outputs(ledger: dict[str, str], deviations: dict[str, str] | None = None) -> dict:
    """Return outputs with a ledger and deviations written short: `professional via a; held`, `none; held`."""
    texts = {}
    for subject, text in (deviations or {}).items():
        value, _, why = text.partition("; ")
        texts[subject] = f"{value if value == 'none' else write(value, subject)}; {why}"
    return {**declare(ledger), "deviations": texts, "removed": {}, "seats": {}, "foreign": {}}


def rows(**types: str) -> list[Assignment]:
    return [Assignment(subject, type) for subject, type in types.items()]


def test_every_value_that_does_not_parse_is_named_at_once():
    bag = {"assignments": {"ana": "professional", "bo": write("analyzer via a", "bo"), "cy": "none"}}

    with pytest.raises(ValueError, match="is not of the form") as refusal:
        ASSIGNMENTS.parse_people(bag)
    assert [part.partition(":")[0] for part in str(refusal.value).split("; ")] == [
        "assignments['ana']",
        "assignments['cy']",
    ]


def test_members_are_written_as_their_user_principal_names():
    bag = {
        "members": {"id": "ana@contoso.test"},
        "deviations": {"id": "none; held", "other": "bo@contoso.test; refused"},
    }

    people, deviations = MEMBERS.parse_people(bag), MEMBERS.parse_deviations(bag)

    assert people == {"id": Entitlement("member", (), "ana@contoso.test")}
    assert deviations["other"] == Deviation(Entitlement("member", (), "bo@contoso.test"), "refused")
    assert MEMBERS.write_people(people) == bag["members"]
    assert MEMBERS.write_deviations(deviations) == bag["deviations"]


def test_an_empty_bag_records_nothing():
    assert not ASSIGNMENTS.parse_people({})
    assert not ASSIGNMENTS.parse_deviations({})
    assert inputs_of({}, ASSIGNMENTS) == {"assignments": {}}


@pytest.mark.parametrize(
    ("ledger", "deviations", "declared"),
    [
        pytest.param({"ana": "analyzer via a"}, {}, {"ana": "analyzer via a"}, id="nobody differs"),
        pytest.param({"ana": "analyzer via a"}, {"ana": "none; held"}, {}, id="held although undeclared"),
        pytest.param(
            {"ana": "analyzer via a"},
            {"ana": "professional via b; refused, holding analyzer"},
            {"ana": "professional via b"},
            id="holding another type",
        ),
        pytest.param({}, {"ana": "analyzer via a; frozen"}, {"ana": "analyzer via a"}, id="declared and not held"),
        pytest.param({}, {"ana": "none; held"}, {}, id="neither"),
    ],
)
def test_the_declared_inputs_are_the_ledger_with_the_deviations_put_back(ledger, deviations, declared):
    assert inputs_of(outputs(ledger, deviations), ASSIGNMENTS) == declare(declared)


def test_the_record_reads_back_with_the_removals_by_minute():
    bag = outputs({"ana": "analyzer via a"}, {"bo": "analyzer via b; frozen"})
    bag |= {"removed": {"2026-11-02T08:00Z": "2; a 1"}, "seats": {"analyzer": "1 of 5"}}

    recorded = recorded_of(bag, ASSIGNMENTS, settled=True)

    assert recorded.ledger == {"ana": entitle("analyzer via a", "ana")}
    assert recorded.deviations == {"bo": Deviation(entitle("analyzer via b", "bo"), "frozen")}
    assert recorded.removed == {NOW: Removals(2, (("a", 1),))}
    assert recorded.seats == {"analyzer": "1 of 5"}
    assert recorded.settled


def test_rules_that_are_absent_have_the_defaults_of_the_declaration():
    assert rules_of({}) == Rules(("member",))
    assert rules_of({"rules": {"order": "professional, analyzer"}}) == Rules(("professional", "analyzer"))


def test_rules_are_read_from_flat_names_and_from_numbers_as_the_engine_sends_them():
    bag = {
        "rules": {
            "order": "professional, analyzer",
            "adopt": "all",
            "repair": "full",
            "brake.max": 3.0,
            "brake.percent": 20.0,
            "brake.minimum": 5.0,
            "brake.onBreach": "fail",
            "protect.ANA": "ana@contoso.test",
            "reserve.professional": 2.0,
            "shortage": "fail",
        },
        "doubt": {"a": "unreadable"},
    }

    assert rules_of(bag, approved=["BO"]) == Rules(
        order=("professional", "analyzer"),
        adopt="all",
        repair="full",
        brake=Brake(3, 20, 5, "fail"),
        protected=frozenset({"ana"}),
        approved=frozenset({"bo"}),
        doubt={"a": "unreadable"},
        reserve={"professional": 2},
    )


OLD, NEW = {"a": "id 1"}, {"a": "id 2"}


@pytest.mark.parametrize(
    ("held", "declared", "kept"),
    [
        pytest.param("analyzer via a", None, "analyzer via a", id="missing now"),
        pytest.param("professional via a", "analyzer via b", "professional via a", id="weaker now"),
        pytest.param("analyzer via a", "professional via b", "professional via b, a", id="stronger now"),
        pytest.param("analyzer via a, c", "analyzer via c", "analyzer via c, a", id="equal now"),
        pytest.param("analyzer via a", "analyzer via a", "analyzer via a", id="the same"),
        pytest.param("professional via hand, a", "analyzer via a", "analyzer via a", id="weaker than by hand"),
        pytest.param("professional via hand, a", None, "professional via hand, a", id="by hand and missing"),
        pytest.param("analyzer via b", None, None, id="of a healthy key"),
    ],
)
def test_the_stronger_of_old_and_new_wins_where_a_key_is_in_doubt(held: str, declared: str | None, kept: str | None):
    old, new = declare({"ana": held}), declare({"ana": declared} if declared else {}, doubt=["a"])

    inputs, carried = carry_over(old, new, ASSIGNMENTS)

    assert inputs["assignments"] == write_all({"ana": kept} if kept else {})
    assert carried == (["ana"] if kept == held != declared else [])


def test_a_group_of_another_object_id_is_in_doubt_and_keeps_the_old_one():
    inputs, carried = carry_over(declare({"ana": "analyzer via a"}, sources=OLD), declare({}, sources=NEW), ASSIGNMENTS)

    assert carried == ["ana"]
    assert inputs["doubt"] == {"a": "object id id 1 became id 2; accept it by objectId: id 2 (the rule source.a)"}
    assert inputs["sources"] == OLD


def test_another_object_id_is_accepted_by_the_rule_that_names_it():
    accepting, another = declare({}, sources=NEW), declare({}, sources=NEW)
    accepting["rules"]["source.a"], another["rules"]["source.a"] = "id 2", "id 3"
    old = declare({"ana": "analyzer via a"}, sources=OLD)

    assert carry_over(old, accepting, ASSIGNMENTS) == (accepting, [])
    assert carry_over(old, another, ASSIGNMENTS)[1] == ["ana"]


def test_an_object_id_is_remembered_while_nobody_finds_the_group():
    """Or a group that was created under the same name in the meantime would pass for the old one."""
    old = declare({"ana": "analyzer via a"}, sources=OLD)
    lost, _ = carry_over(old, declare({}, doubt=["a"]), ASSIGNMENTS)

    found, carried = carry_over(lost, declare({}, sources=NEW), ASSIGNMENTS)

    assert lost["sources"] == found["sources"] == OLD
    assert found["doubt"]
    assert carried == ["ana"]


def test_a_group_no_longer_declared_is_not_in_doubt():
    new = declare({})

    assert carry_over(declare({"ana": "analyzer via a"}, sources=OLD), new, ASSIGNMENTS) == (new, [])


def test_what_is_carried_over_meets_the_declared_spelling_of_its_subject():
    old, new = declare({"ANA": "analyzer via a"}), declare({"ana": "professional via b"}, doubt=["a"])

    inputs, _ = carry_over(old, new, ASSIGNMENTS)

    assert inputs["assignments"] == {"ana": write("professional via b, a", "ana")}


def test_what_is_given_to_carry_over_is_left_as_it_was():
    old, new = declare({"ana": "analyzer via a"}, sources=OLD), declare({}, sources=NEW)

    carry_over(old, new, ASSIGNMENTS)

    assert new == declare({}, sources=NEW)


@pytest.mark.parametrize(
    ("deviation", "row", "ledger", "left"),
    [
        pytest.param(None, "analyzer", "analyzer via a", None, id="as recorded"),
        pytest.param("none; held", "analyzer", "analyzer via a", "none; held", id="as recorded, and held"),
        pytest.param(None, None, None, None, id="gone"),
        pytest.param("none; held", None, None, None, id="gone, and held"),
        pytest.param("professional via b; refused", None, None, None, id="gone, and waiting for more"),
        pytest.param(None, "professional", "professional via hand, a", None, id="changed"),
        pytest.param("none; held", "professional", "professional via hand, a", None, id="changed, and held"),
        pytest.param("professional via b; unsent", "professional", "professional via b", None, id="as it was declared"),
        pytest.param("professional via b; unsent", "basicUser", "basicUser via hand, a", None, id="as nobody declared"),
    ],
)
def test_a_read_corrects_an_entry_and_takes_the_deviation_beside_it(deviation, row, ledger, left):
    stored = outputs({"ana": "analyzer via a"}, {"ana": deviation} if deviation else {})

    read = correct_record(stored, ASSIGNMENTS, rows(ana=row) if row else [], NOW)

    read.pop("reverts", None)
    assert read == outputs({"ana": ledger} if ledger else {}, {"ana": left} if left else {})


def test_a_read_never_adds_and_leaves_deviations_without_an_entry():
    stored = outputs({}, {"ana": "analyzer via a; refused", "bo": "analyzer via a; unowned"})

    assert correct_record(stored, ASSIGNMENTS, rows(ana="analyzer", cy="analyzer"), NOW) == stored


def test_a_read_knows_a_subject_in_any_spelling():
    stored = outputs({"ana": "analyzer via a"})

    assert correct_record(stored, ASSIGNMENTS, rows(ANA="analyzer"), NOW) == stored


@pytest.mark.parametrize("types", [("analyzer", "professional"), ("professional", "analyzer")], ids=str)
def test_of_several_rows_a_read_takes_the_one_the_ledger_knows(types: tuple[str, ...]):
    stored = outputs({"ana": "analyzer via a"})

    assert correct_record(stored, ASSIGNMENTS, [Assignment("ana", type) for type in types], NOW) == stored


def test_a_loss_found_by_a_read_is_put_right_by_the_next_up():
    stack, inputs = Stack(), declare({"ana": "analyzer via a"})
    stack.up(inputs)
    stack.rows.clear()
    stack.refresh()

    assert inputs_of(stack.outputs, ASSIGNMENTS) == declare({})
    stack.up(inputs)
    assert stack.rows == {"ana": "analyzer"}


def test_a_right_raised_by_hand_is_reported_once_and_then_stands_as_raised():
    stack, inputs = Stack(), declare({"ana": "analyzer via a"})
    stack.up(inputs)
    stack.rows["ana"] = "professional"
    stack.refresh()

    assert inputs_of(stack.outputs, ASSIGNMENTS) != inputs
    stack.up(inputs)
    stored = stack.outputs
    stack.refresh()
    assert stack.outputs == stored
    assert stack.ledger == {"ana": write("professional via hand, a", "ana")}
    assert stack.deviations == {"ana": f"{write('analyzer via a', 'ana')}; raised"}
    assert inputs_of(stored, ASSIGNMENTS) == inputs


def change(verb: str = "assign") -> Change:
    entitlement = entitle("analyzer via a", "ana")
    if verb == "assign":
        return Change("assign", "ana", "ana", entitlement, None, None)
    return Change("revoke", "bo", "bo", None, entitlement, "analyzer", is_removal=True)


LOST = ServiceBroken("qlik", "POST", "/api/v1/licenses/assignments/actions/add", "503")


def test_what_became_of_each_change_is_done_refused_or_unsent():
    third = Change("assign", "cy", "cy", entitle("analyzer via a", "cy"), None, None)

    outcomes = conclude([change(), change("revoke"), third], {"ana"}, {"bo": "403 LICENSES-011"}, None)

    assert [str(outcome) for outcome in outcomes] == [
        "assign analyzer to ana@contoso.test (a)",
        "revoke analyzer from ana@contoso.test: 403 LICENSES-011",
        "assign analyzer to cy@contoso.test (a): the service did not say what became of it",
    ]
    assert [outcome.state for outcome in outcomes] == ["done", "refused", "unsent"]


def test_what_a_failure_left_unsent_carries_the_failure_as_its_reason():
    _, unsent = conclude([change(), change("revoke")], {"ana"}, {}, LOST)

    assert unsent == Outcome(change("revoke"), "unsent", str(LOST))


def test_a_failure_before_anything_was_done_is_raised():
    with pytest.raises(ServiceBroken) as raised:
        conclude([change()], set(), {}, LOST)
    assert raised.value is LOST


@pytest.mark.parametrize(
    ("state", "ledger", "deviations"),
    [
        pytest.param("done", "professional via b", None, id="done"),
        pytest.param("refused", "analyzer via a", "professional via b; refused, holding analyzer", id="refused"),
        pytest.param("unsent", "analyzer via a", "professional via b; unsent", id="unsent"),
    ],
)
def test_the_ledger_says_what_was_confirmed(state, ledger, deviations):
    stack = Stack()
    stack.up(declare({"ana": "analyzer via a"}))

    stack.up(declare({"ana": "professional via b"}), fate=lambda _: state)

    expected = outputs({"ana": ledger}, {"ana": deviations} if deviations else {})
    assert stack.ledger == expected["assignments"]
    assert stack.deviations == expected["deviations"]


def test_a_foreign_row_whose_change_was_refused_stays_foreign():
    stack = Stack(rows={"ana": "analyzer", "x": "analyzer"})

    stack.up(declare({"ana": "professional via a"}), fate=lambda _: "refused")

    assert not stack.ledger
    assert stack.outputs["foreign"] == {"analyzer": 2}


def test_seats_are_recorded_as_they_are_after_what_was_done():
    stack = Stack(units={"analyzer": 3})

    stack.up(
        declare({"ana": "analyzer via a", "bo": "analyzer via a"}),
        fate=lambda change: "done" if change.key == "ana" else "refused",
    )

    assert stack.outputs["seats"] == {"analyzer": "1 of 3"}


def test_only_removals_that_were_done_and_not_approved_are_remembered_for_a_day():
    stack = Stack()
    stack.up(declare(dict.fromkeys(["ana", "bo", "cy", "di"], "analyzer via a, b")))
    stack.wait(seconds=59)
    stack.up(declare({"ana": "analyzer via a, b"}), ["bo"], lambda c: "refused" if c.key == "cy" else "done")
    stack.wait(minutes=5)
    stack.up(declare({}), ["cy"])

    assert stack.outputs["removed"] == {"2026-11-02T08:00Z": "1; a 1; b 1", "2026-11-02T08:05Z": "1; a 1; b 1"}
    stack.wait(days=2)
    stack.up(declare({}))
    assert stack.outputs["removed"] == {}


def test_two_applies_within_a_minute_add_up():
    stack = Stack()
    stack.up(declare({"ana": "analyzer via a", "bo": "analyzer via b"}))
    stack.up(declare({"ana": "analyzer via a"}))
    stack.up(declare({}))

    assert stack.outputs["removed"] == {"2026-11-02T08:00Z": "2; a 1; b 1"}


def test_an_input_that_is_absent_is_not_echoed():
    stack = Stack()
    inputs = declare({})
    del inputs["license"]

    stack.up(inputs)

    assert "license" not in stack.outputs
    assert inputs_of(stack.outputs, ASSIGNMENTS) == inputs


def test_what_was_done_and_not_seen_is_recorded_as_unseen_until_it_is_seen_or_changed():
    stack, inputs = Stack(), declare({"ana": "analyzer via a", "bo": "analyzer via a"})
    plan = stack.plan(inputs)
    outcomes = [Outcome(change, "done", is_seen=change.key != "ana") for change in plan.changes]

    first = settle(inputs, ASSIGNMENTS, stack.recorded, plan, outcomes, NOW)

    assert first["unseen"] == {"ana": "analyzer"}
    assert inputs_of(first, ASSIGNMENTS) == inputs
    stack.outputs, stack.rows = first, {"bo": "analyzer"}
    stack.refresh()
    assert stack.outputs == first, "a list that never showed her proves nothing"
    stack.rows["ana"] = "analyzer"
    stack.refresh()
    assert stack.outputs == {name: value for name, value in first.items() if name != "unseen"}


@pytest.mark.parametrize("shown", [{}, {"ana": "analyzer"}], ids=["nothing", "a weaker type"])
@pytest.mark.parametrize("fate", ["refused", "unsent"])
def test_what_was_confirmed_stays_in_the_ledger_when_asking_for_it_again_fails(fate, shown):
    inputs = declare({"ana": "professional via b"})
    desired, rules = ASSIGNMENTS.parse_people(inputs), rules_of(inputs)
    plan = make_plan(desired, Observed(tuple(rows(**shown))), Recorded(), rules, NOW)
    outputs = settle(inputs, ASSIGNMENTS, Recorded(), plan, [Outcome(plan.changes[0], "done", is_seen=False)], NOW)

    for _ in range(2):
        recorded = recorded_of(outputs, ASSIGNMENTS, settled=True)
        plan = make_plan(desired, Observed(tuple(rows(**shown))), recorded, rules, NOW)
        outputs = settle(inputs, ASSIGNMENTS, recorded, plan, [Outcome(it, fate) for it in plan.changes], NOW)

        assert outputs["assignments"] == inputs["assignments"], "the row may still come, and then it is this stack's"
        assert outputs["unseen"] == {"ana": "professional"}


def test_an_entry_never_shown_is_where_a_change_away_from_it_starts():
    recorded = Recorded(ledger={"ana": entitle("professional via b", "ana")}, unseen={"ana": "professional"})
    stale, seen = rows(ana="analyzer", bo="analyzer"), rows(ana="professional", bo="analyzer")
    weaker, same = {"ana": entitle("analyzer via a", "ana")}, {"ana": entitle("professional via b", "ana")}

    for desired in ({}, weaker):
        assert set(stand_in(stale, desired, recorded)) == set(seen)
        assert set(stand_in(stale[1:], desired, recorded)) == set(seen)
    assert stand_in(stale, same, recorded) == tuple(stale)
    assert stand_in(seen, {}, recorded) == tuple(seen)
