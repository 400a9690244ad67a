import shutil
from pathlib import Path

import pytest
from harness import ROOT, Project, Sandbox, start_sandbox, stop


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


@pytest.fixture
def project(tmp_path: Path, sandbox: Sandbox, engine: str) -> Project:
    """A project folder with an initialised stack."""
    return Project(tmp_path, engine, sandbox)


def pytest_addoption(parser) -> None:
    parser.addoption("--record-golden", action="store_true", help="record the golden runs anew, on Pulumi's engine")


def pytest_collection_modifyitems(items) -> None:
    """Play the long tests of the front door first, so that the workers end together."""
    items.sort(key=lambda item: item.path.parent != ROOT / "tests")
