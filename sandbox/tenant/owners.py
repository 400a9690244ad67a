"""Who may become the owner of something: what the vendor leaves open is a switch (qlik-api.md 9)."""

import sqlite3

from sandbox.state import Sandbox
from sandbox.tenant.access import Refuse, effective_roles

UNKNOWN_OWNER = "The specified owner cannot be found."


def find_user(sandbox: Sandbox, id: str) -> sqlite3.Row | None:
    """Return a user of the tenant who is not deleted, or None."""
    statement = "SELECT * FROM users WHERE id = ? AND status <> 'deleted'"
    row: sqlite3.Row | None = sandbox.db.execute(statement, (id,)).fetchone()
    return row


def accept_owner(sandbox: Sandbox, id: str, refuse: Refuse, roles: tuple[str, ...] = ()) -> sqlite3.Row:
    """Return the user who is to own something, or raise what the service says; `roles` create such things."""
    user = find_user(sandbox, id)
    if user is None:
        status = 404 if sandbox.switch("transfer-unknown-owner") == "notFound404" else 400
        raise refuse(status, UNKNOWN_OWNER)
    if user["status"] != "active" and sandbox.switch("transfer-inactive-owner") == "refused400":
        raise refuse(400, "Owner is not active")
    if sandbox.switch("transfer-without-entitlement") == "refused403" and not _is_entitled(sandbox, user):
        raise refuse(403, "Owner has no valid user entitlement")
    if roles and sandbox.switch("transfer-without-role") == "refused403":
        held = effective_roles(sandbox, user)
        if held.isdisjoint({*roles, "TenantAdmin"}):
            raise refuse(403, f"Owner lacks the role {roles[0]}")
    return user


def _is_entitled(sandbox: Sandbox, user: sqlite3.Row) -> bool:
    statement = "SELECT 1 FROM assignments WHERE subject_key = ? AND NOT excess"
    return sandbox.db.execute(statement, (user["subject_key"],)).fetchone() is not None
