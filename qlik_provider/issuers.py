"""Tokens of the machine a program runs on: of its pipeline, and of its own identity."""

import re
from collections.abc import Callable

import httpx

from qlik_provider.clouds import SERVICE
from qlik_provider.errors import ApiError, CredentialsError, ServiceBroken
from qlik_provider.flows import ManagedIdentity, PipelineToken
from qlik_provider.transport import is_read, open_http, refuse_bad_url, send
from qlik_provider.wire import DevOpsToken, GitHubToken, MachineToken, parse_body

_AUDIENCE = "api://AzureADTokenExchange"
_MACHINE = "http://169.254.169.254/metadata/identity/oauth2/token"
_UPDATE = 70.0  # seconds at most that the endpoint of a machine is away for its update
_ENDPOINT = re.compile(r"https?://[^/?#\s]+[^?#\s]*")


def ask_pipeline(flow: PipelineToken) -> str:
    """Return an ID token of a pipeline; raises CredentialsError.

    https://docs.github.com/actions/concepts/security/openid-connect
    https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create
    """
    refuse_bad_url("ARM_OIDC_REQUEST_URL", flow.url)
    url = httpx.URL(flow.url)
    wanted = {"audience": _AUDIENCE}
    if flow.connection:
        wanted |= {"api-version": "7.1", "serviceConnectionId": flow.connection}
    missing = {name: value for name, value in wanted.items() if not url.params.get(name)}
    headers = {"Accept": "application/json", "Authorization": f"Bearer {flow.bearer}"}
    method = "POST" if flow.connection else "GET"
    try:
        with open_http("", None) as http:
            request = http.build_request(method, url.copy_merge_params(missing), headers=headers)
            if not is_read(request):
                raise CredentialsError("ARM_OIDC_REQUEST_URL", f"{url.host}{url.path} is no address of an ID token")
            body = send(SERVICE, http, request)
        if flow.connection:
            return parse_body(SERVICE, method, url.path, body, DevOpsToken).oidc_token
        return parse_body(SERVICE, method, url.path, body, GitHubToken).value
    except ApiError as error:
        reason = f"the pipeline gives no ID token: {error.path}: {error.reason}"
        raise CredentialsError("ARM_OIDC_REQUEST_URL, ARM_OIDC_REQUEST_TOKEN", reason) from error


def ask_machine(flow: ManagedIdentity, graph: str) -> tuple[str, int]:
    """Return a token for Graph of the machine's identity, and the seconds it lasts; raises CredentialsError.

    As azuread asks for it, and not as azure-identity would: that one goes by further variables to other endpoints,
    and so to another identity.

    https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
    """
    url = flow.endpoint or _MACHINE
    if not _ENDPOINT.fullmatch(url):
        raise CredentialsError("ARM_MSI_ENDPOINT", f"{url!r} is no URL; write http:// and the address of the tokens")
    params = {"api-version": "2018-02-01", "resource": graph} | (
        {"client_id": flow.client_id} if flow.client_id else {}
    )
    path = httpx.URL(url).path
    try:
        with open_http("", None, is_proxied=False) as http:
            request = http.build_request("GET", url, params=params, headers={"Metadata": "true"})
            body = send(SERVICE, http, request, look=_wait_for_update(path))
        token = parse_body(SERVICE, "GET", path, body, MachineToken)
    except ApiError as error:
        reason = f"the machine has no token for this identity: {error.path}: {error.reason}"
        raise CredentialsError(flow.variables, reason) from error
    return token.access_token, token.expires_in


def _wait_for_update(path: str) -> Callable[[httpx.Response], None]:
    """Return a look that takes the 410 of an endpoint under update for one that is away for a while."""

    def look(response: httpx.Response) -> None:
        if response.status_code == httpx.codes.GONE:
            error = ServiceBroken(SERVICE, "GET", path, "410 the endpoint is being updated", status=410)
            error.wait = _UPDATE
            raise error

    return look
