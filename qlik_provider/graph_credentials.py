"""Who we are at Microsoft Graph: a token from the environment, one per process, by the flow that azuread takes."""

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline import PipelineResponse
from azure.identity import AzureCliCredential, CertificateCredential, ClientAssertionCredential, ClientSecretCredential

from qlik_provider.clouds import SERVICE, Cloud, read_cloud
from qlik_provider.errors import ApiError, CredentialsError, ServiceBroken
from qlik_provider.flows import (
    WAYS,
    AzureCli,
    Certificate,
    Flow,
    IdToken,
    ManagedIdentity,
    PipelineToken,
    Secret,
    choose_flow,
    read_id_token,
)
from qlik_provider.issuers import ask_machine, ask_pipeline
from qlik_provider.transport import TIMEOUT, asked_wait, attempts
from qlik_provider.wire import Issuer, Token, decipher, parse_body

# Our one line says what azure-identity would log beside it, where the output of the Azure CLI may hold a token.
logging.getLogger("azure").addHandler(logging.NullHandler())
_IDENTITY = logging.getLogger("azure.identity")
_IDENTITY.addHandler(logging.NullHandler())
_IDENTITY.propagate = False

_RENEWAL = 300.0  # seconds before expiry at which a token is renewed
_TOKEN = re.compile(r"ey[\w-]{8,}(\.[\w-]*)*")


class GraphTokens:
    """The identity that azuread has with the same variables: an application, the machine, or who uses the Azure CLI.

    https://registry.terraform.io/providers/hashicorp/azuread/latest/docs#authenticating-to-azure-active-directory
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.flow = choose_flow(environment)
        cloud = read_cloud(environment)
        self.url, self.now = cloud.graph, cloud.now
        self._authority = cloud.authority
        self._credential = _open_credential(self.flow, cloud, environment.get("SSL_CERT_FILE", ""))
        self._lock = threading.Lock()
        self._kept = AccessToken("", 0)

    def token(self) -> str:
        """Return a token, kept until shortly before it ends, asked for by one caller at a time."""
        with self._lock:
            if time.time() >= self._kept.expires_on - _RENEWAL:
                self._kept = self._fetch()
            return self._kept.token

    def renew(self, refused: str) -> None:
        """Return None: a token that was just given and that Graph refuses is not mended by another."""

    def _fetch(self) -> AccessToken:
        variables = self.flow.variables
        try:
            for attempt in attempts():
                with attempt:
                    return self._ask_for_token()
        except AzureError as error:
            reason = _TOKEN.sub("(concealed)", " ".join(str(error.message).split()).split(" Trace ID")[0])
            if isinstance(self.flow, AzureCli):
                hint = "" if self.flow.is_asked_for else f"; {WAYS}"
                # What the Azure CLI printed stands in the cause, a token perhaps.
                raise CredentialsError(variables, f"the Azure CLI gives no token: {reason}{hint}") from None
            raise CredentialsError(variables, reason) from error
        except ApiError as error:
            # Of another kind, so that whoever needed the token does not wait for the service once more.
            raise CredentialsError(variables, f"the directory gives no token: {error.path}: {error.reason}") from error
        raise AssertionError("unreachable")

    def _ask_for_token(self) -> AccessToken:
        """Return what azure-identity gives; raises the ApiError behind its error, where there is one."""
        try:
            return self._credential.get_token(f"{self.url}/.default")
        except AzureError as error:
            for cause in (error, error.__cause__):
                if isinstance(cause, ServiceRequestError | ServiceResponseError):
                    host = urlsplit(self._authority).netloc
                    raise ServiceBroken(SERVICE, "POST", "/oauth2/v2.0/token", f"no answer from {host}") from error
                if isinstance(cause, ApiError):
                    raise cause from error
            raise


class _MachineCredential:
    """A managed identity, in the form of azure-identity's credentials."""

    def __init__(self, flow: ManagedIdentity, graph: str) -> None:
        self._flow = flow
        self._graph = graph

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        """Return a token for Graph; raises CredentialsError."""
        began = int(time.time())
        token, seconds = ask_machine(self._flow, self._graph)
        return AccessToken(token, began + seconds)


def _open_credential(flow: Flow, cloud: Cloud, authorities: str) -> TokenCredential:
    """Return what asks for tokens; raises CredentialsError for an archive without a usable certificate."""
    if isinstance(flow, ManagedIdentity):
        return _MachineCredential(flow, cloud.graph)
    if isinstance(flow, AzureCli):
        return AzureCliCredential(tenant_id=flow.tenant_id, process_timeout=int(TIMEOUT.read or 0))
    options: dict[str, Any] = {
        "authority": cloud.authority,
        "disable_instance_discovery": not cloud.is_public,
        "connection_verify": authorities or True,
        # Left to itself azure-identity waits five minutes for an answer, and as long as a Retry-After asks for.
        "connection_timeout": TIMEOUT.connect,
        "read_timeout": TIMEOUT.read,
        "retry_total": 0,
        "raw_response_hook": _refuse_unusable,
    }
    try:
        return _open_application(flow, options)
    except ValueError as error:
        raise CredentialsError("ARM_METADATA_HOSTNAME", str(error).splitlines()[0]) from None


def _open_application(
    flow: Secret | Certificate | IdToken | PipelineToken, options: Mapping[str, Any]
) -> TokenCredential:
    if isinstance(flow, Secret):
        return ClientSecretCredential(flow.tenant_id, flow.client_id, flow.secret, **options)
    if isinstance(flow, Certificate):
        return _open_certificate(flow, options)
    return ClientAssertionCredential(flow.tenant_id, flow.client_id, _assert_by(flow), **options)


def _assert_by(flow: IdToken | PipelineToken) -> Callable[[], str]:
    return lambda: read_id_token(flow) if isinstance(flow, IdToken) else ask_pipeline(flow)


def _open_certificate(flow: Certificate, options: Mapping[str, Any]) -> TokenCredential:
    if b"-----BEGIN" in flow.archive:
        raise CredentialsError("ARM_CLIENT_CERTIFICATE", "is a PEM file; azuread reads a PKCS#12 archive (.pfx) only")
    try:
        return CertificateCredential(
            flow.tenant_id,
            flow.client_id,
            certificate_data=flow.archive,
            password=flow.password or None,
            **options,
        )
    except ValueError as error:
        # Whether the password is wrong or the archive is none, the library does not tell.
        hint = "see whether ARM_CLIENT_CERTIFICATE_PASSWORD opens it" if "PKCS12" in str(error) else str(error)
        raise CredentialsError("ARM_CLIENT_CERTIFICATE", f"is no usable PKCS#12 archive: {hint}") from None


def _refuse_unusable(answer: PipelineResponse[Any, Any]) -> None:
    """Raise the ApiError of an answer that azure-identity would misread, or print with the token in it.

    Left to it are refusals in OAuth's words, and the absence of a directory.
    """
    asked, given = answer.http_request, answer.http_response
    headers = {name: given.headers[name] for name in ("Content-Type", "Retry-After") if name in given.headers}
    request = httpx.Request(asked.method, asked.url)
    response = httpx.Response(given.status_code, headers=headers, content=given.read())
    try:
        body = decipher(SERVICE, request, response)
    except ServiceBroken as error:
        error.wait = asked_wait(response)
        raise
    except ApiError:
        if response.is_client_error and (asked.method == "GET" or _is_refusal(response)):
            return
        raise
    parse_body(SERVICE, asked.method, request.url.path, body, Token if asked.method == "POST" else Issuer)


def _is_refusal(response: httpx.Response) -> bool:
    """Tell whether a body has the words of OAuth (https://www.rfc-editor.org/rfc/rfc6749#section-5.2)."""
    try:
        body = response.json()
    except ValueError:
        return False
    return isinstance(body, Mapping) and isinstance(body.get("error"), str)
