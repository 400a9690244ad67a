"""The custom groups of one user, changed: groups of the identity provider are out of reach (qlik-api.md 3.7, 4.3)."""

import sqlite3
from typing import Any

from sandbox.answers import Refusal
from sandbox.state import Sandbox
from sandbox.tenant.errors import users_refusal

Groups = dict[str, sqlite3.Row]


def change_groups(sandbox: Sandbox, groups: Groups, op: str, path: str, value: Any) -> Groups:
    """Return a user's groups by id after one operation, or raise 400."""
    if op == "replace" and path == "/assignedGroups":
        return _replace(sandbox, groups, value)
    if (op, path) not in {("add", "/assignedGroups/-"), ("remove-value", "/assignedGroups")}:
        raise _refuse(f"Invalid operation {op} on {path}")
    group = _find_custom(sandbox, value)
    if (group["id"] in groups) is (op == "add"):
        raise _refuse(f"The user is {'already' if op == 'add' else 'not'} in the group {group['name']}")
    if op == "add":
        return groups | {group["id"]: group}
    return {id: row for id, row in groups.items() if id != group["id"]}


def _replace(sandbox: Sandbox, groups: Groups, value: Any) -> Groups:
    """Return the custom groups of the value, beside those of the identity provider as the switch says."""
    if not isinstance(value, list):
        raise _refuse("Invalid value of /assignedGroups")
    provided = {id: row for id, row in groups.items() if row["provider_type"] != "custom"}
    if provided and sandbox.switch("replace-custom-groups") == "refusedWithIdpGroups":
        raise _refuse("The user has groups of the identity provider, which cannot be replaced")
    found = [_find_custom(sandbox, item) for item in value]
    return provided | {group["id"]: group for group in found}


def _find_custom(sandbox: Sandbox, value: Any) -> sqlite3.Row:
    """Return a custom group by its id, alone or in an object, or by name and kind."""
    given = {"id": value} if isinstance(value, str) else value
    if not isinstance(given, dict):
        raise _refuse("Invalid value of /assignedGroups")
    id, name, kind = given.get("id"), given.get("name"), given.get("providerType", "custom")
    if not all(isinstance(part, str) for part in (id if id is not None else name, kind)):
        raise _refuse("Invalid value of /assignedGroups")
    found = (
        sandbox.db.execute("SELECT * FROM tenant_groups WHERE name = ? AND provider_type = ?", (name, kind))
        if id is None
        else sandbox.db.execute("SELECT * FROM tenant_groups WHERE id = ?", (id,))
    )
    row: sqlite3.Row | None = found.fetchone()
    if row is None:
        raise _refuse(f"Invalid group: {id or name}")
    if row["provider_type"] != "custom":
        raise _refuse(f"{row['name']} is no custom group: its members are not managed here")
    return row


def _refuse(title: str) -> Refusal:
    return users_refusal(400, title)
