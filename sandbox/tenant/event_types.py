"""The types of events: those the sandbox publishes, and those a webhook can ask for (qlik-api.md 10)."""

from dataclasses import dataclass

from sandbox.state import Sandbox

LICENSE_EVENTS = (
    "com.qlik.license.assignment.deleted",
    "com.qlik.license.assignment.rejected",
    "com.qlik.license.assignment.updated",
    "com.qlik.license.definition.updated",
)


@dataclass(frozen=True)
class EventType:
    """A type of event that webhooks offer."""

    name: str
    title: str
    category: str
    description: str
    levels: tuple[str, ...] = ("tenant", "user")


_OFFERED = (
    EventType("com.qlik.v1.api-key.validation.failed", "API key validation failed", "API keys",
              "The tenant tries to use an API key which is expired or revoked", ("tenant",)),
    EventType("com.qlik.v1.app.created", "App created", "Apps", "A new analytics app is created"),
    EventType("com.qlik.v1.app.deleted", "App deleted", "Apps", "An analytics app is deleted"),
    EventType("com.qlik.v1.app.data.updated", "App data updated", "Apps", "An analytics app is saved"),
    EventType("com.qlik.v1.app.exported", "App exported", "Apps", "An analytics app is exported"),
    EventType("com.qlik.v1.app.published", "App published", "Apps", "An analytics app is published"),
    EventType("com.qlik.v1.app.reload.finished", "App reload finished", "Apps", "An app has finished refreshing"),
    EventType("com.qlik.v1.user.created", "User created", "Users", "A user is created", ("tenant",)),
    EventType("com.qlik.v1.user.deleted", "User deleted", "Users", "A user is deleted", ("tenant",)),
    EventType("com.qlik.core.user.created", "User created", "Users", "A user is created", ("tenant",)),
    EventType("com.qlik.core.user.deleted", "User deleted", "Users", "A user is deleted", ("tenant",)),
)  # fmt: skip
_LICENSES = tuple(
    EventType(name, name.removeprefix("com.qlik.license.").replace(".", " ").capitalize(), "Licenses", "", ("tenant",))
    for name in LICENSE_EVENTS
)


def offered_types(sandbox: Sandbox) -> dict[str, EventType]:
    """Return what webhooks can ask for; whether that includes licenses is a switch."""
    found = _OFFERED if sandbox.switch("license-webhooks") == "auditsOnly" else (*_OFFERED, *_LICENSES)
    return {kind.name: kind for kind in found}
