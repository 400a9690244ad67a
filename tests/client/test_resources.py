"""What a program registers, seen by the SDK's own stand-in for an engine."""

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
from client.processes import PROVIDERS
from client.worlds import GROUP, LICENSE, TENANT_ID, WEBHOOK_SECRET, mail_of, people
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.rpc import deserialize_properties

from qlik_provider.components import Grants, LicensedGroup
from qlik_provider.resolution import Policy
from qlik_provider.resources import (
    DirectoryMembers,
    GroupPolicy,
    Leavers,
    LicenseAssignments,
    LicenseSettings,
    UserPolicy,
    Users,
    Webhook,
)

SEATS = "pulumi-python:dynamic/qlik:LicenseAssignments"
MEMBERS = "pulumi-python:dynamic/qlik:DirectoryMembers"
SETTINGS = "pulumi-python:dynamic/qlik:LicenseSettings"
WEBHOOK = "pulumi-python:dynamic/qlik:Webhook"
GROUPS = "azuread:index/groupWithoutMembers:GroupWithoutMembers"
COMPONENT = "qlik:index:LicensedGroup"


class Recorded(MockMonitor, Mocks):
    """Every registration, answered as if it had been applied."""

    def __init__(self) -> None:
        super().__init__(self)
        self.requests: dict[tuple[str, str], Any] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        self.requests[request.type, request.name] = request
        return super().RegisterResource(request)

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict]:
        outputs = {**args.inputs, **({"objectId": GROUP} if args.typ == GROUPS else {})}
        return (f"{args.name}-id" if args.custom else ""), outputs

    def call(self, args: MockCallArgs) -> dict:
        raise AssertionError(f"{args.token} is called")

    def inputs(self, kind: str, name: str) -> dict:
        """Return the inputs that hold a value."""
        inputs = deserialize_properties(self.requests[kind, name].object)
        return {key: value for key, value in inputs.items() if value is not None}


@pytest.fixture
def register() -> Callable[[Callable[[], Any]], Recorded]:
    """Run a program and return what it registered."""

    def register(program: Callable[[], Any], *, preview: bool = False) -> Recorded:
        recorded = Recorded()
        pulumi.runtime.set_mocks(recorded, project="dev", stack="dev", preview=preview, monitor=recorded)
        pulumi.runtime.test(program)()
        recorded.requests.pop(("pulumi:pulumi:Stack", "dev-dev"), None)
        return recorded

    return register


def declare_seats(name: str = "license-assignments", **others) -> LicenseAssignments:
    return LicenseAssignments(
        name,
        tenant="https://contoso.qlik.test",
        tenant_id=TENANT_ID,
        license=LICENSE,
        assignments={"ana": "analyzer via finance for ana@contoso.test"},
        rules={"order": "professional, analyzer", "brake.max": 25},
        **others,
    )


def declare_group(key: str = "finance", members: int = 2) -> LicensedGroup:
    return LicensedGroup(
        key,
        stack="dev",
        name="BI Finance",
        members={who: mail_of(who) for who in people(members)},
        rules={"brake.max": 25},
    )


@pytest.mark.parametrize(
    "kind",
    [
        LicenseAssignments,
        DirectoryMembers,
        LicenseSettings,
        Webhook,
        GroupPolicy,
        UserPolicy,
        Users,
        Leavers,
        LicensedGroup,
    ],
)
def test_each_argument_is_typed_and_told_and_each_class_names_its_source(kind):
    arguments = inspect.signature(kind).parameters.values()

    assert [argument.name for argument in arguments if argument.annotation is argument.empty] == []
    told = inspect.getdoc(kind.__init__)
    assert [argument.name for argument in arguments if f"`{argument.name}`" not in told] == []
    assert "fails the preview" in told
    assert re.search(r"https://(qlik.dev|learn.microsoft.com|www.pulumi.com)/", inspect.getdoc(kind))


def test_each_output_of_a_resource_is_told():
    source = Path(inspect.getfile(LicenseAssignments)).read_text(encoding="utf-8")

    declared = re.findall(r"^    (\w+): pulumi\.Output\[.*\]\n(    \"\"\")?", source, re.MULTILINE)

    assert len(declared) > 10
    assert [name for name, doc in declared if not doc] == []


def test_seats_are_one_resource_with_the_vendors_names(register):
    recorded = register(lambda: declare_seats(doubt={"sales": "empty"}, sources={"finance": GROUP}))

    assert recorded.inputs(SEATS, "license-assignments") == {
        "__provider": PROVIDERS["LicenseAssignments"],
        "tenant": "https://contoso.qlik.test",
        "tenantId": TENANT_ID,
        "license": LICENSE,
        "assignments": {"ana": "analyzer via finance for ana@contoso.test"},
        "rules": {"order": "professional, analyzer", "brake.max": 25},
        "doubt": {"sales": "empty"},
        "sources": {"finance": GROUP},
    }


def test_what_is_not_said_about_seats_is_empty_and_not_absent(register):
    inputs = register(declare_seats).inputs(SEATS, "license-assignments")

    assert (inputs["doubt"], inputs["sources"]) == ({}, {})


def test_members_are_a_resource_with_the_vendors_names(register):
    def program() -> None:
        DirectoryMembers(
            "finance", group="finance", group_object_id=GROUP, members={"1": "ana@contoso.test"}, rules={"brake.max": 1}
        )

    assert register(program).inputs(MEMBERS, "finance") == {
        "__provider": PROVIDERS["DirectoryMembers"],
        "group": "finance",
        "groupObjectId": GROUP,
        "members": {"1": "ana@contoso.test"},
        "rules": {"brake.max": 1},
    }


def test_settings_are_a_resource_with_the_vendors_names(register):
    def program() -> None:
        LicenseSettings(
            "license-settings",
            tenant="https://contoso.qlik.test",
            tenant_id=TENANT_ID,
            settings={"autoAssignProfessional": False, "autoAssignAnalyzer": True},
        )

    assert register(program).inputs(SETTINGS, "license-settings") == {
        "__provider": PROVIDERS["LicenseSettings"],
        "tenant": "https://contoso.qlik.test",
        "tenantId": TENANT_ID,
        "settings": {"autoAssignProfessional": "false", "autoAssignAnalyzer": "true"},
        "retry": "",
    }


def test_a_webhook_is_a_resource_without_its_secret(register, monkeypatch):
    monkeypatch.setenv("QLIK_WEBHOOK_SECRET", WEBHOOK_SECRET)

    def program() -> None:
        Webhook(
            "webhook",
            tenant="https://contoso.qlik.test",
            tenant_id=TENANT_ID,
            name="joiners",
            url="https://hooks.contoso.test/qlik",
        )

    assert register(program).inputs(WEBHOOK, "webhook") == {
        "__provider": PROVIDERS["Webhook"],
        "tenant": "https://contoso.qlik.test",
        "tenantId": TENANT_ID,
        "webhook": {
            "enabled": "true",
            "eventTypes": "user.created",
            "level": "tenant",
            "name": "joiners",
            "signed": "true",
            "url": "https://hooks.contoso.test/qlik",
        },
        "retry": "",
    }


def test_outputs_are_to_be_had_by_name(register):
    seen = {}

    def program():
        seats = declare_seats()
        assert isinstance(seats.deviations, pulumi.Output)
        assert isinstance(seats.foreign, pulumi.Output)
        return seats.assignments.apply(seen.update)

    register(program)

    assert seen == {"ana": "analyzer via finance for ana@contoso.test"}


def test_a_licensed_group_is_a_group_and_the_people_in_it(register):
    recorded = register(declare_group)

    assert set(recorded.requests) == {(COMPONENT, "finance"), (GROUPS, "finance"), (MEMBERS, "finance")}
    assert recorded.inputs(GROUPS, "finance") == {
        "displayName": "BI Finance",
        "mailNickname": "dev-finance",
        "securityEnabled": True,
    }
    members = recorded.inputs(MEMBERS, "finance")
    assert members["groupObjectId"] == GROUP
    assert members["group"] == "finance"
    assert members["members"] == {who: mail_of(who) for who in people(2)}


def test_group_and_members_are_children_of_the_component(register):
    recorded = register(declare_group)

    parents = {kind: recorded.requests[kind, "finance"].parent for kind in (GROUPS, MEMBERS)}
    assert {urn.rpartition("$")[2] for urn in parents.values()} == {f"{COMPONENT}::finance"}


def test_the_directory_group_outlives_the_stack_and_nothing_else_does(register):
    recorded = register(declare_group)

    assert recorded.requests[GROUPS, "finance"].retainOnDelete
    assert not recorded.requests[MEMBERS, "finance"].retainOnDelete


def test_a_renamed_group_keeps_its_name_in_the_state(register):
    def program() -> None:
        LicensedGroup("finance", stack="dev", name="Another name", members={}, rules={})

    recorded = register(program)

    assert recorded.inputs(GROUPS, "finance")["displayName"] == "Another name"
    assert recorded.inputs(GROUPS, "finance")["mailNickname"] == "dev-finance"


def test_nobody_waits_for_a_group_to_know_who_gets_a_license(register):
    def program() -> None:
        declare_group()
        declare_seats()

    recorded = register(program)

    assert list(recorded.requests[SEATS, "license-assignments"].dependencies) == []
    (dependency,) = recorded.requests[MEMBERS, "finance"].dependencies
    assert dependency.endswith(f"{GROUPS}::finance")


POLICY = "pulumi-python:dynamic/qlik:GroupPolicy"


def declare_granted_group(**claim) -> LicensedGroup:
    policy = Policy(("Steward", "AuditAdmin"), {"Finance": ("producer", "consumer")}, 2, {"brake.max": 25})
    grants = Grants("https://contoso.qlik.test", TENANT_ID, policy, **claim)
    return LicensedGroup("finance", stack="dev", name="BI Finance", members={}, rules={}, grants=grants)


def test_a_policy_is_a_child_of_its_group_with_the_vendors_names(register):
    recorded = register(declare_granted_group)

    assert recorded.inputs(POLICY, "finance") == {
        "__provider": PROVIDERS["GroupPolicy"],
        "tenant": "https://contoso.qlik.test",
        "tenantId": TENANT_ID,
        "key": "finance",
        "group": "BI Finance",
        "providerType": "idp",
        "claimBy": "displayName",
        "roles": {"AuditAdmin": "", "Steward": ""},
        "spaces": {"Finance": "consumer, producer"},
        "reach": 2,
        "rules": {"brake.max": 25},
    }
    assert recorded.requests[POLICY, "finance"].parent.rpartition("$")[2] == f"{COMPONENT}::finance"


@pytest.mark.parametrize(("claim_by", "name"), [("displayName", "BI Finance"), ("objectId", GROUP)])
def test_a_policy_names_its_group_as_the_claim_does_and_is_deleted_before_it(register, claim_by, name):
    recorded = register(lambda: declare_granted_group(claim_by=claim_by))

    assert recorded.inputs(POLICY, "finance")["group"] == name
    (dependency,) = recorded.requests[POLICY, "finance"].dependencies
    assert dependency.endswith(f"{GROUPS}::finance")


def test_roles_and_spaces_that_are_left_out_are_absent_and_empty_ones_are_not(register):
    def program() -> None:
        common = {"tenant": "https://contoso.qlik.test", "tenant_id": TENANT_ID, "group": "X", "reach": 0}
        GroupPolicy("a", key="a", **common)
        GroupPolicy("b", key="b", roles=[], spaces={}, **common)

    recorded = register(program)

    assert not recorded.inputs(POLICY, "a").keys() & {"roles", "spaces"}
    assert {name: recorded.inputs(POLICY, "b")[name] for name in ("roles", "spaces")} == {"roles": {}, "spaces": {}}


def test_a_preview_registers_what_an_update_does(register):
    recorded = register(declare_group, preview=True)

    assert set(recorded.requests) == {(COMPONENT, "finance"), (GROUPS, "finance"), (MEMBERS, "finance")}


def test_three_thousand_resources_are_no_trouble_to_the_sdk():
    """Each pickling leaves the SDK's pickler one call deeper, which ends any provider that holds a dict."""
    program = (
        "from pulumi.dynamic.dynamic import serialize_provider\n"
        "from qlik_provider import resources as own\n"
        "for make in (own.directory_members_provider, own.license_assignments_provider, own.group_policy_provider):\n"
        "    print(len({serialize_provider(make()) for _ in range(3_000)}))\n"
    )  # in a process of its own, since the pickler stays as deep as it became

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("1\n1\n1\n", "")
