"""Bodies and refusals of the control plane."""

from typing import Any

from pydantic import ValidationError
from starlette.requests import Request

from sandbox.answers import Refusal
from sandbox.bodies import adapter_of, read_json


async def read_control(request: Request, model: Any) -> Any:
    """Return the body of a control as the model, or raise 400 with every fault."""
    return as_control(model, await read_control_json(request))


def as_control(model: Any, content: Any) -> Any:
    """Return JSON of the control plane as the model, or raise 400 with every fault."""
    try:
        return adapter_of(model).validate_python(content)
    except ValidationError as error:
        raise control_refusal(faults_of(error)) from error


async def read_control_json(request: Request) -> Any:
    """Return the JSON of a control, or raise 400."""
    return await read_json(request, lambda status, _: control_refusal(["the body is not JSON"], status))


def faults_of(error: ValidationError) -> list[str]:
    """Return one line for each fault of a body or a query."""
    return [f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()]


def control_refusal(faults: list[str], status: int = 400) -> Refusal:
    """Return a refusal of the control plane: one line for each fault."""
    return Refusal(status, {"faults": faults})
