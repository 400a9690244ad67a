"""The journal of the directory: every change with what was there before, so that the past can be read again.

Delta queries, eventual consistency and dynamic membership all ask what changed since a moment. Triggers keep the
journal, so that no handler can forget it; they are temporary because they call functions of this process.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.directory.searches import words_of
from sandbox.directory.sections import COLLECTIONS
from sandbox.state import Sandbox

# By table: the object a row is about, and what tells its rows apart; both as SQL with the prefix left open.
_KEYS = {
    "people": ("{row}.id", "''"),
    "groups": ("{row}.id", "''"),
    "links": ("{row}.group_id", "{row}.relation || ' ' || {row}.object_id"),
    "documents": ("{row}.id", "{row}.collection"),
}
# The row of a key and a part, found by an index.
_MATCH = {
    "people": "id = ?1 AND '' = ?2",
    "groups": "id = ?1 AND '' = ?2",
    "links": (
        "relation = substr(?2, 1, instr(?2, ' ') - 1) AND group_id = ?1 AND object_id = substr(?2, instr(?2, ' ') + 1)"
    ),
    "documents": "collection = ?2 AND id = ?1",
}


def prepare(sandbox: Sandbox) -> None:
    """Let the journal be kept from now on; needed once for each connection."""
    db, recorder = sandbox.db, sandbox.recorder
    db.create_function("is_recording", 0, lambda: recorder.is_on)
    db.create_function("present", 0, sandbox.clock.seconds)
    db.create_function("words", 1, words_of, deterministic=True)
    db.create_function("lagging_reads", 0, lambda: recorder.reads)
    recorder.reads = db.execute("SELECT coalesce(max(reads), 0) FROM changes").fetchone()[0]
    for table in _KEYS:
        for event in ("INSERT", "UPDATE", "DELETE"):
            db.execute(f"DROP TRIGGER IF EXISTS temp.{table}_{event}")
            db.execute(_trigger(sandbox, table, event))


def _trigger(sandbox: Sandbox, table: str, event: str) -> str:
    """Return the trigger that writes one kind of change of one table down."""
    row = "NEW" if event == "INSERT" else "OLD"
    key, part = (text.format(row=row) for text in _KEYS[table])
    columns = ", ".join(f"'{name}', OLD.{name}" for name in _columns(sandbox, table))
    before = "NULL" if event == "INSERT" else f"json_object({columns})"
    names = ", ".join(f"'{name}'" for name in COLLECTIONS)
    condition = f"is_recording() AND {row}.collection IN ({names})" if table == "documents" else "is_recording()"
    # Every name comes from the schema or from constants of this package.
    return (
        f"CREATE TEMP TRIGGER {table}_{event} AFTER {event} ON main.{table} WHEN {condition} BEGIN"  # noqa: S608
        f" INSERT INTO changes (at, reads, source, key, part, before)"
        f" VALUES (present(), lagging_reads(), '{table}', {key}, {part}, {before}); END"
    )


def _columns(sandbox: Sandbox, table: str) -> list[str]:
    return [row["name"] for row in sandbox.db.execute(f"PRAGMA table_info({table})")]


@contextmanager
def unrecorded(sandbox: Sandbox) -> Iterator[None]:
    """Keep what happens inside out of the journal."""
    was_on, sandbox.recorder.is_on = sandbox.recorder.is_on, False
    try:
        yield
    finally:
        sandbox.recorder.is_on = was_on


def latest(sandbox: Sandbox) -> int:
    """Return the number of the latest change; it never falls, whatever world is placed."""
    row = sandbox.db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
    return 0 if row is None else int(row["seq"])


def changed_since(sandbox: Sandbox, seq: int, source: str, until: int | None = None) -> dict[str, set[str]]:
    """Return the objects of a table that changed after `seq`, each with the parts of it that did."""
    statement = "SELECT DISTINCT key, part FROM changes WHERE seq > ? AND seq <= ? AND source = ? ORDER BY seq"
    last = latest(sandbox) if until is None else until
    found: dict[str, set[str]] = {}
    for row in sandbox.db.execute(statement, (seq, last, source)):
        found.setdefault(row["key"], set()).add(row["part"])
    return found


def before_image(sandbox: Sandbox, seq: int, source: str, key: str) -> dict[str, Any] | None:
    """Return the row of an object as it was after change `seq`, or None when nothing changed or nothing was there."""
    statement = "SELECT before FROM changes WHERE seq > ? AND source = ? AND key = ? ORDER BY seq LIMIT 1"
    row = sandbox.db.execute(statement, (seq, source, key)).fetchone()
    return None if row is None or row["before"] is None else json.loads(row["before"])


def last_before(sandbox: Sandbox, moment: float) -> int:
    """Return the number of the last change up to a moment, or 0."""
    row = sandbox.db.execute("SELECT max(seq) AS seq FROM changes WHERE at <= ?", (moment,)).fetchone()
    return row["seq"] or 0


@contextmanager
def rewound(sandbox: Sandbox, seq: int) -> Iterator[None]:
    """Show the directory inside as it was after change `seq`; what happens inside is undone."""
    db = sandbox.db
    db.execute("SAVEPOINT rewound")
    try:
        with unrecorded(sandbox):
            _undo(sandbox, seq)
            yield
    finally:
        db.execute("ROLLBACK TO rewound")
        db.execute("RELEASE rewound")
        # What was read of the past must not be taken for the present.
        db.forget()


def _undo(sandbox: Sandbox, seq: int) -> None:
    """Put back what was there before the first later change of each row."""
    # SQLite takes the bare columns from the row that holds the minimum.
    statement = "SELECT min(seq), source, key, part, before FROM changes WHERE seq > ? GROUP BY source, key, part"
    rows = sandbox.db.execute(statement, (seq,)).fetchall()
    for table in _KEYS:
        changed = ((row["key"], row["part"]) for row in rows if row["source"] == table)
        sandbox.db.executemany(f"DELETE FROM {table} WHERE {_MATCH[table]}", changed)  # noqa: S608  # constants
    for table in _KEYS:
        columns = ", ".join(f"json_extract(?1, '$.{name}')" for name in _columns(sandbox, table))
        statement = f"INSERT OR REPLACE INTO {table} VALUES ({columns})"  # noqa: S608  # the names are the schema's
        kept = ((row["before"],) for row in rows if row["source"] == table and row["before"] is not None)
        sandbox.db.executemany(statement, kept)
