"""What a user owns on its way to somebody else: one call for each thing, and a read that shows where it is.

A success says that the service took the request; only who is shown as the owner afterwards says that it happened.
https://qlik.dev/apis/rest
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from qlik_provider.belongings import SOURCES, Inventory
from qlik_provider.client import SERVICE, QlikClient, Writer
from qlik_provider.errors import (
    AnswerLost,
    ApiError,
    CredentialsError,
    EngineGone,
    Forbidden,
    NoEvidence,
    NotFound,
    QlikProviderError,
    ServiceBroken,
    UnsafePlan,
)
from qlik_provider.owned import Belonging, in_order
from qlik_provider.owned_wire import ItemOutcomes, OwnedRow
from qlik_provider.pace import Timing, wait_before
from qlik_provider.policy_writes import explain_refusal
from qlik_provider.transport import Answer, wait_until
from qlik_provider.wire import parse_body

BATCH = 100  # data connections in one call; no limit is published
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
_OK = 200
_LONGEST_WAIT = 600.0  # seconds that the tenant may ask for: its limits count five minutes together
_BREATH = 5.0  # seconds between two signs of life while waiting

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Way:
    """How one kind is handed over, and read again by its id."""

    method: str
    paths: tuple[str, ...]
    """The present path and the next one, where the vendor has announced one; `{id}` is the thing."""
    body: Callable[[str], Any]
    reads: tuple[str, ...]
    """Empty for what can only be listed."""


def _patch(to: str) -> list[dict[str, str]]:
    return [{"op": "replace", "path": "/ownerId", "value": to}]


_AUTOMATIONS = ("/api/v1/automations/{id}", "/api/workflows/automations/{id}")
_ACCOUNTS = ("/api/v1/automation-connections/{id}", "/api/workflows/automation-connections/{id}")
_FILES = ("/api/v1/data-files/{id}", "/api/core/data-files/{id}")
_CONNECTIONS = ("/api/v1/data-connections", "/api/connectivity/data-connections")
_GIVE = "/actions/change-owner"

WAYS: Mapping[str, Way] = {
    "app": Way("PUT", ("/api/v1/apps/{id}/owner",), lambda to: {"ownerId": to}, ("/api/v1/apps/{id}",)),
    "space": Way("PATCH", ("/api/v1/spaces/{id}",), _patch, ("/api/v1/spaces/{id}",)),
    "data-connection": Way(
        "POST",
        tuple(f"{path}/actions/update" for path in _CONNECTIONS),
        lambda to: {"ownerId": to},
        tuple(f"{path}/{{id}}" for path in _CONNECTIONS),
    ),
    "data-file": Way("POST", tuple(f"{path}{_GIVE}" for path in _FILES), lambda to: {"ownerId": to}, ()),
    "automation": Way(
        "POST", tuple(f"{path}{_GIVE}" for path in _AUTOMATIONS), lambda to: {"userId": to}, _AUTOMATIONS
    ),
    "automation-connection": Way(
        "POST", tuple(f"{path}{_GIVE}" for path in _ACCOUNTS), lambda to: {"userId": to}, _ACCOUNTS
    ),
    "sharing-task": Way("PATCH", ("/api/v1/sharing-tasks/{id}",), _patch, ("/api/v1/sharing-tasks/{id}",)),
    "data-alert": Way("PATCH", ("/api/v1/data-alerts/{id}",), _patch, ("/api/v1/data-alerts/{id}",)),
    "glossary": Way("PATCH", ("/api/v1/glossaries/{id}",), _patch, ("/api/v1/glossaries/{id}",)),
    "api-key": Way("DELETE", ("/api/v1/api-keys/{id}",), lambda _: None, ("/api/v1/api-keys/{id}",)),
}


@dataclass(frozen=True)
class Handover:
    """What became of one thing; `reason` says why it is not where it should be, and is empty where it is."""

    belonging: Belonging
    reason: str = ""
    is_refused: bool = field(default=False, compare=False)
    """Whether the tenant turned it down; otherwise another run may do it."""


def transfer(client: QlikClient, belonging: Belonging, to: str) -> None:
    """Hand one thing over to the user with the id `to`, or revoke it where that is its way.

    Raises UnsafePlan for what no call can do, CredentialsError for a refused token, and ApiError for a refusal, which
    names the scope where one is missing; AnswerLost where only reading again can tell.
    """
    if belonging.obstacle:
        raise UnsafePlan(belonging.obstacle)
    with client.writing() as writer:
        _send(writer, (belonging,), to)


def is_handed_over(client: QlikClient, belonging: Belonging, to: str) -> bool:
    """Tell whether the tenant shows a thing as the user's with the id `to`, and a key as revoked, by reading it again.

    Raises ApiError where it cannot be read.
    """
    way = WAYS.get(belonging.kind)
    if way is None or not way.reads:
        return belonging in Inventory(client).find_shown(to, [belonging])
    answer = _first_found(client.ask, way.reads, belonging.id)
    is_key = belonging.way == "revoke"
    if answer.status == _NOT_FOUND:
        return is_key
    path = way.reads[-1].format(id=belonging.id)
    _raise_refusal("GET", path, answer, belonging)
    row = parse_body(SERVICE, "GET", path, answer.body, OwnedRow)
    return row.status not in {"", "active"} if is_key else row.owner == to


def hand_over(
    client: QlikClient,
    belongings: Iterable[Belonging],
    to: str,
    progress: Progress,
    timing: Timing = Timing(),  # noqa: B008  # an immutable value
) -> tuple[Handover, ...]:
    """Hand things over to the user with the id `to`, whoever has them, then look; return what became of each.

    One call for each, one for every hundred data connections, and none for a file that comes with its folder; no more
    a minute than the tenant takes. One that is refused never stops the others; a refused token, a service that is down
    and an engine that is gone do.
    """
    items = in_order(belongings)
    with client.writing() as writer:
        return _HandOver(client, writer, items, to, progress, timing).run()


class _HandOver:
    """Many things on their way to one new owner."""

    def __init__(
        self,
        client: QlikClient,
        writer: Writer,
        items: Sequence[Belonging],
        to: str,
        progress: Progress,
        timing: Timing,
    ) -> None:
        self._client = client
        self._writer = writer
        self._items = items
        self._to = to
        self._progress = progress
        self._timing = timing
        self._begun = timing.clock()
        self._sent = 0
        self._handled = 0
        self._reasons = {item: item.obstacle for item in items if item.obstacle}
        self._shown: set[Belonging] = set()
        self._failure = ""

    def run(self) -> tuple[Handover, ...]:
        """Send everything, and files in folders last: a folder takes with it what is in it."""
        left = [item for item in self._items if item not in self._reasons]
        inside = [item for item in left if item.folder]
        self._send([item for item in left if not item.folder])
        if inside:
            self._look(inside)
            self._send([item for item in inside if item not in self._shown])
        self._settle(left)
        return tuple(Handover(item, self._explain(item), self._was_refused(item)) for item in self._items)

    def _send(self, items: Sequence[Belonging]) -> None:
        for batch in _batches(items):
            if not self._failure:
                try:
                    self._send_in_time(batch)
                except (AnswerLost, NoEvidence):
                    pass  # the look decides
                except (CredentialsError, EngineGone, ServiceBroken) as error:
                    self._failure = f"not sent: {error}"
                except ApiError as error:
                    self._reasons |= dict.fromkeys(batch, error.reason)
            if self._failure:
                self._reasons |= dict.fromkeys(batch, self._failure)
            self._handled += len(batch)

    def _send_in_time(self, batch: Sequence[Belonging]) -> None:
        """Send one call no sooner than the tenant takes it; once more where it was too soon all the same."""
        self._wait(wait_before(self._sent, self._timing.clock() - self._begun))
        self._sent += 1
        try:
            self._reasons |= _send(self._writer, batch, self._to)
        except ServiceBroken as error:
            if error.wait is None or error.wait > _LONGEST_WAIT:
                raise
            self._wait(error.wait)
            self._reasons |= _send(self._writer, batch, self._to)

    def _wait(self, seconds: float) -> None:
        """Let time pass, and tell how far the work is all the while: raises EngineGone where nobody listens."""
        self._progress(self._handled, len(self._items))
        while seconds > 0:
            breath = min(seconds, _BREATH)
            self._timing.pause(breath)
            seconds -= breath
            self._progress(self._handled, len(self._items))

    def _settle(self, items: Sequence[Belonging]) -> None:
        """Look until everything that was not refused shows, a few times; once where the sending broke off."""

        def is_settled() -> bool:
            self._look(items)
            return all(item in self._shown or item in self._reasons for item in items)

        if self._failure:
            self._look(items)
        else:
            wait_until(is_settled)

    def _look(self, items: Sequence[Belonging]) -> None:
        unseen = [item for item in items if item not in self._shown]
        keys = [item for item in unseen if item.way == "revoke" and item not in self._reasons]
        with suppress(QlikProviderError):  # what cannot be read is not seen
            self._shown |= Inventory(self._client).find_shown(self._to, [i for i in unseen if i.way == "transfer"])
        for key in keys:
            with suppress(QlikProviderError):
                if is_handed_over(self._client, key, self._to):
                    self._shown.add(key)

    def _was_refused(self, item: Belonging) -> bool:
        return item not in self._shown and self._reasons.get(item, self._failure) != self._failure

    def _explain(self, item: Belonging) -> str:
        if item in self._shown:
            return ""
        return self._reasons.get(item) or "sent, and the tenant still shows it with its former owner; run again"


def _batches(items: Sequence[Belonging]) -> Iterator[tuple[Belonging, ...]]:
    """Yield what goes in one call: data connections by the hundred, everything else by itself."""
    for kind, found in groupby(items, key=lambda item: item.kind):
        group, size = tuple(found), BATCH if kind == "data-connection" else 1
        for start in range(0, len(group), size):
            yield group[start : start + size]


def _send(writer: Writer, items: Sequence[Belonging], to: str) -> dict[Belonging, str]:
    """Send one call; return what it refused of several, and raise what it refused of one."""
    first = items[0]
    if first.kind == "data-connection":
        return _send_connections(writer, items, to)
    way = WAYS[first.kind]
    body = way.body(to)
    answer = _first_found(lambda path: writer.ask(way.method, path, body), way.paths, first.id)
    if not (answer.status == _NOT_FOUND and first.way == "revoke"):
        _raise_refusal(way.method, way.paths[-1].format(id=first.id), answer, first)
    return {}


def _send_connections(writer: Writer, items: Sequence[Belonging], to: str) -> dict[Belonging, str]:
    way = WAYS["data-connection"]
    body = {"connections": [{"id": item.id, **way.body(to)} for item in items]}
    answer = _first_found(lambda path: writer.ask(way.method, path, body), way.paths, "")
    path = way.paths[-1]
    _raise_refusal(way.method, path, answer, items[0])
    parts = parse_body(SERVICE, way.method, path, answer.body, ItemOutcomes).data
    refused = {part.id: part for part in parts if part.status != _OK}
    if len(items) == 1 and refused:
        part = next(iter(refused.values()))
        raise ApiError(SERVICE, way.method, path, part.reason, status=part.status)
    return {item: refused[item.id].reason for item in items if item.id in refused}


def _first_found(ask: Callable[[str], Answer], paths: Sequence[str], id: str) -> Answer:
    """Return the answer of the first path that is there, and that of the last otherwise."""
    answer = ask(paths[0].format(id=id))
    for path in paths[1:]:
        if answer.status != _NOT_FOUND:
            break
        answer = ask(path.format(id=id))
    return answer


def _raise_refusal(method: str, path: str, answer: Answer, belonging: Belonging) -> None:
    """Raise what a refusal stands for; a success passes."""
    reason = explain_refusal(answer)
    if reason is None:
        return
    if answer.status == _UNAUTHORIZED:
        raise CredentialsError("QLIK_API_KEY or QLIK_CLIENT_SECRET", "the tenant refused the token in mid-run")
    if answer.status == _FORBIDDEN:
        scope = next((source.scope for source in SOURCES if source.kind == belonging.kind), SOURCES[0].scope)
        reason = f"{reason}; give this caller the scope {scope}, or the new owner what it takes to own such a thing"
    kind = {_FORBIDDEN: Forbidden, _NOT_FOUND: NotFound}.get(answer.status, ApiError)
    raise kind(SERVICE, method, path, reason, status=answer.status)
