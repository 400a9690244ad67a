"""Requests that wait, before anything is done, until somebody lets them go."""

import asyncio
import contextlib
from dataclasses import dataclass, field

LONGEST = 60.0  # seconds; whoever asked has given up by then


@dataclass
class Hold:
    """Tells that a request has come, and that it may go on."""

    came: asyncio.Event = field(default_factory=asyncio.Event)
    may_go: asyncio.Event = field(default_factory=asyncio.Event)


class Holds:
    """The holds by the ids of their faults."""

    def __init__(self) -> None:
        self._holds: dict[str, Hold] = {}

    def begin(self, id: str) -> None:
        """Hold what the fault strikes from now on; what a fault of the same id has held before may go."""
        self.release(id)
        self._holds[id] = Hold()

    async def keep(self, id: str) -> None:
        """Return when the hold was released, at the latest after a minute."""
        hold = self._holds.get(id, Hold())
        hold.came.set()
        await _wait(hold.may_go)

    async def wait(self, id: str) -> bool:
        """Say whether a request is held, as soon as one is; False where none comes within a minute."""
        hold = self._holds.get(id)
        return hold is not None and await _wait(hold.came)

    def release(self, id: str) -> bool:
        """Let go what one fault holds, and say whether there was such a hold."""
        hold = self._holds.pop(id, None)
        if hold:
            hold.may_go.set()
        return hold is not None

    def clear(self) -> None:
        """Let go everything."""
        for id in list(self._holds):
            self.release(id)


async def _wait(event: asyncio.Event) -> bool:
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(event.wait(), LONGEST)
    return False
