"""What the sandbox costs: pages a second on one core, memory with fifty thousand people, time to start."""

import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[1]
ROWS = "/api/v1/licenses/assignments"
PEOPLE = 50_000
PAGES = 3_000


@dataclass
class Server:
    """A running sandbox, how long it took to start, and one connection to it."""

    pid: int
    port: int
    started: float
    connection: ssl.SSLSocket

    def get(self, path: str) -> dict:
        """Return the JSON of an answer; the client is as thin as it can be, so that the server is what is measured."""
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAuthorization: Bearer sandbox-api-key\r\n\r\n"
        self.connection.sendall(head.encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.connection.recv(65_536)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += self.connection.recv(65_536)
        return json.loads(body)

    def seconds(self) -> float:
        """Return the processor time of the server."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self, kind: str) -> float:
        """Return the resident memory of the server, now (`VmRSS`) or at its highest (`VmHWM`)."""
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith(kind):
                return int(line.split()[1]) / 1024
        return float("nan")


@contextmanager
def serving(*arguments: str) -> Iterator[Server]:
    """Yield a sandbox that answers."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "serve", *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    ready = json.loads(process.stdout.readline())
    started = time.perf_counter() - begin
    port = int(ready["url"].rpartition(":")[2])
    context = ssl.create_default_context(cafile=ready["ca"])
    plain = socket.create_connection(("127.0.0.1", port))
    with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
        yield Server(process.pid, port, started, connection)
    process.terminate()
    process.wait()


def make_world(people: int) -> dict:
    """Return a world in which everybody is a user with a seat, and a member of two groups."""
    ids = [f"6f1c0000-0000-4000-8000-{number:012}" for number in range(people)]
    return {
        "world": 1,
        "tenant": {
            "rateLimits": False,
            "apiKeys": [{"token": "sandbox-api-key", "subject": "auth0|admin"}],
            "allotments": {"professional": {"units": people}, "analyzer": {"units": people}},
            "users": [
                {"subject": "auth0|admin", "name": "Admin", "assignedRoles": ["TenantAdmin"]},
                *({"subject": id, "name": id, "email": f"{id}@contoso.test"} for id in ids),
            ],
            "assignments": [
                {"subject": id, "type": "analyzer" if number % 5 else "professional"} for number, id in enumerate(ids)
            ],
        },
        "directory": {
            "tenantId": "11111111-1111-1111-1111-111111111111",
            "users": [
                {"id": id, "userPrincipalName": f"{id}@contoso.test", "displayName": id, "department": "Sales"}
                for id in ids
            ],
            "groups": [
                {
                    "id": f"aaaaaaaa-0000-4000-8000-{group:012}",
                    "displayName": f"Group {group}",
                    "mailNickname": f"group-{group}",
                    "members": ids[group::20],
                }
                for group in range(40)
            ],
        },
    }


def measure_pages(server: Server, limit: int) -> float:
    """Return the pages of assignments a second of processor time that the server answers, following its links."""
    path = first = f"{ROWS}?limit={limit}"
    server.get(first)
    begin = server.seconds()
    for _ in range(PAGES):
        link = server.get(path)["links"].get("next")
        path = f"/{link['href'].split('/', 3)[3]}" if link else first
    return PAGES / (server.seconds() - begin)


def main() -> None:
    """Measure a small and a large world."""
    table = Table("what", "measured", "target", title=f"the sandbox on one of {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as scratch:
        world, state = Path(scratch) / "world.json", Path(scratch) / "state.db"
        with serving() as server:
            table.add_row("started with the demo company", f"{server.started:.2f} s", "under 2 s")
        world.write_text(json.dumps(make_world(PEOPLE)), encoding="utf-8")
        with serving("--world", str(world), "--state", str(state)) as server:
            table.add_row(f"{PEOPLE:,} people read from a world and kept in a file", f"{server.started:.2f} s", "")
        with serving("--state", str(state)) as server:
            table.add_row(f"started again on that file, {PEOPLE:,} people", f"{server.started:.2f} s", "under 2 s")
        with serving("--world", str(world)) as server:
            for limit in (20, 100):
                rate = measure_pages(server, limit)
                table.add_row(f"pages of {limit} assignments a second", f"{rate:,.0f}", "1,000 or more")
            table.add_row(f"{PEOPLE:,} people, resident", f"{server.megabytes('VmRSS'):.0f} MB", "under 600 MB")
            table.add_row(f"{PEOPLE:,} people, at its highest", f"{server.megabytes('VmHWM'):.0f} MB", "")
    Console().print(table)


main()
