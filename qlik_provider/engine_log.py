"""The voice of a provider process: what it tells appears in the engine's display.

The engine's address is the first argument of the process; `Log` takes no urn here, since a malformed one stops the CLI.
https://github.com/pulumi/pulumi/blob/master/proto/pulumi/engine.proto
"""

import sys
import threading
from collections.abc import Iterable

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from qlik_provider.errors import EngineGone

_MESSAGE_LIMIT = 400 * 1024 * 1024


class EngineLog:
    """Tells the engine; says nothing twice in a process, since check and diff both announce a plan."""

    def __init__(self, address: str) -> None:
        options = [("grpc.max_send_message_length", _MESSAGE_LIMIT)]
        self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address, options=options))
        self._said: set[str] = set()
        self._lock = threading.Lock()

    def info(self, message: str) -> None:
        """Tell what is planned or done."""
        self._say(engine_pb2.INFO, message)

    def warn(self, message: str) -> None:
        """Tell what somebody should look at."""
        self._say(engine_pb2.WARNING, message)

    def tell(self, message: str, warnings: Iterable[str]) -> None:
        """Tell what is planned or done, and what of it somebody should look at."""
        self.info(message)
        for warning in warnings:
            self.warn(warning)

    def progress(self, message: str) -> None:
        """Tell how far the work is; raises EngineGone if nobody listens, so that the work stops."""
        try:
            self._send(engine_pb2.INFO, message, is_ephemeral=True)
        except grpc.RpcError as error:
            raise EngineGone("the engine no longer answers; the rest was not begun") from error

    def _say(self, severity: "engine_pb2.LogSeverity.ValueType", message: str) -> None:
        with self._lock:
            is_new = message not in self._said
            self._said.add(message)
        if not is_new:
            return
        try:
            self._send(severity, message, is_ephemeral=False)
        except grpc.RpcError:
            # A result that cannot be told is in the outputs; work in progress finds out by its progress.
            sys.stderr.write(f"{message}\n")

    def _send(self, severity: "engine_pb2.LogSeverity.ValueType", message: str, *, is_ephemeral: bool) -> None:
        self._engine.Log(engine_pb2.LogRequest(severity=severity, message=message, ephemeral=is_ephemeral), timeout=10)
