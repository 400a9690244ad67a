"""A group of the directory that this stack creates, the people in it, and what it is granted in the tenant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pulumi
import pulumi_azuread as azuread

from qlik_provider.resolution import Policy
from qlik_provider.resources import DirectoryMembers, GroupPolicy


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

    The directory group outlives the stack: destroying the component deletes neither group nor membership, and withdraws
    what the policy granted.
    https://www.pulumi.com/registry/packages/azuread/api-docs/groupwithoutmembers/
    """

    object_id: pulumi.Output[str]
    """The object id of the directory group."""
    members: DirectoryMembers
    """Who is in it by this stack."""
    policy: GroupPolicy | None
    """What it is granted in the tenant; None where neither roles nor spaces are managed."""

    def __init__(
        self,
        key: str,
        *,
        stack: str,
        name: str,
        members: Mapping[str, str],
        rules: Mapping[str, str | int],
        grants: Grants | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a group: `key` its stable name, `name` what people see, `members` {object id: principal name}.

        `grants` are its roles and spaces in the tenant; None leaves both alone.
        """
        super().__init__("qlik:index:LicensedGroup", key, None, opts)
        self.group = azuread.GroupWithoutMembers(
            key,
            display_name=name,
            mail_nickname=f"{stack}-{key}",
            security_enabled=True,
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=True),
        )
        self.object_id = self.group.object_id
        self.members = DirectoryMembers(
            key,
            group=key,
            group_object_id=self.group.object_id,
            members=members,
            rules=rules,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.policy = self._register_policy(key, name, grants) if grants else None
        self.register_outputs({"objectId": self.object_id})

    def _register_policy(self, key: str, name: str, grants: Grants) -> GroupPolicy:
        return GroupPolicy(
            key,
            tenant=grants.tenant,
            tenant_id=grants.tenant_id,
            key=key,
            group=self.group.object_id if grants.claim_by == "objectId" else name,
            claim_by=grants.claim_by,
            reach=grants.policy.reach,
            roles=grants.policy.roles,
            spaces=grants.policy.spaces,
            rules=grants.policy.rules,
            # Deleted before the directory group: where a withdrawal is refused, the group stays in the state as well.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.group]),
        )
