"""Graph as a whole: what happens to a request before its route, whether it came alone or in a batch."""

from http import HTTPMethod

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.directory.consistency import horizon, is_lagging
from sandbox.directory.dynamic_groups import process_rules
from sandbox.directory.journal import rewound
from sandbox.directory.recycle_bin import empty_bin
from sandbox.directory.throttling import charge


class Graph:
    """The routes of Graph under its throttling, its dynamic groups and its consistency."""

    def __init__(self, routes: ASGIApp) -> None:
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; one that is throttled raises its 429 before anything else happens."""
        sandbox = scope["state"]["sandbox"]
        # Each item of a batch comes here for itself.
        if scope["path"].endswith("/$batch"):
            await self._routes(scope, receive, send)
            return
        notes = charge(sandbox, scope)
        empty_bin(sandbox)
        process_rules(sandbox)
        sender = _with_headers(send, notes) if notes else send
        if scope["method"] == HTTPMethod.GET and is_lagging(sandbox, scope):
            with rewound(sandbox, horizon(sandbox)):
                sandbox.recorder.reads += 1
                await self._routes(scope, receive, sender)
        else:
            await self._routes(scope, receive, sender)


def _with_headers(send: Send, headers: dict[str, str]) -> Send:
    """Return a channel that adds headers to the answer."""
    added = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def send_with(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *added]
        await send(message)

    return send_with
