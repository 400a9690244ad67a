"""How long `make up` takes, how much memory the sandbox holds, as a table; ratios are within one run."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
COPIED = ("Pulumi.yaml", "__main__.py", "qlik_provider", "sandbox", "stacks")


def run_up(folder: Path) -> float:
    """Return the seconds one `qlik-sandbox up` takes in a folder."""
    environment = {**os.environ, "PULUMI": os.environ.get("PULUMI", "rehearsal"), "PYTHONPATH": str(folder)}
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", "up"],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
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
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in COPIED:
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
        (folder / ".venv").symlink_to(sys.prefix)
        first = run_up(folder)
        warm = min(run_up(folder) for _ in range(3))
        memory = resident_megabytes(json.loads((folder / ".sandbox/server.json").read_text())["pid"])
        subprocess.run([sys.executable, "-m", "sandbox", "down"], cwd=folder, check=True, capture_output=True)
    table = Table("what", "measured", "target", title=f"make up on {os.cpu_count()} cores")
    table.add_row("first: sandbox started, 300 people licensed", f"{first:.1f} s", "")
    table.add_row("warm: nothing to do (best of 3)", f"{warm:.1f} s", "under 10 s")
    table.add_row("warm / first", f"{warm / first:.2f}", "")
    table.add_row("sandbox with the demo company", f"{memory:.0f} MB", "under 150 MB")
    Console().print(table)


main()
