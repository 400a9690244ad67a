"""The control plane: what a test or a demonstration does to the sandbox itself."""

import json
import os
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from sandbox import disturbances, login, snapshots, switchboard
from sandbox.answers import sandbox_of
from sandbox.clock import FIRST_YEAR, LAST_YEAR
from sandbox.control_bodies import control_refusal, faults_of, read_control, read_control_json
from sandbox.directory import settings
from sandbox.request_log import LOG_FILTERS, Wanted, clear_entries, count_entries, read_entries
from sandbox.routing import endpoint
from sandbox.seed import replace_world
from sandbox.snapshot import take_snapshot
from sandbox.tampering import Act, TamperError, read_tampering, tamper
from sandbox.world import World, WorldError, read_world


class ClockChange(BaseModel):
    """Either the new present or a number of seconds to go on."""

    model_config = ConfigDict(extra="forbid")

    now: AwareDatetime | None = None
    advance: Annotated[float, Field(allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.now is None) is (self.advance is None):
            raise ValueError("give either now or advance")
        return self


async def show_sandbox(request: Request) -> JSONResponse:
    """Return by what anyone recognises a sandbox."""
    return JSONResponse({"sandbox": 1, "clock": sandbox_of(request).clock.stamp(), "pid": os.getpid()})


async def list_requests(request: Request) -> JSONResponse:
    """Return the request log, oldest first: all of it, or what lies after `since` and fits the other filters."""
    return JSONResponse(read_entries(sandbox_of(request), _read_wanted(request)))


async def count_requests(request: Request) -> JSONResponse:
    """Return how often each operation was called, under the same filters as the log."""
    return JSONResponse(count_entries(read_entries(sandbox_of(request), _read_wanted(request))))


async def delete_requests(request: Request) -> Response:
    """Empty the request log."""
    clear_entries(sandbox_of(request))
    return Response(status_code=204)


async def get_world(request: Request) -> Response:
    """Return the present state in world form."""
    text = json.dumps(take_snapshot(sandbox_of(request)), sort_keys=True, ensure_ascii=False)
    return Response(text, media_type="application/json")


async def put_world(request: Request) -> Response:
    """Replace everything by the world of the body."""
    try:
        world = read_world(await read_control_json(request))
    except WorldError as error:
        raise control_refusal(error.faults) from error
    replace_world(sandbox_of(request), world)
    return Response(status_code=204)


async def put_clock(request: Request) -> JSONResponse:
    """Set the clock or let it advance, and return the new present."""
    sandbox = sandbox_of(request)
    change: ClockChange = await read_control(request, ClockChange)
    ahead = change.advance or 0.0
    if change.now is not None:
        ahead = change.now.timestamp() - sandbox.clock.seconds()
    if not sandbox.clock.reaches(ahead):
        raise control_refusal([f"the clock goes from {FIRST_YEAR} to {LAST_YEAR - 1}"])
    sandbox.clock.advance(ahead)
    sandbox.keep_clock()
    return JSONResponse({"clock": sandbox.clock.stamp()})


async def post_tampering(request: Request) -> Response:
    """Do something by hand, as the administrator of the body."""
    try:
        tamper(sandbox_of(request), await read_control(request, Act))
    except TamperError as error:
        raise control_refusal([str(error)], 409) from error
    return Response(status_code=204)


async def list_tampering(request: Request) -> JSONResponse:
    """Return what was done by hand, and by whom."""
    return JSONResponse(read_tampering(sandbox_of(request)))


def _read_wanted(request: Request) -> Wanted:
    """Return the filters of the query, or raise 400."""
    try:
        return Wanted.model_validate(dict(request.query_params))
    except ValidationError as error:
        raise control_refusal(faults_of(error)) from error


ROUTES: list[BaseRoute] = [
    endpoint("GET", "/_sandbox/", show_sandbox, tier=""),
    endpoint("GET", "/_sandbox/requests", list_requests, query=LOG_FILTERS, tier=""),
    endpoint("DELETE", "/_sandbox/requests", delete_requests, status=204, tier=""),
    endpoint("GET", "/_sandbox/requests/count", count_requests, query=LOG_FILTERS, tier=""),
    endpoint("GET", "/_sandbox/world", get_world, tier=""),
    endpoint("PUT", "/_sandbox/world", put_world, body=World, status=204, tier=""),
    endpoint("PUT", "/_sandbox/clock", put_clock, body=ClockChange, tier=""),
    endpoint("POST", "/_sandbox/tamper", post_tampering, body=Act, status=204, tier=""),
    endpoint("GET", "/_sandbox/tamper", list_tampering, tier=""),
    *login.ROUTES,
    *disturbances.ROUTES,
    *snapshots.ROUTES,
    *switchboard.ROUTES,
    *settings.ROUTES,
]
