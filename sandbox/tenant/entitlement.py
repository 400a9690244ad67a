"""Seats nobody asked for: those the tenant gives at login, and those that follow from roles (qlik-api.md 2.2, 2.5)."""

import sqlite3
from collections.abc import Iterable
from typing import Any

from sandbox.answers import REFUSED
from sandbox.state import Sandbox, fold
from sandbox.tenant.access import effective_roles
from sandbox.tenant.acts import Origin, change_row
from sandbox.tenant.rows import held_types
from sandbox.tenant.seats import find_allotment

FULL, BASIC = "fullUser", "basicUser"
# Roles and space roles that leave a Basic User basic; any other permission makes a Full User.
_BASIC_ROLES = {"EmbeddedAnalyticsUser"}
_BASIC_SPACE_ROLES = {"basicconsumer"}
_USER = "SELECT * FROM users WHERE subject_key = ? AND status <> 'deleted'"


def is_capacity(sandbox: Sandbox) -> bool:
    """Say whether the tenant runs on a capacity license, where entitlements follow roles."""
    return find_allotment(sandbox, FULL) is not None


def promotes(role: str) -> bool:
    """Say whether a role makes a Full User, as its `userEntitlementType` tells."""
    return role not in _BASIC_ROLES


def take_seat(sandbox: Sandbox, subject: str) -> str | None:
    """Return the type a subject without any gets when it logs in, or None: professional before analyzer."""
    if held_types(sandbox, subject):
        return None
    if is_capacity(sandbox):
        user = _find_user(sandbox, subject)
        follow_grants(sandbox, subject, effective_roles(sandbox, user) if user is not None else ())
    else:
        settings = sandbox.setting("licenseSettings")
        for kind, name in (("professional", "autoAssignProfessional"), ("analyzer", "autoAssignAnalyzer")):
            # A seat that is not there is not asked for: the next type is tried, and at last the minutes.
            if settings[name] and _has_room(sandbox, kind):
                change_row(sandbox, "add", {"subject": subject, "type": kind})
                break
    return next(iter(held_types(sandbox, subject)), None)


def follow_grants(
    sandbox: Sandbox, subject: str, roles: Iterable[str] = (), space_roles: Iterable[str] = (), *, by: str = ""
) -> None:
    """Give the entitlement that follows from what was granted to a user; elsewhere than on capacity, do nothing."""
    if not is_capacity(sandbox) or _is_bot(sandbox, subject):
        return
    held = held_types(sandbox, subject)
    wants_full = any(map(promotes, roles)) or not set(space_roles) <= _BASIC_SPACE_ROLES
    if FULL in held:
        return
    if BASIC in held:
        if wants_full and sandbox.switch("capacity-promotion") == "automatic":
            item = {"subject": subject, "sourceType": BASIC, "type": FULL}
            change_row(sandbox, "update", item, by=by)
    elif not (wants_full and _is_given(sandbox, subject, FULL, by)):
        _is_given(sandbox, subject, BASIC, by)


def delete_seat(sandbox: Sandbox, item: dict[str, str], *, by: str = "", origin: Origin = "internal") -> dict[str, Any]:
    """Return the outcome of a delete; on capacity the platform may give the user the same entitlement again."""
    outcome = change_row(sandbox, "delete", item, by=by, origin=origin)
    is_entitlement = outcome["status"] < REFUSED and item["type"] in {FULL, BASIC}
    if is_entitlement and sandbox.switch("capacity-delete") == "reassigned":
        user = _find_user(sandbox, item["subject"])
        if user is not None and not _is_bot(sandbox, item["subject"]):
            change_row(sandbox, "add", {"subject": user["subject"], "type": item["type"]})
    return outcome


def _is_given(sandbox: Sandbox, subject: str, kind: str, by: str) -> bool:
    """Try to give a seat, and say whether it was given; a license without such an allotment has none to give."""
    if find_allotment(sandbox, kind) is None:
        return False
    return bool(change_row(sandbox, "add", {"subject": subject, "type": kind}, by=by)["status"] < REFUSED)


def _has_room(sandbox: Sandbox, kind: str) -> bool:
    allotment = find_allotment(sandbox, kind)
    return allotment is not None and allotment.has_room


def _is_bot(sandbox: Sandbox, subject: str) -> bool:
    """Say whether the subject is a bot that needs no seat."""
    return fold(subject).startswith("qlikbot\\") and sandbox.switch("bot-seats") == "none"


def _find_user(sandbox: Sandbox, subject: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = sandbox.db.execute(_USER, (fold(subject),)).fetchone()
    return row
