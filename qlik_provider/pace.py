"""How fast work may go under the tenant's limits, and how long it will take.

https://qlik.dev/apis/rest/rate-limiting
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

WRITES_A_MINUTE = 100  # of one caller, for everything
BURST = 300  # at once: five minutes are counted together, and others write beside us
_MINUTE = 60.0


@dataclass(frozen=True)
class Timing:
    """What tells the time, in seconds, and what lets some pass."""

    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


def wait_before(sent: int, seconds: float) -> float:
    """Return how long the next write waits when so many were sent in so many seconds, to be inside the limit."""
    return max(0.0, (sent - BURST + 1) * _MINUTE / WRITES_A_MINUTE - seconds)


def describe_pace(done: int, total: int, seconds: float) -> str:
    """Return how far work is after so many seconds, and about how long the rest takes.

    That is at the pace so far, and no faster than the limit; what is few goes at once.
    """
    slowest = seconds / done if done else 0.0
    left = max((total - done) * slowest, wait_before(total, seconds))
    minutes = round(left / _MINUTE)
    rest = f"about {minutes} min left" if minutes else "less than a minute left"
    return f"{done} of {total}, {rest}"
