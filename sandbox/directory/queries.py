"""OData's query options: $select, $filter, $top, $count and the links to further pages."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import base_url, sandbox_of
from sandbox.directory.errors import bad_request, graph_refusal
from sandbox.directory.filters import read_filter
from sandbox.paging import Cursor, Listing

DEFAULT_TOP = 100
MAX_TOP = 999

_OPTIONS = {"$select", "$filter", "$top", "$count", "$skiptoken"}


def version_of(request: Request) -> str:
    """Return `v1.0` or `beta`."""
    return request.url.path.split("/")[1]


def context(request: Request, suffix: str) -> dict[str, str]:
    """Return the annotation every answer of Graph starts with."""
    return {"@odata.context": f"{base_url(request)}/{version_of(request)}/$metadata#{suffix}"}


def read_select(request: Request, known: frozenset[str]) -> list[str] | None:
    """Return the selected properties, or None when nothing was selected."""
    text = request.query_params.get("$select")
    if not text:
        return None
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in known:
            raise bad_request(f"Could not find a property named '{name}'.", "BadRequest")
    return names


def filtered(request: Request, listing: Listing, columns: Mapping[str, str]) -> Listing:
    """Return the listing under the request's $filter; an empty one filters nothing."""
    text = request.query_params.get("$filter", "").strip()
    return listing.where(read_filter(text, columns)) if text else listing


def answer_list(
    request: Request, listing: Listing, suffix: str, show: Callable[[sqlite3.Row], dict[str, Any]]
) -> JSONResponse:
    """Return one page of a collection, with a link to the next unless it is the last."""
    db = sandbox_of(request).db
    page = listing.read(db, _top(request), _cursor(request))
    body: dict[str, Any] = dict(context(request, suffix))
    # Directory objects are counted for advanced queries only; otherwise $count is passed over.
    if request.query_params.get("$count") == "true" and _is_advanced(request):
        body["@odata.count"] = listing.count(db)
    if page.next is not None:
        body["@odata.nextLink"] = _next_link(request, page.next)
    return JSONResponse(body | {"value": [show(row) for row in page.rows]})


def refuse_unknown_options(request: Request) -> None:
    """Raise the 501 that names a query option the sandbox does not know."""
    for name in request.query_params:
        if name.startswith("$") and name not in _OPTIONS:
            raise graph_refusal(501, "notImplemented", f"{name} is not part of the sandbox.")


def _is_advanced(request: Request) -> bool:
    return request.headers.get("consistencylevel", "").lower() == "eventual"


def _top(request: Request) -> int:
    text = request.query_params.get("$top", str(DEFAULT_TOP))
    if not text.isdecimal() or not 1 <= int(text) <= MAX_TOP:
        raise bad_request(f"Invalid page size specified: '{text}'. Must be between 1 and {MAX_TOP} inclusive.")
    return int(text)


def _cursor(request: Request) -> Cursor | None:
    text = request.query_params.get("$skiptoken")
    cursor = Cursor.decode(text) if text else None
    if text and cursor is None:
        raise bad_request("The specified page token value has expired.", "Directory_ExpiredPageToken")
    return cursor


def _next_link(request: Request, cursor: Cursor) -> str:
    query = [(k, v) for k, v in request.query_params.multi_items() if k != "$skiptoken"]
    text = urlencode([*query, ("$skiptoken", cursor.encode())], quote_via=quote, safe="$")
    return f"{base_url(request)}{request.url.path}?{text}"
