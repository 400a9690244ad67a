"""Plays a scenario through an engine as a user would: files, commands, and what the services hold afterwards."""

import json
import os
import re
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import jsonschema
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
STACK = "dev"
FRESH = Path(sys.prefix)
"""The virtual environment whose Python starts as Python does."""
CANARIES = {
    "QLIK_CLIENT_SECRET": rb"sandbox-client-secret",
    "ARM_CLIENT_SECRET": rb"sandbox-directory-secret",
    "ARM_CLIENT_CERTIFICATE": rb"MII[\w+/]{200}",
    "ARM_CLIENT_CERTIFICATE_PASSWORD": rb"sandbox-certificate-password",
    "ARM_OIDC_TOKEN": rb"eyJ[\w-]{10,}\.[\w-]{20}",
    "ARM_OIDC_REQUEST_TOKEN": rb"sandbox-request-token",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": rb"sandbox-request-token",
    "SYSTEM_ACCESSTOKEN": rb"sandbox-request-token",
    "QLIK_API_KEY": rb"sandbox-api-key",
    "QLIK_WEBHOOK_SECRET": rb"sandbox-webhook-secret",
    "QLIK_DISPATCH_TOKEN": rb"sandbox-dispatch-token",
    "the license key": rb"sandbox-license-key",
    "a token": rb"eyJ[\w-]{10,}\.[\w-]{20}|[Bb]earer [\w.-]{20}",
}
"""What no output and no file may hold; a variable is named by the credential it carries."""


def read_yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def read_world(path: Path) -> Any:
    """Return a world; one with `from` is the world of that file with its own parts in the place of that world's."""
    world = read_yaml(path)
    if "from" not in world:
        return world
    base = read_world(path.parent / world.pop("from"))
    for part in ("tenant", "directory", "switches"):
        base[part] = {**base.get(part, {}), **world.pop(part, {})}
    return {**base, **world}


def write_yaml(path: Path, data: Any) -> None:
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(data, file)


@dataclass
class Sandbox:
    """A running sandbox and its control plane."""

    process: subprocess.Popen[str]
    url: str
    environment: Mapping[str, str]
    control: httpx.Client

    def load(self, world: Any) -> None:
        self.control.put("/world", json=json.loads(json.dumps(world, default=str))).raise_for_status()
        self.control.delete("/faults").raise_for_status()
        self.forget()

    def snapshot(self) -> Any:
        return self.control.get("/world").raise_for_status().json()

    def forget(self) -> None:
        self.control.delete("/requests").raise_for_status()

    def requests(self) -> list[Any]:
        return self.control.get("/requests").raise_for_status().json()

    def writes(self) -> dict[str, int]:
        counts = {"qlik": 0, "graph": 0}
        for request in self.requests():
            if request["writes"]:
                counts[request["service"]] += 1
        return counts

    def rows(self) -> dict[str, str]:
        return {row["subject"]: row["type"] for row in self.snapshot()["tenant"]["assignments"]}

    def settings(self) -> list[str]:
        """Return what is on of what the tenant hands out by itself, in alphabetical order."""
        tenant = self.snapshot()["tenant"]
        told = {**tenant, **tenant.get("settings", {})}
        return sorted(name for name, value in told.items() if name.startswith("autoAssign") and value)

    def users(self) -> dict[str, str]:
        """Return the status of each user of the tenant, by subject; clients are none."""
        users = self.snapshot()["tenant"]["users"]
        return {user["subject"]: user["status"] for user in users if not user.get("clientId")}

    def groups(self) -> dict[str, list[str]]:
        directory = self.snapshot()["directory"]
        names = {user["id"]: user["userPrincipalName"] for user in directory["users"]}
        return {
            group["displayName"]: sorted(names.get(member, member) for member in group["members"])
            for group in directory["groups"]
        }

    def policies(self) -> dict[str, dict[str, list[str]]]:
        """Return what each group of the tenant is granted: `roles`, and its roles by the name of a space.

        Beside them stand, by e-mail, users who have roles of their own in spaces.
        """
        tenant = self.snapshot()["tenant"]
        granted: dict[str, tuple[str, dict[str, list[str]]]] = {}
        for group in tenant["groups"]:
            if group["providerType"] != "system":
                roles = sorted(group.get("assignedRoles", []))
                granted[group["id"]] = group["name"], {"roles": roles} if roles else {}
        users = {user["id"]: user.get("email", user["subject"]) for user in tenant["users"]}
        for space in tenant["spaces"]:
            for assignment in space.get("assignments", []):
                if assignment["assignee"] in users:
                    granted.setdefault(assignment["assignee"], (users[assignment["assignee"]], {}))
                if assignment["assignee"] in granted:
                    granted[assignment["assignee"]][1][space["name"]] = sorted(assignment["roles"])
        return dict(granted.values())

    def owners(self) -> dict[str, str]:
        """Return whose everything is that anybody owns: the subject, or the id of who is no user, by its name."""
        tenant = self.snapshot()["tenant"]
        users = {user["id"]: user["subject"] for user in tenant["users"] if user["status"] != "deleted"}
        kinds = ("spaces", "apps", "dataConnections", "dataFiles", "automations", "sharingTasks", "dataAlerts")
        owned = [item for kind in kinds for item in tenant.get(kind, []) if item.get("ownerId")]
        return {item["name"]: users.get(item["ownerId"], item["ownerId"]) for item in owned}

    def request(self, method: str, path: str, body: Any = None) -> None:
        """Let the administrator of the tenant do something by hand."""
        headers = {"Authorization": "Bearer sandbox-api-key"}
        self.control.request(method, f"{self.url}{path}", json=body, headers=headers).raise_for_status()


def engine_command(engine: str, virtualenv: Path) -> list[str]:
    """Return how an engine is called; the sandbox's runs in the Python of a virtual environment, as its hosts do."""
    return ["pulumi"] if engine == "pulumi" else [str(virtualenv / "bin" / "python"), "-m", "sandbox.engine"]


def start_sandbox(folder: Path, world: Path) -> Sandbox:
    """Start a sandbox on a free port and wait until it accepts connections."""
    command = [sys.executable, "-m", "sandbox", "serve", "--world", str(world), "--env", str(folder / "env")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    ready = json.loads(process.stdout.readline())
    environment = dict(re.findall(r"export (\w+)='(.*)'", Path(ready["env"]).read_text(encoding="utf-8")))
    control = httpx.Client(
        base_url=f"{ready['url']}/_sandbox", verify=ssl.create_default_context(cafile=ready["ca"]), timeout=30
    )
    return Sandbox(process, ready["url"], environment, control)


@dataclass
class Result:
    """What one command of the engine did."""

    exit: int
    text: str
    errors: str = ""

    @property
    def summary(self) -> dict[str, int]:
        """The counts of the `Resources:` block, by what was, or is to be, done."""
        block = self.text.rpartition("Resources:")[2]
        found = re.findall(r"^\s+(?:[+~-]{1,2} )?(\d+) (?:to )?(\w+?)(?:d|ed)?$", block, re.MULTILINE)
        return {verb.rstrip("e"): int(count) for count, verb in found}


@dataclass
class Project:
    """A project folder of its own, with its backend, on one engine."""

    folder: Path
    engine: str
    sandbox: Sandbox
    environment: dict[str, str] = field(default_factory=dict)
    virtualenv: Path = FRESH
    source: Path = ROOT
    """Where the program and its project file are taken from."""

    def __post_init__(self) -> None:
        shutil.copy(self.source / "__main__.py", self.folder)
        project = read_yaml(self.source / "Pulumi.yaml")
        project["runtime"]["options"]["virtualenv"] = str(self.virtualenv)
        write_yaml(self.folder / "Pulumi.yaml", project)
        (self.folder / "stacks").mkdir(exist_ok=True)
        (self.folder / "backend").mkdir(exist_ok=True)
        write_yaml(self.folder / f"stacks/Pulumi.{STACK}.yaml", {"config": {"qlik:access": STACK}})
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("QLIK_", "ARM_", "PULUMI_"))},
            "PULUMI_BACKEND_URL": f"file://{self.folder}/backend",
            "PULUMI_CONFIG_PASSPHRASE": "rehearsal",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": os.environ.get("PULUMI_HOME", str(Path.home() / ".pulumi")),
            "QLIK_PLAN_DIR": str(self.folder / "plans"),
            "QLIK_WEBHOOK_SECRET": "sandbox-webhook-secret",
            **self.sandbox.environment,
            **self.environment,
        }
        self.run("stack init")

    def declare(self, source: Path) -> None:
        shutil.copytree(source, self.folder / "stacks" / STACK, dirs_exist_ok=True)

    def edit(self, files: Mapping[str, str | None]) -> None:
        for name, text in files.items():
            path = self.folder / "stacks" / STACK / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text, encoding="utf-8")

    def command(self, words: str) -> list[str]:
        verb, *flags = words.split()
        engine = engine_command(self.engine, self.virtualenv)
        if verb == "stack":
            name = [STACK] if flags[0] == "init" else ["-s", STACK]
            return [*engine, verb, *flags, *name, "--non-interactive"]
        return [*engine, verb, *flags, "-s", STACK, "--non-interactive", "--color", "never"]

    def run(self, words: str) -> Result:
        """Run one command of the engine; `up`, `refresh` and `destroy` go without asking."""
        verb = words.partition(" ")[0]
        if verb in {"up", "destroy", "refresh"} and "--preview-only" not in words:
            words += " --yes"
        done = subprocess.run(
            self.command(words),
            check=False,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def export(self) -> Any:
        return json.loads(self.run("stack export").text)

    def ledger(self) -> dict[str, str]:
        seats = resources(self.export(), "LicenseAssignments")["license-assignments"]
        return dict(seats["outputs"]["assignments"])

    def put_state(self, what: str) -> None:
        """Keep the state as it is, put back the one that was kept, or lose it."""
        backend, kept = self.folder / "backend", self.folder.parent / f"{self.folder.name}-kept"
        if what == "keep":
            shutil.copytree(backend, kept)
            return
        shutil.rmtree(backend)
        if what == "put back":
            shutil.copytree(kept, backend)
        else:
            backend.mkdir()
            self.run("stack init")

    def use_host(self, host: str) -> None:
        """Call the tenant by another of its names."""
        self.environment["QLIK_TENANT"] = re.sub(r"//[^:]+:", f"//{host}:", self.environment["QLIK_TENANT"])

    def keeps(self, text: str) -> bool:
        """Tell whether a text stands in any file the engine keeps."""
        files = (path for path in (self.folder / "backend").rglob("*") if path.is_file())
        return any(text.encode() in path.read_bytes() for path in files)

    def find_secrets(self, output: str) -> list[str]:
        """Return which secret stands where: in an output, or in any file of the project, whoever wrote it."""
        texts = {path.relative_to(self.folder): path for path in self.folder.rglob("*") if path.is_file()}
        found = [f"{name} is printed" for name, canary in CANARIES.items() if re.search(canary, output.encode())]
        for place, path in texts.items():
            text = path.read_bytes()
            found += [f"{name} stands in {place}" for name, canary in CANARIES.items() if re.search(canary, text)]
        return found

    def plan(self, name: str) -> Any:
        return json.loads((self.folder / "plans" / f"{name}.json").read_text(encoding="utf-8"))

    def approve(self, words: str) -> Result:
        """Run the real `qlik-provider approve` on what the last preview or update planned."""
        command = [str(self.virtualenv / "bin" / "python"), str(FRESH / "bin" / "qlik-provider"), "approve"]
        done = subprocess.run(
            [*command, f"stacks/{STACK}", *shlex.split(words)],
            check=False,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def review(self, folder: str) -> None:
        """Keep the plan documents as they are now."""
        shutil.rmtree(self.folder / folder, ignore_errors=True)
        shutil.copytree(self.folder / "plans", self.folder / folder)

    def journal(self) -> list[Any]:
        """Return the records of the journal and begin it anew."""
        path = self.folder / "journal.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

    def start(self, words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(words), cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, text=True
        )


def resources(state: Any, kind: str) -> dict[str, Any]:
    """Return the resources of one type in an exported state, by name."""
    return {
        resource["urn"].rpartition("::")[2]: resource
        for resource in state["deployment"].get("resources", [])
        if resource["type"].endswith(kind)
    }


class Player:
    """One scenario on one engine: its steps, each checked as it goes."""

    def __init__(self, scenario: Path, project: Project) -> None:
        self.scenario = scenario
        self.project = project
        self.sandbox = project.sandbox
        self.steps = read_yaml(scenario / "runs.yaml")
        self.expected = read_yaml(scenario / "expect.yaml")
        self.foreign = set(self.expected.get("foreign", []))

    def play(self) -> None:
        self.sandbox.load(read_world(self.scenario / "world.yaml"))
        self.project.declare(self.scenario / "declaration")
        if (self.scenario / "program.py").exists():
            shutil.copy(self.scenario / "program.py", self.project.folder / "__main__.py")
        before = self._foreign_rows()
        for number, step in enumerate(self.steps, start=1):
            self._step(f"step {number} ({json.dumps(step, default=str)[:100]})", dict(step))
        assert self._foreign_rows() == before, "a row of others was touched"
        assert self.sandbox.rows() == self.expected["rows"]
        if "groups" in self.expected:
            assert self.sandbox.groups() == {name: sorted(who) for name, who in self.expected["groups"].items()}
        if self.expected.get("again", True):
            self._assert_settled()

    def _foreign_rows(self) -> str:
        rows = self.sandbox.snapshot()["tenant"]["assignments"]
        return json.dumps([row for row in rows if row["subject"] in self.foreign])

    def _assert_settled(self) -> None:
        self.sandbox.forget()
        result = self.project.run("up --skip-preview")
        assert result.exit == 0, result.text + result.errors
        assert self.sandbox.writes() == {"qlik": 0, "graph": 0}
        assert set(result.summary) <= {"unchang"}, result.text

    def _step(self, where: str, step: dict[str, Any]) -> None:
        """Carry out one step; its first word says what it is."""
        verb, control = next(iter(step)), self.sandbox.control
        match verb:
            case "run":
                self._run(where, step)
            case "tamper" | "faults" | "login":
                control.post(f"/{verb}", json=step[verb]).raise_for_status()
            case "clear":
                control.delete("/faults").raise_for_status()
            case "clock" | "switches":
                control.put(f"/{verb}", json=step[verb]).raise_for_status()
            case "edit" | "state" | "environment" | "alias" | "review":
                self._prepare(verb, step[verb])
            case "request":
                self.sandbox.request(**step[verb])
            case "approve":
                self._check(where, step, self.project.approve(step[verb]))
            case "rows" | "users" | "policies" | "ledger" | "settings" | "owners" | "journal":
                self._compare(where, verb, step[verb])
            case _:
                raise ValueError(f"{where}: {verb} is no step")

    def _prepare(self, verb: str, what: Any) -> None:
        """Change what the next command finds."""
        match verb:
            case "edit":
                self.project.edit(what)
            case "state":
                self.project.put_state(what)
            case "environment":
                for name, text in what.items():
                    self.project.environment.pop(name, None)
                    if text is not None:
                        self.project.environment[name] = text
            case "alias":
                self.project.use_host("localhost" if what else "127.0.0.1")
            case "review":
                self.project.review(what)

    def _compare(self, where: str, verb: str, expected: Any) -> None:
        match verb:
            case "rows" | "users" | "policies" | "settings" | "owners" | "ledger":
                holder = self.project if verb == "ledger" else self.sandbox
                assert getattr(holder, verb)() == expected, where
            case "journal":
                self._compare_journal(where, expected)

    def _run(self, where: str, step: dict[str, Any]) -> None:
        words = step["run"]
        self.sandbox.forget()
        result = self.project.run(self._shorten(step))
        output = result.text + result.errors
        told = f"{where}\n{output}"
        self._check(where, step, result)
        assert "Traceback" not in output, told
        assert self.project.find_secrets(output) == [], where
        writes = self.sandbox.writes()
        if words.startswith(("preview", "refresh")):
            assert writes == {"qlik": 0, "graph": 0}, f"{where}: {words} wrote"
        for service, count in step.get("writes", {}).items():
            assert writes[service] == count, f"{where}: {writes}\n{output}"
        if "requests" in step:
            assert len(self.sandbox.requests()) == step["requests"], told
        if "summary" in step:
            assert result.summary == step["summary"], told

    def _shorten(self, step: dict[str, Any]) -> str:
        """Return the command; a green `up` of the sandbox engine goes in one phase, which costs half.

        The preview phase is played by the golden runs, by every red `up`, by `preview`, and on Pulumi's own engine.
        """
        words = step["run"]
        is_whole = self.project.engine != "rehearsal" or step.get("exit") or "requests" in step
        return words if is_whole or words not in {"up", "up --refresh"} else f"{words} --skip-preview"

    def _check(self, where: str, step: dict[str, Any], result: Result) -> None:
        output = result.text + result.errors
        told = f"{where}\n{output}"
        assert result.exit == step.get("exit", 0), told
        for text in step.get("says", []):
            assert text in output, f"{text!r} is not said\n{told}"
        for text in step.get("never", []):
            assert text not in output, f"{text!r} is said\n{told}"

    def _compare_journal(self, where: str, expected: list[Any]) -> None:
        """Compare what each record says of what is expected of it; counts of nothing need not be told."""
        records = self.project.journal()
        schema = json.loads((ROOT / "stacks" / "schema" / "journal.json").read_text(encoding="utf-8"))
        told = []
        for record in records:
            jsonschema.validate(record, schema)
            counts = {fate: count for fate, count in record["counts"].items() if count}
            told.append({"resource": record["resource"], **counts})
        assert sorted(told, key=_write_sorted) == sorted(expected, key=_write_sorted), where


def _write_sorted(record: Any) -> str:
    return json.dumps(record, sort_keys=True)


def wait_for(condition: Any, seconds: float = 30) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise TimeoutError("what was waited for did not happen")
        time.sleep(0.05)


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)


def scenario_folders() -> list[Path]:
    return sorted(path.parent for path in (ROOT / "tests" / "scenarios").glob("*/runs.yaml"))
