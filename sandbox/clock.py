"""The sandbox's clock: it can be set, and runs on at real speed."""

import time
from datetime import UTC, datetime
from functools import lru_cache

# Years a clock may stand in: both services must still be able to write what lies some years ahead.
FIRST_YEAR, LAST_YEAR = 1971, 9000


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

    def reaches(self, seconds: float) -> bool:
        """Say whether the clock can go that many seconds from here."""
        first, last = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (FIRST_YEAR, LAST_YEAR))
        return first <= self.seconds() + seconds <= last


def stamp_of(seconds: float) -> str:
    """Return seconds since 1970 as both services write a moment."""
    return stamp(datetime.fromtimestamp(seconds, UTC))


@lru_cache(maxsize=1024)  # a world of fifty thousand people has a few moments, many times
def stamp(moment: datetime) -> str:
    """Return `2026-11-02T08:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
