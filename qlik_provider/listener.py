"""Hears of new users from a tenant's webhook, and starts a pipeline; it decides nothing and passes nothing on.

It believes an event by its signature, once, and while it is young.
https://qlik.dev/apis/event/verify-webhook-signatures-hmac
"""

import json
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from qlik_provider.dispatches import Dispatcher
from qlik_provider.errors import NotListening
from qlik_provider.signatures import HEADER, is_signed

LARGEST = 65_536  # bytes; an event has about a thousand
MOST_AT_ONCE = 200  # more are told to come again

STARTED, NO_EVENT, NOT_SIGNED, REPEATED, TOO_LARGE, NOT_STARTED = 204, 400, 401, 409, 413, 502


class Memory:
    """Which events were heard, for as long as they are young enough to be heard again."""

    def __init__(self, max_age: timedelta) -> None:
        self._max_age = max_age
        self._until: dict[str, datetime] = {}

    def refuse(self, id: str, time: datetime, now: datetime) -> str:
        """Return why an event does not count; else note it, and return nothing."""
        self._until = {known: until for known, until in self._until.items() if until >= now}
        if abs(now - time) > self._max_age:
            return "too old" if time < now else "of the future"
        if id in self._until:
            return "told before"
        # A moment of the future counts as well, so this one may come again for twice as long.
        self._until[id] = time + self._max_age
        return ""

    def forget(self, id: str) -> None:
        """Let an event be told again."""
        self._until.pop(id, None)


class Listener:
    """What answers the tenant."""

    def __init__(
        self,
        secret: str,
        dispatcher: Dispatcher,
        max_age: timedelta,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        tell: Callable[[str], None],
    ) -> None:
        self._secret = secret
        self._dispatcher = dispatcher
        self._memory = Memory(max_age)
        self._now = now
        self._tell = tell

    def app(self) -> Starlette:
        """Return what serves POST at any path."""
        return Starlette(routes=[Route("/{path:path}", self.hear, methods=["POST"])])

    async def hear(self, request: Request) -> Response:
        """Return 204 once the pipeline was started for an event of the tenant that was not told before.

        400 for what is no event, 401 for what the tenant did not sign, 409 for what was told before or is too old,
        413 for what is too large, and 502 where the pipeline was not started: the event may then be told again.
        """
        try:
            body = await _read(request)
        except ClientDisconnect:
            return self._answer(NO_EVENT, "broken off")
        if body is None:
            return self._answer(TOO_LARGE, f"more than {LARGEST} bytes")
        if not is_signed(self._secret, body, request.headers.get(HEADER, "")):
            return self._answer(NOT_SIGNED, "not signed with the secret of this listener")
        event = parse_event(body)
        if event is None:
            return self._answer(NO_EVENT, "no event with an id and a time")
        id, type, time = event
        reason = self._memory.refuse(id, time, self._now())
        if reason:
            return self._answer(REPEATED, f"{type} {id}: {reason}")
        reason = await self._dispatcher.dispatch()
        if reason:
            self._memory.forget(id)
            return self._answer(NOT_STARTED, f"{type} {id}: the pipeline was not started: {reason}")
        return self._answer(STARTED, f"{type} {id}: the pipeline was started")

    def _answer(self, status: int, what: str) -> Response:
        self._tell(f"{self._now():%Y-%m-%dT%H:%M:%SZ} {status} {what}")
        return Response(status_code=status) if status == STARTED else PlainTextResponse(f"{what}\n", status)


async def _read(request: Request) -> bytes | None:
    """Return the body; None where it is too large, without having taken it in."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            return None
    return bytes(body)


def parse_event(body: bytes) -> tuple[str, str, datetime] | None:
    """Return id, type and time of an event, in the names of CloudEvents 1.0 or the former ones; None for no event."""
    try:
        event = json.loads(body)
    except ValueError:
        return None
    if not isinstance(event, Mapping):
        return None
    id, type, text = (event.get(name) or event.get(old) for name, old in _NAMES)
    if not (isinstance(id, str) and isinstance(type, str) and isinstance(text, str)):
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    is_told = f"{id}{type}".isprintable() and time.tzinfo is not None
    return (id, type, time) if is_told else None


_NAMES = (("id", "eventId"), ("type", "eventType"), ("time", "eventTime"))


def serve(secret: str, dispatcher: Dispatcher, max_age: timedelta, address: tuple[str, int]) -> None:
    """Serve until a signal comes; says where, once connections are accepted. Raises NotListening for a bad address."""
    listening = _listen(*address)
    host, port = listening.getsockname()[:2]
    listener = Listener(secret, dispatcher, max_age, tell=_print)
    config = uvicorn.Config(
        listener.app(),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_AT_ONCE,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _leave)  # uvicorn raises the signal again when every answer is given
    _print(f"listening on http://{host}:{port}, starting a pipeline at {dispatcher.pipeline.host}")
    uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while ")[0]  # what follows says the address again
        raise NotListening(f"port {port} of {host}: {reason}") from error


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End the process in order."""
    raise SystemExit(0)


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
