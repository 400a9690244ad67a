"""Requests no client should send: each gets the refusal of the service, and never a failure of the sandbox."""

import base64
import json
import socket
import ssl

import pytest
from serving import CLIENT, DIRECTORY, READERS, WORLD, directory_token

USERS, ADD = "/api/v1/users", "/api/v1/licenses/assignments/actions/add"
DEEP = b"[" * 100_000 + b"]" * 100_000
NO_JSON = {
    "nothing": b"",
    "half": b'{"add": [',
    "not UTF-8": b'{"add": "\xff"}',
    "a lone surrogate": b'{"add": "\\ud800"}',
    "too deep": DEEP,
    "deeper than a handler follows": b'{"x": ' + b"[" * 150 + b"]" * 150 + b"}",
    "no number": b'{"add": NaN}',
    "beyond every number": b'{"add": 1e999}',
    "two values": b"{} {}",
}
_ROLES = ("Group", "User", "Application", "AppRoleAssignment", "Synchronization", "Directory")
_CLIENT = WORLD["directory"]["clients"][0] | {"roles": [f"{name}.ReadWrite.All" for name in _ROLES]}
ALLOWED = WORLD | {"directory": WORLD["directory"] | {"clients": [_CLIENT]}}
WRITES = [
    ("POST", ADD),
    ("PUT", "/api/v1/licenses/settings"),
    ("POST", USERS),
    ("PATCH", f"{USERS}/{{user}}"),
    ("POST", f"{USERS}/actions/filter"),
    ("POST", f"{USERS}/actions/invite"),
    ("POST", "/api/v1/groups"),
    ("POST", "/api/v1/roles"),
    ("POST", "/api/v1/spaces"),
    ("POST", "/api/v1/spaces/space01/assignments"),
    ("POST", "/api/v1/api-keys"),
    ("POST", "/api/v1/identity-providers"),
    ("POST", "/api/v1/oauth-clients"),
    ("POST", "/api/v1/webhooks"),
    ("POST", "/v1.0/groups"),
    ("PATCH", f"/v1.0/groups/{READERS}"),
    ("POST", f"/v1.0/groups/{READERS}/members/$ref"),
    ("POST", "/v1.0/users"),
    ("POST", "/v1.0/applications"),
    ("POST", "/v1.0/$batch"),
    ("POST", "/_sandbox/faults"),
    ("PUT", "/_sandbox/world"),
    ("PUT", "/_sandbox/clock"),
    ("PUT", "/_sandbox/limits"),
    ("POST", "/_sandbox/tamper"),
]


@pytest.fixture
def graph(control, graph_connection):
    """Graph, called by an application that may write whatever there is."""
    control.put("/_sandbox/world", json=ALLOWED).raise_for_status()
    graph_connection.headers["Authorization"] = f"Bearer {directory_token(control)}"
    return graph_connection


@pytest.fixture
def user(tenant):
    return tenant.get(USERS).json()["data"][0]["id"]


@pytest.fixture
def ask(tenant, graph, control, user):
    """What sends a request as a caller who may do it."""

    def ask(method, path, **options):
        client = {"/api": tenant, "/v1.": graph}.get(path[:4], control)
        return client.request(method, path.format(user=user), **options)

    return ask


def is_refusal(answer):
    """Say whether an answer has the envelope of its service."""
    path, body = answer.request.url.path, answer.json()
    if path.startswith("/_sandbox"):
        return bool(body["faults"])
    if path.startswith("/v1.0"):
        return bool(body["error"]["code"] and body["error"]["message"])
    if path.startswith(f"/{DIRECTORY}"):
        return bool(body["error"] and body["error_description"])
    return bool(body["errors"][0]["code"] and body["errors"][0]["title"])


def send(served, data):
    """Return the status line and the rest of what comes back for raw bytes."""
    context = ssl.create_default_context(cafile=served.ca)
    port = int(served.url.rpartition(":")[2])
    plain = socket.create_connection(("127.0.0.1", port), timeout=5)
    with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
        connection.sendall(data)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    return answer.partition(b"\r\n")[0], answer


@pytest.mark.parametrize(("method", "path"), WRITES, ids=lambda text: text)
def test_a_body_that_is_no_json_is_refused(ask, method, path):
    headers = {"Content-Type": "application/json"}
    answers = {name: ask(method, path, content=body, headers=headers) for name, body in NO_JSON.items()}

    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(NO_JSON, 400)
    assert all(map(is_refusal, answers.values()))


@pytest.mark.parametrize(("method", "path"), WRITES, ids=lambda text: text)
def test_json_of_another_shape_never_breaks_anything(ask, method, path):
    for body in (None, 1, "x", True, [[]], {"\0": "\0"}, [None], {"x": 10**400}):
        answer = ask(method, path, json=body)

        assert answer.status_code < 500, body
        assert answer.status_code < 400 or is_refusal(answer), body


@pytest.mark.parametrize(
    ("path", "status"), [(ADD, 413), ("/v1.0/groups", 413), (f"/{DIRECTORY}/oauth2/v2.0/token", 413)]
)
def test_a_body_beyond_every_measure_is_refused_and_the_connection_lives_on(ask, path, status):
    answer = ask("POST", path, content=b" " * 5_000_000)

    assert answer.status_code == status
    assert answer.json()
    assert ask("GET", USERS).status_code == 200


def test_a_user_beyond_500_kilobytes_is_refused(ask):
    answer = ask("POST", USERS, json={"subject": "x", "name": "x" * 501_000})

    assert answer.status_code == 413
    assert is_refusal(answer)


@pytest.mark.parametrize(
    "query",
    ["filter=%", "filter=%zz", "filter=%ff%fe", "next=%c3%28", "filter=%00", "%00=1"],
)
@pytest.mark.parametrize("path", [USERS, "/v1.0/users", "/_sandbox/requests"])
def test_a_query_that_is_no_percent_encoded_utf8_is_refused(ask, path, query):
    answer = ask("GET", f"{path}?{query}")

    assert answer.status_code == 400
    assert is_refusal(answer)


@pytest.mark.parametrize("name", ["%ff", "%c3%28", "a%00b", "%zz"])
@pytest.mark.parametrize("path", [USERS, "/v1.0/users", "/_sandbox/snapshots"])
def test_a_path_that_is_no_percent_encoded_utf8_is_refused(served, path, name):
    line, answer = send(served, f"GET {path}/{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())

    assert line == b"HTTP/1.1 400 Bad Request"
    assert answer.endswith(b"}")


def test_the_login_endpoint_refuses_an_address_in_its_own_words(everyone):
    answer = everyone.post(f"/{DIRECTORY}/oauth2/v2.0/token?a=%zz")

    assert answer.status_code == 400
    assert answer.json()["error_description"].startswith("AADSTS90013: Invalid input received from the user.")


def test_an_address_without_end_is_refused(ask):
    answer = ask("GET", f"{USERS}?filter={'x' * 40_000}")

    assert answer.status_code == 414
    assert is_refusal(answer)


@pytest.mark.parametrize(
    ("path", "allowed", "others"),
    [
        (USERS, "GET, POST", ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
        (ADD, "POST", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
        ("/api/v1/licenses/status", "GET", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
        ("/_sandbox/world", "GET, PUT", ["POST", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
    ],
)
def test_another_method_of_a_known_path_is_not_allowed(ask, path, allowed, others):
    for method in others:
        answer = ask(method, path)

        assert answer.status_code == 405, method
        assert answer.headers["allow"] == allowed
        assert method == "HEAD" or is_refusal(answer)


def test_graph_and_the_login_endpoint_say_so_in_their_own_words(ask, everyone):
    graph, login = ask("PUT", "/v1.0/groups"), everyone.get(f"/{DIRECTORY}/oauth2/v2.0/token")

    assert (graph.status_code, login.status_code) == (405, 405)
    assert graph.json()["error"]["message"] == "Specified HTTP method is not allowed for the request target."
    assert login.json()["error_description"].startswith("AADSTS900561: The endpoint only accepts POST requests.")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v1.0/domains", 501),
        ("PATCH", "/v1.0/domains/contoso.test", 501),
        ("DELETE", "/v1.0/domains/contoso.test", 501),
        ("DELETE", "/v1.0/groups", 405),
        ("PUT", f"/v1.0/groups/{READERS}", 405),
        ("POST", f"/v1.0/groups/{READERS}", 405),
    ],
)
def test_a_method_that_graph_may_have_is_not_said_to_be_forbidden(ask, method, path, status):
    assert ask(method, path).status_code == status


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/v1.0/nowhere", "/nowhere", "/_sandbox/nowhere", "/api", "/v1.0"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_path_nobody_plays_is_named_with_a_501(ask, method, path):
    answer = ask(method, path)

    assert answer.status_code == 501
    assert f"{method} {path} is not part of the sandbox" in answer.text


CURSORS = [
    "x", "====", "\u20ac", "x" * 9_000,
    *(base64.b64encode(f"next:{text}".encode()).decode() for text in (
        "[]", "{}", "[[1], {}]", "[1e300, 1]", "[1e999, 1]", "[100000000000000000000000, 1]", '["\\ud800", 1]',
        "[null, null]", "[true, 1]", "[" * 9_000,
    )),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/api/v1/licenses/assignments", "page"), (USERS, "next"), (USERS, "prev"), ("/api/v1/groups", "next"),
        ("/api/v1/roles", "next"), ("/api/v1/spaces", "next"), ("/api/v1/audits", "next"),
        ("/api/v1/webhooks", "next"), ("/api/v1/api-keys", "startingAfter"), ("/api/v1/items", "next"),
        ("/api/v1/oauth-clients", "next"), ("/api/v1/oauth-tokens", "page"), ("/v1.0/users", "$skiptoken"),
        ("/v1.0/groups", "$skiptoken"), (f"/v1.0/groups/{READERS}/members", "$skiptoken"),
    ],
)  # fmt: skip
def test_a_cursor_nobody_gave_out_is_refused_or_leads_to_an_end(ask, path, parameter):
    for cursor in CURSORS:
        answer = ask("GET", path, params={parameter: cursor})

        assert answer.status_code in {200, 400}, cursor
        assert answer.status_code == 200 or is_refusal(answer), cursor


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        (USERS, "limit"), ("/api/v1/licenses/assignments", "limit"), ("/api/v1/spaces", "limit"),
        ("/api/v1/audits", "limit"), ("/api/v1/items", "limit"), ("/api/v1/api-keys", "limit"),
        ("/v1.0/users", "$top"), ("/v1.0/groups", "$top"), ("/_sandbox/requests", "since"),
    ],
)  # fmt: skip
def test_a_number_that_is_none_is_refused(ask, path, parameter):
    for number in ("-1", "1.5", "x", "9" * 30, "9" * 5_000, "1e2"):
        answer = ask("GET", path, params={parameter: number})

        assert answer.status_code == 400, number
        assert is_refusal(answer), number


TOKENS = ["Bearer", "bearer x y", "Basic eDp5", "Basic \xff\xfe", "Bearer \xff\xfe", "Bearer a\tb", "x" * 9_000]


@pytest.mark.parametrize("token", TOKENS, ids=lambda text: ascii(text)[:20])
@pytest.mark.parametrize("path", [USERS, "/api/v1/licenses/overview", "/v1.0/users"])
def test_a_token_that_is_none_is_refused(everyone, path, token):
    answer = everyone.get(path, headers={"Authorization": token.encode("latin-1")})

    assert answer.status_code == 401
    assert is_refusal(answer)


@pytest.mark.parametrize("authorization", ["Basic", "Basic %%%", "Basic \xff\xfe", "Basic /w==", "Basic eA=="])
def test_a_secret_that_is_none_is_refused_where_tokens_are_minted(everyone, authorization):
    form = {"grant_type": "client_credentials"}
    headers = {"Authorization": authorization.encode("latin-1")}

    assert everyone.post("/oauth/token", data=form, headers=headers).status_code in {400, 401}


@pytest.mark.parametrize(
    "body", [b"\xff", b"a=%ff&client_id=%00", b"&&&=", b"grant_type=client_credentials&scope=\xff"]
)
@pytest.mark.parametrize("path", ["/oauth/token", f"/{DIRECTORY}/oauth2/v2.0/token"])
def test_a_form_that_is_none_is_refused(everyone, path, body):
    answer = everyone.post(path, content=body, headers={"Content-Type": "application/x-www-form-urlencoded"})

    assert answer.status_code in {400, 401}
    assert answer.json()["errors" if path == "/oauth/token" else "error"]


def test_a_token_of_the_tenant_ends_with_its_six_hours(control, everyone):
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": "sandbox-client-secret"}
    token = everyone.post("/oauth/token", data=form).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert everyone.get(USERS, headers=headers).status_code == 200

    control.put("/_sandbox/clock", json={"advance": 21_601})

    assert everyone.get(USERS, headers=headers).status_code == 401


def test_a_member_without_scopes_is_refused_what_only_administrators_may(served):
    with served.client("member-api-key") as member:
        answers = [member.get(f"/api/v1/{path}") for path in ("licenses/assignments", "identity-providers", "audits")]
        answers.append(member.post("/api/v1/roles", json={"name": "x"}))

    assert [answer.status_code for answer in answers] == [403] * len(answers)
    assert all(map(is_refusal, answers))


@pytest.mark.parametrize(
    "data",
    [
        b"GARBAGE\r\n\r\n",
        b"GET /api/v1/users HTTP/9.9\r\n\r\n",
        b"FETCH /api/v1/users HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /api/v1/\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /oauth/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_refused_as_such(served, everyone, data):
    line, _ = send(served, data)

    assert line.startswith(b"HTTP/1.1 400")
    assert everyone.get("/_sandbox/").status_code == 200


def test_a_body_that_breaks_off_changes_nothing(served, control, tenant):
    context = ssl.create_default_context(cafile=served.ca)
    body = json.dumps({"add": [{"subject": "half", "type": "analyzer"}]})
    head = f"POST {ADD} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer sandbox-api-key\r\n"
    plain = socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2])))
    with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
        connection.sendall(f"{head}Content-Length: {len(body) + 1}\r\n\r\n{body}".encode())

    rows = tenant.get("/api/v1/licenses/assignments").json()["data"]
    assert "half" not in {row["subject"] for row in rows}
    assert [call["path"] for call in control.get("/_sandbox/requests").json()] == ["/api/v1/licenses/assignments"]


def test_what_was_refused_at_the_border_stands_in_the_log(control, tenant):
    tenant.get(f"{USERS}?filter=%zz")

    (call,) = control.get("/_sandbox/requests").json()
    assert (call["path"], call["query"], call["status"]) == (USERS, "filter=%zz", 400)


@pytest.mark.parametrize("now", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "1969-01-01T00:00:00Z"])
def test_a_clock_never_goes_where_no_service_can_write_it(control, tenant, now):
    assert control.put("/_sandbox/clock", json={"now": now}).status_code == 400
    assert control.put("/_sandbox/world", json=WORLD | {"clock": now}).status_code == 400
    assert control.put("/_sandbox/clock", json={"advance": 1e300}).status_code == 400
    assert tenant.get(USERS).status_code == 200


def test_nobody_is_no_administrator(control):
    act = {"do": "revoke", "subject": "qlik\\malik", "type": "analyzer", "by": ""}

    assert control.post("/_sandbox/tamper", json=act).status_code == 400
