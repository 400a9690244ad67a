"""The administrators who do things by hand, as users of the tenant."""

from sandbox.state import Sandbox, fold, insert
from sandbox.tenant.identities import user_row
from sandbox.tenant.sections import TenantUser

_KNOWN = "SELECT id FROM users WHERE status <> 'deleted' AND (email_key = ? OR subject_key = ?) ORDER BY id LIMIT 1"


def find_administrator(sandbox: Sandbox, by: str) -> str:
    """Return the id of the user with this e-mail or subject; one nobody knows becomes a TenantAdmin of that name."""
    row = sandbox.db.execute(_KNOWN, (fold(by), fold(by))).fetchone()
    if row is None:
        user = TenantUser.model_validate(
            {
                "subject": by,
                "name": by.partition("@")[0],
                "email": by,
                "assignedRoles": ["TenantAdmin"],
                "createdAt": sandbox.clock.now(),
            }
        )
        insert(sandbox, "users", [user_row(user)])
        row = sandbox.db.execute(_KNOWN, (fold(by), fold(by))).fetchone()
    return str(row["id"])
