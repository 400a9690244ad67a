from dataclasses import replace
from datetime import timedelta

import pytest
from core.builders import NOW, entitle

from qlik_provider.brake import (
    Brake,
    Reading,
    add_removals,
    count_removals,
    describe_breach,
    read_brake,
    recent_removals,
)
from qlik_provider.entitlements import Entitlement, Removals


@pytest.mark.parametrize(
    ("removals", "population", "is_breached"),
    [
        pytest.param(0, 0, False, id="nobody"),
        pytest.param(25, 1_000, False, id="as many as max"),
        pytest.param(26, 1_000, True, id="one more than max"),
        pytest.param(19, 19, False, id="everybody of a few, below the minimum"),
        pytest.param(2, 20, False, id="just the percentage"),
        pytest.param(3, 20, True, id="over the percentage"),
        pytest.param(10, 109, False, id="a little less than the percentage"),
        pytest.param(11, 109, True, id="a little more than the percentage"),
        pytest.param(26, 19, True, id="max counts below the minimum too"),
    ],
)
def test_too_many_is_over_max_or_over_the_percentage_of_enough_people(removals: int, population: int, *, is_breached):
    assert Brake(max=25, percent=10, minimum=20).is_breached(removals, population) is is_breached


def test_a_brake_that_allows_nobody_holds_the_first():
    assert [Brake(max=0).is_breached(removals, 5) for removals in (0, 1)] == [False, True]


def people(count: int, *keys: str) -> list[Entitlement]:
    return [Entitlement("analyzer", keys, f"{index}@contoso.test") for index in range(count)]


def test_the_brake_reads_the_resource_and_each_key_that_loses_somebody():
    losing = [*people(2, "finance"), *people(1, "finance", "sales")]
    holding = [*losing, *people(4, "sales"), *people(1, "hand")]

    readings = read_brake(Brake(), losing, holding, Removals(2, (("sales", 2),)))

    assert readings == (
        Reading("", 3, 2, 10, breached=False),
        Reading("finance", 3, 0, 3, breached=False),
        Reading("sales", 1, 2, 7, breached=False),
    )


def test_a_key_breaches_alone():
    losing = people(3, "finance")

    readings = read_brake(Brake(max=25, percent=50, minimum=3), losing, [*losing, *people(20, "sales")], Removals())

    assert {reading.key: reading.breached for reading in readings} == {"": False, "finance": True}


def test_removals_of_the_last_day_count_and_do_not_breach_without_a_new_one():
    brake = Brake(max=2)

    assert not read_brake(brake, [], people(5, "finance"), Removals(9))[0].breached
    assert read_brake(brake, people(1, "finance"), people(5, "finance"), Removals(2))[0].breached


@pytest.mark.parametrize(
    ("age", "counts"),
    [
        pytest.param(timedelta(0), True, id="now"),
        pytest.param(timedelta(hours=24), True, id="a day, of which the minute may have been the last second"),
        pytest.param(timedelta(hours=24, minutes=1), False, id="a day and a minute"),
        pytest.param(timedelta(minutes=-5), True, id="in the future, after a clock went back"),
    ],
)
def test_a_removal_counts_for_a_day(age: timedelta, *, counts: bool):
    removed = {NOW - age: Removals(1)}

    assert recent_removals(removed, NOW) == (removed if counts else {})


def test_people_are_counted_once_and_under_each_key():
    lost = [entitle("analyzer via finance, sales", "ana"), entitle("analyzer via sales", "bo")]

    assert count_removals(lost) == Removals(2, (("finance", 1), ("sales", 2)))


def test_removals_are_added_to_those_of_their_minute():
    earlier, later = NOW - timedelta(minutes=1), NOW.replace(second=59, microsecond=7)
    removed = {earlier: Removals(1), NOW: Removals(1, (("sales", 1),))}

    total = add_removals(removed, Removals(1, (("sales", 1),)), later)

    assert total == {earlier: Removals(1), NOW: Removals(2, (("sales", 2),))}


def test_only_what_is_too_many_is_described():
    readings = [Reading("", 3, 0, 9, breached=True), Reading("a", 1, 0, 4, breached=False)]
    readings.append(Reading("b", 2, 0, 5, breached=True))

    assert describe_breach(readings) == f"{readings[0]}; {readings[2]}"
    assert not describe_breach(readings[1:2])


WHOLE = Reading("", 3, 1, 9, breached=True)


def test_a_key_that_is_the_whole_resource_is_not_told_twice():
    key = replace(WHOLE, key="a")

    assert describe_breach([WHOLE, key]) == f"{WHOLE}"
    assert describe_breach([replace(WHOLE, breached=False), key]) == f"{key}"


@pytest.mark.parametrize("numbers", [{"now": 2}, {"recent": 0}, {"population": 8}])
def test_a_key_with_other_numbers_than_the_whole_resource_is_told_beside_it(numbers: dict[str, int]):
    key = replace(WHOLE, key="a", **numbers)

    assert describe_breach([WHOLE, key]) == f"{WHOLE}; {key}"


def test_readings_and_limits_are_said_in_words():
    assert str(Reading("", 3, 2, 10, breached=True)) == "5 removals in 24 hours (3 now, 2 before) among 10 people"
    assert (
        str(Reading("finance", 1, 0, 4, breached=True))
        == "1 removal of finance in 24 hours (1 now, 0 before) among 4 people"
    )
    assert str(Reading("", 1, 0, 1, breached=True)) == "1 removal in 24 hours (1 now, 0 before) among 1 person"
    assert str(Brake()) == "the brake allows 25, and 10 % from 20 people on"
