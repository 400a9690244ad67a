"""What a plan is made from: what the declaration allows, what was read, and what was recorded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from qlik_provider.absence import Absences, Releases
from qlik_provider.brake import Brake
from qlik_provider.entitlements import (
    HAND,
    NONE,
    PEOPLE,
    Assignment,
    Deviation,
    Entitlement,
    Removals,
    Reverts,
    Seats,
    fold,
)
from qlik_provider.moves import ObjectIds
from qlik_provider.waitlist import Waitlist

Adopt = Literal["report", "upgrade", "all"]
Repair = Literal["additive", "full"]

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
    releases: Releases = field(default_factory=Releases)
    only: frozenset[str] | None = None
    """The only keys that count, everything else is left alone; None: all of them."""
    exceptions: frozenset[str] = frozenset()
    """Folded subjects of people for whom an exception stands in the place of their groups."""
    object_ids: ObjectIds = field(default_factory=dict)
    """Whose the declared subjects are that do not say it by themselves."""

    def leaves_alone(self, key: str) -> bool:
        """Tell whether what a key gives is not to be touched, of which nobody is in doubt."""
        return self.only is not None and key not in self.only and key != HAND

    def freezes(self, key: str) -> bool:
        """Tell whether what a key gives stays as it is."""
        return key in self.doubt or self.leaves_alone(key)

    def leaves_person_alone(self, subject: str) -> bool:
        """Tell whether somebody has an exception, and exceptions do not count."""
        return self.leaves_alone(PEOPLE) and fold(subject) in self.exceptions

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
    absent: Mapping[str, Absences] = field(default_factory=dict)
    """Since when somebody is absent from groups that release late, by folded subject."""
    object_ids: ObjectIds = field(default_factory=dict)
    """Whose the subjects in the ledger are that do not say it by themselves."""
