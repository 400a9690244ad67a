"""Users of the tenant whom no group explains, all of them, as a table, as CSV and as JSON."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from rich.table import Table
from rich.text import Text

from qlik_provider.client import QlikClient
from qlik_provider.credentials import qlik_tokens
from qlik_provider.declaration import Declaration
from qlik_provider.entitlements import fold
from qlik_provider.graph import GraphClient
from qlik_provider.graph_credentials import GraphTokens
from qlik_provider.meaning import read_meaning, read_sign_in
from qlik_provider.people import TenantUser
from qlik_provider.spreadsheet import write_csv
from qlik_provider.strangers import describe_sign_in
from qlik_provider.tenant import Tenant

COLUMNS = ("subject", "name", "email", "status", "license")


@dataclass(frozen=True)
class StrangerReport:
    """Who is in the tenant and in no group of a stack, and what lets such people in."""

    users: tuple[TenantUser, ...]
    licenses: Mapping[str, str]
    """What people hold, by folded subject."""
    doubt: Mapping[str, str]
    """Groups whose people nobody can tell now: some of the users may be theirs."""
    remarks: tuple[str, ...]
    total: int
    """How many users the tenant has, clients aside."""

    def rows(self) -> list[tuple[str, ...]]:
        """Return each user as a row of COLUMNS."""
        return [
            (user.subject, user.name, user.email or "", user.status, self.licenses.get(fold(user.subject), ""))
            for user in self.users
        ]

    def document(self) -> dict[str, Any]:
        """Return the whole as JSON has it."""
        return {
            "version": 1,
            "total": self.total,
            "unexplained": [dict(zip(COLUMNS, row, strict=True)) for row in self.rows()],
            "doubt": dict(sorted(self.doubt.items())),
            "remarks": list(self.remarks),
        }

    def csv(self) -> str:
        """Return the users as CSV, with a head."""
        return write_csv(COLUMNS, self.rows())

    def lines(self) -> list[str]:
        """Return the users as a text has them, one a line."""
        return ["  ".join(part for part in row if part) for row in self.rows()]

    def table(self) -> Table:
        """Return the users as a terminal shows them."""
        table = Table(*COLUMNS)
        for row in self.rows():
            table.add_row(*map(Text, row))  # a name is no markup
        return table

    def foot(self) -> list[str]:
        """Return the count, what is in doubt, and what lets people in."""
        doubt = [f"in doubt, so some may be theirs: {key}: {reason}" for key, reason in sorted(self.doubt.items())]
        head = f"{len(self.users)} of {self.total} users of the tenant are in no group and no exception of this stack"
        return [head, *doubt, *self.remarks]


def read_strangers(declaration: Declaration, url: str, stack: str) -> StrangerReport:
    """Return whom no group of a stack explains; raises DeclarationError as a preview does, and writes nothing."""
    with closing(QlikClient(url, qlik_tokens(url))) as client, closing(GraphClient(GraphTokens())) as graph:
        return _read(declaration, Tenant(client), graph, stack)


def _read(declaration: Declaration, tenant: Tenant, graph: GraphClient, stack: str) -> StrangerReport:
    meaning = read_meaning(declaration, tenant, graph, stack)
    access = declaration.access
    read = read_sign_in(tenant, graph, access.sign_in.application if access.sign_in else None)
    faults = [declaration.fault("access", "signIn", "application", reason=reason) for reason in read.faults]
    remarks = describe_sign_in(read, meaning.people, creates_users=access.provision)
    return StrangerReport(
        users=meaning.unexplained,
        licenses=_name_licenses(tenant) if meaning.unexplained else {},
        doubt=meaning.counted.frozen,
        remarks=(*faults, *remarks),
        total=sum(not user.is_bot for user in meaning.names.users),
    )


def _name_licenses(tenant: Tenant) -> dict[str, str]:
    held: dict[str, list[str]] = {}
    for row in tenant.client.read_assignments():
        held.setdefault(fold(row.subject), []).append(row.type)
    return {subject: ", ".join(sorted(types)) for subject, types in held.items()}
