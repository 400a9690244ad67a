"""Who left, as directory and tenant show it, and the rungs of a plan carried out in the tenant.

Nothing here counts that was not read: a status that does not show afterwards was not put, a thing that does not show as
the steward's was not handed over, and before anybody is deleted everything that speaks for it is read once more.
https://qlik.dev/apis/rest/users
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus

from qlik_provider.belongings import Inventory
from qlik_provider.changes import name_some
from qlik_provider.client import Writer
from qlik_provider.entitlements import BySubject, fold
from qlik_provider.errors import AnswerLost, CredentialsError, NotFound, NotPermitted, QlikProviderError, UnsafePlan
from qlik_provider.graph import GraphClient
from qlik_provider.ladder import find_absent, find_due
from qlik_provider.ladder_ledger import LadderOutcome, State
from qlik_provider.moves import object_id_of
from qlik_provider.owned import Belonging, Belongings
from qlik_provider.people import TenantUser
from qlik_provider.policy_writes import explain_refusal
from qlik_provider.premises import Rules
from qlik_provider.presences import Presences, read_presences
from qlik_provider.rights import TENANT_ADMIN
from qlik_provider.rungs import DesiredLadder, LadderChange, LadderPlan, ObservedLadder, Presence, RecordedLadder
from qlik_provider.tenant import Tenant
from qlik_provider.transfers import hand_over
from qlik_provider.transport import wait_until

WITNESSES = 3  # people of the declaration who are looked up beside the others
SKEW = timedelta(days=1)  # two clocks further apart are not those of one day
ATTEMPTS = 2  # once more after an answer that was lost
DELETED = "deleted"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Look:
    """What was read for one plan, and why nothing is known of others, by subject."""

    observed: ObservedLadder
    ids: Mapping[str, str] = field(default_factory=dict)
    """The object ids of who was looked up, by subject."""
    witnesses: frozenset[str] = frozenset()
    reasons: Mapping[str, str] = field(default_factory=dict)


class Departures:
    """Leavers as this process sees one tenant and its directory; the directory is opened where somebody is absent."""

    def __init__(self, tenant: Tenant, open_directory: Callable[[], GraphClient]) -> None:
        self.tenant = tenant
        self.client = tenant.client
        self.open_directory = open_directory
        self._lock = threading.RLock()
        self._users: tuple[TenantUser, ...] | None = None
        self._looked: dict[tuple[frozenset[str], frozenset[str]], Presences] = {}
        self._owned: dict[str, Belongings] = {}
        self._inventory = Inventory(self.client)

    def refuse_other_tenant(self, tenant_id: str) -> None:
        """Raise UnsafePlan if this is another tenant than the stack belongs to."""
        if self.tenant.id != tenant_id:
            raise UnsafePlan(f"the stack belongs to tenant {tenant_id}, and {self.client.tenant} is {self.tenant.id}")

    def read_users(self) -> tuple[TenantUser, ...]:
        """Return the users of the tenant, read once until something is written."""
        with self._lock:
            if self._users is None:
                self._users = self.client.read_users()
            return self._users

    def look(
        self, desired: DesiredLadder, recorded: RecordedLadder, rules: Rules, now: datetime, steward: str = ""
    ) -> Look:
        """Return what there is to be known for a plan: more of who left, and most of who is due.

        `steward` is the object id of whom things are handed over to, who is in the directory for certain.
        """
        with self._lock:
            users = BySubject((user.subject, user) for user in self.read_users())
            absent = find_absent(desired, recorded)
            ids = {subject: id for subject, id in absent.items() if id and subject in users}
            witnesses = _find_witnesses(desired, recorded, steward, set(absent.values()))
            found = self._look_up(frozenset(ids.values()), witnesses, now)
            presence: dict[str, Presence] = {subject: found.known.get(id, "unknown") for subject, id in ids.items()}
            observed = ObservedLadder(users, presence)
            reasons = {subject: found.reasons[id] for subject, id in ids.items() if id in found.reasons}
            reasons |= {s: "no object id of theirs is known" for s, id in absent.items() if s in users and not id}
            if found.known:
                observed = replace(observed, rows=self.tenant.find_types(), caller=self.client.read_caller())
            due = find_due(desired, observed, recorded, rules, now)
            if due:
                observed = replace(
                    observed,
                    administrators=self.client.read_administrators(TENANT_ADMIN),
                    belongings={s: self._list(users[s].id) for s, verb in due.items() if verb == "delete"},
                )
            return Look(observed, ids, witnesses, reasons)

    def apply(self, plan: LadderPlan, look: Look, progress: Progress) -> tuple[LadderOutcome, ...]:
        """Carry out the changes of a plan, in its order, and return what became of each.

        One that is refused never stops the others. Raises only if nothing at all is known of what was done.
        """
        with self._lock, self.client.writing() as writer:
            self._users, self._owned, self._looked = None, {}, {}
            self._inventory = Inventory(self.client)
            return _Climb(self, writer, plan.changes, look, progress).run()

    def _look_up(self, ids: frozenset[str], witnesses: frozenset[str], now: datetime) -> Presences:
        """Return what the directory proves, asked once a process; nothing where its clock is not that of the tenant."""
        if not ids:
            return Presences()
        if (ids, witnesses) not in self._looked:
            try:
                directory = self.open_directory()
                found = read_presences(directory, ids, witnesses)
                apart = abs(directory.now - now)
            except QlikProviderError as error:
                found, apart = Presences({}, dict.fromkeys(ids, str(error))), timedelta()
            if apart > SKEW:
                reason = f"the clocks of tenant and directory are {apart.days} days apart, so no time is known"
                found = Presences({}, dict.fromkeys(ids, reason))
            self._looked[ids, witnesses] = found
        return self._looked[ids, witnesses]

    def _list(self, user: str) -> Belongings:
        if user not in self._owned:
            self._owned[user] = self._inventory.read(user)
        return self._owned[user]


def _find_witnesses(
    desired: DesiredLadder, recorded: RecordedLadder, steward: str, absent: Collection[str | None]
) -> frozenset[str]:
    """Return the object ids of a few people who are in the directory of this stack for certain."""
    known = BySubject({**recorded.object_ids, **desired.object_ids})
    ids = {fold(steward), *(object_id_of(subject, known) or "" for subject in desired.people)}
    return frozenset(sorted(id for id in ids if id and id not in absent)[:WITNESSES])


class _Climb:
    """The changes of one plan on their way to the tenant."""

    def __init__(
        self, departures: Departures, writer: Writer, changes: Sequence[LadderChange], look: Look, progress: Progress
    ) -> None:
        self._departures, self._client = departures, departures.client
        self._writer, self._changes, self._look = writer, changes, look
        self._tell = progress
        self._total = sum(len(change.items) or 1 for change in changes)
        self._handled = 0
        self._outcomes: dict[tuple[str, str], LadderOutcome] = {}

    def run(self) -> tuple[LadderOutcome, ...]:
        """Send everything; raises what stopped it before anything was done."""
        failure: QlikProviderError | None = None
        try:
            for change in self._changes:
                if change.becomes:
                    self._begin()
                    self._put_status(change)
            self._hand_over([change for change in self._changes if change.verb == "transfer"])
            self._delete([change for change in self._changes if change.verb == "delete"])
        except QlikProviderError as error:
            failure = error
        if failure and not any(outcome.state == "done" for outcome in self._outcomes.values()):
            raise failure
        left = str(failure or "nobody knows what became of it")
        return tuple(
            self._outcomes.get((change.verb, change.subject), LadderOutcome(change, "unsent", left))
            for change in self._changes
        )

    def _begin(self, count: int = 1) -> None:
        self._tell(self._handled, self._total)
        self._handled += count

    def _note(
        self, change: LadderChange, state: State, reason: str = "", left: Mapping[Belonging, str] | None = None
    ) -> None:
        self._outcomes[change.verb, change.subject] = LadderOutcome(change, state, reason, left or {})

    def _put_status(self, change: LadderChange) -> None:
        """Give a user the status of a rung, which counts once a read shows it."""
        if not self._is_as_planned(change):
            return
        operation = {"op": "replace", "path": "/status", "value": change.becomes}
        self._send(change, "PATCH", [operation], lambda: self._read_status(change) == change.becomes)

    def _hand_over(self, changes: Sequence[LadderChange]) -> None:
        """Hand over what is owned, all of it in one go, to the one steward there is."""
        items = [item for change in changes for item in change.items]
        to = next((change.steward.id for change in changes if change.steward), "")
        if not items:
            return
        done = hand_over(self._client, items, to, lambda handled, _: self._tell(self._handled + handled, self._total))
        self._handled += len(items)
        reasons = {handed.belonging: handed.reason for handed in done}
        refused = {handed.belonging for handed in done if handed.is_refused}
        for change in changes:
            left = {item: reasons.get(item, "not looked at") for item in change.items if reasons.get(item, "?")}
            if left:
                told = name_some([f"{item}: {reason}" for item, reason in left.items()])
                state: State = "refused" if refused.issuperset(left) else "unsent"
                self._note(change, state, f"{len(left)} of {len(change.items)} not handed over: {told}", left)
            else:
                self._note(change, "done")

    def _delete(self, changes: Sequence[LadderChange]) -> None:
        """Delete users whose every proof holds once more: left, without a license, without anything of theirs."""
        transfers = {change.subject: change for change in self._changes if change.verb == "transfer"}
        ready = []
        for change in changes:
            outcome = self._outcomes.get(("transfer", change.subject))
            if change.subject in transfers and (outcome is None or outcome.state != "done"):
                self._note(change, "unsent", "not everything was handed over")
            else:
                ready.append(change)
        if not ready:
            return
        self._begin(0)
        types = self._departures.tenant.find_types(is_anew=True)
        before, ids = self._look.observed.presence, self._look.ids
        now = read_presences(
            self._departures.open_directory(), {ids[change.subject] for change in ready}, self._look.witnesses
        )
        inventory = Inventory(self._client)
        for change in ready:
            self._begin()
            if types.get(fold(change.subject)):
                self._note(change, "unsent", f"holds {', '.join(sorted(types[fold(change.subject)]))} by now")
            elif now.known.get(ids[change.subject]) != before[change.subject]:
                self._note(
                    change, "unsent", now.reasons.get(ids[change.subject], "the directory says otherwise by now")
                )
            elif self._is_as_planned(change) and self._owns_nothing(change, inventory):
                self._send(change, "DELETE", None, lambda c=change: self._read_status(c) == DELETED)  # type: ignore[misc]

    def _owns_nothing(self, change: LadderChange, inventory: Inventory) -> bool:
        owned = inventory.read(change.user.id, is_proof=True)
        if not owned.is_nothing():
            left = [*(str(item) for item in owned.items), *owned.unknown]
            self._note(change, "unsent", f"still owns {name_some(left)}")
        return owned.is_nothing()

    def _is_as_planned(self, change: LadderChange) -> bool:
        """Tell whether a user is who and as they were when this was planned; note where not, or where it is done."""
        try:
            user = self._client.read_user(change.user.id)
        except NotFound:
            user = replace(change.user, status=DELETED)
        is_who = fold(user.subject) == fold(change.user.subject)
        is_same = is_who and user.status == change.user.status
        if is_who and user.status == (change.becomes or DELETED):
            self._note(change, "done")
        elif not is_same:
            self._note(change, "unsent", f"is {user.subject!r} and {user.status} by now; plan again")
        return is_same

    def _read_status(self, change: LadderChange) -> str:
        """Return the status that a read shows; of whom it shows nothing, deleted."""
        try:
            return self._client.read_user(change.user.id).status
        except NotFound:
            return DELETED

    def _send(self, change: LadderChange, method: str, body: object, is_shown: Callable[[], bool]) -> None:
        """Send one write and note what became of it, by what a read shows; once more after a lost answer."""
        path = f"/api/v1/users/{change.user.id}"
        for _ in range(ATTEMPTS):
            try:
                answer = self._writer.ask(method, path, body)
            except AnswerLost:
                if is_shown():
                    self._note(change, "done")
                    return
                continue
            if answer.status == HTTPStatus.UNAUTHORIZED:
                raise CredentialsError("QLIK_API_KEY or QLIK_CLIENT_SECRET", "the tenant refused the token in mid-run")
            if answer.status == HTTPStatus.FORBIDDEN:
                reason = f"{method} {path} is forbidden to this caller; give the client the scope admin_classic"
                raise NotPermitted("QLIK_CLIENT_ID or QLIK_API_KEY", reason)
            refusal = explain_refusal(answer)
            if is_shown() if refusal else wait_until(is_shown):
                self._note(change, "done")
            elif refusal:
                self._note(change, "refused", refusal)
            else:
                self._note(change, "unsent", f"answered {answer.status}, and it does not show")
            return
        self._note(change, "unsent", "no answer came, and it does not show")
