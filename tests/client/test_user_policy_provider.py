"""The spaces of people in the provider's own process, as the engine meets it."""

import json
import shutil

import pytest
from client.processes import UNKNOWN, Provider
from client.test_policies import ASSIGNMENTS, BOARD, FINANCE, SPACES
from client.worlds import ANA, BO, CY, TENANT_ID, mail_of, make_world

from qlik_provider.journal import JournalRecord

MINE = {ANA: ["dataconsumer"], BO: ["consumer"]}
USERS = {ANA: "u-ana", BO: "u-bo", CY: "u-cy"}


def world(finance=None, *, users=(ANA, BO), **tenant) -> dict:
    """Users of the tenant, and who has which roles in Finance; one more has some by hand."""
    held = {"fabrikam\\joe": ["producer"], **(finance or {})}
    assignments = [
        {"id": f"a{place}", "assignee": who, "roles": roles} for place, (who, roles) in enumerate(held.items())
    ]
    return make_world(
        tenant={
            "users": [
                {"subject": "auth0|admin", "name": "Admin", "assignedRoles": ["TenantAdmin"]},
                {"subject": "fabrikam\\joe", "name": "Joe"},
                *({"id": USERS[who], "subject": who, "name": who[-6:], "email": mail_of(who)} for who in users),
            ],
            "spaces": [
                {"id": FINANCE, "name": "Finance", "assignments": assignments},
                {"id": BOARD, "name": "Board", "type": "managed"},
            ],
            **tenant,
        }
    )


@pytest.fixture
def provider(start, sandbox) -> Provider:
    sandbox.load(world())
    return start("UserPolicy")


@pytest.fixture
def declare(sandbox):
    """Write inputs: `{person: {space: roles}}`."""

    def declare(people: dict[str, dict[str, str]], **rules) -> dict:
        return {
            "tenant": sandbox.url,
            "tenantId": TENANT_ID,
            "people": {who: f"{who} for {mail_of(who)}" for who in people},
            "spaces": {
                f"{who}/{space}": f"{roles} for {mail_of(who)}"
                for who, spaces in people.items()
                for space, roles in spaces.items()
            },
            "rules": {"brake.max": 3.0, "brake.percent": 100.0, **rules},
        }

    return declare


@pytest.fixture
def inputs(declare) -> dict:
    return declare({ANA: {"Finance": "dataconsumer"}, BO: {"Finance": "consumer"}})


@pytest.fixture
def outputs(inputs, sandbox) -> dict:
    """The outputs of somebody who applied the inputs, beside a tenant that shows it."""
    sandbox.load(world(MINE))
    return record(inputs)


def record(inputs: dict, **more) -> dict:
    return {
        **inputs,
        "granted": {
            f"{ANA}/space:Finance": f"dataconsumer for {mail_of(ANA)}",
            f"{BO}/space:Finance": f"consumer for {mail_of(BO)}",
        },
        "deviations": {},
        "removed": {},
        "userIds": {ANA: "u-ana", BO: "u-bo"},
        "spaceIds": {"Finance": FINANCE},
        **more,
    }


def test_a_first_check_plans_says_so_once_and_writes_nothing(provider, declare, asked):
    inputs = declare({ANA: {"Finance": "dataconsumer", "Board": "consumer"}, CY: {"Finance": "producer"}})

    for _ in range(2):
        assert provider.check({}, inputs) == (inputs, [])

    assert provider.engine.told == [
        (
            "INFO",
            f"""\
user-policy: 2 to grant
  grant consumer in Board to {mail_of(ANA)}
  grant dataconsumer in Finance to {mail_of(ANA)}""",
        ),
        ("WARNING", f"user-policy: waiting: {mail_of(CY)} (producer in Finance); no users of the tenant yet"),
    ]
    assert asked(writes=True) == []
    assert sum(call == "GET /api/v1/users" for call in asked()) == 1
    document = json.loads((provider.plans / "user-policy.json").read_text())
    assert (document["kind"], document["identity"]) == ("UserPolicy", {"tenantId": TENANT_ID})
    assert document["changes"][1] == {
        "verb": "grant",
        "subject": f"policy/{ANA}/space:Finance/dataconsumer",
        "mail": mail_of(ANA),
        "held": None,
        "declared": "space:Finance/dataconsumer",
        "keys": ["people"],
        "isRemoval": False,
        "isApproved": False,
        "becomes": None,
    }
    assert document["deviations"] == {f"{CY}/space:Finance/producer": f"granted for {mail_of(CY)}; waiting"}


def test_a_diff_without_a_check_is_silent_and_asks_nothing(provider, inputs, declare, sandbox):
    olds = record(inputs)
    sandbox.forget()

    assert provider.diff(olds, inputs) == "DIFF_NONE"
    assert provider.diff(olds, declare({})) == "DIFF_UNKNOWN"
    assert (provider.engine.told, sandbox.requests()) == ([], [])


def test_a_diff_after_a_check_tells_what_an_update_would_do(provider, inputs, outputs, declare, asked):
    provider.check(inputs, inputs)

    assert provider.diff(outputs, inputs) == "DIFF_NONE"
    assert provider.diff({**outputs, "granted": {}}, inputs) == "DIFF_SOME", "an adoption"
    assert provider.diff(outputs, declare({})) == "DIFF_UNKNOWN"
    assert provider.engine.heard("2 to withdraw")
    assert asked(writes=True) == []


@pytest.mark.parametrize("part", ["people", "spaces"])
def test_what_cannot_be_known_yet_is_not_planned(provider, inputs, sandbox, part):
    olds, unknown = record(inputs), {**inputs, part: UNKNOWN}
    sandbox.forget()

    assert provider.check(inputs, unknown) == (unknown, [])
    assert provider.diff(olds, unknown) == "DIFF_UNKNOWN"
    assert sandbox.requests() == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"spaces": {f"{ANA}/Finance": ""}}, "is no list of space roles"),
        ({"spaces": {f"{CY}/Finance": "producer for cy"}}, "is nobody of people"),
        ({"spaces": {f"{ANA}/Finans": "producer for x"}}, "'Finans' is no space that this caller can see"),
        ({"spaces": {f"{ANA}/Finance": "publisher for x"}}, "publisher cannot be assigned in the shared space"),
        ({"rules": {"shortage": "fail"}}, "is no rule of UserPolicy"),
        ({"tenantId": "other"}, f"tenantId {TENANT_ID} became other, and a stack stays with one"),
    ],
)
def test_what_cannot_be_carried_out_is_a_failed_check_in_one_line(provider, inputs, changed, says):
    _, (failure,) = provider.check(inputs, {**inputs, **changed})

    assert says in failure
    assert "\n" not in failure


def test_another_tenant_fails_the_first_check_and_every_call(provider, inputs, outputs):
    other = {"tenantId": "other"}

    _, (failure,) = provider.check({}, {**inputs, **other})
    assert f"the stack belongs to tenant other, and {inputs['tenant']} is {TENANT_ID}" in failure
    for call, bags in {"create": [inputs], "update": [outputs, inputs], "read": [outputs], "delete": [outputs]}.items():
        assert "the stack belongs to tenant other" in provider.fail(call, *({**bag, **other} for bag in bags))


def test_create_grants_beside_what_was_there_and_a_second_update_writes_nothing(provider, inputs, sandbox, asked):
    sandbox.load(world({ANA: ["facilitator"]}))

    id, outputs = provider.create(inputs)

    assert (id, outputs) == (TENANT_ID, record(inputs))
    granted = sandbox.policies()
    assert granted[mail_of(ANA)] == {"Finance": ["dataconsumer", "facilitator"]}
    assert granted[mail_of(BO)] == {"Finance": ["consumer"]}
    assert asked(writes=True) == [f"PUT {ASSIGNMENTS}/a1", f"POST {ASSIGNMENTS}"]
    assert provider.read(outputs) == ("1", outputs, inputs)
    sandbox.forget()
    assert provider.update(outputs, inputs) == outputs
    assert asked(writes=True) == []
    assert provider.engine.heard("done") == ["INFO user-policy: done: grant 2"]
    assert provider.engine.progress == ["user-policy: 0 of 2", "user-policy: 1 of 2"]


def test_an_assignment_that_somebody_made_meanwhile_is_replaced_with_all_its_roles(provider, inputs, sandbox, expect):
    expect(ASSIGNMENTS, method="POST", status=409, body={"errors": [{"code": "SPACES-409", "title": "exists"}]})

    _, outputs = provider.create(inputs)

    assert outputs["granted"] == record(inputs)["granted"]
    assert sandbox.policies()[mail_of(ANA)] == {"Finance": ["dataconsumer"]}


def test_an_answer_that_was_lost_is_looked_up_before_anything_is_sent_again(provider, inputs, sandbox, asked, expect):
    expect(ASSIGNMENTS, method="POST", kind="reset-after")

    _, outputs = provider.create(inputs)

    assert outputs == record(inputs)
    assert asked(writes=True) == [f"POST {ASSIGNMENTS}", f"POST {ASSIGNMENTS}"]


def test_who_comes_later_is_granted_then(provider, declare, sandbox, start):
    inputs = declare({CY: {"Finance": "producer"}})
    _, outputs = provider.create(inputs)
    assert (outputs["granted"], outputs["userIds"]) == ({}, {})
    assert outputs["deviations"] == {f"{CY}/space:Finance/producer": f"granted for {mail_of(CY)}; waiting"}

    sandbox.load(world(users=(ANA, BO, CY)))
    later = start("UserPolicy")
    later.check(inputs, inputs)

    assert later.diff(outputs, inputs) == "DIFF_SOME"
    outputs = later.update(outputs, inputs)
    assert (outputs["userIds"], outputs["deviations"]) == ({CY: "u-cy"}, {})
    assert sandbox.policies()[mail_of(CY)] == {"Finance": ["producer"]}


def test_who_has_another_subject_is_known_by_the_user_until_there_is_a_new_one(
    provider, inputs, outputs, sandbox, start
):
    renamed = {**inputs, "people": {**inputs["people"], ANA: f"contoso\\ana for {mail_of(ANA)}"}}

    assert provider.update(outputs, renamed) == {**outputs, "people": renamed["people"]}

    came = world(MINE)
    came["tenant"]["users"].append({"id": "u-new", "subject": "contoso\\ana", "name": "Ana"})
    sandbox.load(came)
    later = start("UserPolicy").update(outputs, renamed)
    assert (later["granted"], later["userIds"]) == (outputs["granted"], {ANA: "u-new", BO: "u-bo"})
    assert later["removed"] == {}, "she has it by the new user"
    (finance,) = (space for space in sandbox.snapshot()["tenant"]["spaces"] if space["name"] == "Finance")
    holders = {assignment["assignee"] for assignment in finance["assignments"]}
    assert "u-new" in holders
    assert "u-ana" not in holders


def test_a_user_that_the_list_lacks_holds_what_the_space_shows(
    provider, inputs, outputs, declare, sandbox, expect, asked
):
    expect("/api/v1/users$", status=200, body={"data": [], "totalResults": 0})

    _, read, _ = provider.read(outputs)
    assert read == outputs
    less = provider.update(outputs, declare({BO: {"Finance": "consumer"}}))

    assert set(less["granted"]) == {f"{BO}/space:Finance"}
    assert asked(writes=True) == [f"DELETE {ASSIGNMENTS}/a1"]


def test_a_read_drops_what_others_took_and_shows_it_as_drift(provider, inputs, outputs, sandbox):
    sandbox.request("PUT", f"{ASSIGNMENTS}/a1", {"roles": ["facilitator"]})

    _, read, read_inputs = provider.read(outputs)

    assert set(read["granted"]) == {f"{BO}/space:Finance"}
    assert set(read_inputs["spaces"]) == {f"{BO}/Finance"}
    assert read_inputs["people"] == inputs["people"]


@pytest.mark.parametrize(
    "fault",
    [{"kind": "truncated-page"}, {"kind": "empty-200"}, {"status": 403}],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
@pytest.mark.parametrize("path", ["/api/v1/users$", f"{SPACES}$", ASSIGNMENTS])
def test_what_cannot_be_read_whole_is_an_error_and_takes_nothing(
    provider, inputs, outputs, declare, expect, asked, path, fault
):
    expect(path, count=99, **fault)

    provider.fail("update", outputs, declare({}))
    provider.fail("read", outputs)

    assert asked(writes=True) == []


def test_a_space_that_is_not_shown_takes_nothing(provider, inputs, outputs, declare, expect, asked):
    expect(f"{SPACES}$", status=200, body={"data": [], "meta": {"count": 0}})

    left = provider.update(outputs, declare({}))

    assert left["granted"] == outputs["granted"]
    assert {text.partition("; ")[2] for text in left["deviations"].values()} == {"unseen"}
    assert asked(writes=True) == []


def test_a_refused_right_is_told_recorded_and_leaves_the_others_done(provider, declare, expect):
    inputs = declare({ANA: {"Board": "consumer", "Finance": "dataconsumer"}})
    expect(f"{SPACES}/{BOARD}/assignments", method="POST", status=400)

    _, outputs = provider.create(inputs)

    assert set(outputs["granted"]) == {f"{ANA}/space:Finance"}
    assert outputs["deviations"] == {f"{ANA}/space:Board/consumer": f"granted for {mail_of(ANA)}; refused"}
    (warning,) = provider.engine.heard("refused:")
    assert warning.startswith(f"WARNING user-policy: refused: {mail_of(ANA)}: grant consumer in Board: 400")


def test_what_stops_the_work_leaves_the_rest_unsent_and_records_what_was_done(provider, inputs, expect, sandbox):
    expect(ASSIGNMENTS, method="POST", status=401, after=1, count=99)

    _, outputs = provider.create(inputs)

    assert set(outputs["granted"]) == {f"{ANA}/space:Finance"}
    assert outputs["deviations"] == {f"{BO}/space:Finance/consumer": f"granted for {mail_of(BO)}; unsent"}
    sandbox.load(world())
    expect(ASSIGNMENTS, method="POST", status=401, count=99)
    assert "the tenant refused the token in mid-run" in provider.fail("create", inputs)


def test_withdrawals_are_held_for_all_together_and_an_approval_names_the_person(
    provider, inputs, outputs, declare, sandbox, tmp_path
):
    none = declare({}, **{"brake.max": 1.0, "approvals": str(tmp_path)})

    held = provider.update(outputs, none)
    assert held["granted"] == outputs["granted"]
    (warning,) = provider.engine.heard("2 removals in 24 hours (2 now, 0 before) among 2 people: too many")
    subject = f"policy/{BO}/space:Finance/consumer"
    assert f"  held: withdraw consumer in Finance from {mail_of(BO)}, {subject}" in warning

    (tmp_path / "bo.yaml").write_text(f"subjects: [{subject}]\nreason: moved\nexpires: 2026-12-01\n")
    done = provider.update(held, none)
    assert set(done["granted"]) == {f"{ANA}/space:Finance"}
    assert done["removed"] == {}, "what was approved does not count"
    assert mail_of(BO) not in sandbox.policies()


def test_withdrawals_of_a_day_add_up_and_a_brake_that_fails_stops(provider, outputs, declare):
    one = provider.update(outputs, declare({BO: {"Finance": "consumer"}}, **{"brake.max": 1.0}))
    assert list(one["removed"].values()) == ["1"]

    held = provider.update(one, declare({}, **{"brake.max": 1.0}))
    assert held["deviations"] == {f"{BO}/space:Finance/consumer": f"none for {mail_of(BO)}; held"}
    failing = declare({}, **{"brake.max": 1.0, "brake.onBreach": "fail"})
    provider.check(one, failing)
    assert "2 removals in 24 hours" in provider.fail("diff", one, failing)
    assert "approve them in a file under approvals/" in provider.fail("update", one, failing)


def test_whoever_is_protected_is_left_as_they_are(provider, outputs, declare, asked):
    news = declare({ANA: {"Board": "consumer"}, BO: {"Finance": "consumer"}}, **{f"protect.{ANA}": mail_of(ANA)})

    left = provider.update(outputs, news)

    assert left["granted"] == outputs["granted"]
    assert {text.partition("; ")[2] for text in left["deviations"].values()} == {"protected"}
    assert asked(writes=True) == []


def test_this_run_does_not_take_from_itself(provider, inputs, outputs, sandbox, expect, asked):
    expect("/api/v1/users/me", status=301, headers={"location": "/api/v1/users/u-ana"})

    assert provider.fail("delete", outputs).endswith(
        f"user-policy: cannot be withdrawn, so nothing was: dataconsumer in Finance from {mail_of(ANA)} (protected); "
        f"{mail_of(ANA)}: dataconsumer in Finance stays: it is what this run itself may do there"
    )
    assert asked(writes=True) == []


def test_delete_withdraws_what_was_granted_and_nothing_else(provider, outputs, sandbox, asked):
    sandbox.request("PUT", f"{ASSIGNMENTS}/a1", {"roles": ["dataconsumer", "facilitator"]})
    sandbox.forget()

    provider.delete({**outputs, "rules": {**outputs["rules"], f"unmanaged.{BO}": mail_of(BO)}})

    assert sandbox.policies() == {
        mail_of(ANA): {"Finance": ["facilitator"]},
        "fabrikam\\joe": {"Finance": ["producer"]},
    }
    assert len(asked(writes=True)) == 2
    provider.delete({**outputs, "granted": {}, "userIds": {}})
    assert provider.engine.heard("user-policy: nothing of this stack is left to withdraw")


def test_a_delete_over_the_brake_is_refused_before_any_write(provider, outputs, asked):
    braked = {**outputs, "rules": {"brake.max": 1.0}}

    assert provider.fail("delete", braked).endswith(
        "user-policy: 2 removals in 24 hours (2 now, 0 before) among 2 people: too many to withdraw at once, so "
        "nothing was; write spaces: {} for these people in people.yaml first, review that plan, then take them out, or "
        f"approve policy/{ANA}/space:Finance/dataconsumer, policy/{BO}/space:Finance/consumer"
    )
    assert asked(writes=True) == []


def test_a_delete_that_fails_half_way_says_what_is_left(provider, outputs, expect):
    expect(f"{ASSIGNMENTS}/a2", method="DELETE", status=403)

    assert f"not everything was withdrawn, run again: refused: {mail_of(BO)}: withdraw consumer in Finance: 403" in (
        provider.fail("delete", outputs)
    )


def test_a_bound_run_withdraws_only_what_was_reviewed_and_the_journal_tells_both(
    provider, inputs, outputs, declare, start, tmp_path
):
    less = declare({BO: {"Finance": "consumer"}})
    provider.check(inputs, less)
    provider.diff(outputs, less)
    reviewed, journal = tmp_path / "reviewed", tmp_path / "journal.jsonl"
    shutil.copytree(provider.plans, reviewed)
    bound = start("UserPolicy", QLIK_REVIEWED=str(reviewed), QLIK_JOURNAL=str(journal))

    left = bound.update(outputs, declare({}))

    assert left["deviations"] == {f"{BO}/space:Finance/consumer": f"none for {mail_of(BO)}; unreviewed"}
    assert bound.engine.heard("1 withdrawals not sent, in no plan of QLIK_REVIEWED; review a new plan")
    record = JournalRecord.model_validate_json(journal.read_text())
    assert (record.resource, record.kind) == ("user-policy", "UserPolicy")
    assert {entry.subject: entry.outcome for entry in record.changes} == {
        f"policy/{ANA}/space:Finance/dataconsumer": "done",
        f"policy/{BO}/space:Finance/consumer": "unreviewed",
    }
    assert "write spaces: {} for these people" in bound.fail("delete", left)


def test_on_a_capacity_license_full_users_are_told(provider, declare, sandbox):
    sandbox.load(world(allotments={"basicUser": {"units": 10}, "fullUser": {"units": 10}}))

    provider.check({}, declare({ANA: {"Finance": "producer"}, BO: {"Board": "basicconsumer"}}))

    (warning,) = provider.engine.heard("makes full users")
    assert f"makes full users of 1: {mail_of(ANA)}" in warning
