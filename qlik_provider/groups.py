"""Groups of the directory, read side by side: their people, or why these are not known for certain.

They exist already, or this stack creates them with a rule.

Whatever goes wrong with one group is doubt about this group, and doubt takes nothing away. Only what the directory
shows to be declared wrongly is a fault: the object id of something else, a nested read too large for Graph.
"""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from difflib import get_close_matches
from functools import cache

from qlik_provider.errors import ApiError, Forbidden, NotFound
from qlik_provider.graph import BELOW, OTHERS, READ_MEMBERS, GraphClient
from qlik_provider.people import DirectoryGroup, GroupReading
from qlik_provider.rule_groups import doubt_rule, read_rule_group, write_nickname
from qlik_provider.shapes import ExistingGroup, Group

Names = Callable[[], Collection[str]]

TOO_LARGE = "Directory_ResultSizeLimitExceeded"
_ABOVE = "has more members on all levels than Graph lists; take this out and declare the groups in it, a file for each"
AT_ONCE = 6  # groups; the client has eight connections, and others read beside us

_UNTOLD = {"", "directoryObject", "group"}  # types that do not prove an object to be no group


class _NoGroup(Exception):
    """The object of a declared id is another one than a group; the text says what."""


def read_groups(client: GraphClient, groups: Mapping[str, Group], stack: str = "") -> dict[str, GroupReading]:
    """Return what was read of each declared group that exists already or has a rule; raises CredentialsError only.

    `stack` stands in the mail nickname of a group with a rule.

    https://learn.microsoft.com/graph/api/group-list-transitivemembers
    """
    names = cache(client.read_group_names)  # asked for only where a name is missing
    with ThreadPoolExecutor(AT_ONCE) as pool, ThreadPoolExecutor(AT_ONCE) as counting:
        reading = {
            key: pool.submit(_read_group, client, counting, names, key, group.existing, nested=group.nested)
            for key, group in groups.items()
            if group.existing
        }
        reading |= {
            key: pool.submit(_read_ruled, client, group, stack, key) for key, group in groups.items() if group.rule
        }
        return {key: read.result() for key, read in reading.items()}


def trace_group(client: GraphClient, group: str) -> str:
    """Return what became of the group of an object id, as the end of a sentence; nothing where that cannot be told."""
    try:
        return f"is named {client.read_group(group).name!r}"
    except NotFound:
        return "is in the recycle bin" if _is_deleted(client, group) else "is gone"
    except ApiError:
        return ""


def _read_group(
    client: GraphClient, counting: Executor, names: Names, key: str, existing: ExistingGroup, *, nested: bool
) -> GroupReading:
    id = existing.object_id and existing.object_id.lower()
    reading = GroupReading(existing.name or f"{id}", id)
    try:
        group = _find(client, names, key, existing)
        if isinstance(group, str):
            return replace(reading, doubt=group)
        reading = GroupReading(group.name, group.id.lower())
        return _read_people(client, counting, group, nested=nested)
    except _NoGroup as error:
        return replace(reading, fault=f"{error}; write the object id of a group", place=("existing", "objectId"))
    except ApiError as error:
        if nested and error.code == TOO_LARGE:
            return replace(reading, fault=f"{reading.name!r} {_ABOVE}", place=("nested",))
        return replace(reading, doubt=_doubt_error(reading.name, error))


def _read_ruled(client: GraphClient, group: Group, stack: str, key: str) -> GroupReading:
    name = f"{group.name}"
    nicknames = [write_nickname(stack, known) for known in (key, group.previously) if known]
    try:
        return read_rule_group(client, name, f"{group.rule}", nicknames)
    except ApiError as error:
        return GroupReading(name, doubt=_doubt_error(name, error))


def _doubt_error(name: str, error: ApiError) -> str:
    if isinstance(error, Forbidden):
        return f"{name!r} may not be read; grant this client the permission {READ_MEMBERS}"
    return f"{name!r} could not be read; run again: {error}"


def _find(client: GraphClient, names: Names, key: str, existing: ExistingGroup) -> DirectoryGroup | str:
    """Return the declared group, or why it is not known which one that is; raises _NoGroup where it is none."""
    leave = f"or delete groups/{key}.yaml to give up what it confers"
    if existing.object_id is None:
        found = client.read_groups_named(f"{existing.name}")
        if len(found) == 1:
            return found[0]
        if not found:
            near = _nearest(f"{existing.name}", names)
            return f"no group is named {existing.name!r}{near}; correct the name, write its objectId, {leave}"
        ids = ", ".join(sorted(group.id for group in found))
        return f"{len(found)} groups are named {existing.name!r}; write the objectId of one of them: {ids}"
    id = existing.object_id.lower()
    try:
        group = client.read_group(id)
    except NotFound:
        if kind := _find_kind(client, id):
            article = "an" if kind[0] in "aeio" else "a"
            raise _NoGroup(f"{id} is {article} {kind} and no group") from None
        where = "is in the recycle bin" if _is_deleted(client, id) else "is no group of the directory"
        return f"object id {id} {where}; restore it, declare another one, {leave}"
    if existing.name and group.name.casefold() != existing.name.casefold():
        return f"object id {id} is named {group.name!r}, not {existing.name!r}; write that name if it is the right one"
    return group


def _read_people(client: GraphClient, counting: Executor, group: DirectoryGroup, *, nested: bool) -> GroupReading:
    doubt = doubt_rule(client, group)
    if doubt:
        return GroupReading(group.name, group.id.lower(), doubt=doubt)
    left_out = counting.submit(_count_left_out, client, group, nested=nested)
    users = client.read_group_users(group.id, nested=nested)
    doubt = doubt_rule(client, group)  # its processing may have begun meanwhile
    counts = left_out.result()
    below = counts.get(BELOW)
    remarks = ["its rule is paused, so these are its people of the last processing"] if group.is_paused else []
    unknown = ["devices, applications and contacts"] if set(OTHERS) - counts.keys() else []
    unknown += ["groups"] if not nested and "group" not in counts else []
    remarks += [f"{what} in it could not be counted" for what in unknown]
    return GroupReading(
        name=group.name,
        id=group.id.lower(),
        users=() if doubt else users,
        nested=0 if nested else counts.get("group"),
        nested_users=0 if nested else below and max(below - len(users), 0),
        others={kind: counts[kind] for kind in OTHERS if kind in counts},
        doubt=doubt,
        remark="; ".join(remarks),
    )


def _count_left_out(client: GraphClient, group: DirectoryGroup, *, nested: bool) -> dict[str, int]:
    """Return what can be told of who is left out: what cannot is no reason to doubt who is in."""
    try:
        return client.count_left_out(group.id, nested=nested)
    except ApiError:
        return {}


def _nearest(name: str, names: Names) -> str:
    """Return the group names most like one; nothing where there are none, or they cannot be read."""
    try:
        known = {found.casefold(): found for found in names()}
    except ApiError:
        return ""
    near = [known[like] for like in get_close_matches(name.casefold(), known)]
    return f"; the nearest: {', '.join(map(repr, near))}" if near else ""


def _find_kind(client: GraphClient, id: str) -> str:
    """Return what an object id that is no group's stands for; nothing where it stands for nothing, or nobody tells."""
    try:
        kind = client.read_kind(id)
    except ApiError:
        return ""
    if kind in _UNTOLD:
        return ""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind)


def _is_deleted(client: GraphClient, group: str) -> bool:
    """Tell whether the recycle bin shows a group; where it cannot be read, nobody knows."""
    try:
        client.read_deleted_group(group)
    except ApiError:
        return False
    return True
