"""What a probe found beside what was assumed; performs no I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qlik_provider.probing.assumption import Assumption, Way
from qlik_provider.probing.assumptions import ASSUMPTIONS

AS_ASSUMED, DIFFERS, NOT_ASKED, UNTOLD = "as assumed", "differs", "not asked", "cannot be told"


@dataclass(frozen=True)
class Found:
    """The answer to one question; without an answer, `because` says why it cannot be told."""

    answer: str = ""
    because: str = ""


@dataclass(frozen=True)
class Finding:
    """An assumption and what was found of it; nothing where it was not asked."""

    assumption: Assumption
    found: Found | None = None

    @property
    def verdict(self) -> str:
        """One of four words."""
        if self.found is None:
            return UNTOLD if self.assumption.way is Way.NEVER else NOT_ASKED
        if not self.found.answer:
            return UNTOLD
        return AS_ASSUMED if self.found.answer == self.assumption.assumed else DIFFERS

    @property
    def shown(self) -> str:
        """What was found, or why nothing was."""
        if self.found is None:
            if self.assumption.way is Way.NEVER:
                return f"cannot be told: {self.assumption.told_by}"
            return f"not asked (needs {self.assumption.way})"
        return self.found.answer or f"cannot be told: {self.found.because}"

    @property
    def has_answer(self) -> bool:
        """Tell whether anything was found."""
        return self.found is not None and self.found.answer != ""

    @property
    def is_settable(self) -> bool:
        """Tell whether what differs is a position of the switch."""
        return self.verdict == DIFFERS and self.shown in self.assumption.positions

    @property
    def setting(self) -> str:
        """What to set in the sandbox so that it behaves as this tenant does; nothing where nothing differs."""
        if self.verdict != DIFFERS:
            return ""
        if self.is_settable:
            return f"{self.assumption.name}: {self.shown}"
        return "no position of the switch is this" if self.assumption.is_switch else "no switch for it"

    def document(self) -> dict[str, Any]:
        """Return the finding as it stands in the JSON output."""
        return {
            "name": self.assumption.name,
            "kind": "switch" if self.assumption.is_switch else "fact",
            "assumed": self.assumption.assumed,
            "found": self.shown if self.has_answer else None,
            "verdict": self.verdict,
            "because": "" if self.has_answer else self.shown,
            "toldBy": self.assumption.told_by,
            "set": self.assumption.name if self.is_settable else None,
        }


def gather(answers: Mapping[str, Found]) -> tuple[Finding, ...]:
    """Return a finding for every assumption, in the order of the table."""
    return tuple(Finding(assumption, answers.get(name)) for name, assumption in ASSUMPTIONS.items())


def positions_to_set(findings: Iterable[Finding]) -> dict[str, str]:
    """Return the switches of a world that behaves as this tenant does."""
    return {finding.assumption.name: finding.shown for finding in findings if finding.is_settable}


def count_verdicts(findings: Iterable[Finding]) -> dict[str, int]:
    """Return how many findings there are of each verdict."""
    counts = dict.fromkeys((AS_ASSUMED, DIFFERS, NOT_ASKED, UNTOLD), 0)
    for finding in findings:
        counts[finding.verdict] += 1
    return counts


def differ(finding: Finding) -> bool:
    """Tell whether something else was found than was assumed."""
    return finding.verdict == DIFFERS
