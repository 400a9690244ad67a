"""Ending a trial: on a signal between two requests, and with everything as it was before."""

import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

from qlik_provider.errors import Interrupted, QlikProviderError
from qlik_provider.probing.witness import Untold

_WAITS = (0.0, 1.0, 2.0, 4.0)  # seconds before each attempt to put something back


class Ending:
    """Notices the signals that end a process, so that it ends between two requests and not within one."""

    def __init__(self) -> None:
        self._signal = ""
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._former[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise Interrupted if a signal came."""
        if self._signal:
            raise Interrupted(f"stopped by {self._signal}; everything is as it was before")

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._signal = signal.Signals(number).name


def insist(put_back: Callable[[], bool]) -> str:
    """Put something back until `put_back` says that it is; return why it is not, or nothing."""
    reason = "it still differs"
    for wait in _WAITS:
        time.sleep(wait)
        try:
            if put_back():
                return ""
        except (QlikProviderError, Untold) as error:
            reason = str(error)
    return reason
