"""Spaces and content of a world: placed into a state, and taken from it."""

import json
import sqlite3
from typing import Any

from sandbox.clock import stamp
from sandbox.documents import Document, list_documents, put_document
from sandbox.ids import derive_id
from sandbox.state import Sandbox, fold, insert
from sandbox.tenant.content.places import put_content
from sandbox.tenant.content.references import References, references_of, space_id
from sandbox.tenant.content.sections import Space, SpaceAssignment, SpaceShare
from sandbox.tenant.sections import OWNED, Tenant
from sandbox.tenant.space_shares import COLLECTION as SHARES


def place_content(sandbox: Sandbox, tenant: Tenant) -> None:
    """Put spaces where nothing is yet, and write ids for the names in content that is already placed."""
    known = references_of(tenant)
    for space in tenant.spaces:
        insert(sandbox, "spaces", [_space_row(space, known)])
        insert(sandbox, "space_assignments", (_assignment_row(space, a, known) for a in space.assignments))
        for share in space.shares:
            put_document(sandbox, SHARES, _share(space, share, known), space_id(space))
    for collection in OWNED:
        for document in list_documents(sandbox, collection):
            settled = _settle(document, known)
            if settled != document:
                put_content(sandbox, collection, settled)


def take_spaces(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the spaces as a world has them, by name."""
    assignments: dict[str, list[dict[str, Any]]] = {}
    for row in sandbox.db.execute("SELECT * FROM space_assignments ORDER BY space_id, assignee_id"):
        assignments.setdefault(row["space_id"], []).append(_take_assignment(row))
    shares: dict[str, list[dict[str, Any]]] = {}
    for share in sorted(list_documents(sandbox, SHARES), key=lambda share: str(share["id"])):
        kept = {("assignee" if name == "assigneeId" else name): value for name, value in share.items()}
        shares.setdefault(kept.pop("spaceId"), []).append(kept)
    rows = sandbox.db.execute("SELECT * FROM spaces ORDER BY name, id")
    return [_take_space(row, assignments.get(row["id"], []), shares.get(row["id"], [])) for row in rows]


def _settle(document: Document, known: References) -> Document:
    """Return content that names its owner, its space and its app by id."""
    settled = document | {
        "ownerId": known.user(document["ownerId"]) or "",
        "spaceId": known.spaces.get(document["spaceId"], ""),
    }
    if "appId" in document:
        settled["appId"] = known.apps.get(document["appId"], "")
    return settled


def _space_row(space: Space, known: References) -> tuple[Any, ...]:
    owner, created = known.user(space.owner_id) or "", stamp(space.created_at)
    return (
        space_id(space), space.name, fold(space.name), space.type, owner, space.description, created,
        space.created_by or owner, stamp(space.updated_at) if space.updated_at else created,
    )  # fmt: skip


def _assignment_row(space: Space, assignment: SpaceAssignment, known: References) -> tuple[Any, ...]:
    own, assignee = space_id(space), known.assignee(assignment.type, assignment.assignee)
    created = stamp(assignment.created_at)
    return (
        assignment.id or derive_id("space assignment", f"{own} {assignee}"), own, assignment.type, assignee,
        json.dumps(assignment.roles), created, assignment.created_by,
        stamp(assignment.updated_at) if assignment.updated_at else created, assignment.updated_by,
    )  # fmt: skip


def _share(space: Space, share: SpaceShare, known: References) -> Document:
    own, resource = space_id(space), known.apps[share.resource_id]
    assignee = known.assignee(share.type, share.assignee) or ""
    created = stamp(share.created_at)
    return {
        "id": share.id or derive_id("space share", f"{own} {assignee} {resource}"),
        "type": share.type,
        "assigneeId": assignee,
        "resourceId": resource,
        "resourceType": share.resource_type,
        "roles": share.roles,
        "disabled": share.disabled,
        "spaceId": own,
        "createdAt": created,
        "createdBy": share.created_by,
        "updatedAt": stamp(share.updated_at) if share.updated_at else created,
        "updatedBy": share.updated_by,
    }


def _take_space(row: sqlite3.Row, assignments: list[dict[str, Any]], shares: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "type": row["type"],
        "ownerId": row["owner_id"],
        "description": row["description"],
        "createdAt": row["created_at"],
        "createdBy": row["created_by"],
        "updatedAt": row["updated_at"],
        **({"assignments": assignments} if assignments else {}),
        **({"shares": shares} if shares else {}),
    }


def _take_assignment(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "type": row["type"],
        "assignee": row["assignee_id"],
        "roles": json.loads(row["roles"]),
        "createdAt": row["created_at"],
        "createdBy": row["created_by"],
        "updatedAt": row["updated_at"],
        "updatedBy": row["updated_by"],
    }
