"""The events of spaces, under the names of today, the deprecated ones, or both."""

from typing import Any

from sandbox.state import Sandbox
from sandbox.tenant.events import SPACES, publish

_PREFIXES = {
    "core": ("com.qlik.core.space",),
    "legacy": ("com.qlik.space",),
    "both": ("com.qlik.space", "com.qlik.core.space"),
}


def publish_space(sandbox: Sandbox, kind: str, space_id: str, data: dict[str, Any], by: str) -> None:
    """Keep an event of a space: `created`, `assignment.updated`, `share.deleted` and so on."""
    for prefix in _PREFIXES[sandbox.switch("space-events")]:
        extensions = {"spaceId": space_id, "topLevelResourceId": space_id}
        publish(sandbox, f"{prefix}.{kind}", SPACES, data, by=by, extensions=extensions)
