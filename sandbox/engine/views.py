"""What the user sees of a phase: text and digest are two views of the same events."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.engine.states import Op, State, Step
from sandbox.engine.values import Properties

SYMBOLS: dict[Op, str] = {"same": "", "create": "+", "update": "~", "delete": "-", "refresh": "~"}
DONE: dict[Op, str] = {"create": "created", "update": "updated", "delete": "deleted", "refresh": "refresh"}
_TITLES = {"update": "Updating", "refresh": "Refreshing", "destroy": "Destroying"}


@dataclass(frozen=True)
class Phase:
    """One pass over a stack: `kind` is update, refresh or destroy."""

    kind: str
    stack: str
    project: str
    is_preview: bool
    config: Mapping[str, str]
    olds: Mapping[str, State]

    @property
    def title(self) -> str:
        """The line above the phase."""
        verb = f"Previewing {self.kind}" if self.is_preview else _TITLES[self.kind]
        return f"{verb} ({self.stack}):"

    @property
    def root(self) -> str:
        """The urn of the stack resource, to which messages without a urn belong."""
        return f"urn:pulumi:{self.stack}::{self.project}::pulumi:pulumi:Stack::{self.project}-{self.stack}"

    @property
    def old_outputs(self) -> Properties:
        """The stack's outputs before the phase."""
        return self.olds[self.root].outputs if self.root in self.olds else {}


class View:
    """Takes the events of a phase, from many threads, and keeps its messages."""

    def __init__(self, phase: Phase) -> None:
        self.phase = phase
        self.lock = threading.Lock()
        self.messages: list[tuple[str, str, str]] = []

    def started(self, step: Step) -> None:
        """Show that a step has begun."""

    def finished(self, step: Step, seconds: float) -> None:
        """Show that a step has ended well."""

    def failed(self, step: Step) -> None:
        """Show that a step has ended in an error, which has its own message."""

    def message(self, severity: str, urn: str, text: str, *, is_ephemeral: bool = False) -> None:
        """Keep a message for the end, unless it is ephemeral."""
        if not is_ephemeral:
            with self.lock:
                self.messages.append((severity, urn, text))

    def end(self, counts: Mapping[Op, int], outputs: Properties | None, seconds: float) -> None:
        """Show the account of the phase; `outputs` is None where the program did not come that far."""


def prefix(severity: str) -> str:
    """Return what stands before a message."""
    return "" if severity == "info" else f"{severity}: "
