"""What Pulumi calls for the leavers of a tenant: thin, since the ladder decides.

https://www.pulumi.com/docs/iac/concepts/providers/dynamic-providers/
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
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
    has_unknown,
    in_one_line,
    leave_frozen,
    telling_failure,
    without_provider,
)
from qlik_provider.changes import name_some
from qlik_provider.departures import Departures, Look
from qlik_provider.errors import QlikProviderError
from qlik_provider.journal import make_record
from qlik_provider.ladder import plan_ladder
from qlik_provider.ladder_ledger import (
    LadderOutcome,
    correct_ladder,
    desired_ladder,
    fates_of_rungs,
    find_term_faults,
    recorded_ladder,
    settle_ladder,
)
from qlik_provider.ladder_report import (
    describe_ladder,
    describe_ladder_outcomes,
    is_quiet_ladder,
    make_ladder_document,
)
from qlik_provider.ledger import LEAVERS, Bag, carry_over, inputs_of
from qlik_provider.moves import keep_known
from qlik_provider.renaming import follow
from qlik_provider.report import PlanDocument, write_document
from qlik_provider.rule_names import refuse_bad_rules
from qlik_provider.rungs import LadderPlan, RecordedLadder
from qlik_provider.session import (
    engine_log,
    keep_record,
    note_check,
    note_program,
    open_departures,
    reviewed_removals,
    rules_in_force,
    show_pace,
    was_checked,
)

NAME = "leavers"
IDENTITY = ("tenantId",)  # what the resource keeps for life
CLIENT = "QLIK_CLIENT_ID"  # the variable that names as whom it writes


class LadderProvider(StatelessProvider):
    """The people whom a stack gives something, and those of them who left, rung by rung."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Return the inputs with what is in doubt carried over; on a first run, plan."""
        if left := leave_frozen(olds, news):
            return left
        inputs = without_provider(news)
        if has_unknown(inputs.get(LEAVERS.people)):
            return CheckResult(inputs, [])
        try:
            return CheckResult(self._check(follow(without_provider(olds), inputs, LEAVERS), inputs), [])
        except (QlikProviderError, ValueError) as error:
            return CheckResult(inputs, [CheckFailure("", str(error))])

    def _check(self, olds: Bag, inputs: dict[str, Any]) -> dict[str, Any]:
        LEAVERS.parse_people(inputs)
        rules = inputs.get("rules", {})
        refuse_bad_rules("Leavers", rules)
        refuse_bad_rules("Leavers", {}, find_term_faults(inputs))
        if moved := describe_move(olds, inputs, IDENTITY):
            raise ValueError(f"{moved}, and a stack stays with one; declare the new one in a stack of its own")
        reviewed_removals(NAME, _identify(inputs))
        inputs = keep_known(olds, inputs, LEAVERS.parse_people, LEAVERS.people)
        if olds:
            inputs, carried = carry_over(olds, inputs, LEAVERS)
            if carried:
                doubt = "; ".join(f"{key}: {reason}" for key, reason in sorted(inputs["doubt"].items()))
                engine_log().warn(f"{NAME}: nobody left by this doubt ({doubt}): {name_some(sorted(carried))}")
        note_check(_address(inputs))
        _open(inputs)
        if not olds:
            _plan(inputs, RecordedLadder())[0].raise_if_unsafe()
        return inputs

    @in_one_line
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Tell whether an update would do anything; after a refresh, only whether the inputs differ."""
        olds, inputs = without_provider(_olds), without_provider(_news)
        if has_unknown(inputs.get(LEAVERS.people)):
            return DiffResult(changes=None)
        olds = follow(olds, inputs, LEAVERS)
        is_same = inputs_of(olds, LEAVERS) == inputs
        if not was_checked(_address(inputs)):
            return DiffResult(changes=False if is_same else None)
        recorded = recorded_ladder(olds, settled=is_same)
        plan = _plan(inputs, recorded)[0]
        plan.raise_if_unsafe()
        return DiffResult(changes=plan.differs_from(recorded) if is_same else None)

    @in_one_line
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Record whom this stack gives something; nobody who left before is in it."""
        note_program()
        inputs = without_provider(props)
        return CreateResult(str(inputs["tenantId"]), _apply(inputs, RecordedLadder()))

    @in_one_line
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Take the rungs that are due and return the truth."""
        note_program()
        inputs = without_provider(_news)
        olds = follow(without_provider(_olds), inputs, LEAVERS)
        return UpdateResult(_apply(inputs, recorded_ladder(olds, settled=inputs_of(olds, LEAVERS) == inputs)))

    @in_one_line
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the record as far as the users of the tenant bear it out."""
        outputs = without_provider(props)
        outputs = correct_ladder(outputs, _open(outputs).read_users())
        return ReadResult(id_, outputs, inputs_of(outputs, LEAVERS))

    @in_one_line
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Touch nobody, and say so."""
        outputs = without_provider(_props)
        disabled = [str(entry.mail) for s, entry in LEAVERS.parse_people(outputs).items() if s in outputs["disabled"]]
        text = f"{NAME}: nobody is enabled, disabled or deleted, and {len(outputs['leaving'])} clocks end"
        engine_log().info(f"{text}; disabled by this stack: {name_some(sorted(disabled))}" if disabled else text)


def _open(bag: Bag) -> Departures:
    departures = open_departures(bag["tenant"])
    departures.refuse_other_tenant(bag["tenantId"])
    return departures


def _address(inputs: Bag) -> tuple[str, ...]:
    return ("Leavers", *(str(inputs.get(name)) for name in IDENTITY))


def _identify(inputs: Bag) -> dict[str, str]:
    return {name: str(inputs.get(name)) for name in IDENTITY}


def _plan(inputs: Bag, recorded: RecordedLadder) -> tuple[LadderPlan, Look, datetime]:
    """Return the plan, told and written down, with what it was made of."""
    desired, departures = desired_ladder(inputs), _open(inputs)
    now = departures.client.now
    rules = rules_in_force(inputs, NAME, _identify(inputs), now)
    look = departures.look(desired, recorded, rules, now, str(inputs.get("rules", {}).get("steward", "")))
    plan = plan_ladder(desired, look.observed, recorded, rules, now)
    unknown = {recorded.ledger[subject].mail: reason for subject, reason in look.reasons.items()}
    told = [f"{mail}: {reason}" for mail, reason in sorted(unknown.items())]
    if told:
        plan = replace(plan, warnings=(*plan.warnings, f"not known whether they left: {name_some(told)}"))
    write_document(_document(inputs, plan, now))
    if not is_quiet_ladder(plan):
        engine_log().tell(*describe_ladder(NAME, plan))
    return plan, look, now


def _document(inputs: Bag, plan: LadderPlan, now: datetime) -> PlanDocument:
    return make_ladder_document(
        NAME,
        plan,
        LEAVERS.write_deviations(plan.deviations),
        now,
        identity=_identify(inputs),
        approvals=inputs.get("rules", {}).get("approvals"),
    )


def _apply(inputs: Bag, recorded: RecordedLadder) -> dict[str, Any]:
    plan, look, now = _plan(inputs, recorded)
    plan.raise_if_unsafe()
    document = _document(inputs, plan, now)
    with telling_failure(lambda reason: _journal(document, (), reason)):
        outcomes = _open(inputs).apply(plan, look, show_pace(NAME)) if plan.changes else ()
    if outcomes:
        engine_log().tell(*describe_ladder_outcomes(NAME, outcomes))
    _journal(document, outcomes)
    return settle_ladder(inputs, recorded, plan, outcomes, now)


def _journal(document: PlanDocument, outcomes: Sequence[LadderOutcome], failure: str | None = None) -> None:
    keep_record(make_record(document, fates_of_rungs(outcomes), failure=failure, client=CLIENT))
