"""The values membership rules compare with, and what each operator means for each type."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sandbox.directory.rule_properties import Subject
from sandbox.directory.rule_tokens import Piece, RuleError
from sandbox.state import fold

Condition = Callable[[Any, Subject], bool]

_FOR_TEXTS = {
    "eq", "ne", "startswith", "notstartswith", "endswith", "notendswith", "contains", "notcontains", "match",
    "notmatch", "in", "notin",
}  # fmt: skip
_ALLOWED = {"text": _FOR_TEXTS, "flag": {"eq", "ne"}, "moment": {"eq", "ne", "ge", "le"}}
_DURATION = re.compile(r"p(\d{1,5})d", re.IGNORECASE)


class Pieces(Protocol):
    """The pieces of a rule, read from the left."""

    def peek(self, ahead: int = 0) -> Piece:
        """Return a piece without going on."""

    def next(self) -> Piece:
        """Return a piece and go on."""

    def expect(self, mark: str) -> None:
        """Go past a mark, or raise RuleError."""


def read_list(pieces: Pieces, kind: str) -> frozenset[str]:
    """Return the texts between brackets, without case."""
    if kind != "text":
        raise RuleError("Invalid operands found for operator -in")
    pieces.expect("[")
    values = {_read_text(pieces, "in")}
    while pieces.peek().is_mark(","):
        pieces.next()
        values.add(_read_text(pieces, "in"))
    pieces.expect("]")
    return frozenset(fold(value) for value in values)


def read_value(pieces: Pieces, kind: str, operator: str) -> Any:
    """Return the value after an operator, or raise RuleError for one that does not fit."""
    if operator not in _ALLOWED[kind]:
        raise RuleError(f"Invalid operator found: -{operator} cannot be applied to this property")
    if pieces.peek().is_operator("null", "$null"):
        pieces.next()
        if operator not in {"eq", "ne"}:
            raise RuleError(f"Invalid operands found for operator -{operator}: null takes -eq and -ne")
        return None
    if kind == "flag":
        text = pieces.next().text.lower()
        if text not in {"true", "false"}:
            raise RuleError(f"Invalid operands found for operator -{operator}: true or false expected")
        return text == "true"
    if kind == "moment":
        return _read_moment(pieces, operator)
    text = _read_text(pieces, operator)
    if operator in {"match", "notmatch"}:
        try:
            return re.compile(text, re.IGNORECASE)
        except re.error as error:
            raise RuleError(f"Invalid regular expression found: {text}") from error
    return fold(text)


def _read_text(pieces: Pieces, operator: str) -> str:
    piece = pieces.next()
    if piece.kind not in {"text", "number"}:
        raise RuleError(f"Invalid operands found for operator -{operator}: a value in quotes expected")
    return str(piece.value)


def _read_moment(pieces: Pieces, operator: str) -> Callable[[float], float]:
    """Return the moment, given that of the evaluation: a date, or `system.now -plus p1d`."""
    piece = pieces.next()
    if piece.text.lower() == "system.now":
        shift = timedelta()
        if pieces.peek().is_operator("plus", "minus"):
            sign = 1 if pieces.next().is_operator("plus") else -1
            duration = _DURATION.fullmatch(pieces.next().text)
            if duration is None:
                raise RuleError("Invalid duration found: p1d expected")
            shift = timedelta(days=sign * int(duration.group(1)))
        return lambda now: now + shift.total_seconds()
    moment = _seconds(piece.value)
    if moment is None:
        raise RuleError(f"Invalid operands found for operator -{operator}: a date expected")
    return lambda _: moment


def _seconds(text: Any) -> float | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()


def compare(kind: str, operator: str, wanted: Any) -> Condition:
    """Return the condition; one that negates is true of null, which is not equal to anything but null."""
    if operator == "ne" or operator.startswith("not"):
        positive = compare(kind, "eq" if operator == "ne" else operator.removeprefix("not"), wanted)
        return lambda value, subject: not positive(value, subject)
    if wanted is None:
        return lambda value, _: value is None
    if kind == "flag":
        return lambda value, _: value is wanted
    if kind == "moment":
        return _compare_moments(operator, wanted)
    return _compare_texts(operator, wanted)


def _compare_moments(operator: str, wanted: Callable[[float], float]) -> Condition:
    def condition(value: Any, subject: Subject) -> bool:
        moment, other = _seconds(value), wanted(subject.moment)
        if value is None or moment is None:
            return False
        return {"eq": moment == other, "ge": moment >= other, "le": moment <= other}[operator]

    return condition


def _compare_texts(operator: str, wanted: Any) -> Condition:
    conditions: dict[str, Callable[[str], bool]] = {
        "eq": lambda text: text == wanted,
        "startswith": lambda text: text.startswith(wanted),
        "endswith": lambda text: text.endswith(wanted),
        "contains": lambda text: wanted in text,
        "in": lambda text: text in wanted,
    }
    if operator == "match":
        return lambda value, _: value is not None and wanted.search(value) is not None
    test = conditions[operator]
    return lambda value, _: value is not None and test(fold(value))
