"""What is owned, in which order it goes, what blocks a deletion, and how long it takes."""

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from qlik_provider.leaver_report import Leaver, LeaverReport
from qlik_provider.owned import MOVABLE, WAYS, Belonging, Belongings, in_order
from qlik_provider.pace import BURST, WRITES_A_MINUTE, describe_pace, wait_before
from qlik_provider.rungs import Standing

APP = Belonging("app", "a1", "Budget", "ana")
BARRED = Belonging("app", "a2", "Costs", "ana", bar="this caller may not hand it over; give it the scope admin.apps")
NOTE = Belonging("note", "n1", "Minutes", "ana")
KEY = Belonging("api-key", "k1", "Excel", "ana")


def test_each_thing_is_there_once_as_the_most_exact_list_shows_it():
    vague = Belonging("automation", "w1", "Nightly", "ana", bar="of the items")
    exact = Belonging("automation", "w1", "Nightly", "ana", place="sales")

    assert in_order([vague, exact]) == (exact,)


def test_things_go_in_the_order_of_the_reference_and_folders_before_what_is_in_them():
    folder, inside = Belonging("data-file", "f2", "old", "ana"), Belonging("data-file", "f1", "a", "ana", folder="f2")
    kinds = [Belonging(kind, kind, kind, "ana") for kind in ("webhook", *reversed(WAYS), "dataset")]

    found = in_order([inside, folder, *kinds])

    assert [item.kind for item in found if item.kind in WAYS and item.id == item.kind] == list(WAYS)
    assert [item.kind for item in found[-2:]] == ["dataset", "webhook"]
    assert found.index(folder) < found.index(inside)


@pytest.mark.parametrize("kind", ["note", "webhook", "private-sheet", "what Qlik comes up with next year"])
def test_a_kind_without_a_call_blocks_with_a_way_out(kind):
    item = Belonging(kind, "1", "Thing", "ana")

    assert kind not in MOVABLE
    assert item.way == "none"
    assert item.obstacle.startswith(f"{kind} 'Thing': no call hands it over; ")
    assert Belongings((item,)).movable == ()


def test_whatever_is_owned_or_unknown_is_not_nothing():
    assert Belongings().is_nothing()
    assert not Belongings((KEY,)).is_nothing()
    assert not Belongings(unknown=("items: 403",)).is_nothing()
    mixed = Belongings((APP, BARRED, NOTE, KEY), ("items: 403",))
    assert mixed.movable == (APP, KEY)
    assert mixed.obstacles == (BARRED.obstacle, NOTE.obstacle, "items: 403")
    assert (APP.way, KEY.way) == ("transfer", "revoke")


@pytest.mark.parametrize(
    ("reached", "says"),
    [
        ((0, 20, 0.0), "0 of 20, less than a minute left"),
        ((0, 2000, 0.0), "0 of 2000, about 17 min left"),
        ((300, 2000, 30.0), "300 of 2000, about 17 min left"),
        ((500, 1000, 300.0), "500 of 1000, about 5 min left"),
        ((1990, 2000, 1200.0), "1990 of 2000, less than a minute left"),
    ],
)
def test_the_time_left_is_that_of_the_pace_so_far_and_of_the_limit(reached, says):
    assert describe_pace(*reached) == says


def test_nothing_is_sent_sooner_than_the_limit_allows_after_a_burst():
    sent, seconds = 0, 0.0
    while sent < 2000:
        seconds += wait_before(sent, seconds)
        sent += 1
        assert sent <= BURST + seconds / 60 * WRITES_A_MINUTE + 1e-6
    assert wait_before(BURST - 1, 0.0) == 0.0
    assert seconds == pytest.approx((2000 - BURST) * 60 / WRITES_A_MINUTE)


def test_a_table_names_everybody_with_what_stands_against_them():
    since, due = datetime(2026, 11, 1, 8, tzinfo=UTC), datetime(2027, 1, 23, 8, tzinfo=UTC)
    leaver = Leaver(
        "6f1c", "ana@contoso.test", "u1", "disabled", Standing("disabled", since), "delete", due, "held",
        Belongings((APP, Belonging("note", "n2", "Minutes [red]", "ana")), ("items: 403",)),
    )  # fmt: skip
    console = Console(width=400, file=io.StringIO())

    console.print(LeaverReport("https://contoso.test", since, (leaver,)).table())

    row = next(line for line in console.file.getvalue().splitlines() if "ana@contoso.test" in line)
    cells = [cell.strip() for cell in row.split("│")[1:-1]]
    assert cells[:2] == ["ana@contoso.test", "disabled"]
    assert cells[2:5] == ["2026-11-01T08:00Z", "app 1, note 1", "hand over and delete from 2027-01-23T08:00Z"]
    assert cells[5].startswith("held; note 'Minutes [red]': no call hands it over")
    assert cells[5].endswith("items: 403")
