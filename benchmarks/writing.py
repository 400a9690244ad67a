"""What it costs to put ten thousand people into a group: calls and time, beside one call a person; memory."""

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
from math import ceil
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

import qlik_provider.resources  # noqa: F401  # the provider's process holds pulumi too
from qlik_provider.credentials import GraphTokens
from qlik_provider.graph import BATCH, BIND, PAGE, GraphClient
from qlik_provider.ledger import MEMBERS, rules_of
from qlik_provider.members import apply_members, observe_members
from qlik_provider.outcomes import settle
from qlik_provider.plan import Plan, make_plan
from qlik_provider.premises import Recorded

ROOT = Path(__file__).parents[1]
GROUP = "aaaaaaaa-0000-4000-8000-000000000001"
PEOPLE = 10_000
ALONE = 100
LATENCY = 0.05
LIMIT = 30


def person(number: int) -> str:
    return f"6f1c0000-0000-4000-8000-{number:012}"


def make_world() -> dict:
    """Return a world with an empty group."""
    people = [person(number) for number in range(PEOPLE)]
    return {
        "world": 1,
        "directory": {
            "tenantId": "11111111-1111-1111-1111-111111111111",
            "clients": [
                {
                    "id": "22222222-2222-2222-2222-222222222222",
                    "secret": "sandbox-directory-secret",
                    "oid": "33333333-3333-3333-3333-333333333333",
                    "roles": ["Group.ReadWrite.All", "User.Read.All"],
                }
            ],
            "users": [
                {"id": id, "userPrincipalName": f"{id}@contoso.test", "mail": f"{id}@contoso.test", "displayName": id}
                for id in people
            ],
            "groups": [{"id": GROUP, "displayName": "Readers", "mailNickname": "readers", "members": []}],
        },
    }


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


def write_declared(count: int) -> dict:
    """Read the group, plan for so many people, apply and write the ledger, as the provider's process does."""
    graph = GraphClient(GraphTokens())
    inputs = {
        "group": "readers",
        "groupObjectId": GROUP,
        "members": {person(number): f"{person(number)}@contoso.test" for number in range(count)},
        "rules": {"brake.max": PEOPLE, "brake.percent": 100},
    }
    begin = time.perf_counter()
    desired = MEMBERS.parse_people(inputs)
    plan: Plan = make_plan(desired, observe_members(graph, GROUP), Recorded(), rules_of(inputs), graph.now)
    outcomes = apply_members(graph, GROUP, plan, keep_quiet)
    outputs = settle(inputs, MEMBERS, Recorded(), plan, outcomes, graph.now)
    seconds = time.perf_counter() - begin
    assert outputs["deviations"] == {}
    return {"seconds": seconds, "people": len(outputs["members"]), "megabytes": highest_megabytes()}


def keep_quiet(done: int, total: int) -> None:
    """Tell nobody how far it is."""


def write_alone(count: int) -> dict:
    """Add so many people one by one, as the plugin's GroupMember does: POST …/members/$ref."""
    graph = GraphClient(GraphTokens())
    begin = time.perf_counter()
    with graph.writing() as writer:
        for number in range(count):
            body = {"@odata.id": f"{graph.url}/v1.0/directoryObjects/{person(number)}"}
            writer._http.post(f"/beta/groups/{GROUP}/members/$ref", json=body).raise_for_status()  # noqa: SLF001  # only a client of the same kind compares
    return {"seconds": time.perf_counter() - begin, "people": count, "megabytes": highest_megabytes()}


def highest_megabytes() -> float:
    """Return the highest resident memory of this process (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return float("nan")


def measure(control: httpx.Client, environment: dict[str, str], *arguments: str) -> dict:
    """Return what a process of its own measured, with its calls about the group."""
    control.delete("/requests").raise_for_status()
    command = [sys.executable, __file__, *arguments]
    ours = {**os.environ, **environment}
    done = subprocess.run(command, env=ours, cwd=ROOT, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    requests = control.get("/requests", params={"service": "graph"}).json()
    writes = sum(1 for request in requests if request["writes"])
    about = [request for request in requests if request["writes"] or f"/groups/{GROUP}" in request["path"]]
    return {**json.loads(done.stdout), "writes": writes, "calls": len(about)}


def main() -> None:
    """Measure one by one for a few, and everybody at once."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "world.json").write_text(json.dumps(make_world()), encoding="utf-8")
        with serving(folder / "world.json", folder) as (control, environment):
            alone = measure(control, environment, "alone", str(ALONE))
            control.put("/world", json=make_world()).raise_for_status()
            control.put("/latency", json={"seconds": LATENCY, "path": r"/(v1\.0|beta)/"}).raise_for_status()
            found = measure(control, environment, "declared", str(PEOPLE))
    assert found["people"] == PEOPLE
    assert found["writes"] == ceil(PEOPLE / (BIND * BATCH))
    assert found["writes"] <= LIMIT
    assert alone["writes"] == ALONE
    one_by_one = alone["seconds"] / ALONE * PEOPLE
    reads = ceil(PEOPLE / PAGE)
    floor = found["calls"] * LATENCY
    title = f"{PEOPLE:,} people put into a group, {LATENCY * 1000:.0f} ms a call, {os.cpu_count()} cores"
    table = Table("what", "measured", "target", title=title)
    table.add_row("calls that write", f"{found['writes']}", f"at most {LIMIT}")
    table.add_row("calls that write, one by one", f"{alone['writes'] * PEOPLE // ALONE:,}", "")
    table.add_row(f"calls that read: before, and {reads} pages after", f"{found['calls'] - found['writes']}", "")
    table.add_row("everybody", f"{found['seconds']:.1f} s", "")
    table.add_row(f"everybody / {found['calls']} calls that do nothing", f"{found['seconds'] / floor:.1f}", "")
    table.add_row(f"everybody / one by one (of {ALONE})", f"{found['seconds'] / one_by_one:.3f}", "")
    table.add_row("the highest memory", f"{found['megabytes']:.0f} MB", "under 300 MB")
    Console().print(table)


if sys.argv[1:2] == ["declared"]:
    print(json.dumps(write_declared(int(sys.argv[2]))))
elif sys.argv[1:2] == ["alone"]:
    print(json.dumps(write_alone(int(sys.argv[2]))))
else:
    main()
