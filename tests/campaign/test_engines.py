"""The same through an engine, as a user would: `up`, what it says, how it ends, and the next `up`."""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness import ROOT, Project, Result, Sandbox, read_world, resources, stop, wait_for

pytestmark = pytest.mark.campaign

ACCESS = "licenses: {order: [professional, analyzer]}\nsubject: {from: objectId}\nprotect: [fay@contoso.test]\n"
BEFORE = {
    "access.yaml": ACCESS,
    "groups/devs.yaml": "name: BI Developers\nlicense: professional\nmembers: [ana@contoso.test, bo@contoso.test]\n",
    "groups/readers.yaml": (
        "name: BI Readers\nlicense: analyzer\n"
        'members: [bo@contoso.test, "siobhan.o\'neill@contoso.test", eve@contoso.test, fay@contoso.test]\n'
    ),
}
AFTER = {
    "groups/devs.yaml": "name: BI Developers\nlicense: professional\nmembers: [bo@contoso.test, eve@contoso.test]\n",
    "groups/readers.yaml": (
        "name: BI Readers\nlicense: analyzer\nmembers: [ana@contoso.test, bo@contoso.test, gil@contoso.test]\n"
    ),
}
"""Ana is lowered, Eve raised, Siobhán leaves, Gil comes, and Fay leaves but is protected; members change with them."""
RETRIED = {"access.yaml": ACCESS.replace("analyzer]", "analyzer], retry: again")}
ROWS, OVERVIEW, ACTIONS = "/licenses/assignments$", "/licenses/overview", "/licenses/assignments/actions"
GOOD = 99
PARTS = 5
AT_ONCE = 3  # resources, each of which may be in the middle of a write

FAULTS: dict[str, dict[str, Any]] = {
    "people of the directory cut short": {"path": "/v1.0/users$", "kind": "truncated-page"},
    "people of the directory out of order": {"path": "/v1.0/users$", "status": 500, "count": GOOD},
    "users of the tenant cut short": {"path": "/api/v1/users$", "kind": "truncated-page"},
    "roles of the tenant forbidden": {"path": "/api/v1/roles$", "status": 403},
    "the tenant knows no such client": {"path": "/oauth/token$", "status": 401, "count": GOOD},
    "a token of the tenant that is no JSON": {"path": "/oauth/token$", "kind": "invalid-json"},
    "seats busy for a moment": {"path": OVERVIEW, "status": 503},
    "license rows cut short in the preview": {"path": ROWS, "kind": "missing-items"},
    "license rows empty in the update": {"path": ROWS, "kind": "empty-200", "after": 1},
    "license rows never answered": {"path": ROWS, "kind": "reset-after", "count": GOOD},
    "members not found in the update": {"method": "GET", "path": "/members$", "status": 404, "after": 5},
    "members cut short": {"method": "GET", "path": "/members$", "kind": "truncated-page", "count": 2},
    "a batch that never arrived": {"path": r"/\$batch$", "kind": "reset-before"},
    "a batch whose answer was lost": {"path": r"/\$batch$", "kind": "reset-after"},
    "a batch that is cut": {"path": r"/\$batch$", "kind": "truncated-json"},
    "a revoke whose answer was lost": {"path": f"{ACTIONS}/delete", "kind": "reset-after"},
    "a revoke that is never done": {"path": f"{ACTIONS}/delete", "status": 500, "count": GOOD},
    "a switch whose answer was lost": {"path": f"{ACTIONS}/update", "kind": "reset-after"},
    "an assign that is refused": {"path": f"{ACTIONS}/add", "item": {"every": 1}},
    "an assign that is to wait an hour": {"path": f"{ACTIONS}/add", "status": 429, "headers": {"Retry-After": "3600"}},
}


@dataclass(frozen=True)
class Place:
    """What the engine and the services hold at a moment."""

    snapshot: str
    backend: Path
    rows: dict[str, str]
    groups: dict[str, list[str]]
    ledgers: dict[str, Any]


class Company:
    """One project on one engine, before and after an edit; everything can be put back to before it."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.sandbox = project.sandbox
        self.sandbox.load(read_world(ROOT / "tests" / "worlds" / "small.yaml"))
        project.edit(BEFORE)
        assert project.run("up").exit == 0
        self.before = self._keep("before")
        project.edit(AFTER)
        self.sandbox.forget()
        assert (result := project.run("up --skip-preview")).exit == 0, result.text
        self.calls = [entry for entry in self.sandbox.requests() if not _is_like_a_part(entry["path"])]
        self.after = self._keep("after")

    def begin(self) -> None:
        """Put everything back to before the edit, and make the edit."""
        self.sandbox.control.post(f"/snapshots/{self.before.snapshot}/restore").raise_for_status()
        shutil.rmtree(self.project.folder / "backend")
        shutil.copytree(self.before.backend, self.project.folder / "backend")
        self.project.edit({**BEFORE, **AFTER})
        self.sandbox.forget()

    def arm(self, **fault: Any) -> None:
        self.sandbox.control.post("/faults", json=fault).raise_for_status()

    def disarm(self) -> list[Any]:
        waiting = self.sandbox.control.get("/faults").json()
        self.sandbox.control.delete("/faults").raise_for_status()
        return waiting

    def assert_nobody_lost(self) -> None:
        rows = self.sandbox.rows()
        for who, type in self.before.rows.items():
            if who in self.after.rows:
                assert rows.get(who) in {type, self.after.rows[who]}, who
        held = [row["subject"] for row in self.sandbox.snapshot()["tenant"]["assignments"]]
        assert len(held) == len(set(held))

    def assert_converges(self, words: str) -> None:
        """Assert that this run ends where the run without a fault did, and that one more does nothing."""
        result = self.project.run(words)
        assert result.exit == 0, result.text + result.errors
        assert self.sandbox.rows() == self.after.rows
        assert self.sandbox.groups() == self.after.groups
        assert self._ledgers() == self.after.ledgers
        self.sandbox.forget()
        result = self.project.run("up")
        assert result.exit == 0, result.text
        assert self.sandbox.writes() == {"qlik": 0, "graph": 0}
        assert set(result.summary) <= {"unchang"}, result.text

    def _keep(self, name: str) -> Place:
        id = self.sandbox.control.post("/snapshots", json={}).raise_for_status().json()["id"]
        backend = shutil.copytree(self.project.folder / "backend", self.project.folder / name)
        return Place(id, backend, self.sandbox.rows(), self.sandbox.groups(), self._ledgers())

    def _ledgers(self) -> dict[str, Any]:
        state = self.project.export()
        found = {**resources(state, "LicenseAssignments"), **resources(state, "DirectoryMembers")}
        kept = ("assignments", "members", "deviations")
        return {name: {part: it["outputs"].get(part) for part in kept} for name, it in found.items()}


def _is_like_a_part(path: str) -> bool:
    """Tell whether a path may also be that of a request in a $batch, which no fault can hold up."""
    return path.startswith("/v1.0/groups/") and (path.count("/") == 3 or path.endswith("$ref"))


@pytest.fixture(scope="module", params=["rehearsal", pytest.param("pulumi", marks=pytest.mark.engine)])
def company(request, tmp_path_factory, sandbox: Sandbox) -> Company:
    if request.param == "pulumi" and shutil.which("pulumi") is None:
        pytest.skip("`pulumi` is not on PATH")
    return Company(Project(tmp_path_factory.mktemp("company"), request.param, sandbox))


def assert_told_well(company: Company, result: Result) -> None:
    output = result.text + result.errors
    assert "Traceback" not in output
    assert company.project.find_secrets(output) == []
    if result.exit != 0:
        assert "error: " in output


@pytest.mark.parametrize("name", FAULTS)
def test_an_up_in_which_something_goes_wrong_says_so_and_the_next_mends_it(company: Company, name):
    company.begin()
    company.arm(**FAULTS[name])

    result = company.project.run("up")

    (left,) = company.disarm() or [None]
    assert left is None or left["count"] < FAULTS[name].get("count", 1), "the fault did not strike"
    assert_told_well(company, result)
    company.assert_nobody_lost()
    if result.exit == 0:
        assert company.sandbox.rows() == company.after.rows
        assert company.sandbox.groups() == company.after.groups
    if "refused: " in result.text:
        company.project.edit(RETRIED)
    company.assert_converges("up")


@contextlib.contextmanager
def held_up(company: Company, number: int, moment: str) -> Iterator[Any]:
    """Yield an `up` that waits for the answer to its `number`-th call, before or after the work of it was done."""
    held = {"status": 503} if moment == "before" else {"kind": "delay"}
    path = r"^(?!/v1\.0/groups/[^/]+(/members/.*\$ref)?$)"
    company.arm(path=path, after=number, delay=3, **held)
    process = company.project.start("up --skip-preview --yes")
    try:
        wait_for(lambda: any(entry["fault"] for entry in company.sandbox.requests()))
        yield process
    finally:
        for id in children_of(company.project.folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(id, signal.SIGKILL)
        stop(process)
        company.disarm()


def children_of(folder: Path) -> list[int]:
    """Return the processes that work in a folder: programs and providers of an engine, orphans among them."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder and int(entry.name) != os.getpid():
                found.append(int(entry.name))
    return found


def places(company: Company) -> list[int]:
    """Return the calls at which to kill: all of them on the sandbox engine, the first and the writes on Pulumi."""
    every = range(len(company.calls))
    if company.project.engine == "rehearsal":
        return list(every)
    return [0, *(number for number in every if company.calls[number]["writes"])]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("part", range(PARTS))
def test_an_engine_killed_with_its_provider_at_any_call_is_followed_by_a_run_that_completes(
    company: Company, part, moment
):
    for number in places(company)[part::PARTS]:
        company.begin()
        with held_up(company, number, moment) as process:
            process.kill()
        company.assert_nobody_lost()
        assert company.project.run("cancel --yes").exit == 0
        company.assert_converges("up --refresh")


def wait_for_silence(company: Company) -> None:
    """Return when nobody has asked anything for five seconds, which is longer than an answer is held up."""
    last, since = -1, time.monotonic()

    def is_silent() -> bool:
        nonlocal last, since
        asked = len(company.sandbox.requests())
        if asked != last:
            last, since = asked, time.monotonic()
        return time.monotonic() - since > 5

    wait_for(is_silent)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_provider_whose_engine_is_killed_at_a_write_stops_and_the_next_run_completes(company: Company, moment):
    writes = [number for number, entry in enumerate(company.calls) if entry["writes"]]
    for number in writes if company.project.engine == "rehearsal" else writes[-2:]:
        company.begin()
        with held_up(company, number, moment) as process:
            process.kill()
            written = company.sandbox.writes()
            wait_for_silence(company)
        assert sum(company.sandbox.writes().values()) <= sum(written.values()) + AT_ONCE
        company.assert_nobody_lost()
        assert company.project.run("cancel --yes").exit == 0
        company.assert_converges("up --refresh")
