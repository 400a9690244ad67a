"""A fixture for tests of your own: `from sandbox.pytest import qlik_sandbox` in a test file or a `conftest.py`."""

import json
import os
import shlex
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.demo import WORLD
from sandbox.world import read_file

World = Mapping[str, Any] | str | Path

MARKER = "qlik_sandbox_world"
# What a program could reach a real tenant or directory by is taken from it.
_REAL = ("QLIK_", "ARM_", "AZURE_")
_SECONDS = 60


class QlikSandbox:
    """A sandbox in a process of its own, and its control plane."""

    def __init__(self, process: subprocess.Popen[str], ready: Mapping[str, Any]) -> None:
        self._process = process
        self._clients: list[httpx.Client] = []
        self.url: str = ready["url"]
        self.ca: str = ready["ca"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_REAL)}
        self.environment: dict[str, str] = kept | _read_environment(Path(ready["env"]))
        context = ssl.create_default_context(cafile=self.ca)
        self.control = httpx.Client(base_url=f"{self.url}/_sandbox", verify=context, timeout=_SECONDS, trust_env=False)

    def client(self, token: str = "") -> httpx.Client:
        """Return an HTTP client with a bearer token, if one is given; it is closed when the test ends."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        context = ssl.create_default_context(cafile=self.ca)
        client = httpx.Client(base_url=self.url, headers=headers, verify=context, timeout=_SECONDS, trust_env=False)
        self._clients.append(client)
        return client

    def close_clients(self) -> None:
        """Close the clients that were asked for."""
        while self._clients:
            self._clients.pop().close()

    def load(self, world: World) -> None:
        """Replace everything by a world, given as a mapping or a file; faults and request log are emptied."""
        content = world if isinstance(world, Mapping) else _read(Path(world))
        # A world without a clock keeps the one there is, which the test before may have moved.
        dated = content if "clock" in content else {**content, "clock": datetime.now(UTC).isoformat()}
        self._call("PUT", "/world", dated)
        kept = [f"/snapshots/{snapshot['id']}" for snapshot in self._call("GET", "/snapshots")]
        for path in ("/faults", "/latency", "/limits", *kept, "/requests"):
            self._call("DELETE", path)

    def requests(self) -> list[dict[str, Any]]:
        """Return what was asked of tenant and directory since the world was loaded."""
        entries: list[dict[str, Any]] = self._call("GET", "/requests")
        return entries

    def writes(self) -> list[dict[str, Any]]:
        """Return those requests that could change something."""
        return [entry for entry in self.requests() if entry["writes"]]

    def snapshot(self) -> dict[str, Any]:
        """Return the present state as a world, sorted, so that two can be compared."""
        world: dict[str, Any] = self._call("GET", "/world")
        return world

    def fault(self, **members: Any) -> None:
        """Let something go wrong: `path`, `status`, `count` and the other members of a fault."""
        self._call("POST", "/faults", members)

    def advance(self, seconds: float) -> str:
        """Move the clock on, and return the new present."""
        clock: str = self._call("PUT", "/clock", {"advance": seconds})["clock"]
        return clock

    def login(self, subject: str, **members: Any) -> Any:
        """Let somebody log in to the tenant, with `email`, `name` and `groups` as the identity provider tells them."""
        return self._call("POST", "/login", {"subject": subject, **members})

    def tamper(self, do: str, **members: Any) -> None:
        """Do something by hand, as an administrator; `from` is written `from_`."""
        self._call("POST", "/tamper", {"do": do, **{name.rstrip("_"): value for name, value in members.items()}})

    def stop(self) -> None:
        """End the process."""
        self.close_clients()
        self.control.close()
        self._process.terminate()
        self._process.communicate(timeout=_SECONDS)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of an answer, or raise ControlError with the faults it names."""
        content = None if body is None else json.dumps(body, default=str)
        answer = self.control.request(method, path, content=content)
        if answer.is_error:
            raise ControlError(f"{method} /_sandbox{path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else None


class ControlError(Exception):
    """Something the control plane refuses."""


_RUNNING = pytest.StashKey[QlikSandbox]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, where this module is loaded as a plugin."""
    config.addinivalue_line("markers", f"{MARKER}(world): the world that qlik_sandbox starts from, or its file")


@pytest.fixture
def qlik_sandbox(request: pytest.FixtureRequest) -> Iterator[QlikSandbox]:
    """Yield a sandbox as its world says, whatever the test before has done to it."""
    running = _running(request.config)
    running.load(_world(request))
    yield running
    running.close_clients()


def start_sandbox() -> QlikSandbox:
    """Start a sandbox on a free port and wait until it accepts connections."""
    # Not from the working folder: something named `sandbox` there is not this package.
    command = [sys.executable, "-P", "-m", "sandbox", "serve"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline() if process.stdout else ""
    if not line:
        raise RuntimeError(f"the sandbox did not start: exit code {process.wait()}")
    return QlikSandbox(process, json.loads(line))


def _running(config: pytest.Config) -> QlikSandbox:
    """Return the sandbox of this session; the first test that wants one starts it."""
    # Not a fixture: whoever imports `qlik_sandbox` alone would not have it.
    if _RUNNING not in config.stash:
        running = config.stash[_RUNNING] = start_sandbox()
        config.add_cleanup(running.stop)
    return config.stash[_RUNNING]


def _world(request: pytest.FixtureRequest) -> World:
    """Return the world of the marker, of the fixture `qlik_sandbox_world`, or the demo's."""
    marker = request.node.get_closest_marker(MARKER)
    if marker is not None:
        found: World = marker.args[0]
    else:
        try:
            found = request.getfixturevalue(MARKER)
        except pytest.FixtureLookupError:
            found = WORLD
    # A file is named from the folder of the test.
    return found if isinstance(found, Mapping) else request.path.parent / found


@cache
def _read(path: Path) -> Any:
    return read_file(path)


def _read_environment(path: Path) -> dict[str, str]:
    """Return the variables of an environment file."""
    pairs = (shlex.split(line)[1].partition("=") for line in path.read_text(encoding="utf-8").splitlines())
    return {name: value for name, _, value in pairs}
