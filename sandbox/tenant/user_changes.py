"""PATCH of a user: a list of operations, of which all or none take effect (qlik-api.md 3.7)."""

import json
import secrets
import sqlite3
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import Refusal, sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.routing import endpoint
from sandbox.state import Sandbox, fold
from sandbox.tenant.access import Caller, effective_roles, identify
from sandbox.tenant.accounts import invite_expiry
from sandbox.tenant.custom_groups import change_groups
from sandbox.tenant.entitlement import follow_grants
from sandbox.tenant.errors import users_refusal
from sandbox.tenant.identity_events import Update, publish_user
from sandbox.tenant.memberships import groups_of, join, leave
from sandbox.tenant.role_names import RoleReference, find_role_name
from sandbox.tenant.user_rows import find_by_email, find_user, row_of
from sandbox.tenant.user_shapes import PATH

_OWN_PATHS = {"/preferredLocale", "/preferredZoneinfo", "/preferredZoneInfo"}
_TEXTS = {
    "/name": "name",
    "/email": "email",
    "/preferredLocale": "preferredLocale",
    "/preferredZoneinfo": "preferredZoneinfo",
    "/preferredZoneInfo": "preferredZoneinfo",
}
_ROLES: TypeAdapter[list[RoleReference]] = TypeAdapter(list[RoleReference])
# From which status a user comes to be active or disabled, by the position of the switch.
_TRANSITIONS = {
    "toDisabled": {"disabled": {"active", "invited", "provisioned"}, "active": {"disabled"}},
    "activeAndDisabledOnly": {"disabled": {"active"}, "active": {"disabled"}},
    "any": {"disabled": {"active", "invited", "provisioned"}, "active": {"disabled", "invited", "provisioned"}},
}


class Operation(Body):
    """One operation; `set` and `unset` are deprecated forms."""

    op: Literal["replace", "add", "remove-value", "renew", "set", "unset"]
    path: str
    value: Any = None


@dataclass
class _Draft:
    """A user while the operations are applied, and what did not quite succeed."""

    sandbox: Sandbox
    row: sqlite3.Row
    values: dict[str, Any]
    roles: list[str]
    groups: dict[str, sqlite3.Row]
    errors: list[dict[str, Any]] = field(default_factory=list)


async def update_user(request: Request) -> Response:
    """Change a user: 204, or 207 where something less important failed, or a 400 that has changed nothing."""
    caller = identify(request, users_refusal)
    sandbox = sandbox_of(request)
    operations: list[Operation] = await read_body(request, list[Operation], users_refusal)
    _require_right(caller, request.path_params["id"], operations)
    row = find_user(sandbox, request.path_params["id"])
    draft = _draft(sandbox, row)
    for operation in operations:
        _apply(draft, operation)
    _write(draft, by=caller.user_id)
    if draft.errors:
        return JSONResponse({"errors": draft.errors, "traceId": secrets.token_hex(16)}, status_code=207)
    return Response(status_code=204)


def _require_right(caller: Caller, id: str, operations: list[Operation]) -> None:
    """Raise 403 for who may not administer users, unless it is about the caller's own preferences."""
    is_own = caller.user_id == id and all(operation.path in _OWN_PATHS for operation in operations)
    if not is_own and not caller.may("admin.users"):
        raise users_refusal(403, "Insufficient access")


def _draft(sandbox: Sandbox, row: sqlite3.Row) -> _Draft:
    values = {name: row[name] for name in ("name", "email", "status")} | {"inviteExpiry": row["invite_expiry"]}
    groups = {group["id"]: group for group in groups_of(sandbox, [row["id"]])[row["id"]]}
    return _Draft(sandbox, row, values | json.loads(row["profile"]), json.loads(row["roles"]), groups)


def _apply(draft: _Draft, operation: Operation) -> None:
    """Apply one operation to the draft, or raise the 400 that undoes all of them."""
    match operation.path:
        case "/roles" | "/assignedRoles" | "/assignedRoles/-":
            _change_roles(draft, operation)
        case "/assignedGroups" | "/assignedGroups/-":
            draft.groups = change_groups(draft.sandbox, draft.groups, operation.op, operation.path, operation.value)
        case "/status":
            _change_status(draft, operation)
        case "/inviteExpiry":
            _renew_invitation(draft, operation)
        case path if path in _TEXTS:
            _change_text(draft, operation)
        case path:
            raise _refuse(f"Invalid path: {path}")


def _change_text(draft: _Draft, operation: Operation) -> None:
    """Put a name, an e-mail or a preference; only preferences can be emptied."""
    name, value = _TEXTS[operation.path], operation.value
    if operation.op == "unset" and operation.path in _OWN_PATHS:
        draft.values.pop(name, None)
        return
    if operation.op not in {"replace", "set"} or not isinstance(value, str) or not value:
        raise _refuse(f"Invalid operation {operation.op} on {operation.path}")
    if name == "email" and draft.sandbox.switch("duplicate-email") == "conflict409":
        others = [row for row in find_by_email(draft.sandbox, value) if row["id"] != draft.row["id"]]
        if others:
            raise _refuse("A user with this email already exists")
    draft.values[name] = value


def _change_status(draft: _Draft, operation: Operation) -> None:
    """Disable or enable a user; which other ways there are is a switch."""
    if operation.op not in {"replace", "set"} or not isinstance(operation.value, str):
        raise _refuse(f"Invalid operation {operation.op} on /status")
    status = draft.values["status"]
    allowed = _TRANSITIONS[draft.sandbox.switch("status-transitions")].get(operation.value, set())
    if operation.value != status and status not in allowed:
        raise _refuse(f"Invalid status: a user who is {status} cannot become {operation.value}")
    if operation.value in {"active", "disabled"}:
        draft.values |= {"status": operation.value, "inviteExpiry": None}


def _renew_invitation(draft: _Draft, operation: Operation) -> None:
    """Let an invitation run anew."""
    if operation.op != "renew":
        raise _refuse(f"Invalid operation {operation.op} on /inviteExpiry")
    if draft.values["status"] != "invited":
        raise _refuse("Only an invitation can be renewed")
    draft.values["inviteExpiry"] = invite_expiry(draft.sandbox)


def _change_roles(draft: _Draft, operation: Operation) -> None:
    """Replace, add or remove roles; one that does not exist is left out, or refused, by the switch."""
    op, is_one = operation.op, operation.path.endswith("/-")
    is_narrow = draft.sandbox.switch("user-role-operations") == "replaceOnly"
    if is_one is not (op == "add") or op == "renew" or (is_narrow and op in {"add", "remove-value"}):
        raise _refuse(f"Invalid operation {op} on {operation.path}")
    if op == "unset":
        draft.roles = []
        return
    value = operation.value if op in {"replace", "set"} else [operation.value]
    names = _known_roles(draft, operation.path, value)
    if op == "add":
        draft.roles += [name for name in names if name not in draft.roles]
    elif op == "remove-value":
        draft.roles = [name for name in draft.roles if name not in names]
    else:
        draft.roles = names


def _known_roles(draft: _Draft, path: str, value: Any) -> list[str]:
    """Return the names of the roles that exist, each once."""
    if path == "/roles" and isinstance(value, list):
        # The deprecated member holds ids or names as text.
        value = [{"name": item} if isinstance(item, str) else item for item in value]
    try:
        references = _ROLES.validate_python(value)
    except ValidationError as error:
        raise _refuse(f"Invalid value of {path}") from error
    names: list[str] = []
    for reference in references:
        name = find_role_name(draft.sandbox, reference)
        if name is None:
            text = f"Invalid role: {reference.id or reference.name}"
            if draft.sandbox.switch("unknown-role") == "request400":
                raise _refuse(text)
            draft.errors.append({"code": "USERS-400", "title": text, "status": 400})
        elif name not in names:
            names.append(name)
    return names


def _write(draft: _Draft, *, by: str) -> None:
    """Keep the draft and tell what it changed; a draft that changes nothing is neither kept nor told."""
    sandbox, row, values = draft.sandbox, draft.row, draft.values
    before = _draft(sandbox, row)
    updates: list[Update] = [
        (f"/{name}", values.get(name), before.values.get(name))
        for name in {**before.values, **values}
        if values.get(name) != before.values.get(name)
    ]
    if draft.roles != before.roles:
        updates.append(("/assignedRoles", draft.roles, before.roles))
    if set(draft.groups) != set(before.groups):
        updates.append(("/assignedGroups", list(draft.groups), list(before.groups)))
    if not updates:
        return
    effective = effective_roles(sandbox, row)
    leave(sandbox, row["id"], set(before.groups) - set(draft.groups))
    join(sandbox, row["id"], set(draft.groups) - set(before.groups))
    name, email, status, expiry = (values.pop(key) for key in ("name", "email", "status", "inviteExpiry"))
    sandbox.db.execute(
        "UPDATE users SET name = ?, name_key = ?, email = ?, email_key = ?, status = ?, roles = ?, invite_expiry = ?,"
        " profile = ?, updated_at = ? WHERE id = ?",
        (
            name, fold(name), email, fold(email or ""), status, json.dumps(draft.roles), expiry,
            json.dumps(values), sandbox.clock.stamp(), row["id"],
        ),
    )  # fmt: skip
    after = row_of(sandbox, row["id"])
    publish_user(sandbox, "updated", after, by=by, updates=updates)
    granted = effective_roles(sandbox, after) - effective
    if granted:
        follow_grants(sandbox, after["subject"], granted, by=by)


def _refuse(title: str) -> Refusal:
    return users_refusal(400, title)


ROUTES = [endpoint("PATCH", f"{PATH}/{{id}}", update_user, body=list[Operation], status=204)]
