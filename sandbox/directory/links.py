"""References between a group and its members or owners: the rules of adding and removing them."""

from typing import Any

from sandbox.directory.errors import bad_request, not_found
from sandbox.directory.objects import find_object
from sandbox.seed import insert
from sandbox.state import Sandbox

MAX_REFERENCES = 20  # in one request


def read_references(relation: str, references: Any) -> list[str]:
    """Return the object ids of absolute references, or raise 400."""
    if not isinstance(references, list) or not all(isinstance(text, str) for text in references):
        raise bad_request(f"Invalid value specified for property '{relation}' of resource 'Group'.")
    if len(references) > MAX_REFERENCES:
        message = f"The limit of {MAX_REFERENCES} references of '{relation}' in one request is exceeded."
        raise bad_request(message)
    ids = [text.rstrip("/").rpartition("/")[2].lower() for text in references]
    if len(set(ids)) < len(ids):
        raise bad_request("Request contains a property with duplicate values.")
    return ids


def add_links(sandbox: Sandbox, relation: str, group_id: str, ids: list[str]) -> None:
    """Add all references, or raise before the first one is added."""
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
    _refuse_dynamic(sandbox, relation, group_id)
    insert(sandbox, "links", ((None, relation, group_id, object_id) for object_id in ids))


def remove_link(sandbox: Sandbox, relation: str, group_id: str, object_id: str) -> None:
    """Remove one reference, or raise 404 when there is none."""
    if not has_link(sandbox, relation, group_id, object_id):
        raise not_found(object_id)
    _refuse_dynamic(sandbox, relation, group_id)
    statement = "DELETE FROM links WHERE relation = ? AND group_id = ? AND object_id = ?"
    sandbox.db.execute(statement, (relation, group_id, object_id))


def has_link(sandbox: Sandbox, relation: str, group_id: str, object_id: str) -> bool:
    """Say whether the reference exists."""
    statement = "SELECT 1 FROM links WHERE relation = ? AND group_id = ? AND object_id = ?"
    return sandbox.db.execute(statement, (relation, group_id, object_id)).fetchone() is not None


def _refuse_dynamic(sandbox: Sandbox, relation: str, group_id: str) -> None:
    """Raise 400 for the members of a group whose rule decides on them."""
    group = find_object(sandbox, group_id)
    if relation == "members" and group is not None and "DynamicMembership" in group.body.get("groupTypes", []):
        raise bad_request("The members of a group with dynamic membership cannot be changed.")
