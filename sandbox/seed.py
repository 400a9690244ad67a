"""A world placed into a state: everything that was there is replaced."""

from sandbox.directory.journal import unrecorded
from sandbox.directory.placing import place_directory
from sandbox.state import Sandbox
from sandbox.tenant.placing import place_tenant
from sandbox.world import World

# The request log outlives its world: it tells what was asked of the sandbox, not what the sandbox holds.
_KEPT = ("requests",)


def replace_world(sandbox: Sandbox, world: World) -> None:
    """Make the state equal to `world`; tokens minted before are unknown afterwards."""
    # A world is a beginning: nothing in it is a change.
    with unrecorded(sandbox):
        sandbox.recorder.windows.clear()
        _replace(sandbox, world)


def _replace(sandbox: Sandbox, world: World) -> None:
    tables = sandbox.db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    for table in [row["name"] for row in tables]:
        if table not in _KEPT:
            sandbox.db.execute(f"DELETE FROM {table}")  # noqa: S608  # the name comes from the schema
    if world.clock is not None:
        sandbox.clock.put(world.clock)
    sandbox.keep_clock()
    sandbox.put_setting("switches", world.switches)
    place_tenant(sandbox, world.tenant)
    place_directory(sandbox, world.directory)
    sandbox.limits.begin(world.tenant.rate_limits)
