"""One person's change, and the order in which changes find their seats; performs no I/O."""

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from qlik_provider.accounts import USER
from qlik_provider.entitlements import MEMBER, Entitlement, Seats, fold
from qlik_provider.plurals import count_of

Verb = Literal["move", "revoke", "switch", "assign"]
VERBS: tuple[Verb, ...] = ("move", "revoke", "switch", "assign")  # in the order in which they are sent


@dataclass(frozen=True)
class Change:
    """One person gaining, changing or losing a type.

    `key` is the subject as our record spells it, `subject` as the service does, `held` the type of the row that was
    read, `mine` what this stack owns of it, `given` what comes in the place of what is declared: a weaker type while
    somebody waits, or the baseline to who is no longer declared. A move gives the row the subject it `becomes`.
    """

    verb: Verb
    key: str
    subject: str
    declared: Entitlement | None
    mine: Entitlement | None
    held: str | None
    is_removal: bool = False
    is_approved: bool = False
    given: Entitlement | None = None
    becomes: str | None = None

    @property
    def mail(self) -> str:
        """Whose change it is."""
        entitlement = self.declared or self.mine
        return entitlement.mail if entitlement else self.subject

    @property
    def type(self) -> str | None:
        """The type held afterwards."""
        return self._result.type if self._result else None

    @property
    def _result(self) -> Entitlement | None:
        return self.given or self.declared

    @property
    def lost(self) -> Entitlement:
        """What a removal takes away; of a row this stack did not make, only the type is known."""
        return self.mine or Entitlement(self.held or "", (), self.mail)

    def __str__(self) -> str:
        if MEMBER in {self.type, self.held}:
            return f"{'add' if self.verb == 'assign' else 'remove'} {self.mail}"
        if self.type == USER:
            return f"create {self.mail}"
        keys = ", ".join(self._result.keys) if self._result else ""
        match self.verb:
            case "move":
                return f"move {self.held} of {self.mail} from {self.subject} to {self.becomes}"
            case "assign":
                return f"assign {self.type} to {self.mail} ({keys})"
            case "switch":
                return f"switch {self.mail} from {self.held} to {self.type} ({keys})"
            case _:
                return f"revoke {self.held} from {self.mail}"


@dataclass(frozen=True)
class Seating:
    """The changes in the order to send them, those that find no seat, and the seats when all are done."""

    ordered: tuple[Change, ...]
    short: tuple[Change, ...]
    seats: Mapping[str, Seats]

    def group_short(self) -> list[tuple[str, list[str]]]:
        """Return each type of which there is too little, and who finds no seat of it."""
        by_type: dict[str, list[str]] = {}
        for change in self.short:
            by_type.setdefault(change.type or "", []).append(change.mail)
        return sorted(by_type.items())

    def describe_shortage(self) -> Iterator[str]:
        """Yield one sentence for each type of which there is too little."""
        for type, mails in self.group_short():
            yield (
                f"{len(mails)} short of {type}: of {count_of(self.seats[type].limit, 'seat')} none is left for "
                f"{name_some(mails)}; buy seats, take some back, or declare fewer people"
            )


def in_mail_order(changes: Iterable[Change]) -> list[Change]:
    """Return the changes by whose they are; of two subjects with one mail, by the subject."""
    return sorted(changes, key=lambda change: (fold(change.mail), change.key))


Rank = Callable[[Change], tuple[Any, ...]]


def seat(changes: Iterable[Change], seats: Mapping[str, Seats], rank: Rank | None = None) -> Seating:
    """Return the changes in an order that never exceeds `seats`; a type without seats is unlimited.

    Revokes first; then switches whose target has room, one after another, since each frees a seat of another type;
    then assigns. Where there is an order in which all find a seat, it is found. A cycle of switches in a full tenant
    is never broken by taking a license away for a moment. When not everybody finds a seat and a rank is given, nobody
    gets one for which somebody of a smaller rank waits.
    """
    waiting = in_mail_order(changes)
    seating = _seat_most(waiting, seats)
    return _seat_by_rank(waiting, seats, rank) if seating.short and rank else seating


Move = tuple[str | None, str | None]
"""The type that somebody holds, and the one they are to hold."""


def _seat_most(waiting: Sequence[Change], seats: Mapping[str, Seats]) -> Seating:
    room = dict(seats)
    ordered = _revoke_all(waiting, room)
    short: list[Change] = []
    for verb in ("switch", "assign"):
        left: dict[Move, deque[Change]] = {}
        for change in waiting:
            if change.verb == verb:
                left.setdefault((change.held, change.type), deque()).append(change)
        while move := _find_move(left, room):
            change = left[move].popleft()
            move_seat(change, room)
            ordered.append(change)
        keys = {change.key for changes in left.values() for change in changes}
        short += [change for change in waiting if change.key in keys]
    return Seating(tuple(ordered), tuple(short), room)


def _find_move(left: Mapping[Move, Collection[Change]], room: Mapping[str, Seats]) -> Move | None:
    """Return a move that finds a seat now: rather one whose own seat lets others follow until that seat is free again.

    Any other uses the free seat up for those who could have passed it on.
    """
    moves = [move for move, changes in left.items() if changes and has_room(move[1], room)]
    return next((move for move in moves if _comes_back(move, left, room)), moves[0] if moves else None)


def _comes_back(move: Move, left: Mapping[Move, Collection[Change]], room: Mapping[str, Seats]) -> bool:
    """Tell whether others, each into the seat of the one before, can free again the seat that a move takes."""
    freed, taken = [move[0]], move[1]
    for type in freed:
        if type is not None and type in room and room[type].free < 0:
            continue  # one less in use, and still none is free
        if type == taken:
            return True
        for (held, wanted), changes in left.items():
            others = len(changes) - ((held, wanted) == move)
            if wanted == type and others and held not in freed:
                freed.append(held)
    return False


def _seat_by_rank(waiting: Sequence[Change], seats: Mapping[str, Seats], rank: Rank) -> Seating:
    """Give one seat after another, each to the first who can take it; who switches moves before who is new."""
    room = dict(seats)
    ordered = _revoke_all(waiting, room)
    queues: dict[str | None, list[Change]] = {}
    for change in sorted((change for change in waiting if change.verb != "revoke"), key=rank, reverse=True):
        queues.setdefault(change.type, []).append(change)
    placed: list[Change] = []
    while heads := [queue[-1] for type, queue in queues.items() if queue and has_room(type, room)]:
        change = min(heads, key=rank)
        queues[change.type].pop()
        move_seat(change, room)
        placed.append(change)
    ordered += sorted(placed, key=lambda change: change.verb == "assign")
    short = sorted((change for queue in queues.values() for change in queue), key=rank)
    return Seating(tuple(ordered), tuple(short), room)


def _revoke_all(waiting: Iterable[Change], room: dict[str, Seats]) -> list[Change]:
    revokes = [change for change in waiting if change.verb == "revoke"]
    for change in revokes:
        move_seat(change, room)
    return revokes


def has_room(type: str | None, room: Mapping[str, Seats]) -> bool:
    """Tell whether one more person can be given a type; one without seats is unlimited."""
    return type is None or type not in room or room[type].free > 0


def move_seat(change: Change, room: dict[str, Seats]) -> None:
    """Count in `room` the seat a change frees and the one it takes."""
    for type, step in ((change.held, -1), (change.type, 1)):
        if type in room:
            room[type] = replace(room[type], used=room[type].used + step)


def name_some(names: Sequence[str], limit: int = 5) -> str:
    """Return the first few names, and how many more there are."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def batch(changes: Sequence[Change], seats: Mapping[str, Seats], limit: int) -> Iterator[tuple[Change, ...]]:
    """Yield the changes in order, in groups of one verb that fit whatever the order in which a group is carried out."""
    room = dict(seats)
    group: list[Change] = []
    taken: Counter[str] = Counter()
    for change in changes:
        fits = change.type not in room or room[change.type].free > taken[change.type]
        if group and (change.verb != group[0].verb or len(group) == limit or not fits):
            for earlier in group:
                move_seat(earlier, room)
            yield tuple(group)
            group, taken = [], Counter()
        group.append(change)
        if change.type:
            taken[change.type] += 1
    if group:
        yield tuple(group)
