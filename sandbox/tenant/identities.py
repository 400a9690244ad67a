"""Users, groups and roles of a world: placed into a state, and taken from it."""

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

from sandbox.clock import stamp
from sandbox.documents import without_nulls
from sandbox.ids import derive_id, role_id
from sandbox.sections import DAWN, find_twice
from sandbox.state import Sandbox, fold, insert
from sandbox.tenant.catalog import BUILT_IN_ROLES, EVERYONE, EVERYONE_NAME
from sandbox.tenant.sections import Role, Tenant, TenantGroup, TenantUser

_EVERYONE = TenantGroup.model_validate({"id": EVERYONE, "name": EVERYONE_NAME, "providerType": "system"})
# What a user may have beside what has a column of its own, under the names of the service.
PROFILE = ("picture", "locale", "zoneinfo", "preferredLocale", "preferredZoneinfo")
_PROFILE_FIELDS = {"picture", "locale", "zoneinfo", "preferred_locale", "preferred_zoneinfo"}


def place_identities(sandbox: Sandbox, tenant: Tenant) -> None:
    """Put the users, groups, memberships and roles of a world where nothing is yet."""
    insert(sandbox, "users", map(user_row, tenant.users))
    insert(sandbox, "roles", [role_row(Role(name=name, level=level), "default") for name, level in BUILT_IN_ROLES])
    insert(sandbox, "roles", (role_row(role, "custom") for role in tenant.roles))
    groups = list(tenant.groups)
    if not any(group.provider_type == "system" for group in groups):
        groups.append(_EVERYONE)
    insert(sandbox, "tenant_groups", map(group_row, groups))
    users = {fold(user.subject): user_id(user) for user in tenant.users if user.status != "deleted"}
    pairs = ((group_id(group), users[fold(subject)]) for group in groups for subject in group.members)
    insert(sandbox, "memberships", pairs)
    sandbox.put_setting("groupSettings", tenant.group_settings.model_dump(by_alias=True))


def user_row(user: TenantUser) -> tuple[Any, ...]:
    """Return the row of a tenant's user; an id left out follows from the subject."""
    created = stamp(user.created_at)
    profile = user.model_dump(by_alias=True, exclude_none=True, include=_PROFILE_FIELDS)
    return (
        user_id(user), user.subject, fold(user.subject), user.name, fold(user.name),
        user.email, fold(user.email or ""), user.status, user.client_id, json.dumps(user.assigned_roles),
        created, stamp(user.updated_at) if user.updated_at else created, user.invite_expiry, json.dumps(profile),
    )  # fmt: skip


def group_row(group: TenantGroup) -> tuple[Any, ...]:
    """Return the row of a tenant's group; an id left out follows from the kind and the name."""
    created = stamp(group.created_at)
    return (
        group_id(group), group.name, fold(group.name), group.provider_type, group.status, group.description,
        group.idp_id, json.dumps(group.assigned_roles), created,
        stamp(group.updated_at) if group.updated_at else created, group.created_by, group.updated_by,
    )  # fmt: skip


def role_row(role: Role, kind: str) -> tuple[Any, ...]:
    """Return the row of a role; an id left out follows from the name."""
    created = stamp(role.created_at)
    return (
        role.id or role_id(role.name), role.name, fold(role.name), kind, role.level, role.description,
        json.dumps(role.assigned_scopes), created, stamp(role.updated_at) if role.updated_at else created,
        role.created_by, role.updated_by,
    )  # fmt: skip


def find_identity_faults(tenant: Tenant) -> Iterator[str]:
    """Yield what does not hold together among users, groups and roles."""
    kept = [user for user in tenant.users if user.status != "deleted"]
    subjects = {fold(user.subject) for user in kept}
    roles = {name for name, _ in BUILT_IN_ROLES} | {role.name for role in tenant.roles}
    yield from find_twice("tenant.users", (fold(user.subject) for user in kept))
    yield from find_twice("tenant.users: the id", map(user_id, tenant.users))
    names = [name for name, _ in BUILT_IN_ROLES] + [role.name for role in tenant.roles]
    yield from find_twice("tenant.roles", names)
    ids = [role_id(name) for name, _ in BUILT_IN_ROLES] + [role.id or role_id(role.name) for role in tenant.roles]
    yield from find_twice("tenant.roles: the id", ids)
    yield from find_twice("tenant.groups", (f"{group.provider_type} {group.name}" for group in tenant.groups))
    yield from find_twice("tenant.groups: the id", map(group_id, tenant.groups))
    for user in tenant.users:
        for name in user.assigned_roles:
            if name not in roles:
                yield f"tenant.users: {user.subject} has the role {name}, which does not exist"
    for group in tenant.groups:
        if (group.provider_type == "system") is not ((group.id, group.name) == (EVERYONE, EVERYONE_NAME)):
            yield f"tenant.groups: {group.name}: the system group is {EVERYONE_NAME} with the id {EVERYONE}"
        yield from (f"tenant.groups: {group.name} has the role {name}, which does not exist"
                    for name in group.assigned_roles if name not in roles)  # fmt: skip
        yield from (f"tenant.groups: {group.name} has the member {subject}, who is no user of this tenant"
                    for subject in group.members if fold(subject) not in subjects)  # fmt: skip
        yield from find_twice(f"tenant.groups: {group.name}", map(fold, group.members))


def take_identities(sandbox: Sandbox) -> dict[str, Any]:
    """Return the users, groups and roles as a world has them."""
    rows = sandbox.db.execute
    return {
        "users": [_user(row) for row in rows("SELECT * FROM users ORDER BY subject_key, id")],
        "groups": _groups(sandbox),
        "groupSettings": sandbox.setting("groupSettings"),
        "roles": [_role(row) for row in rows("SELECT * FROM roles WHERE type = 'custom' ORDER BY name")],
    }


def _user(row: sqlite3.Row) -> dict[str, Any]:
    return without_nulls(
        {
            "id": row["id"],
            "subject": row["subject"],
            "name": row["name"],
            "email": row["email"],
            "status": row["status"],
            "clientId": row["client_id"],
            "assignedRoles": json.loads(row["roles"]),
            "inviteExpiry": row["invite_expiry"],
            **json.loads(row["profile"]),
            **_times(row),
        }
    )


def _groups(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return the groups with their members; the system group only where something was done to it."""
    members: dict[str, list[str]] = {}
    pairs = "SELECT group_id, subject FROM memberships JOIN users ON users.id = user_id ORDER BY group_id, subject"
    for pair in sandbox.db.execute(pairs):
        members.setdefault(pair["group_id"], []).append(pair["subject"])
    rows = sandbox.db.execute(
        "SELECT * FROM tenant_groups WHERE provider_type <> 'system' OR roles <> '[]' OR updated_at <> created_at"
        " ORDER BY name, provider_type"
    )
    return [_group(row, members.get(row["id"], [])) for row in rows]


def _group(row: sqlite3.Row, members: list[str]) -> dict[str, Any]:
    return without_nulls(
        {
            "id": row["id"],
            "name": row["name"],
            "providerType": row["provider_type"],
            "status": row["status"],
            "description": row["description"],
            "idpId": row["idp_id"],
            "members": members,
            "assignedRoles": json.loads(row["roles"]),
            **_authors(row),
            **_times(row),
        }
    )


def _role(row: sqlite3.Row) -> dict[str, Any]:
    scopes = json.loads(row["scopes"])
    return {
        **({} if row["id"] == role_id(row["name"]) else {"id": row["id"]}),
        "name": row["name"],
        "level": row["level"],
        "description": row["description"],
        **({"assignedScopes": scopes} if scopes else {}),
        **_authors(row),
        **{name: value for name, value in _times(row).items() if value != stamp(DAWN)},
    }


def _times(row: sqlite3.Row) -> dict[str, str]:
    """Return when it was made, and when it was changed since."""
    changed = {} if row["updated_at"] == row["created_at"] else {"updatedAt": row["updated_at"]}
    return {"createdAt": row["created_at"], **changed}


def _authors(row: sqlite3.Row) -> dict[str, str]:
    found = {"createdBy": row["created_by"], "updatedBy": row["updated_by"]}
    return {name: value for name, value in found.items() if value}


def user_id(user: TenantUser) -> str:
    """Return the id of a user of a world; one left out follows from the subject."""
    return user.id or derive_id("user", user.subject)


def group_id(group: TenantGroup) -> str:
    """Return the id of a group of a world; one left out follows from the kind and the name."""
    # Names of groups differ by case; the digits of the name keep that.
    return group.id or derive_id(f"{group.provider_type} group", group.name.encode().hex())
