"""Which rules a resource knows, and what may stand under each; performs no I/O.

A rule that is misspelt would be no rule: a brake that is not there. So the check refuses it, whoever wrote the program.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, get_args

from qlik_provider.brake import OnBreach
from qlik_provider.entitlements import Entitlement
from qlik_provider.premises import Adopt, Repair

Kind = Literal[
    "LicenseAssignments", "DirectoryMembers", "TenantGroupMembers", "GroupPolicy", "UserPolicy", "Users", "Leavers"
]

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _is_count(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == int(value) and value >= 0


def _is_percentage(value: Any) -> bool:
    return _is_count(value) and value <= 100  # noqa: PLR2004 - a hundred of a hundred


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _one_of(*choices: str) -> tuple[Callable[[Any], bool], str]:
    return (lambda value: value in choices), f"one of {', '.join(choices)}"


_TEXT = _is_text, "a text"
_PEOPLE = _is_count, "a number of people, 0 or more"
_BRAKE = {
    "brake.max": _PEOPLE,
    "brake.minimum": _PEOPLE,
    "brake.percent": (_is_percentage, "a percentage, 0 to 100"),
    "brake.onBreach": _one_of(*get_args(OnBreach)),
    "approvals": _TEXT,
    "protect.": _TEXT,
    "retry": _TEXT,
}
_SEATS = _is_count, "a number of seats, 0 or more"
_HOURS = (lambda value: _is_count(value) and value > 0), "a number of hours, 1 or more"
_ADOPT = _one_of(*get_args(Adopt))
RULES: Mapping[Kind, Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "LicenseAssignments": {
        **_BRAKE,
        "order": (lambda value: _is_text(value) and all(value.split(", ")), "license types joined by ', '"),
        "adopt": _ADOPT,
        "repair": _one_of(*get_args(Repair)),
        "shortage": _one_of("fail", "waitlist"),
        "onDestroy": _one_of("keep", "revoke"),
        "reserve.": _SEATS,
        "overage.": _SEATS,
        "baseline": _TEXT,
        "priority": _TEXT,
        "confers.": _TEXT,
        "previously.": _TEXT,
        "release.": (_is_count, "a number of hours, 0 or more"),
        "only": _TEXT,
        "exception.": _TEXT,
        "capacity.": _PEOPLE,
        "source.": _TEXT,
    },
    "DirectoryMembers": {**_BRAKE, "previously": _TEXT},
    "TenantGroupMembers": {**_BRAKE, "adopt": _ADOPT, "previously": _TEXT, "previously.": _TEXT, "source.": _TEXT},
    "Users": {**_BRAKE, "only": _TEXT, "previously.": _TEXT, "source.": _TEXT},
    "GroupPolicy": {**_BRAKE, "adopt": _ADOPT, "previously": _TEXT, "source": _TEXT, "doubt": _TEXT},
    "UserPolicy": {**_BRAKE, "adopt": _ADOPT, "unmanaged.": _TEXT},
    "Leavers": {
        **_BRAKE,
        "disableAfter": _HOURS,
        "deleteAfter": _HOURS,
        "transferTo": _TEXT,
        "steward": (lambda value: _is_text(value) and bool(_GUID.fullmatch(value)), "an object id of the directory"),
        "baseline": _TEXT,
        "previously.": _TEXT,
        "source.": _TEXT,
    },
}
"""By resource: each rule, with what tells whether a value may stand there, and in words; a dot stands before a name."""


def refuse_bad_rules(kind: Kind, rules: Mapping[str, Any], others: Iterable[str] = ()) -> None:
    """Raise ValueError with every fault of the rules, and all `others`."""
    if faults := [*find_rule_faults(kind, rules), *others]:
        raise ValueError("; ".join(faults))


def find_rule_faults(kind: Kind, rules: Mapping[str, Any]) -> Iterator[str]:
    """Yield every rule that the resource does not know, and every value that may not stand there."""
    known = RULES[kind]
    for name, value in sorted(rules.items()):
        prefix, _, rest = name.partition(".")
        rule = known.get(name) or known.get(f"{prefix}." if rest else "")
        if rule is None or name.endswith("."):
            yield f"rules[{name!r}]: is no rule of {kind}; docs/formats.md lists them"
        elif not rule[0](value):
            yield f"rules[{name!r}]: {value!r} is not {rule[1]}"


def find_type_faults(people: Mapping[str, Entitlement], rules: Mapping[str, Any]) -> Iterator[str]:
    """Yield who is to hold a license type that the rule `order` does not have."""
    order = str(rules.get("order", "")).split(", ")
    for subject, entitlement in people.items():
        if entitlement.type not in order:
            yield f"assignments[{subject!r}]: {entitlement.type} does not stand in the rule order"


def find_id_faults(members: Iterable[str]) -> Iterator[str]:
    """Yield who is not named by an object id (https://learn.microsoft.com/graph/api/resources/directoryobject)."""
    for id in members:
        if not _GUID.fullmatch(id):
            yield f"members[{id!r}]: is no object id of the directory"
