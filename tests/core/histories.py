"""The life of one person in one stack: what the engine, the provider, an administrator and a reviewer do, step by step.

The steps of the provider are those of `LedgerProvider`, in its order and over its own functions; engine and tenant are
a few values. A moment is hashable, so all moments that any history can lead to are found and judged once.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from core.builders import NOW, State, carry_out, declare
from core.naive import is_stronger

from qlik_provider.changes import Change
from qlik_provider.entitlements import Assignment, Seats
from qlik_provider.ledger import (
    ASSIGNMENTS,
    carry_over,
    correct_record,
    inputs_of,
    recorded_of,
    rules_of,
    stand_in,
    still_unseen,
)
from qlik_provider.outcomes import Outcome, settle
from qlik_provider.plan import Plan, make_plan
from qlik_provider.premises import Observed, Recorded

ANA, OTHER = "ana", "x"  # whom the history is about, and somebody this stack has nothing to do with
STRANGER = "professional"  # what the other one holds

DECLARED = (None, "analyzer via a", "analyzer via a, b", "professional via b")
ROWS = (None, "analyzer", "professional", "basicUser")
GROUPS = ("read", "unreadable", "replaced", "replaced and accepted")  # what became of the group of key a


@dataclass(frozen=True)
class House:
    """The rules of the stack and the seats of the license, which no history changes."""

    adopt: str = "upgrade"
    repair: str = "additive"
    brake: int = 1000
    is_protected: bool = False
    professional: int = 9
    """Seats of that type; the other one holds one of them."""

    def __str__(self) -> str:
        brake = "brake holds" if self.brake == 0 else "brake is open"
        seats = "seats are scarce" if self.professional == 1 else "seats are many"
        protected = ", protected" if self.is_protected else ""
        return f"adopt {self.adopt}, repair {self.repair}, {brake}, {seats}{protected}"


@dataclass(frozen=True)
class Moment:
    """Everything that the next step depends on; `stored` is the state of the engine as JSON, empty before the first."""

    declared: str | None = None
    group: str = "read"
    is_approved: bool = False
    is_open: bool = False
    """The brake of a house where it holds was opened."""
    row: str | None = None
    stranger: str | None = STRANGER
    stored: str = ""
    late: tuple[str | None] | None = None
    """What the tenant's list still shows of the person, where it lags behind a write of ours."""
    is_owed: bool = False
    """By the history alone: the state says that what the person holds is this stack's, to be taken back one day."""
    given: str | None = None
    """By the history alone: the type that this stack gave last or took over by the declaration, and may take back."""

    @cached_property
    def state(self) -> dict[str, Any] | None:
        """The inputs and outputs that the engine has stored."""
        return json.loads(self.stored) if self.stored else None

    @property
    def outputs(self) -> Mapping[str, Any]:
        return self.state["outputs"] if self.state else {}

    @property
    def why(self) -> str:
        """The reason of the person's deviation, as the state has it."""
        return self.outputs.get("deviations", {}).get(ANA, "").partition("; ")[2]

    @property
    def entry(self) -> str | None:
        """The person's entry in the ledger, as the state has it."""
        return self.outputs.get("assignments", {}).get(ANA)

    @property
    def is_unseen(self) -> bool:
        """Whether the state says that the list never showed the entry."""
        return ANA in self.outputs.get("unseen", {})

    def rows(self) -> dict[str, str]:
        return {subject: type for subject, type in ((ANA, self.row), (OTHER, self.stranger)) if type}


@dataclass
class Step:
    """What one command did."""

    before: Moment
    after: Moment
    plan: Plan | None = None
    refusal: str = ""
    changes: bool | None = None
    """What the last diff said: False, True, or None for `compare the inputs`."""
    read: Mapping[str, Any] = field(default_factory=dict)
    """The inputs that a read returned."""


class Stack:
    """The stack in one house: its commands, each from moment to moment."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._ups: dict[tuple[Moment, State, bool, bool], Step] = {}

    def inputs(self, moment: Moment) -> dict[str, Any]:
        """Return what the program registers at a moment."""
        rules: dict[str, Any] = {
            "adopt": self.house.adopt,
            "repair": self.house.repair,
            "shortage": "waitlist",
            "brake_max": 1000 if moment.is_open else self.house.brake,
        }
        if self.house.is_protected:
            rules[f"protect_{ANA}"] = ANA
        people = {} if moment.declared is None else {ANA: moment.declared}
        rules |= {f"confers_{key}": type_of(moment.declared) for key in "ab" if moment.declared}
        source = "id 1" if moment.group in {"read", "unreadable"} else "id 2"
        doubt = ["a"] if moment.group == "unreadable" else []
        if moment.group == "unreadable" and moment.declared and "a" in moment.declared:
            people = {}  # nobody of a group that cannot be read is known
        inputs = declare(people, doubt=doubt, sources={"a": source}, **rules)
        if moment.group == "replaced and accepted":
            inputs["rules"]["source.a"] = "id 2"
        return inputs

    def observe(self, moment: Moment) -> Observed:
        rows = replace(moment, row=moment.late[0] if moment.late else moment.row).rows()
        used = list(rows.values())
        units = {"professional": self.house.professional, "analyzer": 9, "basicUser": 9}
        return Observed(
            tuple(Assignment(subject, type) for subject, type in rows.items()),
            {type: Seats(count, used.count(type)) for type, count in units.items()},
        )

    def check(self, moment: Moment) -> dict[str, Any]:
        inputs = self.inputs(moment)
        return carry_over(moment.state["inputs"], inputs, ASSIGNMENTS)[0] if moment.state else inputs

    def plan(self, moment: Moment, inputs: Mapping[str, Any], recorded: Recorded) -> Plan:
        approved = [ANA] if moment.is_approved else []
        desired = ASSIGNMENTS.parse_people(inputs)
        observed = self.observe(moment)
        observed = replace(observed, rows=stand_in(observed.rows, desired, recorded))
        return make_plan(desired, observed, recorded, rules_of(inputs, approved), NOW)

    def preview(self, moment: Moment) -> Step:
        """Check and diff with a check before it, as in both phases of an up."""
        inputs = self.check(moment)
        step = Step(moment, moment)
        if moment.state is None:
            step.plan, step.changes = self.plan(moment, inputs, Recorded()), True
        else:
            is_same = inputs_of(moment.outputs, ASSIGNMENTS) == inputs
            recorded = recorded_of(moment.outputs, ASSIGNMENTS, settled=is_same)
            step.plan = self.plan(moment, inputs, recorded)
            is_shown_now = still_unseen(recorded.unseen, self.observe(moment).rows) != recorded.unseen
            step.changes = (step.plan.differs_from(recorded) or is_shown_now) if is_same else None
        step.refusal = "; ".join(step.plan.faults)
        return step

    def up(self, moment: Moment, fate: State = "done", *, is_saved: bool = True, is_late: bool = False) -> Step:
        """Preview, then create or update where the preview says that there is something to do."""
        key = moment, fate, is_saved, is_late
        if key not in self._ups:
            self._ups[key] = self._up(moment, fate, is_saved=is_saved, is_late=is_late)
        return self._ups[key]

    def _up(self, moment: Moment, fate: State, *, is_saved: bool, is_late: bool) -> Step:
        step = self.preview(moment)
        inputs = self.check(moment)
        # The engine compares inputs where the diff leaves it to it.
        is_update = step.changes if step.changes is not None else moment.state["inputs"] != inputs
        if step.refusal or not is_update:
            return step
        settled = moment.state is not None and inputs_of(moment.outputs, ASSIGNMENTS) == inputs
        recorded = recorded_of(moment.outputs, ASSIGNMENTS, settled=settled) if moment.state else Recorded()
        recorded = replace(recorded, unseen=still_unseen(recorded.unseen, self.observe(moment).rows))
        step.plan = self.plan(moment, inputs, recorded)
        rows = moment.rows()
        late = (moment.row,) if is_late else moment.late
        outcomes = [_act(rows, change, fate, late) for change in step.plan.changes]
        given = self._given(moment, rows)
        after = replace(moment, row=rows.get(ANA), stranger=rows.get(OTHER), given=given, late=late)
        if is_saved:
            is_ours = moment.is_owed or (rows.get(ANA) != moment.row) or given != moment.given
            # A revoke that was not answered well counts as done where a list, late or not, shows no row.
            is_let_go = any(it.change.key == ANA and it.change.type is None and it.state == "done" for it in outcomes)
            after = replace(after, is_owed=after.row is not None and is_ours and not is_let_go)
            outputs = settle(inputs, ASSIGNMENTS, recorded, step.plan, outcomes, NOW)
            outputs["removed"] = {}  # more than a day lies between two commands
            after = replace(after, stored=json.dumps({"inputs": inputs, "outputs": outputs}))
        step.after = after
        return step

    def _given(self, moment: Moment, rows: Mapping[str, str]) -> str | None:
        """Return by the rows alone what is this stack's after an up."""
        row = rows.get(ANA)
        if row is None or row != moment.row:
            return row
        is_adopted = row == type_of(self.inputs(moment)["assignments"].get(ANA)) and self.house.adopt != "report"
        return row if is_adopted else moment.given

    def refresh(self, moment: Moment, *, is_saved: bool = True) -> Step:
        """Read, and diff without a check."""
        if moment.state is None:
            return Step(moment, moment)
        outputs = correct_record(moment.outputs, ASSIGNMENTS, self.observe(moment).rows, NOW)
        inputs = inputs_of(outputs, ASSIGNMENTS)
        is_same = inputs_of(moment.outputs, ASSIGNMENTS) == inputs
        step = Step(moment, moment, changes=False if is_same else None, read=inputs)
        if is_saved:
            stored = json.dumps({"inputs": inputs, "outputs": outputs})
            given, is_owed = self._given_after_refresh(moment), moment.is_owed and moment.row is not None
            step.after = replace(moment, stored=stored, given=given, is_owed=is_owed)
        return step

    def _given_after_refresh(self, moment: Moment) -> str | None:
        """Return what is this stack's after a read: also what others raised to just what was declared for it."""
        is_as_declared = moment.row == type_of(moment.state["inputs"]["assignments"].get(ANA))
        return moment.row if moment.row is None or (moment.entry and is_as_declared) else moment.given

    def up_with_refresh(self, moment: Moment) -> Step:
        """Up from what a stored refresh leaves."""
        return self.up(self.refresh(moment).after)

    def commands(self, moment: Moment) -> Iterator[tuple[str, Callable[[], Step]]]:
        """Yield everything that can be done next, by its name."""
        yield "preview", lambda: self.preview(moment)
        yield "up", lambda: self.up(moment)
        yield "up, refused by the tenant", lambda: self.up(moment, "refused")
        yield "up, unsent", lambda: self.up(moment, "unsent")
        yield "up, killed before its state was stored", lambda: self.up(moment, is_saved=False)
        yield "refresh --preview-only", lambda: self.refresh(moment, is_saved=False)
        yield "refresh", lambda: self.refresh(moment)
        yield "up --refresh", lambda: self.up_with_refresh(moment)
        if moment.late:
            yield "the list catches up", _hand_over(moment, late=None)
        else:
            yield "up, not shown by the list", lambda: self.up(moment, is_late=True)
        for row in ROWS:
            if row != moment.row and not moment.late:
                yield f"by hand: {row}", _hand_over(moment, row=row, given=_given_by_hand(moment, row))
        for declared in DECLARED:
            if declared != moment.declared:
                yield f"edit: {declared}", _hand_over(moment, declared=declared)
        for group in GROUPS:
            if group != moment.group:
                yield f"group a: {group}", _hand_over(moment, group=group)
        if self.house.brake == 0:
            yield f"open the brake: {not moment.is_open}", _hand_over(moment, is_open=not moment.is_open)
        yield f"approve: {not moment.is_approved}", _hand_over(moment, is_approved=not moment.is_approved)


def _act(rows: dict[str, str], change: Change, fate: State, late: tuple[str | None] | None) -> Outcome:
    """Return what the tenant makes of a change, which may come from a list that was late."""
    holds = rows.get(change.key)
    if fate == "done" and holds == change.held:
        carry_out(rows, change)
    elif fate == "done" and (change.verb != "assign" or holds != change.type):
        fate = "refused"  # 404 LICENSES-016
    shown = late[0] if late is not None and change.key == ANA else rows.get(change.key)
    is_shown = shown == change.type if change.type else shown != change.held
    if fate == "done" or is_shown:
        return Outcome(change, "done", is_seen=is_shown)
    return Outcome(change, fate, is_gone=change.held is not None and shown != change.held)


def _given_by_hand(moment: Moment, row: str | None) -> str | None:
    """Return what is this stack's after an act by hand: after a run that was killed, also what its state still claims.

    Nobody can tell then whether what is there again is what the stack gave, or what others made of it.
    """
    claimed = type_of(moment.entry)
    return claimed if row and claimed and (moment.given is None or row == claimed) else moment.given


def _hand_over(moment: Moment, **parts: Any) -> Callable[[], Step]:
    return lambda: Step(moment, replace(moment, **parts))


def type_of(value: str | None) -> str | None:
    """Return the type of an entry as it is written."""
    return value.partition(" ")[0] if value else None


def is_less(row: str | None, former: str | None) -> bool:
    """Tell whether somebody lost something between two rows."""
    return former is not None and (row is None or is_stronger(former, row))


def follow(stack: Stack, names: Iterable[str], row: str | None = None) -> Moment:
    """Return the moment that commands lead to, from somebody who holds `row` and is not declared."""
    moment = Moment(row=row)
    for name in names:
        run = dict(stack.commands(moment)).get(name)
        moment = run().after if run else moment  # what would change nothing is not offered
    return moment


def explore(stack: Stack, starts: Iterable[Moment], commands: int) -> Iterator[tuple[str, Step]]:
    """Yield every step of every history of so many commands from these starts; equal moments go on as one."""
    moments = dict.fromkeys(starts)
    seen = set(moments)
    for _ in range(commands):
        following: dict[Moment, None] = {}
        for moment in moments:
            for name, run in stack.commands(moment):
                step = run()
                yield name, step
                if step.after not in seen:
                    seen.add(step.after)
                    following[step.after] = None
        moments = following


def text_of(moment: Moment) -> str:
    """Return a moment in one line, for the message of a law that is broken."""
    return (
        f"declared {moment.declared}, group a {moment.group}, row {moment.row}, entry {moment.entry}, "
        f"deviation {moment.why or None}, given {moment.given}, approved {moment.is_approved}, open {moment.is_open}, "
        f"list shows {moment.late}, owed {moment.is_owed}"
    )
