"""docs/mutants.md: how many breaks of what decides the pure tests notice, and why they need not notice the others."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mutants.judge import Verdict
from mutants.operators import Mutant
from mutants.survivors import Key

PAGE = Path(__file__).parents[2] / "docs" / "mutants.md"


@dataclass(frozen=True)
class Row:
    """The mutants of one module, and what became of them; one that does not end counts as killed."""

    module: str
    mutants: int
    survived: int
    endless: int

    @property
    def killed(self) -> int:
        return self.mutants - self.survived

    @property
    def score(self) -> float:
        """How many of a hundred were killed."""
        return 100 * self.killed / self.mutants

    def __str__(self) -> str:
        return (
            f"{self.module}: {self.mutants} mutants, {self.killed} killed ({self.endless} of them did not end), "
            f"{self.survived} survived: {self.score:.1f} %"
        )


def count(verdicts: Mapping[Mutant, Verdict]) -> list[Row]:
    """Return a row for each module, in the order in which they come."""
    fates: dict[str, list[str]] = {}
    for mutant, verdict in verdicts.items():
        fates.setdefault(mutant.module, []).append(verdict.fate)
    return [Row(name, len(found), found.count("survived"), found.count("endless")) for name, found in fates.items()]


def write_page(rows: Iterable[Row], survived: Iterable[Mutant], reasons: Mapping[Key, str]) -> str:
    """Return the page: what stands before its first table is kept."""
    head = PAGE.read_text(encoding="utf-8").partition("## The score\n")[0]
    return "\n".join([head.rstrip("\n"), "", *_score(rows), *_survivors(survived, reasons)]) + "\n"


def _score(rows: Iterable[Row]) -> Iterator[str]:
    yield "## The score\n"
    yield "| module | mutants | killed | survived | score |"
    yield "|---|---|---|---|---|"
    for row in rows:
        yield f"| `{row.module}` | {row.mutants} | {row.killed} | {row.survived} | {row.score:.1f} % |"
    yield ""


def _survivors(survived: Iterable[Mutant], reasons: Mapping[Key, str]) -> Iterator[str]:
    yield "## The survivors\n"
    yield "| line | in | what is written | what no test tells from it | why none has to |"
    yield "|---|---|---|---|---|"
    for mutant in survived:
        place = f"`{mutant.module}.{mutant.function}`".replace(".`", "`")
        reason = " ".join(reasons[mutant.key].split())
        yield f"| {mutant.line} | {place} | {_code(mutant.before)} | {_code(mutant.after)} | {reason} |"


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")
