"""One item of a license batch: the rules of adding, updating and deleting a row (qlik-api.md 2.6)."""

import sqlite3
from typing import Any

from sandbox.state import Sandbox, fold, insert
from sandbox.tenant.seats import find_allotment, is_quarantined, note_change, quarantine, release

Item = dict[str, str]

_NO_SEAT = {"code": "LICENSES-011", "status": 403, "title": "No available allotment error, No available allotment."}
_NOT_FOUND = {"code": "LICENSES-016", "status": 404, "title": "Assignment not found."}
# The codes of these two are the sandbox's own: the vendor's are unknown.
_CONFLICT = {"code": "LICENSES-409", "status": 409, "title": "Assignment already exists."}
_INVALID = {"code": "LICENSES-400", "status": 400, "title": "Invalid subject or type."}


class BadItem(Exception):  # the tenant's refusal of a whole request
    """An item that fails the whole request, where the switch `bad-item` says so."""


def add_row(sandbox: Sandbox, item: Item) -> dict[str, Any]:
    """Return the outcome of an add; whether the subject is a user is not looked up."""
    subject, kind = _as_stored(sandbox, item["subject"]), item["type"]
    asked = {"subject": subject, "type": kind}
    allotment = find_allotment(sandbox, kind)
    if not subject or allotment is None or not allotment.is_assignable:
        return _refuse_bad(sandbox) | asked
    held = {row["type"] for row in _rows(sandbox, subject)}
    if kind in held:
        return _add_again(sandbox) | asked
    if held and sandbox.switch("add-other-type") == "conflict409":
        return _CONFLICT | asked
    if not (allotment.has_room or is_quarantined(sandbox, subject, kind)):
        return _NO_SEAT | asked
    insert(sandbox, "assignments", [(None, subject, fold(subject), kind, sandbox.clock.stamp(), False)])
    _take_seat(sandbox, subject, kind)
    return {"status": 201} | asked


def update_row(sandbox: Sandbox, item: Item) -> dict[str, Any]:
    """Return the outcome of a change of type (200) or of subject (201)."""
    given = {key: item[key] for key in ("sourceSubject", "sourceType") if key in item}
    row = _find_row(sandbox, item.get("sourceSubject", item["subject"]), item.get("sourceType"))
    if row is None:
        return _NOT_FOUND | given | {"subject": item["subject"]}
    subject, kind = _as_stored(sandbox, item["subject"]), item.get("type", row["type"])
    asked = given | {"subject": subject, "type": kind}
    allotment = find_allotment(sandbox, kind)
    if not subject or allotment is None or not allotment.is_assignable:
        return _refuse_bad(sandbox) | asked
    other = _find_row(sandbox, subject, kind)
    if other is not None and other["seq"] != row["seq"]:
        return _CONFLICT | asked
    if kind != row["type"] and not (allotment.has_room or is_quarantined(sandbox, subject, kind)):
        if sandbox.switch("update-without-seat") == "lose":
            _delete(sandbox, row)
        return _NO_SEAT | asked
    if (subject, kind) != (row["subject"], row["type"]):
        statement = "UPDATE assignments SET subject = ?, subject_key = ?, type = ? WHERE seq = ?"
        sandbox.db.execute(statement, (subject, fold(subject), kind, row["seq"]))
    if kind != row["type"]:
        _free_seat(sandbox, row)
        _take_seat(sandbox, subject, kind)
    return {"status": 200 if fold(subject) == row["subject_key"] else 201} | asked


def delete_row(sandbox: Sandbox, item: Item) -> dict[str, Any]:
    """Return the outcome of a delete, which names one subject and one type."""
    asked = {"subject": item["subject"], "type": item["type"]}
    row = _find_row(sandbox, item["subject"], item["type"])
    if row is None:
        return _NOT_FOUND | asked
    _delete(sandbox, row)
    return {"status": 200} | asked


def held_types(sandbox: Sandbox, subject: str) -> list[str]:
    """Return the types a subject holds, the oldest first."""
    return [row["type"] for row in _rows(sandbox, subject)]


def _delete(sandbox: Sandbox, row: sqlite3.Row) -> None:
    sandbox.db.execute("DELETE FROM assignments WHERE seq = ?", (row["seq"],))
    _free_seat(sandbox, row)


def _take_seat(sandbox: Sandbox, subject: str, kind: str) -> None:
    release(sandbox, subject, kind)
    note_change(sandbox, kind, +1)


def _free_seat(sandbox: Sandbox, row: sqlite3.Row) -> None:
    quarantine(sandbox, row["subject"], row["type"])
    note_change(sandbox, row["type"], -1)


def _rows(sandbox: Sandbox, subject: str) -> list[sqlite3.Row]:
    """Return the rows of a subject; whether case counts is a switch."""
    statement = "SELECT * FROM assignments WHERE subject_key = ? ORDER BY seq"
    found = sandbox.db.execute(statement, (fold(subject),)).fetchall()
    if sandbox.switch("subject-match") == "exact":
        return [row for row in found if row["subject"] == subject]
    return found


def _find_row(sandbox: Sandbox, subject: str, kind: str | None) -> sqlite3.Row | None:
    """Return the row of a subject and a type, or its oldest one when no type is named."""
    return next((row for row in _rows(sandbox, subject) if kind in {None, row["type"]}), None)


def _add_again(sandbox: Sandbox) -> dict[str, Any]:
    """Return the outcome of adding what is already there: no second seat in any case."""
    position = sandbox.switch("add-same-type")
    if position == "conflict409":
        return _CONFLICT
    return {"status": 200 if position == "ok200" else 201}


def _refuse_bad(sandbox: Sandbox) -> dict[str, Any]:
    if sandbox.switch("bad-item") == "request400":
        raise BadItem("Body is invalid or missing")
    return _INVALID


def _as_stored(sandbox: Sandbox, subject: str) -> str:
    """Return the subject as the license keeps it: perhaps with its domain in capitals."""
    domain, backslash, name = subject.partition("\\")
    if backslash and sandbox.switch("subject-case") == "upperDomain":
        return f"{domain.upper()}{backslash}{name}"
    return subject
