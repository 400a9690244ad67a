"""The tenant itself, and what it does for professionals by itself."""

from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import Refusal, base_url, sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.clock import stamp
from sandbox.routing import endpoint
from sandbox.sections import DAWN
from sandbox.tenant.access import identify, require_admin
from sandbox.tenant.errors import tenants_refusal

PATH = "/api/v1/tenants"
_FLAGS = (
    "autoAssignCreateSharedSpacesRoleToProfessionals",
    "autoAssignPrivateAnalyticsContentCreatorRoleToProfessionals",
    "autoAssignDataServicesContributorRoleToProfessionals",
    "enableAnalyticCreation",
    "enableAppOpeningFeedback",
)


class Replacement(Body):
    """One operation; there is no other one than replace."""

    op: Literal["replace"]
    path: str
    value: Any


async def get_own_tenant(request: Request) -> JSONResponse:
    """Return the tenant; its first hostname is the original one, the others play aliases."""
    identify(request, tenants_refusal)
    return JSONResponse(_show(request))


async def get_tenant(request: Request) -> JSONResponse:
    """Return the tenant by its id; there is no other one to see."""
    identify(request, tenants_refusal)
    _refuse_other(request)
    return JSONResponse(_show(request))


async def update_tenant(request: Request) -> Response:
    """Replace the name or a flag of the tenant."""
    require_admin(request, tenants_refusal)
    _refuse_other(request)
    sandbox = sandbox_of(request)
    operations: list[Replacement] = await read_body(request, list[Replacement], tenants_refusal)
    changes = {"lastUpdated": sandbox.clock.stamp()}
    for operation in operations:
        changes |= {operation.path.removeprefix("/"): _read(operation)}
    sandbox.put_setting("tenant", sandbox.setting("tenant") | changes)
    return Response(status_code=204)


def _read(operation: Replacement) -> Any:
    """Return the value of an operation, or raise 400; the alias is where the sandbox listens and stays."""
    name, value = operation.path.removeprefix("/"), operation.value
    if operation.path.startswith("/") and (
        (name in _FLAGS and isinstance(value, bool)) or (name == "name" and isinstance(value, str) and value)
    ):
        return value
    raise _refuse(f"Invalid operation on {operation.path}")


def _refuse_other(request: Request) -> None:
    if request.path_params["id"] != sandbox_of(request).setting("tenant")["id"]:
        raise tenants_refusal(404, "Not found")


def _show(request: Request) -> dict[str, Any]:
    port = request.scope["server"][1]
    own: dict[str, Any] = sandbox_of(request).setting("tenant")
    return {
        **{name: value for name, value in own.items() if name not in {"lastUpdated", *_FLAGS}},
        "hostnames": [f"{name}:{port}" for name in sandbox_of(request).names],
        "status": "active",
        "created": stamp(DAWN),
        "lastUpdated": own["lastUpdated"],
        **{name: own[name] for name in _FLAGS},
        "links": {"self": {"href": f"{base_url(request)}{PATH}/{own['id']}"}},
    }


def _refuse(title: str) -> Refusal:
    return tenants_refusal(400, title)


ROUTES = [
    endpoint("GET", f"{PATH}/me", get_own_tenant),
    endpoint("GET", f"{PATH}/{{id}}", get_tenant),
    endpoint("PATCH", f"{PATH}/{{id}}", update_tenant, body=list[Replacement], status=204),
]
