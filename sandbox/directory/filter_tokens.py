"""The tokens and literals of OData's filters."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.answers import Refusal
from sandbox.clock import stamp
from sandbox.directory.errors import bad_request
from sandbox.state import fold

_MOMENT = r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?(?![\w-])"
_TOKEN = re.compile(rf"\s*(?:(?P<mark>[(),:])|(?P<text>'(?:''|[^'])*')|(?P<moment>{_MOMENT})|(?P<word>[\w$/.-]+))")
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FLAGS = {"true": 1, "false": 0}
_TYPES = {"text": "Edm.String", "flag": "Edm.Boolean", "moment": "Edm.DateTimeOffset", "guid": "Edm.Guid"}
_KINDS = {"eq": "Equal", "ne": "NotEqual", "ge": "GreaterThanOrEqual", "le": "LessThanOrEqual"} | {
    "gt": "GreaterThan",
    "lt": "LessThan",
    "in": "Equal",
}


@dataclass(frozen=True)
class Token:
    """A piece of a filter and where it starts."""

    text: str
    position: int


def read_tokens(text: str) -> list[Token]:
    """Return the tokens of a filter, or raise the 400 for what is none."""
    tokens, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            if "'" in text[place:]:
                message = f"There is an unterminated string literal at position {len(text)} in '{text}'."
                raise bad_request(f"Invalid filter clause: {message}", "BadRequest")
            raise syntax_error(place, text)
        found = match.group().strip()
        tokens.append(Token(found, match.end() - len(found)))
        place = match.end()
    return tokens


def literal_of(token: str, kind: str, operator: str, fault: Callable[[], Refusal]) -> Any:
    """Return the value a property of this kind is compared with; a quote inside a text is doubled."""
    if token == "null":  # noqa: S105  # a token of the filter
        return None
    if token.startswith("'"):
        found, value = "text", fold(token[1:-1].replace("''", "'"))
    elif token.lower() in _FLAGS:
        found, value = "flag", _FLAGS[token.lower()]
    elif _GUID.fullmatch(token):
        found, value = "guid", fold(token)
    elif token[:4].isdecimal() and "-" in token:
        found, value = "moment", _moment(token, fault)
    else:
        raise fault()
    if kind not in {found, "extension"} and {found, kind} != {"text", "guid"}:
        raise _incompatible(kind, found, operator)
    return value


def _moment(token: str, fault: Callable[[], Refusal]) -> str:
    try:
        moment = datetime.fromisoformat(token)
        return stamp(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment)
    except (ValueError, OverflowError) as error:
        raise fault() from error


def _incompatible(kind: str, found: str, operator: str) -> Refusal:
    if operator not in _KINDS:
        message = f"No function signature for the function with name '{operator}' matches the specified arguments."
    else:
        message = (
            "A binary operator with incompatible types was detected. Found operand types "
            f"'{_TYPES.get(kind, 'Collection')}' and '{_TYPES[found]}' for operator kind '{_KINDS[operator]}'."
        )
    return bad_request(f"Invalid filter clause: {message}", "BadRequest")


def syntax_error(position: int, text: str) -> Refusal:
    """Return the 400 for a filter that is none."""
    return bad_request(f"Invalid filter clause: Syntax error at position {position} in '{text}'.", "BadRequest")
