"""What `bin/python` of a warm Python is: has one process forked, lives and ends as that process does."""

# Without the modules over them, whose imports would cost as much as all the rest.
import _signal
import _socket
import marshal
import os
import sys

SIZE = 4


def receive(line: _socket.socket) -> int:
    """Return the next number; none comes from a warm process that has ended."""
    data = line.recv(SIZE)
    if not data:
        sys.exit("the warm Python has ended")
    return int.from_bytes(data, "big")


def main() -> None:
    line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    line.connect(f"{sys.argv[0].removesuffix('bin/python')}socket")
    order = marshal.dumps((sys.argv[1:], os.getcwd(), dict(os.environ)))  # noqa: PTH109  without pathlib
    streams = b"".join(number.to_bytes(SIZE, sys.byteorder) for number in (0, 1, 2))
    line.sendmsg([len(order).to_bytes(SIZE, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
    line.sendall(order)
    pid = receive(line)
    for number in (_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP):
        _signal.signal(number, lambda number, frame: os.kill(pid, number))
    status = receive(line)
    if os.WIFSIGNALED(status):
        if os.WTERMSIG(status) != _signal.SIGKILL:
            _signal.signal(os.WTERMSIG(status), _signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


main()
