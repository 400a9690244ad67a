"""The application: every request passes the border, which counts, logs, dates, spoils and refuses."""

import asyncio
import logging
import time
from collections.abc import Callable
from email.utils import format_datetime
from typing import Self

from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.answers import Answer, answer_of, base_url, play
from sandbox.callers import find_caller
from sandbox.directory.journal import prepare
from sandbox.directory.service import Graph
from sandbox.endpoints import ENDPOINTS
from sandbox.faults import Fault
from sandbox.intake import Unreadable, read_request
from sandbox.refusals import border_refusal, failed
from sandbox.request_log import Entry, RequestLog, could_write
from sandbox.routing import Operation, Table
from sandbox.server import drop_connection
from sandbox.services import Service, service_of
from sandbox.spoiling import make_answer, spoil
from sandbox.state import Sandbox
from sandbox.tenant.courier import post_deliveries

_LOG = logging.getLogger(__name__)
_WRITE_AFTER = 1.0  # seconds until the last entries of the request log are written


class Border:
    """The ASGI application around all routes; one request is one transaction."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        prepare(sandbox)
        self.log = RequestLog(sandbox)
        self.services: dict[Service, ASGIApp] = {
            "control": Table(ENDPOINTS["control"], 2),
            "qlik": Table(ENDPOINTS["qlik"], 3),
            "graph": Graph(Table(ENDPOINTS["graph"], 2)),
            "identity": Table(ENDPOINTS["identity"], 0),
        }
        self._date: Callable[[], bytes] = _dater(sandbox)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Write what the request log still holds back."""
        self.log.write()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = time.perf_counter()
        scope["state"] |= {"sandbox": self.sandbox, "caller": ""}
        service = service_of(scope["path"])
        fault, body = None, b""
        try:
            read = await read_request(scope, receive, service)
        except Unreadable as error:
            answer = answer_of(border_refusal(scope["path"], error.status, str(error)))
        else:
            if read is None:
                return
            body = read
            if service == "control":
                self.log.write()
            else:
                fault = self._take_fault(scope)
            answer = await self._answer(scope, body, fault)
        if self.sandbox.db.in_transaction:
            self.sandbox.db.commit()
        post_deliveries(self.sandbox)
        if service == "control":
            await self._send(answer, send)
            return
        delay = self.sandbox.latency.of(scope["path"]) + (fault.delay if fault else 0)
        is_dropped = fault is not None and fault.kind.startswith("reset")
        if is_dropped:
            answer = Answer(0)
        self._log(scope, service, body, answer, time.perf_counter() - began + delay, fault)
        if delay:
            await asyncio.sleep(delay)
        if is_dropped:
            await drop_connection(scope, receive)
        else:
            await self._send(answer, send)

    def _take_fault(self, scope: Scope) -> Fault | None:
        faults = self.sandbox.faults
        if not faults.waiting:
            return None
        caller = find_caller(self.sandbox, scope) if faults.ask_for_callers else ""
        return faults.take(scope["method"], scope["path"], scope["query_string"].decode(errors="replace"), caller)

    async def _answer(self, scope: Scope, body: bytes, fault: Fault | None) -> Answer:
        """Return the answer of the routes, or what the fault makes of it."""
        if fault is None:
            return await self._play(scope, body)
        if fault.kind == "hold":
            await self.sandbox.holds.keep(fault.id)
            return await self._play(scope, body)
        if fault.kind == "reset-before":
            return Answer(0)
        if fault.kind == "answer":
            return make_answer(fault)
        answer = await self._play(scope, body)
        return spoil(fault, answer, f"{base_url(scope)}{scope['path']}?{scope['query_string'].decode()}")

    async def _play(self, scope: Scope, body: bytes) -> Answer:
        """Return the answer of the routes; a refused request has changed nothing."""
        try:
            answer = await play(self.services[service_of(scope["path"])], scope, body)
        except Exception:  # noqa: BLE001  # whatever it was, the caller gets an answer
            _LOG.exception("%s %s failed", scope["method"], scope["path"])
            answer = answer_of(failed(scope["method"], scope["path"]))
        if answer.is_refused:
            self.sandbox.db.rollback()
        return answer

    def _log(
        self, scope: Scope, service: Service, body: bytes, answer: Answer, seconds: float, fault: Fault | None
    ) -> None:
        method, path = scope["method"], scope["path"]
        operation: Operation | None = scope.get("operation")
        entry = Entry(
            at=self.sandbox.clock.stamp(),
            method=method,
            path=path,
            query=scope["query_string"].decode(errors="replace"),
            status=answer.status,
            caller=scope["state"]["caller"],
            service=service,
            writes=could_write(method, path, body),
            operation=operation.path if operation else "",
            tier=operation.tier if operation else "",
            milliseconds=round(seconds * 1000, 3),
            bytes=len(answer.body),
            fault=fault.id if fault else "",
        )
        if self.log.add(entry):
            asyncio.get_running_loop().call_later(_WRITE_AFTER, self.log.write)

    async def _send(self, answer: Answer, send: Send) -> None:
        headers = [(b"date", self._date()), *answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


def _dater(sandbox: Sandbox) -> Callable[[], bytes]:
    """Return what writes the sandbox's present second as HTTP dates an answer."""
    second, text = 0, b""

    def write() -> bytes:
        nonlocal second, text
        now = int(sandbox.clock.seconds())
        if now != second:
            second, text = now, format_datetime(sandbox.clock.now(), usegmt=True).encode()
        return text

    return write
