"""The rows of users, found by what they are known by."""

import sqlite3

from sandbox.state import Sandbox, fold
from sandbox.tenant.errors import users_refusal


def row_of(sandbox: Sandbox, id: str) -> sqlite3.Row:
    """Return the row of a user who is there."""
    row: sqlite3.Row = sandbox.db.execute("SELECT * FROM users WHERE id = ?", (id,)).fetchone()
    return row


def find_user(sandbox: Sandbox, id: str) -> sqlite3.Row:
    """Return the row of a user who is not deleted, or raise 404."""
    row: sqlite3.Row | None = sandbox.db.execute(
        "SELECT * FROM users WHERE id = ? AND status <> 'deleted'", (id,)
    ).fetchone()
    if row is None:
        raise users_refusal(404, "Not found", "USERS-7")
    return row


def find_by_subject(sandbox: Sandbox, subject: str) -> sqlite3.Row | None:
    """Return the row of the user with this subject who is not deleted."""
    statement = "SELECT * FROM users WHERE subject_key = ? AND status <> 'deleted'"
    row: sqlite3.Row | None = sandbox.db.execute(statement, (fold(subject),)).fetchone()
    return row


def find_by_email(sandbox: Sandbox, email: str) -> list[sqlite3.Row]:
    """Return the rows of the users with this e-mail who are not deleted, oldest first."""
    statement = "SELECT * FROM users WHERE email_key = ? AND status <> 'deleted' ORDER BY created_at, id"
    return sandbox.db.execute(statement, (fold(email),)).fetchall() if email else []
