"""Things of which there are few: each a JSON object under its collection and id, in the order they were made."""

import json
from collections.abc import Iterable
from typing import Any

from sandbox.paging import Clause, Listing, Order
from sandbox.state import Sandbox

Document = dict[str, Any]


def put_document(sandbox: Sandbox, collection: str, document: Document, parent: str = "") -> None:
    """Keep a document under its `id`, in the place of the one that has the id."""
    sandbox.db.execute(
        "INSERT INTO documents (collection, id, parent, body) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (collection, id) DO UPDATE SET parent = excluded.parent, body = excluded.body",
        (collection, document["id"], parent, json.dumps(document)),
    )


def find_document(sandbox: Sandbox, collection: str, id: str) -> Document | None:
    """Return the document with this id, or None."""
    statement = "SELECT body FROM documents WHERE collection = ? AND id = ?"
    row = sandbox.db.execute(statement, (collection, id)).fetchone()
    return None if row is None else json.loads(row["body"])


def list_documents(sandbox: Sandbox, collection: str, parent: str | None = None) -> list[Document]:
    """Return the documents of a collection, or of one parent in it, oldest first."""
    condition, params = ("", ()) if parent is None else (" AND parent = ?", (parent,))
    statement = f"SELECT body FROM documents WHERE collection = ?{condition} ORDER BY seq"  # noqa: S608
    return [json.loads(row["body"]) for row in sandbox.db.execute(statement, (collection, *params))]


def delete_document(sandbox: Sandbox, collection: str, id: str) -> None:
    """Forget a document; one that is not there is no error."""
    sandbox.db.execute("DELETE FROM documents WHERE collection = ? AND id = ?", (collection, id))


def delete_children(sandbox: Sandbox, collection: str, parent: str) -> None:
    """Forget every document of one parent."""
    sandbox.db.execute("DELETE FROM documents WHERE collection = ? AND parent = ?", (collection, parent))


def source_of(collection: str, parent: str | None = None) -> Clause:
    """Return the documents as a source of pages, with the columns `seq`, `id`, `parent` and `body`."""
    condition, params = ("", ()) if parent is None else (" AND parent = ?", (parent,))
    sql = f"(SELECT * FROM documents WHERE collection = ?{condition}) AS documents"  # noqa: S608
    return Clause(sql, (collection, *params))


def listing_of(collection: str, parent: str | None = None, *, is_newest_first: bool = False) -> Listing:
    """Return the bodies of documents, to be read in pages in the order they were made, or against it."""
    order = Order("documents.seq", "documents.seq", is_descending=is_newest_first)
    return Listing("body", source_of(collection, parent), order)


def field_of(path: str) -> str:
    """Return the SQL expression of a member of the body, for conditions and orders: `owner.id` or `name`."""
    return f"json_extract(body, '$.{path}')"


def take_documents(sandbox: Sandbox, collections: Iterable[str]) -> dict[str, list[Document]]:
    """Return the documents of each collection by id, as a world has them."""
    return {name: sorted(list_documents(sandbox, name), key=lambda document: document["id"]) for name in collections}


def take_clients(sandbox: Sandbox, service: str) -> list[dict[str, Any]]:
    """Return the clients of a service, by id."""
    rows = sandbox.db.execute("SELECT body FROM clients WHERE service = ? ORDER BY id", (service,))
    return [json.loads(row["body"]) for row in rows]


def without_nulls(body: Document) -> Document:
    """Return the body without what is null."""
    return {key: value for key, value in body.items() if value is not None}
