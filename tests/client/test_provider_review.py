"""A provider process that is bound to a review, and the journal it keeps."""

import json
import shutil
from pathlib import Path

import pytest
from client.worlds import ADD, ANA, BO, CLIENT_ID, CY, DIRECTORY_ID, LICENSE, TENANT_ID, list_members, make_world

from qlik_provider.journal import JournalRecord


def read_journal(path: Path) -> list[JournalRecord]:
    return [JournalRecord.model_validate_json(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def three(sandbox, seats, provider, tmp_path):
    """Three people with seats, and the reviewed plan in which Bo loses his."""
    inputs = seats(dict.fromkeys((ANA, BO, CY), "analyzer via finance"))
    _, outputs = provider.create(inputs)
    wanted = seats(dict.fromkeys((ANA, CY), "analyzer via finance"))
    provider.check(inputs, wanted)
    provider.diff(outputs, wanted)
    shutil.copytree(provider.plans, tmp_path / "reviewed")
    return inputs, outputs


def test_only_what_was_reviewed_is_taken_and_a_grant_floats(sandbox, seats, start, three, tmp_path):
    inputs, outputs = three
    journal = tmp_path / "journal.jsonl"
    bound = start(QLIK_REVIEWED=str(tmp_path / "reviewed"), QLIK_JOURNAL=str(journal), QLIK_COMMIT="4f2a")
    new = "6f1c0000-0000-4000-8000-000000000009"
    wanted = seats({ANA: "analyzer via finance", new: "analyzer via finance"})

    assert bound.check(inputs, wanted) == (wanted, [])
    assert bound.diff(outputs, wanted) == "DIFF_UNKNOWN"
    outputs = bound.update(outputs, wanted)

    assert sandbox.rows() == dict.fromkeys((ANA, CY, new), "analyzer")
    assert outputs["deviations"] == {CY: "none; unreviewed"}
    assert bound.engine.heard("1 removal not sent, in no plan of QLIK_REVIEWED; review a new plan")
    (record,) = read_journal(journal)
    assert record.counts.model_dump() == {
        "intended": {"assign": 1, "revoke": 2},
        "done": {"assign": 1, "revoke": 1},
        "refused": {},
        "unsent": {},
        "held": {},
        "unreviewed": {"revoke": 1},
        "waitlisted": {},
    }
    assert (record.identity, record.commit, record.client) == (
        {"tenantId": TENANT_ID, "license": LICENSE},
        "4f2a",
        CLIENT_ID,
    )


@pytest.mark.parametrize("fault", ["lost", "cut short", "another version", "another tenant"])
def test_a_review_that_cannot_be_relied_on_fails_the_check_before_anything_is_asked(
    sandbox, seats, start, three, tmp_path, fault
):
    inputs, _ = three
    file = tmp_path / "reviewed" / "license-assignments.json"
    text = file.read_text(encoding="utf-8")
    file.write_text(
        {
            "lost": text,
            "cut short": text[:-9],
            "another version": text.replace('"version": 1', '"version": 2'),
            "another tenant": text.replace(TENANT_ID, DIRECTORY_ID),
        }[fault],
        encoding="utf-8",
    )
    if fault == "lost":
        file.unlink()
    bound = start(QLIK_REVIEWED=str(file))
    sandbox.forget()

    for olds in ({}, inputs):
        _, (failure,) = bound.check(olds, inputs)
        assert failure.startswith("QLIK_REVIEWED: ")
    if fault != "another tenant":  # which a group cannot see
        bound.kind = "DirectoryMembers"
        _, (failure,) = bound.check({}, list_members([ANA]))
        assert failure.startswith(f"QLIK_REVIEWED: {file}: ")
    assert sandbox.requests() == []


def test_members_are_bound_too_and_of_their_own_group_alone(sandbox, start, members_provider, tmp_path):
    sandbox.load(make_world(directory=3, members=[]))
    _, outputs = members_provider.create(list_members([ANA, BO, CY]))
    members_provider.check(list_members([ANA, BO, CY]), list_members([ANA, BO]))
    members_provider.diff(outputs, list_members([ANA, BO]))
    file = members_provider.plans / "members-readers.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    journal = tmp_path / "journal.jsonl"
    bound = start("DirectoryMembers", QLIK_REVIEWED=str(file), QLIK_JOURNAL=str(journal))

    outputs = bound.update(outputs, list_members([ANA]))

    assert sorted(sandbox.snapshot()["directory"]["groups"][0]["members"]) == [ANA, BO]
    assert outputs["deviations"] == {BO: "none; unreviewed"}
    (record,) = read_journal(journal)
    assert record.counts.done == record.counts.unreviewed == {"remove": 1}
    assert (record.client, record.identity) == ("22222222-2222-2222-2222-222222222222", document["identity"])

    other = {**document, "identity": {**document["identity"], "groupObjectId": "another"}}
    (tmp_path / "other.json").write_text(json.dumps(other), encoding="utf-8")
    stray = start("DirectoryMembers", QLIK_REVIEWED=str(tmp_path / "other.json"))
    _, (failure,) = stray.check(list_members([ANA]), list_members([ANA]))
    assert "the reviewed plan of members-readers is of groupObjectId another" in failure


def test_an_apply_that_fails_as_a_whole_stands_in_the_journal(start, seats, expect, tmp_path):
    expect(ADD, status=500, count=99)
    provider = start(QLIK_JOURNAL=str(tmp_path / "journal.jsonl"))

    failure = provider.fail("create", seats({ANA: "analyzer via finance"}))

    (record,) = read_journal(tmp_path / "journal.jsonl")
    assert record.failure is not None
    assert record.failure in failure
    assert record.counts.intended == record.counts.unsent == {"assign": 1}


def test_a_journal_that_cannot_be_written_is_a_warning_and_the_outputs_are_the_truth(start, seats, tmp_path):
    provider = start(QLIK_JOURNAL=str(tmp_path))

    _, outputs = provider.create(seats({ANA: "analyzer via finance"}))

    assert list(outputs["assignments"]) == [ANA]
    (warning,) = provider.engine.heard("was not written")
    assert warning.startswith(f"WARNING license-assignments: the journal {tmp_path} was not written, ")
