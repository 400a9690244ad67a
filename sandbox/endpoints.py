"""Every endpoint of a sandbox, by the service it belongs to."""

from starlette.routing import BaseRoute

from sandbox import control
from sandbox.directory.routes import GRAPH, LOGIN
from sandbox.openapi import publishing
from sandbox.services import Service
from sandbox.tenant.routes import ROUTES as TENANT

ENDPOINTS: dict[Service, list[BaseRoute]] = {
    "qlik": TENANT,
    "graph": GRAPH,
    "identity": LOGIN,
    "control": [*control.ROUTES],
}
ENDPOINTS["control"].append(publishing(ENDPOINTS))
