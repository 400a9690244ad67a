"""The plan of a policy for people (sentences) and for machines (the plan document)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from qlik_provider.plurals import count_of, count_people
from qlik_provider.policy import UNMANAGED, UNSEEN, WAITING, DesiredPolicy, PolicyChange, PolicyPlan
from qlik_provider.policy_ledger import PolicyOutcome
from qlik_provider.report import PlanDocument, PlannedChange, count_done, describe_hold, document_readings
from qlik_provider.verdicts import HELD, UNREVIEWED

_MEANINGS = {
    UNSEEN: "the space is not shown to this caller: deleted, renamed by id, or not shared with it; an approval lets go",
    WAITING: "users still hold it by the earlier group, until their next login or SCIM cycle",
    UNMANAGED: "granted by this stack and no longer managed by it",
}


def describe_policy(resource: str, group: str, plan: PolicyPlan, *, is_idp: bool) -> tuple[str, tuple[str, ...]]:
    """Return what a plan does to a group, and what is worth a warning."""
    counts = Counter(change.verb for change in plan.changes)
    summary = ", ".join(f"{counts[verb]} to {verb}" for verb in ("grant", "withdraw") if counts[verb]) or "no changes"
    others = ", ".join(right.describe() for right in sorted(plan.others))
    parts = [
        f"{summary} ({group}, {count_people(plan.reach)})",
        f"{len(plan.held)} held" if plan.held else "",
        f"{len(plan.unreviewed)} unreviewed" if plan.unreviewed else "",
        f"not of this stack: {others}" if others else "",
    ]
    lines = [f"{resource}: {'; '.join(part for part in parts if part)}"]
    lines += [f"  {change}" for change in plan.changes]
    if plan.changes and is_idp:
        lines.append("  people feel it at their next login or SCIM cycle")
    return "\n".join(lines), tuple(_warnings(resource, plan))


def describe_policy_outcomes(resource: str, outcomes: Sequence[PolicyOutcome]) -> tuple[str, tuple[str, ...]]:
    """Return what was done, and one warning for everything that was not."""
    done = count_done(outcome.change.verb for outcome in outcomes if outcome.state == "done")
    return f"{resource}: done: {done}", tuple(
        f"{resource}: {outcome.state}: {outcome}" for outcome in outcomes if outcome.state != "done"
    )


def describe_held(resource: str, key: str, plan: PolicyPlan) -> str:
    """Return why withdrawals are held, and under which subjects an approval lists them."""
    reason = describe_hold(plan.readings)
    lines = [f"{resource}: {reason}; approve them in a file under approvals/, or keep them declared"]
    return "\n".join([*lines, *(f"  held: {change}, {_subject(key, change)}" for change in plan.held)])


def is_quiet_policy(plan: PolicyPlan) -> bool:
    """Tell whether a plan is worth no line."""
    return not (plan.changes or plan.deviations or plan.faults or plan.warnings)


def _warnings(resource: str, plan: PolicyPlan) -> Iterable[str]:
    if plan.unreviewed:
        head = (
            f"{count_of(len(plan.unreviewed), 'withdrawal')} not sent, in no plan of QLIK_REVIEWED; review a new plan"
        )
        yield "\n".join([f"{resource}: {head}", *(f"  unreviewed: {change}" for change in plan.unreviewed)])
    reasons: dict[str, list[str]] = {}
    for right, deviation in sorted(plan.deviations.items()):
        if deviation.why not in {HELD, UNREVIEWED}:
            reasons.setdefault(deviation.why, []).append(right.describe())
    for why, rights in sorted(reasons.items()):
        meaning = f" ({_MEANINGS[why]})" if why in _MEANINGS else ""
        yield f"{resource}: {why}: {', '.join(rights)}{meaning}"
    yield from (f"{resource}: {warning}" for warning in plan.warnings)


def make_policy_document(
    resource: str,
    desired: DesiredPolicy,
    group: str,
    plan: PolicyPlan,
    deviations: Mapping[str, str],
    now: datetime,
    *,
    identity: Mapping[str, str],
    approvals: str | None = None,
) -> PlanDocument:
    """Return a plan as a document; the subject of a change is what an approval lists."""

    def document(change: PolicyChange) -> PlannedChange:
        right = str(change.right)
        held, declared = (right, None) if change.is_removal else (None, right)
        return PlannedChange(
            verb=change.verb,
            subject=_subject(desired.key, change),
            mail=group,
            held=held,
            declared=declared,
            keys=(desired.key,),
            is_removal=change.is_removal,
            is_approved=change.is_approved,
        )

    kind: Literal["GroupPolicy"] = "GroupPolicy"
    return PlanDocument(
        resource=resource,
        kind=kind,
        identity=dict(identity),
        approvals=approvals,
        now=now,
        changes=tuple(document(change) for change in plan.changes),
        held=tuple(document(change) for change in plan.held),
        unreviewed=tuple(document(change) for change in plan.unreviewed),
        deviations=dict(sorted(deviations.items())),
        seats={},
        foreign={},
        brake=document_readings(plan.readings),
        faults=plan.faults,
        warnings=plan.warnings,
    )


def _subject(key: str, change: PolicyChange) -> str:
    return DesiredPolicy(key).subject_of(change.right)
