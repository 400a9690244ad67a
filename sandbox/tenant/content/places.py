"""Where content stands: in a space, or in the personal space of its owner."""

import json
from collections.abc import Iterable
from typing import Any

from sandbox.documents import Document, field_of, put_document
from sandbox.paging import Clause
from sandbox.state import Sandbox
from sandbox.tenant.access import Caller
from sandbox.tenant.sections import PLACED, parent_of
from sandbox.tenant.space_access import visible_to


def is_used(sandbox: Sandbox, space_id: str) -> bool:
    """Say whether anything stands in a space."""
    marks = ", ".join("?" * len(PLACED))
    statement = f"SELECT 1 FROM documents WHERE collection IN ({marks}) AND parent = ?"  # noqa: S608  # only marks
    return sandbox.db.execute(statement, (*PLACED, space_id)).fetchone() is not None


def put_content(sandbox: Sandbox, collection: str, document: Document) -> None:
    """Keep content under the space it stands in."""
    put_document(sandbox, collection, document, parent_of(collection, document))


def owned_by(user_id: str) -> Clause:
    """Return the condition of what a user owns."""
    return Clause(f"{field_of('ownerId')} = ?", (user_id,))


def seen_by(caller: Caller, admin_scope: str = "", *, personal: bool = True) -> tuple[Clause, ...]:
    """Return the condition of the content a caller sees: own content, and that of the caller's spaces.

    Administrators, who have the scope, see everything, unless what is `personal` to others is kept from them.
    """
    is_admin = bool(admin_scope) and caller.may(f"{admin_scope}:read")
    if is_admin and personal:
        return ()
    own = owned_by(caller.user_id)
    if is_admin:
        return (Clause(f"{own.sql} OR {field_of('spaceId')} <> ''", own.params),)
    found = visible_to(caller)
    inside = " AND ".join(f"({clause.sql})" for clause in found) or "1"
    params = tuple(param for clause in found for param in clause.params)
    spaces = f"SELECT id FROM spaces WHERE {inside}"  # noqa: S608  # constants
    return (Clause(f"{own.sql} OR {field_of('spaceId')} IN ({spaces})", (*own.params, *params)),)


def sees(sandbox: Sandbox, caller: Caller, document: Document, admin_scope: str) -> bool:
    """Say whether a caller sees one piece of content."""
    if caller.may(f"{admin_scope}:read") or document["ownerId"] == caller.user_id:
        return True
    clauses = (Clause("id = ?", (document.get("spaceId", ""),)), *visible_to(caller))
    sql = " AND ".join(f"({clause.sql})" for clause in clauses)
    params = tuple(param for clause in clauses for param in clause.params)
    return sandbox.db.execute(f"SELECT 1 FROM spaces WHERE {sql}", params).fetchone() is not None  # noqa: S608  # clauses


def bodies_of(rows: Iterable[Any]) -> list[Document]:
    """Return the documents of rows."""
    return [json.loads(row["body"]) for row in rows]
