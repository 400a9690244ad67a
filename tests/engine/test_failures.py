import json
import signal
import time

import pytest


def test_a_check_failure_ends_the_run_before_any_write(rehearsal):
    rehearsal.declare({"a": {"wrong": "2 people short"}})

    text = rehearsal.fail("up --yes")

    said = "error: pulumi-python:dynamic/shelf:Books resource 'a' has a problem: 2 people short"
    assert said in text
    assert "Traceback" not in text
    assert "Updating" not in text
    assert rehearsal.calls() == ["check a"]
    assert rehearsal.preview(code=1)["diagnostics"][0]["message"] == f"{said}\n"


def test_a_providers_exception_is_one_error_line_and_the_other_operation_is_kept(rehearsal):
    rehearsal.declare({"a": {"slow": 1}, "b": {"broken": "shelf collapsed", "slow": 0.5}})

    text = rehearsal.fail("up --skip-preview")

    assert "error: RuntimeError: shelf collapsed\n" in text
    assert "error: update failed\n" in text
    assert "Traceback" not in text
    assert {"a", "library-dev"} < set(rehearsal.export())
    assert "b" not in rehearsal.export()


def test_an_error_of_the_program_ends_with_1_and_keeps_what_was_done(rehearsal):
    rehearsal.declare({"a": {}}, fails="refused: anna")

    text = rehearsal.fail("up --yes")

    assert "error: refused: anna\n" in text
    assert "error: an unhandled error occurred: program exited with non-zero exit code: 1\n" in text
    assert rehearsal.export()["library-dev"]["outputs"] == {"shelves": ["a"]}
    assert rehearsal.world == {"a": {}}


def test_a_failed_run_deletes_nothing(rehearsal):
    rehearsal.declare({"a": {}, "b": {}})
    rehearsal.succeed("up --skip-preview")
    rehearsal.declare({"a": {}}, fails="refused: anna")

    rehearsal.fail("up --skip-preview")

    assert rehearsal.world == {"a": {}, "b": {}}


def test_a_killed_run_leaves_a_checkpoint_from_which_the_next_converges(rehearsal):
    rehearsal.declare({"a": {}})
    rehearsal.succeed("up --skip-preview")
    rehearsal.calls()
    rehearsal.declare({"a": {"books": {"u1": "red"}, "slow": 1}, "b": {}})
    process = rehearsal.start("up --skip-preview")
    rehearsal.wait_for("update a")

    process.kill()
    process.communicate()

    deployment = json.loads(rehearsal.succeed("stack export"))["deployment"]
    pending = {operation["resource"]["urn"][-1]: operation["type"] for operation in deployment["pending_operations"]}
    assert pending["a"] == "updating"
    assert "the stack is currently locked by 1 lock(s)" in rehearsal.fail("up --skip-preview")
    assert "pending operations from previous deployment" in rehearsal.succeed("preview")
    rehearsal.succeed("cancel --yes")
    rehearsal.succeed("up --skip-preview --refresh")
    assert rehearsal.world == {"a": {"u1": "red"}, "b": {}}
    assert "    3 unchanged\n" in rehearsal.succeed("up --skip-preview --expect-no-changes")


def test_a_killed_creation_stays_pending_until_it_is_cleared(rehearsal):
    rehearsal.declare({"a": {"slow": 1}})
    process = rehearsal.start("up --skip-preview")
    rehearsal.wait_for("create a")
    process.kill()
    process.communicate()
    rehearsal.succeed("cancel --yes")

    rehearsal.succeed("up --skip-preview")

    assert "interrupted while creating" in rehearsal.succeed("preview")
    rehearsal.succeed("refresh --yes --clear-pending-creates")
    assert "interrupted" not in rehearsal.succeed("preview")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_running_operation_end(rehearsal, number):
    rehearsal.declare({"a": {"slow": 1}})
    process = rehearsal.start("up --skip-preview")
    rehearsal.wait_for("create a")

    process.send_signal(number)
    out, _ = process.communicate()

    assert process.returncode == 1
    assert "error: update canceled" in out
    assert rehearsal.export()["a"]["outputs"]["count"] == 0
    assert not rehearsal.checkpoint.with_suffix(".lock").exists()


def test_two_signals_give_the_running_operation_five_seconds(rehearsal):
    rehearsal.declare({"a": {"slow": 30}})
    process = rehearsal.start("up --skip-preview")
    rehearsal.wait_for("create a")

    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    process.communicate()

    assert process.returncode == 8
    deployment = json.loads(rehearsal.succeed("stack export"))["deployment"]
    assert [operation["type"] for operation in deployment["pending_operations"]] == ["creating"]
    assert not rehearsal.checkpoint.with_suffix(".lock").exists()
