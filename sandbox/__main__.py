"""`python -m sandbox`: the commands of the sandbox."""

import gc
import logging
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from sandbox import demo, switch_table
from sandbox.app import Border
from sandbox.generator import command
from sandbox.seed import replace_world
from sandbox.server import PortError, serve
from sandbox.state import NAMES, Sandbox, StateError, open_state
from sandbox.tls import ensure_certificate
from sandbox.world import WorldError, load_world

LOOPBACK = "127.0.0.1"

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def describe() -> None:
    """Stand-ins for a Qlik Cloud tenant and a Microsoft Entra directory."""


@app.command(name="serve")
def serve_world(
    world: Annotated[Path, typer.Option(help="World to start from, if the state is empty.")] = demo.WORLD,
    port: Annotated[int, typer.Option(help="Port; 0 is any free one.")] = 0,
    state: Annotated[Path | None, typer.Option(help="SQLite file to keep; in memory without.")] = None,
    env: Annotated[Path | None, typer.Option(help="Environment file to write.")] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; only loopback is for this machine alone.")
    ] = LOOPBACK,
    name: Annotated[list[str] | None, typer.Option(help="Host that callers use; the first is the tenant's.")] = None,
) -> None:
    """Serve tenant, directory and control plane on one TLS port until a signal comes."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    with tempfile.TemporaryDirectory(prefix="sandbox-") as scratch:
        folder = Path(scratch) if state is None else state.resolve().parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            sandbox = _open(state, world)
            sandbox.names = tuple(dict.fromkeys([*(name or []), *NAMES]))
            certificate = ensure_certificate(folder, sandbox.names)
            with Border(sandbox) as border:
                serve(border, sandbox, certificate, (host, port), (env or folder / "env").resolve())
        except (WorldError, StateError, PortError) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error


def _open(state: Path | None, world: Path) -> Sandbox:
    """Return the state to continue, or a new one with the world in it."""
    sandbox = open_state(state)
    if sandbox.is_empty:
        # A large world is a million objects, none of which is garbage before all of them are.
        gc.disable()
        replace_world(sandbox, load_world(world))
        gc.enable()
        sandbox.db.commit()
    return sandbox


app.add_typer(demo.app)
app.add_typer(switch_table.app)
app.add_typer(command.app)

if __name__ == "__main__":
    app()
