"""What one provider process shares between its resources: tenants, the directory, its voice, and what was checked.

Pulumi runs one process for all classes of a phase and none from preview to update, so this lives exactly a phase.
"""

import sys
import threading
from functools import cache

from qlik_provider.client import QlikClient
from qlik_provider.credentials import GraphTokens, qlik_tokens
from qlik_provider.engine_log import EngineLog
from qlik_provider.graph import GraphClient
from qlik_provider.tenant import Tenant

_OPENING = threading.RLock()
_CHECKED: set[tuple[str, ...]] = set()


def open_tenant(url: str) -> Tenant:
    """Return the tenant at a URL, the same one for everybody in this process."""
    with _OPENING:
        return _open_tenant(url)


@cache
def _open_tenant(url: str) -> Tenant:
    return Tenant(QlikClient(url, qlik_tokens(url)))


def open_directory() -> GraphClient:
    """Return the directory that the environment names, the same one for everybody in this process."""
    with _OPENING:
        return _open_directory()


@cache
def _open_directory() -> GraphClient:
    return GraphClient(GraphTokens())


@cache
def engine_log() -> EngineLog:
    """Return the voice of this process."""
    return EngineLog(sys.argv[1])


def note_check(resource: tuple[str, ...]) -> None:
    """Remember that a resource was checked in this process."""
    _CHECKED.add(resource)


def was_checked(resource: tuple[str, ...]) -> bool:
    """Tell whether a resource was checked in this process; a diff without a check belongs to a refresh."""
    return resource in _CHECKED
