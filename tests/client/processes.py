"""The SDK's own provider process, driven as the engine drives it, and the engine it talks to."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, provider_pb2, provider_pb2_grpc
from pulumi.runtime.proto.engine_pb2_grpc import EngineServicer, add_EngineServicer_to_server
from pulumi.runtime.rpc import UNKNOWN

from qlik_provider.resources import (
    directory_members_provider,
    group_policy_provider,
    leavers_provider,
    license_assignments_provider,
    license_settings_provider,
    tenant_group_members_provider,
    user_policy_provider,
    users_provider,
    webhook_provider,
)

__all__ = ["UNKNOWN", "Engine", "Provider", "Spares"]

PROVIDERS = {
    "LicenseAssignments": serialize_provider(license_assignments_provider()),
    "DirectoryMembers": serialize_provider(directory_members_provider()),
    "TenantGroupMembers": serialize_provider(tenant_group_members_provider()),
    "GroupPolicy": serialize_provider(group_policy_provider()),
    "Users": serialize_provider(users_provider()),
    "UserPolicy": serialize_provider(user_policy_provider()),
    "LicenseSettings": serialize_provider(license_settings_provider()),
    "Leavers": serialize_provider(leavers_provider()),
    "Webhook": serialize_provider(webhook_provider()),
}
Bag = Mapping[str, Any]


class Engine(EngineServicer):
    """Hears what a provider process tells; after `patience` progress messages it answers no more."""

    def __init__(self) -> None:
        self.patience = 10_000
        self.told: list[tuple[str, str]] = []
        self.progress: list[str] = []
        self._lock = threading.Lock()
        self.server = grpc.server(ThreadPoolExecutor(4), options=_GRPC_CHANNEL_OPTIONS)
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        add_EngineServicer_to_server(self, self.server)
        self.server.start()

    def Log(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: N802 - the protocol's name
        assert request.urn == ""
        with self._lock:
            if not request.ephemeral:
                self.told.append((engine_pb2.LogSeverity.Name(request.severity), request.message))
            elif len(self.progress) < self.patience:
                self.progress.append(request.message)
            else:
                context.abort(grpc.StatusCode.UNAVAILABLE, "the engine is gone")
        return empty_pb2.Empty()

    def heard(self, part: str) -> list[str]:
        return [f"{severity} {message}" for severity, message in self.told if part in message]


class Provider:
    """One provider process, and the engine it tells what it does."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        kind: str = "LicenseAssignments",
        *,
        python: str = sys.executable,
    ) -> None:
        self.engine = Engine()
        self.kind = kind
        self.plans = folder / "plans"
        self._errors = folder / "stderr"
        self._seen: list[str] = []
        (folder / "Pulumi.yaml").write_text("name: dev\nruntime: python\n", encoding="utf-8")
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                [python, "-u", "-m", "pulumi.dynamic", self.engine.address],
                cwd=folder,
                env={**environment, "QLIK_PLAN_DIR": str(self.plans)},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    @property
    def errors(self) -> str:
        """What the process wrote to stderr."""
        return self._errors.read_text()

    @cached_property
    def port(self) -> str:
        """Where the process serves, which is the first thing it writes."""
        return self._process.stdout.readline().strip()

    @cached_property
    def stub(self) -> Any:
        """What calls the process, once it serves; a diff that no check preceded makes it load the provider."""
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self.port}", options=_GRPC_CHANNEL_OPTIONS)
        stub = provider_pb2_grpc.ResourceProviderStub(self._channel)
        stub.Configure(provider_pb2.ConfigureRequest(), timeout=60)
        stub.Diff(provider_pb2.DiffRequest(olds=self._write({}), news=self._write({})), timeout=60)
        return stub

    def check(self, olds: Bag, news: Bag) -> tuple[dict[str, Any], list[str]]:
        """Return the checked inputs and the reasons of the failures, which name no property."""
        request = provider_pb2.CheckRequest(olds=self._write(olds) if olds else None, news=self._write(news))
        answer = self._keep(self.stub.Check(request, timeout=60))
        assert {failure.property for failure in answer.failures} <= {""}
        return self._read(answer.inputs), [failure.reason for failure in answer.failures]

    def diff(self, olds: Bag, news: Bag) -> str:
        request = provider_pb2.DiffRequest(id="1", olds=self._write(olds), news=self._write(news))
        answer = self._keep(self.stub.Diff(request, timeout=60))
        assert not answer.replaces
        return str(provider_pb2.DiffResponse.DiffChanges.Name(answer.changes))

    def create(self, inputs: Bag) -> tuple[str, dict[str, Any]]:
        answer = self._keep(self.stub.Create(provider_pb2.CreateRequest(properties=self._write(inputs)), timeout=60))
        return answer.id, self._read(answer.properties)

    def read(self, outputs: Bag) -> tuple[str, dict[str, Any], dict[str, Any]]:
        request = provider_pb2.ReadRequest(id="1", properties=self._write(outputs))
        answer = self._keep(self.stub.Read(request, timeout=60))
        return answer.id, self._read(answer.properties), self._read(answer.inputs)

    def update(self, olds: Bag, news: Bag) -> dict[str, Any]:
        request = provider_pb2.UpdateRequest(id="1", olds=self._write(olds), news=self._write(news))
        return self._read(self._keep(self.stub.Update(request, timeout=60)).properties)

    def delete(self, outputs: Bag) -> None:
        self.stub.Delete(provider_pb2.DeleteRequest(id="1", properties=self._write(outputs)), timeout=60)

    def fail(self, call: str, *bags: Bag) -> str:
        """Return the one line with which a call fails."""
        try:
            getattr(self, call)(*bags)
        except grpc.RpcError as error:
            self._seen.append(error.details())
            text = error.details().strip()
            assert "Traceback" not in text
            assert "\n" not in text
            return text
        raise AssertionError(f"{call} did not fail")

    def stop(self) -> str:
        """End the process as the engine does, and return everything it ever showed anybody."""
        assert self.stub
        self._channel.close()
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # as patient as the engine
            self._process.kill()
        self._process.communicate()
        self.engine.server.stop(0)
        return "\n".join([*self._seen, *(text for _, text in self.engine.told), self.errors])

    def _write(self, bag: Bag) -> struct_pb2.Struct:
        struct = struct_pb2.Struct()
        struct.update({**bag, "__provider": PROVIDERS[self.kind]})
        return struct

    def _read(self, struct: struct_pb2.Struct) -> dict[str, Any]:
        bag = json_format.MessageToDict(struct)
        assert bag.pop("__provider", PROVIDERS[self.kind]) == PROVIDERS[self.kind]
        return bag

    def _keep(self, answer: Any) -> Any:
        self._seen.append(json.dumps(json_format.MessageToDict(answer), ensure_ascii=False))
        return answer


class Spares:
    """Provider processes started before they are needed."""

    def __init__(self, make: Callable[..., Provider]) -> None:
        self._make = make
        self._pool = ThreadPoolExecutor(1)
        self._next = self._prepare()

    def _prepare(self) -> Future[Provider]:
        def prepare() -> Provider:
            provider = self._make()
            assert provider.stub
            return provider

        return self._pool.submit(prepare)

    def take(self) -> Provider:
        provider, self._next = self._next.result(), self._prepare()
        return provider

    def close(self) -> None:
        self._next.result().stop()
        self._pool.shutdown()
