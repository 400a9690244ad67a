"""Deleted objects that are no users: a part of the world."""

from typing import Any, Literal

from sandbox.sections import Moment, ObjectId, Section


class DeletedItem(Section):
    """A group, an application or a service principal in the recycle bin, with what it referred to and who did."""

    id: ObjectId
    kind: Literal["group", "application", "servicePrincipal"]
    deleted_date_time: Moment
    body: dict[str, Any]
    members: list[ObjectId] = []
    owners: list[ObjectId] = []
    manager: list[ObjectId] = []
    member_of: list[ObjectId] = []
    owner_of: list[ObjectId] = []
    manager_of: list[ObjectId] = []
