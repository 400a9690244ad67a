"""Whom a declaration gives anything, and who takes over what leavers own; performs no I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from qlik_provider.declaration import Declaration
from qlik_provider.entitlements import NONE, PEOPLE, Entitlement, fold
from qlik_provider.moves import leave_out_known
from qlik_provider.people import DirectoryUser, TenantUser
from qlik_provider.rungs import ACTIVE, USER
from qlik_provider.shapes import Leavers, hours_of
from qlik_provider.subjects import Subjects


@dataclass(frozen=True)
class Served:
    """Everybody whom a stack gives something, and what becomes of them after they left, in plain values."""

    people: Mapping[str, Entitlement] = field(default_factory=dict)
    """By subject."""
    object_ids: Mapping[str, str] = field(default_factory=dict)
    """The object id of whose subject it is."""
    kept: Mapping[str, Entitlement] = field(default_factory=dict)
    """By object id: people whose subject nobody can tell today."""
    rules: Mapping[str, str | int] = field(default_factory=dict)


def name_served(
    declaration: Declaration,
    members: Mapping[str, Iterable[DirectoryUser]],
    exceptions: Iterable[DirectoryUser],
    subjects: Subjects,
) -> Served:
    """Return who is in a group and counts, and who has an exception that gives something.

    `members` are the people of each group, `exceptions` those whose exceptions give them anything.
    """
    users: dict[str, DirectoryUser] = {}
    keys: dict[str, set[str]] = {}
    for key, group in declaration.groups.items():
        for user in members[key]:
            if "disabled" in group.include or not user.has_left():
                users[user.id] = user
                keys.setdefault(user.id, set()).add(key)
    for user in exceptions:
        users[user.id] = user
        keys.setdefault(user.id, set()).add(PEOPLE)
    people: dict[str, Entitlement] = {}
    ids: dict[str, str] = {}
    kept: dict[str, Entitlement] = {}
    for id, user in sorted(users.items()):
        entitlement = Entitlement(USER, tuple(sorted(keys[id])), user.address)
        subject = subjects.build(user)
        if subject is None or subjects.is_newcomer(user):
            kept[id] = entitlement
        if subject is not None:
            people[subject] = entitlement
            ids[subject] = id
    return Served(people, leave_out_known(ids), kept)


def write_terms(declaration: Declaration, leavers: Leavers) -> dict[str, str | int]:
    """Return the rules by which leavers are disabled and deleted, without whom things are handed over to."""
    licenses = declaration.access.licenses
    rules: dict[str, str | int] = {}
    if leavers.disable_after:
        rules["disableAfter"] = hours_of(leavers.disable_after)
    if leavers.delete_after:
        rules["deleteAfter"] = hours_of(leavers.delete_after)
    if licenses and licenses.baseline != NONE:
        rules["baseline"] = licenses.baseline
    if licenses and licenses.retry:
        rules["retry"] = licenses.retry
    formerly = {key: group.previously for key, group in declaration.groups.items() if group.previously}
    return {**rules, **{f"previously.{key}": former for key, former in formerly.items()}}


def dispute_steward(steward: DirectoryUser, subject: str | None, users: Iterable[TenantUser]) -> str:
    """Return why nothing can be handed over to somebody; nothing where it can."""
    if steward.has_left():
        state = "deleted" if steward.is_deleted else "disabled"
        return f"{steward.address} is {state} in the directory, a leaver too; name somebody who is there"
    found = [user for user in users if subject is not None and fold(user.subject) == fold(subject)]
    if not found:
        return f"{steward.address} is no user of the tenant, so nothing can be theirs; have them log in first"
    if found[0].status != ACTIVE:
        return f"{steward.address} is {found[0].status} in the tenant, so nothing can be theirs; name somebody active"
    return ""
