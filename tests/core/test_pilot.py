"""Only some keys count: these change, everything else stays as it is, and nobody else is touched."""

import pytest
from core.builders import Stack, declare, verbs, write, write_all
from core.files import ACCESS, FINANCE, faults_of, load

from qlik_provider.calls import FROZEN, leave_frozen
from qlik_provider.errors import DeclarationError
from qlik_provider.ledger import ASSIGNMENTS, carry_over, describe_left_alone
from qlik_provider.pilot import describe_pilot, find_frozen, narrow

READERS = "license: analyzer\nexisting: {name: Readers}\n"


def pilot(people: dict, only: str = "devs", **parts) -> dict:
    return declare(people, only=only, **parts)


def checked(stack: Stack, inputs: dict) -> dict:
    """Return the inputs after a check, which knows those of before."""
    before = {"assignments": stack.ledger, "sources": stack.outputs["sources"], "rules": {}}
    return carry_over(before, inputs, ASSIGNMENTS)[0]


PEOPLE = {
    "ana": "professional via devs",
    "bo": "professional via devs, readers",
    "cy": "analyzer via readers",
    "dee": "professional via people",
    "eve": "professional via leads",
}


def living() -> Stack:
    stack = Stack()
    stack.up(declare(PEOPLE, sources={"readers": "id 1"}))
    return stack


def test_only_what_the_named_keys_alone_gave_is_taken():
    stack = living()
    inputs = checked(stack, pilot({}))

    plan = stack.up(inputs)

    assert verbs(plan) == ["revoke professional from ana@contoso.test"]
    assert stack.ledger == write_all({who: value for who, value in PEOPLE.items() if who != "ana"})
    assert stack.deviations == {}
    assert inputs["doubt"] == {}
    assert inputs["sources"] == {"readers": "id 1"}
    assert not stack.plan(checked(stack, pilot({}))).differs_from(stack.recorded)


def test_what_the_named_keys_give_arrives_beside_what_stays():
    stack = living()

    people = {"ana": "professional via devs", "cy": "professional via devs", "fay": "analyzer via devs"}
    plan = stack.up(checked(stack, pilot(people)))

    assert verbs(plan) == [
        "switch cy@contoso.test from analyzer to professional (devs, readers)",
        "assign analyzer to fay@contoso.test (devs)",
    ]
    assert stack.ledger["cy"] == write("professional via devs, readers", "cy")


def test_what_was_taken_by_hand_from_somebody_left_alone_is_not_given_back():
    stack = living()
    del stack.rows["cy"]

    plan = stack.up(checked(stack, pilot(PEOPLE)))

    assert verbs(plan) == []
    assert stack.deviations == {"cy": write("analyzer via readers", "cy") + "; frozen"}


def test_who_has_an_exception_is_left_alone_unless_exceptions_count():
    stack = living()
    alone = checked(stack, pilot({}, exception_ana="none", exception_dee="professional"))
    counting = checked(stack, pilot({}, only="devs, people", exception_ana="none"))

    assert verbs(stack.plan(alone)) == []
    assert alone["assignments"] == stack.ledger
    assert verbs(stack.plan(counting)) == [
        "revoke professional from ana@contoso.test",
        "revoke professional from dee@contoso.test",
    ]


def test_a_removal_of_somebody_with_an_exception_that_no_check_saw_is_frozen():
    stack = living()

    stack.up(pilot({}, exception_ana="none"))

    assert stack.deviations["ana"] == "none; frozen"


def test_where_nothing_counts_nobody_gains_or_loses():
    stack = living()
    inputs = checked(stack, pilot({}, only=""))

    assert verbs(stack.up(inputs)) == []
    assert stack.ledger == write_all(PEOPLE)
    assert describe_left_alone(inputs, ASSIGNMENTS) == (
        "only nothing counts; 5 people keep what something else gave them"
    )


def test_a_plan_says_how_many_are_left_alone_and_nothing_where_everything_counts():
    stack = living()

    told = describe_left_alone(checked(stack, pilot({})), ASSIGNMENTS)

    assert told == "only devs counts; 4 people keep what something else gave them"
    assert describe_left_alone(declare({}), ASSIGNMENTS) == ""


def test_without_the_line_the_rest_is_carried_out():
    stack = living()
    stack.up(checked(stack, pilot({})))

    assert len(verbs(stack.up(checked(stack, declare({}))))) == 4
    assert stack.rows == {}


def test_doubt_about_a_key_that_counts_is_told_apart_from_what_is_left_alone():
    stack = living()

    inputs, carried = carry_over({"assignments": stack.ledger, "sources": {}}, pilot({}, doubt=["devs"]), ASSIGNMENTS)

    assert carried == ["ana", "bo"]
    assert inputs["assignments"] == stack.ledger


def test_a_declaration_is_narrowed_to_the_groups_that_count(tmp_path):
    files = {
        "access": ACCESS + "only: [finance]\n",
        "groups/finance": FINANCE + "previously: money\n",
        "groups/readers": READERS,
        "people": "bo@contoso.test: {license: none}\n",
    }
    declaration = load(tmp_path, files)

    assert set(narrow(declaration).groups) == {"finance"}
    (told,) = describe_pilot(declaration)
    assert told.endswith("access.yaml:4 only: finance counts; left alone as they are: 1 group and 1 exception")
    assert find_frozen(declaration, {"finance", "money", "readers", "gone"}) == ["gone", "readers"]


def test_exceptions_count_where_they_are_named_and_an_empty_list_names_nothing(tmp_path):
    files = {"groups/finance": FINANCE, "groups/readers": READERS, "people": "bo@contoso.test: {license: none}\n"}

    (told,) = describe_pilot(load(tmp_path, {**files, "access": ACCESS + "only: [people]\n"}))
    assert told.endswith("only: people counts; left alone as they are: 2 groups")
    (told,) = describe_pilot(load(tmp_path, {**files, "access": ACCESS + "only: []\n"}))
    assert told.endswith("only: nothing counts; left alone as they are: 2 groups and 1 exception")


def test_a_declaration_without_the_line_is_as_it_is(tmp_path):
    declaration = load(tmp_path, {"groups/finance": FINANCE})

    assert narrow(declaration) is declaration
    assert describe_pilot(declaration) == []
    assert find_frozen(declaration, {"gone"}) == []


@pytest.mark.parametrize(
    ("only", "fault"),
    [
        pytest.param("[finace]", "only[0]: 'finace' is no group of this stack", id="unknown"),
        pytest.param("[finance, finance]", "only[1]: is named twice", id="twice"),
    ],
)
def test_a_key_that_is_none_is_a_fault(tmp_path, only, fault):
    with pytest.raises(DeclarationError) as refusal:
        load(tmp_path, {"access": ACCESS + f"only: {only}\n", "groups/finance": FINANCE})

    assert faults_of(tmp_path, refusal.value) == [f"access.yaml:4 {fault}"]


def test_what_is_frozen_is_checked_as_it_was_and_what_the_state_lacks_cannot_be():
    recorded = {"group": "devs", "members": {"id-ana": "ana@contoso.test"}, "rules": {}}

    left = leave_frozen({**recorded, "__provider": "…"}, {FROZEN: True})
    missing = leave_frozen({}, {FROZEN: True})

    assert (left.inputs, left.failures) == (recorded, [])
    assert [failure.reason for failure in missing.failures] == ["what is not in the state cannot be left as it is"]
    assert leave_frozen(recorded, {"group": "devs"}) is None
