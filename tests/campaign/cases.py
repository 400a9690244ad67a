"""One fault at one call of one run, and everything that has to be true afterwards."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

from campaign import history, stack
from campaign.calls import Call, list_calls
from campaign.forks import Forge, Forked
from campaign.holdings import HOLDINGS
from campaign.kinds import Kind
from campaign.stack import Run, State, Stored
from client.worlds import API_KEY, CLIENT_SECRET, DIRECTORY_SECRET, LICENSE_KEY
from harness import Sandbox, wait_for

STAGES = ("first", "change", "refresh")
SECRETS = (CLIENT_SECRET, DIRECTORY_SECRET, API_KEY, LICENSE_KEY, "Bearer ey", "eyJ")
COUNTS = ("seats", "foreign", "unseen")
ASK_AGAIN = re.compile("; refused")
NOT_DONE = re.compile(": (refused|unsent): |; (refused|unsent)$")
BATCH = 100

ABSORBED, MISCOUNTED, PARTLY, STOPPED, MIDWAY = "absorbed", "miscounted", "partly", "stopped", "stopped midway"


@dataclass(frozen=True)
class Held:
    """What tenant and directory hold, by resource class: who has what, whoever gave it, and who ever lost a seat."""

    rows: tuple[tuple[str, str, str], ...]
    losers: frozenset[str] = field(compare=False)
    groups: frozenset[str] = field(compare=False)
    """The ids of the tenant's groups; one that a run creates gets another id each time."""

    @cached_property
    def types(self) -> dict[tuple[str, str], str]:
        return {(kind, who): type for kind, who, type in self.rows}


@dataclass(frozen=True)
class Moment:
    """A state and a world that belong together, and the snapshot that brings the world back."""

    snapshot: str
    state: State
    held: Held


@dataclass(frozen=True)
class Stage:
    """One run without faults: where it starts, its calls, where it ends, and where everything ends after it."""

    name: str
    start: Moment
    calls: tuple[Call, ...]
    end: Moment
    goal: Moment


@dataclass(frozen=True)
class Outcome:
    """What a fault led to: a word, the line with which the run ends, and what must never be."""

    word: str
    line: str
    faults: tuple[str, ...]


class Theatre:
    """Plays the runs, with and without faults, on one sandbox."""

    def __init__(self, sandbox: Sandbox, forge: Forge) -> None:
        self.sandbox = sandbox
        self.forge = forge
        self._converged: dict[tuple[str, ...], tuple[str, ...]] = {}
        sandbox.load(history.make_company())
        self.stages: dict[str, Stage] = {}
        moment = self._keep(State())
        for name in STAGES:
            if name == "refresh":
                for act in history.DRIFT:
                    sandbox.control.post("/tamper", json=act).raise_for_status()
                for request in history.ASKED:
                    sandbox.request(*request)
                moment = self._keep(moment.state)
            stage = self._play_clean(name, moment)
            self.stages[name], moment = stage, stage.end

    def play(self, stage: Stage, call: Call, kind: Kind) -> Outcome:
        """Play a stage with a fault at one call, and look at everything."""
        self._go_back(stage.start)
        self._arm(stage, call, kind)
        try:
            run, shown, told = self._run(lambda provider: self._act(stage.name, stage.start.state, provider))
        except stack.Hanging:
            return Outcome("silent", "", ("the provider hangs",))
        waiting = self.sandbox.control.get("/faults").json()
        self.sandbox.control.delete("/faults").raise_for_status()
        held = self._look()
        outcome = _name(stage, run, held, wrote=any(e["writes"] for e in self.sandbox.requests()[call.number - 1 :]))
        faults = [
            *(f"the fault did not strike: {it}" for it in waiting if it["count"] == kind.fault.get("count", 1)),
            *_judge_words(run, shown),
            *_judge_people(stage, held),
            *_judge_record(stage, run, held),
            *([f"silent: {_differences(run.state, stage.end.state)}"] if outcome == "silent" else []),
            *self._converge(stage, run.state, held),
        ]
        line = run.failure or next((text for text in told if NOT_DONE.search(text)), "")
        faults += ["nobody is told"] if outcome == PARTLY and not line else []
        return Outcome(outcome, line, tuple(faults))

    def _arm(self, stage: Stage, call: Call, kind: Kind) -> None:
        """Let the fault wait for this call; one of items or of requests in it is counted by these."""
        fault = call.arm(kind.fault)
        if "item" in kind.fault:
            fault["after"] = BATCH * call.earlier
        elif kind.strikes == {"batch"}:
            fault["method"], fault["path"], fault["after"] = history.SUBREQUESTS[stage.name][call.earlier]
        self.sandbox.control.post("/faults", json=fault).raise_for_status()

    def crash(self, stage: Stage, call: Call, moment: str) -> tuple[str, ...]:
        """Return what is wrong after the provider process was killed at a call, before or after its work was done.

        A killed provider leaves its engine alive, so the next run may be a plain one; after a killed engine it begins
        with a refresh.
        """
        self._go_back(stage.start)
        held_up = {"status": 503} if moment == "before" else {"kind": "delay"}
        self.sandbox.control.post("/faults", json=call.arm({**held_up, "delay": 600})).raise_for_status()
        self.sandbox.forget()
        provider = self.forge.fork()
        with ThreadPoolExecutor(1) as pool:
            playing = pool.submit(self._act, stage.name, stage.start.state, provider)
            wait_for(lambda: playing.done() or any(entry["fault"] for entry in self.sandbox.requests()))
            provider.kill()
            run = playing.result()
        provider.stop()
        self.sandbox.control.delete("/faults").raise_for_status()
        held = self._look()
        here = self._keep(run.state)
        plain = self._converge(stage, run.state, held, was_killed=True)
        self._go_back(here)
        refreshed = self._converge(stage, run.state, held, refreshes=True, was_killed=True)
        self.sandbox.control.delete(f"/snapshots/{here.snapshot}").raise_for_status()
        return (
            *([] if run.failure else ["the run ended before it was killed"]),
            *_judge_people(stage, held),
            *_judge_record(stage, run, held),
            *(f"without refresh: {text}" for text in plain),
            *(f"with refresh: {text}" for text in refreshed),
        )

    def _play_clean(self, name: str, start: Moment) -> Stage:
        self._go_back(start)
        run, shown, _ = self._run(lambda provider: self._act(name, start.state, provider))
        assert not run.failure, run.failure + shown
        calls = tuple(list_calls(self.sandbox.requests()))
        end = goal = self._keep(run.state)
        if name == "refresh":
            run, _, _ = self._run(lambda provider: stack.up(end.state, provider, self._declared(name)))
            assert not run.failure, run.failure
            goal = self._keep(run.state)
        stage = Stage(name, start, calls, end, goal)
        assert not (wrong := self._settle(stage, goal.state, goal.state)), wrong
        self._go_back(end)
        return stage

    def _declared(self, name: str, **rules: str) -> list[history.Resource]:
        return (history.first if name == "first" else history.changed)(self.sandbox.url, **rules)

    def _act(self, name: str, state: State, provider: Forked) -> Run:
        return stack.refresh(state, provider) if name == "refresh" else stack.up(state, provider, self._declared(name))

    def _run(self, act: Callable[[Forked], Run]) -> tuple[Run, str, list[str]]:
        """Return what a run in a process of its own led to, all it showed, and its warnings."""
        self.sandbox.forget()
        provider = self.forge.fork()
        try:
            run = act(provider)
            told = [message for severity, message in self.forge.engine.told if severity == "WARNING"]
        finally:
            shown = provider.stop()
        return run, shown, told

    def _converge(
        self, stage: Stage, state: State, held: Held, *, refreshes: bool = False, was_killed: bool = False
    ) -> tuple[str, ...]:
        """Return what is wrong after a clean run from here, as a user would make it; the same place is tried once."""
        key = (stage.name, str(refreshes), str(was_killed), sign(state), str(held.rows))
        if key not in self._converged:
            refreshes = refreshes or stage.name == "refresh"
            self._converged[key] = self._try_to_converge(stage, state, refreshes=refreshes, was_killed=was_killed)
        return self._converged[key]

    def _try_to_converge(self, stage: Stage, state: State, *, refreshes: bool, was_killed: bool) -> tuple[str, ...]:
        rules = {"retry": "again"} if ASK_AGAIN.search(str(state)) else {}

        def act(provider: Forked) -> Run:
            run = stack.refresh(state, provider) if refreshes else Run(state)
            return run if run.failure else stack.up(run.state, provider, self._declared(stage.name, **rules))

        run, shown, _ = self._run(act)
        if run.failure:
            return (f"the next run fails: {run.failure}",)
        found = [*_judge_words(run, shown)]
        held = self._look()
        found += _judge_people(stage, held)
        if held != stage.goal.held:
            found.append(f"the next run leads elsewhere: {sorted(set(held.rows) ^ set(stage.goal.held.rows))[:6]}")
        return (*found, *self._settle(stage, run.state, stage.goal.state, was_killed=was_killed, **rules))

    def _settle(self, stage: Stage, state: State, goal: State, *, was_killed: bool = False, **rules: str) -> list[str]:
        """Return what is wrong with a run and a refresh after all is done: they write nothing and end at the goal.

        Only a refresh mends the counts of other people's seats, which no decision rests on.
        """
        found = []
        run, _, _ = self._run(lambda provider: stack.up(state, provider, self._declared(stage.name, **rules)))
        if any(entry["writes"] for entry in self.sandbox.requests()):
            found.append("one more run writes")
        if run.failure or sign(run.state) != sign(state):
            found.append(f"one more run changes: {run.failure or _differences(run.state, state)}")
        run, _, _ = self._run(lambda provider: stack.refresh(state, provider))
        if run.failure or sign(run.state, removed=False, found=not was_killed) != sign(
            goal, removed=False, found=not was_killed
        ):
            found.append(f"a refresh afterwards finds: {run.failure or _differences(run.state, goal)}")
        return found

    def _keep(self, state: State) -> Moment:
        id = self.sandbox.control.post("/snapshots", json={}).raise_for_status().json()["id"]
        return Moment(id, state, self._look())

    def _go_back(self, moment: Moment) -> None:
        self.sandbox.control.post(f"/snapshots/{moment.snapshot}/restore").raise_for_status()

    def _look(self) -> Held:
        world = self.sandbox.snapshot()
        rows = sorted((kind, *row) for kind, it in HOLDINGS.items() for row in it.shown(world))
        lost = (
            e["data"]["subject"]
            for e in world["tenant"]["audits"]
            if e["eventType"].endswith("license.assignment.deleted")
        )
        groups = frozenset(group["id"] for group in world["tenant"]["groups"])
        return Held(tuple(rows), frozenset(lost), groups)


def sign(state: State, *, removed: bool = True, found: bool = True) -> str:
    """Return a state without the minutes in which people were removed, and without what had refusals tried again."""
    bags = {}
    for name, stored in state.resources.items():
        inputs, outputs = dict(stored.inputs), dict(stored.outputs)
        for bag in (inputs, outputs):
            bag.pop("retry", None)
            bag["rules"] = {rule: value for rule, value in bag.get("rules", {}).items() if rule != "retry"}
        outputs["removed"] = sorted(outputs.get("removed", {}).values()) if removed else []
        outputs["groupId"] = bool(outputs.get("groupId"))  # another one each time
        if not removed:  # what a killed run had done looks as if others had
            outputs.pop("reverts", None)
        if not found:  # what a killed run had put looks as if it had been found so
            outputs.pop("found", None)
        bags[name] = [inputs, outputs]
    return json.dumps(bags, sort_keys=True)


def _name(stage: Stage, run: Run, held: Held, *, wrote: bool) -> str:
    if run.failure:
        return MIDWAY if wrote else STOPPED
    if held == stage.end.held and sign(run.state) == sign(stage.end.state):
        return ABSORBED
    if any(_is_red(text) for it in run.state.resources.values() for text in it.outputs["deviations"].values()):
        return PARTLY
    if held == stage.end.held and {path[1] for path in _paths(run.state, stage.end.state)} <= set(COUNTS):
        return MISCOUNTED
    return "silent"


def _is_red(deviation: str) -> bool:
    """Tell whether the program's gate ends the run red for it."""
    return deviation.partition("; ")[2].startswith(("refused", "unsent"))


def _paths(one: State, other: State) -> Iterator[tuple[str, str, str]]:
    """Yield where two states differ: resource, property, entry."""
    for name in sorted({*one.resources, *other.resources}):
        mine, theirs = ([dict(s.resources[name].outputs) if name in s.resources else {}] for s in (one, other))
        for part in sorted({*mine[0], *theirs[0]} - {"groupId"}):
            a, b = mine[0].get(part), theirs[0].get(part)
            if part == "removed":
                a, b = (dict(enumerate(sorted((bag or {}).values()))) for bag in (a, b))
            if isinstance(a, dict) and isinstance(b, dict):
                yield from (
                    (name, part, f"{k}: {a.get(k)!r} != {b.get(k)!r}") for k in {*a, *b} if a.get(k) != b.get(k)
                )
            elif a != b:
                yield name, part, f"{a!r} != {b!r}"


def _differences(one: State, other: State) -> str:
    paths = [" ".join(path) for path in _paths(one, other)]
    return "; ".join([*paths[:4], f"{len(paths)} in all"])


def _judge_words(run: Run, shown: str) -> Iterator[str]:
    if "\n" in run.failure:
        yield f"more than one line: {run.failure!r}"
    if "Traceback" in shown:
        yield "a traceback"
    yield from (f"a secret: {secret}" for secret in SECRETS if secret in shown)


def _judge_people(stage: Stage, held: Held) -> Iterator[str]:
    """Yield every wrong removal and every double."""
    declared = _declared_in(stage.goal.state) if stage.name != "refresh" else {}
    ours = {*_recorded_in(stage.start.state), *_recorded_in(stage.goal.state)}
    for key, type in stage.start.held.types.items():
        now = held.types.get(key)
        if key in declared:
            if now not in {type, declared[key]}:
                yield f"a declared person lost {type}: {key} has {now}"
        elif (key not in ours or key[1] == history.GUARDED) and now != type:
            yield f"somebody else's was touched: {key} had {type} and has {now}"
    for who in held.losers - stage.start.held.losers:
        if ("LicenseAssignments", who) in declared:
            yield f"for a moment {who} was without a license"
    counts = Counter((kind, who) for kind, who, _ in held.rows)
    yield from (f"held twice: {key}" for key, count in counts.items() if count > 1)


def _judge_record(stage: Stage, run: Run, held: Held) -> Iterator[str]:
    """Yield everything a resource that was written down claims and that is not so."""
    ours = {*_recorded_in(stage.start.state), *_recorded_in(stage.goal.state)}
    for name, stored in run.state.resources.items():
        if stored == stage.start.state.resources.get(name):
            continue
        for who, type in HOLDINGS[stored.kind].recorded(stored.outputs).items():
            now = held.types.get((stored.kind, who))
            is_known = not _deviation_of(stored, who).endswith("; unsent")
            if is_known and now != type:
                yield f"{name} claims {type} of {who}, who holds {now}"
            if (stored.kind, who) not in ours:
                yield f"{name} claims what others gave {who}"
        if stored.outputs.get("groupId", "") not in {"", *held.groups}:
            yield f"{name} knows its group by an id that no group has"


def _deviation_of(stored: Stored, who: str) -> str:
    prefix = HOLDINGS[stored.kind].prefix(stored.outputs)
    return str(stored.outputs["deviations"].get(who.removeprefix(prefix), ""))


def _recorded_in(state: State) -> dict[tuple[str, str], str]:
    stored = state.resources.values()
    return {(it.kind, who): type for it in stored for who, type in HOLDINGS[it.kind].recorded(it.outputs).items()}


def _declared_in(state: State) -> dict[tuple[str, str], str]:
    stored = state.resources.values()
    return {(it.kind, who): type for it in stored for who, type in HOLDINGS[it.kind].declared(it.inputs).items()}
