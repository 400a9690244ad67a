"""The paths of the login endpoint and of Graph, in both of its versions."""

from dataclasses import replace

from starlette.routing import BaseRoute

from sandbox.directory import (
    accounts,
    app_roles,
    applications,
    deleted_items,
    deltas,
    directory_objects,
    domains,
    groups,
    jobs,
    login,
    lookups,
    members,
    owners,
    people,
    provisioning,
    relations,
    service_principals,
    synchronization,
    templates,
    units,
)
from sandbox.directory.batch import Batch, batch_endpoint
from sandbox.directory.service import Graph
from sandbox.routing import Endpoint, Table, endpoint

VERSIONS = ("v1.0", "beta")

LOGIN: list[BaseRoute] = [*login.ROUTES]

# Paths without their version; both versions have them all.
_UNVERSIONED = [
    *deltas.ROUTES,
    *deleted_items.ROUTES,
    *people.ROUTES,
    *accounts.ROUTES,
    *lookups.ROUTES,
    *directory_objects.ROUTES,
    *domains.ROUTES,
    *groups.ROUTES,
    *members.ROUTES,
    *relations.ROUTES,
    *units.ROUTES,
    *applications.ROUTES,
    *templates.ROUTES,
    *service_principals.ROUTES,
    *owners.ROUTES,
    *app_roles.ROUTES,
    *synchronization.ROUTES,
    *jobs.ROUTES,
    *provisioning.ROUTES,
]


def _in_version(version: str, route: Endpoint) -> Endpoint:
    """Return the endpoint under the prefix of a version; the tiers are those of the tenant."""
    return Endpoint(replace(route.operation, path=f"/{version}{route.path}", tier=""), route.endpoint)


_GRAPH: list[BaseRoute] = [_in_version(version, route) for version in VERSIONS for route in _UNVERSIONED]
_BATCH: list[BaseRoute] = [
    endpoint("POST", f"/{version}/$batch", batch_endpoint(Graph(Table(_GRAPH, 2))), body=Batch, tier="")
    for version in VERSIONS
]

GRAPH = [*_GRAPH, *_BATCH]
