"""Controls of what goes wrong: faults, latency and the tenant's rate limits."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.control_bodies import as_control, control_refusal, read_control, read_control_json
from sandbox.faults import Fault
from sandbox.latency import Latency
from sandbox.limits import LimitSettings
from sandbox.routing import endpoint

FAULTS, LATENCY, LIMITS = "/_sandbox/faults", "/_sandbox/latency", "/_sandbox/limits"


async def post_faults(request: Request) -> JSONResponse:
    """Let a fault, or each of a list, wait for its requests; return them with their ids."""
    content = await read_control_json(request)
    is_list = isinstance(content, list)
    given: list[Fault] = as_control(list[Fault], content) if is_list else [as_control(Fault, content)]
    sandbox = sandbox_of(request)
    for fault in given:
        sandbox.faults.add(fault)
        if fault.kind == "hold":
            sandbox.holds.begin(fault.id)
    shown = [fault.show() for fault in given]
    return JSONResponse(shown if is_list else shown[0], status_code=201)


async def list_faults(request: Request) -> JSONResponse:
    """Return the faults that still wait, and how often."""
    return JSONResponse([fault.show() for fault in sandbox_of(request).faults.waiting])


async def delete_faults(request: Request) -> Response:
    """Forget every fault, and let go what is held."""
    sandbox_of(request).faults.clear()
    sandbox_of(request).holds.clear()
    return Response(status_code=204)


async def delete_fault(request: Request) -> Response:
    """Forget one fault, and let go what it holds."""
    id, sandbox = request.path_params["id"], sandbox_of(request)
    was_held, waited = sandbox.holds.release(id), sandbox.faults.remove(id)
    if not (was_held or waited):
        raise control_refusal([f"no fault {id} waits"], 404)
    return Response(status_code=204)


async def wait_for_hold(request: Request) -> Response:
    """Return when the fault holds a request."""
    id = request.path_params["id"]
    if not await sandbox_of(request).holds.wait(id):
        raise control_refusal([f"the fault {id} holds no request"], 404)
    return Response(status_code=204)


async def get_latency(request: Request) -> JSONResponse:
    """Return how long answers take beyond the work for them."""
    return JSONResponse(sandbox_of(request).latency.model_dump())


async def put_latency(request: Request) -> JSONResponse:
    """Let every answer, or those of a path, come later; the control plane always answers at once."""
    sandbox = sandbox_of(request)
    sandbox.latency = await read_control(request, Latency)
    return JSONResponse(sandbox.latency.model_dump())


async def delete_latency(request: Request) -> Response:
    """Let answers come as fast as they can again."""
    sandbox_of(request).latency = Latency()
    return Response(status_code=204)


async def get_limits(request: Request) -> JSONResponse:
    """Return the rate limits in force, and what every caller has left of them."""
    sandbox = sandbox_of(request)
    return JSONResponse(sandbox.limits.show(sandbox.clock.seconds()))


async def put_limits(request: Request) -> JSONResponse:
    """Change what the body names of the rate limits, and return them."""
    settings: LimitSettings = await read_control(request, LimitSettings)
    sandbox_of(request).limits.change(settings)
    return await get_limits(request)


async def delete_limits(request: Request) -> Response:
    """Start the rate limits anew, as the world has them."""
    limits = sandbox_of(request).limits
    limits.begin(limits.rates)
    return Response(status_code=204)


ROUTES = [
    endpoint("POST", FAULTS, post_faults, body=Fault | list[Fault], status=201, tier=""),
    endpoint("GET", FAULTS, list_faults, tier=""),
    endpoint("DELETE", FAULTS, delete_faults, status=204, tier=""),
    endpoint("DELETE", f"{FAULTS}/{{id}}", delete_fault, status=204, tier=""),
    endpoint("GET", f"{FAULTS}/{{id}}/held", wait_for_hold, status=204, tier=""),
    endpoint("GET", LATENCY, get_latency, tier=""),
    endpoint("PUT", LATENCY, put_latency, body=Latency, tier=""),
    endpoint("DELETE", LATENCY, delete_latency, status=204, tier=""),
    endpoint("GET", LIMITS, get_limits, tier=""),
    endpoint("PUT", LIMITS, put_limits, body=LimitSettings, tier=""),
    endpoint("DELETE", LIMITS, delete_limits, status=204, tier=""),
]
