"""A switch: one unknown of a service, and the positions it can stand in."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Switch:
    """One unknown of a service: the behaviour assumed, the others that are possible, and the evidence.

    `unknown` is its number in qlik-api.md 14 (U1 to U26) or entra.md 10 (E1 to E9), where it has one.
    """

    name: str
    default: str
    alternatives: tuple[str, ...]
    evidence: str
    unknown: str = ""

    @property
    def values(self) -> tuple[str, ...]:
        """Every accepted value, the default first."""
        return (self.default, *self.alternatives)
