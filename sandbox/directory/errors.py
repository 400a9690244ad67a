"""Errors of Graph and of the login endpoint (entra.md 2.2)."""

import secrets
import uuid
from http import HTTPStatus

from sandbox.answers import Refusal
from sandbox.clock import Clock


def graph_refusal(status: int, code: str, message: str) -> Refusal:
    """Return a refusal in the envelope of Graph."""
    inner = {"request-id": str(uuid.uuid4()), "client-request-id": str(uuid.uuid4())}
    headers = {"www-authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return Refusal(status, {"error": {"code": code, "message": message, "innerError": inner}}, headers)


def bad_request(message: str, code: str = "Request_BadRequest") -> Refusal:
    """Return the 400 of Graph."""
    return graph_refusal(400, code, message)


def not_found(name: str) -> Refusal:
    """Return the 404 of Graph for an object that does not exist."""
    return graph_refusal(
        404,
        "Request_ResourceNotFound",
        f"Resource '{name}' does not exist or one of its queried reference-property objects are not present.",
    )


def login_refusal(clock: Clock, status: int, error: str, code: int, message: str) -> Refusal:
    """Return a refusal of the login endpoint, whose number stands at the head of its description."""
    trace = str(uuid.UUID(bytes=secrets.token_bytes(16)))
    now = clock.now().strftime("%Y-%m-%d %H:%M:%SZ")
    return Refusal(
        status,
        {
            "error": error,
            "error_description": f"AADSTS{code}: {message} Trace ID: {trace} Timestamp: {now}",
            "error_codes": [code],
            "timestamp": now,
            "trace_id": trace,
            "correlation_id": trace,
        },
    )
