"""The paths of the tenant."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.answers import sandbox_of
from sandbox.clock import stamp
from sandbox.tenant import assignments, licenses, oauth, roles, spaces, users
from sandbox.tenant.access import identify
from sandbox.tenant.errors import users_refusal
from sandbox.world import DAWN

_LICENSES = "/api/v1/licenses"


async def get_tenant(request: Request) -> JSONResponse:
    """Return the tenant; its first hostname is the original one, the second plays the alias."""
    identify(request, users_refusal)
    port = request.scope["server"][1]
    return JSONResponse(
        {
            **sandbox_of(request).setting("tenant"),
            "hostnames": [f"127.0.0.1:{port}", f"localhost:{port}"],
            "status": "active",
            "created": stamp(DAWN),
            "lastUpdated": stamp(DAWN),
        }
    )


ROUTES = [
    Route("/oauth/token", oauth.mint_token, methods=["POST"]),
    Route("/api/v1/tenants/me", get_tenant, methods=["GET"]),
    Route("/api/v1/users", users.list_users, methods=["GET"]),
    Route("/api/v1/users/me", users.find_me, methods=["GET"]),
    Route("/api/v1/users/{id}", users.get_user, methods=["GET"]),
    Route("/api/v1/roles", roles.list_roles, methods=["GET"]),
    Route("/api/v1/spaces", spaces.list_spaces, methods=["GET"]),
    Route(f"{_LICENSES}/overview", licenses.get_overview, methods=["GET"]),
    Route(f"{_LICENSES}/status", licenses.get_status, methods=["GET"]),
    Route(f"{_LICENSES}/settings", licenses.get_settings, methods=["GET"]),
    Route(f"{_LICENSES}/settings", licenses.put_settings, methods=["PUT"]),
    Route(f"{_LICENSES}/assignments", assignments.list_assignments, methods=["GET"]),
    Route(f"{_LICENSES}/assignments/actions/add", assignments.add, methods=["POST"]),
    Route(f"{_LICENSES}/assignments/actions/update", assignments.update, methods=["POST"]),
    Route(f"{_LICENSES}/assignments/actions/delete", assignments.delete, methods=["POST"]),
]
