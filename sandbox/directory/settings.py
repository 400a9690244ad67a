"""The timing of the directory: settings of the world that a test may move."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import Refusal, sandbox_of
from sandbox.bodies import read_body
from sandbox.directory.timing import Timing
from sandbox.routing import endpoint
from sandbox.state import Sandbox

PATH = "/_sandbox/directory"
_NAME = "directoryTiming"


def read_timing(sandbox: Sandbox) -> Timing:
    """Return the settings in force."""
    return Timing.model_validate(sandbox.setting(_NAME) or {})


def place_timing(sandbox: Sandbox, timing: Timing) -> None:
    """Put the settings of a world in force."""
    sandbox.put_setting(_NAME, timing.model_dump(by_alias=True))


def take_timing(sandbox: Sandbox) -> dict[str, Any]:
    """Return the settings as a world has them."""
    return read_timing(sandbox).model_dump(by_alias=True)


async def get_timing(request: Request) -> JSONResponse:
    """Return the timing of the directory."""
    return JSONResponse(take_timing(sandbox_of(request)))


async def patch_timing(request: Request) -> JSONResponse:
    """Change the settings that are named, and return all of them."""
    sandbox = sandbox_of(request)
    change: Timing = await read_body(request, Timing, _refuse)
    named = change.model_dump(by_alias=True, exclude_unset=True)
    place_timing(sandbox, Timing.model_validate(take_timing(sandbox) | named))
    return JSONResponse(take_timing(sandbox))


def _refuse(status: int, message: str) -> Refusal:
    return Refusal(status, {"faults": [message]})


ROUTES = [
    endpoint("GET", PATH, get_timing, tier=""),
    endpoint("PATCH", PATH, patch_timing, body=Timing, tier=""),
]
