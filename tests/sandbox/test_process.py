import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from serving import APPLICATION, CLIENT, DIRECTORY, ROOT, serve

ADD = "/api/v1/licenses/assignments/actions/add"


def refuse(*arguments):
    command = [sys.executable, "-m", "sandbox", "serve", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)


def source(path):
    script = f". '{path}' && env -0"
    output = subprocess.run([shutil.which("sh"), "-c", script], capture_output=True, check=True, env={}).stdout
    return dict(line.split("=", 1) for line in output.decode().split("\0") if line)


def test_the_environment_file_can_be_sourced(served):
    variables = source(served.env)

    assert variables["QLIK_TENANT"] == served.url
    assert variables["QLIK_CLIENT_ID"] == CLIENT
    assert variables["ARM_TENANT_ID"] == DIRECTORY
    assert variables["ARM_CLIENT_ID"] == APPLICATION
    assert variables["ARM_METADATA_HOSTNAME"] == served.url.removeprefix("https://")
    assert variables["ARM_USE_CLI"] == "false"
    assert variables["SSL_CERT_FILE"] == variables["REQUESTS_CA_BUNDLE"] == served.ca


def test_a_state_file_is_continued_and_the_world_file_then_ignored(tmp_path, world_file):
    state = tmp_path / "state" / "sandbox.db"
    first = serve("--world", world_file, "--state", state)
    with first.client("sandbox-api-key") as tenant:
        tenant.post(ADD, json={"add": [{"subject": "new", "type": "analyzer"}]})
        tenant.put("/_sandbox/clock", json={"now": "2030-05-05T00:00:00Z"})
        before = tenant.get("/_sandbox/world").content
    ca = Path(first.ca).read_bytes()
    assert first.stop() == 0

    second = serve("--state", state)
    with second.client("sandbox-api-key") as tenant:
        assert tenant.get("/_sandbox/world").content == before
        assert tenant.get("/_sandbox/").json()["clock"].startswith("2030-05-05T00:00")
        assert [call["path"] for call in tenant.get("/_sandbox/requests").json()] == [ADD]
    assert Path(second.ca).read_bytes() == ca
    assert second.env == str(tmp_path / "state" / "env")
    assert stat.S_IMODE((tmp_path / "state" / "server.pem").stat().st_mode) == 0o600
    second.stop()


def test_a_sandbox_without_a_state_file_leaves_nothing_behind(world_file):
    served = serve("--world", world_file)
    folder = Path(served.ca).parent
    os.kill(served.pid, signal.SIGINT)
    served.process.communicate(timeout=10)

    assert served.process.returncode == 0
    assert not folder.exists()


def test_a_bad_world_is_refused_with_all_its_faults(tmp_path):
    path = tmp_path / "world.json"
    path.write_text(json.dumps({"world": 1, "teapot": 1, "switches": {"a": 1}}))
    done = refuse("--world", path)

    assert done.returncode == 1
    assert done.stdout == ""
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["switches.a", "teapot"]


def test_without_a_world_the_demo_company_is_served():
    served = serve()
    with served.client() as control:
        world = control.get("/_sandbox/world").json()
    served.stop()

    assert len(world["directory"]["users"]) == 300


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [(["--world", "nowhere.yaml"], "No such file"), (["--host", "203.0.113.1"], "port ")],
)
def test_what_cannot_be_served_is_said_in_one_line(arguments, reason):
    done = refuse(*arguments)

    assert done.returncode == 1
    assert reason in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_port_in_use_is_said_in_one_line(served, world_file):
    done = refuse("--world", world_file, "--port", served.url.rpartition(":")[2])

    assert done.returncode == 1
    assert done.stderr.startswith("port ")


def test_a_file_that_is_no_state_is_refused(tmp_path, world_file):
    path = tmp_path / "state.db"
    path.write_text("this is no database, whatever it looks like")

    assert refuse("--world", world_file, "--state", path).returncode == 1
