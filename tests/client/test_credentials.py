"""Who we are: one token a process and service, and one line for what is missing or wrong."""

import time
import traceback
from concurrent.futures import ThreadPoolExecutor

import pytest
from client.worlds import API_KEY, CLIENT_ID, CLIENT_SECRET, DIRECTORY_SECRET, GROUP, LICENSE_KEY, make_world

from qlik_provider.credentials import ApiKey, BearerAuth, ClientCredentials, qlik_tokens
from qlik_provider.errors import CredentialsError, NoEvidence, QlikProviderError
from qlik_provider.graph_credentials import GraphTokens
from qlik_provider.tenant import Tenant

QLIK_TOKEN, GRAPH_TOKEN = "POST /oauth/token", "POST /11111111-1111-1111-1111-111111111111/oauth2/v2.0/token"
NOBODY = "https://127.0.0.1:1"


def assert_one_line(error: Exception, *parts: str) -> None:
    text = str(error)
    assert "\n" not in text
    for part in parts:
        assert part in text
    for secret in (CLIENT_SECRET, DIRECTORY_SECRET, API_KEY, LICENSE_KEY, "old-api-key", "wrong"):
        assert secret not in text


@pytest.mark.parametrize(
    ("environment", "variable"),
    [
        ({}, "QLIK_CLIENT_ID"),
        ({"QLIK_CLIENT_SECRET": "x"}, "QLIK_CLIENT_ID"),
        ({"QLIK_CLIENT_ID": "x"}, "QLIK_CLIENT_SECRET"),
        ({"QLIK_CLIENT_ID": "x", "QLIK_CLIENT_SECRET": ""}, "QLIK_CLIENT_SECRET"),
        ({"QLIK_API_KEY": "x", "QLIK_CLIENT_SECRET": "y"}, "QLIK_API_KEY"),
        ({"QLIK_API_KEY": "x", "QLIK_CLIENT_ID": "y", "QLIK_CLIENT_SECRET": "z"}, "QLIK_API_KEY"),
    ],
)
def test_missing_or_contradictory_variables_of_the_tenant_are_named(sandbox, environment, variable):
    with pytest.raises(CredentialsError, match=rf"^{variable}: ") as caught:
        qlik_tokens(sandbox.url, environment)

    assert caught.value.variable == variable
    assert sandbox.requests() == []


@pytest.mark.parametrize("variable", ["ARM_TENANT_ID", "ARM_CLIENT_ID", "ARM_CLIENT_SECRET"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_of_the_directory_is_named(sandbox, variable, value):
    environment = {**sandbox.environment, variable: value}

    with pytest.raises(CredentialsError, match=rf"^{variable}: is not set") as caught:
        GraphTokens({name: value for name, value in environment.items() if value is not None})

    assert_one_line(caught.value)
    assert sandbox.requests() == []


@pytest.mark.parametrize(("id", "secret"), [(CLIENT_ID, "wrong"), ("nobody", CLIENT_SECRET)])
def test_a_client_the_tenant_does_not_know_is_told_so(open_client, id, secret):
    client = open_client(QLIK_CLIENT_ID=id, QLIK_CLIENT_SECRET=secret)

    with pytest.raises(CredentialsError) as caught:
        client.read_tenant()

    assert_one_line(caught.value, "QLIK_CLIENT_ID, QLIK_CLIENT_SECRET: ", "does not accept this client", "401")


@pytest.mark.parametrize("key", ["old-api-key", "lost-api-key", "wrong-api-key"])
def test_an_api_key_that_expired_was_revoked_or_never_was_is_told_so(open_client, asked, key):
    client = open_client(QLIK_API_KEY=key)

    with pytest.raises(CredentialsError) as caught:
        client.read_overview()

    assert_one_line(caught.value, "QLIK_API_KEY", "refused the token", "ended or been revoked")
    assert len(asked()) == 1


def test_an_api_key_is_a_token(open_client, asked):
    client = open_client(QLIK_API_KEY=API_KEY)

    assert client.read_overview().status == "Ok"
    assert asked() == ["GET /api/v1/licenses/overview"]


@pytest.mark.parametrize("read", ["read_overview", "read_assignments"])
def test_a_missing_scope_is_named(sandbox, client, read):
    sandbox.load(make_world(scopes=["user_default"]))

    with pytest.raises(CredentialsError) as caught:
        getattr(client, read)()

    assert_one_line(caught.value, "QLIK_CLIENT_ID or QLIK_API_KEY: ", "admin_classic", "TenantAdmin", "/licenses/")


def test_an_alias_is_refused_and_the_hostname_given(sandbox, open_client):
    alias = sandbox.url.replace("127.0.0.1", "localhost")
    client = open_client(alias, **sandbox.environment)

    with pytest.raises(CredentialsError) as caught:
        _ = Tenant(client).id

    assert_one_line(caught.value, "qlik:tenant: ", "localhost", "is an alias", sandbox.url)


def test_the_hostname_is_no_alias_in_any_spelling(open_client, sandbox):
    client = open_client(f"{sandbox.url.replace('https', 'HTTPS')}/", **sandbox.environment)

    assert Tenant(client).id


@pytest.mark.parametrize("environment", [{"QLIK_API_KEY": "x"}, {"QLIK_CLIENT_ID": "x", "QLIK_CLIENT_SECRET": "y"}])
def test_a_tenant_that_cannot_be_reached_is_named(open_client, environment):
    with pytest.raises(QlikProviderError) as caught:
        open_client(NOBODY, **environment).read_tenant()

    assert_one_line(caught.value, "no answer from 127.0.0.1")


@pytest.mark.parametrize("url", ["https://not a host", "https://127.0.0.1:port", "https://", "127.0.0.1"])
def test_what_is_no_url_of_a_tenant_is_refused_in_one_line(open_client, url):
    with pytest.raises(QlikProviderError) as caught:
        open_client(url, QLIK_API_KEY="x").read_tenant()

    assert_one_line(caught.value)


def test_a_token_service_that_is_down_is_asked_no_more_often_than_any_other(client, expect, asked):
    expect("/oauth/token", status=503, count=99)

    with pytest.raises(QlikProviderError):
        client.read_tenant()

    assert asked() == [QLIK_TOKEN] * 6


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("ARM_CLIENT_SECRET", "wrong", "AADSTS7000215"),
        ("ARM_CLIENT_ID", "44444444-4444-4444-4444-444444444444", "AADSTS700016"),
        ("ARM_TENANT_ID", "44444444-4444-4444-4444-444444444444", "4444"),
        ("ARM_TENANT_ID", "contoso test", ""),
        ("ARM_TENANT_ID", "https://contoso.test", ""),
    ],
)
def test_a_service_principal_the_directory_does_not_know_is_told_so(sandbox, variable, value, says):
    with pytest.raises(CredentialsError) as caught:
        GraphTokens({**sandbox.environment, variable: value}).token()

    assert_one_line(caught.value, variable, says)
    assert "Trace ID" not in str(caught.value)


@pytest.mark.parametrize("path", ["/v2.0/.well-known/openid-configuration", "/oauth2/v2.0/token"])
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ({"kind": "truncated-json"}, "200 with broken JSON"),
        ({"kind": "invalid-json"}, "200 with broken JSON"),
        ({"kind": "empty-200"}, "200 with broken JSON"),
        ({"kind": "wrong-type"}, "200 without JSON"),
        ({"status": 200, "body": []}, "unexpected answer: the body"),
        ({"status": 200, "body": {"name": "another service"}}, "unexpected answer: "),
        ({"status": 302, "headers": {"Location": "/elsewhere"}}, "302"),
        ({"status": 500, "count": 99}, "500"),
        ({"status": 429, "count": 99, "headers": {"Retry-After": "3600"}}, "429"),
        ({"kind": "reset-after", "count": 99}, "no answer from 127.0.0.1"),
    ],
    ids=lambda value: next(iter(map(str, value.values()))) if isinstance(value, dict) else "",
)
def test_a_directory_that_gives_no_token_is_told_at_once_and_shows_none(sandbox, expect, path, fault, says):
    tokens = GraphTokens(sandbox.environment)
    expect(path, **fault)
    began = time.monotonic()

    with pytest.raises(CredentialsError) as caught:
        tokens.token()

    assert_one_line(
        caught.value, "ARM_TENANT_ID, ARM_CLIENT_ID, ARM_CLIENT_SECRET: the directory gives no token: ", says
    )
    assert "eyJ" not in "".join(traceback.format_exception(caught.value))
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_that_is_not_the_directorys_own_is_told_with_its_reason(sandbox, expect, status):
    tokens = GraphTokens(sandbox.environment)
    expect("/oauth2/v2.0/token", status=status, body="<p>Blocked by the proxy")

    with pytest.raises(CredentialsError) as caught:
        tokens.token()

    assert_one_line(caught.value, "the directory gives no token: /", f"/oauth2/v2.0/token: {status} ")


@pytest.mark.parametrize(
    "fault",
    [{"kind": "reset-before"}, {"kind": "reset-after"}, *({"status": status} for status in (408, 425, 429, 500, 503))],
    ids=lambda fault: str(*fault.values()),
)
def test_a_token_of_the_directory_is_asked_for_again(sandbox, expect, fault):
    tokens = GraphTokens(sandbox.environment)
    expect("/v2.0/", **fault, count=3)

    assert tokens.token().startswith("ey")


@pytest.mark.parametrize("host", ["127.0.0.1:1", "not a host", "https://127.0.0.1", "127.0.0.1:port"])
def test_a_metadata_host_that_is_none_is_named(sandbox, host):
    with pytest.raises(CredentialsError) as caught:
        GraphTokens({**sandbox.environment, "ARM_METADATA_HOSTNAME": host})

    assert_one_line(caught.value, "ARM_METADATA_HOSTNAME: ", host)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 404},
        {"kind": "wrong-type"},
        {"status": 200, "body": {"name": "another service"}},
        {"status": 200, "body": {"microsoftGraphResourceId": "/", "authentication": {"loginEndpoint": "http://x"}}},
        {"status": 200, "body": {"microsoftGraphResourceId": "https://x", "authentication": {"loginEndpoint": "x:"}}},
        {"status": 200, "body": []},
    ],
    ids=["nothing there", "a page", "another shape", "no graph", "no login", "a list"],
)
def test_a_metadata_host_that_describes_no_cloud_is_refused(sandbox, expect, fault):
    expect("/metadata/endpoints", **fault)

    with pytest.raises(CredentialsError) as caught:
        GraphTokens(sandbox.environment)

    assert_one_line(caught.value, "ARM_METADATA_HOSTNAME")


@pytest.mark.parametrize(
    ("roles", "permission", "read"),
    [
        (["Group.ReadWrite.All"], "User.Read.All", lambda directory: directory.read_users()),
        (["Group.ReadWrite.All"], "User.Read.All", lambda directory: directory.read_deleted_users()),
        (["User.Read.All"], "GroupMember.Read.All", lambda directory: directory.read_members(GROUP)),
    ],
)
def test_a_missing_permission_of_the_directory_is_named(sandbox, directory, roles, permission, read):
    world = make_world(members=[])
    world["directory"]["clients"][0]["roles"] = roles
    sandbox.load(world)

    with pytest.raises(CredentialsError) as caught:
        read(directory)

    assert_one_line(caught.value, "ARM_CLIENT_ID: ", permission)


def test_a_directory_that_refuses_its_own_token_is_told_so(sandbox, directory, asked):
    directory.read_users()
    sandbox.load(make_world())  # the sandbox forgets its tokens

    with pytest.raises(CredentialsError) as caught:
        directory.read_users()

    assert_one_line(caught.value, "ARM_CLIENT_SECRET: ", "refused the token", "401")


def test_one_token_serves_every_call_to_the_tenant(client, asked):
    reads = (client.read_tenant, client.read_overview, client.read_users, client.read_roles, client.read_spaces)
    with ThreadPoolExecutor() as pool:
        for read in [pool.submit(read) for read in reads * 3]:
            read.result()
    with client.writing() as writer:
        writer.add([])

    assert asked().count(QLIK_TOKEN) == 1
    assert asked()[0] == QLIK_TOKEN


def test_one_token_serves_every_call_to_the_directory(directory, asked):
    with ThreadPoolExecutor() as pool:
        for read in [pool.submit(read) for read in (directory.read_users, directory.read_deleted_users) * 3]:
            read.result()
    with directory.writing() as writer:
        writer.send([{"method": "GET", "url": "/users"}])

    assert asked("identity").count(GRAPH_TOKEN) == 1
    assert asked("identity").count("GET /metadata/endpoints") == 1


def test_a_token_is_renewed_five_minutes_before_it_ends(sandbox, asked):
    now = [1000.0]
    tokens = ClientCredentials(sandbox.url, CLIENT_ID, CLIENT_SECRET, clock=lambda: now[0])
    first = tokens.token()

    now[0] += 21_600 - 301
    assert tokens.token() == first
    now[0] += 2
    assert tokens.token() != first
    assert asked() == [QLIK_TOKEN] * 2


def test_a_token_that_is_refused_is_renewed_once_and_the_request_repeated(sandbox, client, asked):
    client.read_tenant()
    sandbox.control.put("/clock", json={"advance": 22_000}).raise_for_status()
    sandbox.forget()

    assert client.read_tenant().name == "contoso"
    assert asked() == ["GET /api/v1/tenants/me", QLIK_TOKEN, "GET /api/v1/tenants/me"]


def test_a_token_that_ended_is_renewed_once_however_many_notice(sandbox, client, asked):
    client.read_tenant()
    sandbox.control.put("/clock", json={"advance": 22_000}).raise_for_status()
    sandbox.forget()

    with ThreadPoolExecutor(8) as pool:
        for read in [pool.submit(client.read_tenant) for _ in range(8)]:
            read.result()

    assert asked().count(QLIK_TOKEN) == 1


def test_a_write_whose_token_is_refused_is_repeated_with_a_new_one(sandbox, client, asked):
    client.read_tenant()
    sandbox.control.put("/clock", json={"advance": 22_000}).raise_for_status()

    with client.writing() as writer:
        (item,) = writer.add([{"subject": "ana", "type": "analyzer"}])

    assert item.status == 201
    assert sandbox.rows() == {"ana": "analyzer"}
    assert asked().count(QLIK_TOKEN) == 2


def test_a_token_that_stays_refused_is_renewed_once(client, expect, asked):
    expect("/tenants/me", status=401, count=9)

    with pytest.raises(CredentialsError) as caught:
        client.read_tenant()

    assert_one_line(caught.value, "QLIK_API_KEY or QLIK_CLIENT_SECRET: ")
    assert asked() == [QLIK_TOKEN, "GET /api/v1/tenants/me", QLIK_TOKEN, "GET /api/v1/tenants/me"]


def test_a_secret_changed_meanwhile_is_told_so(sandbox, client):
    client.read_tenant()
    world = make_world(tenant={"clients": [{"id": CLIENT_ID, "secret": "another"}]})
    sandbox.load(world)

    with pytest.raises(CredentialsError) as caught:
        client.read_tenant()

    assert_one_line(caught.value, "QLIK_CLIENT_ID, QLIK_CLIENT_SECRET: ")


def test_a_write_with_a_revoked_key_names_the_variable(sandbox, open_client):
    client = open_client(QLIK_API_KEY="lost-api-key")

    with client.writing() as writer, pytest.raises(CredentialsError) as caught:
        writer.add([{"subject": "ana", "type": "analyzer"}])

    assert_one_line(caught.value, "QLIK_API_KEY")


def test_nothing_shows_a_secret_when_it_is_printed(sandbox, client, directory):
    tokens = qlik_tokens(sandbox.url, sandbox.environment)
    graph_tokens = GraphTokens(sandbox.environment)
    minted = [tokens.token(), graph_tokens.token()]
    with client.writing() as writer, directory.writing() as graph_writer:
        things = [
            tokens, graph_tokens, ApiKey(API_KEY), BearerAuth(tokens), client, directory, Tenant(client), writer,
            graph_writer, client._http, directory._http, client.read_overview(), graph_tokens._credential,
        ]  # fmt: skip
        printed = " ".join(text for thing in things for text in (repr(thing), str(thing), f"{thing}"))

    for secret in (CLIENT_SECRET, DIRECTORY_SECRET, API_KEY, LICENSE_KEY, *minted):
        assert secret not in printed
    assert sandbox.url in repr(client)


def show_failure(call) -> str:
    with pytest.raises(QlikProviderError) as caught:
        call()
    return "".join(traceback.format_exception(caught.value))


def test_no_traceback_shows_a_credential(sandbox, open_client):
    canary = "canary"
    wrong = {"QLIK_CLIENT_ID": CLIENT_ID, "QLIK_CLIENT_SECRET": canary}
    texts = [
        show_failure(open_client(**wrong).read_tenant),
        show_failure(open_client(QLIK_API_KEY=canary).read_overview),
        show_failure(open_client(NOBODY, **wrong).read_tenant),
        show_failure(GraphTokens({**sandbox.environment, "ARM_CLIENT_SECRET": canary}).token),
    ]

    for text in texts:
        assert canary not in text
        assert "Bearer ey" not in text


@pytest.mark.parametrize(
    ("path", "body"),
    [("/oauth/token", {"access_token": "canary"}), ("/overview", {"licenseKey": "canary"}), ("/overview", ["canary"])],
)
def test_no_traceback_shows_what_stood_in_an_answer_of_another_shape(client, expect, path, body):
    expect(path, status=200, body=body)

    assert "canary" not in show_failure(client.read_overview)


def test_a_token_of_another_shape_is_none(client, expect):
    expect("/oauth/token", status=200, body={"token": "x"})

    with pytest.raises(NoEvidence, match="/oauth/token"):
        client.read_tenant()


def test_the_environment_is_that_of_the_process(sandbox, monkeypatch):
    monkeypatch.setenv("QLIK_API_KEY", API_KEY)
    monkeypatch.delenv("QLIK_CLIENT_ID")
    monkeypatch.delenv("QLIK_CLIENT_SECRET")

    assert qlik_tokens(sandbox.url).token() == API_KEY
    assert GraphTokens().url == sandbox.url
