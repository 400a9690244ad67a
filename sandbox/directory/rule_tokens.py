"""The words of membership rules: properties, operators, values and marks."""

import re
from dataclasses import dataclass
from typing import Any

OPERATORS = frozenset(
    {
        "eq", "ne", "startswith", "notstartswith", "endswith", "notendswith", "contains", "notcontains", "match",
        "notmatch", "in", "notin", "ge", "le", "any", "all", "and", "or", "not", "plus", "minus",
    }
)  # fmt: skip

_PATTERN = re.compile(
    r"""\s*(?:
    (?P<mark>[()\[\],])
    | "(?P<double>(?:`.|[^"`])*)"
    | '(?P<single>(?:''|[^'])*)'
    | (?P<moment>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)
    | (?P<number>-?\d+(?:\.\d+)?)
    | -(?P<operator>[A-Za-z]+)
    | (?P<word>\$?[A-Za-z_][\w.]*)
    )""",
    re.VERBOSE,
)


class RuleError(Exception):
    """A rule that Graph rejects, in the words of its validation."""


@dataclass(frozen=True)
class Piece:
    """One word of a rule: `kind` is mark, text, moment, number, operator, word or end."""

    kind: str
    text: str
    value: Any = None

    def is_operator(self, *names: str) -> bool:
        """Say whether the piece is one of these operators; the hyphen before them may be left out."""
        return self.kind in {"operator", "word"} and self.text.lower() in names

    def is_mark(self, mark: str) -> bool:
        """Say whether the piece is this mark."""
        return self.kind == "mark" and self.text == mark


END = Piece("end", "")


def read_pieces(rule: str) -> list[Piece]:
    """Return the pieces of a rule, or raise RuleError for what is none."""
    pieces, place, end = [], 0, len(rule.rstrip())
    while place < end:
        match = _PATTERN.match(rule, place)
        if match is None:
            raise RuleError(f"Invalid characters found in the rule at position {place}: {rule[place : place + 20]}")
        place = match.end()
        pieces.append(_piece(match))
    return pieces


def _piece(match: re.Match[str]) -> Piece:
    kind, text = str(match.lastgroup), match[str(match.lastgroup)]
    if kind == "double":
        return Piece("text", text, re.sub(r"`(.)", r"\1", text))
    if kind == "single":
        return Piece("text", text, text.replace("''", "'"))
    if kind == "operator" and text.lower() not in OPERATORS:
        raise RuleError(f"Invalid operator found: -{text}")
    return Piece(kind, text, text)
