"""Who we are at Qlik Cloud: a token from the environment, one per process; and how any token signs a request."""

import os
import threading
import time
from collections.abc import Callable, Generator, Mapping
from typing import Protocol

import httpx

from qlik_provider.errors import ApiError, CredentialsError
from qlik_provider.transport import open_http, send
from qlik_provider.wire import Token, parse_body

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
