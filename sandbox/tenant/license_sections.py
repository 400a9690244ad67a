"""The license in a world: what it is, who holds its seats, what was consumed (qlik-api.md 2)."""

from typing import Any, Literal

from pydantic import Field

from sandbox.sections import DAWN, Moment, Section, Subject

_SIDE = r"(\.|\d{4}-\d{2}-\d{2})"


class LicenseParameter(Section):
    """What the license allows, and when; `.` is an open end."""

    name: str
    valid: str = Field(default="./.", pattern=rf"^{_SIDE}/{_SIDE}$")
    access: dict[str, str] | None = None
    values: dict[str, Any] | None = None


class License(Section):
    """The license a tenant runs on.

    `unitsUsedDelay` counts where the switch `units-used` says delayed, `assignmentsLagReads` with `assignments-list`.
    """

    number: str = "9999000000000001"
    key: str = "sandbox-license-key"
    product: str = "Qlik Cloud Enterprise"
    status: Literal["Ok", "Blacklisted", "Expired", "Missing"] = "Ok"
    valid: str = "2026-01-01/2027-12-31"
    type: Literal["Signed", "Plain", "2.0"] = "Signed"
    origin: Literal["Internal", "External"] = "External"
    trial: bool = False
    updated: str = "2026-01-01T00:00:00.000Z"
    secondary_number: str = ""
    version: str = ""
    parameters: list[LicenseParameter] = Field(default_factory=list)
    extension_status: Literal["Unavailable", "Pending", "Available"] = "Unavailable"
    deactivated: bool = False
    change_time: str | None = None
    customer_id: str | None = None
    latest_valid_time: str | None = None
    license_type: str | None = None
    capability_bank_id: str | None = None
    parent_license_number: str | None = None
    units_used_delay: float = Field(default=30, ge=0)
    assignments_lag_reads: int = Field(default=1, ge=0)


class Allotment(Section):
    """The seats of one license type, or a pool like `analyzer_time`, whose class is `time`; -1 has no bound."""

    units: int = Field(ge=0)
    overage: int = Field(default=0, ge=-1)
    usage_class: str = "assigned"
    units_used: int = Field(default=0, ge=0)


class LicenseSettings(Section):
    """Which types the tenant hands out by itself."""

    auto_assign_professional: bool = False
    auto_assign_analyzer: bool = False


class Assignment(Section):
    """A subject holding a license type."""

    subject: Subject
    type: str
    created: Moment = DAWN
    excess: bool = False


class QuarantinedSeat(Section):
    """A seat that was given back and stays in use until then, where the switch `seat-quarantine` says so."""

    id: str
    subject: Subject
    type: str
    until: Moment


class ConsumptionEvent(Section):
    """A session, and what it took of the license."""

    id: str
    end_time: Moment
    app_id: str = ""
    user_id: str = ""
    duration: str = ""
    session_id: str = ""
    allotment_id: str = ""
    minutes_used: int = Field(default=0, ge=0)
    capacity_used: int = Field(default=0, ge=0)
    license_usage: str = ""
