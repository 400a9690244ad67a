"""`qlik-provider listen` as a process, from a user of the tenant to a pipeline; and what keeps it from beginning."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import trustme
from client.conftest import assert_discreet
from client.worlds import DISPATCH_TOKEN, TENANT_ID, WEBHOOK_SECRET, make_world
from pipelines import BODY, Pipeline, serve_pipeline, write_authority
from typer.testing import CliRunner

from qlik_provider.cli import app

COMMAND = [sys.executable, "-c", "from qlik_provider.cli import app; app()", "listen"]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def pipeline(authority) -> Iterator[Pipeline]:
    with serve_pipeline(authority) as pipeline:
        yield pipeline


@pytest.fixture
def listening(pipeline, authority, tmp_path):
    """The command in a process of its own; whatever it hears, it shows no traceback and no secret."""
    command = [*COMMAND, "--port", "0", "--pause", "0", "--body", BODY]
    secrets = {"QLIK_WEBHOOK_SECRET": WEBHOOK_SECRET, "QLIK_DISPATCH_TOKEN": DISPATCH_TOKEN}
    trust = {"SSL_CERT_FILE": str(write_authority(authority, tmp_path))}
    environment = {**os.environ, **secrets, **trust, "QLIK_DISPATCH_URL": pipeline.url}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    ready = process.stdout.readline()
    assert ready.startswith("listening on http://127.0.0.1:"), ready
    yield process, ready.partition(",")[0].removeprefix("listening on ")
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert_discreet(ready + rest)


def test_a_user_created_in_the_tenant_starts_the_pipeline(start, sandbox, listening, pipeline):
    """From the webhook that the provider creates, by the delivery that the tenant signs, to the pipeline."""
    process, url = listening
    sandbox.load(make_world())
    sandbox.control.put("/clock", json={"now": datetime.now(UTC).isoformat()}).raise_for_status()
    told = {"name": "joiners", "url": url, "enabled": "true", "eventTypes": "user.created", "level": "tenant"}
    inputs = {"tenant": sandbox.url, "tenantId": TENANT_ID, "webhook": {**told, "signed": "true"}, "retry": ""}
    _, outputs = start("Webhook").create(inputs)
    assert outputs["deviations"] == {}

    sandbox.request("POST", "/api/v1/users", {"subject": "ana", "name": "Ana"})

    _, headers, body = pipeline.taken.get(timeout=20)
    assert (headers["Authorization"], body) == (f"Bearer {DISPATCH_TOKEN}", BODY)
    line = process.stdout.readline()
    assert " 204 com.qlik.core.user.created " in line
    assert "ana" not in line


def test_a_port_in_use_is_one_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        environment = {"QLIK_WEBHOOK_SECRET": WEBHOOK_SECRET, "QLIK_DISPATCH_TOKEN": DISPATCH_TOKEN}

        result = CliRunner(env=environment).invoke(app, ["listen", "--to", "https://ci.contoso.test", "--port", port])

    assert result.exit_code == 1
    assert result.output == f"error: port {port} of 127.0.0.1: Address already in use\n"


@pytest.mark.parametrize("missing", ["QLIK_WEBHOOK_SECRET", "QLIK_DISPATCH_TOKEN"])
def test_a_listener_without_its_secrets_does_not_begin(missing):
    environment = {"QLIK_WEBHOOK_SECRET": WEBHOOK_SECRET, "QLIK_DISPATCH_TOKEN": DISPATCH_TOKEN, missing: ""}

    result = CliRunner(env=environment).invoke(app, ["listen", "--to", "https://ci.contoso.test"])

    assert result.exit_code == 1
    assert result.output.startswith(f"error: {missing}: is not set; ")


def test_without_the_extra_the_command_says_what_to_install(tmp_path):
    """A package whose name hides the installed one stands for one that is missing."""
    (tmp_path / "starlette").mkdir()
    (tmp_path / "starlette" / "__init__.py").write_text("raise ModuleNotFoundError('no', name='starlette')\n")
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths, "QLIK_WEBHOOK_SECRET": WEBHOOK_SECRET, "QLIK_DISPATCH_TOKEN": "t"}
    command = [*COMMAND, "--to", "https://ci.contoso.test"]

    done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert done.stderr == "error: starlette is not installed: pip install 'qlik-provider[listen]'\n"
