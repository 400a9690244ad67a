"""Who is in which group: of the identity provider by login, of a custom one by a change of the user."""

import sqlite3
from collections.abc import Iterable

from sandbox.state import Sandbox, insert


def groups_of(sandbox: Sandbox, user_ids: Iterable[str]) -> dict[str, list[sqlite3.Row]]:
    """Return the groups of each user by name; the system's own group of everyone is not among them."""
    ids = list(user_ids)
    found: dict[str, list[sqlite3.Row]] = {id: [] for id in ids}
    marks = ", ".join("?" * len(ids))
    joined = "memberships JOIN tenant_groups ON tenant_groups.id = group_id"
    order = "ORDER BY name_key, tenant_groups.id"
    # What is put into the text are constants and marks.
    statement = f"SELECT user_id, tenant_groups.* FROM {joined} WHERE user_id IN ({marks}) {order}"  # noqa: S608
    for row in sandbox.db.execute(statement, ids):
        found[row["user_id"]].append(row)
    return found


def join(sandbox: Sandbox, user_id: str, group_ids: Iterable[str]) -> None:
    """Make a user a member of groups the user is not in."""
    insert(sandbox, "memberships", ((group_id, user_id) for group_id in group_ids))


def leave(sandbox: Sandbox, user_id: str, group_ids: Iterable[str]) -> None:
    """Take a user out of groups."""
    pairs = [(group_id, user_id) for group_id in group_ids]
    sandbox.db.executemany("DELETE FROM memberships WHERE group_id = ? AND user_id = ?", pairs)


def leave_all(sandbox: Sandbox, user_id: str) -> None:
    """Take a user out of every group."""
    sandbox.db.execute("DELETE FROM memberships WHERE user_id = ?", (user_id,))


def has_members(sandbox: Sandbox, group_id: str) -> bool:
    """Say whether anybody is in the group."""
    statement = "SELECT 1 FROM memberships WHERE group_id = ? LIMIT 1"
    return sandbox.db.execute(statement, (group_id,)).fetchone() is not None
