import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from harness import FRESH, engine_command

from sandbox.engine.checkpoint import Checkpoint
from sandbox.engine.commands import run
from sandbox.engine.snapshot import Snapshot

ROOT = Path(__file__).parents[2]
STACK = "dev"
KIND = "pulumi-python:dynamic/shelf:Books"

# Keeps its world, a map from shelf to books, in a JSON file, and notes every call.
PROVIDER = """
import json, os, sys, threading, time
from pathlib import Path

import pulumi
from pulumi.dynamic import CheckFailure, CheckResult, CreateResult, DiffResult, ReadResult, Resource, ResourceProvider
from pulumi.dynamic import UpdateResult

LOCK = threading.Lock()


def read():
    world = Path("world.json")
    return json.loads(world.read_text()) if world.exists() else {}


def change(edit):
    with LOCK:
        world = read()
        edit(world)
        Path("world.tmp").write_text(json.dumps(world))
        Path("world.tmp").replace("world.json")


def note(call, name):
    with Path("calls").open("a") as calls:
        calls.write(f"{os.getpid()} {call} {name}\\n")


class BooksProvider(ResourceProvider):
    serialize_as_secret_always = False

    def __reduce__(self):
        return (provider, ())

    def configure(self, request):
        sys.tracebacklimit = 0
        with Path("processes").open("a") as processes:
            processes.write(f"{os.getpid()}\\n")

    def check(self, olds, news):
        unknown = [key for key, book in news["books"].items() if isinstance(book, pulumi.output.Unknown)]
        note("check", news["shelf"] + "".join(f" unknown:{key}" for key in unknown))
        return CheckResult(news, [CheckFailure("", news["wrong"])] if "wrong" in news else [])

    def diff(self, id, olds, news):
        note("diff", id)
        if news.get("answer") == "some":
            return DiffResult(True)
        if news.get("answer") == "replace":
            return DiffResult(True, replaces=["shelf"])
        same = all(olds.get(key) == value for key, value in news.items())
        return DiffResult(False if same else None)

    def create(self, props):
        note("create", props["shelf"])
        return CreateResult(props["shelf"], self.write(props))

    def update(self, id, olds, news):
        note("update", id)
        return UpdateResult(self.write(news))

    def write(self, props):
        time.sleep(props.get("slow", 0))
        if "broken" in props:
            raise RuntimeError(props["broken"])
        change(lambda world: world.update({props["shelf"]: props["books"]}))
        return {**props, "count": len(props["books"])}

    def read(self, id, props):
        note("read", id)
        if id not in read():
            return ReadResult("", {})
        inputs = {key: value for key, value in props.items() if key not in {"__provider", "count"}}
        inputs["books"] = read()[id]
        return ReadResult(id, {**inputs, "count": len(inputs["books"])}, inputs)

    def delete(self, id, props):
        note("delete", id)
        change(lambda world: world.pop(id, None))


PROVIDER = BooksProvider()


def provider():
    return PROVIDER


class Books(Resource, module="shelf", name="Books"):
    count: pulumi.Output[int]

    def __init__(self, name, props, opts=None):
        super().__init__(PROVIDER, name, {"shelf": name, "books": {}, **props, "count": None}, opts)
"""

PROGRAM = """
import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)

import json
from pathlib import Path

import pulumi
from books import Books

declared = json.loads(Path("declared.json").read_text())


def options(aliases=(), **words):
    former = [alias if isinstance(alias, str) else pulumi.Alias(**alias) for alias in aliases]
    return pulumi.ResourceOptions(aliases=former, **words)


def books(name, props, **words):
    return Books(name, props, options(**words, **props.pop("options", {})))


shelves = {name: books(name, props) for name, props in declared.get("shelves", {}).items()}
for name, room in declared.get("rooms", {}).items():
    component = pulumi.ComponentResource("shelf:index:Room", name, None, options(**room.pop("options", {})))
    for inner, props in room.items():
        books(inner, props, parent=component)
if "annex" in declared:
    # Knows how many books the first shelf holds only after that is written.
    first = shelves[declared["annex"]]
    component = pulumi.ComponentResource("shelf:index:Annex", "annex")
    Books("inner", {"books": {"of": first.count}}, pulumi.ResourceOptions(parent=component, depends_on=[first]))
if "warns" in declared:
    pulumi.log.warn(declared["warns"])
if "fails" in declared:
    def fail(counts):
        if not pulumi.runtime.is_dry_run():
            raise pulumi.RunError(declared["fails"])
    pulumi.Output.all(*[shelf.count for shelf in shelves.values()]).apply(fail)
if "secret" in declared:
    pulumi.export("secret", pulumi.Output.secret(declared["secret"]))
for option in declared.get("options", []):
    Books("odd", {}, pulumi.ResourceOptions(**option))
pulumi.export("shelves", sorted(shelves))
"""


class Rehearsal:
    """A project with a provider of its own, and the engine to run it."""

    def __init__(self, folder, engine="rehearsal", virtualenv=FRESH):
        self.folder = folder
        self.engine = engine
        self.command = engine_command(engine, virtualenv)
        ours = ("PULUMI_", "ARM_", "QLIK_")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        self.environment["PULUMI_BACKEND_URL"] = f"file://{folder}/backend"
        self.environment["PULUMI_STACK"] = STACK
        self.environment["PULUMI_CONFIG_PASSPHRASE"] = "rehearsal"
        self.environment["PULUMI_SKIP_UPDATE_CHECK"] = "true"
        self.environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] = "true"
        self.environment["PULUMI_HOME"] = os.environ.get("PULUMI_HOME", str(Path.home() / ".pulumi"))
        self.environment["PYTHONPATH"] = str(ROOT)
        self.checkpoint = folder / "backend/rehearsal/library" / f"{STACK}.json"
        runtime = f"{{name: python, options: {{virtualenv: {virtualenv}}}}}"
        (folder / "Pulumi.yaml").write_text(f"name: library\nruntime: {runtime}\nstackConfigDir: stacks\n")
        (folder / "stacks").mkdir()
        (folder / "backend").mkdir()
        self.configure("library:town: Contoso")
        (folder / "books.py").write_text(PROVIDER)
        (folder / "calls").touch()
        (folder / "processes").touch()
        (folder / "__main__.py").write_text(PROGRAM)
        self.declare({})
        if engine == "rehearsal":
            Checkpoint(self.checkpoint).write(Snapshot())
        else:
            self.succeed(f"stack init {STACK}")

    def configure(self, *lines):
        text = "config:\n" + "".join(f"  {line}\n" for line in lines)
        (self.folder / f"stacks/Pulumi.{STACK}.yaml").write_text(text)

    def declare(self, shelves, **more):
        (self.folder / "declared.json").write_text(json.dumps({"shelves": shelves, **more}))

    def start(self, words):
        command = [*self.command, *words.split(), "--non-interactive", "--color", "never"]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, words):
        """Run one command and return exit code, stdout and stderr."""
        process = self.start(words)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def succeed(self, words):
        code, out, err = self.run(words)
        assert code == 0, out + err
        return out

    def fail(self, words, code=1):
        """Run one command that ends with `code` and return all it printed."""
        got, out, err = self.run(words)
        assert got == code, out + err
        return out + err

    def preview(self, words="preview --json", code=0):
        got, out, err = self.run(words)
        assert got == code, out + err
        return json.loads(out)

    @property
    def world(self):
        return json.loads((self.folder / "world.json").read_text())

    @world.setter
    def world(self, shelves):
        (self.folder / "world.json").write_text(json.dumps(shelves))

    def calls(self):
        """Return the provider's calls since the last time, without the process that made them."""
        path = self.folder / "calls"
        lines = path.read_text().splitlines()
        path.write_text("")
        return [line.split(" ", 1)[1] for line in lines]

    def wait_for(self, call):
        """Wait until the provider has noted a call."""
        deadline = time.monotonic() + 30
        while call not in (self.folder / "calls").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def close(self):
        """End the providers a killed engine has left behind."""
        for number in (self.folder / "processes").read_text().split():
            command = Path(f"/proc/{number}/cmdline")
            if command.exists() and re.search(rb"pulumi\.dynamic|warm_python", command.read_bytes()):
                os.kill(int(number), signal.SIGKILL)

    def deployment(self):
        return json.loads(self.succeed("stack export"))["deployment"].get("resources", [])

    def export(self):
        return {resource["urn"].split("::")[-1]: resource for resource in self.deployment()}


@pytest.fixture
def rehearsal(tmp_path, warm_python):
    rehearsal = Rehearsal(tmp_path, virtualenv=warm_python.folder)
    yield rehearsal
    rehearsal.close()


@pytest.fixture
def library(tmp_path, engine, virtualenv):
    """The same project on each engine in turn."""
    library = Rehearsal(tmp_path, engine, virtualenv)
    yield library
    library.close()


@pytest.fixture
def refused(rehearsal, monkeypatch, capsys):
    """Return a function that runs a command which is refused before anything is started, and returns what it says."""

    def refuse(words, code=1):
        monkeypatch.chdir(rehearsal.folder)
        for name in set(os.environ) - set(rehearsal.environment):
            monkeypatch.delenv(name)
        for name, value in rehearsal.environment.items():
            monkeypatch.setenv(name, value)
        assert run(words.split()) == code
        return capsys.readouterr().err

    return refuse
