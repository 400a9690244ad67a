import os
from collections.abc import Callable, Iterator

import pytest
import stamina
from client.processes import Provider, Spares
from client.worlds import (
    API_KEY,
    CLIENT_SECRET,
    DIRECTORY_SECRET,
    DISPATCH_TOKEN,
    LICENSE,
    LICENSE_KEY,
    TENANT_ID,
    WEBHOOK_SECRET,
    mail_of,
    make_world,
)
from harness import Sandbox

from qlik_provider.client import QlikClient
from qlik_provider.credentials import qlik_tokens
from qlik_provider.graph import GraphClient
from qlik_provider.graph_credentials import GraphTokens
from qlik_provider.tenant import Tenant
from qlik_provider.transport import ATTEMPTS

OURS = ("QLIK_", "ARM_", "PULUMI_")
CANARIES = (
    *(CLIENT_SECRET, DIRECTORY_SECRET, API_KEY, LICENSE_KEY, WEBHOOK_SECRET, DISPATCH_TOKEN),
    *("Bearer ey", "eyJ"),
)


@pytest.fixture(autouse=True)
def _environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that the sandbox's file asks for, and nothing else of ours."""
    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(autouse=True)
def _world(sandbox: Sandbox) -> None:
    """A world in which nobody holds anything; a test that wants another one loads it."""
    sandbox.load(make_world())


@pytest.fixture(autouse=True)
def _haste() -> Iterator[None]:
    """As many attempts as ever, without the waits between them."""
    with stamina.set_testing(True, attempts=ATTEMPTS):
        yield


@pytest.fixture
def expect(sandbox: Sandbox) -> Callable[..., None]:
    """Let something go wrong in the sandbox."""

    def expect(path: str = "", **fault: object) -> None:
        sandbox.control.post("/faults", json={"path": path, **fault}).raise_for_status()

    return expect


@pytest.fixture
def open_client(sandbox: Sandbox) -> Iterator[Callable[..., QlikClient]]:
    """Open the tenant as the client of the environment, or as another caller."""
    opened: list[QlikClient] = []

    def open_client(url: str = sandbox.url, **environment: str) -> QlikClient:
        opened.append(QlikClient(url, qlik_tokens(url, environment or sandbox.environment)))
        return opened[-1]

    yield open_client
    for client in opened:
        client._http.close()


@pytest.fixture
def client(open_client) -> QlikClient:
    return open_client()


@pytest.fixture
def tenant(client: QlikClient) -> Tenant:
    return Tenant(client)


@pytest.fixture
def directory(sandbox: Sandbox) -> Iterator[GraphClient]:
    client = GraphClient(GraphTokens(sandbox.environment))
    yield client
    client._http.close()


@pytest.fixture
def asked(sandbox: Sandbox) -> Callable[..., list[str]]:
    """Tell what was asked of the sandbox: `method path` of each request, those of one service, or the writes."""

    def asked(service: str = "", *, writes: bool = False) -> list[str]:
        return [
            f"{request['method']} {request['path']}"
            for request in sandbox.requests()
            if service in {"", request["service"]} and (request["writes"] or not writes)
        ]

    return asked


def assert_discreet(shown: str) -> None:
    assert "Traceback" not in shown
    for canary in CANARIES:
        assert canary not in shown


@pytest.fixture(scope="module")
def make_provider(tmp_path_factory, sandbox, warm_python) -> Callable[..., Provider]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}

    def make_provider(**environment: str) -> Provider:
        known = {**inherited, **sandbox.environment, "QLIK_WEBHOOK_SECRET": WEBHOOK_SECRET, **environment}
        return Provider(tmp_path_factory.mktemp("process"), known, python=str(warm_python.folder / "bin" / "python"))

    return make_provider


@pytest.fixture(scope="module")
def spares(make_provider) -> Iterator[Spares]:
    spares = Spares(make_provider)
    yield spares
    spares.close()


@pytest.fixture
def start(make_provider, spares) -> Iterator[Callable[..., Provider]]:
    """Start a provider process; whatever happens in it, it shows no traceback and no secret."""
    started: list[Provider] = []

    def start(kind: str = "LicenseAssignments", **environment: str) -> Provider:
        started.append(make_provider(**environment) if environment else spares.take())
        started[-1].kind = kind
        return started[-1]

    yield start
    for provider in started:
        assert_discreet(provider.stop())


@pytest.fixture
def provider(start) -> Provider:
    return start()


@pytest.fixture
def members_provider(start) -> Provider:
    return start("DirectoryMembers")


@pytest.fixture(scope="module")
def _shared(spares) -> Iterator[Provider]:
    provider = spares.take()
    yield provider
    assert_discreet(provider.stop())


@pytest.fixture
def shared(_shared) -> Provider:
    """A process for calls that read nothing, or nothing but the world in which nobody holds anything."""
    _shared.engine.told.clear()
    return _shared


@pytest.fixture
def seats(sandbox) -> Callable[..., dict]:
    """Write the inputs of LicenseAssignments: `{subject: "type via keys"}`."""

    def seats(people: dict[str, str], rules=None, sources=None, doubt=None, **others) -> dict:
        return {
            "tenant": sandbox.url,
            "tenantId": TENANT_ID,
            "license": LICENSE,
            "assignments": {who: f"{text} for {mail_of(who)}" for who, text in people.items()},
            "rules": {"order": "professional, analyzer", **(rules or {})},
            "doubt": doubt or {},
            "sources": sources or {},
            **others,
        }

    return seats
