"""Synchronization of a service principal: its secrets and the templates of its jobs (entra.md 3.9, 5.2)."""

import re
from typing import Any

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.bodies import Body, read_body
from sandbox.directory.access import OWNED_APPLICATIONS, READ_SYNCHRONIZATION, WRITE_SYNCHRONIZATION, require_owned
from sandbox.directory.errors import graph_refusal, not_found
from sandbox.directory.job_schemas import default_schema
from sandbox.directory.objects import require_document
from sandbox.directory.queries import context
from sandbox.documents import Document, delete_document, find_document, list_documents, put_document
from sandbox.routing import endpoint
from sandbox.state import Sandbox

SYNCHRONIZATION = "/servicePrincipals/{id}/synchronization"
JOBS, SECRETS = "synchronizationJobs", "synchronizationSecrets"

_TEMPLATES = ("scim", "customappsso")
_ADDRESS = re.compile(r"https://[\w.-]+(:\d+)?([/?]|$)")
_HIDDEN = "*"  # shown in the place of every value
# What the service keeps beside what was sent, where the switch says so.
_DEFAULTS = (
    ("SyncAll", "false"),
    ("SyncNotificationSettings", '{"Enabled":false,"DeleteThresholdEnabled":false}'),
)


class Parameters(Body):
    """The parameters of an action."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True)


class Secret(Parameters):
    """One secret; an empty value removes it."""

    key: str = Field(min_length=1)
    value: str | None = None


class Secrets(Parameters):
    """The secrets of a service principal, in their order."""

    value: list[Secret]


def require_reader(request: Request) -> Document:
    """Return the service principal of the path, or refuse who may not read its synchronization."""
    return _require_principal(request, READ_SYNCHRONIZATION)


def require_writer(request: Request) -> Document:
    """Return the service principal of the path, or refuse who may not change its synchronization."""
    return _require_principal(request, WRITE_SYNCHRONIZATION)


async def read_parameters(request: Request, model: Any) -> Any:
    """Return the parameters of the body as the model, or raise the 400 of Graph."""
    return await read_body(request, model, lambda status, title: graph_refusal(status, "BadRequest", title))


async def list_secrets(request: Request) -> JSONResponse:
    """Return the secrets by key; no value is ever shown."""
    principal = require_reader(request)
    found = [{"key": secret["key"], "value": _HIDDEN} for secret in read_secrets(sandbox_of(request), principal)]
    suffix = f"servicePrincipals('{principal['id']}')/synchronization/secrets"
    return JSONResponse(context(request, suffix) | {"value": found})


async def put_secrets(request: Request) -> Response:
    """Keep the secrets in the order they were sent; those with an empty value are removed."""
    principal, sandbox = require_writer(request), sandbox_of(request)
    sent: Secrets = await read_parameters(request, Secrets)
    if sandbox.switch("secrets-before-job") == "refused404" and not list_documents(sandbox, JOBS, principal["id"]):
        raise not_found("synchronization")
    merges = sandbox.switch("secrets-put") == "merge"
    kept = {secret["key"]: secret["value"] for secret in read_secrets(sandbox, principal)} if merges else {}
    kept |= {secret.key: secret.value or "" for secret in sent.value}
    left = [{"key": key, "value": value} for key, value in kept.items() if value]
    if left and sandbox.switch("secrets-listing") == "withDefaults":
        left += [{"key": key, "value": value} for key, value in _DEFAULTS if key not in kept]
    if left:
        put_document(sandbox, SECRETS, {"id": principal["id"], "value": left})
    else:
        delete_document(sandbox, SECRETS, principal["id"])
    return Response(status_code=204)


async def list_templates(request: Request) -> JSONResponse:
    """Return the templates of jobs that this service principal can have."""
    principal = require_reader(request)
    found = [_show_template(principal, name) for name in _templates(sandbox_of(request))]
    suffix = f"servicePrincipals('{principal['id']}')/synchronization/templates"
    return JSONResponse(context(request, suffix) | {"value": found})


async def get_template_schema(request: Request) -> JSONResponse:
    """Return the schema a job of the template starts with."""
    principal, name = require_reader(request), request.path_params["template"]
    if name not in _templates(sandbox_of(request)):
        raise not_found(name)
    suffix = f"servicePrincipals('{principal['id']}')/synchronization/templates('{name}')/schema/$entity"
    return JSONResponse(context(request, suffix) | default_schema(name))


def read_secrets(sandbox: Sandbox, principal: Document) -> list[dict[str, str]]:
    """Return the secrets of a service principal, with their values."""
    found = find_document(sandbox, SECRETS, principal["id"])
    return [] if found is None else found["value"]


def is_template(sandbox: Sandbox, name: str) -> bool:
    """Say whether jobs can be made from a template of this name."""
    return name in _templates(sandbox)


def fault_of(secrets: dict[str, str]) -> str:
    """Return why no application answers to these secrets, or nothing."""
    if not _ADDRESS.match(secrets.get("BaseAddress", "")):
        return "The BaseAddress is missing or is not an https URL."
    return "" if secrets.get("SecretToken") else "The SecretToken is missing."


def _require_principal(request: Request, allowed: frozenset[str]) -> Document:
    """Return the service principal; owners of nothing but the application are told 401 (entra.md 6)."""
    require_owned(request, allowed, OWNED_APPLICATIONS, request.path_params["id"], status=401)
    return require_document(request, "servicePrincipals")


def _templates(sandbox: Sandbox) -> tuple[str, ...]:
    return _TEMPLATES if sandbox.switch("customappsso-template") == "accepted" else _TEMPLATES[:1]


def _show_template(principal: Document, name: str) -> Document:
    return {
        "id": name,
        "applicationId": principal["appId"],
        "default": name == _TEMPLATES[0],
        "description": None,
        "discoverable": False,
        "factoryTag": name,
        "metadata": [],
    }


ROUTES = [
    endpoint("GET", f"{SYNCHRONIZATION}/secrets", list_secrets),
    endpoint("PUT", f"{SYNCHRONIZATION}/secrets", put_secrets, body=Secrets, status=204),
    endpoint("GET", f"{SYNCHRONIZATION}/templates", list_templates),
    endpoint("GET", f"{SYNCHRONIZATION}/templates/{{template}}/schema", get_template_schema),
]
