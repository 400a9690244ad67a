"""What a tenant does by itself, read and put: the switches of its license, and the flags of the tenant."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from qlik_provider.client import QlikClient, Writer
from qlik_provider.errors import (
    AnswerLost,
    ApiError,
    NoEvidence,
    NotFound,
    NotPermitted,
    QlikProviderError,
    Unfinished,
    UnsafePlan,
)
from qlik_provider.license_settings import ROLES, SEATS, ObservedSettings, SettingChange, SettingOutcome
from qlik_provider.tenant import Tenant
from qlik_provider.wire import is_refusal

_FORBIDDEN = "this caller may not; give the client the scope admin_classic, or the user TenantAdmin"
_NO_LICENSE = "the tenant has no license"
ATTEMPTS = 2  # once more where what was put does not show


class TenantSettings:
    """The settings of one tenant as this process sees them: read once, until something is written."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._client: QlikClient = tenant.client
        self._lock = threading.RLock()
        self._observed: ObservedSettings | None = None

    @property
    def now(self) -> datetime:
        """The time of the tenant."""
        return self._client.now

    def observe(self, tenant_id: str) -> ObservedSettings:
        """Return the settings; what this caller may not read is named and raises nothing.

        Raises UnsafePlan if this is another tenant than the stack belongs to.
        """
        with self._lock:
            if self._tenant.id != tenant_id:
                raise UnsafePlan(
                    f"the stack belongs to tenant {tenant_id}, and {self._client.tenant} is {self._tenant.id}"
                )
            if self._observed is None:
                self._observed = self._read()
            return self._observed

    def apply(self, changes: Sequence[SettingChange]) -> tuple[SettingOutcome, ...]:
        """Put each change and return what became of it; one that is refused never stops the others."""
        with self._lock:
            self._observed = None
            with self._client.writing() as writer:
                seats = [change for change in changes if change.name in SEATS.values()]
                roles = [change for change in changes if change.name in ROLES.values()]
                return (*self._apply(seats, writer, self._put_seats), *self._apply(roles, writer, self._put_roles))

    def _read(self) -> ObservedSettings:
        values: dict[str, bool] = {}
        unread: dict[str, str] = {}
        for names, read in ((SEATS, self._client.read_license_settings), (ROLES, self._read_flags)):
            try:
                values |= read()
            except NotPermitted:
                unread |= dict.fromkeys(names.values(), _FORBIDDEN)
            except NotFound:
                unread |= dict.fromkeys(names.values(), _NO_LICENSE)
        return ObservedSettings(values, unread)

    def _read_flags(self) -> dict[str, bool]:
        return self._client.read_tenant_flags(self._tenant.id)

    def _apply(
        self,
        changes: Sequence[SettingChange],
        writer: Writer,
        put: Callable[[Writer, Mapping[str, bool]], Mapping[str, bool]],
    ) -> list[SettingOutcome]:
        wanted = {change.name: change.value for change in changes}
        try:
            shown = put(writer, wanted) if wanted else {}
        except NotPermitted:
            return [SettingOutcome(change, "refused", _FORBIDDEN) for change in changes]
        except ApiError as error:
            state: Literal["refused", "unsent"] = "refused" if is_refusal(error) else "unsent"
            return [SettingOutcome(change, state, error.reason) for change in changes]
        except QlikProviderError as error:
            return [SettingOutcome(change, "unsent", str(error)) for change in changes]
        return [
            SettingOutcome(change, "done")
            if shown.get(change.name) == change.value
            else SettingOutcome(change, "refused", "the tenant left it as it was")
            for change in changes
        ]

    def _put_seats(self, writer: Writer, wanted: Mapping[str, bool]) -> Mapping[str, bool]:
        """Return what the license has after putting `wanted` and, beside it, the other switch as it is now."""
        read = self._client.read_license_settings

        def put() -> None:
            writer.put_license_settings({**read(), **wanted})

        return _put_until_shown(put, read, wanted)

    def _put_roles(self, writer: Writer, wanted: Mapping[str, bool]) -> Mapping[str, bool]:
        def put() -> None:
            writer.patch_tenant_flags(self._tenant.id, wanted)

        return _put_until_shown(put, self._read_flags, wanted)


def _look(read: Callable[[], Mapping[str, bool]]) -> Mapping[str, bool]:
    """Return what a read shows after putting; raises Unfinished where it shows nothing, since the put may stand."""
    try:
        return read()
    except QlikProviderError as error:
        raise Unfinished(f"whether it was put is not known: {error}") from error


def _put_until_shown(
    put: Callable[[], None], read: Callable[[], Mapping[str, bool]], wanted: Mapping[str, bool]
) -> Mapping[str, bool]:
    """Return what a read shows after putting, once more where `wanted` does not show: an answer alone proves nothing.

    Raises AnswerLost where the last answer was lost, too.
    """
    shown: Mapping[str, bool] = {}
    failure: ApiError | None = None
    for _ in range(ATTEMPTS):
        try:
            put()
            failure = None
        except (AnswerLost, NoEvidence) as error:
            failure = error
        shown = _look(read)
        if _shows(shown, wanted):
            return shown
    if failure:
        raise failure
    return shown


def _shows(values: Mapping[str, bool], wanted: Mapping[str, bool]) -> bool:
    return all(values.get(name) == value for name, value in wanted.items())
