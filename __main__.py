"""The program of a stack: files → declaration → names resolved → resources → exports."""

import os
import signal
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pulumi

from qlik_provider.client import QlikClient
from qlik_provider.components import LicensedGroup
from qlik_provider.credentials import GraphTokens, qlik_tokens
from qlik_provider.declaration import Declaration, load_declaration
from qlik_provider.errors import QlikProviderError
from qlik_provider.graph import GraphClient
from qlik_provider.people import Directory, TenantNames
from qlik_provider.resolution import Resolved, resolve, unknown_people
from qlik_provider.resources import LicenseAssignments
from qlik_provider.tenant import Tenant

# The engine interrupts the program while it waits for a failed check; the default answer prints no traceback.
signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> None:
    """Register what the stack's files declare."""
    config = pulumi.Config("qlik")
    folder = Path("stacks") / (config.get("access") or pulumi.get_stack())
    url = (config.get("tenant") or os.environ.get("QLIK_TENANT", "")).rstrip("/")
    try:
        declaration = load_declaration(folder)
        resolved, names = read_world(declaration, url)
    except QlikProviderError as error:
        raise pulumi.RunError(str(error)) from None
    for warning in resolved.warnings:
        pulumi.log.warn(warning)
    groups = register_groups(declaration, resolved)
    licenses = register_licenses(declaration, resolved, names, url)
    pulumi.Output.all(
        groups=[group.members.deviations for group in groups],
        licenses=[(seats.deviations, seats.doubt) for seats in licenses],
    ).apply(lambda outputs: gate(outputs["groups"], outputs["licenses"]))


def read_world(declaration: Declaration, url: str) -> tuple[Resolved, TenantNames]:
    """Return what the declaration means in directory and tenant, which are read side by side."""
    tenant = Tenant(QlikClient(url, qlik_tokens(url)))
    graph = GraphClient(GraphTokens())
    with ThreadPoolExecutor() as pool:
        reading_names = pool.submit(tenant.read_names)
        users = graph.read_users()
        if unknown_people(declaration, Directory(users)):
            users += graph.read_deleted_users()
        names = reading_names.result()
    now: datetime = tenant.client.now
    return resolve(declaration, Directory(users), names, now.date()), names


def register_groups(declaration: Declaration, resolved: Resolved) -> list[LicensedGroup]:
    """Register one group of the directory for each declared one."""
    return [
        LicensedGroup(
            key,
            stack=pulumi.get_stack(),
            name=group.name,
            members=resolved.members[key],
            rules=resolved.member_rules,
        )
        for key, group in declaration.groups.items()
        if group.name and group.members is not None
    ]


def register_licenses(
    declaration: Declaration, resolved: Resolved, names: TenantNames, url: str
) -> list[LicenseAssignments]:
    """Register the seats, where the declaration has a licenses block."""
    if declaration.access.licenses is None:
        return []
    seats = LicenseAssignments(
        "license-assignments",
        tenant=url,
        tenant_id=names.id,
        license=names.license,
        assignments={subject: str(entitlement) for subject, entitlement in resolved.assignments.items()},
        rules=resolved.license_rules,
    )
    pulumi.export("seats", seats.seats)
    return [seats]


def gate(groups: Sequence[Mapping[str, str]], licenses: Sequence[Sequence[Mapping[str, str]]]) -> None:
    """End the run red while anything was refused or is in doubt; in a preview this would stop the stack for ever."""
    doubt = [f"{key}: {reason}" for _, doubts in licenses for key, reason in sorted(doubts.items())]
    deviations = [*groups, *(deviations for deviations, _ in licenses)]
    refused = [
        f"{subject}: {text}"
        for people in deviations
        for subject, text in sorted(people.items())
        if text.partition("; ")[2].startswith(("refused", "unsent"))
    ]
    if (refused or doubt) and not pulumi.runtime.is_dry_run():
        raise pulumi.RunError(
            "; ".join([*(f"refused: {text}" for text in refused), *(f"in doubt: {t}" for t in doubt)])
        )


main()
