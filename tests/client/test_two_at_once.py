"""Two applies at once, one run whole before each request of the other: nobody loses a seat, nobody holds two."""

from collections import Counter
from dataclasses import dataclass

import pytest
from client.interleavings import Apply, interleave
from client.worlds import GROUP, list_members, make_world, outputs_of, people

from qlik_provider.ledger import ASSIGNMENTS, MEMBERS

REX, SAM, TEA, KAY, UNA, VIC, BEN, CAT, DOG, EVE = people(10)
JOE = "fabrikam\\joe"
P, A = "professional via finance", "analyzer via finance"
HELD = {JOE: "professional", REX: "professional", SAM: "analyzer", TEA: "professional", KAY: "analyzer"}
OTHERS = {BEN: "professional", CAT: "analyzer"}

# The requests of an apply: each is held in its turn. The last two look at what was given.
MOMENTS = {
    "token": {"path": "/oauth/token$"},
    "overview": {"path": "/licenses/overview$"},
    "tenant": {"path": "/tenants/me$"},
    "rows": {"path": "/licenses/assignments$"},
    "revoke": {"path": "/actions/delete$"},
    "caller": {"path": "/users/me$"},
    "audits": {"path": "/audits$"},
    "switch": {"path": "/actions/update$"},
    "assign": {"path": "/actions/add$"},
    "rows again": {"path": "/licenses/assignments$", "after": 1},
    "overview again": {"path": "/licenses/overview$", "after": 1},
}


@dataclass(frozen=True)
class Case:
    """Two stacks on one license: what both hold, and what the other one declares."""

    world: dict
    others_held: dict[str, str]
    others_wanted: dict[str, str]
    is_short: bool = False  # seats do not suffice for both
    are_rivals: bool = False  # both declare some people


CASES = {
    # The second carries out the same plan from the same state.
    "same": Case(make_world(HELD, units={"professional": 3, "analyzer": 3}), {}, {}),
    "apart": Case(
        make_world({**HELD, **OTHERS}, units={"professional": 9, "analyzer": 9}),
        {BEN: P, CAT: A},
        {CAT: P, DOG: A, EVE: A},
    ),
    # One professional seat too few for both, in a tenant that takes the seat of whoever it refuses to switch.
    "short": Case(
        make_world({**HELD, CAT: "analyzer"}, units={"professional": 3, "analyzer": 9}, update_without_seat="lose"),
        {CAT: A},
        {CAT: P},
        is_short=True,
    ),
    # Both declare Tea, Una and Vic, in a tenant that would give a second type.
    "rivals": Case(
        make_world({**HELD, **OTHERS}, units={"professional": 9, "analyzer": 9}, add_other_type="secondRow201"),
        {BEN: P, CAT: A},
        {CAT: P, TEA: P, UNA: P, VIC: P, EVE: A},
        are_rivals=True,
    ),
}
SUITE = {("same", "switch"), ("short", "switch"), ("rivals", "assign")}


@pytest.fixture
def make_stacks(seats):
    """Return both stacks; the first revokes from Rex, lets Sam and Tea change places, and gives to Una and Vic."""

    def make_stacks(case: Case) -> tuple[Apply, Apply]:
        held, wanted = {REX: P, SAM: A, TEA: P, KAY: A}, {SAM: P, TEA: A, KAY: A, UNA: A, VIC: P}
        pairs = [(held, wanted), (case.others_held or held, case.others_wanted or wanted)]
        first, second = (Apply(ASSIGNMENTS, outputs_of(seats(old)), seats(new)) for old, new in pairs)
        return first, second

    return make_stacks


def test_the_moments_are_all_the_requests_of_an_apply(sandbox, start, make_stacks, asked):
    sandbox.load(CASES["same"].world)
    first, _ = make_stacks(CASES["same"])
    sandbox.forget()

    first.run(start())

    counts = Counter(request.rpartition("/")[2] for request in asked())
    assert counts == Counter(moment["path"].rpartition("/")[2].rstrip("$") for moment in MOMENTS.values())


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        pytest.param(name, moment, marks=() if (name, moment) in SUITE else pytest.mark.campaign)
        for name, case in CASES.items()
        for moment in MOMENTS
        # What a rival changes after the last write of the other is no longer at once.
        if not (case.are_rivals and moment.endswith("again"))
    ],
)
def test_two_applies_at_once_do_no_harm(sandbox, start, make_stacks, name, moment):
    case = CASES[name]
    sandbox.load(case.world)
    first, second = make_stacks(case)
    before, ours = rows_of(sandbox), {**first.held, **second.held}
    one, two = start(), start()
    assert one.stub

    def run_second():
        second.run(two)
        assert_true(sandbox, second)

    interleave(sandbox, MOMENTS[moment], lambda: first.run(one), run_second)

    assert_true(sandbox, first, but=second)
    assert_nobody_lost(sandbox, before, ours, (first, second))
    # What both see is removed once: by the one, by the other, or by both in turn.
    assert first.removed <= 2
    assert second.removed <= len(case.others_held or "12")
    if name == "same":
        assert first.removed + second.removed >= 2

    judge = start()
    for _ in range(3):
        sandbox.forget()
        for stack in (first, second):
            stack.run(judge)
            assert stack.error == "" or (case.is_short and "short of professional" in stack.error)
            assert_nobody_lost(sandbox, before, ours, (first, second))
    assert sandbox.writes() == {"qlik": 0, "graph": 0}
    for stack in (first, second):
        assert_true(sandbox, stack)


def rows_of(sandbox):
    """Return the rows by subject; nobody has two, and no type more than there is."""
    tenant = sandbox.snapshot()["tenant"]
    rows = {row["subject"]: row for row in tenant["assignments"]}
    assert len(rows) == len(tenant["assignments"]), "somebody holds two types"
    used = Counter(row["type"] for row in rows.values())
    assert all(used[type] <= allotment["units"] for type, allotment in tenant["allotments"].items())
    return rows


def assert_true(sandbox, stack, but=None):
    """Check that everything the stack says it holds is held, `but` where a rival has written after it."""
    held = {subject: row["type"] for subject, row in rows_of(sandbox).items()}
    rival = but.held.items() & held.items() if but else set()
    assert stack.held.items() <= (held | {who: stack.held[who] for who, _ in rival if who in stack.held}).items()


def assert_nobody_lost(sandbox, before, ours, stacks):
    """Check that who held something and is wanted holds something, and that rows of nobody's are as they were."""
    after = rows_of(sandbox)
    wanted = {subject for stack in stacks for subject in stack.wanted["assignments"]}
    assert wanted & before.keys() <= after.keys()
    for subject in before.keys() - ours.keys() - wanted:
        assert after[subject] == before[subject]


# Members of one group.


@pytest.mark.parametrize(
    "before",
    [
        pytest.param({"path": "/token$"}, marks=pytest.mark.campaign),
        pytest.param({"path": "/members$"}, marks=pytest.mark.campaign),
        {"path": "/.batch$"},
        pytest.param({"path": "/.batch$", "after": 1}, marks=pytest.mark.campaign),
    ],
    ids=["token", "members", "remove", "add"],
)
def test_two_applies_to_one_group_at_once_do_no_harm(sandbox, start, before):
    sandbox.load(make_world(directory=10, members=[*people(4), EVE]))
    held, wanted = list_members(people(4)), list_members([*people(8)[2:]])
    first, second = (Apply(MEMBERS, outputs_of(held), wanted) for _ in range(2))
    one, two, judge = (start("DirectoryMembers") for _ in range(3))
    assert one.stub

    interleave(sandbox, before, lambda: first.run(one), lambda: second.run(two))

    for stack in (first, second):
        assert stack.error == ""
        assert stack.outputs["members"] == wanted["members"]
        assert stack.outputs["deviations"] == {}
        assert stack.removed <= 2
    assert sorted(sandbox.snapshot()["directory"]["groups"][0]["members"]) == sorted([*people(8)[2:], EVE])
    sandbox.forget()
    for stack in (first, second):
        stack.run(judge)
    assert sandbox.writes() == {"qlik": 0, "graph": 0}
    assert GROUP in first.outputs["groupObjectId"]
