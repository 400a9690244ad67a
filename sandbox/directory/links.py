"""References between an object and its members or owners: the rules of adding and removing them."""

from typing import Any

from sandbox.directory.entities import id_of
from sandbox.directory.errors import bad_request, not_found
from sandbox.directory.objects import DirectoryObject, find_object
from sandbox.state import Sandbox, insert

MAX_REFERENCES = 20  # in one request

_OWNERS = frozenset({"user", "servicePrincipal"})
_MEMBERS = frozenset({"user", "group", "servicePrincipal", "device", "orgContact"})
_UNIT_MEMBERS = frozenset({"user", "group", "device"})
_UNIFIED_MEMBERS = frozenset({"user"})


def read_references(relation: str, references: Any) -> list[str]:
    """Return the object ids of absolute references, or raise 400."""
    if not isinstance(references, list) or not all(isinstance(text, str) for text in references):
        raise bad_request(f"Invalid value specified for property '{relation}' of resource 'Group'.")
    if len(references) > MAX_REFERENCES:
        message = f"The limit of {MAX_REFERENCES} references of '{relation}' in one request is exceeded."
        raise bad_request(message)
    ids = [id_of(text) for text in references]
    if len(set(ids)) < len(ids):
        raise bad_request("Request contains a property with duplicate values.")
    return ids


def add_links(sandbox: Sandbox, relation: str, group_id: str, ids: list[str]) -> None:
    """Add all references to the object `group_id`, or raise before the first one is added."""
    parent = find_object(sandbox, group_id)
    for object_id in ids:
        found = find_object(sandbox, object_id)
        if found is None:
            raise not_found(object_id)
        if object_id == group_id:
            raise bad_request("A group cannot be added as a member of itself.")
        if has_link(sandbox, relation, group_id, object_id):
            message = (
                "One or more added object references already exist for the following modified properties: "
                f"'{relation}'."
            )
            raise bad_request(message)
        if parent is not None and found.kind not in _kinds_of(relation, parent):
            raise bad_request(f"An object of type '{found.kind}' cannot be in '{relation}' of this {parent.kind}.")
    _refuse_dynamic(parent, relation)
    insert(sandbox, "links", ((None, relation, group_id, object_id) for object_id in ids))


def remove_link(sandbox: Sandbox, relation: str, group_id: str, object_id: str) -> None:
    """Remove one reference, or raise 404 when there is none."""
    if not has_link(sandbox, relation, group_id, object_id):
        raise not_found(object_id)
    parent = find_object(sandbox, group_id)
    _refuse_dynamic(parent, relation)
    if relation == "owners" and parent is not None and parent.kind == "group":
        _keep_last_owner(sandbox, group_id, object_id)
    statement = "DELETE FROM links WHERE relation = ? AND group_id = ? AND object_id = ?"
    sandbox.db.execute(statement, (relation, group_id, object_id))


def has_link(sandbox: Sandbox, relation: str, group_id: str, object_id: str) -> bool:
    """Say whether the reference exists."""
    statement = "SELECT 1 FROM links WHERE relation = ? AND group_id = ? AND object_id = ?"
    return sandbox.db.execute(statement, (relation, group_id, object_id)).fetchone() is not None


def _kinds_of(relation: str, parent: DirectoryObject) -> frozenset[str]:
    """Return the types of objects a relation of this object may hold."""
    if relation == "owners":
        return _OWNERS
    if parent.kind == "administrativeUnit":
        return _UNIT_MEMBERS
    if "Unified" in parent.body.get("groupTypes", []):
        return _UNIFIED_MEMBERS
    # A group that can be assigned to a role holds no other group.
    return _MEMBERS - {"group"} if parent.body.get("isAssignableToRole") else _MEMBERS


def _keep_last_owner(sandbox: Sandbox, group_id: str, object_id: str) -> None:
    """Raise 400 for the last user among the owners of a group; service principals do not count."""
    statement = (
        "SELECT people.id FROM links JOIN people ON people.id = links.object_id"
        " WHERE links.relation = 'owners' AND links.group_id = ?"
    )
    users = [row["id"] for row in sandbox.db.execute(statement, (group_id,))]
    if users == [object_id]:
        raise bad_request("The group must have at least one owner, hence this owner cannot be removed.")


def _refuse_dynamic(parent: DirectoryObject | None, relation: str) -> None:
    """Raise 400 for the members of a group whose rule decides on them."""
    if relation == "members" and parent is not None and "DynamicMembership" in parent.body.get("groupTypes", []):
        raise bad_request("The members of a group with dynamic membership cannot be changed.")
