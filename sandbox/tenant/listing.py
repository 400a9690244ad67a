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
from sandbox.tenant.filters import Attribute, Chain, Comparison, FilterError, parse_filter

MAX_LIMIT = 100
_MOST_DIGITS = 9
_CURSORS = {"next", "prev", "page", "cursor", "startingAfter", "endingBefore"}


@dataclass(frozen=True)
class Collection:
    """One kind of thing that is listed: its columns, what sorts and filters it, and its errors."""

    columns: str
    source: str
    sorts: Mapping[str, str]
    attributes: Mapping[str, Attribute]
    refuse: Refuse
    default_sort: str = "+name"
    tie: str = "id"
    default_limit: int = 20
    max_limit: int = MAX_LIMIT
    grouped: str = ""

    def listing(self, request: Request, *conditions: Clause, sort: str = "", source: Clause | None = None) -> Listing:
        """Return the rows a request asks for, whatever the page; `sort` stands in for that of the request."""
        order = self._order(sort or request.query_params.get("sort", self.default_sort))
        listing = Listing(self.columns, source or Clause(self.source), order).where(*conditions)
        text = request.query_params.get("filter")
        return listing.where(self.filter(text).clause) if text else listing

    def filter(self, text: str) -> Comparison | Chain:
        """Return a filter as a tree, or raise 400."""
        try:
            return parse_filter(text, self.attributes, self.grouped)
        except FilterError as error:
            raise self.refuse(400, f"Invalid filter: {error}") from error

    def read(self, request: Request, listing: Listing, start: Cursor | None = None) -> Page:
        """Return the page a request asks for; `start` stands in for the cursor of the request."""
        return listing.read(sandbox_of(request).db, self._limit(request), start or self._cursor(request))

    def _order(self, sort: str) -> Order:
        # A plus sign that was not encoded arrives as a space.
        sort = sort.replace(" ", "+")
        expression = self.sorts.get(sort.lstrip("+-"))
        if expression is None:
            raise self.refuse(400, f"Invalid sort: {sort}")
        return Order(expression, self.tie, is_descending=sort.startswith("-"))

    def _limit(self, request: Request) -> int:
        return read_count(request, "limit", self.default_limit, range(1, self.max_limit + 1), self.refuse)

    def _cursor(self, request: Request) -> Cursor | None:
        given = [name for name in ("next", "prev") if request.query_params.get(name)]
        if not given:
            return None
        cursor = Cursor.decode(request.query_params[given[0]])
        if len(given) > 1 or cursor is None or cursor.direction != given[0]:
            raise self.refuse(400, "Invalid cursor")
        return cursor


def read_count(request: Request, name: str, default: int, allowed: range, refuse: Refuse) -> int:
    """Return a number of the query, or raise 400 for one that is none or out of range."""
    text = request.query_params.get(name, str(default))
    # More digits than any count has, and at some thousands of them int() itself refuses.
    if not text.isdecimal() or len(text) > _MOST_DIGITS or int(text) not in allowed:
        raise refuse(400, f"Invalid {name}: {text}")
    return int(text)


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
    cursors = _CURSORS if cursor is not None else set()
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
