"""A group of another object id than the one known so far says nothing about anybody."""

import pytest
from core.builders import Stack, declare, write_all

from qlik_provider.ledger import ASSIGNMENTS, carry_over

OLD, NEW = {"a": "id 1"}, {"a": "id 2"}


@pytest.mark.parametrize(
    ("held", "declared", "kept"),
    [
        pytest.param("analyzer via b", "professional via a, b", "analyzer via b", id="beside a weaker key"),
        pytest.param("analyzer via b", "professional via a, c, b", "professional via c, b", id="beside an equal one"),
        pytest.param(None, "professional via a, b", "analyzer via b", id="for the first time"),
        pytest.param("professional via a, b", "professional via a, b", "professional via a, b", id="as before"),
        pytest.param("analyzer via a", "professional via c, a", "professional via c, a", id="behind a stronger key"),
        pytest.param("analyzer via b", "professional via a", "professional via a", id="alone, which the plan freezes"),
    ],
)
def test_a_stranger_confers_no_type_and_the_other_keys_go_on(held: str | None, declared: str, kept: str):
    confers = {"confers_a": "professional", "confers_b": "analyzer", "confers_c": "professional"}
    old = declare({"ana": held} if held else {}, sources=OLD)

    inputs, _ = carry_over(old, declare({"ana": declared}, sources=NEW, **confers), ASSIGNMENTS)

    assert inputs["assignments"] == write_all({"ana": kept})


@pytest.mark.parametrize(
    ("held", "kept"), [pytest.param("analyzer via b", "analyzer via b", id="held"), pytest.param(None, None, id="new")]
)
def test_where_nobody_said_what_the_other_keys_confer_nothing_is_gained_or_lost(held: str | None, kept: str | None):
    old = declare({"ANA": held} if held else {}, sources=OLD)

    inputs, _ = carry_over(old, declare({"ana": "professional via a, b"}, sources=NEW), ASSIGNMENTS)

    values = [value.partition(" for ")[0] for value in inputs["assignments"].values()]
    assert values == ([kept] if kept else [])


def test_nobody_gains_and_nobody_loses_by_a_stranger_until_it_is_accepted():
    stack = Stack(units={"professional": 9, "analyzer": 9})
    confers = {"confers_a": "professional", "confers_b": "analyzer"}
    inputs = declare({"bo": "professional via a", "ana": "analyzer via b"}, sources=OLD, **confers)
    stack.up(inputs)
    stranger = declare({"cy": "professional via a", "ana": "professional via a, b"}, sources=NEW, **confers)

    for _ in range(3):
        inputs, _ = carry_over(inputs, stranger, ASSIGNMENTS)
        stack.up(inputs)
        assert stack.rows == {"bo": "professional", "ana": "analyzer"}

    accepted = {**stranger, "rules": {**stranger["rules"], "source.a": "id 2"}}
    inputs, _ = carry_over(inputs, accepted, ASSIGNMENTS)
    stack.up(inputs)
    assert stack.rows == {"cy": "professional", "ana": "professional"}
