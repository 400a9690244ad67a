"""Rules of dynamic membership (learn.microsoft.com/entra/identity/users/groups-dynamic-membership)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sandbox.directory.rule_properties import Subject, resolve_item, resolve_property
from sandbox.directory.rule_tokens import END, OPERATORS, Piece, RuleError, read_pieces
from sandbox.directory.rule_values import compare, read_list, read_value

MAX_LENGTH = 3072
MAX_DEPTH = 50
MAX_GROUPS = 50

Test = Callable[[Subject], bool]


@dataclass(frozen=True)
class Rule:
    """A rule that was understood: whom it takes, and what it looks at beside the person."""

    test: Test
    # The groups whose members it takes, or the manager whose reports it takes.
    groups: frozenset[str] = frozenset()
    manager: str = ""


class _Reader:
    """The pieces of a rule and the place reached."""

    def __init__(self, rule: str) -> None:
        self.pieces = read_pieces(rule)
        self.place = 0
        self.depth = 0
        self.groups: frozenset[str] = frozenset()

    def peek(self, ahead: int = 0) -> Piece:
        place = self.place + ahead
        return self.pieces[place] if place < len(self.pieces) else END

    def next(self) -> Piece:
        piece = self.peek()
        self.place += 1
        return piece

    def expect(self, mark: str) -> None:
        piece = self.next()
        if not piece.is_mark(mark):
            raise RuleError(f"Mismatched parentheses or brackets: '{mark}' expected, '{piece.text}' found")


@lru_cache(maxsize=256)
def read_rule(text: str) -> Rule:
    """Return the rule, or raise RuleError with what is wrong about it."""
    if len(text) > MAX_LENGTH:
        raise RuleError(f"The rule exceeds the maximum length of {MAX_LENGTH} characters")
    reader = _Reader(text)
    if not reader.pieces:
        raise RuleError("The rule is empty")
    if [piece.text.lower() for piece in reader.pieces[:3]] == ["direct", "reports", "for"]:
        return _direct_reports(reader)
    test = _any_of(reader)
    if reader.peek() is not END:
        raise RuleError(f"Invalid operator found: {reader.peek().text}")
    return Rule(test, reader.groups)


def _direct_reports(reader: _Reader) -> Rule:
    manager = reader.peek(3)
    if len(reader.pieces) != 4 or manager.kind != "text":  # noqa: PLR2004  # Direct Reports for "id"
        raise RuleError("Direct Reports for takes the object id of a manager and nothing else")
    wanted = str(manager.value).lower()
    return Rule(lambda subject: subject.manager == wanted, manager=wanted)


def _any_of(reader: _Reader) -> Test:
    tests = [_all_of(reader)]
    while reader.peek().is_operator("or"):
        reader.next()
        tests.append(_all_of(reader))
    return tests[0] if len(tests) == 1 else lambda subject: any(test(subject) for test in tests)


def _all_of(reader: _Reader) -> Test:
    tests = [_negation(reader)]
    while reader.peek().is_operator("and"):
        reader.next()
        tests.append(_negation(reader))
    return tests[0] if len(tests) == 1 else lambda subject: all(test(subject) for test in tests)


def _negation(reader: _Reader) -> Test:
    reader.depth += 1
    if reader.depth > MAX_DEPTH:
        raise RuleError("The rule is nested too deeply")
    if reader.peek().is_operator("not"):
        reader.next()
        inner = _negation(reader)
        test: Test = lambda subject: not inner(subject)  # noqa: E731  # a branch as any other
    elif reader.peek().is_mark("("):
        reader.next()
        test = _any_of(reader)
        reader.expect(")")
    else:
        test = _expression(reader)
    reader.depth -= 1
    return test


def _expression(reader: _Reader) -> Test:
    name = reader.next()
    if name.kind != "word" or name.text.lower() in OPERATORS:
        raise RuleError(f"Invalid property found: {name.text or 'the end of the rule'}")
    operator = _operator(reader)
    if name.text.lower() == "user.memberof":
        return _member_of(reader, operator)
    known = resolve_property(name.text)
    if operator in {"any", "all"}:
        if known.kind != "list":
            raise RuleError(f"Invalid operands found for operator -{operator}")
        return _quantified(reader, operator, known.read)
    if known.kind == "list":
        test = _condition(reader, "text", operator)
        is_negative = operator == "ne" or operator.startswith("not")
        quantifier = all if is_negative else any
        return lambda subject: quantifier(test(item, subject) for item in known.read(subject))
    condition = _condition(reader, known.kind, operator)
    return lambda subject: condition(known.read(subject), subject)


def _operator(reader: _Reader) -> str:
    piece = reader.next()
    operator = piece.text.lower()
    if piece.kind not in {"operator", "word"} or operator not in OPERATORS - {"and", "or", "not", "plus", "minus"}:
        raise RuleError(f"Invalid operator found: {piece.text or 'the end of the rule'}")
    return operator


def _condition(reader: _Reader, kind: str, operator: str) -> Callable[[Any, Subject], bool]:
    """Return the test of a value against what stands after the operator."""
    if operator in {"in", "notin"}:
        wanted: Any = read_list(reader, kind)
    else:
        wanted = read_value(reader, kind, operator)
    return compare(kind, operator, wanted)


def _quantified(reader: _Reader, operator: str, read: Callable[[Subject], Any]) -> Test:
    """Return the test of the items of a list: `-any (_ -startsWith "x")`."""
    reader.expect("(")
    resolve_item(reader.next().text)
    condition = _condition(reader, "text", _operator(reader))
    reader.expect(")")
    quantifier = any if operator == "any" else all
    return lambda subject: quantifier(condition(item, subject) for item in read(subject))


def _member_of(reader: _Reader, operator: str) -> Test:
    """Return the test of membership in groups, which no other expression can stand beside."""
    alone = reader.pieces[0].text.lower() == "user.memberof" or [p.text.lower() for p in reader.pieces[:2]] == [
        "(",
        "user.memberof",
    ]
    if operator != "any" or not alone:
        raise RuleError("Invalid operands found for operator -any: memberOf cannot be combined with other operators")
    reader.expect("(")
    if reader.next().text.lower() != "group.objectid":
        raise RuleError("Wrong property applied. Only group.objectId can be used with memberOf")
    if _operator(reader) != "in":
        raise RuleError("Invalid operator found: memberOf takes -in")
    groups = frozenset(read_list(reader, "text"))
    reader.expect(")")
    if len(groups) > MAX_GROUPS:
        raise RuleError(f"The memberOf rule exceeds the maximum of {MAX_GROUPS} groups")
    if any(piece.is_operator("and", "or", "not") for piece in reader.pieces):
        raise RuleError("Invalid operands found for operator -any: memberOf cannot be combined with other operators")
    reader.groups = groups
    return lambda subject: not subject.groups.isdisjoint(groups)
