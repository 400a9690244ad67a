"""`make up` and `make down`, as they are typed, in a folder of their own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from harness import ROOT, read_yaml, wait_for, write_yaml

NOTHING_WRITTEN = "written: 0 requests to the tenant, 0 to the directory"


def qlik_sandbox(folder: Path, command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QLIK_", "ARM_", "PULUMI"))}
    return subprocess.run(
        [sys.executable, "-m", "sandbox", command],
        check=False,
        cwd=folder,
        env={**kept, "PULUMI": "rehearsal", **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def folder(tmp_path):
    """A checkout with a small declaration; its sandbox is stopped at the end."""
    shutil.copy(ROOT / "__main__.py", tmp_path)
    project = read_yaml(ROOT / "Pulumi.yaml")
    project["runtime"]["options"]["virtualenv"] = sys.prefix
    write_yaml(tmp_path / "Pulumi.yaml", project)
    (tmp_path / "stacks/sandbox/groups").mkdir(parents=True)
    shutil.copy(ROOT / "stacks/Pulumi.sandbox.yaml", tmp_path / "stacks")
    shutil.copy(ROOT / "stacks/sandbox/access.yaml", tmp_path / "stacks/sandbox")
    shutil.copy(ROOT / "stacks/sandbox/groups/legal-readers.yaml", tmp_path / "stacks/sandbox/groups")
    yield tmp_path
    qlik_sandbox(tmp_path, "down")


def server(folder: Path) -> dict[str, object]:
    return json.loads((folder / ".sandbox/server.json").read_text(encoding="utf-8"))


@pytest.mark.campaign
def test_up_converges_again_does_nothing_and_survives_a_stale_sandbox_and_a_busy_port(folder):
    """Up starts or finds the sandbox; a dead one comes back with its state, at its port or at another."""
    first = qlik_sandbox(folder, "up")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "rehearsal, not Pulumi" in first.stdout
    assert "written: 1 requests to the tenant, 4 to the directory" in first.stdout
    assert "Next:" in first.stdout
    running = server(folder)

    again = qlik_sandbox(folder, "up")
    assert NOTHING_WRITTEN in again.stdout
    assert server(folder) == running

    os.kill(running["pid"], signal.SIGKILL)
    wait_for(lambda: qlik_sandbox(folder, "status").returncode == 1)
    revived = qlik_sandbox(folder, "up")
    assert NOTHING_WRITTEN in revived.stdout, revived.stdout + revived.stderr
    assert server(folder)["url"] == running["url"]

    os.kill(server(folder)["pid"], signal.SIGTERM)
    wait_for(lambda: qlik_sandbox(folder, "status").returncode == 1)
    with socket.create_server(("127.0.0.1", int(running["url"].rpartition(":")[2]))):
        moved = qlik_sandbox(folder, "up")
    assert NOTHING_WRITTEN in moved.stdout, moved.stdout + moved.stderr
    assert server(folder)["url"] != running["url"]

    other = qlik_sandbox(folder, "up", PULUMI="no-such-engine")
    assert other.returncode == 1
    assert "PULUMI=no-such-engine is not a program" in other.stderr

    stopped = qlik_sandbox(folder, "down")
    assert stopped.returncode == 0
    assert not (folder / ".sandbox").exists()
    assert qlik_sandbox(folder, "status").returncode == 1


def test_up_elsewhere_says_where_to_run_it(tmp_path):
    """Without a Pulumi.yaml nothing is started."""
    done = qlik_sandbox(tmp_path, "up")

    assert done.returncode == 1
    assert "run this in the folder of Pulumi.yaml" in done.stderr
    assert not (tmp_path / ".sandbox").exists()
