"""The list of assignments behind its writes: rows that a reader is shown as they were before."""

import secrets
from collections.abc import Callable
from typing import Any

from sandbox.documents import delete_document, list_documents, put_document
from sandbox.paging import Page
from sandbox.state import Sandbox, fold

SWITCH = "assignments-list"
_LATE = "lateRows"


def rows_of(sandbox: Sandbox, *subjects: str) -> list[dict[str, Any]]:
    """Return the rows of these subjects as they are now; nothing where the list is never late."""
    if sandbox.switch(SWITCH) == "immediate":
        return []
    keys = [fold(subject) for subject in subjects]
    statement = f"SELECT * FROM assignments WHERE subject_key IN ({', '.join('?' * len(keys))}) ORDER BY seq"  # noqa: S608  # question marks
    return [dict(row) for row in sandbox.db.execute(statement, keys)]


def note_late(sandbox: Sandbox, rows: list[dict[str, Any]], *subjects: str) -> None:
    """Remember that the rows of these subjects were others before, until the list was read often enough."""
    if sandbox.switch(SWITCH) == "delayed":
        keys = [fold(subject) for subject in subjects]
        put_document(sandbox, _LATE, {"id": secrets.token_hex(8), "keys": keys, "rows": rows, "reads": 0})


def read_late(sandbox: Sandbox, read: Callable[[], Page]) -> Page:
    """Return a page as a reader is shown it; one that ends the list counts as a read of it."""
    late = list_documents(sandbox, _LATE)
    if not late:
        return read()
    db = sandbox.db
    db.execute("SAVEPOINT late")
    try:
        for change in reversed(late):
            for key in change["keys"]:
                db.execute("DELETE FROM assignments WHERE subject_key = ?", (key,))
            for row in change["rows"]:
                names = ", ".join(row)
                marks = ", ".join("?" * len(row))
                db.execute(f"INSERT OR REPLACE INTO assignments ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608  # the names are the schema's
        page = read()
    finally:
        db.execute("ROLLBACK TO late")
        db.execute("RELEASE late")
        db.forget()
    if page.next is None:
        _count_read(sandbox, late)
    return page


def _count_read(sandbox: Sandbox, late: list[dict[str, Any]]) -> None:
    most = (sandbox.setting("license") or {}).get("assignmentsLagReads", 0)
    for change in late:
        if change["reads"] + 1 >= most:
            delete_document(sandbox, _LATE, change["id"])
        else:
            put_document(sandbox, _LATE, {**change, "reads": change["reads"] + 1})
