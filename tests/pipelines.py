"""What a dispatch reaches, over TLS: it notes what it took, and answers as it is told."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue

import trustme

BODY = '{"event_type": "user-created"}'
PATH = "/repos/contoso/access/dispatches"


class Pipeline(HTTPServer):
    """A server that answers with the next of `statuses`, 204 at last, and not before its `gate` is open."""

    def __init__(self, authority: trustme.CA) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self.server_port}{PATH}"
        self.taken: Queue[tuple[str, dict[str, str], str]] = Queue()
        self.statuses: list[int] = []
        self.gate = threading.Event()
        self.gate.set()


class _Handler(BaseHTTPRequestHandler):
    server: Pipeline

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.taken.put((self.path, dict(self.headers), body))
        self.server.gate.wait(timeout=20)
        status = self.server.statuses.pop(0) if self.server.statuses else 204
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serve_pipeline(authority: trustme.CA) -> Iterator[Pipeline]:
    with Pipeline(authority) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.gate.set()
        server.shutdown()
        thread.join()


def write_authority(authority: trustme.CA, folder: Path) -> Path:
    """Return the file that makes a client trust what the authority vouches for."""
    file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    return file
