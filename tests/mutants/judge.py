"""Whether the pure tests notice a change: each is tried in a process forked from one that has imported pytest already.

Run as a program this is that one process. The changed source is served from memory, so no file is ever a mutant.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import hypothesis
import pytest

Fate = Literal["killed", "survived", "endless"]

TEST_BYTES = 2 * 2**30
PLUGIN = "_hypothesis_pytestplugin"
# What it imports, the tests import as well; nothing of what is changed or of the tests themselves.
WARM = ("hypothesis.internal.conjecture.engine", "hypothesis.strategies", "jsonschema", "pydantic", "ruamel.yaml")
PLUGINS = ("--disable-plugin-autoload", "-p", PLUGIN, "-p", "no:cacheprovider")
OPTIONS = ("-x", "-q", "--assert=plain", "-m", "not campaign", "--hypothesis-profile=mutants", *PLUGINS)


class Verdict(NamedTuple):
    """What became of a mutant, and which test noticed it."""

    fate: Fate
    by: str


class Judge:
    """One warm process that judges sources, one after another, by the tests under a folder.

    `worlds` is how many each law is tried on; a test may take so many `seconds` of processor time.
    """

    def __init__(self, root: Path, worlds: int, seconds: int = 10) -> None:
        self._seconds = seconds
        environment = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "LAW_WORLDS": str(worlds)}
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=root,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def judge(self, module: str, source: str, tests: Sequence[str]) -> Verdict:
        """Return what the tests say of a module with this source; raises RuntimeError where they cannot be asked."""
        order = {"module": module, "source": source, "tests": list(tests), "seconds": self._seconds}
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if answer["fate"] == "unasked":
            raise RuntimeError(f"pytest cannot run {', '.join(tests)}: exit code {answer['by']}")
        return Verdict(answer["fate"], answer["by"])

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class Changed(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds one module with another source than its file has."""

    def __init__(self, module: str, source: str) -> None:
        self._module = module
        self._source = source

    def find_spec(self, fullname: str, _path: Any = None, _target: Any = None) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self) if fullname == self._module else None

    def get_source(self, _fullname: str) -> str:
        return self._source


class Witness:
    """Remembers the first test that fails, and ends one that does not end."""

    def __init__(self, seconds: int) -> None:
        self.by = ""
        self._seconds = seconds
        self.pytest_runtest_logstart()

    def pytest_runtest_logstart(self) -> None:
        signal.setitimer(signal.ITIMER_VIRTUAL, self._seconds)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.by:
            self.by = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.by:
            self.by = f"{report.nodeid}, when imported"


def serve() -> None:
    """Answer each line that comes in with the verdict of a forked process."""
    for name in WARM:
        importlib.import_module(name)
    hypothesis.settings.register_profile(
        "mutants",
        deadline=None,
        derandomize=True,
        database=None,
        max_examples=int(os.environ["LAW_WORLDS"]),
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),  # nobody reads the smallest example
        suppress_health_check=(hypothesis.HealthCheck.too_slow,),
    )
    for line in sys.stdin:
        reading, writing = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(reading)
            try_source(json.loads(line), writing)
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as pipe:
            by = pipe.read()
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        sys.stdout.write(f"{json.dumps({'fate': fate_of(code), 'by': by or str(code)})}\n")
        sys.stdout.flush()


def fate_of(code: int) -> str:
    """Return the word for the exit code of pytest, or for the signal that ended it."""
    if code == -signal.SIGVTALRM:
        return "endless"
    killed = {pytest.ExitCode.TESTS_FAILED: "killed", pytest.ExitCode.INTERRUPTED: "killed"}
    return {**killed, pytest.ExitCode.OK: "survived"}.get(code, "unasked")


def try_source(order: Mapping[str, Any], writing: int) -> None:
    """Run the tests in this process, with a module of that source, and end it."""
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    resource.setrlimit(resource.RLIMIT_AS, (TEST_BYTES, TEST_BYTES))
    sys.meta_path.insert(0, Changed(order["module"], order["source"]))
    witness = Witness(order["seconds"])
    code = pytest.main([*OPTIONS, *order["tests"]], plugins=[witness])
    os.write(writing, witness.by.encode())
    os._exit(code)


if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).parent))
    serve()
