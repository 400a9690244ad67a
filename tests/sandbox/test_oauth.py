"""OAuth clients, their secrets and their tokens (qlik-api.md 8)."""

import base64
import json

import pytest
from serving import CLIENT, place

PATH = "/api/v1/oauth-clients"
TOKENS = "/api/v1/oauth-tokens"
SECRET = "sandbox-client-secret"
JWT = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
M2M = {
    "clientName": "Pipeline",
    "appType": "web",
    "allowedGrantTypes": ["client_credentials"],
    "allowedScopes": ["admin_classic", "user_default"],
}


def create(tenant, **body):
    answer = tenant.post(PATH, json=M2M | body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def trust(tenant, client):
    change = [{"op": "replace", "path": "/consentMethod", "value": "trusted"}]
    return tenant.patch(f"{PATH}/{client['clientId']}/connection-configs/me", json=change)


def mint(control, client=CLIENT, secret=SECRET, **fields):
    form = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret} | fields
    return control.post("/oauth/token", json=form)


def call(control, token, path="/api/v1/licenses/overview"):
    return control.get(path, headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_client_is_made_and_trusted_before_it_gets_a_token(control, tenant):
    client = create(tenant)
    secret = client["clientSecret"]

    assert mint(control, client["clientId"], secret).status_code == 403
    assert trust(tenant, client).status_code == 204
    answer = mint(control, client["clientId"], secret)

    assert answer.json()["scope"] == "admin_classic user_default"
    assert call(control, answer.json()["access_token"]) == 200
    bot = tenant.get("/api/v1/users", params={"filter": f'clientId eq "{client["clientId"]}"'}).json()["data"][0]
    assert (bot["name"], bot["subject"]) == ("Pipeline", f"qlikbot\\{client['clientId']}")


def test_a_client_may_be_trusted_from_the_start(control, tenant):
    client = create(tenant, connectionConfig={"consentMethod": "trusted"})

    assert mint(control, client["clientId"], client["clientSecret"]).status_code == 200


def test_trust_is_shown_and_taken_away(control, tenant):
    client = create(tenant)
    url = f"{PATH}/{client['clientId']}/connection-configs/me"
    assert tenant.get(url).json() == {"consentMethod": "required", "status": "active"}

    trust(tenant, client)
    assert tenant.get(url).json()["consentMethod"] == "trusted"
    assert tenant.delete(url).status_code == 204
    assert mint(control, client["clientId"], client["clientSecret"]).status_code == 403


def test_a_secret_is_shown_once_and_then_only_hinted_at(tenant):
    client = create(tenant)

    shown = tenant.get(f"{PATH}/{client['clientId']}").json()

    assert "clientSecret" not in shown
    assert [secret["hint"] for secret in shown["clientSecrets"]] == [client["clientSecret"][:5]]
    assert client["clientSecret"] not in json.dumps(shown)


def test_secrets_are_rotated_without_a_gap(control, tenant):
    client = create(tenant)
    trust(tenant, client)
    id, old = client["clientId"], client["clientSecret"]
    new = tenant.post(f"{PATH}/{id}/client-secrets").json()

    assert [mint(control, id, secret).status_code for secret in (old, new["clientSecret"])] == [200, 200]
    assert tenant.delete(f"{PATH}/{id}/client-secrets/{old[:5]}").status_code == 204
    assert [mint(control, id, secret).status_code for secret in (old, new["clientSecret"])] == [401, 200]
    assert tenant.delete(f"{PATH}/{id}/client-secrets/{old[:5]}").status_code == 404


def test_a_client_has_at_most_five_secrets(tenant):
    id = create(tenant)["clientId"]

    answers = [tenant.post(f"{PATH}/{id}/client-secrets").status_code for _ in range(5)]

    assert answers == [201, 201, 201, 201, 409]


def test_a_client_is_changed_by_its_paths(tenant):
    id = create(tenant)["clientId"]
    changes = [
        {"op": "replace", "path": "/clientName", "value": "Other"},
        {"op": "add", "path": "/allowedScopes", "value": ["admin.users"]},
        {"op": "replace", "path": "/description", "value": "of the pipeline"},
        {"op": "remove", "path": "/allowedGrantTypes"},
    ]

    assert tenant.patch(f"{PATH}/{id}", json=changes).status_code == 204
    shown = tenant.get(f"{PATH}/{id}").json()
    assert shown["clientName"] == "Other"
    assert shown["allowedScopes"] == ["admin_classic", "user_default", "admin.users"]
    assert (shown["description"], shown["allowedGrantTypes"]) == ("of the pipeline", [])


@pytest.mark.parametrize(
    "change",
    [
        {"op": "replace", "path": "/appType", "value": "spa"},
        {"op": "replace", "path": "/clientName", "value": 1},
        {"op": "replace", "path": "/allowedScopes", "value": "admin_classic"},
        {"op": "replace", "path": "/allowedGrantTypes", "value": ["password"]},
        {"op": "remove", "path": "/clientName"},
    ],
)
def test_a_change_that_does_not_fit_changes_nothing(tenant, change):
    id = create(tenant)["clientId"]
    good = {"op": "replace", "path": "/description", "value": "x"}

    assert tenant.patch(f"{PATH}/{id}", json=[good, change]).status_code == 400
    assert "description" not in tenant.get(f"{PATH}/{id}").json()


def test_a_method_by_secret_added_later_brings_a_secret(control, tenant):
    keys = {"allowedAuthMethods": ["private_key_jwt"], "publicKeys": [{"kid": "k1", "kty": "RSA"}]}
    client = create(tenant, **keys)
    assert "clientSecret" not in client
    trust(tenant, client)
    change = [{"op": "replace", "path": "/allowedAuthMethods", "value": ["private_key_jwt", "client_secret"]}]

    answer = tenant.patch(f"{PATH}/{client['clientId']}", json=change)

    assert answer.status_code == 202
    assert mint(control, client["clientId"], answer.json()["clientSecret"]).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"appType": "teapot"}, 400),
        ({"appType": "spa"}, 400),
        ({"allowedOrigins": ["https://contoso.test"]}, 400),
        ({"allowedAuthMethods": ["private_key_jwt"]}, 400),
        ({"clientName": ""}, 400),
        ({"connectionConfig": {"consentMethod": "required"}}, 400),
    ],
)
def test_a_client_that_cannot_be_is_refused(tenant, body, status):
    assert tenant.post(PATH, json=M2M | body).status_code == status


def test_clients_are_listed_filtered_and_sorted(tenant):
    for name in ("b", "a", "c"):
        create(tenant, clientName=name)

    first = tenant.get(PATH, params={"sort": "+clientName", "limit": 2, "totalResults": "true"}).json()
    second = tenant.get(first["links"]["next"]["href"]).json()
    found = tenant.get(PATH, params={"filter": 'clientName eq "C" and appType eq "web"'}).json()["data"]

    assert [client["clientName"] for client in first["data"] + second["data"]] == [CLIENT, "a", "b", "c"]
    assert first["totalResults"] == 4
    assert [client["clientName"] for client in found] == ["c"]
    assert found[0]["connectionConfig"] == {"consentMethod": "required", "status": "active"}


def test_a_client_is_published_once(tenant):
    id = create(tenant)["clientId"]

    answer = tenant.post(f"{PATH}/{id}/actions/publish")

    assert answer.status_code == 201
    assert tenant.get(f"{PATH}/{id}").json()["publishedAt"] == answer.json()["publishedAt"]
    assert tenant.post(f"{PATH}/{id}/actions/publish").status_code == 400


def test_a_deleted_client_takes_its_tokens_with_it(control, tenant):
    token = mint(control).json()["access_token"]

    assert tenant.delete(f"{PATH}/{CLIENT}").status_code == 204

    assert call(control, token) == 401
    assert mint(control).status_code == 401
    assert tenant.get(f"{PATH}/{CLIENT}").status_code == 404


def test_only_an_administrator_has_to_do_with_clients(served):
    with served.client("member-api-key") as client:
        assert client.get(PATH).status_code == 403
        assert client.post(PATH, json=M2M).status_code == 403


def test_tokens_are_listed_and_deleted_by_id(control, tenant):
    first, second = (mint(control).json()["access_token"] for _ in range(2))
    listed = tenant.get(TOKENS).json()["data"]
    bot = tenant.get("/api/v1/users", params={"filter": f'clientId eq "{CLIENT}"'}).json()["data"][0]

    assert [token["userId"] for token in listed] == [bot["id"]] * 2
    assert first not in json.dumps(listed)
    assert tenant.delete(f"{TOKENS}/{listed[0]['id']}").status_code == 204
    assert [call(control, token) for token in (first, second)] == [401, 200]
    assert tenant.delete(f"{TOKENS}/{listed[0]['id']}").status_code == 404


def test_tokens_are_read_in_pages(control, tenant):
    for _ in range(3):
        mint(control)

    first = tenant.get(TOKENS, params={"limit": 2}).json()
    second = tenant.get(first["links"]["next"]["href"]).json()

    assert len({token["id"] for token in first["data"] + second["data"]}) == 3
    assert list(second["links"]) == ["self", "prev"]


def test_a_user_sees_and_deletes_only_tokens_of_his_own(control, tenant, served):
    mint(control)
    id = tenant.get(TOKENS).json()["data"][0]["id"]

    with served.client("member-api-key") as member:
        assert member.get(TOKENS).json()["data"] == []
        assert member.delete(f"{TOKENS}/{id}").status_code == 403


def test_a_token_that_has_expired_is_in_no_list(control, tenant):
    mint(control)
    control.put("/_sandbox/clock", json={"advance": 21601})

    assert tenant.get(TOKENS).json()["data"] == []


@pytest.mark.parametrize("kind", ["json", "data"])
def test_whoever_holds_a_token_may_revoke_it(control, kind):
    token = mint(control).json()["access_token"]

    assert control.post("/oauth/revoke", **{kind: {"token": token}}).status_code == 200
    assert call(control, token) == 401
    assert control.post("/oauth/revoke", **{kind: {"token": token}}).status_code == 200
    assert control.post("/oauth/revoke", **{kind: {}}).status_code == 400


def test_too_many_tokens_are_refused_until_some_have_expired(control):
    place(control, maxTokens=2)
    assert [mint(control).status_code for _ in range(3)] == [200, 200, 403]

    control.put("/_sandbox/clock", json={"advance": 21601})

    assert mint(control).status_code == 200


def test_a_disabled_bot_gets_no_token(control, tenant):
    token = mint(control).json()["access_token"]
    bot = tenant.get("/api/v1/users", params={"filter": f'clientId eq "{CLIENT}"'}).json()["data"][0]
    tenant.patch(f"/api/v1/users/{bot['id']}", json=[{"op": "replace", "path": "/status", "value": "disabled"}])

    assert mint(control).status_code == 403
    assert call(control, token) == 401


def part(content):
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def assertion(client, **claims):
    good = {"iss": client, "sub": client, "exp": 1_793_700_000}
    return f"{part({'alg': 'RS256', 'kid': 'k1'})}.{part(good | claims)}.c2ln"


@pytest.mark.parametrize(
    ("claims", "status"),
    [({}, 200), ({"exp": 1_700_000_000}, 401), ({"sub": "other"}, 401), ({"exp": None}, 401)],
)
def test_a_client_with_a_key_proves_itself_by_an_assertion(control, tenant, claims, status):
    keys = {"allowedAuthMethods": ["private_key_jwt"], "publicKeys": [{"kid": "k1", "kty": "RSA"}]}
    client = create(tenant, **keys)["clientId"]
    trust(tenant, {"clientId": client})
    form = {"grant_type": "client_credentials", "client_id": client, "client_assertion_type": JWT}

    answer = control.post("/oauth/token", json=form | {"client_assertion": assertion(client, **claims)})

    assert answer.status_code == status


def test_a_client_without_a_key_has_no_use_for_an_assertion(control):
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_assertion_type": JWT}

    assert control.post("/oauth/token", json=form | {"client_assertion": assertion(CLIENT)}).status_code == 401
    assert control.post("/oauth/token", json=form | {"client_assertion": "x.y.z"}).status_code == 401


def test_a_client_without_the_grant_gets_no_token(control, tenant):
    client = create(tenant, allowedGrantTypes=[], connectionConfig={"consentMethod": "trusted"})

    assert mint(control, client["clientId"], client["clientSecret"]).status_code == 400


def test_the_server_tells_where_tokens_come_from(served, everyone):
    body = everyone.get("/.well-known/oauth-authorization-server").json()

    assert body["issuer"] == served.url
    assert body["token_endpoint"] == f"{served.url}/oauth/token"
    assert body["revocation_endpoint"] == f"{served.url}/oauth/revoke"


def test_clients_survive_a_snapshot(control, tenant):
    client = create(tenant)
    trust(tenant, client)
    second = tenant.post(f"{PATH}/{client['clientId']}/client-secrets").json()["clientSecret"]
    before = control.get("/_sandbox/world").json()
    shown = tenant.get(f"{PATH}/{client['clientId']}").json()

    control.put("/_sandbox/world", json=before).raise_for_status()

    assert control.get("/_sandbox/world").json() == before
    assert tenant.get(f"{PATH}/{client['clientId']}").json() == shown
    assert mint(control, client["clientId"], second).status_code == 200


def test_what_becomes_of_clients_and_tokens_is_audited(control, tenant):
    client = create(tenant)
    token = mint(control).json()["access_token"]
    control.post("/oauth/revoke", json={"token": token})
    tenant.delete(f"{PATH}/{client['clientId']}")

    found = tenant.get("/api/v1/audits", params={"source": "com.qlik/oauth", "sort": "+eventTime"}).json()["data"]
    assert [event["eventType"] for event in found] == [
        "com.qlik.v1.oauth-client.created",
        "com.qlik.oauth-token.issued",
        "com.qlik.oauth-token.revoked",
        "com.qlik.v1.oauth-client.deleted",
    ]
    assert found[2]["data"]["revokedByBearer"] is True
