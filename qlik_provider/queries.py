"""People selected from the directory: whom a filter of Graph takes, or everybody.

As with groups nothing here ends a run: what goes wrong with one query is doubt about it. Only a filter that Graph
rejects is a fault, for it will never select anybody.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from qlik_provider.errors import ApiError, Forbidden
from qlik_provider.graph import GraphClient
from qlik_provider.people import DirectoryUser, GroupReading
from qlik_provider.shapes import Group

AT_ONCE = 4  # queries; groups are read beside them

_REJECTED = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_URI_TOO_LONG}
_EXPIRED = "Directory_ExpiredPageToken"  # a list that took too long, whatever its filter


def read_queries(client: GraphClient, groups: Mapping[str, Group]) -> dict[str, GroupReading]:
    """Return whom each declared query selects, each filter read once; raises CredentialsError only.

    https://learn.microsoft.com/graph/api/user-list
    """
    queries = {key: group.query for key, group in groups.items() if group.query is not None}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        reading = {filter: pool.submit(_read_query, client, filter) for filter in set(queries.values())}
        return {key: reading[filter].result() for key, filter in queries.items()}


def read_everyone(groups: Mapping[str, Group], users: Iterable[DirectoryUser]) -> dict[str, GroupReading]:
    """Return the users of the directory for each declared group of everyone."""
    everyone = GroupReading("everyone", users=tuple(users))
    return {key: everyone for key, group in groups.items() if group.everyone}


def _read_query(client: GraphClient, filter: str) -> GroupReading:
    try:
        return GroupReading(filter, users=client.read_users_where(filter))
    except Forbidden as error:
        needs = "grant this client what the properties of the filter need beside User.Read.All"
        return GroupReading(filter, doubt=f"{filter!r} may not be asked; {needs}: {error.reason}")
    except ApiError as error:
        if error.status in _REJECTED and error.code != _EXPIRED:
            reason = error.reason.removeprefix(f"{error.status} ")
            return GroupReading(filter, fault=f"Graph rejects this filter: {reason}")
        return GroupReading(filter, doubt=f"{filter!r} could not be read; run again: {error}")
