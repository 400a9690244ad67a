"""The request log: who asked for what, and what could have changed something."""

import json
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.state import Sandbox

Service = Literal["qlik", "graph", "identity", "control"]


@dataclass(frozen=True)
class Entry:
    """One request; a status of 0 means that the connection was dropped."""

    method: str
    path: str
    query: str
    status: int
    caller: str
    service: Service
    is_write: bool


def service_of(path: str) -> Service:
    """Return the service a path belongs to."""
    if path.startswith("/_sandbox"):
        return "control"
    if path.startswith(("/v1.0/", "/beta/")):
        return "graph"
    return "qlik" if path.startswith(("/api/", "/oauth/")) else "identity"


def could_write(method: str, path: str, body: bytes) -> bool:
    """Say whether a request could change a tenant or a directory."""
    if method in {"GET", "HEAD", "OPTIONS"} or path.endswith(("/token", "/actions/filter")):
        return False
    return any(item != "GET" for item in _batch_methods(body)) if path.endswith("/$batch") else True


def _batch_methods(body: bytes) -> list[str]:
    """Return the methods in a batch; a batch that cannot be read counts as a write."""
    try:
        return [item["method"].upper() for item in json.loads(body)["requests"]]
    except (ValueError, TypeError, KeyError, AttributeError):
        return [""]


def add_entry(sandbox: Sandbox, entry: Entry) -> None:
    """Append an entry; its number is never given twice."""
    sandbox.db.execute(
        "INSERT INTO requests (at, method, path, query, status, caller, service, writes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            sandbox.clock.stamp(),
            entry.method,
            entry.path,
            entry.query,
            entry.status,
            entry.caller,
            entry.service,
            entry.is_write,
        ),
    )


def read_entries(sandbox: Sandbox, since: int) -> list[dict[str, Any]]:
    """Return the entries after number `since`, oldest first."""
    rows = sandbox.db.execute("SELECT * FROM requests WHERE n > ? ORDER BY n", (since,))
    return [dict(row) | {"writes": bool(row["writes"])} for row in rows]


def clear_entries(sandbox: Sandbox) -> None:
    """Empty the log."""
    sandbox.db.execute("DELETE FROM requests")
