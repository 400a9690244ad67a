"""Pages of services whose cursor has one name for both ways: `page` or `cursor` (qlik-api.md 1.4)."""

from typing import Any

from starlette.requests import Request

from sandbox.answers import sandbox_of
from sandbox.documents import field_of
from sandbox.paging import Clause, Cursor, Listing, Page
from sandbox.tenant.listing import Collection, links, read_count
from sandbox.tenant.space_access import find_space

TIMES = {"createdAt": field_of("createdAt"), "updatedAt": field_of("updatedAt")}
NAME = f"fold({field_of('name')})"


def of_collection(name: str) -> Clause:
    """Return the condition of the documents of one collection."""
    return Clause("collection = ?", (name,))


def read_page(request: Request, collection: Collection, listing: Listing, parameter: str) -> Page:
    """Return the page a request asks for by a cursor of this name."""
    limit = read_count(
        request, "limit", collection.default_limit, range(1, collection.max_limit + 1), collection.refuse
    )
    text = request.query_params.get(parameter)
    cursor = Cursor.decode(text) if text else None
    if text and cursor is None:
        raise collection.refuse(400, f"Invalid {parameter}")
    return listing.read(sandbox_of(request).db, limit, cursor)


def one_cursor_links(request: Request, page: Page, parameter: str) -> dict[str, Any]:
    """Return the links to the pages beside this one; a page that is not there has the address null."""
    found = links(request, page, lambda cursor: {parameter: cursor.encode()})
    return {name: found.get(name, {"href": None}) for name in ("next", "prev")}


def space_type(request: Request, space_id: str) -> str:
    """Return the type of the space something stands in, `personal` outside of all."""
    space = find_space(sandbox_of(request), space_id) if space_id else None
    return str(space["type"]) if space is not None else "personal"
