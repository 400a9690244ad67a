"""Seat math: what an allotment holds, and which rows are beyond it."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sandbox.clock import stamp
from sandbox.documents import delete_document, put_document
from sandbox.ids import derive_id
from sandbox.state import Sandbox

QUARANTINE = "quarantine"
_QUARANTINED_FOR = timedelta(days=7)
_HELD = (
    "SELECT allotments.*, coalesce(rows_held.held, 0) AS held FROM allotments"
    " LEFT JOIN rows_held ON rows_held.type = allotments.name"
)

# The newest rows are beyond the seats; of the same moment, those whose subject comes last.
Start = tuple[str, str]


@dataclass(frozen=True)
class Allotment:
    """The seats of one type, or a pool that nobody is assigned to; an overage of -1 has no bound."""

    name: str
    units: int
    overage: int
    usage_class: str
    rows: int
    units_used: int

    @property
    def capacity(self) -> int | None:
        """Seats in all, or None for no bound."""
        return None if self.overage < 0 else self.units + self.overage

    @property
    def has_room(self) -> bool:
        """Say whether one more seat can be taken."""
        return self.capacity is None or self.units_used < self.capacity

    @property
    def is_assignable(self) -> bool:
        """Say whether somebody can hold a seat of it; minutes are consumed, not held."""
        return self.usage_class == "assigned"


def read_allotments(sandbox: Sandbox) -> list[Allotment]:
    """Return every allotment with the seats in use now."""
    return [_allotment(sandbox, row) for row in sandbox.db.execute(f"{_HELD} ORDER BY allotments.rowid")]


def find_allotment(sandbox: Sandbox, name: str) -> Allotment | None:
    """Return one allotment, or None when the license has no such type."""
    row = sandbox.db.execute(f"{_HELD} WHERE allotments.name = ?", (name,)).fetchone()
    return None if row is None else _allotment(sandbox, row)


def excess_starts(sandbox: Sandbox) -> dict[str, Start]:
    """Return, for each type with more rows than seats, the first row beyond them in the order of age."""
    starts = {}
    for row in sandbox.db.execute(_HELD).fetchall():
        capacity = row["units"] + row["overage"]
        if row["overage"] >= 0 and row["held"] > capacity:
            statement = (
                "SELECT created, subject_key FROM assignments WHERE type = ? ORDER BY created, subject_key"
                " LIMIT 1 OFFSET ?"
            )
            found = sandbox.db.execute(statement, (row["name"], capacity)).fetchone()
            starts[row["name"]] = (found["created"], found["subject_key"])
    return starts


def is_excess(row: sqlite3.Row, starts: Mapping[str, Start]) -> bool:
    """Say whether a row grants no seat: marked so, or among the newest ones beyond the capacity."""
    start = starts.get(row["type"])
    return bool(row["excess"]) or (start is not None and (row["created"], row["subject_key"]) >= start)


def note_change(sandbox: Sandbox, kind: str, change: int) -> None:
    """Remember a change of the seats in use, where the overview is to hear of it later."""
    if sandbox.switch("units-used") == "delayed":
        statement = "INSERT INTO seat_changes (at, type, change) VALUES (?, ?, ?)"
        sandbox.db.execute(statement, (sandbox.clock.seconds(), kind, change))


def told_units_used(sandbox: Sandbox, allotment: Allotment) -> int:
    """Return the seats in use as the overview tells them: perhaps those of a while ago."""
    if sandbox.switch("units-used") == "immediate":
        return allotment.units_used
    since = sandbox.clock.seconds() - (sandbox.setting("license") or {}).get("unitsUsedDelay", 0)
    statement = "SELECT coalesce(sum(change), 0) FROM seat_changes WHERE type = ? AND at > ?"
    recent: int = sandbox.db.execute(statement, (allotment.name, since)).fetchone()[0]
    return allotment.units_used - recent


def quarantine(sandbox: Sandbox, subject: str, kind: str) -> None:
    """Keep a seat that is given back in use for seven days, where the switch says so."""
    if sandbox.switch("seat-quarantine") == "sevenDays":
        until = stamp(sandbox.clock.now() + _QUARANTINED_FOR)
        seat = {"id": _seat_id(subject, kind), "subject": subject, "type": kind, "until": until}
        put_document(sandbox, QUARANTINE, seat)


def release(sandbox: Sandbox, subject: str, kind: str) -> None:
    """Give a quarantined seat back to who held it."""
    delete_document(sandbox, QUARANTINE, _seat_id(subject, kind))


def is_quarantined(sandbox: Sandbox, subject: str, kind: str) -> bool:
    """Say whether the subject's own seat of this type waits in quarantine."""
    statement = "SELECT 1 FROM documents WHERE collection = ? AND id = ? AND json_extract(body, '$.until') > ?"
    values = (QUARANTINE, _seat_id(subject, kind), sandbox.clock.stamp())
    return sandbox.db.execute(statement, values).fetchone() is not None


def _allotment(sandbox: Sandbox, row: sqlite3.Row) -> Allotment:
    is_held = row["usage_class"] == "assigned"
    used = row["held"] + _quarantined(sandbox, row["name"]) if is_held else row["units_used"]
    return Allotment(row["name"], row["units"], row["overage"], row["usage_class"], row["held"], used)


def _quarantined(sandbox: Sandbox, kind: str) -> int:
    if sandbox.switch("seat-quarantine") == "none":
        return 0
    statement = (
        "SELECT count(*) FROM documents WHERE collection = ? AND json_extract(body, '$.type') = ?"
        " AND json_extract(body, '$.until') > ?"
    )
    count: int = sandbox.db.execute(statement, (QUARANTINE, kind, sandbox.clock.stamp())).fetchone()[0]
    return count


def _seat_id(subject: str, kind: str) -> str:
    return derive_id("seat", f"{kind} {subject}")
