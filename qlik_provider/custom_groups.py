"""The custom groups of the tenant and who is in them: read whole, and the plan for one carried out, user by user.

The tenant has no list of a group's members and no call for many users: who is in a group stands on the users, and each
is patched by itself. https://qlik.dev/apis/rest/users, https://qlik.dev/manage/access-control/groups
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress

from qlik_provider.changes import Change
from qlik_provider.client import SERVICE, Writer
from qlik_provider.custom_members import keep_administrators, leave_waiting
from qlik_provider.entitlements import MEMBER, Assignment, fold
from qlik_provider.errors import (
    AnswerLost,
    CredentialsError,
    NoEvidence,
    NotFound,
    NotPermitted,
    QlikProviderError,
    UnsafePlan,
)
from qlik_provider.ledger import Bag
from qlik_provider.outcomes import Outcome, conclude
from qlik_provider.people import GroupedUser, TenantGroup
from qlik_provider.plan import Plan
from qlik_provider.policy_writes import explain_refusal
from qlik_provider.premises import Observed
from qlik_provider.rights import TENANT_ADMIN
from qlik_provider.tenant_policies import TenantPolicies
from qlik_provider.transport import wait_until

CUSTOM = "custom"
PATH = "/api/v1/groups"
DONE, IN_PART, UNAUTHORIZED, FORBIDDEN, GONE, CONFLICT = 204, 207, 401, 403, 404, 409
ATTEMPTS = 2  # once more after an answer that was lost

Progress = Callable[[int, int], None]


class CustomGroups:
    """Custom groups and their people, as this process sees one tenant."""

    def __init__(self, policies: TenantPolicies) -> None:
        self.policies = policies
        self.client = policies.client
        self._lock = threading.RLock()
        self._users: tuple[GroupedUser, ...] | None = None

    def read_users(self) -> tuple[GroupedUser, ...]:
        """Return the users of the tenant with their groups, read once until something is written."""
        with self._lock:
            if self._users is None:
                self._users = self.client.read_grouped_users()
            return self._users

    def find(self, bag: Bag) -> TenantGroup | None:
        """Return the group of a resource: the one it was before, under whatever name, else the one of its name."""
        groups = [group for group in self.policies.read_groups() if group.provider_type == CUSTOM]
        before = next((group for group in groups if group.id == bag.get("groupId")), None)
        return before or next((group for group in groups if group.name == bag["group"]), None)

    def observe(self, bag: Bag, known: Collection[str] = ()) -> Observed:
        """Return who is in the group; of `known` nobody is missing whom the group's own list shows."""
        group = self.find(bag)
        id = group.id if group else bag.get("groupId")
        if not id:
            return Observed(())
        present = {user.subject for user in self.read_users() if id in user.groups}
        absent = {fold(subject) for subject in known} - {fold(subject) for subject in present}
        shown = self.client.read_grouped_users(id) if absent else ()
        present |= {user.subject for user in shown if fold(user.subject) in absent}
        return Observed(tuple(Assignment(subject, MEMBER) for subject in sorted(present)))

    def forget(self) -> None:
        """Have the users read anew."""
        with self._lock:
            self._users = None

    def restrict(self, bag: Bag, plan: Plan, coming: Collection[str] = ()) -> Plan:
        """Return a plan without what cannot or must not be sent: people who are no users, the last TenantAdmin.

        `coming` are the folded subjects of those who will be users by then.
        """
        users = {fold(user.subject): user.id for user in self.read_users()}
        plan, group = leave_waiting(plan, {*users, *coming}), self.find(bag)
        if group is None or TENANT_ADMIN not in group.roles or not any(change.is_removal for change in plan.changes):
            return plan
        administrators = self.client.read_administrators(TENANT_ADMIN)
        return keep_administrators(plan, group.id, users, administrators, self.client.read_caller())

    def apply(self, bag: Bag, plan: Plan, progress: Progress) -> tuple[Outcome, ...]:
        """Send the changes of a plan, user by user, and return what became of each; a missing group is created.

        One refused user never stops the others. Raises only if nothing at all is known of what was done.
        """
        users = {fold(user.subject): user.id for user in self.read_users()}
        with self.client.writing() as writer:
            work = _Apply(self, writer, self._ensure(bag, writer), plan.changes, progress)
            failure: QlikProviderError | None = None
            try:
                work.run(users)
                work.confirm(users)
            except QlikProviderError as error:
                failure = error
            with self._lock:
                self._users = None
            return conclude(plan.changes, work.done, work.refusals, failure, unseen=work.unseen)

    def _ensure(self, bag: Bag, writer: Writer) -> str:
        """Return the id of the group, which is created where it is missing; raises UnsafePlan where that is refused."""
        failure: AnswerLost | None = None
        # The policy of the same group may be about to create it too.
        with self.policies.lock:
            for _ in range(ATTEMPTS):
                self.policies.forget()
                group = self.find(bag)
                if group is not None:
                    return group.id
                body = {"name": bag["group"], "status": "active", "providerType": CUSTOM}
                try:
                    answer = writer.ask("POST", PATH, body)
                except AnswerLost as error:
                    failure = error
                    continue
                failure, reason = None, explain_refusal(answer)
                if reason and answer.status != CONFLICT:
                    raise UnsafePlan(f"the custom group {bag['group']!r} could not be created: {reason}")
            self.policies.forget()
            group = self.find(bag)
        if group is None:
            shown = f"the group {bag['group']!r} was created and does not show"
            raise failure or NoEvidence(SERVICE, "POST", PATH, shown)
        return group.id


def rename_group(policies: TenantPolicies, id: str | None, name: str) -> None:
    """Give a custom group the name that is declared, where it has another one; its people and rights stay.

    Raises UnsafePlan where the tenant refuses.
    """
    with policies.lock:
        group = next((group for group in policies.read_groups() if group.id == id), None)
        if group is None or group.provider_type != CUSTOM or group.name == name:
            return
        path, operation = f"{PATH}/{id}", {"op": "replace", "path": "/name", "value": name}

        def is_shown() -> bool:
            return policies.client.read_group(group.id).name == name

        try:
            with policies.client.writing() as writer:
                reason = explain_refusal(writer.ask("PATCH", path, [operation]))
        except AnswerLost as error:
            reason = error.reason
        finally:
            policies.forget()
        with suppress(QlikProviderError):  # where no read can be had, the answer stands alone
            if is_shown() if reason else wait_until(is_shown):
                reason = None
            elif reason is None:
                reason = "it was said to be done and does not show"
        if reason:
            raise UnsafePlan(f"the custom group {group.name!r} could not be renamed {name!r}: {reason}")


class _Apply:
    """One plan on its way to the users of a group."""

    def __init__(
        self, groups: CustomGroups, writer: Writer, group: str, changes: Sequence[Change], progress: Progress
    ) -> None:
        self._client = groups.client
        self._writer = writer
        self._group = group
        self._changes = changes
        self._progress = progress
        self.done: set[str] = set()
        self.refusals: dict[str, str] = {}
        self.unseen: set[str] = set()
        """Whose change is done and does not show in the group's list."""

    def run(self, users: Mapping[str, str]) -> None:
        """Send every change, to the ids of users by folded subject."""
        for change in self._changes:
            self._progress(len(self.done), len(self._changes))
            if fold(change.subject) in users:
                self._send(change, users[fold(change.subject)])

    def confirm(self, users: Mapping[str, str]) -> None:
        """Look for what is done, and send once more what does not show; what never shows is not done.

        Where no read can be had, the answer stands alone.
        """
        hidden = self._find_hidden(users)
        for change in hidden:
            self.done.discard(change.key)
            self._send(change, users[fold(change.subject)])
        if hidden:
            self.done -= {change.key for change in self._find_hidden(users)}

    def _find_hidden(self, users: Mapping[str, str]) -> list[Change]:
        """Return what is done and neither the group's list shows, after waiting for it a few times, nor the user.

        What cannot be read is not hidden.
        """
        changes = [change for change in self._changes if change.key in self.done]
        self.unseen = {change.key for change in changes}

        def is_listed() -> bool:
            present = {fold(user.subject) for user in self._client.read_grouped_users(self._group)}
            self.unseen = {c.key for c in changes if (fold(c.subject) in present) is c.is_removal}
            return not self.unseen

        try:
            if changes:
                wait_until(is_listed)
            left = [change for change in changes if change.key in self.unseen]
            return [change for change in left if self._is_hidden(change, users[fold(change.subject)])]
        except QlikProviderError:
            return []

    def _is_hidden(self, change: Change, user: str) -> bool:
        """Tell whether the user is not as a change wants; of one who is gone nobody can tell."""
        with suppress(NotFound):
            return not self._is_as_wanted(change, user)
        return False

    def _send(self, change: Change, user: str) -> None:
        """Patch one user; whatever is no plain success counts by what a read of the user shows."""
        path = f"/api/v1/users/{user}"
        operation = (
            {"op": "remove-value", "path": "/assignedGroups", "value": self._group}
            if change.is_removal
            else {"op": "add", "path": "/assignedGroups/-", "value": self._group}
        )
        for _ in range(ATTEMPTS):
            try:
                answer = self._writer.ask("PATCH", path, [operation])
            except AnswerLost:
                if self._note_if_wanted(change, user):
                    return
                continue
            if answer.status == UNAUTHORIZED:
                raise CredentialsError("QLIK_API_KEY or QLIK_CLIENT_SECRET", "the tenant refused the token in mid-run")
            if answer.status == FORBIDDEN:
                reason = f"{path} is forbidden to this caller; give the client the scope admin_classic"
                raise NotPermitted("QLIK_CLIENT_ID or QLIK_API_KEY", reason)
            if answer.status == DONE:
                self.done.add(change.key)
                return
            if self._note_if_wanted(change, user) or answer.status == GONE:
                return
            # A 400 changed nothing, as where others were faster; a 207 does not say which part failed.
            refusal = explain_refusal(answer) or (
                f"{IN_PART} and nothing changed" if answer.status == IN_PART else None
            )
            if refusal:
                self.refusals[change.key] = refusal
                return

    def _note_if_wanted(self, change: Change, user: str) -> bool:
        """Note and tell whether the user is as a change wants; of one who is gone nobody can tell."""
        with suppress(NotFound):
            if self._is_as_wanted(change, user):
                self.done.add(change.key)
                return True
        return False

    def _is_as_wanted(self, change: Change, user: str) -> bool:
        """Tell whether the user is as a change wants; raises NotFound for one who is gone."""
        return (self._group in self._client.read_grouped_user(user).groups) is not change.is_removal
