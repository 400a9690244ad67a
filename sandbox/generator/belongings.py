"""What a made-up tenant has beside people: clients, keys, bots, an administrator and custom roles."""

from datetime import datetime
from random import Random
from typing import Any

from sandbox.generator.people import some_moment
from sandbox.generator.profile import Profile
from sandbox.generator.seats import Seats, User

TENANT_CLIENT = "3f9c1e77b4c24be3a1d0c2a5e6f70812"
_BOTS = ("0b1d5a6e9c3f4d2a8e7f6b5c4d3e2f10", "7c2e9f4b1a8d4e6c9b3a5f0d2e1c8b74")
_ROLES = ("BI Power User", "Data Steward", "Auditor (read only)")


def make_clients() -> list[dict[str, Any]]:
    """Return the tenant's OAuth clients; the first is the one of the environment file."""
    return [
        {"id": TENANT_CLIENT, "secret": "sandbox-client-secret", "scopes": ["admin_classic"]},
        *({"id": bot, "secret": f"sandbox-bot-secret-{bot[:4]}", "scopes": ["user_default"]} for bot in _BOTS),
    ]


def add_bots(seats: Seats, profile: Profile, now: datetime, random: Random) -> None:
    """Add the users that clients are, and perhaps a seat that somebody gave one of them, in the license's spelling."""
    for number, client in enumerate((TENANT_CLIENT, *_BOTS)):
        bot = {"displayName": f"Bot {number}", "createdDateTime": some_moment(now, 900, random)}
        roles = {"assignedRoles": ["TenantAdmin"]} if client == TENANT_CLIENT else {}
        seats.know(f"qlikbot\\{client}", bot, clientId=client, **roles)
    if profile.orphans:
        seats.seat(f"QLIKBOT\\{_BOTS[0]}", "analyzer", some_moment(now, 900, random))


def add_admin(seats: Seats, now: datetime, random: Random) -> None:
    """Add the administrator from before single sign-on, who has the API keys."""
    admin = {"displayName": "Admin", "mail": "admin@contoso.test", "createdDateTime": some_moment(now, 2000, random)}
    seats.know("auth0|admin", admin, assignedRoles=["TenantAdmin"])


def make_keys() -> list[dict[str, Any]]:
    """Return the API keys, two of which no longer open anything."""
    subject = "auth0|admin"
    return [
        {"token": "sandbox-api-key", "subject": subject},
        {"token": "old-api-key", "subject": subject, "status": "expired"},
        {"token": "lost-api-key", "subject": subject, "status": "revoked"},
    ]


def make_roles(users: list[User], random: Random) -> list[dict[str, Any]]:
    """Return custom roles, and give them to some users."""
    holders = [user for user in users if "assignedRoles" not in user and user.get("status", "active") == "active"]
    for number, user in enumerate(random.sample(holders, min(len(holders), len(holders) // 50 + 1))):
        user["assignedRoles"] = [_ROLES[number % len(_ROLES)]]
    return [{"name": name, "description": f"{name}, made by hand"} for name in _ROLES]
