"""A plan for people (sentences) and for machines (the plan document)."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from qlik_provider.accounts import USER
from qlik_provider.brake import Reading, describe_breach
from qlik_provider.changes import Change
from qlik_provider.entitlements import MEMBER
from qlik_provider.errors import UnusablePlans
from qlik_provider.joiners import KNOWN_AS, SHARED
from qlik_provider.outcomes import Outcome
from qlik_provider.plan import Plan
from qlik_provider.plurals import count_of
from qlik_provider.verdicts import ABSENT, HELD, UNREVIEWED, WAITLISTED

_NAMED_REMOVALS = 50
_NAMED_GAINS = 10


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class PlannedChange(_Part):
    """One change of a plan document."""

    verb: Literal[
        "move", "revoke", "switch", "assign", "add", "remove", "grant", "withdraw", "put", "give back", "create",
        "enable", "disable", "transfer", "delete",
    ]  # fmt: skip
    subject: str
    """Whose row it is before."""
    mail: str
    held: str | None
    """The type before; null for none."""
    declared: str | None
    """The type afterwards; null for none."""
    keys: tuple[str, ...]
    is_removal: bool
    is_approved: bool
    becomes: str | None = None
    """The subject to which a seat moves; null for everything else."""


class PlannedSeats(_Part):
    """The seats of one license type before and after."""

    units: int
    before: int
    after: int


class UnexplainedRow(_Part):
    """A license row that neither the record nor the declaration explains."""

    subject: str
    type: str
    created: datetime | None
    given: datetime | None
    """When this very client gave it, by the audits; null on a first run, where nobody asked them."""


class BrakeReading(_Part):
    """What the brake saw; `key` is empty for the whole resource."""

    key: str
    now: int
    recent: int
    population: int
    is_breached: bool


class PlanDocument(_Part):
    """The plan of one resource, in one phase of one run."""

    version: Literal[1] = 1
    resource: str
    kind: Literal[
        "LicenseAssignments", "DirectoryMembers", "TenantGroupMembers", "GroupPolicy", "UserPolicy", "LicenseSettings",
        "Users", "Leavers", "Webhook",
    ]  # fmt: skip
    identity: dict[str, str]
    """What the resource belongs to: `tenantId` and `license`, `group` and `groupObjectId` where that is known,
    `tenantId` and `key`, or `tenantId`."""
    approvals: str | None
    """The folder of the approval files that were read; null for none."""
    now: datetime
    """The time of the tenant, or of this process where no tenant was asked."""
    changes: tuple[PlannedChange, ...]
    """In the order in which they are sent."""
    held: tuple[PlannedChange, ...]
    unreviewed: tuple[PlannedChange, ...]
    """Removals that were in no reviewed plan, and so are not sent."""
    deviations: dict[str, str]
    seats: dict[str, PlannedSeats]
    foreign: dict[str, int]
    brake: tuple[BrakeReading, ...]
    unexplained: tuple[UnexplainedRow, ...] = ()
    leaving: dict[str, str] = {}
    """Of `Leavers`: who stands on which rung, and since when."""
    faults: tuple[str, ...]
    warnings: tuple[str, ...]


def describe_plan(resource: str, plan: Plan) -> tuple[str, tuple[str, ...]]:
    """Return what a plan does, and what is worth a warning."""
    counts = Counter(_verb(change) for change in plan.sent)
    summary = ", ".join(f"{counts[verb]} to {verb}" for verb in sorted(counts)) or "no changes"
    left = [
        f"{len(plan.held)} held" if plan.held else "",
        f"{len(plan.unreviewed)} unreviewed" if plan.unreviewed else "",
    ]
    parts = [summary, *left, _describe_seats(plan), _describe_foreign(plan)]
    lines = [f"{resource}: {'; '.join(part for part in parts if part)}", *_describe_removals(plan)]
    removals = [change for change in plan.changes if change.is_removal]
    gains = [change for change in plan.changes if not change.is_removal]
    lines += (
        _name(removals, _NAMED_REMOVALS)
        + _name(plan.moves, _NAMED_GAINS)
        + _name(gains, _NAMED_GAINS)
        + [f"  {note}" for note in plan.notes]
    )
    return "\n".join(lines), tuple(_warnings(resource, plan))


def describe_outcomes(resource: str, outcomes: Sequence[Outcome]) -> tuple[str, tuple[str, ...]]:
    """Return what was done, and one warning for everything that was not."""
    done = count_done(_verb(outcome.change) for outcome in outcomes if outcome.state == "done")
    unseen = [outcome.change for outcome in outcomes if not outcome.is_seen]
    warnings = [
        f"{resource}: {'unsent' if outcome.state == 'unsent' else 'refused'}: {outcome}"
        for outcome in outcomes
        if outcome.state != "done"
    ]
    if unseen:
        lines = [f"{resource}: {len(unseen)} done and not shown by the service yet; the record keeps what it confirmed"]
        warnings.append("\n".join(lines + _name(unseen, _NAMED_GAINS)))
    return f"{resource}: done: {done}", tuple(warnings)


def count_done(verbs: Iterable[str]) -> str:
    """Return how many changes of each verb were done."""
    counts = Counter(verbs)
    return ", ".join(f"{verb} {counts[verb]}" for verb in sorted(counts)) or "nothing"


def is_quiet(plan: Plan) -> bool:
    """Tell whether a plan is worth no line."""
    return not (plan.sent or plan.deviations or plan.faults or plan.warnings or plan.notes or plan.seats)


def _verb(change: Change) -> Literal["move", "revoke", "switch", "assign", "add", "remove", "create"]:
    if change.type == USER:
        return "create"
    if MEMBER in {change.type, change.held}:
        return "add" if change.verb == "assign" else "remove"
    return change.verb


def _describe_seats(plan: Plan) -> str:
    texts = []
    for type, after in sorted(plan.seats.items()):
        before = plan.seats_before[type]
        arrow = f"{before.used} → {after.used}" if before.used != after.used else str(after.used)
        texts.append(f"{type} {arrow} of {after.units}")
    return f"seats: {', '.join(texts)}" if texts else ""


def _describe_removals(plan: Plan) -> Iterable[str]:
    """Yield what the brake counts in the whole resource, where there is anything to count, too many or not."""
    approved = sum(change.is_approved for change in plan.changes)
    for reading in plan.readings:
        if not reading.key and (reading.now or reading.recent or approved):
            yield f"  {reading}" + (f"; approved besides: {approved}" if approved else "")


def _describe_foreign(plan: Plan) -> str:
    foreign = ", ".join(f"{count} {type}" for type, count in plan.foreign.items())
    return f"not of this stack: {foreign}" if foreign else ""


def _name(changes: Sequence[Change], limit: int) -> list[str]:
    return [f"  {change}" for change in changes[:limit]] + _more(changes, limit)


def _more(changes: Sequence[Any], limit: int) -> list[str]:
    return [f"  … and {len(changes) - limit} more"] if len(changes) > limit else []


def _warnings(resource: str, plan: Plan) -> Iterable[str]:
    if plan.held:
        reason = describe_hold(plan.readings)
        lines = [f"{resource}: {reason}; approve them in a file under approvals/, or no longer want them"]
        lines += [f"  held: {change}, {change.key}" for change in plan.held[:_NAMED_REMOVALS]]
        yield "\n".join(lines + _more(plan.held, _NAMED_REMOVALS))
    if plan.unreviewed:
        count = count_of(len(plan.unreviewed), "removal")
        lines = [f"{resource}: {count} not sent, in no plan of QLIK_REVIEWED; review a new plan"]
        lines += [f"  unreviewed: {change}" for change in plan.unreviewed[:_NAMED_REMOVALS]]
        yield "\n".join(lines + _more(plan.unreviewed, _NAMED_REMOVALS))
    reasons: dict[str, list[str]] = {}
    for subject, deviation in plan.deviations.items():
        if deviation.why not in {ABSENT, HELD, SHARED, UNREVIEWED, WAITLISTED} and KNOWN_AS not in deviation.why:
            name = deviation.declared or plan.ledger.get(subject)
            reasons.setdefault(deviation.why, []).append(name.mail if name else subject)
    for why, names in sorted(reasons.items()):
        yield f"{resource}: {why}: {', '.join(sorted(names)[:_NAMED_GAINS])}" + (
            f" … and {len(names) - _NAMED_GAINS} more" if len(names) > _NAMED_GAINS else ""
        )
    yield from _describe_unexplained(resource, plan)
    yield from (f"{resource}: {warning}" for warning in plan.warnings)


def describe_hold(readings: Sequence[Reading]) -> str:
    """Return why removals are held."""
    breach = describe_breach(readings)
    return f"{breach}: too many for the brake" if breach else "held by the brake before"


def _describe_unexplained(resource: str, plan: Plan) -> Iterable[str]:
    given = [
        f"  {row.type} of {row.subject}, given at {row.given:%Y-%m-%d %H:%M} UTC"
        for row in plan.unexplained
        if row.given
    ]
    left = [f"  {row.type} of {row.subject}" for row in plan.unexplained if not row.given]
    if given:
        head = "given by this client, not recorded and not declared, probably by an interrupted run"
        lines = [f"{resource}: {len(given)} {head}; declare them or take them back by hand", *given[:_NAMED_GAINS]]
        yield "\n".join(lines + _more(given, _NAMED_GAINS))
    if left:
        head = "held by users of this tenant whom no group explains; they are left alone"
        lines = [f"{resource}: {len(left)} {head}", *left[:_NAMED_GAINS]]
        yield "\n".join(lines + _more(left, _NAMED_GAINS))


def make_document(
    resource: str,
    kind: Literal["LicenseAssignments", "DirectoryMembers", "TenantGroupMembers", "Users"],
    plan: Plan,
    deviations: Mapping[str, str],
    now: datetime,
    *,
    identity: Mapping[str, str],
    approvals: str | None = None,
) -> PlanDocument:
    """Return a plan as a document."""
    return PlanDocument(
        resource=resource,
        kind=kind,
        identity=dict(identity),
        approvals=approvals,
        now=now,
        changes=tuple(_document_change(change) for change in plan.sent),
        held=tuple(_document_change(change) for change in plan.held),
        unreviewed=tuple(_document_change(change) for change in plan.unreviewed),
        deviations=dict(sorted(deviations.items())),
        seats={
            type: PlannedSeats(units=after.units, before=plan.seats_before[type].used, after=after.used)
            for type, after in sorted(plan.seats.items())
        },
        foreign=dict(plan.foreign),
        brake=document_readings(plan.readings),
        unexplained=tuple(
            UnexplainedRow(subject=row.subject, type=row.type, created=row.created, given=row.given)
            for row in plan.unexplained
        ),
        faults=plan.faults,
        warnings=plan.warnings,
    )


def _document_change(change: Change) -> PlannedChange:
    entitlement = change.declared or change.lost
    return PlannedChange(
        verb=_verb(change),
        subject=change.subject,
        mail=change.mail,
        held=change.held,
        declared=change.type,
        keys=entitlement.keys,
        is_removal=change.is_removal,
        is_approved=change.is_approved,
        becomes=change.becomes,
    )


def document_readings(readings: Iterable[Reading]) -> tuple[BrakeReading, ...]:
    """Return what the brake saw as a document has it."""
    return tuple(
        BrakeReading(
            key=reading.key,
            now=reading.now,
            recent=reading.recent,
            population=reading.population,
            is_breached=reading.breached,
        )
        for reading in readings
    )


def write_document(document: PlanDocument, environment: Mapping[str, str] = os.environ) -> None:
    """Write a plan document to `$QLIK_PLAN_DIR/<resource>.json`; raises UnusablePlans where that cannot be."""
    write_part(document.resource, document, environment)


def write_part(name: str, part: BaseModel, environment: Mapping[str, str]) -> None:
    """Write a document of this run to `QLIK_PLAN_DIR`, when that is set, as a whole or not at all."""
    folder = environment.get("QLIK_PLAN_DIR")
    if not folder:
        return
    target = Path(folder) / f"{name}.json"
    draft = target.with_suffix(".draft")
    text = json.dumps(part.model_dump(mode="json", by_alias=True), indent=2, ensure_ascii=False)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(f"{text}\n", encoding="utf-8")
        draft.replace(target)
    except OSError as error:
        raise UnusablePlans(f"QLIK_PLAN_DIR: {target} cannot be written: {error.strerror}") from None


def plan_schema() -> dict[str, Any]:
    """Return the JSON schema of a plan document."""
    return PlanDocument.model_json_schema(by_alias=True)
