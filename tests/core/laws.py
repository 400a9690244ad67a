"""What makes a property a law: it is checked on many worlds in every run of the tests, on ten times as many by word."""

import os
from collections.abc import Callable
from functools import update_wrapper

import pytest
from core.builders import Stack, done
from core.naive import World
from core.worlds import approved_of, inputs_of_world, is_settled, stack_of
from hypothesis import given, reject, settings
from hypothesis.strategies import SearchStrategy

from qlik_provider.errors import UnsafePlan
from qlik_provider.plan import Plan

IN_THE_SUITE, IN_THE_CAMPAIGN = int(os.environ.get("LAW_WORLDS", "600")), 6_000
FATES = ("done", "refused", "short", "unsent")


def law(*strategies: SearchStrategy) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the decorator of a property; `make campaign` checks each on other worlds every time."""
    examples = [
        pytest.param(IN_THE_SUITE, id="suite"),
        pytest.param(IN_THE_CAMPAIGN, id="campaign", marks=pytest.mark.campaign),
    ]

    def decorate(check: Callable[..., None]) -> Callable[..., None]:
        def test(count: int) -> None:
            settings(max_examples=count, derandomize=count == IN_THE_SUITE)(given(*strategies)(check))()

        update_wrapper(test, check)
        del test.__wrapped__  # pytest would ask it for its parameters
        return pytest.mark.parametrize("count", examples)(test)

    return decorate


def applied(world: World, fate=done) -> tuple[Stack, Plan]:
    """Return the stack of a world after an up, and its plan; a world in which nothing may be sent is no case."""
    stack = stack_of(world)
    try:
        plan = stack.up(inputs_of_world(world), approved_of(world), fate, settled=is_settled(world))
    except UnsafePlan:
        reject()
    return stack, plan


def fates_by(numbers: list[int]):
    """Return a fate for each change, by its place in the alphabet of subjects."""
    return lambda change: FATES[numbers[int(change.key[1:]) % len(numbers)]]
