"""The plan for the spaces of people: who is granted and withdrawn what, under one brake for all of them."""

from datetime import timedelta

import pytest
from core.builders import NOW
from core.policy_rights import P, Q, rights

from qlik_provider.brake import Brake
from qlik_provider.entitlements import Removals
from qlik_provider.errors import UnsafePlan
from qlik_provider.policy import DesiredPolicy, ObservedPolicy, PolicyDeviation, RecordedPolicy
from qlik_provider.premises import Rules
from qlik_provider.rights import parse_right
from qlik_provider.user_policy import PersonPolicy, UserPlan, plan_users

SPACE = frozenset({"space"})


def person(  # one argument for each thing a plan is made of
    name: str,
    declared=(),
    seen=(),
    ledger=(),
    *,
    is_user: bool = True,
    managed=SPACE,
    before=None,
    **observed,
) -> tuple[str, PersonPolicy]:
    deviations = {parse_right(right): PolicyDeviation(*found) for right, found in (before or {}).items()}
    return f"id-{name}", PersonPolicy(
        f"{name}@contoso.test",
        DesiredPolicy(f"id-{name}", rights(*declared), frozenset(managed), 1),
        ObservedPolicy(rights(*seen), **observed),
        RecordedPolicy(rights(*ledger), deviations, reach=1),
        is_user,
    )


def plan(*people: tuple[str, PersonPolicy], removed=None, **rules) -> UserPlan:
    given = {"brake": Brake(max=2, percent=100), **rules}
    return plan_users(dict(people), Rules(("member",), **given), removed or {}, NOW)


def told(found) -> list[str]:
    return [f"{id} {change}" for id, change in found]


def reasons(made: UserPlan) -> dict[str, str]:
    return {f"{id}/{right}": d.why for id, own in made.plans.items() for right, d in own.deviations.items()}


def test_everybody_is_planned_for_by_themselves_and_nobody_elses_rights_count():
    made = plan(person("bo", [P], [Q]), person("ana", [], [P, Q], [P]))

    assert told(made.changes) == ["id-ana withdraw producer in Finance", "id-bo grant producer in Finance"]
    assert {id: set(own.ledger) for id, own in made.plans.items()} == {"id-ana": set(), "id-bo": rights(P)}
    assert made.readings[0].now == 1
    assert not made.faults
    made.raise_if_unsafe()


def test_who_is_no_user_yet_waits_for_grants_and_is_withdrawn_what_there_is():
    made = plan(person("ana", [P, Q], [], is_user=False), person("bo", [P], [P, Q], [P, Q], is_user=False))

    assert told(made.changes) == ["id-bo withdraw consumer in Finance"]
    assert reasons(made) == {f"id-ana/{P}": "waiting", f"id-ana/{Q}": "waiting"}
    assert made.plans["id-ana"].ledger == frozenset()
    assert made.plans["id-bo"].ledger == rights(P)


def test_whoever_is_protected_is_neither_granted_nor_withdrawn_anything_and_others_are():
    people = (person("ana", [P], [Q], [Q]), person("bo", [P], [Q], [Q]))

    made = plan(*people, protected=frozenset({"id-ana", "id-cy"}))

    assert told(made.changes) == ["id-bo grant producer in Finance", "id-bo withdraw consumer in Finance"]
    assert reasons(made) == {f"id-ana/{P}": "protected", f"id-ana/{Q}": "protected"}
    assert made.plans["id-ana"].ledger == rights(Q)


def test_the_brake_counts_people_over_everybody_and_holds_all_withdrawals_together():
    losing = [person(name, [], [P, Q], [P, Q]) for name in ("ana", "bo", "cy")]

    two, three = plan(*losing[:2]), plan(*losing, person("dan", [P]))

    assert (two.readings[0].now, two.readings[0].breached, len(two.changes)) == (2, False, 4)
    assert (three.readings[0].now, three.readings[0].population, three.readings[0].breached) == (3, 4, True)
    assert told(three.changes) == ["id-dan grant producer in Finance"], "what is gained goes on"
    assert len(three.held) == 6
    assert set(reasons(three).values()) == {"held"}
    assert all(three.plans[id].ledger == rights(P, Q) for id in ("id-ana", "id-bo", "id-cy"))


def test_the_share_counts_of_everybody_who_has_or_gets_something():
    people = [person(f"p{number:02}", [P], [P], [P]) for number in range(18)]
    nobody = person("nobody")
    share = {"brake": Brake(max=100, percent=10, minimum=20)}

    few = plan(*people, nobody, person("ana", [], [P], [P]), **share)
    many = plan(*people, nobody, person("ana", [], [P], [P]), person("bo", [P]), **share)
    too_many = plan(
        *people, person("ana", [], [P], [P]), person("bo", [], [P], [P]), person("cy", [], [P], [P]), **share
    )

    assert (few.readings[0].population, few.readings[0].breached) == (19, False)
    assert (many.readings[0].population, many.readings[0].breached) == (20, False)
    assert (too_many.readings[0].population, too_many.readings[0].breached) == (21, True)


def test_what_was_withdrawn_in_a_day_counts_too():
    people = [person(name, [], [P], [P]) for name in ("ana", "bo")]
    an_hour, a_day = NOW - timedelta(hours=1), NOW - timedelta(hours=25)

    assert not plan(*people, removed={a_day: Removals(5)}).readings[0].breached
    made = plan(*people, removed={an_hour: Removals(1)})
    assert (made.readings[0].recent, made.readings[0].population, made.readings[0].breached) == (1, 3, True)
    assert told(made.changes) == []


def test_where_the_brake_fails_nothing_is_sent():
    losing = [person(name, [], [P], [P]) for name in ("ana", "bo", "cy")]

    made = plan(*losing, brake=Brake(max=2, percent=100, on_breach="fail"))

    with pytest.raises(UnsafePlan, match=r"3 removals in 24 hours .*approve them in a file under approvals/"):
        made.raise_if_unsafe()


def test_an_approval_is_for_one_right_of_one_person_and_does_not_count():
    losing = [person(name, [], [P, Q], [P, Q]) for name in ("ana", "bo", "cy")]

    made = plan(*losing, approved=frozenset({"policy/id-cy/space:finance/producer"}))

    assert told(made.changes) == ["id-cy withdraw producer in Finance"]
    assert made.readings[0].now == 3, "cy would lose another one"
    both = frozenset({f"policy/id-cy/space:finance/{role}" for role in ("producer", "consumer")})
    assert (plan(*losing, approved=both).readings[0].now, len(plan(*losing, approved=both).changes)) == (2, 6)


def test_what_was_held_stays_held_until_it_is_approved():
    made = plan(person("ana", [], [P], [P], before={P: (False, "held")}))

    assert told(made.held) == ["id-ana withdraw producer in Finance"]
    assert made.plans["id-ana"].ledger == rights(P)


def test_only_reviewed_withdrawals_are_sent_and_grants_are():
    reviewed = frozenset({("policy/id-bo/space:finance/producer", P, None)})
    people = [person("ana", [Q], [P], [P]), person("bo", [], [P], [P])]

    made = plan(*people, reviewed=reviewed)

    assert told(made.changes) == ["id-ana grant consumer in Finance", "id-bo withdraw producer in Finance"]
    assert told(made.unreviewed) == ["id-ana withdraw producer in Finance"]


def test_what_is_not_managed_stays():
    made = plan(person("ana", [], [P], [P], managed=()))

    assert not made.changes
    assert reasons(made) == {f"id-ana/{P}": "unmanaged"}
    assert made.plans["id-ana"].ledger == rights(P)


def test_what_somebody_had_as_another_user_is_withdrawn_after_the_grant_and_counts_for_nobody():
    earlier = f"u-old/{P}"

    made = plan(person("ana", [P], [earlier], [earlier], people={"u-old": 0}), brake=Brake(max=0))

    assert told(made.changes) == [
        "id-ana grant producer in Finance",
        "id-ana withdraw producer in Finance (of the earlier group u-old)",
    ]
    assert not made.readings[0].breached


def test_a_right_that_keeps_this_run_itself_going_stays_and_is_told():
    guarded = {parse_right(P): "it is what this run itself may do there"}

    made = plan(person("ana", [], [P], [P], guarded=guarded))

    assert not made.changes
    assert made.warnings == ("ana@contoso.test: producer in Finance stays: it is what this run itself may do there",)


def test_full_users_on_a_capacity_license_are_told_once_for_everybody():
    promoting = rights(P)
    people = [person(name, [P], full_users=promoting) for name in ("ana", "bo")]

    made = plan(
        *people, person("cy", [Q], full_users=promoting), person("dan", [P], full_users=promoting, is_user=False)
    )

    (warning,) = made.warnings
    assert warning == (
        "what is granted makes full users of 2: ana@contoso.test, bo@contoso.test: on a capacity license the "
        "entitlement follows from rights"
    )


def test_a_plan_differs_where_anybodys_does():
    people = dict([person("ana", [P], [P], [P]), person("bo", [], [])])
    recorded = {id: own.recorded for id, own in people.items()}

    assert not plan(*people.items()).differs_from(recorded)
    assert plan(*people.items(), person("cy", [P])).differs_from({**recorded, "id-cy": RecordedPolicy()})
