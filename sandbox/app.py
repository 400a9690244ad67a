"""The application: every request passes the border, which logs, dates, spoils and refuses."""

import json
import logging
from email.utils import format_datetime
from typing import Any

from starlette.routing import BaseRoute, Router
from starlette.types import Receive, Scope, Send

from sandbox import control
from sandbox.answers import Answer, answer_of, base_url, play
from sandbox.directory.routes import ROUTES as DIRECTORY
from sandbox.faults import Fault, spoil
from sandbox.refusals import REFUSE_ALL, not_implemented
from sandbox.request_log import Entry, add_entry, could_write, service_of
from sandbox.server import drop_connection
from sandbox.state import Sandbox
from sandbox.tenant.routes import ROUTES as TENANT

_LOG = logging.getLogger(__name__)
_HTML = b"<!DOCTYPE html><title>Service</title><p>This is not what was asked for."


class Border:
    """The ASGI application around all routes; one request is one transaction."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        routes: list[BaseRoute] = [*control.ROUTES, *TENANT, *DIRECTORY, REFUSE_ALL]
        self.routes = Router(routes, redirect_slashes=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await _read_body(receive)
        scope["state"] |= {"sandbox": self.sandbox, "caller": ""}
        service = service_of(scope["path"])
        fault = None if service == "control" else self._take_fault(scope)
        answer = await self._answer(scope, body, fault)
        is_dropped = fault is not None and fault.kind.startswith("reset")
        if service != "control":
            self._log(scope, body, 0 if is_dropped else answer.status)
        self.sandbox.db.commit()
        if is_dropped:
            await drop_connection(scope, receive)
        else:
            await self._send(answer, send)

    def _take_fault(self, scope: Scope) -> Fault | None:
        return self.sandbox.faults.take(scope["method"], scope["path"], scope["query_string"].decode())

    async def _answer(self, scope: Scope, body: bytes, fault: Fault | None) -> Answer:
        """Return the answer of the routes, or what the fault makes of it."""
        if fault is None:
            return await self._play(scope, body)
        if fault.kind == "reset-before":
            return Answer(0)
        if fault.kind == "answer":
            return _injected(fault)
        return _spoilt(fault, scope, await self._play(scope, body))

    async def _play(self, scope: Scope, body: bytes) -> Answer:
        """Return the answer of the routes; a refused request has changed nothing."""
        try:
            answer = await play(self.routes, scope, body)
        except Exception:  # noqa: BLE001  # whatever it was, the caller gets an answer
            # Clients retry a 500 for minutes; 501 ends the run, and the log has the reason.
            _LOG.exception("%s %s failed", scope["method"], scope["path"])
            answer = answer_of(not_implemented(scope["method"], scope["path"]))
        if answer.is_refused:
            self.sandbox.db.rollback()
        return answer

    def _log(self, scope: Scope, body: bytes, status: int) -> None:
        method, path = scope["method"], scope["path"]
        entry = Entry(
            method,
            path,
            scope["query_string"].decode(),
            status,
            scope["state"]["caller"],
            service_of(path),
            could_write(method, path, body),
        )
        add_entry(self.sandbox, entry)

    async def _send(self, answer: Answer, send: Send) -> None:
        date = (b"date", format_datetime(self.sandbox.clock.now(), usegmt=True).encode())
        headers = [date, *answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


async def _read_body(receive: Receive) -> bytes:
    """Return the whole body of a request."""
    parts, has_more = [], True
    while has_more:
        message = await receive()
        parts.append(message.get("body", b""))
        has_more = message.get("more_body", False)
    return b"".join(parts)


def _injected(fault: Fault) -> Answer:
    """Return the answer a fault carries; text goes as it is, anything else as JSON."""
    body: Any = fault.body
    content = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    headers = [(name.lower().encode(), value.encode()) for name, value in fault.headers.items()]
    return Answer(fault.status or 503, headers).with_body(content)


def _spoilt(fault: Fault, scope: Scope, answer: Answer) -> Answer:
    """Return the answer of the routes, spoilt."""
    if fault.kind == "empty-200":
        return Answer(200).with_body(b"")
    if fault.kind == "wrong-type":
        return Answer(200).with_body(_HTML, "text/html; charset=utf-8")
    if fault.kind.startswith("reset") or answer.is_refused:
        return answer
    url = f"{base_url(scope)}{scope['path']}?{scope['query_string'].decode()}"
    return answer.with_body(json.dumps(spoil(fault.kind, answer.content, url)).encode())
