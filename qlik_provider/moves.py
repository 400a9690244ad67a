"""Whose subject is whose, and which seats go to another subject of the same person; performs no I/O.

A person is known by the object id of the directory. A subject that ends in one says it; of any other the record says it
(`objectIds`). Where nobody knows it, as in a record of an earlier release, the e-mail decides if it is one person's.
A move takes nothing from anybody: it is one update of the row (`sourceSubject`), never a revoke and an assign.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from qlik_provider.changes import Change, name_some
from qlik_provider.entitlements import Assignment, BySubject, Entitlement, fold
from qlik_provider.plurals import count_of

_OBJECT_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")

V = TypeVar("V")

Bag = Mapping[str, Any]
People = Mapping[str, Entitlement]
ObjectIds = Mapping[str, str]
"""The object id of whose subject it is, by the subject."""


def object_id_of(subject: str, known: ObjectIds) -> str | None:
    r"""Return the object id of whose subject this is: the one on record, or what stands at its end, after a realm."""
    if subject in known:
        return fold(known[subject])
    end = fold(subject).rpartition("\\")[2]
    return end if _OBJECT_ID.fullmatch(end) else None


def leave_out_known(object_ids: ObjectIds) -> dict[str, str]:
    """Return the object ids without those that the subjects say by themselves."""
    return {subject: id for subject, id in sorted(object_ids.items()) if object_id_of(subject, {}) != fold(id)}


def match_people(before: People, known_before: ObjectIds, now: People, known_now: ObjectIds) -> dict[str, list[str]]:
    """Return, by each subject of `now` that is another person's or nobody's in `before`, the subjects this person had.

    By object id all of them; by e-mail only one that is nobody else's, on either side.
    """
    before, now = BySubject(before), BySubject(now)
    known_before, known_now = BySubject(known_before), BySubject(known_now)
    had = {subject: object_id_of(subject, known_before) for subject in before}
    has = {subject: object_id_of(subject, known_now) for subject in now}
    stays = {fold(s) for s in has if s in before and _may_be_one(object_id_of(s, known_before), has[s])}
    old = [subject for subject in had if fold(subject) not in stays]
    new = [subject for subject in has if fold(subject) not in stays]
    by_id: dict[str | None, list[str]] = {}
    for subject in old:
        by_id.setdefault(had[subject], []).append(subject)
    matched = {subject: by_id[has[subject]] for subject in new if has[subject] and has[subject] in by_id}
    taken = {subject for subjects in matched.values() for subject in subjects}
    left = [(subject, fold(now[subject].mail)) for subject in new if subject not in matched]
    counts = Counter(mail for _, mail in left)
    by_mail: dict[str, list[str]] = {}
    for subject in old:
        if subject not in taken:
            by_mail.setdefault(fold(before[subject].mail), []).append(subject)
    for subject, mail in left:
        found = by_mail.get(mail, [])
        if len(found) == counts[mail] == 1 and _may_be_one(had[found[0]], has[subject]):
            matched[subject] = found
    return matched


def _may_be_one(one: str | None, other: str | None) -> bool:
    """Tell whether two object ids may be one person's: they are, as long as one of them is not known."""
    return one is None or other is None or one == other


@dataclass(frozen=True)
class Moves:
    """What is to become of the seats of people who have another subject than before."""

    changes: tuple[Change, ...] = ()
    """The moves, in the order in which they find their subject free."""
    stuck: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """By the subject of today: the one the seat stays with, and why."""
    twofold: Mapping[str, str] = field(default_factory=dict)
    """By the former subject, folded: that of today, which holds a row as well, so nothing can be moved there."""

    def follow(self, items: Mapping[str, V]) -> dict[str, V]:
        """Return `items` under the subjects of today; of two, that of who moves there."""
        becomes = {fold(change.subject): change.key for change in self.changes}
        moved = {becomes[fold(subject)]: item for subject, item in items.items() if fold(subject) in becomes}
        there = {fold(subject) for subject in moved}
        stay = {s: item for s, item in items.items() if fold(s) not in becomes and fold(s) not in there}
        return {**stay, **moved}

    def follow_rows(self, rows: Iterable[Assignment]) -> tuple[Assignment, ...]:
        """Return the rows as they are after the moves."""
        becomes = {(fold(change.subject), change.held): change.key for change in self.changes}
        return tuple(
            replace(row, subject=becomes[name]) if (name := (fold(row.subject), row.type)) in becomes else row
            for row in rows
        )

    def describe_twofold(self, rows: Mapping[str, Assignment]) -> Iterator[str]:
        """Yield one sentence about people who hold two rows, one under each subject."""
        texts = [
            f"{rows[former].type} as {rows[former].subject} and {rows[today].type} as {rows[today].subject}"
            for former, today in sorted(self.twofold.items())
        ]
        if texts:
            yield (
                f"{count_of(len(texts), 'holds', 'hold')} a seat under both subjects, the one before and the one of "
                f"today: {name_some(texts)}; the one before is held: approve its removal, or take either back by hand"
            )


def find_moves(
    desired: BySubject[Entitlement],
    entries: BySubject[Entitlement],
    rows: Mapping[str, Assignment],
    matched: Mapping[str, Sequence[str]],
    rank: Callable[[str], int],
    stay: Callable[[str, str], str | None],
) -> Moves:
    """Return the moves of seats of ours to the subjects that their people have today.

    `entries` are what is left of the ledger beside the rows, `matched` the former subjects by that of today, and `stay`
    says why a seat stays with its former subject, if it does. Of several seats of one person the strongest moves. A
    move waits for the row in its way to move first; where that one stays, or they would only change places, none is
    made.
    """
    waiting: dict[str, str] = {}
    stuck: dict[str, tuple[str, str]] = {}
    for subject, former in matched.items():
        held = sorted((s for s in former if s in entries), key=lambda s: (rank(entries[s].type), fold(s)))
        if held:
            reason = stay(held[0], subject)
            if reason:
                stuck[subject] = held[0], reason
            else:
                waiting[subject] = held[0]
    changes: list[Change] = []
    taken = {fold(subject) for subject in rows}
    while ready := {today: former for today, former in waiting.items() if fold(today) not in taken}:
        for today, former in sorted(ready.items(), key=lambda pair: (fold(desired[pair[0]].mail), pair[0])):
            row, mine = rows[former], entries[former]
            changes.append(
                Change("move", today, row.subject, desired[today], mine, row.type, given=mine, becomes=today)
            )
            taken.discard(fold(former))
            del waiting[today]
        taken |= {fold(today) for today in ready}
    twofold = {fold(former): today for today, former in waiting.items() if today not in entries}
    return Moves(tuple(changes), stuck, twofold)


def batch_moves(changes: Iterable[Change], limit: int) -> Iterator[tuple[Change, ...]]:
    """Yield the moves in order, in groups in which none needs another one to be done before it."""
    group: list[Change] = []
    left: set[str] = set()
    for change in changes:
        if group and (len(group) == limit or fold(change.key) in left):
            yield tuple(group)
            group, left = [], set()
        group.append(change)
        left.add(fold(change.subject))
    if group:
        yield tuple(group)


def keep_known(old: Bag, new: Bag, parse: Callable[[Bag], People], property: str = "assignments") -> dict[str, Any]:
    """Return `new` with what the people of `kept` and `waiting` had in `old`; who had nothing gets nothing by them.

    `kept` {object id: value} are people whose subject nobody can tell today: what they have stays under the subject
    they had, whatever newcomer's subject they would get. `waiting` {subject: value} are those who get a seat after
    their first login: who has one under a former subject has come. Empty `objectIds` are left out. `property` is that
    of the people.
    """
    if property not in new:
        return dict(new)
    inputs = {name: value for name, value in new.items() if name not in {"kept", "waiting", "objectIds"}}
    known, people = dict(new.get("objectIds", {})), dict(new[property])
    kept, waiting = new.get("kept", {}), new.get("waiting", {})
    had = _Former(parse(old), old.get("objectIds", {})) if kept or waiting else _Former({}, {})
    for subject, entitlement in parse({property: waiting}).items():
        if had.find(object_id_of(subject, known), entitlement.mail):
            people[subject] = waiting[subject]
    for id, entitlement in parse({property: kept}).items():
        former = had.find(fold(id), entitlement.mail)
        others = {subject: object_id_of(subject, known) for subject in people}
        if former is None or BySubject(others).get(former, fold(id)) != fold(id):
            continue  # who has the subject today has what was given by it
        people = {subject: value for subject, value in people.items() if others[subject] != fold(id)}
        people[former] = kept[id]
        known[former] = id
    declared = {*people, *(name.removeprefix("protect.") for name in new.get("rules", {}))}
    known = leave_out_known({subject: id for subject, id in known.items() if subject in declared})
    return {**inputs, property: people, **({"objectIds": known} if known else {})}


class _Former:
    """The subjects that people had, by object id, or by an e-mail that is one person's of whom no id is known."""

    def __init__(self, people: People, known: ObjectIds) -> None:
        ids = {subject: object_id_of(subject, BySubject(known)) for subject in people}
        self._by_id = {id: subject for subject, id in ids.items() if id}
        self._by_mail: dict[str, list[str]] = {}
        for subject, entitlement in people.items():
            if ids[subject] is None:
                self._by_mail.setdefault(fold(entitlement.mail), []).append(subject)

    def find(self, id: str | None, mail: str) -> str | None:
        """Return the subject that a person had; None where they had none that is surely theirs."""
        found = self._by_mail.get(fold(mail), [])
        return self._by_id.get(id or "") or (found[0] if len(found) == 1 else None)
