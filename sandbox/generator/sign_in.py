"""How people get into a made-up tenant: the identity provider, groups its claims left behind, and SCIM."""

import uuid
from datetime import datetime
from random import Random
from typing import Any

from sandbox.generator.groups import Groups
from sandbox.generator.people import new_id, some_moment
from sandbox.generator.profile import Profile
from sandbox.generator.seats import Seats
from sandbox.ids import derive_id

PROVIDER = "6512a1b2c3d4e5f607182931"
SCIM_KEY = "sandbox-scim-key"

_NAMES_GUID = 7  # one in so many claims named its group by object id, before names were sent


def make_provider() -> dict[str, Any]:
    """Return the identity provider: Entra by OIDC, whose subject is the object id."""
    return {
        "id": PROVIDER,
        "provider": "azureAD",
        "protocol": "OIDC",
        "description": "Contoso",
        "createNewUsersOnLogin": True,
        "options": {
            "discoveryUrl": "https://login.contoso.test/.well-known/openid-configuration",
            "clientId": "66666666-6666-4666-8666-666666666666",
            "claimsMapping": {"sub": ["oid"], "name": ["name"], "email": ["email"], "groups": ["groups"]},
            "emailVerifiedAlwaysTrue": True,
            "useClaimsFromIdToken": True,
        },
    }


def make_scim_key() -> dict[str, Any]:
    """Return the key that provisioning has."""
    return {"token": SCIM_KEY, "subject": f"SCIM\\{PROVIDER}", "subType": "externalClient"}


def make_tenant_groups(
    groups: Groups, seats: Seats, profile: Profile, now: datetime, random: Random
) -> list[dict[str, Any]]:
    """Return the groups that logins created, perhaps with names that nobody uses any more, and a custom one."""
    made = []
    users = {user["subject"]: user for user in seats.users.values() if user.get("status", "active") == "active"}
    for number, group in enumerate(group for group in groups.groups if group["id"] in groups.types):
        by_id = bool(profile.gone) and number % _NAMES_GUID == _NAMES_GUID - 1
        members = [member for member in group["members"] if member in users]
        made.append(_group(group["id"] if by_id else group["displayName"], members, now, random))
    if profile.gone:
        made.append(_group("BI Former Team", [], now, random))
    names = random.sample(sorted(users), min(len(users), 5))
    custom = {"name": "Data Stewards", "providerType": "custom", "description": "Kept by hand", "members": names}
    return [*made, custom | {"id": derive_id("group", "Data Stewards"), "assignedRoles": ["Steward"]}]


def make_application(groups: Groups, random: Random) -> dict[str, list[dict[str, Any]]]:
    """Return the directory's side of it: the application, who is assigned to it, and its synchronization."""
    app_id, principal = new_id(random), new_id(random)
    name = "Qlik Cloud"
    assigned = [group["id"] for group in groups.groups if group["id"] in groups.types]
    return {
        "applications": [{"id": new_id(random), "appId": app_id, "displayName": name}],
        "servicePrincipals": [{"id": principal, "appId": app_id, "displayName": name}],
        "appRoleAssignments": [
            {"id": uuid.UUID(int=random.getrandbits(128)).hex, "principalId": group, "resourceId": principal}
            for group in assigned
        ],
        "synchronizationJobs": [
            {"id": f"scim.{random.getrandbits(64):016x}", "servicePrincipalId": principal, "templateId": "scim"}
        ],
    }


def _group(name: str, members: list[str], now: datetime, random: Random) -> dict[str, Any]:
    return {
        "id": derive_id("group", name),
        "name": name,
        "idpId": PROVIDER,
        "members": members,
        "createdAt": some_moment(now, 800, random),
    }
