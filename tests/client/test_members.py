"""The members of a directory group, twenty a request and twenty requests a call."""

import pytest
from client.worlds import GROUP, make_world, people, person, plan_members

from qlik_provider.entitlements import MEMBER, Assignment
from qlik_provider.errors import EngineGone, QlikProviderError
from qlik_provider.members import apply_members, observe_members

BATCH = "POST /v1.0/$batch"
LIST = f"GET /v1.0/groups/{GROUP}/members"


def ignore(done: int, total: int) -> None:
    pass


def states_of(outcomes) -> dict[str, str]:
    return {outcome.change.key: outcome.state for outcome in outcomes}


@pytest.fixture
def members(sandbox):
    """The ids in the group."""
    return lambda: sorted(sandbox.snapshot()["directory"]["groups"][0]["members"])


@pytest.fixture
def settle(directory, sandbox):
    """Plan, forget what that asked, apply, and return what became of each."""

    def settle(desired, ledger=(), progress=ignore):
        plan = plan_members(directory, desired, ledger)
        sandbox.forget()
        return apply_members(directory, GROUP, plan, progress)

    return settle


def test_observed_are_the_direct_members_whatever_their_kind(sandbox, directory):
    world = make_world(directory=2, members=[person(0), "33333333-3333-3333-3333-333333333333"])
    sandbox.load(world)

    observed = observe_members(directory, GROUP)

    assert observed.rows == tuple(Assignment(id, MEMBER) for id in world["directory"]["groups"][0]["members"])
    assert observed.seats == {}


def test_a_group_that_is_gone_is_none(directory):
    assert observe_members(directory, GROUP) is None


@pytest.mark.parametrize(
    "fault", [{"status": 403}, {"status": 400}, {"status": 500, "count": 9}, {"kind": "empty-200"}]
)
def test_nothing_but_a_404_proves_that_a_group_is_gone(sandbox, directory, expect, fault):
    sandbox.load(make_world(members=[]))
    expect("/members$", **fault)

    with pytest.raises(QlikProviderError):
        observe_members(directory, GROUP)


def test_450_people_are_added_in_two_calls(sandbox, settle, members, asked):
    sandbox.load(make_world(directory=450, members=[]))

    outcomes = settle(people(450))

    assert members() == people(450)
    assert set(states_of(outcomes).values()) == {"done"}
    assert asked("graph") == [BATCH] * 2  # 23 requests of 20 people


def test_450_people_are_removed_in_23_calls(sandbox, settle, members, asked):
    sandbox.load(make_world(directory=451, members=people(451)))

    outcomes = settle([], people(450))

    assert members() == [person(450)]
    assert set(states_of(outcomes).values()) == {"done"}
    assert asked("graph") == [BATCH] * 23


def test_removals_come_before_additions(sandbox, settle, members):
    sandbox.load(make_world(directory=4, members=people(2)))

    outcomes = settle([person(2), person(3)], people(2))

    assert [outcome.change.verb for outcome in outcomes] == ["revoke", "revoke", "assign", "assign"]
    assert members() == [person(2), person(3)]


@pytest.mark.parametrize("order", ["request", "reversed"])
def test_who_was_added_or_removed_meanwhile_is_done(sandbox, directory, members, order):
    sandbox.load(make_world(directory=30, members=[person(0)], batch_order=order))
    plan = plan_members(directory, people(30)[1:], [person(0)])
    for do, number in (("addMember", 7), ("removeMember", 0)):
        act = {"do": do, "group": GROUP, "member": person(number)}
        sandbox.control.post("/tamper", json=act).raise_for_status()

    outcomes = apply_members(directory, GROUP, plan, ignore)

    assert set(states_of(outcomes).values()) == {"done"}
    assert members() == people(30)[1:]


@pytest.mark.parametrize("order", ["request", "reversed"])
def test_one_unknown_person_does_not_stop_the_others(sandbox, settle, members, order):
    sandbox.load(make_world(directory=45, members=[], batch_order=order))
    nobody = person(999)

    outcomes = settle([*people(45), nobody])

    states = states_of(outcomes)
    assert states.pop(nobody) == "refused"
    assert set(states.values()) == {"done"}
    assert members() == people(45)
    (refusal,) = [outcome.reason for outcome in outcomes if outcome.state == "refused"]
    assert refusal.startswith("404 Request_ResourceNotFound: Resource")


def test_nobody_is_in_a_group_that_is_gone_meanwhile(sandbox, settle, expect):
    sandbox.load(make_world(directory=3, members=[person(0)]))

    def lose_the_group(done: int, total: int) -> None:
        expect(f"/groups/{GROUP}", status=404, count=99, body={"error": {"code": "Gone", "message": "No group"}})

    outcomes = settle([person(1), person(2)], [person(0)], lose_the_group)

    assert states_of(outcomes) == {person(0): "done", person(1): "unsent", person(2): "unsent"}
    assert all("404 Gone: No group" in outcome.reason for outcome in outcomes[1:])


@pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
@pytest.mark.parametrize("desired", [people(60), []], ids=["add", "remove"])
def test_a_lost_answer_loses_nobody(sandbox, settle, expect, members, kind, desired):
    held = [] if desired else people(60)
    sandbox.load(make_world(directory=60, members=held))
    expect("batch", kind=kind)

    states = states_of(settle(desired, held))

    present = set(members())
    assert len(states) == 60
    for who, state in states.items():
        assert (state == "done") == ((who in present) == bool(desired)), "what is told is what is"


def test_an_add_whose_answer_was_lost_is_looked_up_before_it_is_repeated(sandbox, settle, expect, members, asked):
    sandbox.load(make_world(directory=60, members=[]))
    expect("batch", kind="reset-after")

    outcomes = settle(people(60))

    assert set(states_of(outcomes).values()) == {"done"}
    assert members() == people(60)
    assert asked("graph") == [BATCH, LIST]


@pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
def test_a_removal_whose_answer_was_lost_is_repeated_until_its_own_answer_says_so(
    sandbox, settle, expect, members, asked, kind
):
    sandbox.load(make_world(directory=60, members=people(60)))
    expect("batch", kind=kind)

    outcomes = settle([], people(60))

    assert set(states_of(outcomes).values()) == {"done"}
    assert members() == []
    assert asked("graph") == [BATCH] * 4


def test_an_add_that_never_arrived_is_repeated(sandbox, settle, expect, members):
    sandbox.load(make_world(directory=60, members=[]))
    expect("batch", kind="reset-before")

    assert set(states_of(settle(people(60))).values()) == {"done"}
    assert members() == people(60)


def test_a_person_graph_could_not_handle_now_is_unsent_and_not_refused(sandbox, settle, expect):
    sandbox.load(make_world(directory=5, members=people(2)))
    expect(f"/members/{person(1)}/", status=429, headers={"Retry-After": "1"}, body={"error": {"code": "Busy"}})

    assert states_of(settle([], people(2))) == {person(0): "done", person(1): "unsent"}


def test_after_a_failure_in_the_middle_what_was_done_is_told_and_the_rest_unsent(sandbox, settle, expect, members):
    sandbox.load(make_world(directory=450, members=[]))
    expect("batch", status=400, after=1, count=9)

    outcomes = settle(people(450))

    states = list(states_of(outcomes).values())
    assert states == ["done"] * 400 + ["unsent"] * 50
    assert members() == people(400)


def test_a_failure_before_anything_is_done_raises(sandbox, settle, expect):
    sandbox.load(make_world(directory=3, members=[]))
    expect("batch", status=400, count=9)

    with pytest.raises(QlikProviderError, match="400"):
        settle(people(3))


@pytest.mark.parametrize("fault", [{"kind": "missing-next"}, {"kind": "truncated-page", "after": 1}])
def test_absence_from_the_list_is_no_proof_of_a_removal(sandbox, settle, expect, members, fault):
    sandbox.load(make_world(directory=1_100, members=people(1_100)))
    leaving = people(1_100)[-5:]

    def hang_up_then_lie(done: int, total: int) -> None:
        expect("batch", kind="reset-before", count=9)
        expect("/members$", **fault, count=9)

    try:
        states = states_of(settle(people(1_095), people(1_100), hang_up_then_lie))
    except QlikProviderError:
        states = {}

    assert set(leaving) <= set(members())
    assert "done" not in states.values()


@pytest.mark.parametrize(("desired", "calls"), [(people(450), 2), ([], 23)], ids=["add", "remove"])
def test_progress_is_told_before_each_call(sandbox, settle, desired, calls):
    held = [] if desired else people(450)
    sandbox.load(make_world(directory=450, members=held))
    told = []

    settle(desired, held, lambda done, total: told.append((done, total)))

    assert len(told) == calls
    assert told[0] == (0, 450)
    assert all(total == 450 for _, total in told)
    assert [done for done, _ in told] == sorted({done for done, _ in told})


@pytest.mark.parametrize(("desired", "count"), [(people(450), 400), ([], 20)], ids=["add", "remove"])
def test_nothing_is_sent_when_nobody_listens_any_more(sandbox, settle, asked, desired, count):
    held = [] if desired else people(450)
    sandbox.load(make_world(directory=450, members=held))

    def listen(done: int, total: int) -> None:
        if done:
            raise EngineGone("gone")

    states = list(states_of(settle(desired, held, listen)).values())

    assert asked("graph", writes=True) == [BATCH]
    assert states.count("done") == count
    assert states.count("unsent") == 450 - count
