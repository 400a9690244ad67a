"""What Pulumi calls, for any resource that is a map of people: thin, since ledger and plan decide.

https://www.pulumi.com/docs/iac/concepts/providers/dynamic-providers/
"""

from abc import abstractmethod
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Literal

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
    fill_unknown,
    has_unknown,
    in_one_line,
    leave_frozen,
    telling_failure,
    without_provider,
)
from qlik_provider.changes import name_some
from qlik_provider.entitlements import Assignment
from qlik_provider.errors import QlikProviderError
from qlik_provider.journal import fates_of, make_record, waiting_in
from qlik_provider.ledger import (
    Bag,
    Form,
    carry_over,
    correct_record,
    describe_left_alone,
    inputs_of,
    recorded_of,
    stand_in,
    still_unseen,
    write_seats,
)
from qlik_provider.moves import keep_known
from qlik_provider.outcomes import Outcome, settle
from qlik_provider.plan import Plan, count_foreign, leave_out, make_plan
from qlik_provider.plurals import count_of
from qlik_provider.premises import Observed, Recorded
from qlik_provider.renaming import follow
from qlik_provider.report import (
    PlanDocument,
    describe_outcomes,
    describe_plan,
    is_quiet,
    make_document,
    write_document,
)
from qlik_provider.rule_names import refuse_bad_rules
from qlik_provider.session import (
    engine_log,
    keep_record,
    note_check,
    note_program,
    reviewed_removals,
    rules_in_force,
    was_checked,
)


class LedgerProvider(StatelessProvider):
    """A map of people that is planned, applied and recorded; subclasses say where the people are."""

    form: ClassVar[Form]
    kind: ClassVar[Literal["LicenseAssignments", "DirectoryMembers", "TenantGroupMembers", "Users"]]
    identity: ClassVar[tuple[str, ...]]
    """Inputs that a resource keeps for life."""
    client: ClassVar[str] = "QLIK_CLIENT_ID"
    """The variable that names as whom it writes."""

    def identify(self, bag: Bag) -> dict[str, str]:
        """Return what tells the resource from one of the same name in another stack, as far as it is known."""
        return {name: str(bag.get(name)) for name in self.identity}

    @abstractmethod
    def name(self, inputs: Bag) -> str:
        """Return the resource's name, as the plan document and the log have it."""

    @abstractmethod
    def observe(self, bag: Bag, known: Collection[str] = ()) -> Observed | None:
        """Return what is held now; None if the thing that holds it is gone.

        `known` are subjects whose absence would end something, so it has to be proven.
        """

    def refuse_gone(self, olds: Bag, inputs: Bag) -> None:
        """Raise UnsafePlan if what held people at the last apply is gone, and so nothing can be planned."""
        del olds, inputs

    @abstractmethod
    def find_faults(self, inputs: Bag) -> Iterable[str]:
        """Return what is wrong with the people, whatever directory and tenant say."""

    def locate(self, inputs: Bag, outputs: Bag) -> Bag:
        """Return the inputs with what the outputs know of where the people are."""
        del outputs
        return inputs

    def mark(self, inputs: Bag) -> Bag:
        """Return the outputs by which the place of the people is known again."""
        del inputs
        return {}

    def recall(self, outputs: Bag, inputs: Bag, *, settled: bool) -> Recorded:
        """Return what the outputs record of what the inputs are about."""
        del inputs
        return recorded_of(outputs, self.form, settled=settled)

    @abstractmethod
    def apply(self, inputs: Bag, plan: Plan) -> tuple[Outcome, ...]:
        """Carry a plan out."""

    def explain(self, inputs: Bag, plan: Plan, rows: Sequence[Assignment], recorded: Recorded) -> Plan:
        """Return a plan with what is known of rows that neither record nor declaration explains."""
        del inputs, rows, recorded
        return plan

    @abstractmethod
    def now(self, inputs: Bag) -> datetime:
        """Return the time of the service."""

    def trace(self, group: str) -> str:
        """Return what became of a group that a key was read from, as the end of a sentence; nothing where unknown."""
        del group
        return ""

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Return the inputs with what is in doubt carried over; on a first run, plan."""
        if left := leave_frozen(olds, news):
            return left
        inputs = without_provider(news)
        if has_unknown(inputs.get(self.form.people)):
            return CheckResult(inputs, [])
        try:
            return CheckResult(self._check(follow(without_provider(olds), inputs, self.form), inputs), [])
        except (QlikProviderError, ValueError) as error:
            return CheckResult(inputs, [CheckFailure("", str(error))])

    def _check(self, olds: Bag, inputs: dict[str, Any]) -> dict[str, Any]:
        self.form.parse_people(inputs)
        refuse_bad_rules(self.kind, inputs.get("rules", {}), self.find_faults(inputs))
        if moved := describe_move(olds, inputs, self.identity):
            raise ValueError(f"{moved}, and a stack stays with one; declare the new one in a stack of its own")
        reviewed_removals(self.name(inputs), self.identify(inputs))
        inputs = keep_known(olds, inputs, self.form.parse_people, self.form.people)
        if olds and "doubt" in self.form.echoed:
            found = inputs.get("sources", {})
            inputs, carried = carry_over(olds, inputs, self.form)
            inputs["doubt"] = {
                key: self._trace(reason, inputs["sources"].get(key), found.get(key))
                for key, reason in inputs["doubt"].items()
            }
            if carried:
                doubt = "; ".join(f"{key}: {reason}" for key, reason in sorted(inputs["doubt"].items()))
                engine_log().warn(f"{self.name(inputs)}: kept in doubt ({doubt}): {name_some(sorted(carried))}")
        if olds and (left := describe_left_alone(inputs, self.form)):
            engine_log().info(f"{self.name(inputs)}: {left}")
        note_check(self._address(inputs))
        if not olds:
            self.make_plan(inputs, Recorded()).raise_if_unsafe()
        elif self.observe(inputs) is None:
            self.refuse_gone(olds, inputs)
        return inputs

    def _trace(self, reason: str, known: str | None, found: Any) -> str:
        """Return the reason of a doubt, and what became of the group known so far where it was not found again."""
        if known is None or found == known:
            return reason
        end = self.trace(known)
        return f"{reason}; {known}, known so far, {end}" if end else reason

    @in_one_line
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Tell whether an update would do anything; after a refresh, only whether the inputs differ."""
        olds, news = without_provider(_olds), without_provider(_news)
        if has_unknown(news.get(self.form.people)):
            return DiffResult(changes=None)
        olds = follow(olds, news, self.form)
        inputs = fill_unknown(news, olds)
        is_same = inputs_of(olds, self.form) == inputs
        if not was_checked(self._address(inputs)):
            return DiffResult(changes=False if is_same else None)
        recorded, where = self.recall(olds, inputs, settled=is_same), self.locate(inputs, olds)
        plan = self.make_plan(where, recorded)
        plan.raise_if_unsafe()
        is_shown_now = recorded != self._look_again(where, recorded)
        return DiffResult(changes=(plan.differs_from(recorded) or is_shown_now) if is_same else None)

    @in_one_line
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Apply all that can be applied and return the truth."""
        note_program()
        inputs = without_provider(props)
        return CreateResult(self.id_of(inputs), self._apply(inputs, Recorded()))

    @in_one_line
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Apply all that can be applied and return the truth."""
        note_program()
        inputs = without_provider(_news)
        olds = follow(without_provider(_olds), inputs, self.form)
        recorded = self.recall(olds, inputs, settled=inputs_of(olds, self.form) == inputs)
        return UpdateResult(self._apply(self.locate(inputs, olds), recorded))

    @in_one_line
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the record as far as what is held bears it out."""
        outputs = without_provider(props)
        observed = self.observe(outputs, outputs.get(self.form.people, {}))
        if observed is None:
            return ReadResult("", {})
        outputs = correct_record(outputs, self.form, observed.rows, self.now(outputs))
        outputs["seats"] = write_seats(observed.seats)
        outputs["foreign"] = count_foreign(observed.rows, outputs[self.form.people])
        return ReadResult(id_, outputs, inputs_of(outputs, self.form))

    @in_one_line
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Give up what is recorded; raises when that is not done, so that the state stays."""
        self.give_up(without_provider(_props))

    def give_up(self, outputs: Bag) -> None:
        """Take nothing from anybody, and say so."""
        self.keep_all(outputs)

    def keep_all(self, outputs: Bag, because: str = "") -> None:
        """Say that nobody loses anything."""
        keep = count_of(len(outputs.get(self.form.people, {})), "person keeps", "people keep")
        text = f"{self.name(outputs)}: {keep} what they hold; nothing was taken back"
        engine_log().info(f"{text}: {because}" if because else text)

    @abstractmethod
    def id_of(self, inputs: Bag) -> str:
        """Return the physical id."""

    def _address(self, inputs: Bag) -> tuple[str, ...]:
        return (self.kind, *(str(inputs.get(name)) for name in self.identity))

    def _apply(self, inputs: Bag, recorded: Recorded) -> dict[str, Any]:
        recorded = self._look_again(inputs, recorded)
        plan = self.make_plan(inputs, recorded)
        plan.raise_if_unsafe()
        outcomes = self.carry_out(inputs, plan)
        return {**settle(inputs, self.form, recorded, plan, outcomes, self.now(inputs)), **self.mark(inputs)}

    def carry_out(self, inputs: Bag, plan: Plan) -> tuple[Outcome, ...]:
        """Apply a plan, tell what was done, and write it into the journal, also where nothing could be done."""
        with telling_failure(lambda reason: self._journal(inputs, plan, (), reason)):
            outcomes = self.apply(inputs, plan) if plan.sent else ()
        if outcomes:
            engine_log().tell(*describe_outcomes(self.name(inputs), outcomes))
        self._journal(inputs, plan, outcomes)
        return outcomes

    def _journal(self, inputs: Bag, plan: Plan, outcomes: Sequence[Outcome], failure: str | None = None) -> None:
        document, waiting = self._document(inputs, plan), waiting_in(plan)
        keep_record(make_record(document, fates_of(outcomes), waiting, failure, client=self.client))

    def _look_again(self, inputs: Bag, recorded: Recorded) -> Recorded:
        """Return the record without the marks of what is shown by now."""
        if not recorded.unseen:
            return recorded
        observed = self.observe(inputs) or Observed(())
        return replace(recorded, unseen=still_unseen(recorded.unseen, observed.rows))

    def make_plan(self, inputs: Bag, recorded: Recorded) -> Plan:
        """Return the plan, told and written down."""
        now = self.now(inputs)
        rules = rules_in_force(inputs, self.name(inputs), self.identify(inputs), now)
        desired = self.form.parse_people(inputs)
        observed = self.observe(inputs, recorded.ledger.keys()) or Observed(())
        observed = replace(observed, rows=stand_in(observed.rows, desired, recorded))
        plan = make_plan(desired, observed, recorded, rules, now)
        plan = self.explain(inputs, plan, leave_out(observed.rows, {*recorded.ledger, *desired}), recorded)
        write_document(self._document(inputs, plan))
        if not is_quiet(plan):
            engine_log().tell(*describe_plan(self.name(inputs), plan))
        return plan

    def _document(self, inputs: Bag, plan: Plan) -> PlanDocument:
        return make_document(
            self.name(inputs),
            self.kind,
            plan,
            self.form.write_deviations(plan.deviations),
            self.now(inputs),
            identity=self.identify(inputs),
            approvals=inputs.get("rules", {}).get("approvals"),
        )
