"""What the services leave undocumented: each unknown is a switch with a default and its alternatives."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Switch:
    """One unknown of a service: the behaviour assumed, the others that are possible, and the evidence."""

    name: str
    default: str
    alternatives: tuple[str, ...]
    evidence: str

    @property
    def values(self) -> tuple[str, ...]:
        """Every accepted value, the default first."""
        return (self.default, *self.alternatives)


_TABLE = (
    Switch(
        "add-same-type",
        "created201",
        ("conflict409", "ok200"),
        "U1: undocumented; created201 answers 201 and consumes no second seat",
    ),
    Switch(
        "add-other-type",
        "conflict409",
        ("secondRow201",),
        "U2: a vendor's script page says add does not overwrite; the status of the item is undocumented",
    ),
    Switch(
        "update-without-seat",
        "keep",
        ("lose",),
        "U3: 403 LICENSES-011 presumed; whether the former type survives is undocumented",
    ),
    Switch(
        "bad-item",
        "item400",
        ("request400",),
        "U6: an empty subject or an unknown type may fail its item or the whole request",
    ),
    Switch(
        "item-order",
        "request",
        ("reversed",),
        "U7: the order of the items in a 207 is undocumented",
    ),
    Switch(
        "subject-case",
        "asGiven",
        ("upperDomain",),
        "licenses were seen with QLIKBOT\\… where users have qlikbot\\…",
    ),
    Switch(
        "settings-omitted",
        "keep",
        ("false",),
        "U21: the effect of a field left out of PUT licenses/settings is undocumented",
    ),
    Switch(
        "users-default-status",
        "active",
        ("all",),
        "U10: an older specification says active; the present one is silent",
    ),
    Switch(
        "next-link-host",
        "tenant",
        ("internal",),
        "the specification's example of licenses/assignments shows http://license/v1/licenses/assignments",
    ),
    Switch(
        "next-link-last",
        "absent",
        ("nullHref",),
        'the paging guide allows links.next to be absent or {"href": null}',
    ),
    Switch(
        "batch-order",
        "request",
        ("reversed",),
        "Graph documents that the responses of a $batch may come in any order",
    ),
)

SWITCHES = {switch.name: switch for switch in _TABLE}


def find_faults(values: dict[str, str]) -> list[str]:
    """Return one line for each unknown switch or value, or nothing."""
    faults = []
    for name, value in values.items():
        switch = SWITCHES.get(name)
        if switch is None:
            faults.append(f"switches.{name}: no such switch; there are {', '.join(SWITCHES)}")
        elif value not in switch.values:
            faults.append(f"switches.{name}: {value!r} is none of {', '.join(switch.values)}")
    return faults
