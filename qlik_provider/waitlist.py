"""In which order people wait for a seat, and what they get meanwhile; performs no I/O."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from qlik_provider.changes import VERBS, Change, Seating, has_room, move_seat, name_some
from qlik_provider.entitlements import PEOPLE, Entitlement, Seats, fold
from qlik_provider.plurals import count_of


@dataclass(frozen=True)
class Waitlist:
    """The rules of waiting: types strongest first, what each key confers, which keys go first, which are in doubt."""

    order: tuple[str, ...]
    confers: Mapping[str, str] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    doubt: frozenset[str] = frozenset()

    def rank(self, change: Change) -> tuple[int, str, str]:
        """Return the place of a change among those that wait: exceptions, keys that go first, the others, by name."""
        entitlement = change.declared or change.lost
        deciding = [key for key in entitlement.keys if self.confers.get(key, entitlement.type) == entitlement.type]
        places = [(self._place(key), key) for key in deciding or entitlement.keys]
        return (*min(places, default=(len(self.first), "")), fold(change.key))

    def _place(self, key: str) -> int:
        if key in self.first:
            return self.first.index(key)
        return -1 if key == PEOPLE else len(self.first)

    def find_weaker(self, declared: Entitlement) -> Iterator[Entitlement]:
        """Yield what somebody would be declared as without the keys that confer more, strongest first."""
        ranks = {type: rank for rank, type in enumerate(self.order)}
        types = {key: self.confers[key] for key in declared.keys if self.confers.get(key) in ranks}
        for type in self.order[ranks.get(declared.type, len(ranks)) + 1 :]:
            keys = tuple(key for key in declared.keys if key in types and ranks[types[key]] >= ranks[type])
            if type in types.values() and not self.doubt.issuperset(keys):
                yield Entitlement(type, keys, declared.mail)

    def give_meanwhile(self, seating: Seating) -> Seating:
        """Return `seating` with the strongest weaker type for those who wait and hold less, where there is room.

        Who moves up frees a seat, so the first of the others is asked again: the next plan would find nothing to add.
        Nobody is moved out of a seat somebody else waits for: that would be one more round, in the next run.
        """
        room = dict(seating.seats)
        wanted = {change.type for change in seating.short}
        asking = [change for change in seating.short if not change.is_removal and change.held not in wanted]
        given: dict[str, Change] = {}
        place = 0
        while place < len(asking):
            change = given.get(asking[place].key, asking[place])
            place += 1
            better = self._find_better(change, room)
            if better:
                move_seat(replace(better, held=_seat_of(change)), room)
                given[change.key] = better
                place = 0 if _seat_of(change) else place
        # From the strongest type on, since who moves up into it frees a seat of the next: each finds one at its turn.
        moves = sorted(given.values(), key=lambda change: self.order.index(str(change.type)))
        ordered = sorted((*seating.ordered, *moves), key=lambda change: VERBS.index(change.verb))
        return Seating(tuple(ordered), seating.short, room)

    def _find_better(self, change: Change, room: Mapping[str, Seats]) -> Change | None:
        """Return `change` with the strongest weaker type that has room; None where it would be no gain."""
        held = _seat_of(change)
        for weaker in self.find_weaker(change.declared) if change.declared else ():
            if held in self.order and self.order.index(weaker.type) >= self.order.index(held):
                return None
            if has_room(weaker.type, room):
                return replace(change, given=weaker)
        return None

    def describe(self, seating: Seating) -> Iterator[str]:
        """Yield one sentence for each type that somebody waits for."""
        for type, mails in seating.group_short():
            seats = count_of(seating.seats[type].limit, "seat")
            yield f"waiting for {type}: {len(mails)}, since none of {seats} is free: {name_some(mails)}"


def _seat_of(change: Change) -> str | None:
    """Return the type somebody who waits holds by now."""
    return change.given.type if change.given else change.held
