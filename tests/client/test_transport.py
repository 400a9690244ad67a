"""What may leave the process, what is tried again, and what counts as an answer."""

import time
import traceback

import httpx
import pytest
import stamina
from client.worlds import ADD, GROUP, person
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from qlik_provider.errors import AnswerLost, ApiError, NoEvidence, NotFound, ServiceBroken, WriteRefused
from qlik_provider.transport import ATTEMPTS, LONGEST_WAIT, open_http, read_date, send
from qlik_provider.wire import decipher

TENANT = "/api/v1/tenants/me"
LIST = "/api/v1/users"

WRITES = [
    ("POST", ADD),
    ("POST", "/api/v1/licenses/assignments/actions/update"),
    ("POST", "/api/v1/licenses/assignments/actions/delete"),
    ("PUT", "/api/v1/licenses/settings"),
    ("POST", "/api/v1/users"),
    ("PATCH", "/api/v1/users/6f1c"),
    ("DELETE", "/api/v1/users/6f1c"),
    ("POST", "/api/v1/users/actions/invite"),
    ("POST", "/api/v1/users/actions/filter/invite"),
    ("POST", "/api/v1/users/actions/filter/../invite"),
    ("POST", "/api/v1/groups"),
    ("PATCH", "/api/v1/groups/6f1c"),
    ("POST", "/api/v1/spaces/6f1c/assignments"),
    ("DELETE", "/api/v1/spaces/6f1c/assignments/1"),
    ("POST", "/api/v1/oauth-tokens"),
    ("POST", "/api/v1/oauth/token"),
    ("POST", "/v1.0/groups"),
    ("PATCH", f"/v1.0/groups/{GROUP}"),
    ("DELETE", f"/v1.0/groups/{GROUP}"),
    ("POST", f"/v1.0/groups/{GROUP}/members/$ref"),
    ("DELETE", f"/v1.0/groups/{GROUP}/members/{person(1)}/$ref"),
    ("PATCH", f"/v1.0/users/{person(1)}"),
    ("DELETE", f"/v1.0/users/{person(1)}"),
    ("DELETE", f"/v1.0/directory/deletedItems/{person(1)}"),
    ("PUT", "/v1.0/servicePrincipals/1/synchronization/secrets"),
    ("POST", "/beta/servicePrincipals/1/synchronization/jobs/1/start"),
    ("POST", "/v2.0/$batch"),
    ("OPTIONS", "/api/v1/users"),
    ("PURGE", "/api/v1/users"),
]


@pytest.fixture
def http(sandbox):
    with open_http(sandbox.url, None) as http:
        yield http


@pytest.fixture
def writer(sandbox):
    with open_http(sandbox.url, None, may_write=True) as http:
        yield http


def ask(http: httpx.Client, method: str = "GET", path: str = TENANT, **content):
    return send("qlik", http, http.build_request(method, path, **content))


@pytest.fixture
def waits():
    """What is waited for; nobody waits here for more than two seconds."""
    seen: list[float] = []

    def note(details: RetryDetails) -> None:
        seen.append(details.wait_for)
        assert details.wait_for < 2

    set_on_retry_hooks([note])
    with stamina.set_testing(False):
        yield seen
    set_on_retry_hooks(None)


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_nothing_that_can_write_leaves_a_reading_client(http, sandbox, method, path):
    with pytest.raises(WriteRefused, match=method):
        http.request(method, path, json={})

    assert sandbox.requests() == []


@pytest.mark.parametrize("version", ["v1.0", "beta"])
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE", "get"])
def test_no_batch_leaves_a_reading_client_that_holds_a_write_beside_its_reads(http, sandbox, version, method):
    requests = [{"id": "1", "method": "GET", "url": "/users"}, {"id": "2", "method": method, "url": "/groups"}]

    with pytest.raises(WriteRefused):
        http.post(f"/{version}/$batch", json={"requests": requests})

    assert sandbox.requests() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"requests": [{}]}', b'{"requests": [1]}'])
def test_a_batch_that_cannot_be_understood_counts_as_a_write(http, sandbox, body):
    with pytest.raises(WriteRefused):
        http.post("/v1.0/$batch", content=body)

    assert sandbox.requests() == []


def test_the_clients_of_both_services_read_only(client, directory, asked):
    with pytest.raises(WriteRefused):
        client._http.post(ADD, json={"add": []})
    with pytest.raises(WriteRefused):
        directory._http.patch(f"/v1.0/groups/{GROUP}", json={})

    assert asked(writes=True) == []


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("GET", TENANT, {}),
        ("HEAD", TENANT, {}),
        ("POST", "/oauth/token", {"json": {}}),
        ("POST", "/11111111-1111-1111-1111-111111111111/oauth2/v2.0/token", {"data": {}}),
        ("POST", "/api/v1/users/actions/filter", {"json": {}}),
        ("POST", "/api/v1/groups/actions/filter", {"json": {}}),
        ("POST", "/v1.0/$batch", {"json": {"requests": [{"id": "1", "method": "GET", "url": "/users"}]}}),
    ],
)
def test_what_changes_nothing_passes_a_reading_client(http, asked, method, path, content):
    http.request(method, path, **content)

    assert asked() == [f"{method} {path}"]
    assert asked(writes=True) == []


def test_a_writing_client_writes(writer, asked):
    writer.post(ADD, json={"add": []})

    assert asked(writes=True) == [f"POST {ADD}"]


def test_a_server_nobody_vouches_for_is_told_nothing(sandbox, monkeypatch, tmp_path):
    (tmp_path / "ca.pem").write_text("")
    monkeypatch.delenv("SSL_CERT_FILE")

    with open_http(sandbox.url, None) as http, pytest.raises(ServiceBroken, match="certificate"):
        ask(http)

    assert sandbox.requests() == []


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_read_is_tried_again_after_a_transient_status(http, expect, sandbox, status):
    expect("metadata", status=status, count=2)

    assert ask(http, path="/metadata/endpoints")["name"] == "Sandbox"
    assert [request["status"] for request in sandbox.requests()] == [status, status, 200]


@pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
def test_a_read_is_tried_again_after_a_broken_connection(http, expect, sandbox, kind):
    expect("metadata", kind=kind, count=2)

    assert ask(http, path="/metadata/endpoints")["name"] == "Sandbox"
    assert [request["status"] for request in sandbox.requests()] == [0, 0, 200]


def test_a_read_is_given_up_after_six_attempts(http, expect, asked):
    expect("metadata", status=500, count=99)

    with pytest.raises(ServiceBroken, match="qlik: GET /metadata/endpoints: 500"):
        ask(http, path="/metadata/endpoints")

    assert len(asked()) == ATTEMPTS == 6


def test_a_read_waits_between_attempts_and_at_first_for_about_a_second_at_most(http, expect, waits):
    expect("metadata", status=500)

    ask(http, path="/metadata/endpoints")

    assert 0.1 <= waits[0] <= 1.1


@pytest.mark.parametrize("status", [429, 503])
def test_the_wait_is_what_the_service_asks_for(http, expect, waits, status):
    expect("metadata", status=status, headers={"Retry-After": "1"})
    started = time.monotonic()

    assert ask(http, path="/metadata/endpoints")

    assert waits == [1.0]
    assert 1 <= time.monotonic() - started < 3


def test_a_service_that_asks_for_a_longer_wait_than_any_is_given_up_on(http, expect, waits, asked):
    expect("metadata", status=429, headers={"Retry-After": str(int(LONGEST_WAIT) + 1)}, count=9)

    with pytest.raises(ServiceBroken, match="429"):
        ask(http, path="/metadata/endpoints")

    assert waits == []
    assert len(asked()) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_write_is_tried_again_when_the_service_says_it_did_nothing(writer, expect, sandbox, status):
    expect(ADD, status=status, headers={"Retry-After": "1"}, count=2)
    expect(ADD, status=207, body={"data": []})

    assert ask(writer, "POST", ADD, json={"add": []}) == {"data": []}
    assert [request["status"] for request in sandbox.requests()] == [status, status, 207]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset-before"},
        {"kind": "reset-after"},
        *({"status": status} for status in (408, 500, 502, 503, 504)),
    ],
    ids=lambda fault: str(*fault.values()),
)
def test_a_write_is_sent_once_when_its_answer_is_lost(writer, expect, asked, fault):
    expect(ADD, **fault)

    with pytest.raises(AnswerLost, match=f"qlik: POST {ADD}"):
        ask(writer, "POST", ADD, json={"add": []})

    assert asked() == [f"POST {ADD}"]


def test_a_write_that_found_nobody_is_not_lost():
    with open_http("https://127.0.0.1:1", None, may_write=True) as http, pytest.raises(ServiceBroken):
        ask(http, "POST", ADD, json={})


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refusal_is_not_repeated(writer, expect, asked, method, status):
    expect(ADD, status=status, body={"errors": [{"code": "LICENSES-1", "title": "No"}]})

    with pytest.raises(ApiError, match=f"qlik: {method} {ADD}: {status} LICENSES-1 No") as caught:
        ask(writer, method, ADD)

    assert (caught.value.status, caught.value.code) == (status, "LICENSES-1")
    assert len(asked()) == 1


def test_no_redirect_is_followed(http, expect, asked):
    expect("metadata", status=302, headers={"Location": "/elsewhere"})

    with pytest.raises(ApiError, match="302"):
        ask(http, path="/metadata/endpoints")

    assert asked() == ["GET /metadata/endpoints"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "wrong-type"},
        {"kind": "empty-200"},
        {"status": 200, "body": '{"name": '},
        {"status": 200, "body": "name", "headers": {"x": "y"}},
    ],
    ids=["wrong-type", "empty", "cut", "no JSON"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_answer_that_is_no_json_proves_nothing(writer, expect, asked, method, fault):
    expect("metadata", **fault)

    with pytest.raises(NoEvidence, match=f"qlik: {method} /metadata/endpoints: 200"):
        ask(writer, method, "/metadata/endpoints")

    assert len(asked()) == 1


def test_an_answer_that_has_no_body_is_nothing(http, expect):
    expect("metadata", status=204)

    assert ask(http, path="/metadata/endpoints") is None


def test_the_time_is_that_of_the_answer(http):
    assert read_date(http.get(TENANT)).isoformat().startswith("2026-11-02T08:00:")


def test_an_answer_without_a_time_has_ours():
    assert abs(read_date(httpx.Response(200)).timestamp() - time.time()) < 5


@pytest.mark.parametrize(
    ("body", "says", "code"),
    [
        ({"errors": [{"code": "USERS-7", "title": "Not found", "detail": "x"}]}, "404 USERS-7 Not found x", "USERS-7"),
        ({"error": {"code": "Gone", "message": "No group"}}, "404 Gone: No group", "Gone"),
        (
            {"error": "invalid_client", "error_description": "AADSTS1: no\nTrace"},
            "404 AADSTS1: no Trace",
            "invalid_client",
        ),
        ({"error": "invalid_client"}, "404 invalid_client", "invalid_client"),
        ({"error": "invalid_client", "error_description": ""}, "404 invalid_client", "invalid_client"),
        ({"errors": [{"code": "A", "title": "two\nlines"}]}, "404 A two lines", "A"),
        ({"error": {"code": "A", "message": "two\r\nlines"}}, "404 A: two lines", "A"),
        ({"errors": []}, "404 Not Found", ""),
        ({"errors": "none"}, "404 Not Found", ""),
        ([], "404 Not Found", ""),
        ("<html>", "404 Not Found", ""),
        (None, "404 Not Found", ""),
    ],
)
def test_the_reason_of_a_refusal_is_the_services_own(http, expect, body, says, code):
    expect("metadata", status=404, body=body)

    with pytest.raises(NotFound) as caught:
        ask(http, path="/metadata/endpoints")

    assert str(caught.value) == f"qlik: GET /metadata/endpoints: {says}"
    assert caught.value.code == code


@pytest.mark.parametrize("kind", ["text/html", "text/plain", None])
def test_json_under_another_content_type_proves_nothing(kind):
    """A proxy's page may well be JSON too."""
    answer = httpx.Response(200, content=b'{"data": []}', headers={"Content-Type": kind} if kind else {})

    with pytest.raises(NoEvidence, match=f"qlik: GET {LIST}: 200 without JSON"):
        decipher("qlik", httpx.Request("GET", f"https://contoso.qlik.test{LIST}"), answer)


# Secrets that a service repeats.

SAID = "it was {secret} that you sent"
BODIES = {
    "qlik": lambda text: {"errors": [{"code": "X-1", "title": text, "detail": text}]},
    "graph": lambda text: {"error": {"code": "Bad", "message": text}},
    "oauth": lambda text: {"error": "invalid_client", "error_description": text},
    "code": lambda text: {"errors": [{"code": text}]},
}


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 429, 500, 503])
def test_no_error_repeats_a_credential_of_its_request(status, body):
    token, secret = "tokenofthisprocess", "secretofthisclient"
    signed = httpx.Request("GET", "https://contoso.test/api/v1/users", headers={"Authorization": f"Bearer {token}"})
    minting = httpx.Request("POST", "https://contoso.test/oauth/token", json={"client_secret": secret})

    for request, canary in ((signed, token), (minting, secret)):
        response = httpx.Response(status, json=BODIES[body](SAID.format(secret=canary)), request=request)
        with pytest.raises(ApiError) as raised:
            decipher("qlik", request, response)
        shown = "".join(traceback.format_exception(raised.value))
        assert canary not in shown + raised.value.code + repr(vars(raised.value))
        assert SAID.format(secret="(concealed)") in shown or body == "code"


def test_a_form_that_asks_for_a_token_is_left_as_it_is():
    request = httpx.Request("POST", "https://contoso.test/oauth2/v2.0/token", data={"grant_type": "x"})

    with pytest.raises(ApiError, match="400 what it says"):
        decipher("entra", request, httpx.Response(400, json={"error": "what it says"}, request=request))
