"""The container file, as far as it can be tried without an engine for containers: its commands are run, not built."""

import json
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from serving import ROOT, Served, serve

FILE = ROOT / "sandbox" / "Containerfile"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def instructions():
    text = re.sub(r"\\\n\s*", "", FILE.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.strip().split(" ", 1)) for line in lines]


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def command(text, folder, port):
    """Return a command of the file with the state in a folder of this machine and another port."""
    words = json.loads(text[text.index("[") :])
    moved = [word.replace("/state", str(folder)).replace("8443", str(port)) for word in words]
    return [str(BIN / moved[0]), *moved[1:]]


def test_what_the_container_serves_is_found_healthy_by_its_own_check(instructions, tmp_path, port):
    entry = command(dict(instructions)["ENTRYPOINT"], tmp_path, port)
    check = command(dict(instructions)["HEALTHCHECK"], tmp_path, port)
    process = subprocess.Popen(
        [*entry, "--name", "sandbox.contoso.test"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    ready = json.loads(process.stdout.readline())

    healthy = subprocess.run(check, check=False, capture_output=True).returncode
    process.terminate()
    told = process.communicate(timeout=10)[1]
    gone = subprocess.run(check, check=False, capture_output=True).returncode

    assert (healthy, gone) == (0, 1)
    assert "whoever reaches this port controls the sandbox" in told
    assert ready["url"] == f"https://sandbox.contoso.test:{port}"
    assert Path(ready["ca"]).parent == Path(ready["env"]).parent == tmp_path


def test_the_container_does_not_run_as_root_and_copies_what_there_is(instructions):
    assert dict(instructions)["USER"] == "sandbox"
    for name, text in instructions:
        if name == "COPY":
            *sources, _ = shlex.split(text)
            assert all((ROOT / source).exists() for source in sources)


def test_only_what_the_lock_names_is_installed(instructions):
    runs = [text for name, text in instructions if name == "RUN"]

    assert "--require-hashes" in runs[0]
    assert all("--no-index" in run for run in runs[1:])


def test_a_name_asked_for_is_in_the_certificate_and_first_among_the_hostnames(tmp_path, world_file):
    first = serve("--world", world_file, "--state", tmp_path / "state.db")
    first.stop()
    before = Path(first.ca).read_bytes()
    named = serve("--state", tmp_path / "state.db", "--name", "localhost")
    again = named.stop(), Path(named.ca).read_bytes()
    other = serve("--state", tmp_path / "state.db", "--name", "sandbox.contoso.test")

    assert again == (0, before)
    assert Path(other.ca).read_bytes() != before
    with reached_as_loopback(other).client("sandbox-api-key") as tenant:
        names = tenant.get("/api/v1/tenants/me").json()["hostnames"]
    other.stop()
    assert [name.partition(":")[0] for name in names] == ["sandbox.contoso.test", "127.0.0.1", "localhost"]
    assert "QLIK_TENANT='https://sandbox.contoso.test:" in Path(named.env).read_text(encoding="utf-8")


def reached_as_loopback(served):
    """Return the sandbox under an address that this machine can resolve."""
    port = served.url.rpartition(":")[2]
    return Served(f"https://127.0.0.1:{port}", served.ca, served.env, served.pid, served.process)
