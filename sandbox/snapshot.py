"""The present state in world form, sorted, so that two snapshots can be compared byte by byte."""

import json
from operator import itemgetter
from typing import Any

from sandbox.state import Sandbox
from sandbox.tenant.seats import excess_starts, is_excess


def take_snapshot(sandbox: Sandbox) -> dict[str, Any]:
    """Return a world that would restore this state; the clock, which never stands still, is left out."""
    return {
        "world": 1,
        "tenant": _tenant(sandbox),
        "directory": _directory(sandbox),
        "switches": dict(sorted((sandbox.setting("switches") or {}).items())),
    }


def _tenant(sandbox: Sandbox) -> dict[str, Any]:
    rows = sandbox.db.execute
    return {
        **sandbox.setting("tenant"),
        "clients": _clients(sandbox, "qlik"),
        "apiKeys": [dict(row) for row in rows("SELECT * FROM api_keys ORDER BY token")],
        "license": sandbox.setting("license"),
        "allotments": {
            row["name"]: {"units": row["units"], "overage": row["overage"]}
            for row in rows("SELECT * FROM allotments ORDER BY name")
        },
        "settings": sandbox.setting("licenseSettings"),
        "users": [_user(row) for row in rows("SELECT * FROM users ORDER BY subject_key, id")],
        "assignments": _assignments(sandbox),
        "spaces": [_space(row) for row in rows("SELECT * FROM spaces ORDER BY name, id")],
        "roles": [
            dict(row) for row in rows("SELECT name, level, description FROM roles WHERE type = 'custom' ORDER BY name")
        ],
    }


def _directory(sandbox: Sandbox) -> dict[str, Any]:
    people = [
        (row["is_deleted"], json.loads(row["body"]))
        for row in sandbox.db.execute("SELECT is_deleted, body FROM people ORDER BY id")
    ]
    links: dict[tuple[str, str], list[str]] = {}
    for link in sandbox.db.execute("SELECT * FROM links ORDER BY object_id"):
        links.setdefault((link["relation"], link["group_id"]), []).append(link["object_id"])
    groups = [json.loads(row["body"]) for row in sandbox.db.execute("SELECT body FROM groups ORDER BY id")]
    return {
        "tenantId": sandbox.setting("directoryTenantId"),
        "clients": _clients(sandbox, "graph"),
        "users": [_filled(body) for is_deleted, body in people if not is_deleted],
        "deleted": [_filled(body) for is_deleted, body in people if is_deleted],
        "groups": [
            _filled(body) | {relation: links.get((relation, body["id"]), []) for relation in ("members", "owners")}
            for body in groups
        ],
    }


def _clients(sandbox: Sandbox, service: str) -> list[dict[str, Any]]:
    rows = sandbox.db.execute("SELECT body FROM clients WHERE service = ? ORDER BY id", (service,))
    return [json.loads(row["body"]) for row in rows]


def _assignments(sandbox: Sandbox) -> list[dict[str, Any]]:
    rows = sandbox.db.execute("SELECT * FROM assignments").fetchall()
    starts = excess_starts(sandbox)
    found = [
        {key: row[key] for key in ("subject", "type", "created")} | {"excess": is_excess(row, starts)} for row in rows
    ]
    return sorted(found, key=itemgetter("subject", "type"))


def _user(row: Any) -> dict[str, Any]:
    return _filled(
        {
            "id": row["id"],
            "subject": row["subject"],
            "name": row["name"],
            "email": row["email"],
            "status": row["status"],
            "clientId": row["client_id"],
            "assignedRoles": json.loads(row["roles"]),
            "createdAt": row["created_at"],
        }
    )


def _space(row: Any) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "type": row["type"],
        "ownerId": row["owner_id"],
        "description": row["description"],
        "createdAt": row["created_at"],
    }


def _filled(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body without what is null."""
    return {key: value for key, value in body.items() if value is not None}
