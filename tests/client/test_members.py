"""The members of a directory group, twenty a request and twenty requests a call."""

from math import ceil

import pytest
from client.worlds import GROUP, make_world, people, person, plan_members

from qlik_provider.entitlements import MEMBER, Assignment
from qlik_provider.errors import EngineGone, NotFound, QlikProviderError
from qlik_provider.graph import PAGE
from qlik_provider.members import apply_members, observe_members
from qlik_provider.transport import ATTEMPTS

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


@pytest.mark.parametrize("fault", [{"status": 404}, {"kind": "truncated-page"}], ids=["404", "short"])
def test_a_group_whose_list_is_not_found_once_is_not_gone_and_one_short_list_loses_nobody(
    sandbox, directory, expect, fault
):
    sandbox.load(make_world(directory=4, members=people(4)))
    expect("/members$", **fault)

    if "status" in fault:
        with pytest.raises(NotFound, match="404"):
            observe_members(directory, GROUP, people(4))
    else:
        observed = observe_members(directory, GROUP, people(4))
        assert {row.subject for row in observed.rows} == set(people(4))


def test_a_list_that_shows_everybody_known_is_read_once(sandbox, directory, asked):
    sandbox.load(make_world(directory=4, members=people(4)))

    observe_members(directory, GROUP, people(3))

    assert asked("graph") == [LIST]


def test_a_removal_not_found_is_done_only_if_the_list_agrees(sandbox, settle, expect, members):
    sandbox.load(make_world(directory=3, members=people(3)))
    expect(f"/members/{person(1)}/", method="DELETE", status=404, body={"error": {"code": "Gone", "message": "No"}})

    outcomes = settle([], people(3))

    assert states_of(outcomes) == {person(0): "done", person(1): "unsent", person(2): "done"}
    assert members() == [person(1)]


def test_450_people_are_added_in_two_calls(sandbox, settle, members, asked):
    sandbox.load(make_world(directory=450, members=[]))

    outcomes = settle(people(450))

    assert members() == people(450)
    assert set(states_of(outcomes).values()) == {"done"}
    assert asked("graph") == [*[BATCH] * 2, LIST]  # 23 requests of 20 people, and one look


def test_10_000_people_are_added_in_25_calls_and_as_many_looks_as_pages(sandbox, settle, members, asked):
    sandbox.load(make_world(directory=10_000, members=[]))

    outcomes = settle(people(10_000))

    assert members() == people(10_000)
    assert {(outcome.state, outcome.is_seen) for outcome in outcomes} == {("done", True)}
    assert asked("graph") == [*[BATCH] * ceil(10_000 / 400), *[LIST] * ceil(10_000 / PAGE)]


def test_owners_stay_owners_whoever_comes_or_goes(sandbox, settle, members):
    world = make_world(directory=3, members=people(2))
    world["directory"]["groups"][0]["owners"] = people(2)
    sandbox.load(world)

    settle([person(2)], people(2))

    assert members() == [person(2)]
    assert sandbox.snapshot()["directory"]["groups"][0]["owners"] == people(2)


def test_450_people_are_removed_in_23_calls(sandbox, settle, members, asked):
    sandbox.load(make_world(directory=451, members=people(451)))

    outcomes = settle([], people(450))

    assert members() == [person(450)]
    assert set(states_of(outcomes).values()) == {"done"}
    assert asked("graph") == [*[BATCH] * 23, LIST]


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


@pytest.mark.parametrize("kind", ["reset-before", "reset-after", "truncated-json", "empty-200"])
@pytest.mark.parametrize("desired", [people(60), []], ids=["add", "remove"])
def test_a_lost_answer_loses_nobody(sandbox, settle, expect, members, kind, desired):
    held = [] if desired else people(60)
    sandbox.load(make_world(directory=60, members=held))
    expect("batch", kind=kind)

    states = states_of(settle(desired, held))

    present = set(members())
    assert present == set(desired)
    assert len(states) == 60
    for who, state in states.items():
        assert (state == "done") == ((who in present) == bool(desired)), "what is told is what is"


def test_an_add_whose_answer_was_lost_is_looked_up_before_it_is_repeated(sandbox, settle, expect, members, asked):
    sandbox.load(make_world(directory=60, members=[]))
    expect("batch", kind="reset-after")

    outcomes = settle(people(60))

    assert set(states_of(outcomes).values()) == {"done"}
    assert members() == people(60)
    assert asked("graph") == [BATCH, LIST, LIST]


@pytest.mark.parametrize(("kind", "lists"), [("reset-before", 0), ("reset-after", 1)])
def test_a_removal_whose_answer_was_lost_is_repeated_until_its_own_answer_says_so(
    sandbox, settle, expect, members, asked, kind, lists
):
    sandbox.load(make_world(directory=60, members=people(60)))
    expect("batch", kind=kind)

    outcomes = settle([], people(60))

    assert set(states_of(outcomes).values()) == {"done"}
    assert members() == []
    # a DELETE that finds nobody left is looked up, and so is the end
    assert asked("graph") == [BATCH] * 4 + [LIST] * (lists + 1)


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


# Own writes that do not show yet, and absences that prove nothing.


def lag(world, reads, position="allReads"):
    world["directory"]["timing"] = {"lagSeconds": 0, "lagReads": reads}
    return {**world, "switches": {"directory-consistency": position}}


def test_own_changes_are_waited_for_until_the_list_shows_them(sandbox, settle, members, asked):
    sandbox.load(lag(make_world(directory=3, members=people(1)), reads=2))

    outcomes = settle(people(3)[1:], people(1))

    assert members() == people(3)[1:]
    assert [(outcome.state, outcome.is_seen) for outcome in outcomes] == [("done", True)] * 3
    assert asked("graph").count(LIST) == 3


def test_what_the_list_never_shows_in_time_is_done_and_not_seen(sandbox, settle, members, asked):
    sandbox.load(lag(make_world(directory=2, members=[]), reads=99))

    outcomes = settle(people(2))

    assert members() == people(2)
    assert [(outcome.state, outcome.is_seen) for outcome in outcomes] == [("done", False)] * 2
    assert asked("graph").count(LIST) == ATTEMPTS


def test_whom_either_list_shows_is_no_absence(sandbox, directory, asked):
    world = lag(make_world(directory=3, members=people(2)), reads=1, position="advancedReads")
    sandbox.load(world)
    with directory.writing() as writer:
        writer.send([writer.remove(GROUP, person(0))])
    sandbox.forget()

    late, proven = (observe_members(directory, GROUP, people(3)) for _ in range(2))

    assert {row.subject for row in late.rows} == set(people(2)), "the counted list still shows the first one"
    assert {row.subject for row in proven.rows} == {person(1)}
    assert asked("graph").count(LIST) == 4


def test_nobody_absent_costs_no_second_list(sandbox, directory, asked):
    sandbox.load(make_world(directory=2, members=people(2)))

    observe_members(directory, GROUP, people(2))

    assert asked("graph").count(LIST) == 1
