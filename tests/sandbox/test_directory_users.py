import pytest
from azuread_world import ANA, BO, CLIENT, CONTACT, DIRECTORY, SECRET, WORLD
from serving import directory_token

ALREADY = "Another object with the same value for property userPrincipalName already exists."


def new_user(graph, **fields):
    body = {
        "@odata.type": "#microsoft.graph.user",
        "accountEnabled": True,
        "city": None,
        "displayName": "Rui Melo",
        "employeeOrgData": {"costCenter": None, "division": None},
        "mailNickname": "rui",
        "otherMails": [],
        "passwordProfile": {"forceChangePasswordNextSignIn": False, "password": "P@ssw0rd!x"},
        "userPrincipalName": "rui@contoso.test",
    }
    return graph.post("/v1.0/users", json=body | fields)


def user(graph, id_, version="v1.0", **query):
    return graph.get(f"/{version}/users/{id_}", params=query).raise_for_status().json()


def message(answer):
    return answer.json()["error"]["message"]


def test_a_user_lives_through_what_azuread_does_with_it(azuread):
    id_ = new_user(azuread).json()["id"]
    path, manager = f"/v1.0/users/{id_}", f"/v1.0/users/{id_}/manager"
    reference = {"@odata.id": f"{azuread.base_url}/v1.0/directoryObjects/{ANA}"}
    answers = [
        azuread.patch(f"/beta/users/{id_}", json={"showInAddressList": True}),
        azuread.get(path),
        azuread.get(manager),
        azuread.put(f"{manager}/$ref", json=reference),
        azuread.get(manager),
        azuread.patch(path, json={"jobTitle": "Clerk"}),
        azuread.delete(f"{manager}/$ref"),
        azuread.delete(f"{manager}/$ref"),
        azuread.delete(path),
        azuread.get(path),
        azuread.delete(path),
    ]

    assert [answer.status_code for answer in answers] == [204, 200, 404, 204, 200, 204, 204, 404, 204, 404, 404]
    assert answers[4].json()["@odata.type"] == "#microsoft.graph.user"
    assert answers[4].json()["id"] == ANA


def test_the_forty_properties_azuread_selects_are_all_there(azuread):
    names = (
        "accountEnabled,ageGroup,businessPhones,city,companyName,consentProvidedForMinor,country,creationType,department,"
        "displayName,employeeHireDate,employeeId,employeeOrgData,employeeType,externalUserState,faxNumber,givenName,id,"
        "imAddresses,jobTitle,mail,mailNickname,mobilePhone,officeLocation,onPremisesDistinguishedName,"
        "onPremisesDomainName,onPremisesImmutableId,onPremisesSamAccountName,onPremisesSecurityIdentifier,"
        "onPremisesSyncEnabled,onPremisesUserPrincipalName,otherMails,postalCode,preferredLanguage,proxyAddresses,"
        "showInAddressList,state,streetAddress,surname,usageLocation,userPrincipalName,userType"
    )
    found = user(azuread, BO, **{"$select": names})

    assert set(found) == {"@odata.context", *names.split(",")}


def test_the_address_list_is_seen_in_beta(azuread):
    azuread.patch(f"/beta/users/{BO}", json={"showInAddressList": False}).raise_for_status()

    assert user(azuread, BO, "beta", **{"$select": "showInAddressList"})["showInAddressList"] is False


@pytest.mark.parametrize("name", ["rui@contoso.test", "ANA@contoso.test"])
def test_a_name_that_another_user_has_is_refused(azuread, name):
    new_user(azuread)
    answer = new_user(azuread, userPrincipalName=name)

    assert answer.status_code == 400
    assert message(answer) == ALREADY


def test_a_user_is_not_renamed_to_the_name_of_another(azuread):
    answer = azuread.patch(f"/v1.0/users/{BO}", json={"userPrincipalName": "ana@contoso.test"})

    assert (answer.status_code, message(answer)) == (400, ALREADY)
    assert azuread.patch(f"/v1.0/users/{BO}", json={"userPrincipalName": "bo@contoso.test"}).status_code == 204


def test_a_mail_that_another_user_has_is_refused(azuread):
    answer = new_user(azuread, mail="ana@contoso.test")

    assert answer.status_code == 400
    assert "proxyAddresses already exists" in message(answer)


def test_the_name_of_a_deleted_user_is_free_again(azuread):
    azuread.delete(f"/v1.0/users/{BO}")
    deleted = azuread.get("/v1.0/directory/deletedItems/microsoft.graph.user").json()["value"]

    assert new_user(azuread, userPrincipalName="bo@contoso.test").status_code == 201
    assert [found["userPrincipalName"] for found in deleted] == [f"{BO.replace('-', '')}bo@contoso.test"]


def test_a_new_user_needs_a_password(azuread):
    for profile in (None, {}, {"forceChangePasswordNextSignIn": True}):
        answer = new_user(azuread, passwordProfile=profile)

        assert (answer.status_code, message(answer)) == (400, "A password must be specified to create a new user.")


@pytest.mark.parametrize("name", ["accountEnabled", "displayName", "mailNickname", "userPrincipalName"])
def test_a_new_user_needs_the_required_properties(azuread, name):
    answer = new_user(azuread, **{name: None})

    assert (answer.status_code, message(answer)) == (
        400,
        f"A value is required for property '{name}' of resource 'User'.",
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"accountEnabled": "yes"},
        {"city": 7},
        {"otherMails": "rui@contoso.test"},
        {"passwordProfile": {"password": "short"}},
        {"passwordProfile": {"password": "onlylowercase"}},
        {"teapot": 1},
        {"createdDateTime": "2026-01-01T00:00:00Z"},
        {"usageLocation": "Portugal"},
        {"userPrincipalName": "rui"},
        {"userPrincipalName": "rui@unverified.test"},
    ],
)
def test_a_property_that_cannot_be_is_refused(azuread, fields):
    assert new_user(azuread, **fields).status_code == 400


def test_a_password_is_never_shown(azuread):
    created = new_user(azuread)

    assert "P@ssw0rd!x" not in created.text
    assert "P@ssw0rd!x" not in azuread.get("/_sandbox/world").text


def test_a_mail_is_an_address_the_user_is_reached_by(azuread):
    azuread.patch(f"/v1.0/users/{BO}", json={"mail": "bo.berg@contoso.test"})

    assert user(azuread, BO, **{"$select": "proxyAddresses"})["proxyAddresses"] == ["SMTP:bo.berg@contoso.test"]
    assert len(azuread.get("/v1.0/users", params={"$filter": "mail eq 'bo.berg@contoso.test'"}).json()["value"]) == 1


def test_a_property_set_to_null_is_null(azuread):
    azuread.patch(f"/v1.0/users/{BO}", json={"jobTitle": "Clerk", "employeeOrgData": {"costCenter": "1"}})
    azuread.patch(f"/v1.0/users/{BO}", json={"jobTitle": None, "employeeOrgData": {"division": "North"}})
    found = user(azuread, BO, **{"$select": "jobTitle,employeeOrgData"})

    assert found["jobTitle"] is None
    assert found["employeeOrgData"] == {"costCenter": "1", "division": "North"}


def test_a_contact_may_be_a_manager_and_a_group_or_oneself_may_not(azuread):
    def put(id_):
        reference = {"@odata.id": f"{azuread.base_url}/v1.0/directoryObjects/{id_}"}
        return azuread.put(f"/v1.0/users/{BO}/manager/$ref", json=reference).status_code

    assert [put(CONTACT), put(BO), put(DIRECTORY)] == [204, 400, 404]
    assert azuread.get(f"/v1.0/users/{BO}/manager").json()["@odata.type"] == "#microsoft.graph.orgContact"


def test_a_deleted_manager_is_nobodys(azuread):
    azuread.delete(f"/v1.0/users/{ANA}")

    assert azuread.get(f"/v1.0/users/{BO}/manager").status_code == 404


def test_who_may_only_read_users_changes_none(control, graph_connection):
    client = {"id": CLIENT, "secret": SECRET, "oid": DIRECTORY, "roles": ["User.Read.All"]}
    control.put("/_sandbox/world", json=WORLD | {"directory": WORLD["directory"] | {"clients": [client]}})
    graph_connection.headers["Authorization"] = f"Bearer {directory_token(control, CLIENT, SECRET)}"
    path = f"/v1.0/users/{BO}"

    assert graph_connection.get(path).status_code == 200
    assert new_user(graph_connection).status_code == 403
    assert graph_connection.patch(path, json={}).status_code == 403
    assert graph_connection.delete(path).status_code == 403
    assert graph_connection.delete(f"{path}/manager/$ref").status_code == 403


def test_what_the_api_made_survives_a_snapshot(azuread):
    id_ = new_user(azuread, city="Lisbon", employeeOrgData={"costCenter": "1", "division": None}).json()["id"]
    reference = {"@odata.id": f"{azuread.base_url}/v1.0/directoryObjects/{ANA}"}
    azuread.put(f"/v1.0/users/{id_}/manager/$ref", json=reference).raise_for_status()
    azuread.patch(f"/beta/users/{id_}", json={"showInAddressList": False, "otherMails": ["r@fabrikam.test"]})
    before = azuread.get("/_sandbox/world").json()
    azuread.put("/_sandbox/world", json=before).raise_for_status()

    assert azuread.get("/_sandbox/world").json() == before
    assert {person["id"]: person.get("manager") for person in before["directory"]["users"]} == {
        ANA: None,
        BO: ANA,
        id_: ANA,
    }
