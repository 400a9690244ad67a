"""The groups of a made-up directory: uneven, overlapping, nested, dynamic, empty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from sandbox.generator.people import People, Person, new_id, some_moment
from sandbox.generator.words import PROJECTS, as_nickname

Group = dict[str, Any]

_CHAIN = 4  # levels of the deepest nesting
_CHAIN_SIZES = (3, 40, 12, 5)
_NESTED = 0.4  # of the groups that may be in another one, so many are
# What the groups after the chain are, and how often.
_KINDS = {"Readers": 45, "Developers": 20, "Project": 15, "Dynamic": 10, "Office": 7, "Empty": 3}
_TYPES = {"Readers": "analyzer", "Developers": "professional"}


@dataclass
class Groups:
    """The groups made so far, the license type that some of them are there for, and how deep each is nested."""

    everybody: Sequence[Person]
    departments: Mapping[str, list[Person]]
    now: datetime
    random: Random
    groups: list[Group] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    depths: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def add_chain(self, *, has_cycle: bool) -> None:
        """Add groups nested in each other as in every directory of some size, perhaps the second in the last."""
        names = [*self.departments, *["Company"] * _CHAIN][1:_CHAIN]
        labels = ["BI All", f"BI {names[0]}", f"BI {names[1]} Team", f"BI {names[2]} Core"]
        for level, (label, name) in enumerate(zip(labels, ["", *names], strict=True)):
            pool = self.departments.get(name, self.everybody)
            group = self._keep(label, self.random.sample(pool, min(len(pool), _CHAIN_SIZES[level])))
            self.types[group["id"]] = "professional" if level == _CHAIN - 1 else "analyzer"
            self.depths[group["id"]] = level
            if level:
                self.groups[-2]["members"].append(group["id"])
        if has_cycle:
            self.groups[-1]["members"].append(self.groups[1]["id"])

    def add(self, kind: str, department: str) -> None:
        """Add a group of a kind, perhaps into another one."""
        pool = self.departments.get(department, self.everybody)
        match kind:
            case "Readers":
                group = self._keep(f"BI {department} Readers", self._share(pool, 0.3, 0.9))
            case "Developers":
                group = self._keep(f"BI {department} Developers", self._share(pool, 0.03, 0.12))
            case "Project":
                size = min(len(self.everybody), int(self.random.lognormvariate(3, 1)) + 1)
                name = PROJECTS[int(len(PROJECTS) * self.random.random())]
                group = self._keep(f"Project {name}", self.random.sample(self.everybody, size))
            case "Dynamic":
                group = self._keep(f"All {department}", self.departments.get(department, []))
                group["groupTypes"] = ["DynamicMembership"]
                group["membershipRule"] = f'(user.department -eq "{department}")'
                group["membershipRuleProcessingState"] = "On"
            case "Office":
                group = self._keep(f"{department} Team Site", self._share(pool, 0.5, 1))
                group |= {"groupTypes": ["Unified"], "mailEnabled": True, "securityEnabled": False}
                group["visibility"] = "Private"
            case _:
                group = self._keep(f"Former {department} Pilot", [])
        if kind in _TYPES:
            self.types[group["id"]] = _TYPES[kind]
        if kind in {"Readers", "Developers", "Project"} and self.random.random() < _NESTED:
            self._nest(group)

    def _nest(self, group: Group) -> None:
        """Put a group into an earlier assigned security group that is not at the bottom already."""
        parents = [
            parent
            for parent in self.groups[:-1]
            if not parent.get("groupTypes") and self.depths[parent["id"]] < _CHAIN - 1
        ]
        if parents:
            parent = parents[int(len(parents) * self.random.random())]
            parent["members"].append(group["id"])
            self.depths[group["id"]] = self.depths[parent["id"]] + 1

    def _share(self, pool: Sequence[Person], least: float, most: float) -> list[Person]:
        """Return a part of the pool and a few people from elsewhere, so that groups overlap."""
        size = min(len(pool), max(1, round(len(pool) * self.random.uniform(least, most))))
        outsiders = self.random.sample(self.everybody, min(len(self.everybody), size // 20 + 1))
        chosen = [*self.random.sample(pool, size), *outsiders]
        return list({person["id"]: person for person in chosen}.values())

    def _keep(self, name: str, members: list[Person]) -> Group:
        """Keep and return a security group with some of its members as owners; one in three has none."""
        number = self.numbers[name] = self.numbers.get(name, 0) + 1
        display_name = name if number == 1 else f"{name} {number}"
        owners = self.random.sample(members, min(len(members), self.random.choice((0, 1, 2))))
        group: Group = {
            "id": new_id(self.random),
            "displayName": display_name,
            "mailNickname": as_nickname(display_name),
            "description": f"{display_name}, made by hand",
            "members": [member["id"] for member in members],
            "owners": [owner["id"] for owner in owners],
            "createdDateTime": some_moment(self.now, 2000, self.random),
        }
        self.groups.append(group)
        self.depths[group["id"]] = 0
        return group


def make_groups(count: int, people: People, now: datetime, random: Random, *, has_cycle: bool) -> Groups:
    """Return `count` groups; from four on, four of them are nested in each other, in a cycle if one is wanted."""
    found = people.of_department()
    largest_first = {name: found[name] for name in sorted(found, key=lambda name: (-len(found[name]), name))}
    made = Groups(people.users, largest_first, now, random)
    length = _CHAIN if count >= _CHAIN else 0
    if length:
        made.add_chain(has_cycle=has_cycle)
    names = list(largest_first) or ["Company"]
    for number, kind in enumerate(_kinds(count - length, random)):
        made.add(kind, names[_uneven(number, len(names), random)])
    return made


def _kinds(count: int, random: Random) -> list[str]:
    """Return what each group is; the first ones are one of each, as far as they go."""
    first = list(_KINDS)[:count]
    return first + random.choices(list(_KINDS), list(_KINDS.values()), k=count - len(first))


def _uneven(number: int, count: int, random: Random) -> int:
    """Return the index of a department: each in turn at first, then large ones more often."""
    return number if number < count else int(count * random.random() ** 1.5)
