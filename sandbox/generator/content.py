"""What users of a made-up tenant own: spaces and what stands in them, very unevenly."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from sandbox.generator.people import some_moment
from sandbox.generator.seats import User
from sandbox.generator.words import DEPARTMENTS
from sandbox.ids import derive_id

Thing = dict[str, Any]

_SPACE_KINDS = ("shared", "shared", "managed", "data")
_SPACE_ROLES = {
    "shared": ("consumer", "producer"),
    "managed": ("consumer", "publisher"),
    "data": ("dataconsumer", "consumer"),
}
_PERSONAL = 0.4  # of what is owned, so much stands in no space
_SUBJECTS = ("Revenue", "Stock", "Churn", "Headcount", "Energy", "Claims", "Margin", "Deliveries", "Budget", "Quality")
# How many users there are for each of these.
_USERS_FOR = {
    "apps": 5, "dataFiles": 8, "dataConnections": 20, "automations": 40, "sharingTasks": 30, "dataAlerts": 60,
    "glossaries": 400,
}  # fmt: skip


@dataclass
class Owners:
    """Users in the order of how much they own: a few own most of it, and some of those have left."""

    users: Sequence[User]
    now: datetime
    random: Random

    def draw(self) -> str:
        """Return the id of a user, the first ones much more often."""
        return str(self.users[int(len(self.users) * self.random.random() ** 3)]["id"])


def make_content(users: list[User], groups: Sequence[str], now: datetime, random: Random) -> dict[str, list[Thing]]:
    """Return spaces and what users own, by the names of the world; `groups` are names of the tenant's groups."""
    if not users:
        return {}
    shuffled = random.sample(users, len(users))
    gone = [user for user in users if user.get("status") in {"deleted", "disabled"}][:3]
    owners = Owners([*gone, *shuffled], now, random)
    spaces = [_space(number, owners, groups) for number in range(8 + len(users) // 100)]
    made: dict[str, list[Thing]] = {"spaces": spaces}
    for collection, share in _USERS_FOR.items():
        count = len(users) // share + 1
        made[collection] = [_thing(collection, number, owners, spaces) for number in range(count)]
    for task in (*made["sharingTasks"], *made["dataAlerts"]):
        task["appId"] = made["apps"][int(len(made["apps"]) * random.random())]["id"]
    made["reloadTasks"] = [_reload(number, app, owners) for number, app in enumerate(made["apps"][::3])]
    return made


def _space(number: int, owners: Owners, groups: Sequence[str]) -> Thing:
    department, kind = DEPARTMENTS[number % len(DEPARTMENTS)].name, _SPACE_KINDS[number % len(_SPACE_KINDS)]
    name = f"{department} {kind} {number}"
    own = owners.draw()
    assignees = {owners.draw(): "user" for _ in range(int(owners.random.expovariate(1 / 4)))}
    assignees |= {groups[number % len(groups)]: "group"} if groups else {}
    return {
        "id": derive_id("space", name),
        "name": name,
        "type": kind,
        "ownerId": own,
        "createdAt": some_moment(owners.now, 1000, owners.random),
        "assignments": [
            {"type": type, "assignee": assignee, "roles": [_SPACE_ROLES[kind][len(assignee) % 2]]}
            for assignee, type in assignees.items()
            if assignee != own
        ],
    }


def _thing(collection: str, number: int, owners: Owners, spaces: list[Thing]) -> Thing:
    """Return something that somebody owns, in a space or in the personal one."""
    random = owners.random
    subject = _SUBJECTS[int(len(_SUBJECTS) * random.random())]
    thing = {
        "id": derive_id(collection, str(number)),
        "name": f"{subject} {number}.qvd" if collection == "dataFiles" else f"{subject} {number}",
        "ownerId": owners.draw(),
        "createdAt": some_moment(owners.now, 1000, random),
    }
    if random.random() > _PERSONAL:
        thing["spaceId"] = spaces[int(len(spaces) * random.random() ** 2)]["id"]
    return thing


def _reload(number: int, app: Thing, owners: Owners) -> Thing:
    """Return the reload of an app, which now and then is somebody else's than the app."""
    owner = owners.draw() if number % 7 == 0 else app["ownerId"]
    return {
        "id": derive_id("reload", app["id"]),
        "name": f"Reload {app['name']}",
        "appId": app["id"],
        "ownerId": owner,
        "recurrence": ["RRULE:FREQ=DAILY;BYHOUR=6"],
    }
