"""What people hold in the tenant, read whole, and the plan carried out on it."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urlsplit

from qlik_provider.changes import Change, Verb, batch
from qlik_provider.client import QlikClient, Writer
from qlik_provider.entitlements import Assignment, Seats, Unexplained, fold
from qlik_provider.errors import (
    AnswerLost,
    ApiError,
    CredentialsError,
    EngineGone,
    NoEvidence,
    QlikProviderError,
    UnsafePlan,
)
from qlik_provider.foreign import find_own_users_rows, find_rows_given_by_caller, newest_beyond
from qlik_provider.moves import batch_moves
from qlik_provider.outcomes import Outcome, conclude
from qlik_provider.people import TenantNames
from qlik_provider.plan import Plan
from qlik_provider.premises import Observed
from qlik_provider.transport import wait_until
from qlik_provider.wire import TRANSIENT, BatchItem, Overview, TenantBody

BATCH = 100  # no limit is published: https://qlik.dev/apis/rest/licenses
NO_SEAT = "LICENSES-011"  # "No available allotment error", https://qlik.dev/apis/rest/licenses
_TOO_LARGE = frozenset({400, 413})
_ACCEPTED = frozenset({200, 201})
_NOT_FOUND = 404

T = TypeVar("T")

Progress = Callable[[int, int], None]


class Tenant:
    """One tenant as this process sees it: each collection is read once and shared, until something is written."""

    def __init__(self, client: QlikClient) -> None:
        self.client = client
        self._lock = threading.RLock()
        self._body: TenantBody | None = None
        self._overview: Overview | None = None
        self._observed: Observed | None = None
        self._first: Observed | None = None
        self._unexplained: dict[tuple[Assignment, ...], tuple[Unexplained, ...]] = {}

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

    @property
    def types(self) -> frozenset[str]:
        """The license types that the tenant has seats of."""
        return frozenset(allotment.name for allotment in self._read_overview().allotments)

    def read_names(self, *, with_holders: bool = False) -> TenantNames:
        """Return what the names of a declaration can mean here, and who holds a seat where that is asked for."""
        id, overview = self.id, self._read_overview()
        return TenantNames(
            id=id,
            license=overview.license_number,
            types=tuple(allotment.name for allotment in overview.allotments if not allotment.is_pool()),
            roles=tuple(role.name for role in self.client.read_roles()),
            spaces=self.client.read_spaces(),
            users=self.client.read_users(),
            pools=tuple(pool.name for pool in overview.allotments if pool.is_pool()),
            holders=self.read_holders() if with_holders else frozenset(),
        )

    def read_holders(self) -> frozenset[str]:
        """Return the folded subjects of all license rows, also those of people who are no users any more."""
        return frozenset(fold(row.subject) for row in self.client.read_assignments())

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
                self._first = self._first or self._observed
            return self._observed

    def find_types(self, *, is_anew: bool = False) -> dict[str, frozenset[str]]:
        """Return the license types of each folded subject, also those it had when this process first looked.

        So what rests on their absence goes on in the run after the one that took them, and a preview shows it. Read
        anew, the rows are those of this moment alone. Raises as `observe` does.
        """
        with self._lock:
            if is_anew:
                rows: tuple[Assignment, ...] = _read_whole(self.client).rows
            else:
                rows = self.observe(self.id, self.license).rows
                rows += self._first.rows if self._first else ()
            return {subject: frozenset(types) for subject, types in _types_by_subject(rows).items()}

    def find_unexplained(
        self, rows: Sequence[Assignment], known: Mapping[str, int] | None, counted: Mapping[str, int]
    ) -> tuple[Unexplained, ...]:
        """Return which of the rows that nothing explains are worth telling of.

        On a first run (`known` is None) those of this tenant's users. Later only those that this very client gave,
        among the rows that are `counted` beyond the known ones: an interrupted run leaves such. Reads nothing where
        nothing is new.
        """
        with self._lock:
            news = tuple(rows) if known is None else tuple(newest_beyond(rows, known, counted))
            if not news:
                return ()
            if news not in self._unexplained:
                find = find_own_users_rows if known is None else find_rows_given_by_caller
                self._unexplained[news] = find(self.client, news)
            return self._unexplained[news]

    def apply(self, plan: Plan, progress: Progress) -> tuple[Outcome, ...]:
        """Send the changes of a plan, in its order, and return what became of each.

        One refused item never stops the others. Raises only if nothing at all is known of what was done.
        """
        with self._lock:
            self._observed, self._overview = None, None
            with self.client.writing() as writer:
                return (*(moved := self._move(writer, plan, progress)), *self._change(writer, plan, moved, progress))

    def _move(self, writer: Writer, plan: Plan, progress: Progress) -> tuple[Outcome, ...]:
        """Send the moves of a plan: everything else is about the subjects that people have after them."""
        return _Apply(self.client, writer, plan.moves, batch_moves(plan.moves, BATCH), progress).run()

    def _change(self, writer: Writer, plan: Plan, moved: Sequence[Outcome], progress: Progress) -> tuple[Outcome, ...]:
        """Send the changes of a plan, but none about a subject whose seat is not where it was to move."""
        stayed = {fold(s) for o in moved if o.state != "done" for s in (o.change.key, o.change.subject)}
        changes = [change for change in plan.changes if fold(change.key) not in stayed]
        try:
            outcomes = _Apply(self.client, writer, changes, batch(changes, plan.seats_before, BATCH), progress).run()
        except QlikProviderError as error:
            if not any(outcome.state == "done" for outcome in moved):
                raise
            outcomes = tuple(Outcome(change, "unsent", str(error)) for change in changes)
        reason = "a seat did not move, and this rests on it"
        left = [Outcome(change, "unsent", reason) for change in plan.changes if fold(change.key) in stayed]
        return (*outcomes, *left)

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


def _observe(shown: tuple[Assignment, ...], overview: Overview) -> Observed:
    # A row that came twice, on a page that moved, would hide one that did not come.
    rows = tuple({(fold(row.subject), row.type): row for row in shown}.values())
    counts = Counter(row.type for row in rows)
    seated = [allotment for allotment in overview.allotments if not allotment.is_pool()]
    for allotment in seated:
        if counts[allotment.name] < allotment.units_used:
            raise NoEvidence(
                "qlik",
                "GET",
                "/api/v1/licenses/assignments",
                f"the list shows {counts[allotment.name]} rows of {allotment.name} and the overview counts "
                f"{allotment.units_used}, so the list may be short; run again",
            )
    return Observed(
        rows,
        {allotment.name: Seats(allotment.units, counts[allotment.name], allotment.overage) for allotment in seated},
        {pool.name: Seats(pool.units, pool.units_used) for pool in overview.allotments if pool.is_pool()},
        overview.ends,
    )


def _read_whole(client: QlikClient) -> Observed:
    """Return rows and seats read anew: only beside the overview can a list prove that somebody is not in it."""
    return _observe(client.read_assignments(), client.read_overview())


class _Apply:
    """Changes on their way to the tenant, in batches that each stand by themselves."""

    def __init__(
        self,
        client: QlikClient,
        writer: Writer,
        changes: Sequence[Change],
        batches: Iterable[Sequence[Change]],
        progress: Progress,
    ) -> None:
        self._client = client
        self._changes = changes
        self._batches = batches
        self._progress = progress
        self._size = BATCH
        self._actions: Mapping[Verb, Callable[[Sequence[Mapping[str, str]]], tuple[BatchItem, ...]]] = {
            "revoke": writer.delete,
            "move": writer.update,
            "switch": writer.update,
            "assign": writer.add,
        }
        self._refusals: dict[str, str] = {}
        self._short: set[str] = set()
        self._done: set[str] = set()
        self._lost: set[str] = set()
        self._given: set[str] = set()
        self._turned_away: set[str] = set()
        self._types: dict[str, set[str]] | None = None
        self._refilled = {fold(change.becomes) for change in changes if change.becomes}

    def run(self) -> tuple[Outcome, ...]:
        """Send everything, then look at what the tenant shows of it."""
        if not self._changes:
            return ()
        failure: QlikProviderError | None = None
        handled = 0
        try:
            for changes in self._batches:
                self._progress(handled, len(self._changes))
                self._send(changes)
                handled += len(changes)
        except QlikProviderError as error:
            failure = error
        unseen = self._look(is_patient=failure is None)
        if not isinstance(failure, EngineGone):
            self._mend()
        changes = self._changes
        outcomes = conclude(changes, self._done, self._refusals, failure, short=self._short, unseen=unseen)
        return tuple(replace(outcome, is_gone=self._is_gone(outcome.change)) for outcome in outcomes)

    def _look(self, *, is_patient: bool) -> set[str]:
        """Note what the tenant shows, waiting for what it confirmed; return what is done and does not show.

        What it did not confirm counts as done where it shows, whoever did it.
        """
        changes = self._changes
        unseen = set(self._done)

        def is_shown() -> bool:
            nonlocal unseen
            try:
                types = _types_by_subject(_read_whole(self._client).rows)
            except NoEvidence:
                return False
            self._types = types
            shown = {change.key for change in changes if self._is_shown(change, types)}
            unseen = self._done - shown
            self._done |= shown
            return not unseen and self._lost <= self._done

        with suppress(QlikProviderError):  # what cannot be read is not seen
            if is_patient:
                wait_until(is_shown)
            else:
                is_shown()
        return unseen

    def _send(self, changes: Sequence[Change]) -> None:
        """Send one batch; halve it where the tenant finds it too large, and remember the size."""
        for part in _split(changes, self._size):
            try:
                items = self._actions[part[0].verb]([_write_item(change) for change in part])
            except (AnswerLost, NoEvidence):
                self._lost.update(change.key for change in part)
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
        """Read after an answer that was lost or tells nothing, and send once more what the rows do not show."""
        types = _types_by_subject(_read_whole(self._client).rows)
        self._done.update(change.key for change in changes if self._is_shown(change, types))
        left = [change for change in changes if change.key not in self._done]
        return self._actions[changes[0].verb]([_write_item(change) for change in left]) if left else ()

    def _note(self, changes: Iterable[Change], items: Iterable[BatchItem]) -> None:
        """Match items to changes by subject and type: the order of a 207 is nowhere promised."""
        answers = {(fold(item.subject), item.type or item.source_type): item for item in items}
        for change in changes:
            given = answers.get((fold(change.becomes or change.subject), change.type or change.held))
            refused = given or answers.get((fold(change.subject), change.held))
            if given and given.status in _ACCEPTED:
                self._done.add(change.key)
                self._given.add(change.key)
            elif refused and refused.status not in TRANSIENT:
                if refused.status != _NOT_FOUND:
                    self._turned_away.add(change.key)
                self._refusals[change.key] = " ".join(filter(None, [str(refused.status), refused.code, refused.title]))
                if refused.code == NO_SEAT:
                    self._short.add(change.key)

    def _mend(self) -> None:
        """Undo what came of our writes because others wrote at the same time; where that fails, the outcome tells it.

        Whom we gave a type beside one that others gave meanwhile holds two; whose switch was refused may hold nothing
        any more. Neither was wanted by anybody.
        """
        changes = self._changes if self._types is not None else ()
        second = [c for c in changes if c.verb == "assign" and c.key in self._given and len(self._shown(c)) > 1]
        bare = [c for c in changes if c.verb == "switch" and c.key in self._turned_away and not self._shown(c)]
        for change in self._try("revoke", [(c, c.type or "") for c in second]):
            self._shown(change).discard(change.type or "")
            self._done.discard(change.key)
            others = ", ".join(sorted(self._shown(change)))
            self._refusals[change.key] = f"others gave {others} meanwhile, and nobody holds two types"
        for change in self._try("assign", [(c, c.held or "") for c in bare]):
            self._shown(change).add(change.held or "")

    def _try(self, verb: Verb, wanted: Sequence[tuple[Change, str]]) -> Iterator[Change]:
        """Yield the changes whose person was given, or lost, a type as wanted."""
        for part in _split(wanted, self._size):
            try:
                items = self._actions[verb]([{"subject": change.subject, "type": type} for change, type in part])
            except QlikProviderError:
                return
            accepted = {(fold(item.subject), item.type) for item in items if item.status in _ACCEPTED}
            yield from (change for change, type in part if (fold(change.subject), type) in accepted)

    def _is_shown(self, change: Change, types: Mapping[str, set[str]]) -> bool:
        """Tell whether the rows are as after a change; of a move also that no row is left behind, or others had one."""
        if change.becomes is None:
            return _shows(change, types)
        left = types.get(fold(change.subject), set()) if fold(change.subject) not in self._refilled else set()
        return change.type in types.get(fold(change.becomes), set()) and change.held not in left

    def _shown(self, change: Change) -> set[str]:
        """Return the types that the rows show of a person."""
        return self._types.setdefault(fold(change.subject), set()) if self._types is not None else set()

    def _is_gone(self, change: Change) -> bool:
        """Tell whether the row that a change was about is not there although the change was not done."""
        is_known = self._types is not None and change.key not in self._done
        return is_known and change.held is not None and change.held not in self._shown(change)


def _shows(change: Change, types: Mapping[str, set[str]]) -> bool:
    """Tell whether the rows are as after a change."""
    shown = types.get(fold(change.subject), set())
    return change.type in shown if change.type else change.held not in shown


def _types_by_subject(rows: Iterable[Assignment]) -> dict[str, set[str]]:
    types: dict[str, set[str]] = {}
    for row in rows:
        types.setdefault(fold(row.subject), set()).add(row.type)
    return types


def _split(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _write_item(change: Change) -> dict[str, str]:
    item = {"subject": change.becomes or change.subject}
    if change.becomes:
        item["sourceSubject"] = change.subject
    if change.verb in {"move", "switch"}:
        item["sourceType"] = change.held or ""
    item["type"] = change.type or change.held or ""
    return item
