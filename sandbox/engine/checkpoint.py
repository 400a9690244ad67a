"""The rehearsal's own checkpoint of a stack, its lock, and the deployment it exports."""

import contextlib
import getpass
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sandbox.engine.project import Project
from sandbox.engine.refusals import Refusal
from sandbox.engine.snapshot import Snapshot
from sandbox.engine.states import State

VERSION = 1


@dataclass(frozen=True)
class Checkpoint:
    """The file of one stack; written whole after every step, so a killed run leaves the truth up to there."""

    path: Path

    @classmethod
    def locate(cls, project: Project, stack: str) -> "Checkpoint":
        """Return where a stack of a project is kept."""
        return cls(project.backend / "rehearsal" / project.name / f"{stack}.json")

    def exists(self) -> bool:
        """Tell whether the stack was created."""
        return self.path.exists()

    def read(self) -> Snapshot:
        """Return the stack's resources; a file that no rehearsal of this version wrote is refused."""
        try:
            document = json.loads(self.path.read_text())
            version = document["rehearsal"]
        except (ValueError, KeyError, TypeError) as error:
            raise Refusal(f"{self.path} is not a checkpoint of a rehearsal") from error
        if version != VERSION:
            raise Refusal(f"{self.path} is of rehearsal version {version!r}; this one reads version {VERSION}")
        states = map(State.load, document["resources"])
        return Snapshot({state.urn: state for state in states}, document["pending"], document["interrupted"])

    def write(self, snapshot: Snapshot) -> None:
        """Replace the file in one step."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        resources = [state.export() for state in snapshot.resources.values()]
        operations = {"pending": snapshot.pending, "interrupted": snapshot.interrupted}
        with tempfile.NamedTemporaryFile("w", dir=self.path.parent, suffix=".tmp", delete=False) as file:
            json.dump({"rehearsal": VERSION, "resources": resources, **operations}, file)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self.path)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other rehearsals away from the stack; previews take no lock."""
        lock = self.path.with_suffix(".lock")
        owner = f"{getpass.getuser()}@{socket.gethostname()} (pid {os.getpid()})"
        try:
            with lock.open("x") as file:
                file.write(f"created by {owner} at {datetime.now(UTC).isoformat(timespec='seconds')}")
        except FileExistsError as error:
            raise Refusal(
                "the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or "
                f"delete the lock file with `pulumi cancel`.\n  {lock.as_uri()}: {lock.read_text()}"
            ) from error
        try:
            yield
        finally:
            self.unlock()

    def unlock(self) -> None:
        """Remove the lock, if need be that of a run that was killed."""
        self.path.with_suffix(".lock").unlink(missing_ok=True)
