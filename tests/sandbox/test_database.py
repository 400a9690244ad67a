"""What the connection remembers between two writes; no answer may ever be older than the last of them."""

import pytest

from sandbox.state import open_state


@pytest.fixture
def sandbox():
    sandbox = open_state(None)
    sandbox.put_setting("name", "first")
    sandbox.db.commit()
    yield sandbox
    sandbox.db.close()


def test_nothing_is_asked_twice_without_a_write(sandbox):
    asked = []
    for _ in range(3):
        sandbox.db.recall("key", lambda: asked.append(1))

    assert asked == [1]


def test_a_write_is_seen_at_once(sandbox):
    assert sandbox.setting("name") == "first"
    sandbox.put_setting("name", "second")

    assert sandbox.setting("name") == "second"


def test_what_is_undone_was_never_known(sandbox):
    sandbox.put_setting("name", "second")
    assert sandbox.setting("name") == "second"
    sandbox.db.rollback()

    assert sandbox.setting("name") == "first"


def test_what_one_item_of_a_batch_undoes_was_never_known(sandbox):
    sandbox.db.execute("SAVEPOINT item")
    sandbox.put_setting("name", "second")
    assert sandbox.setting("name") == "second"
    sandbox.db.execute("ROLLBACK TO item")

    assert sandbox.setting("name") == "first"
