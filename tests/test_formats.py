"""docs/formats.md is true: its examples are read by the code that reads the real thing, its tables are the code's."""

import base64
import json
import pickletools
import re
import shutil
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import jsonschema
import pytest
from golden import record_preview, record_state
from harness import ROOT, Player, Result, read_world, read_yaml, write_yaml
from pydantic import BaseModel
from ruamel.yaml import YAML

from qlik_provider import joiners, ledger, policy, rungs, verdicts
from qlik_provider.accounts import parse_account
from qlik_provider.cli import schemas
from qlik_provider.declaration import UNSUPPORTED, approved_subjects, load_declaration
from qlik_provider.entitlements import Seats, parse_entitlement, parse_removals
from qlik_provider.errors import DeclarationError
from qlik_provider.journal import Fate, JournalEntry, JournalRecord
from qlik_provider.membership_report import CountedGroup, LeftOutCounts, MembershipDocument
from qlik_provider.report import PlanDocument
from qlik_provider.shapes import (
    SHAPES,
    Access,
    Approval,
    BrakeRule,
    Group,
    Joiners,
    JoinerWebhook,
    Leavers,
    Licenses,
    Person,
    SignIn,
    Subject,
)
from sandbox.engine.checkpoint import Checkpoint
from sandbox.engine.refusals import Refusal
from sandbox.sections import Section
from sandbox.world import World, load_world

PAGE = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
STACKS = ROOT / "stacks"


def section(heading: str) -> str:
    """Return what stands under a heading of the page, up to the next heading."""
    found = re.search(rf"^(#+) {re.escape(heading)}\n(.*?)(?=^##+ |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"the page has no heading {heading!r}"
    return found[2]


def blocks(heading: str) -> list[str]:
    """Return the fenced examples under a heading."""
    return re.findall(r"^```\w*\n(.*?)^```$", section(heading), re.MULTILINE | re.DOTALL)


def rows(heading: str) -> Iterator[list[str]]:
    """Yield the cells of the table rows under a heading, without the heads of the tables."""
    lines = [line for line in section(heading).splitlines() if line.startswith("|")]
    for line, following in pairwise([*lines, ""]):
        if not line.startswith("|--") and not following.startswith("|--"):
            yield [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")]


def names(heading: str) -> set[str]:
    """Return the names in backticks in the first column under a heading."""
    return {name for cells in rows(heading) for name in re.findall(r"`([^`]+)`", cells[0])}


def parse_yaml(text: str) -> Any:
    return YAML(typ="safe").load(text)


def fields_of(model: type[BaseModel], *, prefix: str = "") -> set[str]:
    """Return the names a file may use for the fields of a part."""
    return {f"{prefix}{field.alias}" for field in model.model_fields.values()}


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """The declaration of the page, as a folder of files."""
    folder = tmp_path / "prod"
    for name, heading in {
        "access": "access.yaml",
        "people": "people.yaml",
        "groups/finance-developers": "groups/&lt;key&gt;.yaml",
        "approvals/november": "approvals/&lt;name&gt;.yaml",
    }.items():
        file = folder / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(blocks(heading)[0], encoding="utf-8")
    return folder


def test_the_declaration_of_the_page_loads(stack):
    declaration = load_declaration(stack)

    assert declaration.access.licenses.order == ("professional", "analyzer")
    assert declaration.groups["finance-developers"].members == ("ana@contoso.test", "bo@contoso.test")
    assert declaration.people["temp@contoso.test"].license == "none"
    subjects = declaration.approvals["approvals/november"].subjects
    assert approved_subjects(stack / "approvals", declaration.people["cfo@contoso.test"].until) == frozenset()
    assert approved_subjects(stack / "approvals", declaration.approvals["approvals/november"].expires) == set(subjects)


def test_every_field_of_a_declaration_stands_in_its_table():
    parts = {"licenses": Licenses, "subject": Subject, "brake": BrakeRule, "leavers": Leavers, "signIn": SignIn}
    parts |= {"joiners": Joiners, "joiners.webhook": JoinerWebhook}
    nested = {f"{part}.{name}" for part, shape in parts.items() for name in fields_of(shape)}

    assert names("access.yaml") == fields_of(Access) | nested
    assert names("groups/&lt;key&gt;.yaml") == fields_of(Group)
    assert names("people.yaml") == fields_of(Person)
    assert names("approvals/&lt;name&gt;.yaml") == fields_of(Approval)


def test_the_defaults_of_the_page_are_those_of_the_code():
    said = {cells[0].strip("`"): cells[2].strip("`") for cells in rows("access.yaml")}
    access = Access.model_validate({"subject": {"from": "mail"}, "licenses": {"order": ["analyzer"]}})
    told = access.model_dump(mode="json", by_alias=True)
    flat = {
        **told,
        **{f"{part}.{name}": value for part in ("licenses", "brake") for name, value in told[part].items()},
        **{f"joiners.webhook.{name}": field.default for name, field in JoinerWebhook.model_fields.items()},
    }

    for name, default in said.items():
        if default not in {"required", "none", "as below"} and name != "licenses.baseline":
            assert str(parse_yaml(default)) == str(flat[name]), name
    assert flat["licenses.baseline"] == said["licenses.baseline"] == "none"


SOMETIMES = {"absent", "reverts"}
"""Outputs that are there only while they say something."""

REFUSED = list(rows("What this release refuses"))


@pytest.mark.parametrize(("file", "part", "example"), REFUSED, ids=[f"{row[0]}-{row[1].strip('`')}" for row in REFUSED])
def test_what_the_page_says_is_refused_is_refused_by_name(stack, file, part, example):
    path = {"access": "access", "people": "people", "group": "groups/finance-developers"}[file]
    written = parse_yaml(example.strip("`"))
    declared = read_yaml(stack / f"{path}.yaml")
    if file == "people":
        written = {"temp@contoso.test": written}
    if declared.keys() >= {"members"} and written.keys() & {"rule", "existing", "query", "everyone"}:
        del declared["members"]
    write_yaml(stack / f"{path}.yaml", _merge(declared, written))

    with pytest.raises(DeclarationError) as refusal:
        load_declaration(stack)

    (fault,) = refusal.value.faults
    assert fault.endswith(f"{part.strip('`')}: {UNSUPPORTED}")


def _merge(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **old,
        **{
            name: _merge(old[name], value) if isinstance(value, dict) and isinstance(old.get(name), dict) else value
            for name, value in new.items()
        },
    }


def test_the_committed_schemas_are_those_the_code_makes():
    committed = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (STACKS / "schema").glob("*.json")}

    assert committed == schemas()
    assert set(committed) == {*SHAPES, "plan", "memberships", "journal"}


def test_every_committed_declaration_fits_its_schema_and_loads():
    folders = [path.parent for path in STACKS.glob("*/access.yaml")]
    assert folders
    for folder in folders:
        load_declaration(folder)
        for path in folder.rglob("*.yaml"):
            shape = {"groups": "group", "approvals": "approval"}.get(path.parent.name, path.stem)
            schema = json.loads((STACKS / "schema" / f"{shape}.json").read_text(encoding="utf-8"))
            jsonschema.validate(json.loads(json.dumps(read_yaml(path), default=str)), schema)
            first = path.read_text(encoding="utf-8").splitlines()[0].partition("$schema=")[2]
            assert (path.parent / first).resolve() == STACKS / "schema" / f"{shape}.json", path


def test_the_configuration_of_the_page_is_what_the_program_asks_for():
    program = (ROOT / "__main__.py").read_text(encoding="utf-8")
    asked = {f"qlik:{name}" for name in re.findall(r'config\.get\("(\w+)"\)', program)}

    assert asked == names("Configuration") == set(parse_yaml(blocks("Configuration")[0])["config"])


def test_the_resources_of_the_page_are_those_a_stack_registers(scenario, project):
    """Tokens, names, ids, provider references, properties and rules equal those in the state after one `up`."""
    player = Player(scenario, project)
    project.sandbox.load(read_world(scenario / "world.yaml"))
    project.declare(scenario / "declaration")
    assert project.run("up").exit == 0
    state = [r for r in project.export()["deployment"]["resources"] if not r["type"].startswith("pulumi:")]
    tables = [[cell.strip("`") for cell in cells] for cells in rows("Resources")]
    tokens = {cells[0]: cells[1:] for cells in tables if len(cells) == 4}

    assert sorted(r["type"] for r in state) == sorted(tokens)
    for resource in state:
        name, id, provider = tokens[resource["type"]]
        assert resource["urn"].rpartition("::")[2] == {"the key": "readers"}.get(name, name)
        object_id = resource["outputs"].get("groupObjectId") or resource["outputs"].get("objectId")
        said = {
            "the key": "readers",
            "the key it had at first": "readers",
            "the license number": "9999000000001234",
            "the tenant id": "kPzYCEmTn3Nn4uVwGc5Yh1bWq0LrT8Xa",
            "/groups/<object id>": f"/groups/{object_id}",
            "": None,
        }
        assert resource.get("id") == said.get(id, object_id)
        if provider:
            assert _reference(resource["outputs"]["__provider"]) == provider
            written = {name.strip(",") for name in names_of_properties(resource["type"].rpartition(":")[2])}
            assert set(resource["outputs"]) - {"__provider"} | SOMETIMES == written | SOMETIMES
            rules = {rule.partition("protect.")[0] or "protect." for rule in resource["inputs"].get("rules", {})}
            assert {re.sub(r"<.*>", "", rule) for rule in names("Rules")} >= rules
    assert player.expected["rows"] == project.sandbox.rows()


def _reference(pickled: str) -> str:
    """Return `module:function` of a provider as a state stores it, without loading it."""
    strings = [value for opcode, value, _ in pickletools.genops(base64.b64decode(pickled)) if "UNICODE" in opcode.name]
    return ":".join(strings)


def names_of_properties(kind: str) -> set[str]:
    """Return the properties in the table of one resource."""
    table = section("Resources").partition(f"| `{kind}` | in | out |")[2].partition("\n\n")[0]
    return {name for line in table.splitlines() for name in re.findall(r"`([^`]+)`", line.split(" | ")[0])}


@pytest.fixture
def scenario(tmp_path_factory) -> Path:
    """The scenario of the page, as a folder beside the worlds it refers to."""
    tests = tmp_path_factory.mktemp("tests")
    shutil.copytree(ROOT / "tests" / "worlds", tests / "worlds")
    folder = tests / "scenarios" / "page"
    groups = folder / "declaration" / "groups"
    groups.mkdir(parents=True)
    for name, text in zip(("runs", "expect", "world"), blocks("Scenario folder"), strict=True):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    licenses = {"order": ["analyzer"], "autoAssign": {"analyzer": False}}
    access = {
        "licenses": licenses,
        "subject": {"from": "objectId"},
        "provision": True,
        "leavers": {"disableAfter": "7d", "deleteAfter": "90d"},
        "joiners": {"webhook": {"url": "https://hooks.contoso.test/qlik"}},
    }
    write_yaml(folder / "declaration" / "access.yaml", access)
    readers = {"name": "BI Readers", "license": "analyzer", "members": ["bo@contoso.test"]}
    write_yaml(groups / "readers.yaml", {**readers, "roles": ["Steward"], "spaces": {}, "providerType": "custom"})
    write_yaml(folder / "declaration" / "people.yaml", {"bo@contoso.test": {"spaces": {"Finance": ["consumer"]}}})
    return folder


def test_the_scenario_of_the_page_is_played(scenario, project):
    Player(scenario, project).play()


def test_the_steps_of_the_page_are_those_the_player_knows():
    source = (ROOT / "tests" / "harness.py").read_text(encoding="utf-8")
    known = {word for case in re.findall(r"case ((?:\"\w+\"(?: \| )?)+):", source) for word in re.findall(r"\w+", case)}

    steps, expected = section("Scenario folder").split("| step | does |")[1].split("| in `expect.yaml` | meaning |")
    told = {name for line in steps.splitlines() for name in re.findall(r"`(\w+):", line.partition(" | ")[0])}
    assert told == known
    assert set(re.findall(r"^\| `(\w+)`", expected, re.MULTILINE)) == set(
        re.findall(r"expected(?:\.get\(|\[)\"(\w+)\"", source)
    )


def test_every_value_of_the_page_is_read_and_written_alike():
    values = blocks("Values")[0].splitlines()

    assert [str(parse_entitlement(value)) for value in values] == values
    assert parse_entitlement(values[-1]).is_by_hand()
    (account,) = blocks("Values")[1].splitlines()
    assert str(parse_account(account)) == account


def test_every_deviation_of_the_page_is_read_and_written_alike():
    texts = blocks("Deviations")[0].splitlines()
    bag = {"deviations": {f"u{number}": text for number, text in enumerate(texts)}}
    member = {"deviations": {"u": "ana@contoso.test; unsent", "v": "none; refused, holding member"}}

    for form, outputs in ((ledger.ASSIGNMENTS, bag), (ledger.MEMBERS, member)):
        assert form.write_deviations(form.parse_deviations(outputs)) == outputs["deviations"]


def test_the_reasons_of_the_page_are_those_of_the_plan():
    reasons = {verdicts.ABSENT, verdicts.HELD, verdicts.FROZEN, verdicts.PROTECTED, verdicts.RAISED, verdicts.REFUSED}
    reasons |= {verdicts.REVERTED, verdicts.UNOWNED, verdicts.UNREVIEWED, verdicts.UNSENT, verdicts.WAITLISTED}

    reasons |= {policy.UNMANAGED, policy.UNSEEN, policy.WAITING, joiners.SHARED, joiners.known_as("<subject>")}
    reasons |= {rungs.UNPROVEN, *rungs.RUNGS}
    told = {"refused, holding <type>", "refused, held as <subject>", "refused to <rung>", f"{rungs.BLOCKED} <what>"}
    assert names("Deviations") == reasons | told


def test_every_removal_of_the_page_is_read_and_written_alike():
    removed = parse_yaml(blocks("Removed")[0])

    assert {minute: str(parse_removals(text)) for minute, text in removed.items()} == removed
    recorded = ledger.recorded_of({"removed": removed}, ledger.ASSIGNMENTS, settled=True)
    assert [removals.people for removals in recorded.removed.values()] == [6, 2, 1]


def test_seats_are_written_as_on_the_page():
    example = parse_yaml(blocks("Seats and foreign")[0])
    counts = {type: [int(count) for count in text.split(" of ")] for type, text in example["seats"].items()}
    seats = {type: Seats(units, used) for type, (used, units) in counts.items()}

    assert ledger.write_seats(seats) == example["seats"]


def test_the_rules_of_the_page_mean_what_the_declaration_says(stack):
    rules = parse_yaml(blocks("Rules")[0])

    read = ledger.rules_of({"rules": rules})

    access = load_declaration(stack).access
    assert read.order == access.licenses.order
    assert (read.adopt, read.repair, read.reserve) == ("upgrade", "additive", {"professional": 2})
    brake = {name: getattr(read.brake, name) for name in ("max", "percent", "minimum", "on_breach")}
    assert brake == access.brake.model_dump()
    assert read.releases.after == {"sales": timedelta(hours=24)}
    assert read.only == {"sales", "people"}
    assert read.releases.denied == read.exceptions == {"27eae81c-4c4d-511b-9d5d-b1a498e8204e"}
    assert read.protected == {"26eae81c-4c4d-511b-9d5d-b1a498e8204e"}
    assert all(any(rule.startswith(name.partition("<")[0]) for name in names("Rules")) for rule in rules)


def test_doubt_and_another_source_keep_what_was_conferred():
    doubtful = parse_yaml(blocks("Doubt and sources")[0])
    held = {"u1": "analyzer via hr for ana@contoso.test", "u2": "analyzer via sales for bo@contoso.test"}
    rules = {"order": "professional, analyzer"}
    old = {"assignments": held, "rules": rules, "sources": doubtful["sources"]}
    accepted = parse_yaml(blocks("Rules")[0])["source.sales"]
    new = {"assignments": {}, "rules": rules, "doubt": doubtful["doubt"], "sources": {"sales": accepted}}

    kept, carried = ledger.carry_over(old, new, ledger.ASSIGNMENTS)
    agreed, _ = ledger.carry_over(old, {**new, "rules": {**rules, "source.sales": accepted}}, ledger.ASSIGNMENTS)

    assert kept["assignments"] == held
    assert carried == ["u1", "u2"]
    assert kept["sources"] == doubtful["sources"]
    assert set(agreed["assignments"]) == {"u1"}


def test_the_plan_document_of_the_page_fits_model_and_schema():
    example = json.loads(blocks("Plan document")[0])

    jsonschema.validate(example, json.loads((STACKS / "schema" / "plan.json").read_text(encoding="utf-8")))
    document = PlanDocument.model_validate_json(json.dumps(example))
    assert document.model_dump(mode="json", by_alias=True) == example
    told = names("Plan document")
    assert set(example) <= told | {"resource", "kind"}
    assert set(example["changes"][0]) <= told | {"subject", "mail"}


def test_the_memberships_of_the_page_fit_model_and_schema():
    example = json.loads(blocks("Memberships")[0])

    jsonschema.validate(example, json.loads((STACKS / "schema" / "memberships.json").read_text(encoding="utf-8")))
    assert MembershipDocument.model_validate_json(json.dumps(example)).model_dump(mode="json", by_alias=True) == example
    assert names("Memberships") == {*example, *fields_of(CountedGroup), *fields_of(LeftOutCounts)}


def test_the_journal_of_the_page_fits_model_and_schema():
    example = json.loads(blocks("Journal")[0])

    jsonschema.validate(example, json.loads((STACKS / "schema" / "journal.json").read_text(encoding="utf-8")))
    assert JournalRecord.model_validate_json(json.dumps(example)).model_dump(mode="json", by_alias=True) == example
    told = names("Journal")
    assert set(example) == told - set(JournalEntry.model_fields)
    assert set(example["changes"][0]) <= told
    assert set(example["counts"]) == {"intended", *get_args(Fate)}
    assert all(f"`{fate}`" in section("Journal") for fate in get_args(Fate))


def test_the_world_of_the_page_is_one(tmp_path):
    file = tmp_path / "world.yaml"
    file.write_text(blocks("World file")[0], encoding="utf-8")

    world = load_world(file)

    assert world.tenant.assignments[0].type == "analyzer"
    assert world.directory.groups[0].members == [world.directory.users[1].id]
    assert world.switches == {"item-order": "reversed"}


def test_every_name_of_a_world_stands_on_the_page():
    told = set(re.findall(r"`([A-Za-z0-9]+)`", section("World file"))) | {
        part for name in names("World file") for part in name.split(".")
    }
    shapes = Section.__subclasses__()
    for shape in shapes:
        shapes += shape.__subclasses__()

    assert World in shapes
    assert {field.alias for shape in shapes for field in shape.model_fields.values()} <= told


def test_a_golden_run_is_recorded_as_on_the_page():
    """The example, turned back into what an engine says, is recorded as the example."""
    run, state = json.loads(blocks("Golden run")[0])
    steps = [
        {**step, "detailedDiff": {path: {"kind": kind} for path, kind in step["detailedDiff"].items()}}
        for step in run["steps"]
    ]
    digest = json.dumps({"steps": steps, "changeSummary": run["changes"]})
    url = "https://127.0.0.1:8443"
    deployment = json.loads(json.dumps(state["resources"]).replace("https://tenant.test", url))
    engine = SimpleNamespace(export=lambda: {"deployment": {"resources": deployment}}, sandbox=SimpleNamespace(url=url))

    assert {"run": "up", **record_preview(Result(run["exit"], digest))} == run
    assert {"state after": "up", "resources": record_state(engine)} == state


def test_every_committed_golden_run_has_the_members_of_the_page():
    known = [set(entry) for entry in json.loads(blocks("Golden run")[0])]

    for file in (ROOT / "tests" / "golden").glob("*.json"):
        assert all(set(entry) in known for entry in json.loads(file.read_text(encoding="utf-8"))), file


def test_the_checkpoint_of_the_page_is_read_and_written_alike(tmp_path):
    checkpoint = Checkpoint(tmp_path / "dev.json")
    text = blocks("Checkpoint of the sandbox engine")[0]
    checkpoint.path.write_text(text, encoding="utf-8")

    snapshot = checkpoint.read()
    checkpoint.write(snapshot)

    assert json.loads(checkpoint.path.read_text(encoding="utf-8")) == json.loads(text)
    assert set(json.loads(text)) == names("Checkpoint of the sandbox engine")


@pytest.mark.parametrize("text", ['{"version": 3, "checkpoint": {}}', '{"rehearsal": 2}'])
def test_a_checkpoint_of_another_kind_or_version_is_refused(tmp_path, text):
    checkpoint = Checkpoint(tmp_path / "dev.json")
    checkpoint.path.write_text(text, encoding="utf-8")

    with pytest.raises(Refusal):
        checkpoint.read()


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        file = (page.parent / path) if path else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {_anchor(heading) for heading in headings}, target


def _anchor(heading: str) -> str:
    """Return the anchor GitHub gives a heading."""
    plain = heading.replace("&lt;", "<").replace("&gt;", ">").lower()
    return re.sub(r"[^\w -]", "", plain).replace(" ", "-")
