"""The programs of examples/ are somebody's: each is carried out, has nothing to do afterwards, and is destroyed."""

import csv
import shutil
from pathlib import Path

import pytest
from harness import ROOT, STACK, Project, read_yaml

EXAMPLES = ROOT / "examples"
NOTHING = {"qlik": 0, "graph": 0}
TEAM = {
    "1157fe77-fc3f-5eae-a98d-1c1c381f0986",
    "32f1e9b5-9d4a-58ee-8385-2a9f6516ff5d",
    "418f234a-ce33-5a90-8e96-e184edda5c70",
}
READERS = ["carla.lange@contoso.test", "cormac.bianchi@contoso.test", "elif.berg@contoso.test"]


class Example:
    """One of the programs, in a folder of its own, before the demo company."""

    def __init__(self, project: Project, environment: tuple[str, ...]) -> None:
        self.project = project
        self.sandbox = project.sandbox
        self.sandbox.load(read_yaml(ROOT / "sandbox" / "worlds" / "demo.yaml"))
        self.before = self.sandbox.rows()
        for name in [name for name in project.environment if name.startswith(("QLIK_", "ARM_"))]:
            if not name.startswith((*environment, "QLIK_PLAN_DIR")):
                del project.environment[name]

    def run(self, words: str, exit: int = 0) -> str:
        """Run a command and return what it said, in which no secret stands."""
        self.sandbox.forget()
        result = self.project.run(words)
        said = result.text + result.errors
        assert result.exit == exit, said
        assert "Traceback" not in said
        assert self.project.find_secrets(said) == []
        return said

    def live(self) -> None:
        """Preview, carry out, and find nothing left to do."""
        self.run("preview")
        assert self.sandbox.writes() == NOTHING
        self.run("up --skip-preview")
        assert self.sandbox.writes() != NOTHING
        self.run("up --skip-preview --expect-no-changes")
        assert self.sandbox.writes() == NOTHING

    def asked(self) -> set[str]:
        return {request["service"] for request in self.sandbox.requests()}

    def rows(self) -> dict[str, str]:
        """Return the seats that were not there before."""
        now = self.sandbox.rows()
        assert self.before.items() <= now.items()
        return dict(now.items() - self.before.items())


@pytest.fixture
def example(tmp_path, engine, sandbox, virtualenv):
    """Return one of the programs, which sees of its environment what begins so."""

    def example(name: str, *environment: str) -> Example:
        folder: Path = shutil.copytree(EXAMPLES / name, tmp_path / name)
        (folder / "Pulumi.sandbox.yaml").replace(folder / f"Pulumi.{STACK}.yaml")
        project = Project(folder, engine, sandbox, virtualenv=virtualenv, source=EXAMPLES / name)
        return Example(project, environment)

    return example


def test_each_example_is_played_here():
    """A new example that no test of this module plays would stand here alone."""
    played = {"licensed-group", "seats-from-a-list", "people-of-a-group"}
    assert {path.parent.name for path in EXAMPLES.glob("*/__main__.py")} == played
    for name in played:
        assert read_yaml(EXAMPLES / name / "Pulumi.yaml")["name"] == name
        assert (EXAMPLES / name / "README.md").exists()


def test_a_team_has_a_group_seats_and_rights_and_keeps_group_and_seats_when_it_is_destroyed(example):
    team = example("licensed-group", "QLIK_", "ARM_")

    team.live()
    assert team.rows() == dict.fromkeys(TEAM, "professional")
    people = team.sandbox.groups()["Data Team"]
    assert len(people) == 3
    granted = {"roles": ["SharedSpaceCreator"], "Logistics": ["consumer", "dataconsumer"]}
    assert team.sandbox.policies()["Data Team"] == granted

    said = team.run("destroy --skip-preview")
    assert "3 people keep what they hold; nothing was taken back" in said
    assert team.rows() == dict.fromkeys(TEAM, "professional")
    assert team.sandbox.groups()["Data Team"] == people
    assert team.sandbox.policies()["Data Team"] == {}


def test_a_list_gives_seats_without_a_directory_and_takes_them_back_when_it_is_destroyed(example):
    listed = example("seats-from-a-list", "QLIK_")
    with (EXAMPLES / "seats-from-a-list" / "people.csv").open(encoding="utf-8", newline="") as file:
        people = {row["subject"]: row["license"] for row in csv.DictReader(file)}

    listed.live()
    assert listed.rows() == people
    assert listed.asked() == {"qlik"}

    listed.run("destroy --skip-preview")
    assert listed.rows() == {}
    assert listed.asked() == {"qlik"}


def test_a_group_of_the_same_program_gets_its_people_in_one_call_and_goes_with_it(example):
    group = example("people-of-a-group", "ARM_")

    group.run("up --skip-preview")
    assert group.sandbox.groups()["Report Readers"] == READERS
    batches = [request for request in group.sandbox.requests() if request["path"].endswith("$batch")]
    assert len(batches) == 1
    assert group.asked() == {"identity", "graph"}
    group.run("up --skip-preview --expect-no-changes")
    assert group.sandbox.writes() == NOTHING

    group.run("destroy --skip-preview")
    assert "Report Readers" not in group.sandbox.groups()
    assert group.rows() == {}
