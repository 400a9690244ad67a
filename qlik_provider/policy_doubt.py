"""What a group may do while nobody can tell whom it stands for: what it could before; performs no I/O."""

from collections.abc import Mapping
from typing import Any

FROZEN = ("group", "claimBy", "roles", "spaces", "reach")  # what a policy is made of


def freeze_policy(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the inputs of a policy and why they stay as they were, or nothing where nothing is in doubt.

    The rule `doubt` says so, or another object id under the rule `source`, which only the group's name stands for:
    whoever may create groups could otherwise take up what a group of that name was granted. A policy that is new is
    granted nothing until the doubt ends.
    """
    rules = dict(new.get("rules") or {})
    known, found = (old.get("rules") or {}).get("source"), rules.get("source")
    reason = rules.get("doubt", "")
    if known and found and known != found:
        reason = reason or f"object id {known} became {found}; accept it by objectId: {found}"
    if not reason:
        return dict(new), ""
    rules |= {"doubt": reason} | ({"source": known} if known else {})
    left = {name: value for name, value in new.items() if name not in FROZEN}
    if old:
        return {**left, **{name: old[name] for name in FROZEN if name in old}, "rules": rules}, reason
    return {**new, **{name: {} for name in ("roles", "spaces") if new.get(name) is not None}, "rules": rules}, reason
