"""What people are granted in the tenant's spaces by themselves: read whole, and the plan for everybody carried out.

The assignee is the id of a user and not a subject, so who has no user yet waits. https://qlik.dev/apis/rest/spaces
"""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from qlik_provider.entitlements import fold
from qlik_provider.errors import QlikProviderError
from qlik_provider.policy import DesiredPolicy, ObservedPolicy, PolicyPlan, RecordedPolicy, wanted_withdrawals
from qlik_provider.policy_ledger import Memory, PolicyOutcome, Whereabouts
from qlik_provider.policy_writes import PolicyApply
from qlik_provider.rights import Right
from qlik_provider.tenant_policies import TenantPolicies
from qlik_provider.user_ledger import Person
from qlik_provider.user_policy import PersonPolicy, UserPlan

OWN = "it is what this run itself may do there"

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class UserSight:
    """What was seen of one person: the record in the names of today, and what the tenant shows of it."""

    memory: Memory
    policy: PersonPolicy

    @property
    def recorded(self) -> RecordedPolicy:
        """What is recorded, in the names of today."""
        return self.policy.recorded


class UserPolicies:
    """The users of one tenant and their own roles in spaces, as this process sees them."""

    def __init__(self, policies: TenantPolicies) -> None:
        self.policies = policies
        self.client = policies.client
        self._lock = threading.RLock()
        self._users: Mapping[str, str] | None = None
        self._caller: str | None = None

    def refuse_bad_spaces(self, people: Mapping[str, Person]) -> None:
        """Raise UnsafePlan with everything that is wrong with the spaces declared for anybody."""
        rights = frozenset(right for person in people.values() for right in person.desired.rights)
        self.policies.refuse_bad_spaces(DesiredPolicy("", rights))

    def look(
        self, people: Mapping[str, Person], *, settled: bool = False, coming: Collection[str] = ()
    ) -> dict[str, UserSight]:
        """Return what is recorded of everybody, and what the tenant shows of it.

        `coming` are the folded subjects of who is no user yet and will be before anything is granted.
        """
        with self.policies.lock:
            return {id: self._look_at(person, coming, settled=settled) for id, person in people.items()}

    def forget(self) -> None:
        """Read the users again when they are next needed."""
        with self._lock:
            self._users = None

    def apply(
        self, plan: UserPlan, sights: Mapping[str, UserSight], progress: Progress
    ) -> dict[str, tuple[PolicyOutcome, ...]]:
        """Send the changes of a plan, person by person, and return what became of each; raises if nothing is known.

        A refused change never stops the others; what stops the work leaves the rest unsent.
        """
        outcomes: dict[str, tuple[PolicyOutcome, ...]] = {}
        stopped: QlikProviderError | str | None = None
        handled, total = 0, len(plan.changes)
        for id, own in plan.plans.items():
            if stopped is None and own.changes:
                try:
                    outcomes[id] = self._apply_to(own, sights[id].memory, plan.mails[id], handled, total, progress)
                except QlikProviderError as error:
                    stopped = error
                else:
                    stopped = next((outcome.reason for outcome in outcomes[id] if outcome.state == "unsent"), None)
            if id not in outcomes:
                outcomes[id] = tuple(PolicyOutcome(change, "unsent", str(stopped)) for change in own.changes)
            handled += len(own.changes)
        is_known = any(outcome.state != "unsent" for found in outcomes.values() for outcome in found)
        if isinstance(stopped, QlikProviderError) and not is_known:
            raise stopped
        return outcomes

    def _apply_to(
        self, plan: PolicyPlan, memory: Memory, mail: str, handled: int, total: int, progress: Progress
    ) -> tuple[PolicyOutcome, ...]:
        return PolicyApply(
            policies=self.policies,
            provider_type="",
            name=mail,
            group=memory.where.group,
            spaces=memory.spaces,
            progress=lambda done, _: progress(handled + done, total),
            assignee="user",
        ).run(plan)

    def _look_at(self, person: Person, coming: Collection[str], *, settled: bool) -> UserSight:
        users = self._read_users()
        known = str(person.outputs["groupId"]) or None
        # Who has another subject than before may be known to the tenant by the former one until the next login.
        user = users.get(fold(person.subject or "")) or known
        has_spaces = person.outputs["spaceIds"] or person.desired.rights
        where = Whereabouts(user, frozenset(users.values()), self.policies.read_spaces() if has_spaces else ())
        memory = Memory(person.outputs, person.desired, where)
        recorded = memory.recall(settled=settled)
        observed = ObservedPolicy(rights=self._read_rights(memory, recorded))
        withdrawn = wanted_withdrawals(person.desired, observed, recorded)
        is_own = bool(withdrawn) and user == self._read_caller()
        observed = ObservedPolicy(
            rights=observed.rights,
            unseen=memory.unseen,
            # Nobody is left behind in a user whom the same person no longer is.
            people={right.group: 0 for right in withdrawn if right.group},
            guarded=dict.fromkeys((right for right in withdrawn if not right.group), OWN) if is_own else {},
            full_users=self.policies.find_full_users(person.desired.rights - observed.rights),
        )
        is_user = user in where.groups or fold(person.subject or "") in coming
        return UserSight(memory, PersonPolicy(person.mail, person.desired, observed, recorded, is_user))

    def _read_rights(self, memory: Memory, recorded: RecordedPolicy) -> frozenset[Right]:
        """Return the roles that a user, and earlier ones of the same person, have in the spaces of the policy."""
        own = {memory.where.group: ""} if memory.where.group else {}
        users = {**own, **{right.group: right.group for right in recorded.ledger if right.group}}
        return frozenset(
            Right("space", name, role, users[assignment.assignee])
            for name, id in memory.spaces.items()
            if users and name not in memory.unseen
            for assignment in self.policies.read_assignments(id)
            if assignment.assignee in users
            for role in assignment.roles
        )

    def _read_users(self) -> Mapping[str, str]:
        """Return the ids of the users by folded subject, read once in this process."""
        with self._lock:
            if self._users is None:
                self._users = {fold(user.subject): user.id for user in self.client.read_users()}
            return self._users

    def _read_caller(self) -> str:
        with self._lock:
            if self._caller is None:
                self._caller = self.client.read_caller()
            return self._caller
