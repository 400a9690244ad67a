"""Collections are whole or an error, on both services."""

import pytest
from client.worlds import GROUP, ROWS, mail_of, make_world, people, person

from qlik_provider.entitlements import Assignment
from qlik_provider.errors import NoEvidence, NotFound
from qlik_provider.people import DirectoryUser, TenantUser

COUNT = 250  # three pages of the tenant
CROWD = 1_100  # two pages of the directory
LICENSED = dict.fromkeys(people(COUNT), "analyzer")


@pytest.fixture
def licensed(sandbox):
    """More rows, users and spaces than a page of the tenant holds."""
    sandbox.load(make_world(LICENSED, users=COUNT))


@pytest.fixture
def crowd(sandbox):
    """More people than a page of the directory holds."""
    sandbox.load(make_world(directory=CROWD, members=people(CROWD)))


ON_TENANT = {
    "rows": ("/api/v1/licenses/assignments$", "read_assignments"),
    "users": ("/api/v1/users$", "read_users"),
    "spaces": ("/api/v1/spaces$", "read_spaces"),
}
SHORT = [
    pytest.param({"kind": "missing-next"}, id="missing next"),
    pytest.param({"kind": "truncated-page"}, id="first page cut"),
    pytest.param({"kind": "truncated-page", "after": 1}, id="second page cut"),
]
PROVING_NOTHING = [
    pytest.param({"kind": "repeated-cursor"}, id="repeated cursor"),
    pytest.param({"kind": "empty-200", "after": 1}, id="empty second page"),
    pytest.param({"kind": "wrong-type"}, id="wrong type"),
]


@pytest.fixture(params=ON_TENANT)
def on_tenant(request, client):
    """A collection of the tenant: its path, and what reads it."""
    path, name = ON_TENANT[request.param]
    return path, getattr(client, name)


@pytest.fixture(params=["people", "members"])
def in_directory(request, directory):
    """A collection of the directory: its path, and what reads it."""
    if request.param == "people":
        return "/v1.0/users$", directory.read_users
    return "/members$", lambda: directory.read_members(GROUP)


def test_every_row_of_the_license_is_read_a_hundred_a_page(licensed, client, asked):
    rows = client.read_assignments()

    assert rows == tuple(Assignment(who, "analyzer") for who in people(COUNT))
    assert asked().count("GET /api/v1/licenses/assignments") == 3


def test_every_user_of_the_tenant_is_read_whatever_the_status(sandbox, client):
    states = ["active", "invited", "provisioned", "disabled", "deleted"]
    users = [{"subject": f"u-{state}", "name": state, "status": state} for state in states]
    sandbox.load(make_world(tenant={"users": users, "apiKeys": []}))

    found = {user.subject: user.status for user in client.read_users() if user.subject.startswith("u-")}

    assert found == {f"u-{state}": state for state in states[:-1]}


def test_a_user_is_what_the_tenant_shows(licensed, client):
    users = {user.subject: user for user in client.read_users()}

    assert len(users) == COUNT + 2  # with the administrator and the client's bot
    ana = users[person(7)]
    assert ana == TenantUser(ana.id, person(7), "000007", "000007@contoso.test", "active")
    assert users["auth0|admin"].email is None


def test_every_space_and_role_is_read(licensed, client):
    assert len(client.read_spaces()) == 130
    assert {"TenantAdmin", "Steward"} <= {role.name for role in client.read_roles()}


def test_every_person_and_member_of_the_directory_is_read_999_a_page(crowd, directory, asked):
    users, members = directory.read_users(), directory.read_members(GROUP)

    assert [user.id for user in users] == people(CROWD)
    assert users[3] == DirectoryUser(person(3), "000003@contoso.test", "000003", "000003@contoso.test")
    assert list(members) == people(CROWD)
    assert len(asked("graph")) == 4


@pytest.fixture
def recycled(sandbox):
    """Two people in the recycle bin, renamed as Graph does."""
    world = make_world(directory=2)
    world["directory"]["deleted"] = [
        {**user, "userPrincipalName": user["id"].replace("-", "") + user["mail"]}
        for user in world["directory"].pop("users")
    ]
    sandbox.load(world)


def test_a_deleted_person_has_the_name_from_before(recycled, directory):
    gone = directory.read_deleted_users()

    assert [(user.id, user.user_principal_name) for user in gone] == [
        (person(number), mail_of(person(number))) for number in range(2)
    ]
    assert all(user.is_deleted and user.has_left() for user in gone)


def test_an_empty_collection_is_whole(sandbox, client, directory):
    sandbox.load(make_world(members=[]))

    assert client.read_assignments() == ()
    assert directory.read_users() == directory.read_members(GROUP) == directory.read_deleted_users() == ()


def test_members_of_a_group_that_is_gone_are_not_none(directory):
    with pytest.raises(NotFound):
        directory.read_members(GROUP)


@pytest.mark.parametrize("fault", PROVING_NOTHING)
def test_a_page_of_the_tenant_that_proves_nothing_is_an_error(licensed, on_tenant, expect, fault):
    path, read = on_tenant
    expect(path, **fault)

    with pytest.raises(NoEvidence):
        read()


@pytest.mark.parametrize("fault", PROVING_NOTHING)
def test_a_page_of_the_directory_that_proves_nothing_is_an_error(crowd, in_directory, expect, fault):
    path, read = in_directory
    expect(path, **fault)

    with pytest.raises(NoEvidence):
        read()


@pytest.mark.parametrize("body", ["null", {}, [], {"data": None}, {"data": {}}, {"data": [{}]}, {"data": [1]}])
def test_a_page_of_the_tenant_of_another_shape_is_an_error(on_tenant, expect, body):
    path, read = on_tenant
    expect(path, status=200, body=body)

    with pytest.raises(NoEvidence):
        read()


@pytest.mark.parametrize("body", ["null", {}, [], {"value": None}, {"value": {}}, {"value": [{}]}, {"value": [1]}])
def test_a_page_of_the_directory_of_another_shape_is_an_error(in_directory, expect, body):
    path, read = in_directory
    expect(path, status=200, body=body)

    with pytest.raises(NoEvidence):
        read()


@pytest.mark.parametrize("links", [1, "next", {"next": 1}, {"next": {"href": 1}}])
def test_a_link_of_another_shape_is_an_error(client, expect, links):
    expect("/api/v1/users$", status=200, body={"data": [], "links": links})

    with pytest.raises(NoEvidence):
        client.read_users()


@pytest.mark.parametrize("link", [1, ["x"], {"href": "x"}])
def test_a_link_of_another_shape_in_the_directory_is_an_error(directory, expect, link):
    expect("/v1.0/users$", status=200, body={"value": [], "@odata.nextLink": link})

    with pytest.raises(NoEvidence):
        directory.read_users()


@pytest.mark.parametrize("name", ["read_users", "read_spaces"])
@pytest.mark.parametrize("fault", SHORT)
def test_a_list_of_the_tenant_shorter_than_its_total_is_an_error(licensed, client, expect, name, fault):
    expect("/api/v1/(users|spaces)$", **fault)

    with pytest.raises(NoEvidence):
        getattr(client, name)()


@pytest.mark.parametrize("fault", SHORT)
def test_a_list_of_people_shorter_than_its_total_is_an_error(crowd, directory, expect, fault):
    expect("/v1.0/users$", **fault)

    with pytest.raises(NoEvidence, match="so the list is short"):
        directory.read_users()


def test_a_list_of_roles_shorter_than_its_total_is_an_error(client, expect):
    expect("/api/v1/roles", kind="truncated-page")

    with pytest.raises(NoEvidence, match=r"\d+ of \d+"):
        client.read_roles()


def test_a_list_of_deleted_people_cut_short_is_an_error(recycled, directory, expect):
    expect("/directory/deletedItems", kind="truncated-page")

    with pytest.raises(NoEvidence):
        directory.read_deleted_users()


@pytest.mark.parametrize("position", [{"next_link_host": "internal"}, {"next_link_last": "nullHref"}])
def test_a_link_is_followed_on_our_own_host_to_the_last_page(sandbox, client, asked, position):
    sandbox.load(make_world(LICENSED, users=COUNT, **position))

    assert len(client.read_assignments()) == COUNT
    assert len(client.read_users()) == COUNT + 2
    assert len(client.read_spaces()) == 130
    assert len(asked("qlik")) == 1 + 3 + 3 + 2


@pytest.mark.parametrize("host", ["https://elsewhere.test", "http://license"])
def test_no_token_follows_a_link_to_another_host(client, directory, expect, sandbox, host):
    links = {"links": {"next": {"href": f"{host}/v1/licenses/assignments?page=bmV4dDpbMSwgMV0="}}}
    expect(ROWS, status=200, body={"data": [{"subject": "ana", "type": "analyzer"}], **links})
    expect("/v1.0/users", status=200, body={"value": [], "@odata.nextLink": f"{host}/v1.0/users?$skiptoken=x"})
    expect("/v1.0/users", status=200, body={"value": []})

    assert [row.subject for row in client.read_assignments()] == ["ana"]
    assert directory.read_users() == ()


def test_a_subject_written_upper_case_by_the_license_is_shown_as_it_is(sandbox, client):
    sandbox.load(make_world(subject_case="upperDomain"))
    with client.writing() as writer:
        writer.add([{"subject": "qlik\\ana", "type": "analyzer"}])

    assert client.read_assignments() == (Assignment("QLIK\\ana", "analyzer"),)


def test_a_batch_answer_of_another_shape_is_an_error_that_names_the_request(client, expect):
    expect("actions/add", status=207, body={"items": []})

    with client.writing() as writer, pytest.raises(NoEvidence, match=r"POST .*/actions/add"):
        writer.add([{"subject": "ana", "type": "analyzer"}])


@pytest.mark.parametrize("body", [{}, [], "null", {"responses": None}, {"responses": [{"id": "x", "status": 204}]}])
def test_a_graph_batch_answer_of_another_shape_is_an_error(directory, expect, body):
    expect("batch", status=200, body=body)

    with directory.writing() as writer, pytest.raises(NoEvidence, match=r"POST .*batch"):
        writer.send([writer.add(GROUP, person(1))])


@pytest.mark.parametrize("read", ["read_tenant", "read_overview", "read_assignments", "read_spaces"])
def test_nothing_is_no_answer_to_a_read(client, expect, read):
    expect("/api/v1/", status=204)

    with pytest.raises(NoEvidence):
        getattr(client, read)()


def test_a_key_of_a_license_never_becomes_a_value(client):
    overview = client.read_overview()

    assert not hasattr(overview, "license_key")
    assert "sandbox-license-key" not in overview.model_dump_json()


def test_the_time_of_the_process_is_that_of_the_tenants_first_answer(sandbox, client):
    first = client.now
    sandbox.control.put("/clock", json={"advance": 3600}).raise_for_status()
    client.read_tenant()

    assert client.now == first
    assert first.isoformat().startswith("2026-11-02T08:00:")
