"""The policy of a group in the provider's own process, as the engine meets it."""

import json
import shutil

import pytest
from client.processes import UNKNOWN, Provider
from client.test_policies import ASSIGNMENTS, BOARD, FINANCE, GROUPS, HELD, READERS, SPACES, policy_world
from client.worlds import TENANT_ID

from qlik_provider.journal import JournalRecord

GRANTED = {"role:AuditAdmin": "", "space:Finance": "dataconsumer"}
NONE = {"roles": {}, "spaces": {}}


@pytest.fixture
def provider(start, sandbox) -> Provider:
    sandbox.load(policy_world())
    return start("GroupPolicy")


@pytest.fixture
def inputs(sandbox) -> dict:
    return {
        "tenant": sandbox.url,
        "tenantId": TENANT_ID,
        "key": "readers",
        "group": "Readers",
        "providerType": "idp",
        "claimBy": "displayName",
        "roles": {"AuditAdmin": ""},
        "spaces": {"Finance": "dataconsumer"},
        "reach": 3.0,
        "rules": {"brake.max": 3.0, "brake.percent": 100.0},
    }


@pytest.fixture
def outputs(inputs, sandbox) -> dict:
    """The outputs of somebody who applied the inputs, beside a tenant that shows it."""
    sandbox.load(policy_world(**HELD))
    return {
        **inputs,
        "granted": GRANTED,
        "deviations": {},
        "removed": {},
        "groupId": READERS,
        "spaceIds": {"Finance": FINANCE},
    }


def test_a_first_check_plans_says_so_once_and_writes_nothing(provider, inputs, asked):
    for _ in range(2):
        assert provider.check({}, inputs) == (inputs, [])

    assert provider.engine.told == [
        (
            "INFO",
            """\
policy-readers: 2 to grant (Readers, 3 people); not of this stack: role Steward, consumer in Finance
  grant role AuditAdmin
  grant dataconsumer in Finance
  people feel it at their next login or SCIM cycle""",
        )
    ]
    assert asked(writes=True) == []
    document = json.loads((provider.plans / "policy-readers.json").read_text())
    assert document["kind"] == "GroupPolicy"
    assert [(c["verb"], c["subject"], c["declared"]) for c in document["changes"]] == [
        ("grant", "policy/readers/role:AuditAdmin", "role:AuditAdmin"),
        ("grant", "policy/readers/space:Finance/dataconsumer", "space:Finance/dataconsumer"),
    ]


def test_a_diff_without_a_check_is_silent_and_asks_nothing(provider, inputs, outputs, sandbox):
    sandbox.forget()
    news = {**inputs, "key": "unchecked"}
    olds = {**outputs, "key": "unchecked"}

    assert provider.diff(olds, news) == "DIFF_NONE"
    assert provider.diff(olds, {**news, **NONE}) == "DIFF_UNKNOWN"
    assert (provider.engine.told, sandbox.requests()) == ([], [])


def test_a_diff_after_a_check_tells_what_an_update_would_do(provider, inputs, outputs, sandbox, asked):
    provider.check(inputs, inputs)
    assert provider.diff(outputs, inputs) == "DIFF_NONE"
    assert provider.diff({**outputs, "granted": {"role:AuditAdmin": ""}}, inputs) == "DIFF_SOME", "an adoption"
    assert provider.diff(outputs, {**inputs, **NONE}) == "DIFF_UNKNOWN"
    assert provider.engine.heard("2 to withdraw")
    assert asked(writes=True) == []


def test_a_group_that_is_only_planned_is_planned_for(provider, inputs, outputs, asked):
    unknown = {**inputs, "group": UNKNOWN, "claimBy": "objectId"}

    assert provider.check({}, unknown) == (unknown, [])
    assert provider.engine.heard("policy-readers: 2 to grant (the group of readers, 3 people)")
    assert provider.diff({**outputs, "claimBy": "objectId"}, unknown) == "DIFF_NONE", "an unknown id equals itself"
    assert asked(writes=True) == []


def test_in_doubt_nothing_is_granted_or_withdrawn_whatever_is_declared(provider, inputs, outputs, asked):
    doubt = {**inputs["rules"], "doubt": "nobody can tell"}

    frozen, failures = provider.check(inputs, {**inputs, **NONE, "group": "Others", "reach": 0.0, "rules": doubt})

    assert (frozen, failures) == ({**inputs, "rules": doubt}, [])
    assert provider.engine.told == [
        ("WARNING", "policy-readers: in doubt, so nothing is granted or withdrawn: nobody can tell")
    ]
    assert provider.update(outputs, frozen)["granted"] == GRANTED
    assert asked(writes=True) == []


def test_a_new_policy_in_doubt_waits_and_is_granted_once_the_doubt_is_over(provider, inputs, asked):
    doubt = {**inputs["rules"], "doubt": "nobody can tell"}

    waiting, failures = provider.check({}, {**inputs, "rules": doubt})
    _, created = provider.create(waiting)

    assert (waiting, failures) == ({**inputs, **NONE, "rules": doubt}, [])
    assert created["granted"] == {}
    assert asked(writes=True) == []
    assert provider.check(waiting, inputs) == (inputs, [])
    assert provider.update(created, inputs)["granted"] == GRANTED


@pytest.mark.parametrize("part", ["roles", "spaces", "reach"])
def test_what_cannot_be_known_yet_is_not_planned(provider, inputs, outputs, asked, part, sandbox):
    sandbox.forget()
    unknown = {**inputs, part: UNKNOWN}

    assert provider.check(inputs, unknown) == (unknown, [])
    assert provider.diff(outputs, unknown) == "DIFF_UNKNOWN"
    assert sandbox.requests() == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"spaces": {"Finance": ""}}, "is no list of space roles"),
        ({"spaces": {"Finans": "producer"}}, "spaces: 'Finans' is no space that this caller can see"),
        ({"spaces": {"Finance": "publisher"}}, "publisher cannot be assigned in the shared space 'Finance'"),
        ({"key": "others"}, "key readers became others, and a policy stays with one"),
        ({"tenantId": "other"}, f"tenantId {TENANT_ID} became other"),
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
    id, outputs = provider.create(inputs)

    assert id == "readers"
    assert outputs == {
        **inputs,
        "granted": GRANTED,
        "deviations": {},
        "removed": {},
        "groupId": READERS,
        "spaceIds": {"Finance": FINANCE},
    }
    assert sandbox.policies()["Readers"] == {
        "roles": ["AuditAdmin", "Steward"],
        "Finance": ["consumer", "dataconsumer"],
    }
    assert provider.read(outputs) == ("1", outputs, inputs)
    sandbox.forget()
    assert provider.update(outputs, inputs) == outputs
    assert asked(writes=True) == []
    assert provider.engine.heard("done") == ["INFO policy-readers: done: grant 2"]
    assert provider.engine.progress[0] == "policy-readers: 0 of 2"


def test_a_group_of_no_rights_is_not_created(provider, inputs, sandbox, asked):
    _, outputs = provider.create({**inputs, **NONE, "group": "Nobody"})

    assert (outputs["granted"], outputs["groupId"]) == ({}, "")
    assert asked(writes=True) == []


def test_a_read_drops_what_others_took_and_shows_it_as_drift(provider, inputs, outputs, sandbox, asked):
    value = [{"name": "Steward"}, {"name": "DataAdmin"}]
    sandbox.request("PATCH", f"{GROUPS}/{READERS}", [{"op": "replace", "path": "/assignedRoles", "value": value}])

    _, read, read_inputs = provider.read(outputs)

    assert read["granted"] == {"space:Finance": "dataconsumer"}
    assert read_inputs == {**inputs, "roles": {}}
    assert asked(writes=True) == [f"PATCH {GROUPS}/{READERS}"], "ours was none"


def test_a_group_that_is_gone_holds_nothing_and_the_resource_stays(provider, outputs, sandbox):
    sandbox.request("DELETE", f"{GROUPS}/{READERS}")

    id, read, _ = provider.read(outputs)

    assert (id, read["granted"], read["roles"]) == ("1", {}, {})


def test_a_refused_right_is_told_recorded_and_leaves_the_others_done(provider, inputs):
    _, outputs = provider.create({**inputs, "roles": {"Nonsense": "", "AuditAdmin": ""}})

    assert outputs["granted"] == GRANTED
    assert outputs["deviations"] == {"role:Nonsense": "granted; refused"}
    (warning,) = provider.engine.heard("refused:")
    assert warning.startswith("WARNING policy-readers: refused: grant role Nonsense: 400")


def test_a_withdrawal_over_the_brake_is_held_and_an_approval_names_it(provider, inputs, outputs, sandbox, tmp_path):
    over = {**inputs, **NONE, "reach": 4.0, "rules": {**inputs["rules"], "approvals": str(tmp_path)}}

    held = provider.update(outputs, over)
    assert held["granted"] == GRANTED
    assert held["deviations"] == {"role:AuditAdmin": "none; held", "space:Finance/dataconsumer": "none; held"}
    (warning,) = provider.engine.heard("too many for the brake")
    assert "held: withdraw role AuditAdmin, policy/readers/role:AuditAdmin" in warning

    approval = "subjects: [policy/readers/role:AuditAdmin]\nreason: moved\nexpires: 2026-12-01\n"
    (tmp_path / "moved.yaml").write_text(approval)
    done = provider.update(held, over)
    assert done["granted"] == {"space:Finance": "dataconsumer"}
    assert done["removed"] == {}, "what was approved does not count"
    assert sandbox.policies()["Readers"] == {"roles": ["Steward"], "Finance": ["consumer", "dataconsumer"]}


def test_withdrawals_of_a_day_add_up_across_runs(provider, inputs, outputs):
    less = provider.update(outputs, {**inputs, "roles": {}})
    assert list(less["removed"].values()) == ["3"]

    assert provider.update(less, {**inputs, **NONE})["deviations"] == {"space:Finance/dataconsumer": "none; held"}


def test_a_brake_that_fails_stops_check_and_diff(provider, inputs, outputs):
    news = {**inputs, **NONE, "rules": {"brake.max": 1.0, "brake.onBreach": "fail"}}
    provider.check(inputs, news)

    assert "3 removals in 24 hours" in provider.fail("diff", outputs, news)
    assert "approve them in a file under approvals/" in provider.fail("update", outputs, news)


def test_lists_that_are_left_out_are_let_alone_and_remembered(provider, inputs, outputs, sandbox, asked):
    unmanaged = {name: value for name, value in inputs.items() if name not in {"roles", "spaces"}}
    sandbox.forget()

    left = provider.update(outputs, unmanaged)
    assert (left["granted"], asked(writes=True)) == (GRANTED, [])
    assert set(left["deviations"].values()) == {"none; unmanaged"}
    assert provider.read(left)[2] == unmanaged

    assert provider.update(left, {**inputs, **NONE})["granted"] == {}, "ours again, and none of it wanted"


# Deleting.


def test_a_delete_withdraws_what_it_granted_and_leaves_the_group(provider, outputs, sandbox, asked):
    sandbox.forget()

    provider.delete(outputs)

    assert sandbox.policies()["Readers"] == {"roles": ["Steward"], "Finance": ["consumer"]}
    assert len(asked(writes=True)) == 2
    provider.delete(outputs)
    assert provider.engine.heard("nothing of this stack is left to withdraw")
    assert len(asked(writes=True)) == 2


def test_a_delete_that_reaches_too_many_raises_before_any_write_and_says_what_to_do(provider, outputs, asked, tmp_path):
    over = {**outputs, "reach": 800.0, "rules": {**outputs["rules"], "approvals": str(tmp_path)}}

    assert provider.fail("delete", over).endswith(
        "policy-readers: 800 removals in 24 hours (800 now, 0 before) among 800 people: too many to withdraw at once, "
        "so nothing was; empty roles and spaces in groups/readers.yaml first, review, then remove the file, or approve "
        "policy/readers/role:AuditAdmin, policy/readers/space:Finance/dataconsumer"
    )
    assert asked(writes=True) == []

    subjects = ["policy/readers/role:AuditAdmin", "policy/readers/space:Finance/dataconsumer"]
    (tmp_path / "a.yaml").write_text(f"subjects: {subjects}\nreason: x\nexpires: 2026-12-01\n")
    provider.delete(over)
    assert len(asked(writes=True)) == 2


def test_a_delete_leaves_what_was_held_protected_or_must_stay(provider, outputs, sandbox, asked):
    held = {**outputs, "deviations": {"role:AuditAdmin": "none; held"}}
    assert "held by the brake before" in provider.fail("delete", held)

    protected = {**outputs, "rules": {"protect.lea": "lea@contoso.test"}}
    assert "cannot be withdrawn, so nothing was: role AuditAdmin (protected)" in provider.fail("delete", protected)

    assert asked(writes=True) == []


def test_a_delete_leaves_tenant_admin_where_nobody_else_has_it(provider, outputs, sandbox, asked):
    world = policy_world(roles=("TenantAdmin",))
    world["tenant"]["users"], world["tenant"]["apiKeys"] = [], []
    sandbox.load(world)

    text = provider.fail("delete", {**outputs, "granted": {"role:TenantAdmin": ""}})

    assert "role TenantAdmin (protected)" in text
    assert text.endswith("without this group nobody who logs in would be TenantAdmin")
    assert asked(writes=True) == []


def test_a_delete_that_fails_half_way_raises_and_the_next_one_ends_it(provider, outputs, sandbox, expect):
    expect(ASSIGNMENTS, method="PUT", status=403)

    assert provider.fail("delete", outputs).endswith(
        "policy-readers: not everything was withdrawn, run again: refused: withdraw dataconsumer in Finance: 403"
    )
    assert sandbox.policies()["Readers"] == {"roles": ["Steward"], "Finance": ["consumer", "dataconsumer"]}
    provider.delete(outputs)
    assert sandbox.policies()["Readers"] == {"roles": ["Steward"], "Finance": ["consumer"]}


def test_a_delete_is_not_stopped_by_a_space_that_nobody_shows(provider, outputs, sandbox):
    sandbox.request("DELETE", f"{SPACES}/{BOARD}")
    gone = {**outputs, "granted": {"space:Board": "consumer"}, "spaceIds": {"Board": BOARD}}

    provider.delete(gone)

    assert provider.engine.heard("unseen: consumer in Board")


# Reviewed and journaled.


@pytest.fixture
def journal(tmp_path):
    """Tell the records that were written since the last time: what was counted, without what was not, and failures."""
    path = tmp_path / "journal.jsonl"

    def read() -> list[dict]:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        records = [JournalRecord.model_validate_json(line) for line in lines]
        assert all((record.resource, record.kind) == ("policy-readers", "GroupPolicy") for record in records)
        return [
            {name: count for name, count in record.counts.model_dump().items() if count}
            | ({"failure": record.failure} if record.failure else {})
            for record in records
        ]

    return read


def test_a_bound_run_withdraws_only_what_was_reviewed_and_its_delete_nothing_else(
    provider, inputs, outputs, start, sandbox, asked, tmp_path, journal
):
    less = {**inputs, "roles": {}}
    provider.check(inputs, less)
    provider.diff(outputs, less)
    reviewed = tmp_path / "reviewed"
    shutil.copytree(provider.plans, reviewed)
    bound = start("GroupPolicy", QLIK_REVIEWED=str(reviewed), QLIK_JOURNAL=str(tmp_path / "journal.jsonl"))
    wanted = {**inputs, **NONE, "roles": {"DataAdmin": ""}}

    outputs = bound.update(outputs, wanted)

    assert sandbox.policies()["Readers"] == {"roles": ["DataAdmin", "Steward"], "Finance": ["consumer", "dataconsumer"]}
    assert outputs["deviations"] == {"space:Finance/dataconsumer": "none; unreviewed"}
    assert bound.engine.heard("1 withdrawal not sent, in no plan of QLIK_REVIEWED; review a new plan")
    assert journal() == [
        {
            "intended": {"grant": 1, "withdraw": 2},
            "done": {"grant": 1, "withdraw": 1},
            "unreviewed": {"withdraw": 1},
        }
    ]
    sandbox.forget()
    assert bound.fail("delete", {**outputs, "removed": {}}).endswith(
        "policy-readers: cannot be withdrawn, so nothing was: role DataAdmin (unreviewed), dataconsumer in Finance "
        "(unreviewed); empty roles and spaces in groups/readers.yaml first, review that plan, then remove the file"
    )
    assert (asked(writes=True), journal()) == ([], [])

    document = reviewed / "policy-readers.json"
    document.write_text(document.read_text().replace(TENANT_ID, "other"))
    sandbox.forget()
    _, (failure,) = start("GroupPolicy", QLIK_REVIEWED=str(reviewed)).check(inputs, inputs)
    assert failure.startswith("QLIK_REVIEWED: the reviewed plan of policy-readers is of tenantId other")
    assert sandbox.requests() == []


def test_applies_and_deletes_stand_in_the_journal_also_where_they_fail(
    inputs, start, sandbox, expect, tmp_path, journal
):
    sandbox.load(policy_world())
    provider = start("GroupPolicy", QLIK_JOURNAL=str(tmp_path / "journal.jsonl"))

    expect(GROUPS, method="PATCH", status=500, count=99)
    failure = provider.fail("create", inputs)
    (record,) = journal()
    assert record.pop("failure") in failure
    assert record == {"intended": {"grant": 2}, "unsent": {"grant": 2}}
    sandbox.control.delete("/faults").raise_for_status()
    _, outputs = provider.create(inputs)
    assert journal() == [{"intended": {"grant": 2}, "done": {"grant": 2}}]
    expect(ASSIGNMENTS, method="PUT", status=403)
    provider.fail("delete", outputs)
    assert journal() == [{"intended": {"withdraw": 2}, "done": {"withdraw": 1}, "refused": {"withdraw": 1}}]
    provider.delete(outputs)
    assert journal() == [{"intended": {"withdraw": 1}, "done": {"withdraw": 1}}]
