"""Which provider serves a resource, and the default provider resources the checkpoint names for it."""

import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace

from sandbox.engine.azuread import GROUP, AzureadProvider
from sandbox.engine.processes import Report
from sandbox.engine.project import Project
from sandbox.engine.providers import DynamicProvider
from sandbox.engine.refusals import ProviderFailure
from sandbox.engine.states import PROVIDERS, State, make_urn
from sandbox.engine.values import UNKNOWN

DYNAMIC = "pulumi-python"
AZUREAD = "azuread"
Provider = DynamicProvider | AzureadProvider


class Packages:
    """The providers of one phase, each started when its first resource comes."""

    def __init__(self, project: Project, stack: str, config: dict[str, str], engine: str, report: Report) -> None:
        self._project, self._stack, self._config = project, stack, config
        self._engine, self._report = engine, report
        self._running: dict[str, Provider] = {}
        self._lock = threading.Lock()

    def serve(self, type: str, config: dict[str, str] | None = None) -> Provider:
        """Return the running provider of a resource type; types outside the rehearsal are refused by name.

        `config` is what the checkpoint recorded: refresh and destroy configure the provider with that, as Pulumi does.
        """
        package = type.split(":", 1)[0]
        with self._lock:
            if package not in self._running:
                self._running[package] = self._find_starter(type)(self._config if config is None else config)
            return self._running[package]

    def describe(self, type: str, version: str, states: Iterable[State], *, is_preview: bool) -> State:
        """Return the default provider resource before a resource of a type: the one among `states`, or a new one."""
        package = type.split(":", 1)[0]
        inputs = dict(self._config)
        if package == AZUREAD:
            prefix = f"{AZUREAD}:"
            inputs = {key.removeprefix(prefix): text for key, text in inputs.items() if key.startswith(prefix)}
            inputs["version"] = version
        for state in states:
            if state.type == PROVIDERS + package:
                return replace(state, inputs=inputs, outputs=inputs)
        name = f"default_{version.replace('.', '_')}" if version else "default"
        urn = make_urn(self._stack, self._project.name, "", PROVIDERS + package, name)
        id = UNKNOWN if is_preview else str(uuid.uuid4())
        return State(urn, PROVIDERS + package, custom=True, id=id, inputs=inputs, outputs=inputs)

    def close(self) -> None:
        """End the providers."""
        for provider in self._running.values():
            provider.close()

    def _find_starter(self, type: str) -> Callable[[dict[str, str]], Provider]:
        if type.startswith(f"{DYNAMIC}:dynamic"):
            return lambda config: DynamicProvider(self._project, self._engine, config, self._report)
        if type == GROUP:
            return AzureadProvider
        raise ProviderFailure(f"the rehearsal does not know resources of type {type}")
