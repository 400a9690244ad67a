"""Where a role is assigned: users and groups hold it by name."""

import json

from sandbox.state import Sandbox

# A name is looked for as text first: most users have no roles at all.
_HOLDS = "roles <> '[]' AND EXISTS (SELECT 1 FROM json_each({}.roles) WHERE value = ?)"
_USERS, _GROUPS = _HOLDS.format("users"), _HOLDS.format("tenant_groups")


def is_in_use(sandbox: Sandbox, name: str) -> bool:
    """Say whether a user who is not deleted, or a group, has the role."""
    users = f"SELECT 1 FROM users WHERE status <> 'deleted' AND {_USERS} LIMIT 1"  # noqa: S608  # a constant
    groups = f"SELECT 1 FROM tenant_groups WHERE {_GROUPS} LIMIT 1"  # noqa: S608  # a constant
    return any(sandbox.db.execute(statement, (name,)).fetchone() for statement in (users, groups))


def rename_uses(sandbox: Sandbox, old: str, new: str) -> None:
    """Let everybody who has the role have it by its new name."""
    for table, holds in (("users", _USERS), ("tenant_groups", _GROUPS)):
        rows = sandbox.db.execute(f"SELECT id, roles FROM {table} WHERE {holds}", (old,)).fetchall()  # noqa: S608  # constants
        changed = [(json.dumps([new if n == old else n for n in json.loads(row["roles"])]), row["id"]) for row in rows]
        sandbox.db.executemany(f"UPDATE {table} SET roles = ? WHERE id = ?", changed)  # noqa: S608  # a constant


def strip_deleted_users(sandbox: Sandbox, name: str) -> None:
    """Take the role from users who are deleted, for whom it does not count as assigned."""
    statement = f"SELECT id, roles FROM users WHERE status = 'deleted' AND {_USERS}"  # noqa: S608  # a constant
    rows = sandbox.db.execute(statement, (name,)).fetchall()
    changed = [(json.dumps([n for n in json.loads(row["roles"]) if n != name]), row["id"]) for row in rows]
    sandbox.db.executemany("UPDATE users SET roles = ? WHERE id = ?", changed)
