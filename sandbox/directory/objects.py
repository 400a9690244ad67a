"""Anything with an object id: users, groups and the service principals of applications."""

import json
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import sandbox_of
from sandbox.directory.access import READ_ANYTHING, require
from sandbox.directory.errors import not_found
from sandbox.directory.queries import context
from sandbox.directory.shapes import body_of, show_member
from sandbox.state import Sandbox


@dataclass(frozen=True)
class DirectoryObject:
    """An object of the directory: `kind` is Graph's type name without its prefix."""

    id: str
    kind: str
    body: dict[str, Any]


async def get_object(request: Request) -> JSONResponse:
    """Return an object with its type, which azuread needs to sort owners."""
    caller = require(request, READ_ANYTHING)
    found = find_object(sandbox_of(request), request.path_params["id"])
    if found is None:
        raise not_found(request.path_params["id"])
    shown = show_member(found.kind, found.body, None, shows_people=caller.reads_users)
    return JSONResponse(context(request, "directoryObjects/$entity") | shown)


def find_object(sandbox: Sandbox, object_id: str) -> DirectoryObject | None:
    """Return the object with this id, or None."""
    object_id = object_id.lower()
    for kind, statement in (
        ("user", "SELECT body FROM people WHERE id = ? AND NOT is_deleted"),
        ("group", "SELECT body FROM groups WHERE id = ?"),
    ):
        row = sandbox.db.execute(statement, (object_id,)).fetchone()
        if row is not None:
            return DirectoryObject(object_id, kind, body_of(row))
    for row in sandbox.db.execute("SELECT body FROM clients WHERE service = 'graph'"):
        client = json.loads(row["body"])
        if client["oid"] == object_id:
            return DirectoryObject(object_id, "servicePrincipal", client)
    return None
