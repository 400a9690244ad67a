"""The JSON view: one `PreviewDigest` document on stdout at the end."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.engine.differences import root_keys
from sandbox.engine.states import STACK, Op, Step
from sandbox.engine.values import Properties
from sandbox.engine.views import Phase, View, prefix


class Digest(View):
    """Collects the steps of a preview; same steps are left out, but the stack's own and a change of `protect` stand.

    Shape: pulumi/pkg/backend/display/json.go.
    """

    def __init__(self, phase: Phase) -> None:
        super().__init__(phase)
        self._steps: list[dict[str, Any]] = []
        self._refreshing: dict[str, int] = {}

    def started(self, step: Step) -> None:
        """Add the step as it is planned: nothing but inputs is known of the new state."""
        if step.op == "same" and step.state.type != STACK and not step.changes_protection:
            return
        if step.new and step.op != "refresh":
            step = replace(step, new=replace(step.new, id="", outputs={}))
        with self.lock:
            self._refreshing.pop(step.urn, None)
            if step.op == "refresh":
                self._refreshing[step.urn] = len(self._steps)
            self._steps.append(_render(step))

    def finished(self, step: Step, seconds: float) -> None:  # noqa: ARG002  a digest has one duration
        """Turn a refresh into the update or delete it found."""
        if step.op == "delete" or (step.op == "update" and step.detailed is not None):
            with self.lock:
                if step.urn in self._refreshing:
                    self._steps[self._refreshing.pop(step.urn)] = _render(step)

    def end(self, counts: Mapping[Op, int], outputs: Properties | None, seconds: float) -> None:  # noqa: ARG002
        """Print the document; a digest has no outputs."""
        diagnostics = [
            {**({"urn": urn} if urn else {}), "message": f"{prefix(severity)}{text}\n", "severity": severity}
            for severity, urn, text in self.messages
        ]
        document = {
            "config": dict(self.phase.config),
            "steps": self._steps,
            **({"diagnostics": diagnostics} if diagnostics else {}),
            "duration": int(seconds * 1_000_000_000),
            "changeSummary": dict(sorted(counts.items())),
        }
        print(json.dumps(document, indent=4, ensure_ascii=False), flush=True)  # noqa: T201


def _render(step: Step) -> dict[str, Any]:
    # The engine compares inputs; a provider that gives details of its own compares outputs.
    is_input = not step.state.type.startswith("azuread:")
    details = {path: {"kind": kind, "inputDiff": is_input} for path, kind in sorted((step.detailed or {}).items())}
    members = {
        "provider": step.state.provider,
        "oldState": step.old and step.old.export(),
        "newState": step.new and step.new.export(),
        "diffReasons": root_keys(step.detailed or {}),
    }
    shown = {name: value for name, value in members.items() if value}
    return {"op": step.op, "urn": step.urn, **shown, "detailedDiff": details or None}
