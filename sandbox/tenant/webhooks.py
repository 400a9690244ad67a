"""Webhooks of users and of the tenant, under their present and their former path (qlik-api.md 10)."""

from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.documents import (
    Document,
    delete_children,
    delete_document,
    field_of,
    find_document,
    list_documents,
    put_document,
    source_of,
)
from sandbox.ids import new_tenant_id
from sandbox.paging import Clause
from sandbox.routing import endpoint
from sandbox.state import Sandbox, fold
from sandbox.tenant.access import Caller, identify
from sandbox.tenant.deliveries import DELIVERIES, WEBHOOKS, is_loopback
from sandbox.tenant.errors import webhooks_refusal
from sandbox.tenant.event_sections import FILTERED
from sandbox.tenant.event_types import offered_types
from sandbox.tenant.filters import FilterError, read_filter
from sandbox.tenant.listing import Collection, identity_links

PATHS = ("/api/v1/webhooks", "/api/core/webhooks")
MAX_WEBHOOKS = 150  # of one user
MAX_HEADERS = 2048  # bytes
_SCOPE = "admin.webhooks"

_WEBHOOKS = Collection(
    columns="*",
    source="",
    sorts={
        "name": f"fold({field_of('name')})",
        "url": field_of("url"),
        "createdAt": field_of("createdAt"),
        "updatedAt": field_of("updatedAt"),
    },
    attributes={},
    refuse=webhooks_refusal,
    tie="seq",
)
_EXACT = ("createdByUserId", "level", "ownerId", "updatedByUserId")
_CONTAINED = ("name", "url")
_SHOWN = (
    "id", "name", "description", "url", "level", "eventTypes", "filter", "headers", "enabled", "origin", "ownerId",
    "createdAt", "updatedAt", "createdByUserId", "updatedByUserId", "enableCloudEventDelivery",
    "checkCertificateRevocation",
)  # fmt: skip


class WebhookBody(Body):
    """A webhook as it is put; what is left out is cleared."""

    name: str = Field(min_length=1)
    url: str
    description: str = ""
    level: Literal["tenant", "user"] = "user"
    event_types: list[str] = Field(default=[], alias="eventTypes")
    filter: str = ""
    enabled: bool = False
    secret: str = ""
    headers: dict[str, str] = Field(default={})
    encrypted_headers: dict[str, str] = Field(default={}, alias="encryptedHeaders")
    enable_cloud_event_delivery: bool = Field(default=False, alias="enableCloudEventDelivery")
    check_certificate_revocation: bool = Field(default=False, alias="checkCertificateRevocation")
    owner_id: str | None = Field(default=None, alias="ownerId")


class NewWebhook(WebhookBody):
    """A webhook to create."""

    origin: Literal["api", "automations", "management-console"] = "api"


class _WebhookChange(BaseModel):
    """One change of a webhook."""

    op: Literal["add", "remove", "replace"]
    path: Literal[
        "/name", "/description", "/url", "/eventTypes", "/headers", "/enabled", "/secret", "/encryptedHeaders",
        "/enableCloudEventDelivery", "/filter",
    ]  # fmt: skip
    value: Any = None


WebhookChanges = list[_WebhookChange]


async def list_webhooks(request: Request) -> JSONResponse:
    """Return one page of webhooks: the caller's own, and for an administrator everybody's."""
    caller = identify(request, webhooks_refusal)
    listing = _WEBHOOKS.listing(request, *_conditions(request, caller), source=source_of(WEBHOOKS))
    page = _WEBHOOKS.read(request, listing)
    found = [find_document(sandbox_of(request), WEBHOOKS, row["id"]) for row in page.rows]
    return JSONResponse({"data": [_show(hook) for hook in found if hook], "links": identity_links(request, page)})


async def list_event_types(request: Request) -> JSONResponse:
    """Return the types of events a webhook can ask for."""
    identify(request, webhooks_refusal)
    data = [
        {
            "name": kind.name,
            "title": kind.title,
            "category": kind.category,
            "description": kind.description,
            "levels": list(kind.levels),
        }
        for kind in offered_types(sandbox_of(request)).values()
    ]
    return JSONResponse({"data": data})


async def get_webhook(request: Request) -> JSONResponse:
    """Return one webhook, without its secret and the values of its encrypted headers."""
    return JSONResponse(_show(find_own_webhook(request, identify(request, webhooks_refusal))))


async def create_webhook(request: Request) -> JSONResponse:
    """Return the new webhook."""
    caller = identify(request, webhooks_refusal)
    sandbox = sandbox_of(request)
    body: NewWebhook = await read_body(request, NewWebhook, webhooks_refusal)
    now = sandbox.clock.stamp()
    webhook = {
        "id": new_tenant_id(),
        **body.model_dump(by_alias=True),
        "ownerId": body.owner_id or caller.user_id,
        "createdAt": now,
        "updatedAt": now,
        "createdByUserId": caller.user_id,
        "updatedByUserId": caller.user_id,
    }
    _check(sandbox, webhook, caller)
    owned = [found for found in list_documents(sandbox, WEBHOOKS) if found["ownerId"] == webhook["ownerId"]]
    if len(owned) >= MAX_WEBHOOKS:
        raise webhooks_refusal(403, f"The user has {MAX_WEBHOOKS} webhooks")
    put_document(sandbox, WEBHOOKS, webhook)
    return JSONResponse(_show(webhook), status_code=201)


async def put_webhook(request: Request) -> JSONResponse:
    """Return the webhook after it was replaced as a whole."""
    caller = identify(request, webhooks_refusal)
    former = find_own_webhook(request, caller)
    body: WebhookBody = await read_body(request, WebhookBody, webhooks_refusal)
    given = body.model_dump(by_alias=True)
    webhook = former | given | {"ownerId": body.owner_id or former["ownerId"]}
    _keep(sandbox_of(request), former, webhook, caller)
    return JSONResponse(_show(webhook))


async def update_webhook(request: Request) -> Response:
    """Return 204 after every change; if one is refused, none has happened."""
    caller = identify(request, webhooks_refusal)
    former = find_own_webhook(request, caller)
    changes: WebhookChanges = await read_body(request, WebhookChanges, webhooks_refusal)
    webhook = dict(former)
    for change in changes:
        name = change.path.removeprefix("/")
        webhook[name] = _EMPTY[name] if change.op == "remove" else change.value
        if type(webhook[name]) is not type(_EMPTY[name]):
            raise webhooks_refusal(400, f"{name}: {change.value!r} does not fit")
    _keep(sandbox_of(request), former, webhook, caller)
    return Response(status_code=204)


async def delete_webhook(request: Request) -> Response:
    """Return 204 after the webhook and its deliveries are gone."""
    webhook = find_own_webhook(request, identify(request, webhooks_refusal))
    sandbox = sandbox_of(request)
    delete_children(sandbox, DELIVERIES, webhook["id"])
    delete_document(sandbox, WEBHOOKS, webhook["id"])
    return Response(status_code=204)


def find_own_webhook(request: Request, caller: Caller) -> Document:
    """Return the webhook of the path, or raise 404 for one that is not there and 403 for somebody else's."""
    webhook = find_document(sandbox_of(request), WEBHOOKS, request.path_params["id"])
    if webhook is None:
        raise webhooks_refusal(404, "Not found")
    if webhook["ownerId"] != caller.user_id and not caller.may(_SCOPE):
        raise webhooks_refusal(403, "Forbidden")
    return webhook


def _keep(sandbox: Sandbox, former: Document, webhook: Document, caller: Caller) -> None:
    """Check and keep a changed webhook."""
    if former["enableCloudEventDelivery"] and not webhook["enableCloudEventDelivery"]:
        raise webhooks_refusal(400, "enableCloudEventDelivery: cannot be turned off")
    if webhook["url"] != former["url"] and webhook["encryptedHeaders"] == former["encryptedHeaders"]:
        # They were entered for another address.
        webhook["encryptedHeaders"] = {}
    webhook |= {"updatedAt": sandbox.clock.stamp(), "updatedByUserId": caller.user_id}
    _check(sandbox, webhook, caller)
    put_document(sandbox, WEBHOOKS, webhook)


def _check(sandbox: Sandbox, webhook: Document, caller: Caller) -> None:
    """Raise the refusal of a webhook that cannot be, or that is not for this caller."""
    is_admin = caller.may(_SCOPE)
    if not is_admin and (webhook["level"] == "tenant" or webhook["ownerId"] != caller.user_id):
        raise webhooks_refusal(403, "Forbidden")
    if fault := _find_fault(sandbox, webhook):
        raise webhooks_refusal(400, fault)


def _find_fault(sandbox: Sandbox, webhook: Document) -> str:
    """Return what is wrong with a webhook, or nothing."""
    if not webhook["name"]:
        return "name: missing"
    if not _is_target(webhook["url"]):
        return "url: not an https address"
    offered = offered_types(sandbox)
    for name in webhook["eventTypes"]:
        if not isinstance(name, str) or name not in offered or webhook["level"] not in offered[name].levels:
            return f"eventTypes: {name} is not offered at the level {webhook['level']}"
    if webhook["filter"]:
        try:
            read_filter(webhook["filter"], FILTERED)
        except FilterError as error:
            return f"filter: {error}"
    for name in ("headers", "encryptedHeaders"):
        headers = webhook[name]
        if not all(isinstance(value, str) and f"{key}{value}".isascii() for key, value in headers.items()):
            return f"{name}: not text"
        if sum(len(key) + len(value) for key, value in headers.items()) > MAX_HEADERS:
            return f"{name}: more than {MAX_HEADERS} bytes"
    names = [fold(key) for key in (*webhook["headers"], *webhook["encryptedHeaders"])]
    return "" if len(names) == len(set(names)) else "headers: a name occurs twice"


def _is_target(url: str) -> bool:
    """Say whether an address can be told of events: https, or on this machine also http."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url)))
    except ValueError:
        return False


def _conditions(request: Request, caller: Caller) -> list[Clause]:
    """Return what the query asks of a webhook."""
    query = request.query_params
    conditions = [Clause(f"{field_of(name)} = ?", (query[name],)) for name in _EXACT if query.get(name)]
    conditions += [
        Clause(f"instr(fold({field_of(name)}), ?) > 0", (fold(query[name]),)) for name in _CONTAINED if query.get(name)
    ]
    if query.get("enabled"):
        conditions.append(Clause(f"{field_of('enabled')} = ?", (query["enabled"] == "true",)))
    if query.get("eventTypes"):
        wanted = query["eventTypes"].split(",")
        marks = "EXISTS (SELECT 1 FROM json_each(body, '$.eventTypes') WHERE value = ?)"
        conditions.append(Clause(" OR ".join([marks] * len(wanted)), tuple(wanted)))
    if query.get("origins"):
        wanted = query["origins"].split(",")
        conditions.append(Clause(f"{field_of('origin')} IN ({', '.join('?' * len(wanted))})", tuple(wanted)))
    if not caller.may(_SCOPE):
        conditions.append(Clause(f"{field_of('ownerId')} = ?", (caller.user_id,)))
    return conditions


def _show(webhook: Document) -> dict[str, Any]:
    """Return a webhook as the service writes it: of secrets it says only that they are there."""
    return {
        **{name: webhook[name] for name in _SHOWN},
        "encryptedHeaders": list(webhook["encryptedHeaders"]),
        "secretKeyAdded": bool(webhook["secret"]),
    }


_EMPTY: dict[str, Any] = {
    "name": "", "description": "", "url": "", "eventTypes": [], "headers": {}, "enabled": False, "secret": "",
    "encryptedHeaders": {}, "enableCloudEventDelivery": False, "filter": "",
}  # fmt: skip
_QUERY = "createdByUserId,enabled,eventTypes,level,limit,name,next,origins,ownerId,prev,sort,updatedByUserId,url"

ROUTES = [
    route
    for path in PATHS
    for route in (
        endpoint("GET", path, list_webhooks, query=_QUERY),
        endpoint("POST", path, create_webhook, body=NewWebhook, status=201),
        endpoint("GET", f"{path}/event-types", list_event_types),
        endpoint("GET", f"{path}/{{id}}", get_webhook),
        endpoint("PUT", f"{path}/{{id}}", put_webhook, body=WebhookBody),
        endpoint("PATCH", f"{path}/{{id}}", update_webhook, body=WebhookChanges, status=204),
        endpoint("DELETE", f"{path}/{{id}}", delete_webhook, status=204),
    )
]
