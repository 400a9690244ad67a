"""Judge one person: what the declaration asks for, what speaks against it, and why; performs no I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from qlik_provider.absence import Absences, keep_as_is
from qlik_provider.changes import Change
from qlik_provider.entitlements import (
    BASELINE,
    HAND,
    NONE,
    Assignment,
    BySubject,
    Deviation,
    Entitlement,
    Reverts,
    fold,
)
from qlik_provider.premises import Recorded, Rules

ABSENT, FROZEN, HELD, PROTECTED, RAISED = "absent", "frozen", "held", "protected", "raised"
REFUSED, REVERTED, UNOWNED, UNREVIEWED = "refused", "reverted", "unowned", "unreviewed"
UNSENT, WAITLISTED = "unsent", "waitlisted"
REVERTS = 2  # so often undone by others within the window, a change is left alone
REVERT_WINDOW = timedelta(days=7)


@dataclass(frozen=True)
class Verdict:
    """What is to happen to one person: a change, or none and why not."""

    subject: str
    declared: Entitlement | None
    mine: Entitlement | None
    change: Change | None = None
    why: str | None = None
    given: Entitlement | None = None

    def leave(self, why: str, given: Entitlement | None = None) -> "Verdict":
        """Return this without its change, for a reason."""
        return replace(self, change=None, why=why, given=given)

    @property
    def entry(self) -> Entitlement | None:
        """What this stack holds when all is done: the declared value, or what is left of ours or given meanwhile."""
        return (self.given or self.mine) if self.why else self.declared

    def concerns_us(self) -> bool:
        """Tell whether the row is this stack's, or becomes so; one that is at the baseline is the tenant's again."""
        return bool(self.entry or self.change)


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


def find_mine(
    entry: Entitlement | None, row: Assignment | None, unseen: str | None, rules: Rules
) -> Entitlement | None:
    """Return what is left of a ledger entry; one that was confirmed, and that the list shows less of, is left whole."""
    is_late = entry is not None and entry.type == unseen
    if entry and is_late and (row is None or rules.rank(row.type) > rules.rank(entry.type)):
        return entry
    return correct(entry, row)


def judge(
    subject: str,
    declared: Entitlement | None,
    mine: Entitlement | None,
    row: Assignment | None,
    before: Deviation | None,
    rules: Rules,
) -> Verdict:
    """Return what is to happen to one person; nobody protected is written, nothing in doubt is taken away."""
    verdict = Verdict(subject, declared, mine)
    change = _compare(verdict, row, rules)
    if isinstance(change, str):
        return verdict.leave(change)
    if change is None:
        adopts_in_doubt = declared and not verdict.mine and _all_frozen(declared, rules)
        return verdict.leave(FROZEN) if adopts_in_doubt else verdict
    # A removal that was held stays so through a time of doubt, or it would run by itself afterwards.
    was_held = is_braked(change) and before is not None and before.why == HELD
    if fold(subject) in rules.protected:
        return verdict.leave(HELD if was_held else PROTECTED)
    if _is_frozen(change, rules) or rules.leaves_person_alone(subject):
        return verdict.leave(HELD if was_held else FROZEN)
    return replace(verdict, change=change)


def _compare(verdict: Verdict, row: Assignment | None, rules: Rules) -> Change | str | None:
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
        return Change("assign", key, key, declared, mine, None)
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


def is_braked(change: Change) -> bool:
    """Tell whether the brake counts a change: a removal that nobody approved."""
    return change.is_removal and not change.is_approved


def await_return(
    verdict: Verdict, before: Deviation | None, absences: Absences, rules: Rules, now: datetime
) -> Verdict:
    """Return `verdict` without what its removal would take that a group still keeps for the absent.

    A removal that was held before waits for an approval, not for the clock.
    """
    change, mine = verdict.change, verdict.mine
    if change is None or mine is None or not change.is_removal:
        return verdict
    kept = rules.releases.keep(absences, verdict.declared, mine.mail, rules.rank, now)
    if kept is None or (change.type and rules.rank(change.type) <= rules.rank(kept.type)):
        return verdict
    if before is not None and before.why == HELD and not change.is_approved:
        return verdict
    if rules.rank(kept.type) <= rules.rank(mine.type) or (mine.is_by_hand() and rules.repair == "additive"):
        return verdict.leave(ABSENT, keep_as_is(mine, kept))
    return replace(verdict, change=replace(change, verb="switch", given=kept), why=ABSENT, given=kept)


def _is_frozen(change: Change, rules: Rules) -> bool:
    """Tell whether a loss of ours rests on any key that is frozen, or anything else on nothing but such keys."""
    if change.mine and change.is_removal:
        return any(map(rules.freezes, change.mine.keys))
    return change.declared is not None and _all_frozen(change.declared, rules)


def _all_frozen(entitlement: Entitlement, rules: Rules) -> bool:
    """Tell whether nothing but frozen keys speaks for an entitlement; a hand that changed it speaks for nothing."""
    keys = [key for key in entitlement.keys if key != HAND]
    return bool(keys) and all(map(rules.freezes, keys))


def refusal_of(change: Change) -> str:
    """Return the reason of a deviation for a change the tenant refused: it names the row it was refused over."""
    return REFUSED if change.held is None else f"{REFUSED}, holding {change.held}"


def refusal_of_move(former: str) -> str:
    """Return the reason of a deviation for a move the tenant refused: it names the subject that holds the seat."""
    return f"{REFUSED}, held as {former}"


def why_it_stays(before: Deviation | None, why: str) -> str:
    """Return the reason of the deviation beside a seat that did not move: what was held stays held meanwhile."""
    return HELD if before is not None and before.why == HELD else why


def keep_refused(verdict: Verdict, before: Deviation | None) -> Verdict:
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


def leave_reverted(
    verdict: Verdict, before: Deviation | None, reverts: Mapping[str, Reverts], recorded: Recorded, rules: Rules
) -> Verdict:
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
