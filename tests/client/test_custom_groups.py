"""The people of a custom group of the tenant, one PATCH each; and the provider of them in its own process."""

import json

import pytest
from client.processes import Provider
from client.worlds import TENANT_ID, mail_of, make_world, people, person

from qlik_provider.brake import Brake
from qlik_provider.custom_groups import CustomGroups, rename_group
from qlik_provider.entitlements import MEMBER, Assignment, Entitlement
from qlik_provider.errors import (
    AnswerLost,
    CredentialsError,
    EngineGone,
    NoEvidence,
    NotPermitted,
    QlikProviderError,
    UnsafePlan,
)
from qlik_provider.plan import make_plan
from qlik_provider.premises import Recorded, Rules
from qlik_provider.tenant_policies import TenantPolicies

GROUP = "65f0c0ffee00000000000001"
BAG = {"group": "Readers"}
USERS, GROUPS = "/api/v1/users", "/api/v1/groups"


def group_world(members=(), users: int = 5, roles=(), others=(), **parts):
    group = {"id": GROUP, "name": "Readers", "providerType": "custom", "members": list(members)}
    groups = [{**group, "assignedRoles": list(roles)}, *others]
    return make_world(users=users, tenant={"groups": groups}, **parts)


def entry(who: str) -> Entitlement:
    return Entitlement(MEMBER, ("readers",), mail_of(who))


def ignore(done: int, total: int) -> None:
    pass


@pytest.fixture
def groups(tenant) -> CustomGroups:
    return CustomGroups(TenantPolicies(tenant))


@pytest.fixture
def members(sandbox):
    """The subjects in the group."""

    def members(name: str = "Readers") -> list[str]:
        found = [group for group in sandbox.snapshot()["tenant"]["groups"] if group["name"] == name]
        assert [group.get("providerType") for group in found] == ["custom"]
        return sorted(found[0]["members"])

    return members


@pytest.fixture
def settle(groups, sandbox):
    """Plan, forget what that asked, apply, and return the state of each."""

    def settle(desired, ledger=(), progress=ignore, bag=BAG):
        observed = groups.observe(bag, ledger)
        before = Recorded(ledger={who: entry(who) for who in ledger})
        rules = Rules(order=(MEMBER,), brake=Brake(max=99, percent=100))
        plan = make_plan({who: entry(who) for who in desired}, observed, before, rules, groups.client.now)
        plan = groups.restrict(bag, plan)
        sandbox.forget()
        outcomes = groups.apply(bag, plan, progress)
        return {outcome.change.key: outcome.state for outcome in outcomes}

    return settle


# Reading.


def test_observed_is_who_the_users_say_is_in_the_group(sandbox, groups, asked):
    sandbox.load(group_world(people(3)))

    assert groups.observe(BAG, people(3)).rows == tuple(Assignment(who, MEMBER) for who in people(3))
    assert groups.observe({"group": "Nobody's"}).rows == ()
    assert asked("qlik").count(f"GET {USERS}") == 1, "everybody known is shown, and the list is shared"


def test_a_group_of_the_identity_provider_of_the_same_name_is_another_one(sandbox, groups):
    world = group_world([person(0)], others=[{"name": "Sales", "members": people(3)}])
    sandbox.load(world)

    assert groups.observe({"group": "Sales"}).rows == ()


def test_a_group_is_known_again_under_another_name(sandbox, groups):
    sandbox.load(group_world([person(0)], others=[{"name": "Now Taken", "providerType": "custom"}]))

    assert groups.observe({"group": "Now Taken", "groupId": GROUP}).rows == (Assignment(person(0), MEMBER),)


def test_of_the_known_nobody_is_missing_whom_the_list_of_the_group_shows(sandbox, groups, expect):
    sandbox.load(group_world(people(3)))
    empty = {"data": [], "links": {}}
    expect(f"{USERS}$", status=200, body=empty)

    observed = groups.observe({**BAG, "groupId": GROUP}, people(2))

    assert {row.subject for row in observed.rows} == set(people(2))


@pytest.mark.parametrize("kind", ["truncated-page", "missing-next", "empty-200"])
def test_a_list_that_may_be_short_is_no_evidence(sandbox, groups, expect, kind):
    sandbox.load(group_world(people(3), users=150))
    expect(f"{USERS}$", kind=kind, count=9)

    with pytest.raises(QlikProviderError):
        groups.observe(BAG, people(3))


# Writing.


def test_people_are_added_and_taken_out_and_others_stay(sandbox, settle, members, asked):
    sandbox.load(group_world(people(3)))

    states = settle(people(5)[1:], people(2))

    assert members() == people(5)[1:]
    assert states == {person(0): "done", person(3): "done", person(4): "done"}
    assert len(asked(writes=True)) == 3


def test_a_missing_group_is_created_with_its_people_and_once(sandbox, settle, members, asked):
    assert sandbox.load(make_world(users=2)) is None

    settle(people(2), bag={"group": "New"})

    assert members("New") == people(2)
    assert asked(writes=True).count(f"POST {GROUPS}") == 1


@pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
def test_a_creation_whose_answer_was_lost_makes_one_group(sandbox, settle, members, expect, kind):
    sandbox.load(make_world(users=2))
    expect(f"{GROUPS}$", method="POST", kind=kind)

    settle(people(2), bag={"group": "New"})

    assert members("New") == people(2)


@pytest.mark.parametrize(
    "answer", [{"kind": "empty-200"}, {"kind": "wrong-type"}, {"status": 200, "body": {}}, {"status": 302}]
)
def test_a_creation_answered_without_the_group_is_looked_up(sandbox, settle, members, expect, answer):
    sandbox.load(make_world(users=2))
    expect(f"{GROUPS}$", method="POST", **answer)

    settle(people(2), bag={"group": "New"})

    assert members("New") == people(2)


def test_a_creation_that_nobody_answers_is_told_as_what_it_is(sandbox, settle, expect):
    sandbox.load(make_world(users=2))
    expect(f"{GROUPS}$", method="POST", status=503, count=9)

    with pytest.raises(AnswerLost, match="503"):
        settle(people(2), bag={"group": "New"})


def test_a_group_that_cannot_be_created_stops_before_the_first_user(sandbox, settle, expect, asked):
    sandbox.load(make_world(users=2))
    expect(f"{GROUPS}$", method="POST", status=400, body={"errors": [{"code": "X", "title": "too many groups"}]})

    with pytest.raises(UnsafePlan, match="custom group 'New' could not be created: 400 X too many groups"):
        settle(people(2), bag={"group": "New"})
    assert not [line for line in asked(writes=True) if line.startswith("PATCH")]


def test_a_creation_that_never_shows_is_no_evidence(sandbox, settle, expect):
    sandbox.load(make_world(users=2))
    expect(f"{GROUPS}$", method="POST", status=409, count=9)

    with pytest.raises(NoEvidence, match="was created and does not show"):
        settle(people(2), bag={"group": "New"})


@pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
@pytest.mark.parametrize("desired", [people(3), []], ids=["add", "remove"])
def test_a_lost_answer_is_looked_up_and_loses_nobody(sandbox, settle, members, expect, kind, desired):
    held = [] if desired else people(3)
    sandbox.load(group_world(held))
    expect(f"{USERS}/", method="PATCH", kind=kind)

    states = settle(desired, held)

    assert members() == desired
    assert states == dict.fromkeys(people(3), "done")


def test_a_write_that_is_lost_again_and_again_is_unsent(sandbox, settle, members, expect):
    sandbox.load(group_world([]))
    expect(f"{USERS}/", method="PATCH", kind="reset-before", count=2)

    assert settle(people(2)) == {person(0): "unsent", person(1): "done"}
    assert members() == [person(1)]


@pytest.mark.parametrize("answer", [{"status": 204}, {"status": 200, "body": {}}, {"status": 302}])
@pytest.mark.parametrize("held", [[], people(2)], ids=["add", "remove"])
@pytest.mark.parametrize(("count", "state"), [(1, "done"), (2, "unsent")])
def test_an_answer_alone_proves_nothing(sandbox, settle, members, expect, answer, held, count, state):
    sandbox.load(group_world(held))
    who = next(user["id"] for user in sandbox.snapshot()["tenant"]["users"] if user["subject"] == person(0))
    desired = [] if held else people(2)
    expect(f"{USERS}/{who}$", method="PATCH", count=count, **answer)

    assert settle(desired, held) == {person(0): state, person(1): "done"}
    assert members() == (desired if state == "done" else held[:1] if held else desired[1:])


@pytest.mark.parametrize("held", [[], people(2)], ids=["add", "remove"])
def test_what_the_user_shows_is_not_sent_again_however_late_the_list_is(sandbox, settle, members, expect, asked, held):
    sandbox.load(group_world(held))
    shown = [user for user in sandbox.snapshot()["tenant"]["users"] if user["subject"] in held]
    rows = [{"id": user["id"], "subject": user["subject"]} for user in shown]

    def listen(done: int, total: int) -> None:
        if done:
            expect(f"{USERS}$", status=200, body={"data": rows, "totalResults": len(rows), "links": {}}, count=99)

    assert settle([] if held else people(2), held, listen) == dict.fromkeys(people(2), "done")
    assert members() == ([] if held else people(2))
    assert len(asked(writes=True)) == 2


@pytest.mark.parametrize("status", [404, 500])
def test_what_cannot_be_read_stands_as_it_was_confirmed(sandbox, settle, expect, asked, status):
    sandbox.load(group_world([]))
    expect(f"{USERS}/", method="PATCH", status=204)
    expect(f"{USERS}/", method="GET", status=status, count=9)

    assert settle(people(1)) == {person(0): "done"}
    assert len(asked(writes=True)) == 1


def test_what_cannot_be_listed_stands_as_it_was_confirmed(sandbox, settle, members, expect, asked):
    sandbox.load(group_world([]))

    def listen(done: int, total: int) -> None:
        if done == 1:
            expect(f"{USERS}$", status=500, count=99)

    assert settle(people(2), progress=listen) == dict.fromkeys(people(2), "done")
    assert members() == people(2)
    assert not [line for line in asked() if line.startswith(f"GET {USERS}/")], "nobody is asked for one by one"


def test_a_second_writing_that_is_not_allowed_says_so(sandbox, settle, members, expect):
    sandbox.load(group_world([]))
    expect(f"{USERS}/", method="PATCH", status=204)
    expect(f"{USERS}/", method="PATCH", status=401, count=9)

    with pytest.raises(CredentialsError):
        settle(people(1))
    assert members() == []


@pytest.mark.parametrize(("op", "held"), [("add", []), ("remove-value", people(1))])
def test_who_was_added_or_taken_out_meanwhile_is_done(sandbox, settle, members, op, held):
    sandbox.load(group_world(held))
    (user,) = [user for user in sandbox.snapshot()["tenant"]["users"] if user["subject"] == person(0)]

    def meanwhile(done: int, total: int) -> None:
        path = "/assignedGroups/-" if op == "add" else "/assignedGroups"
        sandbox.request("PATCH", f"{USERS}/{user['id']}", [{"op": op, "path": path, "value": GROUP}])

    assert settle([] if held else people(1), held, meanwhile) == {person(0): "done"}
    assert members() == ([] if held else people(1))


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ({"status": 400, "body": {"errors": [{"code": "USERS-1", "title": "No"}]}}, "refused"),
        ({"status": 207, "body": {"errors": [{"code": "USERS-1", "title": "No"}]}}, "refused"),
        ({"status": 404}, "unsent"),
    ],
    ids=["400", "207", "404"],
)
@pytest.mark.parametrize("held", [[], people(1)], ids=["add", "remove"])
def test_one_refused_user_does_not_stop_the_others(sandbox, settle, members, expect, answer, state, held):
    sandbox.load(group_world([*held, *people(3)[1:2]] if held else []))
    ledger, desired = (people(2), []) if held else ([], people(2))
    expect(f"{USERS}/", method="PATCH", **answer)

    assert settle(desired, ledger) == {person(0): state, person(1): "done"}
    assert members() == (held or people(2)[1:])


def test_a_caller_who_may_not_is_told_which_right_is_missing(sandbox, settle, expect):
    sandbox.load(group_world([]))
    expect(f"{USERS}/", method="PATCH", status=403)

    with pytest.raises(NotPermitted, match="admin_classic"):
        settle(people(2))


def test_after_a_failure_in_the_middle_what_was_done_is_told(sandbox, settle, members, expect):
    sandbox.load(group_world([]))
    expect(f"{USERS}/", method="PATCH", status=401, after=1, count=9)

    assert settle(people(3)) == {person(0): "done", person(1): "unsent", person(2): "unsent"}
    assert members() == people(1)


def test_nothing_is_sent_when_nobody_listens_any_more(sandbox, settle, members):
    sandbox.load(group_world([]))

    def listen(done: int, total: int) -> None:
        if done:
            raise EngineGone("gone")

    assert settle(people(3), progress=listen) == {person(0): "done", person(1): "unsent", person(2): "unsent"}
    assert members() == people(1)


def test_the_last_administrator_is_not_taken_out_of_a_group_that_gives_the_role(sandbox, settle, members):
    world = group_world(people(2), roles=["TenantAdmin"])
    world["tenant"]["users"][0]["assignedRoles"] = []
    sandbox.load(world)

    assert settle([], people(2)) == {}
    assert members() == people(2)


# The name.


def test_another_name_leaves_people_and_rights(sandbox, groups, members):
    sandbox.load(group_world(people(2), roles=["Steward"]))

    rename_group(groups.policies, GROUP, "All Readers")

    assert members("All Readers") == people(2)
    assert sandbox.policies()["All Readers"] == {"roles": ["Steward"]}
    sandbox.forget()
    rename_group(groups.policies, GROUP, "All Readers")
    assert [entry for entry in sandbox.requests() if entry["writes"]] == []


@pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
def test_a_name_whose_answer_was_lost_is_looked_up(sandbox, groups, expect, kind):
    sandbox.load(group_world())
    expect(f"{GROUPS}/", method="PATCH", kind=kind)

    if kind == "reset-before":
        with pytest.raises(UnsafePlan, match="could not be renamed"):
            rename_group(groups.policies, GROUP, "All Readers")
    rename_group(groups.policies, GROUP, "All Readers")

    assert "All Readers" in sandbox.policies()


@pytest.mark.parametrize("answer", [{"status": 200, "body": {}}, {"status": 204}, {"status": 302}])
def test_a_name_that_was_only_said_to_be_given_is_no_success(sandbox, groups, expect, answer):
    sandbox.load(group_world())
    expect(f"{GROUPS}/", method="PATCH", **answer)

    with pytest.raises(UnsafePlan, match=r"'Readers' could not be renamed 'All Readers': .* does not show"):
        rename_group(groups.policies, GROUP, "All Readers")


def test_a_name_that_cannot_be_read_stands_as_it_was_confirmed(sandbox, groups, expect):
    sandbox.load(group_world())
    expect(f"{GROUPS}/", method="GET", status=404, count=99)

    rename_group(groups.policies, GROUP, "All Readers")

    assert "All Readers" in sandbox.policies()


def test_a_name_that_another_group_has_is_refused_in_the_tenants_words(sandbox, groups):
    sandbox.load(group_world(others=[{"name": "Taken", "providerType": "custom"}]))

    with pytest.raises(UnsafePlan, match=r"'Readers' could not be renamed 'Taken': 400 .*Group already exists"):
        rename_group(groups.policies, GROUP, "Taken")


# In the provider's own process.


@pytest.fixture
def provider(start, sandbox) -> Provider:
    sandbox.load(group_world(people(1)))
    return start("TenantGroupMembers")


@pytest.fixture
def declare(sandbox):
    def declare(subjects, rules=None, **others) -> dict:
        return {
            "tenant": sandbox.url,
            "tenantId": TENANT_ID,
            "key": "readers",
            "group": "Readers",
            "members": {who: str(entry(who)) for who in subjects},
            "rules": {"brake.max": 9.0, "brake.percent": 100.0, **(rules or {})},
            "doubt": {},
            "sources": {},
            **others,
        }

    return declare


def test_create_adds_adopts_and_lets_wait_and_a_second_update_writes_nothing(provider, declare, asked, members):
    inputs = declare([*people(3), person(9)])

    checked = provider.check({}, inputs)
    id, outputs = provider.create(inputs)

    assert checked == (inputs, [])
    assert id == "readers"
    assert outputs == {
        **inputs,
        "members": {who: str(entry(who)) for who in people(3)},
        "deviations": {person(9): f"{entry(person(9))}; waiting"},
        "removed": {},
        "seats": {},
        "foreign": {},
        "groupId": GROUP,
    }
    assert members() == people(3)
    assert provider.read(outputs) == ("1", outputs, inputs)
    before = asked(writes=True)
    assert provider.update(outputs, inputs) == outputs
    assert asked(writes=True) == before
    document = json.loads((provider.plans / "tenant-members-readers.json").read_text())
    assert (document["kind"], document["identity"]) == ("TenantGroupMembers", {"tenantId": TENANT_ID, "key": "readers"})


def test_a_diff_tells_what_an_update_would_do(provider, declare, sandbox):
    inputs = declare(people(2))
    _, outputs = provider.create(inputs)

    assert provider.diff({**outputs, "key": "x"}, {**inputs, "key": "x"}) == "DIFF_NONE", "without a check"
    provider.check(inputs, inputs)
    assert provider.diff(outputs, inputs) == "DIFF_NONE"
    assert provider.diff(outputs, declare(people(1))) == "DIFF_UNKNOWN"
    assert provider.engine.heard("1 to remove")


def test_only_whom_the_ledger_has_are_taken_out_and_a_delete_takes_nobody(provider, declare, members):
    _, outputs = provider.create(declare(people(2)))
    outputs["members"].pop(person(0))

    after = provider.update(outputs, declare([]))
    provider.delete(outputs)

    assert members() == [person(0)]
    assert (after["members"], after["foreign"]) == ({}, {"member": 1.0})
    assert sum(after["removed"][minute].startswith("1; readers 1") for minute in after["removed"]) == 1
    assert provider.engine.heard("1 person keeps what they hold")


def test_in_doubt_nobody_is_taken_out_and_the_group_keeps_its_name(provider, declare, members):
    inputs = declare(people(2), sources={"readers": "id-1"})
    _, outputs = provider.create(inputs)

    doubtful = declare([], doubt={"readers": "nobody knows"}, group="Others")
    checked, failures = provider.check(inputs, doubtful)
    after = provider.update(outputs, checked)

    assert failures == []
    assert (checked["group"], checked["members"], checked["sources"]) == (
        "Readers",
        inputs["members"],
        {"readers": "id-1"},
    )
    assert after["members"] == outputs["members"]
    assert members() == people(2)


def test_another_group_under_the_name_is_doubt_until_it_is_accepted(provider, declare):
    inputs = declare(people(2), sources={"readers": "id-1"})

    doubtful, _ = provider.check(inputs, declare([], sources={"readers": "id-2"}))
    accepted, _ = provider.check(inputs, declare([], {"source.readers": "id-2"}, sources={"readers": "id-2"}))

    assert doubtful["members"] == inputs["members"]
    assert list(doubtful["doubt"]) == ["readers"]
    assert (accepted["members"], accepted["doubt"]) == ({}, {})


def test_too_many_removals_are_held(provider, declare, members):
    _, outputs = provider.create(declare(people(3)))

    after = provider.update(outputs, declare([], {"brake.max": 2.0}))

    assert set(after["deviations"].values()) == {"none; held"}
    assert members() == people(3)


def test_another_tenant_or_key_is_refused(provider, declare):
    other = declare(people(1), tenantId="other")

    assert "the stack belongs to tenant other" in provider.check({}, other)[1][0]
    assert "key readers became x" in provider.check(declare([]), declare([], key="x"))[1][0]
    renamed = declare([], {"previously": "readers", "previously.x": "readers"}, key="x")
    assert provider.check(declare([]), renamed)[1] == []
