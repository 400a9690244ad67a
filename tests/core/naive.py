"""The semantics of the ledger, one person at a time, slowly, and without a line of the package.

A value is a type and the keys that confer it; a row is a type; everything else is a word.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

STRONGEST_FIRST = ("professional", "analyzer")
UNORDERED = "basicUser"
TYPES = (*STRONGEST_FIRST, UNORDERED)
DAY = 24 * 60 + 1  # removals are recorded by the minute, so the last one counts whole
WEEK = 7 * 24 * 60
OFTEN = 2  # so often undone by others, a change is left alone

Value = tuple[str, tuple[str, ...]]
Removal = tuple[int, tuple[str, ...]]  # minutes ago, keys
Undone = tuple[str, int, int]  # type, how often others undid it, minutes ago


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
    undone: Undone | None = None
    absent: tuple[tuple[str, int], ...] = ()  # keys, and how many minutes ago the absence was first seen
    is_denied: bool = False  # by an exception


@dataclass(frozen=True)
class World:
    """People, the rules, and the seats; `spare` are those this stack may use beyond the ones in use."""

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
    offered: int = 0  # paid extra seats of each type; -1: as many as one likes
    overage: int = 0  # how many of them this stack may use
    moved: str = "nothing"  # since the last run: nothing, seats, inputs or retry
    order: tuple[str, ...] = STRONGEST_FIRST
    baseline: str = "none"
    shortage: str = "fail"
    confers: Mapping[str, str] = field(default_factory=dict)
    first: tuple[str, ...] = ()
    release: Mapping[str, int] = field(default_factory=dict)  # minutes for which a key keeps the seats of the absent


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
    undone: Mapping[str, tuple[str, int]]
    absent: Mapping[str, Mapping[str, int]]


def is_stronger(one: str, other: str, order: tuple[str, ...] = STRONGEST_FIRST) -> bool:
    """Tell whether a type is the stronger; one that nobody ordered is stronger than all."""
    ranks = {type: rank for rank, type in enumerate(order)}
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
        return want_away(person, world) if mine else None
    type = person.declared[0]
    may_adopt = world.adopt in {"upgrade", "all"}
    if row is None:
        return Step(subject, None, type)
    if row == type:
        if not mine and not may_adopt:
            return "unowned"
        return None if mine or not rests_on_doubt(person, world) else "frozen"
    if is_stronger(type, row, world.order):
        return Step(subject, row, type) if mine or may_adopt else "unowned"
    if not mine:
        return Step(subject, row, type, takes_away=True) if world.adopt == "all" else "unowned"
    if "hand" in mine[1] and world.repair == "additive":
        return "raised"
    return Step(subject, row, type, takes_away=True)


def want_away(person: Person, world: World) -> Step | None:
    """Return how the row of somebody who is no longer declared goes: not at all, when the tenant gives it to all."""
    row = str(person.row)
    if world.baseline == "none":
        return Step(person.subject, row, None, takes_away=True)
    if is_stronger(row, world.baseline, world.order):
        return Step(person.subject, row, world.baseline, takes_away=True)
    return None


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
    return was_held(person) and step.takes_away and not person.is_approved


def was_held(person: Person) -> bool:
    """Tell whether the brake held a removal of this person in the last run."""
    return person.before is not None and person.before[1] == "held"


def undone_of(person: Person, world: World) -> tuple[str, int] | None:
    """Return what others undid of late and how often; what was raised by hand and may stay so was not undone."""
    known = None
    if person.undone and person.undone[2] < WEEK and world.moved != "retry":
        known = person.undone[:2]
    if person.entry is None or person.before is not None or "hand" in person.entry[1]:
        return known
    type, row = person.entry[0], person.row
    if row == type or (row and is_stronger(row, type, world.order) and world.repair == "additive"):
        return known
    return (type, known[1] + 1) if known and known[0] == type else (type, 1)


def is_reverted(person: Person, step: Step, world: World) -> bool:
    """Tell whether others undid this type again and again, so that it is left alone until it is tried by word."""
    if person.declared is None or world.moved == "retry" or (was_held(person) and step.takes_away):
        return False
    type, undone = person.declared[0], undone_of(person, world)
    if undone and undone[0] == type and undone[1] >= OFTEN:
        return True
    declared, word = person.before or (None, "")
    return word == "reverted" and declared is not None and declared[0] == type


def lost_keys(person: Person) -> tuple[str, ...]:
    """Return the keys that had conferred what a removal takes."""
    mine = mine_of(person)
    return mine[1] if mine else ()


def breached_scopes(world: World, losing: Iterable[Person]) -> Iterator[str]:
    """Yield the scopes with too many removals: "" for the resource, else a key."""
    losing = list(losing)
    recent = [keys for age, keys in world.removed if age < DAY]
    holders = [lost_keys(person) for person in world.people if mine_of(person) or person in losing]
    for scope in ("", "a", "b", "c", "people", "hand"):
        now = sum(scope in ("", *lost_keys(person)) for person in losing)
        before = sum(scope in ("", *keys) for keys in recent)
        population = sum(scope in ("", *keys) for keys in holders) + before
        if now and is_too_many(world, now + before, population):
            yield scope


def is_too_many(world: World, removals: int, population: int) -> bool:
    """Tell what the brake says of so many removals among so many people."""
    return removals > world.max or (population >= world.minimum and removals > population * world.percent / 100)


def absences_of(person: Person, world: World) -> dict[str, int]:
    """Return from which keys somebody is absent, and for how many minutes; of one long over, what it gave is needed."""
    mine, declared = mine_of(person), person.declared
    if not mine or person.is_denied or (declared and "people" in declared[1]):
        return {}
    ages = {**dict.fromkeys(mine[1], 0), **dict(person.absent)}
    here = declared[1] if declared else ()
    gone = {key: age for key, age in ages.items() if key in world.release and key not in here}
    return {key: age for key, age in gone.items() if key in mine[1] or age < world.release[key]}


def kept_of(person: Person, world: World) -> Value | None:
    """Return what the keys somebody is absent from keep for them, where that is more than what is declared."""
    absences = absences_of(person, world)
    giving = {key: world.confers[key] for key in absences if key in world.confers}
    giving = {key: type for key, type in giving.items() if absences[key] < world.release[key]}
    if not giving:
        return None
    types = set(giving.values())
    type = next(one for one in types if not any(is_stronger(other, one, world.order) for other in types))
    if person.declared and not is_stronger(type, person.declared[0], world.order):
        return None
    keys: list[str] = []
    while giving:
        best = min(k for k in giving if not any(is_stronger(giving[o], giving[k], world.order) for o in giving))
        keys.append(best)
        del giving[best]
    return type, (*keys, *(person.declared[1] if person.declared else ()))


def put_off(person: Person, step: Step, world: World) -> tuple[Step | None, Value] | None:
    """Return what is left of a removal while somebody's groups keep something for them, and what they then hold."""
    mine, kept = mine_of(person), kept_of(person, world)
    if not step.takes_away or not mine or not kept or waits_for_approval(person, step):
        return None
    if step.after and not is_stronger(kept[0], step.after, world.order):
        return None
    is_raised = "hand" in mine[1] and world.repair == "additive"
    if is_raised or not is_stronger(mine[0], kept[0], world.order):
        return None, (mine[0], (*mine[1], *[key for key in kept[1] if key not in mine[1]]))
    return Step(person.subject, step.before, kept[0], takes_away=True), kept


def wanted_type(person: Person, world: World) -> str:
    """Return the type somebody is to hold at once: what is declared, what is kept for them, or the baseline."""
    step = want(person, world)
    put = put_off(person, step, world) if isinstance(step, Step) else None
    if put and put[0]:
        return put[1][0]
    return person.declared[0] if person.declared else world.baseline


def first_word(person: Person, step: Step, world: World) -> str | None:
    """Return why a step is not even thought of."""
    waiting = "held" if waits_for_approval(person, step) else None
    if person.is_protected:
        return waiting or "protected"
    if is_frozen(person, step, world):
        return waiting or "frozen"
    return None


def second_word(person: Person, step: Step, world: World) -> str | None:
    """Return why a step is not taken, brake and seats left aside."""
    if is_refused_still(person, step, world):
        return word_of_refusal(step)
    return "reverted" if is_reverted(person, step, world) else None


def decide(world: World) -> Decision:
    """Return what becomes of everybody; where a shortage is to fail, as if there were seats for all."""
    people = {person.subject: person for person in world.people}
    wanted = {subject: want(person, world) for subject, person in people.items()}
    words = {subject: step for subject, step in wanted.items() if isinstance(step, str)}
    steps = {subject: step for subject, step in wanted.items() if isinstance(step, Step)}
    kept: dict[str, Value] = {}
    for subject, step in list(steps.items()):
        person = people[subject]
        word = first_word(person, step, world)
        put = None if word else put_off(person, step, world)
        if put:
            words[subject] = "absent"
            kept[subject] = put[1]
            steps[subject] = put[0] or step
        if put and put[0] is None:
            del steps[subject]
            continue
        word = word or second_word(person, steps[subject], world)
        if word:
            words[subject] = word
            del steps[subject]
            kept.pop(subject, None)
    losing = [people[subject] for subject, step in steps.items() if step.takes_away and not people[subject].is_approved]
    breached = set(breached_scopes(world, losing))
    held = set()
    for person in losing:
        if waits_for_approval(person, steps[person.subject]) or breached & {"", *lost_keys(person)}:
            held.add(steps.pop(person.subject))
            words[person.subject] = "held"
            kept.pop(person.subject, None)
    meanwhile: dict[str, Value] = {}
    if world.shortage == "waitlist" and not can_all_sit(world, steps.values()):
        waiting, meanwhile, steps = let_wait(world, steps)
        words |= dict.fromkeys(waiting, "waitlisted")
        kept = {subject: value for subject, value in kept.items() if subject not in waiting}
    ends = {person.subject: mine_of(person) if person.subject in words else person.declared for person in world.people}
    undone = {person.subject: undone_of(person, world) for person in world.people}
    return Decision(
        steps=frozenset(steps.values()),
        held=frozenset(held),
        ledger={subject: value for subject, value in {**ends, **kept, **meanwhile}.items() if value},
        deviations={subject: (people[subject].declared, word) for subject, word in words.items()},
        undone={subject: times for subject, times in undone.items() if times},
        absent={person.subject: ages for person in world.people if (ages := absences_of(person, world))},
    )


def free_seats(world: World, done: Iterable[Step] = ()) -> dict[str, int]:
    """Return how many people can still be given each type, when some steps are done; the others are unlimited."""
    free = dict(world.spare)
    for step in done:
        if step.before in free:
            free[step.before] += 1
        if step.after in free:
            free[step.after] -= 1
    return free


def can_all_sit(world: World, steps: Iterable[Step]) -> bool:
    """Tell whether there is any order at all in which each step finds a seat at its turn."""
    steps = list(steps)
    tried: set[frozenset[Step]] = set()

    def finish(done: frozenset[Step]) -> bool:
        if len(done) == len(steps):
            return True
        if done in tried:
            return False
        tried.add(done)
        free = free_seats(world, done)
        return any(finish(done | {step}) for step in steps if step not in done and free.get(step.after, 1) > 0)

    return finish(frozenset())


def place_of(person: Person, world: World) -> tuple[int, str, str]:
    """Return where somebody stands in the queue: exceptions, then keys that go first, then the others by name."""
    type, keys = person.declared or mine_of(person) or ("", ())
    giving = [key for key in keys if world.confers.get(key, type) == type]
    places = []
    for key in giving or keys:
        if key == "people":
            places.append((-1, key))
        elif key in world.first:
            places.append((world.first.index(key), key))
        else:
            places.append((len(world.first), key))
    return (*min(places, default=(len(world.first), "")), person.subject)


def let_wait(world: World, wanted: Mapping[str, Step]) -> tuple[Collection[str], Mapping[str, Value], dict[str, Step]]:
    """Return who waits, what those who wait own meanwhile, and the steps to take: one seat after another is given."""
    people = {person.subject: person for person in world.people}
    queue = sorted(wanted, key=lambda subject: place_of(people[subject], world))
    steps = {subject: wanted[subject] for subject in queue if wanted[subject].after is None}
    while True:
        free = free_seats(world, steps.values())
        blocked: set[str | None] = set()
        for subject in queue:
            step = wanted[subject]
            if subject in steps or step.after in blocked:
                continue
            if free.get(step.after, 1) > 0:
                steps[subject] = step
                break
            blocked.add(step.after)
        else:
            break
    waiting = [subject for subject in queue if subject not in steps]
    meanwhile = sit_meanwhile(world, [people[s] for s in waiting], {wanted[s].after for s in waiting}, steps)
    return waiting, meanwhile, steps


def weaker_values(person: Person, world: World) -> Iterator[Value]:
    """Yield what somebody would be declared as without the keys that confer more, strongest first."""
    type, keys = person.declared or ("", ())
    for weaker in world.order:
        if not is_stronger(type, weaker, world.order):
            continue
        if not any(world.confers.get(key) == weaker for key in keys):
            continue
        left = tuple(
            key
            for key in keys
            if world.confers.get(key) in world.order and not is_stronger(world.confers[key], weaker, world.order)
        )
        if not set(left) <= world.doubt:
            yield weaker, left


def sit_meanwhile(
    world: World, waiting: Iterable[Person], awaited: Collection[str | None], steps: dict[str, Step]
) -> Mapping[str, Value]:
    """Add to `steps` what people get while they wait, and return what each of them owns."""
    waiting = list(waiting)
    owned: dict[str, Value] = {}
    for person in waiting:
        for value in weaker_values(person, world):
            if mine_of(person) and value[0] == person.row:
                owned[person.subject] = value
    while improve_one(world, waiting, awaited, steps, owned):
        pass
    return owned


def improve_one(
    world: World,
    waiting: Iterable[Person],
    awaited: Collection[str | None],
    steps: dict[str, Step],
    owned: dict[str, Value],
) -> bool:
    """Give the first who can have more meanwhile the strongest of it; tell whether there was anybody."""
    for person in waiting:
        row = person.row
        if row in awaited or (row and person.declared and not is_stronger(person.declared[0], row, world.order)):
            continue
        now = steps[person.subject].after if person.subject in steps else row
        for value in weaker_values(person, world):
            if now and not is_stronger(value[0], now, world.order):
                break
            if free_seats(world, steps.values()).get(value[0], 1) > 0:
                steps[person.subject] = Step(person.subject, row, value[0])
                owned[person.subject] = value
                return True
    return False


def trust(declared: Value | None, held: Value | None, strangers: frozenset[str], world: World) -> Value | None:
    """Return what a declaration says where nobody believes the groups of another object id."""
    if declared is None:
        return None
    type, keys = declared
    others = tuple(key for key in keys if key not in strangers)
    if not others or others[0] == keys[0]:
        return declared
    types = [world.confers.get(key) for key in others]
    if any(found is None or is_stronger(found, type, world.order) for found in types):
        return held
    return next(one for one in types if not any(is_stronger(other, one, world.order) for other in types)), others


def carry(
    old: Value | None, new: Value | None, doubt: frozenset[str], order: tuple[str, ...] = STRONGEST_FIRST
) -> Value | None:
    """Return what stands for a person declared as `new`, of whom `old` was declared, in a time of doubt."""
    if old is None or not doubt.intersection(old[1]):
        return new
    if new is None or (is_stronger(old[0], new[0], order) and "hand" not in old[1]):
        return old
    return new[0], (*new[1], *[key for key in old[1] if key in doubt and key not in new[1]])
