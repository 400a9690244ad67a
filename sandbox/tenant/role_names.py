"""Roles as users and groups refer to them: by id or name in a request, as a list in an answer."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from sandbox.bodies import Body
from sandbox.state import Sandbox


class RoleReference(Body):
    """A role by its id or by its name, whose case counts."""

    id: str | None = None
    name: str | None = None


def find_role_name(sandbox: Sandbox, reference: RoleReference) -> str | None:
    """Return the name of a role, or None for one that does not exist."""
    member, value = ("id", reference.id) if reference.id is not None else ("name", reference.name)
    # The member is one of two words.
    row = sandbox.db.execute(f"SELECT name FROM roles WHERE {member} = ?", (value,)).fetchone()  # noqa: S608
    return None if row is None else str(row["name"])


def find_role_names(sandbox: Sandbox, references: Iterable[RoleReference]) -> tuple[list[str], list[str]]:
    """Return the names of the roles, each once, and what the references to no role say."""
    known: list[str] = []
    unknown: list[str] = []
    for reference in references:
        name = find_role_name(sandbox, reference)
        if name is None:
            unknown.append(reference.id or reference.name or "")
        elif name not in known:
            known.append(name)
    return known, unknown


class RoleTable:
    """The roles of a tenant by name, read once for a whole page."""

    def __init__(self, sandbox: Sandbox) -> None:
        rows = sandbox.db.execute("SELECT id, name, type, level, scopes FROM roles")
        self._rows: dict[str, sqlite3.Row] = {row["name"]: row for row in rows}

    def show(self, names: Iterable[str]) -> list[dict[str, Any]]:
        """Return roles as they stand on a user or a group."""
        rows = (self._rows[name] for name in names)
        return [{"id": row["id"], "name": row["name"], "type": row["type"], "level": row["level"]} for row in rows]

    def scopes(self, names: Iterable[str]) -> list[str]:
        """Return the scopes of custom roles, sorted."""
        return sorted({scope for name in names for scope in json.loads(self._rows[name]["scopes"])})
