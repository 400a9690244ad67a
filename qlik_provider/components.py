"""A group of the directory, the people in it where this stack creates it, and what it is granted in the tenant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_azuread as azuread

from qlik_provider.resolution import Policy
from qlik_provider.resources import DirectoryMembers, GroupPolicy
from qlik_provider.rule_groups import write_nickname


@dataclass(frozen=True)
class Grants:
    """What a group is to be granted in the tenant, and how the groups claim names it there."""

    tenant: str
    """The URL with the original hostname."""
    tenant_id: str
    policy: Policy
    claim_by: Literal["displayName", "objectId"] = "displayName"


class LicensedGroup(pulumi.ComponentResource):
    """A declared group: azuread's GroupWithoutMembers, our DirectoryMembers, and a GroupPolicy where it has grants.

    A group with a rule has no DirectoryMembers, since the rule says who is in it; one that exists already has the
    GroupPolicy alone, and is never written.

    The directory group outlives the stack: destroying the component deletes neither group nor membership, and withdraws
    what the policy granted.
    https://www.pulumi.com/registry/packages/azuread/api-docs/groupwithoutmembers/
    """

    object_id: pulumi.Output[str]
    """The object id of the directory group."""
    members: DirectoryMembers | None
    """Who is in it by this stack; None where a rule or somebody else says so."""
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
        """Declare a group: `key` its stable name, `name` what people see.

        Its people are `members` {object id: principal name}, or whom the membership `rule` of Entra takes, or those of
        the group that has the object id `existing`. `grants` are its roles and spaces in the tenant; None leaves both
        alone. `previously` is the key it had before, under which the state knows it; the parts inherit the alias.
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
        self.policy = self._register_policy(key, name, grants) if grants else None
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

    def _register_policy(self, key: str, name: str, grants: Grants) -> GroupPolicy:
        return GroupPolicy(
            key,
            tenant=grants.tenant,
            tenant_id=grants.tenant_id,
            key=key,
            group=self.object_id if grants.claim_by == "objectId" else name,
            claim_by=grants.claim_by,
            reach=grants.policy.reach,
            roles=grants.policy.roles,
            spaces=grants.policy.spaces,
            rules={**grants.policy.rules, **self._rules},
            # Deleted before the directory group: where a withdrawal is refused, the group stays in the state as well.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.group] if self.group else []),
        )
