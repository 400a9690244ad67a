"""What a webhook is planned to be, and what became of that, as plan document and journal have it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from qlik_provider.journal import Fates
from qlik_provider.report import PlanDocument, PlannedChange
from qlik_provider.webhooks import WebhookChange, WebhookOutcome, WebhookPlan


def make_webhook_document(resource: str, plan: WebhookPlan, now: datetime, *, tenant_id: str) -> PlanDocument:
    """Return a plan as a document; the subject of a change is the property, and it takes nothing from anybody."""
    return _document(resource, plan, now, tenant_id, tuple(_change("put", change) for change in plan.changes))


def make_deletion_document(resource: str, id: str, now: datetime, *, tenant_id: str) -> PlanDocument:
    """Return the deletion of a webhook as a document; its only change has the id as its subject."""
    change = WebhookChange(id, "webhook", "")
    return _document(resource, WebhookPlan(id, "", (), {}, {}), now, tenant_id, (_change("remove", change),))


def _document(
    resource: str, plan: WebhookPlan, now: datetime, tenant_id: str, changes: tuple[PlannedChange, ...]
) -> PlanDocument:
    return PlanDocument(
        resource=resource,
        kind="Webhook",
        identity={"tenantId": tenant_id},
        approvals=None,
        now=now,
        changes=changes,
        held=(),
        unreviewed=(),
        deviations=dict(sorted(plan.deviations.items())),
        seats={},
        foreign={},
        brake=(),
        faults=(),
        warnings=plan.notes,
    )


def _change(verb: Literal["put", "remove"], change: WebhookChange) -> PlannedChange:
    return PlannedChange(
        verb=verb,
        subject=change.name,
        mail="",
        held=change.held,
        declared=change.declared or None,
        keys=(),
        is_removal=False,
        is_approved=False,
    )


def fates_of_webhook(outcomes: Iterable[WebhookOutcome]) -> Fates:
    """Return what became of each change and the tenant's reason, by the name of the property."""
    return {outcome.change.name: (outcome.state, outcome.reason) for outcome in outcomes}
