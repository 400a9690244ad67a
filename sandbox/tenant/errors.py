"""The tenant's errors, in the shape of the service that answers (qlik-api.md 1.2, Appendix B7)."""

import secrets

from sandbox.answers import Refusal

# The vendor publishes no catalogue of codes; those of status 400, 401 and 403 are the sandbox's own.


def licenses_refusal(status: int, title: str, code: str | None = None) -> Refusal:
    """Return a refusal with the deprecated top-level fields of the licenses service."""
    item = {"code": code or f"LICENSES-{status}", "title": title}
    return Refusal(status, {"error": "util.Error", "errors": [item], "message": title})


def users_refusal(status: int, title: str, code: str | None = None) -> Refusal:
    """Return a refusal with a numeric status and a trace id."""
    item = {"code": code or f"USERS-{status}", "title": title, "status": status}
    return Refusal(status, {"errors": [item], "traceId": secrets.token_hex(16)})


def roles_refusal(status: int, title: str, code: str | None = None) -> Refusal:
    """Return a refusal without a status in its item."""
    item = {"code": code or f"IDENTITIES-{status}", "title": title}
    return Refusal(status, {"errors": [item], "traceId": secrets.token_hex(16)})


def spaces_refusal(status: int, title: str, code: str | None = None) -> Refusal:
    """Return a refusal with the deprecated top-level fields of the spaces service."""
    item = {"code": code or f"SPACES-{status}", "title": title}
    return Refusal(status, {"errors": [item], **item, "traceId": secrets.token_hex(16)})


def oauth_refusal(status: int, title: str) -> Refusal:
    """Return a refusal whose status is a string."""
    return Refusal(status, {"errors": [{"code": f"OAUTH-{status}", "title": title, "status": str(status)}]})
