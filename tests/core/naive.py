"""The semantics of the ledger, one person at a time, slowly, and without a line of the package.

A value is a type and the keys that confer it; a row is a type; everything else is a word.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

STRONGEST_FIRST = ("professional", "analyzer")
UNORDERED = "basicUser"
TYPES = (*STRONGEST_FIRST, UNORDERED)
DAY = 24 * 60 + 1  # removals are recorded by the minute, so the last one counts whole

Value = tuple[str, tuple[str, ...]]
Removal = tuple[int, tuple[str, ...]]  # minutes ago, keys


@dataclass(frozen=True)
class Person:
    """One subject: what is declared, what the ledger says, which row is there, how the last run ended."""

    subject: str
    declared: Value | None = None
    entry: Value | None = None
    row: str | None = None
    before: tuple[Value | None, str] | None = None
    is_approved: bool = False
    is_protected: bool = False


@dataclass(frozen=True)
class World:
    """People, the rules, and the seats; `spare` are those beyond the ones in use."""

    people: tuple[Person, ...] = ()
    adopt: str = "upgrade"
    repair: str = "additive"
    max: int = 1000
    percent: int = 100
    minimum: int = 20
    on_breach: str = "hold"
    doubt: frozenset[str] = frozenset()
    removed: tuple[Removal, ...] = ()
    spare: Mapping[str, int] = field(default_factory=dict)
    overage: int = 0
    moved: str = "nothing"  # since the last run: nothing, seats or inputs


@dataclass(frozen=True)
class Step:
    """A change of one person."""

    subject: str
    before: str | None
    after: str | None
    takes_away: bool = False


@dataclass(frozen=True)
class Decision:
    """What becomes of everybody."""

    steps: frozenset[Step]
    held: frozenset[Step]
    ledger: Mapping[str, Value]
    deviations: Mapping[str, tuple[Value | None, str]]


def is_stronger(one: str, other: str) -> bool:
    """Tell whether a type is the stronger; one that nobody ordered is stronger than all."""
    ranks = {type: rank for rank, type in enumerate(STRONGEST_FIRST)}
    return ranks.get(one, -1) < ranks.get(other, -1)


def mine_of(person: Person) -> Value | None:
    """Return the ledger entry, corrected by the row."""
    if person.entry is None or person.row is None:
        return None
    type, keys = person.entry
    if person.row == type:
        return person.entry
    return person.row, ("hand", *[key for key in keys if key != "hand"])


def want(person: Person, world: World) -> Step | str | None:
    """Return the step that the declaration asks for, the word for leaving things alone, or None."""
    mine, row, subject = mine_of(person), person.row, person.subject
    if person.declared is None:
        return Step(subject, row, None, takes_away=True) if mine else None
    type = person.declared[0]
    may_adopt = world.adopt in {"upgrade", "all"}
    if row is None:
        return Step(subject, None, type)
    if row == type:
        if not mine and not may_adopt:
            return "unowned"
        return None if mine or not rests_on_doubt(person, world) else "frozen"
    if is_stronger(type, row):
        return Step(subject, row, type) if mine or may_adopt else "unowned"
    if not mine:
        return Step(subject, row, type, takes_away=True) if world.adopt == "all" else "unowned"
    if "hand" in mine[1] and world.repair == "additive":
        return "raised"
    return Step(subject, row, type, takes_away=True)


def is_frozen(person: Person, step: Step, world: World) -> bool:
    """Tell whether a loss of ours has any of its keys in doubt, or anything else rests on doubt alone."""
    mine = mine_of(person)
    if step.takes_away and mine:
        return any(key in world.doubt for key in mine[1])
    return rests_on_doubt(person, world)


def rests_on_doubt(person: Person, world: World) -> bool:
    """Tell whether nothing but keys in doubt confers what is declared."""
    return person.declared is not None and set(person.declared[1]) <= world.doubt


def word_of_refusal(step: Step) -> str:
    """Return the word that stands beside somebody whose step the tenant refused."""
    return f"refused, holding {step.before}" if step.before else "refused"


def is_refused_still(person: Person, step: Step, world: World) -> bool:
    """Tell whether the tenant refused just this, and neither inputs nor seats nor the row moved since."""
    return world.moved == "nothing" and person.before == (person.declared, word_of_refusal(step))


def waits_for_approval(person: Person, step: Step) -> bool:
    """Tell whether this removal was held and nobody approved it since."""
    was_held = person.before is not None and person.before[1] == "held"
    return step.takes_away and was_held and not person.is_approved


def lost_keys(person: Person) -> tuple[str, ...]:
    """Return the keys that had conferred what a removal takes."""
    mine = mine_of(person)
    return mine[1] if mine else ()


def breached_scopes(world: World, losing: Iterable[Person]) -> Iterator[str]:
    """Yield the scopes with too many removals: "" for the resource, else a key."""
    losing = list(losing)
    recent = [keys for age, keys in world.removed if age < DAY]
    holders = [lost_keys(person) for person in world.people if mine_of(person) or person in losing]
    for scope in ("", "a", "b", "c", "hand"):
        now = sum(scope in ("", *lost_keys(person)) for person in losing)
        before = sum(scope in ("", *keys) for keys in recent)
        population = sum(scope in ("", *keys) for keys in holders) + before
        if now and is_too_many(world, now + before, population):
            yield scope


def is_too_many(world: World, removals: int, population: int) -> bool:
    """Tell what the brake says of so many removals among so many people."""
    return removals > world.max or (population >= world.minimum and removals > population * world.percent / 100)


def first_word(person: Person, step: Step, world: World) -> str | None:
    """Return why a step is not taken, the brake left aside."""
    waiting = "held" if waits_for_approval(person, step) else None
    if person.is_protected:
        return waiting or "protected"
    if is_frozen(person, step, world):
        return waiting or "frozen"
    return word_of_refusal(step) if is_refused_still(person, step, world) else None


def decide(world: World) -> Decision:
    """Return what becomes of everybody, seats left aside."""
    people = {person.subject: person for person in world.people}
    wanted = {subject: want(person, world) for subject, person in people.items()}
    words = {subject: step for subject, step in wanted.items() if isinstance(step, str)}
    steps = {subject: step for subject, step in wanted.items() if isinstance(step, Step)}
    for subject, step in list(steps.items()):
        word = first_word(people[subject], step, world)
        if word:
            words[subject] = word
            del steps[subject]
    losing = [people[subject] for subject, step in steps.items() if step.takes_away and not people[subject].is_approved]
    breached = set(breached_scopes(world, losing))
    held = set()
    for person in losing:
        if waits_for_approval(person, steps[person.subject]) or breached & {"", *lost_keys(person)}:
            held.add(steps.pop(person.subject))
            words[person.subject] = "held"
    ends = {person.subject: mine_of(person) if person.subject in words else person.declared for person in world.people}
    return Decision(
        steps=frozenset(steps.values()),
        held=frozenset(held),
        ledger={subject: value for subject, value in ends.items() if value},
        deviations={subject: (people[subject].declared, word) for subject, word in words.items()},
    )


def carry(old: Value | None, new: Value | None, doubt: frozenset[str]) -> Value | None:
    """Return what stands for a person declared as `new`, of whom `old` was declared, in a time of doubt."""
    if old is None or not doubt.intersection(old[1]):
        return new
    if new is None or (is_stronger(old[0], new[0]) and "hand" not in old[1]):
        return old
    return new[0], (*new[1], *[key for key in old[1] if key in doubt and key not in new[1]])
