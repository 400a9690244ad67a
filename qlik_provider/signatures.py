"""How a tenant signs what it tells a webhook: HMAC with SHA-256 of the body, in hexadecimal; performs no I/O.

The key is a secret of both sides. It comes from the environment and is never written down.
https://qlik.dev/apis/event/verify-webhook-signatures-hmac
"""

import hashlib
import hmac
import os
import re
from collections.abc import Mapping

from qlik_provider.errors import CredentialsError

HEADER = "Qlik-Signature"
VARIABLE = "QLIK_WEBHOOK_SECRET"

# Nothing that a service would write otherwise when it repeats it, so it is always found and concealed.
_KEY = re.compile(r"[A-Za-z0-9._~+/=-]{16,}")


def read_secret(environment: Mapping[str, str] = os.environ) -> str:
    """Return the secret of the environment; raises CredentialsError where it is missing or unfit."""
    secret = environment.get(VARIABLE, "")
    if not secret:
        raise CredentialsError(VARIABLE, "is not set; tenant and listener share it: `openssl rand -hex 32` makes one")
    if not _KEY.fullmatch(secret):
        reason = "needs 16 characters or more, letters, digits and ._~+/=- only, as `openssl rand -hex 32` makes them"
        raise CredentialsError(VARIABLE, reason)
    return secret


def sign(secret: str, body: bytes) -> str:
    """Return the signature of a body."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_signed(secret: str, body: bytes, signature: str) -> bool:
    """Tell whether a signature, in any case, is the body's; how long that takes tells nothing."""
    return hmac.compare_digest(sign(secret, body).encode(), signature.lower().encode())
