"""How long the directory takes, and what it allows: a part of the world."""

from typing import Literal

from pydantic import Field

from sandbox.sections import Section


class Throttling(Section):
    """The limits of Graph for one application; what is left out follows from the size of the tenant."""

    size: Literal["S", "M", "L"] | None = None
    resource_units: int | None = Field(default=None, ge=1)
    writes: int | None = Field(default=None, ge=1)


class Timing(Section):
    """How long rules take to be processed and writes to be seen, and whether Graph throttles."""

    dynamic_delay: float = Field(default=0, ge=0)
    lag_seconds: float = Field(default=30, ge=0)
    lag_reads: int = Field(default=0, ge=0)
    throttling: Throttling | None = None
