"""What people hold and what gives it to them, as values."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Generic, TypeVar

HAND = "hand"  # conferred by nobody we know: changed by others
PEOPLE = "people"  # conferred by an exception of people.yaml
BASELINE = "baseline"  # conferred by the tenant itself, to everybody
RESERVED_KEYS = frozenset({HAND, PEOPLE, BASELINE})
NONE = "none"
CAPACITY = "capacity"  # no seat: the minutes everybody shares
MINUTE_FORMAT = "%Y-%m-%dT%H:%MZ"  # how a record writes a time
MEMBER = "member"  # the one type of a directory group

KEY_PATTERN = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_VALUE = re.compile(
    rf"(?P<type>[^\s;]+) via (?P<keys>{KEY_PATTERN}(?:, {KEY_PATTERN})*) for (?P<mail>[^\s;](?:[^;]*[^\s;])?)"
)

V = TypeVar("V")


def fold(subject: str) -> str:
    """Return the form in which two spellings of one subject are equal.

    The license service upper-cases the domain part of a subject that the users service shows in lower case:
    https://qlik.dev/changelog/49-license-assignment-api
    """
    return subject.casefold()


class BySubject(Mapping[str, V], Generic[V]):
    """A mapping whose keys are subjects: looked up in any spelling, iterated in the spelling given."""

    def __init__(self, items: Mapping[str, V] | Iterable[tuple[str, V]] = ()) -> None:
        pairs = items.items() if isinstance(items, Mapping) else items
        self._items = {fold(subject): (subject, value) for subject, value in pairs}

    def __getitem__(self, subject: str) -> V:
        return self._items[fold(subject)][1]

    def __iter__(self) -> Iterator[str]:
        return (subject for subject, _ in self._items.values())

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"BySubject({dict(self.items())!r})"


@dataclass(frozen=True)
class Assignment:
    """A subject holding a license type, as the tenant's list shows it."""

    subject: str
    type: str
    excess: bool = False
    created: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Unexplained:
    """A row that neither the record nor the declaration explains, and when this very client gave it, if it did."""

    subject: str
    type: str
    created: datetime | None
    given: datetime | None


@dataclass(frozen=True)
class Entitlement:
    """A license type somebody is to hold, every key that confers it (strongest first), and whose it is."""

    type: str
    keys: tuple[str, ...]
    mail: str

    def __str__(self) -> str:
        return f"{self.type} via {', '.join(self.keys)} for {self.mail}"

    def by_hand(self, type: str) -> "Entitlement":
        """Return what is left of this after others changed its type."""
        return replace(self, type=type, keys=(HAND, *(key for key in self.keys if key != HAND)))

    def is_by_hand(self) -> bool:
        """Tell whether others changed the type since this stack last wrote it."""
        return HAND in self.keys


def parse_entitlement(text: str) -> Entitlement:
    """Return the entitlement written as `<type> via <key>[, <key>…] for <e-mail>`.

    Raises ValueError, saying the form, when `text` is anything else.
    """
    match = _VALUE.fullmatch(text)
    if match is None or match["type"] == NONE:
        raise ValueError(f"{text!r} is not of the form '<type> via <key>[, <key>…] for <e-mail>'")
    return Entitlement(match["type"], tuple(match["keys"].split(", ")), match["mail"])


@dataclass(frozen=True)
class Deviation:
    """Where a person differs from the declared map: what is declared (None: nothing), and why."""

    declared: Entitlement | None
    why: str


def put_back_declared(held: Mapping[str, str], deviations: Mapping[str, str]) -> dict[str, str]:
    """Return written values with the declared ones of deviations, written as `<value or none>; <why>`, put back."""
    declared = dict(held)
    for name, text in deviations.items():
        value = text.partition("; ")[0]
        if value == NONE:
            declared.pop(name, None)
        else:
            declared[name] = value
    return declared


@dataclass(frozen=True)
class Removals:
    """How many people lost something, in all and by the key that had conferred it."""

    people: int = 0
    by_key: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        return "; ".join([str(self.people), *(f"{key} {count}" for key, count in self.by_key)])

    def __add__(self, other: "Removals") -> "Removals":
        counts = dict(self.by_key)
        for key, count in other.by_key:
            counts[key] = counts.get(key, 0) + count
        return Removals(self.people + other.people, tuple(sorted(counts.items())))

    def of(self, key: str) -> int:
        """Return how many of them a key had conferred it to."""
        return dict(self.by_key).get(key, 0)


@dataclass(frozen=True)
class Reverts:
    """How often others undid what this stack gave, which type that was, and when the last time was noticed."""

    type: str
    count: int
    last: datetime

    def __str__(self) -> str:
        return f"{self.type} {self.count} {self.last:{MINUTE_FORMAT}}"


def parse_reverts(text: str) -> Reverts:
    """Return the reverts written as `<type> <count> <minute>`; raises ValueError for anything else."""
    type, count, last = text.split(" ")
    return Reverts(type, int(count), parse_minute(last))


def write_absences(absences: Mapping[str, datetime]) -> str:
    """Return since when somebody is absent from groups, as a record has it: `<key> <minute>[, <key> <minute>…]`."""
    return ", ".join(f"{key} {since:{MINUTE_FORMAT}}" for key, since in sorted(absences.items()))


def parse_absences(text: str) -> dict[str, datetime]:
    """Return the absences written as `<key> <minute>[, <key> <minute>…]`; raises ValueError for anything else."""
    return {key: parse_minute(minute) for key, minute in (part.split(" ") for part in text.split(", "))}


def parse_minute(text: str) -> datetime:
    """Return the minute a record is written by; raises ValueError for anything else."""
    return datetime.strptime(text, MINUTE_FORMAT).replace(tzinfo=UTC)


def parse_removals(text: str) -> Removals:
    """Return the removals written as `<people>[; <key> <people>…]`; raises ValueError for anything else."""
    people, *keys = text.split("; ")
    return Removals(int(people), tuple((key, int(count)) for key, count in (part.split(" ") for part in keys)))


@dataclass(frozen=True)
class Seats:
    """The seats of one license type: bought, in use, and paid extra ones (-1: without an end)."""

    units: int
    used: int
    overage: int = 0

    @property
    def limit(self) -> int:
        """How many people can hold this type."""
        return self.units + self.overage

    @property
    def free(self) -> int:
        """How many more people can be given this type."""
        return self.limit - self.used

    def allowing(self, overage: int) -> "Seats":
        """Return these seats with no more paid extra ones than are allowed."""
        return replace(self, overage=overage if self.overage < 0 else min(self.overage, overage))

    def __str__(self) -> str:
        return f"{self.used} of {self.units}"
