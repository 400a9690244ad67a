"""What the tenant allows of API keys: how many, and for how long (qlik-api.md 7.1)."""

from typing import Any, Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.bodies import read_body
from sandbox.durations import read_duration
from sandbox.routing import endpoint
from sandbox.state import Sandbox
from sandbox.tenant.access import identify, require_admin
from sandbox.tenant.errors import keys_refusal
from sandbox.tenant.keys import CONFIG

PATH = "/api/v1/api-keys/configs/{tenantId}"
MOST_KEYS = 1000


class _ConfigChange(BaseModel):
    """One change of what is allowed."""

    op: Literal["replace"]
    path: Literal["/max_api_key_expiry", "/max_keys_per_user", "/scim_externalClient_expiry"]
    value: Any


ConfigChanges = list[_ConfigChange]


async def get_config(request: Request) -> JSONResponse:
    """Return what the tenant allows."""
    identify(request, keys_refusal)
    _check_tenant(request)
    return JSONResponse(read_config(sandbox_of(request)))


async def update_config(request: Request) -> Response:
    """Return 204 after the replacements; one that is refused leaves all as it was."""
    require_admin(request, keys_refusal)
    _check_tenant(request)
    sandbox = sandbox_of(request)
    changes: ConfigChanges = await read_body(request, ConfigChanges, keys_refusal)
    config = read_config(sandbox)
    for change in changes:
        name = change.path.removeprefix("/")
        if not _is_allowed(name, change.value):
            raise keys_refusal(400, f"{name}: {change.value!r} is not allowed")
        config[name] = change.value
    sandbox.put_setting(CONFIG, config)
    return Response(status_code=204)


def read_config(sandbox: Sandbox) -> dict[str, Any]:
    """Return what the tenant allows, in the order of the service."""
    config: dict[str, Any] = sandbox.setting(CONFIG)
    return config


def _check_tenant(request: Request) -> None:
    if request.path_params["tenantId"] != sandbox_of(request).setting("tenant")["id"]:
        raise keys_refusal(404, "Not found")


def _is_allowed(name: str, value: Any) -> bool:
    if name == "max_keys_per_user":
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_KEYS
    return isinstance(value, str) and bool(read_duration(value))


ROUTES = [
    endpoint("GET", PATH, get_config),
    endpoint("PATCH", PATH, update_config, body=ConfigChanges, status=204),
]
