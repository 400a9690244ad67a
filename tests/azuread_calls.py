"""Calls as they are compared: by the object they are about, without what differs from run to run."""

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Any
from urllib.parse import parse_qsl

_IDS = (
    (re.compile(r"(?<=/jobs/)[^/ ]+"), "{job}"),
    (re.compile(r"(?<=/appRoleAssignedTo/)[^/ ]+"), "{assignment}"),
    (re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"), "{id}"),
    (re.compile(r"\{(?!id\}|job\}|assignment\})\w+\}"), "{id}"),
    (re.compile(r"'[^']*'"), "'…'"),
)

Call = tuple[str, str, dict[str, str], int]


def logged(entries: Iterable[Any]) -> list[Call]:
    """Return the calls of the sandbox's request log."""
    return [(e["method"], e["path"], dict(parse_qsl(e["query"])), e["status"]) for e in entries]


def recorded(lines: Iterable[Any]) -> list[Call]:
    """Return the calls of the trace."""
    return [(line["m"], line["p"], line.get("q", {}), line["status"]) for line in lines if "m" in line]


def about(calls: Iterable[Call], pattern: str) -> list[str]:
    """Return the calls whose path fits, each with its status; a read that is only repeated counts once."""
    texts = [text_of(call) for call in calls if re.search(pattern, call[1])]
    return [text for kept, group in groupby(texts) for text in ([kept] if kept.startswith("GET") else group)]


def until(texts: list[str], last: str) -> list[str]:
    """Return the calls up to the first one that ends so: what comes after is another's doing."""
    for number, text in enumerate(texts, start=1):
        if re.search(last, text):
            return texts[:number]
    return texts


def text_of(call: Call) -> str:
    """Return a call as one line, with `{id}` for every id and `'…'` for every value of a filter."""
    method, path, query, status = call
    options = "".join(f" {name}={value}" for name, value in sorted(query.items()))
    text = f"{method} {path}{options} {status}"
    for pattern, name in _IDS:
        text = pattern.sub(name, text)
    return text
