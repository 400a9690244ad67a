"""The limit on how many people may lose something in a day; performs no I/O."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from qlik_provider.entitlements import Entitlement, Removals
from qlik_provider.plurals import count_of, count_people

WINDOW = timedelta(hours=24)
MINUTE = timedelta(minutes=1)  # removals are recorded by the minute in which they happened

OnBreach = Literal["hold", "fail"]


@dataclass(frozen=True)
class Brake:
    """How many removals in 24 hours are too many: over `max`, or over `percent` where `minimum` people are held."""

    max: int = 25
    percent: int = 10
    minimum: int = 20
    on_breach: OnBreach = "hold"

    def __str__(self) -> str:
        return f"the brake allows {self.max}, and {self.percent} % from {self.minimum} people on"

    def is_breached(self, removals: int, population: int) -> bool:
        """Tell whether so many removals among so many people are too many."""
        share_counts = population >= self.minimum
        return removals > self.max or (share_counts and removals * 100 > self.percent * population)


@dataclass(frozen=True)
class Reading:
    """What the brake saw in one scope: the whole resource (`key` empty) or what one key confers."""

    key: str
    now: int
    recent: int
    population: int
    breached: bool

    def __str__(self) -> str:
        scope = f"of {self.key} " if self.key else ""
        return (
            f"{count_of(self.now + self.recent, 'removal')} {scope}in 24 hours "
            f"({self.now} now, {self.recent} before) among {count_people(self.population)}"
        )


def read_brake(
    brake: Brake,
    losing: Iterable[Entitlement],
    holding: Collection[Entitlement],
    recent: Removals,
) -> tuple[Reading, ...]:
    """Return the reading of the whole resource, then one per key that would lose somebody.

    `losing` and `holding` are what people who would lose, and all people, hold of this stack's now.
    """
    now = count_removals(losing)
    readings = [_read(brake, "", now.people, recent.people, len(holding))]
    for key, count in now.by_key:
        held = sum(key in entitlement.keys for entitlement in holding)
        readings.append(_read(brake, key, count, recent.of(key), held))
    return tuple(readings)


def _read(brake: Brake, key: str, now: int, recent: int, held: int) -> Reading:
    population = held + recent
    return Reading(key, now, recent, population, now > 0 and brake.is_breached(now + recent, population))


def find_breaches(readings: Collection[Reading]) -> list[Reading]:
    """Return every reading that is too much, without those of keys that only repeat the whole resource."""
    breaches = [reading for reading in readings if reading.breached]
    whole = [replace(reading, key="") for reading in breaches if not reading.key]
    return [reading for reading in breaches if not reading.key or replace(reading, key="") not in whole]


def describe_breach(readings: Collection[Reading]) -> str:
    """Return every reading that is too much, in one line; empty for none."""
    return "; ".join(map(str, find_breaches(readings)))


def count_removals(lost: Iterable[Entitlement]) -> Removals:
    """Return the number of people, and by key, among what they lost."""
    total = Removals()
    for entitlement in lost:
        total += Removals(1, tuple((key, 1) for key in entitlement.keys))
    return total


def recent_removals(removed: Mapping[datetime, Removals], now: datetime) -> dict[datetime, Removals]:
    """Return the entries of `removed` that still count at `now`."""
    return {minute: removals for minute, removals in removed.items() if now - minute < WINDOW + MINUTE}


def add_removals(removed: Mapping[datetime, Removals], lost: Removals, now: datetime) -> dict[datetime, Removals]:
    """Return the entries of `removed` that still count at `now`, with what was lost just then."""
    counting = recent_removals(removed, now)
    if lost.people:
        minute = now.replace(second=0, microsecond=0)
        counting[minute] = counting.get(minute, Removals()) + lost
    return counting
