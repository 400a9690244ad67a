"""The plan for the spaces of people, for people (sentences) and for machines (the plan document)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from qlik_provider.changes import name_some
from qlik_provider.entitlements import PEOPLE
from qlik_provider.policy import UNMANAGED, UNSEEN, WAITING, PolicyChange, write_subject
from qlik_provider.policy_ledger import PolicyOutcome
from qlik_provider.report import PlanDocument, PlannedChange, count_done, describe_hold, document_readings
from qlik_provider.user_policy import UserPlan
from qlik_provider.verdicts import HELD, UNREVIEWED

_NAMED = 50
_MEANINGS = {
    UNSEEN: "the space is not shown to this caller: deleted, renamed by id, or not shared with it; an approval lets go",
    WAITING: "no users of the tenant yet",
    UNMANAGED: "granted by this stack and no longer managed by it",
}

Changes = Sequence[tuple[str, PolicyChange]]


def describe_users(resource: str, plan: UserPlan) -> tuple[str, tuple[str, ...]]:
    """Return what a plan does to whom, and what is worth a warning."""
    counts = Counter(change.verb for _, change in plan.changes)
    summary = ", ".join(f"{counts[verb]} to {verb}" for verb in ("grant", "withdraw") if counts[verb]) or "no changes"
    parts = [
        summary,
        f"{len(plan.held)} held" if plan.held else "",
        f"{len(plan.unreviewed)} unreviewed" if plan.unreviewed else "",
    ]
    return "\n".join([f"{resource}: {'; '.join(part for part in parts if part)}", *_name(plan, plan.changes)]), tuple(
        _warnings(resource, plan)
    )


def describe_user_outcomes(
    resource: str, plan: UserPlan, outcomes: Mapping[str, Sequence[PolicyOutcome]]
) -> tuple[str, tuple[str, ...]]:
    """Return what was done, and one warning for everything that was not."""
    done = count_done(o.change.verb for own in outcomes.values() for o in own if o.state == "done")
    return f"{resource}: done: {done}", tuple(
        f"{resource}: {o.state}: {plan.mails[id]}: {o}"
        for id, own in outcomes.items()
        for o in own
        if o.state != "done"
    )


def describe_held_users(resource: str, plan: UserPlan) -> str:
    """Return why withdrawals are held, and under which subjects an approval lists them."""
    reason = describe_hold(plan.readings)
    lines = [f"{resource}: {reason}; approve them in a file under approvals/, or keep them declared"]
    held = [f"  held: {_say(plan, *entry)}, {_subject(*entry)}" for entry in plan.held[:_NAMED]]
    return "\n".join([*lines, *held, *_more(plan.held)])


def is_quiet_users(plan: UserPlan) -> bool:
    """Tell whether a plan is worth no line."""
    has_deviations = any(own.deviations for own in plan.plans.values())
    return not (plan.changes or has_deviations or plan.faults or plan.warnings)


def _name(plan: UserPlan, changes: Changes) -> list[str]:
    removals = [entry for entry in changes if entry[1].is_removal]
    grants = [entry for entry in changes if not entry[1].is_removal]
    return [
        line
        for entries in (removals, grants)
        for line in (*(f"  {_say(plan, *entry)}" for entry in entries[:_NAMED]), *_more(entries))
    ]


def _more(changes: Changes) -> list[str]:
    return [f"  … and {len(changes) - _NAMED} more"] if len(changes) > _NAMED else []


def _say(plan: UserPlan, id: str, change: PolicyChange) -> str:
    return f"{change.describe('user')} {'from' if change.is_removal else 'to'} {plan.mails[id]}"


def _subject(id: str, change: PolicyChange) -> str:
    return write_subject(id, str(change.right))


def _warnings(resource: str, plan: UserPlan) -> Iterable[str]:
    if plan.unreviewed:
        head = f"{len(plan.unreviewed)} withdrawals not sent, in no plan of QLIK_REVIEWED; review a new plan"
        named = [f"  unreviewed: {_say(plan, *entry)}" for entry in plan.unreviewed[:_NAMED]]
        yield "\n".join([f"{resource}: {head}", *named, *_more(plan.unreviewed)])
    reasons: dict[str, list[str]] = {}
    for id, own in plan.plans.items():
        for right, deviation in sorted(own.deviations.items()):
            if deviation.why not in {HELD, UNREVIEWED}:
                reasons.setdefault(deviation.why, []).append(f"{plan.mails[id]} ({right.describe()})")
    for why, rights in sorted(reasons.items()):
        meaning = f"; {_MEANINGS[why]}" if why in _MEANINGS else ""
        yield f"{resource}: {why}: {name_some(rights)}{meaning}"
    yield from (f"{resource}: {warning}" for warning in plan.warnings)


def make_user_document(
    resource: str,
    plan: UserPlan,
    deviations: Mapping[str, str],
    now: datetime,
    *,
    identity: Mapping[str, str],
    approvals: str | None = None,
) -> PlanDocument:
    """Return a plan as a document; the subject of a change is what an approval lists."""

    def document(id: str, change: PolicyChange) -> PlannedChange:
        right = str(change.right)
        held, declared = (right, None) if change.is_removal else (None, right)
        return PlannedChange(
            verb=change.verb,
            subject=_subject(id, change),
            mail=plan.mails[id],
            held=held,
            declared=declared,
            keys=(PEOPLE,),
            is_removal=change.is_removal,
            is_approved=change.is_approved,
        )

    return PlanDocument(
        resource=resource,
        kind="UserPolicy",
        identity=dict(identity),
        approvals=approvals,
        now=now,
        changes=tuple(document(*entry) for entry in plan.changes),
        held=tuple(document(*entry) for entry in plan.held),
        unreviewed=tuple(document(*entry) for entry in plan.unreviewed),
        deviations=dict(sorted(deviations.items())),
        seats={},
        foreign={},
        brake=document_readings(plan.readings),
        faults=plan.faults,
        warnings=plan.warnings,
    )
