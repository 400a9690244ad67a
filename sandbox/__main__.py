"""`python -m sandbox`: the commands of the sandbox."""

import logging
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from sandbox import demo
from sandbox.app import Border
from sandbox.seed import replace_world
from sandbox.server import PortError, serve
from sandbox.state import Sandbox, StateError, open_state
from sandbox.tls import ensure_certificate
from sandbox.world import WorldError, load_world

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def describe() -> None:
    """Stand-ins for a Qlik Cloud tenant and a Microsoft Entra directory, on loopback only."""


@app.command(name="serve")
def serve_world(
    world: Annotated[Path | None, typer.Option(help="World to start from, if the state is empty.")] = None,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 is any free one.")] = 0,
    state: Annotated[Path | None, typer.Option(help="SQLite file to keep; in memory without.")] = None,
    env: Annotated[Path | None, typer.Option(help="Environment file to write.")] = None,
) -> None:
    """Serve tenant, directory and control plane on one TLS port until a signal comes."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    with tempfile.TemporaryDirectory(prefix="sandbox-") as scratch:
        folder = Path(scratch) if state is None else state.resolve().parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            sandbox = _open(state, world)
            env_file = (env or folder / "env").resolve()
            serve(Border(sandbox), sandbox, ensure_certificate(folder), port, env_file)
        except (WorldError, StateError, PortError) as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from error


def _open(state: Path | None, world: Path | None) -> Sandbox:
    """Return the state to continue, or a new one with the world in it."""
    sandbox = open_state(state)
    if sandbox.is_empty:
        if world is None:
            raise StateError("the state is empty: --world is needed to start from")
        replace_world(sandbox, load_world(world))
        sandbox.db.commit()
    return sandbox


app.add_typer(demo.app)

if __name__ == "__main__":
    app()
