"""The life of `Leavers` without engine, tenant and directory: people, what becomes of them, and ups in between."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from qlik_provider.ladder import find_absent, find_due, plan_ladder
from qlik_provider.ladder_ledger import LadderOutcome, desired_ladder, recorded_ladder, settle_ladder
from qlik_provider.ledger import LEAVERS, carry_over, inputs_of, rules_of
from qlik_provider.owned import Belonging, Belongings
from qlik_provider.people import Administrator, TenantUser
from qlik_provider.rungs import LadderChange, LadderPlan, ObservedLadder, RecordedLadder

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
STEWARD = "steward"


def app(owner: str, number: int = 1) -> Belonging:
    return Belonging("app", f"{owner}-{number}", f"App {number}", owner)


def webhook(owner: str) -> Belonging:
    return Belonging("webhook", f"{owner}-w", "Hook", owner)


@dataclass
class Somebody:
    """One person, as the world has them."""

    presence: str = "present"
    """`present`, `left`, or `unknown` while the directory does not answer."""
    is_declared: bool = True
    keys: str = "a"
    status: str | None = "active"
    """In the tenant; None for no user there."""
    types: frozenset[str] = frozenset()
    items: tuple[Belonging, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def user(self) -> str | None:
        return self.status


@dataclass
class World:
    """People by subject, and the record of a stack that serves them."""

    people: dict[str, Somebody] = field(default_factory=dict)
    now: datetime = NOW
    rules: dict[str, Any] = field(default_factory=dict)
    doubt: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Any] | None = None
    inputs: dict[str, Any] | None = None
    approved: tuple[str, ...] = ()
    reviewed: frozenset[Any] | None = None
    administrators: tuple[Administrator, ...] = (Administrator("admin", is_assigned=True),)
    caller: str = "bot"
    ids: dict[str, str] = field(default_factory=dict)

    def declare(self) -> dict[str, Any]:
        people = {s: f"user via {p.keys} for {s}@contoso.test" for s, p in self.people.items() if p.is_declared}
        rules = {
            "disableAfter": 7 * 24,
            "deleteAfter": 30 * 24,
            "transferTo": STEWARD,
            "brake.max": 99,
            "brake.percent": 100,
            **self.rules,
        }
        inputs = {
            "tenant": "https://contoso.qlik.test",
            "tenantId": "t",
            "people": people,
            "rules": {name: value for name, value in rules.items() if value is not None},
            "doubt": self.doubt,
            "sources": {},
            **({"objectIds": self.ids} if self.ids else {}),
        }
        return carry_over(self.inputs, inputs, LEAVERS)[0] if self.inputs else inputs

    def observe(self, desired, recorded, rules) -> ObservedLadder:
        absent = find_absent(desired, recorded)
        users = {
            s: TenantUser(f"id-{s}", s, s, f"{s}@contoso.test", p.status)
            for s, p in self.people.items()
            if p.status is not None
        }
        observed = ObservedLadder(
            users={**users, STEWARD: users.get(STEWARD, TenantUser("id-steward", STEWARD, "S", "s@contoso.test"))},
            presence={s: self.people[s].presence for s in absent if s in users},
            rows={s: p.types for s, p in self.people.items()},
            caller=self.caller,
        )
        due = find_due(desired, observed, recorded, rules, self.now)
        return replace(
            observed,
            administrators=self.administrators,
            belongings={
                s: Belongings(self.people[s].items, self.people[s].unknown)
                for s, verb in due.items()
                if verb == "delete"
            },
        )

    def plan(self) -> tuple[LadderPlan, RecordedLadder, dict[str, Any]]:
        inputs = self.declare()
        is_same = self.outputs is not None and inputs_of(self.outputs, LEAVERS) == inputs
        recorded = recorded_ladder(self.outputs, settled=is_same) if self.outputs else RecordedLadder()
        rules = replace(rules_of(inputs, self.approved), reviewed=self.reviewed)
        desired = desired_ladder(inputs)
        return plan_ladder(desired, self.observe(desired, recorded, rules), recorded, rules, self.now), recorded, inputs

    def up(self, fate: Callable[[LadderChange], str] = lambda _: "done", *, is_stored: bool = True) -> LadderPlan:
        """Plan, carry out what has the fate `done` or `lost` (done, and nobody hears of it), and record it."""
        plan, recorded, inputs = self.plan()
        plan.raise_if_unsafe()
        outcomes = []
        failed: set[str] = set()
        for change in plan.changes:
            became = "unsent" if change.subject in failed else fate(change)
            if became in {"done", "lost"}:
                self._carry_out(change)
            if became != "done":
                failed.add(change.subject)
            outcomes.append(LadderOutcome(change, "unsent" if became == "lost" else became, "because"))
        if is_stored:
            self.outputs, self.inputs = settle_ladder(inputs, recorded, plan, outcomes, self.now), inputs
        return plan

    def _carry_out(self, change: LadderChange) -> None:
        who = self.people[change.subject]
        if change.verb == "transfer":
            who.items = tuple(item for item in who.items if item not in change.items)
        else:
            who.status = change.becomes

    def refuse_all(self) -> LadderPlan:
        return self.up(lambda _: "refused")

    @property
    def leaving(self) -> dict[str, str]:
        return {s: text.partition(" since ")[0] for s, text in (self.outputs or {}).get("leaving", {}).items()}

    @property
    def reasons(self) -> dict[str, str]:
        return {s: text.partition("; ")[2] for s, text in (self.outputs or {}).get("deviations", {}).items()}


def tell(plan: LadderPlan) -> list[str]:
    """Return the changes of a plan in short."""
    return [f"{change.verb} {change.subject}" for change in plan.changes]


def pass_days(world: World, days: Iterable[int]) -> list[list[str]]:
    """Return what an up does after each of these days."""
    told = []
    for day in days:
        world.now += day * DAY
        told.append(tell(world.up()))
    return told
