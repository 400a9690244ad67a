"""The filter language of the identity services: a subset of RFC 7644 3.4.2.2 (qlik-api.md 1.4, 3.2)."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sandbox.paging import Clause
from sandbox.state import fold

_TOKEN = re.compile(r"""\s*(?:(?P<mark>[()])|(?P<text>"(?:\\.|[^"\\])*"|'[^']*')|(?P<word>[\w.]+))""")
_EQUALS = " = ?"
_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
# Where the services say "filter too complex" is not published; these are the sandbox's own bounds.
MAX_TESTS = 200
MAX_DEPTH = 20


class FilterError(Exception):
    """A filter that the service would not take, in one clause."""


@dataclass(frozen=True)
class Attribute:
    """What a filter may say about one attribute: a test with one parameter, a second one for `co`, a third for `ne`.

    `ordered` is the test of gt, ge, lt and le, with `{sign}` where the sign stands.
    """

    equals: str
    contains: str | None = None
    differs: str | None = None
    ordered: str | None = None


@dataclass(frozen=True)
class Comparison:
    """One comparison of a filter."""

    name: str
    operator: str
    clause: Clause

    @property
    def comparisons(self) -> "list[Comparison]":
        """The comparison itself."""
        return [self]


@dataclass(frozen=True)
class Chain:
    """Comparisons and groups of them, joined by one operator."""

    operator: str
    parts: "list[Comparison | Chain]"

    @property
    def comparisons(self) -> list[Comparison]:
        """Every comparison in it."""
        return [test for part in self.parts for test in part.comparisons]

    @property
    def clause(self) -> Clause:
        """The condition; alternatives of one attribute become one IN, which finds its index."""
        tests = [part for part in self.parts if isinstance(part, Comparison)]
        sql = {test.clause.sql for test in tests}
        if self.operator == "or" and len(tests) == len(self.parts) and len(sql) == 1:
            column = next(iter(sql))
            if column.endswith(_EQUALS) and column.count("?") == 1:
                marks = ", ".join("?" * len(tests))
                params = tuple(param for test in tests for param in test.clause.params)
                return Clause(f"{column.removesuffix(_EQUALS)} IN ({marks})", params)
        clauses = [part.clause for part in self.parts]
        text = f" {self.operator} ".join(f"({clause.sql})" for clause in clauses)
        return Clause(text, tuple(param for clause in clauses for param in clause.params))


@dataclass
class _Reader:
    """The tokens of a filter and the place reached."""

    tokens: list[str]
    attributes: Mapping[str, Attribute]
    place: int = 0
    depth: int = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def next(self) -> str:
        token = self.peek()
        if not token:
            raise FilterError("the filter ends too early")
        self.place += 1
        return token


def read_filter(text: str, attributes: Mapping[str, Attribute]) -> Clause:
    """Return the filter as a condition, or raise FilterError."""
    return parse_filter(text, attributes).clause


def parse_filter(text: str, attributes: Mapping[str, Attribute], grouped: str = "") -> Comparison | Chain:
    """Return the filter as a tree, or raise FilterError.

    Conditions on the attribute `grouped` stand in groups of their own, joined to the rest by `and`.
    """
    reader = _Reader(_tokens(text), attributes)
    condition = _chain(reader)
    if reader.peek():
        raise FilterError(f"unexpected {reader.peek()}")
    if len(condition.comparisons) > MAX_TESTS:
        raise FilterError("the filter is too complex")
    if grouped and not all(_is_pure(part, grouped) for part in _conjuncts(condition)):
        raise FilterError(f"conditions on {grouped} must be grouped and joined to the others by and")
    return condition


def _conjuncts(condition: Comparison | Chain) -> Iterator[Comparison | Chain]:
    """Yield what all has to hold at once."""
    if isinstance(condition, Chain) and condition.operator == "and":
        for part in condition.parts:
            yield from _conjuncts(part)
    else:
        yield condition


def _is_pure(condition: Comparison | Chain, name: str) -> bool:
    """Say whether a condition is about the attribute alone, or not about it at all."""
    return len({test.name == name for test in condition.comparisons}) == 1


def _tokens(text: str) -> list[str]:
    tokens, place = [], 0
    text = text.strip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise FilterError(f"unexpected {text[place:]}")
        tokens.append(match.group().strip())
        place = match.end()
    return tokens


def _chain(reader: _Reader) -> Comparison | Chain:
    """Return terms joined by one operator; `and` and `or` mix only through parentheses."""
    terms, operator = [_term(reader)], ""
    while reader.peek().lower() in {"and", "or"}:
        word = reader.next().lower()
        if operator and word != operator:
            raise FilterError("and/or need parentheses")
        operator = word
        terms.append(_term(reader))
    return Chain(operator, terms) if operator else terms[0]


def _term(reader: _Reader) -> Comparison | Chain:
    word = reader.next()
    if word == "(":
        return _group(reader)
    attribute = reader.attributes.get(word)
    if attribute is None:
        raise FilterError(f"the attribute {word} cannot be filtered")
    operator, value = reader.next().lower(), fold(_value(reader.next()))
    tests = {"eq": attribute.equals, "co": attribute.contains, "ne": attribute.differs}
    if attribute.ordered is not None:
        tests |= {name: attribute.ordered.format(sign=sign) for name, sign in _SIGNS.items()}
    sql = tests.get(operator)
    if sql is None:
        raise FilterError(f"the operator {operator} does not go with {word}")
    return Comparison(word, operator, Clause(sql, (value,)))


def _group(reader: _Reader) -> Comparison | Chain:
    """Return what stands in parentheses."""
    reader.depth += 1
    if reader.depth > MAX_DEPTH:
        raise FilterError("the filter is too complex")
    inner = _chain(reader)
    if reader.next() != ")":
        raise FilterError("a parenthesis is not closed")
    reader.depth -= 1
    return inner


def _value(token: str) -> str:
    """Return the text of a literal: JSON in double quotes, as it is in single ones; true and false need none."""
    if token in {"true", "false"}:
        return token
    if token.startswith("'"):
        return token[1:-1]
    if token.startswith('"'):
        try:
            text = str(json.loads(token))
            # A lone surrogate is a JSON string, but no text.
            text.encode()
        except ValueError as error:
            raise FilterError(f"{token} is no JSON string") from error
        return text
    raise FilterError(f"{token} is not in quotes")
