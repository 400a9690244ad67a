"""Between the property bags of `UserPolicy` and the policies of its people; performs no I/O.

Whatever belongs to a person stands under their object id, by which they are known again under any name, e-mail and
subject. The rest of a name is what a policy of their own would call it: `<object id>/space:<name>`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qlik_provider.brake import add_removals
from qlik_provider.entitlements import Removals
from qlik_provider.ledger import Bag, parse_removed, under, write_removed
from qlik_provider.policy import DesiredPolicy, RecordedPolicy
from qlik_provider.policy_ledger import PolicyOutcome, parse_policy, settle_policy
from qlik_provider.user_policy import UserPlan

INPUTS = ("tenant", "tenantId", "people", "spaces", "rules")
_FOR = "for "  # stands before an e-mail, in which there is no blank


@dataclass(frozen=True)
class Person:
    """Whom a bag names: by which subject, and what their policy is made of."""

    mail: str
    subject: str | None
    """The subject in the tenant; None for who has none yet, or is only recorded."""
    desired: DesiredPolicy
    outputs: Mapping[str, Any]
    """What is recorded, as the outputs of a policy of their own."""


def write_person(subject: str | None, mail: str) -> str:
    """Return how a bag says who somebody is: `<subject> for <e-mail>`, without the subject where there is none."""
    return f"{subject or ''} {_FOR}{mail}".strip()


def write_roles(roles: Iterable[str], mail: str) -> str:
    """Return how a bag says which roles somebody is to have in a space: `consumer, producer for <e-mail>`."""
    return f"{', '.join(sorted(roles))} {_FOR}{mail}"


def parse_people(inputs: Bag, outputs: Bag) -> dict[str, Person]:
    """Return everybody whom inputs or outputs name, by object id; raises ValueError with every value that is none.

    Who is recorded and no longer declared is to have nothing; whose spaces are not managed keeps what they have.
    """
    spaces, faults = _split(inputs.get("spaces", {})), []
    granted, deviations = _split(outputs.get("granted", {})), _split(outputs.get("deviations", {}))
    unmanaged = under(inputs.get("rules") or {}, "unmanaged")
    known = {id: _read(text) for id, text in inputs.get("people", {}).items()}
    known |= {id: ("", str(mail)) for id, mail in unmanaged.items()}
    faults += [f"spaces[{id!r}]: is nobody of people" for id in sorted(spaces.keys() - known.keys())]
    people = {}
    for id in sorted({*known, *granted}):
        declared = {name: _read(text)[0] for name, text in spaces.get(id, {}).items()}
        bag = {"key": id, "reach": 1} | ({} if id in unmanaged else {"spaces": declared})
        recorded = {right: _read(text) for right, text in granted.get(id, {}).items()}
        subject, mail = known.get(id) or ("", next(iter(recorded.values()))[1])
        try:
            desired = parse_policy(bag)
        except ValueError as error:
            faults.append(f"{mail}: {error}")
            continue
        ids = outputs.get("spaceIds", {})
        own = {
            "granted": {right: roles for right, (roles, _) in recorded.items()},
            "deviations": {right: _without_mail(text) for right, text in deviations.get(id, {}).items()},
            "groupId": outputs.get("userIds", {}).get(id, ""),
            "spaceIds": {name: ids[name] for name in _spaces_of(recorded) if name in ids},
            "spaces": {name: _read(text)[0] for name, text in _split(outputs.get("spaces", {})).get(id, {}).items()},
            "reach": 1,
        }
        people[id] = Person(mail, subject or None, desired, own)
    if faults:
        raise ValueError("; ".join(faults))
    return people


def inputs_of_users(outputs: Bag) -> dict[str, Any]:
    """Return the inputs of the last apply, as far as what was read since bears them out."""
    return {name: outputs[name] for name in INPUTS if name in outputs}


def removed_of(outputs: Bag) -> dict[datetime, Removals]:
    """Return from how many people something was taken in the last 24 hours."""
    return parse_removed(outputs)


def settle_users(
    inputs: Bag,
    outputs: Bag,
    recorded: Mapping[str, RecordedPolicy],
    plan: UserPlan,
    outcomes: Mapping[str, tuple[PolicyOutcome, ...]],
    now: datetime,
    users: Mapping[str, str],
    spaces: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    """Return the outputs after an apply; the ledger never claims what was not confirmed.

    By object id: `users` are the ids of people in the tenant, `spaces` those of what their policies name.
    """
    settled = {
        id: settle_policy({}, recorded[id], own, outcomes.get(id, ()), now, users.get(id), spaces[id])
        for id, own in plan.plans.items()
    }
    felt = sum(bool(own["removed"]) for own in settled.values())
    return {
        **inputs_of_users(inputs),
        **join_people(settled, plan.mails),
        "removed": write_removed(add_removals(removed_of(outputs), Removals(felt), now)),
    }


def join_people(people: Mapping[str, Mapping[str, Any]], mails: Mapping[str, str]) -> dict[str, Any]:
    """Return the record of everybody, from the outputs of the policies of their own."""
    granted = {f"{id}/{right}": (id, roles) for id, own in people.items() for right, roles in own["granted"].items()}
    holders = {id for id, _ in granted.values()}
    return {
        "granted": {name: f"{roles} {_FOR}{mails[id]}" for name, (id, roles) in sorted(granted.items())},
        "deviations": {
            f"{id}/{right}": _with_mail(text, mails[id])
            for id, own in sorted(people.items())
            for right, text in own["deviations"].items()
        },
        "userIds": {id: people[id]["groupId"] for id in sorted(holders) if people[id]["groupId"]},
        "spaceIds": {name: space for id in sorted(holders) for name, space in people[id]["spaceIds"].items()},
    }


def correct_people(
    outputs: Bag, corrected: Mapping[str, Mapping[str, Any]], mails: Mapping[str, str]
) -> dict[str, Any]:
    """Return the outputs as far as what was read bears them out, from those of the policies of everybody's own."""
    joined = join_people(corrected, mails)
    spaces = {
        f"{id}/{name}": f"{roles} {_FOR}{mails[id]}"
        for id, own in sorted(corrected.items())
        for name, roles in own["spaces"].items()
    }
    return {**outputs, **joined, "spaces": spaces}


def _spaces_of(rights: Iterable[str]) -> list[str]:
    """Return the spaces of recorded rights, `space:<name>` or `<id of an earlier user>/space:<name>`."""
    return sorted({right.partition("space:")[2] for right in rights})


def _split(values: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return what stands under `<object id>/<name>`, by both."""
    people: dict[str, dict[str, str]] = {}
    for place, value in values.items():
        id, _, name = place.partition("/")
        people.setdefault(id, {})[name] = str(value)
    return people


def _read(text: Any) -> tuple[str, str]:
    """Return what stands before ` for <e-mail>`, and the e-mail."""
    value, _, mail = str(text).rpartition(_FOR)
    return value.strip(), mail


def _with_mail(text: str, mail: str) -> str:
    declared, _, why = text.partition("; ")
    return f"{declared} {_FOR}{mail}; {why}"


def _without_mail(text: str) -> str:
    declared, _, why = text.partition("; ")
    return f"{_read(declared)[0]}; {why}"
