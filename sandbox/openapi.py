"""The description of every endpoint as OpenAPI 3.1, made from what each publishes of itself."""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any, Literal

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute

from sandbox.bodies import adapter_of
from sandbox.control_bodies import control_refusal
from sandbox.published_errors import ERRORS, silent_refusals
from sandbox.routing import Endpoint, Operation, endpoint, operations_of
from sandbox.services import Service

PATH = "/_sandbox/openapi.json"
_COMPONENT = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
# What is neither is text.
_NUMBERS = {"limit", "$top"}
_FLAGS = {
    "totalResults", "orphans", "systemGroups", "noActions", "shared", "active", "enabled", "$count", "writes",
}  # fmt: skip
_NO_CONTENT = 204
_REDIRECTIONS = range(300, 400)
_TAGS = {
    "qlik": "The Qlik Cloud tenant",
    "graph": "Microsoft Graph, in both versions",
    "identity": "The login endpoint of Microsoft Entra",
    "control": "The sandbox itself",
}


def publishing(routes: Mapping[Service, list[BaseRoute]]) -> Endpoint:
    """Return the endpoint that describes the routes, itself among them."""
    written: dict[str, dict[str, Any]] = {}

    async def get_description(request: Request) -> JSONResponse:
        """Return the description of all endpoints, or of those of one `service`."""
        wanted = request.query_params.get("service", "")
        if wanted and wanted not in _TAGS:
            raise control_refusal([f"service: there is no {wanted}, only {', '.join(_TAGS)}"])
        if wanted not in written:
            found = {name: list(operations_of(listed)) for name, listed in routes.items() if wanted in {"", name}}
            written[wanted] = describe(found)
        return JSONResponse(written[wanted])

    return endpoint("GET", PATH, get_description, query="service", tier="")


def describe(operations: Mapping[Service, Iterable[Operation]]) -> dict[str, Any]:
    """Return the document that describes the operations of each service."""
    listed = [(service, operation) for service, found in operations.items() for operation in found]
    bodies = [operation for _, operation in listed if operation.body is not None]
    mode: Literal["validation"] = "validation"
    inputs = [(key, mode, adapter_of(operation.body)) for key, operation in enumerate(bodies)]
    schemas, definitions = TypeAdapter.json_schemas(inputs, ref_template=_COMPONENT)
    body_of = {id(operation): schemas[key, mode] for key, operation in enumerate(bodies)}
    paths: dict[str, dict[str, Any]] = {}
    for service, operation in listed:
        item = paths.setdefault(_PARAMETER.sub(r"{\1}", operation.path), {})
        item[operation.method.lower()] = _describe(service, operation, body_of.get(id(operation)))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Qlik sandbox", "version": version("qlik-provider")},
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items() if name in operations],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {
                **definitions.get("$defs", {}),
                **{ERRORS[name].name: ERRORS[name].schema for name in operations},
            },
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "client": {"type": "http", "scheme": "basic"},
            },
        },
    }


def _describe(service: Service, operation: Operation, body: Any) -> dict[str, Any]:
    """Return what the document says about one operation."""
    described: dict[str, Any] = {
        "operationId": _name(operation),
        "summary": operation.summary,
        "tags": [service],
        "parameters": [
            *map(_path_parameter, _PARAMETER.findall(operation.path)),
            *map(_query_parameter, operation.query),
        ],
        "responses": {
            str(operation.status): _success(operation),
            **{str(status): {"description": "Refused without a word"} for status in silent_refusals(operation.path)},
            "default": {
                "description": "The refusal of the service",
                "content": {"application/json": {"schema": {"$ref": _COMPONENT.format(model=ERRORS[service].name)}}},
            },
        },
        "security": _security(service, operation),
    }
    if operation.tier:
        described["x-qlik-tier"] = operation.tier
    if body is not None:
        described["requestBody"] = {"required": True, "content": {operation.media: {"schema": body}}}
    return described


def _name(operation: Operation) -> str:
    """Return a name no other operation has."""
    words = re.findall(r"[A-Za-z0-9]+", operation.path.replace("$", "dollar "))
    return "_".join([operation.method.lower(), *words])


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query_parameter(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if name in _NUMBERS:
        schema = {"type": "integer", "minimum": 1, "maximum": 100}
    elif name == "since":
        schema = {"type": "integer", "minimum": 0}
    elif name in _FLAGS:
        schema = {"type": "boolean"}
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _success(operation: Operation) -> dict[str, Any]:
    """Return the answer to a request that was understood; its schema is that of the service's own documentation."""
    if operation.status == _NO_CONTENT or operation.status in _REDIRECTIONS or not operation.answers:
        return {"description": "Done"}
    return {"description": "Done", "content": {"application/json": {}}}


def _security(service: Service, operation: Operation) -> list[dict[str, Any]]:
    """Return how a caller proves who it is; where a token is minted, by the client's secret."""
    if service == "qlik" and operation.path.startswith("/oauth/"):
        return [{"client": []}, {}]
    if "/.well-known/" in operation.path:
        return []
    return [{"bearer": []}] if service in {"qlik", "graph"} else []
