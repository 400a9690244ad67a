"""What a running sandbox knows, in SQLite."""

import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.switches import SWITCHES

FORMAT = 1

# Columns ending in _key are case-folded, so that comparisons without case find an index.
_SCHEMA = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE clients (service TEXT, id TEXT, body TEXT NOT NULL, PRIMARY KEY (service, id));
CREATE TABLE api_keys (token TEXT PRIMARY KEY, subject TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE tokens (
    token TEXT PRIMARY KEY, service TEXT NOT NULL, client TEXT NOT NULL,
    grants TEXT NOT NULL, expires REAL NOT NULL);
CREATE TABLE allotments (name TEXT PRIMARY KEY, units INTEGER NOT NULL, overage INTEGER NOT NULL);
CREATE TABLE assignments (
    seq INTEGER PRIMARY KEY, subject TEXT NOT NULL, subject_key TEXT NOT NULL, type TEXT NOT NULL,
    created TEXT NOT NULL, excess INTEGER NOT NULL, UNIQUE (subject_key, type));
CREATE INDEX assignments_by_type ON assignments (type, seq);
CREATE TABLE users (
    id TEXT PRIMARY KEY, subject TEXT NOT NULL, subject_key TEXT NOT NULL, name TEXT NOT NULL,
    name_key TEXT NOT NULL, email TEXT, email_key TEXT NOT NULL, status TEXT NOT NULL, client_id TEXT,
    roles TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX users_by_subject ON users (subject_key);
CREATE INDEX users_by_email ON users (email_key);
CREATE INDEX users_by_name ON users (name_key, id);
CREATE TABLE roles (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, name_key TEXT NOT NULL, type TEXT NOT NULL,
    level TEXT NOT NULL, description TEXT NOT NULL);
CREATE TABLE spaces (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, name_key TEXT NOT NULL, type TEXT NOT NULL,
    owner_id TEXT NOT NULL, description TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE TABLE people (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, upn_key TEXT NOT NULL, mail_key TEXT, name_key TEXT NOT NULL,
    is_deleted INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX people_by_upn ON people (upn_key);
CREATE INDEX people_by_mail ON people (mail_key);
CREATE INDEX people_by_name ON people (name_key);
CREATE TABLE groups (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name_key TEXT NOT NULL, nickname_key TEXT NOT NULL,
    body TEXT NOT NULL);
CREATE INDEX groups_by_name ON groups (name_key);
CREATE INDEX groups_by_nickname ON groups (nickname_key);
CREATE TABLE links (
    seq INTEGER PRIMARY KEY, relation TEXT NOT NULL, group_id TEXT NOT NULL, object_id TEXT NOT NULL,
    UNIQUE (relation, group_id, object_id));
CREATE INDEX links_by_group ON links (relation, group_id, seq);
CREATE INDEX links_by_object ON links (object_id, relation);
CREATE TABLE requests (
    n INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
    query TEXT NOT NULL, status INTEGER NOT NULL, caller TEXT NOT NULL, service TEXT NOT NULL,
    writes INTEGER NOT NULL);
CREATE TABLE tampering (n INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, act TEXT NOT NULL);
"""


class StateError(Exception):
    """A state file that this sandbox cannot continue."""


@dataclass
class Sandbox:
    """One running sandbox: its state, its clock and the faults that wait."""

    db: sqlite3.Connection
    clock: Clock
    faults: Faults = field(default_factory=Faults)

    def setting(self, name: str) -> Any:
        """Return a setting by name, or None when it was never put."""
        row = self.db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row["value"])

    def put_setting(self, name: str, value: Any) -> None:
        """Keep `value`, which is JSON, under `name`."""
        self.db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, json.dumps(value)))

    def switch(self, name: str) -> str:
        """Return the position of a switch."""
        positions: dict[str, str] = self.setting("switches") or {}
        return positions.get(name, SWITCHES[name].default)

    @property
    def is_empty(self) -> bool:
        """Say whether no world was ever placed here."""
        return self.setting("switches") is None

    def keep_clock(self) -> None:
        """Keep the clock's offset, so that a restart goes on from it."""
        self.put_setting("clockOffset", self.clock.offset)


def open_state(path: Path | None) -> Sandbox:
    """Return the sandbox kept in a file, or a new one in memory; a file of another format is refused."""
    db = sqlite3.connect(path or ":memory:", check_same_thread=False)
    db.row_factory = sqlite3.Row
    db.create_function("fold", 1, fold, deterministic=True)
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
    return sandbox


def fold(text: Any) -> Any:
    """Return text without case, and anything else as it is."""
    return text.casefold() if isinstance(text, str) else text
