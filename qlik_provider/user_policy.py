"""Decide what people are granted by themselves, without a group; performs no I/O.

Everybody has a policy of their own, planned like that of a group whom nobody else is in. The brake is one for all: who
takes a space from many people at once takes it from many, however each of them is declared.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from qlik_provider.brake import Brake, Reading, recent_removals
from qlik_provider.changes import name_some
from qlik_provider.entitlements import Removals, fold
from qlik_provider.errors import UnsafePlan
from qlik_provider.policy import (
    WAITING,
    DesiredPolicy,
    ObservedPolicy,
    PolicyChange,
    PolicyDeviation,
    PolicyPlan,
    RecordedPolicy,
    plan_policy,
)
from qlik_provider.premises import Rules
from qlik_provider.verdicts import PROTECTED

_OPEN = Brake(max=1, percent=100)  # a policy of one person takes something from one
_SHUT = Brake(max=0)


@dataclass(frozen=True)
class PersonPolicy:
    """What one person is to be granted, what was read of it and what is recorded."""

    mail: str
    desired: DesiredPolicy
    observed: ObservedPolicy
    recorded: RecordedPolicy
    is_user: bool
    """Whether the tenant has a user whom something could be granted to."""


@dataclass(frozen=True)
class UserPlan:
    """The plans of everybody, by object id, and what holds for all of them together."""

    plans: Mapping[str, PolicyPlan]
    mails: Mapping[str, str]
    readings: tuple[Reading, ...]
    faults: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def changes(self) -> tuple[tuple[str, PolicyChange], ...]:
        """What to send, and to whom."""
        return _gather((id, plan.changes) for id, plan in self.plans.items())

    @property
    def held(self) -> tuple[tuple[str, PolicyChange], ...]:
        """What the brake stopped, and whose it stays."""
        return _gather((id, plan.held) for id, plan in self.plans.items())

    @property
    def unreviewed(self) -> tuple[tuple[str, PolicyChange], ...]:
        """Withdrawals that were in no reviewed plan, and so are not sent."""
        return _gather((id, plan.unreviewed) for id, plan in self.plans.items())

    def differs_from(self, recorded: Mapping[str, RecordedPolicy]) -> bool:
        """Tell whether applying would write, or change the ledger or the deviations of anybody."""
        return any(plan.differs_from(recorded[id]) for id, plan in self.plans.items())

    def raise_if_unsafe(self) -> None:
        """Raise UnsafePlan with every fault; does nothing for a plan that may be applied."""
        if self.faults:
            raise UnsafePlan("; ".join(self.faults))


def _gather(found: Iterable[tuple[str, Sequence[PolicyChange]]]) -> tuple[tuple[str, PolicyChange], ...]:
    return tuple((id, change) for id, changes in found for change in changes)


def plan_users(
    people: Mapping[str, PersonPolicy], rules: Rules, removed: Mapping[datetime, Removals], now: datetime
) -> UserPlan:
    """Return the plan of everybody, by object id, under one brake.

    Who is no user of the tenant waits. Whoever is protected is neither granted nor withdrawn anything.
    """
    plans = _plan_each(people, rules, _OPEN, now)
    losing = sum(_is_losing(plan) for plan in plans.values())
    recent = sum(recent_removals(removed, now).values(), start=Removals()).people
    holding = sum(bool(person.desired.rights or person.recorded.ledger) for person in people.values())
    breached = losing > 0 and rules.brake.is_breached(losing + recent, holding + recent)
    reading = Reading("", losing, recent, holding + recent, breached)
    if breached:
        plans = _plan_each(people, rules, _SHUT, now)
    return UserPlan(
        plans=plans,
        mails={id: person.mail for id, person in people.items()},
        readings=(reading,),
        faults=_brake_faults(reading, rules),
        warnings=(*_guard_warnings(plans, people), *_capacity_warnings(plans, people)),
    )


def _plan_each(people: Mapping[str, PersonPolicy], rules: Rules, brake: Brake, now: datetime) -> dict[str, PolicyPlan]:
    plans = {}
    for id, person in sorted(people.items(), key=lambda entry: (fold(entry[1].mail), entry[0])):
        own = replace(rules, brake=brake, protected=rules.protected & {fold(id)})
        # What makes full users is told once for everybody.
        observed = replace(person.observed, full_users=frozenset())
        plan = plan_policy(person.desired, observed, person.recorded, own, now)
        if own.protected:
            plan = _leave_grants(plan, PROTECTED)
        elif not person.is_user:
            plan = _leave_grants(plan, WAITING)
        plans[id] = plan
    return plans


def _leave_grants(plan: PolicyPlan, why: str) -> PolicyPlan:
    """Return a plan that grants nothing, for a reason."""
    grants = {change.right for change in plan.changes if not change.is_removal}
    return replace(
        plan,
        changes=tuple(change for change in plan.changes if change.is_removal),
        ledger=plan.ledger - grants,
        deviations={**plan.deviations, **dict.fromkeys(grants, PolicyDeviation(is_declared=True, why=why))},
    )


def _is_losing(plan: PolicyPlan) -> bool:
    """Tell whether somebody would lose something that nobody approved; what they had as another user does not count."""
    return any(
        change.is_removal and not change.is_approved and not change.right.group
        for change in (*plan.changes, *plan.held, *plan.unreviewed)
    )


def _brake_faults(reading: Reading, rules: Rules) -> tuple[str, ...]:
    if not reading.breached or rules.brake.on_breach == "hold":
        return ()
    return (f"{reading}; {rules.brake}; approve them in a file under approvals/ or keep the spaces declared",)


def _guard_warnings(plans: Mapping[str, PolicyPlan], people: Mapping[str, PersonPolicy]) -> Iterable[str]:
    for id, plan in plans.items():
        yield from (f"{people[id].mail}: {warning}" for warning in plan.warnings)


def _capacity_warnings(plans: Mapping[str, PolicyPlan], people: Mapping[str, PersonPolicy]) -> Iterable[str]:
    promoted = [
        people[id].mail
        for id, plan in plans.items()
        if any(change.right in people[id].observed.full_users for change in plan.changes if not change.is_removal)
    ]
    if promoted:
        yield (
            f"what is granted makes full users of {len(promoted)}: {name_some(promoted)}: on a capacity license the "
            "entitlement follows from rights"
        )
