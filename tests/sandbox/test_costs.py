"""What an answer costs, in statements: as many for many people as for a few."""

import asyncio

import pytest

from sandbox.app import Border
from sandbox.seed import replace_world
from sandbox.state import open_state
from sandbox.world import read_world

PAGE = "/api/v1/licenses/assignments"


def make_world(people):
    return {
        "world": 1,
        "tenant": {
            "apiKeys": [{"token": "key", "subject": "admin"}],
            "allotments": {"analyzer": {"units": people}},
            "users": [
                {"subject": "admin", "name": "Admin", "assignedRoles": ["TenantAdmin"]},
                *({"subject": f"u{number}", "name": f"U {number}"} for number in range(people)),
            ],
            "assignments": [{"subject": f"u{number}", "type": "analyzer"} for number in range(people)],
        },
    }


def ask(border, path):
    """Return the status of a GET that comes without a network."""
    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"limit=100",
        "headers": [(b"authorization", b"Bearer key")], "state": {}, "server": ("127.0.0.1", 1),
    }  # fmt: skip
    sent = []

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    # asyncio.run would leave the thread without a loop, and the Pulumi SDK's stand-in asks for one.
    loop = asyncio.new_event_loop()
    loop.run_until_complete(border(scope, receive, send))
    loop.close()
    return sent[0]["status"]


def statements(people):
    """Return the statements of the second page that is asked for, when everything has been prepared."""
    sandbox = open_state(None)
    replace_world(sandbox, read_world(make_world(people)))
    sandbox.db.commit()
    border, traced = Border(sandbox), []
    assert ask(border, PAGE) == 200
    sandbox.db.set_trace_callback(traced.append)
    assert ask(border, PAGE) == 200
    sandbox.db.close()
    return traced


@pytest.mark.parametrize("people", [100, 2_000])
def test_a_page_of_assignments_takes_a_handful_of_statements_and_writes_nothing(people):
    traced = statements(people)

    assert len(traced) <= 6
    assert [text for text in traced if not text.startswith("SELECT")] == []
