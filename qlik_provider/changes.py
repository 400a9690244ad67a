"""One person's change, and the order in which changes find their seats; performs no I/O."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from qlik_provider.entitlements import MEMBER, Entitlement, Seats, fold

Verb = Literal["revoke", "switch", "assign"]


@dataclass(frozen=True)
class Change:
    """One person gaining, changing or losing a type.

    `key` is the subject as our record spells it, `subject` as the service does, `held` the type of the row that was
    read, `mine` what this stack owns of it.
    """

    verb: Verb
    key: str
    subject: str
    declared: Entitlement | None
    mine: Entitlement | None
    held: str | None
    is_removal: bool = False
    is_approved: bool = False

    @property
    def mail(self) -> str:
        """Whose change it is."""
        entitlement = self.declared or self.mine
        return entitlement.mail if entitlement else self.subject

    @property
    def type(self) -> str | None:
        """The type held afterwards."""
        return self.declared.type if self.declared else None

    @property
    def lost(self) -> Entitlement:
        """What a removal takes away; of a row this stack did not make, only the type is known."""
        return self.mine or Entitlement(self.held or "", (), self.mail)

    def __str__(self) -> str:
        if MEMBER in {self.type, self.held}:
            return f"{'add' if self.verb == 'assign' else 'remove'} {self.mail}"
        keys = ", ".join(self.declared.keys) if self.declared else ""
        match self.verb:
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

    def describe_shortage(self) -> Iterator[str]:
        """Yield one sentence for each type of which there is too little."""
        by_type: dict[str, list[str]] = {}
        for change in self.short:
            by_type.setdefault(change.type or "", []).append(change.mail)
        for type, mails in sorted(by_type.items()):
            yield (
                f"{len(mails)} short of {type}: of {self.seats[type].units} seats none is left for "
                f"{name_some(mails)}; buy seats, take some back, or declare fewer people"
            )


def seat(changes: Iterable[Change], seats: Mapping[str, Seats]) -> Seating:
    """Return the changes in an order that never exceeds `seats`; a type without seats is unlimited.

    Revokes first; then switches whose target has room, again and again, since each frees a seat of another type;
    then assigns. A cycle of switches in a full tenant is never broken by taking a license away for a moment.
    """
    room = dict(seats)
    waiting = sorted(changes, key=lambda change: (fold(change.mail), change.key))
    ordered = [change for change in waiting if change.verb == "revoke"]
    for change in ordered:
        move_seat(change, room)
    short: list[Change] = []
    for verb in ("switch", "assign"):
        left = [change for change in waiting if change.verb == verb]
        while placed := list(_place(_most_wanted_first(left), room)):
            ordered += placed
            keys = {change.key for change in placed}
            left = [change for change in left if change.key not in keys]
        short += left
    return Seating(tuple(ordered), tuple(short), room)


def _most_wanted_first(changes: Sequence[Change]) -> list[Change]:
    """Return the changes that free what others wait for before those that free what nobody wants."""
    wanted = Counter(change.type for change in changes)
    return sorted(changes, key=lambda change: -wanted[change.held])


def _place(changes: Iterable[Change], room: dict[str, Seats]) -> Iterator[Change]:
    """Yield the changes that find room, in one pass, and take it."""
    for change in changes:
        if change.type not in room or room[change.type].free > 0:
            move_seat(change, room)
            yield change


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
