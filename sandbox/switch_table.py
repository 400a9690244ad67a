"""`switches`: every switch with what is known of it, and where those of a running sandbox stand."""

import json
import ssl
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from sandbox.switchboard import PATH, describe_switches
from sandbox.unknowns import UNMODELLED

app = typer.Typer()


class NoSandboxError(Exception):
    """An address where no sandbox answers."""


@app.command()
def switches(
    context: typer.Context,
    url: Annotated[
        str | None, typer.Option(envvar="QLIK_TENANT", help="A running sandbox, whose positions are shown.")
    ] = None,
    ca: Annotated[Path | None, typer.Option(envvar="SSL_CERT_FILE", help="The authority of its certificate.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List what the services leave open: default, alternatives, evidence, and the position in a running sandbox."""
    try:
        found = read_positions(url, ca) if url else _without_positions()
    except NoSandboxError as error:
        typer.echo(f"error: {error}", err=True)
        # The variable may well name a real tenant; whoever wrote --url wants that one.
        source = context.get_parameter_source("url")
        if source is None or source.name != "ENVIRONMENT":
            raise typer.Exit(1) from error
        found = _without_positions()
    if as_json:
        typer.echo(json.dumps({"switches": found, "notModelled": _unmodelled()}, indent=2))
    else:
        typer.echo(_table(found))


def read_positions(url: str, ca: Path | None) -> list[dict[str, Any]]:
    """Return the switches of a running sandbox, or raise NoSandboxError."""
    try:
        context = ssl.create_default_context(cafile=ca)
        with httpx.Client(verify=context, trust_env=False, timeout=10) as http:
            answer = http.get(f"{url.rstrip('/')}{PATH}")
        found: list[dict[str, Any]] = answer.raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise NoSandboxError(f"{url} does not answer as a sandbox: {error}") from error
    return found


def _without_positions() -> list[dict[str, Any]]:
    """Return the switches as they are where no sandbox was asked."""
    return [{key: value for key, value in row.items() if key != "position"} for row in describe_switches({})]


def _unmodelled() -> list[dict[str, str]]:
    return [{"unknown": row.unknown, "question": row.question, "reason": row.reason} for row in UNMODELLED]


def _table(found: list[dict[str, Any]]) -> str:
    """Return two tables: the switches, and what is not modelled."""
    with_position = "position" in found[0]
    head = ["unknown", "switch", *(["position"] if with_position else []), "default", "alternatives", "evidence"]
    rows = [
        [
            row["unknown"],
            row["name"],
            *([_mark(row)] if with_position else []),
            row["default"],
            ", ".join(row["alternatives"]),
            row["evidence"],
        ]
        for row in found
    ]
    others = [[row.unknown, row.question, row.reason] for row in UNMODELLED]
    return "\n".join([*_columns(head, rows), "", "not modelled", *_columns(["unknown", "question", "reason"], others)])


def _mark(row: dict[str, Any]) -> str:
    """Return the position, with a star where it is not the default."""
    return str(row["position"]) + ("" if row["position"] == row["default"] else "*")


def _columns(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return lines whose columns stand below each other; the last one is as long as it is."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip()
        for line in lines
    ]
