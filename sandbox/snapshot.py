"""The present state in world form, sorted, so that two snapshots can be compared byte by byte."""

from typing import Any

from sandbox.directory.snapshot import take_directory
from sandbox.state import Sandbox
from sandbox.tenant.snapshot import take_tenant


def take_snapshot(sandbox: Sandbox) -> dict[str, Any]:
    """Return a world that would restore this state; the clock, which never stands still, is left out."""
    return {
        "world": 1,
        "tenant": take_tenant(sandbox),
        "directory": take_directory(sandbox),
        "switches": dict(sorted((sandbox.setting("switches") or {}).items())),
    }
