"""The services a sandbox plays, and which of them a path belongs to."""

from typing import Literal

Service = Literal["qlik", "graph", "identity", "control"]

_SERVER_METADATA = "/.well-known/oauth-authorization-server"  # of the tenant, though outside of its paths


def service_of(path: str) -> Service:
    """Return the service a path belongs to."""
    if path.startswith("/_sandbox"):
        return "control"
    if path.startswith(("/v1.0/", "/beta/")):
        return "graph"
    return "qlik" if path.startswith(("/api/", "/oauth/", _SERVER_METADATA)) else "identity"
