"""The provider as the engine meets it, in a process of its own: what it is, what it plans, and what it says."""

import base64
import json

import pytest
from client.processes import PROVIDERS, UNKNOWN
from client.worlds import ANA, BO, CY, GROUP, list_members, mail_of, make_world, outputs_of
from pulumi.dynamic.dynamic import serialize_provider

from qlik_provider.resources import (
    DirectoryMembersProvider,
    GroupPolicyProvider,
    LicenseAssignmentsProvider,
    LicenseSettingsProvider,
    TenantGroupMembersProvider,
    UserPolicyProvider,
    WebhookProvider,
    directory_members_provider,
    group_policy_provider,
    license_assignments_provider,
    license_settings_provider,
    tenant_group_members_provider,
    user_policy_provider,
    webhook_provider,
)
from qlik_provider.session import open_tenant

# What a state holds of the code.


@pytest.mark.parametrize(
    ("kind", "make", "one"),
    [
        ("LicenseAssignments", LicenseAssignmentsProvider, license_assignments_provider),
        ("DirectoryMembers", DirectoryMembersProvider, directory_members_provider),
        ("TenantGroupMembers", TenantGroupMembersProvider, tenant_group_members_provider),
        ("GroupPolicy", GroupPolicyProvider, group_policy_provider),
        ("UserPolicy", UserPolicyProvider, user_policy_provider),
        ("LicenseSettings", LicenseSettingsProvider, license_settings_provider),
        ("Webhook", WebhookProvider, webhook_provider),
    ],
)
def test_a_state_holds_no_code_and_no_secret_but_a_name_that_never_changes(monkeypatch, kind, make, one):
    monkeypatch.setenv("QLIK_API_KEY", "another-secret")
    instance = make()
    instance.anything = "another-secret"
    texts = {serialize_provider(thing) for thing in (make(), make(), one(), instance)}

    assert texts == {PROVIDERS[kind]}
    assert len(PROVIDERS[kind]) < 120
    held = base64.b64decode(PROVIDERS[kind])
    assert b"qlik_provider.resources" in held
    assert one.__name__.encode() in held
    assert make.serialize_as_secret_always is False


# Check and diff.


def test_a_first_check_plans_and_says_so_once(provider, seats, asked):
    inputs = seats({ANA: "professional via finance", BO: "analyzer via finance"})

    checked, failures = provider.check({}, inputs)
    provider.check({}, inputs)

    assert (checked, failures) == (inputs, [])
    assert provider.engine.told == [
        (
            "INFO",
            """\
license-assignments: 2 to assign; seats: analyzer 0 → 1 of 1000, professional 0 → 1 of 1000
  assign professional to 000000@contoso.test (finance)
  assign analyzer to 000001@contoso.test (finance)""",
        )
    ]
    assert asked(writes=True) == []
    document = json.loads((provider.plans / "license-assignments.json").read_text())
    assert [change["mail"] for change in document["changes"]] == [mail_of(ANA), mail_of(BO)]


def test_a_diff_without_a_check_is_silent_and_asks_nothing(shared, seats, sandbox):
    inputs = seats({ANA: "analyzer via finance"}, license="unchecked")
    outputs = outputs_of(inputs)

    assert shared.diff(outputs, inputs) == "DIFF_NONE"
    assert shared.diff(outputs, seats({ANA: "professional via finance"}, license="unchecked")) == "DIFF_UNKNOWN"
    assert shared.diff(outputs, {**inputs, "rules": {"order": "analyzer"}}) == "DIFF_UNKNOWN"
    assert shared.engine.told == []
    assert sandbox.requests() == []


def test_a_diff_after_a_check_tells_what_an_update_would_do(sandbox, start, seats):
    inputs = seats({ANA: "analyzer via finance"})
    first = start()
    _, outputs = first.create(inputs)
    first.check(inputs, inputs)
    assert first.diff(outputs, inputs) == "DIFF_NONE"

    sandbox.control.post("/tamper", json={"do": "revoke", "subject": ANA, "type": "analyzer"}).raise_for_status()
    second = start()
    second.check(inputs, inputs)
    assert second.diff(outputs, inputs) == "DIFF_SOME"
    assert second.engine.heard("1 to assign")

    wanted = seats({ANA: "analyzer via finance", BO: "analyzer via finance"})
    second.check(inputs, wanted)
    assert second.diff(outputs, wanted) == "DIFF_UNKNOWN"
    assert second.engine.heard("2 to assign")


def test_check_and_diff_read_once_and_never_write(provider, seats, asked):
    inputs = seats({ANA: "analyzer via finance"})
    outputs = {**outputs_of(inputs), "assignments": {}}

    provider.check(inputs, inputs)
    provider.diff(outputs, inputs)
    provider.check(inputs, inputs)
    provider.diff(outputs, inputs)

    assert sorted(asked()) == [
        "GET /api/v1/licenses/assignments",
        "GET /api/v1/licenses/overview",
        "GET /api/v1/tenants/me",
        "POST /oauth/token",
    ]


def test_all_people_that_cannot_be_understood_are_refused_at_once(shared, seats, sandbox):
    inputs = seats({ANA: "analyzer via finance"})
    inputs["assignments"] |= {BO: "analyzer", CY: "none via finance for cy@contoso.test"}

    _, (failure,) = shared.check({}, inputs)

    assert BO in failure
    assert CY in failure
    assert ANA not in failure
    assert "\n" not in failure
    assert sandbox.requests() == []


@pytest.mark.parametrize(("name", "value"), [("tenantId", "another"), ("license", "1234")])
def test_a_stack_stays_with_its_tenant_and_license(shared, seats, sandbox, name, value):
    inputs = seats({ANA: "analyzer via finance"})

    _, (failure,) = shared.check(inputs, {**inputs, name: value})

    assert f"became {value}" in failure
    assert sandbox.requests() == []


@pytest.mark.parametrize(("name", "value"), [("tenantId", "another"), ("license", "1234")])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_tenant_that_is_not_the_stacks_is_refused(shared, seats, asked, name, value, is_first):
    inputs = {**seats({ANA: "analyzer via finance"}), name: value}

    _, (failure,) = shared.check({} if is_first else inputs, inputs)

    assert f"the stack belongs to {'tenant' if name == 'tenantId' else 'license'} {value}" in failure
    assert asked(writes=True) == []


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"QLIK_CLIENT_SECRET": "canary"}, "QLIK_CLIENT_ID, QLIK_CLIENT_SECRET: "),
        ({"QLIK_API_KEY": "canary"}, "QLIK_API_KEY: set either"),
    ],
)
def test_bad_credentials_are_one_line_that_names_the_variable(start, seats, environment, says):
    provider = start(**environment)
    inputs = seats({ANA: "analyzer via finance"})

    _, (failure,) = provider.check({}, inputs)

    assert failure.startswith(says)
    assert "canary" not in failure
    assert says in provider.fail("create", inputs)


def test_a_shortage_is_refused_before_anything_is_sent(sandbox, provider, seats, asked):
    sandbox.load(make_world(units={"professional": 1, "analyzer": 0}))
    inputs = seats({ANA: "analyzer via finance"})

    _, (failure,) = provider.check({}, inputs)

    assert "1 short of analyzer" in failure
    assert "1 short of analyzer" in provider.fail("create", inputs)
    assert asked(writes=True) == []


# Doubt.


def test_a_group_that_became_another_keeps_what_it_conferred_until_that_is_accepted(sandbox, provider, seats, asked):
    old, new = "aaaa-old", "aaaa-new"
    accept = f"accept it by objectId: {new} (the rule source.finance)"
    doubt = f"object id {old} became {new}; {accept}; {old}, known so far, is gone"
    inputs = seats({ANA: "analyzer via finance", BO: "analyzer via sales"}, sources={"finance": old, "sales": "s"})
    _, outputs = provider.create(inputs)
    emptied = seats({BO: "analyzer via sales"}, sources={"finance": new, "sales": "s"})
    sandbox.forget()

    for _ in range(3):  # doubt does not wear off
        inputs, failures = provider.check(inputs, emptied)
        assert failures == []
        assert inputs["assignments"] == outputs["assignments"]
        assert inputs["sources"] == {"finance": old, "sales": "s"}
        assert inputs["doubt"] == {"finance": doubt}
        provider.diff(outputs, inputs)
        outputs = provider.update(outputs, inputs)
        assert outputs["doubt"] == inputs["doubt"]
        assert provider.engine.heard(f"kept in doubt (finance: {doubt}): {ANA}")
    assert asked(writes=True) == []

    accepted = {**emptied, "rules": {**emptied["rules"], "source.finance": new}}
    inputs, _ = provider.check(inputs, accepted)
    assert inputs == accepted
    outputs = provider.update(outputs, inputs)
    assert outputs["doubt"] == {}
    assert sandbox.rows() == {BO: "analyzer"}


def test_what_a_group_in_doubt_conferred_is_kept_and_a_gain_elsewhere_still_arrives(shared, seats):
    old = seats({ANA: "analyzer via finance", BO: "analyzer via finance", CY: "analyzer via sales"})
    new = seats({BO: "professional via sales"}, doubt={"finance": "unreadable"})

    inputs, failures = shared.check(old, new)

    assert failures == []
    assert inputs["doubt"] == {"finance": "unreadable"}
    assert (
        inputs["assignments"]
        == seats({ANA: "analyzer via finance", BO: "professional via sales, finance"})["assignments"]
    )
    assert shared.engine.heard(f"kept in doubt (finance: unreadable): {ANA}")


def test_an_object_id_known_only_after_an_update_equals_itself(shared, seats):
    old = seats({ANA: "analyzer via finance"}, sources={"finance": "aaaa-old"})
    new = seats({}, sources={"finance": UNKNOWN})

    inputs, failures = shared.check(old, new)

    assert failures == []
    assert inputs["doubt"] == {}
    assert inputs["assignments"] == {}
    assert shared.engine.heard("doubt") == []


# Values not known yet.


@pytest.mark.parametrize("people", [UNKNOWN, {ANA: UNKNOWN}])
def test_people_known_only_after_an_update_are_not_planned(shared, seats, sandbox, people):
    inputs = {**seats({}, license="unchecked"), "assignments": people}
    outputs = outputs_of(seats({}, license="unchecked"))

    assert shared.check({}, inputs) == (inputs, [])
    assert shared.diff(outputs, inputs) == "DIFF_UNKNOWN"
    assert shared.engine.told == []
    assert sandbox.requests() == []


def test_members_of_a_group_not_yet_there_are_planned_from_the_declaration(members_provider, asked):
    inputs = list_members([ANA, BO], UNKNOWN)

    assert members_provider.check({}, inputs) == (inputs, [])
    assert members_provider.engine.heard("members-readers: 2 to add")
    assert asked("graph") == []


def test_a_group_whose_id_is_unknown_for_now_has_not_changed(sandbox, members_provider):
    sandbox.load(make_world(directory=3, members=[]))
    _, outputs = members_provider.create(list_members([ANA]))

    members_provider.check(list_members([ANA]), list_members([ANA], UNKNOWN))

    assert members_provider.diff(outputs, list_members([ANA], UNKNOWN)) == "DIFF_NONE"
    assert members_provider.diff(outputs, list_members([ANA, BO], UNKNOWN)) == "DIFF_UNKNOWN"


# What the process says beside its answers.


def test_a_retry_says_nothing_to_people(provider, seats, expect):
    expect("/licenses/overview", status=503, count=2)

    assert provider.check({}, seats({}))[1] == []
    assert provider.errors == ""


def test_wrong_credentials_of_the_directory_are_told_once(start):
    provider = start("DirectoryMembers", ARM_CLIENT_SECRET="wrong-one")

    failure = provider.fail("read", list_members([ANA]))

    assert "AADSTS7000215" in failure
    assert provider.errors == ""


# What belongs to the SDK.


def test_the_provider_of_a_bag_is_never_echoed(sandbox, seats):
    provider = license_assignments_provider()
    inputs = {**seats({}), "__provider": "pickle"}
    outputs = outputs_of(inputs)

    read = provider.read("1", outputs)
    open_tenant(sandbox.url).client._http.close()

    assert "__provider" not in read.outs
    assert "__provider" not in read.inputs
    assert provider.diff("1", outputs, inputs).changes is False
    bad = provider.check({}, {**inputs, "assignments": {ANA: "?"}})
    assert "__provider" not in bad.inputs
    assert inputs["__provider"] == "pickle"


# Bad inputs of a program of somebody's own.


def test_every_bad_input_is_told_before_anything_is_read(shared, seats, asked):
    inputs = seats({"ana": "creator via team"}, {"brake.maks": 5, "brake.max": "5"})
    members = {"group": "g", "groupObjectId": GROUP, "members": {"ana@contoso.test": "ana@contoso.test"}, "rules": {}}

    _, (of_seats,) = shared.check({}, inputs)
    shared.kind = "DirectoryMembers"
    _, (of_members,) = shared.check({}, {**members, "rules": {"brake": 5}})

    assert of_seats == (
        "rules['brake.maks']: is no rule of LicenseAssignments; docs/formats.md lists them; "
        "rules['brake.max']: '5' is not a number of people, 0 or more; "
        "assignments['ana']: creator does not stand in the rule order"
    )
    assert of_members == (
        "rules['brake']: is no rule of DirectoryMembers; docs/formats.md lists them; "
        "members['ana@contoso.test']: is no object id of the directory"
    )
    assert asked() == []
