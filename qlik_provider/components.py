"""A group of the directory that this stack creates, and the people in it."""

from collections.abc import Mapping

import pulumi
import pulumi_azuread as azuread

from qlik_provider.resources import DirectoryMembers


class LicensedGroup(pulumi.ComponentResource):
    """A declared group: azuread's GroupWithoutMembers and our DirectoryMembers, one path at any size.

    The directory group outlives the stack: destroying the component deletes neither group nor membership.
    https://www.pulumi.com/registry/packages/azuread/api-docs/groupwithoutmembers/
    """

    object_id: pulumi.Output[str]
    """The object id of the directory group."""
    members: DirectoryMembers
    """Who is in it by this stack."""

    def __init__(
        self,
        key: str,
        *,
        stack: str,
        name: str,
        members: Mapping[str, str],
        rules: Mapping[str, str | int],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a group: `key` its stable name, `name` what people see, `members` {object id: principal name}."""
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
        self.register_outputs({"objectId": self.object_id})
