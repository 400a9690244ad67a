"""What a provider answers, and the SDK's dynamic provider process."""

import json
import os
from dataclasses import dataclass
from typing import Any

import grpc
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2 as wire
from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderStub

from sandbox.engine.differences import Detailed
from sandbox.engine.processes import Process, Report
from sandbox.engine.project import Project
from sandbox.engine.refusals import CheckFailure, ProviderFailure
from sandbox.engine.states import State, split_urn
from sandbox.engine.values import Properties, read_struct, write_struct


@dataclass(frozen=True)
class Difference:
    """A provider's answer to diff: `has_changes` is None where the engine is to compare the inputs itself."""

    has_changes: bool | None
    replaces: tuple[str, ...] = ()
    detailed: Detailed | None = None


@dataclass(frozen=True)
class Reading:
    """What a provider found; the inputs are those that would lead to it, None where the provider gives none."""

    id: str
    outputs: Properties
    inputs: Properties | None


class DynamicProvider:
    """`python -u -m pulumi.dynamic` in the project's folder: one process for all dynamic resources of a phase.

    Every method may raise `ProviderFailure`.
    """

    def __init__(self, project: Project, engine: str, config: dict[str, str], report: Report) -> None:
        binaries = str(project.python.parent)
        self._process = Process(
            [str(project.python), "-u", "-m", "pulumi.dynamic", engine],
            project.root,
            {
                "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}",
                "PULUMI_CONFIG": json.dumps({}),
                "PULUMI_PROJECT": project.name,
                "PULUMI_RUNTIME_VIRTUALENV": project.virtualenv,
            },
        )
        port = self._process.read_line().strip()
        self._process.forward(report)
        if not port.isdigit():
            raise ProviderFailure("the dynamic provider process did not start")
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}", options=_GRPC_CHANNEL_OPTIONS)
        self._stub = ResourceProviderStub(self._channel)
        self._call("Configure", wire.ConfigureRequest(args=write_struct(config), variables=config))

    def check(self, urn: str, olds: Properties, news: Properties) -> Properties:
        """Return the checked inputs; failures carry Pulumi's words."""
        answer = self._call("Check", wire.CheckRequest(urn=urn, olds=write_struct(olds), news=write_struct(news)))
        if answer.failures:
            raise CheckFailure([_describe(urn, news, failure) for failure in answer.failures])
        return read_struct(answer.inputs)

    def diff(self, old: State, news: Properties) -> Difference:
        """Return the provider's answer; dynamic providers give no details."""
        answer = self._call(
            "Diff",
            wire.DiffRequest(
                urn=old.urn,
                id=old.id,
                olds=write_struct(old.outputs),
                news=write_struct(news),
                old_inputs=write_struct(old.inputs),
            ),
        )
        changes = {wire.DiffResponse.DIFF_NONE: False, wire.DiffResponse.DIFF_SOME: True}
        return Difference(changes.get(answer.changes), tuple(answer.replaces))

    def preview_update(self, old: State, news: Properties) -> Properties:  # noqa: ARG002
        """Return the inputs: a dynamic provider cannot say more before it has run."""
        return news

    def create(self, urn: str, inputs: Properties) -> tuple[str, Properties]:
        """Return id and outputs."""
        answer = self._call("Create", wire.CreateRequest(urn=urn, properties=write_struct(inputs)))
        if not answer.id:
            raise ProviderFailure("provider unexpectedly returned empty ID from create")
        return answer.id, read_struct(answer.properties)

    def update(self, old: State, news: Properties) -> Properties:
        """Return the outputs."""
        request = wire.UpdateRequest(
            urn=old.urn,
            id=old.id,
            olds=write_struct(old.outputs),
            news=write_struct(news),
            old_inputs=write_struct(old.inputs),
        )
        return read_struct(self._call("Update", request).properties)

    def read(self, old: State) -> Reading | None:
        """Return what the provider read; an empty id means gone."""
        request = wire.ReadRequest(
            urn=old.urn, id=old.id, properties=write_struct(old.outputs), inputs=write_struct(old.inputs)
        )
        answer = self._call("Read", request)
        if not answer.id:
            return None
        inputs = read_struct(answer.inputs) if answer.HasField("inputs") else None
        return Reading(answer.id, read_struct(answer.properties), inputs)

    def delete(self, old: State) -> None:
        """Delete by id and outputs."""
        self._call("Delete", wire.DeleteRequest(urn=old.urn, id=old.id, properties=write_struct(old.outputs)))

    def close(self) -> None:
        """End the process."""
        self._channel.close()
        self._process.kill()

    def _call(self, method: str, request: Any) -> Any:
        try:
            return getattr(self._stub, method)(request, wait_for_ready=True)
        except grpc.RpcError as error:
            raise ProviderFailure(str(error.details()).strip()) from error


def _describe(urn: str, news: Properties, failure: Any) -> str:
    which = "{} resource '{}'".format(*split_urn(urn))
    if not failure.property:
        return f"{which} has a problem: {failure.reason}"
    return (
        f"{which}: property {failure.property} value {{{news.get(failure.property)}}} has a problem: {failure.reason}"
    )
