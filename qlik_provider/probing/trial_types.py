"""The license types a trial uses, and what it announces; performs no I/O."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from qlik_provider.errors import UnfitSubject
from qlik_provider.wire import Allotment, Overview

CAPACITY = frozenset({"fullUser", "basicUser"})
NO_TYPE = "qlik-provider-probe"  # a license type that no license has


@dataclass(frozen=True)
class Types:
    """The license types the trials use."""

    given: str
    """Given to the subject; it has a free seat."""
    other: str = ""
    """Another one with a free seat, where there is one."""
    full: str = ""
    """Another one without, where there is one."""


def choose_types(overview: Overview, wanted: str) -> Types:
    """Return the types to try with; raises UnfitSubject where no seat is free. Paid overage counts as no seat."""
    assigned = assignable(overview)
    assigned.sort(key=lambda allotment: allotment.units_used - allotment.units)  # where most seats are free, first
    names = [allotment.name for allotment in assigned]
    free = [allotment.name for allotment in assigned if allotment.units_used < allotment.units]
    if not wanted and CAPACITY & set(names):
        raise UnfitSubject("on a capacity license name the type to try with --type; a wrong one costs a Full User seat")
    if wanted and wanted not in names:
        raise UnfitSubject(f"--type {wanted} is no type of this license; it has {', '.join(names)}")
    if not free or (wanted and wanted not in free):
        raise UnfitSubject(f"no seat of {wanted or 'any type'} is free, and one is needed for a moment")
    given = wanted or free[0]
    other = next((name for name in free if name != given), "")
    full = next((allotment.name for allotment in assigned if _is_full(allotment)), "")
    return Types(given, other, full)


def assignable(overview: Overview) -> list[Allotment]:
    """Return the allotments whose seats are given to people."""
    return [allotment for allotment in overview.allotments if allotment.usage_class == "assigned"]


def describe_trials(subject: str, types: Types, held: Sequence[str]) -> Iterator[str]:
    """Yield what the trials will do, a line each."""
    yield f"on {subject} only, who holds {' and '.join(held) or 'nothing'} before and after:"
    yield "  delete rows it does not hold, in batches of up to 1000"
    if held:
        yield f"  add {held[0]} a second time"
        yield f"  add the type {NO_TYPE}, which no license has"
        return
    if types.full:
        yield f"  add {types.full}, which is full"
    yield f"  add {types.given}, delete it, add it twice: one seat is taken until the end"
    yield f"  add the type {NO_TYPE}, which no license has"
    if types.other:
        yield f"  add {types.other} beside it: one seat of {types.other} is perhaps taken for a moment"
    if types.full:
        yield f"  update {types.given} to {types.full}, which is full"
    yield "  delete whatever it holds then"
    yield "  on a tenant that keeps seats given back, they stay taken for days"


def _is_full(allotment: Allotment) -> bool:
    return allotment.overage >= 0 and allotment.units_used >= allotment.units + allotment.overage
