"""The program of a stack: files → declaration → names resolved → resources → exports."""

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pulumi

from qlik_provider.approvals import describe_carried_out
from qlik_provider.claims import find_owner
from qlik_provider.client import QlikClient
from qlik_provider.components import Grants, LicensedGroup
from qlik_provider.credentials import qlik_tokens
from qlik_provider.declaration import Declaration, load_declaration
from qlik_provider.entitlements import PEOPLE
from qlik_provider.errors import QlikProviderError
from qlik_provider.frozen import (
    LEAVERS,
    SETTINGS,
    USER_POLICY,
    USERS,
    WEBHOOK,
    FrozenGroup,
    FrozenLeavers,
    FrozenSettings,
    FrozenUserPolicy,
    FrozenUsers,
    FrozenWebhook,
    read_registered,
)
from qlik_provider.gate import find_refusals, raise_if_open
from qlik_provider.graph import GraphClient
from qlik_provider.graph_credentials import GraphTokens
from qlik_provider.joiners import Joiners
from qlik_provider.license_settings import warn_of_settings
from qlik_provider.meaning import read_meaning, warn_of_others
from qlik_provider.membership import Memberships
from qlik_provider.membership_report import make_memberships, write_memberships
from qlik_provider.people import TenantNames
from qlik_provider.pilot import describe_pilot, find_frozen, narrow
from qlik_provider.policy import write_subject
from qlik_provider.resolution import Resolved
from qlik_provider.resources import (
    DirectoryMembers,
    GroupPolicy,
    Leavers,
    LicenseAssignments,
    LicenseSettings,
    TenantGroupMembers,
    UserPolicy,
    Users,
    Webhook,
)
from qlik_provider.shapes import Group
from qlik_provider.tenant import Tenant
from qlik_provider.tenant_settings import TenantSettings

Holder = LicenseAssignments | TenantGroupMembers | Users | Leavers

# The engine interrupts the program while it waits for a failed check; the default answer prints no traceback.
signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> None:
    """Register what the stack's files declare."""
    config = pulumi.Config("qlik")
    folder = Path("stacks") / (config.get("access") or pulumi.get_stack())
    url = (config.get("tenant") or os.environ.get("QLIK_TENANT", "")).rstrip("/")
    try:
        declaration = load_declaration(folder)
        tenant = Tenant(QlikClient(url, qlik_tokens(url)))
        pilot, declaration = describe_pilot(declaration), narrow(declaration)
        resolved, counted, names, today = read_world(declaration, tenant)
        write_memberships(make_memberships(declaration, counted, tenant.client.now))
        warnings = [*pilot, *resolved.warnings, *read_settings(declaration, tenant)]
        freeze(declaration)
    except QlikProviderError as error:
        raise pulumi.RunError(str(error)) from None
    for warning in warnings:
        pulumi.log.warn(warning)
    users = register_users(resolved.joiners, names, url)
    groups = register_groups(declaration, resolved, counted, names, url, users)
    licenses = register_licenses(declaration, resolved, counted, names, url)
    settings = register_settings(declaration, names, url)
    leavers = register_leavers(declaration, resolved, counted, names, url, licenses)
    webhooks = register_webhook(declaration, names, url)
    policies = [name_rights(key, group.policy) for key, group in groups.items() if group.policy]
    policies += [name_user_rights(policy) for policy in register_user_policy(resolved, names, url, users)]
    parts: list[DirectoryMembers | LicenseSettings] = [*find_members(groups), *settings]
    holders: list[Holder] = [*licenses, *find_tenant_members(groups), *leavers]
    holders += [users] if users else []
    ends = pulumi.Output.all(
        groups=[part.deviations for part in parts] + policies + [name_properties(part) for part in webhooks],
        licenses=[(part.deviations, tell_doubt(part, counted.awaited)) for part in holders],
    )
    if declaration.access.only is None:  # what is left alone is not known here
        ends.apply(lambda outputs: tell_carried_out(declaration, outputs["groups"], outputs["licenses"], today))
    ends.apply(lambda outputs: gate(outputs["groups"], outputs["licenses"], counted.doubt))


def read_world(declaration: Declaration, tenant: Tenant) -> tuple[Resolved, Memberships, TenantNames, date]:
    """Return what the declaration means in directory and tenant, which are read side by side, and their day."""
    graph = GraphClient(GraphTokens())
    meaning = read_meaning(declaration, tenant, graph, pulumi.get_stack())
    warnings = (*meaning.resolved.warnings, *warn_of_others(declaration, meaning, tenant, graph))
    return replace(meaning.resolved, warnings=warnings), meaning.counted, meaning.names, meaning.today


def read_settings(declaration: Declaration, tenant: Tenant) -> list[str]:
    """Return what the tenant does by itself against the declaration, where this stack owns the seats."""
    licenses = declaration.access.licenses
    if licenses is None or licenses.owned_by:
        return []
    observed = TenantSettings(tenant).observe(tenant.id)
    return list(warn_of_settings(licenses.tenant_settings(), observed, licenses.order, licenses.baseline))


def freeze(declaration: Declaration) -> None:
    """Register as it is what the state knows and the declaration leaves alone; raises UnsafePlan where that cannot be.

    What is not registered would be deleted, and what the state does not know would be created.
    """
    if declaration.access.only is None:
        return
    registered = read_registered()
    for key in find_frozen(declaration, {key for key in registered if key}):
        FrozenGroup(key, registered[key])
    if SETTINGS in registered[""]:
        FrozenSettings("license-settings")
    if USERS in registered[""] and not declaration.access.provision:
        FrozenUsers("users")
    if LEAVERS in registered[""]:
        FrozenLeavers("leavers")
    if USER_POLICY in registered[""] and not declaration.access.counts(PEOPLE):
        FrozenUserPolicy("user-policy")
    if WEBHOOK in registered[""]:
        FrozenWebhook("webhook")


def name_rights(key: str, policy: GroupPolicy) -> pulumi.Output[dict[str, str]]:
    """Return the deviations of a policy by the subjects that approvals list."""
    return policy.deviations.apply(lambda rights: {write_subject(key, right): text for right, text in rights.items()})


def name_user_rights(users: UserPolicy) -> pulumi.Output[dict[str, str]]:
    """Return the deviations of the spaces of people by the subjects that approvals list."""
    return users.deviations.apply(
        lambda rights: {write_subject(*place.split("/", 1)): text for place, text in rights.items()}
    )


def name_properties(webhook: Webhook) -> pulumi.Output[dict[str, str]]:
    """Return the deviations of the webhook by names that say whose they are."""
    return webhook.deviations.apply(lambda told: {f"webhook {name}": text for name, text in told.items()})


def find_members(groups: Mapping[str, LicensedGroup]) -> list[DirectoryMembers]:
    """Return the members that this stack puts into groups."""
    return [group.members for group in groups.values() if group.members]


def find_tenant_members(groups: Mapping[str, LicensedGroup]) -> list[TenantGroupMembers]:
    """Return the members that this stack puts into custom groups of the tenant."""
    return [group.tenant_members for group in groups.values() if group.tenant_members]


def tell_doubt(seats: Holder, awaited: Mapping[str, str]) -> pulumi.Output[dict[str, str]]:
    """Return what is in doubt; a group that this stack is to create is, once the state has known it."""
    told = pulumi.Output.all(seats.doubt, seats.sources)
    return told.apply(lambda told: {key: why for key, why in told[0].items() if key not in awaited or key in told[1]})


def register_users(joiners: Joiners | None, names: TenantNames, url: str) -> Users | None:
    """Register who is to be a user before the first login, where this stack creates anybody."""
    if joiners is None:
        return None
    return Users(
        "users",
        tenant=url,
        tenant_id=names.id,
        users={subject: str(account) for subject, account in joiners.people.items()},
        rules=joiners.rules,
        doubt=joiners.doubt,
        sources=joiners.sources,
        object_ids=joiners.object_ids,
        kept={id: str(account) for id, account in joiners.kept.items()},
    )


def register_groups(
    declaration: Declaration,
    resolved: Resolved,
    counted: Memberships,
    names: TenantNames,
    url: str,
    users: Users | None = None,
) -> dict[str, LicensedGroup]:
    """Register each declared group that this stack creates or that has a policy in the tenant."""
    claim_by = declaration.access.claim_by
    policies, admitted = resolved.policies, resolved.tenant_members
    grants = {
        key: Grants(url, names.id, policies.get(key), claim_by, admitted.get(key), users)
        for key in declaration.groups
        if key in policies or key in admitted
    }
    return {
        key: LicensedGroup(
            key,
            stack=pulumi.get_stack(),
            name=group.name or counted.names[key],
            members=None if group.members is None else resolved.members[key],
            rule=group.rule,
            existing=find_existing(group, counted.sources.get(key) or counted.names.get(key)),
            rules=resolved.member_rules,
            grants=grants.get(key),
            previously=group.previously,
        )
        for key, group in declaration.groups.items()
        if group.members is not None or group.rule or key in grants
    }


def find_existing(group: Group, id: str | None) -> str | None:
    """Return the object id of a group that is only read, nothing for people in no group; None for a group of ours."""
    if group.is_selection():
        return ""
    return id if group.existing else None


def register_licenses(
    declaration: Declaration, resolved: Resolved, counted: Memberships, names: TenantNames, url: str
) -> list[LicenseAssignments]:
    """Register the seats, where the declaration has a licenses block and no other stack owns them."""
    licenses = declaration.access.licenses
    if licenses is None:
        return []
    if licenses.owned_by:
        owner = f"the stack {licenses.owned_by}"
        if find_owner(declaration.folder, licenses.owned_by) is None:
            owner += ", which is not in this repository,"
        pulumi.log.info(f"{owner} owns the seats of license {names.license}; this one gives and takes none")
        return []
    seats = LicenseAssignments(
        "license-assignments",
        tenant=url,
        tenant_id=names.id,
        license=names.license,
        assignments={subject: str(entitlement) for subject, entitlement in resolved.assignments.items()},
        rules=resolved.license_rules,
        doubt=counted.frozen,
        sources=counted.sources,
        object_ids=resolved.object_ids,
        kept={id: str(entitlement) for id, entitlement in resolved.kept.items()},
        waiting={subject: str(entitlement) for subject, entitlement in resolved.waiting.items()},
    )
    pulumi.export("seats", seats.seats)
    return [seats]


def register_leavers(
    declaration: Declaration,
    resolved: Resolved,
    counted: Memberships,
    names: TenantNames,
    url: str,
    seats: Sequence[LicenseAssignments],
) -> list[Leavers]:
    """Register who is here and who left, after the seats, where the declaration says what becomes of leavers."""
    served = resolved.served
    if declaration.access.leavers is None or declaration.access.only is not None:
        return []
    return [
        Leavers(
            "leavers",
            tenant=url,
            tenant_id=names.id,
            people={subject: str(entitlement) for subject, entitlement in served.people.items()},
            rules=served.rules,
            doubt=counted.frozen,
            sources=counted.sources,
            object_ids=served.object_ids,
            kept={id: str(entitlement) for id, entitlement in served.kept.items()},
            opts=pulumi.ResourceOptions(depends_on=list(seats)),
        )
    ]


def register_user_policy(resolved: Resolved, names: TenantNames, url: str, users: Users | None) -> list[UserPolicy]:
    """Register what people are granted by themselves, after the users, where anything of it is declared."""
    grants = resolved.user_grants
    if grants is None:
        return []
    return [
        UserPolicy(
            "user-policy",
            tenant=url,
            tenant_id=names.id,
            people=grants.people,
            spaces=grants.spaces,
            rules=grants.rules,
            opts=pulumi.ResourceOptions(depends_on=[users] if users else []),
        )
    ]


def tell_carried_out(
    declaration: Declaration,
    groups: Sequence[Mapping[str, str]],
    licenses: Sequence[Sequence[Mapping[str, str]]],
    today: date,
) -> None:
    """Say which approvals can go; in a preview only where every resource is as it was, since only then it is known."""
    for note in describe_carried_out(declaration, [*groups, *(deviations for deviations, _ in licenses)], today):
        pulumi.log.info(note)


def register_settings(declaration: Declaration, names: TenantNames, url: str) -> list[LicenseSettings]:
    """Register what the tenant is to do by itself, where anything of it is declared."""
    licenses = declaration.access.licenses
    settings = licenses.tenant_settings() if licenses else {}
    if licenses is None or not settings or declaration.access.only is not None:
        return []
    return [
        LicenseSettings("license-settings", tenant=url, tenant_id=names.id, settings=settings, retry=licenses.retry)
    ]


def register_webhook(declaration: Declaration, names: TenantNames, url: str) -> list[Webhook]:
    """Register what tells a pipeline of new users, where it is declared."""
    joiners = declaration.access.joiners
    if joiners is None or declaration.access.only is not None:
        return []
    told = joiners.webhook
    name = told.name or f"qlik-provider {pulumi.get_stack()}"
    return [
        Webhook(
            "webhook",
            tenant=url,
            tenant_id=names.id,
            name=name,
            url=told.url,
            enabled=told.enabled,
            retry=told.retry,
        )
    ]


def gate(
    groups: Sequence[Mapping[str, str]],
    licenses: Sequence[Sequence[Mapping[str, str]]],
    read_doubt: Mapping[str, str],
) -> None:
    """End the run red while anything was refused or is in doubt; in a preview this would stop the stack for ever."""
    doubts = dict(read_doubt)
    for _, known in licenses:
        doubts.update(known)  # told with what the state knows about the group
    raise_if_open(list(find_refusals([*groups, *(deviations for deviations, _ in licenses)])), doubts)


main()
