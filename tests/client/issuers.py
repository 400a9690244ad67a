"""Whoever gives tokens beside the directory: a pipeline of GitHub and of Azure DevOps, a machine, and their keys."""

import base64
import datetime as dt
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PublicFormat,
    pkcs12,
)

ISSUER, SUBJECT = "https://issuer.contoso.test", "repo:contoso/licenses:ref:refs/heads/main"
AUDIENCE = "api://AzureADTokenExchange"
REQUEST_TOKEN, CERTIFICATE_PASSWORD = "sandbox-request-token", "sandbox-certificate-password"
CONNECTION = "55555555-5555-4555-8555-555555555555"
GITHUB = "/contoso/_apis/distributedtask/hubs/Actions/plans/p/jobs/j/idtoken"
DEVOPS = "/contoso/licenses/_apis/distributedtask/hubs/build/plans/p/jobs/j/oidctoken"
MACHINE = "/metadata/identity/oauth2/token"


class Key:
    """A private key, its certificate, and what it signs."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @cached_property
    def certificate(self) -> x509.Certificate:
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "licenses.contoso.test")])
        now = dt.datetime.now(dt.UTC)
        builder = x509.CertificateBuilder(name, name, self._key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
        return builder.sign(self._key, hashes.SHA256())

    @property
    def certificate_pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def public_pem(self) -> str:
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def archive(self, password: str = "") -> bytes:
        """Return the PKCS#12 archive of the key and its certificate."""
        encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        return pkcs12.serialize_key_and_certificates(b"licenses", self._key, self.certificate, None, encryption)

    def sign(self, **claims: object) -> str:
        """Return an ID token of the issuer for the pipeline, or one with other claims."""
        now = int(time.time())
        told = {"iss": ISSUER, "sub": SUBJECT, "aud": AUDIENCE, "nbf": now, "exp": now + 600, **claims}
        signed = f"{_encode({'alg': 'RS256', 'typ': 'JWT'})}.{_encode(told)}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _encode(part: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


@dataclass
class Issuers:
    """A server on loopback; `answers` are what it says next, before it does its work."""

    url: str
    key: Key
    machine_token: str = ""
    answers: list[tuple[int, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def answer(self, method: str, target: str, headers: dict[str, str]) -> tuple[int, str]:
        """Return status and body."""
        path, query = urlsplit(target).path, dict(parse_qsl(urlsplit(target).query))
        self.asked.append(f"{method} {path}")
        if self.answers:
            return self.answers.pop(0)
        if path == MACHINE:
            return self._answer_machine(headers, query)
        if headers.get("authorization") != f"Bearer {REQUEST_TOKEN}":
            return 401, json.dumps({"message": "Bad credentials"})
        audience = query.get("audience", "")
        if (method, path) == ("GET", GITHUB):
            return 200, json.dumps({"count": 1, "value": self.key.sign(aud=audience)})
        if (method, path) == ("POST", DEVOPS) and query.get("serviceConnectionId") == CONNECTION:
            assert query["api-version"] == "7.1"
            return 200, json.dumps({"oidcToken": self.key.sign(aud=audience)})
        return 404, json.dumps({"message": "No such job"})

    def _answer_machine(self, headers: dict[str, str], query: dict[str, str]) -> tuple[int, str]:
        if headers.get("metadata") != "true":
            return 400, json.dumps({"error": "invalid_request", "error_description": "Required metadata header"})
        if query.get("client_id", "") not in {"", "22222222-2222-2222-2222-222222222222"}:
            return 400, json.dumps({"error": "invalid_request", "error_description": "Identity not found"})
        assert (query["api-version"], query["resource"].startswith("https://")) == ("2018-02-01", True)
        token = {"access_token": self.machine_token, "expires_in": "3599", "token_type": "Bearer"}
        return 200, json.dumps(token)


@contextmanager
def serve_issuers(key: Key, certificate: Path | None = None) -> Iterator[Issuers]:
    """Yield issuers on loopback, over TLS where there is a certificate."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, body = issuers.answer(self.command, self.path, headers)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET  # noqa: N815 the name http.server calls

        def log_message(self, *_: object) -> None:
            """Say nothing: the tests look at what was asked."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if certificate is None else "https"
    issuers = Issuers(f"{scheme}://127.0.0.1:{server.server_port}", key)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield issuers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
