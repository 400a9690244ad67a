"""What the settings of a tenant are planned to be, and what became of that, as plan document and journal have it."""

from collections.abc import Iterable
from datetime import datetime

from qlik_provider.journal import Fates
from qlik_provider.license_settings import SettingChange, SettingOutcome, SettingsPlan, write_value
from qlik_provider.report import PlanDocument, PlannedChange


def make_settings_document(resource: str, plan: SettingsPlan, now: datetime, *, tenant_id: str) -> PlanDocument:
    """Return a plan as a document; the subject of a change is the setting, and it takes nothing from anybody."""
    return PlanDocument(
        resource=resource,
        kind="LicenseSettings",
        identity={"tenantId": tenant_id},
        approvals=None,
        now=now,
        changes=tuple(map(_document_change, plan.changes)),
        held=(),
        unreviewed=(),
        deviations=dict(sorted(plan.deviations.items())),
        seats={},
        foreign={},
        brake=(),
        faults=(),
        warnings=plan.notes,
    )


def _document_change(change: SettingChange) -> PlannedChange:
    return PlannedChange(
        verb="give back" if change.declared is None else "put",
        subject=change.name,
        mail="",
        held=write_value(change.held),
        declared=write_value(change.value),
        keys=(),
        is_removal=False,
        is_approved=False,
    )


def fates_of_settings(outcomes: Iterable[SettingOutcome]) -> Fates:
    """Return what became of each change and the tenant's reason, by the name of the setting."""
    return {outcome.change.name: (outcome.state, outcome.reason) for outcome in outcomes}
