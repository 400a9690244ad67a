"""What each class of resource holds: where the services show it, where a state records it, and what is declared.

Another class joins by an entry here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

World = Mapping[str, Any]
Bag = Mapping[str, Any]


@dataclass(frozen=True)
class Holding:
    """One class: what a world shows as (who, what), and the same of the outputs and the inputs of a resource."""

    shown: Callable[[World], Iterable[tuple[str, str]]]
    recorded: Callable[[Bag], Mapping[str, str]]
    declared: Callable[[Bag], Mapping[str, str]]


def _show_rows(world: World) -> Iterable[tuple[str, str]]:
    return [(row["subject"], row["type"]) for row in world["tenant"]["assignments"]]


def _show_members(world: World) -> Iterable[tuple[str, str]]:
    return [(id, "member") for group in world["directory"]["groups"] for id in group["members"]]


def _read_types(bag: Bag) -> Mapping[str, str]:
    return {who: text.partition(" via ")[0] for who, text in bag["assignments"].items()}


def _read_members(bag: Bag) -> Mapping[str, str]:
    return dict.fromkeys(bag["members"], "member")


HOLDINGS = {
    "LicenseAssignments": Holding(_show_rows, _read_types, _read_types),
    "DirectoryMembers": Holding(_show_members, _read_members, _read_members),
}
