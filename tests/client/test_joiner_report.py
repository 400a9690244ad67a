"""`qlik-provider report --joiners`: who has never logged in, read from both services."""

import csv
import io
import json

import pytest
from client.worlds import mail_of, make_world, people, person
from typer.testing import CliRunner

from qlik_provider.cli import app
from qlik_provider.joiner_report import COLUMNS


@pytest.fixture
def stack(tmp_path):
    """A stack that gives something to three people, of whom the tenant knows one."""
    folder = tmp_path / "dev"
    (folder / "groups").mkdir(parents=True)
    members = ", ".join(map(mail_of, people(3)))
    (folder / "groups" / "readers.yaml").write_text(f"name: BI\nlicense: analyzer\nmembers: [{members}]\n")
    (folder / "access.yaml").write_text(
        "licenses: {order: [professional, analyzer]}\nsubject: {from: objectId}\nprovision: true\n"
    )
    return folder


@pytest.fixture(autouse=True)
def _joining(sandbox) -> None:
    """Person 0 has come, person 1 was created and holds a seat already, nobody knows person 2; a guest is awaited."""
    world = make_world({person(1): "analyzer"}, users=2, directory=3)
    created = {"status": "invited", "createdAt": "2026-11-01T08:00:00Z", "inviteExpiry": 1794204000}
    world["tenant"]["users"][2] |= created
    world["tenant"]["users"].append({"subject": "okta|joe", "name": "=Joe", "status": "provisioned"})
    sandbox.load(world)


def report(*arguments: object, exit: int = 0) -> str:
    done = CliRunner().invoke(app, ["report", *map(str, arguments), "--joiners"])
    assert done.exit_code == exit, done.output
    return done.stdout if exit == 0 else done.output


def test_everybody_who_has_never_logged_in_is_listed_and_nothing_is_written(sandbox, stack, asked):
    sandbox.forget()

    lines = report(stack).splitlines()

    assert lines == [
        "=Joe  okta|joe  provisioned  2026-01-01T00:00Z",
        f"{mail_of(person(1))}  000001  {person(1)}  invited  2026-11-01T08:00Z  2026-11-09T06:00Z  analyzer  readers",
        f"{mail_of(person(2))}  000002  {person(2)}  missing  readers",
        "3 have never logged in: invited 1, missing 1, provisioned 1",
    ]
    assert asked(writes=True) == []


def test_the_report_is_csv_that_no_spreadsheet_runs_and_json(stack):
    rows = list(csv.DictReader(io.StringIO(report(stack, "--csv"))))
    document = json.loads(report(stack, "--json"))

    assert tuple(rows[0]) == COLUMNS
    assert [row["name"] for row in rows] == ["'=Joe", "000001", "000002"]
    assert [joiner["name"] for joiner in document["joiners"]] == ["=Joe", "000001", "000002"]
    assert document["joiners"][1]["license"] == ["analyzer"]


def test_without_provision_who_is_to_get_a_license_is_listed(stack):
    access = (stack / "access.yaml").read_text()
    (stack / "access.yaml").write_text(access.replace("provision: true\n", ""))

    assert f"{mail_of(person(2))}  {person(2)}  missing  readers" in report(stack)


def test_a_report_that_cannot_be_made_says_why_in_one_line(tmp_path, stack, expect):
    assert "do not go together" in report(stack, "--csv", "--json", exit=2)
    assert "is missing: a stack begins with its access.yaml" in report(tmp_path / "none", exit=1)
    expect("/api/v1/users$", status=403, count=9)
    assert report(stack, exit=1).startswith("error: ")
