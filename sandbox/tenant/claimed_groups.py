"""The groups of a claim: at each login the memberships of the identity provider are made equal to it."""

import json
from dataclasses import dataclass, field

from sandbox.state import Sandbox
from sandbox.tenant.entitlement import follow_grants
from sandbox.tenant.groups import MAX_NAME, add_group, find_by_name
from sandbox.tenant.identity_events import publish_group, publish_user
from sandbox.tenant.memberships import groups_of, join, leave
from sandbox.tenant.user_rows import row_of

_IDP = "idp"


@dataclass(frozen=True)
class Refreshed:
    """Which groups of the claim the user is in now, which of them are new, and which there are none of."""

    names: list[str] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def refresh_groups(sandbox: Sandbox, user_id: str, claim: list[str], provider_id: str | None) -> Refreshed:
    """Return what became of the groups of a claim; custom groups are not touched."""
    refreshed, wanted = Refreshed(), {}
    may_create = sandbox.setting("groupSettings")["autoCreateGroups"]
    for name in dict.fromkeys(claim):
        row = find_by_name(sandbox, _IDP, name)
        if row is None and may_create and 1 <= len(name) <= MAX_NAME:
            group = {"name": name, "providerType": _IDP, "idpId": provider_id}
            row = add_group(sandbox, group, by="")
            if row is not None:
                refreshed.created.append(name)
                told = {"id": row["id"], "name": name, "status": "active", "providerType": _IDP}
                publish_group(sandbox, "created", told, by=user_id)
        if row is None:
            refreshed.ignored.append(name)
        else:
            wanted[row["id"]] = row
            refreshed.names.append(name)
    held = {row["id"]: row for row in groups_of(sandbox, [user_id])[user_id] if row["provider_type"] == _IDP}
    joined, left = wanted.keys() - held.keys(), held.keys() - wanted.keys()
    if joined or left:
        leave(sandbox, user_id, left)
        join(sandbox, user_id, joined)
        user = row_of(sandbox, user_id)
        updates = [("/assignedGroups", list(wanted), list(held))]
        publish_user(sandbox, "updated", user, by=user_id, updates=updates)
        roles = [role for id in joined for role in json.loads(wanted[id]["roles"])]
        follow_grants(sandbox, user["subject"], roles=roles)
    return refreshed
