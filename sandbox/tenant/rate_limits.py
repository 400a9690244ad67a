"""Requests counted for their caller, and refused when they are too many (qlik-api.md 1.3, Appendix B7)."""

from starlette.requests import Request

from sandbox.answers import Refusal, sandbox_of
from sandbox.routing import Operation
from sandbox.state import Sandbox


def charge(request: Request, caller: str) -> None:
    """Count a request for its caller once, or raise 429 where its tier has nothing left."""
    operation: Operation | None = request.scope.get("operation")
    sandbox = sandbox_of(request)
    if operation is None or not operation.tier or not sandbox.limits.is_on or "charged" in request.scope:
        return
    request.scope["charged"] = True
    wait = sandbox.limits.take(
        caller,
        operation.tier,
        operation.path,
        sandbox.clock.seconds(),
        lambda: _count_users(sandbox),
        fixed=sandbox.switch("rate-limit-window") == "fixed",
    )
    if wait:
        raise rate_limit_refusal(wait)


def rate_limit_refusal(seconds: int) -> Refusal:
    """Return the 429 that every service of the tenant gives."""
    detail = f"You need to wait {seconds} seconds until limit is lifted."
    error = {"code": "HTTP-429", "title": "API rate limit reached.", "detail": detail}
    return Refusal(429, {"errors": [error]}, {"retry-after": str(seconds)})


def _count_users(sandbox: Sandbox) -> int:
    count: int = sandbox.db.execute("SELECT count(*) FROM users").fetchone()[0]
    return count
