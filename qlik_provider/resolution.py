"""What the names of a declaration mean, and so who is to hold what; performs no I/O."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from typing import Any

from qlik_provider.changes import name_some
from qlik_provider.custom_members import CustomMembers, name_members
from qlik_provider.declaration import Declaration
from qlik_provider.entitlements import CAPACITY, NONE, PEOPLE, Entitlement, fold
from qlik_provider.errors import DeclarationError
from qlik_provider.joiners import Joiners, name_joiners
from qlik_provider.membership import Memberships, find_joiners
from qlik_provider.moves import leave_out_known
from qlik_provider.people import Directory, DirectoryUser, TenantNames
from qlik_provider.plurals import count_of
from qlik_provider.rights import find_space_faults
from qlik_provider.served import Served, dispute_steward, name_served, write_terms
from qlik_provider.shapes import BrakeRule, Group, hours_of
from qlik_provider.subjects import Subjects, check_subjects
from qlik_provider.user_grants import UserGrants, grant_users


@dataclass(frozen=True)
class Resolved:
    """Who is to hold what, in plain values, ready to be given to the resources."""

    assignments: Mapping[str, Entitlement]
    members: Mapping[str, Mapping[str, str]]
    license_rules: Mapping[str, str | int]
    member_rules: Mapping[str, str | int]
    policies: Mapping[str, "Policy"]
    warnings: tuple[str, ...]
    object_ids: Mapping[str, str] = field(default_factory=dict)
    """Whose a subject is, for subjects that do not say it by themselves."""
    kept: Mapping[str, Entitlement] = field(default_factory=dict)
    """By object id: people whose subject is a newcomer's, or that nobody can tell; what they hold stays where it is."""
    waiting: Mapping[str, Entitlement] = field(default_factory=dict)
    """What people get after their first login, and what those who hold a seat under a former subject keep."""
    tenant_members: Mapping[str, CustomMembers] = field(default_factory=dict)
    """Who is to be in each custom group of the tenant."""
    joiners: Joiners | None = None
    """Who is to be a user before the first login; None where this stack creates nobody."""
    served: Served = field(default_factory=Served)
    """Whom the declaration gives anything, where it says what becomes of leavers."""
    user_grants: UserGrants | None = None
    """What people are to be granted by themselves; None where no spaces of people are declared."""


@dataclass(frozen=True)
class Policy:
    """What one group is to be granted in the tenant; None is not managed."""

    roles: tuple[str, ...] | None
    """Names of tenant roles."""
    spaces: Mapping[str, tuple[str, ...]] | None
    """Roles in spaces, by name or id of the space."""
    reach: int
    """How many people are in the group."""
    rules: Mapping[str, str | int]
    """{name: scalar} as docs/formats.md lists them for `GroupPolicy`."""


def resolve(
    declaration: Declaration,
    directory: Directory,
    tenant: TenantNames,
    today: date,
    counted: Memberships | None = None,
) -> Resolved:
    """Return what the declaration means on a day; raises DeclarationError with every fault, each at its place.

    `counted` are the people read from the directory; without it the declaration may have no such group.
    """
    counted = counted or Memberships()
    resolution = _Resolution(declaration, directory, tenant, today)
    faults = [*_unknown_names(declaration, tenant), *counted.faults]
    members = {key: counted.users.get(key) or resolution.find_members(key) for key in declaration.groups}
    assignments = resolution.assign(members)
    admitted = {
        key: resolution.admit(key, members[key]) for key, group in declaration.groups.items() if group.is_custom()
    }
    joiners = resolution.join(members) if declaration.access.provision else None
    grants = resolution.grant_directly()
    protected = resolution.find_protected()
    served = resolution.serve(members)
    subjects = {subject: user for user in protected for subject in resolution.subjects_of(user)}
    faults += resolution.faults
    checked = check_subjects(resolution.holders, resolution.subjects)
    if not faults:
        faults += checked.faults
    if faults:
        raise DeclarationError(faults)
    brake, approvals = _brake_rules(declaration.access.brake), {"approvals": str(declaration.folder / "approvals")}
    shared = {name: value for name, value in _license_rules(declaration).items() if name in {"adopt", "retry"}}
    shared |= {**brake, **approvals}
    protections = {f"protect.{subject}": user.address for subject, user in subjects.items()}
    return Resolved(
        assignments=assignments,
        members={key: {user.id: user.user_principal_name for user in users} for key, users in members.items()},
        license_rules={
            **_license_rules(declaration),
            **(resolution.exceptions if declaration.access.only is not None or _releases_late(declaration) else {}),
            **{f"capacity.{key}": count for key, count in sorted(resolution.on_capacity.items())},
            **brake,
            **approvals,
            **protections,
            **counted.rules,
        },
        member_rules={**brake, **approvals, **{f"protect.{user.id}": user.address for user in protected}},
        policies=_find_policies(declaration, members, protected, shared, counted),
        warnings=(*counted.warnings, *resolution.warnings, *resolution.describe_subjects(), *checked.warnings),
        object_ids=leave_out_known(
            {**{subject: user.id for subject, user in subjects.items()}, **resolution.object_ids}
        ),
        kept=resolution.kept,
        waiting=resolution.waiting,
        tenant_members={
            key: replace(
                found,
                rules={**shared, **protections, **{n: it for n, it in counted.rules.items() if n == f"source.{key}"}},
                doubt={name: why for name, why in counted.frozen.items() if name == key},
                sources={name: id for name, id in counted.sources.items() if name == key},
            )
            for key, found in admitted.items()
        },
        joiners=joiners
        and replace(
            joiners,
            rules={**_joiner_rules(declaration), **protections, **counted.rules},
            doubt=counted.frozen,
            sources=counted.sources,
        ),
        served=replace(
            served,
            object_ids=leave_out_known({**{s: user.id for s, user in subjects.items()}, **served.object_ids}),
            rules={
                **served.rules,
                **brake,
                **approvals,
                **protections,
                **counted.rules,
            },
        ),
        user_grants=grants
        and replace(
            grants, rules={**shared, **grants.rules, **{f"protect.{user.id}": user.address for user in protected}}
        ),
    )


def _find_policies(
    declaration: Declaration,
    members: Mapping[str, Collection[DirectoryUser]],
    protected: Iterable[DirectoryUser],
    rules: Mapping[str, str | int],
    counted: Memberships,
) -> dict[str, Policy]:
    """Return the policy of each group that declares roles or spaces; a withdrawal reaches everybody in the group."""
    addresses = {user.id: user.address for user in protected}
    return {
        key: Policy(
            roles=group.roles,
            spaces=group.spaces,
            reach=len(members[key]),
            rules={
                **rules,
                **counted.policy_rules(key),
                **{f"protect.{user.id}": addresses[user.id] for user in members[key] if user.id in addresses},
            },
        )
        for key, group in declaration.groups.items()
        if group.roles is not None or group.spaces is not None
    }


def unknown_people(declaration: Declaration, directory: Directory) -> list[str]:
    """Return the names of the declaration that nobody in the directory has."""
    named = [*declaration.access.protect, *declaration.people, *_stewards(declaration)]
    named += [name for group in declaration.groups.values() for name in group.members or ()]
    return [name for name in named if not directory.find(name)]


def _stewards(declaration: Declaration) -> list[str]:
    leavers = declaration.access.leavers
    return [leavers.transfer_to] if leavers and leavers.transfer_to else []


class _Resolution:
    """One pass over the declaration, collecting what is wrong and what is worth a warning."""

    def __init__(self, declaration: Declaration, directory: Directory, tenant: TenantNames, today: date) -> None:
        self.declaration = declaration
        self.directory = directory
        self.today = today
        self.on_capacity: dict[str, int] = {}
        self._users = tenant.users
        self._known = {fold(user.subject) for user in tenant.users}
        self._arrived = {fold(user.subject) for user in tenant.users if user.status == "active"} | tenant.holders
        self.faults: list[str] = []
        self.warnings: list[str] = []
        self.subjects = Subjects(declaration.access.subject, tenant.users)
        self.holders: dict[str, DirectoryUser] = {}
        self._excepted: list[DirectoryUser] = []
        self.exceptions: dict[str, str] = {}
        """The rule of each exception that counts."""
        self.object_ids: dict[str, str] = {}
        self.kept: dict[str, Entitlement] = {}
        self.waiting: dict[str, Entitlement] = {}
        self._without: list[DirectoryUser] = []

    def find_members(self, key: str) -> list[DirectoryUser]:
        """Return the declared members of a group who are in the directory, disabled ones included."""
        found = []
        for index, name in enumerate(self.declaration.groups[key].members or ()):
            user = self._find(name, f"groups/{key}", "members", index)
            if user and not user.is_deleted:
                found.append(user)
            if user and user.has_left():
                self._warn_of_leaver(user, key)
        self._refuse_twins(key, found)
        return found

    def find_protected(self) -> list[DirectoryUser]:
        """Return the people nobody may write."""
        names = enumerate(self.declaration.access.protect)
        return [user for index, name in names if (user := self._find(name, "access", "protect", index))]

    def assign(self, members: Mapping[str, Iterable[DirectoryUser]]) -> dict[str, Entitlement]:
        """Return who is to hold which type: the strongest of the groups, unless an exception says otherwise."""
        licenses = self.declaration.access.licenses
        if licenses is None:
            return {}
        users: dict[str, DirectoryUser] = {}
        granted, late = self._collect(members, users)
        for id, keys in granted.items():
            granted[id] = self._take_seats(keys)
        assignments: dict[str, Entitlement] = {}
        for id, keys in sorted(granted.items()):
            if keys:
                self._give(users[id], self._entitle(users[id], keys), assignments)
        for id, keys in sorted(late.items()):
            seats = {key: type for key, type in {**granted.get(id, {}), **keys}.items() if type != CAPACITY}
            if seats:
                self._keep_waiting(users[id], self._entitle(users[id], seats))
        return assignments

    def _collect(
        self, members: Mapping[str, Iterable[DirectoryUser]], users: dict[str, DirectoryUser]
    ) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
        """Return which types everybody gets by which keys, and those that come with the first login; note everybody."""
        granted: dict[str, dict[str, str]] = {}
        late: dict[str, dict[str, str]] = {}
        for key, group in self.declaration.groups.items():
            counted, waiting = self._count_in(key, group, members[key])
            for given, people in ((granted, counted), (late, waiting)):
                for user in people:
                    users[user.id] = user
                    given.setdefault(user.id, {})[key] = group.license or NONE
        for user, type in self._exceptions():
            users[user.id] = user
            self.exceptions |= {f"exception.{subject}": type for subject in self._known_subjects(user)}
            granted[user.id] = {} if type == NONE or not self.declaration.access.counts(PEOPLE) else {PEOPLE: type}
            late.pop(user.id, None)
            self._excepted += [user] if granted[user.id] else []
        return granted, late

    def _entitle(self, user: DirectoryUser, keys: Mapping[str, str]) -> Entitlement:
        """Return what keys confer together: the strongest of their types."""
        order = self.declaration.access.licenses.order if self.declaration.access.licenses else ()
        strongest_first = sorted(keys, key=lambda key: (order.index(keys[key]), key))
        return Entitlement(keys[strongest_first[0]], tuple(strongest_first), user.address)

    def _give(self, user: DirectoryUser, entitlement: Entitlement, assignments: dict[str, Entitlement]) -> None:
        """Give a person what they are entitled to, by their subject; who has none, or a newcomer's, is kept."""
        self._refuse_ambiguous(user)
        subject = self.subjects.build(user)
        if subject is None or self.subjects.is_newcomer(user):
            self.kept[user.id] = entitlement
            self._without.append(user)
        if subject is not None:
            assignments[subject] = entitlement
            self.object_ids[subject] = user.id
            self._hold(subject, user)

    def admit(self, key: str, users: Iterable[DirectoryUser]) -> CustomMembers:
        """Return who is to be in a custom group; who has no subject is told of like anybody else without one."""
        return name_members(key, self._name_all(users), self._known)

    def _name_all(self, users: Iterable[DirectoryUser]) -> list[tuple[DirectoryUser, str | None]]:
        """Return people with their subjects, None for who has none; note whatever is odd about them."""
        named = [(user, self.subjects.build(user)) for user in users]
        for user, subject in named:
            self._refuse_ambiguous(user)
            if subject is not None:
                self._hold(subject, user)
            if (subject is None or self.subjects.is_newcomer(user)) and user not in self._without:
                self._without.append(user)
        return named

    def grant_directly(self) -> UserGrants | None:
        """Return what people are granted by themselves; None where nobody's spaces are declared, or they do not count.

        Who has left, or whose exception has ended, is granted nothing.
        """
        people = self.declaration.people
        if not self.declaration.access.counts(PEOPLE) or all(person.spaces is None for person in people.values()):
            return None
        granted: dict[str, tuple[DirectoryUser, str | None, Mapping[str, tuple[str, ...]] | None]] = {}
        for name, person in people.items():
            user = self._find(name, "people", name)
            if user is None:
                continue
            if user.id in granted:
                self._tell_fault(self.declaration.fault("people", name, reason=_named_twice(user)))
            spaces, subject = person.spaces, None
            if spaces and user.has_left():
                self._warn_of_leaver(user, PEOPLE)
                spaces = {}
            elif spaces and person.until and person.until < self.today:
                self._warn_of_end(name, person.until)
                spaces = {}
            if spaces:
                ((_, subject),) = self._name_all([user])
            granted[user.id] = (user, subject, spaces)
        return grant_users(granted.values())

    def join(self, members: Mapping[str, Iterable[DirectoryUser]]) -> Joiners:
        """Return who is to be a user; who has no subject is told of like anybody else without one."""
        named = []
        for user, keys in find_joiners(self.declaration, self.directory, members, self.today):
            self._refuse_ambiguous(user)
            subject = self.subjects.build(user)
            if subject is not None:
                self._hold(subject, user)
            is_newcomer = subject is None or self.subjects.is_newcomer(user)
            if is_newcomer and user not in self._without:
                self._without.append(user)
            is_met = subject is not None and fold(subject) not in self._known and bool(self.subjects.find_users(user))
            named.append((user, keys, subject, is_newcomer or is_met))
        return name_joiners(named)

    def serve(self, members: Mapping[str, Collection[DirectoryUser]]) -> Served:
        """Return whom the declaration gives anything, and what becomes of leavers; nobody where it does not say."""
        leavers = self.declaration.access.leavers
        if leavers is None:
            return Served()
        excepted = [*self._excepted, *self._find_placed()]
        served = name_served(self.declaration, members, excepted, self.subjects)
        rules = write_terms(self.declaration, leavers)
        for name in _stewards(self.declaration):
            steward = self._find(name, "access", "leavers", "transferTo")
            subject = self.subjects.build(steward) if steward else None
            reason = dispute_steward(steward, subject, self._users) if steward else ""
            if reason:
                self.faults.append(self.declaration.fault("access", "leavers", "transferTo", reason=reason))
            elif steward and subject:
                rules |= {"transferTo": subject, "steward": steward.id}
        return replace(served, rules=rules)

    def _find_placed(self) -> list[DirectoryUser]:
        """Return who is here and has roles in spaces by an exception that counts today."""
        people = self.declaration.people.items()
        names = [name for name, person in people if person.spaces and not (person.until and person.until < self.today)]
        found = [self.directory.find(name) for name in names]
        return [users[0] for users in found if len(users) == 1 and not users[0].has_left()]

    def _refuse_ambiguous(self, user: DirectoryUser) -> None:
        ambiguous = self.subjects.describe_ambiguous(user)
        if ambiguous:
            self._tell_fault(self.declaration.fault("access", "subject", "from", reason=ambiguous))

    def _tell_fault(self, fault: str) -> None:
        """Note a fault once, wherever else it shows."""
        if fault not in self.faults:
            self.faults.append(fault)

    def _keep_waiting(self, user: DirectoryUser, entitlement: Entitlement) -> None:
        """Remember what a person gets after the first login: who holds a seat under a former subject has come."""
        subject = self.subjects.build(user)
        if subject is None or self.subjects.is_newcomer(user):
            self.kept[user.id] = entitlement
        else:
            self.waiting[subject] = entitlement
            self.object_ids[subject] = user.id

    def subjects_of(self, user: DirectoryUser) -> list[str]:
        """Return every subject that is a person's, as far as anybody can tell; the object id of who has none."""
        return self._known_subjects(user) or [user.id]

    def _known_subjects(self, user: DirectoryUser) -> list[str]:
        built = self.subjects.build(user)
        return [other.subject for other in self.subjects.find_users(user)] if built is None else [built]

    def describe_subjects(self) -> Iterator[str]:
        """Yield a warning about people who have no subject, or a newcomer's."""
        for reason in self.subjects.describe_missing(self._without):
            yield self.declaration.fault("access", "subject", "from", reason=reason)

    def _count_in(
        self, key: str, group: Group, members: Iterable[DirectoryUser]
    ) -> tuple[list[DirectoryUser], list[DirectoryUser]]:
        """Return to whom a group gives its license, and whom it will: with firstLogin, who has come or holds a seat.

        Nobody who has left, unless it includes the disabled.
        """
        if group.license is None:
            return [], []
        members = [user for user in members if "disabled" in group.include or not user.has_left()]
        if group.grant == "declared":
            return members, []
        counted: list[DirectoryUser] = []
        waiting: list[DirectoryUser] = []
        for user in members:
            subject = self.subjects.build(user)
            (counted if subject and fold(subject) in self._arrived else waiting).append(user)
        if waiting:
            names = name_some([user.address for user in waiting])
            self.warnings.append(
                f"{key}: {count_of(len(waiting), 'gets', 'get')} a license after their first login: {names}"
            )
        return counted, waiting

    def _take_seats(self, keys: dict[str, str]) -> dict[str, str]:
        """Return the keys that give a seat, and count those that give minutes where no other gives more."""
        seats = {key: type for key, type in keys.items() if type != CAPACITY}
        if not seats:
            for key in keys:
                self.on_capacity[key] = self.on_capacity.get(key, 0) + 1
        return seats

    def _exceptions(self) -> Iterator[tuple[DirectoryUser, str]]:
        seen: set[str] = set()
        for name, person in self.declaration.people.items():
            user = self._find(name, "people", name)
            if user and user.id in seen:
                self._tell_fault(self.declaration.fault("people", name, reason=_named_twice(user)))
            if user is None or person.license is None:
                continue
            seen.add(user.id)
            if user.has_left():
                self._warn_of_leaver(user, PEOPLE)
            elif person.until and person.until < self.today:
                self._warn_of_end(name, person.until)
            else:
                self._warn_below_baseline(name, person.license)
                yield user, person.license

    def _warn_below_baseline(self, name: str, type: str) -> None:
        licenses = self.declaration.access.licenses
        if licenses is None or licenses.baseline == NONE:
            return
        order = licenses.order
        if type not in order or order.index(type) > order.index(licenses.baseline):
            reason = f"{type} is less than the baseline {licenses.baseline}, which the tenant gives to everybody"
            self.warnings.append(self.declaration.fault("people", name, "license", reason=reason))

    def _find(self, name: str, file: str, *location: str | int) -> DirectoryUser | None:
        found = self.directory.find(name)
        if len(found) == 1:
            return found[0]
        if found:
            reason = f"{name} is the mail of {len(found)} people: {', '.join(u.user_principal_name for u in found)}"
        else:
            reason = f"{name} is unknown to the directory{_nearest(name, self.directory)}"
        self._tell_fault(self.declaration.fault(file, *location, reason=reason))
        return None

    def _warn_of_leaver(self, user: DirectoryUser, key: str) -> None:
        state = "deleted" if user.is_deleted else "disabled"
        self._warn(f"{user.address} is {state} in the directory; {key} gives nothing")

    def _warn_of_end(self, name: str, until: date) -> None:
        self._warn(self.declaration.fault("people", name, "until", reason=f"ended on {until} and no longer counts"))

    def _warn(self, warning: str) -> None:
        """Note a warning once, wherever else it shows."""
        if warning not in self.warnings:
            self.warnings.append(warning)

    def _refuse_twins(self, key: str, users: list[DirectoryUser]) -> None:
        seen: set[str] = set()
        for user in users:
            if user.id in seen:
                self.faults.append(self.declaration.fault(f"groups/{key}", "members", reason=_named_twice(user)))
            seen.add(user.id)

    def _hold(self, subject: str, user: DirectoryUser) -> None:
        other = self.holders.setdefault(fold(subject), user)
        if other.id != user.id:
            reason = f"{user.user_principal_name} and {other.user_principal_name} would share the subject {subject}"
            self.faults.append(self.declaration.fault("access", "subject", "from", reason=reason))


def _named_twice(user: DirectoryUser) -> str:
    return f"{user.user_principal_name} is named twice, by mail and by user principal name"


def _unknown_names(declaration: Declaration, tenant: TenantNames) -> Iterator[str]:
    licenses = declaration.access.licenses
    for index, type in enumerate(licenses.order if licenses else ()):
        if type not in tenant.types:
            reason = f"{type!r} is no license type of the tenant; it has {_listed(tenant.types)} (case counts)"
            yield declaration.fault("access", "licenses", "order", index, reason=reason)
    no_minutes = "the tenant has no minutes to share; declare a type that is a seat"
    for name, person in declaration.people.items():
        if person.license == CAPACITY and not tenant.pools:
            yield declaration.fault("people", name, "license", reason=no_minutes)
    for key, group in declaration.groups.items():
        if group.license == CAPACITY and not tenant.pools:
            yield declaration.fault(f"groups/{key}", "license", reason=no_minutes)
        for index, name in enumerate(group.roles or ()):
            if name not in tenant.roles:
                reason = f"{name!r} is no role of the tenant; it has {_listed(tenant.roles)} (case counts)"
                yield declaration.fault(f"groups/{key}", "roles", index, reason=reason)
    yield from _unknown_spaces(declaration, tenant)


def _unknown_spaces(declaration: Declaration, tenant: TenantNames) -> Iterator[str]:
    for key, group in declaration.groups.items():
        for name, reason in find_space_faults(group.spaces or {}, tenant.spaces):
            yield declaration.fault(f"groups/{key}", "spaces", name, reason=reason)
    for name, person in declaration.people.items():
        for space, reason in find_space_faults(person.spaces or {}, tenant.spaces):
            yield declaration.fault("people", name, "spaces", space, reason=reason)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _nearest(name: str, directory: Iterable[str]) -> str:
    """Return the names most like one, compared by what stands before the @: a shared domain is no likeness."""
    local = name.casefold().partition("@")[0]
    by_local: dict[str, list[str]] = {}
    for known in directory:
        by_local.setdefault(known.partition("@")[0], []).append(known)
    near = [known for like in get_close_matches(local, by_local, n=3, cutoff=0.7) for known in by_local[like]]
    return f"; the nearest: {', '.join(near)}" if near else ""


def _license_rules(declaration: Declaration) -> dict[str, str | int]:
    licenses = declaration.access.licenses
    if licenses is None:
        return {}
    rules: dict[str, Any] = {
        "order": ", ".join(licenses.order),
        "adopt": licenses.adopt,
        "repair": licenses.repair,
        "shortage": licenses.shortage,
        "onDestroy": licenses.on_destroy,
        **{f"reserve.{type}": count for type, count in licenses.reserve.items()},
        **{f"overage.{type}": count for type, count in licenses.overage.items()},
    }
    rules |= {f"previously.{key}": group.previously for key, group in declaration.groups.items() if group.previously}
    rules |= {} if declaration.access.only is None else {"only": ", ".join(declaration.access.only)}
    late = _releases_late(declaration)
    rules |= {f"release.{key}": hours for key, hours in late.items()}
    if licenses.shortage == "waitlist" or late or not all(group.is_listed() for group in declaration.groups.values()):
        given = {key: group.license for key, group in declaration.groups.items() if group.license in licenses.order}
        rules |= {f"confers.{key}": type for key, type in given.items()}
    if licenses.shortage == "waitlist":
        rules |= {"priority": ", ".join(licenses.priority)} if licenses.priority else {}
    rules |= {"baseline": licenses.baseline} if licenses.baseline != NONE else {}
    return {**rules, "retry": licenses.retry} if licenses.retry else rules


def _joiner_rules(declaration: Declaration) -> dict[str, str | int]:
    """Return the rules of who is to be a user: those of the licenses that are about keys, and `retry`."""
    licenses, only = declaration.access.licenses, declaration.access.only
    rules = {f"previously.{key}": group.previously for key, group in declaration.groups.items() if group.previously}
    rules |= {} if only is None else {"only": ", ".join(only)}
    return {**rules, "retry": licenses.retry} if licenses and licenses.retry else {**rules}


def _releases_late(declaration: Declaration) -> dict[str, int]:
    """Return for how many hours each group keeps the seats of people who are no longer in it, where it does."""
    return {key: hours_of(group.release_after) for key, group in declaration.groups.items() if group.release_after}


def _brake_rules(brake: BrakeRule) -> dict[str, str | int]:
    return {
        "brake.max": brake.max,
        "brake.percent": brake.percent,
        "brake.minimum": brake.minimum,
        "brake.onBreach": brake.on_breach,
    }
