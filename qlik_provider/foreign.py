"""Rows that neither the record nor the declaration explains: whose they are, and whether this client gave them.

The audits name the caller, not the stack: a person whose API key is used here, and another stack with the same client,
look the same. So what they say is told, and never makes a row this stack's.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from qlik_provider.client import QlikClient
from qlik_provider.entitlements import Assignment, Unexplained, fold

_AROUND = timedelta(minutes=1)  # an event may be stamped before or after its row
_DAWN = datetime.min.replace(tzinfo=UTC)


def newest_beyond(rows: Iterable[Assignment], known: Mapping[str, int], counted: Mapping[str, int]) -> list[Assignment]:
    """Return, by type, as many of the newest rows as `counted` are more than `known`."""
    beyond: list[Assignment] = []
    by_age = sorted(rows, key=lambda row: (row.created or _DAWN, row.subject), reverse=True)
    for type, count in sorted(counted.items()):
        more = max(count - known.get(type, 0), 0)
        beyond += [row for row in by_age if row.type == type][:more]
    return beyond


def find_own_users_rows(client: QlikClient, rows: Iterable[Assignment]) -> tuple[Unexplained, ...]:
    """Return the rows whose subject is a user of this tenant; those of others on the same license are not ours to name.

    https://qlik.dev/apis/rest/licenses (orphans)
    """
    orphans = {fold(row.subject) for row in client.read_assignments(orphans=True)}
    return tuple(_explain(row, None) for row in _in_order(rows) if fold(row.subject) not in orphans)


def find_rows_given_by_caller(client: QlikClient, rows: Sequence[Assignment]) -> tuple[Unexplained, ...]:
    """Return the rows that the audits say this caller gave, and when.

    https://qlik.dev/apis/rest/audits
    """
    dated = [row.created for row in rows if row.created]
    if not dated:
        return ()
    events = client.read_given(client.read_caller(), min(dated) - _AROUND, client.now + _AROUND)
    given: dict[tuple[str, str], datetime] = {}
    for event in events:
        key = fold(event.subject), event.type
        given[key] = max(given.get(key, _DAWN), event.time)
    return tuple(
        _explain(row, when)
        for row in _in_order(rows)
        if (when := given.get((fold(row.subject), row.type))) and row.created and when >= row.created - _AROUND
    )


def _in_order(rows: Iterable[Assignment]) -> list[Assignment]:
    return sorted(rows, key=lambda row: (fold(row.subject), row.type))


def _explain(row: Assignment, given: datetime | None) -> Unexplained:
    return Unexplained(row.subject, row.type, row.created, given)
