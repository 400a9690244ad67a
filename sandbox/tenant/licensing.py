"""The license of a world, placed into an empty state and taken from one."""

from operator import itemgetter
from typing import Any

from sandbox.clock import stamp
from sandbox.state import Sandbox, fold, insert
from sandbox.tenant.license_sections import Assignment
from sandbox.tenant.seats import excess_starts, is_excess
from sandbox.tenant.sections import Tenant


def place_license(sandbox: Sandbox, tenant: Tenant) -> None:
    """Put the license, its seats and who holds them where nothing is yet."""
    license = tenant.license
    sandbox.put_setting("license", license and license.model_dump(mode="json", by_alias=True, exclude_none=True))
    sandbox.put_setting("licenseSettings", tenant.settings.model_dump(by_alias=True))
    kinds = tenant.allotments.items()
    insert(sandbox, "allotments", ((name, a.units, a.overage, a.usage_class, a.units_used) for name, a in kinds))
    insert(sandbox, "assignments", map(_assignment_row, tenant.assignments))
    for kind, start in excess_starts(sandbox).items():
        # What follows from the seats is not kept as a mark: it has to go when there are more of them.
        statement = "UPDATE assignments SET excess = 0 WHERE type = ? AND (created, subject_key) >= (?, ?)"
        sandbox.db.execute(statement, (kind, *start))


def take_license(sandbox: Sandbox) -> dict[str, Any]:
    """Return what restores the license, its seats and who holds them."""
    return {
        "license": sandbox.setting("license"),
        "allotments": {
            row["name"]: {
                "units": row["units"],
                "overage": row["overage"],
                "usageClass": row["usage_class"],
                "unitsUsed": row["units_used"],
            }
            for row in sandbox.db.execute("SELECT * FROM allotments ORDER BY name")
        },
        "settings": sandbox.setting("licenseSettings"),
        "assignments": _assignments(sandbox),
    }


def _assignments(sandbox: Sandbox) -> list[dict[str, Any]]:
    rows = sandbox.db.execute("SELECT * FROM assignments").fetchall()
    starts = excess_starts(sandbox)
    found = [
        {key: row[key] for key in ("subject", "type", "created")} | {"excess": is_excess(row, starts)} for row in rows
    ]
    return sorted(found, key=itemgetter("subject", "type"))


def _assignment_row(row: Assignment) -> tuple[Any, ...]:
    return (None, row.subject, fold(row.subject), row.type, stamp(row.created), row.excess)
