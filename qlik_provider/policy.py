"""Decide what a group is granted in the tenant and what is taken from it; performs no I/O.

A policy is a set of rights: a role of the tenant, or one role in one space. Rights are granted and withdrawn one by
one, so what others granted to the same group, or in the same space, is never part of a change. A withdrawal takes
something from everybody in the group: the brake counts its reach, the people of the group, and not one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from qlik_provider.brake import Reading, recent_removals
from qlik_provider.entitlements import Removals, fold
from qlik_provider.errors import UnsafePlan
from qlik_provider.plurals import count_people
from qlik_provider.premises import Rules
from qlik_provider.rights import Kind, Right, parse_right
from qlik_provider.verdicts import HELD, PROTECTED, REFUSED, UNOWNED, UNREVIEWED

UNMANAGED, UNSEEN, WAITING = "unmanaged", "unseen", "waiting"

Verb = Literal["grant", "withdraw"]


def write_subject(key: str, right: str) -> str:
    """Return the name under which an approval lists the withdrawal of a right from the group of a key."""
    return f"policy/{key}/{right}"


def parse_subject(subject: str) -> tuple[str, Right] | None:
    """Return the key and the right that a subject of any spelling names, folded; None for the subject of a person."""
    mark, _, rest = fold(subject).partition("/")
    key, _, text = rest.partition("/")
    if mark != "policy" or not key:
        return None
    try:
        return key, parse_right(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class DesiredPolicy:
    """What a group is to be granted; a kind that is not managed is left as it is, an empty one means none of ours."""

    key: str
    rights: frozenset[Right] = frozenset()
    managed: frozenset[Kind] = frozenset()
    reach: int = 0

    def subject_of(self, right: Right) -> str:
        """Return the name under which an approval lists the withdrawal of a right."""
        return write_subject(self.key, str(right))


@dataclass(frozen=True)
class ObservedPolicy:
    """What was just read of a group, and of the earlier ones of its key."""

    rights: frozenset[Right] = frozenset()
    unseen: frozenset[str] = frozenset()
    """Spaces the caller cannot see, which proves nothing about what is granted in them."""
    people: Mapping[str, int] = field(default_factory=dict)
    """Users of the tenant in a group, by its id, empty for that of today; read only where something is withdrawn."""
    guarded: Mapping[Right, str] = field(default_factory=dict)
    """Rights that must stay whatever is declared, and why."""
    full_users: frozenset[Right] = frozenset()
    """Rights that make full users of people on a capacity license."""


@dataclass(frozen=True)
class PolicyDeviation:
    """Where a right differs from what is declared, and why."""

    is_declared: bool
    why: str


@dataclass(frozen=True)
class RecordedPolicy:
    """What this stack stored last time; `settled` tells that the declaration has not changed since."""

    ledger: frozenset[Right] = frozenset()
    deviations: Mapping[Right, PolicyDeviation] = field(default_factory=dict)
    removed: Mapping[datetime, Removals] = field(default_factory=dict)
    reach: int = 0
    settled: bool = False


@dataclass(frozen=True)
class PolicyChange:
    """A right granted or withdrawn."""

    verb: Verb
    right: Right
    is_approved: bool = False

    @property
    def is_removal(self) -> bool:
        """Tell whether this takes something away."""
        return self.verb == "withdraw"

    def describe(self, holder: str = "group") -> str:
        """Return the change as a sentence has it; `holder` says what may have had the right before."""
        return f"{self.verb} {self.right.describe(holder)}"

    def __str__(self) -> str:
        return self.describe()


@dataclass(frozen=True)
class PolicyPlan:
    """What to send, and what the record will say when all of it is done."""

    changes: tuple[PolicyChange, ...]
    held: tuple[PolicyChange, ...]
    unreviewed: tuple[PolicyChange, ...]
    """Withdrawals that were in no reviewed plan, and so are not sent."""
    ledger: frozenset[Right]
    deviations: Mapping[Right, PolicyDeviation]
    others: frozenset[Right]
    """What the group of today holds and this stack did not grant."""
    readings: tuple[Reading, ...]
    faults: tuple[str, ...]
    warnings: tuple[str, ...]
    reach: int

    def differs_from(self, recorded: RecordedPolicy) -> bool:
        """Tell whether applying would write, or change the ledger or the deviations."""
        return bool(
            self.changes or self.ledger != recorded.ledger or dict(self.deviations) != dict(recorded.deviations)
        )

    def raise_if_unsafe(self) -> None:
        """Raise UnsafePlan with every fault; does nothing for a plan that may be applied."""
        if self.faults:
            raise UnsafePlan("; ".join(self.faults))


@dataclass(frozen=True)
class _Verdict:
    """What is to happen to one right: a change, or none and why not."""

    right: Right
    is_declared: bool
    is_ours: bool
    change: PolicyChange | None = None
    why: str | None = None

    def leave(self, why: str) -> "_Verdict":
        return replace(self, change=None, why=why)

    def is_held_by_us(self) -> bool:
        """Tell whether the right is this stack's when every change is done."""
        return self.is_ours if self.why else self.is_declared


def plan_policy(
    desired: DesiredPolicy, observed: ObservedPolicy, recorded: RecordedPolicy, rules: Rules, now: datetime
) -> PolicyPlan:
    """Return the changes that turn `observed` into `desired` under `rules`, and the record they lead to.

    Only what `recorded` holds is ever withdrawn.
    """
    verdicts = [_judge(right, desired, observed, recorded, rules) for right in sorted(desired.rights | recorded.ledger)]
    reach = max(desired.reach, recorded.reach, observed.people.get("", 0))
    reading = _read_brake(verdicts, recorded, rules, reach, now)
    braked = [_hold(verdict, recorded, is_breached=reading.breached) for verdict in verdicts]
    judged = [_bind(verdict, desired, rules) for verdict in braked]
    ledger = frozenset(verdict.right for verdict in judged if verdict.is_held_by_us())
    held = [verdict.change for verdict, after in zip(verdicts, judged, strict=True) if after.why == HELD]
    unreviewed = [verdict.change for verdict, after in zip(braked, judged, strict=True) if after.why == UNREVIEWED]
    changes = [verdict.change for verdict in judged if verdict.change]
    return PolicyPlan(
        # Grants first: in the same run nobody is without a right that only changes its place.
        changes=tuple(sorted(changes, key=lambda change: (bool(change.right.group), change.verb, change.right))),
        held=tuple(change for change in held if change),
        unreviewed=tuple(change for change in unreviewed if change),
        ledger=ledger,
        deviations={
            verdict.right: PolicyDeviation(verdict.is_declared, verdict.why) for verdict in judged if verdict.why
        },
        others=frozenset(right for right in observed.rights - ledger - desired.rights if not right.group)
        - {verdict.right for verdict in judged if verdict.change},
        readings=(reading,),
        faults=_brake_faults(reading, rules),
        warnings=(*_guard_warnings(judged, observed), *_capacity_warnings(changes, observed, reach)),
        reach=reach,
    )


def wanted_withdrawals(desired: DesiredPolicy, observed: ObservedPolicy, recorded: RecordedPolicy) -> frozenset[Right]:
    """Return the rights that a plan would withdraw if nothing spoke against it: what more must be read for."""
    return frozenset(
        right
        for right in recorded.ledger - desired.rights
        if right in observed.rights and (right.kind in desired.managed)
    )


def _judge(
    right: Right, desired: DesiredPolicy, observed: ObservedPolicy, recorded: RecordedPolicy, rules: Rules
) -> _Verdict:
    is_there = right in observed.rights
    is_unseen = right.kind == "space" and right.name in observed.unseen
    is_ours = right in recorded.ledger and (is_there or is_unseen)
    verdict = _Verdict(right, right in desired.rights, is_ours)
    before = recorded.deviations.get(right)
    was_refused = recorded.settled and before == PolicyDeviation(verdict.is_declared, REFUSED)
    if verdict.is_declared:
        if is_unseen:
            return verdict.leave(UNSEEN)
        if is_there:
            return verdict if is_ours or rules.adopt != "report" else verdict.leave(UNOWNED)
        return verdict.leave(REFUSED) if was_refused else replace(verdict, change=PolicyChange("grant", right))
    if not is_ours:
        return verdict
    if right.kind not in desired.managed:
        return verdict.leave(UNMANAGED)
    is_approved = fold(desired.subject_of(right)) in rules.approved
    if is_unseen:
        # Nothing can be written there; an approval lets go of it, for a space that is known to be gone.
        return replace(verdict, is_ours=False) if is_approved else verdict.leave(UNSEEN)
    # What was held stays so through a time of protection, or it would run by itself afterwards.
    was_held = before is not None and before.why == HELD and not is_approved
    if rules.protected or right in observed.guarded:
        return verdict.leave(HELD if was_held else PROTECTED)
    if right.group and not is_approved and observed.people.get(right.group, 1):
        return verdict.leave(HELD if was_held else WAITING)
    if was_refused:
        return verdict.leave(REFUSED)
    return replace(verdict, change=PolicyChange("withdraw", right, is_approved=is_approved))


def _is_braked(verdict: _Verdict) -> bool:
    """Tell whether the brake counts a change; of an earlier group nobody is left, or somebody approved it."""
    change = verdict.change
    return change is not None and change.is_removal and not change.is_approved and not verdict.right.group


def _read_brake(
    verdicts: Iterable[_Verdict], recorded: RecordedPolicy, rules: Rules, reach: int, now: datetime
) -> Reading:
    recent = sum(recent_removals(recorded.removed, now).values(), start=Removals()).people
    losing = reach if any(_is_braked(verdict) for verdict in verdicts) else 0
    population = reach + recent
    breached = losing > 0 and rules.brake.is_breached(losing + recent, population)
    return Reading("", losing, recent, population, breached)


def _hold(verdict: _Verdict, recorded: RecordedPolicy, *, is_breached: bool) -> _Verdict:
    """Return a verdict without its withdrawal, where that reaches too many or was held and nobody approved it."""
    if not _is_braked(verdict):
        return verdict
    before = recorded.deviations.get(verdict.right)
    stays_held = before is not None and before.why == HELD
    return verdict.leave(HELD) if is_breached or stays_held else verdict


def _bind(verdict: _Verdict, desired: DesiredPolicy, rules: Rules) -> _Verdict:
    """Return a verdict without its withdrawal, where the run is bound to a review that does not have it."""
    change = verdict.change
    if change is None or not change.is_removal or rules.reviewed is None:
        return verdict
    removal = (fold(desired.subject_of(change.right)), str(change.right), None)
    return verdict if removal in rules.reviewed else verdict.leave(UNREVIEWED)


def _brake_faults(reading: Reading, rules: Rules) -> tuple[str, ...]:
    if not reading.breached or rules.brake.on_breach == "hold":
        return ()
    return (f"{reading}; {rules.brake}; approve them in a file under approvals/ or keep the rights declared",)


def _guard_warnings(verdicts: Iterable[_Verdict], observed: ObservedPolicy) -> Iterator[str]:
    for verdict in verdicts:
        if verdict.why in {PROTECTED, HELD} and verdict.right in observed.guarded:
            yield f"{verdict.right.describe()} stays: {observed.guarded[verdict.right]}"


def _capacity_warnings(changes: Iterable[PolicyChange], observed: ObservedPolicy, reach: int) -> Iterator[str]:
    promoting = [c.right.describe() for c in changes if not c.is_removal and c.right in observed.full_users]
    if promoting:
        yield (
            f"granting {', '.join(promoting)} makes full users of up to {count_people(reach)}: on a capacity license "
            "the entitlement follows from rights"
        )
