"""Bodies of requests: read once, checked, and refused in the words of the service."""

import json
import math
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import Request

from sandbox.answers import Refusal

Refuse = Callable[[int, str], Refusal]

KILOBYTE = 1000
_MAX_DEPTH = 100


async def read_json(request: Request, refuse: Refuse, *, limit: int = 0) -> Any:
    """Return the JSON of a body, or raise the service's 400; above `limit` bytes, unless it is 0, its 413."""
    body = await request.body()
    if limit and len(body) > limit:
        raise refuse(413, f"Payload too large: the limit is {limit // KILOBYTE} kB")
    return parse_json(body, refuse)


async def read_body(request: Request, model: Any, refuse: Refuse, *, limit: int = 0) -> Any:
    """Return the body as `model`, a pydantic model or type, or raise the service's 400 that names the first fault."""
    content = await read_json(request, refuse, limit=limit)
    try:
        return adapter_of(model).validate_python(content)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"])) or "body"
        raise refuse(400, f"Invalid request body: {place}: {fault['msg']}") from error


def parse_json(body: bytes, refuse: Refuse) -> Any:
    """Return the JSON, or raise the service's 400 for what is none, is too deep or is nothing SQLite can keep."""
    try:
        text = body.decode()
        content = json.loads(text, parse_constant=_refuse_constant, parse_int=_read_int, parse_float=_read_float)
        # A lone surrogate is JSON, but no character: it cannot be kept nor answered. Only an escape can make one.
        if "\\u" in text:
            json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise refuse(400, "Invalid request body: not JSON") from error
    if text.count("[") + text.count("{") > _MAX_DEPTH and _is_deep(content):
        raise refuse(400, "Invalid request body: too deep")
    return content


@cache
def adapter_of(model: Any) -> TypeAdapter[Any]:
    """Return what validates a model or type; each is built once."""
    return TypeAdapter(model)


class Body(BaseModel):
    """The body of a request: unknown members are passed over, as both services do."""


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _read_int(text: str) -> int:
    """Return a whole number that fits the 64 bits the services have for it."""
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{text} is beyond 64 bits")
    return number


def _read_float(text: str) -> float:
    """Return a number that is not beyond every other one."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is beyond every number")
    return number


def _is_deep(content: Any) -> bool:
    """Say whether JSON goes deeper than a handler could follow it."""
    level = [content]
    for _ in range(_MAX_DEPTH):
        level = [child for node in level if isinstance(node, dict | list) for child in _children(node)]
        if not level:
            return False
    return True


def _children(node: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node
