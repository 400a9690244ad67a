import json

import pytest
from azuread_world import ANA, BO, CLIENT, DIRECTORY, PRINCIPAL, SECRET, WORLD
from serving import directory_token

CUSTOM = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
USER_ROLE = "18d14569-c3bd-439b-9a66-3a2aee01d14f"
SECRETS = [
    {"key": "SecretToken", "value": "token"},
    {"key": "BaseAddress", "value": "https://contoso.eu.qlikcloud.com/api/v1/scim"},
]


@pytest.fixture
def principal(azuread):
    """The path of a service principal made from the template of custom applications."""
    made = azuread.post(f"/v1.0/applicationTemplates/{CUSTOM}/instantiate", json={"displayName": "Qlik"})
    return f"/v1.0/servicePrincipals/{made.raise_for_status().json()['servicePrincipal']['id']}"


@pytest.fixture
def job(azuread, principal):
    """The path of a job of that service principal."""
    made = azuread.post(f"{principal}/synchronization/jobs", json={"templateId": "scim"})
    return f"{principal}/synchronization/jobs/{made.raise_for_status().json()['id']}"


def put_secrets(graph, principal, secrets=SECRETS):
    return graph.put(f"{principal}/synchronization/secrets", json={"value": secrets})


def keys(graph, principal):
    found = graph.get(f"{principal}/synchronization/secrets").raise_for_status().json()["value"]
    assert {secret["value"] for secret in found} <= {"*"}
    return [secret["key"] for secret in found]


def state(graph, job):
    found = graph.get(job).raise_for_status().json()
    return found["status"]["code"], found["schedule"]["state"]


def provision(graph, job, object_id, rule=None):
    rule = rule or graph.get(f"{job}/schema").json()["synchronizationRules"][0]["id"]
    subjects = [{"objectId": object_id, "objectTypeName": "User"}]
    return graph.post(f"{job}/provisionOnDemand", json={"parameters": [{"ruleId": rule, "subjects": subjects}]})


def result(answer):
    return json.loads(answer.raise_for_status().json()["key"])["result"]


def flip(graph, **positions):
    positions = {name.replace("_", "-"): position for name, position in positions.items()}
    graph.put("/_sandbox/switches", json=positions).raise_for_status()


def test_secrets_are_listed_in_the_order_they_were_sent_without_their_values(azuread, principal):
    assert keys(azuread, principal) == []
    assert put_secrets(azuread, principal).status_code == 204
    assert keys(azuread, principal) == ["SecretToken", "BaseAddress"]


def test_a_secret_with_an_empty_value_is_removed(azuread, principal):
    put_secrets(azuread, principal)
    put_secrets(azuread, principal, [{"key": secret["key"], "value": ""} for secret in SECRETS])

    assert keys(azuread, principal) == []


@pytest.mark.parametrize(("position", "left"), [("replace", ["SyncAll"]), ("merge", ["BaseAddress", "SyncAll"])])
def test_secrets_left_out_of_a_put_are_gone_or_kept(azuread, principal, position, left):
    flip(azuread, secrets_put=position)
    put_secrets(azuread, principal)
    put_secrets(azuread, principal, [{"key": "SyncAll", "value": "false"}, {"key": "SecretToken", "value": ""}])

    assert keys(azuread, principal) == left


def test_the_service_may_list_secrets_of_its_own(azuread, principal):
    flip(azuread, secrets_listing="withDefaults")
    put_secrets(azuread, principal)

    assert keys(azuread, principal) == ["SecretToken", "BaseAddress", "SyncAll", "SyncNotificationSettings"]


def test_secrets_may_have_to_wait_for_a_job(azuread, principal):
    flip(azuread, secrets_before_job="refused404")

    assert put_secrets(azuread, principal).status_code == 404
    azuread.post(f"{principal}/synchronization/jobs", json={"templateId": "scim"}).raise_for_status()
    assert put_secrets(azuread, principal).status_code == 204


@pytest.mark.parametrize("body", [{}, {"value": "x"}, {"value": [{"key": "", "value": "x"}]}, {"value": [1]}, []])
def test_secrets_that_are_none_are_refused(azuread, principal, body):
    assert azuread.put(f"{principal}/synchronization/secrets", json=body).status_code == 400


def test_a_new_job_has_a_schedule_and_waits(azuread, job):
    found = azuread.get(job).json()

    assert job.rpartition("/")[2].startswith(f"scim.{DIRECTORY.replace('-', '')}.")
    assert found["templateId"] == "scim"
    assert found["schedule"] == {
        "expiration": None,
        "interval": "P10675199DT2H48M5.4775807S",
        "state": "Disabled",
    }
    assert found["status"]["code"] == "NotConfigured"


def test_a_job_is_started_paused_and_restarted(azuread, principal, job):
    put_secrets(azuread, principal)
    states = []
    for action in ("start", "pause", "restart"):
        assert azuread.post(f"{job}/{action}").status_code == 204
        states.append(state(azuread, job))

    assert states == [("Active", "Active"), ("Paused", "Disabled"), ("Active", "Active")]
    assert azuread.get(job).json()["schedule"]["interval"] == "PT40M"


@pytest.mark.parametrize(
    ("position", "status", "code"),
    [("quarantine", 204, "Quarantine"), ("active", 204, "Active"), ("refused400", 400, "NotConfigured")],
)
def test_a_job_without_secrets_comes_to_what_the_switch_says(azuread, job, position, status, code):
    flip(azuread, start_without_secrets=position)

    assert azuread.post(f"{job}/start").status_code == status
    assert state(azuread, job)[0] == code


def test_a_start_with_secrets_ends_a_quarantine(azuread, principal, job):
    azuread.post(f"{job}/start")
    quarantine = azuread.get(job).json()["status"]["quarantine"]
    put_secrets(azuread, principal)
    azuread.post(f"{job}/start")

    assert quarantine["reason"] == "EncounteredQuarantineException"
    assert state(azuread, job) == ("Active", "Active")
    assert azuread.get(job).json()["status"]["quarantine"] is None


def test_a_restart_knows_its_scopes(azuread, principal, job):
    put_secrets(azuread, principal)
    answers = [
        azuread.post(f"{job}/restart", json={"criteria": {"resetScope": scope}}).status_code
        for scope in ("Full", "Watermark, Escrows, QuarantineState", "Teapot")
    ]

    assert answers == [204, 204, 400]


def test_credentials_are_validated_as_given_or_as_kept(azuread, principal, job):
    for path in (f"{job}/validateCredentials", f"{principal}/synchronization/jobs/validateCredentials"):
        given = {"credentials": SECRETS, "templateId": "scim"}
        without_token = {"credentials": SECRETS[1:]}

        assert azuread.post(path, json=given).status_code == 204
        assert azuread.post(path, json=without_token).status_code == 400
    assert azuread.post(f"{job}/validateCredentials", json={"useSavedCredentials": True}).status_code == 400
    put_secrets(azuread, principal)
    assert azuread.post(f"{job}/validateCredentials", json={"useSavedCredentials": True}).status_code == 204


def test_the_templates_are_scim_and_perhaps_the_one_before_it(azuread, principal):
    def names():
        found = azuread.get(f"{principal}/synchronization/templates").json()["value"]
        return [template["id"] for template in found]

    def make(template):
        return azuread.post(f"{principal}/synchronization/jobs", json={"templateId": template}).status_code

    assert (names(), make("customappsso"), make("teapot")) == (["scim", "customappsso"], 201, 400)
    flip(azuread, customappsso_template="refused400")
    assert (names(), make("customappsso"), make("scim")) == (["scim"], 400, 201)


def test_the_schema_of_a_new_job_is_the_default(azuread, job):
    schema = azuread.get(f"{job}/schema").json()
    rule = schema["synchronizationRules"][0]
    users = next(mapping for mapping in rule["objectMappings"] if mapping["sourceObjectName"] == "User")
    targets = {mapping["targetAttributeName"]: mapping for mapping in users["attributeMappings"]}

    assert (rule["sourceDirectoryName"], rule["targetDirectoryName"]) == ("Azure Active Directory", "customappsso")
    assert (targets["userName"]["source"]["name"], targets["userName"]["matchingPriority"]) == ("userPrincipalName", 1)
    assert targets["externalId"]["source"]["name"] == "mailNickname"
    assert targets["active"]["source"]["expression"] == 'Switch([IsSoftDeleted], , "False", "True", "True", "False")'
    assert {"name.formatted", 'emails[type eq "work"].value'} <= set(targets)


def test_a_schema_that_is_put_replaces_the_whole_one(azuread, job):
    schema = azuread.get(f"{job}/schema").json()
    rule = schema["synchronizationRules"][0]
    changed = {"@odata.context": "x", "synchronizationRules": [rule | {"objectMappings": rule["objectMappings"][:1]}]}

    assert azuread.put(f"{job}/schema", json=changed).status_code == 204
    found = azuread.get(f"{job}/schema").json()
    assert found["synchronizationRules"] == changed["synchronizationRules"]
    assert found["directories"] == []
    assert found["version"] != schema["version"]
    assert azuread.patch(f"{job}/schema", json={}).status_code == 405


def test_provisioning_on_demand_tells_its_result_and_is_logged(azuread, principal, job):
    put_secrets(azuread, principal)
    sp_id = principal.rpartition("/")[2]
    role = {"appRoleId": USER_ROLE, "principalId": ANA, "resourceId": sp_id}
    azuread.post(f"{principal}/appRoleAssignedTo", json=role).raise_for_status()
    results = [result(provision(azuread, job, id_)) for id_ in (ANA, BO, DIRECTORY)]
    results.append(result(provision(azuread, job, ANA, rule="no-such-rule")))
    logged = azuread.get("/v1.0/auditLogs/provisioning").raise_for_status().json()["value"]

    assert results == ["Success", "Skipped", "Failure", "Failure"]
    assert [entry["provisioningStatusInfo"]["status"] for entry in reversed(logged)] == [
        "success", "skipped", "failure", "failure",
    ]  # fmt: skip
    assert logged[-1]["sourceIdentity"] == {"id": ANA, "displayName": "Ana Silva", "identityType": "User"}
    assert logged[-1]["jobId"] == job.rpartition("/")[2]


def test_everybody_is_in_scope_where_the_secret_says_so(azuread, principal, job):
    put_secrets(azuread, principal, [*SECRETS, {"key": "SyncAll", "value": "true"}])

    assert result(provision(azuread, job, BO)) == "Success"


def test_a_rule_the_schema_lacks_may_be_refused(azuread, principal, job):
    put_secrets(azuread, principal)
    flip(azuread, provision_unknown_rule="refused400")

    assert provision(azuread, job, BO, rule="no-such-rule").status_code == 400


@pytest.mark.parametrize(("position", "results"), [("atOnce", ["Skipped"]), ("afterRestart", ["Failure", "Skipped"])])
def test_a_schema_may_be_in_force_only_after_a_restart(azuread, principal, job, position, results):
    flip(azuread, schema_in_force=position)
    put_secrets(azuread, principal)
    schema = azuread.get(f"{job}/schema").json()
    schema["synchronizationRules"][0]["id"] = "new-rule"
    azuread.put(f"{job}/schema", json=schema).raise_for_status()
    found = [result(provision(azuread, job, BO))]
    if position == "afterRestart":
        azuread.post(f"{job}/restart").raise_for_status()
        found.append(result(provision(azuread, job, BO)))

    assert found == results


def test_the_sixth_request_in_ten_seconds_is_too_many(azuread, job):
    statuses = [provision(azuread, job, BO, rule="x").status_code for _ in range(6)]
    refused = provision(azuread, job, BO, rule="x")
    azuread.put("/_sandbox/clock", json={"advance": 11})

    assert statuses == [200] * 5 + [429]
    assert refused.headers["Retry-After"] == "10"
    assert provision(azuread, job, BO, rule="x").status_code == 200


def test_the_log_is_filtered(azuread, principal, job):
    put_secrets(azuread, principal)
    provision(azuread, job, BO).raise_for_status()
    name = job.rpartition("/")[2]

    def count(text):
        answer = azuread.get("/v1.0/auditLogs/provisioning", params={"$filter": text})
        return len(answer.json()["value"]) if answer.is_success else answer.status_code

    assert count(f"jobId eq '{name}'") == 1
    assert count("jobId eq 'another'") == 0
    assert count("provisioningAction eq 'other'") == 1
    flip(azuread, provisioning_log_job_filter="refused400")
    assert count(f"jobId eq '{name}'") == 400


def test_a_job_that_is_deleted_is_gone(azuread, job):
    assert [azuread.delete(job).status_code for _ in range(2)] == [204, 404]
    assert azuread.get(job).status_code == 404
    assert azuread.get(f"{job.rpartition('/')[0]}").json()["value"] == []


def test_synchronization_goes_with_its_service_principal(azuread, principal, job):
    put_secrets(azuread, principal)
    azuread.delete(principal).raise_for_status()
    directory = azuread.get("/_sandbox/world").json()["directory"]

    assert directory["synchronizationJobs"] == directory["synchronizationSecrets"] == []
    assert azuread.get(job).status_code == azuread.get(f"{principal}/synchronization/secrets").status_code == 404


def test_who_only_owns_applications_synchronizes_those_it_owns(control, graph_connection):
    client = {"id": CLIENT, "secret": SECRET, "oid": PRINCIPAL, "roles": ["Application.ReadWrite.OwnedBy"]}
    own, other = DIRECTORY, ANA.replace("0001", "0009")
    principals = [
        {"id": own, "appId": own, "displayName": "Own", "owners": [PRINCIPAL]},
        {"id": other, "appId": other, "displayName": "Other"},
    ]
    directory = WORLD["directory"] | {"clients": [client], "servicePrincipals": principals}
    control.put("/_sandbox/world", json=WORLD | {"directory": directory}).raise_for_status()
    graph_connection.headers["Authorization"] = f"Bearer {directory_token(control, CLIENT, SECRET)}"

    assert put_secrets(graph_connection, f"/v1.0/servicePrincipals/{own}").status_code == 204
    assert put_secrets(graph_connection, f"/v1.0/servicePrincipals/{other}").status_code == 401


def test_synchronization_needs_a_role(control, graph_connection):
    client = {"id": CLIENT, "secret": SECRET, "oid": PRINCIPAL, "roles": ["Synchronization.Read.All"]}
    control.put("/_sandbox/world", json=WORLD | {"directory": WORLD["directory"] | {"clients": [client]}})
    graph_connection.headers["Authorization"] = f"Bearer {directory_token(control, CLIENT, SECRET)}"
    path = f"/v1.0/servicePrincipals/{PRINCIPAL}"

    assert graph_connection.get(f"{path}/synchronization/secrets").status_code == 200
    assert put_secrets(graph_connection, path).status_code == 403
    assert graph_connection.get("/v1.0/auditLogs/provisioning").status_code == 403


def test_synchronization_survives_a_snapshot(azuread, principal, job):
    put_secrets(azuread, principal)
    azuread.post(f"{job}/start").raise_for_status()
    schema = azuread.get(f"{job}/schema").json()
    azuread.put(f"{job}/schema", json=schema).raise_for_status()
    provision(azuread, job, BO).raise_for_status()
    before = azuread.get("/_sandbox/world").json()
    azuread.put("/_sandbox/world", json=before).raise_for_status()

    assert azuread.get("/_sandbox/world").json() == before
    assert len(before["directory"]["provisioningLogs"]) == 1


@pytest.mark.parametrize("address", ["https://[", "http://contoso.test", "https:///x", "teapot"])
def test_an_address_nothing_answers_at_is_no_credential(azuread, job, address):
    credentials = [{"key": "BaseAddress", "value": address}, {"key": "SecretToken", "value": "t"}]

    assert azuread.post(f"{job}/validateCredentials", json={"credentials": credentials}).status_code == 400


def test_any_schema_that_is_put_can_be_provisioned_by(azuread, job):
    rules = [{"id": ["no", "text"]}, "no object", {}]
    azuread.put(f"{job}/schema", json={"synchronizationRules": rules}).raise_for_status()

    assert result(provision(azuread, job, BO, rule="x")) == "Failure"
    assert azuread.put(f"{job}/schema", json={"synchronizationRules": "x"}).status_code == 400
