"""The journal: one line an apply, whoever else writes, and never at the cost of the apply."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from core.builders import NOW, Stack, declare, entitle
from core.naive import World
from core.policy_rights import A, P, Q, rights
from core.worlds import plan_of, worlds
from hypothesis import given
from hypothesis import strategies as st

from qlik_provider.brake import Brake
from qlik_provider.entitlements import Deviation
from qlik_provider.journal import JournalRecord, fates_of, journal_schema, make_record, waiting_in, write_record
from qlik_provider.ledger import ASSIGNMENTS
from qlik_provider.outcomes import Outcome
from qlik_provider.plan import Plan
from qlik_provider.policy import DesiredPolicy, ObservedPolicy, RecordedPolicy, plan_policy
from qlik_provider.policy_ledger import PolicyOutcome, fates_of_rights
from qlik_provider.policy_report import make_policy_document
from qlik_provider.premises import Rules
from qlik_provider.report import PlanDocument, make_document

CHECKED = jsonschema.Draft202012Validator(journal_schema(), format_checker=jsonschema.FormatChecker())
FATES = ("done", "refused", "unsent")


def document_of(plan: Plan) -> PlanDocument:
    deviations = ASSIGNMENTS.write_deviations(plan.deviations)
    return make_document("license-assignments", "LicenseAssignments", plan, deviations, NOW, identity={"license": "9"})


def record_of(plan: Plan, outcomes=(), failure=None, client="QLIK_CLIENT_ID", **environment: str) -> JournalRecord:
    fates, waiting = fates_of(outcomes), waiting_in(plan)
    return make_record(document_of(plan), fates, waiting, failure, client=client, environment=environment)


def plan_some() -> Plan:
    """Return a plan that assigns to ed, revokes from bo, whose removal is approved, and holds cy and di."""
    stack = Stack()
    stack.up(declare(dict.fromkeys(("ana", "bo", "cy", "di"), "analyzer via a")))
    return stack.plan(declare({"ana": "analyzer via a", "ed": "analyzer via a"}, brake_max=1), approved=["bo"])


@given(worlds(), st.lists(st.integers(0, 2), min_size=1, max_size=6))
def test_what_was_intended_is_the_sum_of_what_became_of_it_and_every_change_stands_once(world: World, fates: list[int]):
    plan = plan_of(world)
    outcomes = [Outcome(change, FATES[fates[place % len(fates)]], "why") for place, change in enumerate(plan.changes)]

    record = record_of(plan, outcomes)

    CHECKED.validate(record.model_dump(mode="json", by_alias=True))
    counts = record.counts.model_dump()
    intended = counts.pop("intended")
    assert intended == {verb: sum(count.get(verb, 0) for count in counts.values()) for verb in intended}
    assert sum(intended.values()) == len(record.changes)
    told = [(entry.subject, entry.outcome) for entry in record.changes if entry.outcome in FATES]
    assert told == [(outcome.change.subject, outcome.state) for outcome in outcomes]
    assert len([entry for entry in record.changes if entry.outcome == "held"]) == len(plan.held)


def test_each_person_stands_in_it_with_what_became_of_the_change():
    plan = plan_some()
    revoke, assign = plan.changes
    outcomes = [Outcome(revoke, "done"), Outcome(assign, "refused", "403 No seat")]

    record = record_of(plan, outcomes, QLIK_CLIENT_ID="3f9c")

    assert [(e.verb, e.mail, e.held, e.declared, e.outcome, e.reason) for e in record.changes] == [
        ("revoke", "bo@contoso.test", "analyzer", None, "done", ""),
        ("assign", "ed@contoso.test", None, "analyzer", "refused", "403 No seat"),
        ("revoke", "cy@contoso.test", "analyzer", None, "held", ""),
        ("revoke", "di@contoso.test", "analyzer", None, "held", ""),
    ]
    assert record.counts.intended == {"assign": 1, "revoke": 3}
    assert record.counts.held == {"revoke": 2}
    assert (record.client, record.failure, record.time) == ("3f9c", None, NOW)


def test_what_is_not_reviewed_and_who_waits_stand_in_it():
    plan = plan_some()
    waiting = {"fay": Deviation(entitle("professional via a", "fay"), "waitlisted")}
    ledger = {**plan.ledger, "gil": entitle("analyzer via a", "gil")}
    waiting["gil"] = Deviation(entitle("professional via a", "gil"), "waitlisted")
    plan = replace(plan, held=(), unreviewed=plan.held, deviations=waiting, ledger=ledger)

    record = record_of(plan)

    assert record.counts.unreviewed == {"revoke": 2}
    assert record.counts.waitlisted == {"assign": 1, "switch": 1}
    assert [(e.mail, e.held, e.declared) for e in record.changes[-2:]] == [
        ("fay@contoso.test", None, "professional"),
        ("gil@contoso.test", "analyzer", "professional"),
    ]


BOUND = frozenset({("policy/finance/role:a", A, None)})


def record_policy(outcomes: tuple[str, ...] = (), failure: str | None = None, **rules) -> JournalRecord:
    """Return the record of a policy that grants consumer and withdraws role A and producer in Finance."""
    desired = DesiredPolicy("finance", rights(Q), frozenset({"role", "space"}), 5)
    recorded = RecordedPolicy(rights(A, P))
    made = plan_policy(desired, ObservedPolicy(rights(A, P)), recorded, Rules(("member",), **rules), NOW)
    identity = {"tenantId": "t", "key": "finance"}
    document = make_policy_document("policy-finance", desired, "Finance", made, {}, NOW, identity=identity)
    known = [PolicyOutcome(change, *fate.split(": ")) for change, fate in zip(made.changes, outcomes, strict=False)]
    fates = fates_of_rights(document.identity["key"], known)
    return make_record(
        document, fates, failure=failure, client="QLIK_CLIENT_ID", environment={"QLIK_CLIENT_ID": "3f9c"}
    )


@pytest.mark.parametrize(
    ("outcomes", "rules", "told"),
    [
        pytest.param(
            ("done", "refused: 403 No", "unsent: lost"),
            {"brake": Brake(max=10_000, percent=100)},
            [(Q, "grant", "done", ""), (A, "withdraw", "refused", "403 No"), (P, "withdraw", "unsent", "lost")],
            id="sent",
        ),
        pytest.param(
            ("done",),
            {"brake": Brake(max=1)},
            [(Q, "grant", "done", ""), (A, "withdraw", "held", ""), (P, "withdraw", "held", "")],
            id="held",
        ),
        pytest.param(
            ("done", "done"),
            {"brake": Brake(max=10_000, percent=100), "reviewed": BOUND},
            [(Q, "grant", "done", ""), (A, "withdraw", "done", ""), (P, "withdraw", "unreviewed", "")],
            id="unreviewed",
        ),
        pytest.param(
            (),
            {"brake": Brake(max=10_000, percent=100)},
            [(right, verb, "unsent", "") for right, verb in ((Q, "grant"), (A, "withdraw"), (P, "withdraw"))],
            id="nothing is known",
        ),
    ],
)
def test_each_right_of_a_policy_stands_in_it_with_what_became_of_it(outcomes, rules, told):
    record = record_policy(outcomes, **rules)

    CHECKED.validate(record.model_dump(mode="json", by_alias=True))
    assert [(e.subject, e.verb, e.outcome, e.reason) for e in record.changes] == [
        (f"policy/finance/{right}", *rest) for right, *rest in told
    ]
    assert {(e.mail, e.held or e.declared) for e in record.changes} == {("Finance", right) for right in (A, P, Q)}
    assert record.counts.intended == {"grant": 1, "withdraw": 2}
    assert (record.kind, record.client, record.identity["key"]) == ("GroupPolicy", "3f9c", "finance")


def test_an_apply_that_failed_as_a_whole_is_recorded_as_unsent_with_the_reason():
    record = record_of(plan_some(), failure="503 Service Unavailable")

    assert record.failure == "503 Service Unavailable"
    assert record.counts.unsent == {"assign": 1, "revoke": 1}
    assert {entry.reason for entry in record.changes if entry.outcome == "unsent"} == {"503 Service Unavailable"}


@pytest.mark.parametrize(
    ("environment", "commit", "actor"),
    [
        ({}, None, None),
        ({"QLIK_COMMIT": "c", "GITHUB_SHA": "g", "QLIK_ACTOR": "a", "GITHUB_ACTOR": "b"}, "c", "a"),
        ({"QLIK_COMMIT": "", "GITHUB_SHA": "g", "GITHUB_ACTOR": "b"}, "g", "b"),
        ({"BUILD_SOURCEVERSION": "v", "BUILD_REQUESTEDFOREMAIL": "m", "BUILD_REQUESTEDFOR": "n"}, "v", "m"),
        ({"CI_COMMIT_SHA": "s", "GITLAB_USER_LOGIN": "l"}, "s", "l"),
    ],
    ids=["none", "our own first", "GitHub", "Azure DevOps", "GitLab"],
)
def test_commit_and_actor_are_those_of_the_pipeline(environment, commit, actor):
    record = record_of(plan_some(), **environment)

    assert (record.commit, record.actor) == (commit, actor)


@pytest.mark.parametrize(
    ("client", "environment", "told"),
    [
        ("QLIK_CLIENT_ID", {"QLIK_CLIENT_ID": "id", "QLIK_CLIENT_SECRET": "canary"}, "id"),
        ("QLIK_CLIENT_ID", {"QLIK_API_KEY": "canary"}, "QLIK_API_KEY"),
        ("ARM_CLIENT_ID", {"ARM_CLIENT_ID": "id", "ARM_CLIENT_SECRET": "canary", "QLIK_API_KEY": "canary"}, "id"),
        ("ARM_CLIENT_ID", {}, None),
    ],
)
def test_the_client_is_named_and_no_secret_is(client, environment, told):
    record = record_of(plan_some(), client=client, **environment)

    assert record.client == told
    assert "canary" not in record.model_dump_json()


def test_each_record_is_a_line_at_the_end_that_only_its_owner_may_read(tmp_path: Path):
    target = tmp_path / "new" / "journal.jsonl"
    record = record_of(plan_some())

    for _ in range(2):
        assert write_record(record, {"QLIK_JOURNAL": str(target)}) is None

    lines = target.read_text(encoding="utf-8").splitlines()
    assert [JournalRecord.model_validate_json(line) for line in lines] == [record, record]
    assert target.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("environment", [{}, {"QLIK_JOURNAL": ""}], ids=["not set", "empty"])
def test_without_a_target_nothing_is_written(environment, capsys):
    assert write_record(record_of(plan_some()), environment) is None
    assert capsys.readouterr().out == ""


def test_a_hyphen_is_stdout(capsys):
    record = record_of(plan_some())

    assert write_record(record, {"QLIK_JOURNAL": "-"}) is None

    assert JournalRecord.model_validate_json(capsys.readouterr().out) == record


@pytest.mark.parametrize("target", ["", "file/journal", "\0"], ids=["a folder", "below a file", "no path"])
def test_a_journal_that_cannot_be_written_is_a_sentence_and_no_error(tmp_path: Path, target: str):
    (tmp_path / "file").write_text("", encoding="utf-8")

    fault = write_record(record_of(plan_some()), {"QLIK_JOURNAL": f"{tmp_path}/{target}"})

    assert fault is not None
    assert "was not written" in fault
    assert "what was done stands in the state" in fault


def test_a_line_for_which_there_is_no_room_is_told():
    assert "was not written" in str(write_record(record_of(plan_some()), {"QLIK_JOURNAL": "/dev/full"}))


def test_a_line_that_found_room_in_part_is_told(tmp_path: Path):
    program = (
        "import resource, sys\n"
        "from qlik_provider.journal import JournalRecord, write_record\n"
        "record = JournalRecord.model_validate_json(sys.stdin.read())\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "print(write_record(record, {'QLIK_JOURNAL': sys.argv[1]}))\n"
    )  # in a process of its own, since nobody else may have so little room

    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "journal.jsonl")],
        input=record_of(plan_some()).model_dump_json(by_alias=True),
        capture_output=True,
        text=True,
        check=True,
    )

    assert "was not written, only 100 of " in done.stdout


def test_the_lines_of_two_processes_never_mix(tmp_path: Path):
    target = tmp_path / "journal.jsonl"
    program = (
        "import sys\n"
        "from qlik_provider.journal import JournalRecord, write_record\n"
        "record = JournalRecord.model_validate_json(sys.stdin.read())\n"
        "for _ in range(200): write_record(record, {'QLIK_JOURNAL': sys.argv[1]})\n"
    )
    entries = record_of(plan_some()).changes * 300  # a line of some 50 KB, more than a pipe takes at once
    records = [record_of(plan_some(), QLIK_ACTOR=actor).model_copy(update={"changes": entries}) for actor in "ab"]
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(target)], stdin=subprocess.PIPE, text=True)
        for _ in records
    ]
    for process, record in zip(running, records, strict=True):
        process.stdin.write(record.model_dump_json(by_alias=True))
        process.stdin.close()

    assert [process.wait(timeout=120) for process in running] == [0, 0]
    actors = [json.loads(line)["actor"] for line in target.read_text(encoding="utf-8").splitlines()]
    assert sorted(actors) == ["a"] * 200 + ["b"] * 200
