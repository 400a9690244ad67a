"""Who stands on which rung, with what they own and what comes next: for people, for a spreadsheet, and for machines.

Performs no I/O.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from qlik_provider.changes import name_some
from qlik_provider.entitlements import MINUTE_FORMAT
from qlik_provider.owned import HIDDEN, Belongings
from qlik_provider.rungs import RUNGS, Standing
from qlik_provider.spreadsheet import write_csv

GONE = "gone"
"""The status of somebody who is no user of the tenant any more."""

_COLUMNS = ("mail", "subject", "userId", "status", "rung", "since", "next", "due", "why", "owns", "blocked")


@dataclass(frozen=True)
class Leaver:
    """One person on the ladder."""

    subject: str
    mail: str
    user_id: str
    """Empty for somebody who is no user any more."""
    status: str
    standing: Standing
    step: str
    """What comes next: `disable` or `delete`; empty where nothing does."""
    due: datetime | None
    why: str
    """Why nothing more happens, where the record of the last run says so; a rung's name says nothing."""
    belongings: Belongings

    @property
    def next(self) -> str:
        """What comes next, and when, as the end of a sentence."""
        if self.due is None:
            return "nothing, by the declaration"
        verb = "hand over and delete" if self.step == "delete" and self.belongings.items else self.step
        return f"{verb} from {self.due:{MINUTE_FORMAT}}"

    @property
    def owns(self) -> str:
        """What they own, counted by kind."""
        counts = Counter(item.kind for item in self.belongings.items)
        return ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())) or "nothing"

    @property
    def reason(self) -> str:
        """Why nothing more happens, where it is not just the time that has not come."""
        return "" if self.why in RUNGS else self.why


@dataclass(frozen=True)
class LeaverReport:
    """Everybody on the ladder of one stack, by rung and mail."""

    tenant: str
    now: datetime
    leavers: tuple[Leaver, ...]

    def lines(self) -> list[str]:
        """Return one line for each person, and one for each thing that keeps them from being deleted."""
        lines = []
        for leaver in self.leavers:
            parts = [
                f"{leaver.mail}: {leaver.standing}",
                f"owns {leaver.owns}",
                f"next: {leaver.next}",
                *([f"left alone: {leaver.reason}"] if leaver.reason else []),
            ]
            lines += ["; ".join(parts), *(f"  {text}" for text in leaver.belongings.obstacles)]
        return [*lines, *self.foot()]

    def foot(self) -> list[str]:
        """Return what stands under everybody: how many are on each rung, and what no inventory shows."""
        if not self.leavers:
            return ["nobody is on the ladder"]
        counts = Counter(leaver.standing.rung for leaver in self.leavers)
        owned = sum(len(leaver.belongings.items) for leaver in self.leavers)
        on = ", ".join(f"{rung} {counts[rung]}" for rung in RUNGS if counts[rung])
        return [f"on the ladder: {on}; they own {owned}", f"not shown: {HIDDEN}"]

    def table(self) -> Table:
        """Return the same as a table."""
        table = Table("person", "rung", "since", "owns", "next", "what stands against it")
        for leaver in self.leavers:
            against = [leaver.reason] if leaver.reason else []
            obstacles = leaver.belongings.obstacles
            cells = (
                leaver.mail,
                leaver.standing.rung,
                f"{leaver.standing.since:{MINUTE_FORMAT}}",
                leaver.owns,
                leaver.next,
                "; ".join([*against, *([name_some(obstacles)] if obstacles else [])]),
            )
            table.add_row(*(escape(cell) for cell in cells))
        return table

    def csv(self) -> str:
        """Return one row for each person."""
        return write_csv(_COLUMNS, _rows(self.leavers))

    def document(self) -> dict[str, Any]:
        """Return everything, each thing they own as well, as JSON has it."""
        return {
            "version": 1,
            "tenant": self.tenant,
            "now": self.now.isoformat(),
            "notShown": [HIDDEN],
            "leavers": [_document(leaver) for leaver in self.leavers],
        }


def _rows(leavers: Iterable[Leaver]) -> Iterable[Sequence[str]]:
    for leaver in leavers:
        yield (
            leaver.mail,
            leaver.subject,
            leaver.user_id,
            leaver.status,
            leaver.standing.rung,
            f"{leaver.standing.since:{MINUTE_FORMAT}}",
            leaver.step,
            f"{leaver.due:{MINUTE_FORMAT}}" if leaver.due else "",
            leaver.reason,
            leaver.owns,
            "; ".join(leaver.belongings.obstacles),
        )


def _document(leaver: Leaver) -> dict[str, Any]:
    return {
        "subject": leaver.subject,
        "mail": leaver.mail,
        "userId": leaver.user_id or None,
        "status": leaver.status,
        "rung": leaver.standing.rung,
        "since": leaver.standing.since.isoformat(),
        "next": leaver.step or None,
        "due": leaver.due.isoformat() if leaver.due else None,
        "why": leaver.reason or None,
        "owns": [
            {
                "kind": item.kind,
                "id": item.id,
                "name": item.name,
                "spaceId": item.place or None,
                "way": item.way if not item.bar else "none",
                "obstacle": item.obstacle or None,
            }
            for item in leaver.belongings.items
        ],
        "unknown": list(leaver.belongings.unknown),
    }
