"""What one provider process shares: tenants, the directory, plans reviewed, its voice, its journal, what was checked.

Pulumi runs one process for all classes of a phase and none from preview to update, so this lives exactly a phase.
"""

import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

from qlik_provider.client import QlikClient
from qlik_provider.credentials import qlik_tokens
from qlik_provider.custom_groups import CustomGroups
from qlik_provider.declaration import approved_subjects
from qlik_provider.departures import Departures
from qlik_provider.engine_log import EngineLog
from qlik_provider.entitlements import fold
from qlik_provider.graph import GraphClient
from qlik_provider.graph_credentials import GraphTokens
from qlik_provider.journal import JournalRecord, write_record
from qlik_provider.ledger import Bag, rules_of
from qlik_provider.pace import describe_pace
from qlik_provider.premises import Removal, Rules
from qlik_provider.renaming import follow_approvals
from qlik_provider.report import PlanDocument
from qlik_provider.review import find_reviewed, read_reviewed
from qlik_provider.tenant import Tenant
from qlik_provider.tenant_policies import TenantPolicies
from qlik_provider.tenant_settings import TenantSettings
from qlik_provider.tenant_users import TenantUsers
from qlik_provider.tenant_webhooks import TenantWebhooks
from qlik_provider.user_policies import UserPolicies

_OPENING = threading.RLock()
_CHECKED: set[tuple[str, ...]] = set()
_COMING: dict[str, frozenset[str]] = {}
_DECLARED = threading.Event()


def open_tenant(url: str) -> Tenant:
    """Return the tenant at a URL, the same one for everybody in this process."""
    with _OPENING:
        return _open_tenant(url)


@cache
def _open_tenant(url: str) -> Tenant:
    return Tenant(QlikClient(url, qlik_tokens(url)))


def open_policies(url: str) -> TenantPolicies:
    """Return what groups are granted in the tenant at a URL, the same one for everybody in this process."""
    with _OPENING:
        return _open_policies(url)


@cache
def _open_policies(url: str) -> TenantPolicies:
    return TenantPolicies(_open_tenant(url))


def open_custom_groups(url: str) -> CustomGroups:
    """Return the custom groups of the tenant at a URL, the same ones for everybody in this process."""
    with _OPENING:
        return _open_custom_groups(url)


@cache
def _open_custom_groups(url: str) -> CustomGroups:
    return CustomGroups(_open_policies(url))


def open_departures(url: str) -> Departures:
    """Return the leavers of the tenant at a URL, the same ones for everybody in this process."""
    with _OPENING:
        return _open_departures(url)


@cache
def _open_departures(url: str) -> Departures:
    return Departures(_open_tenant(url), open_directory)


def open_user_policies(url: str) -> UserPolicies:
    """Return what people are granted by themselves in the tenant at a URL, the same for everybody in this process."""
    with _OPENING:
        return _open_user_policies(url)


@cache
def _open_user_policies(url: str) -> UserPolicies:
    return UserPolicies(_open_policies(url))


def open_settings(url: str) -> TenantSettings:
    """Return the settings of the tenant at a URL, the same ones for everybody in this process."""
    with _OPENING:
        return _open_settings(url)


@cache
def _open_settings(url: str) -> TenantSettings:
    return TenantSettings(_open_tenant(url))


def open_users(url: str) -> TenantUsers:
    """Return the users of the tenant at a URL, the same ones for everybody in this process."""
    with _OPENING:
        return _open_users(url)


@cache
def _open_users(url: str) -> TenantUsers:
    return TenantUsers(_open_tenant(url))


def note_coming(url: str, subjects: Collection[str]) -> None:
    """Remember who this run is about to make users of the tenant at a URL; nobody, once that is done."""
    _COMING[url] = frozenset(map(fold, subjects))


def coming_users(url: str) -> frozenset[str]:
    """Return the folded subjects of who is no user yet and will be, by this very run."""
    return _COMING.get(url, frozenset())


def open_webhooks(url: str) -> TenantWebhooks:
    """Return the webhooks of the tenant at a URL, the same ones for everybody in this process."""
    with _OPENING:
        return _open_webhooks(url)


@cache
def _open_webhooks(url: str) -> TenantWebhooks:
    return TenantWebhooks(_open_tenant(url))


def open_directory() -> GraphClient:
    """Return the directory that the environment names, the same one for everybody in this process."""
    with _OPENING:
        return _open_directory()


@cache
def _open_directory() -> GraphClient:
    return GraphClient(GraphTokens())


@cache
def _reviewed_plans() -> tuple[PlanDocument, ...] | None:
    """Return the plans this run is bound to, read once a process; None where it is bound to none."""
    return read_reviewed()


def reviewed_removals(resource: str, identity: Mapping[str, str]) -> frozenset[Removal] | None:
    """Return the removals of a resource that were reviewed; None where this run is bound to no review.

    Raises UnusablePlans for plans that cannot be read or belong to something else.
    """
    documents = _reviewed_plans()
    return None if documents is None else find_reviewed(documents, resource, identity)


def rules_in_force(inputs: Bag, resource: str, identity: Mapping[str, str], now: datetime) -> Rules:
    """Return the rules of a resource with what is approved at `now` and what was reviewed.

    Raises DeclarationError for approvals that cannot be read, and UnusablePlans as `reviewed_removals` does.
    """
    approvals = inputs.get("rules", {}).get("approvals")
    approved = approved_subjects(Path(approvals), now.date()) if approvals else frozenset[str]()
    approved = follow_approvals(approved, inputs)
    return replace(rules_of(inputs, approved), reviewed=reviewed_removals(resource, identity))


@cache
def engine_log() -> EngineLog:
    """Return the voice of this process."""
    return EngineLog(sys.argv[1])


def show_progress(resource: str) -> Callable[[int, int], None]:
    """Return what tells how far the apply of a resource is."""
    return lambda done, total: engine_log().progress(f"{resource}: {done} of {total}")


def show_pace(resource: str) -> Callable[[int, int], None]:
    """Return what tells how far the apply of a resource is, and about how long the rest takes."""
    begun = time.monotonic()
    return lambda done, total: engine_log().progress(
        f"{resource}: {describe_pace(done, total, time.monotonic() - begun)}"
    )


def keep_record(record: JournalRecord) -> None:
    """Write an apply into the journal; where that fails, warn."""
    fault = write_record(record)
    if fault:
        engine_log().warn(f"{record.resource}: {fault}")


def note_check(resource: tuple[str, ...]) -> None:
    """Remember that a resource was checked in this process."""
    _CHECKED.add(resource)
    note_program()


def was_checked(resource: tuple[str, ...]) -> bool:
    """Tell whether a resource was checked in this process; a diff without a check belongs to a refresh."""
    return resource in _CHECKED


def note_program() -> None:
    """Remember that a program declares resources in this process."""
    _DECLARED.set()


def has_program() -> bool:
    """Tell whether a program declares resources in this process: a `destroy` and a `refresh` run none."""
    return _DECLARED.is_set()
