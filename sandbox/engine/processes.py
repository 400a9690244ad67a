"""Child processes whose output the user sees: the program and the dynamic providers."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

Report = Callable[[str], None]
GRACE = 5.0
"""Seconds a process gets between being asked and being made to end, as Pulumi gives."""


class Process:
    """A child in a session of its own, so that a ^C in the terminal reaches only the engine."""

    def __init__(self, command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._readers: list[threading.Thread] = []

    def read_line(self) -> str:
        """Return the next line of stdout, empty at its end."""
        return _pipe(self._process.stdout).readline()

    def forward(self, report: Report) -> None:
        """Hand every line of stdout and stderr to `report` from now on."""
        for stream in (self._process.stdout, self._process.stderr):
            reader = threading.Thread(target=_forward, args=(_pipe(stream), report), daemon=True)
            reader.start()
            self._readers.append(reader)

    def wait(self) -> int:
        """Return the exit code once the process has ended and all it wrote has been reported."""
        code = self._process.wait()
        for reader in self._readers:
            reader.join(GRACE)
        return code

    def interrupt(self) -> None:
        """Ask the process to end, and make it end when it does not."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process at once, and return when all it wrote has been reported."""
        self._process.kill()
        self.wait()


def _pipe(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise ValueError("the process was started without a pipe")
    return stream


def _forward(stream: IO[str], report: Report) -> None:
    for line in stream:
        report(line)
