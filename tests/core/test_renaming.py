"""A key under another name: everything that was recorded under the old one goes on under the new one."""

import pytest
from core.builders import Stack, declare, verbs, write
from core.files import ACCESS, FINANCE, faults_of, load

from qlik_provider.errors import DeclarationError
from qlik_provider.ledger import ASSIGNMENTS, MEMBERS, carry_over, inputs_of, recorded_of
from qlik_provider.renaming import follow, follow_approvals

RULES = {"previously_new": "old", "confers_new": "professional"}


def renamed(stack: Stack, inputs: dict) -> None:
    """Let the stored outputs be those that a provider sees under new inputs."""
    stack.outputs = follow(stack.outputs, inputs, ASSIGNMENTS)


def test_a_renamed_key_is_an_update_without_a_write_and_afterwards_nothing():
    stack = Stack()
    stack.up(declare({"ana": "professional via old", "bo": "analyzer via other"}))
    inputs = declare({"ana": "professional via new", "bo": "analyzer via other"}, **RULES)
    assert inputs_of(follow(stack.outputs, inputs, ASSIGNMENTS), ASSIGNMENTS) != inputs
    renamed(stack, inputs)

    assert verbs(stack.up(inputs)) == []

    assert stack.ledger == {"ana": write("professional via new", "ana"), "bo": write("analyzer via other", "bo")}
    assert follow(stack.outputs, inputs, ASSIGNMENTS) == stack.outputs
    assert inputs_of(stack.outputs, ASSIGNMENTS) == inputs


def test_what_the_brake_counted_and_held_stands_under_the_new_key():
    stack = Stack()
    brake = {"brake_max": 1}
    people = {f"u{number}": "professional via old" for number in range(4)}
    stack.up(declare(people, **brake))
    del people["u0"]
    stack.up(declare(people, **brake))
    stack.up(declare({}, **brake))
    assert set(stack.deviations.values()) == {"none; held"}
    inputs = declare({}, **brake, **RULES)
    renamed(stack, inputs)

    plan = stack.up(inputs)

    assert verbs(plan) == []
    assert {str(change.lost.keys) for change in plan.held} == {"('new',)"}
    assert [(reading.key, reading.recent) for reading in plan.readings] == [("", 1), ("new", 1)]
    assert stack.outputs["removed"] == {"2026-11-02T08:00Z": "1; new 1"}


def test_doubt_source_deviation_and_absence_follow_the_key():
    held = {"ana": "professional via old, other for ana@contoso.test"}
    old = {
        **declare({}, doubt=["old"], sources={"old": "id 1", "other": "id 2"}),
        "assignments": held,
        "deviations": {"bo": "professional via old for bo@contoso.test; waitlisted", "cy": "none; held"},
        "removed": {"2026-11-02T08:00Z": "2; old 2; other 1"},
        "absent": {"ana": "old 2026-11-02T08:00Z, other 2026-11-02T07:00Z"},
    }

    new = follow(old, declare({}, **RULES), ASSIGNMENTS)

    assert new["assignments"] == {"ana": "professional via new, other for ana@contoso.test"}
    assert new["doubt"] == {"new": "unreadable"}
    assert new["sources"] == {"new": "id 1", "other": "id 2"}
    assert new["deviations"] == {"bo": "professional via new for bo@contoso.test; waitlisted", "cy": "none; held"}
    assert new["removed"] == {"2026-11-02T08:00Z": "2; new 2; other 1"}
    assert new["absent"] == {"ana": "new 2026-11-02T08:00Z, other 2026-11-02T07:00Z"}
    assert recorded_of(new, ASSIGNMENTS, settled=False).ledger["ana"].keys == ("new", "other")


def test_another_group_under_the_renamed_key_is_doubt_as_ever():
    old = declare({"ana": "professional via old"}, sources={"old": "id 1"})
    new = declare({}, sources={"new": "id 2"}, **RULES)

    inputs, carried = carry_over(follow(old, new, ASSIGNMENTS), new, ASSIGNMENTS)

    assert carried == ["ana"]
    assert inputs["assignments"] == {"ana": write("professional via new", "ana")}
    assert inputs["doubt"].keys() == {"new"}
    assert inputs["sources"] == {"new": "id 1"}


def test_a_resource_of_one_key_has_the_new_one_only_where_the_rule_names_the_old_one():
    members = {"group": "old", "groupObjectId": "id", "members": {"id-ana": "ana@contoso.test"}, "rules": {}}
    policy = {"tenantId": "t", "key": "old", "rules": {}}

    assert follow(members, {"group": "new", "rules": {"previously": "old"}}, MEMBERS) == {**members, "group": "new"}
    assert follow(policy, {"key": "new", "rules": {"previously": "old"}}) == {**policy, "key": "new"}
    assert follow(policy, {"key": "new", "rules": {"previously": "older"}}) == policy
    assert follow(policy, {"key": "new", "rules": {}}) == policy
    named = {**policy, "group": "old"}
    assert follow(named, {"key": "new", "group": "New", "rules": {"previously": "old"}})["group"] == "old"
    assert follow({}, {"key": "new", "rules": {"previously": "old"}}) == {}


@pytest.mark.parametrize("by", ["people", "sources"])
def test_a_key_that_is_recorded_beside_its_former_name_is_another_group(by):
    people = {"ana": "professional via old", "bo": "analyzer via new"} if by == "people" else {}
    old = declare(people, sources={"old": "id 1", "new": "id 2"} if by == "sources" else {})

    with pytest.raises(ValueError, match=r"groups/new\.yaml says previously: old, and the state knows new beside old"):
        follow(old, declare({}, **RULES), ASSIGNMENTS)


def test_an_approval_of_a_right_counts_under_the_new_key_too():
    approved = frozenset({"policy/old/role:Steward", "policy/older/role:Steward", "u1"})

    inputs = {"key": "new", "rules": {"previously": "old"}}
    assert follow_approvals(approved, inputs) == approved | {"policy/new/role:Steward"}
    assert follow_approvals(approved, {"key": "new"}) == approved


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        pytest.param({"groups/x": FINANCE + "previously: x\n"}, "is the key of this file itself", id="itself"),
        pytest.param({"groups/x": FINANCE + "previously: people\n"}, "'people' was never the key", id="reserved"),
        pytest.param(
            {"groups/x": FINANCE + "previously: y\n", "groups/y": "license: analyzer\nexisting: {name: Y}\n"},
            "groups/y.yaml is there",
            id="a key that is there",
        ),
        pytest.param(
            {
                "groups/x": "license: analyzer\nexisting: {name: X}\npreviously: y\n",
                "groups/z": FINANCE + "previously: y\n",
            },
            "groups/x was 'y' too",
            id="one key for two",
        ),
    ],
)
def test_a_former_key_that_cannot_be_one_is_a_fault(tmp_path, files, reason):
    with pytest.raises(DeclarationError) as refusal:
        load(tmp_path, {"access": ACCESS, **files})

    (fault,) = faults_of(tmp_path, refusal.value)
    assert f"previously: {reason}" in fault
