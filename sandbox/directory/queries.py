"""OData's query options: $select, $filter, $search, $orderby, $top, $count and the links to further pages."""

import sqlite3
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.answers import Refusal, base_url, sandbox_of
from sandbox.directory.errors import bad_request, graph_refusal
from sandbox.directory.expansions import read_expansion
from sandbox.directory.filters import needs_advanced, read_filter
from sandbox.directory.properties import is_extension, is_sortable
from sandbox.directory.searches import read_search
from sandbox.directory.shapes import body_of
from sandbox.paging import Cursor, Listing, Order

DEFAULT_TOP = 100
MAX_TOP = 999

# The query options of collections and of single objects, as they are published.
LIST_OPTIONS = "$select,$filter,$search,$orderby,$expand,$top,$count,$skiptoken"
ITEM_OPTIONS = "$select,$expand"
COUNT_OPTIONS = "$filter,$search"

_OPTIONS = {*LIST_OPTIONS.split(","), "$deltatoken", "$format"}
# Options of OData that directory objects refuse, and those the sandbox does not know.
_REFUSED = {"$skip"}
_UNKNOWN = {"$apply", "$compute", "$levels", "$index", "$schemaversion"}

_RESOURCES = {
    "users": "User",
    "groups": "Group",
    "applications": "Application",
    "servicePrincipals": "ServicePrincipal",
    "microsoft.graph.user": "User",
    "microsoft.graph.group": "Group",
}


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
        # Directory extensions are those of users.
        if name not in known and not ("userPrincipalName" in known and is_extension(name)):
            raise bad_request(f"Could not find a property named '{name}'.", "BadRequest")
    return names


def selected(
    request: Request, whole: dict[str, Any], names: list[str] | None, beta_only: Collection[str]
) -> dict[str, Any]:
    """Return the selected properties, or those that the version shows by itself."""
    if names is not None:
        return {name: whole[name] for name in names}
    hidden = beta_only if version_of(request) == "v1.0" else ()
    return {name: value for name, value in whole.items() if name not in hidden}


def filtered(request: Request, listing: Listing, columns: Mapping[str, str], resource: str = "") -> Listing:
    """Return the listing under the request's $filter, $search and $orderby; empty ones do nothing."""
    resource = resource or _resource_of(request)
    text = request.query_params.get("$filter", "").strip()
    search = request.query_params.get("$search", "").strip()
    if text:
        listing = listing.where(read_filter(text, columns, resource, is_advanced=is_advanced(request)))
    if search:
        if not is_eventual(request):
            raise _needs_header()
        listing = listing.where(read_search(search, columns))
    order = request.query_params.get("$orderby", "").strip()
    return _ordered(request, listing, columns, resource) if order else listing


def answer_list(
    request: Request, listing: Listing, suffix: str, show: Callable[[sqlite3.Row], dict[str, Any]]
) -> Response:
    """Return one page of a collection, with a link to the next unless it is the last; or only its size."""
    db = sandbox_of(request).db
    if request.url.path.endswith("/$count"):
        return _answer_count(request, listing)
    top, cursor = _top(request), _cursor(request)
    expand = read_expansion(request, is_advanced=is_advanced(request))
    page = _read_page(listing, db, top, cursor)
    body: dict[str, Any] = dict(context(request, suffix))
    # Directory objects are counted for advanced queries only; otherwise $count is passed over.
    if is_advanced(request):
        # Every page has the count; it is the same until something is written.
        body["@odata.count"] = db.recall(listing, lambda: listing.count(db))
    if page.next is not None:
        body["@odata.nextLink"] = next_link(request, page.next.encode())
    shown = [show(row) for row in page.rows]
    if expand is not None:
        shown = [item | expand(body_of(row)) for item, row in zip(shown, page.rows, strict=True)]
    return JSONResponse(body | {"value": shown})


def refuse_unknown_options(request: Request) -> None:
    """Raise the refusal of a query option that Graph refuses, or that the sandbox does not know."""
    names = [name for name, _ in request.query_params.multi_items() if name.startswith("$")]
    for name in names:
        if name in _UNKNOWN:
            raise graph_refusal(501, "notImplemented", f"{name} is not part of the sandbox.")
        if name in _REFUSED:
            raise bad_request(f"'{name}' is not supported by the service.")
        if name not in _OPTIONS:
            raise bad_request(f"Invalid query option '{name}'.", "BadRequest")
        if names.count(name) > 1:
            message = f"Query option '{name}' was specified more than once, but it must be specified at most once."
            raise bad_request(message, "BadRequest")


def is_eventual(request: Request) -> bool:
    """Say whether the request asks for the index store of advanced queries."""
    return request.headers.get("consistencylevel", "").lower() == "eventual"


def is_advanced(request: Request) -> bool:
    """Say whether the request has both of the advanced query parameters; the count segment is one of them."""
    is_counted = request.query_params.get("$count", "").lower() == "true" or request.url.path.endswith("/$count")
    return is_eventual(request) and is_counted


def require_advanced(request: Request, what: str) -> None:
    """Raise the 400 for something that only an advanced query may ask."""
    if not is_advanced(request):
        raise needs_advanced(what)


def next_link(request: Request, token: str, name: str = "$skiptoken") -> str:
    """Return the address of a further page, with all options of this one."""
    query = [(k, v) for k, v in request.query_params.multi_items() if k != "$skiptoken"]
    text = urlencode([*query, (name, token)], quote_via=quote, safe="$")
    return f"{base_url(request)}{request.url.path}?{text}"


def _read_page(listing: Listing, db: sqlite3.Connection, top: int, cursor: Cursor | None) -> Any:
    try:
        return listing.read(db, top, cursor)
    except (sqlite3.Error, OverflowError) as error:
        # The token decodes, but its values never came from this listing.
        raise _expired() from error


def _answer_count(request: Request, listing: Listing) -> Response:
    if not is_eventual(request):
        raise bad_request("$count is not currently supported.")
    return PlainTextResponse(str(listing.count(sandbox_of(request).db)))


def _ordered(request: Request, listing: Listing, columns: Mapping[str, str], resource: str) -> Listing:
    text = request.query_params["$orderby"].strip()
    name, _, way = text.partition(" ")
    way = way.strip().lower()
    if "," in text or way not in {"", "asc", "desc"}:
        raise bad_request("Sorting by more than one property is not supported.", "Request_UnsupportedQuery")
    advanced = is_advanced(request)
    if not advanced and (request.query_params.get("$filter") or request.query_params.get("$search")):
        raise bad_request("Sorting not supported for current query.", "Request_UnsupportedQuery")
    if not is_sortable(resource, name, is_advanced=advanced) or name not in columns:
        message = "An unsupported property was specified."
        if not advanced:
            message = f"Unsupported sort property '{name}' for '{resource}'."
        raise bad_request(message, "Request_UnsupportedQuery")
    order = Order(f"ifnull({columns[name]}, '')", listing.order.tie, is_descending=way == "desc")
    return replace(listing, order=order)


def _resource_of(request: Request) -> str:
    """Return the type a collection holds, as the messages of Graph name it."""
    segments = [segment for segment in request.url.path.split("/")[2:] if segment != "$count"]
    return _RESOURCES.get(segments[-1], "DirectoryObject")


def _top(request: Request) -> int:
    text = request.query_params.get("$top", str(DEFAULT_TOP))
    if not text.isdecimal() or not text.isascii() or len(text) > len(str(MAX_TOP)) or not 1 <= int(text) <= MAX_TOP:
        raise bad_request(f"Invalid page size specified: '{text}'. Must be between 1 and {MAX_TOP} inclusive.")
    return int(text)


def _cursor(request: Request) -> Cursor | None:
    text = request.query_params.get("$skiptoken")
    cursor = Cursor.decode(text) if text else None
    if text and cursor is None:
        raise _expired()
    return cursor


def _expired() -> Refusal:
    return bad_request("The specified page token value has expired.", "Directory_ExpiredPageToken")


def _needs_header() -> Refusal:
    message = (
        "Request with $search query parameter only works through MSGraph with a special request header: "
        "'ConsistencyLevel: eventual'"
    )
    return bad_request(message, "Request_UnsupportedQuery")
