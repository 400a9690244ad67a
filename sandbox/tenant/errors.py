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


def groups_refusal(status: int, title: str, code: str | None = None) -> Refusal:
    """Return a refusal in the shape of users'."""
    return users_refusal(status, title, code or f"GROUPS-{status}")


def tenants_refusal(status: int, title: str) -> Refusal:
    """Return a refusal whose status is a string, and with a trace id."""
    item = {"code": f"TENANTS-{status}", "title": title, "status": str(status)}
    return Refusal(status, {"errors": [item], "traceId": secrets.token_hex(16)})


def roles_refusal(status: int, title: str, code: str | None = None) -> Refusal:
    """Return a refusal without a status in its item."""
    item = {"code": code or f"IDENTITIES-{status}", "title": title}
    return Refusal(status, {"errors": [item], "traceId": secrets.token_hex(16)})


def spaces_refusal(status: int, title: str, code: str | None = None) -> Refusal:
    """Return a refusal with the deprecated top-level fields of the spaces service."""
    item = {"code": code or f"SPACES-{status}", "title": title}
    return Refusal(status, {"errors": [item], **item, "traceId": secrets.token_hex(16)})


def audits_refusal(status: int, title: str, code: str | None = None) -> Refusal:
    """Return a refusal of the audits service."""
    return Refusal(status, {"errors": [{"code": code or f"AUDITS-{status}", "title": title}], "traceId": _trace()})


def webhooks_refusal(status: int, title: str, code: str | None = None) -> Refusal:
    """Return a refusal of the webhooks service."""
    return Refusal(status, {"errors": [{"code": code or f"WEBHOOKS-{status}", "title": title}], "traceId": _trace()})


def keys_refusal(status: int, title: str, code: str | None = None) -> Refusal:
    """Return a refusal of the API keys service, with a numeric status."""
    return Refusal(status, {"errors": [{"code": code or f"APIKEYS-{status}", "title": title, "status": status}]})


def providers_refusal(status: int, title: str, code: str | None = None) -> Refusal:
    """Return a refusal of the identity providers service, with a numeric status."""
    return Refusal(status, {"errors": [{"code": code or f"IDPS-{status}", "title": title, "status": status}]})


def clients_refusal(status: int, title: str, code: str | None = None) -> Refusal:
    """Return a refusal of the OAuth clients service."""
    return Refusal(status, {"errors": [{"code": code or f"OAUTH-CLIENTS-{status}", "title": title}]})


def _trace() -> str:
    return secrets.token_hex(16)


def oauth_refusal(status: int, title: str) -> Refusal:
    """Return a refusal whose status is a string."""
    return Refusal(status, {"errors": [{"code": f"OAUTH-{status}", "title": title, "status": str(status)}]})
