"""Groups that exist already: their people complete, or a doubt that names the group and the way out."""

import pytest
from client.worlds import ANA, make_world, people, person

from qlik_provider.errors import CredentialsError
from qlik_provider.graph import GraphClient
from qlik_provider.graph_credentials import GraphTokens
from qlik_provider.groups import read_groups, trace_group
from qlik_provider.shapes import Group

READERS, DEVELOPERS, INNER, RULED = (f"aaaaaaaa-0000-4000-8000-{number:012}" for number in range(1, 5))
GUEST, OFF = "bbbbbbbb-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"
PRINCIPAL = "33333333-3333-3333-3333-333333333333"
NAME = "O'Neill's \"Readers\" & co"
LEAVE = "or delete groups/a.yaml to give up what it confers"


def declare(*, nested: bool = False, **existing: str) -> Group:
    return Group.model_validate({"existing": existing, "nested": nested})


def make_groups(count: int = 3, **switches: str):
    """Return a world with so many people, all of them in the readers."""
    world = make_world(directory=count, **switches)
    directory = world["directory"]
    directory["users"] += [
        {"id": GUEST, "userPrincipalName": "vic#EXT#@contoso.test", "displayName": "Vic", "userType": "Guest"},
        {"id": OFF, "userPrincipalName": "off@contoso.test", "displayName": "Off", "accountEnabled": False},
    ]
    rule = {
        "groupTypes": ["DynamicMembership"],
        "membershipRule": 'user.displayName -eq "Off"',
        "membershipRuleProcessingState": "On",
    }
    directory["groups"] = [
        {"id": READERS, "displayName": NAME, "mailNickname": "readers", "members": [*people(count), PRINCIPAL, INNER]},
        {"id": DEVELOPERS, "displayName": "Developers", "mailNickname": "devs", "members": [person(0), GUEST, OFF]},
        {"id": INNER, "displayName": "Inner", "mailNickname": "inner", "members": [person(1), GUEST, DEVELOPERS]},
        {"id": RULED, "displayName": "Ruled", "mailNickname": "ruled", **rule},
    ]
    return world


@pytest.fixture
def load(sandbox):
    """Start from a world, and forget what that asked."""

    def load(world=None):
        sandbox.load(world or make_groups())

    load()
    return load


@pytest.fixture
def tamper(sandbox):
    return lambda **act: sandbox.control.post("/tamper", json=act).raise_for_status()


@pytest.fixture
def fresh(sandbox):
    """Open the directory as it is after the last world was loaded, which forgets every token."""
    opened = []

    def fresh() -> GraphClient:
        opened.append(GraphClient(GraphTokens(sandbox.environment)))
        return opened[-1]

    yield fresh
    for client in opened:
        client._http.close()


@pytest.fixture
def read(fresh):
    """Return what is read of one group."""
    return lambda group: read_groups(fresh(), {"a": group})["a"]


def ids(reading) -> list[str]:
    return sorted(user.id for user in reading.users)


# Whom a group holds.


@pytest.mark.parametrize(
    "existing",
    [
        pytest.param({"name": NAME}, id="by name"),
        pytest.param({"name": NAME.upper()}, id="by name in another case"),
        pytest.param({"objectId": READERS.upper()}, id="by id"),
        pytest.param({"objectId": READERS, "name": NAME}, id="by both"),
    ],
)
def test_a_group_is_read_with_its_direct_users_and_the_number_of_groups_in_it(load, read, existing):
    reading = read(declare(**existing))

    assert (reading.name, reading.id, reading.doubt) == (NAME, READERS, "")
    assert (reading.nested, reading.nested_users) == (1, 2), "the guest and the disabled one are below"
    assert ids(reading) == people(3)


def test_nested_counts_the_users_of_every_group_below_once(load, read):
    reading = read(declare(nested=True, name="Inner"))

    assert ids(reading) == sorted([person(0), person(1), GUEST, OFF])
    assert (reading.nested, reading.nested_users) == (0, 0)
    assert {user.id: (user.user_type, user.account_enabled) for user in reading.users} == {
        person(0): ("Member", True),
        person(1): ("Member", True),
        GUEST: ("Guest", True),
        OFF: ("Member", False),
    }


@pytest.mark.parametrize("nested", [False, True])
def test_2500_people_are_read_in_three_pages(load, read, asked, nested):
    load(make_groups(2_500))

    assert ids(read(declare(nested=nested, name=NAME))) == sorted({*people(2_500), *([GUEST, OFF] if nested else [])})
    relation = "transitiveMembers" if nested else "members"
    asks = asked("graph")
    assert asks.count(f"GET /v1.0/groups/{READERS}/{relation}/microsoft.graph.user") == 3
    assert asks.count("POST /beta/$batch") == 1
    assert len(asks) == 5, "the group, three pages, and who is left out"


def test_many_groups_are_read_and_only_those_that_exist_already(load, fresh):
    declared = {"x": Group.model_validate({"name": "X", "members": []})}
    declared |= {f"g{number}": declare(name="Developers") for number in range(20)}

    readings = read_groups(fresh(), declared)

    assert sorted(readings) == sorted(set(declared) - {"x"})
    assert {len(reading.users) for reading in readings.values()} == {3}


# Doubt: which group it is.


def test_a_name_nobody_has_is_doubt(load, read):
    reading = read(declare(name="Nobody's"))

    assert (reading.id, reading.users) == (None, ())
    assert reading.doubt == f'no group is named "Nobody\'s"; correct the name, write its objectId, {LEAVE}'


def test_a_name_two_groups_have_is_doubt_that_names_both(load, read, tamper):
    tamper(do="renameGroup", group="Inner", name="DEVELOPERS")

    reading = read(declare(name="Developers"))

    assert reading.id is None
    assert reading.doubt == (
        f"2 groups are named 'Developers'; write the objectId of one of them: {DEVELOPERS}, {INNER}"
    )
    assert read(declare(objectId=DEVELOPERS)).doubt == ""


@pytest.mark.parametrize(
    ("position", "where"),
    [("recoverable", "is in the recycle bin"), ("permanent", "is no group of the directory")],
)
def test_a_group_that_vanished_is_doubt_that_says_where_it_is(load, read, tamper, position, where):
    load(make_groups(deleted_security_group=position))
    tamper(do="deleteGroup", group="Inner")

    reading = read(declare(objectId=INNER.upper()))

    assert (reading.id, reading.users) == (INNER, ())
    assert reading.doubt == f"object id {INNER} {where}; restore it, declare another one, {LEAVE}"


@pytest.mark.parametrize(("id", "kind"), [(person(0), "a user"), (PRINCIPAL, "a service principal")])
def test_the_id_of_another_object_is_a_fault_of_the_declaration_that_says_what_it_is(load, read, id, kind):
    reading = read(declare(objectId=id.upper()))

    assert reading.fault == f"{id} is {kind} and no group; write the object id of a group"
    assert (reading.place, reading.doubt, reading.users) == (("existing", "objectId"), "", ())


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"status": 403}, id="forbidden"),
        pytest.param({"status": 503, "count": 9}, id="no answer"),
        pytest.param({"status": 200, "body": {"id": person(0)}}, id="no type"),
        pytest.param(
            {"status": 200, "body": {"id": person(0), "@odata.type": "#microsoft.graph.directoryObject"}},
            id="any type",
        ),
        pytest.param(
            {"status": 200, "body": {"id": person(0), "@odata.type": "#microsoft.graph.group"}}, id="a group after all"
        ),
    ],
)
def test_an_object_whose_type_nobody_tells_is_doubt_and_no_fault(load, read, expect, answer):
    expect("/v1.0/directoryObjects/", **answer)

    reading = read(declare(objectId=person(0)))

    assert reading.fault == ""
    assert reading.doubt == (
        f"object id {person(0)} is no group of the directory; restore it, declare another one, {LEAVE}"
    )


def test_the_names_most_like_a_missing_one_are_told_where_they_can_be_read(load, read, expect, asked):
    assert (
        "no group is named 'Developer'; the nearest: 'Developers'; correct the name"
        in read(declare(name="Developer")).doubt
    )
    assert asked("graph").count("GET /v1.0/groups") == 2
    expect("/v1.0/groups$", after=1, status=403)

    assert "no group is named 'Developer'; correct the name" in read(declare(name="Developer")).doubt


TOO_LARGE = {"error": {"code": "Directory_ResultSizeLimitExceeded", "message": "The result set is too large."}}


def test_a_group_above_the_limit_of_a_transitive_read_is_a_fault_with_the_way_out(load, read, expect):
    expect(f"/groups/{READERS}/transitiveMembers/microsoft.graph.user", status=400, body=TOO_LARGE, count=2)

    direct = read(declare(objectId=READERS))
    assert (ids(direct), direct.doubt, direct.nested, direct.nested_users) == (people(3), "", 1, None)
    nested = read(declare(nested=True, objectId=READERS))
    assert nested.fault == (
        f"{NAME!r} has more members on all levels than Graph lists; "
        "take this out and declare the groups in it, a file for each"
    )
    assert (nested.place, nested.doubt, nested.users) == (("nested",), "", ())


def test_a_direct_read_that_graph_refuses_for_its_size_is_doubt(load, read, expect):
    expect(f"/groups/{READERS}/members/microsoft.graph.user", status=400, body=TOO_LARGE)

    reading = read(declare(objectId=READERS))

    assert reading.fault == ""
    assert reading.doubt.startswith(f"{NAME!r} could not be read; run again: ")


def test_an_id_whose_group_has_another_name_is_doubt_that_says_which(load, read, tamper):
    tamper(do="renameGroup", group="Inner", name="Outer")

    reading = read(declare(objectId=INNER, name="Inner"))

    assert (reading.id, reading.users) == (INNER, ())
    assert reading.doubt == f"object id {INNER} is named 'Outer', not 'Inner'; write that name if it is the right one"
    assert read(declare(objectId=INNER, name="outer")).doubt == ""


# Doubt: who is in it.


def test_a_rule_that_is_being_processed_is_doubt_until_it_is_done(load, read, sandbox, tamper):
    world = make_groups()
    world["directory"]["timing"] = {"dynamicDelay": 600}
    load(world)
    processing = "the rule of 'Ruled' is being processed; run again when it is done"

    assert (read(declare(name="Ruled")).doubt, read(declare(name="Ruled")).users) == (processing, ())
    sandbox.control.put("/clock", json={"advance": 600}).raise_for_status()
    assert ids(read(declare(name="Ruled"))) == [OFF]

    tamper(do="setRule", group="Ruled", rule='user.displayName -eq "Vic"')
    assert read(declare(nested=True, objectId=RULED)).doubt == processing
    sandbox.control.put("/clock", json={"advance": 600}).raise_for_status()
    assert ids(read(declare(name="Ruled"))) == [GUEST]


def test_a_rule_whose_processing_begins_while_the_members_are_read_is_doubt(load, read, expect):
    body = {"membershipRuleProcessingStatus": {"status": "Running"}}
    expect(f"/beta/groups/{RULED}$", after=1, status=200, body=body)

    reading = read(declare(name="Ruled"))

    assert "is being processed" in reading.doubt
    assert reading.users == ()


@pytest.mark.parametrize(
    ("status", "doubt"),
    [
        (
            {"status": "Failed", "errorMessage": "No such property"},
            "could not be processed; correct it: No such property",
        ),
        ({"status": "Failed", "errorMessage": None}, "could not be processed; correct it: Failed"),
        ({"status": "NotStarted"}, "is being processed"),
        ({"status": "UnknownFutureValue"}, "is being processed"),
        (None, "is being processed"),
    ],
)
def test_only_a_rule_that_was_processed_says_who_is_in_the_group(load, read, expect, status, doubt):
    expect(f"/beta/groups/{RULED}", status=200, body={"membershipRuleProcessingStatus": status})

    assert doubt in read(declare(name="Ruled")).doubt


def test_a_rule_that_is_paused_is_no_doubt_and_is_told(load, read, tamper, asked):
    assert ids(read(declare(name="Ruled"))) == [OFF]
    tamper(do="setRule", group="Ruled", rule='user.displayName -eq "Vic"', state="Paused")

    reading = read(declare(name="Ruled"))

    assert (ids(reading), reading.doubt) == ([OFF], "")
    assert reading.remark == "its rule is paused, so these are its people of the last processing"


MEMBERS = f"/groups/{READERS}/members/microsoft.graph.user"


@pytest.mark.parametrize(
    ("fault", "doubt"),
    [
        pytest.param(
            {"status": 403}, "may not be read; grant this client the permission GroupMember.Read.All", id="403"
        ),
        pytest.param({"status": 404}, "could not be read; run again: graph: GET", id="gone meanwhile"),
        pytest.param({"status": 400}, "could not be read; run again: graph: GET", id="400"),
        pytest.param({"status": 503}, "could not be read; run again: graph: GET", id="503"),
        pytest.param({"kind": "reset-before"}, "could not be read; run again: graph: GET", id="no answer"),
        pytest.param({"kind": "missing-items"}, "of 2500 items came, so the list is short", id="an item too few"),
        pytest.param({"kind": "missing-next"}, "of 2500 items came, so the list is short", id="no link"),
        pytest.param({"kind": "repeated-cursor"}, "a link came twice, so the list may be short", id="the same link"),
        pytest.param({"kind": "truncated-page"}, "so the list is short", id="half a page"),
        pytest.param({"kind": "empty-200"}, "could not be read; run again", id="an empty answer"),
        pytest.param({"kind": "invalid-json"}, "could not be read; run again", id="no JSON"),
    ],
)
@pytest.mark.parametrize("page", [0, 1])
def test_a_list_that_may_be_short_is_doubt_about_this_group_alone(load, fresh, expect, fault, doubt, page):
    load(make_groups(2_500))
    expect(MEMBERS, **fault, count=9, after=page)

    readings = read_groups(fresh(), {"a": declare(name=NAME), "b": declare(name="Developers")})

    assert doubt in readings["a"].doubt
    assert "\n" not in readings["a"].doubt
    assert (readings["a"].id, readings["a"].name, readings["a"].users) == (READERS, NAME, ())
    assert ids(readings["b"]) == sorted([person(0), GUEST, OFF])


def test_an_item_that_comes_twice_does_not_stand_in_for_one_that_is_missing(load, read, expect):
    users = [{"id": person(0), "userPrincipalName": "ana@contoso.test"}] * 3
    expect(MEMBERS, status=200, body={"@odata.count": 3, "value": users})

    assert "1 of 3 items came, so the list is short" in read(declare(name=NAME)).doubt


@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 503, "count": 9}, {"kind": "empty-200"}])
@pytest.mark.parametrize("path", ["/v1.0/groups$", f"/groups/{READERS}$"])
def test_whatever_cannot_be_read_of_a_group_is_doubt(load, read, expect, fault, path):
    expect(path, **fault)

    existing = {"name": NAME} if path == "/v1.0/groups$" else {"objectId": READERS}
    assert " be read; " in read(declare(**existing)).doubt


def test_a_client_without_the_permission_doubts_every_group(load, read):
    world = make_groups()
    world["directory"]["clients"][0]["roles"] = ["User.Read.All"]
    load(world)

    for existing, called in (({"name": "Inner"}, "Inner"), ({"objectId": INNER}, INNER)):
        assert read(declare(**existing)).doubt == (
            f"'{called}' may not be read; grant this client the permission GroupMember.Read.All"
        )


def test_a_token_that_is_refused_ends_the_run(load, fresh):
    directory = fresh()
    directory.read_users()
    load()  # the sandbox forgets its tokens

    with pytest.raises(CredentialsError, match="ARM_CLIENT_SECRET"):
        read_groups(directory, {"a": declare(name="Inner")})


def test_a_group_is_never_written(load, fresh, asked):
    read_groups(fresh(), {"a": declare(nested=True, name=NAME), "b": declare(name="Ruled"), "c": declare(name="None")})

    assert asked(writes=True) == []


# What became of the group known so far.


def test_what_became_of_a_group_is_told_as_far_as_it_can_be(load, fresh, tamper, expect):
    load(make_groups(deleted_security_group="recoverable"))
    directory = fresh()

    assert trace_group(directory, INNER) == "is named 'Inner'"
    tamper(do="deleteGroup", group="Inner")
    assert trace_group(directory, INNER) == "is in the recycle bin"
    tamper(do="restoreGroup", group=INNER)
    assert trace_group(directory, INNER) == "is named 'Inner'"
    assert trace_group(directory, person(9)) == "is gone"
    expect(f"/groups/{INNER}", status=403)
    assert trace_group(directory, INNER) == ""


@pytest.mark.parametrize(
    ("found", "end"),
    [
        pytest.param({}, f"unread; {READERS}, known so far, is named {NAME!r}", id="a group that was not found"),
        pytest.param({"sales": READERS}, "unread", id="the same group"),
    ],
)
def test_check_tells_what_became_of_the_group_a_key_was_read_from(load, provider, seats, found, end):
    held = seats({ANA: "analyzer via sales"}, sources={"sales": READERS})

    inputs, failures = provider.check(held, seats({}, sources=found, doubt={"sales": "unread"}))

    assert failures == []
    assert inputs["doubt"] == {"sales": end}
    assert inputs["sources"] == {"sales": READERS}
    assert inputs["assignments"] == held["assignments"]


def test_a_program_that_may_not_ask_the_directory_is_told_the_doubt_alone(load, start, seats):
    held = seats({ANA: "analyzer via sales"}, sources={"sales": READERS})

    inputs, failures = start(ARM_CLIENT_SECRET="").check(held, seats({}, doubt={"sales": "unread"}))

    assert failures == []
    assert inputs["doubt"] == {"sales": "unread"}
    assert inputs["assignments"] == held["assignments"]
