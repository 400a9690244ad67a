import json
import os
import subprocess
import sys

import pytest
from serving import ROOT

from sandbox.switches import SWITCHES
from sandbox.unknowns import DIRECTORY_UNKNOWNS, TENANT_UNKNOWNS, UNMODELLED

ADD = "/api/v1/licenses/assignments/actions/add"


def ask(*arguments, **variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QLIK_")} | variables
    command = [sys.executable, "-m", "sandbox", "switches", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=20, check=False)


def positions(control):
    return {row["name"]: row["position"] for row in control.get("/_sandbox/switches").json()}


@pytest.mark.parametrize("unknown", [*TENANT_UNKNOWNS, *DIRECTORY_UNKNOWNS])
def test_every_unknown_of_the_references_has_a_switch_or_a_reason_for_none(unknown):
    switches = [switch.name for switch in SWITCHES.values() if unknown in switch.unknown.split(", ")]
    reasons = [row.reason for row in UNMODELLED if row.unknown == unknown]

    assert switches or reasons


def test_every_number_of_a_switch_is_one_of_the_references():
    known = {*TENANT_UNKNOWNS, *DIRECTORY_UNKNOWNS, ""}

    assert {number for switch in SWITCHES.values() for number in switch.unknown.split(", ")} <= known


def test_every_switch_is_listed_with_its_position(control):
    rows = control.get("/_sandbox/switches").json()

    assert [row["name"] for row in rows] == list(SWITCHES)
    assert all(row["position"] == row["default"] for row in rows)
    assert list(rows[0]) == ["name", "position", "default", "alternatives", "unknown", "evidence"]


def test_a_switch_moved_while_the_sandbox_runs_changes_what_the_service_does(control, tenant):
    def outcomes():
        body = {"add": [{"subject": who, "type": "analyzer"} for who in ("qlik\\malik", "nobody")]}
        return [item["subject"] for item in tenant.post(ADD, json=body).json()["data"]]

    before = outcomes()
    moved = control.put("/_sandbox/switches", json={"item-order": "reversed"})

    assert moved.json() == control.get("/_sandbox/switches").json()
    assert outcomes() == before[::-1]


def test_a_move_leaves_the_other_switches_and_null_goes_back_to_the_default(control):
    control.put("/_sandbox/switches", json={"item-order": "reversed", "batch-order": "reversed"})
    control.put("/_sandbox/switches", json={"item-order": None})

    assert positions(control)["item-order"] == "request"
    assert positions(control)["batch-order"] == "reversed"
    assert control.get("/_sandbox/world").json()["switches"] == {"batch-order": "reversed"}


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ('{"no-such": "x", "item-order": "up"}', 2),
        ('{"no-such": null}', 1),
        ('{"item-order": 1}', 1),
        ("[]", 1),
        ("{", 1),
    ],
)
def test_a_move_that_cannot_be_made_is_refused_as_a_whole(control, body, faults):
    answer = control.put("/_sandbox/switches", content=body)

    assert answer.status_code == 400
    assert len(answer.json()["faults"]) == faults
    assert control.get("/_sandbox/world").json()["switches"] == {}


def test_the_command_lists_switches_and_what_is_not_modelled():
    done = ask()

    assert done.returncode == 0
    for name in SWITCHES:
        assert name in done.stdout
    for row in UNMODELLED:
        assert row.reason in done.stdout
    assert "position" not in done.stdout.splitlines()[0]


def test_the_command_shows_where_the_switches_of_a_running_sandbox_stand(control, served):
    control.put("/_sandbox/switches", json={"item-order": "reversed"})

    table = ask("--url", served.url, "--ca", served.ca).stdout
    listed = json.loads(ask("--json", QLIK_TENANT=served.url, SSL_CERT_FILE=served.ca).stdout)

    assert "reversed*" in next(line for line in table.splitlines() if " item-order " in line)
    assert listed["switches"] == control.get("/_sandbox/switches").json()
    assert {row["unknown"] for row in listed["notModelled"]} == {row.unknown for row in UNMODELLED}


def test_an_address_without_a_sandbox_is_said_and_one_from_the_environment_hides_no_list():
    asked, found = ask("--url", "https://127.0.0.1:1"), ask(QLIK_TENANT="https://127.0.0.1:1")

    assert (asked.returncode, asked.stdout) == (1, "")
    assert found.returncode == 0
    assert "item-order" in found.stdout
    assert "does not answer as a sandbox" in asked.stderr
    assert "does not answer as a sandbox" in found.stderr
