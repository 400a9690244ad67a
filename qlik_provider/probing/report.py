"""The findings of a probe, as lines, as a table and as JSON; performs no I/O."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic.alias_generators import to_camel
from rich import box
from rich.table import Table
from rich.text import Text

from qlik_provider.probing.findings import DIFFERS, Finding, count_verdicts, positions_to_set

FORMAT = 1


@dataclass(frozen=True)
class SeatsFound:
    """The seats of one license type."""

    units: int
    units_used: int
    overage: int
    usage_class: str


@dataclass(frozen=True)
class TenantFound:
    """What a world needs to know of a tenant beside its switches."""

    url: str
    name: str
    hostnames: tuple[str, ...]
    is_original_hostname: bool
    license: str
    model: str
    allotments: dict[str, SeatsFound]


def head_of(tenant: TenantFound) -> Iterator[str]:
    """Yield what is known of the tenant, a line each."""
    alias = "" if tenant.is_original_hostname else f", asked by an alias of {(*tenant.hostnames, '?')[0]}"
    yield f"tenant: {tenant.url} ({tenant.name}{alias})"
    yield f"license: {tenant.license}, {tenant.model}"
    yield "seats: " + ", ".join(
        f"{name} {seats.units_used} of {seats.units}{_more(seats.overage)}" for name, seats in tenant.allotments.items()
    )


def lines_of(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the findings as plain text, a line each."""
    for finding in findings:
        found = f"found {finding.shown}" if finding.has_answer else finding.shown
        setting = f"; {_show_setting(finding)}" if finding.setting else ""
        yield f"{finding.assumption.name}: assumed {finding.assumption.assumed}; {found}{setting}"


def table_of(findings: Sequence[Finding]) -> Table:
    """Return the findings as a table for a terminal."""
    table = Table("switch or fact", "assumed", "found", "set", box=box.SIMPLE, pad_edge=False)
    for finding in findings:
        style = "bold" if finding.verdict == DIFFERS else "" if finding.has_answer else "dim"
        cells = (finding.assumption.name, finding.assumption.assumed, finding.shown, finding.setting)
        table.add_row(*map(Text, cells), style=style)
    return table


def foot_of(findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the counts, and the switches of a sandbox that behaves like this tenant."""
    yield ", ".join(f"{verdict} {count}" for verdict, count in count_verdicts(findings).items())
    positions = positions_to_set(findings)
    if positions:
        yield "for a sandbox that behaves like this tenant, write in its world:"
        yield "switches:"
        yield from (f"  {name}: {_quote(position)}" for name, position in positions.items())


def document_of(tenant: TenantFound, findings: Sequence[Finding]) -> dict[str, Any]:
    """Return everything as JSON."""
    return {
        "probe": FORMAT,
        "tenant": _camel(asdict(tenant)),
        "findings": [finding.document() for finding in findings],
        "counts": {to_camel(verdict.replace(" ", "_")): n for verdict, n in count_verdicts(findings).items()},
        "switches": positions_to_set(findings),
    }


def _show_setting(finding: Finding) -> str:
    return f"set {finding.setting}" if finding.is_settable else finding.setting


def _more(overage: int) -> str:
    return " and any number more" if overage < 0 else f" and {overage} more" if overage else ""


def _quote(position: str) -> str:
    """Return the position as YAML; a word that YAML takes for something else stands in quotes."""
    return f'"{position}"' if position in {"true", "false", "null", "none"} or position[:1].isdigit() else position


def _camel(value: Any) -> Any:
    """Return a value with its field names in camel case; the names of license types stay."""
    if not isinstance(value, dict):
        return value
    return {
        to_camel(key): {name: _camel(seats) for name, seats in inner.items()} if key == "allotments" else _camel(inner)
        for key, inner in value.items()
    }
