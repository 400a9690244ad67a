"""One run of a command: its phases one after the other, each with servers and processes of its own."""

import json
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.engine.arguments import Arguments
from sandbox.engine.checkpoint import Checkpoint
from sandbox.engine.deployment import PARALLEL, Deployment
from sandbox.engine.digest import Digest
from sandbox.engine.launch import SHOWN
from sandbox.engine.monitor import serve_log, serve_monitor
from sandbox.engine.packages import Packages
from sandbox.engine.processes import GRACE, Process
from sandbox.engine.project import Project
from sandbox.engine.rows import Rows
from sandbox.engine.snapshot import Snapshot
from sandbox.engine.views import Phase, View

CANCELED = 8
LAUNCH = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Result:
    """How a phase ended."""

    has_failed: bool
    has_changes: bool


@dataclass
class Run:
    """The phases of one command; signals stop the phase under way."""

    arguments: Arguments
    project: Project
    stack: str
    checkpoint: Checkpoint
    config: dict[str, str]
    signals: int = 0
    deployment: Deployment | None = None

    def listen(self) -> None:
        """Take SIGINT and SIGTERM: once, the running operations end; twice, they get five seconds."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def run_phase(self, kind: str, *, is_preview: bool) -> Result:
        """Return how one pass over the stack ended; a pass that is no preview writes the checkpoint at every step."""
        snapshot = self.checkpoint.read()
        phase = Phase(kind, self.stack, self.project.name, is_preview, self.config, dict(snapshot.resources))
        view = Digest(phase) if self.arguments.json else Rows(phase, has_details=self.arguments.diff)
        begun = time.monotonic()
        log, engine = serve_log(view)
        packages = Packages(self.project, self.stack, self.config, engine, lambda line: view.message("info", "", line))
        deployment = self.deployment = Deployment(snapshot, packages, view, is_preview)
        _warn_of_pending(snapshot, view)
        if not is_preview:
            snapshot.keep(self.checkpoint.write, has_creates=not self.arguments.clear_pending_creates)
        has_failed = True
        try:
            has_failed = self._pass_over(deployment, kind, engine)
        finally:
            deployment.settle(phase.root, has_failed=has_failed)
            packages.close()
            log.stop(None)
        view.end(deployment.counts, deployment.outputs, time.monotonic() - begun)
        return Result(has_failed, any(count for op, count in deployment.counts.items() if op != "same"))

    def _pass_over(self, deployment: Deployment, kind: str, engine: str) -> bool:
        if kind == "refresh" or self.arguments.refresh:
            deployment.refresh(is_command=kind == "refresh")
        if kind == "update" and not deployment.stopping.is_set() and not self._run_program(deployment, engine):
            return True
        if kind in {"update", "destroy"}:
            deployment.delete_unregistered()
        return deployment.stopping.is_set()

    def _run_program(self, deployment: Deployment, engine: str) -> bool:
        server, monitor = serve_monitor(deployment, self.stack, self.project.name)
        names = (self.project.name, str(self.project.root), self.stack)
        is_preview = str(deployment.is_preview).lower()
        program = Process(
            # -P: the folder of the launcher is no place to import from.
            [str(self.project.python), "-uP", str(LAUNCH), monitor, engine, *names, is_preview, str(PARALLEL)],
            self.project.root,
            {
                "PATH": f"{self.project.python.parent}{os.pathsep}{os.environ.get('PATH', '')}",
                "PULUMI_CONFIG": json.dumps(self.config),
                "PULUMI_CONFIG_SECRET_KEYS": json.dumps([]),
            },
        )
        deployment.on_stop = lambda: threading.Thread(target=program.interrupt, daemon=True).start()
        program.forward(lambda line: deployment.view.message("info", "", line))
        code = program.wait()
        server.stop(None)
        if code not in {0, SHOWN} and not deployment.stopping.is_set():
            text = f"an unhandled error occurred: program exited with non-zero exit code: {code}"
            deployment.view.message("error", "", text)
        return code == 0

    def _on_signal(self, number: int, frame: Any) -> None:  # noqa: ARG002
        self.signals += 1
        # The interrupted frame may hold the lock of the view, so the work is another thread's.
        threading.Thread(target=self._stop if self.signals == 1 else self._give_up, daemon=True).start()

    def _stop(self) -> None:
        text = "^C received; cancelling. If you would like to terminate immediately, press ^C again."
        print(text, file=sys.stderr, flush=True)  # noqa: T201
        if self.deployment:
            self.deployment.stop(("error", "", "update canceled"))

    def _give_up(self) -> None:
        time.sleep(GRACE)
        print("error: update cancelled", file=sys.stderr, flush=True)  # noqa: T201
        if self.deployment:
            self.deployment.snapshot.abandon()
            self.deployment.packages.close()
        self.checkpoint.unlock()
        os._exit(CANCELED)


def _warn_of_pending(snapshot: Snapshot, view: View) -> None:
    operations = snapshot.list_operations()
    if operations:
        lines = "".join(f"\n  * {urn}, interrupted while {operation}" for urn, operation in operations)
        text = f"Attempting to deploy or update resources with {len(operations)} pending operations from previous "
        view.message("warning", "", f"{text}deployment.{lines}")
