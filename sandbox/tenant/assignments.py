"""Who holds which license type: the list and the three batches (qlik-api.md 2.6, Appendix B4)."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import Refusal, sandbox_of
from sandbox.paging import Clause, Cursor, Listing, Order
from sandbox.state import Sandbox
from sandbox.tenant.access import require_admin
from sandbox.tenant.errors import licenses_refusal
from sandbox.tenant.filters import Attribute, FilterError, read_filter
from sandbox.tenant.licenses import read_body
from sandbox.tenant.listing import links
from sandbox.tenant.rows import BadItem, Item, add_row, delete_row, update_row
from sandbox.tenant.seats import excess_starts, is_excess

INTERNAL = "http://license/v1/licenses/assignments"
MAX_LIMIT = 100

_ATTRIBUTES = {
    "subject": Attribute("subject_key = ?"),
    "type": Attribute("fold(type) = ?"),
    "name": Attribute("subject_key IN (SELECT subject_key FROM users WHERE name_key = ?)"),
    "userId": Attribute("subject_key IN (SELECT subject_key FROM users WHERE fold(id) = ?)"),
}
_ORPHAN = Clause("subject_key NOT IN (SELECT subject_key FROM users WHERE status <> 'deleted')")


async def list_assignments(request: Request) -> JSONResponse:
    """Return one page of the whole license's rows, also those of other tenants."""
    require_admin(request, licenses_refusal)
    sandbox = sandbox_of(request)
    page = _listing(request).read(sandbox.db, _limit(request), _cursor(request))
    starts = excess_starts(sandbox)
    found = links(request, page, lambda cursor: {"page": cursor.encode()})
    if sandbox.switch("next-link-host") == "internal":
        found = {name: _internal(link) for name, link in found.items()}
    return JSONResponse(
        {
            "data": [
                {
                    "created": row["created"],
                    "excess": is_excess(row, starts),
                    "subject": row["subject"],
                    "type": row["type"],
                }
                for row in page.rows
            ],
            "links": found,
        }
    )


async def add(request: Request) -> JSONResponse:
    """Return a 207 whose items say what became of each new row."""
    return await _answer_batch(request, "add", ("subject", "type"), add_row)


async def update(request: Request) -> JSONResponse:
    """Return a 207 whose items say what became of each change of type or subject."""
    return await _answer_batch(request, "update", ("subject",), update_row)


async def delete(request: Request) -> JSONResponse:
    """Return a 207 whose items say what became of each row to delete."""
    return await _answer_batch(request, "delete", ("subject", "type"), delete_row)


async def _answer_batch(
    request: Request, verb: str, required: tuple[str, ...], act: Callable[[Sandbox, Item], dict[str, Any]]
) -> JSONResponse:
    """Return the outcome of every item; each stands for itself."""
    require_admin(request, licenses_refusal)
    sandbox = sandbox_of(request)
    items = _read_items(await read_body(request), verb, required)
    try:
        outcomes = [_strike(request, item) or act(sandbox, item) for item in items]
    except BadItem as error:
        sandbox.db.rollback()
        raise licenses_refusal(400, str(error)) from error
    if sandbox.switch("item-order") == "reversed":
        outcomes.reverse()
    return JSONResponse({"data": outcomes}, status_code=207)


def _read_items(body: dict[str, Any], verb: str, required: tuple[str, ...]) -> list[Item]:
    """Return the items of a batch, or raise the 400 for a body that is none."""
    items = body.get(verb)
    if not isinstance(items, list):
        raise _malformed()
    for item in items:
        if not isinstance(item, dict) or not all(isinstance(item.get(name), str) for name in required):
            raise _malformed()
        if not all(isinstance(value, str) for value in item.values()):
            raise _malformed()
    return items


def _malformed() -> Refusal:
    return licenses_refusal(400, "Body is invalid or missing")


def _strike(request: Request, item: Item) -> dict[str, Any] | None:
    """Return the refusal a fault wants for this item."""
    fault = sandbox_of(request).faults.take_item(request.method, request.url.path, item["subject"])
    if fault is None:
        return None
    return {"code": fault.code, "status": fault.status, "title": fault.title} | item


def _listing(request: Request) -> Listing:
    """Return the rows a request asks for; a sort order is refused by name, for its fields are unknown."""
    if "sort" in request.query_params:
        raise licenses_refusal(501, "sort of licenses/assignments is not part of the sandbox")
    listing = Listing("*", Clause("assignments"), Order("seq", "seq"))
    if request.query_params.get("orphans") == "true":
        listing = listing.where(_ORPHAN)
    text = request.query_params.get("filter")
    if not text:
        return listing
    try:
        return listing.where(read_filter(text, _ATTRIBUTES))
    except FilterError as error:
        raise licenses_refusal(400, f"Invalid filter: {error}") from error


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "20")
    if not text.isdecimal() or not 1 <= int(text) <= MAX_LIMIT:
        raise licenses_refusal(400, f"Invalid limit: {text}")
    return int(text)


def _cursor(request: Request) -> Cursor | None:
    text = request.query_params.get("page")
    cursor = Cursor.decode(text) if text else None
    if text and cursor is None:
        raise licenses_refusal(400, "Invalid page")
    return cursor


def _internal(link: dict[str, Any]) -> dict[str, Any]:
    """Return a link in the internal form of the specification's example."""
    href = link["href"]
    return link if href is None else {"href": f"{INTERNAL}?{href.partition('?')[2]}"}
