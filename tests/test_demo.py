"""The demo company: 300 people, 12 groups and one that exists already, seats given before, another tenant beside it."""

import csv
import json
from collections import Counter

import pytest
from harness import ROOT, STACK, Project, read_yaml, resources

TIMES = {"time", "created", "modified"}


@pytest.fixture
def company(project: Project) -> Project:
    """The demo's declaration and world on an engine, not yet converged."""
    project.sandbox.load(read_yaml(ROOT / "sandbox" / "worlds" / "demo.yaml"))
    project.declare(ROOT / "stacks" / "sandbox")
    return project


def final_rows() -> dict[str, str]:
    with (ROOT / "tests" / "demo" / "rows.tsv").open(encoding="utf-8", newline="") as file:
        return {row["subject"]: row["type"] for row in csv.DictReader(file, delimiter="\t")}


def foreign_rows(company: Project) -> str:
    """Return, byte for byte, the rows of subjects that are nobody's in this directory."""
    world = company.sandbox.snapshot()
    people = {user["id"] for user in world["directory"]["users"]}
    return json.dumps([row for row in world["tenant"]["assignments"] if row["subject"].casefold() not in people])


def without_times(value: object) -> object:
    if isinstance(value, dict):
        return {name: without_times(part) for name, part in value.items() if name not in TIMES}
    return [without_times(part) for part in value] if isinstance(value, list) else value


def state_of(company: Project) -> object:
    """Return the whole exported state without times; Pulumi may store the same resources in another order."""
    state = company.export()
    state["deployment"]["resources"].sort(key=lambda resource: resource["urn"])
    return without_times(state)


def test_one_up_licenses_the_company_and_the_next_does_nothing(company):
    """Everybody ends as the committed table says, in three writes and five for rights; others' rows stay byte-equal."""
    before = foreign_rows(company)
    assert len(json.loads(before)) == 31

    company.sandbox.forget()
    first = company.run("up")

    assert first.exit == 0, first.text + first.errors
    assert company.sandbox.rows() == final_rows()
    assert foreign_rows(company) == before
    writes = [request["path"] for request in company.sandbox.requests() if request["writes"]]
    assert Counter(path.split("/")[3] for path in writes if path.startswith("/api/")) == {
        "licenses": 3,
        "groups": 1,
        "spaces": 4,
    }
    assert company.sandbox.policies()["Regional Managers"] == {
        "Finance Published": ["consumer"],
        "Logistics": ["consumer", "dataconsumer"],
        "Operations": ["consumer"],
        "Sales Published": ["consumer"],
    }
    state = state_of(company)

    company.sandbox.forget()
    second = company.run("up")

    assert second.exit == 0
    assert set(second.summary) == {"unchang"}
    assert company.sandbox.writes() == {"qlik": 0, "graph": 0}
    assert state_of(company) == state


def test_each_process_mints_one_token_a_service_and_reads_each_collection_once(company):
    """An `up` is two phases of program and provider: four tokens of the tenant, each page of seats once a phase."""
    assert company.run("up").exit == 0
    company.sandbox.forget()

    assert company.run("up").exit == 0

    calls = Counter((request["method"], request["path"]) for request in company.sandbox.requests())
    pages = [r for r in company.sandbox.requests() if r["path"] == "/api/v1/licenses/assignments"]
    assert calls["POST", "/oauth/token"] == 4
    tokens = sum(count for (_, path), count in calls.items() if path.endswith("/oauth2/v2.0/token"))
    assert tokens == 6, "program, provider and azuread, in two phases"
    assert len(pages) == 2 * 3
    assert calls["GET", "/api/v1/licenses/overview"] == 4
    assert calls["GET", "/v1.0/users"] == 2


def test_a_preview_writes_the_plan_of_every_person(company):
    """The plan document holds what the tenant will see, before anything is written; another one who is left out."""
    company.sandbox.forget()

    assert company.run("preview").exit == 0

    plan, read = company.plan("license-assignments"), company.plan("directory/memberships")
    assert read["groups"]["regional-managers"]["leftOut"]["servicePrincipals"] == 1
    rows = company.sandbox.rows()
    for change in plan["changes"]:
        rows[change["subject"]] = change["declared"]
    assert rows == final_rows()
    assert company.sandbox.writes() == {"qlik": 0, "graph": 0}


def test_disabled_people_and_people_of_others_are_not_in_the_ledger(company):
    """The ledger is what this stack gave or adopted, and nobody else's."""
    assert company.run("up").exit == 0

    seats = resources(company.export(), "LicenseAssignments")["license-assignments"]["outputs"]
    users = company.sandbox.snapshot()["directory"]["users"]
    disabled = {user["id"] for user in users if user.get("accountEnabled") is False}
    people = {user["id"] for user in users}
    assert not disabled & set(seats["assignments"])
    assert set(seats["assignments"]) <= people
    assert seats["foreign"] == {"analyzer": 24.0, "professional": 10.0}
    assert company.folder.joinpath("stacks", STACK, "access.yaml").exists()
