"""What people hold in the tenant, read whole, and the plan carried out on it."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from qlik_provider.changes import Change, Verb, batch
from qlik_provider.client import QlikClient, Writer
from qlik_provider.entitlements import Assignment, Seats, fold
from qlik_provider.errors import AnswerLost, ApiError, CredentialsError, NoEvidence, QlikProviderError, UnsafePlan
from qlik_provider.ledger import Outcome, conclude
from qlik_provider.people import TenantNames
from qlik_provider.plan import Observed, Plan
from qlik_provider.wire import TRANSIENT, BatchItem, Overview, TenantBody

BATCH = 100  # no limit is published: https://qlik.dev/apis/rest/licenses
_TOO_LARGE = frozenset({400, 413})

Progress = Callable[[int, int], None]


class Tenant:
    """One tenant as this process sees it: each collection is read once and shared, until something is written."""

    def __init__(self, client: QlikClient) -> None:
        self.client = client
        self._lock = threading.RLock()
        self._body: TenantBody | None = None
        self._overview: Overview | None = None
        self._observed: Observed | None = None

    @property
    def id(self) -> str:
        """The tenant's id; raises CredentialsError where the URL names an alias."""
        with self._lock:
            if self._body is None:
                body = self.client.read_tenant()
                _refuse_alias(self.client.tenant, body)
                self._body = body
            return self._body.id

    @property
    def license(self) -> str:
        """The number of the license whose seats the tenant uses."""
        return self._read_overview().license_number

    def read_names(self) -> TenantNames:
        """Return what the names of a declaration can mean here."""
        id, overview = self.id, self._read_overview()
        return TenantNames(
            id=id,
            license=overview.license_number,
            types=tuple(allotment.name for allotment in overview.allotments),
            roles=self.client.read_roles(),
            spaces=self.client.read_spaces(),
            users=self.client.read_users(),
        )

    def observe(self, tenant_id: str, license: str) -> Observed:
        """Return every row of the license and its seats.

        Raises UnsafePlan if this is another tenant or license than the stack belongs to or the license is not in
        order, and NoEvidence if the rows are fewer than the seats in use.
        """
        with self._lock:
            overview = self._read_overview()
            if self.id != tenant_id:
                raise UnsafePlan(f"the stack belongs to tenant {tenant_id}, and {self.client.tenant} is {self.id}")
            if overview.license_number != license:
                raise UnsafePlan(
                    f"the stack belongs to license {license}, and the tenant has {overview.license_number}"
                )
            if overview.status != "Ok":
                raise UnsafePlan(f"license {license} is {overview.status}; nothing is given or taken until it is Ok")
            if self._observed is None:
                self._observed = _observe(self.client.read_assignments(), overview)
            return self._observed

    def apply(self, plan: Plan, progress: Progress) -> tuple[Outcome, ...]:
        """Send the changes of a plan, in its order, and return what became of each.

        One refused item never stops the others. Raises only if nothing at all is known of what was done.
        """
        with self._lock:
            self._observed, self._overview = None, None
            with self.client.writing() as writer:
                return _Apply(self.client, writer, plan, progress).run()

    def _read_overview(self) -> Overview:
        with self._lock:
            if self._overview is None:
                self._overview = self.client.read_overview()
            return self._overview


def _refuse_alias(tenant: str, body: TenantBody) -> None:
    """Refuse an alias: the same tenant under two names would be two stacks' worth of state."""
    host = urlsplit(tenant).netloc
    if body.hostnames and host.casefold() != body.hostnames[0].casefold():
        reason = f"{host} is an alias of this tenant; use its hostname https://{body.hostnames[0]}"
        raise CredentialsError("qlik:tenant", reason)


def _observe(rows: tuple[Assignment, ...], overview: Overview) -> Observed:
    counts = Counter(row.type for row in rows)
    for allotment in overview.allotments:
        if counts[allotment.name] < allotment.units_used:
            raise NoEvidence(
                "qlik",
                "GET",
                "/api/v1/licenses/assignments",
                f"the list shows {counts[allotment.name]} rows of {allotment.name} and the overview counts "
                f"{allotment.units_used}, so the list may be short; run again",
            )
    seats = {allotment.name: Seats(allotment.units, counts[allotment.name]) for allotment in overview.allotments}
    return Observed(rows, seats)


def _read_whole(client: QlikClient) -> Observed:
    """Return rows and seats read anew: only beside the overview can a list prove that somebody is not in it."""
    return _observe(client.read_assignments(), client.read_overview())


class _Apply:
    """One plan on its way to the tenant."""

    def __init__(self, client: QlikClient, writer: Writer, plan: Plan, progress: Progress) -> None:
        self._client = client
        self._plan = plan
        self._progress = progress
        self._size = BATCH
        self._actions: Mapping[Verb, Callable[[Sequence[Mapping[str, str]]], tuple[BatchItem, ...]]] = {
            "revoke": writer.delete,
            "switch": writer.update,
            "assign": writer.add,
        }
        self._refusals: dict[str, str] = {}
        self._done: set[str] = set()

    def run(self) -> tuple[Outcome, ...]:
        """Send everything, then ask the tenant about what it did not confirm."""
        failure: QlikProviderError | None = None
        handled = 0
        try:
            for changes in batch(self._plan.changes, self._plan.seats_before, BATCH):
                self._progress(handled, len(self._plan.changes))
                self._send(changes)
                handled += len(changes)
        except QlikProviderError as error:
            failure = error
        if any(change.key not in self._done for change in self._plan.changes):
            self._note_shown(self._plan.changes, self._read_types())
        return conclude(self._plan.changes, self._done, self._refusals, failure)

    def _send(self, changes: Sequence[Change]) -> None:
        """Send one batch; halve it where the tenant finds it too large, and remember the size."""
        for part in _split(changes, self._size):
            try:
                items = self._actions[part[0].verb]([_write_item(change) for change in part])
            except AnswerLost:
                items = self._repeat_what_did_not_happen(part)
            except ApiError as error:
                if error.status not in _TOO_LARGE:
                    raise
                if len(part) == 1:
                    self._refusals[part[0].key] = error.reason
                    continue
                self._size = len(part) // 2
                self._send(part)
                continue
            self._note(part, items)

    def _repeat_what_did_not_happen(self, changes: Sequence[Change]) -> tuple[BatchItem, ...]:
        """Read after a lost answer, and send once more what the rows do not show."""
        self._note_shown(changes, _types_by_subject(_read_whole(self._client).rows))
        left = [change for change in changes if change.key not in self._done]
        return self._actions[changes[0].verb]([_write_item(change) for change in left]) if left else ()

    def _note(self, changes: Iterable[Change], items: Iterable[BatchItem]) -> None:
        """Match items to changes by subject and type: the order of a 207 is nowhere promised."""
        answers = {(fold(item.subject), item.type or item.source_type): item for item in items}
        for change in changes:
            given = answers.get((fold(change.subject), change.type or change.held))
            refused = given or answers.get((fold(change.subject), change.held))
            if given and given.status in {200, 201}:
                self._done.add(change.key)
            elif refused and refused.status not in TRANSIENT:
                self._refusals[change.key] = " ".join(filter(None, [str(refused.status), refused.code, refused.title]))

    def _read_types(self) -> Mapping[str, set[str]] | None:
        """Return what the tenant shows now; None if it cannot be read, and then nothing more is known."""
        try:
            return _types_by_subject(_read_whole(self._client).rows)
        except QlikProviderError:
            return None

    def _note_shown(self, changes: Iterable[Change], types: Mapping[str, set[str]] | None) -> None:
        """Count as done what the rows show, whoever did it."""
        if types is None:
            return
        for change in changes:
            shown = types.get(fold(change.subject), set())
            if change.type in shown if change.type else change.held not in shown:
                self._done.add(change.key)


def _types_by_subject(rows: Iterable[Assignment]) -> Mapping[str, set[str]]:
    types: dict[str, set[str]] = {}
    for row in rows:
        types.setdefault(fold(row.subject), set()).add(row.type)
    return types


def _split(changes: Sequence[Change], size: int) -> Iterator[Sequence[Change]]:
    for start in range(0, len(changes), size):
        yield changes[start : start + size]


def _write_item(change: Change) -> dict[str, str]:
    item = {"subject": change.subject}
    if change.verb == "switch":
        item["sourceType"] = change.held or ""
    item["type"] = change.type or change.held or ""
    return item
