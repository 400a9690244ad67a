"""Refusals of the border: what is answered where no handler does, in the envelope of the service."""

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.responses import JSONResponse

from sandbox.services import service_of

_UNPLAYED = 501
# What Graph calls a refusal that is about the request and no resource.
_GRAPH_CODES = {
    400: "BadRequest", 405: "Request_BadRequest", 413: "RequestEntityTooLarge",
    414: "UriTooLong", 501: "notImplemented",
}  # fmt: skip


def not_implemented(method: str, path: str) -> JSONResponse:
    """Return the 501 that names the path; a 404 or 500 would be retried by clients until they time out."""
    return border_refusal(path, 501, f"{method} {path} is not part of the sandbox")


def failed(method: str, path: str) -> JSONResponse:
    """Return the 501 of a handler that failed; clients would retry a 500 for minutes, and the log has the reason."""
    return border_refusal(path, 501, f"{method} {path} failed in the sandbox itself")


def method_not_allowed(method: str, path: str, allowed: Iterable[str]) -> JSONResponse:
    """Return the 405 of a path that has other methods, which it names."""
    names = ", ".join(sorted(allowed))
    titles = {
        "graph": "Specified HTTP method is not allowed for the request target.",
        "identity": f"AADSTS900561: The endpoint only accepts {names} requests. Received a {method} request.",
    }
    title = titles.get(service_of(path), f"{method} is not allowed for this path")
    return border_refusal(path, 405, title, {"allow": names})


def is_unplayed_by_graph(method: str, route: str) -> bool:
    """Say whether Graph may well have a method on a route of which the sandbox plays others only."""
    if service_of(route) != "graph":
        return False
    last = route.rpartition("/")[2]
    if last == "$ref":
        return method in {"GET", "POST", "PUT", "DELETE"}
    # One thing is read, changed and deleted; a collection is read and added to.
    return method in ({"GET", "PATCH", "DELETE"} if last.startswith("{") else {"GET", "POST"})


def border_refusal(path: str, status: int, title: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return a refusal of a request that reached no handler."""
    return JSONResponse(_envelope(path, status, title), status, headers)


def _envelope(path: str, status: int, title: str) -> dict[str, Any]:
    match service_of(path):
        case "control":
            return {"faults": [title]}
        case "graph":
            return {"error": {"code": _GRAPH_CODES[status], "message": title}}
        case "identity" if status != _UNPLAYED:
            told = (
                title if title.startswith("AADSTS") else f"AADSTS90013: Invalid input received from the user. {title}."
            )
            return {"error": "invalid_request", "error_description": told}
    # By analogy with HTTP-429, the one code of the gateway that the vendor publishes.
    return {"errors": [{"code": f"HTTP-{status}", "title": title}]}
