"""The text view: a row for every event, with `--diff` the properties below it, then what it comes to."""

from collections.abc import Mapping

from sandbox.engine.differences import root_keys
from sandbox.engine.rendering import render_outputs, render_step
from sandbox.engine.states import Op, Step, split_urn
from sandbox.engine.values import Properties
from sandbox.engine.views import DONE, SYMBOLS, Phase, View, prefix

_DOING: dict[Op, str] = {"create": "creating", "update": "updating", "delete": "deleting", "refresh": "refreshing"}
_CHANGES: tuple[Op, ...] = ("create", "update", "delete")


class Rows(View):
    """Prints each event as it happens, then diagnostics, outputs and the count of resources."""

    def __init__(self, phase: Phase, *, has_details: bool) -> None:
        super().__init__(phase)
        self._has_details = has_details
        _print(phase.title, "")

    def started(self, step: Step) -> None:
        """Print that the step runs; a preview says so only of reads."""
        if step.op == "refresh" or (step.op != "same" and not self.phase.is_preview):
            self._row(step, f"{_DOING[step.op]}{'' if self.phase.is_preview else ' (0s)'} {_short_diff(step)}")

    def finished(self, step: Step, seconds: float) -> None:
        """Print what the step did."""
        if step.op == "same" and self.phase.kind != "refresh" and not step.changes_protection:
            return
        status: str = "" if step.op == "same" else step.op
        if status and not self.phase.is_preview:
            status = f"{DONE[step.op]} ({seconds:.2f}s)"
        self._row(step, f"{status} {_short_diff(step)}", *render_step(step, " " * 8) if self._has_details else ())

    def failed(self, step: Step) -> None:
        """Print that the step failed."""
        self._row(step, f"**{_DOING[step.op]} failed**")

    def message(self, severity: str, urn: str, text: str, *, is_ephemeral: bool = False) -> None:
        """Print the first line of the message, and keep it for the end."""
        super().message(severity, urn, text, is_ephemeral=is_ephemeral)
        type, name = split_urn(urn or self.phase.root)
        first = text.strip().split("\n")[0]
        if first:
            with self.lock:
                _print(f"    {type} {name}  {prefix(severity)}{first}")

    def end(self, counts: Mapping[Op, int], outputs: Properties | None, seconds: float) -> None:
        """Print diagnostics, outputs, and the count of resources."""
        by_urn: dict[str, list[str]] = {}
        for severity, urn, text in self.messages:
            by_urn.setdefault(urn or self.phase.root, []).extend(f"{prefix(severity)}{text}".split("\n"))
        lines = ["Diagnostics:"] if by_urn else []
        for urn, parts in by_urn.items():
            lines += ["  {} ({}):".format(*split_urn(urn)), *(f"    {part}" for part in parts), ""]
        shown = render_outputs(self.phase.old_outputs, outputs or {}, is_preview=self.phase.is_preview)
        lines += ["Outputs:", *shown, ""] if shown and outputs is not None else []
        lines += ["Resources:", *self._summarize(counts), ""]
        _print(*lines, *([] if self.phase.is_preview else [f"Duration: {max(1, round(seconds))}s", ""]))

    def _summarize(self, counts: Mapping[Op, int]) -> list[str]:
        changes = {op: counts[op] for op in _CHANGES if counts.get(op)}
        verbs = {op: f"to {op}" if self.phase.is_preview else DONE[op] for op in changes}
        lines = [f"    {SYMBOLS[op]} {count} {verbs[op]}" for op, count in changes.items()]
        total = [f"{sum(changes.values())} changes"] if len(changes) > 1 else []
        total += [f"{counts['same']} unchanged"] if counts.get("same") else []
        errored = len({urn for severity, urn, _ in self.messages if severity == "error"})
        return lines + ["    " + ". ".join(total)] * bool(total) + [f"    {errored} errored"] * bool(errored)

    def _row(self, step: Step, status: str, *details: str) -> None:
        type, name = split_urn(step.urn)
        retained = "[retain]" if step.op == "delete" and step.state.retain_on_delete else ""
        with self.lock:
            _print(f" {SYMBOLS[step.op]:<2} {type} {name} {status}{retained}", *details)


def _short_diff(step: Step) -> str:
    if step.op == "same" and step.changes_protection:
        return "[diff: ~protect]"
    if step.op not in {"update", "refresh"} or step.old is None or step.new is None:
        return ""
    olds, news = step.old.inputs, step.new.inputs
    roots = sorted(olds.keys() | news.keys()) if step.detailed is None else root_keys(step.detailed)
    kinds: dict[str, list[str]] = {"+": [], "-": [], "~": []}
    for key in roots:
        if not key.startswith("__") and olds.get(key) != news.get(key):
            kinds["+" if key not in olds else "-" if key not in news else "~"].append(key)
    text = "".join(f"{symbol}{','.join(keys)}" for symbol, keys in kinds.items() if keys)
    return f"[diff: {text}]" if text else ""


def _print(*lines: str) -> None:
    print("\n".join(lines), flush=True)  # noqa: T201
