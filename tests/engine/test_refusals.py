import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from sandbox.engine.commands import run


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("preview --plan", "unknown flag: --plan"),
        ("up --yes --target urn", "unknown flag: --target"),
        ("up --yes --json", "unknown flag: --json"),
        ("refresh --yes --json", "--json is rehearsed only"),
        ("import", 'unknown command "import"'),
        ("", 'unknown command ""'),
        ("preview now", "unexpected argument: now"),
    ],
)
def test_words_outside_the_rehearsal_are_refused_by_name(refused, words, said):
    assert refused(words).startswith(f"error: {said}")


def test_a_flag_without_its_argument_is_refused(capsys):
    assert run(["preview", "--stack"]) == 1
    assert capsys.readouterr().err == "error: flag needs an argument: --stack\n"


def test_an_up_that_nobody_confirmed_ends_with_2(refused):
    assert "--yes or --skip-preview" in refused("up --non-interactive", code=2)


def test_an_unknown_stack_ends_with_6(rehearsal, refused):
    rehearsal.checkpoint.unlink()

    assert refused("preview", code=6) == "error: no stack named 'dev' found\n"


def test_a_stack_is_created_when_it_is_selected(rehearsal):
    del rehearsal.environment["PULUMI_STACK"]

    assert "Created stack 'other'" in rehearsal.run("stack select --create other")[2]
    assert "(other):" in rehearsal.succeed("preview")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "is not a checkpoint of a rehearsal"),
        ('{"version": 3, "deployment": {}}', "is not a checkpoint of a rehearsal"),
        ('{"rehearsal": 2}', "is of rehearsal version 2"),
    ],
)
def test_a_foreign_checkpoint_is_refused(rehearsal, refused, text, said):
    rehearsal.checkpoint.write_text(text)

    assert said in refused("up --yes")
    assert rehearsal.checkpoint.read_text() == text


def test_a_backend_that_is_no_folder_is_refused(rehearsal, refused):
    rehearsal.environment["PULUMI_BACKEND_URL"] = "https://api.pulumi.com"

    assert "PULUMI_BACKEND_URL must be file://<folder>" in refused("preview")


@pytest.mark.parametrize("line", ["options: {refresh: always}", "plugins: {}", "config: {a: {default: 1}}"])
def test_project_settings_outside_the_rehearsal_are_refused_by_name(rehearsal, refused, line):
    with (rehearsal.folder / "Pulumi.yaml").open("a") as file:
        file.write(f"{line}\n")

    assert f"error: Pulumi.yaml: {line.split(':')[0]}: is not rehearsed" in refused("preview")


def test_a_secret_in_the_configuration_is_refused(rehearsal, refused):
    rehearsal.configure("library:key: {secure: v1:abc}")

    assert "library:key is a secret" in refused("preview")


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ({"replace_on_changes": ["books"]}, "replaceOnChanges"),
        ({"additional_secret_outputs": ["count"]}, "additionalSecretOutputs"),
        ({"import_": "x"}, "importId"),
    ],
)
def test_resource_options_outside_the_rehearsal_are_refused_by_name(rehearsal, option, name):
    rehearsal.declare({}, options=[option])

    assert f"error: odd: the resource option {name} is not rehearsed" in rehearsal.fail("preview")


def test_changes_below_a_property_are_not_ignored(rehearsal):
    rehearsal.declare({}, options=[{"ignore_changes": ["books.u1"]}])

    assert "error: odd: ignoreChanges of 'books.u1' is not rehearsed" in rehearsal.fail("preview")


def test_a_secret_of_the_program_is_refused(rehearsal):
    rehearsal.declare({}, secret="canary")

    text = rehearsal.fail("up --skip-preview")

    assert "error: the rehearsal keeps no secret: property 'secret'" in text
    assert "canary" not in text + rehearsal.checkpoint.read_text()


def test_two_resources_of_one_name_are_refused(rehearsal):
    rehearsal.declare({}, options=[{}, {}])

    assert "error: Duplicate resource URN 'urn:pulumi:dev::library::" in rehearsal.fail("preview")


def test_a_replacement_is_refused(rehearsal):
    rehearsal.declare({"a": {}})
    rehearsal.succeed("up --skip-preview")
    rehearsal.declare({"a": {"answer": "replace"}})

    assert "error: replacement of a resource is not rehearsed (shelf)" in rehearsal.fail("preview")


@pytest.mark.parametrize(
    "environment",
    [
        {"QLIK_TENANT": "https://contoso.eu.qlikcloud.com"},
        {"ARM_METADATA_HOSTNAME": "management.azure.com"},
        {"ARM_CLIENT_ID": "22222222-2222-2222-2222-222222222222"},
    ],
    ids=lambda environment: next(iter(environment)),
)
def test_hosts_beyond_this_machine_are_refused(rehearsal, refused, environment):
    rehearsal.environment |= environment

    text = refused("preview")

    assert next(iter(environment)) in text
    assert "sandbox" in text
    assert rehearsal.calls() == []


def test_a_configured_tenant_beyond_this_machine_is_refused(rehearsal, refused):
    rehearsal.configure("qlik:tenant: contoso.eu.qlikcloud.com")

    assert "qlik:tenant is contoso.eu.qlikcloud.com" in refused("destroy --yes")


def test_a_tenant_in_the_checkpoint_beyond_this_machine_is_refused(rehearsal):
    rehearsal.declare({"a": {}})
    rehearsal.succeed("up --skip-preview")
    document = json.loads(rehearsal.checkpoint.read_text())
    document["resources"][-1]["outputs"]["tenant"] = "https://contoso.eu.qlikcloud.com"
    rehearsal.checkpoint.write_text(json.dumps(document))

    assert "the tenant of a in the checkpoint is https://contoso.eu" in rehearsal.fail("refresh --yes")


@pytest.fixture
def local_server():
    """Return a function that serves one JSON answer on loopback and returns its URL."""
    servers = []

    def serve(answer):
        class Answers(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            def log_message(self, *words):
                """Say nothing."""

        server = HTTPServer(("127.0.0.1", 0), Answers)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_local_server_that_is_no_sandbox_is_refused(rehearsal, refused, local_server):
    rehearsal.environment["QLIK_TENANT"] = local_server({"name": "a proxy to the real tenant"})

    assert "is not a sandbox" in refused("preview")


def test_a_sandbox_on_this_machine_is_let_through(rehearsal, local_server):
    rehearsal.environment["QLIK_TENANT"] = local_server({"sandbox": 1})

    assert "+ 1 to create" in rehearsal.succeed("preview")
