"""What Pulumi calls, for any resource that is a map of people: thin, since ledger and plan decide.

https://www.pulumi.com/docs/iac/concepts/providers/dynamic-providers/
"""

import functools
import sys
from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Concatenate, Literal, ParamSpec, TypeVar

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.output import Unknown

from qlik_provider.changes import name_some
from qlik_provider.declaration import approved_subjects
from qlik_provider.errors import QlikProviderError
from qlik_provider.ledger import (
    Bag,
    Form,
    Outcome,
    carry_over,
    correct_record,
    inputs_of,
    recorded_of,
    rules_of,
    settle,
    write_seats,
)
from qlik_provider.plan import Observed, Plan, Recorded, count_foreign, make_plan
from qlik_provider.report import describe_outcomes, describe_plan, is_quiet, make_document, write_document
from qlik_provider.session import engine_log, note_check, was_checked

P = ParamSpec("P")
R = TypeVar("R")
Self = TypeVar("Self", bound="LedgerProvider")


def _in_one_line(
    method: Callable[Concatenate[Self, P], R],
) -> Callable[Concatenate[Self, P], R]:
    """Let an error of ours through without the errors behind it, which the engine would print as well."""

    @functools.wraps(method)
    def call(self: Self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except QlikProviderError as error:
            raise error from None

    return call


class LedgerProvider(ResourceProvider):
    """A map of people that is planned, applied and recorded; subclasses say where the people are.

    Stateless and pickled by reference, so a state holds no code, no credentials and never changes with a release.
    """

    serialize_as_secret_always = False
    form: ClassVar[Form]
    kind: ClassVar[Literal["LicenseAssignments", "DirectoryMembers"]]
    identity: ClassVar[tuple[str, ...]]
    """Inputs that a resource keeps for life."""

    @abstractmethod
    def name(self, inputs: Bag) -> str:
        """Return the resource's name, as the plan document and the log have it."""

    @abstractmethod
    def observe(self, bag: Bag) -> Observed | None:
        """Return what is held now; None if the thing that holds it is gone."""

    @abstractmethod
    def apply(self, inputs: Bag, plan: Plan) -> tuple[Outcome, ...]:
        """Carry a plan out."""

    @abstractmethod
    def now(self, inputs: Bag) -> datetime:
        """Return the time of the service."""

    def configure(self, req: ConfigureRequest) -> None:
        """Have errors printed as one line; the credentials come from the environment, never from the state."""
        del req
        sys.tracebacklimit = 0

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Return the inputs with what is in doubt carried over; on a first run, plan."""
        inputs = _without_provider(news)
        if _has_unknown(inputs.get(self.form.people)):
            return CheckResult(inputs, [])
        try:
            return CheckResult(self._check(_without_provider(olds), inputs), [])
        except (QlikProviderError, ValueError) as error:
            return CheckResult(inputs, [CheckFailure("", str(error))])

    def _check(self, olds: Bag, inputs: dict[str, Any]) -> dict[str, Any]:
        self.form.parse_people(inputs)
        for name in self.identity if olds else ():
            if olds.get(name) != inputs.get(name):
                moved = f"{name} {olds.get(name)} became {inputs.get(name)}"
                raise ValueError(f"{moved}, and a stack stays with one; declare the new one in a stack of its own")
        if olds and "doubt" in self.form.echoed:
            inputs, carried = carry_over(olds, inputs, self.form)
            if carried:
                doubt = "; ".join(f"{key}: {reason}" for key, reason in sorted(inputs["doubt"].items()))
                engine_log().warn(f"{self.name(inputs)}: kept in doubt ({doubt}): {name_some(sorted(carried))}")
        note_check(self._address(inputs))
        if olds:
            self.observe(inputs)
        else:
            self._plan(inputs, Recorded()).raise_if_unsafe()
        return inputs

    @_in_one_line
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Tell whether an update would do anything; after a refresh, only whether the inputs differ."""
        olds, news = _without_provider(_olds), _without_provider(_news)
        if _has_unknown(news.get(self.form.people)):
            return DiffResult(changes=None)
        inputs = _fill_unknown(news, olds)
        is_same = inputs_of(olds, self.form) == inputs
        if not was_checked(self._address(inputs)):
            return DiffResult(changes=False if is_same else None)
        recorded = recorded_of(olds, self.form, settled=is_same)
        plan = self._plan(inputs, recorded)
        plan.raise_if_unsafe()
        return DiffResult(changes=plan.differs_from(recorded) if is_same else None)

    @_in_one_line
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Apply all that can be applied and return the truth."""
        inputs = _without_provider(props)
        return CreateResult(self.id_of(inputs), self._apply(inputs, Recorded()))

    @_in_one_line
    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Apply all that can be applied and return the truth."""
        olds, inputs = _without_provider(_olds), _without_provider(_news)
        recorded = recorded_of(olds, self.form, settled=inputs_of(olds, self.form) == inputs)
        return UpdateResult(self._apply(inputs, recorded))

    @_in_one_line
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return the record as far as what is held bears it out."""
        outputs = _without_provider(props)
        observed = self.observe(outputs)
        if observed is None:
            return ReadResult("", {})
        outputs = correct_record(outputs, self.form, observed.rows)
        outputs["seats"] = write_seats(observed.seats)
        outputs["foreign"] = count_foreign(observed.rows, outputs[self.form.people])
        return ReadResult(id_, outputs, inputs_of(outputs, self.form))

    @_in_one_line
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Take nothing from anybody, and say so."""
        count = len(_props.get(self.form.people, {}))
        engine_log().info(f"{self.name(_props)}: {count} people keep what they hold; nothing was taken back")

    @abstractmethod
    def id_of(self, inputs: Bag) -> str:
        """Return the physical id."""

    def _address(self, inputs: Bag) -> tuple[str, ...]:
        return (self.kind, *(str(inputs.get(name)) for name in self.identity))

    def _apply(self, inputs: Bag, recorded: Recorded) -> dict[str, Any]:
        plan = self._plan(inputs, recorded)
        plan.raise_if_unsafe()
        outcomes = self.apply(inputs, plan) if plan.changes else ()
        if outcomes:
            done, warnings = describe_outcomes(self.name(inputs), outcomes)
            engine_log().info(done)
            for warning in warnings:
                engine_log().warn(warning)
        return settle(inputs, self.form, recorded, plan, outcomes, self.now(inputs))

    def _plan(self, inputs: Bag, recorded: Recorded) -> Plan:
        """Return the plan, told and written down."""
        now = self.now(inputs)
        approvals = inputs.get("rules", {}).get("approvals")
        approved = approved_subjects(Path(approvals), now.date()) if approvals else frozenset[str]()
        observed = self.observe(inputs) or Observed(())
        plan = make_plan(self.form.parse_people(inputs), observed, recorded, rules_of(inputs, approved), now)
        name = self.name(inputs)
        write_document(make_document(name, self.kind, plan, self.form.write_deviations(plan.deviations), now))
        if not is_quiet(plan):
            text, warnings = describe_plan(name, plan)
            engine_log().info(text)
            for warning in warnings:
                engine_log().warn(warning)
        return plan

    def show_progress(self, inputs: Bag) -> Callable[[int, int], None]:
        """Return what tells how far an apply is."""
        name = self.name(inputs)
        return lambda done, total: engine_log().progress(f"{name}: {done} of {total}")


def _without_provider(bag: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in bag.items() if name != "__provider"}


def _fill_unknown(news: Mapping[str, Any], olds: Mapping[str, Any]) -> dict[str, Any]:
    """Return the news with what cannot be known yet as it was: an unknown value equals itself."""
    filled: dict[str, Any] = {}
    for name, value in news.items():
        old = olds.get(name)
        if isinstance(value, Mapping):
            filled[name] = _fill_unknown(value, old if isinstance(old, Mapping) else {})
        else:
            filled[name] = old if isinstance(value, Unknown) else value
    return filled


def _has_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_unknown(item) for item in value.values())
    return isinstance(value, Unknown)
