"""Decide what must change; performs no I/O and is, with the verdicts on each person, the only place that decides.

The rules, in the order in which they apply to a person; 1, 2, 3 and 5 are verdicts:

0. a seat of ours that is a person's under a former subject moves to that of today, and all else is about that one;
1. the ledger entry is corrected by the row that was read ("mine" is what is left of it);
2. declaration and row give a verdict: assign, switch, revoke, or leave alone and say why;
3. nobody protected is written, nothing in doubt is taken away, who is absent keeps what a group releases late, a
   refused change waits for a reason to retry;
4. the brake holds removals that are too many;
5. what others undid twice is left alone;
6. a run that is bound to a review leaves the removals that were not in it;
7. what is left is put in an order in which seats suffice at every step; who finds none waits, or stops the plan.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from qlik_provider.absence import Absences
from qlik_provider.brake import Brake, Reading, find_breaches, read_brake, recent_removals
from qlik_provider.changes import Change, Seating, in_mail_order, name_some, seat
from qlik_provider.entitlements import (
    MEMBER,
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
from qlik_provider.moves import Moves, find_moves, match_people, object_id_of
from qlik_provider.plurals import count_of
from qlik_provider.premises import Observed, Recorded, Removal, Rules
from qlik_provider.verdicts import (
    ABSENT,
    HELD,
    PROTECTED,
    UNREVIEWED,
    WAITLISTED,
    Verdict,
    await_return,
    choose_rows,
    correct,
    count_reverts,
    find_mine,
    is_braked,
    judge,
    keep_refused,
    leave_reverted,
    refusal_of_move,
    why_it_stays,
)
from qlik_provider.waitlist import Waitlist

EXPIRY_NOTICE = timedelta(days=30)


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
    absent: Mapping[str, Absences] = field(default_factory=dict)
    moves: tuple[Change, ...] = ()
    """What is sent before the changes, which are about the subjects of today."""

    @property
    def sent(self) -> tuple[Change, ...]:
        """Everything that is sent, in its order."""
        return self.moves + self.changes

    def differs_from(self, recorded: Recorded) -> bool:
        """Tell whether applying would write, begin a clock, or change the ledger or the deviations."""
        return bool(
            self.changes
            or any(keys.keys() - recorded.absent.get(subject, {}).keys() for subject, keys in self.absent.items())
            or dict(self.ledger) != dict(recorded.ledger)
            or dict(self.deviations) != dict(recorded.deviations)
        )

    def leave(self, reasons: Mapping[str, str]) -> "Plan":
        """Return this without the changes of some keys, for reasons: the record says what is held without them."""
        left = {change.key: change for change in self.changes if change.key in reasons}
        held = {key: change.mine for key, change in left.items() if change.mine}
        return replace(
            self,
            changes=tuple(change for change in self.changes if change.key not in left),
            ledger={**{subject: entry for subject, entry in self.ledger.items() if subject not in left}, **held},
            deviations={
                **self.deviations,
                **{key: Deviation(change.declared, reasons[key]) for key, change in left.items()},
            },
        )

    def raise_if_unsafe(self) -> None:
        """Raise UnsafePlan with every fault; does nothing for a plan that may be applied."""
        if self.faults:
            raise UnsafePlan("; ".join(self.faults))


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
    desired = BySubject(desired)
    if recorded.settled and {type: str(seats) for type, seats in observed.seats.items()} != dict(recorded.seats):
        recorded = replace(recorded, settled=False)
    rules = _protect_people(rules, recorded)
    moves, stuck = _find_moves(desired, observed, recorded, rules)
    recorded, observed = _follow(moves, recorded), replace(observed, rows=moves.follow_rows(observed.rows))
    ledger, before = BySubject(recorded.ledger), BySubject(recorded.deviations)
    rows = choose_rows(observed.rows, ledger, rules)
    subjects = {fold(subject): subject for subject in (*ledger, *desired)}  # the declared spelling wins
    for verdict in stuck:
        subjects.pop(fold(verdict.subject), None)
    unseen = BySubject(recorded.unseen)
    mine = {it: find_mine(ledger.get(it), rows.get(it), unseen.get(it), rules) for it in subjects.values()}
    absent = {
        folded: rules.releases.note(subject, mine[subject], desired.get(subject), recorded.absent.get(folded, {}), now)
        for folded, subject in subjects.items()
    }
    verdicts = [
        judge(subject, desired.get(subject), mine[subject], rows.get(subject), before.get(subject), rules)
        for subject in subjects.values()
    ]
    verdicts = stuck + [
        await_return(verdict, before.get(verdict.subject), absent[fold(verdict.subject)], rules, now)
        for verdict in verdicts
    ]
    if recorded.settled:
        verdicts = [keep_refused(verdict, before.get(verdict.subject)) for verdict in verdicts]
    reverts = count_reverts(recorded, rows, rules, now)
    verdicts = [leave_reverted(verdict, before.get(verdict.subject), reverts, recorded, rules) for verdict in verdicts]
    readings = _read_brake(verdicts, recorded, rules, now)
    verdicts, held = _hold(verdicts, before, readings, moves.twofold)
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
            *_describe_absent(verdicts, absent, rules, now),
            *moves.describe_twofold(rows),
            *_reserve_warnings(seating.seats, rules),
            *_license_warnings(observed, recorded, now),
        ),
        reverts=reverts,
        notes=tuple(_describe_capacity(observed.pools, rules)),
        absent={
            **{folded: keys for folded, keys in absent.items() if keys},
            # Where a seat cannot follow its person, neither does the clock.
            **{who: keys for who, keys in recorded.absent.items() if who in {fold(it.subject) for it in stuck}},
        },
        moves=moves.changes,
    )


def _protect_people(rules: Rules, recorded: Recorded) -> Rules:
    """Return the rules with who is protected today protected under their former subjects as well."""
    known, had = BySubject(rules.object_ids), BySubject(recorded.object_ids)
    ids = {object_id_of(subject, known) for subject in rules.protected} - {None}
    former = {fold(subject) for subject in recorded.ledger if object_id_of(subject, had) in ids}
    return replace(rules, protected=rules.protected | former) if former else rules


def _find_moves(
    desired: BySubject[Entitlement], observed: Observed, recorded: Recorded, rules: Rules
) -> tuple[Moves, list[Verdict]]:
    """Return the seats that are to move, and the verdicts on people whose seat has to stay where it is."""
    ledger, before = BySubject(recorded.ledger), BySubject(recorded.deviations)
    # Whoever is in a group of the directory is there by an object id, which nobody ever changes.
    is_moving = rules.order != (MEMBER,)
    matched = match_people(ledger, recorded.object_ids, desired, rules.object_ids) if is_moving else {}
    if not matched:
        return Moves(), []
    rows = choose_rows(observed.rows, ledger, rules)
    left = ((subject, correct(entry, rows.get(subject))) for subject, entry in ledger.items())
    entries = BySubject((subject, entry) for subject, entry in left if entry)

    def stay(former: str, today: str) -> str | None:
        if rules.protected & {fold(former), fold(today)}:
            return PROTECTED
        reason, deviation = refusal_of_move(former), before.get(today)
        return reason if recorded.settled and deviation and deviation.why == reason else None

    moves = find_moves(desired, entries, rows, matched, rules.rank, stay)
    stuck = []
    for today, (former, why) in moves.stuck.items():
        stuck.append(Verdict(today, desired[today], None, why=why))
        stuck.append(Verdict(former, desired.get(former), entries[former], why=why_it_stays(before.get(former), why)))
    return moves, stuck


def _follow(moves: Moves, recorded: Recorded) -> Recorded:
    """Return the record as it is after the moves."""
    if not moves.changes:
        return recorded
    return replace(
        recorded,
        ledger=moves.follow(recorded.ledger),
        deviations=moves.follow(recorded.deviations),
        unseen=moves.follow(recorded.unseen),
        reverts=moves.follow(recorded.reverts),
        absent={fold(subject): keys for subject, keys in moves.follow(recorded.absent).items()},
    )


def _seat(verdicts: Iterable[Verdict], seats: Mapping[str, Seats], rules: Rules) -> Seating:
    changes = [verdict.change for verdict in verdicts if verdict.change]
    if not rules.is_waiting:
        return seat(changes, seats)
    return rules.waitlist.give_meanwhile(seat(changes, seats, rules.waitlist.rank))


def _wait(verdicts: Iterable[Verdict], seating: Seating, waitlist: Waitlist) -> list[Verdict]:
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
        left.append(verdict.leave(WAITLISTED, meanwhile))
    return left


def _read_brake(verdicts: Iterable[Verdict], recorded: Recorded, rules: Rules, now: datetime) -> tuple[Reading, ...]:
    recent = sum(recent_removals(recorded.removed, now).values(), start=Removals())
    braked = [verdict.change for verdict in verdicts if verdict.change and is_braked(verdict.change)]
    removals = {change.key: change.lost for change in braked}
    mine = {verdict.subject: verdict.mine for verdict in verdicts if verdict.mine}
    return read_brake(rules.brake, removals.values(), {**removals, **mine}.values(), recent)


def _hold(
    verdicts: Iterable[Verdict],
    before: Mapping[str, Deviation],
    readings: Iterable[Reading],
    twofold: Mapping[str, str],
) -> tuple[list[Verdict], tuple[Change, ...]]:
    """Return the verdicts without the removals that are too many, and those removals.

    What was held stays held until it is approved or no longer wanted, even when fewer removals are wanted today. So is
    the seat under the former subject of somebody who has one under that of today: nobody else knows which one is used.
    """
    breached = {reading.key for reading in readings if reading.breached}
    left, held = [], []
    for verdict in verdicts:
        change, earlier = verdict.change, before.get(verdict.subject)
        if change and is_braked(change):
            stays_held = earlier is not None and earlier.why == HELD
            if stays_held or fold(change.key) in twofold or "" in breached or breached.intersection(change.lost.keys):
                held.append(change)
                left.append(verdict.leave(HELD))
                continue
        left.append(verdict)
    return left, tuple(in_mail_order(held))


def _bind(verdicts: list[Verdict], reviewed: frozenset[Removal] | None) -> tuple[list[Verdict], tuple[Change, ...]]:
    """Return the verdicts without the removals that nobody reviewed, and those removals; gains are not bound."""
    if reviewed is None:
        return verdicts, ()
    removals = [verdict.change for verdict in verdicts if verdict.change and verdict.change.is_removal]
    unreviewed = {change.key: change for change in removals if removal_of(change) not in reviewed}
    left = [verdict.leave(UNREVIEWED) if verdict.subject in unreviewed else verdict for verdict in verdicts]
    return left, tuple(in_mail_order(unreviewed.values()))


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


def _brake_faults(readings: Collection[Reading], brake: Brake) -> Iterator[str]:
    if brake.on_breach == "fail":
        for reading in find_breaches(readings):
            yield f"{reading}; {brake}; approve them in a file under approvals/ or declare fewer removals"


def _describe_absent(
    verdicts: Iterable[Verdict], absent: Mapping[str, Absences], rules: Rules, now: datetime
) -> Iterator[str]:
    """Yield who keeps a seat although no group gives it any more, and until when."""
    kept = []
    for verdict in verdicts:
        if verdict.why == ABSENT and verdict.entry:
            type, mail = verdict.entry.type, verdict.entry.mail
            end = rules.releases.end(absent[fold(verdict.subject)], type, rules.rank, now)
            kept.append(f"{mail} ({type} until {end:%Y-%m-%d %H:%M} UTC)")
    if kept:
        yield f"absent: {len(kept)} in no group that gives what they keep for now: {name_some(sorted(kept))}"


def _reserve_warnings(seats: Mapping[str, Seats], rules: Rules) -> tuple[str, ...]:
    low = [(type, reserve) for type, reserve in sorted(rules.reserve.items()) if type in seats]
    return tuple(
        f"{count_of(seats[type].free, f'seat of {type} stays', f'seats of {type} stay')} free, "
        f"fewer than the {reserve} in reserve"
        for type, reserve in low
        if seats[type].free < reserve
    )


def _license_warnings(observed: Observed, recorded: Recorded, now: datetime) -> Iterator[str]:
    """Yield what is about to go wrong with the license itself."""
    for type, seats in sorted(observed.seats.items()):
        _, _, units = recorded.seats.get(type, "").partition(" of ")
        if units and seats.units < int(units):
            yield f"{type} has {count_of(seats.units, 'seat')}, {int(units) - seats.units} fewer than recorded"
        excess = [row.subject for row in observed.rows if row.excess and row.type == type]
        if excess:
            yield (
                f"{type}: {len(excess)} in excess of its {count_of(seats.units, 'seat')}, without access: "
                f"{name_some(sorted(excess))}; buy seats or take some back"
            )
    if observed.ends and observed.ends - now.date() <= EXPIRY_NOTICE:
        yield f"the license ends on {observed.ends}"


def _describe_capacity(pools: Mapping[str, Seats], rules: Rules) -> Iterator[str]:
    """Yield one sentence for each key whose people use minutes instead of seats."""
    used = ", ".join(f"{seats.used} of {seats.units} minutes of {name} used" for name, seats in sorted(pools.items()))
    for key, count in sorted(rules.capacity.items()):
        yield f"{key}: {count} without a seat, on capacity: {used or 'the tenant has none'}"
