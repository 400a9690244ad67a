import pytest
from core.builders import entitle

from qlik_provider.changes import Change, batch, in_mail_order, name_some, seat
from qlik_provider.entitlements import Entitlement, Seats

P, A, B, C = "professional", "analyzer", "basicUser", "creator"


def change(subject: str, held: str | None, type: str | None) -> Change:
    declared = entitle(f"{type} via finance", subject) if type else None
    mine = entitle(f"{held} via finance", subject) if held else None
    return Change(verb_of(held, type), subject, subject, declared, mine, held, is_removal=type is None)


def verb_of(held: str | None, type: str | None):
    if held is None:
        return "assign"
    return "switch" if type else "revoke"


def full(**used: int) -> dict[str, Seats]:
    return {type: Seats(count, count) for type, count in used.items()}


def order(seating) -> list[str]:
    return [change.key for change in seating.ordered]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param(change("ana", None, P), "assign professional to ana@contoso.test (finance)", id="assign"),
        pytest.param(
            change("ana", A, P), "switch ana@contoso.test from analyzer to professional (finance)", id="switch"
        ),
        pytest.param(change("ana", P, None), "revoke professional from ana@contoso.test", id="revoke"),
        pytest.param(
            Change("assign", "id", "id", Entitlement("member", (), "ana@contoso.test"), None, None),
            "add ana@contoso.test",
            id="add a member",
        ),
        pytest.param(
            Change("revoke", "id", "id", None, Entitlement("member", (), "ana@contoso.test"), "member"),
            "remove ana@contoso.test",
            id="remove a member",
        ),
    ],
)
def test_a_change_says_itself_in_one_line(change: Change, sentence: str):
    assert str(change) == sentence


def test_a_change_of_nobody_we_know_is_named_by_the_subject():
    assert Change("revoke", "x", "X", None, None, P).mail == "X"


def test_of_a_row_this_stack_did_not_make_only_the_type_is_lost():
    lowered = Change("switch", "ana", "ana", entitle("analyzer via finance", "ana"), None, P, is_removal=True)

    assert lowered.lost == Entitlement(P, (), "ana@contoso.test")
    assert change("ana", P, None).lost == entitle("professional via finance", "ana")


def test_seats_are_freed_before_they_are_used():
    changes = [change("ana", None, P), change("bo", A, P), change("cy", P, None), change("di", P, None)]

    seating = seat(changes, full(professional=2, analyzer=1))

    assert order(seating) == ["cy", "di", "bo", "ana"]
    assert {type: str(seats) for type, seats in seating.seats.items()} == {P: "2 of 2", A: "0 of 1"}
    assert not seating.short


def test_a_switch_waits_until_another_switch_has_freed_its_seat():
    chain = [change("ana", B, A), change("bo", A, P), change("cy", P, None)]

    assert order(seat(chain, full(professional=1, analyzer=1, basicUser=1))) == ["cy", "bo", "ana"]


def test_a_cycle_in_a_full_tenant_is_left_and_named():
    seating = seat([change("ana", A, P), change("bo", P, A)], full(professional=1, analyzer=1))

    assert not seating.ordered
    assert list(seating.describe_shortage()) == [
        (
            "1 short of analyzer: of 1 seat none is left for bo@contoso.test; "
            "buy seats, take some back, or declare fewer people"
        ),
        (
            "1 short of professional: of 1 seat none is left for ana@contoso.test; "
            "buy seats, take some back, or declare fewer people"
        ),
    ]


def test_one_free_seat_is_not_taken_by_the_switch_that_leaves_the_others_in_a_cycle():
    changes = [change("ana", P, B), change("bo", A, B), change("cy", B, A)]
    seats = {P: Seats(1, 1), A: Seats(1, 1), B: Seats(2, 1)}

    assert not seat(changes, seats).short


def test_a_switch_that_lets_others_follow_goes_before_one_that_uses_up_the_free_seat():
    changes = [change("ana", P, A), change("bo", B, A), change("cy", A, P), change("di", A, P)]
    seats = {P: Seats(2, 1), A: Seats(2, 2), B: Seats(1, 1)}

    seating = seat(changes, seats)

    assert order(seating) == ["cy", "ana", "di", "bo"]
    assert not seating.short


def test_a_seat_too_many_in_use_lets_nobody_follow():
    """The seat that bo leaves is one of more than there are, so nobody can take it: cy has to go first."""
    changes = [change("bo", A, P), change("cy", B, P), change("di", P, B), change("ed", B, A)]
    seats = {P: Seats(2, 1), A: Seats(1, 2), B: Seats(2, 2)}

    assert [short.key for short in seat(changes, seats).short] == ["ed"]


def test_of_two_who_want_one_seat_and_let_nobody_follow_the_first_by_mail_gets_it():
    changes = [change("bo", A, P), change("ana", B, P)]

    assert order(seat(changes, {P: Seats(1, 0), A: Seats(1, 1), B: Seats(1, 1)})) == ["ana"]


@pytest.mark.parametrize(
    ("moves", "seats", "short"),
    [
        pytest.param(
            [(C, P), (A, P), (B, A), (P, A)],
            {P: Seats(1, 1), A: Seats(2, 1), B: Seats(1, 1), C: Seats(0, 1)},
            [(A, P), (B, A)],
            id="a type with a seat too many in use ends no search for others",
        ),
        pytest.param(
            [(C, A), (P, B), (A, B), (B, A)],
            {P: Seats(1, 1), A: Seats(1, 1), B: Seats(3, 2), C: Seats(2, 2)},
            [(P, B), (B, A)],
            id="who has moved already lets nobody follow",
        ),
        pytest.param(
            [(C, A), (P, C), (B, A), (A, C), (A, P), (B, P), (C, B)],
            {P: Seats(3, 2), A: Seats(4, 3), B: Seats(2, 2), C: Seats(3, 3)},
            [],
            id="a circle beside the way back is walked once",
        ),
    ],
)
def test_it_is_looked_for_a_way_back_to_the_seat_that_is_taken(moves: list, seats: dict[str, Seats], short: list):
    changes = [change(f"u{index}", *move) for index, move in enumerate(moves)]

    assert [(change.held, change.type) for change in seat(changes, seats).short] == short


def test_a_type_without_seats_is_unlimited():
    seating = seat([change(name, None, "member") for name in ("ana", "bo")], {})

    assert order(seating) == ["ana", "bo"]


def test_overage_counts_as_room():
    assert not seat([change("ana", None, P)], {P: Seats(1, 1, overage=1)}).short


def test_with_fewer_units_than_seats_in_use_nobody_new_is_seated():
    seats = {P: Seats(2, 4)}

    assert order(seat([change("ana", P, None), change("bo", None, P)], seats)) == ["ana"]


def test_who_finds_no_seat_is_told_in_the_order_of_mails():
    changes = [change(name, None, P) for name in ("cy", "ana", "bo")]

    assert order(seat(changes, {P: Seats(2, 0)})) == ["ana", "bo"]


def test_changes_stand_in_the_order_of_mails_in_any_case_then_of_subjects():
    mails = {"1": "bo@contoso.test", "2": "ANA@contoso.test", "4": "Cy@contoso.test", "3": "cy@contoso.test"}
    changes = [Change("assign", key, key, Entitlement(P, (), mail), None, None) for key, mail in mails.items()]

    assert [change.key for change in in_mail_order(changes)] == ["2", "1", "3", "4"]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        pytest.param(1, "n0", id="one"),
        pytest.param(5, "n0, n1, n2, n3, n4", id="five"),
        pytest.param(7, "n0, n1, n2, n3, n4 and 2 more", id="more than five"),
    ],
)
def test_a_few_names_stand_for_many(count: int, text: str):
    assert name_some([f"n{index}" for index in range(count)]) == text


def keys(groups) -> list[list[str]]:
    return [[change.key for change in group] for group in groups]


def test_a_batch_holds_one_verb_and_no_more_than_the_limit():
    changes = [change(name, P, None) for name in "abc"] + [change(name, None, P) for name in "de"]

    assert keys(batch(changes, full(professional=3), 2)) == [["a", "b"], ["c"], ["d", "e"]]


def test_a_switch_that_needs_the_seat_of_an_earlier_one_goes_into_the_next_batch():
    changes = [change("a", A, P), change("b", B, A)]
    seats = {P: Seats(1, 0), A: Seats(1, 1), B: Seats(1, 1)}

    assert keys(batch(changes, seats, 100)) == [["a"], ["b"]]


def test_a_batch_takes_no_more_seats_than_are_free_before_it():
    changes = [change("a", A, P), change("b", A, P), change("c", P, B), change("d", A, P)]
    seats = {P: Seats(3, 1), A: Seats(3, 3)}

    assert keys(batch(changes, seats, 100)) == [["a", "b", "c"], ["d"]]


@pytest.mark.parametrize("rank", [None, lambda change: (change.key,)])
def test_the_seats_that_were_read_stay_as_they_were(rank):
    seats = {P: Seats(2, 1), A: Seats(1, 1)}
    changes = [change("a", None, P), change("b", A, P)]

    assert seat(changes, seats, rank).short
    assert list(batch(changes, seats, 1))
    assert seats == {P: Seats(2, 1), A: Seats(1, 1)}


def test_by_rank_switches_are_sent_before_assigns_and_the_last_find_no_seat():
    ranks = {"zoe": 0, "bo": 1, "ana": 2, "cy": 3}
    changes = [change("ana", A, P), change("bo", A, P), change("zoe", None, B), change("cy", None, P)]

    seating = seat(changes, {P: Seats(1, 0), A: Seats(2, 2), B: Seats(2, 0)}, lambda change: (ranks[change.key],))

    assert order(seating) == ["bo", "zoe"]
    assert [change.key for change in seating.short] == ["ana", "cy"]


def test_ranks_decide_the_order_across_types_only_where_seats_are_short():
    ranks = {"cy": 0, "bo": 1, "ana": 2}
    changes = [change("cy", None, P), change("bo", None, B), change("ana", None, P)]
    few, enough = ({P: Seats(count, 0), B: Seats(2, 0)} for count in (1, 2))

    assert order(seat(changes, few, lambda change: (ranks[change.key],))) == ["cy", "bo"]
    assert order(seat(changes, enough, lambda change: (ranks[change.key],))) == ["ana", "cy", "bo"]


def test_no_changes_make_no_batch():
    assert not list(batch([], {}, 100))


def test_the_order_of_changes_does_not_depend_on_the_order_in_which_they_are_found():
    changes = [change("ana", P, A), change("bo", A, P), change("cy", P, None), change("di", None, A)]
    seats = {P: Seats(3, 2), A: Seats(3, 1)}

    assert order(seat(changes, seats)) == order(seat(changes[::-1], seats)) == ["cy", "ana", "bo", "di"]
