"""The part of OData's $filter that Graph takes without advanced queries."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.answers import Refusal
from sandbox.directory.errors import bad_request
from sandbox.paging import Clause
from sandbox.state import fold

MAX_CLAUSES = 15  # of one `in`, and of all `or` of a filter

_TOKEN = re.compile(r"\s*(?:(?P<mark>[(),])|(?P<text>'(?:''|[^'])*')|(?P<word>[\w/.-]+))")
_CONSTANTS = {"true": 1, "false": 0, "null": None}
_ADVANCED = {"ne", "not", "ge", "le", "gt", "lt", "endswith", "contains", "any", "all"}


@dataclass
class _Reader:
    """The tokens of a filter and the place reached."""

    tokens: list[str]
    columns: Mapping[str, str]
    place: int = 0
    alternatives: int = 1

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def next(self, wanted: str = "") -> str:
        token = self.peek()
        if not token or (wanted and token != wanted):
            raise bad_request("Invalid filter clause: a syntax error.", "BadRequest")
        self.place += 1
        return token


def read_filter(text: str, columns: Mapping[str, str]) -> Clause:
    """Return the filter as a condition; `columns` maps Graph's properties to expressions without case."""
    reader = _Reader(_tokens(text), columns)
    condition = _any_of(reader)
    if reader.peek():
        raise bad_request("Invalid filter clause: a syntax error.", "BadRequest")
    return condition


def _tokens(text: str) -> list[str]:
    tokens, place = [], 0
    text = text.strip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            message = f"Invalid filter clause: there is an unterminated string literal in '{text}'."
            raise bad_request(message, "BadRequest")
        tokens.append(match.group().strip())
        place = match.end()
    return tokens


def _any_of(reader: _Reader) -> Clause:
    terms = [_all_of(reader)]
    while reader.peek().lower() == "or":
        reader.next()
        reader.alternatives += 1
        _check_clauses(reader.alternatives)
        terms.append(_all_of(reader))
    return _join("OR", terms)


def _all_of(reader: _Reader) -> Clause:
    terms = [_term(reader)]
    while reader.peek().lower() == "and":
        reader.next()
        terms.append(_term(reader))
    return _join("AND", terms)


def _join(operator: str, terms: list[Clause]) -> Clause:
    sql = f" {operator} ".join(f"({term.sql})" for term in terms)
    return Clause(sql, tuple(param for term in terms for param in term.params))


def _term(reader: _Reader) -> Clause:
    word = reader.next()
    if word == "(":
        inner = _any_of(reader)
        reader.next(")")
        return inner
    if word.lower() == "startswith":
        return _starts_with(reader)
    if word.lower() in _ADVANCED:
        raise _unsupported(word)
    column = _column(reader, word)
    operator = reader.next().lower()
    if operator == "eq":
        return Clause(f"{column} IS ?", (_literal(reader.next()),))
    if operator == "in":
        return _among(reader, column)
    raise _unsupported(operator)


def _starts_with(reader: _Reader) -> Clause:
    reader.next("(")
    column = _column(reader, reader.next())
    reader.next(",")
    prefix = _literal(reader.next())
    reader.next(")")
    return Clause(f"substr({column}, 1, ?) = ?", (len(str(prefix)), prefix))


def _among(reader: _Reader, column: str) -> Clause:
    reader.next("(")
    values = [_literal(reader.next())]
    while reader.peek() == ",":
        reader.next()
        values.append(_literal(reader.next()))
    reader.next(")")
    _check_clauses(len(values))
    return Clause(f"{column} IN ({', '.join('?' * len(values))})", tuple(values))


def _check_clauses(count: int) -> None:
    if count > MAX_CLAUSES:
        message = (
            "Too many child clauses specified in search filter expression containing 'OR' operators: "
            f"{count}. Max allowed: {MAX_CLAUSES}."
        )
        raise bad_request(message, "Request_UnsupportedQuery")


def _column(reader: _Reader, name: str) -> str:
    if name not in reader.columns:
        raise bad_request(f"Invalid filter clause: could not find a property named '{name}'.", "BadRequest")
    return reader.columns[name]


def _literal(token: str) -> Any:
    """Return the value of a literal; a quote inside a text is doubled."""
    if token.startswith("'"):
        return fold(token[1:-1].replace("''", "'"))
    if token in _CONSTANTS:
        return _CONSTANTS[token]
    raise bad_request(f"Invalid filter clause: '{token}' is no literal.", "BadRequest")


def _unsupported(operator: str) -> Refusal:
    message = f"Unsupported or invalid query filter clause: '{operator}' needs an advanced query."
    return bad_request(message, "Request_UnsupportedQuery")
