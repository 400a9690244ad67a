"""The reader of groups: few calls, groups beside each other, who is no person counted, nobody without properties."""

from concurrent.futures import ThreadPoolExecutor
from math import ceil

import pytest
from client.worlds import make_world, people, person

from qlik_provider.errors import CredentialsError
from qlik_provider.graph import GraphClient
from qlik_provider.graph_credentials import GraphTokens
from qlik_provider.groups import AT_ONCE, read_groups
from qlik_provider.shapes import Group

MANY = 10_000
PRINCIPAL = "33333333-3333-3333-3333-333333333333"
KIOSK, AGENCY, LAPTOP = (f"dddddddd-0000-4000-8000-{number:012}" for number in range(1, 4))


def group(number: int) -> str:
    return f"aaaaaaaa-0000-4000-8000-{number:012}"


def make_groups(*groups: list[str], directory: int = 3, roles: tuple[str, ...] = ()):
    """Return a world with groups of these members, and a device of each and a contact to be in them."""
    world = make_world(directory=directory)
    world["directory"] |= {
        "devices": [{"id": id, "deviceId": id, "displayName": id} for id in (KIOSK, LAPTOP)],
        "contacts": [{"id": AGENCY, "displayName": "Agency"}],
        "groups": [
            {"id": group(number), "displayName": f"G{number}", "mailNickname": f"g{number}", "members": members}
            for number, members in enumerate(groups)
        ],
    }
    if roles:
        world["directory"]["clients"][0]["roles"] = list(roles)
    return world


@pytest.fixture
def read(sandbox):
    """Return what is read of groups by name, by a client of its own: every world forgets the tokens."""
    opened = []

    def read(*names: str, nested: bool = False):
        opened.append(GraphClient(GraphTokens(sandbox.environment)))
        declared = {
            name: Group.model_validate({"existing": {"name": name}, "nested": nested, "license": "analyzer"})
            for name in names
        }
        return read_groups(opened[-1], declared)

    yield read
    for client in opened:
        client._http.close()


@pytest.mark.parametrize("nested", [False, True])
def test_ten_thousand_members_take_a_call_for_each_999_and_one_for_the_group(sandbox, read, asked, nested):
    """Who is left out is counted beside its pages, in one call."""
    everybody = people(MANY)
    sandbox.load(make_groups([*everybody[:6_000], group(1)], everybody[6_000:], directory=MANY))

    readings = read("G0", nested=nested)

    assert sorted(user.id for user in readings["G0"].users) == (everybody if nested else everybody[:6_000])
    relation = f"/v1.0/groups/{group(0)}/{'transitiveMembers' if nested else 'members'}"
    pages = ceil((MANY if nested else 6_000) / 999)
    read_one_after_the_other = ["GET /v1.0/groups", *[f"GET {relation}/microsoft.graph.user"] * pages]
    assert sorted(asked("graph")) == sorted([*read_one_after_the_other, "POST /beta/$batch"])


def test_groups_are_read_beside_each_other(sandbox, read, expect):
    names = [f"G{number}" for number in range(AT_ONCE)]
    sandbox.load(make_groups(*[[person(0)]] * AT_ONCE))
    for number, name in enumerate(names):
        expect(f"/groups/{group(number)}/members/microsoft.graph.user", id=name, kind="hold")

    with ThreadPoolExecutor() as pool:
        reading = pool.submit(read, *names)
        came = [sandbox.control.get(f"/faults/{name}/held").status_code for name in names]
        sandbox.control.delete("/faults").raise_for_status()

        assert came == [204] * AT_ONCE, "all of them wait at the same moment"
        assert {name: len(found.users) for name, found in reading.result().items()} == dict.fromkeys(names, 1)


@pytest.mark.parametrize("nested", [False, True])
def test_members_that_are_no_people_are_counted_by_their_kind(sandbox, read, nested):
    sandbox.load(make_groups([person(0), KIOSK, PRINCIPAL, group(1)], [AGENCY, LAPTOP, person(1)]))

    readings = read("G0", "G1", nested=nested)

    assert readings["G0"].others == {"servicePrincipal": 1, "device": 1 + nested, "orgContact": int(nested)}
    assert readings["G1"].others == {"servicePrincipal": 0, "device": 1, "orgContact": 1}
    assert [user.id for user in readings["G0"].users] == people(1 + nested)


def test_a_kind_that_a_group_cannot_hold_counts_as_none(sandbox, read, expect):
    sandbox.load(make_groups([person(0), KIOSK]))
    expect("/microsoft.graph.orgContact", status=400, body={"error": {"code": "Request_UnsupportedQuery"}})

    assert read("G0")["G0"].others == {"servicePrincipal": 0, "device": 1, "orgContact": 0}


NO_PEOPLE = {"servicePrincipal": 0, "device": 1, "orgContact": 0}
OTHERS_REMARK = "devices, applications and contacts in it could not be counted"


@pytest.mark.parametrize(
    ("fault", "left", "remark"),
    [
        pytest.param({"path": "/microsoft.graph.device", "status": 403}, {"device"}, OTHERS_REMARK, id="forbidden"),
        pytest.param(
            {"path": "/microsoft.graph.device", "status": 200, "body": {"value": []}},
            {"device"},
            OTHERS_REMARK,
            id="no number",
        ),
        pytest.param(
            {"path": "/microsoft.graph.device", "status": 200, "body": "x"}, {"device"}, OTHERS_REMARK, id="no JSON"
        ),
        pytest.param(
            {"path": "/members/microsoft.graph.group", "status": 400},
            {"group"},
            "groups in it could not be counted",
            id="the groups",
        ),
        pytest.param({"path": r"/\$batch", "kind": "missing-items"}, {"below"}, "", id="the last one did not come"),
        pytest.param({"path": "/transitiveMembers/", "status": 400}, {"below"}, "", id="above the limit"),
        pytest.param(
            {"path": r"/\$batch", "status": 403},
            {*NO_PEOPLE, "group", "below"},
            f"{OTHERS_REMARK}; groups in it could not be counted",
            id="the call",
        ),
    ],
)
def test_what_cannot_be_counted_is_told_and_makes_no_doubt_of_the_people(sandbox, read, expect, fault, left, remark):
    sandbox.load(make_groups([person(0), KIOSK, group(1)], [person(1)]))
    expect(**fault)

    reading = read("G0")["G0"]

    assert [user.id for user in reading.users] == [person(0)]
    assert (reading.doubt, reading.remark) == ("", remark)
    assert reading.others == {kind: count for kind, count in NO_PEOPLE.items() if kind not in left}
    assert (reading.nested, reading.nested_users) == (None if "group" in left else 1, None if "below" in left else 1)


@pytest.mark.parametrize("nested", [False, True])
def test_a_reader_who_may_not_read_users_ends_the_run_with_the_permission(sandbox, read, nested):
    sandbox.load(make_groups([person(0)], roles=("GroupMember.Read.All",)))
    path = f"/v1.0/groups/{group(0)}/{'transitiveMembers' if nested else 'members'}/microsoft.graph.user"

    with pytest.raises(CredentialsError) as refusal:
        read("G0", nested=nested)

    assert str(refusal.value) == (
        f"ARM_CLIENT_ID: {path} shows this client people without their userPrincipalName; "
        "grant it the application permission User.Read.All"
    )
