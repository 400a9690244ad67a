"""Anything with an object id: users, groups, applications, service principals, devices, contacts and units."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from sandbox.answers import sandbox_of
from sandbox.directory.errors import not_found
from sandbox.directory.shapes import body_of
from sandbox.directory.sources import KINDS
from sandbox.documents import Document, find_document
from sandbox.state import Sandbox

_MARKS = ", ".join("?" * len(KINDS))
_ROWS = (
    ("user", "SELECT body FROM people WHERE id = ? AND NOT is_deleted"),
    ("group", "SELECT body FROM groups WHERE id = ?"),
)


@dataclass(frozen=True)
class DirectoryObject:
    """An object of the directory: `kind` is Graph's type name without its prefix."""

    id: str
    kind: str
    body: dict[str, Any]

    @property
    def name(self) -> str | None:
        """The display name."""
        return self.body.get("displayName")


def find_object(sandbox: Sandbox, object_id: str) -> DirectoryObject | None:
    """Return the object with this id, or None."""
    object_id = object_id.lower()
    for kind, statement in _ROWS:
        row = sandbox.db.execute(statement, (object_id,)).fetchone()
        if row is not None:
            return DirectoryObject(object_id, kind, body_of(row))
    statement = f"SELECT collection, body FROM documents WHERE collection IN ({_MARKS}) AND id = ?"  # noqa: S608  # marks
    row = sandbox.db.execute(statement, (*KINDS, object_id)).fetchone()
    return None if row is None else DirectoryObject(object_id, KINDS[row["collection"]], body_of(row))


def require_document(request: Request, collection: str, parameter: str = "id") -> Document:
    """Return the document of the path, or raise 404."""
    object_id: str = request.path_params[parameter]
    found = find_document(sandbox_of(request), collection, object_id.lower())
    if found is None:
        raise not_found(object_id)
    return found


def find_by_app_id(sandbox: Sandbox, collection: str, app_id: str) -> Document | None:
    """Return the application or the service principal with this application id, or None."""
    statement = (
        "SELECT body FROM documents WHERE collection = ? AND lower(json_extract(body, '$.appId')) = ? ORDER BY seq"
    )
    row: sqlite3.Row | None = sandbox.db.execute(statement, (collection, app_id.lower())).fetchone()
    return None if row is None else json.loads(row["body"])
