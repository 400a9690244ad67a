"""Small makers of the core's values, and a resource's life without engine and tenant."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from qlik_provider.changes import Change
from qlik_provider.entitlements import Assignment, Entitlement, Seats, fold
from qlik_provider.ledger import ASSIGNMENTS, Bag, correct_record, inputs_of, recorded_of, rules_of
from qlik_provider.outcomes import Outcome, settle
from qlik_provider.plan import Plan, make_plan
from qlik_provider.premises import Observed

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)

State = Literal["done", "refused", "short", "unsent"]


def mail_of(subject: str) -> str:
    return f"{subject.lower()}@contoso.test"


def entitle(text: str, subject: str) -> Entitlement:
    """`professional via a, b` for the subject's mail."""
    type, _, keys = text.partition(" via ")
    return Entitlement(type, tuple(keys.split(", ")), mail_of(subject))


def write(text: str, subject: str) -> str:
    return f"{text} for {mail_of(subject)}"


def write_all(people: Mapping[str, str]) -> dict[str, str]:
    return {subject: write(text, subject) for subject, text in people.items()}


def declare(
    people: Mapping[str, str],
    *,
    doubt: Iterable[str] = (),
    sources: Mapping[str, str] | None = None,
    ids: Mapping[str, str] | None = None,
    **rules: Any,
) -> dict[str, Any]:
    """Return the inputs of a resource; `brake_max=1` is the rule `brake.max`."""
    return {
        **({"objectIds": dict(ids)} if ids else {}),
        "tenant": "https://contoso.qlik.test",
        "tenantId": "tenant",
        "license": "9999",
        "assignments": write_all(people),
        "rules": {"order": "professional, analyzer", **{name.replace("_", "."): rules[name] for name in rules}},
        "doubt": dict.fromkeys(doubt, "unreadable"),
        "sources": dict(sources or {}),
    }


def done(_change: Change) -> State:
    return "done"


@dataclass
class Stack:
    """One resource from run to run: `rows` is what the tenant shows, `outputs` what the engine stores."""

    rows: dict[str, str] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)
    outputs: Bag = field(default_factory=dict)
    now: datetime = NOW
    overage: int = 0

    @property
    def ledger(self) -> dict[str, str]:
        return dict(self.outputs["assignments"])

    @property
    def deviations(self) -> dict[str, str]:
        return dict(self.outputs["deviations"])

    def observe(self) -> Observed:
        used = list(self.rows.values())
        seats = {type: Seats(units, used.count(type), self.overage) for type, units in self.units.items()}
        return Observed(tuple(Assignment(subject, type) for subject, type in self.rows.items()), seats)

    def plan(self, inputs: Bag, approved: Collection[str] = (), *, settled: bool | None = None) -> Plan:
        if settled is None:
            settled = inputs_of(self.outputs, ASSIGNMENTS) == inputs
        self.recorded = recorded_of(self.outputs, ASSIGNMENTS, settled=settled)
        desired = ASSIGNMENTS.parse_people(inputs)
        return make_plan(desired, self.observe(), self.recorded, rules_of(inputs, approved), self.now)

    def up(
        self,
        inputs: Bag,
        approved: Collection[str] = (),
        fate: Callable[[Change], State] = done,
        *,
        settled: bool | None = None,
    ) -> Plan:
        """Plan, carry out what `fate` lets happen, and store the outcome."""
        plan = self.plan(inputs, approved, settled=settled)
        plan.raise_if_unsafe()
        outcomes = carry_out_all(plan, fate)
        for outcome in outcomes:
            if outcome.state == "done":
                carry_out(self.rows, outcome.change)
        self.outputs = settle(inputs, ASSIGNMENTS, self.recorded, plan, outcomes, self.now)
        return plan

    def refresh(self) -> None:
        self.outputs = correct_record(self.outputs, ASSIGNMENTS, self.observe().rows, self.now)

    def wait(self, **time: int) -> None:
        self.now += timedelta(**time)


def carry_out_all(plan: Plan, fate: Callable[[Change], State]) -> list[Outcome]:
    """Return what becomes of a plan: of whom a seat does not move, nothing else is sent."""
    stayed: set[str] = set()
    outcomes = []
    for change in plan.sent:
        waits = {fold(change.key), fold(change.becomes or change.key)} & stayed
        outcomes.append(Outcome(change, "unsent" if waits else fate(change)))
        if change.verb == "move" and outcomes[-1].state != "done":
            stayed |= {fold(change.key), fold(change.subject)}
    return outcomes


def carry_out(rows: dict[str, str], change: Change) -> None:
    """Do to the rows what a tenant would: no row twice, no row that is not there."""
    spelled = {fold(subject): subject for subject in rows}
    subject = spelled.get(fold(change.subject), change.subject)
    assert rows.get(subject) == change.held
    if change.becomes is not None:
        assert fold(change.becomes) not in spelled
        rows[change.becomes] = rows.pop(subject)
    elif change.type is None:
        del rows[subject]
    else:
        rows[subject] = change.type


def verbs(plan: Plan) -> list[str]:
    return [str(change) for change in plan.sent]
