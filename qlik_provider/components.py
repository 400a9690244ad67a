"""A group of the directory, the people in it where this stack creates it, and what it is granted in the tenant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_azuread as azuread

from qlik_provider.custom_members import CustomMembers
from qlik_provider.resolution import Policy
from qlik_provider.resources import DirectoryMembers, GroupPolicy, TenantGroupMembers, Users
from qlik_provider.rule_groups import write_nickname


@dataclass(frozen=True)
class Grants:
    """What a group is to be granted in the tenant, and how the groups claim names it there."""

    tenant: str
    """The URL with the original hostname."""
    tenant_id: str
    """The id of that tenant, to which the policy belongs for life."""
    policy: Policy | None
    """Roles, spaces, how many people they reach, and the rules of the `GroupPolicy`; None where neither is managed."""
    claim_by: Literal["displayName", "objectId"] = "displayName"
    """Whether the groups claim carries the display name or the object id of the directory group."""
    members: CustomMembers | None = None
    """Who is in it, where it is a custom group; None where the identity provider says so."""
    users: Users | None = None
    """Who is made a user of the tenant first, where this stack does that."""


class LicensedGroup(pulumi.ComponentResource):
    """A declared group: azuread's GroupWithoutMembers, our DirectoryMembers, and a GroupPolicy where it has grants.

    A group with a rule has no DirectoryMembers, since the rule says who is in it; one that exists already has the
    GroupPolicy alone, and is never written. A custom group of the tenant has TenantGroupMembers beside them.

    The directory group outlives the stack: destroying the component deletes neither group nor membership, and withdraws
    what the policy granted.
    https://www.pulumi.com/registry/packages/azuread/api-docs/groupwithoutmembers/
    """

    object_id: pulumi.Output[str]
    """The object id of the directory group."""
    members: DirectoryMembers | None
    """Who is in it by this stack; None where a rule or somebody else says so."""
    tenant_members: TenantGroupMembers | None
    """Who is in its custom group in the tenant; None where it has none."""
    policy: GroupPolicy | None
    """What it is granted in the tenant; None where neither roles nor spaces are managed."""

    def __init__(
        self,
        key: str,
        *,
        stack: str,
        name: str,
        members: Mapping[str, str] | None = None,
        rule: str | None = None,
        existing: str | None = None,
        rules: Mapping[str, str | int],
        grants: Grants | None = None,
        previously: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a group; what its parts refuse fails the preview, and nothing is sent.

        `key`: its stable name, in Pulumi and in the values of seats; small letters, digits and hyphens.
        `stack`: the name of the stack, which stands before the key in the mail nickname of a group that is created.
        `name`: what people see in the directory, and in the tenant where the groups claim carries names.
        `members`: {object id: user principal name}, any number of people; the group is created.
        `rule`: the membership rule of Entra, in its language; the group is created, and Entra fills it
        (https://learn.microsoft.com/entra/identity/users/groups-dynamic-membership).
        `existing`: the object id of a group that exists already; it is never written. Empty where a query says whom a
        custom group takes, and the directory has no group.
        `rules`: {name: scalar} for its `DirectoryMembers`, as docs/formats.md lists them; without any, a brake of 25
        people and 10 percent in 24 hours.
        `grants`: its roles, spaces and members in the tenant; None leaves them alone.
        `previously`: the key it had before, under which the state knows it; the parts inherit the alias.
        `opts`: Pulumi's options (https://www.pulumi.com/docs/iac/concepts/options/).

        Of `members`, `rule` and `existing` one is to be given.
        """
        renamed = pulumi.ResourceOptions(aliases=[pulumi.Alias(name=previously)] if previously else [])
        super().__init__("qlik:index:LicensedGroup", key, None, pulumi.ResourceOptions.merge(opts, renamed))
        self._rules: dict[str, str | int] = {"previously": previously} if previously else {}
        self.group: azuread.GroupWithoutMembers | None = None
        self.members = None
        if existing is None:
            self.group = self._register_group(key, name, write_nickname(stack, key), rule)
            self.object_id = self.group.object_id
        else:
            self.object_id = pulumi.Output.from_input(existing)
        if members is not None:
            self.members = DirectoryMembers(
                key,
                group=key,
                group_object_id=self.object_id,
                members=members,
                rules={**rules, **self._rules},
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.tenant_members = self.policy = None
        if grants and grants.members:
            self.tenant_members = self._register_members(key, name, grants, grants.members)
        if grants and grants.policy:
            self.policy = self._register_policy(key, name, grants, grants.policy)
        self.register_outputs({"objectId": self.object_id})

    def _register_group(self, key: str, name: str, nickname: str, rule: str | None) -> azuread.GroupWithoutMembers:
        membership = azuread.GroupWithoutMembersDynamicMembershipArgs(enabled=True, rule=rule) if rule else None
        return azuread.GroupWithoutMembers(
            key,
            display_name=name,
            mail_nickname=nickname,
            security_enabled=True,
            types=["DynamicMembership"] if rule else None,
            dynamic_membership=membership,
            # Another mail nickname would replace the group, and a key may be renamed.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True, ignore_changes=["mailNickname"]),
        )

    def _register_members(self, key: str, name: str, grants: Grants, members: CustomMembers) -> TenantGroupMembers:
        renamed = {f"previously.{key}": self._rules["previously"]} if self._rules else {}
        return TenantGroupMembers(
            key,
            tenant=grants.tenant,
            tenant_id=grants.tenant_id,
            key=key,
            group=name,
            members={subject: str(entitlement) for subject, entitlement in members.people.items()},
            rules={**members.rules, **self._rules, **renamed},
            doubt=members.doubt,
            sources=members.sources,
            object_ids=members.object_ids,
            kept={id: str(entitlement) for id, entitlement in members.kept.items()},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[grants.users] if grants.users else []),
        )

    def _register_policy(self, key: str, name: str, grants: Grants, policy: Policy) -> GroupPolicy:
        # No claim names a custom group: it has the name that people see.
        claim_by: Literal["displayName", "objectId"] = "displayName" if grants.members else grants.claim_by
        return GroupPolicy(
            key,
            tenant=grants.tenant,
            tenant_id=grants.tenant_id,
            key=key,
            group=self.object_id if claim_by == "objectId" else name,
            claim_by=claim_by,
            provider_type="custom" if grants.members else "idp",
            reach=policy.reach,
            roles=policy.roles,
            spaces=policy.spaces,
            rules={**policy.rules, **self._rules},
            # Deleted before the directory group: where a withdrawal is refused, the group stays in the state as well.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.group] if self.group else []),
        )
