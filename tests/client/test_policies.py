"""What a group is granted: read whole, written beside what others granted, never told better than it is."""

import pytest
from client.worlds import TENANT_ID, make_world

from qlik_provider.brake import Brake
from qlik_provider.errors import CredentialsError, EngineGone, NoEvidence, QlikProviderError, UnsafePlan
from qlik_provider.people import Administrator
from qlik_provider.policy import plan_policy
from qlik_provider.policy_ledger import parse_policy
from qlik_provider.policy_writes import PolicyApply, not_done
from qlik_provider.premises import Rules
from qlik_provider.tenant_policies import TenantPolicies

READERS, FINANCE, BOARD = "65f0c0ffee00000000000001", "6512a1b2c3d4e5f607182930", "6512a1b2c3d4e5f607182931"
GROUPS, SPACES = "/api/v1/groups", "/api/v1/spaces"
ASSIGNMENTS = f"{SPACES}/{FINANCE}/assignments"
OPEN = Rules(("member",), brake=Brake(max=10_000, percent=100))


def policy_world(roles=("Steward",), finance=("consumer",), *, users=(), groups=(), **more):
    """A group with roles found beforehand, one of them in a space; `finance=()`: it is not in the space."""
    assignments = [{"id": "a1", "type": "group", "assignee": READERS, "roles": list(finance)}] if finance else []
    others = {name: more.pop(name) for name in ("clients", "allotments", "assignments") if name in more}
    return make_world(
        tenant={
            "users": [{"subject": "auth0|admin", "name": "Admin", "assignedRoles": ["TenantAdmin"]}, *users],
            "groups": [{"id": READERS, "name": "Readers", "assignedRoles": list(roles)}, *groups],
            "spaces": [
                {"id": FINANCE, "name": "Finance", "assignments": assignments},
                {"id": BOARD, "name": "Board", "type": "managed"},
                {"id": "5a4d", "name": "Sandpit"},
            ],
            **others,
        },
        **more,
    )


@pytest.fixture
def policies(sandbox, tenant) -> TenantPolicies:
    sandbox.load(policy_world())
    return TenantPolicies(tenant)


def bag(roles=None, spaces=None, group="Readers", key="readers", **others) -> dict:
    declared = {"roles": roles if roles is None else dict.fromkeys(roles, ""), "spaces": spaces}
    inputs = {"key": key, "group": group, "providerType": "idp", "reach": 3, **others}
    return {**inputs, **{name: value for name, value in declared.items() if value is not None}}


def make_plan(policies, inputs, outputs=None):
    desired = parse_policy(inputs)
    policies.refuse_bad_spaces(desired)
    sight = policies.look(inputs, outputs or {}, desired)
    return plan_policy(desired, sight.observed, sight.recorded, OPEN, policies.client.now), sight


def ignore(done: int, total: int) -> None:
    pass


def carry_out(policies, inputs, outputs=None, progress=ignore) -> dict[str, str]:
    """Plan and apply; return what became of each change."""
    plan, sight = make_plan(policies, inputs, outputs)
    apply = PolicyApply(
        policies, inputs["providerType"], inputs["group"], sight.memory.where.group, sight.memory.spaces, progress
    )
    return {str(outcome.change): outcome.state for outcome in apply.run(plan)}


def record(granted: dict[str, str], **others) -> dict:
    return {"granted": granted, "groupId": READERS, "spaceIds": {"Finance": FINANCE, "Board": BOARD}, **others}


ALL = {"role:AuditAdmin": "", "space:Finance": "dataconsumer"}
HELD = {"roles": ("Steward", "AuditAdmin"), "finance": ("consumer", "dataconsumer")}


# Reading.


def test_a_policy_costs_one_read_of_each_collection_however_many_policies_there_are(policies, asked):
    for name in ("Readers", "Writers"):
        make_plan(policies, bag(["Steward"], {"Finance": "consumer"}, group=name))

    assert sorted(asked("qlik"))[:-1] == [
        f"GET {GROUPS}",
        "GET /api/v1/licenses/overview",
        f"GET {SPACES}",
        f"GET {ASSIGNMENTS}",
    ]
    assert asked(writes=True) == []


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        (f"{GROUPS}$", {"kind": "truncated-page"}),
        (f"{GROUPS}$", {"kind": "empty-200"}),
        (f"{SPACES}$", {"kind": "truncated-page"}),
        (ASSIGNMENTS, {"kind": "truncated-page"}),
        (ASSIGNMENTS, {"kind": "wrong-type"}),
        (ASSIGNMENTS, {"status": 403}),
        (ASSIGNMENTS, {"status": 404}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(map(str, value.values())),
)
def test_what_cannot_be_read_whole_is_an_error_and_no_absence(policies, expect, path, fault):
    expect(path, **fault)

    with pytest.raises(QlikProviderError):
        make_plan(policies, bag([], {"Finance": "dataconsumer"}), record(ALL))


def test_the_people_of_a_group_are_counted_only_where_something_is_withdrawn(sandbox, policies, asked):
    users = [
        {"subject": "lea", "name": "Lea"},
        {"subject": "moe", "name": "Moe", "status": "disabled"},
        {"subject": "ned", "name": "Ned", "status": "deleted"},
    ]
    world = policy_world(**HELD, users=users)
    world["tenant"]["groups"][0]["members"] = ["lea", "moe"]
    sandbox.load(world)

    kept, _ = make_plan(policies, bag(["AuditAdmin"], {"Finance": "dataconsumer"}), record(ALL))
    assert (kept.reach, "GET /api/v1/users" in asked()) == (3, False)

    less, _ = make_plan(policies, bag([], {"Finance": "dataconsumer"}, reach=0), record(ALL))
    assert (less.reach, less.readings[0].now) == (2, 2)


def test_a_count_that_does_not_come_is_no_evidence(policies, expect):
    expect("/api/v1/users$", status=200, body={"data": []})

    with pytest.raises(NoEvidence, match="none came"):
        policies.client.count_users_in(READERS)


def test_another_tenant_than_the_stacks_is_refused(policies):
    policies.refuse_other_tenant(TENANT_ID)
    with pytest.raises(UnsafePlan, match="belongs to tenant another"):
        policies.refuse_other_tenant("another")


def test_a_space_the_caller_cannot_see_is_not_a_missing_one(sandbox, policies, expect):
    sandbox.load(policy_world(**HELD))
    expect(f"{SPACES}$", status=200, body={"data": [], "meta": {"count": 0}})

    plan, _ = make_plan(policies, bag(["AuditAdmin"], {}), record(ALL))

    assert not plan.changes
    assert {str(right): deviation.why for right, deviation in plan.deviations.items()} == {
        "space:Finance/dataconsumer": "unseen"
    }


def test_a_declared_space_the_caller_cannot_see_is_refused_and_not_called_missing(policies):
    with pytest.raises(UnsafePlan, match="'Fin' is no space that this caller can see; it sees Board, Finance, Sandpit"):
        make_plan(policies, bag(None, {"Fin": "producer"}))


# Writing.


def test_a_group_is_created_ahead_of_the_first_login(sandbox, policies, asked):
    inputs = bag(["Steward", "AuditAdmin"], {"Finance": "producer"}, group="Writers")

    assert set(carry_out(policies, inputs).values()) == {"done"}

    assert sandbox.policies()["Writers"] == {"roles": ["AuditAdmin", "Steward"], "Finance": ["producer"]}
    assert asked(writes=True) == [f"POST {GROUPS}", f"POST {ASSIGNMENTS}"]


def test_a_group_without_roles_is_created_for_its_space_and_without_rights_not_at_all(sandbox, policies, asked):
    carry_out(policies, bag([], {}, group="Nobody"))
    assert asked(writes=True) == []

    carry_out(policies, bag(None, {"Finance": "producer", "Board": "publisher"}, group="Writers"))
    assert sandbox.policies()["Writers"] == {"Finance": ["producer"], "Board": ["publisher"]}


def test_custom_and_idp_groups_of_one_name_are_two(sandbox, policies):
    carry_out(policies, bag(["AuditAdmin"], None, providerType="custom"))

    groups = {group["providerType"]: group.get("assignedRoles") for group in sandbox.snapshot()["tenant"]["groups"]}
    assert groups["custom"] == ["AuditAdmin"]
    assert groups["idp"] == ["Steward"]


def test_roles_of_others_stay_also_those_granted_since_the_plan(sandbox, policies):
    plan, sight = make_plan(policies, bag(["AuditAdmin"], {"Finance": "producer"}))
    value = [{"name": "Steward"}, {"name": "DataAdmin"}]
    sandbox.request("PATCH", f"{GROUPS}/{READERS}", [{"op": "replace", "path": "/assignedRoles", "value": value}])
    sandbox.request("PUT", f"{ASSIGNMENTS}/a1", {"roles": ["facilitator"]})

    PolicyApply(policies, "idp", "Readers", READERS, sight.memory.spaces, ignore).run(plan)

    assert sandbox.policies()["Readers"] == {
        "roles": ["AuditAdmin", "DataAdmin", "Steward"],
        "Finance": ["facilitator", "producer"],
    }


def test_an_assignment_somebody_made_since_the_plan_is_replaced_as_a_whole(sandbox, policies, asked, expect):
    sandbox.load(policy_world(finance=()))
    expect(ASSIGNMENTS, method="POST", status=409, body={"errors": [{"code": "SPACES-409", "title": "exists"}]})

    assert carry_out(policies, bag(None, {"Finance": "producer"})) == {"grant producer in Finance": "done"}
    assert asked(writes=True) == [f"POST {ASSIGNMENTS}"] * 2


def test_a_conflict_that_no_list_shows_is_refused(sandbox, policies, expect):
    sandbox.load(policy_world(finance=()))
    expect(ASSIGNMENTS, method="POST", status=409, count=2)

    assert carry_out(policies, bag(None, {"Finance": "producer"})) == {"grant producer in Finance": "refused"}


def test_only_what_was_granted_is_withdrawn(sandbox, policies, asked):
    sandbox.load(policy_world(**HELD))

    outcomes = carry_out(policies, bag([], {}), record(ALL))

    assert set(outcomes.values()) == {"done"}
    assert sandbox.policies()["Readers"] == {"roles": ["Steward"], "Finance": ["consumer"]}
    assert asked(writes=True) == [f"PATCH {GROUPS}/{READERS}", f"PUT {ASSIGNMENTS}/a1"]


def test_the_last_role_in_a_space_takes_the_assignment_with_it(sandbox, policies, asked):
    sandbox.load(policy_world(finance=("dataconsumer",)))

    carry_out(policies, bag(None, {}), record({"space:Finance": "dataconsumer"}))

    assert asked(writes=True) == [f"DELETE {ASSIGNMENTS}/a1"]
    assert "Finance" not in sandbox.policies()["Readers"]


def test_an_assignment_that_is_gone_is_withdrawn(sandbox, policies, expect):
    sandbox.load(policy_world(finance=("dataconsumer",)))
    expect(f"{ASSIGNMENTS}/a1", method="DELETE", status=404)

    outcomes = carry_out(policies, bag(None, {}), record({"space:Finance": "dataconsumer"}))

    assert outcomes == {"withdraw dataconsumer in Finance": "done"}


@pytest.mark.parametrize("inputs", [bag([], None), bag(["DataAdmin"], None)], ids=["withdraw", "grant"])
def test_a_group_is_not_gone_on_the_word_of_one_answer(sandbox, policies, expect, asked, inputs):
    sandbox.load(policy_world(**HELD))
    expect(f"{GROUPS}/{READERS}", method="GET", status=404)

    outcomes = carry_out(policies, inputs, record({"role:AuditAdmin": ""}))

    assert set(outcomes.values()) == {"done"}
    assert "AuditAdmin" not in sandbox.policies()["Readers"]["roles"]
    assert asked(writes=True) == [f"PATCH {GROUPS}/{READERS}"]


def test_a_group_that_is_gone_has_nothing_to_withdraw_and_is_made_anew(sandbox, policies):
    sandbox.load(policy_world(**HELD))
    plan, sight = make_plan(policies, bag(["DataAdmin"], {}), record(ALL))
    sandbox.request("DELETE", f"{GROUPS}/{READERS}")

    outcomes = PolicyApply(policies, "idp", "Readers", READERS, sight.memory.spaces, ignore).run(plan)

    assert {outcome.state for outcome in outcomes} == {"done"}
    assert sandbox.policies()["Readers"]["roles"] == ["DataAdmin"]


def test_a_refused_role_never_stops_the_others(sandbox, policies):
    outcomes = carry_out(policies, bag(["Nonsense", "AuditAdmin"], {"Finance": "producer"}))

    assert outcomes == {
        "grant role AuditAdmin": "done",
        "grant role Nonsense": "refused",
        "grant producer in Finance": "done",
    }
    assert sandbox.policies()["Readers"]["roles"] == ["AuditAdmin", "Steward"]


def test_a_group_that_somebody_made_since_the_plan_is_found_and_not_doubled(sandbox, policies):
    plan, sight = make_plan(policies, bag(["AuditAdmin"], None, group="Writers"))
    sandbox.request("POST", GROUPS, {"name": "Writers", "assignedRoles": [{"name": "Steward"}]})
    assert policies.find_group("idp", "Writers") is None, "the list of this process is older"

    apply = PolicyApply(policies, "idp", "Writers", "65f0c0ffee00000000000099", sight.memory.spaces, ignore)

    assert [outcome.state for outcome in apply.run(plan)] == ["done"]
    assert sandbox.policies()["Writers"]["roles"] == ["AuditAdmin", "Steward"]


def test_a_group_that_cannot_be_created_refuses_its_rights(policies, expect):
    expect(f"{GROUPS}$", method="POST", status=403, count=9, body={"errors": [{"code": "X", "title": "too many"}]})

    outcomes = carry_out(policies, bag(["AuditAdmin"], {"Finance": "producer"}, group="Writers"))

    assert set(outcomes.values()) == {"refused"}


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refused_space_is_told_with_the_tenants_reason(policies, expect, status):
    expect(ASSIGNMENTS, method="PUT", status=status, body={"errors": [{"code": "S-1", "title": "no", "detail": "way"}]})
    plan, sight = make_plan(policies, bag(None, {"Finance": "producer"}))

    outcomes = PolicyApply(policies, "idp", "Readers", READERS, sight.memory.spaces, ignore).run(plan)

    assert not_done(outcomes) == [f"refused: grant producer in Finance: {status} S-1 no way"]


def test_a_space_no_longer_shown_refuses_its_rights_and_withdraws_none(sandbox, policies, expect):
    sandbox.load(policy_world(**HELD))
    plan, sight = make_plan(policies, bag(["AuditAdmin"], {}), record(ALL))
    expect(ASSIGNMENTS, method="GET", status=404)

    outcomes = PolicyApply(policies, "idp", "Readers", READERS, sight.memory.spaces, ignore).run(plan)

    assert [outcome.state for outcome in outcomes] == ["refused"]


# Answers that say it is done when it is not.

LIES = [{"status": 200, "body": {}}, {"status": 204}, {"status": 302}]
WRITES = {
    "PATCH": (f"{GROUPS}/{READERS}", bag(["AuditAdmin"], None), None),
    "POST": (f"{GROUPS}$", bag(["AuditAdmin"], None, group="Writers"), None),
    "PUT": (f"{ASSIGNMENTS}/a1", bag(None, {"Finance": "producer"}), None),
    "POST of a space": (f"{SPACES}/{BOARD}/assignments", bag(None, {"Board": "publisher"}), None),
    "DELETE": (f"{ASSIGNMENTS}/a1", bag(None, {}), {"space:Finance": "dataconsumer"}),
}


@pytest.mark.parametrize("fault", LIES, ids=str)
@pytest.mark.parametrize("write", WRITES)
def test_an_answer_alone_proves_nothing(sandbox, policies, expect, write, fault):
    path, inputs, ledger = WRITES[write]
    sandbox.load(policy_world(finance=("dataconsumer",) if ledger else ("consumer",)))
    before = sandbox.policies()
    expect(path, method=write.partition(" ")[0], **fault)

    outcomes = carry_out(policies, inputs, ledger and record(ledger))

    assert set(outcomes.values()) == {"done"}
    assert sandbox.policies() != before
    assert len(sandbox.policies()) == (2 if inputs["group"] == "Writers" else 1)


@pytest.mark.parametrize("write", WRITES)
def test_what_never_shows_is_an_error_and_not_done(sandbox, policies, expect, write):
    path, inputs, ledger = WRITES[write]
    sandbox.load(policy_world(finance=("dataconsumer",) if ledger else ("consumer",)))
    expect(path, method=write.partition(" ")[0], count=99, **LIES[0])

    with pytest.raises(QlikProviderError, match=r"does not show|without the group"):
        carry_out(policies, inputs, ledger and record(ledger))


def test_a_group_that_is_not_said_to_be_created_is_let_into_no_space(sandbox, policies, expect, asked):
    expect(f"{GROUPS}$", method="POST", **LIES[0])

    outcomes = carry_out(policies, bag(None, {"Finance": "producer"}, group="Writers"))

    assert outcomes == {"grant producer in Finance": "done"}
    assert asked(writes=True) == [f"POST {GROUPS}", f"POST {GROUPS}", f"POST {ASSIGNMENTS}"]
    assert sandbox.policies()["Writers"] == {"Finance": ["producer"]}


def test_what_was_confirmed_and_cannot_be_read_is_done(policies, expect):
    plan, sight = make_plan(policies, bag(["AuditAdmin"], None))
    expect(f"{GROUPS}/{READERS}", method="GET", status=403, after=1, count=99)

    outcomes = PolicyApply(policies, "idp", "Readers", READERS, sight.memory.spaces, ignore).run(plan)

    assert [outcome.state for outcome in outcomes] == ["done"]


# Lost answers.

LOST = [({"kind": "reset-after"}, 1), ({"kind": "reset-before"}, 2), ({"status": 500}, 2)]


@pytest.mark.parametrize(("fault", "times"), LOST, ids=["after", "before", "500"])
@pytest.mark.parametrize("group", ["Readers", "Writers"])
def test_a_lost_answer_is_looked_up_before_the_write_is_repeated(sandbox, policies, expect, asked, group, fault, times):
    path = f"{GROUPS}/{READERS}" if group == "Readers" else f"{GROUPS}$"
    expect(path, method="PATCH" if group == "Readers" else "POST", **fault)

    assert set(carry_out(policies, bag(["AuditAdmin"], None, group=group)).values()) == {"done"}

    assert len(asked(writes=True)) == times
    assert "AuditAdmin" in sandbox.policies()[group]["roles"]
    assert len(sandbox.policies()) == (1 if group == "Readers" else 2)


@pytest.mark.parametrize(("fault", "times"), LOST, ids=["after", "before", "500"])
@pytest.mark.parametrize(
    ("finance", "spaces", "ledger", "method"),
    [
        ((), {"Finance": "producer"}, "", "POST"),
        (("consumer",), {"Finance": "producer"}, "", "PUT"),
        (("producer",), {}, "producer", "DELETE"),
    ],
)
def test_a_lost_answer_of_a_space_doubles_nothing(
    sandbox, policies, expect, asked, finance, spaces, ledger, method, fault, times
):
    sandbox.load(policy_world(finance=finance))
    expect(ASSIGNMENTS, method=method, **fault)
    outputs = record({"space:Finance": ledger}) if ledger else {}

    assert set(carry_out(policies, bag(None, spaces), outputs).values()) == {"done"}
    assert len(asked(writes=True)) == times


@pytest.mark.parametrize(("kind", "state"), [("reset-after", "done"), ("reset-before", "unsent")])
def test_what_was_lost_twice_is_as_it_is_shown(policies, expect, kind, state):
    expect(f"{GROUPS}/{READERS}", method="PATCH", kind="reset-before")
    expect(f"{GROUPS}/{READERS}", method="PATCH", kind=kind)
    expect(ASSIGNMENTS, method="PUT", kind="reset-before")
    expect(ASSIGNMENTS, method="PUT", kind=kind)

    if state == "unsent":
        with pytest.raises(QlikProviderError):
            carry_out(policies, bag(["AuditAdmin"], None))
    else:
        assert carry_out(policies, bag(["AuditAdmin"], {"Finance": "producer"})) == {
            "grant role AuditAdmin": "done",
            "grant producer in Finance": "done",
        }


def test_a_failure_in_the_middle_leaves_the_rest_unsent(policies, expect):
    expect(ASSIGNMENTS, method="PUT", kind="reset-before", count=2)

    assert carry_out(policies, bag(["AuditAdmin"], {"Finance": "producer"})) == {
        "grant role AuditAdmin": "done",
        "grant producer in Finance": "unsent",
    }


def test_a_token_that_ends_in_mid_run_names_the_variables(policies, expect):
    expect(f"{GROUPS}/{READERS}", method="PATCH", status=401, count=9)

    with pytest.raises(CredentialsError, match="QLIK_API_KEY"):
        carry_out(policies, bag(["AuditAdmin"], None))


def test_without_an_engine_nothing_more_is_begun(policies, asked):
    def stop(done: int, total: int) -> None:
        raise EngineGone("gone")

    with pytest.raises(EngineGone):
        carry_out(policies, bag(["AuditAdmin"], None), progress=stop)
    assert asked(writes=True) == []


# Earlier groups, renamed spaces.


def test_a_renamed_group_is_granted_before_the_earlier_one_loses_anything(sandbox, policies):
    world = policy_world(**HELD, users=[{"subject": "lea", "name": "Lea"}])
    world["tenant"]["groups"][0]["members"] = ["lea"]
    sandbox.load(world)
    inputs = bag(["AuditAdmin"], {"Finance": "dataconsumer"}, group="BI Readers")

    plan, _ = make_plan(policies, inputs, record(ALL))
    assert {deviation.why for deviation in plan.deviations.values()} == {"waiting"}
    carry_out(policies, inputs, record(ALL))
    assert sandbox.policies() == {
        "Readers": {"roles": ["AuditAdmin", "Steward"], "Finance": ["consumer", "dataconsumer"]},
        "BI Readers": {"roles": ["AuditAdmin"], "Finance": ["dataconsumer"]},
    }

    world = sandbox.snapshot()
    next(group for group in world["tenant"]["groups"] if group["name"] == "Readers")["members"] = []
    sandbox.load(world)
    policies.forget()
    new = next(group.id for group in policies.read_groups() if group.name == "BI Readers")
    earlier = {f"{READERS}/{right}": roles for right, roles in ALL.items()}
    carry_out(policies, inputs, record({**ALL, **earlier}, groupId=new))
    assert sandbox.policies()["Readers"] == {"roles": ["Steward"], "Finance": ["consumer"]}
    assert sandbox.policies()["BI Readers"] == {"roles": ["AuditAdmin"], "Finance": ["dataconsumer"]}


def test_a_renamed_space_loses_nobody_and_writes_nothing(sandbox, policies, asked):
    sandbox.load(policy_world(**HELD))
    sandbox.request("PATCH", f"{SPACES}/{FINANCE}", [{"op": "replace", "path": "/name", "value": "Money"}])

    inputs = bag(["AuditAdmin"], {"Money": "dataconsumer"})
    plan, _ = make_plan(policies, inputs, record(ALL))

    assert not plan.changes
    assert sorted(map(str, plan.ledger)) == ["role:AuditAdmin", "space:Money/dataconsumer"]


# Guards and full users.


def administrate(members, *, users=(), roles=("TenantAdmin",), groups=()):
    """A world in which a group gives TenantAdmin, and nobody has it assigned but the client of this run."""
    world = policy_world(roles=roles, users=[{"subject": "lea", "name": "Lea"}, *users], groups=groups)
    world["tenant"]["users"][0]["assignedRoles"] = []
    world["tenant"]["groups"][0]["members"] = list(members)
    return world


ADMIN = record({"role:TenantAdmin": ""})


def test_tenant_admin_stays_with_the_last_group_that_gives_it(sandbox, policies, asked):
    sandbox.load(administrate(["lea"]))

    plan, _ = make_plan(policies, bag([], None), ADMIN)

    assert not plan.changes
    assert plan.warnings == ("role TenantAdmin stays: without this group nobody who logs in would be TenantAdmin",)


@pytest.mark.parametrize(
    "others",
    [
        {"users": [{"subject": "moe", "name": "Moe", "assignedRoles": ["TenantAdmin"]}]},
        {"groups": [{"id": "9a", "name": "Admins", "assignedRoles": ["TenantAdmin"], "members": ["lea"]}]},
    ],
    ids=["a user", "another group"],
)
def test_tenant_admin_goes_where_somebody_else_gives_it(sandbox, policies, others):
    sandbox.load(administrate(["lea"], **others))

    assert carry_out(policies, bag([], None), ADMIN) == {"withdraw role TenantAdmin": "done"}


@pytest.mark.parametrize(
    "others",
    [
        {"users": [{"subject": "moe", "name": "Moe", "status": "disabled", "assignedRoles": ["TenantAdmin"]}]},
        {"groups": [{"id": "9a", "name": "Admins", "assignedRoles": ["TenantAdmin"]}]},
    ],
    ids=["a disabled user", "a group that nobody is in"],
)
def test_who_cannot_log_in_as_administrator_does_not_count(sandbox, policies, others):
    sandbox.load(administrate(["lea"], **others))

    assert not make_plan(policies, bag([], None), ADMIN)[0].changes


def test_two_groups_that_lose_tenant_admin_at_once_keep_one(sandbox, policies):
    """Each plan saw the other group; the write looks again."""
    group = {"id": "9a", "name": "Admins", "assignedRoles": ["TenantAdmin"], "members": ["moe"]}
    sandbox.load(administrate(["lea"], users=[{"subject": "moe", "name": "Moe"}], groups=[group]))
    first = make_plan(policies, bag([], None), ADMIN)
    second = make_plan(policies, bag([], None, group="Admins"), {**ADMIN, "groupId": "9a"})

    told = [
        PolicyApply(policies, "idp", name, sight.memory.where.group, {}, ignore).run(plan)[0].state
        for name, (plan, sight) in {"Readers": first, "Admins": second}.items()
    ]

    assert told == ["done", "refused"]


def test_administrators_are_told_apart_by_where_they_have_it_from(sandbox, policies):
    sandbox.load(administrate(["lea"], users=[{"subject": "moe", "name": "Moe", "assignedRoles": ["TenantAdmin"]}]))

    found = {admin.is_bot: admin for admin in policies.client.read_administrators("TenantAdmin")}

    caller = policies.client.read_caller()
    assert found[True] == Administrator(caller, is_bot=True, is_assigned=True)
    assert any(admin.groups == {READERS} for admin in policies.client.read_administrators("TenantAdmin"))


def test_a_caller_nobody_names_is_no_evidence(policies, expect):
    expect("/users/me$", status=418)

    with pytest.raises(NoEvidence, match="418 without a user"):
        policies.client.read_caller()


CAPACITY = {"fullUser": {"units": 10}, "basicUser": {"units": 10}}


def test_a_capacity_license_names_the_rights_that_make_full_users(sandbox, policies):
    sandbox.load(policy_world(units=None, allotments=CAPACITY))
    spaces = {"Board": "basicconsumer, consumer"}

    plan, _ = make_plan(policies, bag(["AuditAdmin", "EmbeddedAnalyticsUser"], spaces, reach=40))

    (warning,) = plan.warnings
    assert warning.startswith("granting role AuditAdmin, consumer in Board makes full users of up to 40 people")
    sandbox.load(policy_world())
    policies.tenant._overview = None
    assert make_plan(policies, bag(["AuditAdmin"], spaces))[0].warnings == ()
