"""Between the property bags of a policy and the values that its plan works on; performs no I/O.

Inputs are echoed in the outputs as they were declared at the last apply; `granted` beside them is the ledger: what this
stack really granted. Spaces are known again by id, so one that was renamed, or whose name went to another, is the same.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, cast

from qlik_provider.brake import add_removals
from qlik_provider.entitlements import NONE, Removals
from qlik_provider.errors import QlikProviderError
from qlik_provider.ledger import Bag, parse_removed, write_removed
from qlik_provider.people import TenantSpace
from qlik_provider.policy import (
    DesiredPolicy,
    ObservedPolicy,
    PolicyChange,
    PolicyDeviation,
    PolicyPlan,
    RecordedPolicy,
    write_subject,
)
from qlik_provider.rights import Kind, Right, find_space, parse_right
from qlik_provider.verdicts import REFUSED, UNSENT

INPUTS = (
    "tenant", "tenantId", "key", "group", "providerType", "claimBy", "roles", "spaces", "reach", "rules",
)  # fmt: skip
DECLARED = "granted"  # what stands before the reason of a deviation from something declared
BETWEEN = ", "


def parse_policy(bag: Bag) -> DesiredPolicy:
    """Return what a bag declares; raises ValueError with every value that is none."""
    rights = [Right("role", str(name)) for name in bag.get("roles") or {}]
    faults = []
    for space, text in (bag.get("spaces") or {}).items():
        roles = [role.strip() for role in str(text).split(",")]
        if not all(roles) or any(len(role.split()) > 1 or "/" in role for role in roles):
            faults.append(f"spaces[{space!r}]: {text!r} is no list of space roles, as 'producer, dataconsumer'")
        rights += [Right("space", str(space), role) for role in roles]
    if faults:
        raise ValueError("; ".join(faults))
    managed = {"role": "roles", "space": "spaces"}
    return DesiredPolicy(
        key=str(bag.get("key", "")),
        rights=frozenset(rights),
        managed=frozenset(cast("Kind", kind) for kind, name in managed.items() if bag.get(name) is not None),
        reach=int(bag.get("reach") or 0),
    )


def inputs_of_policy(outputs: Bag) -> dict[str, Any]:
    """Return the inputs of the last apply, as far as what was read since bears them out."""
    return {name: outputs[name] for name in INPUTS if name in outputs}


def parse_granted(outputs: Bag) -> frozenset[Right]:
    """Return the ledger of a bag: `role:<name>` by nothing, `space:<name>` by its roles."""
    rights = []
    for key, text in outputs.get("granted", {}).items():
        roles = str(text).split(BETWEEN) if text else [""]
        rights += [parse_right(f"{key}/{role}" if role else key) for role in roles]
    return frozenset(rights)


def write_granted(ledger: Iterable[Right]) -> dict[str, str]:
    """Return the ledger as the bag holds it."""
    granted: dict[str, list[str]] = {}
    for right in sorted(ledger):
        granted.setdefault(str(replace(right, role="")), []).extend([right.role] if right.role else [])
    return {key: BETWEEN.join(roles) for key, roles in sorted(granted.items())}


def parse_policy_deviations(outputs: Bag) -> dict[Right, PolicyDeviation]:
    """Return the deviations of a bag, written as `granted; <why>` or `none; <why>`."""
    parts = {parse_right(key): text.partition("; ") for key, text in outputs.get("deviations", {}).items()}
    return {right: PolicyDeviation(declared != NONE, why) for right, (declared, _, why) in parts.items()}


def write_policy_deviations(deviations: Mapping[Right, PolicyDeviation]) -> dict[str, str]:
    """Return the deviations as the bag holds them; a text holds no count, time or rank, so it never goes stale."""
    return {
        str(right): f"{DECLARED if deviation.is_declared else NONE}; {deviation.why}"
        for right, deviation in sorted(deviations.items())
    }


@dataclass(frozen=True)
class Whereabouts:
    """What the ids in a record mean now: the group of today, all groups, and the spaces that can be seen."""

    group: str | None
    groups: frozenset[str] = frozenset()
    spaces: tuple[TenantSpace, ...] = ()

    def can_see(self, id: str) -> bool:
        """Tell whether the caller sees a space."""
        return any(space.id == id for space in self.spaces)


@dataclass(frozen=True)
class Memory:
    """A record, and what its names mean today.

    What was granted to another group than that of today belongs to an earlier group from now on. A renamed space has
    the name the declaration gives it; where its own name went to another space, its id.
    """

    outputs: Bag
    desired: DesiredPolicy
    where: Whereabouts

    @cached_property
    def _names(self) -> dict[str, str]:
        """The name today of each space in the record."""
        found = {r.name: find_space(r.name, self.where.spaces) for r in self.desired.rights if r.kind == "space"}
        ids = {name: space.id for name, space in found.items() if isinstance(space, TenantSpace)}
        declared = {id: name for name, id in ids.items()}
        recorded = self.outputs.get("spaceIds", {})
        return {name: declared.get(id, id if ids.get(name, id) != id else name) for name, id in recorded.items()}

    @cached_property
    def spaces(self) -> dict[str, str]:
        """The id of every space that a plan is about, by its name today; empty for one that was never seen."""
        known = {self._names[name]: id for name, id in self.outputs.get("spaceIds", {}).items()}
        rights = {*self.desired.rights, *(self.today(right) for right in parse_granted(self.outputs))}
        ids = {}
        for name in sorted({right.name for right in rights if right.kind == "space"} - known.keys()):
            found = find_space(name, self.where.spaces)
            ids[name] = found.id if isinstance(found, TenantSpace) else ""
        return {**known, **ids}

    @property
    def unseen(self) -> frozenset[str]:
        """The names of the spaces that the caller cannot see."""
        return frozenset(name for name, id in self.spaces.items() if not self.where.can_see(id))

    def today(self, right: Right) -> Right:
        """Return a recorded right in the names of today."""
        name = self._names.get(right.name, right.name) if right.kind == "space" else right.name
        group = right.group or str(self.outputs.get("groupId", ""))
        return replace(right, name=name, group="" if group == self.where.group else group)

    def recall(self, *, settled: bool) -> RecordedPolicy:
        """Return what the outputs record; of a group that is gone, nothing is left."""
        ledger = frozenset(map(self.today, parse_granted(self.outputs)))
        deviations = {self.today(r): deviation for r, deviation in parse_policy_deviations(self.outputs).items()}
        return RecordedPolicy(
            ledger=frozenset(right for right in ledger if not right.group or right.group in self.where.groups),
            deviations=deviations,
            removed=parse_removed(self.outputs),
            reach=int(self.outputs.get("reach") or 0),
            settled=settled,
        )

    def correct(self, observed: ObservedPolicy) -> dict[str, Any]:
        """Return the outputs as far as what was read bears them out; nothing is ever added to the ledger.

        A right that others took away is taken out of the inputs too, with the deviation beside it: it shows as drift.
        """
        recorded = parse_granted(self.outputs)
        lost = {r for r in recorded if self.today(r) not in observed.rights and not self._is_unseen(self.today(r))}
        deviations = {r: d for r, d in parse_policy_deviations(self.outputs).items() if r not in lost}
        corrected = {
            **self.outputs,
            "granted": write_granted(recorded - lost),
            "deviations": write_policy_deviations(deviations),
        }
        if "roles" in self.outputs:
            roles = self.outputs["roles"].items()
            corrected["roles"] = {name: text for name, text in roles if Right("role", name) not in lost}
        if "spaces" in self.outputs:
            left = {name: _without(name, text, lost) for name, text in self.outputs["spaces"].items()}
            corrected["spaces"] = {name: text for name, text in left.items() if text}
        return corrected

    def _is_unseen(self, right: Right) -> bool:
        return right.kind == "space" and right.name in self.unseen


def _without(space: str, text: str, lost: Collection[Right]) -> str:
    roles = [role.strip() for role in text.split(",")]
    return BETWEEN.join(role for role in roles if Right("space", space, role) not in lost)


@dataclass(frozen=True)
class PolicyOutcome:
    """What became of one change: done, refused by the tenant, or unsent (and then tried again by every run)."""

    change: PolicyChange
    state: Literal["done", "refused", "unsent"]
    reason: str = ""

    def __str__(self) -> str:
        return str(self.change) if self.state == "done" else f"{self.change}: {self.reason}"


def fates_of_rights(
    key: str, outcomes: Iterable[PolicyOutcome]
) -> dict[str, tuple[Literal["done", "refused", "unsent"], str]]:
    """Return what became of each change and the tenant's reason, by the subject that plan and approvals name."""
    return {write_subject(key, str(outcome.change.right)): (outcome.state, outcome.reason) for outcome in outcomes}


def conclude_policy(
    changes: Iterable[PolicyChange],
    done: Collection[Right],
    refusals: Mapping[Right, str],
    failure: QlikProviderError | None,
) -> tuple[PolicyOutcome, ...]:
    """Return what became of each change; raises `failure`, which stopped the work, if nothing was done before it."""
    if failure and not done:
        raise failure
    outcomes = []
    for change in changes:
        if change.right in done:
            outcomes.append(PolicyOutcome(change, "done"))
        elif change.right in refusals:
            outcomes.append(PolicyOutcome(change, "refused", refusals[change.right]))
        else:
            outcomes.append(PolicyOutcome(change, "unsent", str(failure or "nobody knows what became of it")))
    return tuple(outcomes)


def settle_policy(
    inputs: Bag,
    recorded: RecordedPolicy,
    plan: PolicyPlan,
    outcomes: Sequence[PolicyOutcome],
    now: datetime,
    group: str | None,
    spaces: Mapping[str, str],
) -> dict[str, Any]:
    """Return the outputs after an apply; the ledger never claims what was not confirmed.

    `group` and `spaces` are the ids by which they are known again.
    """
    ledger, deviations = set(plan.ledger), dict(plan.deviations)
    for outcome in outcomes:
        if outcome.state != "done":
            right, is_removal = outcome.change.right, outcome.change.is_removal
            (ledger.add if is_removal else ledger.discard)(right)
            deviations[right] = PolicyDeviation(not is_removal, REFUSED if outcome.state == "refused" else UNSENT)
    is_felt = any(outcome.state == "done" and _counts(outcome.change) for outcome in outcomes)
    removed = add_removals(recorded.removed, Removals(plan.reach if is_felt else 0), now)
    return {
        **inputs_of_policy(inputs),
        "granted": write_granted(ledger),
        "deviations": write_policy_deviations(deviations),
        "removed": write_removed(removed),
        "groupId": group or "",
        "spaceIds": {name: spaces[name] for name in sorted({right.name for right in ledger if right.kind == "space"})},
    }


def _counts(change: PolicyChange) -> bool:
    return change.is_removal and not change.is_approved and not change.right.group
