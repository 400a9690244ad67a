"""The switches of a running sandbox: where each stands, and how one is moved."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import sandbox_of
from sandbox.control_bodies import control_refusal, read_control
from sandbox.routing import endpoint
from sandbox.state import Sandbox
from sandbox.switches import SWITCHES, find_faults

PATH = "/_sandbox/switches"
# By name a position, or null for the default; switches that are not named stay as they are.
Positions = dict[str, str | None]


async def list_switches(request: Request) -> JSONResponse:
    """Return every switch with its position."""
    return JSONResponse(describe_switches(_positions(sandbox_of(request))))


async def put_switches(request: Request) -> JSONResponse:
    """Move the switches of the body, and return all of them."""
    sandbox = sandbox_of(request)
    change: Positions = await read_control(request, Positions)
    # A switch moved to its default still has to exist.
    faults = find_faults({name: _default(name) if value is None else value for name, value in change.items()})
    if faults:
        raise control_refusal(faults)
    positions = {**_positions(sandbox), **change}
    kept = {name: value for name, value in positions.items() if value is not None}
    sandbox.put_setting("switches", kept)
    return JSONResponse(describe_switches(kept))


def describe_switches(positions: dict[str, str]) -> list[dict[str, Any]]:
    """Return every switch as the control plane and `--json` show it."""
    return [
        {
            "name": switch.name,
            "position": positions.get(switch.name, switch.default),
            "default": switch.default,
            "alternatives": list(switch.alternatives),
            "unknown": switch.unknown,
            "evidence": switch.evidence,
        }
        for switch in SWITCHES.values()
    ]


def _positions(sandbox: Sandbox) -> dict[str, str]:
    """Return the switches that do not stand at their default."""
    positions: dict[str, str] = sandbox.setting("switches") or {}
    return positions


def _default(name: str) -> str:
    return SWITCHES[name].default if name in SWITCHES else ""


ROUTES = [
    endpoint("GET", PATH, list_switches, tier=""),
    endpoint("PUT", PATH, put_switches, body=Positions, tier=""),
]
