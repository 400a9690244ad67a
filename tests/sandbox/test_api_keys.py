"""API keys and SCIM keys (qlik-api.md 7.1 and 7.2)."""

import pytest
from serving import WORLD, place

PATH = "/api/v1/api-keys"
CONFIG = f"{PATH}/configs/{WORLD['tenant']['id']}"
PROVIDER = "6425d61fbb406d75678f1204"
DAY = 24 * 3600


@pytest.fixture
def provider(control):
    place(control, identityProviders=[{"id": PROVIDER}])
    return PROVIDER


@pytest.fixture
def member(control, served):
    """A user who may manage keys of his own."""
    users = [
        user | ({"assignedRoles": ["Keys"]} if user["name"] == "Nalle" else {}) for user in WORLD["tenant"]["users"]
    ]
    roles = [*WORLD["tenant"]["roles"], {"name": "Keys", "assignedScopes": ["api-keys"]}]
    place(control, users=users, roles=roles)
    with served.client("member-api-key") as client:
        yield client


def create(client, **body):
    return client.post(PATH, json={"description": "a key"} | body)


def scim(client, sub=f"SCIM\\{PROVIDER}", **body):
    return create(client, subType="externalClient", sub=sub, **body)


def status(control, token):
    return control.get("/api/v1/spaces", headers={"Authorization": f"Bearer {token}"}).status_code


def advance(control, seconds):
    control.put("/_sandbox/clock", json={"advance": seconds}).raise_for_status()


def descriptions(client, **query):
    return [key["description"] for key in client.get(PATH, params=query).raise_for_status().json()["data"]]


def test_a_new_key_works_at_once_and_shows_its_token_once(control, tenant):
    answer = create(tenant)
    key = answer.json()

    assert answer.status_code == 201
    assert status(control, key["token"]) == 200
    shown = tenant.get(f"{PATH}/{key['id']}").json()
    assert shown == {name: value for name, value in key.items() if name != "token"}
    assert (shown["subType"], shown["status"], shown["expiry"][:10]) == ("user", "active", "2026-11-03")


def test_a_key_expires_by_the_clock(control, tenant):
    key = create(tenant, expiry="PT1H").json()

    advance(control, 3601)

    assert status(control, key["token"]) == 401
    assert tenant.get(f"{PATH}/{key['id']}").json()["status"] == "expired"
    assert descriptions(tenant, status="expired") == ["a key", ""]


@pytest.mark.parametrize("expiry", ["PT25H", "P1D2", "1 day", "PT0S", ""])
def test_a_duration_too_long_or_none_is_refused(tenant, expiry):
    assert create(tenant, expiry=expiry).status_code == 400


def test_the_owner_deletes_and_an_administrator_revokes(control, tenant, member):
    mine, other = create(member).json(), create(member).json()

    assert member.delete(f"{PATH}/{mine['id']}").status_code == 204
    assert tenant.delete(f"{PATH}/{other['id']}").status_code == 204

    assert tenant.get(f"{PATH}/{mine['id']}").status_code == 404
    assert tenant.get(f"{PATH}/{other['id']}").json()["status"] == "revoked"
    assert [status(control, key["token"]) for key in (mine, other)] == [401, 401]
    events = tenant.get("/api/v1/audits", params={"eventType": "com.qlik.api-key.deleted"}).json()["data"]
    assert [event["data"]["status"] for event in events] == ["revoked", "deleted"]


def test_a_user_sees_and_touches_only_keys_of_his_own(tenant, member):
    foreign = create(tenant, description="of the administrator").json()

    assert descriptions(member) == [""]
    for method in ("GET", "DELETE"):
        assert member.request(method, f"{PATH}/{foreign['id']}").status_code == 403
    assert member.post(PATH, json={"description": "x", "sub": foreign["sub"]}).status_code == 403


def test_who_may_not_manage_keys_creates_none(served):
    with served.client("member-api-key") as client:
        assert create(client).status_code == 403


def test_the_number_of_active_keys_is_limited(control, tenant):
    assert [create(tenant).status_code for _ in range(5)] == [201, 201, 201, 201, 403]

    advance(control, DAY + 1)

    assert create(tenant).status_code == 201


def test_only_the_description_is_changed(tenant):
    key = create(tenant).json()
    url = f"{PATH}/{key['id']}"

    assert tenant.patch(url, json=[{"op": "replace", "path": "/description", "value": "new"}]).status_code == 204
    assert tenant.patch(url, json=[{"op": "replace", "path": "/expiry", "value": "P1D"}]).status_code == 400
    assert tenant.get(url).json()["description"] == "new"


def test_keys_are_followed_after_and_before_a_key(control, tenant):
    for number in range(4):
        create(tenant, description=f"k{number}")
        advance(control, 1)

    first = tenant.get(PATH, params={"limit": 2}).json()
    second = tenant.get(first["links"]["next"]["href"]).json()
    again = tenant.get(second["links"]["prev"]["href"]).json()

    assert [key["description"] for key in first["data"] + second["data"]] == ["k3", "k2", "k1", "k0"]
    assert f"startingAfter={first['data'][-1]['id']}" in first["links"]["next"]["href"]
    assert again["data"] == first["data"]


@pytest.mark.parametrize("query", [{"startingAfter": "x"}, {"limit": 101}, {"sort": "expiry"}])
def test_a_list_that_makes_no_sense_is_refused(tenant, query):
    assert tenant.get(PATH, params=query).status_code == 400


def test_both_cursors_at_once_are_refused(tenant):
    id = create(tenant).json()["id"]

    assert tenant.get(PATH, params={"startingAfter": id, "endingBefore": id}).status_code == 400


def test_keys_are_filtered_by_whose_they_are(tenant, provider):
    mine = create(tenant, description="mine").json()
    scim(tenant, description="scim")

    assert descriptions(tenant, sub=f"SCIM\\{provider}") == ["scim"]
    assert descriptions(tenant, sub=mine["sub"], status="active") == ["mine", ""]
    assert set(descriptions(tenant, createdByUser=mine["sub"], status="active")) == {"scim", "mine", ""}


def test_a_scim_key_lives_a_year_and_opens_nothing_else(control, tenant, provider):
    key = scim(tenant).json()

    assert (key["sub"], key["subType"], key["expiry"][:10]) == (f"SCIM\\{provider}", "externalClient", "2027-11-02")
    assert status(control, key["token"]) == 401


def test_a_scim_key_belongs_to_an_identity_provider(tenant, provider):
    assert scim(tenant, "SCIM\\nobody").status_code == 400
    assert scim(tenant, provider).status_code == 400


@pytest.mark.parametrize(("position", "one", "two"), [("both", 201, 201), ("one", 201, 400), ("two", 400, 201)])
def test_one_or_two_backslashes_name_a_provider(control, tenant, position, one, two):
    place(control, {"scim-backslashes": position}, identityProviders=[{"id": PROVIDER}])

    assert scim(tenant, f"SCIM\\{PROVIDER}").status_code == one
    assert scim(tenant, f"SCIM\\\\{PROVIDER}").status_code == two


@pytest.mark.parametrize(("position", "second"), [("several", 201), ("one", 400)])
def test_a_provider_may_have_two_live_keys_or_one(control, tenant, position, second):
    place(control, {"scim-keys": position}, identityProviders=[{"id": PROVIDER}])
    first = scim(tenant).json()

    assert scim(tenant).status_code == second
    tenant.delete(f"{PATH}/{first['id']}")
    assert position == "several" or scim(tenant).status_code == 201


@pytest.mark.parametrize(("position", "sixth"), [("apart", 201), ("counted", 403)])
def test_scim_keys_count_against_the_limit_or_not(control, tenant, position, sixth):
    place(control, {"scim-key-limit": position}, identityProviders=[{"id": PROVIDER}])
    for _ in range(4):
        scim(tenant)

    assert scim(tenant).status_code == sixth


def test_what_is_allowed_of_keys_can_be_changed(tenant):
    changes = [
        {"op": "replace", "path": "/max_keys_per_user", "value": 1},
        {"op": "replace", "path": "/max_api_key_expiry", "value": "P7D"},
    ]

    assert tenant.patch(CONFIG, json=changes).status_code == 204
    assert tenant.get(CONFIG).json() == {
        "max_keys_per_user": 1,
        "max_api_key_expiry": "P7D",
        "scim_externalClient_expiry": "P365D",
    }
    assert create(tenant).status_code == 403


@pytest.mark.parametrize(
    "change",
    [
        {"op": "replace", "path": "/max_keys_per_user", "value": 1001},
        {"op": "replace", "path": "/max_keys_per_user", "value": True},
        {"op": "replace", "path": "/max_api_key_expiry", "value": "a day"},
        {"op": "add", "path": "/max_keys_per_user", "value": 1},
        {"op": "replace", "path": "/teapot", "value": 1},
    ],
)
def test_a_setting_that_makes_no_sense_changes_nothing(tenant, change):
    good = {"op": "replace", "path": "/max_keys_per_user", "value": 7}

    assert tenant.patch(CONFIG, json=[good, change]).status_code == 400
    assert tenant.get(CONFIG).json()["max_keys_per_user"] == 5


def test_the_settings_of_another_tenant_are_not_found(tenant):
    assert tenant.get(f"{PATH}/configs/other").status_code == 404


def test_keys_survive_a_snapshot(control, tenant, provider):
    key, revoked = create(tenant, expiry="PT2H").json(), create(tenant).json()
    scim(tenant)
    tenant.patch(CONFIG, json=[{"op": "replace", "path": "/max_keys_per_user", "value": 9}])
    tenant.delete(f"{PATH}/{revoked['id']}")
    before = control.get("/_sandbox/world").json()
    listed = tenant.get(PATH, params={"sort": "description"}).json()["data"]

    control.put("/_sandbox/world", json=before).raise_for_status()

    assert control.get("/_sandbox/world").json() == before
    assert tenant.get(PATH, params={"sort": "description"}).json()["data"] == listed
    assert status(control, key["token"]) == 200
