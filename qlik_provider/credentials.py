"""Who we are at the two services: tokens from the environment, one per process and service."""

import logging
import os
import threading
import time
from collections.abc import Callable, Generator, Mapping
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx
from azure.core.exceptions import AzureError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline import PipelineResponse
from azure.identity import ClientSecretCredential

from qlik_provider.errors import ApiError, CredentialsError, ServiceBroken
from qlik_provider.transport import TIMEOUT, asked_wait, attempts, open_http, read_date, refuse_bad_url, send
from qlik_provider.wire import Issuer, Metadata, Token, decipher, parse_body

# Our one line says what azure-identity would log beside it.
logging.getLogger("azure").addHandler(logging.NullHandler())

SERVICE = "entra"
PUBLIC_METADATA = "management.azure.com"
_RENEWAL = 300.0  # seconds before expiry at which a token is renewed


class TokenSource(Protocol):
    """Where bearer tokens come from."""

    def token(self) -> str:
        """Return a token that is not about to expire."""

    def renew(self, refused: str) -> str | None:
        """Return another token than the one that was refused, or None where there is no other."""


class BearerAuth(httpx.Auth):
    """Signs requests with the token of a source, and once more with a new one after a 401."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign, send, and sign again after a refusal."""
        token = self._source.token()
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == httpx.codes.UNAUTHORIZED and (renewed := self._source.renew(token)):
            request.headers["Authorization"] = f"Bearer {renewed}"
            yield request


class ApiKey:
    """An API key of Qlik Cloud: the token itself (https://qlik.dev/authenticate/api-key)."""

    def __init__(self, key: str) -> None:
        self._key = key

    def token(self) -> str:
        """Return the key."""
        return self._key

    def renew(self, refused: str) -> None:
        """Return None: nobody but a person can renew a key."""


class ClientCredentials:
    """A machine-to-machine client of Qlik Cloud (https://qlik.dev/apis/rest/oauth).

    Minting is a write of the rate limits and tokens are limited in number, so one is kept until shortly before it ends.
    """

    def __init__(
        self, tenant: str, client_id: str, client_secret: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._tenant = tenant
        self._client_id = client_id
        self._client_secret = client_secret
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._ends = 0.0

    def token(self) -> str:
        """Return the token of this process, minted when there is none or it is about to end."""
        with self._lock:
            return self._token if self._clock() < self._ends else self._mint()

    def renew(self, refused: str) -> str:
        """Return a token minted after `refused`, once for everybody to whom it was refused."""
        with self._lock:
            return self._token if self._token != refused else self._mint()

    def _mint(self) -> str:
        body = {
            "client_id": self._client_id,
            "client_secret": self._client_secret,
            "grant_type": "client_credentials",
        }
        with open_http(self._tenant, None) as http:
            try:
                answer = send("qlik", http, http.build_request("POST", "/oauth/token", json=body))
            except ApiError as error:
                if error.status in {400, 401, 403}:
                    reason = f"the tenant does not accept this client: {error.reason}"
                    raise CredentialsError("QLIK_CLIENT_ID, QLIK_CLIENT_SECRET", reason) from error
                # Of another kind, so that whoever needed the token does not wait for the service once more.
                raise CredentialsError("qlik:tenant", f"the tenant gives no token: {error.reason}") from error
        token = parse_body("qlik", "POST", "/oauth/token", answer, Token)
        self._token = token.access_token
        self._ends = self._clock() + token.expires_in - _RENEWAL
        return self._token


def qlik_tokens(tenant: str, environment: Mapping[str, str] = os.environ) -> TokenSource:
    """Return the source of tokens that the environment asks for; raises CredentialsError naming what to set."""
    key = environment.get("QLIK_API_KEY", "")
    client_id, secret = environment.get("QLIK_CLIENT_ID", ""), environment.get("QLIK_CLIENT_SECRET", "")
    if key and (client_id or secret):
        raise CredentialsError("QLIK_API_KEY", "set either it or QLIK_CLIENT_ID and QLIK_CLIENT_SECRET, not both")
    if key:
        return ApiKey(key)
    for name, value in (("QLIK_CLIENT_ID", client_id), ("QLIK_CLIENT_SECRET", secret)):
        if not value:
            raise CredentialsError(name, "is not set; set it with its pair, or set QLIK_API_KEY")
    return ClientCredentials(tenant, client_id, secret)


class GraphTokens:
    """A service principal of Microsoft Entra, from the variables that azuread reads.

    https://registry.terraform.io/providers/hashicorp/azuread/latest/docs/guides/service_principal_client_secret
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        names = ("ARM_TENANT_ID", "ARM_CLIENT_ID", "ARM_CLIENT_SECRET")
        for name in names:
            if not environment.get(name):
                raise CredentialsError(name, "is not set; the directory is read as a client with a secret")
        host = environment.get("ARM_METADATA_HOSTNAME") or PUBLIC_METADATA
        metadata, self.now = _read_metadata(host)
        tenant_id, client_id, client_secret = (environment[name] for name in names)
        self.url = metadata.microsoft_graph_resource_id.rstrip("/")
        self._authority = metadata.authentication.login_endpoint
        self._lock = threading.Lock()
        try:
            self._credential = ClientSecretCredential(
                tenant_id,
                client_id,
                client_secret,
                authority=self._authority,
                disable_instance_discovery=host != PUBLIC_METADATA,
                connection_verify=environment.get("SSL_CERT_FILE") or True,
                # Left to itself azure-identity waits five minutes for an answer, and as long as a Retry-After asks for.
                connection_timeout=TIMEOUT.connect,
                read_timeout=TIMEOUT.read,
                retry_total=0,
                raw_response_hook=_refuse_unusable,
            )
        except ValueError as error:
            raise CredentialsError("ARM_TENANT_ID, ARM_METADATA_HOSTNAME", str(error).splitlines()[0]) from None

    def token(self) -> str:
        """Return a token; azure-identity keeps it and renews it before it ends, for one caller at a time."""
        variables = "ARM_TENANT_ID, ARM_CLIENT_ID, ARM_CLIENT_SECRET"
        try:
            with self._lock:
                for attempt in attempts():
                    with attempt:
                        return self._ask_for_token()
        except AzureError as error:
            reason = " ".join(str(error.message).split()).split(" Trace ID")[0]
            raise CredentialsError(variables, reason) from error
        except ApiError as error:
            # Of another kind, so that whoever needed the token does not wait for the service once more.
            raise CredentialsError(variables, f"the directory gives no token: {error.path}: {error.reason}") from error
        raise AssertionError("unreachable")

    def _ask_for_token(self) -> str:
        """Return what azure-identity gives; raises the ApiError behind its error, where there is one."""
        try:
            return self._credential.get_token(f"{self.url}/.default").token
        except AzureError as error:
            cause = error.__cause__ or error
            if isinstance(cause, ServiceRequestError | ServiceResponseError):
                host = urlsplit(self._authority).netloc
                raise ServiceBroken(SERVICE, "POST", "/oauth2/v2.0/token", f"no answer from {host}") from error
            if isinstance(cause, ApiError):
                raise cause from error
            raise

    def renew(self, refused: str) -> None:
        """Return None: a token that azure-identity holds for good and Graph refuses is not mended by another."""


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


def _read_metadata(host: str) -> tuple[Metadata, datetime]:
    """Return the endpoints of a cloud and its time."""
    path, variable = "/metadata/endpoints", "ARM_METADATA_HOSTNAME"
    refuse_bad_url(variable, f"https://{host}")
    dates: list[datetime] = []

    def note_date(response: httpx.Response) -> None:
        dates.append(read_date(response))

    with open_http(f"https://{host}", None) as http:
        request = http.build_request("GET", path, params={"api-version": "2022-09-01"})
        try:
            metadata = parse_body(SERVICE, "GET", path, send(SERVICE, http, request, look=note_date), Metadata)
        except ApiError as error:
            raise CredentialsError(variable, f"{host} does not describe a cloud: {error}") from error
    refuse_bad_url(variable, metadata.microsoft_graph_resource_id)
    return metadata, dates[-1]
