import pytest
from serving import DIRECTORY, NESTED, READERS, SERVICE_PRINCIPAL, follow, graph_next, person


def ids(answer):
    return [item["id"] for item in answer.raise_for_status().json()["value"]]


def test_users_come_a_hundred_at_a_time(graph):
    pages = follow(graph, "/v1.0/users", graph_next)

    assert [len(page) for page in pages] == [100, 21]
    assert len({user["id"] for page in pages for user in page}) == 121


def test_the_next_link_keeps_the_query_and_hides_its_token(served, graph):
    body = graph.get("/v1.0/users?$top=60&$select=id,department&$filter=accountEnabled eq true").json()

    assert body["@odata.nextLink"].startswith(f"{served.url}/v1.0/users?$top=60&$select=id%2Cdepartment")
    assert "$skiptoken=" in body["@odata.nextLink"]
    assert set(body["value"][0]) == {"id", "department"}


@pytest.mark.parametrize("top", ["0", "1000", "x"])
def test_a_page_size_out_of_range_is_refused(graph, top):
    answer = graph.get("/v1.0/users", params={"$top": top})

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "Request_BadRequest"


def test_a_page_holds_up_to_999(graph):
    assert len(ids(graph.get("/v1.0/users", params={"$top": "999"}))) == 121


def test_a_page_token_that_never_was_one_is_refused(graph):
    answer = graph.get("/v1.0/users", params={"$skiptoken": "AAAA"})

    assert answer.json()["error"]["code"] == "Directory_ExpiredPageToken"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("userPrincipalName eq 'PERSON001@contoso.test'", 1),
        ("userPrincipalName eq 'siobhan.o''neill@contoso.test'", 1),
        ("mail in ('person001@contoso.test', 'person002@contoso.test')", 2),
        ("startsWith(displayName, 'person 00')", 10),
        ("department eq 'Finance' and accountEnabled eq true", 60),
        ("accountEnabled eq false or userType eq 'Guest'", 2),
        ("(department eq 'Legal' or department eq 'HR') and userType eq 'Member'", 1),
        ("mail eq null", 2),
        (f"id eq '{person(3)}'", 1),
        ("", 121),
    ],
)
def test_users_are_filtered(graph, text, count):
    assert len(ids(graph.get("/v1.0/users", params={"$filter": text, "$top": "999"}))) == count


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("displayName eq 'O'Neill'", "BadRequest"),
        ("displayName eq", "BadRequest"),
        ("teapot eq 'x'", "BadRequest"),
        ("displayName ne 'x'", "Request_UnsupportedQuery"),
        ("not(displayName eq 'x')", "Request_UnsupportedQuery"),
        ("endsWith(mail, 'x')", "Request_UnsupportedQuery"),
        (f"id in ({', '.join(repr(person(n)) for n in range(16))})", "Request_UnsupportedQuery"),
    ],
)
def test_a_filter_graph_would_not_take_is_refused(graph, text, code):
    answer = graph.get("/v1.0/users", params={"$filter": text})

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code


def test_an_unknown_property_cannot_be_selected(graph):
    assert graph.get("/v1.0/users", params={"$select": "id,teapot"}).status_code == 400


def test_an_option_outside_the_sandbox_is_refused_by_name(graph):
    answer = graph.get("/v1.0/users", params={"$apply": "aggregate($count as n)"})

    assert answer.status_code == 501
    assert "$apply" in answer.json()["error"]["message"]


def test_users_are_counted_for_advanced_queries_only(graph):
    params = {"$count": "true", "$top": "1"}
    advanced = graph.get("/v1.0/users", params=params, headers={"ConsistencyLevel": "eventual"})

    assert advanced.json()["@odata.count"] == 121
    assert "@odata.count" not in graph.get("/v1.0/users", params=params).json()


@pytest.mark.parametrize("name", [person(120), "ana_partner.test%23EXT%23@contoso.test"])
def test_a_user_is_found_by_id_and_by_name(graph, name):
    assert graph.get(f"/v1.0/users/{name}").json()["displayName"] == "Ana Guest"


def test_a_user_who_is_not_there_is_not_found(graph):
    answer = graph.get("/v1.0/users/nobody@contoso.test")

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "Request_ResourceNotFound"


def test_a_deleted_user_is_in_the_recycle_bin_under_a_longer_name(control, graph):
    control.post("/_sandbox/tamper", json={"do": "deleteUser", "user": "person001@contoso.test"})

    bin_ = graph.get("/v1.0/directory/deletedItems/microsoft.graph.user").json()["value"]

    assert [user["id"] for user in bin_] == [person(1)]
    assert bin_[0]["userPrincipalName"] == f"{person(1).replace('-', '')}person001@contoso.test"
    assert bin_[0]["deletedDateTime"].startswith("2026-11-02T08:")
    assert graph.get("/v1.0/users/person001@contoso.test").status_code == 404
    assert person(1) not in ids(graph.get(f"/v1.0/groups/{READERS}/members", params={"$top": "999"}))


def test_any_object_is_found_with_its_type(graph):
    kinds = [
        graph.get(f"/v1.0/directoryObjects/{id_}").json()["@odata.type"]
        for id_ in (person(1), READERS, SERVICE_PRINCIPAL)
    ]

    assert kinds == [f"#microsoft.graph.{kind}" for kind in ("user", "group", "servicePrincipal")]
    assert graph.get(f"/v1.0/directoryObjects/{DIRECTORY}").status_code == 404


def test_members_are_paged_and_typed(graph):
    pages = follow(graph, f"/v1.0/groups/{READERS}/members", graph_next)

    assert [len(page) for page in pages] == [100, 6]
    assert pages[1][-1] | {"@odata.type": "#microsoft.graph.group", "id": NESTED} == pages[1][-1]


def test_a_cast_leaves_only_the_users(graph):
    path = f"/beta/groups/{READERS}/members/microsoft.graph.user"

    assert len(ids(graph.get(path, params={"$top": "999"}))) == 105
    filtered = {"$filter": "userPrincipalName eq 'person003@contoso.test'", "$count": "true"}
    assert ids(graph.get(path, params=filtered, headers={"ConsistencyLevel": "eventual"})) == [person(3)]


def test_transitive_members_are_each_there_once(graph):
    path = f"/v1.0/groups/{READERS}/transitiveMembers"
    pages = follow(graph, f"{path}?$top=50&$select=id", graph_next)

    everyone = [member["id"] for page in pages for member in page]
    assert len(everyone) == len(set(everyone)) == 108
    cast = {"params": {"$top": "999", "$count": "true"}, "headers": {"ConsistencyLevel": "eventual"}}
    assert len(ids(graph.get(f"{path}/microsoft.graph.user", **cast))) == 107


def test_a_group_knows_the_groups_it_is_in(graph):
    assert ids(graph.get(f"/beta/groups/{NESTED}/memberOf")) == [READERS]


def test_one_member_is_looked_up_by_filter(graph):
    answer = graph.get(f"/beta/groups/{READERS}/members", params={"$filter": f"id eq '{NESTED}'"})

    assert ids(answer) == [NESTED]
