"""The process: one TLS port, served by uvicorn."""

import asyncio
import json
import logging
import os
import signal
import socket
import struct
import sys
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.environment import write_environment
from sandbox.loopback import is_loopback
from sandbox.state import Sandbox
from sandbox.tls import Certificate

_LOG = logging.getLogger(__name__)


class PortError(Exception):
    """A port that cannot be listened on."""


class _Protocol(HttpToolsProtocol):
    """HTTP/1.1 whose requests can reach their own connection, to drop it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _Server(uvicorn.Server):
    """A server that says where it listens, on standard output, once it does."""

    ready_line = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(f"{self.ready_line}\n")
        sys.stdout.flush()


def serve(app: ASGIApp, sandbox: Sandbox, certificate: Certificate, address: tuple[str, int], env: Path) -> None:
    """Serve until a signal comes; the ready line goes out when connections are accepted."""
    listener = _listen(*address)
    if not is_loopback(address[0]):
        _LOG.warning("listening on %s: whoever reaches this port controls the sandbox", address[0])
    port = listener.getsockname()[1]
    write_environment(env, sandbox, port, certificate.ca)
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        ssl_certfile=certificate.server,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    url = f"https://{sandbox.names[0]}:{port}"
    ready = {"url": url, "ca": str(certificate.ca), "env": str(env), "pid": os.getpid()}
    server.ready_line = json.dumps(ready)
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn raises the signal again when it has shut down; scratch files are removed after that.
        signal.signal(number, _leave)
    server.run(sockets=[listener])


async def drop_connection(scope: Scope, receive: Receive) -> None:
    """Break the caller's TLS connection without a word, and return once it is gone."""
    transport: asyncio.Transport = scope["state"]["transport"]
    raw = transport.get_extra_info("socket")
    # Lingering for no time makes the kernel send a reset instead of an orderly end.
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        continue


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End the process in order."""
    raise SystemExit(0)


def _listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 is any free one."""
    # asyncio turns Nagle's algorithm off only where the protocol is named; left on, it costs 40 ms an answer.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortError(f"port {port} of {host}: {error.strerror}") from error
    return listener
