"""POST /$batch: up to twenty requests in one (learn.microsoft.com/graph/json-batching)."""

import json
from collections.abc import Callable
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Scope

from sandbox.answers import REFUSED, Answer, Refusal, play, sandbox_of
from sandbox.bodies import Body, parse_json
from sandbox.directory.access import identify
from sandbox.directory.errors import bad_request
from sandbox.directory.queries import version_of

MAX_REQUESTS = 20

_METHODS = {"GET", "POST", "PATCH", "PUT", "DELETE"}

_Reply = dict[str, Any]


class BatchItem(Body):
    """One request of a batch, answered under its id."""

    id: str
    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
    url: str
    headers: dict[str, str] = {}  # noqa: RUF012  # pydantic copies the default
    body: Any = None
    dependsOn: list[str] = []  # noqa: N815, RUF012  # the name is Graph's


class Batch(Body):
    """Up to twenty requests."""

    requests: Annotated[list[BatchItem], Field(min_length=1, max_length=MAX_REQUESTS)]


def batch_endpoint(routes: ASGIApp) -> Callable[[Request], Any]:
    """Return the endpoint that plays the items of a batch through `routes`."""

    async def answer_batch(request: Request) -> JSONResponse:
        """Return one response for each request, found by its id."""
        identify(request)
        replies: dict[str, _Reply] = {}
        for item in await _read_items(request):
            reply = _failed_dependency(item, replies) or await _answer_item(routes, request, item)
            replies[item["id"]] = reply
        responses = list(replies.values())
        if sandbox_of(request).switch("batch-order") == "reversed":
            responses.reverse()
        return JSONResponse({"responses": responses})

    return answer_batch


async def _read_items(request: Request) -> list[dict[str, Any]]:
    """Return the items of the batch, or raise the 400 for a batch that is none."""
    content = parse_json(await request.body(), lambda _status, _title: _unreadable())
    items = content.get("requests") if isinstance(content, dict) else None
    if not isinstance(items, list) or not items:
        raise _unreadable()
    if len(items) > MAX_REQUESTS:
        message = f"Number of batch request steps exceeds the maximum value of {MAX_REQUESTS}."
        raise bad_request(message, "MaximumValueExceeded")
    if not all(_is_item(item) for item in items):
        raise _unreadable()
    if len({item["id"] for item in items}) < len(items):
        raise bad_request("Request Ids in a batch must be unique.", "BadRequest")
    return items


def _unreadable() -> Refusal:
    return bad_request("Invalid batch payload format.", "BadRequest")


def _is_item(item: Any) -> bool:
    """Say whether an item has an id, a method and a relative address."""
    return (
        isinstance(item, dict)
        and all(isinstance(item.get(name), str) for name in ("id", "method", "url"))
        and isinstance(item.get("headers", {}), dict)
        and item["id"] != ""
        and isinstance(item.get("dependsOn", []), list)
        and all(isinstance(name, str) for name in item.get("dependsOn", []))
    )


def _failed_dependency(item: dict[str, Any], replies: dict[str, _Reply]) -> _Reply | None:
    """Return the 424 of an item whose predecessors are missing or failed."""
    for name in item.get("dependsOn", []):
        if name not in replies or replies[name]["status"] >= REFUSED:
            return _refuse(item, 424, "FailedDependency", f"The dependency {name} failed.")
    return None


async def _answer_item(routes: ASGIApp, request: Request, item: dict[str, Any]) -> _Reply:
    """Return the reply to one item; what a refused item did is undone."""
    sandbox, method = sandbox_of(request), item["method"].upper()
    address = _address_of(item["url"])
    if method not in _METHODS or address is None:
        return _refuse(item, 400, "BadRequest", "Invalid batch payload format: method or url.")
    path = f"/{version_of(request)}/{unquote(address.path).lstrip('/')}"
    if path.endswith("/$batch"):
        return _refuse(item, 400, "BadRequest", "A batch cannot hold a batch.")
    headers = {name.lower(): str(value) for name, value in item.get("headers", {}).items()}
    if "body" in item and not headers.get("content-type", "").startswith("application/json"):
        message = "Write request (excluding DELETE) must contain Content-Type header declaration."
        return _refuse(item, 400, "BadRequest", message)
    fault = sandbox.faults.take(method, path, address.query, request.state.caller)
    if fault is not None and fault.kind == "answer":
        return {"id": item["id"], "status": fault.status, "headers": fault.headers, "body": fault.body}
    scope = _scope(request, method, path, address.query, headers)
    sandbox.db.execute("SAVEPOINT item")
    answer = await play(routes, scope, json.dumps(item["body"]).encode() if "body" in item else b"")
    sandbox.db.execute("ROLLBACK TO item" if answer.is_refused else "RELEASE item")
    return _reply(item, answer)


def _address_of(url: str) -> SplitResult | None:
    """Return the relative address of an item, or None for one that is not relative."""
    try:
        address = urlsplit(url)
    except ValueError:
        return None
    return address if address.path and not address.scheme and not address.netloc else None


def _scope(request: Request, method: str, path: str, query: str, headers: dict[str, str]) -> Scope:
    """Return the scope of an item: it has the batch's caller and host, and headers of its own."""
    kept = [(k, v) for k, v in request.headers.raw if k in {b"host", b"authorization"}]
    own = [(k.encode(), v.encode()) for k, v in headers.items() if k not in {"host", "authorization"}]
    fresh = {"method": method, "path": path, "raw_path": path.encode(), "query_string": query.encode()}
    known = ("type", "asgi", "http_version", "scheme", "server", "client", "state")
    return {key: request.scope[key] for key in known} | fresh | {"root_path": "", "headers": [*kept, *own]}


def _reply(item: dict[str, Any], answer: Answer) -> _Reply:
    reply: _Reply = {"id": item["id"], "status": answer.status, "headers": {}}
    for name in (b"content-type", b"retry-after", b"location"):
        reply["headers"] |= {name.decode().title(): v.decode() for k, v in answer.headers if k == name}
    if answer.body:
        reply["body"] = answer.content
    return reply


def _refuse(item: dict[str, Any], status: int, code: str, message: str) -> _Reply:
    headers = {"Content-Type": "application/json"}
    return {
        "id": item["id"],
        "status": status,
        "headers": headers,
        "body": {"error": {"code": code, "message": message}},
    }
