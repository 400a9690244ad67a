"""Lists of tasks: counted, with an offset or a cursor, and links that carry a token (qlik-api.md 9)."""

from typing import Any

from starlette.requests import Request

from sandbox.answers import sandbox_of
from sandbox.documents import field_of
from sandbox.paging import Cursor, Listing, Page
from sandbox.tenant.content.pages import NAME, TIMES
from sandbox.tenant.content.places import bodies_of
from sandbox.tenant.listing import Collection, page_url, read_count

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
