"""Groups of the directory that exist already, read side by side: their people, or why these are not known for certain.

Nothing here ends a run: whatever goes wrong with one group is doubt about this group, and doubt takes nothing away.
"""

from collections.abc import Mapping
from concurrent.futures import Executor, ThreadPoolExecutor

from qlik_provider.errors import ApiError, Forbidden, NotFound
from qlik_provider.graph import READ_MEMBERS, GraphClient
from qlik_provider.people import DirectoryGroup, GroupReading
from qlik_provider.shapes import ExistingGroup, Group

AT_ONCE = 6  # groups; the client has eight connections, and others read beside us


def read_groups(client: GraphClient, groups: Mapping[str, Group]) -> dict[str, GroupReading]:
    """Return what was read of each declared group that exists already; raises CredentialsError only.

    https://learn.microsoft.com/graph/api/group-list-transitivemembers
    """
    with ThreadPoolExecutor(AT_ONCE) as pool, ThreadPoolExecutor(AT_ONCE) as counting:
        reading = {
            key: pool.submit(_read_group, client, counting, key, group.existing, nested=group.nested)
            for key, group in groups.items()
            if group.existing
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
    client: GraphClient, counting: Executor, key: str, existing: ExistingGroup, *, nested: bool
) -> GroupReading:
    name = existing.name or f"{existing.object_id}".lower()
    id = existing.object_id and existing.object_id.lower()
    try:
        group = _find(client, key, existing)
        if isinstance(group, str):
            return GroupReading(name, id, doubt=group)
        name, id = group.name, group.id.lower()
        return _read_people(client, counting, group, nested=nested)
    except Forbidden:
        return GroupReading(
            name, id, doubt=f"{name!r} may not be read; grant this client the permission {READ_MEMBERS}"
        )
    except ApiError as error:
        return GroupReading(name, id, doubt=f"{name!r} could not be read; run again: {error}")


def _find(client: GraphClient, key: str, existing: ExistingGroup) -> DirectoryGroup | str:
    """Return the declared group, or why it is not known which one that is."""
    leave = f"or delete groups/{key}.yaml to give up what it confers"
    if existing.object_id is None:
        found = client.read_groups_named(f"{existing.name}")
        if len(found) == 1:
            return found[0]
        if not found:
            return f"no group is named {existing.name!r}; correct the name, write its objectId, {leave}"
        ids = ", ".join(sorted(group.id for group in found))
        return f"{len(found)} groups are named {existing.name!r}; write the objectId of one of them: {ids}"
    id = existing.object_id.lower()
    try:
        group = client.read_group(id)
    except NotFound:
        where = "is in the recycle bin" if _is_deleted(client, id) else "is no group of the directory"
        return f"object id {id} {where}; restore it, declare another one, {leave}"
    if existing.name and group.name.casefold() != existing.name.casefold():
        return f"object id {id} is named {group.name!r}, not {existing.name!r}; write that name if it is the right one"
    return group


def _read_people(client: GraphClient, counting: Executor, group: DirectoryGroup, *, nested: bool) -> GroupReading:
    doubt = _doubt_rule(client, group)
    if doubt:
        return GroupReading(group.name, group.id.lower(), doubt=doubt)
    left_out = None if nested else counting.submit(client.count_nested_groups, group.id)
    users = client.read_group_users(group.id, nested=nested)
    doubt = _doubt_rule(client, group)  # its processing may have begun meanwhile
    return GroupReading(
        name=group.name,
        id=group.id.lower(),
        users=() if doubt else users,
        nested=left_out.result() if left_out else 0,
        doubt=doubt,
        remark="its rule is paused, so these are its people of the last processing" if group.is_paused else "",
    )


def _doubt_rule(client: GraphClient, group: DirectoryGroup) -> str:
    """Return why the members of a dynamic group are not those of its rule; nothing where they are, or are to stay."""
    if not group.is_dynamic or group.is_paused:
        return ""
    rule = client.read_rule(group.id)
    if rule is not None and rule.status == "Succeeded":
        return ""
    if rule is not None and rule.status == "Failed":
        return f"the rule of {group.name!r} could not be processed; correct it: {rule.error_message or rule.status}"
    return f"the rule of {group.name!r} is being processed; run again when it is done"


def _is_deleted(client: GraphClient, group: str) -> bool:
    """Tell whether the recycle bin shows a group; where it cannot be read, nobody knows."""
    try:
        client.read_deleted_group(group)
    except ApiError:
        return False
    return True
