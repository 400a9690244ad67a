"""YAML files as data that remembers where it stands."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedBase
from ruamel.yaml.error import MarkedYAMLError, YAMLError

Location = Sequence[str | int]
T = TypeVar("T")

_CONFLICT = re.compile(r"(<{7}|>{7}|\|{7})( |$)|={7}$")


@dataclass(frozen=True)
class Document:
    """One file: what it holds, and the line on which each part of it stands."""

    path: Path
    data: Any

    def fault(self, location: Location, reason: str) -> str:
        """Return `file:line path: reason` for the part at `location`."""
        name = _write_location(location)
        return f"{self.path}:{self._line(location)} {name + ': ' if name else ''}{reason}"

    def _line(self, location: Location) -> int:
        node, line = self.data, 1
        for step in location:
            if not isinstance(node, CommentedBase):
                break
            place = _place(node, step)
            if place is None:
                break
            line = place + 1
            node = node[step]  # type: ignore[index]  # a commented mapping or sequence
        return line


def _place(node: CommentedBase, step: str | int) -> int | None:
    try:
        return int((node.lc.item(step) if isinstance(step, int) else node.lc.key(step))[0])
    except (KeyError, IndexError, TypeError):
        return None


def _write_location(location: Location) -> str:
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def read_document(path: Path) -> Document | str:
    """Return the document in a file, or the one fault for which it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return f"{path}:1 cannot be read: {error}"
    for number, line in enumerate(text.splitlines(), start=1):
        if _CONFLICT.match(line):
            return f"{path}:{number} a merge conflict is not resolved"
    yaml = YAML(typ="rt")
    try:
        data = yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem or error.context).splitlines()[0]
        return f"{path}:{mark.line + 1 if mark else 1} {problem}"
    except YAMLError as error:
        return f"{path}:1 {str(error).splitlines()[0]}"
    return Document(path, {} if data is None else data)


def parse_document(document: Document, shape: TypeAdapter[T]) -> T | list[str]:
    """Return what the document holds in `shape`, or every fault at its place.

    JSON in between makes the check strict about types and yet takes lists as tuples and ISO texts as dates.
    """
    try:
        text = json.dumps(document.data, default=_write_date)
    except TypeError as error:
        return [document.fault((), str(error))]
    try:
        return shape.validate_json(text, strict=True)
    except ValidationError as error:
        return [document.fault(fault["loc"], _explain(fault)) for fault in error.errors(include_url=False)]


def _write_date(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"a value of type {type(value).__name__} has no place in a declaration")


def _explain(fault: Any) -> str:
    """Return pydantic's reason in the words of this declaration."""
    if fault["type"] == "extra_forbidden":
        return "is not known here"
    if fault["type"] == "missing":
        return "is missing"
    if fault["input"] is None:
        return "null is no value; leave the line out, or write [] or {} for none"
    message: str = fault["msg"]
    given = f", not {fault['input']!r}" if isinstance(fault["input"], str | int | float | bool) else ""
    return message.removeprefix("Value error, ").removeprefix("Input ").strip() + given
