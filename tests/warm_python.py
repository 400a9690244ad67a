"""Python without the wait for its imports: its processes are forked from one that has imported all and run nothing.

A virtual environment for a project, with a `bin/python` that takes the command lines an engine gives it.
"""

import contextlib
import gc
import importlib
import io
import marshal
import os
import runpy
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

SIZE = 4
TESTS = Path(__file__).parent
IMPORTED = (
    *("sandbox.engine.commands", "pulumi.dynamic", "pulumi_azuread"),
    *("qlik_provider.approvals", "qlik_provider.cli", "qlik_provider.components", "qlik_provider.resources"),
    # What those import only when it is needed, which is always.
    *("anyio", "grpc._channel", "grpc._server", "h11", "httpcore", "httpx", "msal_extensions", "rich._emoji_codes"),
    *("azure.core.pipeline.transport._requests_basic", "azure.core.rest._requests_basic"),
)
"""What the processes of an engine import, and those of the command line."""

# No file is the main module, which is that of what will be run; nothing is searched where that will not be.
BEGINNING = """
import sys
base = [*sys.path]
sys.path[:] = [*sys.argv[3:], *base, sys.argv[2]]
import warm_python
warm_python.serve(base)
"""


class Order(NamedTuple):
    """One process as it was asked for: the command line behind `python`, where it runs, and what it inherits."""

    words: list[str]
    folder: str
    environment: dict[str, str]
    streams: list[int]


class WarmPython:
    """A virtual environment whose Python forks; its processes end with it at the latest."""

    def __init__(self) -> None:
        # The path of a socket must be short, so it is not pytest's folder.
        self.folder = Path(tempfile.mkdtemp(prefix="warm-"))
        address = self.folder / "socket"
        python = self.folder / "bin" / "python"
        python.parent.mkdir()
        client = (TESTS / "warm_client.py").read_text(encoding="utf-8")
        python.write_text(f"#!{sys.executable} -IS\n{client}", encoding="utf-8")
        python.chmod(0o755)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(address))
            listener.listen()
            self._process = subprocess.Popen(
                [sys.executable, "-EP", "-c", BEGINNING, str(listener.fileno()), str(TESTS), *_list_folders()],
                env={name: value for name, value in os.environ.items() if not name.startswith(("QLIK_", "ARM_"))},
                stdin=subprocess.PIPE,
                pass_fds=[listener.fileno()],
                start_new_session=True,  # a ^C is for the tests, which end it
            )

    def close(self) -> None:
        """End the process everything is forked from, and what is left of those."""
        self._process.communicate()
        shutil.rmtree(self.folder)


class Warm:
    """The process that has imported all: forks one that has run nothing for each client, and tells it how that ends."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._lines: dict[int, socket.socket] = {}
        self._woken, self._waking = socket.socketpair()
        self._selector = selectors.DefaultSelector()

    def serve(self) -> Order | None:
        """Return an order in the process forked for it, and None at the end in the one that forks."""
        self._waking.settimeout(0)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._waking.fileno())
        for source in (sys.stdin.buffer, self._listener, self._woken):
            self._selector.register(source, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    if order := self._take():
                        return order
                elif key.fileobj is self._woken:
                    self._reap()
                elif key.data:
                    self._end(key.data)
                else:
                    for pid in self._lines:
                        os.kill(pid, signal.SIGKILL)
                    return None

    def _take(self) -> Order | None:
        line, _ = self._listener.accept()
        order = receive(line)
        if order is None:
            line.close()
            return None
        pid = os.fork()
        if not pid:
            line.close()
            self._forget()
            return order
        for stream in order.streams:
            os.close(stream)
        self._lines[pid] = line
        self._selector.register(line, selectors.EVENT_READ, pid)
        with contextlib.suppress(OSError):  # the client has been killed meanwhile
            line.sendall(pid.to_bytes(SIZE, "big"))
        return None

    def _forget(self) -> None:
        """Leave nothing open in a forked process that one just started would not have."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._selector.close()
        for line in (self._listener, self._woken, self._waking, *self._lines.values()):
            line.close()
        os.setsid()

    def _end(self, pid: int) -> None:
        """End the process whose client was killed, which is all that a client says."""
        if pid in self._lines:  # else it has ended by itself just now
            os.kill(pid, signal.SIGKILL)
            self._selector.unregister(self._lines[pid])

    def _reap(self) -> None:
        self._woken.recv(1024)
        with contextlib.suppress(ChildProcessError):  # there are no more
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                line = self._lines.pop(pid)
                with contextlib.suppress(KeyError):  # its client was killed
                    self._selector.unregister(line)
                with contextlib.suppress(OSError):
                    line.sendall(status.to_bytes(SIZE, "big"))
                line.close()


def receive(line: socket.socket) -> Order | None:
    """Return what a client asks for, None when it was killed while it did."""
    size, streams, _, _ = socket.recv_fds(line, SIZE, 3)
    with line.makefile("rb") as file:
        text = file.read(int.from_bytes(size, "big"))
    return Order(*marshal.loads(text), streams) if size and len(text) == int.from_bytes(size, "big") else None


def serve(base: list[str]) -> None:
    """Import what will be needed, and become what is asked for in the processes forked since."""
    for name in IMPORTED:
        importlib.import_module(name)
    sys.path[:] = base
    gc.freeze()  # no collection in a forked process copies what is shared
    if order := Warm(socket.socket(fileno=int(sys.argv[1]))).serve():
        become(order)


def become(order: Order) -> None:
    """Run what Python runs with such a command line, in such a folder and environment."""
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    for number, stream in enumerate(order.streams):
        os.dup2(stream, number)
        os.close(stream)
    options, what, *rest = _split(order.words)
    _open_streams(is_unbuffered="u" in options)
    is_module = what == "-m"
    first = [] if "P" in options else [order.folder if is_module else str(Path(what).resolve().parent)]
    sys.path[:] = dict.fromkeys([*first, *_list_folders(), *sys.path])
    main = vars(sys.modules["__main__"])
    for name in [name for name in main if not name.startswith("__")]:
        del main[name]
    if is_module:
        sys.argv = ["-m", *rest[1:]]
        runpy._run_module_as_main(rest[0])  # what `python -m` itself calls
    else:
        sys.argv = [what, *rest]
        main["__file__"] = what
        exec(compile(Path(what).read_bytes(), what, "exec"), main)


def _list_folders() -> list[str]:
    """Return where Python is told to search first."""
    return [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]


def _split(words: list[str]) -> list[str]:
    """Return the letters of the options, and the rest from the first word that is none."""
    letters = ""
    for number, word in enumerate(words):
        if not word.startswith("-") or word == "-m":
            return [letters, *words[number:]]
        if unknown := set(word[1:]) - set("uP"):
            sys.exit(f"a warm Python does not know -{min(unknown)}")
        letters += word[1:]
    sys.exit("a warm Python runs a module or a file")


def _open_streams(*, is_unbuffered: bool) -> None:
    """Open the standard streams anew as Python does: those of the warm process read and wrote elsewhere."""
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8")
    sys.stdout = sys.__stdout__ = _open_stream(1, "strict", is_unbuffered=is_unbuffered)
    sys.stderr = sys.__stderr__ = _open_stream(2, "backslashreplace", is_unbuffered=is_unbuffered)


def _open_stream(number: int, errors: str, *, is_unbuffered: bool) -> io.TextIOWrapper:
    raw = io.FileIO(number, "w", closefd=False)
    return io.TextIOWrapper(
        raw if is_unbuffered else io.BufferedWriter(raw),
        encoding="utf-8",
        errors=errors,
        line_buffering=errors != "strict" or raw.isatty(),
        write_through=is_unbuffered,
    )
