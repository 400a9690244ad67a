"""Decide what must change; performs no I/O and is the only place that decides.

The rules, in the order in which they apply to a person:

1. the ledger entry is corrected by the row that was read ("mine" is what is left of it);
2. declaration and row give a verdict: assign, switch, revoke, or leave alone and say why;
3. nobody protected is written, nothing in doubt is taken away, a refused change waits for a reason to retry;
4. the brake holds removals that are too many;
5. what others undid twice is left alone;
6. a run that is bound to a review leaves the removals that were not in it;
7. what is left is put in an order in which seats suffice at every step; who finds none waits, or stops the plan.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal

from qlik_provider.brake import Brake, Reading, read_brake, recent_removals
from qlik_provider.changes import Change, Seating, name_some, seat
from qlik_provider.entitlements import (
    BASELINE,
    NONE,
    Assignment,
    BySubject,
    Deviation,
    Entitlement,
    Removals,
    Reverts,
    Seats,
    Unexplained,
    fold,
)
from qlik_provider.errors import UnsafePlan
from qlik_provider.waitlist import Waitlist

Adopt = Literal["report", "upgrade", "all"]
Repair = Literal["additive", "full"]

FROZEN, HELD, PROTECTED, RAISED = "frozen", "held", "protected", "raised"
REFUSED, REVERTED, UNOWNED, UNREVIEWED = "refused", "reverted", "unowned", "unreviewed"
UNSENT, WAITLISTED = "unsent", "waitlisted"

REVERTS = 2  # so often undone by others within the window, a change is left alone
REVERT_WINDOW = timedelta(days=7)
EXPIRY_NOTICE = timedelta(days=30)

Removal = tuple[str, str | None, str | None]
"""Who loses what for what: the folded subject, the type held and the type afterwards."""


@dataclass(frozen=True)
class Rules:
    """What the declaration allows a plan to do."""

    order: tuple[str, ...]
    adopt: Adopt = "upgrade"
    repair: Repair = "additive"
    brake: Brake = field(default_factory=Brake)
    protected: frozenset[str] = frozenset()
    approved: frozenset[str] = frozenset()
    reviewed: frozenset[Removal] | None = None
    """The only removals that may be sent; None where a run is bound to no review."""
    doubt: Mapping[str, str] = field(default_factory=dict)
    reserve: Mapping[str, int] = field(default_factory=dict)
    baseline: str = NONE
    is_waiting: bool = False
    overage: Mapping[str, int] = field(default_factory=dict)
    confers: Mapping[str, str] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    capacity: Mapping[str, int] = field(default_factory=dict)
    retry: str = ""

    def rank(self, type: str) -> int:
        """Return the place of a type, strongest 0; one nobody ordered is stronger than all, so it is left alone."""
        return self.order.index(type) if type in self.order else -1

    @property
    def waitlist(self) -> Waitlist:
        """In which order people wait."""
        return Waitlist(self.order, self.confers, self.first, frozenset(self.doubt))


@dataclass(frozen=True)
class Observed:
    """What was just read: every row, the seats of each type (a type without seats is unlimited), pools of minutes.

    `ends` is the last day of the license, None for one without an end.
    """

    rows: tuple[Assignment, ...]
    seats: Mapping[str, Seats] = field(default_factory=dict)
    pools: Mapping[str, Seats] = field(default_factory=dict)
    ends: date | None = None


@dataclass(frozen=True)
class Recorded:
    """What this stack stored last time; `settled` tells that the declaration has not changed since.

    `unseen` are types that the service confirmed and its list never showed.
    """

    ledger: Mapping[str, Entitlement] = field(default_factory=dict)
    deviations: Mapping[str, Deviation] = field(default_factory=dict)
    removed: Mapping[datetime, Removals] = field(default_factory=dict)
    seats: Mapping[str, str] = field(default_factory=dict)
    unseen: Mapping[str, str] = field(default_factory=dict)
    foreign: Mapping[str, int] | None = None
    """Rows of others by type; None before the first run."""
    settled: bool = False
    reverts: Mapping[str, Reverts] = field(default_factory=dict)
    retry: str = ""


@dataclass(frozen=True)
class Plan:
    """What to send, in order, and what the record will say when all of it is done."""

    changes: tuple[Change, ...]
    held: tuple[Change, ...]
    unreviewed: tuple[Change, ...]
    ledger: Mapping[str, Entitlement]
    deviations: Mapping[str, Deviation]
    seats_before: Mapping[str, Seats]
    seats: Mapping[str, Seats]
    foreign: Mapping[str, int]
    readings: tuple[Reading, ...]
    faults: tuple[str, ...]
    warnings: tuple[str, ...]
    reverts: Mapping[str, Reverts] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unexplained: tuple[Unexplained, ...] = ()
    """Foreign rows worth a look, where somebody looked."""

    def differs_from(self, recorded: Recorded) -> bool:
        """Tell whether applying would write, or change the ledger or the deviations."""
        return bool(
            self.changes
            or dict(self.ledger) != dict(recorded.ledger)
            or dict(self.deviations) != dict(recorded.deviations)
        )

    def raise_if_unsafe(self) -> None:
        """Raise UnsafePlan with every fault; does nothing for a plan that may be applied."""
        if self.faults:
            raise UnsafePlan("; ".join(self.faults))


@dataclass(frozen=True)
class _Verdict:
    """What is to happen to one person: a change, or none and why not."""

    subject: str
    declared: Entitlement | None
    mine: Entitlement | None
    change: Change | None = None
    why: str | None = None
    given: Entitlement | None = None

    def leave(self, why: str) -> "_Verdict":
        return replace(self, change=None, why=why)

    @property
    def entry(self) -> Entitlement | None:
        """What this stack holds when all is done: the declared value, or what is left of ours or given meanwhile."""
        return (self.given or self.mine) if self.why else self.declared

    def concerns_us(self) -> bool:
        """Tell whether the row is this stack's, or becomes so; one that is at the baseline is the tenant's again."""
        return bool(self.entry or self.change)


def make_plan(
    desired: Mapping[str, Entitlement],
    observed: Observed,
    recorded: Recorded,
    rules: Rules,
    now: datetime,
) -> Plan:
    """Return the changes that turn `observed` into `desired` under `rules`, and the record they lead to.

    Only what `recorded` holds is ever taken away (and, with `adopt: all`, what a declared person holds beyond the
    declaration); every declared person ends in the ledger or in the deviations.
    """
    desired, ledger = BySubject(desired), BySubject(recorded.ledger)
    before = BySubject(recorded.deviations)
    rows = choose_rows(observed.rows, ledger, rules)
    subjects = {fold(subject): subject for subject in (*ledger, *desired)}.values()  # the declared spelling wins
    verdicts = [
        _judge(subject, desired.get(subject), ledger.get(subject), rows.get(subject), before.get(subject), rules)
        for subject in subjects
    ]
    if recorded.settled and {type: str(seats) for type, seats in observed.seats.items()} == dict(recorded.seats):
        verdicts = [_keep_refused(verdict, before.get(verdict.subject)) for verdict in verdicts]
    reverts = count_reverts(recorded, rows, rules, now)
    verdicts = [_leave_reverted(verdict, before.get(verdict.subject), reverts, recorded, rules) for verdict in verdicts]
    readings = _read_brake(verdicts, recorded, rules, now)
    verdicts, held = _hold(verdicts, before, readings)
    verdicts, unreviewed = _bind(verdicts, rules.reviewed)
    seats = {type: found.allowing(rules.overage.get(type, 0)) for type, found in observed.seats.items()}
    seating = _seat(verdicts, seats, rules)
    if rules.is_waiting:
        verdicts = _wait(verdicts, seating, rules.waitlist)
    ours = [verdict.subject for verdict in verdicts if verdict.concerns_us()]
    return Plan(
        changes=seating.ordered,
        held=held,
        unreviewed=unreviewed,
        ledger={verdict.subject: verdict.entry for verdict in verdicts if verdict.entry},
        deviations={verdict.subject: Deviation(verdict.declared, verdict.why) for verdict in verdicts if verdict.why},
        seats_before=seats,
        seats=seating.seats,
        foreign=count_foreign(observed.rows, ours),
        readings=readings,
        faults=(
            *_brake_faults(readings, rules.brake),
            *(() if rules.is_waiting else seating.describe_shortage()),
        ),
        warnings=(
            *(rules.waitlist.describe(seating) if rules.is_waiting else ()),
            *_reserve_warnings(seating.seats, rules),
            *_license_warnings(observed, recorded, now),
        ),
        reverts=reverts,
        notes=tuple(_describe_capacity(observed.pools, rules)),
    )


def choose_rows(
    rows: Iterable[Assignment], ledger: Mapping[str, Entitlement], rules: Rules
) -> Mapping[str, Assignment]:
    """Return one row a subject: of several, the one the ledger knows, else the strongest."""
    chosen: dict[str, Assignment] = {}

    def preference(row: Assignment) -> tuple[bool, int, str]:
        known = ledger.get(row.subject)
        return known is not None and row.type == known.type, -rules.rank(row.type), row.type

    for row in rows:
        rival = chosen.get(fold(row.subject))
        if rival is None or preference(row) > preference(rival):
            chosen[fold(row.subject)] = row
    return BySubject((row.subject, row) for row in chosen.values())


def correct(entry: Entitlement | None, row: Assignment | None) -> Entitlement | None:
    """Return what is left of a ledger entry beside the row read: itself, itself changed by hand, or nothing."""
    if entry is None or row is None:
        return None
    return entry if row.type == entry.type else entry.by_hand(row.type)


def _judge(
    subject: str,
    declared: Entitlement | None,
    entry: Entitlement | None,
    row: Assignment | None,
    before: Deviation | None,
    rules: Rules,
) -> _Verdict:
    verdict = _Verdict(subject, declared, correct(entry, row))
    change = _compare(verdict, row, rules)
    if isinstance(change, str):
        return verdict.leave(change)
    if change is None:
        adopts_in_doubt = declared and not verdict.mine and _all_in_doubt(declared, rules.doubt)
        return verdict.leave(FROZEN) if adopts_in_doubt else verdict
    # A removal that was held stays so through a time of doubt, or it would run by itself afterwards.
    was_held = _is_braked(change) and before is not None and before.why == HELD
    if fold(subject) in rules.protected:
        return verdict.leave(HELD if was_held else PROTECTED)
    if _is_in_doubt(change, rules.doubt):
        return verdict.leave(HELD if was_held else FROZEN)
    return replace(verdict, change=change)


def _compare(verdict: _Verdict, row: Assignment | None, rules: Rules) -> Change | str | None:
    """Return the change that the declaration asks for, why there is none, or None where all is well."""
    key, declared, mine = verdict.subject, verdict.declared, verdict.mine
    approved = fold(key) in rules.approved
    if declared is None:
        if mine is None or row is None:
            return None
        revoke = Change("revoke", key, row.subject, None, mine, row.type, is_removal=True, is_approved=approved)
        if rules.baseline == NONE:
            return revoke
        if rules.rank(row.type) >= rules.rank(rules.baseline):
            return None
        return replace(revoke, verb="switch", given=Entitlement(rules.baseline, (BASELINE,), mine.mail))
    if row is None:
        return Change("assign", key, key, declared, None, None)
    is_ours_to_raise = mine is not None or rules.adopt != "report"
    if row.type == declared.type:
        return None if is_ours_to_raise else UNOWNED
    if rules.rank(row.type) > rules.rank(declared.type):
        return Change("switch", key, row.subject, declared, mine, row.type) if is_ours_to_raise else UNOWNED
    if mine is None and rules.adopt != "all":
        return UNOWNED
    if mine and mine.is_by_hand() and rules.repair == "additive":
        return RAISED
    return Change("switch", key, row.subject, declared, mine, row.type, is_removal=True, is_approved=approved)


def _is_in_doubt(change: Change, doubt: Mapping[str, str]) -> bool:
    """Tell whether a loss of ours rests on any key in doubt, or anything else on nothing but such keys."""
    if change.mine and change.is_removal:
        return any(key in doubt for key in change.mine.keys)
    return change.declared is not None and _all_in_doubt(change.declared, doubt)


def _all_in_doubt(entitlement: Entitlement, doubt: Mapping[str, str]) -> bool:
    return bool(entitlement.keys) and all(key in doubt for key in entitlement.keys)


def refusal_of(change: Change) -> str:
    """Return the reason of a deviation for a change the tenant refused: it names the row it was refused over."""
    return REFUSED if change.held is None else f"{REFUSED}, holding {change.held}"


def _keep_refused(verdict: _Verdict, before: Deviation | None) -> _Verdict:
    """Return `verdict` without its change when the tenant refused just that before, over just this row."""
    if verdict.change is None or before is None:
        return verdict
    reason = refusal_of(verdict.change)
    return verdict.leave(reason) if before == Deviation(verdict.declared, reason) else verdict


def count_reverts(
    recorded: Recorded, rows: Mapping[str, Assignment], rules: Rules, now: datetime
) -> dict[str, Reverts]:
    """Return how often others undid what this stack gave, by folded subject, what the rows show now included.

    What was raised by hand and may stay so was not undone. What was noticed long ago, or before `retry` was changed,
    is forgotten.
    """
    reverts = {
        fold(subject): found
        for subject, found in recorded.reverts.items()
        if now - found.last < REVERT_WINDOW and rules.retry == recorded.retry
    }
    deviating = {fold(subject) for subject in recorded.deviations}
    for subject, entry in recorded.ledger.items():
        row = rows.get(subject)
        if fold(subject) in deviating or subject in recorded.unseen or entry.is_by_hand():
            continue
        if row and (row.type == entry.type or (rules.repair == "additive" and _is_raised(entry, row, rules))):
            continue
        earlier = reverts.get(fold(subject))
        count = earlier.count if earlier and earlier.type == entry.type else 0
        reverts[fold(subject)] = Reverts(entry.type, count + 1, now)
    return reverts


def _is_raised(entry: Entitlement, row: Assignment, rules: Rules) -> bool:
    return rules.rank(row.type) < rules.rank(entry.type)


def _leave_reverted(
    verdict: _Verdict, before: Deviation | None, reverts: Mapping[str, Reverts], recorded: Recorded, rules: Rules
) -> _Verdict:
    """Return `verdict` without its change when others undid just that again and again; `retry` tries once more.

    A removal that was held is none of these: it waits for an approval, also when `retry` is changed.
    """
    if verdict.change is None or verdict.declared is None or rules.retry != recorded.retry:
        return verdict
    if verdict.change.is_removal and before is not None and before.why == HELD:
        return verdict
    type = verdict.declared.type
    found = reverts.get(fold(verdict.subject))
    is_left = before is not None and before.why == REVERTED and before.declared and before.declared.type == type
    is_undone = found is not None and found.type == type and found.count >= REVERTS
    return verdict.leave(REVERTED) if is_left or is_undone else verdict


def _seat(verdicts: Iterable[_Verdict], seats: Mapping[str, Seats], rules: Rules) -> Seating:
    changes = [verdict.change for verdict in verdicts if verdict.change]
    if not rules.is_waiting:
        return seat(changes, seats)
    return rules.waitlist.give_meanwhile(seat(changes, seats, rules.waitlist.rank))


def _wait(verdicts: Iterable[_Verdict], seating: Seating, waitlist: Waitlist) -> list[_Verdict]:
    """Return the verdicts with those who find no seat waiting, beside what they hold or get meanwhile."""
    short = {change.key for change in seating.short}
    given = {change.key: change.given for change in seating.ordered}
    left = []
    for verdict in verdicts:
        if verdict.subject not in short:
            left.append(verdict)
            continue
        meanwhile = given.get(verdict.subject)
        if meanwhile is None and verdict.declared and verdict.mine:
            same = (weaker for weaker in waitlist.find_weaker(verdict.declared) if weaker.type == verdict.mine.type)
            meanwhile = next(same, None)
        left.append(replace(verdict.leave(WAITLISTED), given=meanwhile))
    return left


def _read_brake(verdicts: Iterable[_Verdict], recorded: Recorded, rules: Rules, now: datetime) -> tuple[Reading, ...]:
    recent = sum(recent_removals(recorded.removed, now).values(), start=Removals())
    braked = [verdict.change for verdict in verdicts if verdict.change and _is_braked(verdict.change)]
    removals = {change.key: change.lost for change in braked}
    mine = {verdict.subject: verdict.mine for verdict in verdicts if verdict.mine}
    return read_brake(rules.brake, removals.values(), {**removals, **mine}.values(), recent)


def _is_braked(change: Change) -> bool:
    return change.is_removal and not change.is_approved


def _hold(
    verdicts: Iterable[_Verdict], before: Mapping[str, Deviation], readings: Iterable[Reading]
) -> tuple[list[_Verdict], tuple[Change, ...]]:
    """Return the verdicts without the removals that are too many, and those removals.

    What was held stays held until it is approved or no longer wanted, even when fewer removals are wanted today.
    """
    breached = {reading.key for reading in readings if reading.breached}
    left, held = [], []
    for verdict in verdicts:
        change, earlier = verdict.change, before.get(verdict.subject)
        if change and _is_braked(change):
            stays_held = earlier is not None and earlier.why == HELD
            if stays_held or "" in breached or breached.intersection(change.lost.keys):
                held.append(change)
                left.append(verdict.leave(HELD))
                continue
        left.append(verdict)
    return left, tuple(sorted(held, key=lambda change: (fold(change.mail), change.key)))


def _bind(verdicts: list[_Verdict], reviewed: frozenset[Removal] | None) -> tuple[list[_Verdict], tuple[Change, ...]]:
    """Return the verdicts without the removals that nobody reviewed, and those removals; gains are not bound."""
    if reviewed is None:
        return verdicts, ()
    removals = [verdict.change for verdict in verdicts if verdict.change and verdict.change.is_removal]
    unreviewed = {change.key: change for change in removals if removal_of(change) not in reviewed}
    left = [verdict.leave(UNREVIEWED) if verdict.subject in unreviewed else verdict for verdict in verdicts]
    return left, tuple(sorted(unreviewed.values(), key=lambda change: (fold(change.mail), change.key)))


def removal_of(change: Change) -> Removal:
    """Return a removal as a review names it."""
    return fold(change.subject), change.held, change.type


def count_foreign(rows: Iterable[Assignment], ours: Iterable[str]) -> dict[str, int]:
    """Return how many rows of each type are of other subjects than ours."""
    return dict(sorted(Counter(row.type for row in leave_out(rows, ours)).items()))


def leave_out(rows: Iterable[Assignment], subjects: Iterable[str]) -> list[Assignment]:
    """Return the rows of other subjects than these."""
    known = {fold(subject) for subject in subjects}
    return [row for row in rows if fold(row.subject) not in known]


def _brake_faults(readings: Iterable[Reading], brake: Brake) -> Iterator[str]:
    if brake.on_breach == "fail":
        for reading in readings:
            if reading.breached:
                yield f"{reading}; {brake}; approve them in a file under approvals/ or declare fewer removals"


def _reserve_warnings(seats: Mapping[str, Seats], rules: Rules) -> tuple[str, ...]:
    return tuple(
        f"{seats[type].free} seats of {type} stay free, fewer than the {reserve} in reserve"
        for type, reserve in sorted(rules.reserve.items())
        if type in seats and seats[type].free < reserve
    )


def _license_warnings(observed: Observed, recorded: Recorded, now: datetime) -> Iterator[str]:
    """Yield what is about to go wrong with the license itself."""
    for type, seats in sorted(observed.seats.items()):
        _, _, units = recorded.seats.get(type, "").partition(" of ")
        if units and seats.units < int(units):
            yield f"{type} has {seats.units} seats, {int(units) - seats.units} fewer than recorded"
        excess = [row.subject for row in observed.rows if row.excess and row.type == type]
        if excess:
            yield (
                f"{type}: {len(excess)} in excess of its {seats.units} seats, without access: "
                f"{name_some(sorted(excess))}; buy seats or take some back"
            )
    if observed.ends and observed.ends - now.date() <= EXPIRY_NOTICE:
        yield f"the license ends on {observed.ends}"


def _describe_capacity(pools: Mapping[str, Seats], rules: Rules) -> Iterator[str]:
    """Yield one sentence for each key whose people use minutes instead of seats."""
    used = ", ".join(f"{seats.used} of {seats.units} minutes of {name} used" for name, seats in sorted(pools.items()))
    for key, count in sorted(rules.capacity.items()):
        yield f"{key}: {count} without a seat, on capacity: {used or 'the tenant has none'}"
