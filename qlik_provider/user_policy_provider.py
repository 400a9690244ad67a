"""What Pulumi calls for the spaces of people: thin, since plan and ledger of policies decide.

https://www.pulumi.com/docs/iac/concepts/providers/dynamic-providers/
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, UpdateResult

from qlik_provider.brake import describe_breach
from qlik_provider.calls import (
    StatelessProvider,
    describe_move,
    has_unknown,
    in_one_line,
    leave_frozen,
    telling_failure,
    without_provider,
)
from qlik_provider.errors import QlikProviderError, UnsafePlan
from qlik_provider.journal import make_record
from qlik_provider.ledger import Bag
from qlik_provider.policy import UNSEEN, write_subject
from qlik_provider.policy_ledger import PolicyOutcome, fates_of_rights, write_policy_deviations
from qlik_provider.report import PlanDocument, write_document
from qlik_provider.rule_names import refuse_bad_rules
from qlik_provider.session import (
    coming_users,
    engine_log,
    keep_record,
    note_check,
    note_program,
    open_user_policies,
    reviewed_removals,
    rules_in_force,
    show_progress,
    was_checked,
)
from qlik_provider.user_ledger import (
    correct_people,
    inputs_of_users,
    join_people,
    parse_people,
    removed_of,
    settle_users,
)
from qlik_provider.user_policies import UserPolicies, UserSight
from qlik_provider.user_policy import UserPlan, plan_users
from qlik_provider.user_report import (
    describe_held_users,
    describe_user_outcomes,
    describe_users,
    is_quiet_users,
    make_user_document,
)
from qlik_provider.verdicts import UNREVIEWED

KIND = "UserPolicy"
NAME = "user-policy"
IDENTITY = ("tenantId",)  # what the resource keeps for life
CLIENT = "QLIK_CLIENT_ID"  # the variable that names as whom it writes
PLANNED = ("people", "spaces")  # without these there is nothing to plan from

Sights = Mapping[str, UserSight]
Outcomes = Mapping[str, tuple[PolicyOutcome, ...]]


class UserPoliciesProvider(StatelessProvider):
    """The spaces of people, planned, applied and recorded."""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Return the inputs if they can be carried out; on a first run, plan."""
        if left := leave_frozen(olds, news):
            return left
        olds, inputs = without_provider(olds), without_provider(news)
        if _is_unplannable(inputs):
            return CheckResult(inputs, [])
        try:
            people = parse_people(inputs, {})
            refuse_bad_rules("UserPolicy", inputs.get("rules") or {})
            if moved := describe_move(olds, inputs, IDENTITY):
                raise UnsafePlan(f"{moved}, and a stack stays with one; declare the new one in a stack of its own")
            reviewed_removals(NAME, _identify(inputs))
            note_check(_address(inputs))
            if olds:
                _open(inputs).refuse_bad_spaces(people)
            else:
                _plan(inputs, {}, settled=False)[0].raise_if_unsafe()
        except (QlikProviderError, ValueError) as error:
            return CheckResult(inputs, [CheckFailure("", str(error))])
        return CheckResult(inputs, [])

    @in_one_line
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Tell whether an update would do anything; after a refresh, only whether the inputs differ."""
        olds, inputs = without_provider(_olds), without_provider(_news)
        if _is_unplannable(inputs):
            return DiffResult(changes=None)
        is_same = inputs_of_users(olds) == inputs
        if not was_checked(_address(inputs)):
            return DiffResult(changes=False if is_same else None)
        plan, sights, _ = _plan(inputs, olds, settled=is_same)
        plan.raise_if_unsafe()
        recorded = {id: sight.recorded for id, sight in sights.items()}
        return DiffResult(changes=plan.differs_from(recorded) if is_same else None)

    @in_one_line
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Apply all that can be applied and return the truth."""
        note_program()
        inputs = without_provider(props)
        return CreateResult(str(inputs["tenantId"]), _apply(inputs, {}))

    @in_one_line
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Apply all that can be applied and return the truth."""
        note_program()
        return UpdateResult(_apply(without_provider(_news), without_provider(_olds)))

    @in_one_line
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the record as far as what is granted bears it out."""
        outputs = without_provider(props)
        people = parse_people(outputs, outputs)
        sights = _open(outputs).look(people)
        corrected = {id: sight.memory.correct(sight.policy.observed) for id, sight in sights.items()}
        outputs = correct_people(outputs, corrected, {id: person.mail for id, person in people.items()})
        return ReadResult(id_, outputs, inputs_of_users(outputs))

    @in_one_line
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Withdraw what was granted and leave the users.

        Raises before any write where a withdrawal is held or guarded, and after one that failed, so the state stays.
        """
        outputs = without_provider(_props)
        rules = {name: value for name, value in outputs["rules"].items() if not name.startswith("unmanaged.")}
        inputs = {**outputs, "people": {}, "spaces": {}, "rules": rules}
        plan, sights, now = _plan(inputs, outputs, settled=False)
        _refuse_held_delete(plan)
        if not plan.changes:
            engine_log().info(f"{NAME}: nothing of this stack is left to withdraw")
        outcomes = _carry_out(inputs, plan, sights, now)
        failed = [f"{o.state}: {plan.mails[id]}: {o}" for id, own in outcomes.items() for o in own if o.state != "done"]
        if failed:
            raise UnsafePlan(f"{NAME}: not everything was withdrawn, run again: {'; '.join(failed)}")


def _refuse_held_delete(plan: UserPlan) -> None:
    """Raise UnsafePlan where a plan that withdraws everything leaves anything that the caller can see."""
    empty = "write spaces: {} for these people in people.yaml first, review that plan, then take them out"
    if plan.held:
        subjects = ", ".join(write_subject(id, str(change.right)) for id, change in plan.held)
        reasons = describe_breach(plan.readings) or "held by the brake before"
        raise UnsafePlan(
            f"{NAME}: {reasons}: too many to withdraw at once, so nothing was; {empty}, or approve {subjects}"
        )
    left = [
        (plan.mails[id], right, deviation.why)
        for id, own in plan.plans.items()
        for right, deviation in sorted(own.deviations.items())
        if deviation.why != UNSEEN
    ]
    if left:
        rights = ", ".join(f"{right.describe()} from {mail} ({why})" for mail, right, why in left)
        more = [*plan.warnings, *([empty] if UNREVIEWED in {why for _, _, why in left} else [])]
        raise UnsafePlan("; ".join([f"{NAME}: cannot be withdrawn, so nothing was: {rights}", *more]))


def _open(bag: Bag) -> UserPolicies:
    users = open_user_policies(bag["tenant"])
    users.policies.refuse_other_tenant(bag["tenantId"])
    return users


def _address(inputs: Bag) -> tuple[str, ...]:
    return (KIND, *(str(inputs.get(name)) for name in IDENTITY))


def _identify(inputs: Bag) -> dict[str, str]:
    return {name: str(inputs.get(name)) for name in IDENTITY}


def _is_unplannable(inputs: Bag) -> bool:
    return any(has_unknown(inputs.get(name)) for name in PLANNED)


def _plan(inputs: Bag, outputs: Bag, *, settled: bool, is_apply: bool = False) -> tuple[UserPlan, Sights, datetime]:
    """Return the plan, told and written down, with what it was made of; whoever is no user at an apply waits."""
    people, users = parse_people(inputs, outputs), _open(inputs)
    users.refuse_bad_spaces(people)
    now = users.client.now
    sights = users.look(people, settled=settled, coming=() if is_apply else coming_users(inputs["tenant"]))
    rules = rules_in_force(inputs, NAME, _identify(inputs), now)
    plan = plan_users({id: sight.policy for id, sight in sights.items()}, rules, removed_of(outputs), now)
    write_document(_document(inputs, plan, now))
    if not is_quiet_users(plan):
        text, warnings = describe_users(NAME, plan)
        held = (describe_held_users(NAME, plan),) if plan.held else ()
        engine_log().tell(text, (*held, *warnings))
    return plan, sights, now


def _document(inputs: Bag, plan: UserPlan, now: datetime) -> PlanDocument:
    own = {id: {"granted": {}, "deviations": write_policy_deviations(p.deviations)} for id, p in plan.plans.items()}
    return make_user_document(
        NAME,
        plan,
        join_people(own, plan.mails)["deviations"],
        now,
        identity=_identify(inputs),
        approvals=inputs.get("rules", {}).get("approvals"),
    )


def _apply(inputs: Bag, outputs: Bag) -> dict[str, Any]:
    plan, sights, now = _plan(inputs, outputs, settled=inputs_of_users(outputs) == inputs, is_apply=True)
    plan.raise_if_unsafe()
    outcomes = _carry_out(inputs, plan, sights, now)
    return settle_users(
        inputs,
        outputs,
        {id: sight.recorded for id, sight in sights.items()},
        plan,
        outcomes,
        now,
        {id: sight.memory.where.group for id, sight in sights.items() if sight.memory.where.group},
        {id: sight.memory.spaces for id, sight in sights.items()},
    )


def _carry_out(inputs: Bag, plan: UserPlan, sights: Sights, now: datetime) -> Outcomes:
    """Return what became of each change, told and journaled."""
    document = _document(inputs, plan, now)
    with telling_failure(lambda reason: _journal(document, {}, reason)):
        outcomes = _open(inputs).apply(plan, sights, show_progress(NAME)) if plan.changes else {}
    if outcomes:
        engine_log().tell(*describe_user_outcomes(NAME, plan, outcomes))
    _journal(document, outcomes)
    return outcomes


def _journal(document: PlanDocument, outcomes: Outcomes, failure: str | None = None) -> None:
    fates = {subject: fate for id, own in outcomes.items() for subject, fate in fates_of_rights(id, own).items()}
    keep_record(make_record(document, fates, failure=failure, client=CLIENT))
