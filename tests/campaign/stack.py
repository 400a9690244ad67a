"""As much of an engine as a campaign needs: it keeps a state, and asks a provider process for each resource."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import grpc
from campaign.history import Resource
from client.processes import Provider

Bag = dict[str, Any]


@dataclass(frozen=True)
class Stored:
    """What an engine stores of one resource."""

    kind: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]


@dataclass(frozen=True)
class State:
    """What an engine stores of a stack; it is never changed, so it can be kept and gone back to."""

    resources: Mapping[str, Stored] = field(default_factory=dict)

    def __str__(self) -> str:
        return json.dumps({name: [it.inputs, it.outputs] for name, it in self.resources.items()}, sort_keys=True)

    def holding(self, name: str, stored: Stored | None) -> "State":
        others = {other: it for other, it in self.resources.items() if other != name}
        return State({**others, name: stored} if stored else others)


@dataclass(frozen=True)
class Run:
    """What a run led to: the state, and the line with which it failed."""

    state: State
    failure: str = ""


class Failed(Exception):
    """A call of the provider failed; the text is what the engine prints."""


class Hanging(Exception):
    """A call of the provider did not end within a minute."""


def up(state: State, provider: Provider, wanted: Iterable[Resource]) -> Run:
    """Check, diff and apply each resource in turn; the first that fails ends the run, as it does with Pulumi."""
    for resource in wanted:
        try:
            state = state.holding(resource.name, _converge(state.resources.get(resource.name), provider, resource))
        except Failed as failed:
            return Run(state, str(failed))
    return Run(state)


def refresh(state: State, provider: Provider) -> Run:
    """Read each resource; if one fails, what was read is not stored, as with Pulumi."""
    after = state
    for name, stored in state.resources.items():
        provider.kind = stored.kind
        try:
            id, outputs, inputs = _ask(provider.read, stored.outputs)
        except Failed as failed:
            return Run(state, str(failed))
        after = after.holding(name, replace(stored, outputs=outputs, inputs=inputs) if id else None)
    return Run(after)


def _converge(stored: Stored | None, provider: Provider, resource: Resource) -> Stored:
    provider.kind = resource.kind
    inputs, failures = _ask(provider.check, stored.inputs if stored else {}, resource.inputs)
    if failures:
        raise Failed("; ".join(failures))
    if stored is None:
        return Stored(resource.kind, inputs, _ask(provider.create, inputs)[1])
    changes = _ask(provider.diff, stored.outputs, inputs)
    if changes == "DIFF_SOME" or (changes == "DIFF_UNKNOWN" and inputs != stored.inputs):
        return Stored(resource.kind, inputs, _ask(provider.update, stored.outputs, inputs))
    return replace(stored, inputs=inputs)


def _ask(call: Any, *bags: Mapping[str, Any]) -> Any:
    try:
        return call(*bags)
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
            raise Hanging from None
        raise Failed(error.details().strip()) from None
