"""The plan of a policy carried out: each group and each space is read just before it is written.

PATCH of a group replaces all its roles and PUT of an assignment all roles in the space, so what others granted since
the plan is in what is written. https://qlik.dev/apis/rest/groups, https://qlik.dev/apis/rest/spaces
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from qlik_provider.client import SERVICE, Writer
from qlik_provider.errors import AnswerLost, ApiError, CredentialsError, NoEvidence, NotFound, QlikProviderError
from qlik_provider.people import SpaceAssignment, TenantGroup
from qlik_provider.policy import PolicyChange, PolicyPlan
from qlik_provider.policy_ledger import PolicyOutcome, conclude_policy
from qlik_provider.rights import TENANT_ADMIN, Right
from qlik_provider.tenant_policies import TenantPolicies
from qlik_provider.transport import Answer, wait_until

CREATED, UNAUTHORIZED, GONE, CONFLICT, REFUSED = 201, 401, 404, 409, 400
ATTEMPTS = 2  # once more after a conflict

Progress = Callable[[int, int], None]


@dataclass
class PolicyApply:
    """One plan on its way to the tenant; `group` is the id of the group of today, once there is one."""

    policies: TenantPolicies
    provider_type: str
    name: str
    group: str | None
    spaces: Mapping[str, str]
    progress: Progress
    assignee: Literal["group", "user"] = "group"
    """What has the roles in spaces: a group, or one user, whose id `group` is then."""
    done: set[Right] = field(default_factory=set)
    refusals: dict[Right, str] = field(default_factory=dict)

    def run(self, plan: PolicyPlan) -> tuple[PolicyOutcome, ...]:
        """Send the changes and return what became of each; raises only if nothing at all is known.

        A refused change never stops the others.
        """
        failure: QlikProviderError | None = None
        # One policy at a time: whether a group is the last to give TenantAdmin depends on what the others just did.
        with self.policies.lock, self.policies.client.writing() as writer:
            try:
                for changes in _by_target(plan.changes):
                    self.progress(len(self.done), len(plan.changes))
                    self._carry_out(_Target(self, writer, changes[0].right), changes)
            except QlikProviderError as error:
                failure = error
            finally:
                self.policies.forget()
        return conclude_policy(plan.changes, self.done, self.refusals, failure)

    def _carry_out(self, target: "_Target", changes: Sequence[PolicyChange]) -> None:
        """Send what one group or one space is to have; where that is refused as a whole, change by change."""
        refusal = self._send(target, changes)
        if refusal is None:
            self.done.update(change.right for change in changes)
        elif len(changes) == 1:
            self.refusals[changes[0].right] = refusal
        else:
            for change in changes:
                self._carry_out(target, [change])

    def _send(self, target: "_Target", changes: Sequence[PolicyChange]) -> str | None:
        """Return why the tenant refused, None when it is done; an answer counts once a read shows what it says.

        What was not answered, or was answered and does not show, is read and written once more.
        """
        failure: ApiError | None = None
        for _ in range(ATTEMPTS):
            target.asked = None
            try:
                refusal = target.write(changes)
            except AnswerLost as error:
                failure = error
                continue
            if refusal is not None or target.asked is None or _shows_soon(target, changes):
                return refusal
            failure = NoEvidence(SERVICE, *target.asked, "it was said to be done and does not show")
        if isinstance(failure, AnswerLost) and target.shows(changes):
            return None
        raise failure or AssertionError("no attempt was made")


def _shows_soon(target: "_Target", changes: Sequence[PolicyChange]) -> bool:
    """Tell whether a read shows what was confirmed; where none can be had, the answer stands alone."""
    try:
        return wait_until(lambda: target.shows(changes))
    except QlikProviderError:
        return True


def _by_target(changes: Iterable[PolicyChange]) -> list[list[PolicyChange]]:
    """Return the changes by what one write is about: the roles of a group, or one space; in the order of the plan."""
    targets: dict[tuple[str, str], list[PolicyChange]] = {}
    for change in changes:
        right = change.right
        targets.setdefault((right.group, right.name if right.kind == "space" else ""), []).append(change)
    # The roles of the group of today come first, since their write creates a group that is missing.
    return sorted(targets.values(), key=lambda own: (bool(own[0].right.group), own[0].right.kind == "space"))


class _Target:
    """The roles of one group, or its roles in one space."""

    def __init__(self, apply: PolicyApply, writer: Writer, right: Right) -> None:
        self._apply = apply
        self._policies = apply.policies
        self._writer = writer
        self._group = right.group
        self.asked: tuple[str, str] | None = None
        """Method and path of the last write."""
        self._space = apply.spaces.get(right.name) if right.kind == "space" else None

    def write(self, changes: Sequence[PolicyChange]) -> str | None:
        """Read, write what is missing, and return why that was refused; None when it is as it should be."""
        return self._write_roles(changes) if self._space is None else self._write_space(self._space, changes)

    def shows(self, changes: Sequence[PolicyChange]) -> bool:
        """Tell whether a read shows everything as it should be."""
        if self._space is None:
            group = self._read_group()
            held = set(group.roles) if group else set()
            return _turn(held, _roles(changes)) == held
        own = self._find_assignment(self._space)
        held = set(own.roles) if own else set()
        return _turn(held, _roles(changes)) == held

    def _group_id(self) -> str | None:
        return self._group or self._apply.group

    def _read_group(self) -> TenantGroup | None:
        """Return the group as it is now; one of today without an id is looked for by name."""
        id = self._group_id()
        if id is None:
            self._policies.forget()
            group = self._policies.find_group(self._apply.provider_type, self._apply.name)
            self._apply.group = group.id if group else None
            return group
        try:
            return self._policies.client.read_group(id)
        except NotFound:
            # It is gone only when the list lacks it too.
            self._policies.forget()
            return next((group for group in self._policies.read_groups() if group.id == id), None)

    def _create_group(self, roles: Iterable[str]) -> str | None:
        body = {
            "name": self._apply.name,
            "status": "active",
            "providerType": self._apply.provider_type,
            "assignedRoles": [{"name": role} for role in sorted(roles)],
        }
        path = "/api/v1/groups"
        answer = self._ask("POST", path, body)
        if answer.status == CONFLICT:
            # A login made it in the meantime: it is looked for by name, and what it holds is read.
            self._apply.group = None
            raise AnswerLost(SERVICE, "POST", path, "409 the group is there by now", status=CONFLICT)
        if answer.status == CREATED and isinstance(answer.body, Mapping) and isinstance(answer.body.get("id"), str):
            self._apply.group = answer.body["id"]
            return None
        refusal = explain_refusal(answer)
        if refusal is None:
            raise AnswerLost(SERVICE, "POST", path, f"{answer.status} without the group", status=answer.status)
        return refusal

    def _write_roles(self, changes: Sequence[PolicyChange]) -> str | None:
        group = self._read_group()
        wanted = _roles(changes)
        if group is None:
            granted = [role for role, is_granted in wanted.items() if is_granted]
            return self._create_group(granted) if granted else None
        held = set(group.roles)
        target = _turn(held, wanted)
        if target == held:
            return None
        if TENANT_ADMIN in held - target:
            reason = self._policies.explain_last_admin(group.id)
            if reason:
                return reason
        value = [{"name": role} for role in [*(r for r in group.roles if r in target), *sorted(target - held)]]
        answer = self._ask(
            "PATCH", f"/api/v1/groups/{group.id}", [{"op": "replace", "path": "/assignedRoles", "value": value}]
        )
        return explain_refusal(answer)

    def _write_space(self, space: str, changes: Sequence[PolicyChange]) -> str | None:
        wanted = _roles(changes)
        if self._group_id() is None and any(wanted.values()) and self._read_group() is None:
            refusal = self._create_group(())
            if refusal:
                return refusal
        for _ in range(ATTEMPTS):
            try:
                own = self._find_assignment(space)
            except NotFound as error:
                return error.reason
            held = set(own.roles) if own else set()
            target = _turn(held, wanted)
            if target == held:
                return None
            answer = self._replace(space, own, [*_kept(own, target), *sorted(target - held)])
            if own and not target and answer.status == GONE:
                return None
            if own or answer.status != CONFLICT:
                return explain_refusal(answer)
            # Somebody was faster: read the assignment, and replace it as a whole.
        return f"{CONFLICT}: the group has roles in this space, and the list does not show them"

    def _find_assignment(self, space: str) -> SpaceAssignment | None:
        assignments = self._policies.client.read_space_assignments(space)
        return next((assignment for assignment in assignments if assignment.assignee == self._group_id()), None)

    def _replace(self, space: str, own: SpaceAssignment | None, roles: list[str]) -> Answer:
        path = f"/api/v1/spaces/{space}/assignments"
        if own is None:
            return self._ask(
                "POST", path, {"type": self._apply.assignee, "assigneeId": self._group_id(), "roles": roles}
            )
        if roles:
            return self._ask("PUT", f"{path}/{own.id}", {"roles": roles})
        return self._ask("DELETE", f"{path}/{own.id}", None)

    def _ask(self, method: str, path: str, body: object) -> Answer:
        self.asked = method, path
        answer = self._writer.ask(method, path, body)
        if answer.status == UNAUTHORIZED:
            raise CredentialsError("QLIK_API_KEY or QLIK_CLIENT_SECRET", "the tenant refused the token in mid-run")
        return answer


def _roles(changes: Iterable[PolicyChange]) -> dict[str, bool]:
    """Return the roles that are to change, and whether they are to be there afterwards."""
    return {change.right.role or change.right.name: not change.is_removal for change in changes}


def _turn(held: set[str], wanted: Mapping[str, bool]) -> set[str]:
    """Return the roles held after what is wanted; all others stay."""
    granted = {role for role, is_granted in wanted.items() if is_granted}
    return (held | granted) - (wanted.keys() - granted)


def _kept(own: SpaceAssignment | None, target: set[str]) -> list[str]:
    """Return the roles of an assignment that stay, in its own order."""
    return [role for role in own.roles if role in target] if own else []


def explain_refusal(answer: Answer) -> str | None:
    """Return the tenant's reason for a refusal; None for a success."""
    if answer.status < REFUSED:
        return None
    errors = answer.body.get("errors") if isinstance(answer.body, Mapping) else None
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], Mapping) else {}
    parts = [str(answer.status), *(str(first[name]) for name in ("code", "title", "detail") if first.get(name))]
    return " ".join(" ".join(parts).split())


def not_done(outcomes: Iterable[PolicyOutcome]) -> list[str]:
    """Return one clause for each change that did not happen."""
    return [f"{outcome.state}: {outcome}" for outcome in outcomes if outcome.state != "done"]
