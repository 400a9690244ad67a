"""Eventual consistency: which reads show the directory as it was, and until when a write is not seen."""

from starlette.types import Scope

from sandbox.directory.journal import latest
from sandbox.directory.settings import read_timing
from sandbox.state import Sandbox

SWITCH = "directory-consistency"


def is_lagging(sandbox: Sandbox, scope: Scope) -> bool:
    """Say whether a read is answered by a replica that may be behind."""
    position = sandbox.switch(SWITCH)
    if position == "immediate":
        return False
    return position == "allReads" or is_eventual(scope)


def is_eventual(scope: Scope) -> bool:
    """Say whether a request asks for the index store of advanced queries."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    return headers.get(b"consistencylevel", b"").lower() == b"eventual"


def horizon(sandbox: Sandbox) -> int:
    """Return the number of the last change that lagging reads see.

    A write is seen once the lag in seconds is over and as many lagging reads have missed it as are to.
    """
    timing = read_timing(sandbox)
    moment = sandbox.clock.seconds() - timing.lag_seconds
    count = sandbox.recorder.reads - timing.lag_reads
    statement = "SELECT min(seq) AS seq FROM changes WHERE at > ? OR reads > ?"
    first = sandbox.db.execute(statement, (moment, count)).fetchone()["seq"]
    return latest(sandbox) if first is None else first - 1
