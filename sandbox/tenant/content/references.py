"""What a world's spaces and content refer to by name: users, groups, spaces and apps."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic.alias_generators import to_snake

from sandbox.ids import derive_id
from sandbox.sections import find_twice
from sandbox.state import fold
from sandbox.tenant.catalog import EVERYONE, EVERYONE_NAME
from sandbox.tenant.content.sections import Space
from sandbox.tenant.identities import group_id, user_id
from sandbox.tenant.sections import OWNED, Tenant


@dataclass(frozen=True)
class References:
    """The id behind each name of a world; an id stands for itself, and what refers to nothing is None."""

    users: dict[str, str]
    groups: dict[str, str]
    spaces: dict[str, str]
    apps: dict[str, str]

    def user(self, name: str) -> str | None:
        """Return the id of a user, named by id or subject."""
        return self.users.get(name) or self.users.get(fold(name))

    def assignee(self, kind: str, name: str) -> str | None:
        """Return the id of a user or group."""
        return self.groups.get(name) if kind == "group" else self.user(name)


def references_of(tenant: Tenant) -> References:
    """Return what can be referred to; a name of somebody deleted yields to the same one of somebody who is there."""
    users, ids = {}, {}
    for user in sorted(tenant.users, key=lambda user: user.status != "deleted"):
        id = user_id(user)
        users[fold(user.subject)] = id
        ids[id] = id
    groups = {EVERYONE: EVERYONE, EVERYONE_NAME: EVERYONE}
    for group in tenant.groups:
        id = group_id(group)
        groups |= {group.name: id, id: id}
    spaces = {name: space_id(space) for space in tenant.spaces for name in (space.name, space_id(space))}
    apps = {name: app.id for app in tenant.apps for name in (app.name, app.id)}
    return References(users | ids, groups, spaces, apps)


def space_id(space: Space) -> str:
    """Return the id of a space of a world; one left out follows from the name."""
    return space.id or derive_id("space", space.name.encode().hex())


def find_content_faults(tenant: Tenant) -> Iterator[str]:
    """Yield what does not hold together among spaces and content."""
    known = references_of(tenant)
    folders = {file.id for file in tenant.data_files if file.folder}
    yield from find_twice("tenant.spaces: the id", map(space_id, tenant.spaces))
    yield from find_twice("tenant.spaces", (space.name for space in tenant.spaces))
    for space in tenant.spaces:
        yield from _find_space_faults(space, known)
    for collection in OWNED:
        things = getattr(tenant, to_snake(collection))
        yield from find_twice(f"tenant.{collection}: the id", (thing.id for thing in things))
        for thing in things:
            place = f"tenant.{collection}: {thing.name}"
            if thing.owner_id and known.user(thing.owner_id) is None:
                yield f"{place} has the owner {thing.owner_id}, who is no user of this tenant"
            if thing.space_id and thing.space_id not in known.spaces:
                yield f"{place} stands in {thing.space_id}, which is no space"
            if (folder := getattr(thing, "folder_id", "")) and folder not in folders:
                yield f"{place} is in {folder}, which is no folder"
            if (app := getattr(thing, "app_id", "")) and app not in known.apps:
                yield f"{place} belongs to {app}, which is no app"


def _find_space_faults(space: Space, known: References) -> Iterator[str]:
    place = f"tenant.spaces: {space.name}"
    if space.owner_id and known.user(space.owner_id) is None:
        yield f"{place} has the owner {space.owner_id}, who is no user of this tenant"
    assignees = [(a.type, a.assignee, known.assignee(a.type, a.assignee)) for a in space.assignments]
    assignees += [(s.type, s.assignee, known.assignee(s.type, s.assignee)) for s in space.shares if s.type != "link"]
    for kind, name, id in assignees:
        if id is None:
            yield f"{place} names {name}, who is no {kind} of this tenant"
    yield from find_twice(f"{place}: the assignee", (id for _, _, id in assignees[: len(space.assignments)] if id))
    for share in space.shares:
        if share.resource_id not in known.apps:
            yield f"{place} shares {share.resource_id}, which is no app"
