"""Answers: what a handler returns or raises, and a router played in process."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope

from sandbox.state import Sandbox

REFUSED = 400  # the first status of a refusal, of requests and of items alike


class Refusal(Exception):  # an answer on its way, not an error of the sandbox
    """A request refused by a rule of the service, with the answer it gets."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.response: Response = JSONResponse(body, status, headers)


@dataclass(frozen=True)
class Answer:
    """A whole answer, as it goes over the wire."""

    status: int
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    @property
    def is_refused(self) -> bool:
        """Say whether the request was refused."""
        return self.status >= REFUSED

    @property
    def content(self) -> Any:
        """The JSON of the body, or None when it has none."""
        return json.loads(self.body) if self.body else None

    def with_body(self, body: bytes, content_type: str = "application/json") -> "Answer":
        """Return the same answer with another body."""
        kept = [(k, v) for k, v in self.headers if k not in {b"content-length", b"content-type"}]
        length = (b"content-length", str(len(body)).encode())
        return replace(self, headers=[*kept, length, (b"content-type", content_type.encode())], body=body)


def answer_of(response: Response) -> Answer:
    """Return a response, whose body is complete, as an answer."""
    return Answer(response.status_code, list(response.raw_headers), bytes(response.body))


async def play(app: ASGIApp, scope: Scope, body: bytes) -> Answer:
    """Return what the routes answer to a request whose body is already read."""
    sent: list[Message] = []

    async def send(message: Message) -> None:  # ASGI awaits it
        sent.append(message)

    try:
        await app(scope, _receiver(body), send)
    except Refusal as refusal:
        return answer_of(refusal.response)
    start = next(message for message in sent if message["type"] == "http.response.start")
    content = b"".join(message.get("body", b"") for message in sent)
    return Answer(start["status"], list(start["headers"]), content)


def _receiver(body: bytes) -> Receive:
    """Return a receive channel that delivers `body` at once."""

    async def receive() -> Message:  # ASGI awaits it
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def sandbox_of(scope: Mapping[str, Any]) -> Sandbox:
    """Return the sandbox a request was sent to."""
    sandbox: Sandbox = scope["state"]["sandbox"]
    return sandbox


def base_url(request: Mapping[str, Any]) -> str:
    """Return `https://host:port` as the caller wrote it."""
    host = dict(request["headers"]).get(b"host", b"127.0.0.1").decode("latin-1")
    return f"https://{host}"
