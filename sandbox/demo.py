"""`up`, `down`, `status`: the demo company, converged on a sandbox that runs in the background."""

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import typer

STACK = "sandbox"
WORLD = Path(__file__).parent / "worlds" / "demo.yaml"
HOME = Path(".sandbox")
START_SECONDS = 20.0
REHEARSAL = (sys.executable, "-m", "sandbox.engine")

app = typer.Typer()


@dataclass(frozen=True)
class Server:
    """A sandbox that accepts connections."""

    url: str
    ca: str
    env: str
    pid: int

    def control(self) -> httpx.Client:
        """Return a client of its control plane."""
        context = ssl.create_default_context(cafile=self.ca)
        return httpx.Client(base_url=f"{self.url}/_sandbox", verify=context, timeout=10)

    def answers(self) -> bool:
        """Tell whether a sandbox, and this one, is listening there."""
        try:
            with self.control() as control:
                return bool(control.get("/").raise_for_status().json()["pid"] == self.pid)
        except (httpx.HTTPError, OSError, KeyError, ValueError):
            return False

    def environment(self) -> dict[str, str]:
        """Return the variables of its environment file."""
        lines = Path(self.env).read_text(encoding="utf-8").splitlines()
        pairs = (line.removeprefix("export ").partition("=") for line in lines)
        return {name: value.strip("'") for name, _, value in pairs}


@app.command()
def up() -> None:
    """Converge the demo company: start the sandbox or find it, preview, apply, and say what happened."""
    _refuse_other_folder()
    HOME.mkdir(exist_ok=True)
    command, engine = _choose_engine()
    _refuse_other_engine(engine)
    server = _find_server() or _start_server()
    environment = {**os.environ, **server.environment(), **_backend()}
    with server.control() as control:
        control.delete("/requests").raise_for_status()
        _run([*command, "stack", "select", "--create", "--stack", STACK, "--non-interactive"], environment)
        code = _run([*command, "up", "--yes", "--stack", STACK, "--non-interactive"], environment, show=True)
        if code == 0:
            _tell(control.get("/requests").json(), control.get("/world").json(), command)
    raise typer.Exit(code)


@app.command()
def down() -> None:
    """Stop the sandbox and forget what it held."""
    server = _find_server()
    if server:
        os.kill(server.pid, signal.SIGTERM)
        _wait(lambda: not server.answers())
    shutil.rmtree(HOME, ignore_errors=True)
    typer.echo("the sandbox is stopped and forgotten" if server else "no sandbox is running; nothing is left of one")


@app.command()
def status() -> None:
    """Say whether the sandbox runs, and what its tenant holds."""
    server = _find_server()
    if server is None:
        typer.echo("no sandbox is running; `make up` starts one")
        raise typer.Exit(1)
    with server.control() as control:
        typer.echo(f"{server.url} (pid {server.pid}; environment: {server.env})")
        typer.echo(_describe_seats(control.get("/world").json()))


def _refuse_other_folder() -> None:
    if not Path("Pulumi.yaml").is_file():
        typer.echo("error: run this in the folder of Pulumi.yaml", err=True)
        raise typer.Exit(1)


def _choose_engine() -> tuple[list[str], str]:
    """Return the engine's command and name: $PULUMI, `pulumi` on PATH, `.pulumi/`, else the sandbox engine."""
    named = os.environ.get("PULUMI", "")
    local = Path(".pulumi/bin/pulumi")
    if named == "rehearsal":
        return list(REHEARSAL), "rehearsal"
    found = shutil.which(named or "pulumi") or (str(local.resolve()) if local.is_file() and not named else None)
    if found:
        return [found], "pulumi"
    if named:
        typer.echo(f"error: PULUMI={named} is not a program; leave it unset, or set PULUMI=rehearsal", err=True)
        raise typer.Exit(1)
    typer.echo("`pulumi` is not on PATH: this rehearses on the sandbox engine, which is not Pulumi")
    return list(REHEARSAL), "rehearsal"


def _refuse_other_engine(engine: str) -> None:
    """Keep one engine a demo: the other one knows nothing of what this one made."""
    note = HOME / "engine"
    known = note.read_text(encoding="utf-8") if note.exists() else engine
    if known != engine:
        typer.echo(f"error: the demo was set up by {known}, and this would be {engine}; `make down` first", err=True)
        raise typer.Exit(1)
    note.write_text(engine, encoding="utf-8")


def _backend() -> dict[str, str]:
    backend = (HOME / "backend").resolve()
    backend.mkdir(exist_ok=True)
    return {
        "PULUMI_BACKEND_URL": f"file://{backend}",
        "PULUMI_CONFIG_PASSPHRASE": os.environ.get("PULUMI_CONFIG_PASSPHRASE", "sandbox"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }


def _find_server() -> Server | None:
    """Return the sandbox of an earlier run if it still answers; forget it if it does not."""
    note = HOME / "server.json"
    try:
        server = Server(**json.loads(note.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return server if server.answers() else None


def _start_server() -> Server:
    """Start a sandbox on the port it had before, so that the stack stays with one address; else on a free one."""
    for port in dict.fromkeys((_last_port(), 0)):
        server = _launch(port)
        if server:
            return server
    typer.echo(f"error: the sandbox did not start; see {HOME / 'log'}", err=True)
    raise typer.Exit(1)


def _last_port() -> int:
    try:
        return int(json.loads((HOME / "server.json").read_text(encoding="utf-8"))["url"].rpartition(":")[2])
    except (FileNotFoundError, ValueError, KeyError):
        return 0


def _launch(port: int) -> Server | None:
    draft = HOME / "server.draft"
    serve = ["serve", "--world", str(WORLD), "--state", str(HOME / "state.db"), "--port", str(port)]
    with draft.open("w", encoding="utf-8") as out, (HOME / "log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", *serve],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=log,
            start_new_session=True,
        )
    _wait(lambda: process.poll() is not None or draft.read_text(encoding="utf-8").endswith("\n"))
    if process.poll() is not None or not draft.read_text(encoding="utf-8"):
        return None
    draft.replace(HOME / "server.json")
    return _find_server()


def _wait(condition: Any) -> None:
    ends = time.monotonic() + START_SECONDS
    while not condition() and time.monotonic() < ends:
        time.sleep(0.02)


def _run(command: list[str], environment: Mapping[str, str], *, show: bool = False) -> int:
    done = subprocess.run(command, env=environment, check=False, capture_output=not show, text=True)
    if not show and done.returncode:
        typer.echo(done.stdout + done.stderr, err=True)
        raise typer.Exit(done.returncode)
    return done.returncode


def _tell(requests: list[dict[str, Any]], world: dict[str, Any], command: list[str]) -> None:
    writes = Counter(request["service"] for request in requests if request["writes"])
    typer.echo(f"\nwritten: {writes['qlik']} requests to the tenant, {writes['graph']} to the directory")
    typer.echo(_describe_seats(world))
    engine = "pulumi" if command[0].endswith("pulumi") else ".venv/bin/python -m sandbox.engine"
    typer.echo(
        "\nNext:\n"
        "  make up                      again: nothing to do, nothing written\n"
        "  $EDITOR stacks/sandbox/groups/finance-developers.yaml, then make up\n"
        f"  . .sandbox/env && PULUMI_BACKEND_URL=file://$PWD/.sandbox/backend PULUMI_CONFIG_PASSPHRASE=sandbox \\\n"
        f"    {engine} refresh --preview-only --diff --stack {STACK}"
    )


def _describe_seats(world: dict[str, Any]) -> str:
    tenant = world["tenant"]
    used = Counter(row["type"] for row in tenant["assignments"])
    seats = (f"{used[type]} of {seats['units']} {type}" for type, seats in tenant["allotments"].items())
    return f"seats: {', '.join(seats)}"
