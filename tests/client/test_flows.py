"""Every way to sign in to the directory, played against the sandbox, and one line for each that fails."""

import base64
import io
import logging
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from client.issuers import (
    CERTIFICATE_PASSWORD,
    CONNECTION,
    DEVOPS,
    GITHUB,
    ISSUER,
    MACHINE,
    REQUEST_TOKEN,
    SUBJECT,
    Key,
    serve_issuers,
)
from client.worlds import DIRECTORY_SECRET, make_world

from qlik_provider.errors import CredentialsError
from qlik_provider.graph import GraphClient
from qlik_provider.graph_credentials import GraphTokens

CLIENT = "22222222-2222-2222-2222-222222222222"
KINDS = ("certificate", "certificate in a variable", "id token", "id token in a file", "workload", "github", "devops")


@pytest.fixture(scope="module")
def key():
    return Key()


@pytest.fixture(scope="module")
def stranger():
    return Key()


@pytest.fixture
def issuers(sandbox, key):
    certificate = Path(sandbox.environment["SSL_CERT_FILE"]).with_name("server.pem")
    with serve_issuers(key, certificate) as issuers:
        yield issuers


@pytest.fixture
def machine(sandbox, key):
    with serve_issuers(key) as issuers:
        issuers.machine_token = GraphTokens(sandbox.environment).token()
        sandbox.forget()
        yield issuers


@pytest.fixture(autouse=True)
def _application(sandbox, _world, key):
    load_application(sandbox, key)


def load_application(sandbox, key, **federation):
    world = make_world(directory=3)
    trusted = {"issuer": ISSUER, "subject": SUBJECT, "key": key.public_pem, **federation}
    world["directory"]["clients"][0] |= {"certificates": [key.certificate_pem], "federatedCredentials": [trusted]}
    sandbox.load(world)
    sandbox.forget()


@pytest.fixture
def base(sandbox):
    """The environment without a way to sign in."""
    return {name: value for name, value in sandbox.environment.items() if name != "ARM_CLIENT_SECRET"}


@pytest.fixture
def make_environment(base, tmp_path, issuers):
    """Return the variables of one way to sign in, with the key that proves it."""

    def make_environment(kind, key):
        archive = key.archive(CERTIFICATE_PASSWORD)
        (tmp_path / "licenses.pfx").write_bytes(archive)
        (tmp_path / "id-token").write_text(f"{key.sign()}\n")
        issuers.key = key
        pipeline = {"ARM_USE_OIDC": "true"}
        password = {"ARM_CLIENT_CERTIFICATE_PASSWORD": CERTIFICATE_PASSWORD}
        return base | {
            "certificate": {"ARM_CLIENT_CERTIFICATE_PATH": str(tmp_path / "licenses.pfx"), **password},
            "certificate in a variable": {
                "ARM_CLIENT_CERTIFICATE": base64.encodebytes(archive).decode(), **password
            },
            "id token": {**pipeline, "ARM_OIDC_TOKEN": key.sign()},
            "id token in a file": {**pipeline, "ARM_OIDC_TOKEN_FILE_PATH": str(tmp_path / "id-token")},
            "workload": {
                "ARM_USE_AKS_WORKLOAD_IDENTITY": "true",
                "ARM_OIDC_TOKEN_FILE_PATH": str(tmp_path / "id-token"),
                "AZURE_TENANT_ID": base["ARM_TENANT_ID"],
                "ARM_TENANT_ID": "",
            },
            "github": {
                **pipeline,
                "ACTIONS_ID_TOKEN_REQUEST_URL": f"{issuers.url}{GITHUB}?api-version=2.0",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
            },
            "devops": {
                **pipeline,
                "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID": CONNECTION,
                "SYSTEM_OIDCREQUESTURI": f"{issuers.url}{DEVOPS}",
                "SYSTEM_ACCESSTOKEN": REQUEST_TOKEN,
            },
        }[kind]  # fmt: skip

    return make_environment


@pytest.fixture
def open_directory():
    opened = []

    def open_directory(environment):
        opened.append(GraphClient(GraphTokens(environment)))
        return opened[-1]

    yield open_directory
    for client in opened:
        client._http.close()


def fail(call, *parts):
    """Return the one line a call fails with; neither it nor its traceback shows a secret."""
    with pytest.raises(CredentialsError) as caught:
        call()
    shown = "".join(traceback.format_exception(caught.value))
    for secret in (DIRECTORY_SECRET, CERTIFICATE_PASSWORD, REQUEST_TOKEN, "eyJ"):
        assert secret not in shown
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_every_way_of_an_application_reads_the_directory_with_one_token(
    open_directory, make_environment, key, kind, asked
):
    directory = open_directory(make_environment(kind, key))

    with ThreadPoolExecutor() as pool:
        reads = [pool.submit(directory.read_users) for _ in range(4)]
    assert {len(read.result()) for read in reads} == {3}
    assert sum(request.endswith("/oauth2/v2.0/token") for request in asked("identity")) == 1


@pytest.mark.parametrize(
    ("kind", "variables", "number"),
    [
        ("certificate", "ARM_CLIENT_CERTIFICATE", "AADSTS700027"),
        ("certificate in a variable", "ARM_CLIENT_CERTIFICATE", "AADSTS700027"),
        ("id token", "ARM_OIDC_TOKEN", "AADSTS50013"),
        ("id token in a file", "ARM_OIDC_TOKEN", "AADSTS50013"),
        ("workload", "ARM_OIDC_TOKEN", "AADSTS50013"),
        ("github", "ARM_OIDC_REQUEST_URL, ARM_OIDC_REQUEST_TOKEN", "AADSTS50013"),
        ("devops", "ARM_OIDC_REQUEST_URL, ARM_OIDC_REQUEST_TOKEN", "AADSTS50013"),
    ],
)
def test_a_proof_that_the_directory_does_not_trust_is_told_with_its_number(
    make_environment, stranger, kind, variables, number
):
    tokens = GraphTokens(make_environment(kind, stranger))

    line = fail(tokens.token, f"ARM_TENANT_ID, ARM_CLIENT_ID, {variables}: ", number)
    assert "Trace ID" not in line


@pytest.mark.parametrize(
    ("federation", "number"),
    [
        ({"subject": "repo:contoso/licenses:pull_request"}, "AADSTS700213"),
        ({"issuer": "https://another.contoso.test"}, "AADSTS700211"),
        ({"audiences": ["api://another"]}, "AADSTS700212"),
    ],
)
def test_a_pipeline_that_the_application_does_not_trust_is_told_with_its_number(
    sandbox, make_environment, key, federation, number
):
    load_application(sandbox, key, **federation)
    tokens = GraphTokens(make_environment("github", key))

    fail(tokens.token, number, "No matching federated identity record")


def test_an_id_token_that_ended_is_told_with_its_number(base, key):
    tokens = GraphTokens({**base, "ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN": key.sign(exp=1_700_000_000)})

    fail(tokens.token, "ARM_OIDC_TOKEN: ", "AADSTS700024")


def test_an_id_token_in_a_file_is_read_anew_for_every_token(make_environment, key, stranger, tmp_path):
    tokens = GraphTokens(make_environment("id token in a file", stranger))
    fail(tokens.token, "AADSTS50013")

    (tmp_path / "id-token").write_text(key.sign())

    assert tokens.token()


@pytest.mark.parametrize("kind", ["github", "devops"])
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((401, '{"message": "sandbox-request-token is not known"}'), "401"),
        ((404, "{}"), "404"),
        ((200, '{"count": 0}'), "unexpected answer"),
        ((200, "eyJhbGciOiJSUzI1NiJ9"), "broken JSON"),
        ((302, "{}"), "302"),
    ],
)
def test_a_pipeline_that_gives_no_id_token_is_told(make_environment, issuers, key, kind, answer, says):
    tokens = GraphTokens(make_environment(kind, key))
    issuers.answers = [answer]

    line = fail(tokens.token, "ARM_OIDC_REQUEST_URL, ARM_OIDC_REQUEST_TOKEN: the pipeline gives no ID token: ", says)
    assert len(issuers.asked) == 1, line


@pytest.mark.parametrize("kind", ["github", "devops"])
def test_a_pipeline_is_asked_again_after_a_fault(make_environment, issuers, key, kind):
    tokens = GraphTokens(make_environment(kind, key))
    issuers.answers = [(503, "{}"), (500, "{}"), (429, "{}")]

    assert tokens.token()
    assert len(issuers.asked) == 4


def test_a_pipeline_that_stays_down_is_given_up_on_as_soon_as_any_service(make_environment, issuers, key):
    tokens = GraphTokens(make_environment("github", key))
    issuers.answers = [(503, "{}")] * 99

    fail(tokens.token, "503")
    assert len(issuers.asked) == 6


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/idtoken", "no url", "https://"])
def test_the_token_of_a_pipeline_is_sent_over_https_alone(base, url):
    environment = {**base, "ARM_USE_OIDC": "1", "ARM_OIDC_REQUEST_URL": url, "ARM_OIDC_REQUEST_TOKEN": REQUEST_TOKEN}

    fail(GraphTokens(environment).token, "ARM_OIDC_REQUEST_URL: ", "is no URL")


def test_nothing_is_posted_to_an_address_that_is_none_of_an_id_token(base, issuers):
    environment = {
        **base, "ARM_USE_OIDC": "true", "ARM_OIDC_REQUEST_URL": f"{issuers.url}/api/v1/users",
        "ARM_OIDC_REQUEST_TOKEN": REQUEST_TOKEN, "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID": CONNECTION,
    }  # fmt: skip

    fail(GraphTokens(environment).token, "ARM_OIDC_REQUEST_URL: ", "/api/v1/users is no address of an ID token")
    assert issuers.asked == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"ARM_CLIENT_CERTIFICATE_PASSWORD": "another"}, "ARM_CLIENT_CERTIFICATE_PASSWORD"),
        ({"ARM_CLIENT_CERTIFICATE_PASSWORD": ""}, "ARM_CLIENT_CERTIFICATE_PASSWORD"),
        ({"ARM_CLIENT_CERTIFICATE": base64.b64encode(b"no archive").decode()}, "ARM_CLIENT_CERTIFICATE_PASSWORD"),
        ({"ARM_CLIENT_CERTIFICATE": base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode()}, "PEM"),
    ],
    ids=["another password", "no password", "no archive", "pem"],
)
def test_an_archive_that_cannot_be_opened_is_told(make_environment, key, change, says):
    environment = {**make_environment("certificate", key), **change}

    fail(lambda: GraphTokens(environment), "ARM_CLIENT_CERTIFICATE: is ", says)


@pytest.mark.parametrize("client_id", [CLIENT, ""])
def test_the_identity_of_the_machine_reads_the_directory_with_one_token(open_directory, base, machine, client_id):
    environment = {
        **base, "ARM_CLIENT_ID": client_id, "ARM_USE_MSI": "true", "ARM_MSI_ENDPOINT": f"{machine.url}{MACHINE}",
        "HTTP_PROXY": "http://127.0.0.1:1",
    }  # fmt: skip
    directory = open_directory(environment)

    assert len(directory.read_users()) == 3
    assert len(directory.read_deleted_users()) == 0
    assert machine.asked == [f"GET {MACHINE}"]


def test_the_machine_is_asked_past_every_proxy(base, machine, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    environment = {**base, "ARM_USE_MSI": "true", "ARM_MSI_ENDPOINT": f"{machine.url}{MACHINE}"}

    assert GraphTokens(environment).token() == machine.machine_token


def test_a_machine_under_update_is_waited_for(base, machine):
    tokens = GraphTokens({**base, "ARM_USE_MSI": "true", "ARM_MSI_ENDPOINT": f"{machine.url}{MACHINE}"})
    machine.answers = [(410, "{}"), (429, "{}"), (500, "{}")]

    assert tokens.token() == machine.machine_token


@pytest.mark.parametrize(
    ("change", "answers", "says"),
    [
        ({"ARM_CLIENT_ID": "44444444-4444-4444-4444-444444444444"}, [], "400 Identity not found"),
        ({}, [(200, '{"access_token": "eyJhbGciOiJSUzI1NiJ9"}')], "expires_in"),
        ({}, [(404, "{}")], "404"),
        ({"ARM_MSI_ENDPOINT": "http://127.0.0.1:1/token"}, [], "no answer from 127.0.0.1"),
    ],
)
def test_a_machine_without_a_token_is_told(base, machine, change, answers, says):
    environment = {**base, "ARM_USE_MSI": "true", "ARM_MSI_ENDPOINT": f"{machine.url}{MACHINE}", **change}
    machine.answers = answers

    fail(GraphTokens(environment).token, "ARM_USE_MSI, ARM_MSI_ENDPOINT, ARM_CLIENT_ID: ", says)


@pytest.mark.parametrize("endpoint", ["127.0.0.1/token", "ftp://127.0.0.1/token", "http://", "http://x?y"])
def test_an_endpoint_of_a_machine_that_is_none_is_told(base, endpoint):
    tokens = GraphTokens({**base, "ARM_USE_MSI": "true", "ARM_MSI_ENDPOINT": endpoint})

    fail(tokens.token, "ARM_MSI_ENDPOINT: ", "is no URL")


@pytest.fixture
def install_cli(tmp_path, monkeypatch):
    """Put an `az` on the path that notes its arguments and does what the script says."""

    def install_cli(script):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        az = folder / "az"
        az.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n{script}\n')
        az.chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        return tmp_path / "asked"

    return install_cli


def test_the_user_of_the_azure_cli_reads_the_directory_with_one_token(open_directory, sandbox, base, install_cli):
    token = GraphTokens(sandbox.environment).token()
    asked = install_cli(f"""echo '{{"accessToken": "{token}", "expires_on": 4102444800}}'""")
    directory = open_directory({**base, "ARM_USE_CLI": "true"})

    assert len(directory.read_users()) == 3
    assert len(directory.read_deleted_users()) == 0
    words = asked.read_text().splitlines()
    assert words == [
        f"account get-access-token --output json --resource {sandbox.url} --tenant {base['ARM_TENANT_ID']}"
    ]


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo 'ERROR: Please run az login' >&2; exit 1", "run 'az login'"),
        ("printf 'ERROR: AADSTS50076: due to a\\nconfiguration change' >&2; exit 1", "AADSTS50076: due to a config"),
        ("""echo '{"accessToken":"eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln"}'""", "Unexpected output"),
        ("exit 127", "not found"),
        (None, "not found"),
    ],
    ids=["not logged in", "refused", "another shape", "broken", "not there"],
)
def test_an_azure_cli_that_gives_no_token_is_told(base, install_cli, monkeypatch, tmp_path, script, says):
    if script is None:
        monkeypatch.setenv("PATH", str(tmp_path))
    else:
        install_cli(script)

    fail(GraphTokens({**base, "ARM_USE_CLI": "true"}).token, "ARM_USE_CLI: the Azure CLI gives no token: ", says)


def test_a_program_that_logs_everything_logs_no_token_of_the_azure_cli(base, install_cli):
    install_cli("""echo '{"accessToken":"eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln"}'""")
    tokens = GraphTokens({**base, "ARM_USE_CLI": "true"})
    log = logging.StreamHandler(io.StringIO())
    logging.getLogger().addHandler(log)
    try:
        fail(tokens.token, "ARM_USE_CLI")
    finally:
        logging.getLogger().removeHandler(log)

    assert "eyJ" not in log.stream.getvalue()


def test_nothing_set_at_all_names_the_ways_to_sign_in(base, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    nothing = {name: base[name] for name in ("ARM_METADATA_HOSTNAME", "SSL_CERT_FILE")}

    fail(
        GraphTokens(nothing).token, "ARM_USE_CLI: ", "not found", "ARM_CLIENT_SECRET", "ARM_CLIENT_CERTIFICATE_PATH",
        "ARM_USE_OIDC", "ARM_USE_MSI", "az login",
    )  # fmt: skip


@pytest.mark.parametrize(("kind", "caller"), [("id token", "ARM_CLIENT_ID"), ("machine", "ARM_USE_MSI")])
def test_a_missing_permission_names_who_lacks_it(open_directory, sandbox, base, machine, key, kind, caller):
    world = make_world(directory=3)
    world["directory"]["clients"][0]["roles"] = ["Group.Read.All"]
    trusted = {"issuer": ISSUER, "subject": SUBJECT, "key": key.public_pem}
    world["directory"]["clients"][0]["federatedCredentials"] = [trusted]
    sandbox.load(world)
    machine.machine_token = GraphTokens(sandbox.environment).token()
    environment = {
        "id token": {**base, "ARM_USE_OIDC": "true", "ARM_OIDC_TOKEN": key.sign()},
        "machine": {**base, "ARM_USE_MSI": "true", "ARM_MSI_ENDPOINT": f"{machine.url}{MACHINE}"},
    }[kind]

    fail(open_directory(environment).read_users, f"{caller}: ", "application permission User.Read.All")


@pytest.mark.parametrize(("kind", "proof"), [("github", "ARM_OIDC_REQUEST_TOKEN"), ("certificate", "CERTIFICATE")])
def test_a_token_that_graph_refuses_names_what_proved_it(open_directory, sandbox, make_environment, key, kind, proof):
    directory = open_directory(make_environment(kind, key))
    directory.read_users()
    sandbox.load(make_world())  # the sandbox forgets its tokens

    fail(directory.read_users, proof, "refused the token")


@pytest.mark.parametrize("kind", KINDS)
def test_no_way_to_sign_in_shows_its_secret_when_it_is_printed(make_environment, key, kind):
    environment = make_environment(kind, key)
    tokens = GraphTokens(environment)
    printed = " ".join(f"{thing!r} {thing}" for thing in (tokens, tokens.flow, tokens._credential))

    names = ("ARM_OIDC_TOKEN", "ARM_CLIENT_CERTIFICATE", "ARM_CLIENT_CERTIFICATE_PASSWORD", "SYSTEM_ACCESSTOKEN")
    for name in (*names, "ACTIONS_ID_TOKEN_REQUEST_TOKEN"):
        if environment.get(name):
            assert environment[name] not in printed
    assert str(key.archive())[2:40] not in printed
