"""What groups are granted in the tenant, read whole: each collection once in a process, until something is written."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from qlik_provider.errors import NotFound, UnsafePlan
from qlik_provider.ledger import Bag
from qlik_provider.people import SpaceAssignment, TenantGroup, TenantRole, TenantSpace
from qlik_provider.policy import DesiredPolicy, ObservedPolicy, RecordedPolicy, wanted_withdrawals
from qlik_provider.policy_ledger import Memory, Whereabouts
from qlik_provider.rights import TENANT_ADMIN, Right, explain_last_admin, find_space_faults
from qlik_provider.tenant import Tenant

NAMED_TYPES = frozenset({"professional", "analyzer"})
BASIC_SPACE_ROLE = "basicconsumer"  # the one space role that leaves a basic user basic


@dataclass(frozen=True)
class Sight:
    """What was seen of one policy: the record in the names of today, and what the tenant shows of it."""

    memory: Memory
    recorded: RecordedPolicy
    observed: ObservedPolicy


class TenantPolicies:
    """Groups, spaces and who has which role in them, as this process sees one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.client = tenant.client
        self.lock = threading.RLock()
        self._groups: tuple[TenantGroup, ...] | None = None
        self._spaces: tuple[TenantSpace, ...] | None = None
        self._roles: tuple[TenantRole, ...] | None = None
        self._assignments: dict[str, tuple[SpaceAssignment, ...]] = {}

    def refuse_other_tenant(self, tenant_id: str) -> None:
        """Raise UnsafePlan if this is another tenant than the stack belongs to."""
        if self.tenant.id != tenant_id:
            raise UnsafePlan(f"the stack belongs to tenant {tenant_id}, and {self.client.tenant} is {self.tenant.id}")

    def refuse_bad_spaces(self, desired: DesiredPolicy) -> None:
        """Raise UnsafePlan with everything that is wrong with the spaces declared."""
        roles: dict[str, list[str]] = {}
        for right in sorted(desired.rights):
            if right.kind == "space":
                roles.setdefault(right.name, []).append(right.role)
        spaces = self.read_spaces() if roles else ()
        faults = [f"spaces: {reason}" for _, reason in find_space_faults(roles, spaces)]
        if faults:
            raise UnsafePlan("; ".join(faults))

    def look(self, inputs: Bag, outputs: Bag, desired: DesiredPolicy, *, settled: bool = False) -> Sight:
        """Return what is recorded of a policy, and what the tenant shows of it.

        More is read where something is to be withdrawn: who is in the group, and who else is TenantAdmin.
        """
        with self.lock:
            memory = Memory(outputs, desired, self._find_whereabouts(inputs, outputs, desired))
            recorded = memory.recall(settled=settled)
            observed = self._read_rights(memory, recorded)
            withdrawn = wanted_withdrawals(desired, observed, recorded)
            groups = {right.group: right.group or memory.where.group or "" for right in withdrawn}
            observed = ObservedPolicy(
                rights=observed.rights,
                unseen=memory.unseen,
                people={group: self.client.count_users_in(id) for group, id in groups.items()},
                guarded=self._guard(withdrawn, groups),
                full_users=self.find_full_users(desired.rights - observed.rights),
            )
            return Sight(memory, recorded, observed)

    def find_group(self, provider_type: str, name: object) -> TenantGroup | None:
        """Return the group of a kind with this name, whose case counts; None also for a name nobody knows yet."""
        groups = self.read_groups()
        return next((g for g in groups if (g.provider_type, g.name) == (provider_type, name)), None)

    def explain_last_admin(self, group: str) -> str | None:
        """Return why a group must keep TenantAdmin, read anew; None where others have it."""
        administrators = self.client.read_administrators(TENANT_ADMIN)
        return explain_last_admin(group, administrators, self.client.read_caller())

    def read_groups(self) -> tuple[TenantGroup, ...]:
        """Return the groups of the tenant."""
        with self.lock:
            if self._groups is None:
                self._groups = self.client.read_groups()
            return self._groups

    def read_spaces(self) -> tuple[TenantSpace, ...]:
        """Return the spaces the caller can see."""
        with self.lock:
            if self._spaces is None:
                self._spaces = self.client.read_spaces()
            return self._spaces

    def forget(self) -> None:
        """Read anew what a write may have changed."""
        with self.lock:
            self._groups = None
            self._assignments = {}

    def _find_whereabouts(self, inputs: Bag, outputs: Bag, desired: DesiredPolicy) -> Whereabouts:
        has_spaces = outputs.get("spaceIds") or any(right.kind == "space" for right in desired.rights)
        group = self._find_renamed(inputs, outputs) or self.find_group(
            str(inputs.get("providerType")), inputs.get("group")
        )
        return Whereabouts(
            group=group.id if group else None,
            groups=frozenset(group.id for group in self.read_groups()),
            spaces=self.read_spaces() if has_spaces else (),
        )

    def _find_renamed(self, inputs: Bag, outputs: Bag) -> TenantGroup | None:
        """Return the custom group that this policy was for, whatever its name: nobody but a stack says who is in it."""
        is_custom = inputs.get("providerType") == outputs.get("providerType") == "custom"
        known = outputs.get("groupId") if is_custom else None
        return next((g for g in self.read_groups() if (g.id, g.provider_type) == (known, "custom")), None)

    def _read_rights(self, memory: Memory, recorded: RecordedPolicy) -> ObservedPolicy:
        """Return what the group, and earlier ones, hold: tenant roles, and roles in the spaces of the policy."""
        own = {memory.where.group: ""} if memory.where.group else {}
        groups = {**own, **{right.group: right.group for right in recorded.ledger if right.group}}
        rights = [
            Right("role", role, group=groups[group.id])
            for group in self.read_groups()
            if group.id in groups
            for role in group.roles
        ]
        for name, id in memory.spaces.items() if groups else ():
            for assignment in self.read_assignments(id) if name not in memory.unseen else ():
                if assignment.assignee in groups:
                    rights += [Right("space", name, role, groups[assignment.assignee]) for role in assignment.roles]
        return ObservedPolicy(frozenset(rights))

    def read_assignments(self, space: str) -> Iterable[SpaceAssignment]:
        """Return who has which roles in a space; raises UnsafePlan where it is no longer shown."""
        if space not in self._assignments:
            try:
                self._assignments[space] = self.client.read_space_assignments(space)
            except NotFound as error:
                # It was in the list a moment ago: gone or no longer shown, and which of the two nobody says.
                raise UnsafePlan(f"space {space} was just listed and is no longer shown ({error.reason})") from error
        return self._assignments[space]

    def _guard(self, withdrawn: Iterable[Right], groups: dict[str, str]) -> dict[Right, str]:
        admin = [right for right in withdrawn if right.kind == "role" and right.name == TENANT_ADMIN]
        reasons = {right: self.explain_last_admin(groups[right.group]) for right in admin}
        return {right: reason for right, reason in reasons.items() if reason}

    def find_full_users(self, missing: frozenset[Right]) -> frozenset[Right]:
        """Return which rights make full users, where the license has no named types to give."""
        if not missing or NAMED_TYPES & self.tenant.types:
            return frozenset()
        if self._roles is None:
            self._roles = self.client.read_roles()
        promoting = {role.name for role in self._roles if role.makes_full_users}
        return frozenset(
            right
            for right in missing
            if (right.name in promoting if right.kind == "role" else right.role != BASIC_SPACE_ROLE)
        )
