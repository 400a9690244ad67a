"""Who is declared or created and has never logged in: as a table, as CSV and as JSON."""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from qlik_provider.accounts import Account
from qlik_provider.client import QlikClient
from qlik_provider.credentials import qlik_tokens
from qlik_provider.declaration import Declaration
from qlik_provider.entitlements import MINUTE_FORMAT, Assignment, Entitlement, fold
from qlik_provider.graph import GraphClient
from qlik_provider.graph_credentials import GraphTokens
from qlik_provider.meaning import read_meaning
from qlik_provider.people import InvitedUser, TenantUser
from qlik_provider.plurals import count_of
from qlik_provider.resolution import Resolved
from qlik_provider.spreadsheet import write_csv
from qlik_provider.tenant import Tenant

COLUMNS = ("mail", "name", "subject", "status", "created", "inviteExpiry", "license", "groups")
MISSING = "missing"
"""The status of somebody who is declared and no user yet."""


@dataclass(frozen=True)
class Joiner:
    """Somebody who has never logged in."""

    mail: str
    name: str
    subject: str
    status: str
    """`invited` or `provisioned`, as the tenant says, or MISSING."""
    created: datetime | None
    invite_expiry: datetime | None
    """Until when the invitation counts."""
    licenses: tuple[str, ...]
    """The types that already wait for them."""
    keys: tuple[str, ...]
    """What declares them; nothing for somebody whom others invited."""

    def cells(self) -> tuple[str, ...]:
        """Return this as a row of COLUMNS."""
        times = [f"{time:{MINUTE_FORMAT}}" if time else "" for time in (self.created, self.invite_expiry)]
        return (self.mail, self.name, self.subject, self.status, *times, ", ".join(self.licenses), ", ".join(self.keys))

    def document(self) -> dict[str, Any]:
        """Return this as JSON has it."""
        times = [time.isoformat() if time else None for time in (self.created, self.invite_expiry)]
        values = (self.mail, self.name, self.subject, self.status, *times, list(self.licenses), list(self.keys))
        return dict(zip(COLUMNS, values, strict=True))


@dataclass(frozen=True)
class JoinerReport:
    """Everybody who can be asked to log in, by e-mail."""

    joiners: tuple[Joiner, ...]
    doubt: Mapping[str, str]
    """Groups whose people nobody can tell now; some may be missing here."""

    def document(self) -> dict[str, Any]:
        """Return the whole as JSON has it."""
        people = [joiner.document() for joiner in self.joiners]
        return {"version": 1, "joiners": people, "doubt": dict(sorted(self.doubt.items()))}

    def csv(self) -> str:
        """Return everybody as CSV, with a head."""
        return write_csv(COLUMNS, [joiner.cells() for joiner in self.joiners])

    def lines(self) -> list[str]:
        """Return everybody as a text has them, one a line."""
        return ["  ".join(cell for cell in joiner.cells() if cell) for joiner in self.joiners]

    def table(self) -> Table:
        """Return everybody as a terminal shows them."""
        table = Table(*COLUMNS)
        for joiner in self.joiners:
            table.add_row(*map(Text, joiner.cells()))  # a name is no markup
        return table

    def foot(self) -> list[str]:
        """Return the counts, and what is in doubt."""
        counts = Counter(joiner.status for joiner in self.joiners)
        told = f": {', '.join(f'{status} {counts[status]}' for status in sorted(counts))}" if counts else ""
        doubt = [f"in doubt, so some may not be listed: {key}: {why}" for key, why in sorted(self.doubt.items())]
        return [f"{count_of(len(self.joiners), 'has', 'have')} never logged in{told}", *doubt]


def read_joiners(declaration: Declaration, url: str, stack: str) -> JoinerReport:
    """Return who has never logged in; raises DeclarationError as a preview does, and writes nothing."""
    with closing(QlikClient(url, qlik_tokens(url))) as client, closing(GraphClient(GraphTokens())) as graph:
        rows = client.read_assignments()
        meaning = read_meaning(declaration, Tenant(client), graph, stack)
        found = find_joining(name_declared(meaning.resolved), meaning.names.users, client.read_invited_users(), rows)
    return JoinerReport(found, meaning.counted.frozen)


def name_declared(resolved: Resolved) -> dict[str, Entitlement]:
    """Return who is declared, by subject: where nobody is created, who gets a license now or with the first login."""
    if resolved.joiners:
        return dict(resolved.joiners.people)
    return {**resolved.waiting, **resolved.assignments}


def find_joining(
    declared: Mapping[str, Entitlement],
    users: Iterable[TenantUser],
    invited: Iterable[InvitedUser],
    rows: Iterable[Assignment],
) -> tuple[Joiner, ...]:
    """Return who has never logged in, by e-mail: who is declared and no user, and whom anybody invited.

    A user is known by the subject, else by the e-mail.
    """
    held: dict[str, list[str]] = {}
    for row in rows:
        held.setdefault(fold(row.subject), []).append(row.type)
    known = {fold(text) for user in users for text in (user.subject, user.email or "")}
    by_name = {fold(subject): entitlement for subject, entitlement in declared.items()}
    by_name |= {fold(entitlement.mail): entitlement for entitlement in declared.values()}

    def licenses(subject: str) -> tuple[str, ...]:
        return tuple(sorted(held.get(fold(subject), ())))

    joiners = [
        Joiner(entitlement.mail, _name(entitlement), subject, MISSING, None, None, licenses(subject), entitlement.keys)
        for subject, entitlement in declared.items()
        if not known & {fold(subject), fold(entitlement.mail)}
    ]
    for user in invited:
        found = by_name.get(fold(user.subject)) or by_name.get(fold(user.email or ""))
        keys = found.keys if found else ()
        mail = user.email or (found.mail if found else "")
        held_now = licenses(user.subject)
        joiners.append(
            Joiner(mail, user.name, user.subject, user.status, user.created, user.invite_expiry, held_now, keys)
        )
    return tuple(sorted(joiners, key=lambda joiner: (fold(joiner.mail), fold(joiner.subject))))


def _name(entitlement: Entitlement) -> str:
    return entitlement.name if isinstance(entitlement, Account) else ""
