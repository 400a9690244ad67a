"""What is done to rows of the license, told to the audits (qlik-api.md 2.6 and 10, Appendix B8)."""

from typing import Any, Literal

from sandbox.answers import REFUSED
from sandbox.state import Sandbox
from sandbox.tenant.events import LICENSES, publish
from sandbox.tenant.flag_roles import follow_assignment
from sandbox.tenant.late_rows import note_late, rows_of
from sandbox.tenant.rows import Item, add_row, delete_row, update_row

Verb = Literal["add", "update", "delete"]
Origin = Literal["internal", "external"]

_ACTS = {"add": add_row, "update": update_row, "delete": delete_row}
_KIND = "com.qlik.license.assignment"
_REJECTED = (403, 409)  # a row that was not there or made no sense is no assignment that was rejected


def change_row(
    sandbox: Sandbox, verb: Verb, item: Item, *, by: str = "", origin: Origin = "internal"
) -> dict[str, Any]:
    """Return the outcome of one item in the order of the service's samples, and publish what it changed."""
    subjects = [item["subject"], item.get("sourceSubject", item["subject"])]
    rows, before = rows_of(sandbox, *subjects), sandbox.db.total_changes
    outcome = dict(sorted(_ACTS[verb](sandbox, item).items()))
    is_changed = sandbox.db.total_changes > before
    if is_changed:
        note_late(sandbox, rows, *subjects)
    if origin == "external" and sandbox.switch("other-tenant-audit") == "silent":
        return outcome
    if outcome["status"] in _REJECTED:
        _tell(sandbox, "rejected", outcome, by, origin, message=outcome["title"])
        if is_changed:
            # The switch `update-without-seat` took the former type away.
            former = {"subject": outcome["subject"], "type": outcome.get("sourceType", "")}
            _tell(sandbox, "deleted", former, by, origin)
    elif outcome["status"] < REFUSED and is_changed:
        _tell(sandbox, "deleted" if verb == "delete" else "updated", outcome, by, origin)
        if verb != "delete":
            follow_assignment(sandbox, outcome["subject"], outcome["type"], by=by)
    return outcome


def tell_definition(sandbox: Sandbox) -> None:
    """Publish that the vendor changed the license: its units or its status."""
    known = sandbox.setting("license") or {}
    start, _, stop = known.get("valid", "").partition("/")
    now = sandbox.clock.stamp()
    data = {
        "license": known.get("number", ""),
        "valid": {"Start": start, "Stop": stop},
        "changeTime": now,
        "updateTime": now,
        "latestValidTime": known.get("latestValidTime"),
    }
    publish(sandbox, "com.qlik.license.definition.updated", LICENSES, data)


def _tell(sandbox: Sandbox, what: str, row: dict[str, Any], by: str, origin: Origin, **more: str) -> None:
    number = (sandbox.setting("license") or {}).get("number", "")
    data = {"subject": row["subject"], "license": number, "type": row.get("type", ""), "origin": origin}
    publish(sandbox, f"{_KIND}.{what}", LICENSES, data | more, by=by)
