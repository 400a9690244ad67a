"""What the engines of the tests are forked from does as Python does, so that what they play is the true thing."""

import os
import signal
import subprocess

import pytest
from harness import FRESH

TELL = """
import __main__, os, sys, signal
print(__name__, __main__.__dict__ is globals(), sys.argv, os.getcwd(), sys.path[:2], sys.stdin.read())
print(sorted(os.environ.items()), os.getsid(0) == os.getpid() or os.getppid(), file=sys.stderr)
print(hasattr(sys, "tracebacklimit"), signal.getsignal(signal.SIGCHLD), sys.stdout.encoding, sys.stdout.write_through)
print([kept for kept in os.listdir("/dev/fd") if int(kept) > 9])
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "telling.py").write_text(TELL + "sys.tracebacklimit = 0\nsys.exit(7)\n")
    (tmp_path / "dying.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n")
    (tmp_path / "failing.py").write_text("raise ValueError('as it is')\n")
    (tmp_path / "waiting.py").write_text("import time\nprint('waits', flush=True)\ntime.sleep(600)\n")
    return tmp_path


def start(virtualenv, folder, *words):
    """Start a Python in a session of its own, as an engine starts its hosts."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder / "more"), "LC_CTYPE": "C.UTF-8"}
    command = [virtualenv / "bin" / "python", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


def run(virtualenv, folder, *words):
    process = start(virtualenv, folder, *words)
    out, errors = process.communicate("said to it", timeout=60)
    return process.returncode, out, errors


@pytest.mark.parametrize(
    "words",
    [
        ["-m", "telling", "a", "-b"],
        ["-u", "-m", "telling"],
        ["telling.py", "a"],
        ["-uP", "telling.py"],
        ["-m", "dying"],
    ],
    ids=" ".join,
)
def test_a_warm_python_does_what_python_does(warm_python, folder, words):
    """Command line, folder, environment, streams, module search, exit code and death by a signal are the same."""
    assert run(warm_python.folder, folder, *words) == run(FRESH, folder, *words)


def test_a_warm_python_shows_an_uncaught_exception(warm_python, folder):
    code, out, errors = run(warm_python.folder, folder, "-m", "failing")

    assert (code, out) == (1, "")
    assert errors.endswith("ValueError: as it is\n")


def test_what_one_process_did_the_next_knows_nothing_of(warm_python, folder):
    assert run(warm_python.folder, folder, "-m", "telling") == run(warm_python.folder, folder, "-m", "telling")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_reaches_the_process_behind_a_warm_python(warm_python, folder, number):
    """The pipes are at their end only when the process behind has ended as well."""
    process = start(warm_python.folder, folder, "-m", "waiting")
    assert process.stdout.readline() == "waits\n"

    process.send_signal(number)
    process.communicate(timeout=60)

    assert process.returncode == -number


def test_a_warm_python_refuses_what_it_does_not_know(warm_python, folder):
    code, _, errors = run(warm_python.folder, folder, "-X", "dev")

    assert code == 1
    assert errors == "a warm Python does not know -X\n"
