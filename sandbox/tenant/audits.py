"""The audits of the tenant: what happened, when, and who did it (qlik-api.md 10)."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import base_url, sandbox_of
from sandbox.clock import stamp
from sandbox.paging import Clause
from sandbox.routing import endpoint
from sandbox.state import Sandbox
from sandbox.tenant.access import require
from sandbox.tenant.errors import audits_refusal
from sandbox.tenant.event_shapes import Event
from sandbox.tenant.listing import MAX_LIMIT, Collection, identity_links

PATH = "/api/v1/audits"
KEPT_FOR = timedelta(days=90)
_SCOPE = "admin.audits:read"
_EXACT = {"eventType": "type", "source": "source", "userId": "user_id"}

_AUDITS = Collection(
    columns="*",
    source="events",
    sorts={"eventTime": "at", "eventType": "type", "source": "source"},
    attributes={},
    refuse=audits_refusal,
    default_sort="-eventTime",
    default_limit=10,
    tie="seq",
)


async def list_audits(request: Request) -> JSONResponse:
    """Return one page of the events of the last 90 days, the newest first."""
    require(request, audits_refusal, _SCOPE)
    listing = _AUDITS.listing(request, *_conditions(request))
    page = _AUDITS.read(request, listing)
    data = [_show(request, Event.read(row)) for row in page.rows]
    return JSONResponse({"data": data, "links": identity_links(request, page)})


async def get_audit(request: Request) -> JSONResponse:
    """Return one event of the last 90 days by its id."""
    require(request, audits_refusal, _SCOPE)
    sandbox = sandbox_of(request)
    statement = "SELECT * FROM events WHERE id = ? AND at >= ?"
    row = sandbox.db.execute(statement, (request.path_params["id"], _oldest(sandbox))).fetchone()
    if row is None:
        raise audits_refusal(404, "Not found")
    return JSONResponse(_show(request, Event.read(row)))


async def list_archive(request: Request) -> JSONResponse:
    """Return every event of one day that the list does not hold any more."""
    require(request, audits_refusal, _SCOPE)
    sandbox = sandbox_of(request)
    text = request.query_params.get("date", "")
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise audits_refusal(400, f"Invalid date: {text}") from error
    statement = "SELECT * FROM events WHERE at >= ? AND at < ? AND at < ? ORDER BY at, seq"
    first = datetime(day.year, day.month, day.day, tzinfo=UTC)
    # The last day there is has no next one.
    last = stamp(first + timedelta(days=1)) if day < date.max else "~"
    rows = sandbox.db.execute(statement, (stamp(first), last, _oldest(sandbox)))
    return JSONResponse({"data": [_item(sandbox, Event.read(row)) for row in rows]})


async def list_types(request: Request) -> JSONResponse:
    """Return the types of the events there are."""
    return _list_distinct(request, "type")


async def list_sources(request: Request) -> JSONResponse:
    """Return the sources of the events there are."""
    return _list_distinct(request, "source")


async def get_settings(request: Request) -> JSONResponse:
    """Return how long events are kept."""
    require(request, audits_refusal, _SCOPE)
    return JSONResponse({"data": {"ArchiveEnabled": True, "EventTTL": int(KEPT_FOR.total_seconds())}})


def _list_distinct(request: Request, column: str) -> JSONResponse:
    require(request, audits_refusal, _SCOPE)
    statement = f"SELECT DISTINCT {column} FROM events ORDER BY {column}"  # noqa: S608  # one of two constants
    found = [row[0] for row in sandbox_of(request).db.execute(statement)]
    return JSONResponse({"data": found, "links": {"self": {"href": f"{base_url(request)}{request.url.path}"}}})


def _conditions(request: Request) -> list[Clause]:
    """Return what the query asks of an event; its values are compared with their case."""
    query = request.query_params
    conditions = [Clause("at >= ?", (_oldest(sandbox_of(request)),))]
    conditions += [Clause(f"{column} = ?", (query[name],)) for name, column in _EXACT.items() if name in query]
    if "id" in query:
        wanted = tuple(query["id"].split(","))
        if len(wanted) > MAX_LIMIT:
            raise audits_refusal(400, f"Invalid id: more than {MAX_LIMIT}")
        conditions.append(Clause(f"id IN ({', '.join('?' * len(wanted))})", wanted))
    if "eventTime" in query:
        conditions.append(Clause("at BETWEEN ? AND ?", _read_interval(query["eventTime"])))
    return conditions


def _read_interval(text: str) -> tuple[str, str]:
    """Return both ends of `<from>/<to>`, or raise 400."""
    start, _, end = text.partition("/")
    try:
        first, last = (datetime.fromisoformat(part.replace(" ", "+")) for part in (start, end))
        utc = [(moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC) for moment in (first, last)]
    except (ValueError, OverflowError) as error:
        raise audits_refusal(400, f"Invalid eventTime: {text}") from error
    return stamp(utc[0]), stamp(utc[1])


def _oldest(sandbox: Sandbox) -> str:
    """Return the moment before which events are archived."""
    return stamp(sandbox.clock.now() - KEPT_FOR)


def _show(request: Request, event: Event) -> dict[str, Any]:
    """Return an event as the list has it."""
    own = {"self": {"href": f"{base_url(request)}{PATH}/{event.id}"}}
    return {"id": event.id, **_item(sandbox_of(request), event), "links": own}


def _item(sandbox: Sandbox, event: Event) -> dict[str, Any]:
    """Return an event as the archive has it."""
    return {
        "eventId": event.id,
        "eventTime": event.at,
        "eventType": event.type,
        "eventTypeVersion": "1.0.0",
        "source": event.source,
        "tenantId": sandbox.setting("tenant")["id"],
        "userId": event.user_id,
        "contentType": "application/json",
        "data": event.data,
        "extensions": event.extensions,
    }


ROUTES = [
    endpoint(
        "GET",
        PATH,
        list_audits,
        query="eventTime,eventType,id,limit,next,prev,sort,source,userId",
        tier="S1000",
    ),
    endpoint("GET", f"{PATH}/archive", list_archive, query="date", tier="S1000"),
    endpoint("GET", f"{PATH}/settings", get_settings, tier="S1000"),
    endpoint("GET", f"{PATH}/sources", list_sources, tier="S1000"),
    endpoint("GET", f"{PATH}/types", list_types, tier="S1000"),
    endpoint("GET", f"{PATH}/{{id}}", get_audit, tier="S1000"),
]
