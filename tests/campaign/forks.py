"""Provider processes by the hundred: the SDK's own process, forked from one that has imported everything already.

Run as a program this is that one process; the attempts of a forked provider are as many as ever, without the waits.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import stamina
from client.processes import Engine, Provider

from qlik_provider.transport import ATTEMPTS

ROOT = Path(__file__).parents[2]
LATE = (
    *("_strptime", "encodings.utf_8_sig", "httpcore", "msal_extensions", "netrc"),
    *("grpc._channel", "grpc._server", "grpc._utilities"),
    *("azure.core.pipeline.transport._requests_basic", "azure.core.rest._requests_basic"),
)
"""What providers import only when it is needed, which is always."""


class Forked(Provider):
    """One provider process; it ends when it is killed, and then its pipe is at its end."""

    def __init__(self, folder: Path, engine: Engine, pid: int) -> None:
        self.engine = engine
        self.kind = "LicenseAssignments"
        self.pid = pid
        self._errors = folder / "stderr"
        self._seen: list[str] = []
        # The other end is opened by the process, so this waits until it is there.
        self._pipe = (folder / "port").open("rb", buffering=0)

    @cached_property
    def port(self) -> str:
        return self._pipe.readline().decode().strip()

    def kill(self) -> None:
        """End the process at once, and return when it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        while self._pipe.read():
            continue

    def stop(self) -> str:
        """End the process and return everything it ever showed anybody."""
        if "stub" in vars(self):
            self._channel.close()
        self.kill()
        self._pipe.close()
        return "\n".join([*self._seen, *(text for _, text in self.engine.told), self.errors])


class Forge:
    """Forks provider processes, all of which tell one engine what they do."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.engine = Engine()
        self._folder = folder
        self._environment = dict(environment)
        (folder / "Pulumi.yaml").write_text("name: dev\nruntime: python\n", encoding="utf-8")
        os.mkfifo(folder / "port")
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def fork(self) -> Forked:
        """Return a process that has done nothing yet."""
        self.engine.told.clear()
        self.engine.progress.clear()
        order = {"folder": str(self._folder), "engine": self.engine.address, "environment": self._environment}
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        return Forked(self._folder, self.engine, int(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self.engine.server.stop(0)


def serve() -> None:
    """Fork a process for each line that comes in, and answer with its id."""
    for name in LATE:
        importlib.import_module(name)
    stamina.set_testing(True, attempts=ATTEMPTS)
    gc.freeze()  # no collection in a forked process copies what is shared
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them: they end by SIGKILL
    pid = 0
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            become_provider(json.loads(line))
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
    if pid:
        with contextlib.suppress(ProcessLookupError):  # the last one, where a test was interrupted
            os.kill(pid, signal.SIGKILL)


def become_provider(order: Mapping[str, Any]) -> None:
    """Do what `python -u -m pulumi.dynamic <engine>` does in that folder and environment."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open("stderr", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    sys.stdout = io.TextIOWrapper(os.fdopen(os.open("port", os.O_WRONLY), "wb", buffering=0), write_through=True)
    os.dup2(2, 1)
    sys.argv = ["pulumi.dynamic", order["engine"]]
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=False)


if __name__ == "__main__":
    serve()
