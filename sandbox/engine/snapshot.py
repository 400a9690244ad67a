"""A stack's resources while a phase changes them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sandbox.engine.states import State


def _save_nothing(snapshot: "Snapshot") -> None:
    """Stand in for saving, as in a preview."""


@dataclass
class Snapshot:
    """Resources in the order of their creation, and operations that were begun and not ended.

    `pending` are operations of the run under way, `interrupted` the creations of runs that were killed: nobody knows
    what they left behind, so they stay until they are cleared. `save` is called after every change.
    """

    resources: dict[str, State] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    interrupted: list[str] = field(default_factory=list)
    save: Callable[["Snapshot"], None] = _save_nothing

    def __post_init__(self) -> None:
        self._lock = threading.RLock()

    def keep(self, save: Callable[["Snapshot"], None], *, has_creates: bool) -> None:
        """Save from now on; of the operations the last run left pending only creations stay, if at all."""
        created = [urn for urn, operation in self.pending.items() if operation == "creating"]
        self.interrupted = sorted({*self.interrupted, *created}) if has_creates else []
        self.pending.clear()
        self.save = save
        save(self)

    def abandon(self) -> None:
        """Save no more: what is under way stays pending."""
        with self._lock:
            self.save = _save_nothing

    def begin(self, urn: str, operation: str) -> None:
        """Note that a provider is about to write."""
        with self._lock:
            self.pending[urn] = operation
            self.save(self)

    def end(self, urn: str) -> None:
        """Note that a provider has answered with an error."""
        with self._lock:
            if self.pending.pop(urn, None):
                self.save(self)

    def put(self, state: State, formerly: str = "") -> None:
        """Keep a resource as it is now; of one that had another urn nothing is left under that."""
        with self._lock:
            is_new = self.resources.get(formerly or state.urn) != state
            if formerly not in {"", state.urn}:
                self._rename(formerly, state.urn)
            self.resources[state.urn] = state
            if self.pending.pop(state.urn, None) or is_new:
                self.save(self)

    def drop(self, urn: str) -> None:
        """Forget a resource, also where others name it."""
        with self._lock:
            del self.resources[urn]
            self.pending.pop(urn, None)
            for state in list(self.resources.values()):
                if urn in state.dependencies:
                    self.resources[state.urn] = _forget(state, urn)
            self.save(self)

    def _rename(self, formerly: str, urn: str) -> None:
        renamed = {former: _rename(state, formerly, urn) for former, state in self.resources.items()}
        self.resources = {state.urn: state for state in renamed.values()}

    def list_operations(self) -> list[tuple[str, str]]:
        """Return the operations nobody knows the end of: urn and what was being done."""
        return [*self.pending.items(), *((urn, "creating") for urn in self.interrupted)]

    def export(self) -> dict[str, Any]:
        """Return Pulumi's deployment of version 3."""
        operations = [{"resource": {"urn": urn}, "type": kind} for urn, kind in self.list_operations()]
        deployment = {
            "manifest": {"time": datetime.now(UTC).isoformat(), "magic": "", "version": "rehearsal"},
            "resources": [state.export() for state in self.resources.values()],
            **({"pending_operations": operations} if operations else {}),
        }
        return {"version": 3, "deployment": deployment}


def _rename(state: State, formerly: str, urn: str) -> State:
    """Return a resource that is, or names, the one with another urn now."""

    def now(other: str) -> str:
        return urn if other == formerly else other

    return replace(
        state,
        urn=now(state.urn),
        parent=now(state.parent),
        dependencies=sorted(map(now, state.dependencies)),
        property_dependencies={key: list(map(now, urns)) for key, urns in state.property_dependencies.items()},
    )


def _forget(state: State, urn: str) -> State:
    others = {key: [u for u in urns if u != urn] for key, urns in state.property_dependencies.items()}
    return replace(state, dependencies=[u for u in state.dependencies if u != urn], property_dependencies=others)
