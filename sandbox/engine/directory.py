"""The sandbox directory as the azuread plugin reaches it: metadata, token, Graph."""

import base64
import json
import os
import ssl
from http import HTTPStatus
from typing import Any

import httpx

from sandbox.engine.refusals import ProviderFailure
from sandbox.loopback import is_loopback

SECRET_VARIABLES = ("ARM_TENANT_ID", "ARM_CLIENT_ID", "ARM_CLIENT_SECRET")


class Directory:
    """Microsoft Graph with an application's token; every answer that is no success raises `ProviderFailure`.

    The metadata document says where login and Graph are: entra.md 1.2, 1.4.
    """

    def __init__(self, metadata_host: str) -> None:
        host = metadata_host or os.environ.get("ARM_METADATA_HOSTNAME", "")
        missing = [name for name in SECRET_VARIABLES if not os.environ.get(name)]
        if not host or missing:
            names = ", ".join([*missing, *["ARM_METADATA_HOSTNAME"] * (not host)])
            raise ProviderFailure(f"azuread resources need a sandbox directory: {names} not set")
        self._http = httpx.Client(verify=ssl.create_default_context(), trust_env=False, timeout=60)
        metadata = self._send("GET", f"https://{host}/metadata/endpoints?api-version=2022-09-01", "metadata")
        graph = str(metadata["microsoftGraphResourceId"]).rstrip("/")
        login = str(metadata["authentication"]["loginEndpoint"])
        for url in (graph, login):
            if not is_loopback(url):
                raise ProviderFailure(f"{url} in the metadata document is not a sandbox on loopback")
        self.base = f"{graph}/beta"
        token = self._fetch_token(login, graph)
        self._http.headers["Authorization"] = f"Bearer {token}"
        self.caller = _read_claims(token)["oid"]

    def get(self, path: str, what: str) -> Any:
        """Return a resource, None when there is none."""
        return self._send("GET", self.base + path, what, may_be_missing=True)

    def list(self, path: str, what: str) -> list[Any]:
        """Return all pages of a collection."""
        found: list[Any] = []
        url = self.base + path
        while url:
            page = self._send("GET", url, what)
            found += page["value"]
            url = page.get("@odata.nextLink", "")
        return found

    def post(self, path: str, body: dict[str, Any], what: str) -> Any:
        """Return what was created."""
        return self._send("POST", self.base + path, what, json=body)

    def patch(self, path: str, body: dict[str, Any], what: str) -> None:
        """Change a resource."""
        self._send("PATCH", self.base + path, what, json=body)

    def delete(self, path: str, what: str) -> None:
        """Delete a resource or a reference."""
        self._send("DELETE", self.base + path, what)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _fetch_token(self, login: str, graph: str) -> str:
        tenant, client, secret = (os.environ[name] for name in SECRET_VARIABLES)
        form = {"client_id": client, "client_secret": secret, "grant_type": "client_credentials"}
        form["scope"] = f"{graph}/.default"
        return str(self._send("POST", f"{login}/{tenant}/oauth2/v2.0/token", "token", data=form)["access_token"])

    def _send(self, method: str, url: str, what: str, *, may_be_missing: bool = False, **body: Any) -> Any:
        try:
            answer = self._http.request(method, url, **body)
        except httpx.HTTPError as error:
            raise ProviderFailure(f"{what}: {error}") from error
        if may_be_missing and answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if not answer.is_success:
            status = f"{answer.status_code} ({answer.status_code} {answer.reason_phrase})"
            raise ProviderFailure(f"{what}: unexpected status {status} with error: {_read_error(answer)}")
        return answer.json() if answer.content else None


def _read_claims(token: str) -> dict[str, Any]:
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def _read_error(answer: httpx.Response) -> str:
    try:
        error = answer.json()["error"]
        return f"{error['code']}: {error['message']}"
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
