"""The program and the azuread plugin are one identity, whichever way they sign in."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import grpc
import pytest
from client.issuers import DEVOPS, GITHUB, ISSUER, MACHINE, REQUEST_TOKEN, SUBJECT, Key, serve_issuers
from client.processes import Engine
from client.worlds import DIRECTORY_ID, make_world
from google.protobuf import struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from qlik_provider.errors import CredentialsError
from qlik_provider.flows import choose_flow
from qlik_provider.graph_credentials import GraphTokens

pytestmark = pytest.mark.engine

SECRET_ONE, PROVED_ONE = (
    "22222222-2222-2222-2222-222222222222",
    "66666666-6666-4666-8666-666666666666",
)
OIDS = {SECRET_ONE: "33333333-3333-3333-3333-333333333333", PROVED_ONE: "77777777-7777-4777-8777-777777777777"}
PASSWORD = "sandbox-certificate-password"


@pytest.fixture(scope="module")
def plugin():
    """The newest installed plugin; as with every test of the engine, skipped where there is none."""
    found = sorted(Path("~/.pulumi/plugins").expanduser().glob("resource-azuread-v*/pulumi-resource-azuread"))
    if shutil.which("pulumi") is None or not found:
        pytest.skip("no azuread plugin")
    return found[0]


@pytest.fixture
def sign_in(plugin, sandbox):
    """Return the object id that the plugin acts as, or the error it starts with."""

    def sign_in(environment):
        engine = Engine()
        process = subprocess.Popen(
            [plugin, engine.address], env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            port = process.stdout.readline().strip()
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                stub = provider_pb2_grpc.ResourceProviderStub(channel)
                return _identify(stub, sandbox.url.removeprefix("https://"))
        finally:
            process.kill()
            process.communicate()
            engine.server.stop(0)

    return sign_in


def _identify(stub, host):
    inputs = struct_pb2.Struct()
    inputs.update({"metadataHost": host})
    urn = "urn:pulumi:dev::licenses::pulumi:providers:azuread::default"
    try:
        checked = stub.CheckConfig(provider_pb2.CheckRequest(urn=urn, news=inputs))
        if checked.failures:
            return f"error: {checked.failures[0].reason}"
        stub.Configure(provider_pb2.ConfigureRequest(args=checked.inputs, acceptSecrets=True))
        token = "azuread:index/getClientConfig:getClientConfig"
        answer = stub.Invoke(provider_pb2.InvokeRequest(tok=token, args=struct_pb2.Struct()))
    except grpc.RpcError as error:
        return f"error: {error.details()}"
    if answer.failures:
        return f"error: {answer.failures[0].reason}"
    return getattr(answer, "return")["objectId"]


def identify_us(environment):
    token = GraphTokens(environment).token().split(".")[1]
    return json.loads(base64.urlsafe_b64decode(token + "=="))["oid"]


def test_both_are_whom_the_variables_make_them(sandbox, sign_in, tmp_path):
    key = Key()
    world = make_world()
    first = world["directory"]["clients"][0]
    trusted = {"issuer": ISSUER, "subject": SUBJECT, "key": key.public_pem}
    proved = {"certificates": [key.certificate_pem], "federatedCredentials": [trusted]}
    world["directory"]["clients"].append(first | proved | {"id": PROVED_ONE, "oid": OIDS[PROVED_ONE]})
    sandbox.load(world)
    (tmp_path / "licenses.pfx").write_bytes(key.archive(PASSWORD))
    (tmp_path / "id-token").write_text(key.sign())
    inherited = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    base = inherited | sandbox.environment | {"ARM_CLIENT_ID": PROVED_ONE, "ARM_CLIENT_SECRET": ""}
    certificate = {
        "ARM_CLIENT_CERTIFICATE_PATH": str(tmp_path / "licenses.pfx"), "ARM_CLIENT_CERTIFICATE_PASSWORD": PASSWORD
    }  # fmt: skip
    oidc = {"ARM_USE_OIDC": "true"}
    machine_token = GraphTokens(sandbox.environment).token()
    with serve_issuers(key, Path(sandbox.environment["SSL_CERT_FILE"]).with_name("server.pem")) as pipeline:
        github = {
            **oidc,
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{pipeline.url}{GITHUB}?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": REQUEST_TOKEN,
        }
        devops = {
            **oidc,
            "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID": "55555555-5555-4555-8555-555555555555",
            "ARM_OIDC_REQUEST_URL": f"{pipeline.url}{DEVOPS}",
            "ARM_OIDC_REQUEST_TOKEN": REQUEST_TOKEN,
        }
        with serve_issuers(key) as machine:
            machine.machine_token = machine_token
            msi = {"ARM_USE_MSI": "true", "ARM_CLIENT_ID": "", "ARM_MSI_ENDPOINT": f"{machine.url}{MACHINE}"}
            flows = {
                "secret": {"ARM_CLIENT_ID": SECRET_ONE, "ARM_CLIENT_SECRET": "sandbox-directory-secret"},
                "certificate": certificate,
                "certificate before everything": certificate | github | {"ARM_CLIENT_SECRET": "wrong"},
                "id token": {**oidc, "ARM_OIDC_TOKEN": key.sign()},
                "id token in a file": {**oidc, "ARM_OIDC_TOKEN_FILE_PATH": str(tmp_path / "id-token")},
                "github": github,
                "devops": devops,
                "github before the machine": github | {"ARM_USE_MSI": "true", "ARM_MSI_ENDPOINT": "http://127.0.0.1:1"},
                "machine": msi,
            }
            ours = {name: identify_us(base | flow) for name, flow in flows.items()}
            theirs = {name: sign_in(base | flow) for name, flow in flows.items()}

    assert theirs == ours
    assert set(ours.values()) == set(OIDS.values())
    assert base["ARM_TENANT_ID"] == DIRECTORY_ID


def test_the_plugins_check_does_not_know_every_way_of_its_own(sandbox, sign_in, tmp_path):
    """When one of these signs in, credentials.md says less."""
    key = Key()
    (tmp_path / "value").write_text(key.sign())
    who = {"PATH": "/usr/bin:/bin", **sandbox.environment, "ARM_CLIENT_SECRET": ""}
    for variables in (
        {"ARM_CLIENT_CERTIFICATE": base64.b64encode(key.archive()).decode()},
        {"ARM_CLIENT_SECRET_FILE_PATH": str(tmp_path / "value")},
        {"ARM_USE_AKS_WORKLOAD_IDENTITY": "true", "ARM_OIDC_TOKEN_FILE_PATH": str(tmp_path / "value")},
        {
            "ARM_USE_OIDC": "true",
            "ARM_OIDC_AZURE_SERVICE_CONNECTION_ID": "x",
            "SYSTEM_OIDCREQUESTURI": "https://127.0.0.1:1",
            "SYSTEM_ACCESSTOKEN": "x",
        },
    ):
        assert choose_flow(who | variables)
        assert "no Authorizer could be configured" in sign_in(who | variables)


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"ARM_CLIENT_SECRET": "x", "ARM_CLIENT_SECRET_FILE_PATH": "/nowhere"},
        {"ARM_USE_OIDC": "true"},
        {"ARM_USE_AKS_WORKLOAD_IDENTITY": "true", "AZURE_FEDERATED_TOKEN_FILE": "/nowhere"},
    ],
    ids=["nothing", "a file that is not there", "no id token", "workload"],
)
def test_whom_the_variables_make_nobody_the_plugin_is_nobody_too(sandbox, sign_in, variables):
    environment = {"PATH": "/usr/bin:/bin", **sandbox.environment, "ARM_CLIENT_SECRET": "", **variables}

    with pytest.raises(CredentialsError):
        choose_flow(environment)
    assert sign_in(environment).startswith("error: ")
