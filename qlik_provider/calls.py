"""What every provider does with a call of the engine, whatever its resource is."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from pulumi.output import Unknown

from qlik_provider.errors import QlikProviderError

P = ParamSpec("P")
R = TypeVar("R")
Self = TypeVar("Self")


def in_one_line(method: Callable[Concatenate[Self, P], R]) -> Callable[Concatenate[Self, P], R]:
    """Let an error of ours through without the errors behind it, which the engine would print as well."""

    @functools.wraps(method)
    def call(self: Self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except QlikProviderError as error:
            raise error from None

    return call


def without_provider(bag: Mapping[str, Any]) -> dict[str, Any]:
    """Return a bag without what the engine adds to find the provider again."""
    return {name: value for name, value in bag.items() if name != "__provider"}


def fill_unknown(news: Mapping[str, Any], olds: Mapping[str, Any]) -> dict[str, Any]:
    """Return the news with what cannot be known yet as it was: an unknown value equals itself."""
    filled: dict[str, Any] = {}
    for name, value in news.items():
        old = olds.get(name)
        if isinstance(value, Mapping):
            filled[name] = fill_unknown(value, old if isinstance(old, Mapping) else {})
        else:
            filled[name] = old if isinstance(value, Unknown) else value
    return filled


def has_unknown(value: Any) -> bool:
    """Tell whether anything in a value cannot be known yet."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    return isinstance(value, Unknown)
