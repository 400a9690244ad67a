"""Provisioning on demand, and the log of what was provisioned (entra.md 3.11, 5.2)."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.directory.access import READ_PROVISIONING, require
from sandbox.directory.app_roles import is_assigned
from sandbox.directory.errors import bad_request, graph_refusal
from sandbox.directory.jobs import require_job, schema_in_force
from sandbox.directory.objects import DirectoryObject, find_object
from sandbox.directory.properties import columns_of
from sandbox.directory.queries import LIST_OPTIONS, answer_list, context, filtered, refuse_unknown_options
from sandbox.directory.shapes import body_of
from sandbox.directory.synchronization import (
    SYNCHRONIZATION,
    Parameters,
    fault_of,
    read_parameters,
    read_secrets,
    require_writer,
)
from sandbox.documents import Document, listing_of, put_document
from sandbox.routing import endpoint
from sandbox.state import Sandbox

_LOGS = "provisioningLogs"
_LIMIT, _WINDOW = 5, 10.0  # requests in a window of seconds
_TIMES = "provisionOnDemand"
_LISTING = listing_of(_LOGS, is_newest_first=True)
_COLUMNS = columns_of(
    "documents",
    ("activityDateTime", "changeId", "cycleId", "jobId", "provisioningAction", "tenantId"),
    {
        "id": "documents.id",
        "servicePrincipal/id": "json_extract(documents.body, '$.servicePrincipal.id')",
        "sourceIdentity/id": "json_extract(documents.body, '$.sourceIdentity.id')",
        "provisioningStatusInfo/status": "fold(json_extract(documents.body, '$.provisioningStatusInfo.status'))",
    },
)


class Subject(Parameters):
    """An object to be provisioned."""

    object_id: str = Field(min_length=1)
    object_type_name: str = Field(min_length=1)


class RuleParameters(Parameters):
    """The objects that one rule of the job's schema provisions."""

    rule_id: str = Field(min_length=1)
    subjects: list[Subject] = Field(min_length=1, max_length=5)


class OnDemand(Parameters):
    """What is to be provisioned at once."""

    parameters: list[RuleParameters] = Field(min_length=1)


async def provision(request: Request) -> JSONResponse:
    """Return how provisioning went; a failure is an answer too, not a refusal."""
    principal, sandbox = require_writer(request), sandbox_of(request)
    job = require_job(request, principal)
    _count(sandbox, principal)
    wanted: OnDemand = await read_parameters(request, OnDemand)
    entries = list(_provision(sandbox, principal, job, wanted))
    for entry in entries:
        put_document(sandbox, _LOGS, entry)
    results = {entry["provisioningStatusInfo"]["status"] for entry in entries}
    result = next(name for name in ("failure", "skipped", "success") if name in results).title()
    steps = [step for entry in entries for step in entry["provisioningSteps"]]
    body = {"key": json.dumps({"result": result}), "value": json.dumps([{"provisioningSteps": steps}])}
    return JSONResponse(context(request, "microsoft.graph.stringKeyStringValuePair") | body)


async def list_logs(request: Request) -> Response:
    """Return one page of the provisioning log, newest first."""
    require(request, READ_PROVISIONING)
    refuse_unknown_options(request)
    text = request.query_params.get("$filter", "")
    if "jobId" in text and sandbox_of(request).switch("provisioning-log-job-filter") == "refused400":
        raise bad_request("Invalid filter clause: jobId cannot be filtered.", "BadRequest")
    listing = filtered(request, _LISTING, _COLUMNS)
    return answer_list(request, listing, "auditLogs/provisioning", body_of)


def _provision(sandbox: Sandbox, principal: Document, job: Document, wanted: OnDemand) -> Iterator[Document]:
    """Yield the log entry of each object."""
    rules = [rule.get("id") for rule in schema_in_force(job)["synchronizationRules"] if isinstance(rule, dict)]
    unknown_rule = sandbox.switch("provision-unknown-rule")
    for parameters in wanted.parameters:
        if parameters.rule_id not in rules and unknown_rule == "refused400":
            raise bad_request(f"The rule '{parameters.rule_id}' does not exist.", "BadRequest")
        for subject in parameters.subjects:
            found = find_object(sandbox, subject.object_id)
            status, reason = _judge(sandbox, principal, found)
            if parameters.rule_id not in rules:
                status, reason = "failure", f"The schema has no rule '{parameters.rule_id}'."
            yield _entry(sandbox, principal, job, subject, found, status, reason)


def _judge(sandbox: Sandbox, principal: Document, found: DirectoryObject | None) -> tuple[str, str]:
    """Return the status of provisioning an object, and its reason."""
    secrets = {secret["key"]: secret["value"] for secret in read_secrets(sandbox, principal)}
    if found is None or found.kind not in {"user", "group"}:
        return "failure", "The object could not be found in the source directory."
    fault = fault_of(secrets)
    if fault:
        return "failure", fault
    if secrets.get("SyncAll", "").lower() != "true" and not is_assigned(sandbox, principal["id"], found.id):
        return "skipped", "The object is not assigned to the application."
    return "success", ""


def _count(sandbox: Sandbox, principal: Document) -> None:
    """Raise 429 for more requests than the service takes in its window."""
    now, known = sandbox.clock.seconds(), sandbox.setting(_TIMES) or {}
    recent = [moment for moment in known.get(principal["id"], []) if now - _WINDOW < moment <= now]
    if len(recent) >= _LIMIT:
        refusal = graph_refusal(429, "TooManyRequests", "Too many requests")
        refusal.response.headers["Retry-After"] = str(int(_WINDOW))
        raise refusal
    sandbox.put_setting(_TIMES, known | {principal["id"]: [*recent, now]})


def _entry(
    sandbox: Sandbox,
    principal: Document,
    job: Document,
    subject: Subject,
    found: DirectoryObject | None,
    status: str,
    reason: str,
) -> Document:
    """Return the entry of the log for one object."""
    name = found.name if found is not None else None
    identity = {"id": subject.object_id, "displayName": name, "identityType": subject.object_type_name}
    source, target = ({"id": "", "displayName": name} for name in ("Azure Active Directory", "customappsso"))
    error = {"errorCode": "", "reason": reason, "additionalDetails": None, "errorCategory": "nonServiceFailure"}
    return {
        "id": str(uuid.uuid4()),
        "activityDateTime": sandbox.clock.stamp(),
        "changeId": str(uuid.uuid4()),
        "cycleId": str(uuid.uuid4()),
        "durationInMilliseconds": 0,
        "initiatedBy": {"id": "", "displayName": "Azure AD Provisioning Service", "initiatorType": "system"},
        "jobId": job["id"],
        "modifiedProperties": [],
        "provisioningAction": "create" if status == "success" else "other",
        "provisioningStatusInfo": {"status": status, "errorInformation": error if status == "failure" else None},
        "provisioningSteps": _steps(status, reason),
        "servicePrincipal": {"id": principal["id"], "displayName": principal["displayName"]},
        "sourceIdentity": identity,
        "sourceSystem": source,
        "targetIdentity": {"id": "", "displayName": "", "identityType": subject.object_type_name},
        "targetSystem": target,
        "tenantId": sandbox.setting("directoryTenantId"),
    }


def _steps(status: str, reason: str) -> list[dict[str, Any]]:
    """Return the steps up to the one that decided."""
    names = [("EntryImport", "import"), ("EntrySynchronizationScoping", "scoping"), ("EntryExportAdd", "export")]
    count = {"failure": 1, "skipped": 2, "success": 3}[status]
    steps = [
        {"name": name, "provisioningStepType": kind, "status": "success", "description": "", "details": {}}
        for name, kind in names[:count]
    ]
    steps[-1] |= {"status": status, "description": reason}
    return steps


ROUTES = [
    endpoint("POST", f"{SYNCHRONIZATION}/jobs/{{job}}/provisionOnDemand", provision, body=OnDemand),
    endpoint("GET", "/auditLogs/provisioning", list_logs, query=LIST_OPTIONS),
]
