"""Between the property bags of `Leavers` and the values that its plan works on; performs no I/O."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from qlik_provider.brake import add_removals, count_removals
from qlik_provider.entitlements import NONE, BySubject, Deviation, Entitlement
from qlik_provider.ladder import write_refusal
from qlik_provider.ledger import LEAVERS, Bag, parse_removed, write_object_ids, write_removed
from qlik_provider.owned import Belonging
from qlik_provider.people import TenantUser
from qlik_provider.rungs import (
    DISABLED,
    TRANSFERRED,
    USER,
    DesiredLadder,
    LadderChange,
    LadderPlan,
    RecordedLadder,
    Standing,
    Terms,
    Verb,
    parse_standing,
    write_subject,
)
from qlik_provider.verdicts import UNSENT

State = Literal["done", "refused", "unsent"]


@dataclass(frozen=True)
class LadderOutcome:
    """What became of one change: done, refused by the tenant, or unsent (and then tried by every run)."""

    change: LadderChange
    state: State
    reason: str = ""
    left: Mapping[Belonging, str] = field(default_factory=dict)
    """Of a transfer: what is not where it should be, and why."""

    def __str__(self) -> str:
        return str(self.change) if self.state == "done" else f"{self.change}: {self.reason}"


def terms_of(rules: Bag) -> Terms:
    """Return after how long the rungs come, by the rules of a resource, in hours."""

    def after(name: str) -> timedelta | None:
        return timedelta(hours=int(rules[name])) if name in rules else None

    return Terms(after("disableAfter"), after("deleteAfter"))


def find_term_faults(inputs: Bag) -> Iterator[str]:
    """Yield what is wrong with people and rules beyond their form."""
    rules = inputs.get("rules", {})
    for subject, entry in LEAVERS.parse_people(inputs).items():
        if entry.type != USER:
            yield f"people[{subject!r}]: {entry.type!r} is not {USER!r}"
    if "deleteAfter" in rules and "disableAfter" not in rules:
        yield "rules['deleteAfter']: nobody is deleted who was not disabled before; give disableAfter too"
    elif "deleteAfter" in rules and rules["deleteAfter"] <= rules["disableAfter"]:
        yield "rules['deleteAfter']: is not later than disableAfter"
    if "transferTo" in rules and "deleteAfter" not in rules:
        yield "rules['transferTo']: is of no use without deleteAfter"


def desired_ladder(inputs: Bag) -> DesiredLadder:
    """Return what the inputs declare; raises ValueError with every value that does not parse."""
    rules = inputs.get("rules", {})
    return DesiredLadder(
        people=LEAVERS.parse_people(inputs),
        object_ids=inputs.get("objectIds", {}),
        terms=terms_of(rules),
        steward=str(rules.get("transferTo", "")),
        baseline=str(rules.get("baseline", NONE)),
    )


def recorded_ladder(outputs: Bag, *, settled: bool) -> RecordedLadder:
    """Return what the outputs record; a standing that cannot be read is none, so its clock begins anew."""
    standings = {subject: parse_standing(text) for subject, text in outputs.get("leaving", {}).items()}
    return RecordedLadder(
        ledger=LEAVERS.parse_people(outputs),
        leaving={subject: standing for subject, standing in standings.items() if standing},
        disabled={subject: str(status) for subject, status in outputs.get("disabled", {}).items()},
        deviations=LEAVERS.parse_deviations(outputs),
        removed=parse_removed(outputs),
        object_ids=outputs.get("objectIds", {}),
        settled=settled,
    )


def correct_ladder(outputs: Bag, users: Iterable[TenantUser]) -> dict[str, Any]:
    """Return `outputs` as far as the users of the tenant bear them out: whom others enabled stands on no rung.

    Nothing is ever added, and nobody leaves the ledger by a read.
    """
    statuses = BySubject((user.subject, user.status) for user in users)
    enabled = {s for s in outputs.get("disabled", {}) if statuses.get(s, DISABLED) != DISABLED}
    left = {
        name: {subject: text for subject, text in outputs.get(name, {}).items() if subject not in enabled}
        for name in ("leaving", "disabled")
    }
    return {**outputs, **left}


def settle_ladder(
    inputs: Bag, recorded: RecordedLadder, plan: LadderPlan, outcomes: Iterable[LadderOutcome], now: datetime
) -> dict[str, Any]:
    """Return the outputs after an apply; nobody leaves the record or rises in it by what was not confirmed."""
    outcomes = list(outcomes)
    ledger, leaving, disabled = dict(plan.ledger), dict(plan.leaving), dict(plan.disabled)
    deviations = dict(plan.deviations)
    lost: list[Entitlement] = []
    for subject, stay in plan.stays.items():
        own = {outcome.change.verb: outcome for outcome in outcomes if outcome.change.subject == subject}
        lost += [own[v].change.entry for v in own if _counts(own[v])]
        failed = next((outcome for outcome in own.values() if outcome.state != "done"), None)
        if own and failed is None:
            continue
        ledger[subject] = stay.entry
        _put(leaving, subject, stay.standing)
        _put(disabled, subject, stay.mark)
        if own and own.get("transfer") and own["transfer"].state == "done" and stay.standing:
            is_reached = stay.standing.rung == TRANSFERRED
            moment = now.replace(second=0, microsecond=0)
            leaving[subject] = stay.standing if is_reached else Standing(TRANSFERRED, moment)
        deviations[subject] = Deviation(stay.declared, _name_failure(failed))
    ids = {s: id for s, id in recorded.object_ids.items() if s in ledger} | dict(inputs.get("objectIds", {}))
    return {
        **{name: inputs[name] for name in LEAVERS.echoed if name in inputs},
        LEAVERS.people: LEAVERS.write_people(ledger),
        "leaving": {subject: str(standing) for subject, standing in sorted(leaving.items())},
        "disabled": dict(sorted(disabled.items())),
        "deviations": LEAVERS.write_deviations(deviations),
        "removed": write_removed(add_removals(recorded.removed, count_removals(lost), now)),
        **write_object_ids(ids),
    }


def _counts(outcome: LadderOutcome) -> bool:
    return outcome.state == "done" and outcome.change.is_removal and not outcome.change.is_approved


def _put(values: dict[str, Any], subject: str, value: Any) -> None:
    """Record a value, or nothing where there is none."""
    values.pop(subject, None)
    if value is not None:
        values[subject] = value


def _name_failure(failed: LadderOutcome | None) -> str:
    if failed is None or failed.state == "unsent":
        return UNSENT
    return write_refusal(failed.change.verb)


def fates_of_rungs(outcomes: Iterable[LadderOutcome]) -> dict[str, tuple[State, str]]:
    """Return what became of each change and why, by the subject in the plan document; of a transfer by each thing."""
    fates: dict[str, tuple[State, str]] = {}
    for outcome in outcomes:
        change = outcome.change
        if change.verb != "transfer":
            fates[change.approval] = outcome.state, outcome.reason
        for item in change.items:
            reason = outcome.left.get(item, "")
            is_there = outcome.state == "done" or (outcome.state == "refused" and not reason)
            state: State = "done" if is_there else outcome.state
            fates[write_item(change.verb, change.subject, item)] = state, "" if is_there else reason or outcome.reason
    return fates


def write_item(verb: Verb, subject: str, item: Belonging) -> str:
    """Return the subject of a thing that is handed over, in a plan document."""
    return f"{write_subject(verb, subject)}/{item.kind}/{item.id}"
