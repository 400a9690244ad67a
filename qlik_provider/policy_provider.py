"""What Pulumi calls for the policy of a group: thin, since plan and ledger of policies decide.

https://www.pulumi.com/docs/iac/concepts/providers/dynamic-providers/
"""

from collections.abc import Sequence
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

from qlik_provider.brake import describe_breach
from qlik_provider.calls import (
    StatelessProvider,
    describe_move,
    fill_unknown,
    has_unknown,
    in_one_line,
    leave_frozen,
    telling_failure,
    without_provider,
)
from qlik_provider.custom_groups import rename_group
from qlik_provider.errors import QlikProviderError, UnsafePlan
from qlik_provider.journal import make_record
from qlik_provider.ledger import Bag
from qlik_provider.policy import UNSEEN, DesiredPolicy, PolicyPlan, plan_policy
from qlik_provider.policy_doubt import freeze_policy
from qlik_provider.policy_ledger import (
    PolicyOutcome,
    fates_of_rights,
    inputs_of_policy,
    parse_policy,
    settle_policy,
    write_policy_deviations,
)
from qlik_provider.policy_report import (
    describe_held,
    describe_policy,
    describe_policy_outcomes,
    is_quiet_policy,
    make_policy_document,
)
from qlik_provider.policy_writes import PolicyApply, not_done
from qlik_provider.renaming import follow
from qlik_provider.report import PlanDocument, write_document
from qlik_provider.rule_names import refuse_bad_rules
from qlik_provider.session import (
    engine_log,
    keep_record,
    note_check,
    note_program,
    open_policies,
    reviewed_removals,
    rules_in_force,
    show_progress,
    was_checked,
)
from qlik_provider.tenant_policies import Sight, TenantPolicies
from qlik_provider.verdicts import UNREVIEWED

KIND = "GroupPolicy"
IDENTITY = ("tenantId", "key")  # what a policy keeps for life
CLIENT = "QLIK_CLIENT_ID"  # the variable that names as whom it writes
PLANNED = ("roles", "spaces", "reach")  # without these there is nothing to plan from


class PolicyProvider(StatelessProvider):
    """The rights of one group in the tenant, planned, applied and recorded."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Return the inputs if they can be carried out; on a first run, plan."""
        if left := leave_frozen(olds, news):
            return left
        olds, inputs = without_provider(olds), without_provider(news)
        if _is_unplannable(inputs):
            return CheckResult(inputs, [])
        inputs, doubt = freeze_policy(olds, inputs)
        if doubt:
            engine_log().warn(f"{_name(inputs)}: in doubt, so nothing is granted or withdrawn: {doubt}")
        try:
            desired = parse_policy(inputs)
            refuse_bad_rules("GroupPolicy", inputs.get("rules") or {})
            olds = follow(olds, inputs)
            if moved := describe_move(olds, inputs, IDENTITY):
                raise UnsafePlan(f"{moved}, and a policy stays with one; declare the new one beside it")
            reviewed_removals(_name(inputs), _identify(inputs))
            note_check(_address(inputs))
            if olds:
                policies = _open(inputs)
                policies.refuse_bad_spaces(desired)
                policies.read_groups()
            else:
                _plan(inputs, {}, settled=False)[0].raise_if_unsafe()
        except (QlikProviderError, ValueError) as error:
            return CheckResult(inputs, [CheckFailure("", str(error))])
        return CheckResult(inputs, [])

    @in_one_line
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Tell whether an update would do anything; after a refresh, only whether the inputs differ."""
        olds, news = without_provider(_olds), without_provider(_news)
        if _is_unplannable(news):
            return DiffResult(changes=None)
        olds = follow(olds, news)
        inputs = fill_unknown(news, olds)
        is_same = inputs_of_policy(olds) == inputs
        if not was_checked(_address(inputs)):
            return DiffResult(changes=False if is_same else None)
        plan, sight, _ = _plan(inputs, olds, settled=is_same)
        plan.raise_if_unsafe()
        return DiffResult(changes=plan.differs_from(sight.recorded) if is_same else None)

    @in_one_line
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Apply all that can be applied and return the truth."""
        note_program()
        inputs = without_provider(props)
        return CreateResult(str(inputs["key"]), _apply(inputs, {}))

    @in_one_line
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Apply all that can be applied and return the truth."""
        note_program()
        return UpdateResult(_apply(without_provider(_news), without_provider(_olds)))

    @in_one_line
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the record as far as what is granted bears it out; a group that is gone holds nothing."""
        outputs = without_provider(props)
        sight = _open(outputs).look(outputs, outputs, parse_policy(outputs))
        corrected = sight.memory.correct(sight.observed)
        return ReadResult(id_, corrected, inputs_of_policy(corrected))

    @in_one_line
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Withdraw what was granted and leave the group.

        Raises before any write where a withdrawal is held or guarded, and after one that failed, so the state stays.
        """
        outputs = without_provider(_props)
        name = _name(outputs)
        inputs = {**outputs, "roles": {}, "spaces": {}}
        plan, sight, now = _plan(inputs, outputs, settled=False)
        _refuse_held_delete(outputs, plan)
        if not plan.changes:
            engine_log().info(f"{name}: nothing of this stack is left to withdraw")
        failed = not_done(_carry_out(inputs, plan, sight, now)[0])
        if failed:
            raise UnsafePlan(f"{name}: not everything was withdrawn, run again: {'; '.join(failed)}")


def _refuse_held_delete(outputs: Bag, plan: PolicyPlan) -> None:
    """Raise UnsafePlan where a plan that withdraws everything leaves anything that the caller can see."""
    name, key = _name(outputs), outputs["key"]
    if plan.held:
        subjects = ", ".join(DesiredPolicy(key).subject_of(change.right) for change in plan.held)
        reasons = describe_breach(plan.readings) or "held by the brake before"
        raise UnsafePlan(
            f"{name}: {reasons}: too many to withdraw at once, so nothing was; "
            f"empty roles and spaces in groups/{key}.yaml first, review, then remove the file, or approve {subjects}"
        )
    left = {right: deviation.why for right, deviation in plan.deviations.items() if deviation.why != UNSEEN}
    if left:
        rights = ", ".join(f"{right.describe()} ({why})" for right, why in sorted(left.items()))
        more = list(plan.warnings)
        if UNREVIEWED in left.values():
            more.append(f"empty roles and spaces in groups/{key}.yaml first, review that plan, then remove the file")
        raise UnsafePlan("; ".join([f"{name}: cannot be withdrawn, so nothing was: {rights}", *more]))


def _open(bag: Bag) -> TenantPolicies:
    policies = open_policies(bag["tenant"])
    policies.refuse_other_tenant(bag["tenantId"])
    return policies


def _name(bag: Bag) -> str:
    return f"policy-{bag['key']}"


def _address(inputs: Bag) -> tuple[str, ...]:
    return (KIND, *(str(inputs.get(name)) for name in IDENTITY))


def _is_unplannable(inputs: Bag) -> bool:
    """Tell whether what is to be granted cannot be known yet; a group that is not there yet can be planned for."""
    return any(has_unknown(inputs.get(name)) for name in PLANNED)


def _plan(inputs: Bag, outputs: Bag, *, settled: bool) -> tuple[PolicyPlan, Sight, datetime]:
    """Return the plan, told and written down, with what it was made of."""
    desired = parse_policy(inputs)
    policies = _open(inputs)
    policies.refuse_bad_spaces(desired)
    now = policies.client.now
    sight = policies.look(inputs, outputs, desired, settled=settled)
    rules = rules_in_force(inputs, _name(inputs), _identify(inputs), now)
    plan = plan_policy(desired, sight.observed, sight.recorded, rules, now)
    _tell(inputs, plan, now)
    return plan, sight, now


def _identify(inputs: Bag) -> dict[str, str]:
    return {name: str(inputs.get(name)) for name in IDENTITY}


def _document(inputs: Bag, plan: PolicyPlan, now: datetime) -> PlanDocument:
    return make_policy_document(
        _name(inputs),
        parse_policy(inputs),
        _group_name(inputs),
        plan,
        write_policy_deviations(plan.deviations),
        now,
        identity=_identify(inputs),
        approvals=inputs.get("rules", {}).get("approvals"),
    )


def _tell(inputs: Bag, plan: PolicyPlan, now: datetime) -> None:
    name, group = _name(inputs), _group_name(inputs)
    write_document(_document(inputs, plan, now))
    if is_quiet_policy(plan):
        return
    text, warnings = describe_policy(name, group, plan, is_idp=inputs.get("providerType") == "idp")
    held = (describe_held(name, str(inputs["key"]), plan),) if plan.held else ()
    engine_log().tell(text, (*held, *warnings))


def _group_name(inputs: Bag) -> str:
    group = inputs.get("group")
    return group if isinstance(group, str) else f"the group of {inputs['key']}"


def _apply(inputs: Bag, outputs: Bag) -> dict[str, Any]:
    plan, sight, now = _plan(inputs, outputs, settled=inputs_of_policy(outputs) == inputs)
    plan.raise_if_unsafe()
    rename_group(_open(inputs), sight.memory.where.group, str(inputs["group"]))
    outcomes, group = _carry_out(inputs, plan, sight, now)
    return settle_policy(inputs, sight.recorded, plan, outcomes, now, group, sight.memory.spaces)


def _carry_out(
    inputs: Bag, plan: PolicyPlan, sight: Sight, now: datetime
) -> tuple[tuple[PolicyOutcome, ...], str | None]:
    """Return what became of each change, told and journaled, and the id of the group of today."""
    name = _name(inputs)
    apply = PolicyApply(
        policies=_open(inputs),
        provider_type=str(inputs["providerType"]),
        name=str(inputs["group"]),
        group=sight.memory.where.group,
        spaces=sight.memory.spaces,
        progress=show_progress(name),
    )
    document = _document(inputs, plan, now)
    with telling_failure(lambda reason: _journal(document, (), reason)):
        outcomes = apply.run(plan) if plan.changes else ()
    if outcomes:
        engine_log().tell(*describe_policy_outcomes(name, outcomes))
    _journal(document, outcomes)
    return outcomes, apply.group


def _journal(document: PlanDocument, outcomes: Sequence[PolicyOutcome], failure: str | None = None) -> None:
    fates = fates_of_rights(document.identity["key"], outcomes)
    keep_record(make_record(document, fates, failure=failure, client=CLIENT))
