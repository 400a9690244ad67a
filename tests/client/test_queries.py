"""People selected by a filter of Graph, and everyone: complete, a fault of the filter, or doubt."""

import pytest
from client.worlds import make_world, people, person

from qlik_provider.errors import CredentialsError
from qlik_provider.graph import GraphClient
from qlik_provider.graph_credentials import GraphTokens
from qlik_provider.people import DirectoryUser
from qlik_provider.queries import read_everyone, read_queries
from qlik_provider.shapes import Group

CAN_EDIT = "extension_0123456789abcdef0123456789abcdef_canEdit"
FIRST = "onPremisesExtensionAttributes/extensionAttribute1"


def declare(query: str) -> Group:
    return Group.model_validate({"query": query, "license": "analyzer"})


def make_people(count: int = 4):
    """Return a world in which the first may edit, the second must not, and the third is of the gold class."""
    world = make_world(directory=count)
    users = world["directory"]["users"]
    users[0] |= {CAN_EDIT: True, "department": 'R&D + "O\'Neill"'}
    users[1] |= {CAN_EDIT: False, "userType": "Guest"}
    users[2] |= {"onPremisesExtensionAttributes": {"extensionAttribute1": "gold"}, "accountEnabled": False}
    return world


@pytest.fixture
def load(sandbox):
    def load(world=None):
        sandbox.load(world or make_people())

    load()
    return load


@pytest.fixture
def read(sandbox):
    """Return what is read of one query, by a client of its own: every world forgets the tokens."""
    opened = []

    def read(query: str, **others: str):
        opened.append(GraphClient(GraphTokens(sandbox.environment)))
        readings = read_queries(opened[-1], {"a": declare(query), **{key: declare(o) for key, o in others.items()}})
        return readings["a"] if not others else readings

    yield read
    for client in opened:
        client._http.close()


def ids(reading) -> list[str]:
    return sorted(user.id for user in reading.users)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param(f"{CAN_EDIT} eq true", [0], id="a flag of a directory extension"),
        pytest.param(f"{CAN_EDIT} ne true", [1, 2, 3], id="not equal, which only an advanced query asks"),
        pytest.param(f"{FIRST} eq 'gold'", [2], id="an extension attribute, which only an advanced query asks"),
        pytest.param("accountEnabled eq false", [2], id="what a plain query asks too"),
        pytest.param("endsWith(mail,'2@contoso.test') or userType eq 'Guest'", [1, 2], id="a function"),
        pytest.param("department eq 'R&D + \"O''Neill\"'", [0], id="characters that mean something in an address"),
        pytest.param("department eq 'Nobody'", [], id="nobody"),
    ],
)
def test_a_query_selects_whom_its_filter_takes(load, read, asked, query, expected):
    reading = read(query)

    assert (ids(reading), reading.doubt, reading.fault) == ([person(number) for number in expected], "", "")
    assert (reading.name, reading.id) == (query, None)
    assert asked("graph") == ["GET /v1.0/users"]


def test_what_decides_who_counts_comes_with_the_people(load, read):
    found = {user.id: (user.user_type, user.account_enabled) for user in read("mail ne null").users}

    assert found == {
        person(0): ("Member", True),
        person(1): ("Guest", True),
        person(2): ("Member", False),
        person(3): ("Member", True),
    }


def test_2500_people_are_selected_in_three_pages(load, read, asked):
    load(make_people(2_500))

    assert ids(read("accountEnabled eq true")) == sorted({*people(2_500)} - {person(2)})
    assert asked("graph") == ["GET /v1.0/users"] * 3


def test_a_filter_of_two_keys_is_asked_once_and_queries_beside_each_other(load, read, asked):
    readings = read("userType eq 'Guest'", b="userType eq 'Guest'", c="accountEnabled eq false")

    assert readings["a"] is readings["b"]
    assert ids(readings["c"]) == [person(2)]
    assert len(asked("graph")) == 2


def test_only_queries_are_read(load, sandbox, asked):
    groups = {"a": Group.model_validate({"name": "A", "members": []}), "b": Group.model_validate({"everyone": True})}
    client = GraphClient(GraphTokens(sandbox.environment))

    assert read_queries(client, groups) == {}
    assert asked("graph") == []


def test_everyone_is_the_directory_as_it_was_read_without_another_call():
    users = (DirectoryUser("id-ana", "ana@contoso.test"),)
    groups = {"a": Group.model_validate({"everyone": True}), "b": declare("mail ne null")}

    (key, reading), *rest = read_everyone(groups, users).items()

    assert (key, reading.users, rest) == ("a", users, [])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("teapot eq 'x'", "Could not find a property named 'teapot'."),
        ("department eq Sales", "Syntax error at position"),
        (f"{FIRST} contains 'gold'", "Syntax error at position"),
        ("department eq 'Sales", "unterminated string literal"),
        ("contains(displayName, 'a')", "Unsupported property filter clause operator 'Contains'."),
        ("accountEnabled eq 'true'", "A binary operator with incompatible types was detected."),
        (" or ".join(["department eq 'x'"] * 16), "Too many child clauses specified"),
    ],
)
def test_a_filter_that_graph_rejects_is_a_fault_with_graphs_words(load, read, query, message):
    reading = read(query)

    assert reading.fault.startswith("Graph rejects this filter: ")
    assert message in reading.fault
    assert "\n" not in reading.fault
    assert (reading.users, reading.doubt) == ((), "")


def test_a_filter_that_is_too_long_for_an_address_is_a_fault(load, read, expect):
    expect("/v1.0/users", status=414)

    assert read("mail ne null").fault.startswith("Graph rejects this filter: ")


@pytest.mark.parametrize(
    ("fault", "doubt"),
    [
        pytest.param({"status": 403}, "may not be asked; grant this client what the properties", id="403"),
        pytest.param({"status": 404}, "could not be read; run again: graph: GET", id="404"),
        pytest.param({"status": 503}, "could not be read; run again: graph: GET", id="503"),
        pytest.param({"status": 429, "headers": {"Retry-After": "1"}}, "could not be read; run again", id="429"),
        pytest.param(
            {"status": 400, "body": {"error": {"code": "Directory_ExpiredPageToken", "message": "expired"}}},
            "could not be read; run again",
            id="a list that took too long",
        ),
        pytest.param({"kind": "reset-before"}, "could not be read; run again: graph: GET", id="no answer"),
        pytest.param({"kind": "missing-items"}, "items came, so the list is short", id="an item too few"),
        pytest.param({"kind": "missing-next"}, "of 2500 items came, so the list is short", id="no link"),
        pytest.param({"kind": "repeated-cursor"}, "a link came twice, so the list may be short", id="the same link"),
        pytest.param({"kind": "truncated-page"}, "so the list is short", id="half a page"),
        pytest.param({"kind": "empty-200"}, "could not be read; run again", id="an empty answer"),
    ],
)
@pytest.mark.parametrize("page", [0, 1])
def test_whom_a_query_selects_is_known_completely_or_in_doubt(load, read, expect, fault, doubt, page):
    load(make_people(2_500))
    expect("/v1.0/users", query=r"mail.{1,3}ne", **fault, count=9, after=page)

    readings = read("mail ne null", b="userType eq 'Guest'")

    assert doubt in readings["a"].doubt
    assert (readings["a"].users, readings["a"].fault) == ((), "")
    assert ids(readings["b"]) == [person(1)]


def test_a_service_that_asks_to_wait_is_asked_again_and_the_list_is_whole(load, read, expect, asked):
    load(make_people(2_500))
    expect("/v1.0/users", status=429, headers={"Retry-After": "1"}, after=1, count=2)

    assert len(read("mail ne null").users) == 2_500
    assert len(asked("graph")) == 5


@pytest.mark.parametrize("name", ["userPrincipalName", "accountEnabled"])
def test_people_without_their_properties_end_the_run_with_the_permission(load, read, expect, name):
    shown = {"id": person(0), "userPrincipalName": "ana@contoso.test", "accountEnabled": True} | {name: None}
    expect("/v1.0/users", status=200, body={"@odata.count": 1, "value": [shown]})

    with pytest.raises(CredentialsError) as refusal:
        read("mail ne null")

    assert str(refusal.value) == (
        f"ARM_CLIENT_ID: /v1.0/users shows this client people without their {name}; "
        "grant it the application permission User.Read.All"
    )
