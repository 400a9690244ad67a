"""Resources that stay as the state has them: registered, so that nothing deletes them, and never written."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_azuread as azuread
from pulumi.dynamic import Resource

from qlik_provider.calls import FROZEN
from qlik_provider.errors import UnsafePlan
from qlik_provider.resources import (
    directory_members_provider,
    group_policy_provider,
    leavers_provider,
    license_settings_provider,
    tenant_group_members_provider,
    user_policy_provider,
    users_provider,
    webhook_provider,
)

COMPONENT = "qlik:index:LicensedGroup"
DIRECTORY_GROUP = "azuread:index/groupWithoutMembers:GroupWithoutMembers"
MEMBERS = "pulumi-python:dynamic/qlik:DirectoryMembers"
TENANT_MEMBERS = "pulumi-python:dynamic/qlik:TenantGroupMembers"
POLICY = "pulumi-python:dynamic/qlik:GroupPolicy"
SETTINGS = "pulumi-python:dynamic/qlik:LicenseSettings"
USERS = "pulumi-python:dynamic/qlik:Users"
LEAVERS = "pulumi-python:dynamic/qlik:Leavers"
USER_POLICY = "pulumi-python:dynamic/qlik:UserPolicy"
WEBHOOK = "pulumi-python:dynamic/qlik:Webhook"

_GROUP_INPUTS = [
    "administrativeUnitIds", "assignableToRole", "autoSubscribeNewMembers", "behaviors", "description", "displayName",
    "dynamicMembership", "externalSendersAllowed", "hideFromAddressLists", "hideFromOutlookClients", "mailEnabled",
    "mailNickname", "onpremisesGroupType", "owners", "preventDuplicateNames", "provisioningOptions", "securityEnabled",
    "theme", "types", "visibility", "writebackEnabled",
]  # fmt: skip


class FrozenMembers(Resource, module="qlik", name="DirectoryMembers"):
    """The members of a directory group, as they are recorded."""

    def __init__(self, key: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__(directory_members_provider(), key, {FROZEN: True}, opts)


class FrozenTenantMembers(Resource, module="qlik", name="TenantGroupMembers"):
    """The people of a custom group, as they are recorded."""

    def __init__(self, key: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__(tenant_group_members_provider(), key, {FROZEN: True}, opts)


class FrozenPolicy(Resource, module="qlik", name="GroupPolicy"):
    """The policy of a group, as it is recorded."""

    def __init__(self, key: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__(group_policy_provider(), key, {FROZEN: True}, opts)


class FrozenSettings(Resource, module="qlik", name="LicenseSettings"):
    """The settings of the tenant, as they are recorded."""

    def __init__(self, resource_name: str) -> None:
        super().__init__(license_settings_provider(), resource_name, {FROZEN: True})


class FrozenUsers(Resource, module="qlik", name="Users"):
    """Whom this stack created as users, as they are recorded."""

    def __init__(self, resource_name: str) -> None:
        super().__init__(users_provider(), resource_name, {FROZEN: True})


class FrozenLeavers(Resource, module="qlik", name="Leavers"):
    """The leavers, as they are recorded: nobody goes further."""

    def __init__(self, resource_name: str) -> None:
        super().__init__(leavers_provider(), resource_name, {FROZEN: True})


class FrozenUserPolicy(Resource, module="qlik", name="UserPolicy"):
    """The spaces of people, as they are recorded."""

    def __init__(self, resource_name: str) -> None:
        super().__init__(user_policy_provider(), resource_name, {FROZEN: True})


class FrozenWebhook(Resource, module="qlik", name="Webhook"):
    """The webhook of the stack, as it is recorded."""

    def __init__(self, resource_name: str) -> None:
        super().__init__(webhook_provider(), resource_name, {FROZEN: True})


class FrozenGroup(pulumi.ComponentResource):
    """A group of this stack with all its parts, as they are recorded."""

    def __init__(self, key: str, parts: Mapping[str, Mapping[str, Any]]) -> None:
        """Register what the state knows of a group: `parts` {type: outputs}; raises UnsafePlan for an unknown type."""
        super().__init__(COMPONENT, key)
        opts = pulumi.ResourceOptions(parent=self)
        for type, outputs in parts.items():
            if type == DIRECTORY_GROUP:
                _freeze_directory_group(key, outputs, self)
            elif type == MEMBERS:
                FrozenMembers(key, opts)
            elif type == TENANT_MEMBERS:
                FrozenTenantMembers(key, opts)
            elif type == POLICY:
                FrozenPolicy(key, opts)
            else:
                raise UnsafePlan(f"{key}: the state has a {type} that cannot be left as it is; take only out")
        self.register_outputs({"objectId": parts.get(DIRECTORY_GROUP, {}).get("objectId")})


def _freeze_directory_group(key: str, outputs: Mapping[str, Any], parent: pulumi.Resource) -> None:
    azuread.GroupWithoutMembers(
        key,
        display_name=outputs["displayName"],
        mail_nickname=outputs["mailNickname"],
        security_enabled=outputs["securityEnabled"],
        opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=True, ignore_changes=_GROUP_INPUTS),
    )


def read_registered() -> dict[str, dict[str, Mapping[str, Any]]]:
    """Return the groups that the state of this stack knows, by key: the outputs of their parts, by type.

    What stands outside of groups is under the empty key. The engine answers it:
    https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/builtins.go
    """
    stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    found = pulumi.runtime.invoke("pulumi:pulumi:readStackResourceOutputs", {"stackName": stack}).value
    registered: dict[str, dict[str, Mapping[str, Any]]] = {"": {}}
    for urn, resource in found["outputs"].items():
        type, name = urn.split("::", 3)[2:]
        if type == COMPONENT:
            registered.setdefault(name, {})
        elif type.startswith(f"{COMPONENT}$"):
            registered.setdefault(name, {})[resource["type"]] = resource["outputs"]
        else:
            registered[""][resource["type"]] = resource["outputs"]
    return registered
