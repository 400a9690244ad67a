"""The record of the spaces of people: read and written alike, and never told better than it is."""

from datetime import timedelta

import pytest
from core.builders import NOW
from core.policy_rights import P, Q, rights

from qlik_provider.brake import Brake
from qlik_provider.people import DirectoryUser, TenantSpace
from qlik_provider.policy import ObservedPolicy
from qlik_provider.policy_ledger import Memory, PolicyOutcome, Whereabouts
from qlik_provider.premises import Rules
from qlik_provider.rights import parse_right
from qlik_provider.user_grants import grant_users
from qlik_provider.user_ledger import (
    correct_people,
    inputs_of_users,
    parse_people,
    removed_of,
    settle_users,
    write_person,
    write_roles,
)
from qlik_provider.user_policy import PersonPolicy, plan_users

FINANCE = TenantSpace("s1", "Finance")
ANA, BO = "ana@contoso.test", "bo@contoso.test"
INPUTS = {
    "tenant": "https://contoso.qlik.test",
    "tenantId": "tenant",
    "people": {"id-ana": f"contoso\\ana for {ANA}", "id-bo": f"for {BO}"},
    "spaces": {"id-ana/Finance": f"consumer, producer for {ANA}", "id-bo/Finance": f"producer for {BO}"},
    "rules": {},
}
OUTPUTS = {
    **INPUTS,
    "granted": {"id-ana/space:Finance": f"consumer, producer for {ANA}"},
    "deviations": {"id-bo/space:Finance/producer": f"granted for {BO}; waiting"},
    "removed": {},
    "userIds": {"id-ana": "u1"},
    "spaceIds": {"Finance": "s1"},
}


def settle(inputs=INPUTS, outputs=OUTPUTS, *, seen=(), states=None, users=("u1", "u2"), now=NOW):
    """Return the outputs of an apply beside a tenant that shows `seen` of ana, and does with each change as said."""
    people, sights, spaces = parse_people(inputs, outputs), {}, {}
    for id, person in people.items():
        user = {"id-ana": "u1", "id-bo": "u2"}.get(id) if id[3:] in {"ana", "bo"} else None
        memory = Memory(person.outputs, person.desired, Whereabouts(user, frozenset(users), (FINANCE,)))
        observed = ObservedPolicy(rights(*seen) if id == "id-ana" else frozenset())
        recorded = memory.recall(settled=False)
        sights[id] = PersonPolicy(person.mail, person.desired, observed, recorded, person.subject is not None)
        spaces[id] = memory.spaces
    plan = plan_users(sights, Rules(("member",), brake=Brake(max=10, percent=100)), removed_of(outputs), now)
    outcomes = {
        id: tuple(PolicyOutcome(change, (states or {}).get(str(change.right), "done")) for change in own.changes)
        for id, own in plan.plans.items()
    }
    recorded = {id: sight.recorded for id, sight in sights.items()}
    return settle_users(inputs, outputs, recorded, plan, outcomes, now, {"id-ana": "u1", "id-bo": "u2"}, spaces)


def test_a_person_is_read_as_written():
    assert write_person("contoso\\ana", ANA) == INPUTS["people"]["id-ana"]
    assert write_person(None, BO) == INPUTS["people"]["id-bo"]
    assert write_roles(["producer", "consumer"], ANA) == INPUTS["spaces"]["id-ana/Finance"]

    people = parse_people(INPUTS, {})

    assert (people["id-ana"].subject, people["id-ana"].mail) == ("contoso\\ana", ANA)
    assert (people["id-bo"].subject, people["id-bo"].mail) == (None, BO)
    assert people["id-ana"].desired.rights == rights(P, Q)
    assert people["id-ana"].desired.managed == {"space"}


def test_what_a_first_run_grants_is_recorded_and_who_waits_is_told():
    outputs = settle(outputs={})

    assert outputs == OUTPUTS
    assert inputs_of_users(outputs) == INPUTS
    assert settle(seen=(P, Q)) == OUTPUTS, "and once more is the same"


def test_who_is_no_longer_declared_is_to_have_nothing_and_keeps_name_and_user_until_then():
    less = {**INPUTS, "people": {}, "spaces": {}}

    (gone,) = parse_people(less, OUTPUTS).values()
    assert (gone.mail, gone.subject, gone.outputs["groupId"]) == (ANA, None, "u1")
    assert gone.desired.rights == frozenset()

    stayed = settle(less, seen=(P, Q), states={P: "refused", Q: "unsent"})
    assert stayed["granted"] == OUTPUTS["granted"]
    assert stayed["deviations"] == {
        "id-ana/space:Finance/consumer": f"none for {ANA}; unsent",
        "id-ana/space:Finance/producer": f"none for {ANA}; refused",
    }
    assert (stayed["userIds"], stayed["spaceIds"]) == (OUTPUTS["userIds"], OUTPUTS["spaceIds"])

    left = settle(less, seen=(P, Q))
    assert all(left[name] == {} for name in ("granted", "deviations", "userIds", "spaceIds"))
    assert left["removed"] == {"2026-11-02T08:00Z": "1"}


def test_people_count_once_and_add_up_over_a_day():
    less = {**INPUTS, "spaces": {}}
    before = {**OUTPUTS, "removed": {"2026-11-02T07:00Z": "2", "2026-10-30T07:00Z": "9"}}

    assert settle(less, before, seen=(P, Q))["removed"] == {"2026-11-02T07:00Z": "2", "2026-11-02T08:00Z": "1"}
    assert settle(less, before, seen=(P, Q), states={P: "refused", Q: "refused"})["removed"] == {
        "2026-11-02T07:00Z": "2"
    }
    assert settle(less, OUTPUTS, seen=(P, Q), now=NOW + timedelta(hours=1))["removed"] == {"2026-11-02T09:00Z": "1"}


def test_whose_spaces_are_not_managed_keeps_them():
    unmanaged = {**INPUTS, "people": {}, "spaces": {}, "rules": {"unmanaged.id-ana": ANA}}

    outputs = settle(unmanaged, seen=(P, Q))

    assert outputs["granted"] == OUTPUTS["granted"]
    assert set(outputs["deviations"].values()) == {f"none for {ANA}; unmanaged"}


def test_a_right_of_an_earlier_user_stands_under_its_person():
    moved = {**OUTPUTS, "userIds": {"id-ana": "u0"}}

    people = parse_people(INPUTS, moved)["id-ana"]
    memory = Memory(people.outputs, people.desired, Whereabouts("u1", frozenset({"u0", "u1"}), (FINANCE,)))
    assert {str(right) for right in memory.recall(settled=False).ledger} == {f"u0/{P}", f"u0/{Q}"}

    outputs = settle(outputs=moved, users=("u0", "u1"), states={P: "refused", Q: "refused"})
    assert outputs["granted"] == {}, "the tenant showed neither of them"
    kept = {**OUTPUTS, "granted": {"id-ana/u0/space:Finance": f"producer for {ANA}"}}
    (right,) = parse_people(INPUTS, kept)["id-ana"].outputs["granted"]
    assert parse_right(f"{right}/producer").group == "u0"
    assert parse_people(INPUTS, kept)["id-ana"].outputs["spaceIds"] == {"Finance": "s1"}


def test_a_read_takes_out_what_others_took_with_the_input_beside_it_and_adds_nothing():
    people = parse_people(OUTPUTS, OUTPUTS)
    corrected = {}
    for id, person in people.items():
        user = {"id-ana": "u1"}.get(id)
        memory = Memory(person.outputs, person.desired, Whereabouts(user, frozenset({"u1"}), (FINANCE,)))
        corrected[id] = memory.correct(ObservedPolicy(rights(P, "space:Finance/facilitator") if user else frozenset()))

    outputs = correct_people(OUTPUTS, corrected, {id: person.mail for id, person in people.items()})

    assert outputs == {
        **OUTPUTS,
        "granted": {"id-ana/space:Finance": f"producer for {ANA}"},
        "spaces": {"id-ana/Finance": f"producer for {ANA}", "id-bo/Finance": f"producer for {BO}"},
    }


@pytest.mark.parametrize(
    ("spaces", "fault"),
    [
        pytest.param({"id-ana/Finance": f"for {ANA}"}, "is no list of space roles", id="no role"),
        pytest.param({"id-ana/Finance": "producer"}, "is no list of space roles", id="nobody's"),
        pytest.param({"id-ana/Finance": f"can edit for {ANA}"}, "is no list of space roles", id="no word"),
        pytest.param(
            {"id-cy/Finance": "producer for cy@contoso.test"}, "'id-cy'] is nobody of people", id="a stranger"
        ),
    ],
)
def test_a_value_that_is_none_is_a_fault(spaces, fault):
    with pytest.raises(ValueError, match="space") as refusal:
        parse_people({**INPUTS, "spaces": spaces}, {})

    assert fault in str(refusal.value).replace("]: is", "] is")


def test_no_spaces_are_not_managed_and_empty_ones_are():
    ana, bo, cy = (DirectoryUser(f"id-{name}", f"{name}@contoso.test") for name in ("ana", "bo", "cy"))

    grants = grant_users([(ana, "s-ana", {"Finance": ("producer",)}), (bo, None, {}), (cy, "s-cy", None)])

    assert grants.people == {"id-ana": f"s-ana for {ANA}", "id-bo": f"for {BO}"}
    assert grants.spaces == {"id-ana/Finance": f"producer for {ANA}"}
    assert grants.rules == {"unmanaged.id-cy": "cy@contoso.test"}
