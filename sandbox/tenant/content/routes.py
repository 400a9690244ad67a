"""The paths of spaces and of what users own."""

from sandbox.routing import Endpoint
from sandbox.tenant import space_assignments, space_shares, spaces
from sandbox.tenant.content import (
    apps,
    automation_connections,
    automations,
    data_alerts,
    data_connections,
    data_files,
    glossaries,
    items,
    reload_tasks,
    sharing_tasks,
)

ROUTES: list[Endpoint] = [
    *spaces.ROUTES,
    *space_assignments.ROUTES,
    *space_shares.ROUTES,
    *items.ROUTES,
    *apps.ROUTES,
    *data_connections.ROUTES,
    *data_files.ROUTES,
    *automations.ROUTES,
    *automation_connections.ROUTES,
    *sharing_tasks.ROUTES,
    *data_alerts.ROUTES,
    *reload_tasks.ROUTES,
    *glossaries.ROUTES,
]
