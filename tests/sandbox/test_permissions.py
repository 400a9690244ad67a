"""What a caller may do: roles allow, scopes of a token narrow (qlik-api.md 2.7, 5 and 8)."""

import pytest
from serving import CLIENT, WORLD, set_switches

SECRET = "sandbox-client-secret"
USERS, GROUPS, ROLES = "/api/v1/users", "/api/v1/groups", "/api/v1/roles"
COUNT = f"{USERS}/actions/count"
READERS = {"name": "Readers of users", "assignedScopes": ["admin.users:read"], "level": "admin"}


def with_scopes(place, *scopes):
    place(clients=[{"id": CLIENT, "secret": SECRET, "scopes": list(scopes)}])


def member_with(place, *roles, groups=()):
    """Give the user of the member key some roles, directly or by groups."""
    users = [u | ({"assignedRoles": list(roles)} if u["name"] == "Nalle" else {}) for u in WORLD["tenant"]["users"]]
    place(users=users, groups=list(groups), roles=[READERS])


def token(everyone, scope=""):
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET, "scope": scope}
    return everyone.post("/oauth/token", json=form).raise_for_status().json()["access_token"]


def ask(everyone, token, method="GET", path=COUNT, **more):
    return everyone.request(method, path, headers={"Authorization": f"Bearer {token}"}, **more).status_code


def test_a_token_with_admin_users_administers_users_and_nothing_else(everyone, place):
    with_scopes(place, "admin.users")
    bearer = token(everyone)

    assert ask(everyone, bearer) == 200
    assert ask(everyone, bearer, "POST", USERS, json={"subject": "new"}) == 201
    assert ask(everyone, bearer, path=GROUPS) == 403
    assert ask(everyone, bearer, path=ROLES) == 403
    assert ask(everyone, bearer, path="/api/v1/licenses/assignments") == 403


def test_a_scope_to_read_does_not_write(everyone, place):
    with_scopes(place, "admin.users:read")
    bearer = token(everyone)

    assert ask(everyone, bearer) == 200
    assert ask(everyone, bearer, "POST", USERS, json={"subject": "new"}) == 403


def test_a_scope_never_widens_what_the_roles_allow(everyone, place, tenant):
    with_scopes(place, "admin_classic", "admin.users")
    bearer = token(everyone)
    bot = everyone.get(f"{USERS}/me", headers={"Authorization": f"Bearer {bearer}"}, follow_redirects=True).json()
    assert ask(everyone, bearer, path=ROLES) == 200

    tenant.patch(f"{USERS}/{bot['id']}", json=[{"op": "replace", "path": "/assignedRoles", "value": []}])

    assert ask(everyone, bearer, path=ROLES) == 403
    assert ask(everyone, bearer) == 403


def test_an_administrator_of_the_tenant_may_everything(everyone):
    assert [ask(everyone, "sandbox-api-key", path=path) for path in (COUNT, GROUPS, ROLES)] == [200] * 3


def test_a_user_without_roles_may_read_users_only(everyone):
    assert [ask(everyone, "member-api-key", path=path) for path in (USERS, COUNT, GROUPS, ROLES)] == [
        200,
        403,
        403,
        403,
    ]


def test_a_custom_role_allows_what_its_scopes_say(everyone, place):
    member_with(place, "Readers of users")

    assert ask(everyone, "member-api-key") == 200
    assert ask(everyone, "member-api-key", "POST", USERS, json={"subject": "new"}) == 403


@pytest.mark.parametrize("kind", ["idp", "custom"])
def test_the_roles_of_a_group_count_for_its_members(everyone, place, kind):
    group = {"name": "Admins", "providerType": kind, "assignedRoles": ["TenantAdmin"]}

    member_with(place, groups=[group | {"members": ["qlik\\kalle"]}])
    assert ask(everyone, "member-api-key", path=ROLES) == 403
    member_with(place, groups=[group | {"members": ["QLIK\\nalle"]}])
    assert ask(everyone, "member-api-key", path=ROLES) == 200
    member_with(place, groups=[group | {"members": ["qlik\\nalle"], "status": "disabled"}])
    assert ask(everyone, "member-api-key", path=ROLES) == 403


def test_the_roles_of_everyone_count_for_everyone(everyone, tenant):
    everyone_group = f"{GROUPS}/000000000000000000000001"
    change = [{"op": "replace", "path": "/assignedRoles", "value": [{"name": "TenantAdmin"}]}]

    tenant.patch(everyone_group, json=change).raise_for_status()

    assert ask(everyone, "member-api-key", path=ROLES) == 200


def test_a_disabled_user_has_no_access_any_more(everyone, tenant):
    nalle = tenant.get(USERS, params={"filter": 'name eq "Nalle"'}).json()["data"][0]
    assert ask(everyone, "member-api-key", path=USERS) == 200

    tenant.patch(f"{USERS}/{nalle['id']}", json=[{"op": "replace", "path": "/status", "value": "disabled"}])

    assert ask(everyone, "member-api-key", path=USERS) == 401


def test_anybody_may_change_their_own_preferences_and_nothing_else(everyone, tenant):
    own = tenant.get(USERS, params={"filter": 'name eq "Nalle"'}).json()["data"][0]
    other = tenant.get(USERS, params={"filter": 'name eq "Kalle"'}).json()["data"][0]

    def change(user, path):
        body = [{"op": "replace", "path": path, "value": "sv-SE"}]
        return ask(everyone, "member-api-key", "PATCH", f"{USERS}/{user['id']}", json=body)

    assert change(own, "/preferredLocale") == 204
    assert change(own, "/name") == 403
    assert change(other, "/preferredLocale") == 403


@pytest.mark.parametrize("bearer", ["", "unknown", "old-api-key"])
def test_the_body_of_an_unauthorized_answer_is_a_switch(everyone, control, bearer):
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    assert everyone.get(USERS, headers=headers).json()["errors"][0]["status"] == 401

    set_switches(control, unauthorized_body="empty")

    answer = everyone.get(USERS, headers=headers)
    assert (answer.status_code, answer.content) == (401, b"")


def test_everybody_sees_their_own_roles(everyone, tenant):
    own = tenant.get(USERS, params={"filter": 'name eq "Nalle"'}).json()["data"][0]

    def fields(id):
        answer = everyone.get(f"{USERS}/{id}", headers={"Authorization": "Bearer member-api-key"})
        return set(answer.json())

    assert "assignedRoles" in fields(own["id"])
    assert "assignedRoles" not in fields(tenant.get(f"{USERS}?limit=1").json()["data"][0]["id"])
