"""The tenant's part of a world, placed into an empty state."""

from pydantic.alias_generators import to_snake

from sandbox.clock import stamp
from sandbox.documents import put_document
from sandbox.state import Sandbox
from sandbox.tenant.clients import place_clients
from sandbox.tenant.content.placing import place_content
from sandbox.tenant.events import place_events
from sandbox.tenant.identities import place_identities
from sandbox.tenant.keys import place_keys
from sandbox.tenant.licensing import place_license
from sandbox.tenant.sections import COLLECTIONS, OWN, Tenant, parent_of


def place_tenant(sandbox: Sandbox, tenant: Tenant) -> None:
    """Put what the world says of the tenant where nothing is yet."""
    own = tenant.model_dump(by_alias=True, include=set(OWN))
    sandbox.put_setting("tenant", own | {"lastUpdated": stamp(tenant.last_updated)})
    sandbox.put_setting("rateLimits", tenant.rate_limits)
    place_clients(sandbox, tenant.clients)
    sandbox.put_setting("maxTokens", tenant.max_tokens)
    place_identities(sandbox, tenant)
    place_keys(sandbox, tenant.api_keys, tenant.api_key_config)
    place_license(sandbox, tenant)
    place_events(sandbox, tenant.audits)
    for name in COLLECTIONS:
        for section in getattr(tenant, to_snake(name)):
            document = section.model_dump(mode="json", by_alias=True, exclude_none=True)
            put_document(sandbox, name, document, parent_of(name, document))
    place_content(sandbox, tenant)
