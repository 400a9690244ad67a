"""PATCH of a custom role (qlik-api.md 5)."""

import json
import sqlite3
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response

from sandbox.answers import Refusal, sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.routing import endpoint
from sandbox.state import fold
from sandbox.tenant.access import require_admin
from sandbox.tenant.errors import roles_refusal
from sandbox.tenant.identity_events import publish_role
from sandbox.tenant.role_shapes import PATH, find_role, show_role
from sandbox.tenant.role_uses import rename_uses
from sandbox.tenant.roles import find_custom, level_of, refuse_name, refuse_scopes

MAX_NAME = 256


class Operation(Body):
    """One operation on a role."""

    op: Literal["replace", "add", "remove-value"]
    path: str
    value: Any


async def update_role(request: Request) -> Response:
    """Change the name, the description or the scopes of a custom role."""
    caller = require_admin(request, roles_refusal)
    sandbox = sandbox_of(request)
    operations: list[Operation] = await read_body(request, list[Operation], roles_refusal)
    row = find_custom(sandbox, request.path_params["id"])
    before = _read(row)
    after = dict(before)
    for operation in operations:
        after |= _apply(after, operation)
    refuse_name(sandbox, after["name"], row["id"])
    updates = [(f"/{name}", after[name], before[name]) for name in before if after[name] != before[name]]
    if updates:
        statement = (
            "UPDATE roles SET name = ?, name_key = ?, level = ?, description = ?, scopes = ?, updated_at = ?,"
            " updated_by = ? WHERE id = ?"
        )
        name, scopes = after["name"], after["assignedScopes"]
        level = row["level"] if scopes == before["assignedScopes"] else level_of(scopes)
        stamp = sandbox.clock.stamp()
        values = (name, fold(name), level, after["description"], json.dumps(scopes), stamp, caller.user_id, row["id"])
        sandbox.db.execute(statement, values)
        rename_uses(sandbox, before["name"], name)
        shown = show_role(request, find_role(sandbox, row["id"]))
        publish_role(sandbox, "updated", shown, by=caller.user_id, updates=updates)
    return Response(status_code=204)


def _read(row: sqlite3.Row) -> dict[str, Any]:
    return {"name": row["name"], "description": row["description"], "assignedScopes": json.loads(row["scopes"])}


def _apply(role: dict[str, Any], operation: Operation) -> dict[str, Any]:
    """Return what one operation changes, or raise 400."""
    op, path, value = operation.op, operation.path, operation.value
    match op, path:
        case "replace", "/name" if isinstance(value, str) and 1 <= len(value) <= MAX_NAME:
            return {"name": value}
        case "replace", "/description" if isinstance(value, str):
            return {"description": value}
        case _, "/assignedScopes" | "/assignedScopes/-":
            return {"assignedScopes": _change_scopes(role["assignedScopes"], operation)}
    raise _refuse(f"Invalid operation {op} on {path}")


def _change_scopes(scopes: list[str], operation: Operation) -> list[str]:
    """Return the scopes after they were replaced, one was added, or one removed."""
    op, path, value = operation.op, operation.path, operation.value
    if (op == "add") is not path.endswith("/-"):
        raise _refuse(f"Invalid operation {op} on {path}")
    given = value if op == "replace" else [value]
    if not isinstance(given, list) or not all(isinstance(scope, str) for scope in given):
        raise _refuse(f"Invalid value of {path}")
    if op == "remove-value":
        return [scope for scope in scopes if scope != value]
    refuse_scopes(given)
    return list(dict.fromkeys([*scopes, value] if op == "add" else given))


def _refuse(title: str) -> Refusal:
    return roles_refusal(400, title)


ROUTES = [endpoint("PATCH", f"{PATH}/{{id}}", update_role, body=list[Operation], status=204)]
