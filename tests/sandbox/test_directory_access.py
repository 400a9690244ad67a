import base64
import json

import pytest
from azure.identity import ClientSecretCredential
from serving import APPLICATION, DIRECTORY, READER, READERS, SERVICE_PRINCIPAL, directory_token

SECRET = "sandbox-directory-secret"

BEARER = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}


def mint(client, tenant=DIRECTORY, **fields):
    form = {
        "grant_type": "client_credentials",
        "client_id": APPLICATION,
        "client_secret": SECRET,
        "scope": f"{client.base_url}/.default",
    } | fields
    return client.post(f"/{tenant}/oauth2/v2.0/token", data=form)


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_the_metadata_names_graph_and_the_login_endpoint(served, everyone):
    body = everyone.get("/metadata/endpoints", params={"api-version": "2022-09-01"}).json()

    assert body["microsoftGraphResourceId"] == f"{served.url}/"
    assert body["authentication"]["loginEndpoint"] == served.url
    assert body["resourceManager"]


def test_a_token_carries_the_claims_azuread_reads(everyone):
    body = mint(everyone).json()
    head, payload, _ = body["access_token"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))

    assert body["expires_in"] == 3599
    assert json.loads(base64.urlsafe_b64decode(head + "=="))["typ"] == "JWT"
    assert claims["oid"] == SERVICE_PRINCIPAL
    assert claims["tid"] == DIRECTORY
    assert claims["appid"] == APPLICATION
    assert claims["roles"] == ["Group.ReadWrite.All", "User.Read.All"]
    assert claims["exp"] - claims["iat"] == 3599


def test_the_library_of_the_vendor_gets_a_token(served, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", served.ca)
    credential = ClientSecretCredential(
        DIRECTORY, APPLICATION, SECRET, authority=served.url, disable_instance_discovery=True
    )
    with credential:
        assert credential.get_token(f"{served.url}/.default").token.count(".") == 2


@pytest.mark.parametrize(
    ("fields", "status", "error", "code"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", "AADSTS7000215"),
        ({"client_id": SERVICE_PRINCIPAL}, 400, "unauthorized_client", "AADSTS700016"),
        ({"scope": "User.Read"}, 400, "invalid_scope", "AADSTS1002012"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", "AADSTS70003"),
        ({"tenant": SERVICE_PRINCIPAL}, 400, "invalid_request", "AADSTS90002"),
        ({"client_assertion": "a.b.c"}, 400, "invalid_request", "AADSTS700002"),
        ({"client_assertion": "a.b.c", **BEARER}, 401, "invalid_client", "AADSTS50027"),
        ({"client_assertion": "W10.W10.c2ln", **BEARER}, 401, "invalid_client", "AADSTS700024"),
        ({"client_assertion": "", **BEARER}, 401, "invalid_client", "AADSTS50027"),
    ],
)
def test_a_login_refused_says_its_number(everyone, fields, status, error, code):
    answer = mint(everyone, **fields)

    assert answer.status_code == status
    assert answer.json()["error"] == error
    assert answer.json()["error_description"].startswith(f"{code}: ")


def test_graph_wants_a_token_that_is_known_and_not_expired(control):
    token = directory_token(control)
    answers = [control.get("/v1.0/users"), control.get("/v1.0/users", headers=bearer("a.b.c"))]
    control.put("/_sandbox/clock", json={"advance": 3600})
    answers.append(control.get("/v1.0/users", headers=bearer(token)))

    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert {answer.json()["error"]["code"] for answer in answers} == {"InvalidAuthenticationToken"}
    assert "expired" in answers[2].json()["error"]["message"]


def test_an_application_without_the_roles_is_denied(everyone):
    headers = bearer(directory_token(everyone, READER, "reader-secret"))
    answers = [
        everyone.get("/v1.0/users", headers=headers),
        everyone.get("/v1.0/users/person000@contoso.test", headers=headers),
        everyone.get("/v1.0/directory/deletedItems/microsoft.graph.user", headers=headers),
        everyone.patch(f"/v1.0/groups/{READERS}", headers=headers, json={"displayName": "x"}),
        everyone.delete(f"/v1.0/groups/{READERS}", headers=headers),
        everyone.post(f"/v1.0/groups/{READERS}/members/$ref", headers=headers, json={"@odata.id": "x"}),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert {answer.json()["error"]["code"] for answer in answers} == {"Authorization_RequestDenied"}


def test_members_read_without_the_right_to_read_people_have_no_properties(everyone):
    headers = bearer(directory_token(everyone, READER, "reader-secret"))

    member = everyone.get(f"/beta/groups/{READERS}/members", headers=headers).json()["value"][0]

    assert member["@odata.type"] == "#microsoft.graph.user"
    assert member["id"]
    assert member["userPrincipalName"] is None
