"""The tenant's part of a snapshot."""

from typing import Any

from sandbox.documents import take_clients, take_documents
from sandbox.state import Sandbox
from sandbox.tenant.content.placing import take_spaces
from sandbox.tenant.events import take_events
from sandbox.tenant.identities import take_identities
from sandbox.tenant.keys import take_keys
from sandbox.tenant.licensing import take_license
from sandbox.tenant.sections import COLLECTIONS


def take_tenant(sandbox: Sandbox) -> dict[str, Any]:
    """Return the tenant's part of a world that would restore this state."""
    return {
        **sandbox.setting("tenant"),
        "rateLimits": sandbox.setting("rateLimits"),
        "clients": take_clients(sandbox, "qlik"),
        "maxTokens": sandbox.setting("maxTokens"),
        **take_keys(sandbox),
        **take_license(sandbox),
        "audits": take_events(sandbox),
        **take_identities(sandbox),
        "spaces": take_spaces(sandbox),
        **take_documents(sandbox, COLLECTIONS),
    }
