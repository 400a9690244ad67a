import pytest
from serving import follow, qlik_next, set_switches

USERS = "/api/v1/users"
ASSIGNMENTS = "/api/v1/licenses/assignments"


def names(answer):
    return [user["name"] for user in answer.raise_for_status().json()["data"]]


def ask(tenant, **params):
    return tenant.get(USERS, params=params)


def test_assignments_are_paged_by_page_and_the_last_page_has_no_next(tenant):
    pages = follow(tenant, f"{ASSIGNMENTS}?limit=2", qlik_next)

    assert [len(page) for page in pages] == [2, 1]
    assert len({row["subject"] for page in pages for row in page}) == 3


def test_a_page_leads_back_to_the_one_before(tenant):
    first = tenant.get(ASSIGNMENTS, params={"limit": 2}).json()
    second = tenant.get(first["links"]["next"]["href"]).json()

    assert "prev" not in first["links"]
    assert tenant.get(second["links"]["prev"]["href"]).json()["data"] == first["data"]


def test_a_row_added_between_two_pages_is_neither_lost_nor_doubled(tenant):
    first = tenant.get(ASSIGNMENTS, params={"limit": 2}).json()
    gone = {"subject": first["data"][0]["subject"], "type": first["data"][0]["type"]}
    tenant.post(f"{ASSIGNMENTS}/actions/delete", json={"delete": [gone]})

    second = tenant.get(first["links"]["next"]["href"]).json()

    assert [row["subject"] for row in second["data"]] == ["fabrikam\\bo"]


def test_the_next_link_may_name_an_internal_host(control, tenant):
    set_switches(control, next_link_host="internal")

    href = qlik_next(tenant.get(ASSIGNMENTS, params={"limit": 2}).json())

    assert href.startswith("http://license/v1/licenses/assignments?limit=2&page=")
    assert len(tenant.get(f"{ASSIGNMENTS}?{href.partition('?')[2]}").json()["data"]) == 1


def test_the_last_next_link_may_be_null(control, tenant):
    set_switches(control, next_link_last="nullHref")

    assert tenant.get(ASSIGNMENTS).json()["links"]["next"] == {"href": None}
    assert tenant.get(USERS).json()["links"]["next"] == {"href": None}


@pytest.mark.parametrize("path", [ASSIGNMENTS, USERS, "/api/v1/roles", "/api/v1/spaces"])
@pytest.mark.parametrize("limit", ["0", "101", "-1", "many"])
def test_a_limit_out_of_range_is_refused(tenant, path, limit):
    assert tenant.get(path, params={"limit": limit}).status_code == 400


@pytest.mark.parametrize(
    ("path", "name"), [(ASSIGNMENTS, "page"), (USERS, "next"), (USERS, "prev"), ("/api/v1/roles", "next")]
)
def test_a_cursor_that_never_was_one_is_refused(tenant, path, name):
    assert tenant.get(path, params={name: "AAAA"}).status_code == 400


def test_users_are_the_active_ones_unless_asked_otherwise(control, tenant):
    assert names(ask(tenant)) == ["Admin", "Kalle", "Nalle"]
    assert names(ask(tenant, status="disabled,provisioned")) == ["Malik", "Sara"]
    set_switches(control, users_default_status="all")
    assert len(names(ask(tenant))) == 5


def test_users_are_paged_by_next_in_the_order_asked_for(tenant):
    pages = follow(tenant, f"{USERS}?limit=2&sort=-name&totalResults=true", qlik_next)

    assert [[user["name"] for user in page] for page in pages] == [["Nalle", "Kalle"], ["Admin"]]
    assert ask(tenant, limit=1, totalResults="true").json()["totalResults"] == 3


def test_a_plus_sign_that_arrives_as_a_space_sorts_upwards(tenant):
    assert names(tenant.get(f"{USERS}?sort=+email&limit=1")) == ["Admin"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('subject eq "user1234"', ["Malik"]),
        ("subject eq 'USER1234'", ["Malik"]),
        (r'subject eq "qlik\\kalle"', ["Kalle"]),
        ('email co "CONTOSO" and status eq "active"', ["Kalle", "Nalle"]),
        ('(name eq "kalle" or name eq "sara") and (status eq "active" or status eq "provisioned")', ["Kalle", "Sara"]),
        ('assignedRoles.name eq "TenantAdmin"', ["Admin"]),
        ('status eq "deleted"', []),
    ],
)  # fmt: skip
def test_users_are_filtered_without_case(tenant, text, found):
    assert names(ask(tenant, filter=text)) == found


@pytest.mark.parametrize(
    "text",
    [
        "name eq",
        'name eq "a" or name eq "b" and name eq "c"',
        'name sw "a"',
        'picture eq "a"',
        "name eq a",
        '(name eq "a"',
        'name eq "a" )',
        'name eq "a',
        'status co "a"',
    ],
)
def test_a_filter_outside_the_language_is_refused(tenant, text):
    assert ask(tenant, filter=text).status_code == 400


def test_status_does_not_go_with_a_filter(tenant):
    assert ask(tenant, filter='name eq "Kalle"', status="active").status_code == 400


def test_a_user_who_is_not_there_is_not_found(tenant):
    answer = tenant.get(f"{USERS}/000000000000000000000000")

    assert answer.status_code == 404
    assert answer.json()["errors"] == [{"code": "USERS-7", "title": "Not found", "status": 404}]
    assert "traceId" in answer.json()


def test_only_the_fields_asked_for_are_shown(tenant):
    user = ask(tenant, fields="subject,name", limit=1).json()["data"][0]

    assert user == {"subject": "auth0|admin", "name": "Admin"}


def test_roles_are_the_built_in_ones_and_the_tenants_own(tenant):
    pages = follow(tenant, "/api/v1/roles?limit=10", qlik_next)
    roles = {role["name"]: role for page in pages for role in page}

    assert len(roles) == 17
    assert roles["TenantAdmin"]["tenantId"] == ""
    assert roles["My Custom Role"]["type"] == "custom"
    assert "Developer" not in roles


def test_spaces_come_ten_at_a_time_with_their_count(tenant):
    body = tenant.get("/api/v1/spaces").json()

    assert len(body["data"]) == 10
    assert body["meta"]["count"] == 12
    assert len(tenant.get(qlik_next(body)).json()["data"]) == 2
    assert "producer" in body["data"][0]["meta"]["assignableRoles"]


def test_spaces_are_found_by_a_part_of_their_name_and_by_type(tenant):
    assert tenant.get("/api/v1/spaces", params={"name": "CE 03"}).json()["meta"]["count"] == 1
    assert tenant.get("/api/v1/spaces", params={"type": "data,managed"}).json()["data"] == []
