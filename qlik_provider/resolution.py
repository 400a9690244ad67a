"""What the names of a declaration mean, and so who is to hold what; performs no I/O."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

from qlik_provider.changes import name_some
from qlik_provider.declaration import Declaration
from qlik_provider.entitlements import CAPACITY, NONE, PEOPLE, Entitlement, fold
from qlik_provider.errors import DeclarationError
from qlik_provider.membership import Memberships
from qlik_provider.people import Directory, DirectoryUser, TenantNames, TenantUser
from qlik_provider.rights import find_space_faults
from qlik_provider.shapes import BrakeRule, Group, Subject


@dataclass(frozen=True)
class Resolved:
    """Who is to hold what, in plain values, ready to be given to the resources."""

    assignments: Mapping[str, Entitlement]
    members: Mapping[str, Mapping[str, str]]
    license_rules: Mapping[str, str | int]
    member_rules: Mapping[str, str | int]
    policies: Mapping[str, "Policy"]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """What one group is to be granted in the tenant; None is not managed."""

    roles: tuple[str, ...] | None
    spaces: Mapping[str, tuple[str, ...]] | None
    reach: int
    rules: Mapping[str, str | int]


def resolve(
    declaration: Declaration,
    directory: Directory,
    tenant: TenantNames,
    today: date,
    counted: Memberships | None = None,
) -> Resolved:
    """Return what the declaration means on a day; raises DeclarationError with every fault, each at its place.

    `counted` are the people of the groups that exist already; without it the declaration may have none.
    """
    counted = counted or Memberships()
    resolution = _Resolution(declaration, directory, tenant, today)
    faults = [*_unknown_names(declaration, tenant)]
    members = {key: counted.users.get(key) or resolution.find_members(key) for key in declaration.groups}
    assignments = resolution.assign(members)
    protected = resolution.find_protected()
    subjects = {user.id: resolution.subject_of(user) for user in protected}
    faults += resolution.faults
    if not faults:
        faults += check_subjects(resolution.holders, tenant.users, declaration.access.subject)
    if faults:
        raise DeclarationError(faults)
    brake, approvals = _brake_rules(declaration.access.brake), {"approvals": str(declaration.folder / "approvals")}
    return Resolved(
        assignments=assignments,
        members={key: {user.id: user.user_principal_name for user in users} for key, users in members.items()},
        license_rules={
            **_license_rules(declaration),
            **{f"capacity.{key}": count for key, count in sorted(resolution.on_capacity.items())},
            **brake,
            **approvals,
            **{f"protect.{subjects[user.id]}": user.address for user in protected},
            **counted.rules,
        },
        member_rules={**brake, **approvals, **{f"protect.{user.id}": user.address for user in protected}},
        policies=_find_policies(declaration, members, protected, {**brake, **approvals}),
        warnings=(*counted.warnings, *resolution.warnings),
    )


def _find_policies(
    declaration: Declaration,
    members: Mapping[str, Collection[DirectoryUser]],
    protected: Iterable[DirectoryUser],
    rules: Mapping[str, str | int],
) -> dict[str, Policy]:
    """Return the policy of each group that declares roles or spaces; a withdrawal reaches everybody in the group."""
    own = {name: value for name, value in _license_rules(declaration).items() if name in {"adopt", "retry"}}
    addresses = {user.id: user.address for user in protected}
    return {
        key: Policy(
            roles=group.roles,
            spaces=group.spaces,
            reach=len(members[key]),
            rules={
                **own,
                **rules,
                **{f"protect.{user.id}": addresses[user.id] for user in members[key] if user.id in addresses},
            },
        )
        for key, group in declaration.groups.items()
        if group.roles is not None or group.spaces is not None
    }


def unknown_people(declaration: Declaration, directory: Directory) -> list[str]:
    """Return the names of the declaration that nobody in the directory has."""
    named = [*declaration.access.protect, *declaration.people]
    named += [name for group in declaration.groups.values() for name in group.members or ()]
    return [name for name in named if not directory.find(name)]


class _Resolution:
    """One pass over the declaration, collecting what is wrong and what is worth a warning."""

    def __init__(self, declaration: Declaration, directory: Directory, tenant: TenantNames, today: date) -> None:
        self.declaration = declaration
        self.directory = directory
        self.today = today
        self.on_capacity: dict[str, int] = {}
        self._arrived = {fold(user.subject) for user in tenant.users if user.status == "active"} | tenant.holders
        self.faults: list[str] = []
        self.warnings: list[str] = []
        self.holders: dict[str, DirectoryUser] = {}

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
        granted: dict[str, dict[str, str]] = {}
        users: dict[str, DirectoryUser] = {}
        for key, group in self.declaration.groups.items():
            for user in self._count_in(key, group, members[key]):
                users[user.id] = user
                granted.setdefault(user.id, {})[key] = group.license or NONE
        for user, type in self._exceptions():
            users[user.id] = user
            granted[user.id] = {} if type == NONE else {PEOPLE: type}
        for id, keys in granted.items():
            granted[id] = self._take_seats(keys, has_left=users[id].has_left())
        rank = licenses.order.index
        assignments = {}
        for id, keys in sorted(granted.items()):
            user = users[id]
            if not keys or user.has_left():
                continue
            subject = self.subject_of(user)
            if subject is None:
                continue
            strongest_first = sorted(keys, key=lambda key: (rank(keys[key]), key))
            assignments[subject] = Entitlement(keys[strongest_first[0]], tuple(strongest_first), user.address)
            self._hold(subject, user)
        return assignments

    def _count_in(self, key: str, group: Group, members: Iterable[DirectoryUser]) -> list[DirectoryUser]:
        """Return the people to whom a group gives its license: with firstLogin, those who have come or hold a seat."""
        if group.license is None:
            return []
        if group.grant == "declared":
            return list(members)
        counted: list[DirectoryUser] = []
        waiting: list[DirectoryUser] = []
        for user in members:
            subject = build_subject(user, self.declaration.access.subject)
            (counted if subject and fold(subject) in self._arrived else waiting).append(user)
        if waiting:
            names = name_some([user.address for user in waiting])
            self.warnings.append(f"{key}: {len(waiting)} get a license after their first login: {names}")
        return counted

    def _take_seats(self, keys: dict[str, str], *, has_left: bool) -> dict[str, str]:
        """Return the keys that give a seat, and count those that give minutes where no other gives more."""
        seats = {key: type for key, type in keys.items() if type != CAPACITY}
        if not seats and not has_left:
            for key in keys:
                self.on_capacity[key] = self.on_capacity.get(key, 0) + 1
        return seats

    def _exceptions(self) -> Iterator[tuple[DirectoryUser, str]]:
        seen: set[str] = set()
        for name, person in self.declaration.people.items():
            user = self._find(name, "people", name)
            if user and user.id in seen:
                self.faults.append(self.declaration.fault("people", name, reason=_named_twice(user)))
            if user is None or person.license is None:
                continue
            seen.add(user.id)
            if user.has_left():
                self._warn_of_leaver(user, PEOPLE)
            elif person.until and person.until < self.today:
                expired = f"ended on {person.until} and no longer counts"
                self.warnings.append(self.declaration.fault("people", name, "until", reason=expired))
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
        self.faults.append(self.declaration.fault(file, *location, reason=reason))
        return None

    def _warn_of_leaver(self, user: DirectoryUser, key: str) -> None:
        state = "deleted" if user.is_deleted else "disabled"
        self.warnings.append(f"{user.address} is {state} in the directory; {key} gives nothing")

    def _refuse_twins(self, key: str, users: list[DirectoryUser]) -> None:
        seen: set[str] = set()
        for user in users:
            if user.id in seen:
                self.faults.append(self.declaration.fault(f"groups/{key}", "members", reason=_named_twice(user)))
            seen.add(user.id)

    def subject_of(self, user: DirectoryUser) -> str | None:
        """Return a person's subject; None, and a fault, where the directory does not give what it is made of."""
        subject = build_subject(user, self.declaration.access.subject)
        if subject is None:
            origin = self.declaration.access.subject.from_
            reason = f"{user.user_principal_name} has no {origin} to make a subject of"
            self.faults.append(self.declaration.fault("access", "subject", "from", reason=reason))
        return subject

    def _hold(self, subject: str, user: DirectoryUser) -> None:
        other = self.holders.setdefault(fold(subject), user)
        if other.id != user.id:
            reason = f"{user.user_principal_name} and {other.user_principal_name} would share the subject {subject}"
            self.faults.append(self.declaration.fault("access", "subject", "from", reason=reason))


def _named_twice(user: DirectoryUser) -> str:
    return f"{user.user_principal_name} is named twice, by mail and by user principal name"


def build_subject(user: DirectoryUser, rule: Subject) -> str | None:
    r"""Return the subject of a person in the tenant, `<realm>\<id>` where a realm is declared; None if they lack it.

    https://qlik.dev/manage/automate/identity-provider-create (claimsMapping.sub, realm)
    """
    values = {"objectId": user.id, "userPrincipalName": user.user_principal_name, "mail": user.mail}
    value = values.get(rule.from_)
    if not value:
        return None
    return f"{rule.realm}\\{value}" if rule.realm else value


def check_subjects(holders: Mapping[str, DirectoryUser], users: Iterable[TenantUser], rule: Subject) -> list[str]:
    """Return one fault if people who are already in the tenant have other subjects there than the rule gives them.

    `holders` are by folded subject. A wrong mapping would license people who never come: seats for ghosts.
    """
    users = [user for user in users if user.email and user.status != "deleted"]
    known = {fold(user.subject) for user in users}
    by_mail = {user.email.casefold(): user for user in users if user.email}
    pairs = [
        (person, by_mail[person.address.casefold()])
        for subject, person in holders.items()
        if subject not in known and person.address.casefold() in by_mail
    ]
    if not pairs:
        return []
    person, user = pairs[0]
    names = f"{person.address} is {user.subject!r} there and {build_subject(person, rule)!r} by the declaration"
    fitting, count = _fit(
        [
            (holder, by_mail[holder.address.casefold()])
            for holder in holders.values()
            if holder.address.casefold() in by_mail
        ]
    )
    advice = f"what fits {count}: subject: {{from: {fitting.from_}, realm: {fitting.realm or 'null'}}}"
    if fitting == rule:
        advice = "the mapping fits everybody else, so correct these users in the tenant or leave them out"
    return [f"the subjects of {len(pairs)} people in the tenant are others than declared: {names}; {advice}"]


def _fit(pairs: list[tuple[DirectoryUser, TenantUser]]) -> tuple[Subject, str]:
    """Return the mapping that gives most people the subject they have in the tenant, and `n of m`."""
    realms = {user.subject.rpartition("\\")[0] or None for _, user in pairs}
    rules = [
        Subject.model_validate({"from": origin, "realm": realm})
        for origin in ("objectId", "userPrincipalName", "mail")
        for realm in sorted(realms, key=str)
    ]

    def count(rule: Subject) -> int:
        return sum(fold(build_subject(person, rule) or "") == fold(user.subject) for person, user in pairs)

    best = max(rules, key=count)
    return best, f"{count(best)} of {len(pairs)}"


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
        for name, reason in find_space_faults(group.spaces or {}, tenant.spaces):
            yield declaration.fault(f"groups/{key}", "spaces", name, reason=reason)


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
    if licenses.shortage == "waitlist" or any(group.existing for group in declaration.groups.values()):
        given = {key: group.license for key, group in declaration.groups.items() if group.license in licenses.order}
        rules |= {f"confers.{key}": type for key, type in given.items()}
    if licenses.shortage == "waitlist":
        rules |= {"priority": ", ".join(licenses.priority)} if licenses.priority else {}
    rules |= {"baseline": licenses.baseline} if licenses.baseline != NONE else {}
    return {**rules, "retry": licenses.retry} if licenses.retry else rules


def _brake_rules(brake: BrakeRule) -> dict[str, str | int]:
    return {
        "brake.max": brake.max,
        "brake.percent": brake.percent,
        "brake.minimum": brake.minimum,
        "brake.onBreach": brake.on_breach,
    }
