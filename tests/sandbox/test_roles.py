"""Roles of the tenant, and the tenant's own flags (qlik-api.md 5, 2.6)."""

import pytest
from serving import WORLD, follow, qlik_next

ROLES, USERS, GROUPS = "/api/v1/roles", "/api/v1/users", "/api/v1/groups"
TENANT = f"/api/v1/tenants/{WORLD['tenant']['id']}"
BUILT_IN = [
    "AnalyticsAdmin", "AuditAdmin", "AutomationCreator", "AutomlDeploymentContributor", "AutomlExperimentContributor",
    "CollaborationPlatformUser", "DataAdmin", "DataProductManager", "DataServicesContributor", "DataSpaceCreator",
    "EmbeddedAnalyticsUser", "ManagedSpaceCreator", "PrivateAnalyticsContentCreator", "SharedSpaceCreator", "Steward",
    "TenantAdmin",
]  # fmt: skip


def names(answer):
    return [role["name"] for role in answer.raise_for_status().json()["data"]]


def find(tenant, name):
    return tenant.get(ROLES, params={"filter": f'name eq "{name}"'}).raise_for_status().json()["data"][0]


def replace(path, value):
    return {"op": "replace", "path": path, "value": value}


def test_the_built_in_roles_are_those_after_january_2026(tenant):
    pages = follow(tenant, f"{ROLES}?filter=type eq 'default'&limit=5", qlik_next)

    assert [role["name"] for page in pages for role in page] == BUILT_IN


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('name eq "tenantadmin"', ["TenantAdmin"]),
        ('type eq "custom"', ["My Custom Role"]),
        ('level eq "admin"', ["AnalyticsAdmin", "AuditAdmin", "DataAdmin", "TenantAdmin"]),
        (f'tenantId eq "{WORLD["tenant"]["id"]}"', ["My Custom Role"]),
        ('createdAt eq "2026-01-01T00:00:00.000Z" and name eq "Steward"', ["Steward"]),
        ('description eq "nothing"', []),
        ('permissions eq "nothing"', []),
    ],
)
def test_roles_are_filtered(tenant, text, found):
    assert names(tenant.get(ROLES, params={"filter": text})) == found


def test_a_custom_role_is_made_and_read(tenant):
    body = {"name": "Readers", "description": "Read", "assignedScopes": ["admin.users:read", "spaces"]}

    made = tenant.post(ROLES, json=body)

    assert made.status_code == 201
    role = made.json()
    assert tenant.get(f"{ROLES}/{role['id']}").json() == role
    assert (role["type"], role["level"], role["tenantId"]) == ("custom", "admin", WORLD["tenant"]["id"])
    assert (role["canEdit"], role["canDelete"]) == (True, True)
    assert role["assignedScopes"] == body["assignedScopes"]
    assert role["createdBy"] == role["updatedBy"] != ""


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "TenantAdmin"},
        {"name": "My Custom Role"},
        {"name": "x", "assignedScopes": ["admin_classic"]},
        {"name": "x", "assignedScopes": "spaces"},
        [],
    ],
)
def test_a_role_that_cannot_be_is_refused(tenant, body):
    answer = tenant.post(ROLES, json=body)

    assert answer.status_code == 400
    assert "status" not in answer.json()["errors"][0]
    assert tenant.get(ROLES, params={"totalResults": "true"}).json()["totalResults"] == 17


def test_a_tenant_has_five_hundred_custom_roles_at_most(tenant, place):
    place(roles=[{"name": f"Role {number}"} for number in range(499)])

    assert tenant.post(ROLES, json={"name": "The last one"}).status_code == 201
    assert tenant.post(ROLES, json={"name": "One more"}).status_code == 400


def test_a_custom_role_is_changed_wherever_it_is_assigned(tenant):
    role = find(tenant, "My Custom Role")
    kalle = tenant.get(USERS, params={"filter": 'name eq "Kalle"'}).json()["data"][0]
    assigned = [replace("/assignedRoles", [{"id": role["id"]}])]
    tenant.patch(f"{USERS}/{kalle['id']}", json=assigned)
    group = tenant.post(GROUPS, json={"name": "New", "assignedRoles": [{"id": role["id"]}]}).json()
    operations = [
        replace("/name", "Renamed"),
        replace("/description", "Other"),
        replace("/assignedScopes", ["spaces"]),
        {"op": "add", "path": "/assignedScopes/-", "value": "admin.apps"},
        {"op": "remove-value", "path": "/assignedScopes", "value": "spaces"},
    ]

    assert tenant.patch(f"{ROLES}/{role['id']}", json=operations).status_code == 204

    changed = tenant.get(f"{ROLES}/{role['id']}").json()
    shown = {"id": role["id"], "name": "Renamed", "type": "custom", "level": "admin"}
    assert (changed["name"], changed["description"], changed["assignedScopes"]) == ("Renamed", "Other", ["admin.apps"])
    assert tenant.get(f"{USERS}/{kalle['id']}").json()["assignedRoles"] == [shown]
    assert tenant.get(f"{GROUPS}/{group['id']}").json()["assignedRoles"] == [shown]


@pytest.mark.parametrize(
    "operation",
    [
        replace("/name", "Steward"),
        replace("/name", ""),
        replace("/level", "admin"),
        replace("/assignedScopes", "spaces"),
        replace("/assignedScopes", ["admin_classic"]),
        {"op": "add", "path": "/assignedScopes", "value": "spaces"},
        {"op": "add", "path": "/name", "value": "x"},
        {"op": "remove-value", "path": "/assignedScopes/-", "value": "spaces"},
    ],
)
def test_a_change_that_is_not_allowed_changes_nothing(tenant, operation):
    before = find(tenant, "My Custom Role")

    answer = tenant.patch(f"{ROLES}/{before['id']}", json=[replace("/description", "Other"), operation])

    assert answer.status_code == 400
    assert find(tenant, "My Custom Role") == before


def test_built_in_roles_are_neither_changed_nor_deleted(tenant):
    id = find(tenant, "Steward")["id"]

    assert tenant.patch(f"{ROLES}/{id}", json=[replace("/description", "Other")]).status_code == 403
    assert tenant.delete(f"{ROLES}/{id}").status_code == 403


@pytest.mark.parametrize("place_of_use", ["user", "group"])
def test_a_role_that_is_assigned_is_not_deleted(tenant, place_of_use):
    role = {"id": find(tenant, "My Custom Role")["id"]}
    kalle = tenant.get(USERS, params={"filter": 'name eq "Kalle"'}).json()["data"][0]["id"]
    everyone = "000000000000000000000001"
    path = f"{USERS}/{kalle}" if place_of_use == "user" else f"{GROUPS}/{everyone}"
    tenant.patch(path, json=[replace("/assignedRoles", [role])]).raise_for_status()

    assert tenant.delete(f"{ROLES}/{role['id']}").status_code == 400
    if place_of_use == "user":
        tenant.delete(path)
    else:
        tenant.patch(path, json=[replace("/assignedRoles", [])])
    assert tenant.delete(f"{ROLES}/{role['id']}").status_code == 204
    assert tenant.get(f"{ROLES}/{role['id']}").status_code == 404
    assert tenant.get(USERS, params={"status": "deleted"}).status_code == 200


def test_a_role_tells_its_entitlement_on_a_capacity_tenant_only(tenant, place):
    assert "userEntitlementType" not in find(tenant, "Steward")

    place(allotments={"fullUser": {"units": 10}, "basicUser": {"units": 10}}, assignments=[])

    assert find(tenant, "Steward")["userEntitlementType"] == "fullUser"
    assert find(tenant, "My Custom Role")["userEntitlementType"] == "fullUser"
    assert "userEntitlementType" not in find(tenant, "EmbeddedAnalyticsUser")


def test_what_happens_to_a_role_is_told(tenant):
    id = tenant.post(ROLES, json={"name": "New"}).json()["id"]
    tenant.patch(f"{ROLES}/{id}", json=[replace("/name", "Newer")])
    tenant.delete(f"{ROLES}/{id}")

    events = tenant.get("/api/v1/audits?limit=100").json()["data"][::-1]
    assert [event["eventType"] for event in events] == [
        f"com.qlik.core.role.{what}" for what in ("created", "updated", "deleted")
    ]
    assert events[1]["data"]["_updates"] == [{"path": "/name", "newValue": "Newer", "oldValue": "New"}]


def test_what_was_done_to_roles_survives_a_snapshot(tenant, control):
    role = find(tenant, "My Custom Role")
    tenant.patch(f"{ROLES}/{role['id']}", json=[replace("/name", "Renamed"), replace("/assignedScopes", ["spaces"])])
    tenant.post(ROLES, json={"name": "New", "assignedScopes": ["admin.apps"]})
    before = control.get("/_sandbox/world").json()
    shown = tenant.get(ROLES, params={"filter": "type eq 'custom'"}).json()["data"]

    control.put("/_sandbox/world", json=before).raise_for_status()

    assert control.get("/_sandbox/world").json() == before
    assert tenant.get(ROLES, params={"filter": "type eq 'custom'"}).json()["data"] == shown


FLAGS = (
    "autoAssignCreateSharedSpacesRoleToProfessionals",
    "autoAssignPrivateAnalyticsContentCreatorRoleToProfessionals",
    "autoAssignDataServicesContributorRoleToProfessionals",
)


def test_the_flags_and_the_name_of_the_tenant_are_replaced(tenant, control):
    operations = [replace(f"/{flag}", value=True) for flag in FLAGS] + [replace("/name", "Contoso")]
    assert [tenant.get(TENANT).json()[flag] for flag in FLAGS] == [False] * 3

    assert tenant.patch(TENANT, json=operations).status_code == 204

    body = tenant.get(TENANT).json()
    assert body == tenant.get("/api/v1/tenants/me").json()
    assert [body[flag] for flag in FLAGS] == [True] * 3
    assert body["name"] == "Contoso"
    before = control.get("/_sandbox/world").json()
    control.put("/_sandbox/world", json=before).raise_for_status()
    assert control.get("/_sandbox/world").json() == before
    assert tenant.get(TENANT).json() == body


@pytest.mark.parametrize(
    "operation",
    [
        replace(f"/{FLAGS[0]}", "true"),
        replace(FLAGS[0], value=True),
        replace("/id", "another"),
        replace("/hostnames/1", "other.example"),
        {"op": "add", "path": f"/{FLAGS[0]}", "value": True},
    ],
)
def test_a_change_of_the_tenant_that_is_not_allowed_is_refused(tenant, operation):
    before = tenant.get(TENANT).json()

    assert tenant.patch(TENANT, json=[operation]).status_code == 400
    assert tenant.get(TENANT).json() == before


def test_only_an_administrator_changes_the_tenant_and_only_this_one_is_there(everyone, tenant):
    headers = {"Authorization": "Bearer member-api-key"}

    assert everyone.patch(TENANT, json=[], headers=headers).status_code == 403
    assert everyone.get(TENANT, headers=headers).status_code == 200
    assert tenant.get("/api/v1/tenants/another").status_code == 404
