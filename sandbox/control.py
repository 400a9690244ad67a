"""The control plane: what a test or a demonstration does to the sandbox itself."""

import json
import os
from datetime import datetime
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.answers import Refusal, sandbox_of
from sandbox.faults import Fault
from sandbox.request_log import clear_entries, read_entries
from sandbox.seed import replace_world
from sandbox.snapshot import take_snapshot
from sandbox.tampering import Act, TamperError, read_tampering, tamper
from sandbox.world import WorldError, read_world

_ACT: TypeAdapter[Any] = TypeAdapter(Act)


class _ClockChange(BaseModel):
    """Either the new present or a number of seconds to go on."""

    model_config = ConfigDict(extra="forbid")

    now: AwareDatetime | None = None
    advance: float | None = None

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.now is None) is (self.advance is None):
            raise ValueError("give either now or advance")
        return self


async def show_sandbox(request: Request) -> JSONResponse:
    """Return by what anyone recognises a sandbox."""
    return JSONResponse({"sandbox": 1, "clock": sandbox_of(request).clock.stamp(), "pid": os.getpid()})


async def list_requests(request: Request) -> JSONResponse:
    """Return the request log after number `since`."""
    since = request.query_params.get("since", "0")
    if not since.isdecimal():
        raise _refuse([f"since: {since} is no number"])
    return JSONResponse(read_entries(sandbox_of(request), int(since)))


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
        world = read_world(await _read_json(request))
    except WorldError as error:
        raise _refuse(error.faults) from error
    replace_world(sandbox_of(request), world)
    return Response(status_code=204)


async def put_clock(request: Request) -> JSONResponse:
    """Set the clock or let it advance, and return the new present."""
    sandbox, change = sandbox_of(request), _read(_ClockChange, await _read_json(request))
    if isinstance(change.now, datetime):
        sandbox.clock.put(change.now)
    else:
        sandbox.clock.advance(change.advance)
    sandbox.keep_clock()
    return JSONResponse({"clock": sandbox.clock.stamp()})


async def post_tampering(request: Request) -> Response:
    """Do something by hand, as the administrator of the body."""
    try:
        tamper(sandbox_of(request), _read(_ACT, await _read_json(request)))
    except TamperError as error:
        raise _refuse([str(error)], 409) from error
    return Response(status_code=204)


async def list_tampering(request: Request) -> JSONResponse:
    """Return what was done by hand, and by whom."""
    return JSONResponse(read_tampering(sandbox_of(request)))


async def post_fault(request: Request) -> Response:
    """Let a fault wait for its requests."""
    sandbox_of(request).faults.add(_read(Fault, await _read_json(request)))
    return Response(status_code=204)


async def list_faults(request: Request) -> JSONResponse:
    """Return the faults that still wait."""
    return JSONResponse([fault.model_dump(exclude_none=True) for fault in sandbox_of(request).faults.waiting])


async def delete_faults(request: Request) -> Response:
    """Forget every fault."""
    sandbox_of(request).faults.clear()
    return Response(status_code=204)


async def _read_json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError as error:
        raise _refuse(["the body is not JSON"]) from error


def _read(model: Any, content: Any) -> Any:
    """Return the content as the model, or raise 400 with every fault."""
    adapter = model if isinstance(model, TypeAdapter) else TypeAdapter(model)
    try:
        return adapter.validate_python(content)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()]
        raise _refuse(lines) from error


def _refuse(faults: list[str], status: int = 400) -> Refusal:
    return Refusal(status, {"faults": faults})


ROUTES: list[BaseRoute] = [
    Route("/_sandbox/", show_sandbox, methods=["GET"]),
    Route("/_sandbox/requests", list_requests, methods=["GET"]),
    Route("/_sandbox/requests", delete_requests, methods=["DELETE"]),
    Route("/_sandbox/world", get_world, methods=["GET"]),
    Route("/_sandbox/world", put_world, methods=["PUT"]),
    Route("/_sandbox/clock", put_clock, methods=["PUT"]),
    Route("/_sandbox/tamper", post_tampering, methods=["POST"]),
    Route("/_sandbox/tamper", list_tampering, methods=["GET"]),
    Route("/_sandbox/faults", post_fault, methods=["POST"]),
    Route("/_sandbox/faults", list_faults, methods=["GET"]),
    Route("/_sandbox/faults", delete_faults, methods=["DELETE"]),
]
