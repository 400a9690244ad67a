"""What the services leave undocumented: each unknown is a switch with a default and its alternatives."""

from sandbox.directory.switches import DIRECTORY_SWITCHES
from sandbox.switch import Switch
from sandbox.tenant.content.switches import CONTENT_SWITCHES
from sandbox.tenant.license_switches import LICENSE_SWITCHES
from sandbox.tenant.switches import TENANT_SWITCHES

_TABLE: tuple[Switch, ...] = (*LICENSE_SWITCHES, *TENANT_SWITCHES, *CONTENT_SWITCHES, *DIRECTORY_SWITCHES)

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
