"""The resources of Pulumi.

The path of this module and the names of its providers stand in every state that was ever stored: they never change.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

import pulumi
from pulumi.dynamic import Resource

from qlik_provider.custom_groups import CustomGroups, rename_group
from qlik_provider.deletion import describe_protected, reason_to_keep, refuse_rest, refuse_unsafe, without_releases
from qlik_provider.entitlements import Assignment, BySubject
from qlik_provider.errors import QlikProviderError, UnsafePlan
from qlik_provider.groups import trace_group
from qlik_provider.joiners import describe_forgotten, find_forgotten, keep_names, leave_unclear
from qlik_provider.ladder_provider import LadderProvider
from qlik_provider.ledger import ASSIGNMENTS, MEMBERS, TENANT_MEMBERS, USERS, Bag, recorded_of
from qlik_provider.license_settings import write_settings
from qlik_provider.members import apply_members, observe_members
from qlik_provider.outcomes import Outcome
from qlik_provider.plan import Plan
from qlik_provider.plurals import count_of
from qlik_provider.policy_provider import PolicyProvider
from qlik_provider.premises import Observed, Recorded
from qlik_provider.provider import LedgerProvider
from qlik_provider.rule_names import find_id_faults, find_type_faults
from qlik_provider.session import (
    coming_users,
    engine_log,
    has_program,
    note_coming,
    open_custom_groups,
    open_directory,
    open_policies,
    open_tenant,
    open_user_policies,
    open_users,
    show_progress,
)
from qlik_provider.settings_provider import SettingsProvider
from qlik_provider.tenant_users import TenantUsers
from qlik_provider.user_policy_provider import UserPoliciesProvider
from qlik_provider.webhook_provider import WebhookProvider as _WebhookProvider
from qlik_provider.webhooks import write_webhook


class LicenseAssignmentsProvider(LedgerProvider):
    """The seats of one license."""

    form = ASSIGNMENTS
    kind = "LicenseAssignments"
    identity = ("tenantId", "license")

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return license_assignments_provider, ()

    def name(self, inputs: Bag) -> str:
        """Return the resource's name."""
        del inputs
        return "license-assignments"

    def id_of(self, inputs: Bag) -> str:
        """Return the license number."""
        return str(inputs["license"])

    def observe(self, bag: Bag, known: Collection[str] = ()) -> Observed:
        """Return the rows and seats of the license; beside the overview they prove every absence."""
        del known
        return open_tenant(bag["tenant"]).observe(bag["tenantId"], bag["license"])

    def find_faults(self, inputs: Bag) -> Iterable[str]:
        """Return whose license type nobody ordered, so that it could be neither given nor taken."""
        return find_type_faults(self.form.parse_people(inputs), inputs.get("rules", {}))

    def explain(self, inputs: Bag, plan: Plan, rows: Sequence[Assignment], recorded: Recorded) -> Plan:
        """Return the plan with the foreign rows worth a look; where they cannot be read, with the reason."""
        counted = Counter(row.type for row in rows)
        declared = Counter(plan.foreign) - counted  # declared and not this stack's, so explained
        known = None if recorded.foreign is None else Counter(recorded.foreign) - declared
        try:
            unexplained = open_tenant(inputs["tenant"]).find_unexplained(rows, known, counted)
        except QlikProviderError as error:
            told = f"which of the {counted.total()} rows of others are worth a look is not known: {error}"
            return replace(plan, warnings=(*plan.warnings, told))
        return replace(plan, unexplained=unexplained)

    def apply(self, inputs: Bag, plan: Plan) -> tuple[Outcome, ...]:
        """Write to the tenant."""
        return open_tenant(inputs["tenant"]).apply(plan, show_progress(self.name(inputs)))

    def now(self, inputs: Bag) -> datetime:
        """Return the time of the tenant."""
        return open_tenant(inputs["tenant"]).client.now

    def trace(self, group: str) -> str:
        """Return what became of a directory group; nothing where this process may not ask."""
        try:
            return trace_group(open_directory(), group)
        except QlikProviderError:
            return ""

    def give_up(self, outputs: Bag) -> None:
        """Revoke what the ledger holds where the stored `onDestroy` says so and a destroy asks; else take nothing.

        Raises UnsafePlan before any write if the brake or a doubt stands against it, and Unfinished after a part.
        """
        because = reason_to_keep(outputs, has_program=has_program())
        if because is not None:
            self.keep_all(outputs, because)
            return
        name = self.name(outputs)
        inputs = {**without_releases(outputs), self.form.people: {}}
        plan = self.make_plan(inputs, recorded_of(outputs, self.form, settled=False))
        refuse_unsafe(name, outputs, plan)
        plan.raise_if_unsafe()
        outcomes = self.carry_out(outputs, plan)
        if protected := describe_protected(name, plan):
            engine_log().warn(protected)
        refuse_rest(name, outcomes)


class DirectoryMembersProvider(LedgerProvider):
    """The direct members of one directory group."""

    form = MEMBERS
    kind = "DirectoryMembers"
    identity = ("group",)
    client = "ARM_CLIENT_ID"

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return directory_members_provider, ()

    def identify(self, bag: Bag) -> dict[str, str]:
        """Return the key, and the object id once the group exists: two stacks may use one key."""
        group = bag.get("groupObjectId")
        return {**super().identify(bag), **({"groupObjectId": group} if isinstance(group, str) else {})}

    def name(self, inputs: Bag) -> str:
        """Return the name of the plan document."""
        return f"members-{inputs['group']}"

    def id_of(self, inputs: Bag) -> str:
        """Return the object id the group had at first."""
        return str(inputs["groupObjectId"])

    def observe(self, bag: Bag, known: Collection[str] = ()) -> Observed | None:
        """Return the members; nobody while the group is only planned."""
        group = bag.get("groupObjectId")
        if not isinstance(group, str):
            return Observed(())
        return observe_members(open_directory(), group, known)

    def find_faults(self, inputs: Bag) -> Iterable[str]:
        """Return who is not named as Graph names them."""
        return find_id_faults(inputs.get("members", {}))

    def refuse_gone(self, olds: Bag, inputs: Bag) -> None:
        """Raise UnsafePlan if the group of the last apply is gone; a new one may not be shown everywhere yet."""
        group = inputs["groupObjectId"]
        if group == olds.get("groupObjectId"):
            raise UnsafePlan(
                f"{self.name(inputs)}: the group of this stack, object id {group}, "
                f"{trace_group(open_directory(), group)}, and another one of its name does not count for it; "
                "restore it, or run up --refresh, which creates it anew with its people"
            )

    def recall(self, outputs: Bag, inputs: Bag, *, settled: bool) -> Recorded:
        """Return what the outputs record; of a group that another one took the place of, only who was taken out.

        Nobody is in the new one yet, and that was done by nobody.
        """
        recorded = super().recall(outputs, inputs, settled=settled)
        is_same = outputs.get("groupObjectId") == inputs.get("groupObjectId")
        return recorded if is_same else Recorded(removed=recorded.removed, retry=recorded.retry)

    def apply(self, inputs: Bag, plan: Plan) -> tuple[Outcome, ...]:
        """Write to the directory."""
        return apply_members(open_directory(), inputs["groupObjectId"], plan, show_progress(self.name(inputs)))

    def now(self, inputs: Bag) -> datetime:
        """Return the time of the directory."""
        del inputs
        return open_directory().now


class TenantGroupMembersProvider(LedgerProvider):
    """The people of one custom group of the tenant."""

    form = TENANT_MEMBERS
    kind = "TenantGroupMembers"
    identity = ("tenantId", "key")

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return tenant_group_members_provider, ()

    def name(self, inputs: Bag) -> str:
        """Return the name of the plan document."""
        return f"tenant-members-{inputs['key']}"

    def id_of(self, inputs: Bag) -> str:
        """Return the key it had at first."""
        return str(inputs["key"])

    def _check(self, olds: Bag, inputs: dict[str, Any]) -> dict[str, Any]:
        """Return the inputs; while nobody knows for certain which group they are of, under its name of before."""
        checked = super()._check(olds, inputs)
        return {**checked, "group": olds["group"]} if olds and checked["doubt"] else checked

    def locate(self, inputs: Bag, outputs: Bag) -> Bag:
        """Return the inputs with the id of the group that was filled last time; its name may be another one today."""
        return {**inputs, "groupId": outputs.get("groupId", "")}

    def mark(self, inputs: Bag) -> Bag:
        """Return the id of the group, by which it is known again under any name."""
        group = self._open(inputs).find(inputs)
        return {"groupId": group.id if group else ""}

    def observe(self, bag: Bag, known: Collection[str] = ()) -> Observed:
        """Return who is in the group; nobody while there is none."""
        return self._open(bag).observe(bag, known)

    def find_faults(self, inputs: Bag) -> Iterable[str]:
        """Return nothing: any subject may be a user's."""
        del inputs
        return ()

    def explain(self, inputs: Bag, plan: Plan, rows: Sequence[Assignment], recorded: Recorded) -> Plan:
        """Return the plan without people who are no users of the tenant, and without a lock-out."""
        del rows, recorded
        return self._open(inputs).restrict(inputs, plan, coming_users(inputs["tenant"]))

    def carry_out(self, inputs: Bag, plan: Plan) -> tuple[Outcome, ...]:
        """Give the group its name of today, then apply."""
        rename_group(open_policies(inputs["tenant"]), inputs.get("groupId"), inputs["group"])
        return super().carry_out(inputs, plan)

    def apply(self, inputs: Bag, plan: Plan) -> tuple[Outcome, ...]:
        """Write to the tenant."""
        return self._open(inputs).apply(inputs, plan, show_progress(self.name(inputs)))

    def now(self, inputs: Bag) -> datetime:
        """Return the time of the tenant."""
        return open_tenant(inputs["tenant"]).client.now

    def _open(self, bag: Bag) -> CustomGroups:
        groups = open_custom_groups(bag["tenant"])
        groups.policies.refuse_other_tenant(bag["tenantId"])
        return groups


class UsersProvider(LedgerProvider):
    """The users of the tenant that this stack created before their first login, or found there."""

    form = USERS
    kind = "Users"
    identity = ("tenantId",)

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return users_provider, ()

    def name(self, inputs: Bag) -> str:
        """Return the resource's name."""
        del inputs
        return "users"

    def id_of(self, inputs: Bag) -> str:
        """Return the id of the tenant."""
        return str(inputs["tenantId"])

    def _check(self, olds: Bag, inputs: dict[str, Any]) -> dict[str, Any]:
        """Return the inputs with the names that people had when they were declared: nobody is renamed here."""
        return keep_names(olds, super()._check(olds, inputs))

    def recall(self, outputs: Bag, inputs: Bag, *, settled: bool) -> Recorded:
        """Return what is recorded of the people declared; who no longer is leaves the record, and stays a user."""
        recorded, declared = super().recall(outputs, inputs, settled=settled), BySubject(inputs[self.form.people])
        return replace(recorded, ledger={who: entry for who, entry in recorded.ledger.items() if who in declared})

    def locate(self, inputs: Bag, outputs: Bag) -> Bag:
        """Return the inputs with who leaves the record."""
        return {**inputs, "forgotten": find_forgotten(inputs, outputs)}

    def observe(self, bag: Bag, known: Collection[str] = ()) -> Observed:
        """Return who of the declared is a user, or of the recorded in the case of a record."""
        del known
        return self._open(bag).observe(bag[self.form.people])

    def find_faults(self, inputs: Bag) -> Iterable[str]:
        """Return nothing: any subject may be a user's."""
        del inputs
        return ()

    def explain(self, inputs: Bag, plan: Plan, rows: Sequence[Assignment], recorded: Recorded) -> Plan:
        """Return the plan without whom the tenant, or the declaration, has twice; note who is to come."""
        del rows, recorded
        desired = self.form.parse_people(inputs)
        plan = leave_unclear(plan, desired, self._open(inputs).read(), inputs.get("objectIds", {}))
        note_coming(inputs["tenant"], [change.key for change in plan.changes])
        return replace(plan, notes=(*plan.notes, *describe_forgotten(inputs.get("forgotten", ()))))

    def carry_out(self, inputs: Bag, plan: Plan) -> tuple[Outcome, ...]:
        """Create, and have everybody look at who is a user by now."""
        try:
            return super().carry_out(inputs, plan)
        finally:
            note_coming(inputs["tenant"], ())
            open_custom_groups(inputs["tenant"]).forget()
            open_user_policies(inputs["tenant"]).forget()

    def apply(self, inputs: Bag, plan: Plan) -> tuple[Outcome, ...]:
        """Write to the tenant."""
        return self._open(inputs).apply(plan, show_progress(self.name(inputs)))

    def now(self, inputs: Bag) -> datetime:
        """Return the time of the tenant."""
        return open_tenant(inputs["tenant"]).client.now

    def give_up(self, outputs: Bag) -> None:
        """Touch nobody, and say so."""
        count = len(outputs.get(self.form.people, {}))
        engine_log().info(
            f"{self.name(outputs)}: {count_of(count, 'person stays a user', 'people stay users')} of the tenant; "
            "nobody is disabled or deleted"
        )

    def _open(self, bag: Bag) -> TenantUsers:
        open_policies(bag["tenant"]).refuse_other_tenant(bag["tenantId"])
        return open_users(bag["tenant"])


class LicenseSettingsProvider(SettingsProvider):
    """What the tenant gives people by itself."""

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return license_settings_provider, ()


class WebhookProvider(_WebhookProvider):
    """What tells a pipeline of new users."""

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return webhook_provider, ()


class GroupPolicyProvider(PolicyProvider):
    """The rights of one group in the tenant."""

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return group_policy_provider, ()


class LeaversProvider(LadderProvider):
    """People who left, rung by rung."""

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return leavers_provider, ()


class UserPolicyProvider(UserPoliciesProvider):
    """The spaces of people in the tenant."""

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return user_policy_provider, ()


_LICENSE_ASSIGNMENTS = LicenseAssignmentsProvider()
_DIRECTORY_MEMBERS = DirectoryMembersProvider()
_TENANT_GROUP_MEMBERS = TenantGroupMembersProvider()
_USERS = UsersProvider()
_LICENSE_SETTINGS = LicenseSettingsProvider()
_GROUP_POLICY = GroupPolicyProvider()
_LEAVERS = LeaversProvider()
_USER_POLICY = UserPolicyProvider()
_WEBHOOK = WebhookProvider()


def license_assignments_provider() -> LicenseAssignmentsProvider:
    """Return the provider that states refer to."""
    return _LICENSE_ASSIGNMENTS


def directory_members_provider() -> DirectoryMembersProvider:
    """Return the provider that states refer to."""
    return _DIRECTORY_MEMBERS


def tenant_group_members_provider() -> TenantGroupMembersProvider:
    """Return the provider that states refer to."""
    return _TENANT_GROUP_MEMBERS


def users_provider() -> UsersProvider:
    """Return the provider that states refer to."""
    return _USERS


def license_settings_provider() -> LicenseSettingsProvider:
    """Return the provider that states refer to."""
    return _LICENSE_SETTINGS


def group_policy_provider() -> GroupPolicyProvider:
    """Return the provider that states refer to."""
    return _GROUP_POLICY


def leavers_provider() -> LeaversProvider:
    """Return the provider that states refer to."""
    return _LEAVERS


def user_policy_provider() -> UserPolicyProvider:
    """Return the provider that states refer to."""
    return _USER_POLICY


def webhook_provider() -> WebhookProvider:
    """Return the provider that states refer to."""
    return _WEBHOOK


class LicenseAssignments(Resource, module="qlik", name="LicenseAssignments"):
    """The seats of one Qlik Cloud license that this stack gives to people.

    Creating it adopts rows that are there already, as the rule `adopt` says. Destroying it takes nothing from anybody
    unless the rule `onDestroy` says revoke. https://qlik.dev/apis/rest/licenses
    """

    assignments: pulumi.Output[dict[str, str]]
    """What this stack really holds, by subject: `<type> via <key>[, <key>…] for <e-mail>`."""
    deviations: pulumi.Output[dict[str, str]]
    """Where a person differs from the declaration, by subject: `<declared value or none>; <why>`."""
    removed: pulumi.Output[dict[str, str]]
    """Removals of the last 24 hours, by minute: `<people>[; <key> <people>…]`."""
    seats: pulumi.Output[dict[str, str]]
    """Seats by type: `<used> of <units>`."""
    foreign: pulumi.Output[dict[str, float]]
    """Rows this stack did not make, by type."""
    doubt: pulumi.Output[dict[str, str]]
    """Keys whose people are not known for certain, and why; what they conferred is kept."""
    sources: pulumi.Output[dict[str, str]]
    """The object id of the group that each key was read from; that of the last time, while the key is in doubt."""

    def __init__(
        self,
        resource_name: str,
        *,
        tenant: str,
        tenant_id: str,
        license: str,
        assignments: Mapping[str, str],
        rules: Mapping[str, str | int],
        doubt: Mapping[str, str] | None = None,
        sources: Mapping[str, pulumi.Input[str]] | None = None,
        object_ids: Mapping[str, str] | None = None,
        kept: Mapping[str, str] | None = None,
        waiting: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare who holds which type; a check that refuses any of it fails the preview, and nothing is sent.

        `resource_name`: its name in Pulumi; the plan document is always `license-assignments`.
        `tenant`: the URL with the original hostname, as `https://contoso.eu.qlikcloud.com`.
        `tenant_id`, `license`: the id of that tenant and the number of its license, which a resource keeps for life.
        `assignments`: {subject: value}, a value being `str(Entitlement(type, keys, e-mail))`.
        `rules`: {name: scalar} as docs/formats.md lists them; `order`, the license types this stack gives, strongest
        first, is required. The others have defaults: a brake of 25 people and 10 percent in 24 hours, nobody takes
        over rows of a stronger type, and a shortage of seats fails.
        `doubt`: {key: reason}, keys whose people nobody can tell today; what they conferred before is kept.
        `sources`: {key: object id of the directory group that was read}; another one is doubt.
        `object_ids`: {subject: object id of the person}, by which a seat moves with its person to another subject.
        `kept`: {object id: value}, people whose subject nobody can tell today; they keep what this stack gave them.
        `waiting`: {subject: value}, people who get a seat after their first login; they keep what they have.
        `opts`: Pulumi's options (https://www.pulumi.com/docs/iac/concepts/options/).
        """
        super().__init__(
            license_assignments_provider(),
            resource_name,
            {
                "tenant": tenant,
                "tenantId": tenant_id,
                "license": license,
                "assignments": dict(assignments),
                "rules": dict(rules),
                "doubt": dict(doubt or {}),
                "sources": dict(sources or {}),
                # None is not sent: most stacks have none of these.
                "objectIds": dict(object_ids) if object_ids else None,
                "kept": dict(kept) if kept else None,
                "waiting": dict(waiting) if waiting else None,
                "deviations": None,
                "removed": None,
                "seats": None,
                "foreign": None,
            },
            opts,
        )


class DirectoryMembers(Resource, module="qlik", name="DirectoryMembers"):
    """The people this stack puts into one group of the directory; others in it are left alone.

    Destroying it takes nobody out. https://learn.microsoft.com/graph/api/group-post-members
    """

    members: pulumi.Output[dict[str, str]]
    """Who is in the group by this stack, by object id: the user principal name."""
    deviations: pulumi.Output[dict[str, str]]
    """Who differs from the declaration, by object id: `<user principal name or none>; <why>`."""
    removed: pulumi.Output[dict[str, str]]
    """Removals of the last 24 hours, by minute."""
    foreign: pulumi.Output[dict[str, float]]
    """Members this stack did not add."""

    def __init__(
        self,
        resource_name: str,
        *,
        group: str,
        group_object_id: pulumi.Input[str],
        members: Mapping[str, str],
        rules: Mapping[str, str | int],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare who is in a group; a check that refuses any of it fails the preview, and nothing is sent.

        `resource_name`: its name in Pulumi; the plan document is `members-<group>`.
        `group`: the key, which a resource keeps for life.
        `group_object_id`: the object id of the group in the directory, also one that is to be created in the same run;
        where azuread replaces the group, the new one gets the same people. Its owners are never touched.
        `members`: {object id: user principal name}, any number of people: 400 are added in a call, 20 removed. Who is
        in the group and not named here is left in it, unless this resource had put them there.
        `rules`: {name: scalar} as docs/formats.md lists them; without any, a brake of 25 people and 10 percent in 24
        hours.
        `opts`: Pulumi's options (https://www.pulumi.com/docs/iac/concepts/options/).
        """
        super().__init__(
            directory_members_provider(),
            resource_name,
            {
                "group": group,
                "groupObjectId": group_object_id,
                "members": dict(members),
                "rules": dict(rules),
                "deviations": None,
                "removed": None,
                "seats": None,
                "foreign": None,
            },
            opts,
        )


class TenantGroupMembers(Resource, module="qlik", name="TenantGroupMembers"):
    """The people this stack puts into one custom group of the tenant; others in it are left alone.

    Creating it creates the group where it is missing and adopts who is in it already, as the rule `adopt` says.
    Destroying it takes nobody out. https://qlik.dev/apis/rest/users (assignedGroups)
    """

    members: pulumi.Output[dict[str, str]]
    """Who is in the group by this stack, by subject: `member via <key> for <e-mail>`."""
    deviations: pulumi.Output[dict[str, str]]
    """Who differs from the declaration, by subject: `<declared value or none>; <why>`; `waiting` is no user yet."""
    removed: pulumi.Output[dict[str, str]]
    """Removals of the last 24 hours, by minute."""
    foreign: pulumi.Output[dict[str, float]]
    """Members this stack did not add."""
    doubt: pulumi.Output[dict[str, str]]
    """Why it is not known for certain who is to be in it, by key; nobody is taken out meanwhile."""
    sources: pulumi.Output[dict[str, str]]
    """The object id of the directory group that the people were read from, by key."""

    def __init__(
        self,
        resource_name: str,
        *,
        tenant: str,
        tenant_id: str,
        key: str,
        group: str,
        members: Mapping[str, str],
        rules: Mapping[str, str | int],
        doubt: Mapping[str, str] | None = None,
        sources: Mapping[str, str] | None = None,
        object_ids: Mapping[str, str] | None = None,
        kept: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare who is in a custom group.

        `tenant` is the URL with the original hostname, `tenant_id` what the stack belongs to, `key` the stable name of
        the group, `group` its name in the tenant, `members` {subject: value}, `rules` {name: scalar} as
        docs/formats.md lists them, `doubt` {key: reason}, `sources` {key: object id of the group read}, `object_ids`
        {subject: object id of the person}. `kept` {object id: value} are people who are no users of the tenant by the
        subject of today: who is in the group by a former one stays.
        """
        super().__init__(
            tenant_group_members_provider(),
            resource_name,
            {
                "tenant": tenant,
                "tenantId": tenant_id,
                "key": key,
                "group": group,
                "members": dict(members),
                "rules": dict(rules),
                "doubt": dict(doubt or {}),
                "sources": dict(sources or {}),
                "objectIds": dict(object_ids) if object_ids else None,
                "kept": dict(kept) if kept else None,
                "deviations": None,
                "removed": None,
                "seats": None,
                "foreign": None,
                "groupId": None,
            },
            opts,
        )


class Users(Resource, module="qlik", name="Users"):
    """People who are to be users of the tenant before their first login.

    Creating it creates who is missing and adopts who is there, by the subject. Name and e-mail are set when a user is
    created and never again. Who is no longer declared stays a user, and so does everybody when it is destroyed.
    https://qlik.dev/apis/rest/users
    """

    users: pulumi.Output[dict[str, str]]
    """Who is a user by this stack, by subject: `user via <key>[, <key>…] for <name> <<e-mail>>`."""
    deviations: pulumi.Output[dict[str, str]]
    """Who is no user although declared, by subject: `<declared value>; <why>`."""
    doubt: pulumi.Output[dict[str, str]]
    """Keys whose people are not known for certain, and why."""
    sources: pulumi.Output[dict[str, str]]
    """The object id of the group that each key was read from."""

    def __init__(
        self,
        resource_name: str,
        *,
        tenant: str,
        tenant_id: str,
        users: Mapping[str, str],
        rules: Mapping[str, str | int] | None = None,
        doubt: Mapping[str, str] | None = None,
        sources: Mapping[str, str] | None = None,
        object_ids: Mapping[str, str] | None = None,
        kept: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare who is to be a user; a check that refuses any of it fails the preview, and nothing is sent.

        `resource_name`: its name in Pulumi; the plan document is always `users`.
        `tenant`: the URL with the original hostname, as `https://contoso.eu.qlikcloud.com`.
        `tenant_id`: the id of that tenant, which a resource keeps for life.
        `users`: {subject: value}, a value being `str(Account("user", keys, e-mail, name))`.
        `rules`: {name: scalar} as docs/formats.md lists them.
        `doubt`: {key: reason}, keys whose people nobody can tell today; nobody is created by them alone.
        `sources`: {key: object id of the directory group that was read}; another one is doubt.
        `object_ids`: {subject: object id of the person}.
        `kept`: {object id: value}, people whom the tenant has by another subject than that of today, or of whom nobody
        can tell it; who is recorded by a former one stays so.
        `opts`: Pulumi's options (https://www.pulumi.com/docs/iac/concepts/options/). What needs its people to be users
        in the same run `depends_on` it.
        """
        super().__init__(
            users_provider(),
            resource_name,
            {
                "tenant": tenant,
                "tenantId": tenant_id,
                "users": dict(users),
                "rules": dict(rules or {}),
                "doubt": dict(doubt or {}),
                "sources": dict(sources or {}),
                "objectIds": dict(object_ids) if object_ids else None,
                "kept": dict(kept) if kept else None,
                "deviations": None,
                "removed": None,
                "seats": None,
                "foreign": None,
            },
            opts,
        )


class LicenseSettings(Resource, module="qlik", name="LicenseSettings"):
    """What the tenant gives people by itself: seats at login, and roles to professionals. Only what is declared is put.

    Destroying it, or no longer declaring a setting, gives back what was found, unless others changed it since.
    https://qlik.dev/apis/rest/licenses, https://qlik.dev/apis/rest/tenants
    """

    settings: pulumi.Output[dict[str, str]]
    """What this stack stands for, by Qlik's name: `true` or `false`; ` via hand` where others changed it."""
    found: pulumi.Output[dict[str, str]]
    """What was found when this stack first declared a setting."""
    deviations: pulumi.Output[dict[str, str]]
    """Where the tenant differs from the declaration: `<true, false or none>; <why>`."""

    def __init__(
        self,
        resource_name: str,
        *,
        tenant: str,
        tenant_id: str,
        settings: Mapping[str, bool],
        retry: str = "",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare what the tenant does; a check that refuses any of it fails the preview, and nothing is sent.

        `resource_name`: its name in Pulumi; the plan document is always `license-settings`.
        `tenant`: the URL with the original hostname, as `https://contoso.eu.qlikcloud.com`.
        `tenant_id`: the id of that tenant, which a resource keeps for life.
        `settings`: {Qlik's name: whether it is on}, for example `autoAssignAnalyzer`; one left out is not managed.
        `retry`: any other text has refused settings tried again.
        `opts`: Pulumi's options (https://www.pulumi.com/docs/iac/concepts/options/).
        """
        super().__init__(
            license_settings_provider(),
            resource_name,
            {
                "tenant": tenant,
                "tenantId": tenant_id,
                "settings": write_settings(settings),
                "retry": retry,
                "found": None,
                "deviations": None,
            },
            opts,
        )


class Webhook(Resource, module="qlik", name="Webhook"):
    """The webhook by which the tenant tells a pipeline of new users, signed with the secret of the environment.

    Creating it adopts one of the same name and address, and leaves every other one alone. Destroying it deletes it. The
    secret is in QLIK_WEBHOOK_SECRET wherever the provider runs, and never in the state.
    https://qlik.dev/apis/rest/core/webhooks
    """

    webhook: pulumi.Output[dict[str, str]]
    """What this stack holds, by property; ` via hand` where others changed it."""
    webhook_id: pulumi.Output[str]
    """The id in the tenant; empty while it could not be created."""
    deviations: pulumi.Output[dict[str, str]]
    """Where the webhook differs from the declaration, by property: `<declared value>; <why>`."""

    def __init__(
        self,
        resource_name: str,
        *,
        tenant: str,
        tenant_id: str,
        name: str,
        url: str,
        enabled: bool = True,
        retry: str = "",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the webhook; a check that refuses any of it fails the preview, and nothing is sent.

        `resource_name`: its name in Pulumi; the plan document is always `webhook`.
        `tenant`: the URL with the original hostname, as `https://contoso.eu.qlikcloud.com`.
        `tenant_id`: the id of that tenant, which a resource keeps for life.
        `name`: its name in the tenant.
        `url`: whom it tells: where `qlik-provider listen` is reached from the internet.
        `enabled`: whether it tells anything.
        `retry`: any other text has the secret put again, and what was refused.
        `opts`: Pulumi's options (https://www.pulumi.com/docs/iac/concepts/options/).
        """
        super().__init__(
            webhook_provider(),
            resource_name,
            {
                "tenant": tenant,
                "tenantId": tenant_id,
                "webhook": write_webhook(name=name, url=url, enabled=enabled),
                "retry": retry,
                "webhookId": None,
                "deviations": None,
            },
            opts,
        )


class GroupPolicy(Resource, module="qlik", name="GroupPolicy"):
    """The tenant roles and space roles this stack grants to one group; what others granted is left alone.

    Creating it creates the tenant's group where it is missing, ahead of the first login of its people. Destroying it
    withdraws what it granted, unless that reaches more people than the brake allows; the group itself stays.
    https://qlik.dev/apis/rest/groups, https://qlik.dev/apis/rest/spaces
    """

    granted: pulumi.Output[dict[str, str]]
    """What this stack really granted: `role:<name>` by an empty text, `space:<name>` by its roles in that space."""
    deviations: pulumi.Output[dict[str, str]]
    """Where a right differs from the declaration, by right: `<granted or none>; <why>`."""
    removed: pulumi.Output[dict[str, str]]
    """People reached by withdrawals of the last 24 hours, by minute."""

    def __init__(
        self,
        resource_name: str,
        *,
        tenant: str,
        tenant_id: str,
        key: str,
        group: pulumi.Input[str],
        reach: pulumi.Input[int],
        roles: Collection[str] | None = None,
        spaces: Mapping[str, Collection[str]] | None = None,
        claim_by: Literal["displayName", "objectId"] = "displayName",
        provider_type: Literal["idp", "custom"] = "idp",
        rules: Mapping[str, str | int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare what a group may do; a check that refuses any of it fails the preview, and nothing is sent.

        `resource_name`: its name in Pulumi; the plan document is `policy-<key>`.
        `tenant`: the URL with the original hostname, as `https://contoso.eu.qlikcloud.com`.
        `tenant_id`: the id of that tenant, which a resource keeps for life.
        `key`: the stable name of the group, which a resource keeps for life.
        `group`: its name in the tenant: the text that the groups claim carries.
        `reach`: how many people are in it, for the brake: a withdrawal reaches them all.
        `roles`: names of tenant roles; None is not managed, empty is none of ours.
        `spaces`: {name or id of a space: roles in it, as `producer`}; None is not managed, empty is none of ours.
        `claim_by`: whether the claim carries the display name or the object id of the directory group.
        `provider_type`: whether the group comes from the identity provider (`idp`) or is the tenant's own (`custom`).
        `rules`: {name: scalar} as docs/formats.md lists them; without any, a brake of 25 people and 10 percent in 24
        hours.
        `opts`: Pulumi's options (https://www.pulumi.com/docs/iac/concepts/options/).
        """
        super().__init__(
            group_policy_provider(),
            resource_name,
            {
                "tenant": tenant,
                "tenantId": tenant_id,
                "key": key,
                "group": group,
                "providerType": provider_type,
                "claimBy": claim_by,
                "roles": None if roles is None else dict.fromkeys(sorted(roles), ""),
                "spaces": None if spaces is None else {name: ", ".join(sorted(spaces[name])) for name in spaces},
                "reach": reach,
                "rules": dict(rules or {}),
                "granted": None,
                "deviations": None,
                "removed": None,
                "groupId": None,
                "spaceIds": None,
            },
            opts,
        )


class UserPolicy(Resource, module="qlik", name="UserPolicy"):
    """The space roles this stack grants to people by themselves, without a group; what others granted is left alone.

    Creating it adopts what is granted already, as the rule `adopt` says. Who is no user of the tenant yet waits.
    Destroying it withdraws what it granted, unless that is over the brake; the users themselves stay.
    https://qlik.dev/apis/rest/spaces
    """

    granted: pulumi.Output[dict[str, str]]
    """What this stack really granted: `<object id>/space:<name>` by `<roles> for <e-mail>`."""
    deviations: pulumi.Output[dict[str, str]]
    """Where a right differs from the declaration, by object id and right: `<granted or none> for <e-mail>; <why>`."""
    removed: pulumi.Output[dict[str, str]]
    """People from whom something was withdrawn in the last 24 hours, by minute."""

    def __init__(
        self,
        resource_name: str,
        *,
        tenant: str,
        tenant_id: str,
        people: Mapping[str, str],
        spaces: Mapping[str, str],
        rules: Mapping[str, str | int] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare what people may do in spaces; a check that refuses any of it fails the preview, and nothing is sent.

        `resource_name`: its name in Pulumi; the plan document is always `user-policy`.
        `tenant`: the URL with the original hostname, as `https://contoso.eu.qlikcloud.com`.
        `tenant_id`: the id of that tenant, which a resource keeps for life.
        `people`: {object id: `<subject> for <e-mail>`}; who is recorded and not named here is to have nothing.
        `spaces`: {`<object id>/<name or id of a space>`: `<roles, joined by a comma> for <e-mail>`}.
        `rules`: {name: scalar} as docs/formats.md lists them; without any, a brake of 25 people and 10 percent in 24
        hours over everybody.
        `opts`: Pulumi's options (https://www.pulumi.com/docs/iac/concepts/options/).
        """
        super().__init__(
            user_policy_provider(),
            resource_name,
            {
                "tenant": tenant,
                "tenantId": tenant_id,
                "people": dict(people),
                "spaces": dict(spaces),
                "rules": dict(rules or {}),
                "granted": None,
                "deviations": None,
                "removed": None,
                "userIds": None,
                "spaceIds": None,
            },
            opts,
        )


class Leavers(Resource, module="qlik", name="Leavers"):
    """The people whom this stack gives something, and the ladder of those who left the directory.

    Creating it records who is declared, and nobody else is ever on its ladder. Destroying it touches nobody.
    https://qlik.dev/apis/rest/users (status, delete)
    """

    people: pulumi.Output[dict[str, str]]
    """Whom this stack gave something and did not forget, by subject: `user via <key>[, <key>…] for <e-mail>`."""
    leaving: pulumi.Output[dict[str, str]]
    """Who stands on which rung, by subject: `<rung> since <minute>`."""
    disabled: pulumi.Output[dict[str, str]]
    """Whom this stack disabled, by subject, and the status they had."""
    deviations: pulumi.Output[dict[str, str]]
    """Who is not declared any more, and who is and differs, by subject: `<declared value or none>; <why>`."""
    removed: pulumi.Output[dict[str, str]]
    """People disabled and deleted in the last 24 hours, by minute."""
    doubt: pulumi.Output[dict[str, str]]
    """Keys whose people are not known for certain, and why; nobody leaves by them."""
    sources: pulumi.Output[dict[str, str]]
    """The object id of the group that each key was read from."""

    def __init__(
        self,
        resource_name: str,
        *,
        tenant: str,
        tenant_id: str,
        people: Mapping[str, str],
        rules: Mapping[str, str | int],
        doubt: Mapping[str, str] | None = None,
        sources: Mapping[str, str] | None = None,
        object_ids: Mapping[str, str] | None = None,
        kept: Mapping[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare who is here; a check that refuses any of it fails the preview, and nothing is sent.

        `resource_name`: its name in Pulumi; the plan document is always `leavers`.
        `tenant`: the URL with the original hostname, as `https://contoso.eu.qlikcloud.com`.
        `tenant_id`: the id of that tenant, which a resource keeps for life.
        `people`: {subject: value}, everybody whom this stack gives something, a value being
        `str(Entitlement("user", keys, e-mail))`.
        `rules`: {name: scalar} as docs/formats.md lists them; without `disableAfter` nobody is ever disabled, without
        `deleteAfter` nobody is ever deleted.
        `doubt`: {key: reason}, keys whose people nobody can tell today.
        `sources`: {key: object id of the directory group that was read}; another one is doubt.
        `object_ids`: {subject: object id of the person}, by which the directory is asked; of a subject that ends in
        one it need not be said.
        `kept`: {object id: value}, people whose subject nobody can tell today.
        `opts`: Pulumi's options (https://www.pulumi.com/docs/iac/concepts/options/): let it depend on the seats, since
        nobody goes further while a license is theirs.
        """
        super().__init__(
            leavers_provider(),
            resource_name,
            {
                "tenant": tenant,
                "tenantId": tenant_id,
                "people": dict(people),
                "rules": dict(rules),
                "doubt": dict(doubt or {}),
                "sources": dict(sources or {}),
                "objectIds": dict(object_ids) if object_ids else None,
                "kept": dict(kept) if kept else None,
                "leaving": None,
                "disabled": None,
                "deviations": None,
                "removed": None,
            },
            opts,
        )
