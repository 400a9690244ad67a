"""Roles the tenant gives to professionals by itself, by its autoAssign…RoleToProfessionals flags (qlik-api.md 2.6)."""

import json

from sandbox.state import Sandbox
from sandbox.tenant.identity_events import publish_user
from sandbox.tenant.user_rows import find_by_subject, row_of

_ROLES = {
    "autoAssignCreateSharedSpacesRoleToProfessionals": "SharedSpaceCreator",
    "autoAssignPrivateAnalyticsContentCreatorRoleToProfessionals": "PrivateAnalyticsContentCreator",
    "autoAssignDataServicesContributorRoleToProfessionals": "DataServicesContributor",
}


def follow_assignment(sandbox: Sandbox, subject: str, kind: str, *, by: str) -> None:
    """Grant what the flags say to who has just become a professional, where the switch lets them act then."""
    if kind == "professional" and sandbox.switch("professional-roles") == "assignment":
        grant_flag_roles(sandbox, subject, by=by)


def grant_flag_roles(sandbox: Sandbox, subject: str, *, by: str) -> list[str]:
    """Return the roles a professional gets now: those of the flags that are set and that the user lacks."""
    tenant, row = sandbox.setting("tenant"), find_by_subject(sandbox, subject)
    if row is None:
        return []
    held = json.loads(row["roles"])
    granted = [role for flag, role in _ROLES.items() if tenant[flag] and role not in held]
    if granted:
        statement = "UPDATE users SET roles = ?, updated_at = ? WHERE id = ?"
        sandbox.db.execute(statement, (json.dumps(held + granted), sandbox.clock.stamp(), row["id"]))
        updates = [("/assignedRoles", held + granted, held)]
        publish_user(sandbox, "updated", row_of(sandbox, row["id"]), by=by, updates=updates)
    return granted
