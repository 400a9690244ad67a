"""The fixture for users' own tests, used in test files of theirs, in a folder of theirs."""

import os
import re
import subprocess
import sys

import pytest
from serving import ROOT

CONFTEST = "from sandbox.pytest import qlik_sandbox\n\n__all__ = ['qlik_sandbox']\n"
INI = "[pytest]\naddopts = --strict-markers\nmarkers =\n    qlik_sandbox_world(world): its world\n"
WORLD = "world: 1\ntenant:\n  allotments: {analyzer: {units: 1}}\n  clients: [{id: a, secret: b}]\n"

READS = """
import pytest

def test_reads(qlik_sandbox):
    assert qlik_sandbox.client("sandbox-api-key").get("/api/v1/users/me").status_code == 301
    assert [entry["path"] for entry in qlik_sandbox.requests()] == ["/api/v1/users/me"]
    assert qlik_sandbox.writes() == []

@pytest.mark.parametrize("turn", [1, 2])
def test_changes(qlik_sandbox, turn, tmp_path_factory):
    kept = qlik_sandbox.snapshot()
    assert not qlik_sandbox.requests()
    assert not qlik_sandbox.control.get("/faults").json()
    assert not qlik_sandbox.control.get("/snapshots").json()
    assert qlik_sandbox.control.get("/latency").json()["seconds"] == 0
    assert qlik_sandbox.control.get("/").json()["clock"].startswith("2026-11-02")
    before = tmp_path_factory.getbasetemp() / "before"
    now = f"{qlik_sandbox.control.get('/').json()['pid']} {kept}"
    assert turn == 1 or before.read_text() == now
    before.write_text(now)

    qlik_sandbox.tamper("assign", subject="me", type="analyzer")
    qlik_sandbox.tamper("switch", subject="me", from_="analyzer", type="professional")
    qlik_sandbox.fault(path="/licenses/overview", status=503)
    qlik_sandbox.control.put("/latency", json={"seconds": 0.01})
    qlik_sandbox.control.post("/snapshots")
    assert qlik_sandbox.login("new", name="New")["created"]
    assert qlik_sandbox.advance(86400).startswith("2026-11-03")
    client = qlik_sandbox.client("sandbox-api-key")
    assert client.get("/api/v1/licenses/overview").status_code == 503
    body = {"add": [{"subject": "you", "type": "analyzer"}]}
    client.post("/api/v1/licenses/assignments/actions/add", json=body)
    assert [entry["path"] for entry in qlik_sandbox.writes()] == ["/api/v1/licenses/assignments/actions/add"]
    assert qlik_sandbox.snapshot() != kept

def test_environment(qlik_sandbox):
    given = qlik_sandbox.environment
    assert "QLIK_API_KEY" not in given
    assert given["QLIK_TENANT"] == qlik_sandbox.url
    assert given["SSL_CERT_FILE"] == qlik_sandbox.ca
    assert given["OWN"] == "kept"

def test_refused(qlik_sandbox):
    qlik_sandbox.tamper("dance")

def test_pid(qlik_sandbox):
    print("pid", qlik_sandbox.control.get("/").json()["pid"])
"""

WORLDS = """
import pytest

@pytest.fixture
def qlik_sandbox_world():
    return "small.yaml"

def units(qlik_sandbox):
    return qlik_sandbox.snapshot()["tenant"]["allotments"]["analyzer"]["units"]

def test_fixture(qlik_sandbox):
    assert units(qlik_sandbox) == 1

@pytest.mark.qlik_sandbox_world({"world": 1, "tenant": {"allotments": {"analyzer": {"units": 7}}}})
def test_marker(qlik_sandbox):
    assert units(qlik_sandbox) == 7
"""

PLUGIN = """
import pytest

@pytest.mark.qlik_sandbox_world({"world": 1})
def test_empty(qlik_sandbox):
    assert qlik_sandbox.snapshot()["tenant"]["users"] == []
"""


def run(folder, files):
    """Return what pytest says of test files in a folder where a `sandbox.py` and a real tenant's key lie about."""
    for name, text in {"sandbox.py": "raise RuntimeError", **files}.items():
        (folder / name).write_text(text, encoding="utf-8")
    options = ["-rA", "-s", "-p", "no:cacheprovider", "-W", "error", "--import-mode=importlib", "--strict-markers"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "QLIK_API_KEY": "of a real tenant", "OWN": "kept"}
    return subprocess.run(
        [sys.executable, "-P", "-m", "pytest", *options, "."],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    ).stdout


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    files = {"conftest.py": CONFTEST, "pytest.ini": INI, "small.yaml": WORLD}
    return run(tmp_path_factory.mktemp("own"), files | {"test_reads.py": READS, "test_worlds.py": WORLDS})


def passed(told):
    return set(re.findall(r"^PASSED \S+::(\S+)$", told, re.MULTILINE))


def test_the_one_line_import_is_all_that_a_test_needs(told):
    assert "test_reads" in passed(told), told


def test_each_test_starts_from_the_world_again_in_the_same_process(told):
    assert {"test_changes[1]", "test_changes[2]"} <= passed(told), told


def test_the_world_comes_from_a_fixture_of_the_user_or_from_a_marker(told):
    assert {"test_fixture", "test_marker"} <= passed(told), told


def test_a_program_under_test_gets_no_variable_of_a_real_tenant(told):
    assert "test_environment" in passed(told), told


def test_what_the_control_plane_refuses_fails_the_test_with_its_reason(told):
    assert "ControlError: POST /_sandbox/tamper: 400" in told
    assert "1 failed" in told


def test_the_sandbox_is_gone_when_the_tests_are(told):
    pid = int(re.search(r"pid (\d+)", told)[1])

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_as_a_plugin_the_module_makes_its_marker_known(tmp_path):
    told = run(tmp_path, {"conftest.py": 'pytest_plugins = ["sandbox.pytest"]\n', "test_own.py": PLUGIN})

    assert passed(told) == {"test_empty"}, told
