"""Users of the tenant whom no group explains, and what lets them in; performs no I/O.

Nothing here takes anything from anybody: it is told, and what is to be switched by hand is named.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from qlik_provider.changes import name_some
from qlik_provider.declaration import Declaration
from qlik_provider.entitlements import fold
from qlik_provider.people import Application, Directory, DirectoryUser, IdentityProvider, TenantUser
from qlik_provider.plurals import count_of, count_people
from qlik_provider.subjects import Subjects

_CONSOLE = "the Administration activity center, Identity provider"
_ENTERPRISE = "in Entra, Enterprise applications"


@dataclass(frozen=True)
class SignIn:
    """What was read of how people get in."""

    providers: tuple[IdentityProvider, ...] = ()
    application: Application | None = None
    """The application of the directory that people sign in to; None where none is declared, or it was not found."""
    assigned: frozenset[str] = frozenset()
    """The object ids of the people who are assigned to it, by themselves or by a group they are in directly."""
    unread: tuple[str, ...] = ()
    """What could not be read, and what it takes."""
    faults: tuple[str, ...] = ()
    """What is wrong with the declared application."""


def find_declared(
    declaration: Declaration, directory: Directory, members: Mapping[str, Iterable[str]]
) -> dict[str, DirectoryUser]:
    """Return everybody whom a group, an exception, `protect` or `leavers` names, by object id.

    `members` are those of groups.
    """
    ids = {id for group in members.values() for id in group}
    declared = {user.id: user for user in directory.users if user.id in ids}
    leavers = declaration.access.leavers
    steward = [leavers.transfer_to] if leavers and leavers.transfer_to else []
    for name in (*declaration.people, *declaration.access.protect, *steward):
        declared |= {user.id: user for user in directory.find(name)}
    return declared


def find_unexplained(
    declaration: Declaration, declared: Mapping[str, DirectoryUser], users: Iterable[TenantUser]
) -> tuple[TenantUser, ...]:
    """Return the users of the tenant who can log in and whom nothing explains: neither by subject nor by e-mail.

    Whoever is known by another subject than declared is somebody all the same. Clients are nobody.
    """
    users = tuple(users)
    subjects = Subjects(declaration.access.subject, users)
    known = {fold(subjects.build(person) or person.id) for person in declared.values()}
    mails = {fold(name) for person in declared.values() for name in (person.address, person.user_principal_name)}
    return tuple(
        sorted(
            (
                user
                for user in users
                if user.status != "disabled" and not user.is_bot
                if fold(user.subject) not in known and fold(user.email or user.subject) not in mails
            ),
            key=lambda user: (fold(user.email or user.name or user.subject), user.subject),
        )
    )


def describe_unexplained(users: Collection[TenantUser], doubtful: Collection[str]) -> Iterator[str]:
    """Yield a warning about users whom no group explains; while a group is in doubt nobody can tell who they are."""
    if doubtful:
        yield f"which users of the tenant no group explains is not known: in doubt: {', '.join(sorted(doubtful))}"
    elif users:
        names = name_some([user.email or user.name or user.subject for user in users])
        told = count_of(len(users), "user of the tenant is", "users of the tenant are")
        yield (f"{told} in no group and no exception of this stack: {names}; `qlik-provider report` lists them all")


def describe_sign_in(read: SignIn, people: Mapping[str, DirectoryUser], *, creates_users: bool) -> Iterator[str]:
    """Yield a warning for each thing that lets in whom no group explains, with what to switch by hand.

    `people` are those whom this stack gives something, `creates_users` tells whether it creates them beforehand.
    """
    for provider in read.providers:
        if provider.is_active and provider.creates_users:
            first = "" if creates_users else "; with provision: true this stack creates its own people before that"
            yield (
                f"identity provider {provider.name} ({provider.id}): createNewUsersOnLogin is on, so whoever signs in "
                f"becomes a user of the tenant, and no API switches it; by hand: {_CONSOLE}{first}"
            )
    if read.application is not None:
        yield from _describe_application(read.application, read.assigned, people)
    yield from read.unread


def _describe_application(
    application: Application, assigned: Collection[str], people: Mapping[str, DirectoryUser]
) -> Iterator[str]:
    left_out = sorted(person.address for id, person in people.items() if id not in assigned and not person.has_left())
    place = f"{_ENTERPRISE}, {application.name}"
    if application.is_assignment_required:
        if left_out:
            yield (
                f"application {application.name}: {count_people(len(left_out))} of this stack "
                f"{'is' if len(left_out) == 1 else 'are'} not assigned to it and "
                f"cannot sign in: {name_some(left_out)}; by hand: {place}, Users and groups: assign them, or a group "
                "that they are in directly"
            )
        return
    before = "everybody of this stack is assigned to it"
    if left_out:
        before = (
            f"first assign {count_people(len(left_out))} of this stack, who would be locked out: {name_some(left_out)}"
        )
    yield (
        f"application {application.name}: an assignment is not required, so every account of the directory can sign "
        f"in; by hand: {place}, Properties: Assignment required; {before}"
    )
