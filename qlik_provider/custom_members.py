"""Who is to be in a custom group of the tenant, and who cannot be added or taken out now; performs no I/O.

A custom group is one whose people this tenant is told, and not the identity provider. Only users of the tenant can be
in one, so who has never logged in waits.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from qlik_provider.changes import name_some
from qlik_provider.entitlements import MEMBER, Entitlement, fold
from qlik_provider.moves import leave_out_known
from qlik_provider.people import Administrator, DirectoryUser
from qlik_provider.plan import Plan
from qlik_provider.policy import WAITING
from qlik_provider.verdicts import PROTECTED


@dataclass(frozen=True)
class CustomMembers:
    """Who is to be in one custom group, and what its plan is told besides, in plain values."""

    people: Mapping[str, Entitlement]
    """By subject."""
    object_ids: Mapping[str, str]
    """The object id of whose subject it is."""
    kept: Mapping[str, Entitlement]
    """By object id: people who are no users of the tenant by their subject; who is in by a former one stays."""
    rules: Mapping[str, str | int] = field(default_factory=dict)
    doubt: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


def name_members(key: str, users: Iterable[tuple[DirectoryUser, str | None]], known: Collection[str]) -> CustomMembers:
    """Return who is to be in the custom group of a key: people and their subjects, None for who has none.

    `known` are the folded subjects of the tenant's users.
    """
    people: dict[str, Entitlement] = {}
    ids: dict[str, str] = {}
    kept: dict[str, Entitlement] = {}
    for user, subject in users:
        entitlement = Entitlement(MEMBER, (key,), user.address)
        if subject is not None:
            people[subject] = entitlement
            ids[subject] = user.id
        if subject is None or fold(subject) not in known:
            kept[user.id] = entitlement
    return CustomMembers(people, leave_out_known(ids), kept)


def leave_waiting(plan: Plan, known: Collection[str]) -> Plan:
    """Return a plan that adds nobody who is no user of the tenant; they wait. `known` are the folded subjects."""
    waiting = [change for change in plan.changes if change.verb == "assign" and fold(change.subject) not in known]
    return plan.leave({change.key: WAITING for change in waiting})


def keep_administrators(
    plan: Plan, group: str, users: Mapping[str, str], administrators: Iterable[Administrator], caller: str
) -> Plan:
    """Return a plan that takes TenantAdmin neither from the last who have it nor from this run itself.

    `group` gives its people the role, `users` are the ids of users by folded subject.
    """
    removals = {users[fold(c.subject)]: c for c in plan.changes if c.is_removal and fold(c.subject) in users}
    admins = list(administrators)
    losing = {a.id for a in admins if a.id in removals and not (a.is_assigned or a.groups - {group})}
    if all(admin.is_bot for admin in admins if admin.id not in losing):
        kept, why = losing, "without them nobody who logs in would be TenantAdmin"
    else:
        kept, why = losing & {caller}, "this run itself is TenantAdmin by this group only"
    if not kept:
        return plan
    left = [change for id, change in removals.items() if id in kept]
    names = name_some([change.mail for change in left])
    plan = plan.leave({change.key: PROTECTED for change in left})
    return replace(plan, warnings=(*plan.warnings, f"{names} stays: {why}"))
