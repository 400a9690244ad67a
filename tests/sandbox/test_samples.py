"""Answers have the keys of the vendor's samples (qlik-api.md, Appendix B)."""

import pytest

TYPED = {"subject": str, "type": str, "status": int, "code": str, "title": str, "created": str, "excess": bool}


def test_b2_a_page_of_users(served, tenant):
    body = tenant.get("/api/v1/users?limit=1&filter=subject%20eq%20%22qlik%5C%5Ckalle%22").json()
    user = body["data"][0]

    expected = {
        "id", "tenantId", "status", "subject", "name", "email", "assignedRoles", "assignedGroups", "createdAt",
        "lastUpdatedAt", "links",
    }  # fmt: skip
    assert set(user) == expected
    assert user["links"]["self"]["href"] == f"{served.url}/api/v1/users/{user['id']}"
    assert body["links"]["self"]["href"].startswith(f"{served.url}/api/v1/users?limit=1&filter=subject%20eq%20%22")


def test_b2_a_role_as_it_stands_on_a_user(tenant):
    user = tenant.get("/api/v1/users", params={"filter": 'subject eq "auth0|admin"'}).json()["data"][0]

    role = user["assignedRoles"][0]
    assert set(role) == {"id", "name", "type", "level"}
    assert (role["name"], role["type"], role["level"]) == ("TenantAdmin", "default", "admin")
    assert len(role["id"]) == 24


@pytest.mark.parametrize(
    ("verb", "items", "keys"),
    [
        (
            "add",
            [{"subject": "a", "type": "analyzer"}, {"subject": "b", "type": "nothing"}],
            [{"status", "subject", "type"}, {"code", "status", "subject", "title", "type"}],
        ),
        (
            "update",
            [
                {"sourceType": "analyzer", "subject": "qlik\\malik", "type": "professional"},
                {"sourceType": "analyzer", "subject": "qlik/sara", "type": "professional"},
            ],
            [
                {"sourceType", "status", "subject", "type"},
                {"code", "sourceType", "status", "subject", "title"},
            ],
        ),
        (
            "delete",
            [{"subject": "qlik\\malik", "type": "analyzer"}, {"subject": "qlik\\o", "type": "analyzer"}],
            [{"status", "subject", "type"}, {"code", "status", "subject", "title", "type"}],
        ),
    ],
)
def test_b4_the_items_of_a_batch(tenant, verb, items, keys):
    answer = tenant.post(f"/api/v1/licenses/assignments/actions/{verb}", json={verb: items})

    assert answer.status_code == 207
    assert list(answer.json()) == ["data"]
    assert [set(item) for item in answer.json()["data"]] == keys
    for item in answer.json()["data"]:
        assert all(isinstance(item[name], kind) for name, kind in TYPED.items() if name in item)


def test_b4_a_page_of_assignments(served, tenant):
    body = tenant.get("/api/v1/licenses/assignments?limit=1").json()

    assert body["data"] == [
        {
            "created": "2026-03-01T09:00:00.000Z",
            "excess": False,
            "subject": "qlik\\kalle",
            "type": "professional",
        }
    ]
    assert list(body["links"]) == ["next"]
    next_page = "/api/v1/licenses/assignments?limit=1&page=bmV4dDpb"
    assert body["links"]["next"]["href"].startswith(f"{served.url}{next_page}")


def test_the_overview_has_every_required_field(tenant):
    body = tenant.get("/api/v1/licenses/overview").json()

    required = {
        "allotments", "licenseKey", "licenseNumber", "origin", "updated", "parameters", "product",
        "secondaryNumber", "status", "trial", "valid",
    }  # fmt: skip
    assert required <= set(body)
    assert body["allotments"][0] == {
        "name": "professional",
        "usageClass": "assigned",
        "units": 3,
        "unitsUsed": 1,
        "overage": 0,
    }


def test_the_status_has_every_required_field(tenant):
    body = tenant.get("/api/v1/licenses/status").json()

    required = {"type", "origin", "product", "status", "trial", "valid", "extensionStatus", "deactivated"}
    assert set(body) == required
