"""How long `make up` takes, from a fresh clone and with nothing to do, and what the sandbox holds, as a table."""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PULUMI": os.environ.get("PULUMI", "rehearsal")}


def make(folder: Path, target: str) -> float:
    """Return the seconds a target takes in a folder."""
    begin = time.perf_counter()
    done = subprocess.run(["make", target], cwd=folder, env=ENVIRONMENT, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return time.perf_counter() - begin


def resident_megabytes(pid: int) -> float:
    """Return the resident memory of a process (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def main() -> None:
    """Measure in a clone of the last commit."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        fresh = make(folder, "up")
        warm = min(make(folder, "up") for _ in range(3))
        memory = resident_megabytes(json.loads((folder / ".sandbox/server.json").read_text(encoding="utf-8"))["pid"])
        make(folder, "down")
        first = make(folder, "up")
        make(folder, "down")
    table = Table("what", "measured", "target", title=f"make up on {os.cpu_count()} cores, {ENVIRONMENT['PULUMI']}")
    table.add_row("fresh clone: set up and 300 people converged", f"{fresh:.1f} s", "under 240 s")
    table.add_row("sandbox started, 300 people converged", f"{first:.1f} s", "")
    table.add_row("warm: nothing to do (best of 3)", f"{warm:.1f} s", "under 10 s")
    table.add_row("warm / converging", f"{warm / first:.2f}", "")
    table.add_row("sandbox with the demo company, resident", f"{memory:.0f} MB", "under 150 MB")
    Console().print(table)


main()
