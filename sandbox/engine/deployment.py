"""One phase of a run: decides a step for every resource the program registers, and carries the steps out."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property

from sandbox.engine.differences import Detailed, compare, invert
from sandbox.engine.packages import Packages, Provider
from sandbox.engine.providers import Difference
from sandbox.engine.refusals import CheckFailure, ProviderFailure, Refusal, Stopped
from sandbox.engine.snapshot import Snapshot
from sandbox.engine.states import STACK, Op, State, Step, inherit_urn
from sandbox.engine.values import Properties
from sandbox.engine.views import View

PARALLEL = 8


@dataclass
class Deployment:
    """The resources of a stack on their way; one lock for decisions, none for operations."""

    snapshot: Snapshot
    packages: Packages
    view: View
    is_preview: bool
    counts: dict[Op, int] = field(default_factory=dict)
    outputs: Properties | None = None
    registered: set[str] = field(default_factory=set)
    renamed: dict[str, str] = field(default_factory=dict)
    stopping: threading.Event = field(default_factory=threading.Event)
    on_stop: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self._decisions = threading.Lock()
        self._operations = threading.Condition()
        self._running = 0
        self._has_failed_operation = False

    @cached_property
    def olds(self) -> Mapping[str, State]:
        """The resources before the program registered the first one."""
        return dict(self.snapshot.resources)

    def register(self, goal: State, version: str, aliases: Sequence[str]) -> State:
        """Return the resource once its step is done; raise `Stopped` when the phase is over before.

        `goal` has the inputs as the program gave them, `version` is that of the provider it wants, `aliases` are urns
        it may have had.
        """
        with contextlib.ExitStack() as operation:
            with self._decisions:
                if self.stopping.is_set():
                    raise Stopped
                try:
                    provider, step = self._decide(goal, version, aliases)
                except CheckFailure as failure:
                    self.stop(*(("error", goal.urn, text) for text in failure.texts))
                    raise Stopped from failure
                except Refusal as failure:
                    self.stop(("error", goal.urn, str(failure)))
                    raise Stopped from failure
                operation.enter_context(self._operating())
            with self._shown(step):
                state = self._carry_out(step, provider)
                self.snapshot.put(state, formerly=step.old.urn if step.old else "")
            return state

    def register_outputs(self, urn: str, outputs: Properties) -> None:
        """Keep the outputs of a component; those of the stack wait for the end of the phase."""
        state = self.snapshot.resources[urn]
        if state.type == STACK:
            self.outputs = outputs
        else:
            self.snapshot.put(replace(state, outputs=outputs))

    def refresh(self, *, is_command: bool) -> None:
        """Read every resource; `is_command` tells the refresh command from the flag, which counts no steps."""
        states = [state for state in self.snapshot.resources.values() if not state.is_provider]
        self._map(lambda state: self._refresh(state, is_command=is_command), states)

    def delete_unregistered(self) -> None:
        """Delete what the program no longer registers, dependents first."""
        while not self.stopping.is_set():
            doomed = [state for urn, state in self.snapshot.resources.items() if urn not in self.registered]
            needed = {urn for state in doomed for urn in state.needs}
            leaves = [state for state in doomed if state.urn not in needed]
            if not leaves:
                return
            self._map(self._delete, leaves)

    def stop(self, *messages: tuple[str, str, str]) -> None:
        """Report why and begin nothing new; running operations end and are kept."""
        for severity, urn, text in messages:
            self.view.message(severity, urn, text)
        self.stopping.set()
        self.on_stop()

    def settle(self, root: str, *, has_failed: bool) -> None:
        """Wait for the running operations and keep the stack's outputs; after a failure old ones stay beside new."""
        with self._operations:
            self._operations.wait_for(lambda: not self._running)
        if self._has_failed_operation:
            self.view.message("error", "", f"{'preview' if self.is_preview else 'update'} failed")
        if self.outputs is not None and root in self.snapshot.resources:
            state = self.snapshot.resources[root]
            self.outputs = {**(state.outputs if has_failed else {}), **self.outputs}
            self.snapshot.put(replace(state, outputs=self.outputs))

    def _decide(self, new: State, version: str, aliases: Sequence[str]) -> tuple[Provider | None, Step]:
        if new.urn in self.registered:
            raise Refusal(f"Duplicate resource URN '{new.urn}'; try giving it a unique name")
        old = self._find(new, aliases)
        self.registered.add(new.urn)
        if not new.custom:
            detailed = compare(old.inputs, new.inputs) if old else None
            return None, _step(old, new, detailed, has_changes=bool(detailed))
        new = _ignore_changes(new, old)
        provider = self.packages.serve(new.type)
        new = replace(new, provider=self._describe_provider(new.type, version))
        new = replace(new, inputs=provider.check(new.urn, old.inputs if old else {}, new.inputs))
        if old is None:
            return provider, Step("create", None, new)
        difference = provider.diff(old, new.inputs)
        if difference.replaces:
            raise ProviderFailure(f"replacement of a resource is not rehearsed ({', '.join(difference.replaces)})")
        has_changes, detailed = _weigh(difference, old, new.inputs)
        return provider, _step(old, new, detailed, has_changes=has_changes)

    def _find(self, new: State, aliases: Sequence[str]) -> State | None:
        """Return the resource as the checkpoint knows it: by its urn, by an alias, or by an alias of its parent."""
        formers = [new.urn, *aliases]
        if new.parent in self.renamed:
            formers += [inherit_urn(urn, new.parent, self.renamed[new.parent]) for urn in formers]
        former = next((urn for urn in formers if urn in self.olds), "")
        if former not in {"", new.urn}:
            if former in self.registered:
                raise Refusal(f"Duplicate resource alias '{former}' applied to resource with URN '{new.urn}'")
            self.registered.add(former)
            self.renamed[new.urn] = former
        return self.olds.get(former)

    def _describe_provider(self, type: str, version: str) -> str:
        olds = list(self.snapshot.resources.values())
        described = self.packages.describe(type, version, olds, is_preview=self.is_preview)
        self.registered.add(described.urn)
        self.snapshot.put(described)
        return f"{described.urn}::{described.id}"

    def _carry_out(self, step: Step, provider: Provider | None) -> State:
        state = step.state
        if provider is None or step.op == "same":
            return state
        if self.is_preview:
            return replace(state, outputs=provider.preview_update(step.old, state.inputs) if step.old else state.inputs)
        self.snapshot.begin(state.urn, "updating" if step.old else "creating")
        if step.old:
            return replace(state, outputs=provider.update(step.old, state.inputs))
        id, outputs = provider.create(state.urn, state.inputs)
        return replace(state, id=id, outputs=outputs)

    def _refresh(self, old: State, *, is_command: bool) -> None:
        begun = time.monotonic()
        planned = Step("refresh", old, old)
        self.view.started(planned)
        try:
            step = self._read(old) if old.custom else Step("same", old, old)
        except Refusal as failure:
            self._fail(planned, failure)
            return
        if is_command:
            self._count(step.op)
        else:
            step = replace(step, op="refresh", new=step.new or old)
        self.view.finished(step, time.monotonic() - begun)

    def _read(self, old: State) -> Step:
        provider = self._serve_recorded(old)
        reading = provider.read(old)
        if reading is None:
            self.snapshot.drop(old.urn)
            return Step("delete", old, None)
        inputs = old.inputs if reading.inputs is None else reading.inputs
        new = replace(old, id=reading.id, inputs=inputs, outputs=reading.outputs)
        # What an update would do now, inverted, is what others have done: pulumi/pkg/resource/deploy/step.go.
        has_changes, detailed = _weigh(provider.diff(new, old.inputs), new, old.inputs)
        self.snapshot.put(new)
        return Step("update" if has_changes else "same", old, new, invert(detailed))

    def _delete(self, old: State) -> None:
        with contextlib.suppress(Stopped), self._shown(Step("delete", old, None)):
            if old.protect:
                raise ProviderFailure(
                    f'resource "{old.urn}" cannot be deleted\nbecause it is protected. To unprotect the resource, '
                    "remove the `protect` flag from the resource in your program and run `up`"
                )
            if old.custom and not (old.is_provider or self.is_preview or old.retain_on_delete):
                self.snapshot.begin(old.urn, "deleting")
                self._serve_recorded(old).delete(old)
            self.snapshot.drop(old.urn)

    def _serve_recorded(self, state: State) -> Provider:
        """Return the provider with the configuration of the last update, as the engine reads and deletes."""
        recorded = self.snapshot.resources.get(state.provider.rsplit("::", 1)[0])
        return self.packages.serve(state.type, recorded.inputs if recorded else None)

    def _map(self, work: Callable[[State], None], states: list[State]) -> None:
        def guarded(state: State) -> None:
            if not self.stopping.is_set():
                with self._operating():
                    work(state)

        with ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(guarded, states))

    @contextlib.contextmanager
    def _shown(self, step: Step) -> Iterator[None]:
        if step.state.is_provider:
            yield
            return
        begun = time.monotonic()
        self.view.started(step)
        try:
            yield
        except Refusal as failure:
            self._fail(step, failure)
            raise Stopped from failure
        self._count(step.op)
        self.view.finished(step, time.monotonic() - begun)

    def _fail(self, step: Step, failure: Refusal) -> None:
        self._has_failed_operation = True
        self.snapshot.end(step.urn)
        self.stop(("error", step.urn, f"Preview failed: {failure}" if self.is_preview else str(failure)))
        self.view.failed(step)

    def _count(self, op: Op) -> None:
        with self._operations:
            self.counts[op] = self.counts.get(op, 0) + 1

    @contextlib.contextmanager
    def _operating(self) -> Iterator[None]:
        with self._operations:
            self._running += 1
        try:
            yield
        finally:
            with self._operations:
                self._running -= 1
                self._operations.notify_all()


def _ignore_changes(new: State, old: State | None) -> State:
    """Return a resource with the inputs it had, where the program says that their changes do not count.

    Rule: pulumi/pkg/resource/deploy/step_generator.go (processIgnoreChanges).
    """
    if old is None:
        return new
    kept = {name: old.inputs[name] for name in new.ignore_changes if name in old.inputs}
    others = {name: value for name, value in new.inputs.items() if name not in new.ignore_changes}
    return replace(new, inputs={**others, **kept})


def _step(old: State | None, new: State, detailed: Detailed | None, *, has_changes: bool) -> Step:
    if old is None:
        return Step("create", None, new)
    new = replace(new, id=old.id, outputs=old.outputs)
    return Step("update", old, new, detailed) if has_changes else Step("same", old, new)


def _weigh(difference: Difference, old: State, news: Properties) -> tuple[bool, Detailed | None]:
    if difference.has_changes is None:
        detailed = compare(old.inputs, news)
        return bool(detailed), detailed
    return difference.has_changes, difference.detailed if difference.has_changes else None
