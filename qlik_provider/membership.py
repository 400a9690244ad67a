"""Who of the groups that exist already counts, and when nobody can tell; performs no I/O."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from qlik_provider.declaration import Declaration
from qlik_provider.people import DirectoryUser, GroupReading
from qlik_provider.shapes import Group


@dataclass
class Memberships:
    """The people of every declared group that exists already, and what is in doubt about them."""

    users: dict[str, list[DirectoryUser]] = field(default_factory=dict)
    """Who counts, by key; nobody where the group is in doubt."""
    doubt: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    """The object id of each group, as far as it is known."""
    rules: dict[str, str] = field(default_factory=dict)
    """What accepts an object id, also in the place of another one: that it is declared."""
    warnings: list[str] = field(default_factory=list)


def count_members(declaration: Declaration, readings: Mapping[str, GroupReading]) -> Memberships:
    """Return who counts of the groups read: members of the directory who have not left it.

    A group in which nobody counts is in doubt unless it is declared to be allowed so.
    """
    counted = Memberships()
    for key, group in declaration.groups.items():
        if group.existing is None:
            continue
        reading = readings[key]
        users = [user for user in reading.users if not _exclude(user)]
        left_out = _describe(reading, group)
        doubt = reading.doubt
        if not doubt and not users and not group.allow_empty:
            beside = f" ({left_out})" if left_out else ""
            doubt = f"{reading.name!r} has nobody who counts{beside}; allowEmpty: true in groups/{key}.yaml accepts it"
        counted.users[key] = users
        if reading.id:
            counted.sources[key] = reading.id
        if group.existing.object_id:
            counted.rules[f"source.{key}"] = group.existing.object_id.lower()
        remarks = [f"{reading.name!r}: {remark}" for remark in (reading.remark, left_out) if remark]
        if doubt:
            counted.doubt[key] = doubt
            remarks = [f"in doubt: {doubt}"]
        counted.warnings += [declaration.fault(f"groups/{key}", "existing", reason=remark) for remark in remarks]
    return counted


def _exclude(user: DirectoryUser) -> str:
    """Return why a user does not count, or nothing."""
    if user.has_left():
        return "disabled"
    return "" if user.user_type.casefold() == "member" else "guest"


def _describe(reading: GroupReading, group: Group) -> str:
    """Return how many of a group do not count, and why: `left out: 2 guests, 1 disabled`; nothing for none."""
    counts = Counter(_exclude(user) for user in reading.users)
    hint = "s, whose people nested: true counts" if reading.nested > 1 else ", whose people nested: true counts"
    parts = (
        (counts["guest"], "guest" if counts["guest"] == 1 else "guests"),
        (counts["disabled"], "disabled"),
        (0 if group.nested else reading.nested, f"nested group{hint}"),
    )
    said = ", ".join(f"{count} {noun}" for count, noun in parts if count)
    return f"left out: {said}" if said else ""
