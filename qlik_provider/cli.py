"""The command line beside Pulumi's: what can be asked without an engine."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from qlik_provider.declaration import load_declaration
from qlik_provider.errors import QlikProviderError
from qlik_provider.report import plan_schema
from qlik_provider.shapes import declaration_schemas

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

_out, _err = Console(soft_wrap=True, highlight=False), Console(stderr=True, soft_wrap=True, highlight=False)


@app.callback()
def main() -> None:
    """Qlik Cloud licenses from Microsoft Entra groups; `pulumi preview` and `pulumi up` do the work."""


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="the folder of one stack's files, for example stacks/prod")],
) -> None:
    """Check the files of a stack offline; exit 1 with every fault at its file, line and path."""
    try:
        declaration = load_declaration(folder)
    except QlikProviderError as error:
        _err.print(f"error: {error}", markup=False)
        raise typer.Exit(1) from None
    members = sum(len(group.members or ()) for group in declaration.groups.values())
    groups, people = len(declaration.groups), len(declaration.people)
    _out.print(f"{folder}: no faults (groups {groups}, members {members}, exceptions {people})", markup=False)


@app.command()
def schema(
    folder: Annotated[Path, typer.Argument(help="where the schema files are written")] = Path("stacks/schema"),
) -> None:
    """Write the JSON schemas of the declaration and of the plan document."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in schemas().items():
        text = json.dumps(document, indent=2, ensure_ascii=False)
        (folder / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
        _out.print(f"{folder / name}.json", markup=False)


def schemas() -> dict[str, dict[str, Any]]:
    """Return every JSON schema this package fixes, by name."""
    return {**declaration_schemas(), "plan": plan_schema()}
