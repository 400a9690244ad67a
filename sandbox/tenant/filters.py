"""The filter language of the identity services: a subset of RFC 7644 3.4.2.2 (qlik-api.md 1.4, 3.2)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.paging import Clause
from sandbox.state import fold

_TOKEN = re.compile(r"""\s*(?:(?P<mark>[()])|(?P<text>"(?:\\.|[^"\\])*"|'[^']*')|(?P<word>[\w.]+))""")


class FilterError(Exception):
    """A filter that the service would not take, in one clause."""


@dataclass(frozen=True)
class Attribute:
    """What a filter may say about one attribute: a test with one parameter, a second one for `co`."""

    equals: str
    contains: str | None = None


@dataclass
class _Reader:
    """The tokens of a filter and the place reached."""

    tokens: list[str]
    attributes: Mapping[str, Attribute]
    place: int = 0

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
    reader = _Reader(_tokens(text), attributes)
    condition = _chain(reader)
    if reader.peek():
        raise FilterError(f"unexpected {reader.peek()}")
    return condition


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


def _chain(reader: _Reader) -> Clause:
    """Return terms joined by one operator; `and` and `or` mix only through parentheses."""
    terms, operator = [_term(reader)], ""
    while reader.peek().lower() in {"and", "or"}:
        word = reader.next().lower()
        if operator and word != operator:
            raise FilterError("and/or need parentheses")
        operator = word
        terms.append(_term(reader))
    sql = f" {operator} ".join(f"({term.sql})" for term in terms)
    return Clause(sql, tuple(param for term in terms for param in term.params))


def _term(reader: _Reader) -> Clause:
    word = reader.next()
    if word == "(":
        inner = _chain(reader)
        if reader.next() != ")":
            raise FilterError("a parenthesis is not closed")
        return inner
    attribute = reader.attributes.get(word)
    if attribute is None:
        raise FilterError(f"the attribute {word} cannot be filtered")
    operator, value = reader.next().lower(), fold(_value(reader.next()))
    if operator == "eq":
        return Clause(attribute.equals, (value,))
    if operator == "co" and attribute.contains is not None:
        return Clause(attribute.contains, (value,))
    raise FilterError(f"the operator {operator} does not go with {word}")


def _value(token: str) -> str:
    """Return the text of a literal: JSON in double quotes, as it is in single ones."""
    if token.startswith("'"):
        return token[1:-1]
    if token.startswith('"'):
        try:
            return str(json.loads(token))
        except ValueError as error:
            raise FilterError(f"{token} is no JSON string") from error
    raise FilterError(f"{token} is not in quotes")
