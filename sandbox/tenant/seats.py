"""Seat math: what an allotment holds, and which rows are beyond it."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.state import Sandbox


@dataclass(frozen=True)
class Allotment:
    """The seats of one type; an overage of -1 has no bound."""

    name: str
    units: int
    overage: int
    units_used: int

    @property
    def capacity(self) -> int | None:
        """Seats in all, or None for no bound."""
        return None if self.overage < 0 else self.units + self.overage

    @property
    def has_room(self) -> bool:
        """Say whether one more seat can be taken."""
        return self.capacity is None or self.units_used < self.capacity


def read_allotments(sandbox: Sandbox) -> list[Allotment]:
    """Return every allotment with the seats in use now."""
    used = dict(sandbox.db.execute("SELECT type, count(*) FROM assignments GROUP BY type").fetchall())
    return [
        Allotment(row["name"], row["units"], row["overage"], used.get(row["name"], 0))
        for row in sandbox.db.execute("SELECT * FROM allotments ORDER BY rowid")
    ]


def find_allotment(sandbox: Sandbox, name: str) -> Allotment | None:
    """Return one allotment, or None when the license has no such type."""
    row = sandbox.db.execute("SELECT * FROM allotments WHERE name = ?", (name,)).fetchone()
    if row is None:
        return None
    used = sandbox.db.execute("SELECT count(*) FROM assignments WHERE type = ?", (name,)).fetchone()[0]
    return Allotment(name, row["units"], row["overage"], used)


def excess_starts(sandbox: Sandbox) -> dict[str, int]:
    """Return, for each type with more rows than seats, the `seq` of its first row beyond them."""
    starts = {}
    for allotment in read_allotments(sandbox):
        if allotment.capacity is not None and allotment.units_used > allotment.capacity:
            statement = "SELECT seq FROM assignments WHERE type = ? ORDER BY seq LIMIT 1 OFFSET ?"
            row = sandbox.db.execute(statement, (allotment.name, allotment.capacity)).fetchone()
            starts[allotment.name] = row["seq"]
    return starts


def is_excess(row: sqlite3.Row, starts: Mapping[str, int]) -> bool:
    """Say whether a row grants no seat: marked so, or among the newest ones beyond the capacity."""
    return bool(row["excess"]) or row["seq"] >= starts.get(row["type"], row["seq"] + 1)
