"""What a client shows instead of a secret: a JWT that it signed itself, or one of an issuer that it trusts."""

import base64
import binascii
import json
import time
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import Certificate, load_pem_x509_certificate
from starlette.requests import Request

from sandbox.answers import Refusal, base_url, sandbox_of
from sandbox.directory.errors import login_refusal

BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def check_assertion(request: Request, client: dict[str, Any], form: dict[str, str]) -> None:
    """Raise the refusal of an assertion that does not prove this client.

    https://learn.microsoft.com/entra/identity-platform/certificate-credentials
    https://learn.microsoft.com/entra/workload-id/workload-identity-federation
    """
    if form.get("client_assertion_type") != BEARER:
        message = f"The client assertion type must be '{BEARER}'."
        raise login_refusal(sandbox_of(request).clock, 400, "invalid_request", 700002, message)
    try:
        token = _Token(form["client_assertion"])
    except (ValueError, binascii.Error, AttributeError):
        raise _refuse(request, 50027, "JWT token is invalid or malformed.") from None
    # Both kinds are signed by machines outside, which know the real time and nothing of the sandbox's clock.
    if not token.claims.get("nbf", 0) - 300 <= time.time() < token.claims.get("exp", 0):
        raise _refuse(request, 700024, "Client assertion is not within its valid time range.")
    if token.claims.get("iss") == client["id"]:
        _check_certificate(request, client, token)
    else:
        _check_federation(request, client, token)


def _check_certificate(request: Request, client: dict[str, Any], token: "_Token") -> None:
    if token.claims.get("sub") != client["id"]:
        raise _refuse(request, 700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
    endpoints = {f"{base_url(request)}{request.url.path}", f"{base_url(request)}/{request.path_params['tenant']}/v2.0"}
    if token.claims.get("aud") not in endpoints:
        raise _refuse(request, 700023, "Client assertion audience claim does not match Realm issuer.")
    registered = (load_pem_x509_certificate(text.encode()) for text in client.get("certificates", []))
    named = next((certificate for certificate in registered if token.names(certificate)), None)
    if named is None:
        message = "The certificate with identifier used to sign the client assertion is not registered on application."
        raise _refuse(request, 700027, message)
    if not token.is_signed_by(named.public_key()):
        raise _refuse(request, 700027, "Client assertion failed signature validation.")


def _check_federation(request: Request, client: dict[str, Any], token: "_Token") -> None:
    claims, trusted = token.claims, client.get("federatedCredentials", [])
    for code, name, wanted in ((700211, "issuer", "iss"), (700213, "subject", "sub")):
        trusted = [credential for credential in trusted if credential[name] == claims.get(wanted)]
        if not trusted:
            message = f"No matching federated identity record found for presented assertion {name}"
            raise _refuse(request, code, f"{message} '{claims.get(wanted)}'.")
    if not any(claims.get("aud") in credential["audiences"] for credential in trusted):
        message = f"No matching federated identity record found for presented assertion audience '{claims.get('aud')}'."
        raise _refuse(request, 700212, message)
    if not any(token.is_signed_by(load_pem_public_key(credential["key"].encode())) for credential in trusted):
        raise _refuse(request, 50013, "Assertion failed signature validation.")


def _refuse(request: Request, code: int, message: str) -> Refusal:
    return login_refusal(sandbox_of(request).clock, 401, "invalid_client", code, message)


class _Token:
    """A JWT; ValueError for a text that is none."""

    def __init__(self, text: str) -> None:
        self._signed, _, signature = text.rpartition(".")
        head, claims = (json.loads(_decode(part)) for part in self._signed.split("."))
        self._head, self.claims = dict(head), dict(claims)
        self._signature = _decode(signature)

    def names(self, certificate: Certificate) -> bool:
        """Tell whether the head carries the certificate's thumbprint; azuread writes it as the key's id."""
        thumbprints = {certificate.fingerprint(SHA1()), certificate.fingerprint(SHA256())}  # noqa: S303 a name, no proof
        written = (self._head.get(name) for name in ("x5t", "x5t#S256", "kid"))
        return any(_decode(text) in thumbprints for text in written if isinstance(text, str))

    def is_signed_by(self, key: Any) -> bool:
        """Tell whether the signature is of this key."""
        if not isinstance(key, RSAPublicKey):
            return False
        paddings = {"RS256": PKCS1v15(), "PS256": PSS(MGF1(SHA256()), PSS.DIGEST_LENGTH)}
        padding = paddings.get(self._head.get("alg", ""))
        if padding is None:
            return False
        try:
            key.verify(self._signature, self._signed.encode(), padding, SHA256())
        except InvalidSignature:
            return False
        return True


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part.rstrip("=") + "=" * (-len(part.rstrip("=")) % 4))
