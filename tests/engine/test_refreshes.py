import pytest


@pytest.fixture
def drifted(rehearsal):
    """A stack whose one shelf others have rearranged."""
    rehearsal.declare({"a": {"books": {"u1": "red", "u2": "old"}}})
    rehearsal.succeed("up --skip-preview")
    rehearsal.calls()
    rehearsal.world = {"a": {"u1": "green", "u3": "new"}}
    return rehearsal


def test_drift_ends_a_refresh_preview_with_7(drifted):
    digest = drifted.preview("refresh --preview-only --json --expect-no-changes", code=7)

    step = digest["steps"][1]
    kinds = {path: details["kind"] for path, details in step["detailedDiff"].items()}
    assert (step["op"], kinds) == ("update", {"books.u1": "update", "books.u2": "delete", "books.u3": "add"})
    assert digest["changeSummary"] == {"same": 1, "update": 1}
    assert drifted.calls() == ["read a", "diff a"]
    assert drifted.export()["a"]["inputs"]["books"] == {"u1": "red", "u2": "old"}


def test_a_stored_refresh_lets_the_next_up_repair(drifted):
    drifted.succeed("refresh --yes")
    exported = drifted.export()["a"]
    assert exported["inputs"]["books"] == exported["outputs"]["books"] == {"u1": "green", "u3": "new"}

    assert "    ~ 1 updated\n" in drifted.succeed("up --yes")
    assert drifted.world == {"a": {"u1": "red", "u2": "old"}}


def test_an_up_can_refresh_first(drifted):
    out = drifted.succeed("up --skip-preview --refresh")

    assert "    ~ 1 updated\n    1 unchanged\n" in out
    assert drifted.calls() == ["read a", "diff a", "check a", "diff a", "update a"]
    assert drifted.world == {"a": {"u1": "red", "u2": "old"}}


def test_without_drift_a_refresh_preview_ends_with_0(drifted):
    drifted.world = {"a": {"u1": "red", "u2": "old"}}

    assert "    2 unchanged\n" in drifted.succeed("refresh --preview-only --expect-no-changes")


def test_what_is_gone_is_created_again(drifted):
    drifted.world = {}

    digest = drifted.preview("refresh --preview-only --json")
    assert digest["changeSummary"] == {"delete": 1, "same": 1}
    assert "    + 1 created\n" in drifted.succeed("up --skip-preview --refresh")
    assert drifted.world == {"a": {"u1": "red", "u2": "old"}}
