"""Collections of the identity services: filter, sort and the `next` and `prev` cursors (qlik-api.md 1.4)."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request

from sandbox.answers import base_url, sandbox_of
from sandbox.paging import Clause, Cursor, Listing, Order, Page
from sandbox.tenant.access import Refuse
from sandbox.tenant.filters import Attribute, FilterError, read_filter

MAX_LIMIT = 100


@dataclass(frozen=True)
class Collection:
    """One kind of thing that is listed: its columns, what sorts and filters it, and its errors."""

    columns: str
    source: str
    sorts: Mapping[str, str]
    attributes: Mapping[str, Attribute]
    refuse: Refuse
    default_sort: str = "+name"
    default_limit: int = 20

    def listing(self, request: Request, *conditions: Clause) -> Listing:
        """Return the rows a request asks for, whatever the page."""
        listing = Listing(self.columns, Clause(self.source), self._order(request)).where(*conditions)
        text = request.query_params.get("filter")
        if not text:
            return listing
        try:
            return listing.where(read_filter(text, self.attributes))
        except FilterError as error:
            raise self.refuse(400, f"Invalid filter: {error}") from error

    def read(self, request: Request, listing: Listing) -> Page:
        """Return the page a request asks for."""
        return listing.read(sandbox_of(request).db, self._limit(request), self._cursor(request))

    def _order(self, request: Request) -> Order:
        # A plus sign that was not encoded arrives as a space.
        sort = request.query_params.get("sort", self.default_sort).replace(" ", "+")
        expression = self.sorts.get(sort.lstrip("+-"))
        if expression is None:
            raise self.refuse(400, f"Invalid sort: {sort}")
        return Order(expression, "id", is_descending=sort.startswith("-"))

    def _limit(self, request: Request) -> int:
        text = request.query_params.get("limit", str(self.default_limit))
        if not text.isdecimal() or not 1 <= int(text) <= MAX_LIMIT:
            raise self.refuse(400, f"Invalid limit: {text}")
        return int(text)

    def _cursor(self, request: Request) -> Cursor | None:
        given = [name for name in ("next", "prev") if request.query_params.get(name)]
        if not given:
            return None
        cursor = Cursor.decode(request.query_params[given[0]])
        if len(given) > 1 or cursor is None or cursor.direction != given[0]:
            raise self.refuse(400, "Invalid cursor")
        return cursor


def links(request: Request, page: Page, write: Callable[[Cursor], dict[str, str]]) -> dict[str, Any]:
    """Return the links beside a page: absent on the last, or null where the switch says so."""
    found: dict[str, Any] = {
        name: {"href": page_url(request, write(cursor))}
        for name, cursor in (("next", page.next), ("prev", page.prev))
        if cursor is not None
    }
    if page.next is None and sandbox_of(request).switch("next-link-last") == "nullHref":
        found["next"] = {"href": None}
    return found


def identity_links(request: Request, page: Page) -> dict[str, Any]:
    """Return `self` and the `next` and `prev` links of an identity service."""
    own = {"self": {"href": page_url(request, None)}}
    return own | links(request, page, lambda cursor: {cursor.direction: cursor.encode()})


def page_url(request: Request, cursor: dict[str, str] | None) -> str:
    """Return the request's own address with another cursor, or with its own for None."""
    cursors = {"next", "prev", "page"} if cursor is not None else set()
    query = [(k, v) for k, v in request.query_params.multi_items() if k not in cursors]
    text = urlencode([*query, *(cursor or {}).items()], quote_via=quote)
    path = request.url.path
    return f"{base_url(request)}{path}?{text}" if text else f"{base_url(request)}{path}"


def project(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    """Return the body with only the `fields` that were asked for."""
    fields = request.query_params.get("fields")
    return {key: body[key] for key in fields.split(",") if key in body} if fields else body


def self_link(request: Request, row: sqlite3.Row, path: str) -> dict[str, Any]:
    """Return the link of one thing to itself."""
    return {"self": {"href": f"{base_url(request)}{path}/{row['id']}"}}
