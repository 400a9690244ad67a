"""What people keep who are no longer in a group that takes its seats back late; performs no I/O.

A group says by `releaseAfter` how long. The clock runs by person and group, from the first run that saw the absence;
who comes back in time was never gone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from qlik_provider.entitlements import PEOPLE, Entitlement, fold

Absences = Mapping[str, datetime]
"""When a run first saw somebody absent, by the key of the group."""


@dataclass(frozen=True)
class Releases:
    """How long each group keeps the seats of the absent, what it confers, and to whom an exception gives nothing."""

    after: Mapping[str, timedelta] = field(default_factory=dict)
    confers: Mapping[str, str] = field(default_factory=dict)
    denied: frozenset[str] = frozenset()
    """Folded subjects."""

    def note(
        self, subject: str, mine: Entitlement | None, declared: Entitlement | None, before: Absences, now: datetime
    ) -> dict[str, datetime]:
        """Return since when somebody is absent from which groups that gave what they hold, or still would give it.

        An exception beats every group, also those somebody has left.
        """
        if mine is None or fold(subject) in self.denied or (declared and PEOPLE in declared.keys):
            return {}
        since = {**dict.fromkeys(mine.keys, now.replace(second=0, microsecond=0)), **before}
        present = declared.keys if declared else ()
        return self.trim({key: first for key, first in since.items() if key not in present}, mine, now)

    def trim(self, absences: Absences, entry: Entitlement, now: datetime) -> dict[str, datetime]:
        """Return what of absences says something: one that is over does so only beside what its group gave.

        Forgotten before the seat is taken back, the clock would begin anew.
        """
        return {
            key: since
            for key, since in absences.items()
            if key in self.after and (key in entry.keys or self._lasts(key, since, now))
        }

    def keep(
        self, absences: Absences, declared: Entitlement | None, mail: str, rank: Callable[[str], int], now: datetime
    ) -> Entitlement | None:
        """Return what somebody would be declared as by the groups that keep it for them; None where none does."""
        lasting = [key for key, since in absences.items() if key in self.confers and self._lasts(key, since, now)]
        strongest_first = sorted(lasting, key=lambda key: (rank(self.confers[key]), key))
        if not strongest_first:
            return None
        type = self.confers[strongest_first[0]]
        return Entitlement(type, (*strongest_first, *(declared.keys if declared else ())), mail)

    def end(self, absences: Absences, type: str, rank: Callable[[str], int], now: datetime) -> datetime:
        """Return when somebody who is kept a type will lose it."""
        ends = {key: since + self.after[key] for key, since in absences.items() if self._lasts(key, since, now)}
        giving = [end for key, end in ends.items() if rank(self.confers.get(key, type)) <= rank(type)]
        return max(giving or ends.values())

    def _lasts(self, key: str, since: datetime, now: datetime) -> bool:
        return now - since < self.after[key]


def keep_as_is(mine: Entitlement, kept: Entitlement) -> Entitlement:
    """Return what somebody holds, with every group that would still give it: one of them may fall into doubt."""
    return replace(mine, keys=(*mine.keys, *(key for key in kept.keys if key not in mine.keys)))
