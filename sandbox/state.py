"""What a running sandbox knows, in SQLite."""

import hashlib
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.clock import Clock
from sandbox.database import Database
from sandbox.faults import Faults
from sandbox.holds import Holds
from sandbox.latency import Latency
from sandbox.limits import Limits
from sandbox.switches import SWITCHES

FORMAT = 2

# The hosts a sandbox answers for: the first is the original one of the tenant, the others play its aliases.
NAMES = ("127.0.0.1", "localhost")

# Columns ending in _key are case-folded, so that comparisons without case find an index.
_SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE clients (service TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (service, id));
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE, sub TEXT NOT NULL, sub_type TEXT NOT NULL, status TEXT NOT NULL,
    description TEXT NOT NULL, expires REAL, created TEXT NOT NULL, updated TEXT NOT NULL, created_by TEXT NOT NULL);
CREATE INDEX api_keys_by_sub ON api_keys (sub);
CREATE TABLE tokens (
    token TEXT PRIMARY KEY, service TEXT NOT NULL, client TEXT NOT NULL,
    grants TEXT NOT NULL, expires REAL NOT NULL, id TEXT AS (digest(token)));
CREATE INDEX tokens_by_client ON tokens (client);
CREATE TABLE allotments (
    name TEXT PRIMARY KEY, units INTEGER NOT NULL, overage INTEGER NOT NULL, usage_class TEXT NOT NULL,
    units_used INTEGER NOT NULL);
CREATE TABLE assignments (
    seq INTEGER PRIMARY KEY, subject TEXT NOT NULL, subject_key TEXT NOT NULL, type TEXT NOT NULL,
    created TEXT NOT NULL, excess INTEGER NOT NULL, UNIQUE (subject_key, type, subject));
CREATE INDEX assignments_by_type ON assignments (type, created, subject_key);
CREATE TABLE rows_held (type TEXT PRIMARY KEY, held INTEGER NOT NULL);
CREATE TRIGGER row_added AFTER INSERT ON assignments BEGIN
    INSERT INTO rows_held VALUES (new.type, 1) ON CONFLICT (type) DO UPDATE SET held = held + 1;
END;
CREATE TRIGGER row_deleted AFTER DELETE ON assignments BEGIN
    UPDATE rows_held SET held = held - 1 WHERE type = old.type;
END;
CREATE TRIGGER row_switched AFTER UPDATE OF type ON assignments BEGIN
    UPDATE rows_held SET held = held - 1 WHERE type = old.type;
    INSERT INTO rows_held VALUES (new.type, 1) ON CONFLICT (type) DO UPDATE SET held = held + 1;
END;
CREATE TABLE seat_changes (seq INTEGER PRIMARY KEY, at REAL NOT NULL, type TEXT NOT NULL, change INTEGER NOT NULL);
CREATE TABLE users (
    id TEXT PRIMARY KEY, subject TEXT NOT NULL, subject_key TEXT NOT NULL, name TEXT NOT NULL,
    name_key TEXT NOT NULL, email TEXT, email_key TEXT NOT NULL, status TEXT NOT NULL, client_id TEXT,
    roles TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL, invite_expiry INTEGER,
    profile TEXT NOT NULL);
CREATE INDEX users_by_subject ON users (subject_key, id);
CREATE INDEX users_by_email ON users (email_key, id);
CREATE INDEX users_by_name ON users (name_key, id);
CREATE INDEX users_with_roles ON users (name_key, id) WHERE roles <> '[]';
CREATE INDEX users_by_folded_id ON users (fold(id));
CREATE INDEX users_by_client ON users (client_id) WHERE client_id IS NOT NULL;
CREATE TABLE tenant_groups (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, name_key TEXT NOT NULL, provider_type TEXT NOT NULL, status TEXT NOT NULL,
    description TEXT, idp_id TEXT, roles TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    created_by TEXT NOT NULL, updated_by TEXT NOT NULL, UNIQUE (provider_type, name));
CREATE INDEX tenant_groups_by_name ON tenant_groups (name_key, id);
CREATE TABLE memberships (group_id TEXT, user_id TEXT, PRIMARY KEY (group_id, user_id)) WITHOUT ROWID;
CREATE INDEX memberships_by_user ON memberships (user_id);
CREATE TABLE roles (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, name_key TEXT NOT NULL, type TEXT NOT NULL,
    level TEXT NOT NULL, description TEXT NOT NULL, scopes TEXT NOT NULL, created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL, created_by TEXT NOT NULL, updated_by TEXT NOT NULL);
CREATE TABLE spaces (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, name_key TEXT NOT NULL, type TEXT NOT NULL,
    owner_id TEXT NOT NULL, description TEXT NOT NULL, created_at TEXT NOT NULL, created_by TEXT NOT NULL,
    updated_at TEXT NOT NULL);
CREATE INDEX spaces_by_name ON spaces (name_key, id);
CREATE TABLE space_assignments (
    id TEXT PRIMARY KEY, space_id TEXT NOT NULL, type TEXT NOT NULL, assignee_id TEXT NOT NULL, roles TEXT NOT NULL,
    created_at TEXT NOT NULL, created_by TEXT NOT NULL, updated_at TEXT NOT NULL, updated_by TEXT NOT NULL,
    UNIQUE (space_id, assignee_id));
CREATE INDEX space_assignments_by_assignee ON space_assignments (assignee_id, space_id);
CREATE TABLE people (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, upn_key TEXT NOT NULL, mail_key TEXT, name_key TEXT NOT NULL,
    is_deleted INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX people_by_upn ON people (upn_key);
CREATE INDEX people_by_mail ON people (mail_key);
CREATE INDEX people_by_name ON people (name_key);
CREATE INDEX people_in_bin ON people (json_extract(body, '$.deletedDateTime')) WHERE is_deleted;
CREATE TABLE groups (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name_key TEXT NOT NULL, nickname_key TEXT NOT NULL,
    body TEXT NOT NULL);
CREATE INDEX groups_by_name ON groups (name_key);
CREATE INDEX groups_by_nickname ON groups (nickname_key);
CREATE INDEX groups_by_rule ON groups (id) WHERE json_extract(body, '$.membershipRule') IS NOT NULL;
CREATE TABLE links (
    seq INTEGER PRIMARY KEY, relation TEXT NOT NULL, group_id TEXT NOT NULL, object_id TEXT NOT NULL,
    UNIQUE (relation, group_id, object_id));
CREATE INDEX links_by_group ON links (relation, group_id, seq);
CREATE INDEX links_by_object ON links (object_id, relation);
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, reads INTEGER NOT NULL, source TEXT NOT NULL,
    key TEXT NOT NULL, part TEXT NOT NULL, before TEXT);
CREATE INDEX changes_by_moment ON changes (at);
CREATE INDEX changes_by_key ON changes (source, key, seq);
CREATE TABLE documents (
    seq INTEGER PRIMARY KEY, collection TEXT NOT NULL, id TEXT NOT NULL, parent TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (collection, id));
CREATE INDEX documents_by_parent ON documents (collection, parent, seq);
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at TEXT NOT NULL, type TEXT NOT NULL, source TEXT NOT NULL,
    user_id TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX events_by_type ON events (type, seq);
CREATE INDEX events_by_time ON events (at, seq);
CREATE TABLE requests (
    n INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
    query TEXT NOT NULL, status INTEGER NOT NULL, caller TEXT NOT NULL, service TEXT NOT NULL,
    writes INTEGER NOT NULL, operation TEXT NOT NULL, tier TEXT NOT NULL, milliseconds REAL NOT NULL,
    bytes INTEGER NOT NULL, fault TEXT NOT NULL);
CREATE TABLE tampering (n INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, act TEXT NOT NULL);
"""


class StateError(Exception):
    """A state file that this sandbox cannot continue."""


@dataclass
class Recorder:
    """What the directory keeps beside its state: whether changes are written down, lagging reads, spent units."""

    is_on: bool = True
    reads: int = 0
    windows: dict[str, Any] = field(default_factory=dict)


@dataclass
class Sandbox:
    """One running sandbox: its state, its clock and the faults that wait."""

    db: Database
    clock: Clock
    faults: Faults = field(default_factory=Faults)
    holds: Holds = field(default_factory=Holds)
    outbox: list[str] = field(default_factory=list)  # deliveries to post once their request is committed
    recorder: Recorder = field(default_factory=Recorder)
    latency: Latency = field(default_factory=Latency)
    limits: Limits = field(default_factory=Limits)
    snapshots: dict[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = NAMES

    def setting(self, name: str) -> Any:
        """Return a setting by name, or None when it was never put."""
        text = self.db.recall(("setting", name), lambda: self._find_setting(name))
        return None if text is None else json.loads(text)

    def put_setting(self, name: str, value: Any) -> None:
        """Keep `value`, which is JSON, under `name`."""
        self.db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, json.dumps(value)))

    def switch(self, name: str) -> str:
        """Return the position of a switch."""
        positions: dict[str, str] = self.db.recall("switches", lambda: self.setting("switches") or {})
        return positions.get(name, SWITCHES[name].default)

    @property
    def is_empty(self) -> bool:
        """Say whether no world was ever placed here."""
        return self.setting("switches") is None

    def keep_clock(self) -> None:
        """Keep the clock's offset, so that a restart goes on from it."""
        self.put_setting("clockOffset", self.clock.offset)

    def _find_setting(self, name: str) -> str | None:
        row = self.db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row["value"])


def open_state(path: Path | None) -> Sandbox:
    """Return the sandbox kept in a file, or a new one in memory; a file of another format is refused."""
    db = sqlite3.connect(path or ":memory:", check_same_thread=False, cached_statements=512, factory=Database)
    db.row_factory = sqlite3.Row
    db.create_function("fold", 1, fold, deterministic=True)
    db.create_function("digest", 1, digest, deterministic=True)
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute("PRAGMA journal_mode = WAL")
    except sqlite3.DatabaseError as error:
        raise StateError(f"{path}: {error}") from error
    if version == 0:
        db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
    elif version != FORMAT:
        raise StateError(f"{path}: format {version} of the state; this sandbox reads format {FORMAT}")
    db.execute("PRAGMA synchronous = NORMAL")
    sandbox = Sandbox(db, Clock())
    sandbox.clock.offset = sandbox.setting("clockOffset") or 0.0
    sandbox.limits.begin(sandbox.setting("rateLimits") if not sandbox.is_empty else True)
    return sandbox


def fold(text: Any) -> Any:
    """Return text without case, and anything else as it is."""
    return text.casefold() if isinstance(text, str) else text


def digest(token: str) -> str:
    """Return 24 hexadecimal digits that tell nothing of a secret, to name it by."""
    return hashlib.sha256(token.encode()).hexdigest()[:24]


def insert(sandbox: Sandbox, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows that hold every column of the table, in its order."""
    rows = list(rows)
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        # The table is a constant of this package; values are parameters.
        sandbox.db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608
