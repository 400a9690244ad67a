"""`qlik-provider leavers`: who is on the ladder by the state of a stack, and what the tenant shows of them."""

import csv
import json

import pytest
from client.conftest import assert_discreet
from client.test_belongings import ANA, BO, CONTENT, CY, OTHER, OWNER, STUCK, owners_world
from client.test_leavers import leavers_world
from client.worlds import TENANT_ID
from typer.testing import CliRunner

from qlik_provider.cli import app
from qlik_provider.owned import HIDDEN

RULES = {"disableAfter": 168.0, "deleteAfter": 2160.0, "transferTo": BO}
LEAVING = {
    ANA: "disabled since 2026-11-01T08:00Z",
    CY: "leaving since 2026-11-02T07:00Z",
    "lost": "transferred since 2026-10-01T00:00Z",
}
LINES = f"""\
cy@contoso.test: leaving since 2026-11-02T07:00Z; owns app 1, automation 1, data-connection 1, space 1; \
next: disable from 2026-11-09T07:00Z
ana@contoso.test: disabled since 2026-11-01T08:00Z; owns app 2, automation 1, automation-connection 1, data-alert 1, \
data-connection 2, data-file 4, dataset 1, glossary 1, reload-task 1, sharing-task 1, space 1, webhook 1; \
next: hand over and delete from 2027-01-23T08:00Z; left alone: held
  dataset 'Table': no call hands it over; have its owner or the administration console hand it over, or delete it there
  reload-task '0a000000-0000-4000-8000-000000000001': no call hands it over; have the new owner of the app schedule it \
anew, and delete this one
  webhook 'Hook': no call hands it over; have an administrator create it anew, and delete this one
lost: transferred since 2026-10-01T00:00Z; owns nothing; next: delete from 2026-10-01T00:00Z
on the ladder: leaving 1, disabled 1, transferred 1; they own 21
not shown: {HIDDEN}
"""


@pytest.fixture
def export(sandbox):
    """Write what `pulumi stack export` does, of a stack with a ladder."""

    def export(leaving=LEAVING, *, tenant_id: str = TENANT_ID, kind: str = "Leavers", **outputs) -> str:
        ladder = {
            "tenant": sandbox.url,
            "tenantId": tenant_id,
            "people": {ANA: "user via finance for ana@contoso.test", CY: "user via sales for cy@contoso.test"},
            "rules": RULES,
            "leaving": dict(leaving),
            "deviations": {ANA: "none; held", CY: "none; leaving"},
            **outputs,
        }
        resources = [
            {"type": "pulumi:pulumi:Stack", "urn": "urn:pulumi:dev::qlik::pulumi:pulumi:Stack::qlik-dev"},
            {"type": f"pulumi-python:dynamic/qlik:{kind}", "outputs": ladder},
            {"type": f"pulumi-python:dynamic/qlik:{kind}", "outputs": {}, "delete": True},
        ]
        return json.dumps({"version": 3, "deployment": {"resources": resources}})

    return export


@pytest.fixture
def run(sandbox):
    """Run the command on an export; return its exit code and what it printed."""

    def run(text: str, *options: str) -> tuple[int, str]:
        sandbox.forget()
        result = CliRunner().invoke(app, ["leavers", *options], input=text)
        assert_discreet(result.output)
        return result.exit_code, result.stdout if result.exit_code == 0 else result.output

    return run


def test_everybody_on_the_ladder_is_told_with_what_they_own_and_what_is_next(sandbox, export, run, asked):
    sandbox.load(owners_world({**CONTENT, **STUCK}))

    assert run(export()) == (0, LINES)
    assert asked("qlik", writes=True) == []
    assert asked("qlik").count("GET /api/v1/reload-tasks") == 1


def test_what_the_provider_stores_is_what_is_read(sandbox, export, run, start):
    sandbox.load(leavers_world())
    inputs = {
        "tenant": sandbox.url,
        "tenantId": TENANT_ID,
        "people": {who: f"user via readers for {who[-1]}@contoso.test" for who in (ANA, BO)},
        "rules": {**RULES, "brake.max": 9.0, "brake.percent": 100.0},
        "doubt": {},
        "sources": {},
    }
    without = {**inputs, "people": {BO: inputs["people"][BO]}}
    provider = start("Leavers")
    outputs = provider.create(provider.check({}, inputs)[0])[1]
    outputs = provider.update(outputs, provider.check(inputs, without)[0])

    code, text = run(export(**outputs))

    assert code == 0
    head = (
        "0@contoso.test: leaving since 2026-11-02T08:00Z; owns app 2, data-file 1; next: disable from 2026-11-09T08:00Z"
    )
    assert text.splitlines()[0] == head


def test_while_things_are_handed_over_the_run_says_how_long_it_takes(sandbox, start):
    sandbox.load(leavers_world("disabled"))
    inputs = {
        "tenant": sandbox.url,
        "tenantId": TENANT_ID,
        "people": {BO: "user via readers for bo@contoso.test"},
        "rules": {**RULES, "disableAfter": 24.0, "deleteAfter": 48.0, "brake.max": 9.0, "brake.percent": 100.0},
        "doubt": {},
        "sources": {},
    }
    stored = {
        **inputs,
        "people": {**inputs["people"], ANA: "user via readers for ana@contoso.test"},
        "leaving": {ANA: "disabled since 2026-09-01T08:00Z"},
        "disabled": {ANA: "active"},
        "deviations": {},
        "removed": {},
    }
    provider = start("Leavers")

    outputs = provider.update(stored, provider.check(inputs, inputs)[0])

    assert outputs["leaving"] == {}
    told = [line for line in provider.engine.progress if line.startswith("leavers: ")]
    assert len(told) > 3
    assert all(line.endswith(", less than a minute left") for line in told)


def test_a_spreadsheet_has_a_row_for_each_person(sandbox, export, run):
    sandbox.load(owners_world({**CONTENT, **STUCK}))

    code, text = run(export({**LEAVING, "=cmd": "leaving since 2026-11-02T07:00Z"}), "--csv")

    rows = list(csv.DictReader(text.splitlines()))
    assert code == 0
    assert [(row["mail"], row["rung"], row["status"], row["next"], row["due"]) for row in rows] == [
        ("'=cmd", "leaving", "gone", "disable", "2026-11-09T07:00Z"),
        ("cy@contoso.test", "leaving", "active", "disable", "2026-11-09T07:00Z"),
        ("ana@contoso.test", "disabled", "active", "delete", "2027-01-23T08:00Z"),
        ("lost", "transferred", "gone", "delete", "2026-10-01T00:00Z"),
    ]
    assert rows[2]["why"] == "held"
    assert rows[2]["blocked"].count("no call hands it over") == 3


def test_json_has_each_thing_and_what_becomes_of_it(sandbox, export, run):
    sandbox.load(owners_world({**CONTENT, **STUCK}))

    code, text = run(export(), "--json")

    document = json.loads(text)
    assert (code, document["version"], document["tenant"]) == (0, 1, sandbox.url)
    cy, ana, lost = document["leavers"]
    assert (cy["userId"], cy["rung"], cy["next"], cy["due"]) == (
        OTHER,
        "leaving",
        "disable",
        "2026-11-09T07:00:00+00:00",
    )
    assert (lost["userId"], lost["status"], lost["owns"]) == (None, "gone", [])
    assert ana["userId"] == OWNER
    assert {thing["way"] for thing in ana["owns"] if thing["obstacle"]} == {"none"}
    assert len([thing for thing in ana["owns"] if not thing["obstacle"]]) == 14
    assert next(thing for thing in ana["owns"] if thing["name"] == "Diary") == {
        "kind": "app", "id": CONTENT["apps"][1]["id"], "name": "Diary", "spaceId": None, "way": "transfer",
        "obstacle": None,
    }  # fmt: skip


def test_what_could_not_be_read_is_told_and_is_not_nothing(sandbox, export, run, expect):
    sandbox.load(owners_world())
    expect("/data-alerts$", status=403, count=100)

    code, text = run(export({CY: LEAVING[CY]}))
    _, document = run(export({CY: LEAVING[CY]}), "--json")

    line = "data alerts: forbidden to this caller; give the client the scope admin.apps, or the user TenantAdmin"
    assert code == 0
    assert f"  {line}\n" in text
    assert json.loads(document)["leavers"][0]["unknown"] == [line]


def test_without_anybody_nothing_more_is_read_than_the_tenant(export, run, asked):
    assert run(export({})) == (0, "nobody is on the ladder\n")
    assert [call for call in asked("qlik") if "/oauth/" not in call] == ["GET /api/v1/tenants/me"]


def test_without_a_time_for_the_next_rung_nothing_is_next(export, run):
    code, text = run(export({ANA: "disabled since 2026-11-01T08:00Z"}, rules={"disableAfter": 168.0}))

    assert code == 0
    assert "next: nothing, by the declaration" in text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: "no JSON", "this is no export of a stack"),
        (lambda text: "[]", "this is no export of a stack"),
        (lambda text: text.replace("dynamic/qlik:Leavers", "dynamic/qlik:Users"), "the stack has no ladder"),
        (lambda text: text.replace(TENANT_ID, "another"), "the state is of tenant another"),
        (lambda text: text.replace("leaving since", "on holiday since"), "'on holiday since 2026-11-02T07:00Z'"),
    ],
)
def test_a_state_that_cannot_be_used_is_one_line(export, run, change, says):
    code, text = run(change(export()))

    assert code == 1
    assert text.startswith("error: ")
    assert says in text
    assert text.count("\n") == 1


def test_one_form_at_a_time(export, run):
    assert run(export(), "--csv", "--json")[0] == 2
