"""Decide how far people who left go: who stands on which rung, what is due, and what stands against it; no I/O.

The rungs: leaving (seen to have left; the seat is taken by the seats), disabled, transferred (what they owned is
somebody else's), deleted, with which the record ends. Who was disabled by others, as by SCIM, is deprovisioned instead
of leaving. The rules, in the order in which they apply to a person in the ledger:

1. who is declared, or is in the directory and enabled, is no leaver: what this stack disabled is enabled again;
2. of whom the directory proves nothing, nothing moves; nobody protected is written, and no clock runs for them;
3. a clock begins when a run first sees it, and again with every rung, so between two rungs always lie the days that
   are declared: who is seen late goes late;
4. nobody goes further while a license row of theirs is there, or a key that gave them anything is in doubt; nobody is
   deleted while any key is in doubt, or while they own anything that is not proven to be handed over;
5. the brake holds disabling and deleting that is too much, a bound run leaves what was not reviewed, and neither the
   last TenantAdmin nor this run itself is ever taken.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from qlik_provider.brake import Brake, Reading, read_brake, recent_removals
from qlik_provider.changes import name_some
from qlik_provider.entitlements import BySubject, Deviation, Entitlement, Removals, fold
from qlik_provider.moves import object_id_of
from qlik_provider.people import TenantUser
from qlik_provider.premises import Rules
from qlik_provider.rungs import (
    ACTIVE,
    BLOCKED,
    DEPROVISIONED,
    DISABLED,
    LEAVING,
    TRANSFERRED,
    UNPROVEN,
    VERBS,
    DesiredLadder,
    LadderChange,
    LadderPlan,
    ObservedLadder,
    RecordedLadder,
    Standing,
    Stay,
    Verb,
    next_step,
    write_subject,
)
from qlik_provider.verdicts import FROZEN, HELD, PROTECTED, REFUSED, UNREVIEWED

_ROWS_STAY = "while a license is theirs nobody goes further"


@dataclass(frozen=True)
class _Verdict:
    """What is to happen to one person, and what the record says afterwards; without an entry they are forgotten."""

    subject: str
    mine: Entitlement
    declared: Entitlement | None = None
    entry: Entitlement | None = None
    standing: Standing | None = None
    mark: str | None = None
    """The status that somebody had whom this stack disabled."""
    changes: tuple[LadderChange, ...] = ()
    why: str | None = None
    before: "_Verdict | None" = None
    """What stays the case where nothing is sent."""
    warning: str = ""

    @property
    def removal(self) -> LadderChange | None:
        return next((change for change in self.changes if change.is_removal), None)

    @property
    def stay(self) -> Stay:
        before = self.before or self
        return Stay(before.entry or self.mine, self.declared, before.standing, before.mark)

    def leave(self, why: str, warning: str = "") -> "_Verdict":
        """Return this without its changes, for a reason: the record stays."""
        return replace(self.before or self, declared=self.declared, changes=(), why=why, warning=warning)


def find_absent(desired: DesiredLadder, recorded: RecordedLadder) -> dict[str, str | None]:
    """Return who in the ledger is not declared any more, under no subject, and their object ids where known."""
    people, known = BySubject(desired.people), BySubject({**recorded.object_ids, **desired.object_ids})
    declared = {object_id_of(subject, known) for subject in people} - {None}
    ids = {subject: object_id_of(subject, known) for subject in recorded.ledger if subject not in people}
    return {subject: id for subject, id in ids.items() if id not in declared}


def find_due(
    desired: DesiredLadder, observed: ObservedLadder, recorded: RecordedLadder, rules: Rules, now: datetime
) -> dict[str, Verb]:
    """Return who is to be disabled or deleted if nothing more speaks against it: whom more must be read about.

    `observed` holds no belongings yet.
    """
    work, presence = _Ladder(desired, observed, recorded, rules, now), BySubject(observed.presence)
    due: dict[str, Verb] = {}
    for verdict in work.judge_all():
        if verdict.removal:
            due[verdict.subject] = verdict.removal.verb
        elif verdict.why == UNPROVEN and presence.get(verdict.subject, "unknown") != "unknown":
            due[verdict.subject] = "delete"
    return due


def plan_ladder(
    desired: DesiredLadder, observed: ObservedLadder, recorded: RecordedLadder, rules: Rules, now: datetime
) -> LadderPlan:
    """Return the rungs that are taken now, and the record they lead to.

    Only who is in the ledger is ever written, and nobody who is declared but to be enabled.
    """
    work = _Ladder(desired, observed, recorded, rules, now)
    verdicts = work.judge_all()
    readings = _read_brake(verdicts, recorded, rules, now)
    verdicts, held = _hold(verdicts, recorded, readings)
    verdicts, unreviewed = _bind(verdicts, rules)
    verdicts = _keep_administrators(verdicts, observed)
    changes = [change for verdict in verdicts for change in verdict.changes]
    kept = [verdict for verdict in verdicts if verdict.entry]
    newcomers = {s: entry for s, entry in desired.people.items() if s not in BySubject(recorded.ledger)}
    return LadderPlan(
        changes=tuple(sorted(changes, key=_in_order)),
        held=tuple(sorted(held, key=_in_order)),
        unreviewed=tuple(sorted(unreviewed, key=_in_order)),
        ledger={**newcomers, **{verdict.subject: verdict.entry for verdict in kept if verdict.entry}},
        leaving={verdict.subject: verdict.standing for verdict in kept if verdict.standing},
        disabled={verdict.subject: verdict.mark for verdict in kept if verdict.mark},
        deviations={v.subject: Deviation(v.declared, v.why) for v in kept if v.why},
        stays={v.subject: v.stay for v in verdicts if v.changes},
        readings=readings,
        faults=_brake_faults(readings, rules.brake),
        warnings=(*_describe_strays(recorded), *(verdict.warning for verdict in verdicts if verdict.warning)),
    )


def _in_order(change: LadderChange) -> tuple[int, str, str]:
    return VERBS.index(change.verb), fold(change.entry.mail), change.subject


class _Ladder:
    """One pass over the ledger."""

    def __init__(
        self,
        desired: DesiredLadder,
        observed: ObservedLadder,
        recorded: RecordedLadder,
        rules: Rules,
        now: datetime,
    ) -> None:
        self._desired, self._recorded, self._rules = desired, recorded, rules
        self._now = now.replace(second=0, microsecond=0)
        self._people = BySubject(desired.people)
        self._users, self._presence = BySubject(observed.users), BySubject(observed.presence)
        self._rows, self._belongings = BySubject(observed.rows), BySubject(observed.belongings)
        self._caller = observed.caller
        self._leaving, self._disabled = BySubject(recorded.leaving), BySubject(recorded.disabled)
        self._before = BySubject(recorded.deviations)
        self._absent = find_absent(desired, recorded)
        known = BySubject({**recorded.object_ids, **desired.object_ids})
        ids = {object_id_of(subject, known) for subject in rules.protected} - {None}
        self._protected = rules.protected | {
            fold(subject) for subject in recorded.ledger if object_id_of(subject, known) in ids
        }

    def judge_all(self) -> list[_Verdict]:
        """Return the verdict on everybody in the ledger."""
        return [self._judge(subject, entry) for subject, entry in self._recorded.ledger.items()]

    def _judge(self, subject: str, entry: Entitlement) -> _Verdict:
        declared, user = self._people.get(subject), self._users.get(subject)
        standing, mark = self._leaving.get(subject), self._disabled.get(subject)
        # The declared spelling is the one of the record from now on.
        spelled = next((s for s in self._people if fold(s) == fold(subject)), subject) if declared else subject
        as_is = _Verdict(spelled, entry, declared, declared or entry, standing, mark)
        is_ours = mark is not None or self._was_due(standing)
        if subject not in self._absent:
            return self._welcome(as_is, user, is_ours=is_ours)
        if user is None:
            return replace(as_is, entry=None)
        presence = self._presence.get(subject, "unknown")
        if presence == "unknown":
            return as_is.leave(UNPROVEN)
        is_deprovisioned = presence == "present" and user.status == DISABLED and not is_ours
        if presence == "present" and not is_deprovisioned:
            return self._welcome(as_is, user, is_ours=is_ours)
        if fold(subject) in self._protected or user.id == self._caller:
            return replace(as_is, standing=None).leave(PROTECTED)
        if any(key in self._rules.doubt for key in entry.keys):
            return as_is.leave(FROZEN)
        return self._climb(self._stand(as_is, user, is_deprovisioned=is_deprovisioned), user)

    def _was_due(self, standing: Standing | None) -> bool:
        """Tell whether a run may have disabled somebody and died before it could say so."""
        step = next_step(standing, self._desired.terms) if standing else None
        return step is not None and step[0] == "disable" and step[1] <= self._now

    def _welcome(self, as_is: _Verdict, user: TenantUser | None, *, is_ours: bool) -> _Verdict:
        """Return what becomes of who is no leaver: enabled where this stack disabled them, forgotten if undeclared."""
        after = replace(as_is, entry=as_is.declared, standing=None, mark=None)
        if user is None or user.status != DISABLED or not is_ours:
            return after
        change = self._make("enable", as_is, user)
        wanted = replace(after, changes=(change,), before=replace(as_is, mark=as_is.mark or ACTIVE))
        if fold(as_is.subject) in self._protected:
            return wanted.leave(PROTECTED)
        return self._unless_refused(wanted)

    def _stand(self, as_is: _Verdict, user: TenantUser, *, is_deprovisioned: bool) -> _Verdict:
        """Return where a leaver stands; whoever others enabled, or who now is one for another reason, begins anew."""
        standing = as_is.standing
        anew = replace(as_is, standing=Standing(DEPROVISIONED if is_deprovisioned else LEAVING, self._now), mark=None)
        if standing is None:
            return anew
        if standing.rung == LEAVING:
            return anew if is_deprovisioned else as_is
        if user.status != DISABLED or (standing.rung == DISABLED and is_deprovisioned):
            return anew
        return as_is

    def _climb(self, stands: _Verdict, user: TenantUser) -> _Verdict:
        """Return the next rung of a leaver where it is due and nothing stands against it."""
        standing = stands.standing
        step = next_step(standing, self._desired.terms) if standing else None
        if standing is None or step is None or step[1] > self._now:
            return stands.leave(standing.rung if standing else LEAVING)
        rows = self._rows.get(stands.subject, frozenset())
        if step[0] == "disable":
            rows -= {self._desired.baseline}
        if rows:
            types = ", ".join(sorted(rows))
            return stands.leave(f"{BLOCKED} license {types}", f"{stands.mine.mail} still holds {types}; {_ROWS_STAY}")
        return self._disable(stands, user) if step[0] == "disable" else self._delete(stands, user, standing)

    def _disable(self, stands: _Verdict, user: TenantUser) -> _Verdict:
        after = replace(stands, standing=Standing(DISABLED, self._now), mark=user.status, why=DISABLED)
        if user.status == DISABLED:  # by others, or by a run of ours that died: it is undone with everything else
            return replace(after, mark=ACTIVE)
        return self._unless_refused(replace(after, changes=(self._make("disable", stands, user),), before=stands))

    def _delete(self, stands: _Verdict, user: TenantUser, standing: Standing) -> _Verdict:
        owned = self._belongings.get(stands.subject)
        if self._rules.doubt:
            return stands.leave(FROZEN)
        if owned is None:
            return stands.leave(UNPROVEN)
        steward = self._users.get(self._desired.steward)
        is_fit = steward is not None and steward.status == ACTIVE and steward.id != user.id
        transfer = replace(self._make("transfer", stands, user), items=owned.movable, steward=steward)
        if owned.movable and not is_fit:
            who = self._desired.steward or "nobody"
            told = f"{stands.mine.mail} owns {len(owned.items)}, and {who} cannot take it; name somebody else who can"
            return stands.leave(f"{BLOCKED} transferTo", told)
        if owned.obstacles:
            kinds = sorted(
                {item.kind for item in owned.items if item.obstacle} | ({"unknown"} if owned.unknown else set())
            )
            why = f"{BLOCKED} {', '.join(kinds)}"
            told = f"{stands.mine.mail} is not deleted: {name_some(owned.obstacles)}"
            if not owned.movable:
                return stands.leave(why, told)
            reached = standing if standing.rung == TRANSFERRED else Standing(TRANSFERRED, self._now)
            after = replace(stands, standing=reached, changes=(transfer,), why=why, warning=told, before=stands)
            return self._unless_refused(after)
        deletion = self._make("delete", stands, user)
        changes = (transfer, deletion) if owned.movable else (deletion,)
        after = replace(stands, entry=None, standing=None, mark=None, changes=changes, before=stands)
        return self._unless_refused(after)

    def _make(self, verb: Verb, verdict: _Verdict, user: TenantUser) -> LadderChange:
        is_approved = fold(write_subject(verb, verdict.subject)) in self._rules.approved
        return LadderChange(verb, verdict.subject, user, verdict.mine, is_approved)

    def _unless_refused(self, verdict: _Verdict) -> _Verdict:
        """Return a verdict without its changes where the tenant refused just that before."""
        before = self._before.get(verdict.subject)
        reasons = {write_refusal(change.verb) for change in verdict.changes}
        is_same = self._recorded.settled and before is not None and before.why in reasons
        return verdict.leave(before.why) if before and is_same else verdict


def write_refusal(verb: Verb) -> str:
    """Return the reason of a deviation where the tenant refused a rung."""
    return f"{REFUSED} to {verb}"


def _is_braked(verdict: _Verdict) -> bool:
    return verdict.removal is not None and not verdict.removal.is_approved


def _read_brake(
    verdicts: Collection[_Verdict], recorded: RecordedLadder, rules: Rules, now: datetime
) -> tuple[Reading, ...]:
    recent = sum(recent_removals(recorded.removed, now).values(), start=Removals())
    losing = [verdict.mine for verdict in verdicts if _is_braked(verdict)]
    return read_brake(rules.brake, losing, [verdict.mine for verdict in verdicts], recent)


def _hold(
    verdicts: Iterable[_Verdict], recorded: RecordedLadder, readings: Iterable[Reading]
) -> tuple[list[_Verdict], list[LadderChange]]:
    """Return the verdicts without the removals that are too many, or were held before, and those removals.

    While anything is held nothing is handed over either: who was disabled by mistake, and by others, keeps what is
    theirs.
    """
    before = BySubject(recorded.deviations)
    breached = {reading.key for reading in readings if reading.breached}
    left, held = [], []
    for verdict in verdicts:
        removal, earlier = verdict.removal, before.get(verdict.subject)
        stays_held = earlier is not None and earlier.why == HELD
        is_scope = "" in breached or bool(breached.intersection(verdict.mine.keys))
        if removal is not None and not removal.is_approved and (stays_held or is_scope):
            held.append(removal)
            left.append(verdict.leave(HELD))
        else:
            left.append(verdict)
    return [_wait(verdict) if held else verdict for verdict in left], held


def _wait(verdict: _Verdict) -> _Verdict:
    """Return a verdict without a transfer that no deletion follows."""
    is_only = verdict.removal is None and any(change.verb == "transfer" for change in verdict.changes)
    return verdict.leave(verdict.why or HELD, verdict.warning) if is_only else verdict


def _bind(verdicts: Iterable[_Verdict], rules: Rules) -> tuple[list[_Verdict], list[LadderChange]]:
    """Return the verdicts without the removals that nobody reviewed, and those removals; enabling is not bound."""
    left, unreviewed = [], []
    for verdict in verdicts:
        removal = verdict.removal
        named = removal and (fold(removal.approval), removal.user.status, removal.becomes)
        if removal is None or rules.reviewed is None or named in rules.reviewed:
            left.append(verdict)
        else:
            unreviewed.append(removal)
            left.append(verdict.leave(UNREVIEWED))
    return left, unreviewed


def _keep_administrators(verdicts: Iterable[_Verdict], observed: ObservedLadder) -> list[_Verdict]:
    """Return the verdicts without what would leave nobody who logs in and is TenantAdmin."""
    verdicts = list(verdicts)
    losing = {verdict.removal.user.id for verdict in verdicts if verdict.removal}
    last = {admin.id for admin in observed.administrators if admin.id in losing}
    if not last or not all(admin.is_bot for admin in observed.administrators if admin.id not in losing):
        return verdicts
    why = "without them nobody who logs in would be TenantAdmin"
    return [
        verdict.leave(PROTECTED, f"{verdict.mine.mail} stays: {why}")
        if verdict.removal and verdict.removal.user.id in last
        else verdict
        for verdict in verdicts
    ]


def _brake_faults(readings: Iterable[Reading], brake: Brake) -> tuple[str, ...]:
    if brake.on_breach != "fail":
        return ()
    return tuple(
        f"{reading}; {brake}; approve them in a file under approvals/" for reading in readings if reading.breached
    )


def _describe_strays(recorded: RecordedLadder) -> Iterator[str]:
    """Yield who stands on a rung by the record and not in its ledger: nobody this stack has served."""
    strays = sorted({*recorded.leaving, *recorded.disabled} - {*BySubject(recorded.ledger)})
    if strays:
        yield f"{len(strays)} on a rung whom this stack never gave anything are left alone: {name_some(strays)}"
