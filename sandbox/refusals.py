"""The 501 for whatever the sandbox does not implement, naming the path."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


async def refuse(request: Request) -> JSONResponse:
    """Return 501; a 404 or 500 would be retried by clients until they time out."""
    return not_implemented(request.method, request.url.path)


def not_implemented(method: str, path: str) -> JSONResponse:
    """Return the 501 in the envelope of the service the path belongs to."""
    title = f"{method} {path} is not part of the sandbox"
    if path.startswith(("/v1.0/", "/beta/")):
        return JSONResponse({"error": {"code": "notImplemented", "message": title}}, status_code=501)
    return JSONResponse({"errors": [{"code": "HTTP-501", "title": title}]}, status_code=501)


# The last route of all: it takes every path and method that no other one has taken.
REFUSE_ALL = Route("/{path:path}", refuse, methods=_METHODS)
