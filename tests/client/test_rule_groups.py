"""Groups that this stack creates with a rule: found again by mail nickname, and counted once the rule is done."""

import pytest
from client.worlds import make_world, people, person

from qlik_provider.graph import GraphClient
from qlik_provider.graph_credentials import GraphTokens
from qlik_provider.groups import read_groups
from qlik_provider.shapes import Group

OURS, OTHER, STATIC = (f"aaaaaaaa-0000-4000-8000-{number:012}" for number in range(1, 4))
RULE = '(user.department -eq "Sales") and (user.accountEnabled -eq true)'
SALES = Group.model_validate({"name": "BI Sales", "rule": RULE})


def ruled(id: str, nickname: str = "dev-sales", rule: str = RULE, state: str = "On"):
    kind = {"groupTypes": ["DynamicMembership"], "membershipRule": rule, "membershipRuleProcessingState": state}
    return {"id": id, "displayName": "BI Sales", "mailNickname": nickname, **kind}


@pytest.fixture
def read(sandbox):
    """Return what is read of the declared group in a directory with these groups."""
    opened = []

    def read(*groups, **parts):
        if groups:
            world = make_world(directory=2)
            world["directory"]["users"][0]["department"] = "Sales"
            world["directory"]["groups"] = list(groups)
            sandbox.load(world)
        opened.append(GraphClient(GraphTokens(sandbox.environment)))
        return read_groups(opened[-1], {"sales": SALES.model_copy(update=parts)}, "dev")["sales"]

    yield read
    for client in opened:
        client._http.close()


def ids(reading) -> list[str]:
    return [user.id for user in reading.users]


@pytest.mark.parametrize(
    "rule",
    [pytest.param(RULE, id="as declared"), pytest.param(RULE.replace(" and", "\n  and"), id="with other line breaks")],
)
def test_the_people_are_those_the_declared_rule_takes(read, asked, rule):
    reading = read(ruled(OURS, rule=rule), ruled(OTHER, "prod-sales", 'user.department -eq "IT"'))

    assert (reading.name, reading.id, reading.doubt, reading.awaited) == ("BI Sales", OURS, "", "")
    assert ids(reading) == people(1)
    assert len(asked("graph")) == 4, "the group, how far the rule is before and after, and the people"
    assert asked(writes=True) == []


@pytest.mark.parametrize(
    "groups",
    [
        pytest.param([ruled(OTHER, "prod-sales")], id="of another stack"),
        pytest.param(
            [{"id": STATIC, "displayName": "BI Sales", "mailNickname": "dev-sales", "members": people(2)}],
            id="of an earlier list of members",
        ),
    ],
)
def test_a_group_that_is_not_there_is_awaited_and_has_nobody(read, groups):
    reading = read(*groups)

    assert (reading.id, reading.users, reading.doubt) == (None, (), "")
    assert reading.awaited.startswith("no group with a rule has the mail nickname 'dev-sales': pulumi up creates it")


def test_a_key_that_was_renamed_finds_the_group_by_its_former_nickname(read):
    group = ruled(OURS, "dev-sellers")

    assert read(group).awaited.startswith("no group with a rule has the mail nickname 'dev-sales'")
    assert (read(group, previously="sellers").id, ids(read(group, previously="sellers"))) == (OURS, people(1))


def test_another_group_of_the_nickname_neither_adds_anybody_nor_stands_in_the_way(read):
    reading = read(ruled(OTHER, rule="user.objectId -ne null"), ruled(OURS))

    assert (reading.id, ids(reading)) == (OURS, people(1))


def test_two_groups_of_the_nickname_and_the_rule_are_doubt_that_names_both(read):
    reading = read(ruled(OTHER), ruled(OURS))

    assert (reading.id, reading.users) == (None, ())
    assert reading.doubt == (
        f"2 groups with a rule have the mail nickname 'dev-sales'; delete what is not this stack's: {OURS}, {OTHER}"
    )


@pytest.mark.parametrize(
    ("group", "doubt"),
    [
        pytest.param(
            ruled(OURS, rule="user.objectId -ne null"),
            "the rule of 'BI Sales' is not the declared one, but 'user.objectId -ne null'; pulumi up writes it, "
            "pulumi up --refresh where that was done by hand; run again when it was processed",
            id="another rule",
        ),
        pytest.param(
            ruled(OURS, rule=RULE.replace("Sales", " Sales")),
            f"the rule of 'BI Sales' is not the declared one, but {RULE.replace('Sales', ' Sales')!r}; pulumi up "
            "writes it, pulumi up --refresh where that was done by hand; run again when it was processed",
            id="another value",
        ),
        pytest.param(
            ruled(OURS, state="Paused"),
            "the rule of 'BI Sales' is paused; resume it, by pulumi up --refresh where that was done by hand",
            id="paused",
        ),
    ],
)
def test_what_does_not_follow_from_the_declared_rule_is_doubt(read, group, doubt):
    reading = read(group)

    assert (reading.id, reading.users, reading.doubt) == (OURS, (), doubt)


@pytest.mark.parametrize("after", [0, 1], ids=["before the people are read", "while they are"])
@pytest.mark.parametrize(
    ("status", "doubt"),
    [
        ({"status": "Running"}, "is being processed; run again when it is done"),
        (None, "is being processed; run again when it is done"),
        ({"status": "Failed", "errorMessage": "No property"}, "could not be processed; correct it: No property"),
    ],
)
def test_a_rule_that_is_not_done_is_doubt(read, expect, after, status, doubt):
    read(ruled(OURS))
    expect(f"/beta/groups/{OURS}", after=after, status=200, body={"membershipRuleProcessingStatus": status}, count=9)

    reading = read()

    assert (reading.id, reading.users) == (OURS, ())
    assert reading.doubt == f"the rule of 'BI Sales' {doubt}"


@pytest.mark.parametrize("path", ["/v1.0/groups$", f"/beta/groups/{OURS}", f"/groups/{OURS}/members"])
@pytest.mark.parametrize(
    ("status", "doubt"),
    [(403, "may not be read; grant this client the permission GroupMember.Read.All"), (500, "could not be read; run")],
)
def test_what_cannot_be_read_is_doubt_and_never_awaited(read, expect, path, status, doubt):
    read(ruled(OURS))
    expect(path, status=status, count=9)

    reading = read()

    assert (reading.users, reading.awaited) == ((), "")
    assert doubt in reading.doubt


def test_a_group_of_nobody_is_told_from_one_that_is_not_there(read):
    rule = 'user.department -eq "Nowhere"'
    reading = read(ruled(OURS, rule=rule))
    assert "is not the declared one" in reading.doubt

    assert person(1) not in ids(read(ruled(OURS)))
