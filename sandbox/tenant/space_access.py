"""What a caller may see and do in a space, by ownership, assignment and group (qlik-api.md 6)."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.documents import field_of
from sandbox.paging import Clause
from sandbox.state import Sandbox
from sandbox.tenant.access import Caller, Refuse
from sandbox.tenant.catalog import EVERYONE, SPACE_ROLES

ADMIN = "admin.spaces"
PERSONAL_CREATORS = frozenset({"PrivateAnalyticsContentCreator", "TenantAdmin", "AnalyticsAdmin"})
CREATORS = {"shared": "SharedSpaceCreator", "managed": "ManagedSpaceCreator", "data": "DataSpaceCreator"}

# Everybody an assignment may name to mean this user: the user, the user's groups, and everyone.
NAMES = (
    "SELECT ? UNION ALL SELECT ? UNION ALL SELECT membership.group_id FROM memberships AS membership"
    " JOIN tenant_groups AS own ON own.id = membership.group_id"
    " WHERE membership.user_id = ? AND own.status = 'active'"
)
_ASSIGNED = f"SELECT space_id, roles FROM space_assignments WHERE assignee_id IN ({NAMES})"  # noqa: S608  # constants

_EVERYTHING = ("change_owner", "create", "delete", "publish", "read", "update")
_AS_ADMIN = ("change_owner", "delete", "read", "update")
# No page lists the actions of a role; these follow from what the help says a role is for.
_ACTIONS = {
    "facilitator": ("create", "delete", "publish", "read", "update"),
    "producer": ("create", "read"),
    "codeveloper": ("create", "read"),
    "publisher": ("publish", "read"),
}


@dataclass(frozen=True)
class Standing:
    """The caller's roles in a space, and what they allow."""

    roles: tuple[str, ...]
    actions: tuple[str, ...]

    def may(self, action: str) -> bool:
        """Say whether the caller may do this in the space."""
        return action in self.actions


def standing_of(caller: Caller, space: sqlite3.Row, assigned: Iterable[str]) -> Standing:
    """Return how the caller stands in a space where these roles are assigned to the caller; an owner has them all."""
    is_owner = space["owner_id"] == caller.user_id
    roles = SPACE_ROLES[space["type"]] if is_owner else tuple(sorted(assigned))
    allowed = set(_EVERYTHING if is_owner else ())
    for role in roles:
        allowed.update(_ACTIONS.get(role, ("read",)))
    if caller.may(ADMIN):
        allowed.update(_AS_ADMIN)
    if caller.may(f"{ADMIN}:read"):
        allowed.add("read")
    if space["type"] != "managed":
        # Only into managed spaces is something published.
        allowed.discard("publish")
    return Standing(roles, tuple(sorted(allowed)))


def assigned_roles(sandbox: Sandbox, user_id: str, spaces: Iterable[str] = ()) -> dict[str, set[str]]:
    """Return the roles assigned to a user, directly or by a group, by space; of some spaces or, without any, of all."""
    wanted = tuple(spaces)
    among = f" AND space_id IN ({', '.join('?' * len(wanted))})" if wanted else ""
    found: dict[str, set[str]] = {}
    for row in sandbox.db.execute(f"{_ASSIGNED}{among}", (user_id, EVERYONE, user_id, *wanted)):
        found.setdefault(row["space_id"], set()).update(json.loads(row["roles"]))
    return found


def visible_to(caller: Caller) -> tuple[Clause, ...]:
    """Return the condition of the spaces a caller can access: all of them for administrators."""
    if caller.may(f"{ADMIN}:read"):
        return ()
    assigned = f"SELECT space_id FROM ({_ASSIGNED})"  # noqa: S608  # constants
    params = (caller.user_id, caller.user_id, EVERYONE, caller.user_id)
    return (Clause(f"owner_id = ? OR id IN ({assigned})", params),)


def role_condition(caller: Caller, roles: Iterable[str]) -> Clause:
    """Return the condition of the spaces where the caller has one of the roles."""
    wanted = tuple(roles)
    marks = ", ".join("?" * len(wanted))
    assigned = (
        f"SELECT space_id FROM ({_ASSIGNED}), json_each(roles)"  # noqa: S608  # constants and marks
        f" WHERE value IN ({marks})"
    )
    owned = tuple(kind for kind, known in SPACE_ROLES.items() if not set(wanted).isdisjoint(known))
    own_marks = ", ".join("?" * len(owned))
    params = (caller.user_id, *owned, caller.user_id, EVERYONE, caller.user_id, *wanted)
    return Clause(f"(owner_id = ? AND type IN ({own_marks})) OR id IN ({assigned})", params)


def shared_with(user_id: str) -> Clause:
    """Return the ids of the apps that are shared with a user; a share is disabled only where it is a link."""
    sql = (
        f"SELECT {field_of('resourceId')} FROM documents WHERE collection = 'spaceShares'"  # noqa: S608  # constants
        f" AND {field_of('type')} <> 'link' AND {field_of('assigneeId')} IN ({NAMES})"
    )
    return Clause(sql, (user_id, EVERYONE, user_id))


def find_space(sandbox: Sandbox, id: str) -> sqlite3.Row | None:
    """Return a space, or None."""
    row: sqlite3.Row | None = sandbox.db.execute("SELECT * FROM spaces WHERE id = ?", (id,)).fetchone()
    return row


def enter_space(
    sandbox: Sandbox, caller: Caller, id: str, refuse: Refuse, action: str = "read"
) -> tuple[sqlite3.Row, Standing]:
    """Return a space and how the caller stands in it; 404 for one the caller cannot see, 403 without the action."""
    space = find_space(sandbox, id)
    if space is None:
        raise refuse(404, "Space not found or access denied")
    standing = standing_of(caller, space, assigned_roles(sandbox, caller.user_id, (id,)).get(id, ()))
    if not standing.may("read"):
        raise refuse(404, "Space not found or access denied")
    if not standing.may(action):
        raise refuse(403, "Operation denied")
    return space, standing


def may_create(caller: Caller, kind: str) -> bool:
    """Say whether the caller may create a space of this type."""
    is_granted = caller.scopes is None or not caller.scopes.isdisjoint({"admin_classic", "user_default"})
    return caller.may(ADMIN) or (is_granted and CREATORS[kind] in caller.roles)
