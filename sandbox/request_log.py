"""The request log: who asked for what, and what could have changed something."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, Field

from sandbox.faults import Pattern
from sandbox.services import Service
from sandbox.state import Sandbox

_INSERT = (
    "INSERT INTO requests (at, method, path, query, status, caller, service, writes, operation, tier, milliseconds,"
    " bytes, fault) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_AT_ONCE = 500  # entries that wait before they are written, whatever the time


class Entry(NamedTuple):
    """One request; a status of 0 means that the connection was dropped."""

    at: str
    method: str
    path: str
    query: str
    status: int
    caller: str
    service: Service
    writes: bool
    operation: str
    tier: str
    milliseconds: float
    bytes: int
    fault: str


class Wanted(BaseModel):
    """Which entries to show: those after number `since` that fit all the rest."""

    since: Annotated[int, Field(ge=0, lt=2**63)] = 0
    service: Literal["qlik", "graph", "identity"] | None = None
    writes: bool | None = None
    path: Pattern = ""


LOG_FILTERS = ",".join(Wanted.model_fields)


def could_write(method: str, path: str, body: bytes) -> bool:
    """Say whether a request could change a tenant or a directory."""
    if method in {"GET", "HEAD", "OPTIONS"} or path.endswith(("/token", "/actions/filter")):
        return False
    return any(item != "GET" for item in _batch_methods(body)) if path.endswith("/$batch") else True


def _batch_methods(body: bytes) -> list[str]:
    """Return the methods in a batch; a batch that cannot be read counts as a write."""
    try:
        return [item["method"].upper() for item in json.loads(body)["requests"]]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return [""]


class RequestLog:
    """Entries on their way into the state: written many at once, and always before they are read."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._waiting: list[Entry] = []

    def add(self, entry: Entry) -> bool:
        """Append an entry, and say whether it is the first that waits."""
        self._waiting.append(entry)
        if len(self._waiting) >= _AT_ONCE:
            self.write()
        return len(self._waiting) == 1

    def write(self) -> None:
        """Write what waits; the number of an entry is never given twice."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._sandbox.db.executemany(_INSERT, waiting)
            self._sandbox.db.commit()


def read_entries(sandbox: Sandbox, wanted: Wanted) -> list[dict[str, Any]]:
    """Return the entries, oldest first."""
    conditions, params = ["n > ?"], list[Any]([wanted.since])
    for column, value in (("service", wanted.service), ("writes", wanted.writes)):
        if value is not None:
            conditions.append(f"{column} = ?")
            params.append(value)
    # The columns are constants of this module; values are parameters.
    statement = f"SELECT * FROM requests WHERE {' AND '.join(conditions)} ORDER BY n"  # noqa: S608
    entries = (dict(row) | {"writes": bool(row["writes"])} for row in sandbox.db.execute(statement, params))
    return [entry for entry in entries if re.search(wanted.path, entry["path"])]


def count_entries(entries: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return how often each operation was called, by its path with names in the place of ids."""
    counts: dict[tuple[str, str], int] = {}
    for entry in entries:
        key = (entry["operation"] or entry["path"], entry["method"])
        counts[key] = counts.get(key, 0) + 1
    return [{"method": method, "path": path, "count": count} for (path, method), count in sorted(counts.items())]


def clear_entries(sandbox: Sandbox) -> None:
    """Empty the log."""
    sandbox.db.execute("DELETE FROM requests")
