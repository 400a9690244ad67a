"""Who holds which license type: the list and the three batches (qlik-api.md 2.6, Appendix B4)."""

import json
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.paging import Clause, Listing, Order
from sandbox.routing import endpoint
from sandbox.state import Sandbox
from sandbox.tenant.access import require_admin
from sandbox.tenant.acts import Verb, change_row
from sandbox.tenant.entitlement import delete_seat
from sandbox.tenant.errors import licenses_refusal
from sandbox.tenant.filters import Attribute, FilterError, read_filter
from sandbox.tenant.late_rows import read_late
from sandbox.tenant.licenses import read_page_cursor, refuse_body
from sandbox.tenant.listing import links, read_count
from sandbox.tenant.rows import BadItem, Item
from sandbox.tenant.seats import excess_starts, is_excess

PATH = "/api/v1/licenses/assignments"
INTERNAL = "http://license/v1/licenses/assignments"
MAX_LIMIT = 100

_ORPHAN = Clause("subject_key NOT IN (SELECT subject_key FROM users WHERE status <> 'deleted')")
# The rows with what `excess` says now: the parameter is, by type, the age of the first row beyond the seats.
_WITH_EXCESS = (
    "(SELECT assignments.*, CASE WHEN assignments.excess OR"
    " assignments.created || ' ' || assignments.subject_key >= start.value THEN 'true' ELSE 'false' END AS told_excess"
    " FROM assignments LEFT JOIN json_each(?) AS start ON start.key = assignments.type)"
)
_SORTS = {"subject": "subject_key", "type": "type", "created": "created", "excess": "told_excess"}
_DEPRECATED = {
    "name": Attribute(
        "subject_key IN (SELECT subject_key FROM users WHERE name_key = ?)",
        "subject_key IN (SELECT subject_key FROM users WHERE instr(name_key, ?) > 0)",
    ),
    "userId": Attribute("subject_key IN (SELECT subject_key FROM users WHERE fold(id) = ?)"),
}
_RESPONSE_FIELDS = {
    "subject": Attribute("subject_key = ?", "instr(subject_key, ?) > 0"),
    "type": Attribute("fold(type) = ?", "instr(fold(type), ?) > 0"),
    "excess": Attribute("told_excess = ?"),
}


class _Added(Body):
    """A row to add; what is deprecated is accepted and not looked at."""

    subject: str
    type: str
    name: str | None = None
    user_id: str | None = Field(default=None, alias="userId")


class _Updated(Body):
    """A row to change: `subject` is the present one, or the desired one beside `sourceSubject`."""

    subject: str
    type: str | None = None
    source_type: str | None = Field(default=None, alias="sourceType")
    source_subject: str | None = Field(default=None, alias="sourceSubject")


class _Deleted(Body):
    """A row to delete."""

    subject: str
    type: str


class AddBatch(Body):
    """Rows to add."""

    add: list[_Added]


class UpdateBatch(Body):
    """Rows to change."""

    update: list[_Updated]


class DeleteBatch(Body):
    """Rows to delete."""

    delete: list[_Deleted]


async def list_assignments(request: Request) -> JSONResponse:
    """Return one page of the whole license's rows, also those of other tenants."""
    require_admin(request, licenses_refusal)
    sandbox = sandbox_of(request)
    limit = read_count(request, "limit", 20, range(1, MAX_LIMIT + 1), licenses_refusal)
    listing, cursor = _listing(request), read_page_cursor(request)
    page = read_late(sandbox, lambda: listing.read(sandbox.db, limit, cursor))
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
    return await _answer_batch(request, "add", AddBatch)


async def update(request: Request) -> JSONResponse:
    """Return a 207 whose items say what became of each change of type or subject."""
    return await _answer_batch(request, "update", UpdateBatch)


async def delete(request: Request) -> JSONResponse:
    """Return a 207 whose items say what became of each row to delete."""
    return await _answer_batch(request, "delete", DeleteBatch)


async def _answer_batch(request: Request, verb: Verb, model: type[Body]) -> JSONResponse:
    """Return the outcome of every item; each stands for itself."""
    caller = require_admin(request, licenses_refusal)
    sandbox = sandbox_of(request)
    batch: Body = await read_body(request, model, refuse_body)
    items: list[Item] = batch.model_dump(by_alias=True, exclude_none=True)[verb]
    _check_length(sandbox, items)
    try:
        outcomes = [_strike(request, item) or _act(sandbox, verb, item, caller.user_id) for item in items]
    except BadItem as error:
        raise licenses_refusal(400, str(error)) from error
    if sandbox.switch("item-order") == "reversed":
        outcomes.reverse()
    return JSONResponse({"data": outcomes}, status_code=207)


def _act(sandbox: Sandbox, verb: Verb, item: Item, by: str) -> dict[str, Any]:
    return delete_seat(sandbox, item, by=by) if verb == "delete" else change_row(sandbox, verb, item, by=by)


def _check_length(sandbox: Sandbox, items: list[Item]) -> None:
    """Raise the refusal of a batch that is too long, if the switch sets a length."""
    position = sandbox.switch("batch-limit")
    if position != "unlimited" and len(items) > MAX_LIMIT:
        status = 413 if position == "over100is413" else 400
        raise licenses_refusal(status, f"Too many items: the limit is {MAX_LIMIT}")


def _strike(request: Request, item: Item) -> dict[str, Any] | None:
    """Return the refusal a fault wants for this item."""
    fault = sandbox_of(request).faults.take_item(
        request.method, request.url.path, item["subject"], request.state.caller, request.url.query
    )
    if fault is None:
        return None
    return dict(sorted(({"code": fault.code, "status": fault.status, "title": fault.title} | item).items()))


def _listing(request: Request) -> Listing:
    """Return the rows a request asks for; what sorts and filters them are switches."""
    sandbox = sandbox_of(request)
    text = request.query_params.get("filter", "")
    order = _order(sandbox, request.query_params.get("sort", ""))
    source = Clause("assignments")
    if "excess" in text or order.expression == "told_excess":
        starts = {kind: " ".join(start) for kind, start in excess_starts(sandbox).items()}
        source = Clause(_WITH_EXCESS, (json.dumps(starts),))
    listing = Listing("*", source, order)
    if request.query_params.get("orphans") == "true":
        listing = listing.where(_ORPHAN)
    if not text:
        return listing
    try:
        return listing.where(read_filter(text, _attributes(sandbox)))
    except FilterError as error:
        raise licenses_refusal(400, f"Invalid filter: {error}") from error


def _order(sandbox: Sandbox, sort: str) -> Order:
    """Return the order of the rows: that in which they were added, unless `sort` counts."""
    position = sandbox.switch("assignments-sort")
    if not sort or position == "ignored":
        return Order("seq", "seq")
    # A plus sign that was not encoded arrives as a space.
    expression = _SORTS.get(sort.replace(" ", "+").lstrip("+-"))
    if expression is None or position == "refused400":
        raise licenses_refusal(400, f"Invalid sort: {sort}")
    return Order(expression, "seq", is_descending=sort.startswith("-"))


def _attributes(sandbox: Sandbox) -> dict[str, Attribute]:
    """Return what can be filtered, with the operators that are allowed."""
    known = dict(_DEPRECATED)
    if sandbox.switch("assignments-filter") == "responseFields":
        known |= _RESPONSE_FIELDS
    if sandbox.switch("assignments-filter-operators") == "eq":
        return {name: Attribute(attribute.equals) for name, attribute in known.items()}
    return known


def _internal(link: dict[str, Any]) -> dict[str, Any]:
    """Return a link in the internal form of the specification's example."""
    href = link["href"]
    return link if href is None else {"href": f"{INTERNAL}?{href.partition('?')[2]}"}


ROUTES = [
    endpoint("GET", PATH, list_assignments, query="filter,limit,orphans,page,sort"),
    endpoint("POST", f"{PATH}/actions/add", add, body=AddBatch, status=207),
    endpoint("POST", f"{PATH}/actions/update", update, body=UpdateBatch, status=207),
    endpoint("POST", f"{PATH}/actions/delete", delete, body=DeleteBatch, status=207),
]
