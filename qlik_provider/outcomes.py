"""What became of the changes of a plan, and the record that this leads to; performs no I/O."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from qlik_provider.brake import add_removals, count_removals
from qlik_provider.changes import Change, move_seat
from qlik_provider.entitlements import (
    Deviation,
    Entitlement,
    Seats,
    fold,
)
from qlik_provider.errors import QlikProviderError
from qlik_provider.ledger import (
    Bag,
    Form,
    rules_of,
    write_absent,
    write_object_ids,
    write_removed,
    write_reverts,
    write_seats,
    write_unseen,
)
from qlik_provider.plan import Plan
from qlik_provider.premises import Recorded
from qlik_provider.verdicts import UNSENT, WAITLISTED, refusal_of, refusal_of_move, why_it_stays


@dataclass(frozen=True)
class Outcome:
    """What became of one change: done, refused by the service, short of a seat, or unsent (tried by every run).

    One that is done by what the service answered, and that its list never showed in time, is not `is_seen`. Of one that
    was not done `is_gone` tells that the row it was about is no longer there either.
    """

    change: Change
    state: Literal["done", "refused", "short", "unsent"]
    reason: str = ""
    is_seen: bool = True
    is_gone: bool = False

    def __str__(self) -> str:
        gone = f"; {self.change.held} is gone" if self.is_gone else ""
        return str(self.change) if self.state == "done" else f"{self.change}: {self.reason}{gone}"


def conclude(
    changes: Iterable[Change],
    done: Collection[str],
    refusals: Mapping[str, str],
    failure: QlikProviderError | None,
    *,
    short: Collection[str] = (),
    unseen: Collection[str] = (),
) -> tuple[Outcome, ...]:
    """Return what became of each change, given the keys of those done, the service's reasons for others.

    `short` are those of the refused whose seat somebody else took, `unseen` those done that the service's list does
    not show.

    Raises `failure`, which stopped the work, if nothing was done before it.
    """
    if failure and not done:
        raise failure
    outcomes = []
    for change in changes:
        if change.key in done:
            outcomes.append(Outcome(change, "done", is_seen=change.key not in unseen))
        elif change.key in refusals:
            outcomes.append(Outcome(change, "short" if change.key in short else "refused", refusals[change.key]))
        else:
            outcomes.append(Outcome(change, "unsent", str(failure or "the service did not say what became of it")))
    return tuple(outcomes)


def settle(
    inputs: Bag, form: Form, recorded: Recorded, plan: Plan, outcomes: Sequence[Outcome], now: datetime
) -> dict[str, Any]:
    """Return the outputs after an apply: what is held now, and why anybody differs.

    The ledger never claims what was not confirmed; `unseen` is what of it no list has shown, so far.
    """
    moved = [outcome for outcome in outcomes if outcome.change.verb == "move"]
    outcomes = [outcome for outcome in outcomes if outcome.change.verb != "move"]
    done = {outcome.change.key for outcome in outcomes if outcome.state == "done"}
    gone = {outcome.change.key for outcome in outcomes if outcome.is_gone}
    # Of what is gone a refusal is no news: it was about another row.
    states = {outcome.change.key: UNSENT if outcome.is_gone else outcome.state for outcome in outcomes}
    is_waiting = rules_of(inputs).is_waiting
    ledger, deviations = dict(plan.ledger), dict(plan.deviations)
    for change in plan.changes:
        if change.key not in done:
            why = _name_failure(change, states.get(change.key), is_waiting=is_waiting)
            deviations[change.key] = Deviation(change.declared, why)
            ledger.pop(change.key, None)
            if change.mine and change.key not in gone:
                ledger[change.key] = change.mine
    _put_back([outcome for outcome in moved if outcome.state != "done"], recorded, ledger, deviations)
    unseen = {subject: type for subject, type in recorded.unseen.items() if subject not in done}
    late = [outcome for outcome in (*moved, *outcomes) if outcome.state == "done" and not outcome.is_seen]
    unseen |= {outcome.change.key: outcome.change.type for outcome in late if outcome.change.type}
    lost = [
        change.lost for change in plan.changes if change.key in done and change.is_removal and not change.is_approved
    ]
    return {
        **{name: inputs[name] for name in form.echoed if name in inputs},
        form.people: form.write_people(ledger),
        "deviations": form.write_deviations(deviations),
        "removed": write_removed(add_removals(recorded.removed, count_removals(lost), now)),
        **write_reverts(plan.reverts),
        "seats": write_seats(_seats_after(plan, done)),
        "foreign": dict(sorted((Counter(plan.foreign) + Counter(_become_foreign(plan, done))).items())),
        **write_unseen({subject: type for subject, type in unseen.items() if subject in ledger}),
        **write_absent(plan.absent, ledger, rules_of(inputs).releases, now),
        **write_object_ids(
            {s: id for s, id in recorded.object_ids.items() if s in ledger} | dict(inputs.get("objectIds", {}))
        ),
    }


def _put_back(
    outcomes: Iterable[Outcome],
    recorded: Recorded,
    ledger: dict[str, Entitlement],
    deviations: dict[str, Deviation],
) -> None:
    """Give the seats that were to move and did not back to the subjects that hold them, and say so at both."""
    spelling = {fold(subject): subject for subject in recorded.ledger}
    failed = [(outcome, spelling[fold(outcome.change.subject)]) for outcome in outcomes]
    for outcome, _ in failed:
        ledger.pop(outcome.change.key, None)
    declared = {fold(subject): subject for subject in deviations}
    for outcome, former in failed:
        change = outcome.change
        why = refusal_of_move(former) if outcome.state == "refused" and not outcome.is_gone else UNSENT
        deviations[change.key] = Deviation(change.declared, why)
        if change.mine and not outcome.is_gone:
            name = declared.get(fold(former), former)  # whose it is today may spell it otherwise
            ledger[name] = change.mine
            deviations.setdefault(name, Deviation(None, why_it_stays(recorded.deviations.get(former), why)))


def _name_failure(change: Change, state: str | None, *, is_waiting: bool) -> str:
    """Return why a change was not done; who lost a seat to somebody else waits, where waiting is declared."""
    if state == "short" and is_waiting:
        return WAITLISTED
    return refusal_of(change) if state in {"refused", "short"} else UNSENT


def _become_foreign(plan: Plan, done: Collection[str]) -> Iterator[str]:
    """Yield the types of rows that were to become ours and did not, and of those that are the tenant's again."""
    for change in plan.changes:
        if change.key in done:
            if change.type and change.key not in plan.ledger:
                yield change.type
        elif change.mine is None and change.held:
            yield change.held


def _seats_after(plan: Plan, done: Collection[str]) -> dict[str, Seats]:
    seats = dict(plan.seats_before)
    for change in plan.changes:
        if change.key in done:
            move_seat(change, seats)
    return seats
