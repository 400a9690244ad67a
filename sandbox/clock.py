"""The sandbox's clock: it can be set, and runs on at real speed."""

import time
from datetime import UTC, datetime


class Clock:
    """Real time shifted by `offset` seconds."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def now(self) -> datetime:
        """Return the sandbox's present moment in UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def seconds(self) -> float:
        """Return the sandbox's present moment in seconds since 1970."""
        return time.time() + self.offset

    def stamp(self) -> str:
        """Return the sandbox's present moment as both services write it."""
        return stamp(self.now())

    def put(self, moment: datetime) -> None:
        """Make `moment` the present."""
        self.offset = moment.timestamp() - time.time()

    def advance(self, seconds: float) -> None:
        """Move the present by that many seconds."""
        self.offset += seconds


def stamp(moment: datetime) -> str:
    """Return `2026-11-02T08:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
