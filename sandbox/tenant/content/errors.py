"""The errors of the services that hold content, each in its own shape (qlik-api.md 1.2)."""

import secrets

from starlette.responses import Response

from sandbox.answers import Refusal

# The vendor publishes the DF codes of data files and no others; those by status are the sandbox's own.
_EMPTY = (403, 404)


def items_refusal(status: int, title: str, code: str | None = None) -> Refusal:
    """Return a refusal without a trace id."""
    return Refusal(status, {"errors": [{"code": code or f"ITEMS-{status}", "title": title}]})


def apps_refusal(status: int, title: str) -> Refusal:
    """Return a refusal whose body is empty where the apps service sends none."""
    refusal = Refusal(status, {"errors": [{"code": f"APPS-{status}", "title": title}]})
    if status in _EMPTY:
        refusal.response = Response(status_code=status)
    return refusal


def connections_refusal(status: int, title: str) -> Refusal:
    """Return a refusal with a numeric status and a detail."""
    return Refusal(status, {"errors": [connection_error(status, title)]})


def connection_error(status: int, title: str) -> dict[str, object]:
    """Return the error of a request for data connections, or of one item of its 207."""
    return {"code": f"DC-{status}", "status": status, "title": title, "detail": title}


def files_refusal(status: int, title: str, code: str | None = None) -> Refusal:
    """Return a refusal with a DF code, or with the status where no finer code is published."""
    return Refusal(status, {"errors": [{"code": code or f"HTTP-{status}", "title": title, "detail": title}]})


def automations_refusal(status: int, title: str) -> Refusal:
    """Return a refusal of the workflows."""
    return _traced(status, title, "AUTOMATIONS")


def sharing_refusal(status: int, title: str) -> Refusal:
    """Return a refusal of the sharing service."""
    return _traced(status, title, "SHARING")


def alerts_refusal(status: int, title: str) -> Refusal:
    """Return a refusal of the alerting service."""
    return _traced(status, title, "ALERTING")


def tasks_refusal(status: int, title: str) -> Refusal:
    """Return a refusal of the reload tasks."""
    return _traced(status, title, "TASKS")


def glossaries_refusal(status: int, title: str) -> Refusal:
    """Return a refusal of the glossaries."""
    return _traced(status, title, "GLOSSARY")


def _traced(status: int, title: str, service: str) -> Refusal:
    return Refusal(
        status, {"errors": [{"code": f"{service}-{status}", "title": title}], "traceId": secrets.token_hex(16)}
    )
