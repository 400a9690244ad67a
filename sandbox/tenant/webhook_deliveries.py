"""What a webhook was told in the last week, and telling it again (qlik-api.md 10)."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import sandbox_of
from sandbox.clock import stamp
from sandbox.documents import Document, field_of, find_document, source_of
from sandbox.paging import Clause
from sandbox.routing import endpoint
from sandbox.state import Sandbox
from sandbox.tenant.access import identify
from sandbox.tenant.deliveries import DELIVERIES, add_delivery
from sandbox.tenant.errors import webhooks_refusal
from sandbox.tenant.listing import Collection, identity_links
from sandbox.tenant.webhooks import PATHS, find_own_webhook

KEPT_FOR = timedelta(days=7)

_DELIVERIES = Collection(
    columns="*",
    source="",
    sorts={"status": field_of("status"), "triggeredAt": field_of("triggeredAt")},
    attributes={},
    refuse=webhooks_refusal,
    default_sort="-triggeredAt",
    tie="seq",
)


async def list_deliveries(request: Request) -> JSONResponse:
    """Return one page of the deliveries of a webhook, the latest first."""
    webhook = find_own_webhook(request, identify(request, webhooks_refusal))
    sandbox, query = sandbox_of(request), request.query_params
    conditions = [Clause(f"{field_of('triggeredAt')} >= ?", (_oldest(sandbox),))]
    conditions += [
        Clause(f"{field_of(name)} = ?", (query[name],)) for name in ("eventType", "status") if query.get(name)
    ]
    listing = _DELIVERIES.listing(request, *conditions, source=source_of(DELIVERIES, webhook["id"]))
    page = _DELIVERIES.read(request, listing)
    found = [find_document(sandbox, DELIVERIES, row["id"]) for row in page.rows]
    return JSONResponse({"data": found, "links": identity_links(request, page)})


async def get_delivery(request: Request) -> JSONResponse:
    """Return one delivery with what was sent and what came back."""
    webhook = find_own_webhook(request, identify(request, webhooks_refusal))
    return JSONResponse(_find(request, webhook))


async def resend_delivery(request: Request) -> JSONResponse:
    """Return a new delivery of the same payload to the address the webhook has now."""
    webhook = find_own_webhook(request, identify(request, webhooks_refusal))
    former = _find(request, webhook)
    again = add_delivery(sandbox_of(request), webhook, former["eventType"], former["request"]["body"])
    return JSONResponse(again, status_code=201)


def _find(request: Request, webhook: Document) -> Document:
    """Return the delivery of the path, or raise 404 for one that is not there or too old."""
    sandbox = sandbox_of(request)
    delivery = find_document(sandbox, DELIVERIES, request.path_params["deliveryId"])
    if delivery is None or delivery["webhookId"] != webhook["id"] or delivery["triggeredAt"] < _oldest(sandbox):
        raise webhooks_refusal(404, "Not found")
    return delivery


def _oldest(sandbox: Sandbox) -> str:
    return stamp(sandbox.clock.now() - KEPT_FOR)


ROUTES = [
    route
    for path in PATHS
    for route in (
        endpoint("GET", f"{path}/{{id}}/deliveries", list_deliveries, query="eventType,limit,next,prev,sort,status"),
        endpoint("GET", f"{path}/{{id}}/deliveries/{{deliveryId}}", get_delivery),
        endpoint("POST", f"{path}/{{id}}/deliveries/{{deliveryId}}/actions/resend", resend_delivery, status=201),
    )
]
