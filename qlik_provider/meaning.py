"""What a declaration means in directory and tenant, which are read side by side."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date

from qlik_provider.approvals import describe_idle, find_strangers
from qlik_provider.declaration import Declaration
from qlik_provider.entitlements import NONE
from qlik_provider.errors import DeclarationError, Forbidden, NotFound, NotPermitted, QlikProviderError
from qlik_provider.graph import GraphClient
from qlik_provider.groups import read_groups
from qlik_provider.membership import Memberships, count_members
from qlik_provider.people import Directory, DirectoryUser, TenantNames, TenantUser
from qlik_provider.queries import read_everyone, read_queries
from qlik_provider.resolution import Resolved, resolve, unknown_people
from qlik_provider.strangers import (
    SignIn,
    describe_sign_in,
    describe_unexplained,
    find_declared,
    find_unexplained,
)
from qlik_provider.tenant import Tenant

READ_APPLICATIONS = "Application.Read.All"  # https://learn.microsoft.com/graph/api/serviceprincipal-get


@dataclass(frozen=True)
class Meaning:
    """Who is to hold what, and what was read to know it."""

    resolved: Resolved
    counted: Memberships
    names: TenantNames
    today: date
    people: Mapping[str, DirectoryUser]
    """Everybody whom the declaration names, by object id."""
    unexplained: tuple[TenantUser, ...]
    """Users of the tenant whom it does not explain."""


def read_meaning(declaration: Declaration, tenant: Tenant, graph: GraphClient, stack: str) -> Meaning:
    """Return what the declaration means today; raises DeclarationError with every fault, each at its place."""
    with ThreadPoolExecutor() as pool:
        gives_later = any(group.grant == "firstLogin" for group in declaration.groups.values())
        reading_names = pool.submit(tenant.read_names, with_holders=gives_later)
        reading_groups = pool.submit(read_groups, graph, declaration.groups, stack)
        reading_queries = pool.submit(read_queries, graph, declaration.groups)
        users = graph.read_users()
        everyone = read_everyone(declaration.groups, users)
        if unknown_people(declaration, Directory(users)):
            users += graph.read_deleted_users()
        readings = {**reading_groups.result(), **reading_queries.result(), **everyone}
        names, counted = reading_names.result(), count_members(declaration, readings)
    today = tenant.client.now.date()
    directory = Directory(users)
    resolved = resolve(declaration, directory, names, today, counted)
    strangers = find_strangers(declaration, directory, names, today)
    if strangers:
        names = replace(names, holders=tenant.read_holders())
    idle = describe_idle(declaration, strangers - names.holders, today)
    people = find_declared(declaration, directory, resolved.members)
    return Meaning(
        resolved=replace(resolved, warnings=(*resolved.warnings, *idle)),
        counted=counted,
        names=names,
        today=today,
        people=people,
        unexplained=find_unexplained(declaration, people, names.users),
    )


def warn_of_others(declaration: Declaration, meaning: Meaning, tenant: Tenant, graph: GraphClient) -> list[str]:
    """Return what is worth a warning about people whom no group explains: who they are, and what lets them in.

    Only who owns the seats can tell who is a stranger, and not while only a part of the declaration counts. What lets
    people in is read where `signIn` asks for it; raises DeclarationError for an application that is none.
    """
    licenses, access = declaration.access.licenses, declaration.access
    warnings: list[str] = []
    is_open = licenses is None or bool(licenses.owned_by) or licenses.baseline != NONE
    if not is_open and access.only is None:
        warnings += describe_unexplained(meaning.unexplained, meaning.counted.frozen)
    if access.sign_in is not None and access.only is None:
        read = read_sign_in(tenant, graph, access.sign_in.application)
        if read.faults:
            place = ("signIn", "application")
            raise DeclarationError([declaration.fault("access", *place, reason=reason) for reason in read.faults])
        warnings += describe_sign_in(read, meaning.people, creates_users=access.provision)
    return warnings


def read_sign_in(tenant: Tenant, graph: GraphClient, application: str | None) -> SignIn:
    """Return how people get in, as far as this caller may read it; what it may not is named and raises nothing."""
    read = SignIn()
    try:
        read = replace(read, providers=tenant.client.read_identity_providers())
    except NotPermitted as error:
        read = replace(read, unread=(f"whether logins create users is not known: {error}",))
    return read if application is None else _read_application(graph, application, read)


def _read_application(graph: GraphClient, name: str, read: SignIn) -> SignIn:
    try:
        found = graph.read_applications(name)
        if len(found) != 1:
            return replace(read, faults=(_explain_application(name, [application.id for application in found]),))
        assigned = _read_assigned(graph, found[0].id)
    except Forbidden as error:
        reason = f"{error.path} is forbidden to this client; grant it the application permission {READ_APPLICATIONS}"
        return replace(read, unread=(*read.unread, f"who may sign in to {name!r} is not known: {reason}"))
    except QlikProviderError as error:
        return replace(read, unread=(*read.unread, f"who may sign in to {name!r} is not known: {error}"))
    return replace(read, application=found[0], assigned=assigned)


def _read_assigned(graph: GraphClient, application: str) -> frozenset[str]:
    """Return who is assigned: of a group whoever is in it directly, as Entra counts it.

    https://learn.microsoft.com/entra/identity/enterprise-apps/assign-user-or-group-access-portal
    """
    people: set[str] = set()
    for id, kind in graph.read_assigned(application):
        if kind == "Group":
            try:
                people.update(graph.read_members(id))
            except NotFound:
                continue  # deleted since: nobody is assigned by it
        else:
            people.add(id)
    return frozenset(people)


def _explain_application(name: str, found: list[str]) -> str:
    if found:
        return f"{name!r} is the name of {len(found)} applications: {', '.join(sorted(found))}; write the client id"
    return f"{name!r} is no enterprise application of the directory; write its display name or its client id"
