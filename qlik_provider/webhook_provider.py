"""What Pulumi calls for the webhook of a stack: thin, since `webhooks` decides.

https://www.pulumi.com/docs/iac/concepts/providers/dynamic-providers/
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    ReadResult,
    UpdateResult,
)

from qlik_provider.calls import (
    StatelessProvider,
    describe_move,
    in_one_line,
    leave_frozen,
    telling_failure,
    without_provider,
)
from qlik_provider.errors import CredentialsError, QlikProviderError, Unfinished
from qlik_provider.journal import Fates, make_record
from qlik_provider.report import PlanDocument, write_document
from qlik_provider.session import engine_log, keep_record, note_check, note_program, open_webhooks, was_checked
from qlik_provider.signatures import read_secret
from qlik_provider.webhook_report import fates_of_webhook, make_deletion_document, make_webhook_document
from qlik_provider.webhooks import (
    Bag,
    RecordedWebhook,
    WebhookOutcome,
    WebhookPlan,
    correct_webhook,
    desired_webhook,
    inputs_of_webhook,
    plan_webhook,
    recorded_webhook,
    settle_webhook,
)

NAME = "webhook"
CLIENT = "QLIK_CLIENT_ID"  # the variable that names as whom it writes


class WebhookProvider(StatelessProvider):
    """The webhook of one stack; whoever may not read or put it is told so and stops nothing else."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Return the inputs as they are; on a first run, plan, which needs the secret."""
        if left := leave_frozen(olds, news):
            return left
        inputs = without_provider(news)
        try:
            self._check(without_provider(olds), inputs)
        except (QlikProviderError, ValueError) as error:
            return CheckResult(inputs, [CheckFailure("", str(error))])
        return CheckResult(inputs, [])

    def _check(self, olds: Bag, inputs: Bag) -> None:
        desired_webhook(inputs)
        if moved := describe_move(olds, inputs, ("tenantId",)):
            raise ValueError(f"{moved}, and a stack stays with one; declare the new one in a stack of its own")
        note_check(_address(inputs))
        if olds:
            open_webhooks(inputs["tenant"]).observe(inputs["tenantId"])
        elif self._plan(inputs, RecordedWebhook()).needs_secret:
            read_secret()

    @in_one_line
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Tell whether an update would do anything; after a refresh, only whether the inputs differ."""
        olds, inputs = without_provider(_olds), without_provider(_news)
        is_same = inputs_of_webhook(olds) == inputs
        if not was_checked(_address(inputs)):
            return DiffResult(changes=False if is_same else None)
        recorded = recorded_webhook(olds, settled=is_same)
        plan = self._plan(inputs, recorded)
        _find_secret(plan)
        return DiffResult(changes=plan.differs_from(recorded) if is_same else None)

    @in_one_line
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create the webhook, or adopt the one that is there, and return the truth."""
        inputs = without_provider(props)
        return CreateResult(str(inputs["tenantId"]), self._apply(inputs, RecordedWebhook()))

    @in_one_line
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Put what can be put, and return the truth."""
        olds, inputs = without_provider(_olds), without_provider(_news)
        return UpdateResult(self._apply(inputs, recorded_webhook(olds, settled=inputs_of_webhook(olds) == inputs)))

    @in_one_line
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the record as far as the tenant bears it out; nothing where it says that the webhook is gone."""
        outputs = without_provider(props)
        id = outputs.get("webhookId", "")
        observed = open_webhooks(outputs["tenant"]).observe(outputs["tenantId"], id)
        if observed.unread:
            engine_log().warn(f"{NAME}: the tenant's webhooks are not known: {observed.unread}")
        elif id:
            found = observed.find(id)
            if found is None:
                return ReadResult("", {})
            outputs = correct_webhook(outputs, found)
        return ReadResult(id_, outputs, inputs_of_webhook(outputs))

    @in_one_line
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete the webhook; raises Unfinished if that is not done, so that the state stays."""
        outputs = without_provider(_props)
        id = outputs.get("webhookId", "")
        webhooks = open_webhooks(outputs["tenant"])
        observed = webhooks.observe(outputs["tenantId"], id)
        if not id or not (observed.unread or observed.find(id)):
            return
        document = make_deletion_document(NAME, id, webhooks.now, tenant_id=str(outputs["tenantId"]))
        with telling_failure(lambda reason: _journal(document, {}, reason)):
            try:
                webhooks.delete(id)
            except Unfinished as error:
                raise Unfinished(
                    f"{NAME}: not deleted, id {id}: {error}; run again, "
                    "or delete it by hand and forget this resource with `pulumi state delete`"
                ) from error
        engine_log().info(f"{NAME}: done: deleted, id {id}")
        _journal(document, {id: ("done", "")})

    def _apply(self, inputs: Bag, recorded: RecordedWebhook) -> dict[str, Any]:
        note_program()
        plan = self._plan(inputs, recorded)
        document = _document(inputs, plan)
        with telling_failure(lambda reason: _journal(document, {}, reason)):
            id, outcomes = self._put(inputs, plan)
        done = [str(outcome) for outcome in outcomes if outcome.state == "done"]
        if plan.is_creation and id:
            engine_log().info(f"{NAME}: done: created, id {id}")
        elif done:
            engine_log().info(f"{NAME}: done: {', '.join(done)}")
        for outcome in outcomes:
            if outcome.state != "done":
                engine_log().warn(f"{NAME}: {outcome.state}: {outcome}")
        _journal(document, fates_of_webhook(outcomes))
        return settle_webhook(inputs, recorded, plan, id, outcomes)

    def _put(self, inputs: Bag, plan: WebhookPlan) -> tuple[str, Sequence[WebhookOutcome]]:
        """Return the id of the webhook and what became of each change; without a secret it is not created."""
        secret, reason = _find_secret(plan)
        left = [change for change in plan.changes if reason and (plan.is_creation or change.name == "signed")]
        unsent = [WebhookOutcome(change, "unsent", reason) for change in left]
        changes = tuple(change for change in plan.changes if change not in left)
        if not changes:
            return plan.id, unsent
        id, outcomes = open_webhooks(inputs["tenant"]).apply(replace(plan, changes=changes), secret)
        return id, [*outcomes, *unsent]

    def _plan(self, inputs: Bag, recorded: RecordedWebhook) -> WebhookPlan:
        """Return the plan, told and written down."""
        observed = open_webhooks(inputs["tenant"]).observe(inputs["tenantId"], recorded.id)
        plan = plan_webhook(desired_webhook(inputs), observed, recorded, retry=inputs.get("retry", ""))
        write_document(_document(inputs, plan))
        if plan.is_creation:
            engine_log().info(f"{NAME}: to create: {plan.webhook['name']}, which tells {plan.webhook['url']}")
        elif plan.changes:
            engine_log().info(f"{NAME}: {', '.join(map(str, plan.changes))}")
        for note in plan.notes:
            engine_log().warn(f"{NAME}: {note}")
        for name, text in plan.deviations.items():
            engine_log().warn(f"{NAME}: {name}: {text}")
        return plan


def _find_secret(plan: WebhookPlan) -> tuple[str, str]:
    """Return the secret where a plan puts it, and else why there is none, which is told as well."""
    try:
        return read_secret() if plan.needs_secret else "", ""
    except CredentialsError as error:
        engine_log().warn(f"{NAME}: {error}")
        return "", str(error)


def _document(inputs: Bag, plan: WebhookPlan) -> PlanDocument:
    now = open_webhooks(inputs["tenant"]).now
    return make_webhook_document(NAME, plan, now, tenant_id=str(inputs["tenantId"]))


def _journal(document: PlanDocument, fates: Fates, failure: str | None = None) -> None:
    keep_record(make_record(document, fates, failure=failure, client=CLIENT))


def _address(inputs: Bag) -> tuple[str, ...]:
    return ("Webhook", str(inputs.get("tenantId")))
