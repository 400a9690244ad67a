"""OData's $search as Graph takes it for directory objects: `"displayName:sales" AND "mail:ana"`."""

import re
from collections.abc import Mapping

from sandbox.answers import Refusal
from sandbox.directory.errors import bad_request
from sandbox.directory.properties import WORDED, property_of
from sandbox.paging import Clause
from sandbox.state import fold

MAX_TERMS = 50

_TOKEN = re.compile(r'\s*(?:(?P<mark>[()])|"(?P<term>(?:\\.|[^"\\])*)"|(?P<word>AND|OR)\b)')


def read_search(text: str, columns: Mapping[str, str]) -> Clause:
    """Return the search as a condition: words of names and descriptions, the beginning of anything else."""
    pieces: list[str] = []
    params: list[str] = []
    place = depth = 0
    wants_term = True
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None:
            raise _fault(place, text)
        place = match.end()
        mark, term = match["mark"], match["term"]
        # Terms and openings stand where a term is wanted, joints and closings where none is.
        if (term is not None or mark == "(") is not wants_term:
            raise _fault(match.start(), text)
        if term is not None:
            clause = _term(term, columns, text)
            pieces.append(f"({clause.sql})")
            params += clause.params
            wants_term = False
        elif mark:
            depth += 1 if mark == "(" else -1
            pieces.append(mark)
        else:
            pieces.append(match["word"])
            wants_term = True
        if depth < 0 or len(pieces) > 2 * MAX_TERMS:
            raise _fault(match.start(), text)
    if wants_term or depth:
        raise _fault(place, text)
    return Clause(" ".join(pieces), tuple(params))


def _term(term: str, columns: Mapping[str, str], text: str) -> Clause:
    name, colon, value = term.replace('\\"', '"').replace("\\\\", "\\").partition(":")
    if not colon or not value.strip():
        raise _fault(0, text)
    if name not in columns or property_of(name).kind != "text":
        message = f"Unsupported or invalid search property '{name}'."
        raise bad_request(message, "Request_UnsupportedQuery")
    column, value = columns[name], fold(value.strip())
    if name not in WORDED:
        return Clause(f"substr({column}, 1, ?) = ?", (len(value), value))
    # A name without case stands between blanks, and so do the words of it.
    words = [word for word in re.split(r"[\W_]+", value) if word]
    if not words:
        raise _fault(0, text)
    spaced = f"' ' || words({column})"
    condition = " AND ".join(f"instr({spaced}, ?) > 0" for _ in words)
    return Clause(condition, tuple(f" {word}" for word in words))


def words_of(text: object) -> str | None:
    """Return the words of a text without case, each after a blank; a function of SQL."""
    return " ".join(re.split(r"[\W_]+", fold(text))) if isinstance(text, str) else None


def _fault(position: int, text: str) -> Refusal:
    message = f"Invalid search clause: Syntax error at position {position} in '{text}'."
    return bad_request(message, "BadRequest")
