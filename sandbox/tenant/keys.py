"""API keys as they are kept: who owns one, and whether it still counts (qlik-api.md 7.1)."""

import sqlite3
from datetime import UTC, datetime
from typing import Any

from sandbox.clock import stamp
from sandbox.documents import without_nulls
from sandbox.ids import derive_id
from sandbox.state import Sandbox, fold, insert
from sandbox.tenant.sections import ApiKey, ApiKeyConfig

CONFIG = "apiKeyConfig"
# What the service names otherwise than a world, in the order of the service.
CONFIG_MEMBERS = {
    "max_keys_per_user": "maxKeysPerUser",
    "max_api_key_expiry": "maxApiKeyExpiry",
    "scim_externalClient_expiry": "scimExternalClientExpiry",
}
_OWNER = (
    "SELECT users.* FROM api_keys JOIN users ON users.id = api_keys.sub WHERE api_keys.token = ?"
    " AND api_keys.sub_type = 'user' AND api_keys.status = 'active'"
    " AND (api_keys.expires IS NULL OR api_keys.expires > ?) AND users.status = 'active'"
)
_USER = "SELECT id FROM users WHERE subject_key = ? ORDER BY status = 'deleted', id LIMIT 1"


def find_owner(sandbox: Sandbox, token: str) -> sqlite3.Row | None:
    """Return the active user of a key that is neither revoked nor expired, or None."""
    row: sqlite3.Row | None = sandbox.db.execute(_OWNER, (token, sandbox.clock.seconds())).fetchone()
    return row


def place_keys(sandbox: Sandbox, keys: list[ApiKey], config: ApiKeyConfig) -> None:
    """Put the keys of a world, whose users are already there, and what it allows of them."""
    insert(sandbox, "api_keys", (_key_row(sandbox, key) for key in keys))
    known = config.model_dump(by_alias=True)
    sandbox.put_setting(CONFIG, {name: known[member] for name, member in CONFIG_MEMBERS.items()})


def take_keys(sandbox: Sandbox) -> dict[str, Any]:
    """Return the keys by token and what is allowed of them, as a world has it."""
    statement = (
        "SELECT api_keys.*, users.subject, users.status AS user_status FROM api_keys"
        " LEFT JOIN users ON users.id = api_keys.sub ORDER BY token"
    )
    config = sandbox.setting(CONFIG)
    return {
        "apiKeys": [_section(row) for row in sandbox.db.execute(statement)],
        "apiKeyConfig": {member: config[name] for name, member in CONFIG_MEMBERS.items()},
    }


def _key_row(sandbox: Sandbox, key: ApiKey) -> tuple[Any, ...]:
    sub = key.subject if key.sub_type == "externalClient" else key.user_id or _user_id(sandbox, key.subject)
    expires = None if key.expiry is None else key.expiry.timestamp()
    created = stamp(key.created)
    updated = created if key.last_updated is None else stamp(key.last_updated)
    return (
        key.id or derive_id("key", key.token), key.token, sub, key.sub_type, key.status, key.description, expires,
        created, updated, key.created_by or sub,
    )  # fmt: skip


def _user_id(sandbox: Sandbox, subject: str) -> str:
    return str(sandbox.db.execute(_USER, (fold(subject),)).fetchone()["id"])


def _section(row: sqlite3.Row) -> dict[str, Any]:
    is_gone = row["sub_type"] == "user" and row["user_status"] == "deleted"
    return without_nulls(
        {
            "token": row["token"],
            "subject": row["subject"] or row["sub"],
            "status": row["status"],
            "id": row["id"],
            "subType": row["sub_type"],
            "userId": row["sub"] if is_gone else None,
            "description": row["description"],
            "expiry": None if row["expires"] is None else stamp(datetime.fromtimestamp(row["expires"], UTC)),
            "created": row["created"],
            "lastUpdated": row["updated"],
            "createdBy": row["created_by"],
        }
    )
