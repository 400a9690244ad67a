"""What webhooks are told: which event is for which webhook, and each attempt to deliver it (qlik-api.md 10)."""

from typing import Any
from urllib.parse import urlsplit

from sandbox.documents import Document, list_documents, put_document
from sandbox.ids import new_tenant_id
from sandbox.paging import Clause
from sandbox.state import Sandbox
from sandbox.tenant.event_sections import FILTERED
from sandbox.tenant.event_shapes import Event, cloud_event, legacy_event
from sandbox.tenant.filters import read_filter

WEBHOOKS, DELIVERIES = "webhooks", "webhookDeliveries"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
OMITTED = "**OMITTED**"


def note_deliveries(sandbox: Sandbox, event: Event) -> None:
    """Keep a delivery for each webhook that wants the event; what goes to loopback is posted after the answer."""
    for webhook in list_documents(sandbox, WEBHOOKS):
        if _wants(sandbox, webhook, event):
            add_delivery(sandbox, webhook, event.type, _payload(sandbox, webhook, event))


def add_delivery(sandbox: Sandbox, webhook: Document, event_type: str, body: dict[str, Any]) -> Document:
    """Return a new delivery of a payload; one that cannot be posted has already failed."""
    is_near = is_loopback(webhook["url"])
    hidden = dict.fromkeys(webhook["encryptedHeaders"], OMITTED)
    delivery = {
        "id": new_tenant_id(),
        "webhookId": webhook["id"],
        "eventType": event_type,
        "status": "fail",
        "triggeredAt": sandbox.clock.stamp(),
        "statusMessage": "pending" if is_near else "not sent: the sandbox posts to loopback addresses only",
        "request": {"url": webhook["url"], "headers": {**webhook["headers"], **hidden}, "body": body},
    }
    put_document(sandbox, DELIVERIES, delivery, webhook["id"])
    if is_near:
        sandbox.outbox.append(delivery["id"])
    return delivery


def is_loopback(url: str) -> bool:
    """Say whether an address is on this machine."""
    return urlsplit(url).hostname in LOOPBACK


def _wants(sandbox: Sandbox, webhook: Document, event: Event) -> bool:
    if not webhook["enabled"] or event.type not in webhook["eventTypes"]:
        return False
    owners = (event.user_id, event.data.get("ownerId"), event.extensions.get("ownerId"))
    if webhook["level"] == "user" and webhook["ownerId"] not in owners:
        return False
    return not webhook["filter"] or _passes(sandbox, read_filter(webhook["filter"], FILTERED), event)


def _passes(sandbox: Sandbox, condition: Clause, event: Event) -> bool:
    """Say whether the event fulfils a filter, by asking SQLite for its only row."""
    values = (event.data.get("id"), event.extensions.get("spaceId"), event.extensions.get("topLevelResourceId"))
    columns = ", ".join(f"coalesce(?, '') AS {name}" for name in FILTERED)
    # The filter is made of constants of this package and parameters.
    statement = f"SELECT 1 FROM (SELECT {columns}) WHERE {condition.sql}"  # noqa: S608
    return sandbox.db.execute(statement, (*values, *condition.params)).fetchone() is not None


def _payload(sandbox: Sandbox, webhook: Document, event: Event) -> dict[str, Any]:
    """Return the event in the form the webhook gets; without CloudEvents it is a switch what is left of the old one."""
    position = "cloudEvents" if webhook["enableCloudEventDelivery"] else sandbox.switch("webhook-payload")
    if position == "legacy":
        return legacy_event(sandbox, event)
    if position == "hybrid":
        return legacy_event(sandbox, event) | cloud_event(sandbox, event)
    return cloud_event(sandbox, event)
