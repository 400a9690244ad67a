"""Random small worlds: one number says everything about a person, one the rules, one the seats."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from core.builders import NOW, Stack, declare, write
from core.naive import STRONGEST_FIRST, TYPES, UNORDERED, WEEK, Person, Step, Value, World, word_of_refusal
from hypothesis import strategies as st

KEY_SETS = (("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c"))
VALUES = tuple((type, keys) for type in TYPES for keys in KEY_SETS)
DECLARED: tuple[Value | None, ...] = (
    *[None] * 8,
    *VALUES,
    *(("professional", keys) for keys in KEY_SETS),
    ("professional", ("people",)),
    ("analyzer", ("people",)),
)
ENTRIES: tuple[Value | None, ...] = (
    *[None] * 12,
    *VALUES,
    ("professional", ("hand", "a")),
    ("analyzer", ("hand", "b")),
    ("analyzer", ("people",)),
    (UNORDERED, ("hand", "a")),
)
ROWS = ("as recorded", "as recorded", None, *TYPES)
DAY = 24 * 60
BEFORE = (
    *["nothing"] * 6,
    "held",
    "refused",
    "refused",
    "refused before a change",
    "frozen",
    "unsent",
    "waitlisted",
    "reverted",
)
FLAGS = ((False, False),) * 5 + ((True, False),) * 2 + ((False, True),)
UNDONE: tuple[tuple[str, int, int] | None, ...] = (
    *[None] * 4,
    ("declared", 1, 30),
    ("declared", 2, 30),
    ("declared", 3, WEEK),
    ("recorded", 1, WEEK - 1),
    ("analyzer", 2, 0),
)
ABSENT: tuple[tuple[tuple[str, int], ...], ...] = (
    *[()] * 4,
    (("a", 30),),
    (("a", 1440), ("b", 1379)),
    (("b", 30), ("c", 2000)),
    (("c", 0),),
)
DENIED = (False, False, False, True)

ADOPT, REPAIR = ("upgrade", "report", "all"), ("additive", "full")
MAXIMA, PERCENTS, MINIMA = (1000, 1000, 1, 2), (100, 100, 50, 10), (20, 1, 3)
DOUBTS = ("", "", "", "", "", "", "a", "b", "ab", "abc")
ON_BREACH, OVERAGES = ("hold", "hold", "hold", "fail"), ((0, 0), (1, 1), (2, 1), (0, 3), (-1, 2))
MOVED = ("nothing", "seats", "inputs", "nothing", "retry")
REMOVED = ((), ((30, ("a",)),), ((1440, ("a", "b")), (30, ("c",))), ((1441, ("a",)), (1500, ("b",))))
SPARE = (6, 0, 0, 1, 2, -1, None)
ORDERS, BASELINES = (STRONGEST_FIRST, TYPES), ("none", "none", "none", *TYPES)
SHORTAGES, FIRST = ("waitlist", "fail", "waitlist"), ((), ("b",), ("c", "a"))
RELEASES = ("", "", "a", "abc", "bc")
CONFERS = ("", "PAU", "PAA", "PPA", "PA", "AUP", "UAP")  # what a, b and c confer, by the first letter


def pick(number: int, *tables: tuple) -> list:
    """Return one entry of each table; 0 is the first of each."""
    chosen = []
    for table in tables:
        number, index = divmod(number, len(table))
        chosen.append(table[index])
    return chosen


PERSON = (DECLARED, ENTRIES, ROWS, BEFORE, FLAGS, UNDONE, ABSENT, DENIED)
RULES = (ADOPT, REPAIR, MAXIMA, PERCENTS, MINIMA, DOUBTS, ON_BREACH, MOVED, OVERAGES, REMOVED, RELEASES)
WAITING = (SHORTAGES, CONFERS, ORDERS, FIRST, BASELINES)
SEATS = (SPARE, SPARE, SPARE)


def make_person(subject: str, number: int, order: tuple[str, ...]) -> Person:
    declared, entry, row, before, (is_approved, is_protected), undone, absent, is_denied = pick(number, *PERSON)
    if declared and declared[0] not in order:
        declared = order[-1], declared[1]
    if row == "as recorded":
        row = entry[0] if entry else None
    step = Step(subject, row, declared[0] if declared else None)
    notes = {
        "nothing": None,
        "refused": (declared, word_of_refusal(step)),
        "refused before a change": (None if declared else ("analyzer", ("c",)), word_of_refusal(step)),
    }
    note = notes.get(before, (declared, before))
    types = {"declared": declared and declared[0], "recorded": entry and entry[0]}
    if undone:
        undone = (types.get(undone[0], undone[0]) or "professional", *undone[1:])
    return Person(subject, declared, entry, row, note, is_approved, is_protected, undone, absent, is_denied)


def make_world(drawn: bytes) -> World:
    """Decode a world: how many people, four bytes for each, four for the rules, two for waiting, two for the seats."""
    shortage, confers, order, first, baseline = pick(int.from_bytes(drawn[29:31]), *WAITING)
    numbers = [int.from_bytes(drawn[start : start + 4]) for start in range(1, 1 + 4 * (drawn[0] % 7), 4)]
    adopt, repair, most, percent, minimum, doubt, on_breach, moved, (offered, overage), removed, release = pick(
        int.from_bytes(drawn[25:29]), *RULES
    )
    spare = dict(zip(TYPES, pick(int.from_bytes(drawn[31:]), *SEATS), strict=True))
    types = {type[0].upper(): type for type in STRONGEST_FIRST} | {"U": UNORDERED}
    return World(
        people=tuple(make_person(f"u{index}", number, order) for index, number in enumerate(numbers)),
        adopt=adopt,
        repair=repair,
        max=most,
        percent=percent,
        minimum=minimum,
        on_breach=on_breach,
        doubt=frozenset(doubt),
        removed=removed,
        spare={type: seats for type, seats in spare.items() if seats is not None},
        offered=offered,
        overage=overage,
        moved=moved,
        order=order,
        baseline=baseline if baseline in order else "none",
        shortage=shortage,
        confers={key: types[letter] for key, letter in zip("abc", confers, strict=False)},
        first=first if shortage == "waitlist" else (),
        release=dict.fromkeys(release, DAY),
    )


def worlds(**fixed: Any) -> st.SearchStrategy[World]:
    """Return the strategy of worlds, with what is fixed in all of them."""
    # one draw of bytes costs a third of a draw a person, and shrinks as well
    return st.binary(min_size=33, max_size=33).map(lambda drawn: replace(make_world(drawn), **fixed))


MOVER = ((None, *TYPES), (None, *VALUES, *VALUES[:7]))
SCARCE = (0, 0, 1, None)


def make_movers(drawn: bytes) -> World:
    """Decode a world in which most people are to move, and seats of three types are scarce: two bytes for each."""
    people = []
    for index in range(drawn[0] % 7):
        row, declared = pick(int.from_bytes(drawn[2 * index + 1 :][:2]), *MOVER)
        people.append(Person(f"u{index}", declared, (row, ("a",)) if row else None, row))
    *spare, shortage, first = pick(int.from_bytes(drawn[13:]), SCARCE, SCARCE, SCARCE, SHORTAGES, FIRST)
    return World(
        tuple(people),
        spare={type: seats for type, seats in zip(TYPES, spare, strict=True) if seats is not None},
        moved="inputs",
        order=TYPES,
        baseline=("none", *TYPES)[drawn[0] // 7 % 4],
        shortage=shortage,
        confers=dict(zip("abc", TYPES, strict=True)),
        first=first if shortage == "waitlist" else (),
    )


def movers(**fixed: Any) -> st.SearchStrategy[World]:
    """Return the strategy of worlds in which most people are to move."""
    return st.binary(min_size=15, max_size=15).map(lambda drawn: replace(make_movers(drawn), **fixed))


def text_of(value: Value) -> str:
    return f"{value[0]} via {', '.join(value[1])}"


def inputs_of_world(world: World) -> dict:
    return declare(
        {person.subject: text_of(person.declared) for person in world.people if person.declared},
        doubt=sorted(world.doubt),
        order=", ".join(world.order),
        adopt=world.adopt,
        repair=world.repair,
        shortage=world.shortage,
        retry="again" if world.moved == "retry" else "",
        brake_max=float(world.max),
        brake_percent=world.percent,
        brake_minimum=world.minimum,
        brake_onBreach=world.on_breach,
        **({} if world.baseline == "none" else {"baseline": world.baseline}),
        **({"priority": ", ".join(world.first)} if world.first else {}),
        **{f"overage_{type}": float(world.overage) for type in world.order},
        **{f"confers_{key}": type for key, type in world.confers.items()},
        **{f"release_{key}": minutes / 60 for key, minutes in world.release.items()},
        **{f"exception_{person.subject}": "none" for person in world.people if person.is_denied},
        **{f"protect_{person.subject}": "protected" for person in world.people if person.is_protected},
    )


def approved_of(world: World) -> list[str]:
    return [person.subject.upper() for person in world.people if person.is_approved]


def is_settled(world: World) -> bool:
    """Tell whether the declaration is that of the last run."""
    return world.moved not in {"inputs", "retry"}


def minute_of(ago: int) -> str:
    return (NOW - timedelta(minutes=ago)).strftime("%Y-%m-%dT%H:%MZ")


def stack_of(world: World) -> Stack:
    """Return a resource whose stored outputs and rows are those of the world."""
    rows = {person.subject: person.row for person in world.people if person.row}
    used = list(rows.values())
    usable = {type: world.overage if world.offered < 0 else min(world.offered, world.overage) for type in world.order}
    stack = Stack(
        rows=rows,
        units={type: used.count(type) + spare - usable.get(type, 0) for type, spare in world.spare.items()},
        overage=world.offered,
    )
    seats = {type: str(seats) for type, seats in stack.observe().seats.items()}
    stack.outputs = {
        "assignments": {p.subject: write(text_of(p.entry), p.subject) for p in world.people if p.entry},
        "deviations": {
            p.subject: f"{write(text_of(p.before[0]), p.subject) if p.before[0] else 'none'}; {p.before[1]}"
            for p in world.people
            if p.before
        },
        "removed": {minute_of(age): "; ".join(["1", *(f"{key} 1" for key in keys)]) for age, keys in world.removed},
        "reverts": {
            p.subject: f"{p.undone[0]} {p.undone[1]} {minute_of(p.undone[2])}" for p in world.people if p.undone
        },
        "absent": {
            p.subject: ", ".join(f"{key} {minute_of(age)}" for key, age in p.absent) for p in world.people if p.absent
        },
        "seats": {"professional": "other than now"} if world.moved == "seats" else seats,
        "foreign": {},
    }
    return stack


def plan_of(world: World):
    return stack_of(world).plan(inputs_of_world(world), approved_of(world), settled=is_settled(world))
