"""Snapshots: everything a sandbox holds, kept in memory and put back exactly."""

import copy
import sqlite3
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.clock import stamp_of
from sandbox.control_bodies import control_refusal, read_control
from sandbox.directory.journal import prepare
from sandbox.routing import endpoint
from sandbox.state import Sandbox

PATH = "/_sandbox/snapshots"
# What a sandbox holds beside its database and a snapshot brings back.
_BESIDE = ("faults", "latency", "limits")
_MAX_KEPT = 100


class Naming(BaseModel):
    """How a snapshot is called by those who keep several."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=200)] = ""


class Restoring(BaseModel):
    """Whether the clock goes back to the moment of the snapshot, or runs on."""

    model_config = ConfigDict(extra="forbid")

    clock: bool = True


@dataclass(frozen=True)
class Snapshot:
    """One kept state: the database as it was, what stood beside it, and when that was."""

    id: str
    name: str
    at: float
    db: sqlite3.Connection
    beside: dict[str, Any]

    def show(self) -> dict[str, Any]:
        """Return what tells this snapshot from others."""
        pages, size = (self.db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return {"id": self.id, "name": self.name, "at": stamp_of(self.at), "bytes": pages * size}


def keep_state(sandbox: Sandbox, name: str) -> Snapshot:
    """Return a snapshot of everything there is now."""
    numbers = [int(known.rpartition("-")[2]) for known in sandbox.snapshots]
    # A connection copies only what is committed, and every request before this one is.
    sandbox.db.commit()
    db = sqlite3.connect(":memory:", check_same_thread=False)
    sandbox.db.backup(db)
    beside = {part: copy.deepcopy(getattr(sandbox, part)) for part in _BESIDE}
    snapshot = Snapshot(f"snapshot-{max(numbers, default=0) + 1}", name, sandbox.clock.seconds(), db, beside)
    sandbox.snapshots[snapshot.id] = snapshot
    return snapshot


def restore_state(sandbox: Sandbox, snapshot: Snapshot, *, with_clock: bool) -> None:
    """Make the state equal to the snapshot; the request log goes on, and so may the clock."""
    db = sandbox.db
    db.commit()
    log = [tuple(row) for row in db.execute("SELECT * FROM requests ORDER BY n")]
    last = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'requests'").fetchone()
    snapshot.db.backup(db)
    db.forget()
    db.execute("DELETE FROM requests")
    if log:
        db.executemany(f"INSERT INTO requests VALUES ({', '.join('?' * len(log[0]))})", log)  # noqa: S608  # only marks
    if last is not None:
        # No number of the log is given twice, not even after the log was emptied.
        db.execute("DELETE FROM sqlite_sequence WHERE name = 'requests'")
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('requests', ?)", (last["seq"],))
    for part, value in snapshot.beside.items():
        setattr(sandbox, part, copy.deepcopy(value))
    if with_clock:
        sandbox.clock.advance(snapshot.at - sandbox.clock.seconds())
    sandbox.keep_clock()
    prepare(sandbox)


async def post_snapshot(request: Request) -> JSONResponse:
    """Keep everything as it is now, and return under which id."""
    naming: Naming = await read_control(request, Naming) if await request.body() else Naming()
    sandbox = sandbox_of(request)
    if len(sandbox.snapshots) >= _MAX_KEPT:
        raise control_refusal([f"{_MAX_KEPT} snapshots are kept; delete one"], 409)
    return JSONResponse(keep_state(sandbox, naming.name).show(), status_code=201)


async def list_snapshots(request: Request) -> JSONResponse:
    """Return the snapshots that are kept, oldest first."""
    return JSONResponse([snapshot.show() for snapshot in sandbox_of(request).snapshots.values()])


async def post_restore(request: Request) -> Response:
    """Put everything back as it was, as often as wanted."""
    snapshot = _require_snapshot(request)
    restoring: Restoring = await read_control(request, Restoring) if await request.body() else Restoring()
    restore_state(sandbox_of(request), snapshot, with_clock=restoring.clock)
    return Response(status_code=204)


async def delete_snapshot(request: Request) -> Response:
    """Forget a snapshot."""
    snapshot = _require_snapshot(request)
    del sandbox_of(request).snapshots[snapshot.id]
    snapshot.db.close()
    return Response(status_code=204)


def _require_snapshot(request: Request) -> Snapshot:
    id = request.path_params["id"]
    snapshot: Snapshot | None = sandbox_of(request).snapshots.get(id)
    if snapshot is None:
        raise control_refusal([f"no snapshot {id} is kept"], 404)
    return snapshot


ROUTES = [
    endpoint("POST", PATH, post_snapshot, body=Naming, status=201, tier=""),
    endpoint("GET", PATH, list_snapshots, tier=""),
    endpoint("POST", f"{PATH}/{{id}}/restore", post_restore, body=Restoring, status=204, tier=""),
    endpoint("DELETE", f"{PATH}/{{id}}", delete_snapshot, status=204, tier=""),
]
