"""Synchronization jobs: made, started, paused, restarted, and their schema (entra.md 3.10, 5.2)."""

import uuid
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import Refusal, sandbox_of
from sandbox.directory.entities import merged
from sandbox.directory.errors import graph_refusal, not_found
from sandbox.directory.job_schemas import default_schema
from sandbox.directory.queries import context
from sandbox.directory.synchronization import (
    JOBS,
    SYNCHRONIZATION,
    Parameters,
    Secret,
    fault_of,
    is_template,
    read_parameters,
    read_secrets,
    require_reader,
    require_writer,
)
from sandbox.documents import Document, delete_document, find_document, list_documents, put_document
from sandbox.routing import endpoint
from sandbox.state import Sandbox

_NEVER = "0001-01-01T00:00:00Z"
# azuread reads the schedule without looking: it is there from the beginning.
_SCHEDULE = {"expiration": None, "interval": "P10675199DT2H48M5.4775807S", "state": "Disabled"}
_INTERVAL = "PT40M"
_FORMER = "formerSchema"  # in force until a restart, where the switch says so
_STATUS = {
    "code": "NotConfigured",
    "countSuccessiveCompleteFailures": 0,
    "escrowsPruned": False,
    "lastExecution": None,
    "lastSuccessfulExecution": None,
    "lastSuccessfulExecutionWithExports": None,
    "quarantine": None,
    "steadyStateFirstAchievedTime": _NEVER,
    "steadyStateLastAchievedTime": _NEVER,
    "troubleshootingUrl": "",
    "progress": [],
    "synchronizedEntryCountByType": [],
}
_SETTINGS = [
    {"name": "AzureIngestionAttributeOptimization", "value": "False"},
    {"name": "LookaroundQueryEnabled", "value": "False"},
]
_SCOPES = frozenset(
    {"None", "ConnectorDataStore", "Escrows", "Watermark", "QuarantineState", "Full", "ForceDeletes"}
)  # fmt: skip


class JobParameters(Parameters):
    """What is said of a job to be made."""

    template_id: str = Field(min_length=1)


class Credentials(Parameters):
    """Secrets to be tried: those of the body, or those that are kept."""

    application_identifier: str | None = None
    template_id: str | None = None
    use_saved_credentials: bool = False
    credentials: list[Secret] = Field(default=[])


class Criteria(Parameters):
    """What a restart forgets: names separated by commas."""

    reset_scope: str = "None"


class Restart(Parameters):
    """How a job is restarted."""

    criteria: Criteria = Criteria()


async def list_jobs(request: Request) -> JSONResponse:
    """Return the jobs of a service principal."""
    principal = require_reader(request)
    found = [_show(job) for job in list_documents(sandbox_of(request), JOBS, principal["id"])]
    suffix = f"servicePrincipals('{principal['id']}')/synchronization/jobs"
    return JSONResponse(context(request, suffix) | {"value": found})


async def create_job(request: Request) -> JSONResponse:
    """Return the new job, which waits to be started."""
    principal, sandbox = require_writer(request), sandbox_of(request)
    properties: JobParameters = await read_parameters(request, JobParameters)
    if not is_template(sandbox, properties.template_id):
        raise graph_refusal(400, "BadRequest", f"The template '{properties.template_id}' does not exist.")
    job = {
        # Template, tenant and a number of the job's own: the form of the service's ids.
        "id": f"{properties.template_id}.{sandbox.setting('directoryTenantId').replace('-', '')}.{uuid.uuid4()}",
        "servicePrincipalId": principal["id"],
        "templateId": properties.template_id,
        "schedule": _SCHEDULE,
        "status": _STATUS,
    }
    put_document(sandbox, JOBS, job, principal["id"])
    return JSONResponse(_context(request, principal) | _show(job), status_code=201)


async def get_job(request: Request) -> JSONResponse:
    """Return one job; its schedule is never absent."""
    principal = require_reader(request)
    return JSONResponse(_context(request, principal) | _show(require_job(request, principal)))


async def delete_job(request: Request) -> Response:
    """Delete a job with its schema."""
    job = require_job(request, require_writer(request))
    delete_document(sandbox_of(request), JOBS, job["id"])
    return Response(status_code=204)


async def start_job(request: Request) -> Response:
    """Let a job run, out of quarantine if it was in there."""
    principal = require_writer(request)
    return _run(sandbox_of(request), principal, require_job(request, principal))


async def pause_job(request: Request) -> Response:
    """Let a job rest."""
    principal = require_writer(request)
    job, sandbox = require_job(request, principal), sandbox_of(request)
    _change(sandbox, job, "Disabled", {"code": "Paused"})
    return Response(status_code=204)


async def restart_job(request: Request) -> Response:
    """Let a job run, and forget what the criteria say."""
    principal = require_writer(request)
    job, content = require_job(request, principal), await request.body()
    restart: Restart = await read_parameters(request, Restart) if content else Restart()
    scopes = [scope.strip() for scope in restart.criteria.reset_scope.split(",")]
    for scope in scopes:
        if scope not in _SCOPES:
            raise graph_refusal(400, "BadRequest", f"'{scope}' is no resetScope.")
    job = {name: value for name, value in job.items() if name != _FORMER}
    if "Full" in scopes:
        job["status"] = _STATUS
    return _run(sandbox_of(request), principal, job)


async def validate_credentials(request: Request) -> Response:
    """Say whether an application answers to the secrets, as Test Connection does."""
    principal = require_writer(request)
    if "job" in request.path_params:
        require_job(request, principal)
    tried: Credentials = await read_parameters(request, Credentials)
    saved = {secret["key"]: secret["value"] for secret in read_secrets(sandbox_of(request), principal)}
    given = {secret.key: secret.value or "" for secret in tried.credentials}
    fault = fault_of(saved if tried.use_saved_credentials else given)
    if fault:
        message = f"You appear to have entered invalid credentials. Please confirm you are using the correct information for an administrative account. {fault}"  # noqa: E501  # one sentence of the service
        raise graph_refusal(400, "CredentialValidationUnavailable", message)
    return Response(status_code=204)


async def get_schema(request: Request) -> JSONResponse:
    """Return the schema of a job."""
    principal = require_reader(request)
    job = require_job(request, principal)
    suffix = f"servicePrincipals('{principal['id']}')/synchronization/jobs('{job['id']}')/schema/$entity"
    return JSONResponse(context(request, suffix) | schema_of(job))


async def put_schema(request: Request) -> Response:
    """Replace the schema of a job as a whole: what is not sent is gone."""
    principal, sandbox = require_writer(request), sandbox_of(request)
    job = require_job(request, principal)
    sent: dict[str, Any] = await read_parameters(request, dict[str, Any])
    kept = {name: value for name, value in sent.items() if "@odata." not in name}
    for name in ("directories", "synchronizationRules"):
        if not isinstance(kept.get(name, []), list):
            raise graph_refusal(400, "BadRequest", f"Invalid value specified for property '{name}'.")
    version = f"Date:{sandbox.clock.stamp()}"
    schema = {"directories": [], "synchronizationRules": []} | kept | {"id": job["id"], "version": version}
    changed = job | {"schema": schema}
    if sandbox.switch("schema-in-force") == "afterRestart":
        changed = {_FORMER: schema_of(job)} | changed
    put_document(sandbox, JOBS, changed, principal["id"])
    return Response(status_code=204)


def require_job(request: Request, principal: Document) -> Document:
    """Return the job of the path, or raise 404."""
    job_id = request.path_params["job"]
    found = find_document(sandbox_of(request), JOBS, job_id)
    if found is None or found["servicePrincipalId"] != principal["id"]:
        raise not_found(job_id)
    return found


def schema_of(job: Document) -> dict[str, Any]:
    """Return the schema of a job: the one that was put, or the default."""
    schema: dict[str, Any] = job.get("schema") or default_schema(job["id"])
    return schema


def schema_in_force(job: Document) -> dict[str, Any]:
    """Return the schema a job works by, which may be the one before the last PUT."""
    schema: dict[str, Any] = job.get(_FORMER) or schema_of(job)
    return schema


def _run(sandbox: Sandbox, principal: Document, job: Document) -> Response:
    """Start a job; without usable secrets its first cycle ends in quarantine."""
    fault = fault_of({secret["key"]: secret["value"] for secret in read_secrets(sandbox, principal)})
    position = sandbox.switch("start-without-secrets")
    if fault and position == "refused400":
        raise _refuse_start(fault)
    if fault and position == "quarantine":
        _change(sandbox, job, "Active", {"code": "Quarantine", "quarantine": _quarantine(sandbox, fault)})
    else:
        _change(sandbox, job, "Active", {"code": "Active", "quarantine": None})
    return Response(status_code=204)


def _refuse_start(fault: str) -> Refusal:
    return graph_refusal(400, "BadRequest", fault)


def _quarantine(sandbox: Sandbox, fault: str) -> dict[str, Any]:
    now = sandbox.clock.stamp()
    return {
        "currentBegan": now,
        "error": {"code": "SystemForCrossDomainIdentityManagementCredentialValidationUnavailable", "message": fault},
        "nextAttempt": now,
        "reason": "EncounteredQuarantineException",
        "seriesBegan": now,
        "seriesCount": 1,
    }


def _change(sandbox: Sandbox, job: Document, state: str, status: dict[str, Any]) -> None:
    """Keep a job with another state of its schedule and another status."""
    interval = _INTERVAL if state == "Active" else _full(job)["schedule"]["interval"]
    schedule = _full(job)["schedule"] | {"interval": interval, "state": state}
    changed = job | {"schedule": schedule, "status": _full(job)["status"] | status}
    put_document(sandbox, JOBS, changed, job["servicePrincipalId"])


def _full(job: Document) -> Document:
    """Return a job with everything a world may have left out."""
    return merged({"schedule": _SCHEDULE, "status": _STATUS}, job)


def _show(job: Document) -> Document:
    whole = _full(job)
    return {
        "id": whole["id"],
        "templateId": whole["templateId"],
        "schedule": whole["schedule"],
        "status": whole["status"],
        "synchronizationJobSettings": _SETTINGS,
    }


def _context(request: Request, principal: Document) -> dict[str, str]:
    return context(request, f"servicePrincipals('{principal['id']}')/synchronization/jobs/$entity")


_JOBS = f"{SYNCHRONIZATION}/jobs"
_JOB = f"{_JOBS}/{{job}}"

ROUTES = [
    endpoint("GET", _JOBS, list_jobs),
    endpoint("POST", _JOBS, create_job, body=JobParameters, status=201),
    endpoint("POST", f"{_JOBS}/validateCredentials", validate_credentials, body=Credentials, status=204),
    endpoint("GET", _JOB, get_job),
    endpoint("DELETE", _JOB, delete_job, status=204),
    endpoint("POST", f"{_JOB}/start", start_job, status=204),
    endpoint("POST", f"{_JOB}/pause", pause_job, status=204),
    endpoint("POST", f"{_JOB}/restart", restart_job, body=Restart, status=204),
    endpoint("POST", f"{_JOB}/validateCredentials", validate_credentials, body=Credentials, status=204),
    endpoint("GET", f"{_JOB}/schema", get_schema),
    endpoint("PUT", f"{_JOB}/schema", put_schema, body=dict[str, Any], status=204),
]
