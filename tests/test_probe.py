"""`qlik-provider probe` on a served sandbox: what it finds is what the switches say, and it leaves nothing behind."""

import contextlib
import copy
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness import FRESH
from serving import CLIENT, ROOT, WORLD, Served, serve

from qlik_provider.probing.assumption import Way
from qlik_provider.probing.assumptions import ASSUMPTIONS
from sandbox.switches import SWITCHES

SUBJECT = "probe\\trial"
WRITE = ("--write", "--subject", SUBJECT, "--user", "--settings", "--yes")
CAPACITY_SWITCHES = ("capacity-allotments",)
LICENSE_KEY = "license-key-canary"
SECRETS = (LICENSE_KEY, "sandbox-client-secret", "sandbox-directory-secret", "Bearer ey", "eyJ")
POSITIONS = [
    (name, position)
    for name, switch in SWITCHES.items()
    for position in switch.alternatives
    if name in ASSUMPTIONS and ASSUMPTIONS[name].way is not Way.NEVER
]


def in_the_campaign(*values: int) -> list:
    """Return values of a parameter that are long to play all: `make campaign` does."""
    return [pytest.param(value, marks=pytest.mark.campaign) for value in values]


def make_world(**positions: str) -> dict:
    """Return a world in which every question has an answer: a type that is full, users of every status, an app."""
    world = copy.deepcopy(WORLD)
    tenant = world["tenant"]
    tenant["license"] |= {"key": LICENSE_KEY, "unitsUsedDelay": 3600}
    tenant["allotments"]["viewer"] = {"units": 1}
    tenant["assignments"].append({"subject": "fabrikam\\eva", "type": "viewer"})
    tenant["settings"] = {"autoAssignProfessional": False, "autoAssignAnalyzer": True}
    tenant["users"] += [
        {"subject": "gone", "name": "Gone", "status": "deleted"},
        {"subject": "invited", "name": "Invited", "email": "invited@contoso.test", "status": "invited"},
    ]
    tenant["apps"] = [{"name": "Kalle's own", "ownerId": "qlik\\kalle"}]
    world["directory"]["clients"][0]["roles"].append("AuditLog.Read.All")
    world["switches"] = {name.replace("_", "-"): position for name, position in positions.items()}
    return world


def make_capacity_world(**positions: str) -> dict:
    """Return a world on a capacity license."""
    world = make_world(**positions)
    world["tenant"] |= {
        "allotments": {"fullUser": {"units": 5}, "basicUser": {"units": 0, "overage": -1}},
        "assignments": [{"subject": "qlik\\kalle", "type": "fullUser"}],
    }
    return world


@dataclass
class Run:
    """What one run of the command did."""

    exit: int
    out: str
    err: str

    @property
    def findings(self) -> dict[str, dict]:
        return {finding["name"]: finding for finding in json.loads(self.out)["findings"]}


@dataclass
class Bench:
    """A served sandbox and the command beside it."""

    served: Served
    control: object
    python: Path

    def environment(self, **changes: str) -> dict[str, str]:
        given = dict(re.findall(r"export (\w+)='(.*)'", Path(self.served.env).read_text()))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("QLIK_", "ARM_"))}
        return {name: value for name, value in {**kept, **given, **changes}.items() if value}

    def load(self, world: dict) -> None:
        """Load a world, and let come about in it what only the tenant itself brings about."""
        self.control.put("/_sandbox/world", json=world).raise_for_status()
        self.control.delete("/_sandbox/faults").raise_for_status()
        with self.served.client("sandbox-api-key") as tenant:
            space = tenant.post("/api/v1/spaces", json={"name": "Short-lived", "type": "shared"}).raise_for_status()
            tenant.delete(f"/api/v1/spaces/{space.json()['id']}").raise_for_status()
        self.control.delete("/_sandbox/requests").raise_for_status()

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen:
        return subprocess.Popen(
            [str(self.python), str(FRESH / "bin" / "qlik-provider"), "probe", *arguments],
            cwd=ROOT,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> Run:
        return finish(self.start(*arguments, **environment))

    def fail(self, **fault: object) -> None:
        self.control.post("/_sandbox/faults", json=fault).raise_for_status()

    def tenant(self) -> dict:
        return self.control.get("/_sandbox/world").raise_for_status().json()["tenant"]

    def rows(self) -> list[dict]:
        return self.tenant()["assignments"]

    def requests(self, *, writes: bool = False) -> list[dict]:
        found = self.control.get("/_sandbox/requests").raise_for_status().json()
        return [request for request in found if request["writes"] or not writes]


def finish(process: subprocess.Popen) -> Run:
    out, err = process.communicate(timeout=120)
    for secret in SECRETS:
        assert secret not in out + err
    assert "Traceback" not in err
    return Run(process.returncode, out, err)


@pytest.fixture(scope="module")
def bench(tmp_path_factory, warm_python):
    folder = tmp_path_factory.mktemp("probe")
    (folder / "world.json").write_text(json.dumps(make_world()))
    served = serve("--world", folder / "world.json", "--env", folder / "env")
    with served.client() as control:
        yield Bench(served, control, warm_python.folder / "bin" / "python")
    served.stop()


@pytest.fixture(autouse=True)
def _world(bench):
    bench.load(make_world())


# What is assumed


@pytest.mark.parametrize("name", SWITCHES)
def test_every_switch_is_an_assumption_with_the_same_positions(name):
    assumption, switch = ASSUMPTIONS[name], SWITCHES[name]
    assert assumption.positions == switch.values
    assert assumption.told_by


def test_every_assumption_that_can_be_set_is_a_switch():
    assert {name for name, assumption in ASSUMPTIONS.items() if assumption.is_switch} == set(SWITCHES)


# Reading


def expected_verdict(name: str, *ways: Way) -> str:
    """Return what becomes of an assumption in the world of these tests if these ways of asking are open."""
    way = ASSUMPTIONS[name].way
    if way is Way.NEVER or name in CAPACITY_SWITCHES:
        return "cannot be told"
    return "as assumed" if way in ways else "not asked"


def test_reading_finds_what_the_sandbox_is_and_writes_nothing(bench):
    run = bench.run("--json")
    assert run.exit == 0, run.out + run.err
    found = {name: finding["verdict"] for name, finding in run.findings.items()}
    assert found == {name: expected_verdict(name, Way.READ, Way.DIRECTORY) for name in ASSUMPTIONS}, run.out
    assert bench.requests()
    assert bench.requests(writes=True) == []


def test_without_a_client_of_the_directory_the_directory_is_not_asked(bench):
    run = bench.run(ARM_CLIENT_SECRET="")
    assert run.exit == 0
    assert (
        "batch-order: assumed request; not asked (needs ARM_TENANT_ID, ARM_CLIENT_ID and ARM_CLIENT_SECRET)" in run.out
    )
    assert {request["service"] for request in bench.requests()} == {"qlik"}


def load_evidence(bench, switch: str, position: str) -> None:
    """Load the world with one switch elsewhere, and with what has come about in such a tenant."""
    make = make_capacity_world if switch in CAPACITY_SWITCHES else make_world
    world = make(**{switch: position})
    kalle = {"subject": "qlik\\kalle", "type": "professional"}
    if switch == "subject-case":
        world["tenant"]["assignments"] = [
            row for row in world["tenant"]["assignments"] if row["subject"] != kalle["subject"]
        ]
    if switch == "bot-seats":
        world["tenant"]["assignments"].append({"subject": f"qlikbot\\{CLIENT}", "type": "analyzer"})
    bench.load(world)
    if switch == "subject-case":
        with bench.served.client("sandbox-api-key") as tenant:
            tenant.post("/api/v1/licenses/assignments/actions/add", json={"add": [kalle]}).raise_for_status()
        bench.control.delete("/_sandbox/requests")


@pytest.mark.parametrize(("switch", "position"), POSITIONS)
def test_every_position_of_every_switch_is_found(bench, switch, position):
    assumption = ASSUMPTIONS[switch]
    reads = assumption.way in {Way.READ, Way.DIRECTORY}
    load_evidence(bench, switch, position)
    before = bench.rows()
    run = bench.run("--json", *(() if reads else WRITE))
    finding = run.findings[switch]
    others = {other["name"] for other in run.findings.values() if other["verdict"] == "differs"} - {switch}
    assert others == set()
    if position == assumption.unprovable:
        assert (run.exit, finding["verdict"]) == (0, "cannot be told")
    else:
        assert (run.exit, finding["found"]) == (3, position), run.out + run.err
        assert json.loads(run.out)["switches"] == {switch: position}
    assert bench.rows() == before
    assert not reads or bench.requests(writes=True) == []


@pytest.mark.parametrize("switch", CAPACITY_SWITCHES)
def test_a_capacity_license_tells_its_own(bench, switch):
    bench.load(make_capacity_world())
    assert bench.run("--json").findings[switch]["verdict"] == "as assumed"


def test_with_write_everything_is_told_and_everything_is_as_before(bench):
    before = bench.tenant()
    run = bench.run("--json", *WRITE)
    assert run.exit == 0, run.out + run.err
    found = {name: finding["verdict"] for name, finding in run.findings.items()}
    assert found == {name: expected_verdict(name, *Way) for name in ASSUMPTIONS}, run.out
    after = bench.tenant()
    assert after["assignments"] == before["assignments"]
    assert after["settings"] == before["settings"]
    assert {user["subject"] for user in after["users"] if user.get("status") != "deleted"} >= {"qlik\\kalle"}
    assert [user for user in after["users"] if user["subject"] == SUBJECT and user.get("status") != "deleted"] == []


def test_the_text_says_what_to_set(bench):
    bench.load(make_world(users_default_status="all", next_link_last="nullHref"))
    run = bench.run()
    assert run.exit == 3
    assert "users-default-status: assumed active; found all; set users-default-status: all\n" in run.out
    assert "as assumed" in run.out
    assert run.out.endswith("switches:\n  next-link-last: nullHref\n  users-default-status: all\n")


def test_a_terminal_gets_a_table(bench):
    shown, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", "from qlik_provider.cli import app; app()", "probe"],
        cwd=ROOT,
        env=bench.environment(COLUMNS="160", TERM="xterm"),
        stdin=subprocess.DEVNULL,
        stdout=terminal,
    )
    os.close(terminal)
    text = b""
    with contextlib.suppress(OSError):  # Linux ends a terminal that nobody holds with EIO
        while part := os.read(shown, 65536):
            text += part
    os.close(shown)
    assert process.wait(timeout=60) == 0
    table = re.sub(r"\x1b\[[0-9;]*m", "", text.decode())
    assert re.search(r"switch or fact +assumed +found +set", table)
    assert re.search(r"next-link-last +absent +absent", table)


def test_what_the_sandbox_cannot_be_set_to_is_told_as_well(bench):
    bench.fail(path="/api/v1/users/0000", kind="answer", status=410, body={"gone": True}, count=9)
    run = bench.run()
    assert run.exit == 3
    assert "users-error: assumed 404 USERS-7 errors traceId; found 410 gone; no switch for it" in run.out


def test_a_tenant_without_evidence_gets_no_answer_made_up(bench):
    world = make_world()
    del world["tenant"]["apps"]
    world["tenant"] |= {"assignments": [], "users": world["tenant"]["users"][:2]}
    world["tenant"]["apiKeys"] = world["tenant"]["apiKeys"][:1]
    bench.load(world)
    findings = bench.run("--json").findings
    assert findings["users-default-status"]["because"] == "cannot be told: every user of this tenant is active"
    assert findings["next-link-host"]["because"] == "cannot be told: the license has fewer than two rows"
    assert findings["subject-case"]["verdict"] == "cannot be told"


# Who may be tried on


def refuse(bench, subject, *options):
    before = bench.rows()
    run = bench.run("--write", "--subject", subject, "--yes", *options)
    assert run.exit == 1
    assert run.out == ""
    assert len(run.err.splitlines()) == 1
    assert bench.requests(writes=True) == []
    assert bench.rows() == before
    return run.err


@pytest.mark.parametrize(
    ("subject", "options", "reason"),
    [
        ("QLIK\\Kalle", (), "holds professional"),
        ("qlik\\nalle", (), "is a user of this tenant (active)"),
        ("user1234", (), "is a user of this tenant (disabled)"),
        ("fabrikam\\bo", ("--in-use",), "may be another tenant's"),
        (f"qlikbot\\{CLIENT}", ("--in-use",), "nothing is tried on it"),
        (" ", (), "is no subject"),
        (SUBJECT, ("--type", "viewer"), "no seat of viewer is free"),
        (SUBJECT, ("--type", "gold"), "is no type of this license"),
    ],
)
def test_a_subject_that_somebody_needs_is_refused(bench, subject, options, reason):
    assert reason in refuse(bench, subject, *options)


def test_a_subject_the_stack_protects_is_refused(bench, tmp_path):
    (tmp_path / "access.yaml").write_text("subject: {from: mail}\nprotect: [nalle@contoso.test]\n")
    assert "protected by the declaration" in refuse(bench, "qlik\\nalle", "--in-use", "--stack", str(tmp_path))


def test_a_license_without_a_free_seat_is_refused(bench):
    world = make_world()
    world["tenant"]["allotments"] = {
        name: {"units": 1, "overage": 2} for name in ("professional", "analyzer", "viewer")
    }
    bench.load(world)
    assert "no seat of any type is free" in refuse(bench, SUBJECT)


def test_a_capacity_license_wants_its_type_named(bench):
    world = make_world()
    world["tenant"]["allotments"]["fullUser"] = {"units": 5}
    bench.load(world)
    assert "--type" in refuse(bench, SUBJECT)


def test_a_capacity_license_can_be_tried_on_a_subject_that_is_no_user(bench):
    bench.load(make_capacity_world())
    before = bench.rows()
    run = bench.run("--json", "--write", "--subject", SUBJECT, "--type", "fullUser", "--yes")
    assert run.exit == 0, run.out + run.err
    assert run.findings["add-same-type"]["found"] == "created201"
    assert bench.rows() == before


def test_a_user_of_a_capacity_license_is_refused(bench):
    bench.load(make_capacity_world())
    assert "gives users their types by itself" in refuse(bench, "qlik\\nalle", "--type", "fullUser", "--in-use")


def test_nothing_is_written_before_somebody_agreed(bench):
    run = bench.run("--write", "--subject", SUBJECT)
    assert run.exit == 1
    assert f"on {SUBJECT} only" in run.err
    assert bench.requests(writes=True) == []


@pytest.mark.parametrize(
    "arguments",
    [("--write",), ("--subject", SUBJECT), ("--settings",), ("--write", "--settings", "--type", "analyzer")],
)
def test_options_that_contradict_each_other_are_refused(bench, arguments):
    assert bench.run(*arguments).exit == 2
    assert bench.requests() == []


def test_a_row_in_use_is_never_taken_away_even_for_a_moment(bench):
    before = bench.rows()
    run = bench.run("--json", "--write", "--subject", "qlik\\kalle", "--in-use", "--yes")
    assert run.exit == 0
    assert run.findings["add-same-type"]["found"] == "created201"
    assert "a row of its own" in run.findings["update-without-seat"]["because"]
    assert bench.rows() == before


def test_every_write_names_the_test_subject_or_the_settings(bench):
    bench.run(*WRITE)
    asked = {f"{request['method']} {request['path']}" for request in bench.requests(writes=True)}
    users = {user["id"] for user in bench.tenant()["users"] if user["subject"] == SUBJECT}
    actions = "POST /api/v1/licenses/assignments/actions"
    own = {f"{method} /api/v1/users/{user}" for user in users for method in ("PATCH", "DELETE")}
    known = {f"{actions}/add", f"{actions}/update", f"{actions}/delete", "PUT /api/v1/licenses/settings"}
    assert asked <= known | own | {"POST /api/v1/users"}


# Failing half way


@pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
@pytest.mark.parametrize("action", ["add", "update", "delete"])
@pytest.mark.parametrize("after", [0, *in_the_campaign(1, 2)])
def test_a_lost_write_leaves_nothing_behind(bench, action, kind, after):
    before = bench.rows()
    bench.fail(path=f"/api/v1/licenses/assignments/actions/{action}", kind=kind, after=after, count=1)
    run = bench.run("--write", "--subject", SUBJECT, "--yes")
    assert bench.rows() == before
    assert run.exit == 0 or (run.exit == 1 and run.err.splitlines()[-1].startswith("error: "))


@pytest.mark.parametrize("after", [2, *in_the_campaign(4, 6)])
def test_a_list_that_lags_behind_leaves_nothing_behind(bench, after):
    before = bench.rows()
    empty = {"data": [], "links": {}}
    page = {"headers": {"content-type": "application/json"}, "status": 200, "body": empty, "after": after, "count": 999}
    bench.fail(path="/licenses/assignments$", method="GET", kind="answer", **page)
    bench.run("--write", "--subject", SUBJECT, "--yes")
    assert bench.rows() == before


@pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("after", [0, *in_the_campaign(1)])
def test_a_lost_write_leaves_no_user_behind(bench, method, kind, after):
    bench.fail(path="/api/v1/users", method=method, kind=kind, after=after, count=1)
    run = bench.run("--write", "--subject", SUBJECT, "--user", "--yes")
    assert run.exit in {0, 1}
    assert SUBJECT not in {user["subject"] for user in bench.tenant()["users"] if user.get("status") != "deleted"}


@pytest.mark.parametrize("kind", ["reset-before", "reset-after"])
@pytest.mark.parametrize(("settings", "writes"), [((True, False), 2), ((False, False), 3)])
def test_a_lost_write_leaves_the_settings_as_they_were(bench, kind, settings, writes):
    for after in range(writes):
        world = make_world(settings_omitted="false")
        world["tenant"]["settings"] = dict(zip(("autoAssignAnalyzer", "autoAssignProfessional"), settings, strict=True))
        bench.load(world)
        before = bench.tenant()["settings"]
        bench.fail(path="/api/v1/licenses/settings", method="PUT", kind=kind, after=after, count=1)
        run = bench.run("--write", "--settings", "--yes")
        assert bench.tenant()["settings"] == before
        assert run.exit in {1, 3}


def test_what_cannot_be_put_back_is_named(bench):
    bench.fail(path="/api/v1/licenses/assignments/actions/delete", kind="answer", status=501, after=4, count=99)
    run = bench.run("--write", "--subject", SUBJECT, "--yes")
    assert run.exit == 1
    assert run.out == ""
    last = run.err.splitlines()[-1]
    assert last.startswith(f"error: {SUBJECT} is perhaps not as before")
    assert "professional" in last


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("count", [1, 6, *in_the_campaign(4, 8)])
def test_a_probe_that_is_stopped_puts_everything_back(bench, number, count):
    before = bench.rows()
    bench.fail(path="/assignments/actions/", kind="delay", delay=0.05, count=999)
    process = bench.start("--write", "--subject", SUBJECT, "--yes")
    ends = time.monotonic() + 60
    while len(bench.requests(writes=True)) < count and process.poll() is None and time.monotonic() < ends:
        pass
    process.send_signal(number)
    run = finish(process)
    assert run.exit == 1
    assert run.out == ""
    assert run.err.splitlines()[-1] == f"error: stopped by {number.name}; everything is as it was before"
    assert bench.rows() == before


# Errors


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"QLIK_TENANT": ""}, "error: QLIK_TENANT: is not set"),
        ({"QLIK_CLIENT_SECRET": ""}, "error: QLIK_CLIENT_SECRET: is not set"),
        ({"QLIK_CLIENT_SECRET": "wrong"}, "error: QLIK_CLIENT_ID, QLIK_CLIENT_SECRET: the tenant does not accept"),
        ({"QLIK_TENANT": "https://127.0.0.1:1"}, "error: qlik:tenant: the tenant gives no token"),
        ({"QLIK_TENANT": "contoso"}, "error: qlik:tenant: 'contoso' is no URL"),
    ],
)
def test_an_error_is_one_line(bench, changes, reason):
    run = bench.run(**changes)
    assert run.exit == 1
    assert run.out == ""
    assert run.err.startswith(reason)
    assert len(run.err.splitlines()) == 1


def test_a_question_that_is_refused_costs_the_others_nothing(bench):
    bench.fail(path="/api/v1/licenses/settings", kind="answer", status=403, count=9)
    run = bench.run("--json")
    assert run.exit == 0
    assert run.findings["licenses-settings"]["verdict"] == "cannot be told"
    assert run.findings["me-redirect"]["verdict"] == "as assumed"
