"""Endpoints: a route with what is published about it, and the way from a path to its route."""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from sandbox.refusals import is_unplayed_by_graph, method_not_allowed, not_implemented

Handler = Callable[[Request], Awaitable[Response]]
# Requests a minute: T1 1,000, T2 100, S200 200, S1000 1,000 of their own; "" is not limited by the tenant.
Tier = Literal["T1", "T2", "S200", "S1000", ""]

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Operation:
    """What is published of an endpoint: its query parameters, body, success status and tier of the rate limit.

    `media` is the type of the request's body; `answers` says whether a success has JSON in its own.
    """

    method: str
    path: str
    query: tuple[str, ...] = ()
    body: Any = None
    status: int = 200
    tier: Tier = ""
    summary: str = field(default="", compare=False)
    media: str = JSON
    answers: bool = True


class Endpoint(Route):
    """A route that knows its operation."""

    def __init__(self, operation: Operation, handler: Handler) -> None:
        super().__init__(operation.path, handler, methods=[operation.method])
        # Starlette answers HEAD wherever it answers GET; neither service does.
        self.methods = {operation.method}
        self.operation = operation


def endpoint(
    method: str,
    path: str,
    handler: Handler,
    *,
    query: str = "",
    body: Any = None,
    status: int = 200,
    tier: Tier | None = None,
    media: str = JSON,
    answers: bool = True,
) -> Endpoint:
    """Return an endpoint of the tenant; `query` is a comma list, and a GET is of tier 1 and the rest of tier 2."""
    known: Tier = ("T1" if method == "GET" else "T2") if tier is None else tier
    names = tuple(query.split(",")) if query else ()
    summary = (handler.__doc__ or "").strip().partition("\n")[0]
    return Endpoint(Operation(method, path, names, body, status, known, summary, media, answers), handler)


def operations_of(routes: Iterable[BaseRoute]) -> Iterator[Operation]:
    """Yield what is published of the routes."""
    for route in routes:
        if isinstance(route, Endpoint):
            yield route.operation


@dataclass
class _Place:
    """One path and what answers there, by method."""

    route: Route
    methods: dict[str, Route] = field(default_factory=dict)


class Table:
    """Routes found by their whole path or by its leading segments, so that their number costs nothing."""

    def __init__(self, routes: Iterable[BaseRoute], depth: int) -> None:
        self._depth = depth
        self._places: dict[str, _Place] = {}
        self._patterns: dict[tuple[str, ...], list[_Place]] = {}
        for route in routes:
            if isinstance(route, Route):
                self._add(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the route of the path and method, as not allowed by its other ones, or as not implemented."""
        response = await self._respond(Request(scope, receive, send))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        scope, allowed, is_unplayed = request.scope, set[str](), False
        method, path = scope["method"], scope["path"]
        for place, params in self._find(path):
            route = place.methods.get(method)
            if route is not None:
                scope["path_params"] = params
                scope["operation"] = getattr(route, "operation", None)
                response: Response = await route.endpoint(request)
                return response
            allowed |= set(place.methods)
            is_unplayed |= is_unplayed_by_graph(method, place.route.path)
        if allowed and not is_unplayed:
            return method_not_allowed(method, path, allowed)
        return not_implemented(method, path)

    def _add(self, route: Route) -> None:
        """Give a route its place; those of one path share it."""
        place = self._places.setdefault(route.path, _Place(route))
        if not place.methods and route.param_convertors:
            self._patterns.setdefault(self._key(route.path), []).append(place)
        for method in route.methods or ():
            # Starlette adds HEAD to every GET of its own.
            if method != "HEAD":
                place.methods.setdefault(method, route)

    def _find(self, path: str) -> Iterator[tuple[_Place, dict[str, Any]]]:
        """Yield each place a path fits, the one without parameters first, with the parameters."""
        literal = self._places.get(path)
        if literal is not None and not literal.route.param_convertors:
            yield literal, {}
        key = self._key(path)
        for length in range(len(key), -1, -1):
            for place in self._patterns.get(key[:length], ()):
                match = place.route.path_regex.match(path)
                if match is not None:
                    yield place, _convert(place.route, match)

    def _key(self, path: str) -> tuple[str, ...]:
        """Return the leading segments of a path, up to the first that is a parameter."""
        key: list[str] = []
        for segment in path.split("/", self._depth + 1)[1 : self._depth + 1]:
            if "{" in segment:
                break
            key.append(segment)
        return tuple(key)


def _convert(route: Route, match: re.Match[str]) -> dict[str, Any]:
    return {name: route.param_convertors[name].convert(text) for name, text in match.groupdict().items()}
