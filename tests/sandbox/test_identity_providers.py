"""Identity providers (qlik-api.md 7.4)."""

import json

import pytest
from serving import WORLD

PATH = "/api/v1/identity-providers"
MAPPING = {"sub": ["oid"], "name": ["name"], "email": ["email"], "groups": ["groups"]}
OPTIONS = {
    "discoveryUrl": "https://login.contoso.test/.well-known/openid-configuration",
    "clientId": "22222222-2222-2222-2222-222222222222",
    "clientSecret": "idp-secret",
    "realm": "contoso",
    "claimsMapping": MAPPING,
}
OIDC = {"protocol": "OIDC", "provider": "azureAD", "interactive": True, "createNewUsersOnLogin": True}


def create(tenant, **body):
    return tenant.post(PATH, json=OIDC | body)


@pytest.fixture
def live(tenant):
    answer = create(tenant, options=OPTIONS, skipVerify=True)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.fixture
def pending(tenant):
    answer = create(tenant, pendingOptions=OPTIONS)
    assert answer.status_code == 201, answer.text
    return answer.json()


def patch(tenant, provider, *changes):
    return tenant.patch(f"{PATH}/{provider['id']}", json=list(changes))


def replace(path, value):
    return {"op": "replace", "path": path, "value": value}


def verify(control, provider, **deed):
    return control.post("/_sandbox/tamper", json={"do": "verifyProvider", "provider": provider["id"]} | deed)


def test_a_provider_that_skips_verification_is_live(tenant, live):
    shown = tenant.get(f"{PATH}/{live['id']}").json()

    assert shown == live
    assert (live["active"], live["tenantIds"]) == (True, [WORLD["tenant"]["id"]])
    assert live["options"]["realm"] == "contoso"
    assert "pendingState" not in live


def test_secrets_of_a_provider_are_never_shown(tenant, live, pending):
    assert "idp-secret" not in json.dumps(tenant.get(PATH).json())


def test_pending_options_are_promoted_once_somebody_has_tried_them(control, tenant, pending):
    assert (pending["active"], pending["pendingState"]) == (False, "pending")
    assert patch(tenant, pending, {"op": "promote-options"}).status_code == 412
    assert verify(control, pending, state="error").status_code == 204
    assert patch(tenant, pending, {"op": "promote-options"}).status_code == 412
    assert verify(control, pending).status_code == 204

    assert patch(tenant, pending, {"op": "promote-options"}, replace("/active", value=True)).status_code == 204

    shown = tenant.get(f"{PATH}/{pending['id']}").json()
    assert shown["options"]["claimsMapping"] == MAPPING
    assert (shown["active"], "pendingOptions" in shown) == (True, False)


def test_pending_options_that_change_have_to_be_tried_again(control, tenant, pending):
    verify(control, pending)

    assert patch(tenant, pending, replace("/pendingOptions/realm", "fabrikam")).status_code == 204

    shown = tenant.get(f"{PATH}/{pending['id']}").json()
    assert (shown["pendingState"], shown["pendingOptions"]["realm"]) == ("pending", "fabrikam")
    assert verify(control, {"id": "nobody"}).status_code == 409


def test_the_mapping_of_claims_is_replaced_in_place(tenant, live):
    mapping = MAPPING | {"sub": ["sub"]}

    assert (
        patch(tenant, live, replace("/options/claimsMapping", mapping), replace("/options/realm", "")).status_code
        == 204
    )

    options = tenant.get(f"{PATH}/{live['id']}").json()["options"]
    assert (options["claimsMapping"], options["realm"]) == (mapping, "")


@pytest.mark.parametrize(
    "change",
    [
        replace("/createNewUsersOnLogin", value=False),
        replace("/options/clientId", "x"),
        replace("/active", "yes"),
        replace("/clockToleranceSec", "5"),
        {"op": "add", "path": "/description", "value": "x"},
        {"op": "replace"},
    ],
)
def test_a_change_that_fails_in_part_fails_as_a_whole(tenant, live, change):
    assert patch(tenant, live, replace("/description", "new"), change).status_code == 400
    assert tenant.get(f"{PATH}/{live['id']}").json() == live


SAML = {
    "protocol": "SAML",
    "provider": "okta",
    "interactive": True,
    "skipVerify": True,
    "options": {"entityId": "https://idp.contoso.test", "claimsMapping": MAPPING},
}
JWT = {
    "protocol": "jwtAuth",
    "provider": "external",
    "options": {"issuer": "https://contoso.test", "staticKeys": [{"kid": "k", "pem": "-----BEGIN PUBLIC KEY-----"}]},
}


@pytest.mark.parametrize(("body", "path", "status"), [
    (SAML, "/description", 204), (SAML, "/options/realm", 400), (JWT, "/description", 204), (JWT, "/active", 400),
])  # fmt: skip
def test_each_protocol_has_paths_of_its_own(tenant, body, path, status):
    provider = tenant.post(PATH, json=body).json()

    assert patch(tenant, provider, replace(path, "x")).status_code == status


@pytest.mark.parametrize(
    "body",
    [
        OIDC,
        OIDC | {"options": OPTIONS},
        OIDC | {"skipVerify": True, "pendingOptions": OPTIONS},
        OIDC | {"provider": "external", "skipVerify": True, "options": OPTIONS},
        OIDC | {"skipVerify": True, "options": {"claimsMapping": MAPPING}},
        OIDC | {"skipVerify": True, "options": {"discoveryUrl": "https://login.contoso.test"}},
        SAML | {"interactive": False},
        JWT | {"options": {"issuer": "x", "staticKeys": []}},
        {"protocol": "qsefw-local-bearer-token"},
        {},
        [],
    ],
)
def test_a_provider_that_cannot_be_is_refused(tenant, body):
    assert tenant.post(PATH, json=body).status_code == 400
    assert tenant.get(PATH).json()["data"] == []


def test_providers_are_listed_in_pages_and_by_whether_they_are_active(tenant, live, pending):
    first = tenant.get(PATH, params={"limit": 1}).json()
    second = tenant.get(first["links"]["next"]["href"]).json()

    assert [found["id"] for found in first["data"] + second["data"]] == [live["id"], pending["id"]]
    assert [found["id"] for found in tenant.get(PATH, params={"active": "true"}).json()["data"]] == [live["id"]]
    assert [found["id"] for found in tenant.get(PATH, params={"active": "false"}).json()["data"]] == [pending["id"]]


def test_the_status_counts_those_people_log_in_with(tenant, live, pending):
    body = tenant.get(f"{PATH}/status").json()

    assert body["active_interactive_idps_count"] == 1
    assert body["idps_metadata"][0] == {"active": True, "interactive": True, "provider": "azureAD"}


def test_the_default_provider_has_links_while_there_is_no_other(tenant):
    assert set(tenant.get(f"{PATH}/me/meta").json()) == {"upgradeSubscriptionLink", "userPortalLink"}

    create(tenant, options=OPTIONS, skipVerify=True)

    assert tenant.get(f"{PATH}/me/meta").json() == {}


def test_everybody_may_read_the_metadata(served, everyone):
    body = everyone.get(f"{PATH}/.well-known/metadata.json").json()

    assert body["issuer"] == served.url


def test_a_deleted_provider_is_gone(tenant, live):
    assert tenant.delete(f"{PATH}/{live['id']}").status_code == 204
    assert tenant.get(f"{PATH}/{live['id']}").status_code == 404
    assert tenant.delete(f"{PATH}/{live['id']}").status_code == 404


def test_only_an_administrator_has_to_do_with_providers(served, live):
    with served.client("member-api-key") as member:
        for method, path in (("GET", PATH), ("GET", f"{PATH}/status"), ("DELETE", f"{PATH}/{live['id']}")):
            assert member.request(method, path).status_code == 403


def test_providers_survive_a_snapshot(control, tenant, live, pending):
    before = control.get("/_sandbox/world").json()
    listed = {provider["id"]: provider for provider in tenant.get(PATH).json()["data"]}

    control.put("/_sandbox/world", json=before).raise_for_status()

    assert control.get("/_sandbox/world").json() == before
    assert {provider["id"]: provider for provider in tenant.get(PATH).json()["data"]} == listed
    kept = {provider["id"]: provider for provider in before["tenant"]["identityProviders"]}
    assert kept[live["id"]]["options"]["clientSecret"] == "idp-secret"


def test_what_becomes_of_a_provider_is_audited(tenant, live):
    patch(tenant, live, replace("/description", "new"))
    tenant.delete(f"{PATH}/{live['id']}")

    found = tenant.get("/api/v1/audits", params={"source": "com.qlik/identity-providers", "sort": "+eventTime"})
    kinds = [event["eventType"].rpartition(".")[2] for event in found.json()["data"]]
    assert kinds == ["created", "updated", "deleted"]
