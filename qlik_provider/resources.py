"""The resources of Pulumi.

The path of this module and the names of its providers stand in every state that was ever stored: they never change.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal

import pulumi
from pulumi.dynamic import Resource

from qlik_provider.deletion import describe_protected, reason_to_keep, refuse_rest, refuse_unsafe, without_releases
from qlik_provider.entitlements import Assignment
from qlik_provider.errors import QlikProviderError, UnsafePlan
from qlik_provider.groups import trace_group
from qlik_provider.ledger import ASSIGNMENTS, MEMBERS, Bag, recorded_of
from qlik_provider.license_settings import write_settings
from qlik_provider.members import apply_members, observe_members
from qlik_provider.outcomes import Outcome
from qlik_provider.plan import Plan
from qlik_provider.policy_provider import PolicyProvider
from qlik_provider.premises import Observed, Recorded
from qlik_provider.provider import LedgerProvider
from qlik_provider.session import engine_log, has_program, open_directory, open_tenant, show_progress
from qlik_provider.settings_provider import SettingsProvider


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


class LicenseSettingsProvider(SettingsProvider):
    """What the tenant gives people by itself."""

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return license_settings_provider, ()


class GroupPolicyProvider(PolicyProvider):
    """The rights of one group in the tenant."""

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return group_policy_provider, ()


_LICENSE_ASSIGNMENTS = LicenseAssignmentsProvider()
_DIRECTORY_MEMBERS = DirectoryMembersProvider()
_LICENSE_SETTINGS = LicenseSettingsProvider()
_GROUP_POLICY = GroupPolicyProvider()


def license_assignments_provider() -> LicenseAssignmentsProvider:
    """Return the provider that states refer to."""
    return _LICENSE_ASSIGNMENTS


def directory_members_provider() -> DirectoryMembersProvider:
    """Return the provider that states refer to."""
    return _DIRECTORY_MEMBERS


def license_settings_provider() -> LicenseSettingsProvider:
    """Return the provider that states refer to."""
    return _LICENSE_SETTINGS


def group_policy_provider() -> GroupPolicyProvider:
    """Return the provider that states refer to."""
    return _GROUP_POLICY


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
        """Declare who holds which type.

        `tenant` is the URL with the original hostname, `tenant_id` and `license` what the stack belongs to,
        `assignments` {subject: value}, `rules` {name: scalar} as docs/formats.md lists them, `doubt` {key: reason},
        `sources` {key: object id of the group read}. `object_ids` {subject: object id of the person} lets a seat move
        with its person to another subject. `kept` {object id: value} are people whose subject nobody can tell today,
        `waiting` {subject: value} those who get one after their first login: both keep what this stack gave them.
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
        """Declare who is in a group: `group` its key, `members` {object id: user principal name}."""
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
        """Declare settings by Qlik's names, for example `autoAssignAnalyzer`; another `retry` tries refused ones again.

        `tenant` is the URL with the original hostname, `tenant_id` what the stack belongs to.
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
        """Declare what a group may do.

        `tenant` is the URL with the original hostname, `tenant_id` what the stack belongs to, `key` the stable name of
        the group, `group` its name in the tenant: the text that the groups claim carries, which is the display name or
        the object id as `claim_by` says. `reach` is how many people are in it. `roles` are names of tenant roles,
        `spaces` {name or id: roles in it}; left out is not managed, empty is none of ours. `rules` {name: scalar} as
        docs/formats.md lists them.
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
