"""The record of a policy: what it holds, what its names mean today, and what a read leaves of it."""

import pytest
from core.builders import NOW
from core.policy_rights import A, P, Q, rights

from qlik_provider.entitlements import Removals
from qlik_provider.errors import ServiceBroken
from qlik_provider.people import TenantSpace
from qlik_provider.policy import (
    DesiredPolicy,
    ObservedPolicy,
    PolicyChange,
    PolicyDeviation,
    RecordedPolicy,
    plan_policy,
)
from qlik_provider.policy_ledger import (
    Memory,
    PolicyOutcome,
    Whereabouts,
    conclude_policy,
    inputs_of_policy,
    parse_granted,
    parse_policy,
    settle_policy,
    write_granted,
)
from qlik_provider.premises import Rules
from qlik_provider.rights import parse_right

FINANCE, BOARD = TenantSpace("s1", "Finance"), TenantSpace("s2", "Board")
INPUTS = {
    "tenant": "https://contoso.qlik.test",
    "tenantId": "tenant",
    "key": "finance",
    "group": "BI Finance",
    "providerType": "idp",
    "claimBy": "displayName",
    "roles": {"A": ""},
    "spaces": {"Finance": "producer, consumer"},
    "reach": 5.0,
    "rules": {},
}
GRANTED = {"role:A": "", "space:Finance": "consumer, producer"}
OUTPUTS = {
    **INPUTS,
    "granted": GRANTED,
    "deviations": {},
    "removed": {},
    "groupId": "g1",
    "spaceIds": {"Finance": "s1"},
}


def remember(outputs=OUTPUTS, *, group="g1", groups=("g1",), spaces=(FINANCE, BOARD), **inputs) -> Memory:
    desired = parse_policy({**INPUTS, **inputs})
    return Memory(outputs, desired, Whereabouts(group, frozenset(groups), tuple(spaces)))


def held(memory: Memory) -> list[str]:
    return sorted(map(str, memory.recall(settled=True).ledger))


def test_a_bag_declares_rights_what_is_managed_and_how_many_it_reaches():
    assert parse_policy(INPUTS) == DesiredPolicy("finance", rights(A, P, Q), frozenset({"role", "space"}), 5)
    assert parse_policy({"key": "x"}) == DesiredPolicy("x")
    assert parse_policy({"roles": {}, "spaces": None}).managed == {"role"}
    assert parse_policy({"roles": None, "spaces": {}}).managed == {"space"}


def test_every_list_of_space_roles_that_is_none_is_named_at_once():
    with pytest.raises(ValueError, match=r"spaces\['a'\].*; spaces\['b'\].*; spaces\['c'\]"):
        parse_policy({"spaces": {"a": "", "b": "producer,", "c": "can edit", "d": "producer"}})


def test_the_ledger_is_written_by_role_and_by_space_and_read_alike():
    texts = {**GRANTED, "g0/role:B": "", "g0/space:Board": "consumer"}

    assert write_granted(parse_granted({"granted": texts})) == texts
    assert parse_granted({}) == frozenset()


def test_the_inputs_of_the_last_apply_stand_in_the_outputs():
    assert inputs_of_policy(OUTPUTS) == INPUTS
    assert "roles" not in inputs_of_policy({"key": "x", "granted": {"role:A": ""}})


@pytest.mark.parametrize(
    ("memory", "ledger"),
    [
        pytest.param({}, [A, Q, P], id="as recorded"),
        pytest.param({"group": "g2", "groups": ("g1", "g2")}, [f"g1/{r}" for r in (A, Q, P)], id="another group"),
        pytest.param({"group": None, "groups": ("g1",)}, [f"g1/{r}" for r in (A, Q, P)], id="a group yet to come"),
        pytest.param({"group": "g2", "groups": ("g2",)}, [], id="the former group is gone"),
        pytest.param({"group": None, "groups": ()}, [], id="the only group is gone"),
        pytest.param(
            {"outputs": {**OUTPUTS, "groupId": "g2", "granted": {"g1/role:A": "", "g0/role:A": ""}}},
            [A],
            id="the former group is that of today again, and one before it is gone",
        ),
        pytest.param(
            {"spaces": (TenantSpace("s1", "Money"),), "spaces_declared": {"Money": "producer"}},
            [A, "space:Money/consumer", "space:Money/producer"],
            id="a space renamed in tenant and declaration",
        ),
        pytest.param(
            {"spaces": (TenantSpace("s1", "Old"), TenantSpace("s9", "Finance"))},
            [A, "space:s1/consumer", "space:s1/producer"],
            id="its name went to another space",
        ),
        pytest.param({"spaces": (BOARD,)}, [A, Q, P], id="a space that is not shown"),
    ],
)
def test_a_record_is_recalled_in_the_names_of_today(memory, ledger):
    declared = memory.pop("spaces_declared", INPUTS["spaces"])
    memory = {**memory}
    desired = parse_policy({**INPUTS, "spaces": declared})
    made = remember(**memory)

    assert held(Memory(made.outputs, desired, made.where)) == ledger


def test_deviations_minutes_and_reach_are_recalled_too():
    outputs = {**OUTPUTS, "deviations": {A: "none; held"}, "removed": {"2026-11-02T08:00Z": "5"}}

    recorded = remember(outputs).recall(settled=False)

    assert recorded == RecordedPolicy(
        rights(A, P, Q), {parse_right(A): PolicyDeviation(is_declared=False, why="held")}, {NOW: Removals(5)}, 5
    )


def test_spaces_are_known_by_their_recorded_ids_and_new_ones_by_name():
    memory = remember(spaces={"Finance": "producer", "Board": "consumer", "Nowhere": "consumer"})
    memory = Memory(OUTPUTS, parse_policy({"spaces": {"Board": "consumer", "Nowhere": "consumer"}}), memory.where)

    where = Whereabouts("g1", frozenset({"g1"}), (BOARD,))
    memory = Memory(OUTPUTS, memory.desired, where)

    assert memory.spaces == {"Finance": "s1", "Board": "s2", "Nowhere": ""}
    assert memory.unseen == {"Finance", "Nowhere"}


@pytest.mark.parametrize(
    ("seen", "shown", "corrected"),
    [
        pytest.param([A, P, Q, "role:B"], (FINANCE,), {}, id="nothing changed, and nothing is added"),
        pytest.param(
            [P, Q], (FINANCE,), {"roles": {}, "granted": {"space:Finance": "consumer, producer"}}, id="a role taken"
        ),
        pytest.param(
            [A, Q],
            (FINANCE,),
            {"spaces": {"Finance": "consumer"}, "granted": {"role:A": "", "space:Finance": "consumer"}},
            id="a role in a space taken",
        ),
        pytest.param([A], (FINANCE,), {"spaces": {}, "granted": {"role:A": ""}}, id="taken out of the space"),
        pytest.param([A], (), {}, id="a space that is not shown proves nothing"),
    ],
)
def test_a_read_drops_what_is_proven_gone_and_adds_nothing(seen, shown, corrected):
    assert remember(spaces=shown).correct(ObservedPolicy(rights(*seen))) == {**OUTPUTS, **corrected}


def test_the_deviation_beside_a_loss_goes_and_what_is_not_managed_is_not_invented():
    outputs = {name: value for name, value in OUTPUTS.items() if name not in {"roles", "spaces"}}
    outputs["deviations"] = {A: "none; unmanaged", P: "none; unmanaged", "role:B": "granted; refused"}

    corrected = remember(outputs, roles=None, spaces=(FINANCE,)).correct(ObservedPolicy(rights(P, Q)))

    assert corrected["deviations"] == {P: "none; unmanaged", "role:B": "granted; refused"}
    assert not corrected.keys() & {"roles", "spaces"}


GRANT, WITHDRAW = PolicyChange("grant", parse_right(A)), PolicyChange("withdraw", parse_right(P))


def test_each_change_has_one_outcome_and_what_nobody_knows_is_unsent():
    other = PolicyChange("grant", parse_right(Q))
    changes = [GRANT, WITHDRAW, other]

    done, refused, unsent = conclude_policy(changes, {GRANT.right}, {WITHDRAW.right: "403 no"}, None)

    assert (str(done), str(refused)) == ("grant role A", "withdraw producer in Finance: 403 no")
    assert (unsent.state, unsent.reason) == ("unsent", "nobody knows what became of it")


def test_a_failure_is_raised_only_where_nothing_was_done():
    failure = ServiceBroken("qlik", "GET", "/", "down")

    with pytest.raises(ServiceBroken):
        conclude_policy([GRANT], set(), {}, failure)
    assert conclude_policy([GRANT, WITHDRAW], {GRANT.right}, {}, failure)[1].reason == str(failure)


def settle(outcomes, *, reach: int = 5, removed=None, approved=()) -> dict:
    desired = DesiredPolicy("finance", rights(A), frozenset({"role", "space"}), reach)
    recorded = RecordedPolicy(rights(P), removed=removed or {})
    rules = Rules(("member",), approved=frozenset(approved))
    plan = plan_policy(desired, ObservedPolicy(rights(P)), recorded, rules, NOW)
    found = [PolicyOutcome(change, outcomes[str(change.right)]) for change in plan.changes]
    return settle_policy({**INPUTS, "reach": reach}, recorded, plan, found, NOW, "g1", {"Finance": "s1"})


def test_the_ledger_claims_only_what_was_confirmed():
    assert settle({A: "done", P: "done"}) == {
        **INPUTS,
        "granted": {"role:A": ""},
        "deviations": {},
        "removed": {"2026-11-02T08:00Z": "5"},
        "groupId": "g1",
        "spaceIds": {},
    }
    left = settle({A: "refused", P: "unsent"})
    assert left["granted"] == {"space:Finance": "producer"}
    assert left["deviations"] == {A: "granted; refused", P: "none; unsent"}
    assert left["removed"] == {}
    assert left["spaceIds"] == {"Finance": "s1"}


def test_withdrawals_of_a_minute_add_up_and_approved_ones_and_empty_groups_do_not_count():
    both = {A: "done", P: "done"}

    assert settle(both, removed={NOW: Removals(3)})["removed"] == {"2026-11-02T08:00Z": "8"}
    assert settle(both, reach=0)["removed"] == {}
    assert settle(both, approved=[f"policy/finance/{P}".casefold()])["removed"] == {}
