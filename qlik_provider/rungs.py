"""The rungs on which people stand who left, and what a plan for them is made from and leads to; performs no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, get_args

from qlik_provider.brake import Reading
from qlik_provider.changes import name_some
from qlik_provider.entitlements import MINUTE_FORMAT, NONE, Deviation, Entitlement, Removals, fold, parse_minute
from qlik_provider.errors import UnsafePlan
from qlik_provider.moves import ObjectIds
from qlik_provider.owned import Belonging, Belongings
from qlik_provider.people import Administrator, TenantUser

USER = "user"  # the one type of a value
Rung = Literal["leaving", "deprovisioned", "disabled", "transferred"]
RUNGS: tuple[Rung, ...] = get_args(Rung)
LEAVING, DEPROVISIONED, DISABLED, TRANSFERRED = RUNGS
ACTIVE = "active"
APPROVED = "leaver/"  # before a rung of somebody, `leaver/<verb>/<subject>`, which is nobody's subject
UNPROVEN, BLOCKED = "unproven", "blocked by"

Verb = Literal["enable", "disable", "transfer", "delete"]
VERBS: tuple[Verb, ...] = get_args(Verb)  # in the order in which they are sent
REMOVALS: frozenset[Verb] = frozenset({"disable", "delete"})

Presence = Literal["present", "left", "unknown"]
"""What the directory proves of somebody: there and enabled; deleted or disabled; nothing."""


@dataclass(frozen=True)
class Standing:
    """The rung somebody stands on, and since when."""

    rung: Rung
    since: datetime

    def __str__(self) -> str:
        return f"{self.rung} since {self.since:{MINUTE_FORMAT}}"


def parse_standing(text: str) -> Standing | None:
    """Return the standing written as `<rung> since <minute>`; None for anything else, so that a clock begins anew."""
    rung, _, minute = str(text).partition(" since ")
    try:
        since = parse_minute(minute)
    except ValueError:
        return None
    return next((Standing(known, since) for known in RUNGS if known == rung), None)


@dataclass(frozen=True)
class Terms:
    """After how long the rungs come; None for one that never does."""

    disable_after: timedelta | None = None
    delete_after: timedelta | None = None


def next_step(standing: Standing, terms: Terms) -> tuple[Verb, datetime] | None:
    """Return what comes next for somebody and when; None where nothing does.

    A deletion hands over first what they own.
    """
    if terms.disable_after is None:
        return None
    if standing.rung == LEAVING:
        return "disable", standing.since + terms.disable_after
    if terms.delete_after is None:
        return None
    waits = {
        DEPROVISIONED: terms.delete_after,
        DISABLED: max(terms.delete_after - terms.disable_after, timedelta()),
        TRANSFERRED: timedelta(),
    }
    return "delete", standing.since + waits[standing.rung]


@dataclass(frozen=True)
class DesiredLadder:
    """Whom the declaration still gives something, and what becomes of the others."""

    people: Mapping[str, Entitlement]
    object_ids: ObjectIds = field(default_factory=dict)
    terms: Terms = field(default_factory=Terms)
    steward: str = ""
    """The subject of whom things are handed over to; empty for nobody."""
    baseline: str = NONE
    """The license type that the tenant gives to everybody by itself."""


@dataclass(frozen=True)
class ObservedLadder:
    """What was just read; `belongings` only of who is due to be deleted, administrators only where anybody is due."""

    users: Mapping[str, TenantUser] = field(default_factory=dict)
    """By subject, in any spelling, as everything here."""
    presence: Mapping[str, Presence] = field(default_factory=dict)
    rows: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The license types that somebody holds, or held when this process began."""
    belongings: Mapping[str, Belongings] = field(default_factory=dict)
    administrators: tuple[Administrator, ...] = ()
    caller: str = ""
    """The id of the user this run acts as."""


@dataclass(frozen=True)
class RecordedLadder:
    """What this stack stored last time; `settled` tells that the declaration has not changed since."""

    ledger: Mapping[str, Entitlement] = field(default_factory=dict)
    """Whom this stack ever gave something, and did not forget."""
    leaving: Mapping[str, Standing] = field(default_factory=dict)
    disabled: Mapping[str, str] = field(default_factory=dict)
    """Whom this stack disabled, and the status they had before."""
    deviations: Mapping[str, Deviation] = field(default_factory=dict)
    removed: Mapping[datetime, Removals] = field(default_factory=dict)
    object_ids: ObjectIds = field(default_factory=dict)
    settled: bool = False


@dataclass(frozen=True)
class LadderChange:
    """One rung, up or down, of one person; a transfer has `items`, and whose they become."""

    verb: Verb
    subject: str
    user: TenantUser
    entry: Entitlement
    is_approved: bool = False
    items: tuple[Belonging, ...] = ()
    steward: TenantUser | None = None

    @property
    def is_removal(self) -> bool:
        """Tell whether this takes something away."""
        return self.verb in REMOVALS

    @property
    def approval(self) -> str:
        """The name under which an approval lists it."""
        return write_subject(self.verb, self.subject)

    @property
    def becomes(self) -> str | None:
        """The status of the user afterwards; None for nobody."""
        return {"enable": ACTIVE, "disable": DISABLED}.get(self.verb)

    def __str__(self) -> str:
        if self.verb != "transfer":
            return f"{self.verb} {self.entry.mail}"
        to = self.steward.email or self.steward.subject if self.steward else "nobody"
        return f"transfer {len(self.items)} of {self.entry.mail} to {to}: {name_some([str(i) for i in self.items])}"


def write_subject(verb: Verb, subject: str) -> str:
    """Return the name under which an approval lists a rung of somebody."""
    return f"{APPROVED}{verb}/{subject}"


def is_leaver(subject: str) -> bool:
    """Tell whether an approved subject names a rung, and so is nobody's own."""
    return fold(subject).startswith(APPROVED)


@dataclass(frozen=True)
class Stay:
    """The record of somebody as it is before anything is sent."""

    entry: Entitlement
    declared: Entitlement | None
    standing: Standing | None
    mark: str | None


@dataclass(frozen=True)
class LadderPlan:
    """What to send, and what the record will say when all of it is done."""

    changes: tuple[LadderChange, ...]
    held: tuple[LadderChange, ...]
    unreviewed: tuple[LadderChange, ...]
    """Removals that were in no reviewed plan, and so are not sent."""
    ledger: Mapping[str, Entitlement]
    leaving: Mapping[str, Standing]
    disabled: Mapping[str, str]
    deviations: Mapping[str, Deviation]
    stays: Mapping[str, "Stay"]
    """What the record says of who has changes where they are not carried out."""
    readings: tuple[Reading, ...]
    faults: tuple[str, ...]
    warnings: tuple[str, ...]

    def differs_from(self, recorded: RecordedLadder) -> bool:
        """Tell whether applying would write or change the record."""
        planned = (self.ledger, self.leaving, self.disabled, self.deviations)
        stored = (recorded.ledger, recorded.leaving, recorded.disabled, recorded.deviations)
        return bool(self.changes) or any(dict(new) != dict(old) for new, old in zip(planned, stored, strict=True))

    def raise_if_unsafe(self) -> None:
        """Raise UnsafePlan with every fault; does nothing for a plan that may be applied."""
        if self.faults:
            raise UnsafePlan("; ".join(self.faults))
