"""What the sandbox's pages show is true: their commands are run on a sandbox, and say what the pages say."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from serving import ROOT, Served, serve

USERS, API = (ROOT / "docs" / name for name in ("sandbox.md", "sandbox-api.md"))
EXAMPLES = ("Test your own Pulumi program", "Rehearse an outage", "Play a joiner")

# What differs from run to run, and what stands for it on both sides.
SAME = (
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>"),
    (r"\b[0-9a-f]{24,32}\b", "<id>"),
    (r"127\.0\.0\.1:\d+", "127.0.0.1:<port>"),
    (r'"(pid|milliseconds|bytes)":[\d.…]+', r'"\1":<number>'),
    (r"in [\d.]+s\b", "in <seconds>"),
    (r"/[^ \"]*/(ca\.pem|[a-z.]*env)", r"…/\1"),
)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line before it."""

    language: str
    text: str
    before: str

    @property
    def file(self) -> str:
        """The name of the file that the block shows, or nothing."""
        found = re.fullmatch(r"`([\w./]+)`:", self.before)
        return found[1] if found else ""

    def commands(self) -> Iterator[tuple[str, str]]:
        """Yield each command with what it says."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            end = 1
            while lines[end - 1].endswith("\\"):
                end += 1
            yield "\n".join(lines[:end]), "\n".join(lines[end:]).strip()


def sections(page: Path) -> dict[str, str]:
    """Return what stands under each heading of a page, without what stands under headings below it."""
    parts = re.split(r"^#+ (.*)\n", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def blocks(text: str) -> list[Block]:
    lines = text.splitlines()
    fences = [number for number, line in enumerate(lines) if line.startswith("```")]
    return [
        Block(
            lines[first].removeprefix("```"),
            "\n".join(lines[first + 1 : last]) + "\n",
            next((line for line in reversed(lines[:first]) if line), ""),
        )
        for first, last in list(pairwise(fences))[::2]
    ]


def play(found: list[Block], folder: Path, served: Served | None = None) -> None:
    """Write the files of the blocks, run their commands in one shell, and compare what each says."""
    for block in found:
        if block.file:
            (folder / block.file).write_text(block.text, encoding="utf-8")
    steps = [step for block in found if not block.file for step in steps_of(block)]
    script = [
        f"{{\n{command}\n}} >{shlex.quote(str(folder / f'said-{number}'))} 2>&1"
        for number, (command, _) in enumerate(steps)
    ]
    source = [] if served is None else [f". {shlex.quote(served.env)}"]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("QLIK_", "ARM_", "PULUMI_"))},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    subprocess.run(
        ["/bin/bash", "-c", "\n".join([*source, *script])], cwd=folder, env=environment, check=False, timeout=300
    )
    for number, (command, expected) in enumerate(steps):
        said = (folder / f"said-{number}").read_text(encoding="utf-8")
        assert fits(said, expected), f"{command}\n--- says\n{said}--- and not\n{expected}"


def steps_of(block: Block) -> list[tuple[str, str]]:
    """Return the commands of a block: those after `$`, or all of a shell block at once."""
    if block.language == "sh":
        return [(block.text, "")]
    return list(block.commands()) if not block.language else []


def fits(said: str, expected: str) -> bool:
    """Say whether two outputs are the same but for ids and times; `…` stands for whatever there is."""
    pattern = re.escape(alike(expected)).replace("…", ".*")
    return re.fullmatch(pattern, alike(said).strip(), re.DOTALL) is not None


def alike(text: str) -> str:
    for pattern, same in SAME:
        text = re.sub(pattern, same, text)
    return text


@pytest.fixture
def demo(tmp_path) -> Iterator[Served]:
    served = serve("--env", tmp_path / "sandbox.env")
    yield served
    served.stop()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_worked_example_works(name, demo, tmp_path):
    found = blocks(sections(USERS)["The control plane"])[:1] + blocks(sections(USERS)[name])

    play(found, tmp_path, demo)


def test_the_session_of_the_control_plane_goes_as_it_is_told(demo, tmp_path):
    play([block for text in sections(API).values() for block in blocks(text)], tmp_path, demo)


def test_the_session_of_the_worlds_goes_as_it_is_told(tmp_path):
    play(blocks(sections(USERS)["Make up an organisation"]), tmp_path)


@pytest.fixture(scope="module")
def published() -> dict[str, dict]:
    """The control plane's endpoints by heading, as the sandbox publishes them."""
    served = serve()
    with served.client() as client:
        document = client.get("/_sandbox/openapi.json", params={"service": "control"}).json()
    served.stop()
    schemas = document["components"]["schemas"]
    return {
        f"{method.upper()} {path}": operation | {"members": members(operation.get("requestBody"), schemas)}
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


def members(schema, schemas) -> set[str]:
    """Return every member name of a body, at any depth; of a world none, which has a page of its own."""
    found = set()
    if isinstance(schema, list):
        return set().union(*(members(part, schemas) for part in schema))
    if isinstance(schema, dict):
        name, named = str(schema.get("$ref", "")).rpartition("/")[2], schema.get("properties", {})
        found |= set(named) | members([*named.values()], schemas)  # a member may be called properties itself
        found |= members(schemas[name], schemas) if name and name != "World" else set()
        rest = (part for key, part in schema.items() if key not in {"discriminator", "properties"})
        found |= set().union(*(members(part, schemas) for part in rest))
    return found


def test_the_page_has_every_endpoint_of_the_control_plane_and_no_other(published):
    told = {heading for heading in sections(API) if re.match(r"[A-Z]+ /", heading)}

    assert told == set(published)


def test_each_endpoint_is_told_with_its_parameters_members_and_status(published):
    for heading, operation in published.items():
        text = sections(API)[heading]
        wanted = operation["members"] | {p["name"] for p in operation["parameters"] if p["in"] == "query"}
        missing = {name for name in wanted if not re.search(rf"[`\"{{ ]{re.escape(name)}[`\":}},]", text)}
        assert not missing, f"{heading}: {sorted(missing)}"
        assert min(operation["responses"]) in text, heading


def test_what_the_page_calls_not_played_is_answered_with_501(demo):
    calls = re.findall(r"^- `(GET|POST) (/\S+)`", sections(USERS)["What it does not play"], re.MULTILINE)

    assert calls
    with demo.client("sandbox-api-key") as client:
        assert {path: client.request(method, path).status_code for method, path in calls} == {
            path: 501 for _, path in calls
        }


def test_the_options_of_serve_are_those_of_the_page():
    command = [sys.executable, "-m", "sandbox", "serve", "--help"]
    wide = {**os.environ, "COLUMNS": "200"}
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=wide)
    options = set(re.findall(r"--[a-z-]+", told.stdout)) - {"--help"}

    assert set(re.findall(r"^\| `(--[a-z-]+)", sections(USERS)["Serve a world"], re.MULTILINE)) == options


def test_the_shares_of_a_made_up_world_are_those_of_the_page():
    from sandbox.generator.profile import USUAL  # noqa: PLC0415  only here

    rows = re.findall(r"^\| .* \| ([\d.]+) % \| `(\w+)` \|$", sections(USERS)["Make up an organisation"], re.MULTILINE)

    assert {name: float(share) for share, name in rows} == {
        name: round(100 * share, 3) for name, share in vars(USUAL).items()
    }


def test_a_plain_json_dump_and_its_page_form_are_told_apart_only_by_ids_and_times():
    assert fits(json.dumps({"id": "a" * 24, "n": 1}), json.dumps({"id": "b" * 24, "n": 1}))
    assert not fits('{"n":1}', '{"n":2}')
