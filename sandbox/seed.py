"""A world placed into a state: everything that was there is replaced."""

import hashlib
import json
import uuid
from collections.abc import Iterable
from typing import Any

from sandbox.clock import stamp
from sandbox.state import Sandbox, fold
from sandbox.tenant.catalog import BUILT_IN_ROLES
from sandbox.world import Assignment, Directory, Group, Person, Role, Space, Tenant, TenantUser, World

_REPLACED = (
    "DELETE FROM settings",
    "DELETE FROM clients",
    "DELETE FROM api_keys",
    "DELETE FROM tokens",
    "DELETE FROM allotments",
    "DELETE FROM assignments",
    "DELETE FROM users",
    "DELETE FROM roles",
    "DELETE FROM spaces",
    "DELETE FROM people",
    "DELETE FROM groups",
    "DELETE FROM links",
    "DELETE FROM tampering",
)


def replace_world(sandbox: Sandbox, world: World) -> None:
    """Make the state equal to `world`; tokens minted before are unknown afterwards."""
    for statement in _REPLACED:
        sandbox.db.execute(statement)
    if world.clock is not None:
        sandbox.clock.put(world.clock)
    sandbox.keep_clock()
    sandbox.put_setting("switches", world.switches)
    _place_tenant(sandbox, world.tenant)
    _place_directory(sandbox, world.directory)


def insert(sandbox: Sandbox, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows that hold every column of the table, in its order."""
    rows = list(rows)
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        # The table is a constant of this package; values are parameters.
        sandbox.db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608


def role_id(name: str) -> str:
    """Return the id of a role: 24 hexadecimal digits that follow from its name."""
    return _hex_id("role", name)


def user_row(user: TenantUser) -> tuple[Any, ...]:
    """Return the row of a tenant's user; an id left out follows from the subject."""
    created = stamp(user.created_at)
    return (
        user.id or _hex_id("user", user.subject), user.subject, fold(user.subject), user.name, fold(user.name),
        user.email, fold(user.email or ""), user.status, user.client_id, json.dumps(user.assigned_roles),
        created, created,
    )  # fmt: skip


def _place_tenant(sandbox: Sandbox, tenant: Tenant) -> None:
    sandbox.put_setting("tenant", {"id": tenant.id, "name": tenant.name})
    sandbox.put_setting("license", tenant.license and tenant.license.model_dump(by_alias=True))
    sandbox.put_setting("licenseSettings", tenant.settings.model_dump(by_alias=True))
    insert(sandbox, "clients", (("qlik", c.id, c.model_dump_json(by_alias=True)) for c in tenant.clients))
    insert(sandbox, "api_keys", ((key.token, key.subject, key.status) for key in tenant.api_keys))
    insert(sandbox, "allotments", ((name, a.units, a.overage) for name, a in tenant.allotments.items()))
    insert(sandbox, "assignments", map(_assignment_row, tenant.assignments))
    insert(sandbox, "users", map(user_row, tenant.users))
    insert(sandbox, "roles", [_role_row(Role(name=n, level=v), "default") for n, v in BUILT_IN_ROLES])
    insert(sandbox, "roles", (_role_row(role, "custom") for role in tenant.roles))
    insert(sandbox, "spaces", map(_space_row, tenant.spaces))


def _place_directory(sandbox: Sandbox, directory: Directory) -> None:
    sandbox.put_setting("directoryTenantId", directory.tenant_id)
    insert(sandbox, "clients", (("graph", c.id, c.model_dump_json(by_alias=True)) for c in directory.clients))
    insert(sandbox, "people", (_person_row(person, is_deleted=False) for person in directory.users))
    insert(sandbox, "people", (_person_row(person, is_deleted=True) for person in directory.deleted))
    for group in directory.groups:
        _place_group(sandbox, group)


def _place_group(sandbox: Sandbox, group: Group) -> None:
    body = group.model_dump(mode="json", by_alias=True, exclude={"members", "owners", "created_date_time"})
    body["createdDateTime"] = stamp(group.created_date_time)
    row = (None, group.id, fold(group.display_name), fold(group.mail_nickname), json.dumps(body))
    insert(sandbox, "groups", [row])
    insert(sandbox, "links", ((None, "members", group.id, member) for member in group.members))
    insert(sandbox, "links", ((None, "owners", group.id, owner) for owner in group.owners))


def _assignment_row(row: Assignment) -> tuple[Any, ...]:
    return (None, row.subject, fold(row.subject), row.type, stamp(row.created), row.excess)


def _role_row(role: Role, kind: str) -> tuple[Any, ...]:
    return (role_id(role.name), role.name, fold(role.name), kind, role.level, role.description)


def _space_row(space: Space) -> tuple[Any, ...]:
    created = stamp(space.created_at)
    return (space.id, space.name, fold(space.name), space.type, space.owner_id, space.description, created)


def _person_row(person: Person, *, is_deleted: bool) -> tuple[Any, ...]:
    body = person.model_dump(mode="json", by_alias=True, exclude={"created_date_time", "deleted_date_time"})
    body["createdDateTime"] = stamp(person.created_date_time)
    if is_deleted:
        body["deletedDateTime"] = stamp(person.deleted_date_time or person.created_date_time)
    keys = (fold(person.user_principal_name), fold(person.mail), fold(person.display_name))
    return (None, person.id, *keys, is_deleted, json.dumps(body))


def _hex_id(kind: str, name: str) -> str:
    return hashlib.sha256(f"{kind} {name.casefold()}".encode()).hexdigest()[:24]


def new_object_id() -> str:
    """Return an object id for something created from now on."""
    return str(uuid.uuid4())
