"""The recycle bin: what is deleted, restored, and gone after thirty days.

Users stay in their table and are marked; other objects become documents of one collection, with what they referred to.
"""

import json
import sqlite3
from datetime import timedelta
from typing import Any

from sandbox.clock import stamp
from sandbox.directory.errors import bad_request
from sandbox.directory.shapes import body_of
from sandbox.documents import Document, delete_document, find_document, put_document
from sandbox.state import Sandbox, fold, insert

COLLECTION = "deletedItems"
DAYS = 30

_KINDS = {"applications": "application", "servicePrincipals": "servicePrincipal"}
_PLACES = {kind: collection for collection, kind in _KINDS.items()}
# What refers to an object goes with it; the first name is the relation, the second where it is remembered.
_INCOMING = (("members", "memberOf"), ("owners", "ownerOf"), ("manager", "managerOf"))
_OUTGOING = ("members", "owners", "manager")


def discard_user(sandbox: Sandbox, row: sqlite3.Row) -> None:
    """Put a user into the recycle bin; Graph frees the name by putting the object id before it."""
    body = body_of(row) | {"deletedDateTime": sandbox.clock.stamp()}
    body["userPrincipalName"] = f"{row['id'].replace('-', '')}{body['userPrincipalName']}"
    links = _take_links(sandbox, row["id"])
    body |= {name: links[name] for _, name in _INCOMING if links[name]}
    body |= {"manager": links["manager"][0]} if links["manager"] else {}
    _put_user(sandbox, body, is_deleted=True)


def discard_group(sandbox: Sandbox, row: sqlite3.Row) -> None:
    """Delete a group: a Microsoft 365 group can be restored, a security group is gone."""
    group = body_of(row)
    links = _take_links(sandbox, row["id"])
    sandbox.db.execute("DELETE FROM groups WHERE id = ?", (row["id"],))
    if "Unified" in group.get("groupTypes", []) or sandbox.switch("deleted-security-group") == "recoverable":
        _put_item(sandbox, "group", group, links)


def discard_document(sandbox: Sandbox, collection: str, document: Document) -> None:
    """Delete an object that is a document; applications and service principals can be restored."""
    links = _take_links(sandbox, document["id"])
    delete_document(sandbox, collection, document["id"])
    if collection in _KINDS:
        _put_item(sandbox, _KINDS[collection], document, links)


def restore_user(sandbox: Sandbox, row: sqlite3.Row) -> dict[str, Any]:
    """Return a user who is there again, under the former name; a name taken meanwhile refuses."""
    body = body_of(row)
    name = body["userPrincipalName"].removeprefix(row["id"].replace("-", ""))
    taken = sandbox.db.execute("SELECT 1 FROM people WHERE NOT is_deleted AND upn_key = ?", (fold(name),)).fetchone()
    if taken is not None:
        raise bad_request("Another object with the same value for property userPrincipalName already exists.")
    links = {name: body.pop(name, []) for _, name in _INCOMING}
    links["manager"] = [body.pop("manager")] if "manager" in body else []
    body.pop("deletedDateTime", None)
    body["userPrincipalName"] = name
    _put_user(sandbox, body, is_deleted=False)
    _put_links(sandbox, row["id"], links)
    return body


def restore_item(sandbox: Sandbox, item: Document) -> dict[str, Any]:
    """Return a group, an application or a service principal that is there again."""
    body: dict[str, Any] = item["body"]
    delete_document(sandbox, COLLECTION, item["id"])
    if item["kind"] == "group":
        keys = (fold(body["displayName"]), fold(body["mailNickname"]))
        insert(sandbox, "groups", [(None, body["id"], *keys, json.dumps(body))])
    else:
        put_document(sandbox, _PLACES[item["kind"]], body)
    _put_links(sandbox, item["id"], item)
    return body


def purge(sandbox: Sandbox, object_id: str) -> None:
    """Delete an object of the recycle bin for good."""
    sandbox.db.execute("DELETE FROM people WHERE is_deleted AND id = ?", (object_id,))
    delete_document(sandbox, COLLECTION, object_id)


def find_deleted_user(sandbox: Sandbox, object_id: str) -> sqlite3.Row | None:
    """Return the deleted user with this id, or None."""
    statement = "SELECT * FROM people WHERE is_deleted AND id = ?"
    row: sqlite3.Row | None = sandbox.db.execute(statement, (object_id.lower(),)).fetchone()
    return row


def find_item(sandbox: Sandbox, object_id: str) -> Document | None:
    """Return the deleted object that is no user, or None."""
    return find_document(sandbox, COLLECTION, object_id.lower())


def empty_bin(sandbox: Sandbox) -> None:
    """Delete for good what has been in the recycle bin for thirty days by the clock."""
    ago = stamp(sandbox.clock.now() - timedelta(days=DAYS))
    # Both conditions are those of an index; the second collection is short.
    statement = "SELECT id FROM people WHERE is_deleted AND json_extract(body, '$.deletedDateTime') <= ?"
    gone = [row["id"] for row in sandbox.db.execute(statement, (ago,))]
    statement = "SELECT id FROM documents WHERE collection = ? AND json_extract(body, '$.deletedDateTime') <= ?"
    gone += [row["id"] for row in sandbox.db.execute(statement, (COLLECTION, ago))]
    for object_id in gone:
        purge(sandbox, object_id)


def _put_user(sandbox: Sandbox, body: dict[str, Any], *, is_deleted: bool) -> None:
    statement = "UPDATE people SET upn_key = ?, is_deleted = ?, body = ? WHERE id = ?"
    sandbox.db.execute(statement, (fold(body["userPrincipalName"]), is_deleted, json.dumps(body), body["id"]))


def _put_item(sandbox: Sandbox, kind: str, body: dict[str, Any], links: dict[str, list[str]]) -> None:
    item = {"id": body["id"], "kind": kind, "deletedDateTime": sandbox.clock.stamp(), "body": body, **links}
    put_document(sandbox, COLLECTION, item)


def _take_links(sandbox: Sandbox, object_id: str) -> dict[str, list[str]]:
    """Return what an object referred to and what referred to it, and cut both."""
    found: dict[str, list[str]] = {}
    for relation in _OUTGOING:
        statement = "SELECT object_id FROM links WHERE relation = ? AND group_id = ? ORDER BY seq"
        found[relation] = [row["object_id"] for row in sandbox.db.execute(statement, (relation, object_id))]
    for relation, name in _INCOMING:
        statement = "SELECT group_id FROM links WHERE relation = ? AND object_id = ? ORDER BY seq"
        found[name] = [row["group_id"] for row in sandbox.db.execute(statement, (relation, object_id))]
    sandbox.db.execute("DELETE FROM links WHERE group_id = ? OR object_id = ?", (object_id, object_id))
    # Roles held by the object, or declared by it, are not put back: they have to be assigned anew.
    statement = (
        "DELETE FROM documents WHERE collection = 'appRoleAssignments'"
        " AND ? IN (parent, json_extract(body, '$.principalId'))"
    )
    sandbox.db.execute(statement, (object_id,))
    return found


def _put_links(sandbox: Sandbox, object_id: str, links: dict[str, Any]) -> None:
    """Put references back as far as the other ends are still there; the rules of dynamic groups see to their own."""
    rows = [(relation, object_id, other) for relation in _OUTGOING for other in links.get(relation, [])]
    if sandbox.switch("restored-memberships") == "kept":
        rows += [(relation, other, object_id) for relation, name in _INCOMING for other in links.get(name, [])]
    for relation, parent, child in rows:
        if _exists(sandbox, parent) and _exists(sandbox, child):
            insert(sandbox, "links", [(None, relation, parent, child)])


def _exists(sandbox: Sandbox, object_id: str) -> bool:
    statement = (
        "SELECT 1 FROM people WHERE NOT is_deleted AND id = ?1 UNION ALL SELECT 1 FROM groups WHERE id = ?1"
        " UNION ALL SELECT 1 FROM documents WHERE id = ?1 AND collection <> ?2"
    )
    return sandbox.db.execute(statement, (object_id, COLLECTION)).fetchone() is not None
