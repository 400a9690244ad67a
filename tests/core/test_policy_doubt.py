"""What a group may do stays as it was while nobody can tell whom the group stands for."""

import pytest

from qlik_provider.policy_doubt import freeze_policy

OLD = {"key": "board", "group": "Board", "claimBy": "displayName", "roles": {"Steward": ""}, "reach": 3.0}
NEW = {"key": "board", "group": "0b8c38d4", "claimBy": "objectId", "roles": {}, "spaces": {"Finance": "consumer"}}
NEW |= {"reach": 0}
WHO = "object id a became b; accept it by objectId: b"


def test_without_a_doubt_the_inputs_are_as_declared():
    assert freeze_policy({**OLD, "rules": {"source": "a", "doubt": "unread"}}, {**NEW, "rules": {"source": "a"}}) == (
        {**NEW, "rules": {"source": "a"}},
        "",
    )
    assert freeze_policy(OLD, NEW) == (NEW, "")
    assert freeze_policy({}, {**NEW, "rules": {"source": "b"}})[1] == ""


@pytest.mark.parametrize(
    ("known", "said", "rules", "reason"),
    [
        pytest.param({}, {"doubt": "unread"}, {"doubt": "unread"}, "unread", id="doubt"),
        pytest.param(
            {"source": "a"},
            {"doubt": "unread"},
            {"doubt": "unread", "source": "a"},
            "unread",
            id="doubt keeps the id known",
        ),
        pytest.param(
            {"source": "a"}, {"source": "b"}, {"source": "a", "doubt": WHO}, WHO, id="another group has the name"
        ),
        pytest.param(
            {"source": "a"},
            {"doubt": "unread", "source": "b"},
            {"doubt": "unread", "source": "a"},
            "unread",
            id="another group has the name, and is in doubt itself",
        ),
    ],
)
def test_in_doubt_a_policy_stays_what_it_was(known, said, rules, reason):
    frozen, why = freeze_policy({**OLD, "rules": known}, {**NEW, "rules": {"brake.max": 5, **said}})

    assert why == reason
    assert frozen == {**OLD, "rules": {"brake.max": 5, **rules}}


def test_a_group_that_is_declared_by_its_id_is_accepted():
    assert freeze_policy({**OLD, "rules": {"source": "a"}}, {**NEW, "rules": {}}) == ({**NEW, "rules": {}}, "")


def test_a_new_policy_in_doubt_is_granted_nothing_and_stays_managed_as_declared():
    rules = {"doubt": "unread", "source": "b"}

    frozen, _ = freeze_policy({}, {**OLD, "rules": rules})
    both, _ = freeze_policy({}, {**NEW, "rules": rules})

    assert frozen == {**OLD, "roles": {}, "rules": rules}
    assert both == {**NEW, "roles": {}, "spaces": {}, "rules": rules}
