"""The plan of a policy: every verdict as a row of a table, and the brake by its reach."""

from datetime import timedelta

import pytest
from core.builders import NOW
from core.policy_rights import A, P, Q, rights

from qlik_provider.brake import Brake
from qlik_provider.entitlements import Removals
from qlik_provider.errors import UnsafePlan
from qlik_provider.policy import (
    DesiredPolicy,
    ObservedPolicy,
    PolicyDeviation,
    PolicyPlan,
    RecordedPolicy,
    plan_policy,
    wanted_withdrawals,
)
from qlik_provider.premises import Rules
from qlik_provider.rights import parse_right

BOTH = frozenset({"role", "space"})
OPEN = Brake(max=10_000, percent=100)


def deviate(texts: dict[str, str]) -> dict:
    """`{"role:A": "none; held"}`."""
    parts = {parse_right(right): text.split("; ") for right, text in texts.items()}
    return {right: PolicyDeviation(declared == "granted", why) for right, (declared, why) in parts.items()}


def plan(  # one argument for each thing a plan is made of
    declared=(),
    seen=(),
    ledger=(),
    *,
    reach: int = 5,
    managed=BOTH,
    before: dict[str, str] | None = None,
    removed: dict | None = None,
    settled: bool = False,
    recorded_reach: int = 0,
    observed: dict | None = None,
    **rules,
) -> PolicyPlan:
    return plan_policy(
        DesiredPolicy("finance", rights(*declared), frozenset(managed), reach),
        ObservedPolicy(rights(*seen), **(observed or {})),
        RecordedPolicy(rights(*ledger), deviate(before or {}), removed or {}, recorded_reach, settled),
        Rules(("member",), **{"brake": OPEN, **rules}),
        NOW,
    )


def told(made: PolicyPlan) -> tuple[list[str], list[str], dict[str, str]]:
    """Return changes, ledger and deviations, short."""
    deviations = {
        str(right): f"{'granted' if deviation.is_declared else 'none'}; {deviation.why}"
        for right, deviation in made.deviations.items()
    }
    return [str(change) for change in made.changes], sorted(map(str, made.ledger)), deviations


OLD = "65f0/role:A"


@pytest.mark.parametrize(
    ("given", "changes", "ledger", "deviations"),
    [
        pytest.param({}, [], [], {}, id="nothing at all"),
        pytest.param({"declared": [A, P]}, ["grant role A", "grant producer in Finance"], [A, P], {}, id="granted"),
        pytest.param({"declared": [A], "seen": [A], "ledger": [A]}, [], [A], {}, id="as declared"),
        pytest.param({"declared": [A], "seen": [A]}, [], [A], {}, id="an equal right found is adopted"),
        pytest.param(
            {"declared": [A], "seen": [A], "adopt": "report"}, [], [], {A: "granted; unowned"}, id="report owns none"
        ),
        pytest.param(
            {"declared": [A, P], "seen": [A], "adopt": "report"},
            ["grant producer in Finance"],
            [P],
            {A: "granted; unowned"},
            id="report grants what is missing",
        ),
        pytest.param({"declared": [A], "ledger": [A]}, ["grant role A"], [A], {}, id="taken by hand comes back"),
        pytest.param({"seen": [A]}, [], [], {}, id="found beforehand stays"),
        pytest.param({"seen": [A], "repair": "full"}, [], [], {}, id="full undoes nothing of others"),
        pytest.param({"ledger": [A]}, [], [], {}, id="no longer there, no longer wanted"),
        pytest.param({"seen": [A], "ledger": [A]}, ["withdraw role A"], [], {}, id="withdrawn"),
        pytest.param(
            {"seen": [P, Q], "ledger": [P], "declared": [Q]}, ["withdraw producer in Finance"], [Q], {}, id="altered"
        ),
        pytest.param(
            {"declared": [P], "seen": [A, Q], "ledger": [A, Q]},
            ["grant producer in Finance", "withdraw role A", "withdraw consumer in Finance"],
            [P],
            {},
            id="grants come first",
        ),
        pytest.param(
            {"seen": [A, P], "ledger": [A, P], "managed": ["space"]},
            ["withdraw producer in Finance"],
            [A],
            {A: "none; unmanaged"},
            id="what is not managed stays, and stays ours",
        ),
        pytest.param(
            {"ledger": [P], "observed": {"unseen": frozenset({"Finance"})}},
            [],
            [P],
            {P: "none; unseen"},
            id="a space nobody shows proves nothing",
        ),
        pytest.param(
            {
                "ledger": [P],
                "observed": {"unseen": frozenset({"Finance"})},
                "approved": {f"policy/finance/{P}".lower()},
            },
            [],
            [],
            {},
            id="an approval lets go of it",
        ),
        pytest.param(
            {"declared": [P], "ledger": [P], "observed": {"unseen": frozenset({"Finance"})}},
            [],
            [P],
            {P: "granted; unseen"},
            id="declared and not shown",
        ),
        pytest.param(
            {"seen": [A], "ledger": [A], "protected": frozenset({"id"})},
            [],
            [A],
            {A: "none; protected"},
            id="a protected person is in the group",
        ),
        pytest.param(
            {"seen": [A], "ledger": [A], "protected": frozenset({"id"}), "before": {A: "none; held"}},
            [],
            [A],
            {A: "none; held"},
            id="held stays held through a protection",
        ),
        pytest.param(
            {"seen": [A], "ledger": [A], "protected": frozenset({"id"}), "approved": {"policy/finance/role:a"}},
            [],
            [A],
            {A: "none; protected"},
            id="an approval is no way round a protection",
        ),
        pytest.param(
            {"seen": [A], "ledger": [A], "observed": {"guarded": {parse_right(A): "the last"}}},
            [],
            [A],
            {A: "none; protected"},
            id="guarded",
        ),
        pytest.param(
            {"seen": [OLD], "ledger": [OLD], "observed": {"people": {"65f0": 2}}},
            [],
            [OLD],
            {OLD: "none; waiting"},
            id="users still hold it by the earlier group",
        ),
        pytest.param(
            {"seen": [OLD], "ledger": [OLD]}, [], [OLD], {OLD: "none; waiting"}, id="who holds it is not known"
        ),
        pytest.param(
            {"seen": [OLD], "ledger": [OLD], "before": {OLD: "none; held"}},
            [],
            [OLD],
            {OLD: "none; held"},
            id="held before the group changed",
        ),
        pytest.param(
            {"seen": [OLD], "ledger": [OLD], "observed": {"people": {"65f0": 0}}, "declared": [A]},
            ["grant role A", "withdraw role A (of the earlier group 65f0)"],
            [A],
            {},
            id="nobody holds it by the earlier group any more",
        ),
        pytest.param(
            {
                "seen": [OLD],
                "ledger": [OLD],
                "observed": {"people": {"65f0": 2}},
                "approved": {f"policy/finance/{OLD}".lower()},
            },
            ["withdraw role A (of the earlier group 65f0)"],
            [],
            {},
            id="approved while users still hold it",
        ),
        pytest.param(
            {"declared": [A], "before": {A: "granted; refused"}, "settled": True},
            [],
            [],
            {A: "granted; refused"},
            id="a refused grant waits for a reason",
        ),
        pytest.param(
            {"declared": [A], "before": {A: "granted; refused"}},
            ["grant role A"],
            [A],
            {},
            id="and is tried again when the declaration changed",
        ),
        pytest.param(
            {"declared": [A], "before": {A: "granted; unsent"}, "settled": True},
            ["grant role A"],
            [A],
            {},
            id="what was not sent is sent",
        ),
        pytest.param(
            {"seen": [A], "ledger": [A], "before": {A: "none; refused"}, "settled": True},
            [],
            [A],
            {A: "none; refused"},
            id="a refused withdrawal waits too",
        ),
    ],
)
def test_every_right_has_one_verdict(given, changes, ledger, deviations):
    assert told(plan(**given)) == (changes, ledger, deviations)


def test_a_withdrawal_from_a_group_of_800_counts_800():
    made = plan(seen=[A], ledger=[A], reach=800, brake=Brake(max=799, percent=100))

    assert told(made) == ([], [A], {A: "none; held"})
    assert [str(change) for change in made.held] == ["withdraw role A"]
    assert str(made.readings[0]) == "800 removals in 24 hours (800 now, 0 before) among 800 people"
    assert plan(seen=[A], ledger=[A], reach=800, brake=Brake(max=800, percent=100)).changes


def test_several_rights_of_one_group_reach_its_people_once():
    made = plan(seen=[A, P], ledger=[A, P], reach=5, brake=Brake(max=5, percent=100))

    assert len(made.changes) == 2
    assert made.readings[0].now == 5


@pytest.mark.parametrize(
    "more",
    [{"recorded_reach": 800}, {"observed": {"people": {"": 800}}}],
    ids=["at the last apply", "users of the tenant"],
)
def test_the_reach_is_the_most_that_anybody_knows_of(more):
    """People taken out of the group in the same edit still hold the right."""
    assert plan(seen=[A], ledger=[A], reach=1, brake=Brake(max=25), **more).held


@pytest.mark.parametrize(("reach", "is_held"), [(19, False), (20, True)])
def test_the_share_counts_from_the_minimum_on_and_then_always(reach, *, is_held):
    assert bool(plan(seen=[A], ledger=[A], reach=reach, brake=Brake()).held) is is_held


@pytest.mark.parametrize(("hours", "is_held"), [(23, True), (25, False)])
def test_what_was_withdrawn_in_the_last_day_counts(hours, *, is_held):
    removed = {NOW - timedelta(hours=hours): Removals(4)}

    assert bool(plan(seen=[A], ledger=[A], reach=4, removed=removed, brake=Brake(max=7)).held) is is_held


def test_nobody_in_the_group_is_nobody_to_lose_anything():
    made = plan(seen=[A], ledger=[A], reach=0, brake=Brake(max=1), removed={NOW: Removals(100)})

    assert made.changes
    assert not made.held


def test_held_stays_held_until_it_is_approved_or_wanted_again():
    held = {"seen": [A], "ledger": [A], "before": {A: "none; held"}}

    assert plan(**held, reach=1).held
    assert not plan(**held, reach=1, declared=[A]).deviations
    approved = plan(**held, reach=800, brake=Brake(max=1), approved={"policy/finance/role:a"})
    assert [change.is_approved for change in approved.changes] == [True]
    assert approved.readings[0].now == 0


def test_an_approval_covers_the_right_it_names_and_no_other():
    made = plan(seen=[P, Q], ledger=[P, Q], reach=800, brake=Brake(max=1), approved={f"policy/finance/{P}".casefold()})

    assert [str(change) for change in made.changes] == ["withdraw producer in Finance"]
    assert [str(change) for change in made.held] == ["withdraw consumer in Finance"]


def test_grants_go_on_while_withdrawals_are_held():
    made = plan(declared=[P], seen=[A], ledger=[A], reach=800, brake=Brake())

    assert told(made) == (["grant producer in Finance"], [A, P], {A: "none; held"})


def test_a_brake_that_fails_names_the_numbers_and_the_way_out():
    made = plan(seen=[A], ledger=[A], reach=800, brake=Brake(on_breach="fail"))

    with pytest.raises(UnsafePlan, match=r"800 removals .* the brake allows 25, .* approve them in a file"):
        made.raise_if_unsafe()
    plan(seen=[A], ledger=[A]).raise_if_unsafe()


def test_what_others_granted_to_the_group_of_today_is_named():
    made = plan(declared=[A], seen=[A, P, "65f0/role:B", "role:C"], ledger=[A, "role:C"])

    assert sorted(map(str, made.others)) == [P]


def test_a_guarded_right_says_why_it_stays():
    guarded = {"guarded": {parse_right("role:TenantAdmin"): "the last"}}
    made = plan(seen=["role:TenantAdmin"], ledger=["role:TenantAdmin"], observed=guarded)

    assert made.warnings == ("role TenantAdmin stays: the last",)


def test_a_grant_that_makes_full_users_says_of_how_many():
    full = {"full_users": rights(A, P)}

    assert plan(declared=[A, P, Q], reach=40, observed=full).warnings == (
        (
            "granting role A, producer in Finance makes full users of up to 40 people: on a capacity license "
            "the entitlement follows from rights"
        ),
    )
    assert plan(declared=[A], seen=[A], observed=full).warnings == ()


def test_a_plan_differs_where_it_writes_or_records_anything_else():
    recorded = RecordedPolicy(rights(A), deviate({P: "granted; refused"}))

    assert not plan([A, P], [A], [A], before={P: "granted; refused"}, settled=True).differs_from(recorded)
    assert plan([A, P], [A], [A]).differs_from(recorded)
    assert plan([A], [A], [A]).differs_from(recorded)
    assert plan([A, P], [A, P], [A], before={P: "granted; refused"}, settled=True).differs_from(recorded)


def test_more_is_read_only_for_what_would_be_withdrawn():
    desired = DesiredPolicy("finance", rights(A), frozenset({"space"}))
    recorded = RecordedPolicy(rights(A, P, Q, "role:B"))

    assert wanted_withdrawals(desired, ObservedPolicy(rights(A, P, "role:B")), recorded) == rights(P)


# Bound to a review.


def review(*texts: str) -> frozenset:
    """Return the withdrawals of plan documents."""
    return frozenset((f"policy/finance/{right}".casefold(), right, None) for right in texts)


@pytest.mark.parametrize(
    ("reviewed", "approved", "changes", "left"),
    [
        pytest.param(None, [], ["withdraw role A", "withdraw producer in Finance"], {}, id="bound to none"),
        pytest.param(review(), [], [], {A: "none; unreviewed", P: "none; unreviewed"}, id="in no document"),
        pytest.param(review(A), [], ["withdraw role A"], {P: "none; unreviewed"}, id="one of them"),
        pytest.param(review(Q), [], [], {A: "none; unreviewed", P: "none; unreviewed"}, id="another right"),
        pytest.param(review(A), [P], ["withdraw role A"], {P: "none; unreviewed"}, id="approved and not reviewed"),
        pytest.param(
            frozenset({("policy/other/role:a", A, None)}),
            [],
            [],
            {A: "none; unreviewed", P: "none; unreviewed"},
            id="of another group",
        ),
    ],
)
def test_a_withdrawal_in_no_reviewed_document_is_not_sent_and_a_grant_floats(reviewed, approved, changes, left):
    subjects = frozenset(f"policy/finance/{right}".casefold() for right in approved)

    made = plan([Q], [A, P], [A, P], reviewed=reviewed, approved=subjects)

    assert told(made) == (["grant consumer in Finance", *changes], sorted([Q, *left]), left)
    assert [str(change.right) for change in made.unreviewed] == list(left)
    assert made.held == ()


def test_what_the_brake_holds_is_held_though_it_was_reviewed_or_not():
    for reviewed in (review(), review(A)):
        made = plan([], [A], [A], reviewed=reviewed, brake=Brake(max=1))

        assert (told(made)[2], made.unreviewed) == ({A: "none; held"}, ())


def test_what_an_earlier_group_holds_is_bound_too():
    given = {"seen": [OLD], "ledger": [OLD], "observed": {"people": {"65f0": 0}}}

    assert told(plan(**given, reviewed=review()))[2] == {OLD: "none; unreviewed"}
    assert plan(**given, reviewed=review(OLD)).changes == plan(**given).changes != ()
