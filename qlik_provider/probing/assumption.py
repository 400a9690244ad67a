"""One thing assumed of a tenant or a directory, and how it is asked."""

from dataclasses import dataclass
from enum import StrEnum


class Way(StrEnum):
    """How an assumption is asked; the text is what it needs."""

    READ = "reading the tenant"
    WRITE = "--write --subject"
    USER = "--write --subject --user"
    SETTINGS = "--write --settings"
    DIRECTORY = "ARM_TENANT_ID, ARM_CLIENT_ID and ARM_CLIENT_SECRET"
    NEVER = "cannot be told"


@dataclass(frozen=True)
class Assumption:
    """One thing assumed: of a switch with its other positions, of a fact without any."""

    name: str
    way: Way
    assumed: str
    others: tuple[str, ...]
    told_by: str
    """How it is asked, or why it cannot be."""
    unprovable: str = ""
    """The position that shows itself in nothing, where there is one."""

    @property
    def is_switch(self) -> bool:
        """Tell whether the sandbox can be set to something else."""
        return bool(self.others)

    @property
    def positions(self) -> tuple[str, ...]:
        """Every position of the switch, the assumed one first."""
        return (self.assumed, *self.others)


def switch(name: str, way: Way, positions: str, told_by: str, unprovable: str = "") -> Assumption:
    """Return a switch; its positions are a comma list, the assumed one first."""
    assumed, *others = positions.split(",")
    return Assumption(name, way, assumed, tuple(others), told_by, unprovable)


def fact(name: str, way: Way, assumed: str, told_by: str) -> Assumption:
    """Return a fact, which the sandbox cannot be set to deny."""
    return Assumption(name, way, assumed, (), told_by)


def unasked(name: str, positions: str, because: str) -> Assumption:
    """Return a switch that no probe can tell."""
    return switch(name, Way.NEVER, positions, because)
