"""Two runs that meet: of one stack, whose lock keeps them apart, and of two stacks that declare the same people."""

import pytest
from harness import ROOT, Project, read_world, resources

ANA, BO, EVE = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 5))
JOE = "fabrikam\\joe"
ACCESS = "licenses: {order: [professional, analyzer]}\nsubject: {from: objectId}\n"


def people(**licenses: str) -> str:
    return "".join(f"{name}@contoso.test: {{license: {type}, reason: x}}\n" for name, type in licenses.items())


@pytest.fixture
def world(sandbox):
    sandbox.load(read_world(ROOT / "tests" / "worlds" / "small.yaml"))


@pytest.fixture
def stack(project, world):
    project.edit({"access.yaml": ACCESS, "people.yaml": people(bo="analyzer")})
    return project


@pytest.fixture
def other(tmp_path, engine, sandbox, world):
    """Another stack, of people and a state of its own."""
    folder = tmp_path / "other"
    folder.mkdir()
    other = Project(folder, engine, sandbox)
    other.edit({"access.yaml": ACCESS, "people.yaml": people(bo="analyzer")})
    return other


def succeed(project, words="up"):
    result = project.run(words)
    assert result.exit == 0, result.text + result.errors
    return result.text


def ledger(project):
    return resources(project.export(), "LicenseAssignments")["license-assignments"]["outputs"]["assignments"]


def test_a_second_run_of_a_stack_is_turned_away_while_the_first_writes(stack, sandbox):
    control = sandbox.control
    control.post("/faults", json={"id": "before", "path": "/actions/add$", "kind": "hold"}).raise_for_status()
    first = stack.start("up --yes --skip-preview")
    control.get("/faults/before/held").raise_for_status()

    second = stack.run("up")
    preview = stack.run("preview")

    assert second.exit == 1
    assert "the stack is currently locked by 1 lock(s)" in second.text + second.errors
    assert preview.exit == 0, "a preview reads and takes no lock"
    control.delete("/faults/before").raise_for_status()
    assert first.wait() == 0
    first.communicate()
    assert sandbox.writes()["qlik"] == 1
    assert BO in ledger(stack)


def test_two_stacks_that_declare_one_person_both_own_the_row_and_either_takes_it(stack, other, sandbox):
    succeed(stack)
    told = succeed(other)
    assert "license-assignments: no changes" in told
    assert ledger(stack) == ledger(other) == {BO: "analyzer via people for bo@contoso.test"}

    # Of two types the stronger stands: the weaker stack finds it raised by hand.
    other.edit({"people.yaml": people(bo="professional")})
    assert "switch bo@contoso.test from analyzer to professional (people)" in succeed(other)
    assert "raised: bo@contoso.test" in succeed(stack)
    assert sandbox.rows()[BO] == "professional"
    assert "no changes" in succeed(other)

    # Whoever no longer declares the person takes the row, and the other one gives it again.
    stack.edit({"people.yaml": None})
    assert "revoke professional from bo@contoso.test" in succeed(stack)
    assert BO not in sandbox.rows()
    assert "assign professional to bo@contoso.test (people)" in succeed(other)
    assert sandbox.rows()[BO] == "professional"
    assert sandbox.rows()[JOE] == "professional"


def test_with_report_the_second_stack_owns_nothing_that_the_first_gave(stack, other, sandbox):
    succeed(stack, "up --skip-preview")
    other.edit({"access.yaml": ACCESS.replace("analyzer]", "analyzer], adopt: report")})

    assert "unowned: bo@contoso.test" in succeed(other, "up --skip-preview")
    assert ledger(other) == {}

    other.edit({"people.yaml": None})
    succeed(other, "up --skip-preview")
    assert sandbox.rows()[BO] == "analyzer"
