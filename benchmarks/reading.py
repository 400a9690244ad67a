"""What it costs to read ten thousand people of a group: calls, time beside the floor and other ways, memory."""

import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from math import ceil
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

import qlik_provider.components  # noqa: F401  # the program holds pulumi and azuread too
from qlik_provider.declaration import load_declaration
from qlik_provider.graph import PAGE, GraphClient
from qlik_provider.graph_credentials import GraphTokens
from qlik_provider.groups import read_groups
from qlik_provider.membership import count_members
from qlik_provider.people import Directory, TenantNames
from qlik_provider.queries import read_everyone, read_queries
from qlik_provider.resolution import resolve

ROOT = Path(__file__).parents[1]
PEOPLE = 10_000
GROUPS = 6
LATENCY = 0.05


def make_world() -> dict:
    """Return a world in which everybody is in each of the groups."""
    ids = [f"6f1c0000-0000-4000-8000-{number:012}" for number in range(PEOPLE)]
    return {
        "world": 1,
        "directory": {
            "tenantId": "11111111-1111-1111-1111-111111111111",
            "clients": [
                {
                    "id": "22222222-2222-2222-2222-222222222222",
                    "secret": "sandbox-directory-secret",
                    "oid": "33333333-3333-3333-3333-333333333333",
                    "roles": ["GroupMember.Read.All", "User.Read.All"],
                }
            ],
            "users": [
                {"id": id, "userPrincipalName": f"{id}@contoso.test", "mail": f"{id}@contoso.test", "displayName": id}
                for id in ids
            ],
            "groups": [
                {"id": group_id(number), "displayName": f"G{number}", "mailNickname": f"g{number}", "members": ids}
                for number in range(GROUPS)
            ],
        },
    }


def group_id(number: int) -> str:
    return f"aaaaaaaa-0000-4000-8000-{number:012}"


def write_declaration(folder: Path, groups: int, *others: str) -> None:
    """Declare so many of the groups, and other sources beside them."""
    sources = [f"existing: {{objectId: {group_id(number)}}}" for number in range(groups)]
    (folder / "groups").mkdir(parents=True)
    (folder / "access.yaml").write_text("licenses: {order: [analyzer]}\nsubject: {from: objectId}\n", encoding="utf-8")
    for number, source in enumerate([*sources, *others]):
        (folder / f"groups/g{number}.yaml").write_text(f"license: analyzer\n{source}\n", encoding="utf-8")


@contextmanager
def serving(world: Path, folder: Path) -> Iterator[tuple[httpx.Client, dict[str, str]]]:
    """Yield the control plane of a sandbox with so much latency, and the environment it is reached by."""
    command = [sys.executable, "-m", "sandbox", "serve", "--world", str(world), "--env", str(folder / "env")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    ready = json.loads(process.stdout.readline())
    environment = dict(re.findall(r"export (\w+)='(.*)'", Path(ready["env"]).read_text(encoding="utf-8")))
    context = ssl.create_default_context(cafile=ready["ca"])
    with httpx.Client(base_url=f"{ready['url']}/_sandbox", verify=context, timeout=60) as control:
        control.put("/latency", json={"seconds": LATENCY, "path": r"/(v1\.0|beta)/"}).raise_for_status()
        yield control, environment
    process.terminate()
    process.wait()


def read_declared(folder: Path) -> dict:
    """Read and resolve what a folder declares, as the program does, with all that the program imports."""
    declaration, graph = load_declaration(folder), GraphClient(GraphTokens())
    begin = time.perf_counter()
    readings = read_groups(graph, declaration.groups) | read_queries(graph, declaration.groups)
    seconds = time.perf_counter() - begin
    users = graph.read_users()
    counted = count_members(declaration, readings | read_everyone(declaration.groups, users))
    names = TenantNames("tenant", "9999", ("analyzer",))
    resolved = resolve(declaration, Directory(users), names, date(2026, 11, 2), counted)
    assert counted.doubt == {}, counted.doubt
    return {"seconds": seconds, "people": len(resolved.assignments), "megabytes": highest_megabytes()}


def read_by_hundreds() -> dict:
    """Read one group in pages of Graph's own size, one after the other, as the plugin's data source does."""
    graph = GraphClient(GraphTokens())
    begin, link, people = time.perf_counter(), f"/beta/groups/{group_id(0)}/members", 0
    while link:
        page = graph._http.get(link).json()  # noqa: SLF001  # only a client of the same kind compares
        people, link = people + len(page["value"]), page.get("@odata.nextLink")
    return {"seconds": time.perf_counter() - begin, "people": people, "megabytes": highest_megabytes()}


def highest_megabytes() -> float:
    """Return the highest resident memory of this process (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


def measure(control: httpx.Client, environment: dict[str, str], *arguments: str) -> dict:
    """Return what a process of its own measured, with the most calls that came one after the other for a group."""
    control.delete("/requests").raise_for_status()
    command = [sys.executable, __file__, *arguments]
    ours = {**os.environ, **environment}
    done = subprocess.run(command, env=ours, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    paths = [request["path"] for request in control.get("/requests", params={"service": "graph"}).json()]
    first = [path for path in paths if re.fullmatch(rf".*/groups/{group_id(0)}(/members.*)?", path)]
    beside = [path for path in first if path.endswith("microsoft.graph.group")]
    return {**json.loads(done.stdout), "calls": len(first) - len(beside)}


def main() -> None:
    """Measure one group, several at once, and all kinds of sources in one program."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "world.json").write_text(json.dumps(make_world()), encoding="utf-8")
        write_declaration(folder / "one", 1)
        write_declaration(folder / "many", GROUPS)
        write_declaration(folder / "all", GROUPS, "everyone: true", "query: mail ne null")
        with serving(folder / "world.json", folder) as (control, environment):
            one, many, whole = (
                measure(control, environment, "read", str(folder / name)) for name in ("one", "many", "all")
            )
            plain = measure(control, environment, "hundreds")
    assert {found["people"] for found in (one, many, whole, plain)} == {PEOPLE}
    limit = ceil(PEOPLE / PAGE) + 1
    floor = limit * LATENCY
    title = f"{PEOPLE:,} people of a group, {LATENCY * 1000:.0f} ms a call, {os.cpu_count()} cores"
    table = Table("what", "measured", "target", title=title)
    table.add_row("one group: calls one after the other", f"{one['calls']}", f"at most {limit}")
    table.add_row("one group", f"{one['seconds']:.2f} s", "")
    table.add_row(f"one group / {limit} calls that do nothing", f"{one['seconds'] / floor:.1f}", "")
    table.add_row("one group / in pages of 100", f"{one['seconds'] / plain['seconds']:.2f}", "")
    table.add_row(
        f"{GROUPS} groups side by side / one group", f"{many['seconds'] / one['seconds']:.1f}", f"under {GROUPS}"
    )
    table.add_row("the program with one group, highest memory", f"{one['megabytes']:.0f} MB", "under 300 MB")
    table.add_row(f"the program with {GROUPS} groups, everyone and a query", f"{whole['megabytes']:.0f} MB", "")
    Console().print(table)


if sys.argv[1:2] == ["read"]:
    print(json.dumps(read_declared(Path(sys.argv[2]))))
elif sys.argv[1:2] == ["hundreds"]:
    print(json.dumps(read_by_hundreds()))
else:
    main()
