"""What Pulumi calls for the settings of a tenant: thin, since `license_settings` decides.

https://www.pulumi.com/docs/iac/concepts/providers/dynamic-providers/
"""

from collections.abc import Sequence
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
from qlik_provider.errors import QlikProviderError, Unfinished, UnsafePlan
from qlik_provider.journal import make_record
from qlik_provider.license_settings import (
    Bag,
    RecordedSettings,
    SettingOutcome,
    SettingsPlan,
    correct_settings,
    desired_settings,
    find_unproven,
    inputs_of_settings,
    plan_settings,
    recorded_settings,
    settle_settings,
)
from qlik_provider.report import PlanDocument, write_document
from qlik_provider.session import engine_log, keep_record, note_check, note_program, open_settings, was_checked
from qlik_provider.settings_report import fates_of_settings, make_settings_document

NAME = "license-settings"
CLIENT = "QLIK_CLIENT_ID"  # the variable that names as whom it writes


class SettingsProvider(StatelessProvider):
    """The settings of one tenant; whoever may not read or put them is told so and stops nothing else."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Return the inputs as they are; on a first run, plan."""
        if left := leave_frozen(olds, news):
            return left
        inputs = without_provider(news)
        try:
            self._check(without_provider(olds), inputs)
        except (QlikProviderError, ValueError) as error:
            return CheckResult(inputs, [CheckFailure("", str(error))])
        return CheckResult(inputs, [])

    def _check(self, olds: Bag, inputs: Bag) -> None:
        desired_settings(inputs)
        if moved := describe_move(olds, inputs, ("tenantId",)):
            raise ValueError(f"{moved}, and a stack stays with one; declare the new one in a stack of its own")
        note_check(_address(inputs))
        if olds:
            open_settings(inputs["tenant"]).observe(inputs["tenantId"])
        else:
            self._plan(inputs, RecordedSettings())

    @in_one_line
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Tell whether an update would do anything; after a refresh, only whether the inputs differ."""
        olds, inputs = without_provider(_olds), without_provider(_news)
        is_same = inputs_of_settings(olds) == inputs
        if not was_checked(_address(inputs)):
            return DiffResult(changes=False if is_same else None)
        recorded = recorded_settings(olds, settled=is_same)
        plan = self._plan(inputs, recorded)
        return DiffResult(changes=plan.differs_from(recorded) if is_same else None)

    @in_one_line
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Put what can be put and return the truth."""
        inputs = without_provider(props)
        return CreateResult(str(inputs["tenantId"]), self._apply(inputs, RecordedSettings()))

    @in_one_line
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Put what can be put, give back what is no longer declared, and return the truth."""
        olds, inputs = without_provider(_olds), without_provider(_news)
        return UpdateResult(self._apply(inputs, recorded_settings(olds, settled=inputs_of_settings(olds) == inputs)))

    @in_one_line
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the record as far as the tenant bears it out; raises UnsafePlan where a part of it cannot be read."""
        outputs = without_provider(props)
        observed = open_settings(outputs["tenant"]).observe(outputs["tenantId"])
        if unknown := find_unproven(outputs, observed):
            raise UnsafePlan(f"{NAME}: nobody knows whether others changed {'; '.join(unknown)}")
        outputs = correct_settings(outputs, observed)
        return ReadResult(id_, outputs, inputs_of_settings(outputs))

    @in_one_line
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Give back what was found; raises Unfinished if that is not done, so that the state stays."""
        outputs = without_provider(_props)
        recorded = recorded_settings(outputs, settled=False)
        plan = self._plan({**outputs, "settings": {}}, recorded)
        outcomes = self._put(outputs, plan)
        left = [str(outcome) for outcome in outcomes if outcome.state != "done"] or list(plan.deviations)
        if left:
            raise Unfinished(
                f"{NAME}: not given back: {'; '.join(left)}; destroy again, "
                "or put it by hand and forget this resource with `pulumi state delete`"
            )

    def _apply(self, inputs: Bag, recorded: RecordedSettings) -> dict[str, Any]:
        note_program()
        plan = self._plan(inputs, recorded)
        return settle_settings(inputs, recorded, plan, self._put(inputs, plan))

    def _put(self, inputs: Bag, plan: SettingsPlan) -> Sequence[SettingOutcome]:
        document = _document(inputs, plan)
        with telling_failure(lambda reason: _journal(document, (), reason)):
            outcomes = open_settings(inputs["tenant"]).apply(plan.changes) if plan.changes else ()
        done = [str(outcome) for outcome in outcomes if outcome.state == "done"]
        if done:
            engine_log().info(f"{NAME}: done: {', '.join(done)}")
        for outcome in outcomes:
            if outcome.state != "done":
                engine_log().warn(f"{NAME}: {outcome.state}: {outcome}")
        _journal(document, outcomes)
        return outcomes

    def _plan(self, inputs: Bag, recorded: RecordedSettings) -> SettingsPlan:
        """Return the plan, told and written down."""
        observed = open_settings(inputs["tenant"]).observe(inputs["tenantId"])
        plan = plan_settings(desired_settings(inputs), observed, recorded)
        write_document(_document(inputs, plan))
        if plan.changes:
            engine_log().info(f"{NAME}: {', '.join(map(str, plan.changes))}")
        for note in plan.notes:
            engine_log().warn(f"{NAME}: {note}")
        for name, text in plan.deviations.items():
            engine_log().warn(f"{NAME}: {name}: {text}")
        return plan


def _document(inputs: Bag, plan: SettingsPlan) -> PlanDocument:
    now = open_settings(inputs["tenant"]).now
    return make_settings_document(NAME, plan, now, tenant_id=str(inputs["tenantId"]))


def _journal(document: PlanDocument, outcomes: Sequence[SettingOutcome], failure: str | None = None) -> None:
    keep_record(make_record(document, fates_of_settings(outcomes), failure=failure, client=CLIENT))


def _address(inputs: Bag) -> tuple[str, ...]:
    return ("LicenseSettings", str(inputs.get("tenantId")))
