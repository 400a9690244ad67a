"""Tasks somebody owns and others receive: who sees them, and their lists, counted and with links that carry a token."""

from collections.abc import Collection as Known
from typing import Any

from starlette.requests import Request

from sandbox.answers import sandbox_of
from sandbox.documents import Document, field_of, find_document
from sandbox.paging import Clause, Cursor, Listing, Page
from sandbox.tenant.access import Caller, Refuse
from sandbox.tenant.content.pages import NAME, TIMES
from sandbox.tenant.content.places import bodies_of
from sandbox.tenant.listing import Collection, page_url, read_count

ADMIN = "admin.apps"
OWNED = f"{field_of('ownerId')} = ?"
RECEIVED = "EXISTS (SELECT 1 FROM json_each(body, '$.recipients') WHERE value = ?)"
OWNER_NAME = f"coalesce((SELECT name_key FROM users WHERE users.id = {field_of('ownerId')}), '')"  # noqa: S608  # constant
# Nothing is ever sent, scanned or scheduled in the sandbox, so that those orders are the one of making.
SORTS = {
    "datecreated": TIMES["createdAt"],
    "name": NAME,
    "ownername": OWNER_NAME,
    "enabled": field_of("enabled"),
    "type": f"coalesce({field_of('type')}, '')",
    "appid": f"coalesce({field_of('appId')}, '')",
} | dict.fromkeys(
    ("appname", "status", "sent", "scheduled", "lasttrigger", "lastscan", "nextexecutiontime"), TIMES["createdAt"]
)


def tasks_of(refuse: Refuse) -> Collection:
    """Return the list of one kind of task, whose errors `refuse` makes."""
    return Collection(
        columns="*",
        source="documents",
        sorts=SORTS,
        attributes={},
        refuse=refuse,
        default_sort="datecreated",
        default_limit=20,
    )


def own_or_received(caller: Caller) -> tuple[Clause, ...]:
    """Return the condition of the tasks a caller sees: those owned or received, and all for administrators."""
    if caller.may(f"{ADMIN}:read"):
        return ()
    return (Clause(f"{OWNED} OR {RECEIVED}", (caller.user_id, caller.user_id)),)


def find_task(request: Request, caller: Caller, collection: str, id: str, refuse: Refuse) -> Document:
    """Return the task with this id, or raise 404 for one the caller does not see."""
    task = find_document(sandbox_of(request), collection, id)
    if task is None or not (
        caller.may(f"{ADMIN}:read") or caller.user_id == task["ownerId"] or caller.user_id in task["recipients"]
    ):
        raise refuse(404, "Not found")
    return task


def read_words(request: Request, name: str) -> set[str]:
    """Return the words of a parameter that may be repeated, and may be a comma list each time."""
    return {word for text in request.query_params.getlist(name) for word in text.split(",") if word}


def read_roles(request: Request, known: Known[str], refuse: Refuse) -> set[str]:
    """Return the roles a query asks for, or raise 400 for one that does not exist."""
    roles = read_words(request, "role")
    if unknown := roles.difference(known):
        raise refuse(400, f"Invalid role: {min(unknown)}")
    return roles


def read_tasks(request: Request, tasks: Collection, listing: Listing) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the bodies of a page of tasks, and the members that stand beside them."""
    db = sandbox_of(request).db
    limit = read_count(request, "limit", tasks.default_limit, range(1, tasks.max_limit + 1), tasks.refuse)
    offset = read_count(request, "offset", 0, range(10**9), tasks.refuse)
    cursor = _cursor(request, tasks)
    if cursor is None and offset:
        read = listing.read(db, limit + offset)
        page = Page(read.rows[offset:], read.next, None)
    else:
        page = listing.read(db, limit, cursor)
    links = {"self": {"href": page_url(request, None)}}
    links |= {name: _link(request, cursor) for name, cursor in (("next", page.next), ("prev", page.prev)) if cursor}
    return bodies_of(page.rows), {
        "currentPageCount": len(page.rows),
        "totalCount": listing.count(db),
        "links": links,
    }


def _cursor(request: Request, tasks: Collection) -> Cursor | None:
    given = [text for name in ("page", "next", "prev") if (text := request.query_params.get(name))]
    cursor = Cursor.decode(given[0]) if given else None
    if len(given) > 1 or (given and cursor is None):
        raise tasks.refuse(400, "Invalid cursor")
    return cursor


def _link(request: Request, cursor: Cursor) -> dict[str, str]:
    token = cursor.encode()
    return {"href": page_url(request, {cursor.direction: token}), "token": token, "type": cursor.direction}
