"""The plan of the ladder for people (sentences) and for machines (the plan document)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from qlik_provider.changes import name_some
from qlik_provider.ladder_ledger import LadderOutcome, write_item
from qlik_provider.owned import HIDDEN
from qlik_provider.plurals import count_of
from qlik_provider.report import PlanDocument, PlannedChange, count_done, describe_hold, document_readings
from qlik_provider.rungs import RUNGS, VERBS, LadderChange, LadderPlan
from qlik_provider.verdicts import HELD, UNREVIEWED

_NAMED = 50
_MEANINGS = {
    "unproven": "whether they left is not known, so nothing moves",
    "frozen": "what gave them anything is in doubt, so nothing moves",
    "protected": "nobody disables, deletes or enables them",
}


def describe_ladder(resource: str, plan: LadderPlan) -> tuple[str, tuple[str, ...]]:
    """Return what a plan does, and what is worth a warning."""
    counts = Counter(change.verb for change in plan.changes)
    parts = [
        ", ".join(f"{counts[verb]} to {verb}" for verb in VERBS if counts[verb]) or "no changes",
        f"{len(plan.held)} held" if plan.held else "",
        f"{len(plan.unreviewed)} unreviewed" if plan.unreviewed else "",
        _describe_standings(plan),
    ]
    lines = [f"{resource}: {'; '.join(part for part in parts if part)}"]
    lines += [f"  {reading}" for reading in plan.readings if not reading.key and (reading.now or reading.recent)]
    lines += [f"  {change}" for change in plan.changes[:_NAMED]] + _more(plan.changes)
    if counts["delete"]:
        lines.append(f"  with a user goes what nobody else is shown: {HIDDEN.partition(':')[0]}")
    return "\n".join(lines), tuple(_warnings(resource, plan))


def describe_ladder_outcomes(resource: str, outcomes: Sequence[LadderOutcome]) -> tuple[str, tuple[str, ...]]:
    """Return what was done, and one warning for everything that was not."""
    done = count_done(outcome.change.verb for outcome in outcomes if outcome.state == "done")
    return f"{resource}: done: {done}", tuple(
        f"{resource}: {outcome.state}: {outcome}" for outcome in outcomes if outcome.state != "done"
    )


def is_quiet_ladder(plan: LadderPlan) -> bool:
    """Tell whether a plan is worth no line."""
    return not (plan.changes or plan.deviations or plan.faults or plan.warnings)


def _describe_standings(plan: LadderPlan) -> str:
    mails = {rung: [plan.ledger[s].mail for s, it in plan.leaving.items() if it.rung == rung] for rung in RUNGS}
    texts = ", ".join(f"{len(who)} {rung} ({name_some(sorted(who))})" for rung, who in mails.items() if who)
    return f"on the ladder: {texts}" if texts else ""


def _warnings(resource: str, plan: LadderPlan) -> Iterator[str]:
    if plan.held:
        lines = [f"{resource}: {describe_hold(plan.readings)}; approve them in a file under approvals/"]
        lines += [f"  held: {change}, {change.approval}" for change in plan.held[:_NAMED]]
        yield "\n".join(lines + _more(plan.held))
    if plan.unreviewed:
        head = f"{count_of(len(plan.unreviewed), 'removal')} not sent, in no plan of QLIK_REVIEWED; review a new plan"
        lines = [f"{resource}: {head}", *(f"  unreviewed: {change}" for change in plan.unreviewed[:_NAMED])]
        yield "\n".join(lines + _more(plan.unreviewed))
    reasons: dict[str, list[str]] = {}
    for subject, deviation in plan.deviations.items():
        if deviation.why not in {HELD, UNREVIEWED, *RUNGS}:
            entry = plan.ledger.get(subject)
            reasons.setdefault(deviation.why, []).append(entry.mail if entry else subject)
    for why, mails in sorted(reasons.items()):
        meaning = f" ({_MEANINGS[why]})" if why in _MEANINGS else ""
        yield f"{resource}: {why}: {name_some(sorted(mails))}{meaning}"
    yield from (f"{resource}: {warning}" for warning in plan.warnings)


def _more(changes: Sequence[LadderChange]) -> list[str]:
    return [f"  … and {len(changes) - _NAMED} more"] if len(changes) > _NAMED else []


def make_ladder_document(
    resource: str,
    plan: LadderPlan,
    deviations: Mapping[str, str],
    now: datetime,
    *,
    identity: Mapping[str, str],
    approvals: str | None = None,
) -> PlanDocument:
    """Return a plan as a document; a transfer is one change for each thing."""
    return PlanDocument(
        resource=resource,
        kind="Leavers",
        identity=dict(identity),
        approvals=approvals,
        now=now,
        changes=tuple(planned for change in plan.changes for planned in _document(change)),
        held=tuple(planned for change in plan.held for planned in _document(change)),
        unreviewed=tuple(planned for change in plan.unreviewed for planned in _document(change)),
        deviations=dict(sorted(deviations.items())),
        seats={},
        foreign={},
        brake=document_readings(plan.readings),
        leaving={subject: str(standing) for subject, standing in sorted(plan.leaving.items())},
        faults=plan.faults,
        warnings=plan.warnings,
    )


def _document(change: LadderChange) -> Iterable[PlannedChange]:
    if change.verb == "transfer":
        to = change.steward.subject if change.steward else None
        return [
            _write(
                change, write_item(change.verb, change.subject, item), str(item), to if item.way == "transfer" else None
            )
            for item in change.items
        ]
    return [_write(change, change.approval, change.user.status, change.becomes)]


def _write(change: LadderChange, subject: str, held: str, declared: str | None) -> PlannedChange:
    return PlannedChange(
        verb=change.verb,
        subject=subject,
        mail=change.entry.mail,
        held=held,
        declared=declared,
        keys=change.entry.keys,
        is_removal=change.is_removal,
        is_approved=change.is_approved,
    )
