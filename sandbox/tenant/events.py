"""What happened in the tenant, as its audits and webhooks tell it (qlik-api.md 10, Appendix B8)."""

import secrets
from typing import Any

from sandbox.clock import stamp
from sandbox.state import Sandbox, insert
from sandbox.tenant.deliveries import note_deliveries
from sandbox.tenant.event_sections import AuditEvent
from sandbox.tenant.event_shapes import Event

LICENSES, USERS, IDENTITIES = "com.qlik/licenses", "com.qlik/users", "com.qlik/identities"
SPACES, GROUPS, ROLES = "com.qlik/spaces", "com.qlik/groups", "com.qlik/roles"
API_KEYS, OAUTH, WEBHOOKS = "com.qlik/api-keys", "com.qlik/oauth", "com.qlik/webhooks"


def publish(sandbox: Sandbox, kind: str, source: str, data: dict[str, Any], *, by: str = "", **more: Any) -> str:
    """Keep an event of type `kind`, done by the user with the id `by`, and return the event's id.

    `more` are members beside `data`: `extensions`, or `topLevelResourceId` and `spaceId` within them.
    """
    extensions = more.pop("extensions", {}) | more
    event = Event(secrets.token_hex(16), sandbox.clock.stamp(), kind, source, by, data, extensions)
    insert(sandbox, "events", [event.row])
    note_deliveries(sandbox, event)
    return event.id


def place_events(sandbox: Sandbox, found: list[AuditEvent]) -> None:
    """Put the events of a world, in their order, where nothing is yet."""
    insert(sandbox, "events", (_read_section(event).row for event in found))


def take_events(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the events as a world has them, the oldest first."""
    events = map(Event.read, sandbox.db.execute("SELECT * FROM events ORDER BY seq"))
    return [
        {
            "id": event.id,
            "eventTime": event.at,
            "eventType": event.type,
            "source": event.source,
            "userId": event.user_id,
            "data": event.data,
            "extensions": event.extensions,
        }
        for event in events
    ]


def _read_section(event: AuditEvent) -> Event:
    return Event(
        event.id, stamp(event.event_time), event.event_type, event.source, event.user_id, event.data, event.extensions
    )
