import pytest
from core.builders import Stack, declare, entitle, verbs, write

from qlik_provider.changes import Change, seat
from qlik_provider.entitlements import Seats
from qlik_provider.waitlist import Waitlist

P, A, B = "professional", "analyzer", "basicUser"
ORDER = (P, A, B)
CONFERS = {"board": P, "finance": P, "sales": A, "staff": B}


def change(subject: str, held: str | None, value: str | None) -> Change:
    """Return what `value` asks for, of somebody who holds `held` by the key sales; None takes it away."""
    declared = entitle(value, subject) if value else None
    mine = entitle(f"{held} via sales", subject) if held else None
    verb = "assign" if held is None else "switch" if declared else "revoke"
    is_removal = declared is None or (held is not None and ORDER.index(declared.type) > ORDER.index(held))
    return Change(verb, subject, subject, declared, mine, held, is_removal)


def full(**used: int) -> dict[str, Seats]:
    return {type: Seats(count, count) for type, count in used.items()}


def wait(changes: list[Change], seats: dict[str, Seats], **rules):
    waitlist = Waitlist(ORDER, CONFERS, **rules)
    return waitlist.give_meanwhile(seat(changes, seats, waitlist.rank))


def lines(changes) -> list[str]:
    return [str(change).replace("@contoso.test", "") for change in changes]


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        pytest.param((), ["people", "board", "finance", "hand", "sales"], id="exceptions, then keys by name"),
        pytest.param(
            ("sales", "finance"),
            ["people", "sales", "finance", "board", "hand"],
            id="keys that go first come right after exceptions, in their order",
        ),
    ],
)
def test_people_wait_in_the_order_of_the_keys_that_decide(first: tuple[str, ...], expected: list[str]):
    waitlist = Waitlist(ORDER, CONFERS, first)
    values = {
        "sales": change("sales", None, "analyzer via sales"),
        "hand": change("hand", P, None),
        "people": change("people", None, "professional via people"),
        "finance": change("finance", None, "professional via finance, sales"),
        "board": change("board", None, "professional via board"),
    }
    values["hand"] = Change("revoke", "hand", "hand", None, entitle("professional via hand", "hand"), P)

    assert sorted(values, key=lambda subject: waitlist.rank(values[subject])) == expected


def test_a_key_that_confers_less_than_what_is_declared_moves_nobody_forward():
    waitlist = Waitlist(ORDER, CONFERS, ("sales",))

    assert waitlist.rank(change("ana", None, "professional via finance, sales"))[:2] == (1, "finance")
    assert waitlist.rank(change("ana", None, "analyzer via sales"))[:2] == (0, "sales")


def test_where_no_key_confers_what_is_declared_all_of_them_count():
    """A value kept through a time of doubt may name keys that confer something else by now."""
    waitlist = Waitlist(ORDER, CONFERS, ("staff",))

    assert waitlist.rank(change("ana", None, "professional via sales, staff"))[:2] == (0, "staff")


def test_of_two_people_of_one_key_the_subject_decides_in_any_spelling():
    waitlist = Waitlist(ORDER, CONFERS)

    ranks = [waitlist.rank(change(subject, None, "professional via board")) for subject in ("ana", "BO", "cy")]
    assert ranks == sorted(ranks)


def test_somebody_without_keys_goes_after_those_with_keys_that_go_first():
    waitlist = Waitlist(("member",), {}, ("board",))
    member = Change("assign", "id", "id", entitle("member via x", "id"), None, None)

    assert waitlist.rank(member) == (1, "x", "id")
    foreign = Change("switch", "id", "id", None, None, P, is_removal=True)
    assert waitlist.rank(foreign) == (1, "", "id")


@pytest.mark.parametrize(
    ("value", "doubt", "weaker"),
    [
        pytest.param("professional via finance", (), [], id="no other key"),
        pytest.param("professional via people", (), [], id="an exception"),
        pytest.param("professional via finance, sales", (), ["analyzer via sales"], id="one weaker key"),
        pytest.param(
            "professional via finance, sales, staff",
            (),
            ["analyzer via sales, staff", "basicUser via staff"],
            id="two weaker keys, strongest first",
        ),
        pytest.param("professional via finance, staff", (), ["basicUser via staff"], id="a type that no key confers"),
        pytest.param("professional via finance, sales", ("sales",), [], id="a weaker key in doubt"),
        pytest.param(
            "professional via finance, sales, staff",
            ("staff",),
            ["analyzer via sales, staff"],
            id="a weaker key in doubt beside a healthy one",
        ),
        pytest.param("gold via sales", (), [], id="a type nobody ordered"),
    ],
)
def test_the_weaker_types_are_those_of_the_other_keys(value: str, doubt: tuple[str, ...], weaker: list[str]):
    waitlist = Waitlist(ORDER, CONFERS, doubt=frozenset(doubt))

    assert list(waitlist.find_weaker(entitle(value, "ana"))) == [entitle(text, "ana") for text in weaker]


def test_who_waits_with_nothing_gets_the_strongest_weaker_type_that_has_room():
    changes = [change(name, None, "professional via finance, sales, staff") for name in ("ana", "bo", "cy", "di")]

    seating = wait(changes, {P: Seats(1, 0), A: Seats(1, 0), B: Seats(1, 0)})

    assert lines(seating.ordered) == [
        "assign professional to ana (finance, sales, staff)",
        "assign analyzer to bo (sales, staff)",
        "assign basicUser to cy (staff)",
    ]
    assert [change.key for change in seating.short] == ["bo", "cy", "di"]
    assert {type: str(seats) for type, seats in seating.seats.items()} == {P: "1 of 1", A: "1 of 1", B: "1 of 1"}


@pytest.mark.parametrize(
    ("held", "given"),
    [
        pytest.param(B, ["switch ana from basicUser to analyzer (sales, staff)"], id="less than a key confers"),
        pytest.param(A, [], id="what a key confers"),
    ],
)
def test_who_waits_keeps_what_they_hold_unless_a_key_confers_more(held: str, given: list[str]):
    changes = [change("ana", held, "professional via finance, sales, staff")]

    assert lines(wait(changes, {**full(professional=1, basicUser=1), A: Seats(2, 1)}).ordered) == given


def test_who_is_to_hold_less_and_finds_no_seat_keeps_what_they_hold():
    seating = wait(
        [change("ana", P, "analyzer via sales, staff")], {**full(professional=1, analyzer=1), B: Seats(1, 0)}
    )

    assert not seating.ordered
    assert [change.key for change in seating.short] == ["ana"]


def test_nobody_is_moved_out_of_a_seat_that_somebody_else_waits_for():
    changes = [change("ana", B, "professional via finance, sales"), change("bo", None, "basicUser via staff")]

    assert not wait(changes, {**full(professional=0, basicUser=1), A: Seats(1, 0)}).ordered


def test_a_seat_that_is_left_for_a_better_one_goes_to_who_waits_with_nothing_in_the_same_run():
    changes = [
        change("ana", None, "professional via board, staff"),
        change("bo", B, "professional via finance, sales, staff"),
    ]

    seating = wait(changes, {**full(professional=0, basicUser=1), A: Seats(1, 0)})

    assert lines(seating.ordered) == [
        "switch bo from basicUser to analyzer (sales, staff)",
        "assign basicUser to ana (staff)",
    ]


def test_who_can_have_still_more_once_others_have_moved_gets_it_in_one_change():
    order = (P, "creator", A, B)
    confers = {"board": P, "makers": "creator", "sales": A, "staff": B}
    waitlist = Waitlist(order, confers)
    ana = change("ana", None, "professional via board, sales, staff")
    bo = Change(
        "switch",
        "bo",
        "bo",
        entitle("professional via board, makers", "bo"),
        entitle("analyzer via makers", "bo"),
        A,
    )
    seats = {P: Seats(0, 0), "creator": Seats(1, 0), A: Seats(1, 1), B: Seats(1, 0)}

    seating = waitlist.give_meanwhile(seat([ana, bo], seats, waitlist.rank))

    assert lines(seating.ordered) == [
        "switch bo from analyzer to creator (makers)",
        "assign analyzer to ana (sales, staff)",
    ]
    assert {type: str(count) for type, count in seating.seats.items()} == {
        P: "0 of 0",
        "creator": "1 of 1",
        A: "1 of 1",
        B: "0 of 1",
    }


def test_switches_to_a_weaker_type_are_sent_strongest_first_so_that_each_finds_its_seat():
    order = (P, "creator", A, B)
    confers = {"a": P, "board": P, "makers": "creator", "sales": A, "staff": B}
    waitlist = Waitlist(order, confers)
    ana = change("ana", B, "professional via a, sales")
    bo = change("bo", A, "professional via board, makers")
    seats = {P: Seats(0, 0), "creator": Seats(1, 0), A: Seats(1, 1), B: Seats(1, 1)}

    seating = waitlist.give_meanwhile(seat([ana, bo], seats, waitlist.rank))

    assert lines(seating.ordered) == [
        "switch bo from analyzer to creator (makers)",
        "switch ana from basicUser to analyzer (sales)",
    ]


def test_who_is_given_more_when_another_has_moved_moves_after_them():
    order = (P, "creator", A, B, "visitor")
    confers = {"board": P, "makers": "creator", "sales": A, "staff": B}
    waitlist = Waitlist(order, confers)
    ana = Change(
        *("switch", "ana", "ana", entitle("professional via board, sales, staff", "ana")),
        *(entitle("visitor via staff", "ana"), "visitor"),
    )
    bo = Change(
        *("switch", "bo", "bo", entitle("professional via board, makers", "bo")),
        *(entitle("analyzer via makers", "bo"), A),
    )
    seats = {P: Seats(0, 0), "creator": Seats(1, 0), A: Seats(1, 1), B: Seats(1, 0)}

    seating = waitlist.give_meanwhile(seat([ana, bo], seats, waitlist.rank))

    assert lines(seating.ordered) == [
        "switch bo from analyzer to creator (makers)",
        "switch ana from visitor to analyzer (sales, staff)",
    ]


def test_a_seat_that_is_left_goes_to_the_first_of_those_who_wait_for_one():
    changes = [
        change("ana", None, "professional via board, staff"),
        change("bo", B, "professional via board, sales"),
        change("cy", None, "professional via board, staff"),
    ]

    seating = wait(changes, {**full(professional=0, basicUser=1), A: Seats(1, 0)})

    assert lines(seating.ordered) == [
        "switch bo from basicUser to analyzer (sales)",
        "assign basicUser to ana (staff)",
    ]


def test_a_seat_that_a_removal_frees_is_given_meanwhile_after_the_removal():
    changes = [change("ana", B, "professional via board, sales"), change("cy", A, None)]

    seating = wait(changes, full(professional=0, analyzer=1, basicUser=1))

    assert lines(seating.ordered) == [
        "revoke analyzer from cy",
        "switch ana from basicUser to analyzer (sales)",
    ]


def test_a_switch_that_is_given_meanwhile_is_sent_before_the_assigns():
    changes = [change("ana", B, "professional via board, sales"), change("cy", None, "analyzer via sales")]

    seating = wait(changes, {**full(professional=0, basicUser=1), A: Seats(2, 0)})

    assert lines(seating.ordered) == ["switch ana from basicUser to analyzer (sales)", "assign analyzer to cy (sales)"]


def test_who_is_to_hold_less_than_a_type_nobody_ordered_is_not_lowered_further():
    lowered = Change(
        *("switch", "ana", "ana", entitle("professional via finance, sales", "ana")),
        *(entitle("gold via finance", "ana"), "gold"),
        is_removal=True,
    )

    assert not wait([lowered], {P: Seats(0, 0), A: Seats(1, 0)}).ordered


def test_what_is_given_meanwhile_leaves_the_seating_before_as_it_was():
    waitlist = Waitlist(ORDER, CONFERS)
    before = seat([change("ana", None, "professional via finance, sales")], {P: Seats(0, 0), A: Seats(1, 0)})

    after = waitlist.give_meanwhile(before)

    assert [str(seating.seats[A]) for seating in (before, after)] == ["0 of 1", "1 of 1"]


def test_those_who_wait_are_named_by_type_in_the_order_in_which_they_wait():
    changes = [
        change("ana", None, "professional via sales"),
        change("bo", None, "professional via board"),
        change("cy", None, "basicUser via staff"),
    ]
    waitlist = Waitlist(ORDER, {}, ("board",))

    seating = wait(changes, {P: Seats(1, 1, overage=0), B: Seats(1, 2)}, first=("board",))

    assert list(waitlist.describe(seating)) == [
        "waiting for basicUser: 1, since none of 1 seat is free: cy@contoso.test",
        "waiting for professional: 2, since none of 1 seat is free: bo@contoso.test, ana@contoso.test",
    ]


WAITLIST = {"shortage": "waitlist", "confers_a": P, "confers_b": A}
BOTH = "professional via a, b"


def test_a_waitlist_heals_without_an_edit_as_soon_as_a_seat_is_free():
    stack = Stack(units={P: 1, A: 5}, rows={"x": P})
    inputs = declare({"ana": BOTH}, **WAITLIST)

    stack.up(inputs)
    assert stack.ledger == {"ana": write("analyzer via b", "ana")}
    assert stack.deviations == {"ana": f"{write(BOTH, 'ana')}; waitlisted"}
    assert not stack.plan(inputs).differs_from(stack.recorded)
    del stack.rows["x"]

    assert verbs(stack.up(inputs)) == ["switch ana@contoso.test from analyzer to professional (a, b)"]
    assert stack.ledger == {"ana": write(BOTH, "ana")}
    assert not stack.deviations


def test_who_holds_a_seat_keeps_it_whoever_comes_later():
    stack = Stack(units={P: 1})
    stack.up(declare({"zoe": "professional via z"}, **WAITLIST))

    plan = stack.up(declare({"ana": "professional via people", "zoe": "professional via z"}, **WAITLIST))

    assert not plan.changes
    assert list(stack.deviations) == ["ana"]


def test_a_cycle_of_switches_in_a_full_tenant_waits_and_is_named():
    stack = Stack(units={P: 1, A: 1})
    stack.up(declare({"ana": "analyzer via b", "bo": "professional via a"}, **WAITLIST))

    plan = stack.up(declare({"ana": "professional via a", "bo": "analyzer via b"}, **WAITLIST))

    assert not plan.changes
    assert not plan.faults
    assert plan.warnings == (
        "waiting for analyzer: 1, since none of 1 seat is free: bo@contoso.test",
        "waiting for professional: 1, since none of 1 seat is free: ana@contoso.test",
    )
    assert stack.rows == {"ana": A, "bo": P}
    stack.units[P] += 1
    assert len(stack.up(declare({"ana": "professional via a", "bo": "analyzer via b"}, **WAITLIST)).changes) == 2


def test_who_waits_and_holds_a_type_of_their_groups_owns_it_as_theirs():
    stack = Stack(units={P: 0, A: 5})
    stack.up(declare({"ana": "analyzer via b"}, **WAITLIST))

    stack.up(declare({"ana": BOTH}, **WAITLIST))
    assert stack.ledger == {"ana": write("analyzer via b", "ana")}
    stack.up(declare({"ana": "professional via a"}, **WAITLIST))
    assert stack.ledger == {"ana": write("analyzer via b", "ana")}


@pytest.mark.parametrize(
    ("entry", "free", "ledger"),
    [
        pytest.param("analyzer via c", 0, "analyzer via b, c", id="by the keys that confer it today"),
        pytest.param("basicUser via c", 0, "basicUser via c", id="the type that is held, not the strongest"),
        pytest.param("basicUser via c", 1, "analyzer via b, c", id="what is given meanwhile, not what was held"),
    ],
)
def test_who_waits_owns_what_they_hold_by_then_as_their_groups_confer_it(entry: str, free: int, ledger: str):
    inputs = declare({"ana": "professional via a, b, c"}, order="professional, analyzer, basicUser", **WAITLIST)
    stack = Stack(units={P: 0, A: 5})
    stack.up({**declare({"ana": entry}), "rules": inputs["rules"]})
    stack.units[A] = [*stack.rows.values()].count(A) + free

    stack.up({**inputs, "rules": {**inputs["rules"], "confers.c": B}})

    assert stack.ledger == {"ana": write(ledger, "ana")}


def test_who_waits_beside_a_row_of_others_owns_nothing():
    stack = Stack(units={P: 0, A: 1}, rows={"ana": A})

    stack.up(declare({"ana": BOTH}, **WAITLIST))

    assert stack.ledger == {}
    assert stack.outputs["foreign"] == {A: 1}


@pytest.mark.parametrize(
    ("shortage", "why"), [pytest.param("waitlist", "waitlisted", id="waits"), pytest.param("fail", "refused", id="red")]
)
def test_a_seat_lost_to_somebody_else_waits_where_waiting_is_declared(shortage: str, why: str):
    stack = Stack(units={P: 1})
    inputs = declare({"ana": "professional via a"}, shortage=shortage)

    stack.up(inputs, fate=lambda _: "short")

    assert stack.deviations == {"ana": f"{write('professional via a', 'ana')}; {why}"}
    assert stack.ledger == {}
    assert bool(stack.plan(inputs).changes) is (shortage == "waitlist")


def test_who_is_to_wait_while_a_switch_to_less_is_refused_is_refused():
    stack = Stack(units={P: 0, A: 1})
    inputs = declare({"ana": BOTH}, **WAITLIST)

    stack.up(inputs, fate=lambda _: "refused")

    assert stack.deviations == {"ana": f"{write(BOTH, 'ana')}; refused"}
    assert not stack.plan(inputs).differs_from(stack.recorded)


def test_with_a_shortage_that_fails_nothing_is_given_meanwhile_and_nothing_is_sent():
    stack = Stack(units={P: 0, A: 1})

    plan = stack.plan(declare({"ana": BOTH}, **{**WAITLIST, "shortage": "fail"}))

    assert plan.faults
    assert not plan.changes
