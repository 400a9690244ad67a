"""A seat that goes to another subject of its person is one update of its row, and nobody is without one meanwhile."""

from dataclasses import replace

import pytest
from client.worlds import (
    ANA,
    BO,
    LICENSE,
    OPEN,
    TENANT_ID,
    UPDATE,
    entitle,
    mail_of,
    make_world,
    outputs_of,
    people,
)

from qlik_provider.errors import QlikProviderError
from qlik_provider.plan import Plan, make_plan
from qlik_provider.premises import Recorded
from qlik_provider.tenant import Tenant


def plan_moves(tenant: Tenant, types: dict[str, tuple[str, str]]) -> Plan:
    """Return the plan for people whose mail was their subject and whose object id is to be it: {id: (held, wanted)}."""
    ledger = {mail_of(id): entitle(held, id) for id, (held, _) in types.items()}
    desired = {id: entitle(wanted, id) for id, (_, wanted) in types.items()}
    recorded = Recorded(ledger=ledger, object_ids={mail_of(id): id for id in types})
    return make_plan(desired, tenant.observe(TENANT_ID, LICENSE), recorded, OPEN, tenant.client.now)


def states_of(outcomes) -> dict[tuple[str, str], str]:
    return {(outcome.change.verb, outcome.change.key): outcome.state for outcome in outcomes}


def ignore(done: int, total: int) -> None:
    pass


def load(sandbox, count: int, type: str = "analyzer", **world) -> dict[str, tuple[str, str]]:
    """Load a full tenant in which so many people hold a type by their mail."""
    sandbox.load(make_world({mail_of(id): type for id in people(count)}, units={type: count}, **world))
    return dict.fromkeys(people(count), (type, type))


@pytest.mark.parametrize("order", ["request", "reversed"])
def test_moves_are_updates_of_the_rows_by_hundreds_also_in_a_full_tenant(sandbox, tenant, asked, order):
    types = load(sandbox, 150, item_order=order)
    plan = plan_moves(tenant, types)
    sandbox.forget()

    outcomes = tenant.apply(plan, ignore)

    assert set(states_of(outcomes)) == {("move", id) for id in types}
    assert {outcome.state for outcome in outcomes} == {"done"}
    assert sandbox.rows() == dict.fromkeys(types, "analyzer")
    assert asked(writes=True) == [f"POST {UPDATE}"] * 2


def test_who_moves_and_gets_another_type_does_both_in_one_run(sandbox, tenant):
    load(sandbox, 1)
    sandbox.load(make_world({mail_of(ANA): "analyzer"}))

    outcomes = tenant.apply(plan_moves(tenant, {ANA: ("analyzer", "professional")}), ignore)

    assert states_of(outcomes) == {("move", ANA): "done", ("switch", ANA): "done"}
    assert sandbox.rows() == {ANA: "professional"}


def test_who_came_meanwhile_under_the_new_subject_keeps_both_rows_and_nothing_else_is_sent_about_them(
    sandbox, tenant, asked
):
    sandbox.load(make_world({mail_of(ANA): "analyzer", mail_of(BO): "analyzer"}))
    plan = plan_moves(tenant, {ANA: ("analyzer", "professional"), BO: ("analyzer", "analyzer")})
    came = {"do": "assign", "subject": ANA, "type": "analyzer"}
    sandbox.control.post("/tamper", json=came).raise_for_status()
    sandbox.forget()

    outcomes = tenant.apply(plan, ignore)

    assert states_of(outcomes) == {("move", ANA): "refused", ("move", BO): "done", ("switch", ANA): "unsent"}
    assert sandbox.rows() == {mail_of(ANA): "analyzer", ANA: "analyzer", BO: "analyzer"}
    assert asked(writes=True) == [f"POST {UPDATE}"]


def test_a_subject_that_goes_on_to_somebody_else_in_the_same_run_is_no_row_left_behind(sandbox, tenant):
    sandbox.load(make_world({"s1": "analyzer", "s2": "analyzer"}))
    ledger, people_of = {"s1": entitle("analyzer", "1"), "s2": entitle("analyzer", "2")}, {"s1": "1", "s2": "2"}
    desired = {"s2": entitle("analyzer", "1"), "s3": entitle("analyzer", "2")}
    rules = replace(OPEN, object_ids={"s2": "1", "s3": "2"})
    observed = tenant.observe(TENANT_ID, LICENSE)
    plan = make_plan(desired, observed, Recorded(ledger=ledger, object_ids=people_of), rules, tenant.client.now)

    outcomes = tenant.apply(plan, ignore)

    assert [(o.change.subject, o.state, o.is_seen) for o in outcomes] == [("s2", "done", True), ("s1", "done", True)]
    assert sandbox.rows() == {"s2": "analyzer", "s3": "analyzer"}


def test_a_refused_move_leaves_the_seat_and_holds_back_what_rests_on_it(sandbox, tenant, expect):
    sandbox.load(make_world({mail_of(ANA): "analyzer", mail_of(BO): "analyzer"}))
    plan = plan_moves(tenant, {ANA: ("analyzer", "professional"), BO: ("analyzer", "analyzer")})
    expect(UPDATE, item={"subject": ANA, "status": 403, "code": "X", "title": "No"})

    outcomes = tenant.apply(plan, ignore)

    assert [(o.change.verb, o.change.key, o.state, o.reason) for o in outcomes] == [
        ("move", ANA, "refused", "403 X No"),
        ("move", BO, "done", ""),
        ("switch", ANA, "unsent", "a seat did not move, and this rests on it"),
    ]
    assert sandbox.rows() == {mail_of(ANA): "analyzer", BO: "analyzer"}


@pytest.mark.parametrize("fault", [{"kind": "reset-after"}, {"kind": "reset-before"}, {"status": 500}])
def test_a_lost_answer_moves_nobody_twice(sandbox, tenant, expect, fault):
    types = load(sandbox, 30)
    plan = plan_moves(tenant, types)
    expect(UPDATE, **fault)

    outcomes = tenant.apply(plan, ignore)

    assert {outcome.state for outcome in outcomes} == {"done"}
    assert sandbox.rows() == dict.fromkeys(types, "analyzer")


def test_a_row_that_others_took_meanwhile_is_gone_and_told(sandbox, tenant):
    sandbox.load(make_world({mail_of(ANA): "analyzer"}))
    plan = plan_moves(tenant, {ANA: ("analyzer", "analyzer")})
    taken = {"do": "revoke", "subject": mail_of(ANA), "type": "analyzer"}
    sandbox.control.post("/tamper", json=taken).raise_for_status()

    (outcome,) = tenant.apply(plan, ignore)

    assert (outcome.state, outcome.is_gone) == ("refused", True)


def test_what_was_moved_is_known_also_where_the_rest_fails(sandbox, tenant, expect):
    sandbox.load(make_world({mail_of(ANA): "analyzer"}))
    plan = plan_moves(tenant, {ANA: ("analyzer", "professional")})
    expect(UPDATE, after=1, status=403, count=9)

    outcomes = tenant.apply(plan, ignore)

    assert states_of(outcomes) == {("move", ANA): "done", ("switch", ANA): "unsent"}
    assert sandbox.rows() == {ANA: "analyzer"}


def test_where_nothing_could_be_moved_the_run_fails(sandbox, tenant, expect):
    load(sandbox, 1)
    plan = plan_moves(tenant, {ANA: ("analyzer", "analyzer")})
    expect(UPDATE, status=403, count=9)

    with pytest.raises(QlikProviderError):
        tenant.apply(plan, ignore)
    assert replace(plan, moves=()).sent == ()


def test_a_changed_mapping_is_previewed_as_moves_and_carried_out_as_moves(sandbox, provider, seats, asked):
    sandbox.load(make_world({mail_of(ANA): "analyzer", mail_of(BO): "analyzer"}))
    ids = {mail_of(who): who for who in (ANA, BO)}
    old = {**seats({}), "assignments": {mail_of(who): f"analyzer via a for {mail_of(who)}" for who in (ANA, BO)}}
    outputs = outputs_of({**old, "objectIds": ids})
    kept = {BO: f"analyzer via a for {mail_of(BO)}"}

    inputs, failures = provider.check({**old, "objectIds": ids}, {**seats({ANA: "analyzer via a"}), "kept": kept})

    assert failures == []
    assert inputs["assignments"] == {
        ANA: f"analyzer via a for {mail_of(ANA)}",
        mail_of(BO): f"analyzer via a for {mail_of(BO)}",
    }
    assert inputs["objectIds"] == {mail_of(BO): BO}
    assert "kept" not in inputs
    assert provider.diff(outputs, inputs) == "DIFF_UNKNOWN"
    assert provider.engine.heard(f"move analyzer of {mail_of(ANA)} from {mail_of(ANA)} to {ANA}")
    assert asked(writes=True) == []
    updated = provider.update(outputs, inputs)
    assert (updated["assignments"], updated["removed"]) == (inputs["assignments"], {})
    assert sandbox.rows() == {ANA: "analyzer", mail_of(BO): "analyzer"}
    assert provider.read(updated) == ("1", updated, inputs)
    assert provider.diff(updated, inputs) == "DIFF_NONE"
    assert provider.engine.heard("done: move 1")
