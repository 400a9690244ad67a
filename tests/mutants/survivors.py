"""The mutants that no test notices, each with the reason why none has to."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from mutants.operators import Mutant
from ruamel.yaml import YAML

LIST = Path(__file__).parent / "survivors.yaml"

Key = tuple[str, str, str, str, int]


@dataclass(frozen=True)
class Survivor:
    """One line of the list; a list that is not of this form raises TypeError."""

    module: str
    function: str
    before: str
    after: str
    reason: str | None
    nth: int = 1

    @property
    def key(self) -> Key:
        """What it is known by."""
        return self.module, self.function, self.before, self.after, self.nth


def read_survivors(path: Path = LIST) -> dict[Key, str]:
    """Return the reasons, by what a mutant is known by; raises ValueError where one is missing or stands twice."""
    listed = [Survivor(**entry) for entry in YAML(typ="safe").load(path.read_text(encoding="utf-8")) or ()]
    reasons = {survivor.key: (survivor.reason or "").strip() for survivor in listed}
    if len(reasons) < len(listed) or not all(reasons.values()):
        raise ValueError(f"{path.name}: each mutant stands there once, with a reason")
    return reasons


def compare(survived: Iterable[Mutant], judged: Iterable[Mutant], reasons: Collection[Key]) -> tuple[str, ...]:
    """Return one line for each survivor without a reason, and for each reason without a survivor."""
    survivors = {mutant.key: mutant for mutant in survived}
    known = {mutant.key for mutant in judged}
    unlisted = [
        f"survived, and is not listed: {key[0]} line {mutant.line}, {describe(key)}"
        for key, mutant in survivors.items()
        if key not in reasons
    ]
    outdated = [
        f"listed, and {'killed now' if key in known else 'there no more'}: {key[0]}, {describe(key)}"
        for key in reasons
        if key not in survivors
    ]
    return (*unlisted, *outdated)


def describe(key: Key) -> str:
    """Return where a mutant is and what it changes."""
    _, function, before, after, nth = key
    return f"{function or 'the module'}{f' ({nth})' if nth > 1 else ''}: `{before}` -> `{after}`"
