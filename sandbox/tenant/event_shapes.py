"""An event, and the forms in which it is told (qlik-api.md 10, Appendix B8)."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any, Self

from sandbox.state import Sandbox


@dataclass(frozen=True)
class Event:
    """One thing that happened; `user_id` is empty where the service did it by itself."""

    id: str
    at: str
    type: str
    source: str
    user_id: str
    data: dict[str, Any]
    extensions: dict[str, Any]

    @classmethod
    def read(cls, row: sqlite3.Row) -> Self:
        """Return the event of a row."""
        body = json.loads(row["body"])
        return cls(
            row["id"], row["at"], row["type"], row["source"], row["user_id"], body["data"], body["extensions"]
        )  # fmt: skip

    @property
    def row(self) -> tuple[Any, ...]:
        """The row of the event."""
        body = json.dumps({"data": self.data, "extensions": self.extensions})
        return (None, self.id, self.at, self.type, self.source, self.user_id, body)


def cloud_event(sandbox: Sandbox, event: Event) -> dict[str, Any]:
    """Return the event by CloudEvents 1.0; those of licenses carry who did it as claims, the others as an id."""
    tenant = sandbox.setting("tenant")["id"]
    told = {
        "id": event.id,
        "time": event.at,
        "type": event.type,
        "source": event.source,
        "specversion": "1.0",
        "datacontenttype": "application/json",
    }
    if event.type.startswith("com.qlik.license."):
        claims = json.dumps({"sub": event.user_id, "subType": "user", "tenantId": tenant})
        return told | {"tenantid": tenant, "authtype": "user", "authclaims": claims, "data": event.data}
    return told | {"userid": event.user_id, "tenantid": tenant, "data": event.data}


def legacy_event(sandbox: Sandbox, event: Event) -> dict[str, Any]:
    """Return the event in the form of CloudEvents 0.1, which the vendor takes away."""
    return {
        "cloudEventsVersion": "0.1",
        "source": event.source,
        "contentType": "application/json",
        "eventId": event.id,
        "eventTime": event.at,
        "eventType": event.type,
        "eventTypeVersion": "1.0.0",
        "extensions": {"tenantId": sandbox.setting("tenant")["id"], "userId": event.user_id, **event.extensions},
        "data": event.data,
    }
