"""The paths of the tenant."""

from starlette.routing import BaseRoute

from sandbox.tenant import (
    accounts,
    api_keys,
    assignments,
    audits,
    client_connections,
    group_changes,
    groups,
    identity_providers,
    invitations,
    key_configs,
    licenses,
    oauth,
    oauth_clients,
    oauth_tokens,
    role_changes,
    roles,
    tenants,
    user_changes,
    users,
    webhook_deliveries,
    webhooks,
)
from sandbox.tenant.content import routes as content

ROUTES: list[BaseRoute] = [
    *oauth.ROUTES,
    *oauth_tokens.ROUTES,
    *oauth_clients.ROUTES,
    *client_connections.ROUTES,
    *tenants.ROUTES,
    *users.ROUTES,
    *invitations.ROUTES,
    *accounts.ROUTES,
    *user_changes.ROUTES,
    *group_changes.ROUTES,
    *groups.ROUTES,
    *roles.ROUTES,
    *role_changes.ROUTES,
    *content.ROUTES,
    *licenses.ROUTES,
    *assignments.ROUTES,
    *audits.ROUTES,
    *webhooks.ROUTES,
    *webhook_deliveries.ROUTES,
    *identity_providers.ROUTES,
    *key_configs.ROUTES,
    *api_keys.ROUTES,
]
