"""`world`: a world made to order, into a file or onto standard output."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from sandbox.generator.profile import PROFILES
from sandbox.generator.world import as_json, as_yaml, make_world

app = typer.Typer()

ProfileName = Literal["tidy", "usual", "messy"]


@app.command()
def world(
    people: Annotated[int, typer.Option(min=0, help="Users of the directory.")] = 300,
    groups: Annotated[int, typer.Option(min=0, help="Groups of the directory.")] = 20,
    seed: Annotated[int, typer.Option(help="The same seed makes the same world.")] = 1,
    profile: Annotated[ProfileName, typer.Option(help="How much is in disorder.")] = "usual",
    out: Annotated[Path | None, typer.Option(help="File to write: YAML if it ends in .yaml, else JSON.")] = None,
    *,
    cycle: Annotated[bool, typer.Option("--cycle", help="Nest two groups in each other.")] = False,
) -> None:
    """Make up an organisation: departments, groups, leavers, guests, and a tenant whose seats are in disorder."""
    made = make_world(people, groups, seed, PROFILES[profile], has_cycle=cycle)
    if out is None:
        sys.stdout.writelines(f"{line}\n" for line in as_json(made))
        return
    lines = as_yaml(made) if out.suffix in {".yaml", ".yml"} else as_json(made)
    try:
        with out.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        typer.echo(f"{out}: {error.strerror}", err=True)
        raise typer.Exit(1) from error
