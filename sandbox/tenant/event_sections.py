"""Events, webhooks and their deliveries in a world (qlik-api.md 10)."""

from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from sandbox.sections import DAWN, Moment, Section
from sandbox.tenant.filters import Attribute, FilterError, read_filter

# What the filter of a webhook may say of an event.
FILTERED = {
    name: Attribute(f"fold({name}) = ?", differs=f"fold({name}) <> ?")
    for name in ("id", "spaceId", "topLevelResourceId")
}


class AuditEvent(Section):
    """Something that happened, as the audits tell it."""

    id: str
    event_time: Moment
    event_type: str
    source: str
    user_id: str = ""
    data: dict[str, Any] = Field(default_factory=dict)
    extensions: dict[str, Any] = Field(default_factory=dict)


class Webhook(Section):
    """Somebody's wish to be told of events."""

    id: str
    name: str
    url: str
    description: str = ""
    level: Literal["tenant", "user"] = "user"
    event_types: list[str] = Field(default_factory=list)
    filter: str = ""
    enabled: bool = False
    secret: str = ""
    headers: dict[str, str] = Field(default_factory=dict)
    encrypted_headers: dict[str, str] = Field(default_factory=dict)
    enable_cloud_event_delivery: bool = False
    check_certificate_revocation: bool = False
    origin: Literal["api", "automations", "management-console"] = "api"
    owner_id: str = ""
    created_at: Moment = DAWN
    updated_at: Moment = DAWN
    created_by_user_id: str = ""
    updated_by_user_id: str = ""

    @model_validator(mode="after")
    def _can_be_told(self) -> Self:
        """Refuse an address that is none and a filter that cannot be read."""
        try:
            urlsplit(self.url)
            if self.filter:
                read_filter(self.filter, FILTERED)
        except FilterError as error:
            raise ValueError(f"filter: {error}") from error
        return self


class WebhookDelivery(Section):
    """One attempt to tell a webhook of an event."""

    id: str
    webhook_id: str
    event_type: str
    status: Literal["success", "fail"]
    triggered_at: Moment
    status_message: str = ""
    request: dict[str, Any] = Field(default_factory=dict)
    response: dict[str, Any] | None = None
