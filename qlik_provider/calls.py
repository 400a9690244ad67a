"""What every provider does with a call of the engine, whatever its resource is."""

import functools
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

from pulumi.dynamic import CheckFailure, CheckResult, ConfigureRequest, ResourceProvider
from pulumi.output import Unknown

from qlik_provider.errors import QlikProviderError

P = ParamSpec("P")
R = TypeVar("R")
Self = TypeVar("Self")


FROZEN = "frozen"
"""The input of a resource that is to stay as the state has it."""


class StatelessProvider(ResourceProvider):
    """A provider that is pickled by reference: a state holds no code, no credentials and never changes with a release.

    Its subclasses say by `__reduce__` where they are found.
    """

    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:
        """Have errors printed as one line; the credentials come from the environment, never from the state."""
        del req
        sys.tracebacklimit = 0


def in_one_line(method: Callable[Concatenate[Self, P], R]) -> Callable[Concatenate[Self, P], R]:
    """Let an error of ours through without the errors behind it, which the engine would print as well."""

    @functools.wraps(method)
    def call(self: Self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return method(self, *args, **kwargs)
        except QlikProviderError as error:
            raise error from None

    return call


@contextmanager
def telling_failure(tell: Callable[[str], None]) -> Iterator[None]:
    """Give the reason of whatever is raised inside to `tell`, and let it through; of foreign errors only the kind."""
    try:
        yield
    except Exception as error:
        tell(str(error) if isinstance(error, QlikProviderError) else type(error).__name__)
        raise


def describe_move(olds: Mapping[str, Any], news: Mapping[str, Any], identity: Iterable[str]) -> str:
    """Return which of the inputs that a resource keeps for life became another; empty for none, and on a first run."""
    moved = (name for name in identity if olds and olds.get(name) != news.get(name))
    return next((f"{name} {olds.get(name)} became {news.get(name)}" for name in moved), "")


def leave_frozen(olds: Mapping[str, Any], news: Mapping[str, Any]) -> CheckResult | None:
    """Return the inputs as they were, for a resource that is to stay as it is; None for any other.

    No plan is made of one that is not noted as checked, so nothing is read and nothing is written.
    """
    if not news.get(FROZEN):
        return None
    recorded = without_provider(olds)
    failures = [] if recorded else [CheckFailure("", "what is not in the state cannot be left as it is")]
    return CheckResult(recorded, failures)


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
