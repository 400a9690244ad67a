"""Users of the tenant created before their first login, one POST each; and the provider of them in its own process."""

import json
from math import ceil

import pytest
from client.processes import UNKNOWN, Provider
from client.worlds import LICENSE, TENANT_ID, entitle_all, mail_of, make_world, people, person

from qlik_provider.accounts import USER, Account
from qlik_provider.brake import Brake
from qlik_provider.errors import EngineGone, NotPermitted, QlikProviderError
from qlik_provider.joiners import leave_unclear
from qlik_provider.plan import make_plan
from qlik_provider.premises import Recorded, Rules
from qlik_provider.tenant_users import TenantUsers

USERS = "/api/v1/users"


def account(who: str, name: str = "") -> Account:
    return Account(USER, ("readers",), mail_of(who), name or f"Person {who[-3:]}")


def ignore(done: int, total: int) -> None:
    pass


@pytest.fixture
def users(tenant) -> TenantUsers:
    return TenantUsers(tenant)


@pytest.fixture
def found(sandbox):
    """The people among the users of the tenant: status, name and e-mail by subject."""

    def found() -> dict[str, tuple[str, str, str]]:
        rows = sandbox.snapshot()["tenant"]["users"]
        return {
            row["subject"]: (row["status"], row["name"], row["email"])
            for row in rows
            if row["subject"].startswith(person(0)[:8])
        }

    return found


@pytest.fixture
def settle(users, sandbox):
    """Plan, forget what that asked, apply, and return the state of each."""

    def settle(desired, progress=ignore):
        declared = {who: account(who) for who in desired}
        plan = make_plan(declared, users.observe(desired), Recorded(), Rules(order=(USER,)), users.client.now)
        plan = leave_unclear(plan, declared, users.read(), {})
        sandbox.forget()
        outcomes = users.apply(plan, progress)
        settle.reasons = {outcome.change.key: outcome.reason for outcome in outcomes}
        settle.unseen = [outcome.change.key for outcome in outcomes if not outcome.is_seen]
        return {outcome.change.key: outcome.state for outcome in outcomes}

    return settle


# Reading.


def test_observed_is_who_of_those_asked_for_is_a_user_in_any_spelling_and_of_any_status(sandbox, users, asked):
    world = make_world(users=4)
    world["tenant"]["users"][2]["status"] = "disabled"
    world["tenant"]["users"][3]["status"] = "deleted"
    sandbox.load(world)

    observed = users.observe([person(0).upper(), person(1), person(2), person(9)])

    assert [(row.subject, row.type) for row in observed.rows] == [(person(0), USER), (person(1), USER)]
    users.observe([])
    assert asked("qlik").count(f"GET {USERS}") == 1, "the list is shared"


@pytest.mark.parametrize("kind", ["truncated-page", "missing-next", "empty-200"])
def test_a_list_that_may_be_short_makes_nobody_missing(sandbox, users, expect, kind):
    sandbox.load(make_world(users=150))
    expect(f"{USERS}$", kind=kind, count=9)

    with pytest.raises(QlikProviderError):
        users.observe(people(3))


# Creating.


def test_who_is_missing_is_created_as_invited_with_name_and_mail_and_nobody_else_is_touched(
    sandbox, settle, found, asked
):
    sandbox.load(make_world(users=1))

    assert settle(people(3)) == {person(1): "done", person(2): "done"}

    assert found() == {
        person(0): ("active", person(0)[-6:], mail_of(person(0))),
        person(1): ("invited", "Person 001", mail_of(person(1))),
        person(2): ("invited", "Person 002", mail_of(person(2))),
    }
    assert asked(writes=True) == [f"POST {USERS}"] * 2


def test_they_log_in_and_are_the_user_that_was_created(sandbox, settle, found):
    settle(people(1))

    sandbox.control.post("/login", json={"subject": person(0), "name": "Ana Silva", "email": mail_of(person(0))})

    assert found() == {person(0): ("active", "Ana Silva", mail_of(person(0)))}


@pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
def test_a_creation_whose_answer_was_lost_is_looked_up_and_makes_one_user(settle, found, expect, asked, kind):
    expect(f"{USERS}$", method="POST", kind=kind)

    assert settle(people(2)) == dict.fromkeys(people(2), "done")
    assert set(found()) == set(people(2))
    assert asked(writes=True).count(f"POST {USERS}") == (3 if kind == "reset-before" else 2)


def test_a_creation_that_is_lost_again_and_again_is_unsent(settle, found, expect):
    expect(f"{USERS}$", method="POST", kind="reset-before", count=2)

    assert settle(people(2)) == {person(0): "unsent", person(1): "done"}
    assert set(found()) == {person(1)}


def test_who_logged_in_meanwhile_is_done(sandbox, settle, found):
    def meanwhile(done: int, total: int) -> None:
        sandbox.control.post("/login", json={"subject": person(0), "email": mail_of(person(0))})

    assert settle(people(1), meanwhile) == {person(0): "done"}
    assert set(found()) == {person(0)}


@pytest.mark.parametrize(
    ("status", "others"),
    [("active", "is the e-mail of 'okta|ana' (active)"), ("deleted", "so perhaps a deleted user has it")],
)
def test_a_conflict_is_explained_by_who_has_the_mail(sandbox, settle, found, expect, status, others):
    def meanwhile(done: int, total: int) -> None:
        if done == 0 and status == "active":
            sandbox.control.post("/login", json={"subject": "okta|ana", "email": mail_of(person(0))})

    if status == "deleted":
        expect(f"{USERS}$", method="POST", status=409, body={"errors": [{"code": "USERS-9", "title": "exists"}]})

    assert settle(people(2), meanwhile) == {person(0): "refused", person(1): "done"}
    assert others in settle.reasons[person(0)]
    assert settle.reasons[person(0)].startswith("409 USERS-")
    assert set(found()) == {person(1)}


def test_a_mail_that_the_tenant_takes_twice_makes_no_second_user_either(sandbox, settle, found, asked):
    world = make_world(users=0, duplicate_email="accepted")
    world["tenant"]["users"].append({"subject": "okta|ana", "name": "Ana", "email": mail_of(person(0)).upper()})
    sandbox.load(world)

    assert settle(people(1)) == {}
    assert asked(writes=True) == []
    assert found() == {}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 400, "body": {"errors": [{"code": "USERS-1", "title": "No"}]}}, "400 USERS-1 No"),
        ({"status": 413}, "413"),
        ({"status": 207, "body": {"errors": [{"code": "USERS-1", "title": "No"}]}}, "207 and no such user shows"),
        ({"status": 200, "body": {}}, "200 and no such user shows"),
    ],
    ids=["400", "413", "207", "200"],
)
def test_one_refused_person_does_not_stop_the_others(settle, found, expect, answer, reason):
    expect(f"{USERS}$", method="POST", **answer)

    assert settle(people(2)) == {person(0): "refused", person(1): "done"}
    assert settle.reasons[person(0)] == reason
    assert set(found()) == {person(1)}


def test_a_caller_who_may_not_is_told_which_right_is_missing(settle, expect):
    expect(f"{USERS}$", method="POST", status=403)

    with pytest.raises(NotPermitted, match=r"admin_classic or admin\.users"):
        settle(people(2))


def test_after_a_failure_in_the_middle_what_was_done_is_told(settle, found, expect):
    expect(f"{USERS}$", method="POST", status=401, after=1, count=9)

    assert settle(people(3)) == {person(0): "done", person(1): "unsent", person(2): "unsent"}
    assert set(found()) == {person(0)}


def test_nothing_is_sent_when_nobody_listens_any_more(settle, found):
    def listen(done: int, total: int) -> None:
        if done:
            raise EngineGone("gone")

    assert settle(people(3), listen) == {person(0): "done", person(1): "unsent", person(2): "unsent"}
    assert set(found()) == {person(0)}


def test_who_was_created_and_does_not_show_is_marked(settle, expect):
    expect(f"{USERS}$", method="GET", status=200, body={"data": [], "links": {}}, after=1, count=99)

    assert settle(people(1)) == {person(0): "done"}
    assert settle.unseen == [person(0)]


def test_a_thousand_joiners_cost_a_creation_each_a_license_call_a_hundred_and_reads(sandbox, settle, tenant, asked):
    count = 1000
    sandbox.load(make_world(units={"analyzer": 2000}, tenant={"rateLimits": False}))

    states = settle(people(count))
    created = asked()
    observed = tenant.observe(TENANT_ID, LICENSE)
    sandbox.forget()
    rules = Rules(order=("analyzer",), brake=Brake())
    seats = make_plan(
        entitle_all(dict.fromkeys(people(count), "analyzer")), observed, Recorded(), rules, tenant.client.now
    )
    tenant.apply(seats, ignore)

    assert set(states.values()) == {"done"}
    assert created.count(f"POST {USERS}") == count
    assert len(created) - count <= ceil((count + 2) / 100) + 1, "the pages of one reading, and a token"
    assert len(asked(writes=True)) == ceil(count / 100)


# In the provider's own process.


@pytest.fixture
def provider(start, sandbox) -> Provider:
    sandbox.load(make_world(users=1))
    return start("Users")


@pytest.fixture
def declare(sandbox):
    def declare(subjects, rules=None, **others) -> dict:
        return {
            "tenant": sandbox.url,
            "tenantId": TENANT_ID,
            "users": {who: str(account(who)) for who in subjects},
            "rules": rules or {},
            "doubt": {},
            "sources": {},
            **others,
        }

    return declare


def test_create_creates_and_adopts_and_a_second_update_writes_nothing(provider, declare, asked, found):
    inputs = declare(people(3))

    checked = provider.check({}, inputs)
    id, outputs = provider.create(inputs)

    assert checked == (inputs, [])
    assert id == TENANT_ID
    assert outputs == {**inputs, "deviations": {}, "removed": {}, "seats": {}, "foreign": {}}
    assert set(found()) == set(people(3))
    assert provider.read(outputs) == ("1", outputs, inputs)
    before = asked(writes=True)
    assert provider.update(outputs, inputs) == outputs
    assert asked(writes=True) == before
    document = json.loads((provider.plans / "users.json").read_text())
    assert (document["kind"], document["identity"]) == ("Users", {"tenantId": TENANT_ID})
    assert provider.engine.heard("users: 2 to create")
    assert [line.partition(": ")[2] for line in provider.engine.progress] == ["0 of 2", "1 of 2"]


def test_a_diff_tells_what_an_update_would_do_and_without_a_check_it_is_silent(provider, declare, sandbox, asked):
    inputs = declare(people(2))
    _, outputs = provider.create(inputs)
    sandbox.forget()

    assert provider.diff(outputs, inputs) == "DIFF_NONE"
    assert asked() == []
    provider.check(inputs, inputs)
    assert provider.diff(outputs, inputs) == "DIFF_NONE"
    assert provider.diff(outputs, declare(people(3))) == "DIFF_UNKNOWN"
    assert provider.engine.heard("users: 1 to create")
    assert provider.diff({**outputs, "users": {}}, declare([])) == "DIFF_NONE"


def test_who_leaves_the_declaration_leaves_the_record_and_stays_a_user_and_so_after_a_delete(
    provider, declare, asked, found
):
    _, outputs = provider.create(declare(people(3)))
    before = asked(writes=True)

    provider.check(declare(people(3)), declare(people(1)))
    assert provider.diff(outputs, declare(people(1))) == "DIFF_UNKNOWN"
    after = provider.update(outputs, declare(people(1)))
    provider.delete(after)

    assert after == {**outputs, "users": {person(0): str(account(person(0)))}}
    assert asked(writes=True) == before
    assert set(found()) == set(people(3))
    assert provider.engine.heard(f"2 are no longer declared and stay users of the tenant: {mail_of(person(1))}")
    assert provider.engine.heard("users: 1 person stays a user of the tenant; nobody is disabled or deleted")


def test_who_is_called_otherwise_today_is_no_change(provider, declare, asked):
    inputs = declare(people(2))
    _, outputs = provider.create(inputs)
    before = asked(writes=True)
    renamed = {**inputs, "users": {who: str(account(who, "Somebody Else")) for who in people(2)}}

    checked, failures = provider.check(inputs, renamed)

    assert (checked, failures) == (inputs, [])
    assert provider.diff(outputs, checked) == "DIFF_NONE"
    assert asked(writes=True) == before


def test_who_was_deleted_by_hand_twice_is_left_alone(provider, start, declare, sandbox):
    inputs = declare(people(2))
    _, outputs = provider.create(inputs)

    for _ in range(2):
        rows = sandbox.snapshot()["tenant"]["users"]
        (id,) = [row["id"] for row in rows if (row["subject"], row["status"]) == (person(1), "invited")]
        sandbox.request("DELETE", f"{USERS}/{id}")
        phase = start("Users")
        _, read, _ = phase.read(outputs)
        assert list(read["users"]) == [person(0)]
        outputs = phase.update(read, inputs)

    assert outputs["deviations"] == {person(1): f"{account(person(1))}; reverted"}


def test_a_user_of_the_same_mail_is_a_deviation_that_lasts_and_says_why(provider, declare, sandbox, asked, found):
    sandbox.control.post("/login", json={"subject": f"CONTOSO\\{person(2)}", "email": mail_of(person(2))})
    inputs = declare([person(0), person(2)])

    provider.check({}, inputs)
    _, outputs = provider.create(inputs)

    assert outputs["deviations"] == {person(2): f"{account(person(2))}; known as CONTOSO\\{person(2)}"}
    assert list(outputs["users"]) == [person(0)]
    assert [line for line in asked(writes=True) if line.startswith(f"POST {USERS}")] == []
    assert provider.engine.heard("what fits 1 of 1: subject: {from: objectId, realm: CONTOSO}")
    provider.check(inputs, inputs)
    assert provider.diff(outputs, inputs) == "DIFF_NONE"


def test_a_refused_person_is_not_tried_again_until_something_changes(provider, declare, expect, asked, found):
    expect(f"{USERS}$", method="POST", status=400)
    inputs = declare(people(2))
    _, outputs = provider.create(inputs)
    assert outputs["deviations"] == {person(1): f"{account(person(1))}; refused"}

    again = provider.update(outputs, inputs)
    assert again == outputs
    after = provider.update(outputs, declare(people(2), {"retry": "now"}))

    assert after["deviations"] == {}
    assert set(found()) == set(people(2))


def test_in_doubt_nobody_is_created_by_the_key_alone_and_nobody_forgotten(provider, declare, found):
    inputs = declare(people(2), sources={"readers": "id-1"})
    _, outputs = provider.create(inputs)

    checked, failures = provider.check(inputs, declare([person(7)], doubt={"readers": "nobody knows"}))
    after = provider.update(outputs, checked)

    assert failures == []
    assert set(after["users"]) == set(people(2))
    assert after["deviations"] == {person(7): f"{account(person(7))}; frozen"}
    assert after["sources"] == {"readers": "id-1"}
    assert set(found()) == set(people(2))


def test_somebody_whose_former_subject_is_recorded_stays_so(provider, declare, asked):
    _, outputs = provider.create(declare(people(2)))
    inputs = declare(people(2))
    today = {"users": {person(0): str(account(person(0))), "b@x": str(account(person(1)))}}

    checked, _ = provider.check(
        inputs, {**inputs, **today, "objectIds": {"b@x": person(1)}, "kept": {person(1): str(account(person(1)))}}
    )

    assert checked == inputs
    assert provider.diff(outputs, checked) == "DIFF_NONE"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"users": {"s": "user via a for a@contoso.test"}}, "users['s']: 'user via a for a@contoso.test' is not of"),
        ({"rules": {"order": "user"}}, "rules['order']: is no rule of Users"),
        ({"tenantId": "other"}, "the stack belongs to tenant other"),
    ],
    ids=["value", "rule", "tenant"],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(provider, declare, asked, wrong, reason):
    _, failures = provider.check({}, {**declare(people(1)), **wrong})

    assert reason in failures[0]
    assert asked(writes=True) == []


def test_another_tenant_than_before_is_refused(provider, declare):
    assert "tenantId x became" in provider.check(declare([], tenantId="x"), declare([]))[1][0]


def test_people_that_nobody_knows_yet_are_no_plan(provider, declare):
    unknown = declare([])
    unknown["users"] = {person(0): UNKNOWN}

    assert provider.check({}, unknown)[1] == []
    assert provider.diff({**declare([]), "deviations": {}}, unknown) == "DIFF_UNKNOWN"


def test_who_is_about_to_be_created_can_be_added_to_a_group_in_the_same_run(provider, declare, sandbox):
    group = {
        "tenant": sandbox.url,
        "tenantId": TENANT_ID,
        "key": "readers",
        "group": "Readers",
        "members": {who: f"member via readers for {mail_of(who)}" for who in people(2)},
        "rules": {},
        "doubt": {},
        "sources": {},
    }
    provider.check({}, declare(people(2)))
    provider.kind = "TenantGroupMembers"
    provider.check({}, group)
    assert provider.engine.heard("tenant-members-readers: 2 to add"), "the preview says what the run will do"

    provider.kind = "Users"
    _, outputs = provider.create(declare(people(2)))
    provider.kind = "TenantGroupMembers"
    _, members = provider.create(group)

    assert set(members["members"]) == set(people(2))
    assert outputs["deviations"] == members["deviations"] == {}


def test_who_could_not_be_created_waits_for_the_group(provider, declare, sandbox, expect):
    group = {
        "tenant": sandbox.url,
        "tenantId": TENANT_ID,
        "key": "readers",
        "group": "Readers",
        "members": {who: f"member via readers for {mail_of(who)}" for who in people(2)},
        "rules": {},
        "doubt": {},
        "sources": {},
    }
    expect(f"{USERS}$", method="POST", status=400)

    provider.create(declare(people(2)))
    provider.kind = "TenantGroupMembers"
    _, members = provider.create(group)

    assert members["deviations"] == {person(1): f"member via readers for {mail_of(person(1))}; waiting"}


@pytest.fixture
def grants(sandbox):
    def grants(subjects) -> dict:
        """Whom the stack grants a role in a space by themselves."""
        return {
            "tenant": sandbox.url,
            "tenantId": TENANT_ID,
            "people": {who: f"{who} for {mail_of(who)}" for who in subjects},
            "spaces": {f"{who}/Finance": f"consumer for {mail_of(who)}" for who in subjects},
            "rules": {},
        }

    return grants


def test_who_is_about_to_be_created_is_granted_spaces_in_the_same_run(provider, declare, grants, sandbox):
    sandbox.load(make_world(users=1, tenant={"spaces": [{"id": "65f0c0ffee000000000000f1", "name": "Finance"}]}))
    provider.check({}, declare(people(2)))
    provider.kind = "UserPolicy"
    provider.check({}, grants(people(2)))
    assert provider.engine.heard("user-policy: 2 to grant"), "the preview says what the run will do"

    provider.kind = "Users"
    provider.create(declare(people(2)))
    provider.kind = "UserPolicy"
    _, outputs = provider.create(grants(people(2)))

    assert set(outputs["granted"]) == {f"{who}/space:Finance" for who in people(2)}
    assert outputs["deviations"] == {}


def test_who_could_not_be_created_waits_for_spaces(provider, declare, grants, sandbox, expect):
    sandbox.load(make_world(users=1, tenant={"spaces": [{"id": "65f0c0ffee000000000000f1", "name": "Finance"}]}))
    expect(f"{USERS}$", method="POST", status=400)

    provider.check({}, declare(people(2)))
    provider.create(declare(people(2)))
    provider.kind = "UserPolicy"
    _, outputs = provider.create(grants(people(2)))

    told = f"granted for {mail_of(person(1))}; waiting"
    assert outputs["deviations"] == {f"{person(1)}/space:Finance/consumer": told}


def test_users_that_a_pilot_leaves_alone_stay_as_they_are(provider, declare):
    provider.create(declare(people(2)))

    assert provider.check(declare(people(2)), {"frozen": True}) == (declare(people(2)), [])
