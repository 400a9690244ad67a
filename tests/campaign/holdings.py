"""What each class of resource holds: where the services show it, where a state records it, and what is declared.

Another class joins by an entry here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qlik_provider.license_settings import NAMES
from qlik_provider.policy_ledger import parse_granted, parse_policy

World = Mapping[str, Any]
Bag = Mapping[str, Any]


@dataclass(frozen=True)
class Holding:
    """One class: what a world shows as (who, what), and the same of the outputs and the inputs of a resource."""

    shown: Callable[[World], Iterable[tuple[str, str]]]
    recorded: Callable[[Bag], Mapping[str, str]]
    declared: Callable[[Bag], Mapping[str, str]]
    prefix: Callable[[Bag], str] = lambda _bag: ""
    """What stands in `shown` before the names that a resource uses in its deviations."""


def _show_rows(world: World) -> Iterable[tuple[str, str]]:
    return [(row["subject"], row["type"]) for row in world["tenant"]["assignments"]]


def _show_members(world: World) -> Iterable[tuple[str, str]]:
    return [(id, "member") for group in world["directory"]["groups"] for id in group["members"]]


def _read_types(bag: Bag) -> Mapping[str, str]:
    return {who: text.partition(" via ")[0] for who, text in bag["assignments"].items()}


def _read_members(bag: Bag) -> Mapping[str, str]:
    return dict.fromkeys(bag["members"], "member")


def _show_rights(world: World) -> Iterable[tuple[str, str]]:
    """Yield each group, and each of its rights; what two groups of one name hold comes twice."""
    names = {group["id"]: group["name"] for group in world["tenant"]["groups"]}
    for group in world["tenant"]["groups"]:
        yield group["name"], "group"
        yield from ((f"{group['name']} role:{role}", "granted") for role in group.get("assignedRoles", []))
    for space in world["tenant"]["spaces"]:
        for it in space.get("assignments", []):
            name = f"{names[it['assignee']]} space:{space['name']}"
            yield from ((f"{name}/{role}", "granted") for role in it["roles"])


def _begin_with_group(bag: Bag) -> str:
    return f"{bag['group']} "


def _read_granted(bag: Bag) -> Mapping[str, str]:
    return {f"{_begin_with_group(bag)}{right}": "granted" for right in parse_granted(bag)}


def _read_rights(bag: Bag) -> Mapping[str, str]:
    return {f"{_begin_with_group(bag)}{right}": "granted" for right in parse_policy(bag).rights}


def _show_settings(world: World) -> Iterable[tuple[str, str]]:
    values = {**world["tenant"], **world["tenant"]["settings"]}
    return [(name, str(values[name]).lower()) for name in sorted(NAMES)]


def _read_settings(bag: Bag) -> Mapping[str, str]:
    return {name: text.partition(" via ")[0] for name, text in bag["settings"].items()}


def _show_tenant_members(world: World) -> Iterable[tuple[str, str]]:
    custom = [group for group in world["tenant"]["groups"] if group.get("providerType") == "custom"]
    return [(f"{_begin_with_group({'group': it['name']})}{who}", "member") for it in custom for who in it["members"]]


def _read_tenant_members(bag: Bag) -> Mapping[str, str]:
    return {f"{_begin_with_group(bag)}{who}": "member" for who in bag["members"]}


HOLDINGS = {
    "LicenseAssignments": Holding(_show_rows, _read_types, _read_types),
    "DirectoryMembers": Holding(_show_members, _read_members, _read_members),
    "GroupPolicy": Holding(_show_rights, _read_granted, _read_rights, _begin_with_group),
    "TenantGroupMembers": Holding(_show_tenant_members, _read_tenant_members, _read_tenant_members, _begin_with_group),
    "LicenseSettings": Holding(_show_settings, _read_settings, _read_settings),
}
