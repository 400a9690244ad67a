import shutil
from pathlib import Path

import pytest
from campaign import table
from harness import FRESH, ROOT, Project, Sandbox, start_sandbox, stop
from warm_python import WarmPython


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory) -> Sandbox:
    """One sandbox for all scenarios of a test process; each loads its own world."""
    running = start_sandbox(tmp_path_factory.mktemp("sandbox"), ROOT / "tests" / "worlds" / "small.yaml")
    yield running
    running.control.close()
    stop(running.process)


@pytest.fixture(params=["rehearsal", pytest.param("pulumi", marks=pytest.mark.engine)])
def engine(request) -> str:
    """Each engine in turn; Pulumi's own only where it is on PATH."""
    if request.param == "pulumi" and shutil.which("pulumi") is None:
        pytest.skip("`pulumi` is not on PATH: this scenario ran on the sandbox engine only")
    return request.param


@pytest.fixture(scope="session")
def warm_python() -> WarmPython:
    """One process of a test process that has imported what engines, programs and providers import."""
    python = WarmPython()
    yield python
    python.close()


@pytest.fixture
def virtualenv(request, engine: str) -> Path:
    """The Python of the sandbox engine and of what it runs; the golden runs start theirs as users do."""
    return FRESH if engine == "pulumi" else request.getfixturevalue("warm_python").folder


@pytest.fixture
def project(tmp_path: Path, sandbox: Sandbox, engine: str, virtualenv: Path) -> Project:
    """A project folder with an initialised stack."""
    return Project(tmp_path, engine, sandbox, virtualenv=virtualenv)


def pytest_addoption(parser) -> None:
    parser.addoption("--record-faults", action="store_true", help="write docs/faults.md from this run's campaign")
    parser.addoption("--record-golden", action="store_true", help="record the golden runs anew, on Pulumi's engine")


def pytest_terminal_summary(terminalreporter, config) -> None:
    """Print what the faults of a campaign led to; write it down if asked to and if all was as it has to be."""
    played = [report for reports in terminalreporter.stats.values() for report in reports if hasattr(report, "when")]
    if entries := table.entries_of(report for report in played if report.when == "call"):
        page = table.write_page(entries)
        terminalreporter.write_line(page.partition("## The faults")[2])
        if config.getoption("--record-faults") and not terminalreporter.stats.get("failed"):
            table.PAGE.write_text(page, encoding="utf-8")


def pytest_collection_modifyitems(items) -> None:
    """Play the long tests of the front door first, so that the workers end together."""
    items.sort(key=lambda item: item.path.parent != ROOT / "tests")
