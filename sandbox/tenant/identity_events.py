"""What happened to users, groups and roles, under the present and, where there was one, the legacy name."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from sandbox.state import Sandbox
from sandbox.tenant.events import IDENTITIES, publish
from sandbox.tenant.memberships import groups_of
from sandbox.tenant.role_names import RoleTable

Update = tuple[str, Any, Any]
# Legacy names that are still published beside the present ones (qlik-api.md 10).
_LEGACY_USER = {"created", "deleted"}
_LEGACY_GROUP = {"created", "deleted", "updated"}


def publish_user(sandbox: Sandbox, what: str, row: sqlite3.Row, *, by: str, updates: Iterable[Update] = ()) -> None:
    """Tell that a user was created, deleted, provisioned or updated."""
    data = _user(sandbox, row)
    publish(sandbox, f"com.qlik.core.user.{what}", IDENTITIES, data | _changes("_updates", updates), by=by)
    if what in _LEGACY_USER:
        publish(sandbox, f"com.qlik.v1.user.{what}", IDENTITIES, data, by=by)


def publish_conflict(sandbox: Sandbox, matched: Iterable[sqlite3.Row], *, by: str) -> None:
    """Tell that somebody tried to create a user who exists."""
    users = [
        {"id": row["id"], "email": row["email"] or "", "status": row["status"], "subject": row["subject"]}
        for row in matched
    ]
    publish(sandbox, "com.qlik.user-identity.conflict", IDENTITIES, {"matchedUsers": users}, by=by)
    publish(sandbox, "com.qlik.core.user-identity.conflicted", IDENTITIES, {"matchedUsers": users}, by=by)


def publish_reassigned(sandbox: Sandbox, email: str, old: str, new: str, *, by: str) -> None:
    """Tell that a user got another subject."""
    data = {"email": email, "oldSubject": old, "newSubject": new}
    publish(sandbox, "com.qlik.user-identity.reassigned", IDENTITIES, data, by=by)
    publish(sandbox, "com.qlik.core.user-identity.reassigned", IDENTITIES, data, by=by)


def publish_group(
    sandbox: Sandbox, what: str, group: dict[str, Any], *, by: str, updates: Iterable[Update] = ()
) -> None:
    """Tell that a group was created, deleted or updated; `group` is as the service shows it."""
    updates = list(updates)
    publish(sandbox, f"com.qlik.core.group.{what}", IDENTITIES, group | _changes("_updates", updates), by=by)
    if what in _LEGACY_GROUP:
        publish(sandbox, f"com.qlik.v1.group.{what}", IDENTITIES, group | _changes("updates", updates), by=by)


def publish_group_settings(
    sandbox: Sandbox, settings: dict[str, Any], *, by: str, updates: Iterable[Update] = ()
) -> None:
    """Tell that the settings of groups were updated."""
    updates = list(updates)
    kind = "group-setting.updated"
    publish(sandbox, f"com.qlik.core.{kind}", IDENTITIES, settings | _changes("_updates", updates), by=by)
    publish(sandbox, f"com.qlik.v1.{kind}", IDENTITIES, settings | _changes("updates", updates), by=by)


def publish_role(sandbox: Sandbox, what: str, role: dict[str, Any], *, by: str, updates: Iterable[Update] = ()) -> None:
    """Tell that a role was created, deleted or updated; permissions are left out, as the service does."""
    data = {key: value for key, value in role.items() if key not in {"permissions", "links"}}
    publish(sandbox, f"com.qlik.core.role.{what}", IDENTITIES, data | _changes("_updates", updates), by=by)


def _user(sandbox: Sandbox, row: sqlite3.Row) -> dict[str, Any]:
    """Return a user as events tell it."""
    roles = RoleTable(sandbox)
    found: dict[str, Any] = {
        "id": row["id"],
        "name": row["name"],
        "status": row["status"],
        "subject": row["subject"],
        "tenantId": sandbox.setting("tenant")["id"],
        "createdAt": row["created_at"],
        "lastUpdatedAt": row["updated_at"],
        "assignedRoles": roles.show(json.loads(row["roles"])),
        "assignedGroups": [{"id": g["id"], "name": g["name"]} for g in groups_of(sandbox, [row["id"]])[row["id"]]],
    }
    more = {"email": row["email"], "clientId": row["client_id"], "inviteExpiry": row["invite_expiry"]}
    profile: dict[str, Any] = json.loads(row["profile"])
    return found | {key: value for key, value in more.items() if value is not None} | profile


def _changes(member: str, updates: Iterable[Update]) -> dict[str, Any]:
    """Return what was changed from what to what, if anything."""
    found = [{"path": path, "newValue": new, "oldValue": old} for path, new, old in updates]
    return {member: found} if found else {}
