"""Between the property bags that Pulumi stores and the values that the plan works on; performs no I/O.

A resource's map of people goes in as what is declared and comes out as the ledger: what this stack really holds.
`deviations` keep the declared value beside everybody who differs, so that `inputs_of(outputs)` is always what was
declared at the last apply. https://www.pulumi.com/docs/iac/concepts/providers/dynamic-providers/
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from qlik_provider.brake import Brake, count_removals, recent_removals
from qlik_provider.changes import Change, move_seat
from qlik_provider.entitlements import (
    MEMBER,
    NONE,
    Assignment,
    BySubject,
    Deviation,
    Entitlement,
    Removals,
    Seats,
    fold,
    parse_entitlement,
    parse_removals,
)
from qlik_provider.errors import QlikProviderError
from qlik_provider.plan import UNSENT, Plan, Recorded, Rules, choose_rows, correct, refusal_of

Bag = Mapping[str, Any]

_MINUTE = "%Y-%m-%dT%H:%MZ"


@dataclass(frozen=True)
class Form:
    """How one resource writes its map of people: the property, its values, and the inputs it echoes beside it."""

    people: str
    parse: Callable[[str], Entitlement]
    write: Callable[[Entitlement], str]
    echoed: tuple[str, ...]

    def parse_people(self, bag: Bag) -> dict[str, Entitlement]:
        """Return the people of a bag; raises ValueError with every value that does not parse."""
        people, faults = {}, []
        for subject, text in bag.get(self.people, {}).items():
            try:
                people[subject] = self.parse(text)
            except ValueError as error:
                faults.append(f"{self.people}[{subject!r}]: {error}")
        if faults:
            raise ValueError("; ".join(faults))
        return people

    def write_people(self, people: Mapping[str, Entitlement]) -> dict[str, str]:
        """Return the people as the bag holds them."""
        return {subject: self.write(entitlement) for subject, entitlement in people.items()}

    def parse_deviations(self, bag: Bag) -> dict[str, Deviation]:
        """Return the deviations of a bag, written as `<value or none>; <why>`."""
        parts = {subject: text.partition("; ") for subject, text in bag.get("deviations", {}).items()}
        return {
            subject: Deviation(None if declared == NONE else self.parse(declared), why)
            for subject, (declared, _, why) in parts.items()
        }

    def write_deviations(self, deviations: Mapping[str, Deviation]) -> dict[str, str]:
        """Return the deviations as the bag holds them; a text holds no count, time or rank, so it never goes stale."""
        return {
            subject: f"{self.write(deviation.declared) if deviation.declared else NONE}; {deviation.why}"
            for subject, deviation in deviations.items()
        }


def _parse_member(user_principal_name: str) -> Entitlement:
    return Entitlement(MEMBER, (), user_principal_name)


ASSIGNMENTS = Form(
    "assignments", parse_entitlement, str, ("tenant", "tenantId", "license", "rules", "doubt", "sources")
)
MEMBERS = Form("members", _parse_member, lambda member: member.mail, ("group", "groupObjectId", "rules"))


def inputs_of(outputs: Bag, form: Form) -> dict[str, Any]:
    """Return the inputs of the last apply: the ledger with the declared values of the deviations put back."""
    people = dict(outputs.get(form.people, {}))
    for subject, text in outputs.get("deviations", {}).items():
        declared = text.partition("; ")[0]
        if declared == NONE:
            people.pop(subject, None)
        else:
            people[subject] = declared
    return {**{name: outputs[name] for name in form.echoed if name in outputs}, form.people: people}


def recorded_of(outputs: Bag, form: Form, *, settled: bool) -> Recorded:
    """Return what the outputs record; `settled` tells that the declaration has not changed since."""
    return Recorded(
        ledger=form.parse_people(outputs),
        deviations=form.parse_deviations(outputs),
        removed=_parse_removed(outputs),
        seats=outputs.get("seats", {}),
        settled=settled,
    )


def _parse_removed(outputs: Bag) -> dict[datetime, Removals]:
    return {
        datetime.strptime(minute, _MINUTE).replace(tzinfo=UTC): parse_removals(text)
        for minute, text in outputs.get("removed", {}).items()
    }


def rules_of(inputs: Bag, approved: Collection[str] = ()) -> Rules:
    """Return the rules written in `rules` and `doubt`; every absent rule has the default of the declaration."""
    bag = inputs.get("rules", {})
    brake = Brake()
    return Rules(
        order=tuple(bag.get("order", MEMBER).split(", ")),
        adopt=bag.get("adopt", "upgrade"),
        repair=bag.get("repair", "additive"),
        brake=Brake(
            max=int(bag.get("brake.max", brake.max)),
            percent=int(bag.get("brake.percent", brake.percent)),
            minimum=int(bag.get("brake.minimum", brake.minimum)),
            on_breach=bag.get("brake.onBreach", brake.on_breach),
        ),
        protected=frozenset(subject.casefold() for subject in under(bag, "protect")),
        approved=frozenset(subject.casefold() for subject in approved),
        doubt=inputs.get("doubt", {}),
        reserve={type: int(count) for type, count in under(bag, "reserve").items()},
    )


def under(bag: Bag, prefix: str) -> dict[str, Any]:
    """Return the entries of a flat bag named `<prefix>.<rest>`, by their rest."""
    return {name.removeprefix(f"{prefix}."): value for name, value in bag.items() if name.startswith(f"{prefix}.")}


def carry_over(old: Bag, new: Bag, form: Form) -> tuple[dict[str, Any], list[str]]:
    """Return `new` with what keys in doubt conferred in `old`, and the subjects this kept.

    A group whose object id changed is in doubt until the rule `source.<key>` names the new id. The stronger of the old
    and the new value wins, so a declared gain from a healthy group still arrives.
    """
    doubt, sources = dict(new.get("doubt", {})), dict(new.get("sources", {}))
    for key, known in old.get("sources", {}).items():
        found = sources.get(key, known)
        is_known = isinstance(found, str)  # an object id that a preview cannot know yet equals itself
        if is_known and found != known and new.get("rules", {}).get(f"source.{key}") != found:
            doubt[key] = f"object id {known} became {found}"
            sources[key] = known
    rank = rules_of(new).rank
    people = form.parse_people(new)
    spelling = {fold(subject): subject for subject in people}
    carried = []
    for old_subject, held in form.parse_people(old).items():
        subject = spelling.get(fold(old_subject), old_subject)
        doubtful = [key for key in held.keys if key in doubt]
        declared = people.get(subject)
        if not doubtful:
            continue
        if declared is None or (rank(declared.type) > rank(held.type) and not held.is_by_hand()):
            people[subject] = held
            carried.append(subject)
        else:
            keys = (*declared.keys, *(key for key in doubtful if key not in declared.keys))
            people[subject] = Entitlement(declared.type, keys, declared.mail)
    return {**new, form.people: form.write_people(people), "doubt": doubt, "sources": sources}, carried


def correct_record(outputs: Bag, form: Form, rows: Iterable[Assignment]) -> dict[str, Any]:
    """Return `outputs` as far as the rows read bear them out; nothing is ever added to the ledger.

    An entry that others changed takes the deviation beside it away: left standing, that would hide a loss.
    """
    ledger, deviations = form.parse_people(outputs), form.parse_deviations(outputs)
    held = choose_rows(rows, BySubject(ledger), rules_of(outputs))
    for subject, entry in list(ledger.items()):
        row = held.get(subject)
        if row is not None and row.type == entry.type:
            continue
        deviation = deviations.pop(subject, None)
        declared = deviation.declared if deviation else None
        left = correct(entry, row)
        if left is None:
            del ledger[subject]
        else:
            ledger[subject] = declared if declared and declared.type == left.type else left
    return {**outputs, form.people: form.write_people(ledger), "deviations": form.write_deviations(deviations)}


@dataclass(frozen=True)
class Outcome:
    """What became of one change: done, refused by the service, or unsent (and then tried again by every run)."""

    change: Change
    state: Literal["done", "refused", "unsent"]
    reason: str = ""

    def __str__(self) -> str:
        return str(self.change) if self.state == "done" else f"{self.change}: {self.reason}"


def conclude(
    changes: Iterable[Change],
    done: Collection[str],
    refusals: Mapping[str, str],
    failure: QlikProviderError | None,
) -> tuple[Outcome, ...]:
    """Return what became of each change, given the keys of those done and the service's reasons for others.

    Raises `failure`, which stopped the work, if nothing was done before it.
    """
    if failure and not done:
        raise failure
    outcomes = []
    for change in changes:
        if change.key in done:
            outcomes.append(Outcome(change, "done"))
        elif change.key in refusals:
            outcomes.append(Outcome(change, "refused", refusals[change.key]))
        else:
            outcomes.append(Outcome(change, "unsent", str(failure or "the service did not say what became of it")))
    return tuple(outcomes)


def settle(
    inputs: Bag, form: Form, recorded: Recorded, plan: Plan, outcomes: Sequence[Outcome], now: datetime
) -> dict[str, Any]:
    """Return the outputs after an apply: what is held now, and why anybody differs.

    The ledger never claims what was not confirmed.
    """
    done = {outcome.change.key for outcome in outcomes if outcome.state == "done"}
    refused = {outcome.change.key for outcome in outcomes if outcome.state == "refused"}
    ledger, deviations = dict(plan.ledger), dict(plan.deviations)
    for change in plan.changes:
        if change.key not in done:
            why = refusal_of(change) if change.key in refused else UNSENT
            deviations[change.key] = Deviation(change.declared, why)
            ledger.pop(change.key, None)
            if change.mine:
                ledger[change.key] = change.mine
    lost = [
        change.lost for change in plan.changes if change.key in done and change.is_removal and not change.is_approved
    ]
    removed = recent_removals(recorded.removed, now)
    if lost:
        minute = now.replace(second=0, microsecond=0)
        removed[minute] = removed.get(minute, Removals()) + count_removals(lost)
    return {
        **{name: inputs[name] for name in form.echoed if name in inputs},
        form.people: form.write_people(ledger),
        "deviations": form.write_deviations(deviations),
        "removed": {minute.strftime(_MINUTE): str(removals) for minute, removals in sorted(removed.items())},
        "seats": write_seats(_seats_after(plan, done)),
        "foreign": dict(sorted((Counter(plan.foreign) + Counter(_left_foreign(plan, done))).items())),
    }


def _left_foreign(plan: Plan, done: Collection[str]) -> Iterator[str]:
    """Yield the types of rows that were to become ours and did not."""
    for change in plan.changes:
        if change.key not in done and change.mine is None and change.held:
            yield change.held


def _seats_after(plan: Plan, done: Collection[str]) -> dict[str, Seats]:
    seats = dict(plan.seats_before)
    for change in plan.changes:
        if change.key in done:
            move_seat(change, seats)
    return seats


def write_seats(seats: Mapping[str, Seats]) -> dict[str, str]:
    """Return the seats as the bag holds them: `<used> of <units>` by type."""
    return {type: str(count) for type, count in sorted(seats.items())}
