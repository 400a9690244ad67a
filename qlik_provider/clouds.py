"""Which cloud of Microsoft the directory is in, and where its endpoints are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx

from qlik_provider.errors import ApiError, CredentialsError
from qlik_provider.transport import open_http, read_date, refuse_bad_url, send
from qlik_provider.wire import Metadata, parse_body

SERVICE = "entra"
_PUBLIC, _GOVERNMENT, _CHINA = (
    "management.azure.com",
    "management.usgovcloudapi.net",
    "management.chinacloudapi.cn",
)
# The names of azuread; the two clouds of the US government share all endpoints but Graph.
_HOSTS = {
    "public": _PUBLIC,
    "global": _PUBLIC,
    "usgovernment": _GOVERNMENT,
    "usgovernmentl4": _GOVERNMENT,
    "dod": _GOVERNMENT,
    "usgovernmentl5": _GOVERNMENT,
    "china": _CHINA,
}
_GRAPHS = {"dod": "https://dod-graph.microsoft.us", "usgovernmentl5": "https://dod-graph.microsoft.us"}


@dataclass(frozen=True)
class Cloud:
    """The endpoints of one cloud, and its time."""

    graph: str
    authority: str
    is_public: bool
    now: datetime


def find_metadata(environment: Mapping[str, str]) -> tuple[str, str, str]:
    """Return the variable that names the cloud, the host that describes it, and the Graph it does not describe.

    A metadata host goes before a name, as in azuread; raises CredentialsError for a name of no cloud.
    """
    host, name = environment.get("ARM_METADATA_HOSTNAME", ""), environment.get("ARM_ENVIRONMENT", "").lower()
    if host:
        return "ARM_METADATA_HOSTNAME", host, ""
    if name and name not in _HOSTS:
        raise CredentialsError("ARM_ENVIRONMENT", f"{name!r} is no cloud; write {', '.join(_HOSTS)}")
    return "ARM_ENVIRONMENT" if name else "ARM_METADATA_HOSTNAME", _HOSTS[name or "public"], _GRAPHS.get(name, "")


def read_cloud(environment: Mapping[str, str]) -> Cloud:
    """Return the cloud that the variables name; raises CredentialsError where none is described.

    https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
    """
    variable, host, graph = find_metadata(environment)
    path = "/metadata/endpoints"
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
    graph = graph or metadata.microsoft_graph_resource_id.rstrip("/")
    refuse_bad_url(variable, graph)
    return Cloud(graph, metadata.authentication.login_endpoint, host == _PUBLIC, dates[-1])
