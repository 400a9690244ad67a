"""Who of the people read from the directory counts, and when nobody can tell; performs no I/O."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from qlik_provider.declaration import Declaration
from qlik_provider.entitlements import NONE, PEOPLE
from qlik_provider.people import Directory, DirectoryUser, GroupReading
from qlik_provider.shapes import Group

# Members that are no people, by Graph's types: nobody logs in to Qlik as one of them, so no seat can be theirs.
_OTHERS = {"servicePrincipal": "service principal", "device": "device", "orgContact": "contact"}


@dataclass(frozen=True)
class LeftOut:
    """How many of a group do not count; None where they could not be counted."""

    guests: int
    disabled: int
    others: Mapping[str, int | None]
    """Members that are no people, by Graph's type of them."""
    nested: int | None
    """Groups in the group."""
    nested_users: int | None
    """Users in those groups who are not in the group itself."""

    def __str__(self) -> str:
        nested = f"nested {'group' if self.nested == 1 else 'groups'} {_describe_below(self.nested_users)}"
        parts = (
            (self.guests, "guest" if self.guests == 1 else "guests"),
            (self.disabled, "disabled"),
            *((count, _OTHERS[kind] if count == 1 else f"{_OTHERS[kind]}s") for kind, count in self.others.items()),
            (self.nested, nested),
        )
        said = ", ".join(f"{count} {noun}" for count, noun in parts if count)
        return f"left out: {said}" if said else ""


@dataclass
class Memberships:
    """The people of every declared group whose people are read from the directory, and what is in doubt about them."""

    users: dict[str, list[DirectoryUser]] = field(default_factory=dict)
    """Who counts, by key; nobody where the group is in doubt."""
    left_out: dict[str, LeftOut] = field(default_factory=dict)
    """Who does not, of the groups that could be read."""
    doubt: dict[str, str] = field(default_factory=dict)
    awaited: dict[str, str] = field(default_factory=dict)
    """Groups that this stack is to create: nobody counts yet, which is doubt for whoever got anything by the key."""
    names: dict[str, str] = field(default_factory=dict)
    """The display name of each group, as far as it is known."""
    sources: dict[str, str] = field(default_factory=dict)
    """The object id of each group, as far as it is known."""
    rules: dict[str, str] = field(default_factory=dict)
    """What accepts an object id, also in the place of another one: that it is declared."""
    warnings: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What the directory finds wrong with the declaration, at its place."""

    @property
    def frozen(self) -> dict[str, str]:
        """What is in doubt for whoever got anything by a key."""
        return {**self.doubt, **self.awaited}

    def policy_rules(self, key: str) -> dict[str, str]:
        """Return what a policy is told about its group: the doubt, and the object id that only its name stands for."""
        rules = {"doubt": self.frozen[key]} if key in self.frozen else {}
        is_named = key in self.sources and f"source.{key}" not in self.rules
        return {**rules, "source": self.sources[key]} if is_named else rules


def count_members(declaration: Declaration, readings: Mapping[str, GroupReading]) -> Memberships:
    """Return who counts of the groups read: members of the directory who have not left it, and whom `include` names.

    A group in which nobody counts is in doubt unless it is declared to be allowed so.
    """
    counted = Memberships()
    for key, group in declaration.groups.items():
        if group.is_listed():
            continue
        reading = readings[key]
        if reading.fault:
            place = reading.place or (group.source,)
            counted.faults.append(declaration.fault(f"groups/{key}", *place, reason=reading.fault))
            continue
        users = [user for user in reading.users if not _exclude(user, group)]
        left_out = _leave_out(reading, group)
        doubt = reading.doubt
        if not doubt and not users and not group.allow_empty:
            beside = f" ({left_out})" if f"{left_out}" else ""
            doubt = f"{reading.name!r} has nobody who counts{beside}; allowEmpty: true in groups/{key}.yaml accepts it"
        counted.users[key] = users
        if not reading.doubt and not reading.awaited:
            counted.left_out[key] = left_out
        counted.names[key] = reading.name
        if reading.id:
            counted.sources[key] = reading.id
        if accepted := _accept(group, reading):
            counted.rules[f"source.{key}"] = accepted
        remarks = [f"{reading.name!r}: {remark}" for remark in (reading.remark, f"{left_out}") if remark]
        if reading.awaited:
            counted.awaited[key] = reading.awaited
            remarks = [reading.awaited]
        elif doubt:
            counted.doubt[key] = doubt
            remarks = [f"in doubt: {doubt}"]
        counted.warnings += [declaration.fault(f"groups/{key}", group.source, reason=remark) for remark in remarks]
    return counted


def find_joiners(
    declaration: Declaration, directory: Directory, members: Mapping[str, Iterable[DirectoryUser]], today: date
) -> list[tuple[DirectoryUser, tuple[str, ...]]]:
    """Return who is to be a user, and by which keys: everybody whom a group or an exception gives something.

    Nobody who has left, unless a group includes the disabled, and nobody whom an exception gives nothing. `members` are
    the people of each group by its key.
    """
    users: dict[str, DirectoryUser] = {}
    keys: dict[str, set[str]] = {}
    for key, group in declaration.groups.items():
        for user in members[key]:
            if "disabled" in group.include or not user.has_left():
                users[user.id] = user
                keys.setdefault(user.id, set()).add(key)
    for name, person in declaration.people.items():
        is_over = person.until is not None and person.until < today
        if is_over or (person.license is None and not person.spaces):
            continue
        for user in directory.find(name):
            if (person.license == NONE and not person.spaces) or not declaration.access.counts(PEOPLE):
                keys.pop(user.id, None)
            elif not user.has_left():
                users[user.id] = user
                keys.setdefault(user.id, set()).add(PEOPLE)
    return [(users[id], tuple(sorted(conferring))) for id, conferring in sorted(keys.items())]


def _accept(group: Group, reading: GroupReading) -> str | None:
    """Return the object id that stands for a key whatever it was before: it is declared, or its rule is."""
    if group.existing is None:
        return reading.id
    return group.existing.object_id and group.existing.object_id.lower()


def _exclude(user: DirectoryUser, group: Group) -> str:
    """Return why a user does not count, or nothing."""
    if user.is_deleted or (user.has_left() and "disabled" not in group.include):
        return "disabled"
    is_guest = user.user_type.casefold() != "member"
    return "guest" if is_guest and "guests" not in group.include else ""


def _leave_out(reading: GroupReading, group: Group) -> LeftOut:
    """Return how many of a group do not count; only a group that exists already can hold more than people."""
    counts = Counter(_exclude(user, group) for user in reading.users)
    unread = None if group.existing else 0
    others = {kind: reading.others.get(kind, unread) for kind in _OTHERS}
    return LeftOut(counts["guest"], counts["disabled"], others, reading.nested, reading.nested_users)


def _describe_below(users: int | None) -> str:
    """Return who is in the groups in a group, as the rest of a phrase about them."""
    if users is None:
        return "whose users could not be counted"
    if not users:
        return "with no more users"
    return f"with {users} more {'user' if users == 1 else 'users'}, whom nested: true counts"
