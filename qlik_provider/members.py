"""Who is in a directory group, and the plan for it carried out; 20 people a request, 20 requests a call.

The list of members comes without a count (a counted one is read from an index that lags behind our own writes), so
absence from it proves nothing: a removal is done when its own DELETE says so, or finds nobody and the list agrees; an
addition also when the list shows it; and somebody is out by the hand of others only when both lists say so.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, TypeVar

from qlik_provider.changes import Change
from qlik_provider.entitlements import MEMBER, Assignment
from qlik_provider.errors import AnswerLost, NoEvidence, NotFound, QlikProviderError
from qlik_provider.graph import BATCH, BIND, GraphClient, GraphWriter
from qlik_provider.outcomes import Outcome, conclude
from qlik_provider.plan import Plan
from qlik_provider.premises import Observed
from qlik_provider.transport import wait_until
from qlik_provider.wire import TRANSIENT, GraphReply

T = TypeVar("T")

Progress = Callable[[int, int], None]

NOT_FOUND = 404


def observe_members(client: GraphClient, group: str, known: Collection[str] = ()) -> Observed | None:
    """Return the direct members of a group as rows of one type; None on the proof that the group is gone.

    Of `known` nobody is missing whom either list shows.
    """
    try:
        members = client.read_members(group)
        absent = set(known).difference(members)
        shown = absent.intersection(client.read_members(group, is_counted=True)) if absent else ()
    except NotFound:
        if client.has_group(group):
            raise
        return None
    return Observed(tuple(Assignment(id, MEMBER) for id in (*members, *sorted(shown))))


def apply_members(client: GraphClient, group: str, plan: Plan, progress: Progress) -> tuple[Outcome, ...]:
    """Send the changes of a plan and return what became of each; raises only if nothing at all is known.

    Adding who is in already and removing who is out already are done, whoever did it.
    """
    with client.writing() as writer:
        work = _Apply(client, writer, group, plan, progress)
        failure: QlikProviderError | None = None
        try:
            work.remove([change for change in plan.changes if change.verb == "revoke"])
            work.add([change for change in plan.changes if change.verb == "assign"])
        except QlikProviderError as error:
            failure = error
        unseen = set() if failure else work.wait_until_shown()
        return conclude(plan.changes, work.done, work.refusals, failure, unseen=unseen)


class _Apply:
    """One plan on its way to a group."""

    def __init__(self, client: GraphClient, writer: GraphWriter, group: str, plan: Plan, progress: Progress) -> None:
        self._client = client
        self._writer = writer
        self._group = group
        self._changes = plan.changes
        self._total = len(plan.changes)
        self._progress = progress
        self.done: set[str] = set()
        self.refusals: dict[str, str] = {}

    def remove(self, changes: Sequence[Change]) -> None:
        """Take people out, one a request; a lost call is repeated, since a second DELETE does no harm."""
        not_found: list[Change] = []
        for group in _cut(changes, BATCH):
            requests = [self._writer.remove(self._group, change.subject) for change in group]
            replies = self._call(requests) or self._call(requests) or {}
            for number, change in enumerate(group):
                reply = replies.get(number)
                if reply is not None and reply.status == NOT_FOUND:
                    not_found.append(change)
                else:
                    self._note(change, reply)
        if not_found:
            observed = observe_members(self._client, self._group)
            present = {row.subject for row in observed.rows} if observed else set()
            self.done.update(change.key for change in not_found if change.subject not in present)

    def add(self, changes: Sequence[Change]) -> None:
        """Add people, twenty a request; where a request is refused as a whole, one by one."""
        left: list[Change] = []
        for bundles in _cut(list(_cut(changes, BIND)), BATCH):
            replies = self._call([self._writer.bind(self._group, [c.subject for c in bundle]) for bundle in bundles])
            for number, bundle in enumerate(bundles):
                if _is_success((replies or {}).get(number)):
                    self.done.update(change.key for change in bundle)
                else:
                    left += bundle
        for group in _cut(self._still_out(left), BATCH):
            replies = self._call([self._writer.add(self._group, change.subject) for change in group])
            for number, change in enumerate(group):
                self._note(change, (replies or {}).get(number))
        self._still_out(left)

    def wait_until_shown(self) -> set[str]:
        """Return whose change is done and does not show in the list, after waiting for it a few times."""
        changes = [change for change in self._changes if change.key in self.done]
        unseen = {change.key for change in changes}

        def is_shown() -> bool:
            nonlocal unseen
            present = set(self._client.read_members(self._group))
            unseen = {c.key for c in changes if (c.subject in present) is (c.verb == "revoke")}
            return not unseen

        with suppress(QlikProviderError):  # what cannot be read is not seen
            if changes:
                wait_until(is_shown)
        return unseen

    def _still_out(self, changes: Sequence[Change]) -> list[Change]:
        """Return who of the unconfirmed is not in the group; whoever the list shows is done, whoever did it."""
        unsure = [change for change in changes if change.key not in self.done]
        if unsure:
            present = set(self._client.read_members(self._group))
            self.done.update(change.key for change in unsure if change.subject in present)
        return [change for change in unsure if change.key not in self.done]

    def _note(self, change: Change, reply: GraphReply | None) -> None:
        if reply is None:
            return
        if _is_success(reply):
            self.done.add(change.key)
        elif reply.status not in TRANSIENT:
            self.refusals[change.key] = _explain(reply)

    def _call(self, requests: Sequence[dict[str, Any]]) -> dict[int, GraphReply] | None:
        """Return the reply to each request by its place; None after an answer that was lost or tells nothing."""
        self._progress(len(self.done), self._total)
        try:
            return self._writer.send(requests)
        except (AnswerLost, NoEvidence):
            return None


def _cut(items: Sequence[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def _is_success(reply: GraphReply | None) -> bool:
    return reply is not None and 200 <= reply.status < 300  # noqa: PLR2004 - the range of success


def _explain(reply: GraphReply) -> str:
    error = (reply.body or {}).get("error", {}) if isinstance(reply.body, dict) else {}
    return f"{reply.status} {error.get('code', '')}: {error.get('message', '')}"
