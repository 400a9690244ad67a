"""Random small worlds: one number says everything about a person, one the rules, one the seats."""

from dataclasses import replace
from datetime import timedelta

from core.builders import NOW, Stack, declare, write
from core.naive import STRONGEST_FIRST, TYPES, UNORDERED, Person, Step, Value, World, word_of_refusal
from hypothesis import strategies as st

KEY_SETS = (("a",), ("b",), ("c",), ("a", "b"), ("a", "c"), ("b", "c"), ("a", "b", "c"))
DECLARED: tuple[Value | None, ...] = (*[None] * 6, *((type, keys) for type in STRONGEST_FIRST for keys in KEY_SETS))
ENTRIES: tuple[Value | None, ...] = (
    *[None] * 12,
    *((type, keys) for type in TYPES for keys in KEY_SETS),
    ("professional", ("hand", "a")),
    ("analyzer", ("hand", "b")),
    (UNORDERED, ("hand", "a")),
)
ROWS = ("as recorded", None, *TYPES)
BEFORE = (
    "nothing",
    "nothing",
    "nothing",
    "nothing",
    "held",
    "refused",
    "refused",
    "refused before a change",
    "frozen",
    "unsent",
)
FLAGS = ((False, False),) * 5 + ((True, False),) * 2 + ((False, True),)

ADOPT, REPAIR = ("upgrade", "report", "all"), ("additive", "full")
MAXIMA, PERCENTS, MINIMA = (1000, 1000, 1, 2), (100, 100, 50, 10), (20, 1, 3)
DOUBTS = ("", "", "", "", "", "", "a", "b", "ab", "abc")
ON_BREACH, MOVED, OVERAGE = ("hold", "hold", "hold", "fail"), ("nothing", "seats", "inputs"), (0, 1)
REMOVED = ((), ((30, ("a",)),), ((1440, ("a", "b")), (30, ("c",))), ((1441, ("a",)), (1500, ("b",))))
SPARE = (6, 0, 1, 2, -1, None)


def pick(number: int, *tables: tuple) -> list:
    """Return one entry of each table; 0 is the first of each."""
    chosen = []
    for table in tables:
        number, index = divmod(number, len(table))
        chosen.append(table[index])
    return chosen


PERSON = (DECLARED, ENTRIES, ROWS, BEFORE, FLAGS)
RULES = (ADOPT, REPAIR, MAXIMA, PERCENTS, MINIMA, DOUBTS, ON_BREACH, MOVED, OVERAGE, REMOVED)
SEATS = (SPARE, SPARE, SPARE)


def make_person(subject: str, number: int) -> Person:
    declared, entry, row, before, (is_approved, is_protected) = pick(number, *PERSON)
    if row == "as recorded":
        row = entry[0] if entry else None
    step = Step(subject, row, declared[0] if declared else None)
    notes = {
        "nothing": None,
        "refused": (declared, word_of_refusal(step)),
        "refused before a change": (None if declared else ("analyzer", ("c",)), word_of_refusal(step)),
    }
    return Person(subject, declared, entry, row, notes.get(before, (declared, before)), is_approved, is_protected)


def make_world(drawn: bytes) -> World:
    """Decode a world: how many people, three bytes for each, four for the rules, two for the seats."""
    people = [int.from_bytes(drawn[start : start + 3]) for start in range(1, 1 + 3 * (drawn[0] % 7), 3)]
    adopt, repair, most, percent, minimum, doubt, on_breach, moved, overage, removed = pick(
        int.from_bytes(drawn[19:23]), *RULES
    )
    spare = dict(zip(TYPES, pick(int.from_bytes(drawn[23:]), *SEATS), strict=True))
    return World(
        people=tuple(make_person(f"u{index}", number) for index, number in enumerate(people)),
        adopt=adopt,
        repair=repair,
        max=most,
        percent=percent,
        minimum=minimum,
        on_breach=on_breach,
        doubt=frozenset(doubt),
        removed=removed,
        spare={type: seats for type, seats in spare.items() if seats is not None},
        overage=overage,
        moved=moved,
    )


def worlds(**fixed: str) -> st.SearchStrategy[World]:
    """Return the strategy of worlds, with what is fixed in all of them."""
    # one draw of bytes costs a third of a draw a person, and shrinks as well
    return st.binary(min_size=25, max_size=25).map(lambda drawn: replace(make_world(drawn), **fixed))


def text_of(value: Value) -> str:
    return f"{value[0]} via {', '.join(value[1])}"


def inputs_of_world(world: World) -> dict:
    return declare(
        {person.subject: text_of(person.declared) for person in world.people if person.declared},
        doubt=sorted(world.doubt),
        adopt=world.adopt,
        repair=world.repair,
        brake_max=float(world.max),
        brake_percent=world.percent,
        brake_minimum=world.minimum,
        brake_onBreach=world.on_breach,
        **{f"protect_{person.subject}": "protected" for person in world.people if person.is_protected},
    )


def approved_of(world: World) -> list[str]:
    return [person.subject.upper() for person in world.people if person.is_approved]


def stack_of(world: World) -> Stack:
    """Return a resource whose stored outputs and rows are those of the world."""
    rows = {person.subject: person.row for person in world.people if person.row}
    used = list(rows.values())
    stack = Stack(
        rows=rows,
        units={type: used.count(type) + spare - world.overage for type, spare in world.spare.items()},
        overage=world.overage,
    )
    seats = {type: str(seats) for type, seats in stack.observe().seats.items()}
    removed: dict[str, str] = {}
    for age, keys in world.removed:
        minute = (NOW - timedelta(minutes=age)).strftime("%Y-%m-%dT%H:%MZ")
        removed[minute] = "; ".join(["1", *(f"{key} 1" for key in keys)])
    stack.outputs = {
        "assignments": {p.subject: write(text_of(p.entry), p.subject) for p in world.people if p.entry},
        "deviations": {
            p.subject: f"{write(text_of(p.before[0]), p.subject) if p.before[0] else 'none'}; {p.before[1]}"
            for p in world.people
            if p.before
        },
        "removed": removed,
        "seats": {"professional": "other than now"} if world.moved == "seats" else seats,
        "foreign": {},
    }
    return stack


def plan_of(world: World):
    return stack_of(world).plan(inputs_of_world(world), approved_of(world), settled=world.moved != "inputs")
