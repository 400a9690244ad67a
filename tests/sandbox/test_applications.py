import pytest
from azuread_world import ANA, CLIENT, DEVICE, PRINCIPAL, SECRET, UNIT, WORLD
from serving import directory_token

CUSTOM = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
USER_ROLE = "18d14569-c3bd-439b-9a66-3a2aee01d14f"
NO_ROLE = "00000000-0000-0000-0000-000000000000"
NOBODY = "99999999-0000-4000-8000-000000000009"
ROLE = {
    "allowedMemberTypes": ["User"],
    "description": "User",
    "displayName": "User",
    "id": USER_ROLE,
    "isEnabled": True,
    "value": "User",
}


def reference(graph, id_):
    return f"{graph.base_url}/v1.0/directoryObjects/{id_}"


def new_application(graph, **fields):
    body = {
        "@odata.type": "#microsoft.graph.application",
        "api": {"oauth2PermissionScopes": [], "requestedAccessTokenVersion": 1},
        "appRoles": [ROLE],
        "description": None,
        "displayName": "Qlik SCIM",
        "identifierUris": [],
        "optionalClaims": {},
        "owners@odata.bind": [reference(graph, PRINCIPAL)],
        "signInAudience": "AzureADMyOrg",
        "tags": [],
        "web": {"homePageUrl": None, "redirectUris": ["https://qlik.contoso.test/a"]},
    }
    return graph.post("/v1.0/applications", json=body | fields)


def new_principal(graph, app_id, **fields):
    return graph.post("/v1.0/servicePrincipals", json={"appId": app_id, "tags": []} | fields)


def assign(graph, principal, resource, role=USER_ROLE):
    body = {"appRoleId": role, "principalId": principal, "resourceId": resource}
    return graph.post(f"/v1.0/servicePrincipals/{resource}/appRoleAssignedTo", json=body)


def instantiate(graph, name="Qlik"):
    made = graph.post(f"/v1.0/applicationTemplates/{CUSTOM}/instantiate", json={"displayName": name})
    return made.raise_for_status().json()


def message(answer):
    return answer.json()["error"]["message"]


@pytest.fixture
def application(azuread):
    return new_application(azuread).raise_for_status().json()


@pytest.fixture
def principal(azuread, application):
    return new_principal(azuread, application["appId"]).raise_for_status().json()


@pytest.fixture
def as_roles(control, graph_connection):
    """Graph, called by an application with these roles in a directory with these parts."""

    def call(*roles, **parts):
        client = {"id": CLIENT, "secret": SECRET, "oid": PRINCIPAL, "roles": roles}
        world = WORLD | {"directory": WORLD["directory"] | {"clients": [client]} | parts}
        control.put("/_sandbox/world", json=world).raise_for_status()
        graph_connection.headers["Authorization"] = f"Bearer {directory_token(control, CLIENT, SECRET)}"
        return graph_connection

    return call


def test_an_application_shows_what_was_never_set_as_null_or_empty(azuread):
    made = azuread.post("/v1.0/applications", json={"displayName": "Plain"}).json()
    found = azuread.get(f"/v1.0/applications/{made['id']}").json()

    assert {**made, "@odata.context": ""} == {**found, "@odata.context": ""}
    assert found["publisherDomain"] == "contoso.test"
    assert (found["optionalClaims"], found["spa"], found["tags"]) == (None, {"redirectUris": []}, [])
    assert found["web"]["implicitGrantSettings"] == {
        "enableAccessTokenIssuance": False,
        "enableIdTokenIssuance": False,
    }
    assert found["info"]["logoUrl"] is None


def test_a_change_of_a_complex_property_leaves_its_other_members(azuread, application):
    path = f"/v1.0/applications/{application['id']}"
    azuread.patch(path, json={"web": {"homePageUrl": "https://qlik.contoso.test"}}).raise_for_status()
    web = azuread.get(path).json()["web"]

    assert web["homePageUrl"] == "https://qlik.contoso.test"
    assert web["redirectUris"] == ["https://qlik.contoso.test/a"]


def test_applications_are_found_by_name_id_and_template(azuread, application):
    made = instantiate(azuread)["application"]

    def ids(text):
        found = azuread.get("/v1.0/applications", params={"$filter": text}).raise_for_status().json()["value"]
        return [item["id"] for item in found]

    assert ids("displayName eq 'Qlik SCIM'") == [application["id"]]
    assert ids(f"appId eq '{application['appId']}'") == [application["id"]]
    assert ids(f"applicationTemplateId eq '{CUSTOM}' and displayName eq 'Qlik'") == [made["id"]]
    assert ids("startsWith(displayName, 'Ql')") == [application["id"], made["id"]]


def test_the_post_response_is_seen_in_beta_or_where_it_is_selected(azuread, application):
    path = f"applications/{application['id']}"
    azuread.patch(f"/beta/{path}", json={"oauth2RequirePostResponse": True}).raise_for_status()
    selected = azuread.get(f"/beta/{path}", params={"$select": "oauth2RequirePostResponse"}).json()

    assert selected["oauth2RequirePostResponse"] is True
    assert azuread.get(f"/beta/{path}").json()["oauth2RequirePostResponse"] is True
    assert "oauth2RequirePostResponse" not in azuread.get(f"/v1.0/{path}").json()


def test_the_last_owner_of_an_application_may_go(azuread, application):
    path = f"/v1.0/applications/{application['id']}/owners"
    body = {"@odata.id": reference(azuread, ANA)}

    assert azuread.post(f"{path}/$ref", json=body).status_code == 204
    assert azuread.post(f"{path}/$ref", json=body).status_code == 400
    owners = azuread.get(path).json()["value"]
    assert [owner["@odata.type"] for owner in owners] == [
        "#microsoft.graph.servicePrincipal",
        "#microsoft.graph.user",
    ]
    for owner in (PRINCIPAL, ANA):
        assert azuread.delete(f"{path}/{owner}/$ref").status_code == 204
    assert azuread.delete(f"{path}/{ANA}/$ref").status_code == 404


@pytest.mark.parametrize("id_", [DEVICE, UNIT])
def test_only_users_and_service_principals_are_owners(azuread, application, id_):
    path = f"/v1.0/applications/{application['id']}/owners/$ref"

    assert azuread.post(path, json={"@odata.id": reference(azuread, id_)}).status_code == 400


def test_a_role_is_disabled_before_it_is_removed(azuread, application):
    path = f"/v1.0/applications/{application['id']}"
    refused = azuread.patch(path, json={"appRoles": []})

    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "CannotDeleteOrUpdateEnabledEntitlement"
    assert azuread.patch(path, json={"appRoles": [ROLE | {"isEnabled": False}]}).status_code == 204
    assert azuread.patch(path, json={"appRoles": []}).status_code == 204


def test_a_role_without_a_value_may_be_written_with_an_empty_one(azuread):
    path = f"/v1.0/applications/{instantiate(azuread)['application']['id']}"
    roles = azuread.get(path).json()["appRoles"]

    assert {role["value"] for role in roles} == {None}
    assert azuread.patch(path, json={"appRoles": [role | {"value": ""} for role in roles]}).status_code == 204
    assert azuread.patch(path, json={"appRoles": [role | {"value": "x"} for role in roles]}).status_code == 400


def test_the_id_of_what_is_changed_may_be_sent_along(azuread, application):
    path = f"/v1.0/applications/{application['id']}"

    assert azuread.patch(path, json={"id": application["id"], "notes": "n"}).status_code == 204
    assert azuread.patch(path, json={"id": NOBODY, "notes": "n"}).status_code == 400


@pytest.mark.parametrize(
    "fields",
    [
        {"displayName": None},
        {"displayName": ""},
        {"appRoles": [ROLE, ROLE]},
        {"appRoles": [{"id": "no-uuid"}]},
        {"signInAudience": "Everybody"},
        {"tags": "qlik"},
        {"teapot": 1},
        {"appId": NOBODY},
    ],
)
def test_an_application_that_cannot_be_is_refused(azuread, fields):
    assert new_application(azuread, **fields).status_code == 400


def test_an_identifier_uri_names_one_application(azuread):
    new_application(azuread, identifierUris=["https://qlik.contoso.test"]).raise_for_status()
    second = new_application(azuread, identifierUris=["https://qlik.contoso.test"])

    assert second.status_code == 400
    assert "identifierUris already exists" in message(second)


def test_a_service_principal_says_what_its_application_says(azuread, application, principal):
    azuread.patch(f"/v1.0/applications/{application['id']}", json={"description": "SCIM"})
    found = azuread.get(f"/v1.0/servicePrincipals/{principal['id']}").json()

    assert (found["appId"], found["displayName"], found["appDescription"]) == (
        application["appId"],
        "Qlik SCIM",
        "SCIM",
    )
    assert [role["id"] for role in found["appRoles"]] == [USER_ROLE]
    assert found["servicePrincipalNames"] == [application["appId"]]
    assert found["replyUrls"] == ["https://qlik.contoso.test/a"]


def test_an_application_has_one_service_principal(azuread, application, principal):
    again = new_principal(azuread, application["appId"])
    unknown = new_principal(azuread, NOBODY)
    listed = azuread.get("/v1.0/servicePrincipals", params={"$filter": f"appId eq '{application['appId']}'"})

    assert again.status_code == 409
    assert unknown.status_code == 400
    assert "does not reference a valid application object" in message(unknown)
    assert [found["id"] for found in listed.json()["value"]] == [principal["id"]]


def test_the_saml_metadata_have_an_address_where_saml_is_the_mode(azuread, principal):
    path = f"servicePrincipals/{principal['id']}"

    def address():
        found = azuread.get(f"/beta/{path}", params={"$select": "samlMetadataUrl"})
        return found.json()["samlMetadataUrl"]

    assert address() is None
    azuread.patch(f"/v1.0/{path}", json={"preferredSingleSignOnMode": "saml"}).raise_for_status()
    assert address().endswith(f"federationmetadata.xml?appid={principal['appId']}")


def test_the_service_principals_of_the_clients_are_there(azuread):
    found = azuread.get(f"/v1.0/servicePrincipals/{PRINCIPAL}").json()
    listed = azuread.get("/v1.0/servicePrincipals", params={"$filter": f"appId eq '{CLIENT}'"}).json()["value"]

    assert (found["appId"], found["servicePrincipalType"]) == (CLIENT, "Application")
    assert [item["id"] for item in listed] == [PRINCIPAL]


def test_an_application_takes_its_service_principal_with_it(azuread, application, principal):
    role = assign(azuread, ANA, principal["id"]).json()["id"]
    azuread.delete(f"/v1.0/applications/{application['id']}").raise_for_status()

    assert azuread.get(f"/v1.0/applications/{application['id']}").status_code == 404
    assert azuread.get(f"/v1.0/servicePrincipals/{principal['id']}").status_code == 404
    path = f"/v1.0/servicePrincipals/{principal['id']}/appRoleAssignedTo/{role}"
    assert azuread.get(path).status_code == 404


def test_a_service_principal_leaves_its_application(azuread, application, principal):
    azuread.delete(f"/v1.0/servicePrincipals/{principal['id']}").raise_for_status()

    assert azuread.get(f"/v1.0/applications/{application['id']}").status_code == 200
    assert new_principal(azuread, application["appId"]).status_code == 201


def test_the_custom_template_makes_an_application_and_its_service_principal(azuread):
    listed = azuread.get("/v1.0/applicationTemplates", params={"$filter": "displayName eq 'Custom'"}).json()["value"]
    made = instantiate(azuread)
    application, principal = made["application"], made["servicePrincipal"]

    assert [template["id"] for template in listed] == [CUSTOM]
    assert azuread.get(f"/v1.0/applicationTemplates/{CUSTOM}").json()["displayName"] == "Custom"
    assert application["appId"] == principal["appId"]
    assert application["applicationTemplateId"] == principal["applicationTemplateId"] == CUSTOM
    assert {role["id"]: role["value"] for role in principal["appRoles"]}[USER_ROLE] is None
    assert azuread.get(f"/v1.0/applications/{application['id']}").status_code == 200
    assert azuread.get(f"/v1.0/servicePrincipals/{principal['id']}").status_code == 200
    assert (
        azuread.post(f"/v1.0/applicationTemplates/{NOBODY}/instantiate", json={"displayName": "x"}).status_code == 404
    )
    assert azuread.post(f"/v1.0/applicationTemplates/{CUSTOM}/instantiate", json={}).status_code == 400


@pytest.mark.parametrize(("position", "values"), [("none", []), ("userImpersonation", ["user_impersonation"])])
def test_the_custom_template_may_publish_a_scope(azuread, position, values):
    azuread.put("/_sandbox/switches", json={"template-scope": position}).raise_for_status()
    scopes = instantiate(azuread)["application"]["api"]["oauth2PermissionScopes"]

    assert [scope["value"] for scope in scopes] == values


@pytest.mark.parametrize(("position", "owners"), [("none", []), ("caller", [PRINCIPAL])])
def test_who_owns_what_a_template_made_is_a_switch(azuread, position, owners):
    azuread.put("/_sandbox/switches", json={"instantiate-owner": position}).raise_for_status()
    made = instantiate(azuread)
    for place, part in (("applications", "application"), ("servicePrincipals", "servicePrincipal")):
        found = azuread.get(f"/v1.0/{place}/{made[part]['id']}/owners").json()["value"]

        assert [owner["id"] for owner in found] == owners


def test_a_role_is_assigned_once_and_found_again(azuread, principal):
    made = assign(azuread, ANA, principal["id"])
    path = f"/v1.0/servicePrincipals/{principal['id']}/appRoleAssignedTo"
    body = made.json()

    assert made.status_code == 201
    assert "/" not in body["id"]
    assert (body["principalType"], body["principalDisplayName"]) == ("User", "Ana Silva")
    assert body["resourceDisplayName"] == "Qlik SCIM"
    assert assign(azuread, ANA, principal["id"]).status_code == 400
    assert [found["id"] for found in azuread.get(path).json()["value"]] == [body["id"]]
    assert azuread.get(f"{path}/{body['id']}").json()["principalId"] == ANA
    assert [azuread.delete(f"{path}/{body['id']}").status_code for _ in range(2)] == [204, 404]


def test_a_role_the_application_lacks_and_a_principal_that_is_none_are_refused(azuread, principal):
    missing = assign(azuread, NOBODY, principal["id"])

    assert assign(azuread, ANA, principal["id"], NOBODY).status_code == 400
    assert assign(azuread, PRINCIPAL, principal["id"]).status_code == 400  # the role is for users
    assert assign(azuread, ANA, principal["id"], NO_ROLE).status_code == 400  # the application declares one
    assert (missing.status_code, message(missing)) == (400, "Not a valid reference update.")
    assert assign(azuread, ANA, NOBODY).status_code == 404


def test_an_application_without_roles_has_the_default_one(azuread):
    app_id = new_application(azuread, appRoles=[]).json()["appId"]
    resource = new_principal(azuread, app_id).json()["id"]

    assert assign(azuread, ANA, resource, NO_ROLE).status_code == 201


def test_the_roles_of_a_deleted_principal_are_nobodys(azuread, principal):
    assign(azuread, ANA, principal["id"]).raise_for_status()
    azuread.delete(f"/v1.0/users/{ANA}").raise_for_status()

    path = f"/v1.0/servicePrincipals/{principal['id']}/appRoleAssignedTo"
    assert azuread.get(path).json()["value"] == []


def test_who_may_only_read_applications_changes_none(as_roles):
    graph = as_roles("Application.Read.All", applications=[{"id": NOBODY, "appId": NOBODY, "displayName": "Other"}])
    path = f"/v1.0/applications/{NOBODY}"

    assert graph.get(path).status_code == 200
    answers = [
        graph.patch(path, json={}),
        graph.delete(path),
        graph.post(f"{path}/owners/$ref", json={"@odata.id": reference(graph, ANA)}),
        new_application(graph),
        new_principal(graph, NOBODY),
        assign(graph, ANA, PRINCIPAL),
        graph.post(f"/v1.0/applicationTemplates/{CUSTOM}/instantiate", json={"displayName": "x"}),
        graph.get("/v1.0/domains"),
        graph.get("/v1.0/directory/administrativeUnits"),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert {answer.json()["error"]["code"] for answer in answers} == {"Authorization_RequestDenied"}


def test_who_may_write_only_what_it_owns_writes_only_that(as_roles):
    graph = as_roles(
        "Application.ReadWrite.OwnedBy", applications=[{"id": NOBODY, "appId": NOBODY, "displayName": "Other"}]
    )
    own = new_application(graph).json()

    assert graph.patch(f"/v1.0/applications/{own['id']}", json={"notes": "mine"}).status_code == 204
    assert new_principal(graph, own["appId"]).status_code == 201
    assert graph.patch(f"/v1.0/applications/{NOBODY}", json={"notes": "mine"}).status_code == 403
    assert new_principal(graph, NOBODY).status_code == 403


def test_assigning_roles_needs_the_right_to_read_applications_too(as_roles):
    principals = [{"id": NOBODY, "appId": NOBODY, "displayName": "Other"}]

    assert (
        assign(as_roles("AppRoleAssignment.ReadWrite.All", servicePrincipals=principals), ANA, NOBODY).status_code
        == 403
    )
    graph = as_roles("AppRoleAssignment.ReadWrite.All", "Application.Read.All", servicePrincipals=principals)
    assert assign(graph, ANA, NOBODY, NO_ROLE).status_code == 201


def test_a_group_for_a_directory_role_needs_the_right_to_manage_roles(as_roles):
    body = {
        "displayName": "Roles",
        "isAssignableToRole": True,
        "mailEnabled": False,
        "mailNickname": "roles",
        "securityEnabled": True,
    }

    assert as_roles("Group.ReadWrite.All").post("/v1.0/groups", json=body).status_code == 403
    graph = as_roles("Group.ReadWrite.All", "RoleManagement.ReadWrite.Directory")
    assert graph.post("/v1.0/groups", json=body).status_code == 201


def test_who_may_only_create_groups_changes_those_it_owns(as_roles):
    body = {"displayName": "G", "mailEnabled": False, "mailNickname": "g", "securityEnabled": True}
    graph = as_roles("Group.Create")
    own = graph.post("/v1.0/groups", json=body | {"owners@odata.bind": [reference(graph, PRINCIPAL)]}).json()["id"]
    foreign = graph.post("/v1.0/groups", json=body).json()["id"]

    assert graph.patch(f"/v1.0/groups/{own}", json={"description": "mine"}).status_code == 204
    assert graph.patch(f"/v1.0/groups/{foreign}", json={"description": "mine"}).status_code == 403
    assert [graph.delete(f"/v1.0/groups/{id_}").status_code for id_ in (own, foreign)] == [204, 403]


def test_the_domains_are_those_of_the_world(azuread):
    domains = azuread.get("/v1.0/domains").json()["value"]

    assert [(domain["id"], domain["isDefault"]) for domain in domains] == [
        ("contoso.test", True),
        ("fabrikam.test", False),
    ]
    assert domains[0]["supportedServices"] == ["Email", "OfficeCommunicationsOnline"]
    assert azuread.get("/v1.0/domains/fabrikam.test").json()["isVerified"] is True
    assert azuread.get("/v1.0/domains/other.test").status_code == 404


def test_a_world_without_domains_has_those_of_its_users(control, graph):
    assert control.get("/_sandbox/world").json()["directory"]["domains"][0]["id"] == "contoso.test"


def test_what_hangs_on_applications_survives_a_snapshot(azuread, application, principal):
    assign(azuread, ANA, principal["id"]).raise_for_status()
    instantiate(azuread)
    path = f"/v1.0/applications/{application['id']}"
    azuread.post(f"{path}/owners/$ref", json={"@odata.id": reference(azuread, ANA)}).raise_for_status()
    azuread.patch(path, json={"info": {"supportUrl": "https://contoso.test"}, "notes": "n"}).raise_for_status()
    azuread.patch(f"/v1.0/servicePrincipals/{PRINCIPAL}", json={"notes": "the client's"}).raise_for_status()
    before = azuread.get("/_sandbox/world").json()
    azuread.put("/_sandbox/world", json=before).raise_for_status()

    assert azuread.get("/_sandbox/world").json() == before
    assert {found["id"]: found["owners"] for found in before["directory"]["applications"]}[application["id"]] == [
        ANA,
        PRINCIPAL,
    ]
    assert PRINCIPAL in {found["id"] for found in before["directory"]["servicePrincipals"]}


@pytest.mark.parametrize("fields", [{"web": {"redirectUris": None}}, {"spa": {"redirectUris": "x"}}, {"api": []}])
def test_a_part_of_an_application_has_its_type(azuread, application, fields):
    assert azuread.patch(f"/v1.0/applications/{application['id']}", json=fields).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1.0/applications/{id}/addPassword"),
        ("GET", "/v1.0/applications/{id}/federatedIdentityCredentials"),
        ("POST", "/v1.0/servicePrincipals/{id}/claimsMappingPolicies/$ref"),
        ("GET", "/v1.0/oauth2PermissionGrants"),
        ("GET", "/beta/identityGovernance/entitlementManagement/catalogs"),
        ("POST", "/v1.0/invitations"),
    ],
)
def test_what_azuread_calls_for_other_types_is_not_implemented(azuread, application, method, path):
    answer = azuread.request(method, path.replace("{id}", application["id"]), json={})

    assert answer.status_code == 501
    assert answer.json()["error"]["code"] == "notImplemented"
