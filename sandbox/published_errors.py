"""The errors of each service, as JSON schemas."""

from dataclasses import dataclass
from typing import Any

from sandbox.services import Service

_TEXT = {"type": "string"}


@dataclass(frozen=True)
class ErrorSchema:
    """The envelope of a service's errors, under the name it has in the description."""

    name: str
    schema: dict[str, Any]


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **optional}}


_QLIK_ERROR = _object(
    {"code": _TEXT, "title": _TEXT}, detail=_TEXT, status={"type": ["integer", "string"]}, meta={}, source={}
)

ERRORS: dict[Service, ErrorSchema] = {
    "qlik": ErrorSchema(
        "QlikErrors",
        _object(
            {"errors": {"type": "array", "minItems": 1, "items": _QLIK_ERROR}},
            error=_TEXT,
            message=_TEXT,
            code=_TEXT,
            title=_TEXT,
            traceId=_TEXT,
        ),
    ),
    "graph": ErrorSchema("GraphError", _object({"error": _object({"code": _TEXT, "message": _TEXT}, innerError={})})),
    "identity": ErrorSchema(
        "LoginError",
        _object(
            {"error": _TEXT, "error_description": _TEXT},
            error_codes={"type": "array", "items": {"type": "integer"}},
            timestamp=_TEXT,
        ),
    ),
    "control": ErrorSchema("Faults", _object({"faults": {"type": "array", "minItems": 1, "items": _TEXT}})),
}


def silent_refusals(path: str) -> tuple[int, ...]:
    """Return the statuses that come without a body: those of apps, as their specification says."""
    return (403, 404) if path.startswith("/api/v1/apps") else ()
