"""A client that proves who it is by a signed JWT instead of a secret (private_key_jwt, RFC 7523)."""

import base64
import binascii
import json
from typing import Any

from sandbox.documents import Document

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHMS = {"RS256", "RS512", "ES384"}
_PARTS = 3


def is_assertion_of(client: Document, text: str, now: float) -> bool:
    """Say whether a JWT has the form the client must send: its name, a known key, and time left.

    The signature is not checked: the sandbox keeps out nobody but whoever has forgotten something.
    """
    parts = text.split(".")
    if "private_key_jwt" not in client["allowedAuthMethods"] or len(parts) != _PARTS or not parts[2]:
        return False
    header, claims = _read(parts[0]), _read(parts[1])
    known = {key.get("kid") for key in client["publicKeys"]}
    expires = claims.get("exp")
    return (
        header.get("alg") in _ALGORITHMS
        and (not known or header.get("kid") in known)
        and claims.get("iss") == claims.get("sub") == client["id"]
        and isinstance(expires, int | float)
        and expires > now
    )


def _read(part: str) -> dict[str, Any]:
    """Return a part of a JWT, or nothing for one that is no JSON object."""
    try:
        content = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
