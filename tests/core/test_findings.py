import pytest

from qlik_provider.errors import UnfitSubject
from qlik_provider.probing.assumption import Way, fact, switch, unasked
from qlik_provider.probing.assumptions import ASSUMPTIONS
from qlik_provider.probing.findings import Finding, Found, count_verdicts, gather, positions_to_set
from qlik_provider.probing.report import lines_of
from qlik_provider.probing.trial_types import Types, choose_types
from qlik_provider.wire import Allotment, Overview

SWITCH = switch("order", Way.READ, "request,reversed", "it is looked at")


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        (Finding(SWITCH, Found("request")), "order: assumed request; found request"),
        (Finding(SWITCH, Found("reversed")), "order: assumed request; found reversed; set order: reversed"),
        (Finding(SWITCH, Found("any")), "order: assumed request; found any; no position of the switch is this"),
        (Finding(SWITCH, Found(because="it is empty")), "order: assumed request; cannot be told: it is empty"),
        (Finding(SWITCH), "order: assumed request; not asked (needs reading the tenant)"),
        (
            Finding(fact("date", Way.READ, "present", "…"), Found("absent")),
            "date: assumed present; found absent; no switch for it",
        ),
        (Finding(unasked("login", "a,b", "nobody logs in")), "login: assumed a; cannot be told: nobody logs in"),
    ],
)
def test_a_finding_is_one_line(finding, line):
    assert list(lines_of([finding])) == [line]


def test_only_positions_that_differ_are_to_be_set():
    found = [Finding(SWITCH, Found(answer)) for answer in ("request", "any")]
    assert positions_to_set(found) == {}
    assert positions_to_set([*found, Finding(SWITCH, Found("reversed"))]) == {"order": "reversed"}


def test_every_assumption_becomes_one_finding():
    findings = gather({"add-same-type": Found("ok200")})
    assert [finding.assumption.name for finding in findings] == list(ASSUMPTIONS)
    assert sum(count_verdicts(findings).values()) == len(ASSUMPTIONS)
    assert count_verdicts(findings)["differs"] == 1


def overview(**seats: tuple[int, int, int]) -> Overview:
    allotments = [
        Allotment(name=name, units=units, unitsUsed=used, overage=overage)
        for name, (units, used, overage) in seats.items()
    ]
    return Overview(licenseNumber="1", status="Ok", allotments=allotments)


def test_the_type_with_the_most_free_seats_is_given():
    seats = overview(professional=(9, 8, 0), analyzer=(9, 2, 0), viewer=(1, 1, 0))
    assert choose_types(seats, "") == Types("analyzer", "professional", "viewer")
    assert choose_types(seats, "professional") == Types("professional", "analyzer", "viewer")


def test_paid_overage_is_neither_free_nor_full():
    assert choose_types(overview(professional=(9, 8, 0), analyzer=(2, 2, 3)), "") == Types("professional")
    with pytest.raises(UnfitSubject, match="no seat of any type is free"):
        choose_types(overview(analyzer=(2, 2, -1)), "")


def test_minutes_are_given_to_nobody():
    pool = Allotment(name="analyzer_time", units=100, unitsUsed=0, usageClass="time")
    with pytest.raises(UnfitSubject, match="is no type of this license"):
        choose_types(Overview(licenseNumber="1", status="Ok", allotments=[pool]), "analyzer_time")
