"""The gRPC services the program and the providers talk to."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, provider_pb2, resource_pb2
from pulumi.runtime.proto.engine_pb2_grpc import EngineServicer, add_EngineServicer_to_server
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorServicer, add_ResourceMonitorServicer_to_server

from sandbox.engine.deployment import Deployment
from sandbox.engine.refusals import Refusal, Stopped
from sandbox.engine.states import State, make_urn
from sandbox.engine.values import read_struct, write_struct
from sandbox.engine.views import View

FEATURES = (resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS, resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS)
# A registration waits here until its step is done; the program has at most 32 of them under way.
MONITOR_THREADS = 64
LOG_THREADS = 8
INTERRUPTION = 0.5
READ_STATE = "pulumi:pulumi:readStackResourceOutputs"
_SEVERITIES = {engine_pb2.INFO: "info", engine_pb2.WARNING: "warning", engine_pb2.ERROR: "error"}
_KNOWN_OPTIONS = {"aliases", "parent", "dependencies", "propertyDependencies", "protect", "retainOnDelete", "version"}
_KNOWN_OPTIONS |= {"ignoreChanges"}
_KNOWN_MEMBERS = {"type", "name", "custom", "object", "sourcePosition", "stackTrace"}
_REPLACING = {"deleteBeforeReplace", "deleteBeforeReplaceDefined"}


class Log(EngineServicer):
    """Where messages of program and providers arrive; a server of its own, since checks wait for their messages."""

    def __init__(self, view: View) -> None:
        self._view = view

    def Log(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: ARG002, N802
        """Show a message; debug messages are not shown."""
        if request.severity in _SEVERITIES:
            severity = _SEVERITIES[request.severity]
            self._view.message(severity, request.urn, request.message, is_ephemeral=request.ephemeral)
        return empty_pb2.Empty()


class Monitor(ResourceMonitorServicer):
    """Where the program registers its resources."""

    def __init__(self, deployment: Deployment, stack: str, project: str) -> None:
        self._deployment, self._stack, self._project = deployment, stack, project

    def GetDeploymentInfo(self, request: Any, context: Any) -> resource_pb2.DeploymentInfo:  # noqa: ARG002, N802
        """Return the features the SDK may use."""
        return resource_pb2.DeploymentInfo(
            project=self._project, stack=self._stack, supportedFeatures=FEATURES, dryRun=self._deployment.is_preview
        )

    def RegisterResource(self, request: Any, context: Any) -> resource_pb2.RegisterResourceResponse:  # noqa: N802
        """Return the resource when its step is done."""
        try:
            aliases = [self._read_alias(alias, request) for alias in request.aliases]
            state = self._deployment.register(self._read_goal(request), request.version, aliases)
            return resource_pb2.RegisterResourceResponse(urn=state.urn, id=state.id, object=write_struct(state.outputs))
        except Refusal as refusal:
            self._deployment.stop(("error", "", str(refusal)))
        except Stopped:
            pass
        except Exception as error:
            self._deployment.stop(("error", "", f"the rehearsal failed: {error!r}"))
            raise
        return _abort(context)

    def RegisterResourceOutputs(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: N802
        """Keep the outputs of a component or of the stack."""
        try:
            self._deployment.register_outputs(request.urn, read_struct(request.outputs, keeps_nulls=True))
        except Refusal as refusal:
            self._deployment.stop(("error", request.urn, str(refusal)))
            _abort(context)
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: Any) -> provider_pb2.InvokeResponse:  # noqa: N802
        """Return what the state knows, the one function of the engine itself that is rehearsed."""
        if request.tok != READ_STATE:
            self._deployment.stop(("error", "", f"the function {request.tok} is not rehearsed"))
            _abort(context)
        outputs = {urn: {"type": old.type, "outputs": old.outputs} for urn, old in self._deployment.olds.items()}
        answer = provider_pb2.InvokeResponse()
        getattr(answer, "return").CopyFrom(write_struct({**read_struct(request.args), "outputs": outputs}))
        return answer

    def SignalAndWaitForShutdown(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: ARG002, N802
        """Let the program end: nothing calls back into it."""
        return empty_pb2.Empty()

    def _read_goal(self, request: Any) -> State:
        set_members = {member.name for member, value in request.ListFields() if not _is_said_always(member.name, value)}
        for name in sorted(set_members - _KNOWN_OPTIONS - _KNOWN_MEMBERS - _REPLACING):
            raise Refusal(f"{request.name}: the resource option {name} is not rehearsed")
        depends = {key: list(value.urns) for key, value in sorted(request.propertyDependencies.items())}
        return State(
            urn=make_urn(self._stack, self._project, request.parent, request.type, request.name),
            type=request.type,
            custom=request.custom,
            inputs=read_struct(request.object),
            parent=request.parent,
            dependencies=sorted(set(request.dependencies)),
            property_dependencies=depends if request.custom else {},
            protect=request.protect,
            retain_on_delete=request.retainOnDelete,
            ignore_changes=_read_paths(request),
        )

    def _read_alias(self, alias: Any, request: Any) -> str:
        """Return the urn an alias means; what it leaves out is as it is now."""
        spec = alias.spec
        return alias.urn or make_urn(
            spec.stack or self._stack,
            spec.project or self._project,
            "" if spec.noParent else spec.parentUrn or request.parent,
            spec.type or request.type,
            spec.name or request.name,
        )


def _read_paths(request: Any) -> list[str]:
    """Return the properties whose changes do not count; only those of the top level are rehearsed."""
    paths = list(request.ignoreChanges)
    for path in paths:
        if not path.isidentifier():
            raise Refusal(f"{request.name}: ignoreChanges of {path!r} is not rehearsed")
    return paths


def serve_log(view: View) -> tuple[grpc.Server, str]:
    """Return a running server for messages and its address."""
    server, address = _make_server(LOG_THREADS)
    add_EngineServicer_to_server(Log(view), server)
    server.start()
    return server, address


def serve_monitor(deployment: Deployment, stack: str, project: str) -> tuple[grpc.Server, str]:
    """Return a running server for registrations and its address."""
    server, address = _make_server(MONITOR_THREADS)
    add_ResourceMonitorServicer_to_server(Monitor(deployment, stack, project), server)
    server.start()
    return server, address


def _make_server(threads: int) -> tuple[grpc.Server, str]:
    server = grpc.server(ThreadPoolExecutor(threads), options=_GRPC_CHANNEL_OPTIONS)
    return server, f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"


def _is_said_always(name: str, value: Any) -> bool:
    """Tell the SDK's word about itself, or an empty message, from an option the program has set."""
    return name.startswith(("accept", "supports")) or (hasattr(value, "ByteSize") and not value.ByteSize())


def _abort(context: Any) -> NoReturn:
    # The program is being interrupted. An answer before that would make it report the engine as lost; without any
    # answer it would wait for its own threads.
    gone = threading.Event()
    context.add_callback(gone.set)
    gone.wait(INTERRUPTION)
    context.abort(grpc.StatusCode.UNAVAILABLE, "the phase is over")
    raise AssertionError


def _refuse(name: str) -> Any:
    def answer(self: Monitor, request: Any, context: Any) -> None:
        self._deployment.stop(("error", "", f"{name} is not rehearsed ({str(request)[:200].strip()})"))
        _abort(context)

    return answer


for _name in vars(ResourceMonitorServicer).keys() - vars(Monitor).keys():
    if not _name.startswith("_"):
        setattr(Monitor, _name, _refuse(_name))
