import base64

import pytest
from serving import CLIENT, WORLD

SECRET = "sandbox-client-secret"
LICENSES = "/api/v1/licenses/assignments"


def mint(client, **fields):
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET} | fields
    return client.post("/oauth/token", json=form)


def ask(client, token, path=LICENSES):
    return client.get(path, headers={"Authorization": f"Bearer {token}"} if token else {})


def test_a_token_is_given_for_json_form_and_basic_credentials(everyone):
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    basic = {"Authorization": f"Basic {base64.b64encode(f'{CLIENT}:{SECRET}'.encode()).decode()}"}
    answers = [
        everyone.post("/oauth/token", json=form),
        everyone.post("/oauth/token", data=form),
        everyone.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=basic),
    ]

    for answer in answers:
        assert answer.status_code == 200
        assert ask(everyone, answer.json()["access_token"]).status_code == 200


def test_a_token_answer_has_the_shape_of_the_sample(everyone):
    body = mint(everyone, scope="admin_classic").json()

    assert set(body) == {"access_token", "token_type", "scope", "expires_at", "expires_in"}
    assert body["token_type"] == "bearer"
    assert body["scope"] == "admin_classic"
    assert body["expires_in"] == 21600
    assert body["expires_at"].startswith("2026-11-02T14:00:")


def test_an_empty_scope_inherits_what_the_client_may_have(everyone):
    assert mint(everyone).json()["scope"] == "admin_classic user_default"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"client_secret": "wrong"}, 401),
        ({"client_id": "nobody"}, 401),
        ({"grant_type": "password"}, 400),
        ({"scope": "admin.users"}, 400),
    ],
)
def test_a_token_refused_carries_its_status_as_a_string(everyone, fields, status):
    answer = mint(everyone, **fields)

    assert answer.status_code == status
    assert answer.json()["errors"][0]["status"] == str(status)


@pytest.mark.parametrize("token", ["", "unknown", "old-api-key"])
def test_a_missing_unknown_or_expired_token_is_unauthorized(everyone, token):
    assert ask(everyone, token).status_code == 401
    assert ask(everyone, token, "/api/v1/users").status_code == 401


def test_a_token_expires_by_the_clock_of_the_sandbox(control):
    token = mint(control).json()["access_token"]

    control.put("/_sandbox/clock", json={"advance": 21599 - 60})
    assert ask(control, token).status_code == 200
    control.put("/_sandbox/clock", json={"advance": 120})
    assert ask(control, token).status_code == 401


@pytest.mark.parametrize("path", [LICENSES, "/api/v1/licenses/overview", "/api/v1/roles"])
def test_a_token_without_admin_classic_may_not_administer(everyone, path):
    token = mint(everyone, scope="user_default").json()["access_token"]

    assert ask(everyone, token, path).status_code == 403
    assert ask(everyone, token, "/api/v1/spaces").status_code == 200


def test_an_api_key_has_the_roles_of_its_user(everyone):
    assert ask(everyone, "member-api-key").status_code == 403
    assert ask(everyone, "member-api-key", "/api/v1/users").status_code == 200


def test_only_an_administrator_sees_the_roles_of_others(everyone, tenant):
    seen = ask(everyone, "member-api-key", "/api/v1/users").json()["data"]

    assert all("assignedRoles" not in user for user in seen)
    assert all("assignedRoles" in user for user in tenant.get("/api/v1/users").json()["data"])


def test_the_first_token_of_a_client_creates_its_bot(everyone):
    token = mint(everyone).json()["access_token"]
    moved = ask(everyone, token, "/api/v1/users/me")

    assert moved.status_code == 301
    assert moved.headers["content-type"].startswith("text/html")
    me = ask(everyone, token, moved.headers["location"]).json()
    assert me["subject"] == f"qlikbot\\{CLIENT}"
    assert me["clientId"] == CLIENT
    assert "email" not in me


def test_the_number_of_tokens_minted_is_in_the_request_log(control):
    mint(control)
    mint(control)

    calls = [call for call in control.get("/_sandbox/requests").json() if call["path"] == "/oauth/token"]
    assert [(call["status"], call["caller"], call["writes"]) for call in calls] == [(200, CLIENT, False)] * 2


def test_the_tenant_names_its_hostnames_original_first(served, tenant):
    port = served.url.rpartition(":")[2]
    body = tenant.get("/api/v1/tenants/me").json()

    assert body["id"] == WORLD["tenant"]["id"]
    assert body["hostnames"] == [f"127.0.0.1:{port}", f"localhost:{port}"]
