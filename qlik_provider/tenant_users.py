"""The users of the tenant: read whole, and created before their first login, one by one.

The tenant has no call that creates many. https://qlik.dev/apis/rest/users
"""

import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress

from qlik_provider.accounts import USER, Account
from qlik_provider.changes import Change
from qlik_provider.client import QlikClient, Writer
from qlik_provider.entitlements import Assignment, fold
from qlik_provider.errors import AnswerLost, CredentialsError, NotPermitted, QlikProviderError
from qlik_provider.outcomes import Outcome, conclude
from qlik_provider.people import TenantUser
from qlik_provider.plan import Plan
from qlik_provider.policy_writes import explain_refusal
from qlik_provider.premises import Observed
from qlik_provider.tenant import Tenant
from qlik_provider.transport import Answer, wait_until

PATH = "/api/v1/users"
CREATED, UNAUTHORIZED, FORBIDDEN, CONFLICT = 201, 401, 403, 409
INVITED = "invited"  # who has not logged in yet; nobody gets a mail by it
ATTEMPTS = 2  # once more after an answer that was lost

Progress = Callable[[int, int], None]


class TenantUsers:
    """The users as this process sees one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.client = tenant.client
        self._lock = threading.RLock()
        self._users: tuple[TenantUser, ...] | None = None

    def read(self) -> tuple[TenantUser, ...]:
        """Return the users of the tenant, of whatever status but deleted, read once until something is written."""
        with self._lock:
            if self._users is None:
                self._users = self.client.read_users()
            return self._users

    def observe(self, subjects: Collection[str]) -> Observed:
        """Return which of these subjects are users; those of others are nobody's concern here."""
        asked = {fold(subject) for subject in subjects}
        return Observed(tuple(Assignment(user.subject, USER) for user in self.read() if fold(user.subject) in asked))

    def apply(self, plan: Plan, progress: Progress) -> tuple[Outcome, ...]:
        """Create the users of a plan, one by one, and return what became of each.

        One refused person never stops the others. Raises only if nothing at all is known of what was done.
        """
        failure: QlikProviderError | None = None
        with self.client.writing() as writer:
            work = _Apply(self.client, writer, plan.changes, progress)
            try:
                work.run()
            except QlikProviderError as error:
                failure = error
        with self._lock:
            self._users = None
        unseen = set() if failure else self._wait_until_shown(work.done)
        return conclude(plan.changes, work.done, work.refusals, failure, unseen=unseen)

    def _wait_until_shown(self, done: Collection[str]) -> set[str]:
        """Return who was created and does not show in the list, after waiting for it a few times."""
        unseen = set(done)

        def is_shown() -> bool:
            nonlocal unseen
            users = self.client.read_users()
            present = {fold(user.subject) for user in users}
            unseen = {subject for subject in done if fold(subject) not in present}
            with self._lock:
                self._users = users
            return not unseen

        with suppress(QlikProviderError):  # what cannot be read is not seen
            if done:
                wait_until(is_shown)
        return unseen


class _Apply:
    """One plan on its way to the tenant."""

    def __init__(self, client: QlikClient, writer: Writer, changes: Sequence[Change], progress: Progress) -> None:
        self._client = client
        self._writer = writer
        self._changes = changes
        self._progress = progress
        self.done: set[str] = set()
        self.refusals: dict[str, str] = {}

    def run(self) -> None:
        """Send every change."""
        for number, change in enumerate(self._changes):
            self._progress(number, len(self._changes))
            self._create(change)

    def _create(self, change: Change) -> None:
        """Create one user; whatever is no plain success counts by what a read of the subject shows."""
        body = {"subject": change.key, "status": INVITED, "email": change.mail}
        body["name"] = change.declared.name if isinstance(change.declared, Account) else change.mail
        for _ in range(ATTEMPTS):
            try:
                answer = self._writer.ask("POST", PATH, body)
            except AnswerLost:
                if self._exists(change):
                    return
                continue
            _refuse_caller(answer)
            if answer.status == CREATED:
                self.done.add(change.key)
            # A 409 also comes of a login that was faster, and a 207 does not say which part failed.
            elif not self._exists(change):
                self.refusals[change.key] = self._explain(change, answer)
            return

    def _exists(self, change: Change) -> bool:
        """Note and tell whether the tenant has a user of the subject."""
        found = [user for user in self._client.find_users("subject", change.key) if _is(user.subject, change.key)]
        self.done |= {change.key} if found else set()
        return bool(found)

    def _explain(self, change: Change, answer: Answer) -> str:
        """Return why somebody was not created; of a conflict, whom the tenant takes for the same person."""
        reason = explain_refusal(answer) or f"{answer.status} and no such user shows"
        if answer.status != CONFLICT:
            return reason
        others = [user for user in self._client.find_users("email", change.mail) if _is(user.email or "", change.mail)]
        named = ", ".join(f"{user.subject!r} ({user.status})" for user in others)
        if named:
            return f"{reason}: {change.mail} is the e-mail of {named}; leave it to one of them"
        return f"{reason}: neither the subject nor the e-mail shows, so perhaps a deleted user has it"


def _is(one: str, other: str) -> bool:
    return fold(one) == fold(other)


def _refuse_caller(answer: Answer) -> None:
    """Raise CredentialsError, or NotPermitted, for an answer that every further user would get too."""
    if answer.status == UNAUTHORIZED:
        raise CredentialsError("QLIK_API_KEY or QLIK_CLIENT_SECRET", "the tenant refused the token in mid-run")
    if answer.status == FORBIDDEN:
        reason = f"{PATH} is forbidden to this caller; give the client the scope admin_classic or admin.users"
        raise NotPermitted("QLIK_CLIENT_ID or QLIK_API_KEY", reason)
