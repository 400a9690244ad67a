"""A login at the tenant: who it is, and what it changes by itself (qlik-api.md 3.4, 2.5, 4.3 and 11)."""

import sqlite3
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.documents import Document, list_documents
from sandbox.state import Sandbox, fold
from sandbox.tenant.accounts import add_user
from sandbox.tenant.claimed_groups import Refreshed, refresh_groups
from sandbox.tenant.entitlement import take_seat
from sandbox.tenant.flag_roles import grant_flag_roles
from sandbox.tenant.identity_events import Update, publish_conflict, publish_reassigned, publish_user
from sandbox.tenant.rows import held_types
from sandbox.tenant.seats import find_allotment
from sandbox.tenant.user_rows import find_by_email, find_by_subject, row_of


class RefusedLogin(Exception):  # an answer of the tenant, not an error of the sandbox
    """Somebody who does not get in, with the reason and the user concerned, if there is one."""

    def __init__(self, reason: str, user_id: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.user_id = user_id


@dataclass(frozen=True)
class Identity:
    """Who somebody is, as the claims of the identity provider say; without `groups` the claim was absent."""

    subject: str
    email: str | None = None
    name: str | None = None
    groups: list[str] | None = None
    is_email_verified: bool = True


@dataclass
class Session:
    """What a login did."""

    user_id: str
    is_created: bool = False
    relinked_from: str | None = None
    former_status: str | None = None
    groups: Refreshed = field(default_factory=Refreshed)
    seat: str | None = None
    roles: list[str] = field(default_factory=list)


def log_in(sandbox: Sandbox, identity: Identity) -> Session:
    """Return what the login did, or raise RefusedLogin."""
    provider = _active_provider(sandbox)
    identity = replace(identity, subject=_with_realm(sandbox, identity.subject, provider))
    session = _recognise(sandbox, identity, provider) or _create(sandbox, identity, provider)
    if not session.is_created:
        _refresh(sandbox, session, identity)
    if identity.groups is not None:
        provider_id = None if provider is None else provider["id"]
        session.groups = refresh_groups(sandbox, session.user_id, identity.groups, provider_id)
    subject = row_of(sandbox, session.user_id)["subject"]
    session.seat = take_seat(sandbox, subject) or _minutes(sandbox, subject)
    if "professional" in held_types(sandbox, subject) and sandbox.switch("professional-roles") == "login":
        session.roles = grant_flag_roles(sandbox, subject, by=session.user_id)
    return session


def _minutes(sandbox: Sandbox, subject: str) -> str | None:
    """Return analyzer capacity for a subject without a seat, where the tenant assigns by itself and some is left."""
    allotment = find_allotment(sandbox, "analyzer_time")
    is_left = allotment is not None and allotment.has_room
    assigns = any(sandbox.setting("licenseSettings").values())
    return "analyzer_time" if is_left and assigns and not held_types(sandbox, subject) else None


def _active_provider(sandbox: Sandbox) -> Document | None:
    """Return the identity provider people log in with, or None for the tenant's own accounts."""
    providers = list_documents(sandbox, "identityProviders")
    return next((p for p in providers if p.get("active", True) and p.get("interactive", True)), None)


def _with_realm(sandbox: Sandbox, subject: str, provider: Document | None) -> str:
    """Return the subject of a claim as the tenant keeps it: behind the realm of the identity provider."""
    realm = ((provider or {}).get("options") or {}).get("realm")
    is_prefixed = realm and sandbox.switch("realm-subject") == "prefixed"
    return f"{realm}\\{subject}" if is_prefixed and not subject.startswith(f"{realm}\\") else subject


def _recognise(sandbox: Sandbox, identity: Identity, provider: Document | None) -> Session | None:
    """Return the session of the user with the subject, or else with the e-mail, or None for nobody."""
    row = find_by_subject(sandbox, identity.subject)
    if row is not None:
        _refuse_disabled(row)
        return Session(row["id"], former_status=row["status"])
    matched = [row for row in find_by_email(sandbox, identity.email or "") if row["client_id"] is None]
    if not matched:
        return None
    always = provider is not None and (provider.get("options") or {}).get("emailVerifiedAlwaysTrue", False)
    if len(matched) > 1 or not (identity.is_email_verified or always):
        if len(matched) == 1 and sandbox.switch("duplicate-email") == "accepted":
            return None
        publish_conflict(sandbox, matched, by="")
        raise RefusedLogin("the e-mail is that of another user", matched[0]["id"])
    _refuse_disabled(matched[0])
    return _relink(sandbox, matched[0], identity.subject)


def _refuse_disabled(row: sqlite3.Row) -> None:
    if row["status"] == "disabled":
        raise RefusedLogin("the user is disabled", row["id"])


def _relink(sandbox: Sandbox, row: sqlite3.Row, subject: str) -> Session:
    """Give the user the new subject; what the license keeps under the old one stays as it is."""
    statement = "UPDATE users SET subject = ?, subject_key = ?, updated_at = ? WHERE id = ?"
    sandbox.db.execute(statement, (subject, fold(subject), sandbox.clock.stamp(), row["id"]))
    publish_reassigned(sandbox, row["email"], row["subject"], subject, by=row["id"])
    return Session(row["id"], relinked_from=row["subject"], former_status=row["status"])


def _create(sandbox: Sandbox, identity: Identity, provider: Document | None) -> Session:
    """Return the session of a new user, where the identity provider lets one come into being."""
    if provider is not None and not provider.get("createNewUsersOnLogin", True):
        raise RefusedLogin("the identity provider creates no new users on login")
    if sandbox.switch("deleted-subject-login") == "refused":
        statement = "SELECT id FROM users WHERE subject_key = ? AND status = 'deleted'"
        deleted = sandbox.db.execute(statement, (fold(identity.subject),)).fetchone()
        if deleted is not None:
            raise RefusedLogin("the user was deleted", deleted["id"])
    name = identity.name or identity.email or identity.subject
    row = add_user(sandbox, {"subject": identity.subject, "name": name, "email": identity.email}, by="")
    return Session(row["id"], is_created=True)


def _refresh(sandbox: Sandbox, session: Session, identity: Identity) -> None:
    """Take over the name and the e-mail of the claims, and make the user active."""
    row = row_of(sandbox, session.user_id)
    others = [other for other in find_by_email(sandbox, identity.email or "") if other["id"] != row["id"]]
    email = row["email"] if others else identity.email or row["email"]
    after: dict[str, Any] = {"name": identity.name or row["name"], "email": email, "status": "active"}
    updates: list[Update] = [(f"/{name}", value, row[name]) for name, value in after.items() if value != row[name]]
    if session.relinked_from:
        updates.append(("/subject", row["subject"], session.relinked_from))
    if not updates:
        return
    statement = (
        "UPDATE users SET name = ?, name_key = ?, email = ?, email_key = ?, status = 'active', invite_expiry = NULL,"
        " updated_at = ? WHERE id = ?"
    )
    values = (after["name"], fold(after["name"]), email, fold(email or ""), sandbox.clock.stamp(), row["id"])
    sandbox.db.execute(statement, values)
    publish_user(sandbox, "updated", row_of(sandbox, row["id"]), by=row["id"], updates=updates)
