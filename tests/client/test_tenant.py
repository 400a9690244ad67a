"""What the tenant shows is believed when it is whole; a plan is never told better than it went."""

from datetime import date

import pytest
from client.worlds import ADD, DELETE, LICENSE, ROWS, TENANT_ID, UPDATE, make_world, people, plan_seats

from qlik_provider.entitlements import Assignment, Seats
from qlik_provider.errors import EngineGone, NoEvidence, QlikProviderError, UnsafePlan
from qlik_provider.premises import Observed
from qlik_provider.transport import ATTEMPTS

OVERVIEW = "/api/v1/licenses/overview"
CROWD = dict.fromkeys(people(250), "analyzer")
ENDS = date(2027, 12, 31)  # of the license, in every world of the sandbox


def ignore(done: int, total: int) -> None:
    pass


def states_of(outcomes) -> dict[str, str]:
    return {outcome.change.key: outcome.state for outcome in outcomes}


def settle(tenant, desired, ledger=None):
    """Plan and apply; return what became of each."""
    return tenant.apply(plan_seats(tenant, desired, ledger), ignore)


@pytest.fixture
def sent(asked):
    """Tell the writes to the tenant, by their last word."""
    return lambda: [request.rpartition("/")[2] for request in asked("qlik", writes=True)]


@pytest.fixture
def tamper(sandbox):
    """Do something by hand."""
    return lambda do, **act: sandbox.control.post("/tamper", json={"do": do, **act}).raise_for_status()


# Observing.


def test_observed_is_every_row_and_the_seats_of_each_type(sandbox, tenant):
    sandbox.load(make_world({"ana": "professional", "bo": "analyzer"}, units={"professional": 2, "analyzer": 5}))

    assert tenant.observe(TENANT_ID, LICENSE) == Observed(
        (Assignment("ana", "professional"), Assignment("bo", "analyzer")),
        {"professional": Seats(2, 1), "analyzer": Seats(5, 1)},
        ends=ENDS,
    )


@pytest.mark.parametrize(
    ("tenant_id", "license", "says"),
    [("another", LICENSE, "tenant another"), (TENANT_ID, "1234", "license 1234")],
)
def test_another_tenant_or_license_than_the_stacks_is_refused(tenant, tenant_id, license, says):
    with pytest.raises(UnsafePlan, match=says):
        tenant.observe(tenant_id, license)


@pytest.mark.parametrize("status", ["Blacklisted", "Expired", "Missing"])
def test_a_license_that_is_not_ok_is_refused(sandbox, tenant, status):
    sandbox.load(make_world(tenant={"license": {"number": LICENSE, "status": status}}))

    with pytest.raises(UnsafePlan, match=status):
        tenant.observe(TENANT_ID, LICENSE)


@pytest.mark.parametrize("fault", [{"kind": "truncated-page", "after": 2}, {"kind": "missing-next"}])
def test_fewer_rows_than_seats_in_use_are_no_evidence(sandbox, tenant, expect, fault):
    sandbox.load(make_world(CROWD))
    expect(ROWS, **fault)

    with pytest.raises(NoEvidence, match="may be short"):
        tenant.observe(TENANT_ID, LICENSE)
    assert len(tenant.observe(TENANT_ID, LICENSE).rows) == 250


def test_a_row_that_came_twice_does_not_hide_one_that_did_not_come(sandbox, tenant, expect):
    sandbox.load(make_world(CROWD))
    expect(ROWS, kind="duplicated-items")
    expect(ROWS, kind="missing-items", after=1)

    with pytest.raises(NoEvidence, match="249 rows of analyzer and the overview counts 250"):
        tenant.observe(TENANT_ID, LICENSE)


def test_names_are_what_a_declaration_can_mean(sandbox, tenant):
    sandbox.load(make_world(users=2))

    names = tenant.read_names()

    assert (names.id, names.license, names.types) == (TENANT_ID, LICENSE, ("professional", "analyzer"))
    assert "TenantAdmin" in names.roles
    assert len(names.spaces) == 130
    assert len(names.users) == 4


def test_everything_is_read_once_until_something_is_written(tenant, asked):
    first = [tenant.observe(TENANT_ID, LICENSE), tenant.id, tenant.license]

    assert [tenant.observe(TENANT_ID, LICENSE), tenant.id, tenant.license] == first
    assert sorted(asked("qlik")) == [
        "GET /api/v1/licenses/assignments",
        f"GET {OVERVIEW}",
        "GET /api/v1/tenants/me",
        "POST /oauth/token",
    ]


def test_what_was_written_is_read_again(tenant):
    settle(tenant, {"ana": "analyzer"})

    assert tenant.observe(TENANT_ID, LICENSE) == Observed(
        (Assignment("ana", "analyzer"),), {"professional": Seats(1000, 0), "analyzer": Seats(1000, 1)}, ends=ENDS
    )


# Applying.


def test_seats_are_freed_then_switched_then_given(sandbox, tenant, sent):
    held = {"rex": "professional", "sam": "analyzer", "tea": "analyzer"}
    sandbox.load(make_world(held, units={"professional": 1, "analyzer": 2}))

    outcomes = settle(tenant, {"sam": "professional", "tea": "analyzer", "una": "analyzer"}, held)

    assert sent() == ["delete", "update", "add"]
    assert states_of(outcomes) == {"rex": "done", "sam": "done", "una": "done"}
    assert sandbox.rows() == {"sam": "professional", "tea": "analyzer", "una": "analyzer"}


def test_a_hundred_changes_are_sent_at_a_time(sandbox, tenant, sent):
    outcomes = settle(tenant, CROWD)

    assert sent() == ["add"] * 3
    assert set(states_of(outcomes).values()) == {"done"}
    assert sandbox.rows() == CROWD


@pytest.mark.parametrize("status", [400, 413])
def test_a_batch_that_is_too_large_is_halved_and_the_size_remembered(sandbox, tenant, expect, sandbox_statuses, status):
    expect(ADD, method="POST", status=status)

    outcomes = settle(tenant, CROWD)

    assert sandbox_statuses() == [status, *[207] * 5]
    assert set(states_of(outcomes).values()) == {"done"}
    assert sandbox.rows() == CROWD


@pytest.fixture
def sandbox_statuses(sandbox):
    return lambda: [request["status"] for request in sandbox.requests() if request["writes"]]


def test_one_change_that_spoils_its_batch_is_found_by_halving(sandbox, tenant):
    sandbox.load(make_world(bad_item="request400"))
    desired = {**dict.fromkeys(people(20), "analyzer"), "zoe": "golden"}

    states = states_of(settle(tenant, desired))

    assert states.pop("zoe") == "refused"
    assert set(states.values()) == {"done"}
    assert sandbox.rows() == dict.fromkeys(people(20), "analyzer")


@pytest.mark.parametrize("order", ["request", "reversed"])
def test_a_refused_item_is_found_by_its_subject_and_leaves_the_others_done(sandbox, tenant, expect, order):
    sandbox.load(make_world(item_order=order))
    expect(item={"subject": "cy", "status": 403, "code": "LICENSES-011", "title": "No seat"})

    outcomes = settle(tenant, dict.fromkeys(("ana", "bo", "cy", "dee"), "analyzer"))

    assert states_of(outcomes) == {"ana": "done", "bo": "done", "cy": "short", "dee": "done"}
    assert [outcome.reason for outcome in outcomes if outcome.state == "short"] == ["403 LICENSES-011 No seat"]
    assert sandbox.rows() == dict.fromkeys(("ana", "bo", "dee"), "analyzer")


@pytest.mark.parametrize("verb", ["assign", "switch", "revoke"])
@pytest.mark.parametrize("order", ["request", "reversed"])
def test_a_refusal_of_any_verb_is_told_with_its_reason(sandbox, tenant, expect, verb, order):
    held = {} if verb == "assign" else {"ana": "analyzer", "bo": "analyzer"}
    sandbox.load(make_world(held, item_order=order))
    expect(item={"subject": "bo", "status": 403, "code": "X", "title": "No"})
    desired = {} if verb == "revoke" else {"ana": "professional", "bo": "professional"}

    outcomes = settle(tenant, desired, held)

    assert [(o.change.verb, o.change.key, o.state, o.reason) for o in outcomes] == [
        (verb, "ana", "done", ""),
        (verb, "bo", "refused", "403 X No"),
    ]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_item_the_tenant_could_not_handle_now_is_unsent_and_not_refused(tenant, expect, status):
    expect(item={"subject": "bo", "status": status})

    assert states_of(settle(tenant, {"ana": "analyzer", "bo": "analyzer"})) == {"ana": "done", "bo": "unsent"}


def test_items_missing_from_an_answer_are_looked_up(sandbox, tenant, expect):
    expect(ADD, kind="truncated-page")

    outcomes = settle(tenant, dict.fromkeys(people(10), "analyzer"))

    assert set(states_of(outcomes).values()) == {"done"}


def test_an_answer_about_nobody_leaves_what_was_not_done_unsent(sandbox, tenant, expect):
    expect(ADD, status=207, body={"data": []})

    (outcome,) = settle(tenant, {"ana": "analyzer"})

    assert (outcome.state, outcome.reason) == ("unsent", "the service did not say what became of it")
    assert sandbox.rows() == {}


@pytest.mark.parametrize("switch", ["created201", "conflict409", "ok200"])
def test_what_somebody_else_did_meanwhile_is_done(sandbox, tenant, switch):
    held = {"rex": "analyzer"}
    sandbox.load(make_world(held, add_same_type=switch))
    plan = plan_seats(tenant, {"ana": "analyzer"}, held)
    sandbox.control.post("/tamper", json={"do": "assign", "subject": "ana", "type": "analyzer"}).raise_for_status()
    sandbox.control.post("/tamper", json={"do": "revoke", "subject": "rex", "type": "analyzer"}).raise_for_status()

    assert states_of(tenant.apply(plan, ignore)) == {"rex": "done", "ana": "done"}


@pytest.mark.parametrize("switch", ["conflict409", "secondRow201"])
def test_who_was_given_another_type_meanwhile_does_not_hold_two(sandbox, tenant, tamper, switch):
    sandbox.load(make_world(add_other_type=switch))
    plan = plan_seats(tenant, {"ana": "analyzer", "bo": "analyzer"})
    tamper("assign", subject="ana", type="professional")

    assert states_of(tenant.apply(plan, ignore)) == {"ana": "refused", "bo": "done"}
    assert sandbox.rows() == {"ana": "professional", "bo": "analyzer"}


def test_a_second_type_that_cannot_be_taken_back_is_in_the_ledger(sandbox, tenant, tamper, expect):
    sandbox.load(make_world(add_other_type="secondRow201"))
    plan = plan_seats(tenant, {"ana": "analyzer"})
    tamper("assign", subject="ana", type="professional")
    expect(DELETE, status=500, count=9)

    assert states_of(tenant.apply(plan, ignore)) == {"ana": "done"}


@pytest.fixture
def raced(sandbox, tenant, tamper):
    """A plan that switches Ana, in a tenant that takes away what she has when somebody was faster."""
    sandbox.load(make_world({"ana": "analyzer"}, units={"professional": 1, "analyzer": 5}, update_without_seat="lose"))
    plan = plan_seats(tenant, {"ana": "professional"}, {"ana": "analyzer"})
    tamper("assign", subject="joe", type="professional")
    return plan


def test_who_lost_a_seat_by_a_refused_switch_gets_it_back(sandbox, tenant, raced):
    (outcome,) = tenant.apply(raced, ignore)

    assert (outcome.state, outcome.is_gone) == ("short", False)
    assert sandbox.rows() == {"ana": "analyzer", "joe": "professional"}


def test_a_seat_that_cannot_be_given_back_is_told_and_not_in_the_ledger(sandbox, tenant, raced, expect):
    expect(ADD, item={"subject": "ana"})

    (outcome,) = tenant.apply(raced, ignore)

    assert (outcome.state, outcome.is_gone) == ("short", True)
    assert "analyzer is gone" in str(outcome)
    assert sandbox.rows() == {"joe": "professional"}


def test_a_seat_that_others_took_away_meanwhile_is_theirs_to_give_back(sandbox, tenant, tamper):
    sandbox.load(make_world({"ana": "analyzer"}))
    plan = plan_seats(tenant, {"ana": "professional"}, {"ana": "analyzer"})
    tamper("revoke", subject="ana", type="analyzer")

    (outcome,) = tenant.apply(plan, ignore)

    assert (outcome.state, outcome.is_gone) == ("refused", True)
    assert sandbox.rows() == {}


@pytest.mark.parametrize("switch", ["asGiven", "upperDomain"])
def test_a_subject_in_capitals_is_the_same_subject(sandbox, tenant, switch):
    sandbox.load(make_world(subject_case=switch))
    desired = {"qlik\\ana": "analyzer"}

    assert states_of(settle(tenant, desired)) == {"qlik\\ana": "done"}
    assert plan_seats(tenant, desired, desired).changes == ()
    assert states_of(settle(tenant, {}, desired)) == {"qlik\\ana": "done"}
    assert sandbox.rows() == {}


# Lost answers.

VERBS = {
    "assign": (ADD, {}, "professional"),
    "switch": (UPDATE, "analyzer", "professional"),
    "revoke": (DELETE, "professional", None),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("fault", "times"),
    [
        ({"kind": "reset-after"}, 1),
        ({"kind": "reset-before"}, 2),
        ({"status": 500}, 2),
        ({"kind": "truncated-json"}, 1),
        ({"kind": "wrong-type"}, 1),
        ({"status": 200, "body": {}}, 2),
    ],
    ids=["after", "before", "500", "cut", "a page", "another shape"],
)
def test_a_lost_answer_loses_nothing_and_doubles_nothing(sandbox, tenant, expect, asked, verb, fault, times):
    path, held, wanted = VERBS[verb]
    ledger = dict.fromkeys(people(30), held) if held else {}
    desired = dict.fromkeys(people(30), wanted) if wanted else {}
    sandbox.load(make_world(ledger, add_other_type="secondRow201"))
    plan = plan_seats(tenant, desired, ledger)
    expect(path, **fault)
    sandbox.forget()

    outcomes = tenant.apply(plan, ignore)

    assert set(states_of(outcomes).values()) == {"done"}
    assert len(outcomes) == 30
    assert sandbox.rows() == desired
    assert asked(writes=True) == [f"POST {path}"] * times
    assert asked()[1] == "GET /api/v1/licenses/assignments", "what happened is read before anything is repeated"


@pytest.mark.parametrize(
    "fault", [{"kind": "missing-next"}, {"kind": "truncated-page", "after": 1}], ids=["missing next", "short page"]
)
def test_a_short_list_after_a_lost_answer_is_no_proof_of_a_revoke(sandbox, tenant, expect, fault):
    held = dict.fromkeys(people(150), "analyzer")
    sandbox.load(make_world(held))
    plan = plan_seats(tenant, dict.fromkeys(people(100), "analyzer"), held)
    expect(DELETE, kind="reset-before", count=9)
    expect(ROWS, **fault, count=9)

    try:
        outcomes = tenant.apply(plan, ignore)
    except QlikProviderError:
        outcomes = ()  # to say that nothing is known is no lie

    assert len(sandbox.rows()) == 150
    assert "done" not in states_of(outcomes).values()


def test_after_a_failure_in_the_middle_what_was_done_is_told_and_the_rest_unsent(sandbox, tenant, expect):
    expect(ADD, status=500, after=1, count=99)

    outcomes = settle(tenant, CROWD)

    states = list(states_of(outcomes).values())
    assert states == ["done"] * 100 + ["unsent"] * 150
    assert all("500" in outcome.reason for outcome in outcomes[100:])
    assert len(sandbox.rows()) == 100


def test_the_truth_about_what_was_done_needs_no_further_read(sandbox, tenant, expect):
    plan = plan_seats(tenant, CROWD)
    expect(ADD, status=500, after=1, count=99)
    expect("", method="GET", status=500, count=99)

    assert list(states_of(tenant.apply(plan, ignore)).values()) == ["done"] * 100 + ["unsent"] * 150


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 403}, {"kind": "reset-before"}, {"kind": "empty-200"}])
def test_a_failure_before_anything_is_done_raises(sandbox, tenant, expect, fault):
    plan = plan_seats(tenant, CROWD)
    expect(ADD, method="POST", **fault, count=99)
    if fault == {"kind": "empty-200"}:
        expect("", method="GET", status=500, count=99)

    with pytest.raises(QlikProviderError):
        tenant.apply(plan, ignore)


@pytest.mark.parametrize("kind", ["empty-200", "wrong-type"])
def test_after_an_answer_that_says_nothing_what_is_told_is_what_is(sandbox, tenant, expect, kind):
    expect(ADD, kind=kind, after=1)

    outcomes = settle(tenant, CROWD)

    assert {who for who, state in states_of(outcomes).items() if state == "done"} == set(sandbox.rows())
    assert len(sandbox.rows()) >= 200


def test_progress_is_told_before_each_batch(tenant):
    told = []
    tenant.apply(plan_seats(tenant, CROWD), lambda done, total: told.append((done, total)))

    assert told == [(0, 250), (100, 250), (200, 250)]


def test_nothing_is_sent_when_nobody_listens_any_more(sandbox, tenant, sent):
    def listen(done: int, total: int) -> None:
        if done:
            raise EngineGone("gone")

    outcomes = tenant.apply(plan_seats(tenant, CROWD), listen)

    assert sent() == ["add"]
    assert list(states_of(outcomes).values()) == ["done"] * 100 + ["unsent"] * 150
    assert len(sandbox.rows()) == 100


def test_nobody_listening_before_the_first_batch_raises(sandbox, tenant, sent):
    def hang_up(done: int, total: int) -> None:
        raise EngineGone("gone")

    with pytest.raises(EngineGone):
        tenant.apply(plan_seats(tenant, {"ana": "analyzer"}), hang_up)
    assert sent() == []


# Own writes that do not show yet.

LATE = {"assignments-list": "delayed"}


def load_late(sandbox, held, reads, **switches):
    world = make_world(held, tenant={"license": {"number": LICENSE, "assignmentsLagReads": reads}})
    sandbox.load({**world, "switches": LATE | switches})


def looks(asked) -> int:
    requests = asked("qlik")
    return requests[requests.index(f"POST {ADD}") :].count("GET /api/v1/licenses/assignments")


def test_own_writes_are_waited_for_until_the_list_shows_them(sandbox, tenant, asked):
    held = {"rex": "professional", "sam": "analyzer"}
    load_late(sandbox, held, reads=3)

    outcomes = settle(tenant, {"sam": "professional", "una": "analyzer"}, held)

    assert [(outcome.state, outcome.is_seen) for outcome in outcomes] == [("done", True)] * 3
    assert looks(asked) == 4


@pytest.mark.parametrize("overview", ["immediate", "delayed"])
def test_what_the_list_never_shows_in_time_is_done_and_not_seen(sandbox, tenant, asked, overview):
    load_late(sandbox, {}, 99, **{"units-used": overview})

    outcomes = settle(tenant, {"una": "analyzer"})

    assert [(outcome.state, outcome.is_seen) for outcome in outcomes] == [("done", False)]
    assert sandbox.rows() == {"una": "analyzer"}
    assert looks(asked) == ATTEMPTS


def test_a_write_whose_answer_was_lost_is_waited_for_too(sandbox, tenant, expect):
    load_late(sandbox, {}, 2, **{"units-used": "delayed", "add-same-type": "conflict409"})
    expect(ADD, kind="reset-after")

    outcomes = settle(tenant, {"una": "analyzer"})

    assert [(outcome.state, outcome.is_seen) for outcome in outcomes] == [("done", True)]


def test_a_write_is_looked_at_once_where_the_list_shows_it(tenant, asked):
    settle(tenant, {"una": "analyzer"})

    assert looks(asked) == 1


def test_what_cannot_be_looked_at_is_done_and_not_seen(tenant, expect):
    expect(ROWS, status=403, after=1, count=1)

    outcomes = settle(tenant, {"una": "analyzer"})

    assert [(outcome.state, outcome.is_seen) for outcome in outcomes] == [("done", False)]
