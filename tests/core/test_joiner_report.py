"""Who has never logged in, and how a spreadsheet, a machine and a reader are told."""

import json
from datetime import UTC, datetime

import pytest
from rich.console import Console

from qlik_provider.accounts import Account
from qlik_provider.entitlements import Assignment, Entitlement
from qlik_provider.joiner_report import COLUMNS, MISSING, Joiner, JoinerReport, find_joining, name_declared
from qlik_provider.joiners import Joiners
from qlik_provider.people import InvitedUser, TenantUser
from qlik_provider.resolution import Resolved
from qlik_provider.spreadsheet import write_csv

CREATED, EXPIRY = datetime(2026, 11, 2, 8, tzinfo=UTC), datetime(2026, 11, 9, 8, tzinfo=UTC)
ANA = Account("user", ("sales",), "ana@contoso.test", "Ana Silva")
BO = Entitlement("analyzer", ("hr", "sales"), "bo@contoso.test")


def resolved(**parts) -> Resolved:
    return Resolved({}, {}, {}, {}, {}, (), **parts)


def invited(subject: str, email: str | None = None, status: str = "invited") -> InvitedUser:
    return InvitedUser(subject, "Somebody", email, status, CREATED, EXPIRY)


def test_declared_is_who_is_to_be_a_user_or_else_who_gets_a_license_now_or_later():
    joining = resolved(joiners=Joiners({"s-ana": ANA}, {}, {}), waiting={"s-bo": BO})

    assert name_declared(joining) == {"s-ana": ANA}
    assert name_declared(resolved(waiting={"s-bo": BO})) == {"s-bo": BO}


def test_who_is_declared_and_no_user_can_be_asked_and_who_has_come_or_is_disabled_is_not_asked():
    users = [
        TenantUser("1", "S-ANA", email="ana@contoso.test"),
        TenantUser("2", "okta|cy", email="CY@contoso.test", status="disabled"),
    ]
    cy = Account("user", ("sales",), "cy@contoso.test", "Cy")

    found = find_joining({"s-ana": ANA, "s-cy": cy, "s-bo": BO}, users, [], [Assignment("S-BO", "analyzer")])

    assert found == (Joiner("bo@contoso.test", "", "s-bo", MISSING, None, None, ("analyzer",), ("hr", "sales")),)


@pytest.mark.parametrize(
    ("subject", "email", "keys"),
    [
        pytest.param("S-ANA", "old@contoso.test", ("sales",), id="by the subject"),
        pytest.param("okta|ana", "Ana@contoso.test", ("sales",), id="by the mail"),
        pytest.param("okta|joe", "joe@fabrikam.test", (), id="of others"),
        pytest.param("okta|joe", None, (), id="without a mail"),
    ],
)
def test_whom_anybody_invited_is_listed_with_what_declares_them(subject: str, email: str | None, keys):
    user = invited(subject, email, "provisioned")

    found = find_joining({"s-ana": ANA}, [TenantUser("1", subject, email=email)], [user], [])

    joiner = next(it for it in found if it.subject == subject)
    assert joiner == Joiner(email or "", "Somebody", subject, "provisioned", CREATED, EXPIRY, (), keys)
    assert len(found) == (1 if keys else 2), "who is nobody's leaves Ana to be asked too"


REPORT = JoinerReport(
    (
        Joiner("ana@contoso.test", "=Ana [bold]", "s-ana", "invited", CREATED, EXPIRY, ("analyzer",), ("hr", "sales")),
        Joiner("bo@contoso.test", "Bo", "s-bo", MISSING, None, None, (), ("sales",)),
    ),
    {"odd": "nobody knows"},
)


def test_the_report_is_a_table_a_text_csv_and_json():
    console = Console(width=300, record=True)
    console.print(REPORT.table())

    assert "=Ana [bold]" in console.export_text(), "a name is no markup"
    assert REPORT.lines() == [
        "ana@contoso.test  =Ana [bold]  s-ana  invited  2026-11-02T08:00Z  2026-11-09T08:00Z  analyzer  hr, sales",
        "bo@contoso.test  Bo  s-bo  missing  sales",
    ]
    assert REPORT.csv().splitlines() == [
        ",".join(COLUMNS),
        'ana@contoso.test,\'=Ana [bold],s-ana,invited,2026-11-02T08:00Z,2026-11-09T08:00Z,analyzer,"hr, sales"',
        "bo@contoso.test,Bo,s-bo,missing,,,,sales",
    ]
    document = json.loads(json.dumps(REPORT.document()))
    assert document["joiners"][0]["groups"] == ["hr", "sales"]
    assert document["joiners"][1]["created"] is None
    assert (document["version"], document["doubt"]) == (1, {"odd": "nobody knows"})
    assert REPORT.foot() == [
        "2 have never logged in: invited 1, missing 1",
        "in doubt, so some may not be listed: odd: nobody knows",
    ]
    assert JoinerReport((), {}).foot() == ["0 have never logged in"]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_is_a_formula(cell: str):
    assert write_csv(("a",), [(cell,), ("a=b",)]).startswith(("a\n'", "a\n\"'"))
    assert "a=b" in write_csv(("a",), [("a=b",)]).splitlines()
