"""Every short history of a person, step by step: nothing is lost or told twice, and nobody else is touched."""

from collections import Counter

import pytest
from core.histories import ANA, ROWS, STRANGER, House, Moment, Stack, Step, explore, follow, is_less, text_of, type_of

HOUSES = (
    House(),
    House(brake=0),
    House(adopt="report"),
    House(adopt="all"),
    House(repair="full"),
    House(professional=1),
    House(is_protected=True),
    House(adopt="all", repair="full", brake=0),
)

OWNED = ("edit: analyzer via a", "up")
STATES = {
    "owned": OWNED,
    "held": (*OWNED, "edit: None", "up"),
    "refused": ("edit: analyzer via a", "up, refused by the tenant"),
    "refused a stronger type": (*OWNED, "edit: professional via b", "up, refused by the tenant"),
    "unsent": ("edit: analyzer via a", "up, unsent"),
    "raised": (*OWNED, "by hand: professional", "refresh", "up"),
    "frozen": ("edit: analyzer via a", "up", "group a: unreadable", "up"),
    "frozen and revoked by hand": ("edit: analyzer via a", "up", "group a: replaced", "by hand: None", "up"),
    "unowned": ("by hand: basicUser", "edit: analyzer via a", "up"),
    "killed": ("edit: analyzer via a", "up, killed before its state was stored"),
    "killed with a state": ("up", "edit: professional via b", "up, killed before its state was stored"),
    "unseen": ("edit: analyzer via a", "up, not shown by the list"),
    "unseen and stronger": (*OWNED, "edit: professional via b", "up, not shown by the list"),
    "unseen and no longer declared": (
        *("edit: analyzer via a", "up, not shown by the list"),
        *("edit: None", "up", "the list catches up"),
    ),
    "waitlisted": (*OWNED, "edit: professional via b", "up"),
}


def starts_of(stack: Stack) -> list[Moment]:
    """Return somebody in each state, and somebody foreign with each type, also where there is a state already."""
    foreign = [follow(stack, names, row) for row in ROWS for names in ((), ("up",))]
    return [*foreign, *(follow(stack, names) for names in STATES.values())]


def is_in_doubt(inputs: dict, entry: str | None) -> bool:
    keys = (entry or "").partition(" via ")[2].partition(" for ")[0].split(", ")
    return any(key in inputs["doubt"] for key in keys)


def judge(stack: Stack, name: str, step: Step) -> str | None:
    """Return the law that a step breaks."""
    before, after = step.before, step.after
    if after.stranger != STRANGER:
        return "a row of somebody else was touched"
    if "by hand" not in name and "up" not in name and after.row != before.row:
        return "only an up writes"
    if after.state and inputs_of_state(after) != after.state["inputs"]:
        return "what is declared cannot be told from the state"
    if name.startswith("refresh") and before.state:
        return judge_refresh(name, step)
    if name == "preview":
        return judge_preview(stack, step)
    if name.startswith("up"):
        return judge_loss(stack, step) or (None if "killed" in name else judge_up(stack, name, step))
    return None


def inputs_of_state(moment: Moment) -> dict:
    outputs = moment.state["outputs"]
    people = dict(outputs["assignments"])
    for subject, text in outputs["deviations"].items():
        people.pop(subject, None)
        if not text.startswith("none; "):
            people[subject] = text.partition("; ")[0]
    echoed = ("tenant", "tenantId", "license", "rules", "doubt", "sources")
    return {**{name: outputs[name] for name in echoed}, "assignments": people}


def judge_refresh(name: str, step: Step) -> str | None:
    before, after = step.before, step.after
    declared = type_of(before.state["inputs"]["assignments"].get(ANA))
    row = before.late[0] if before.late else before.row
    is_drift = (
        before.entry is not None
        and row not in {type_of(before.entry), declared}
        and not (before.is_unseen and row != type_of(before.entry))
    )
    if (step.changes is None) != is_drift:
        return "drift is what no longer is as it was given or declared, and nothing else"
    is_known = not after.late and not after.is_unseen
    if name == "refresh" and after.entry and type_of(after.entry) != after.row and is_known:
        return "the ledger says what is not so"
    if name == "refresh" and after.entry and not before.entry:
        return "a read never adds to the ledger"
    return None


def judge_preview(stack: Stack, step: Step) -> str | None:
    done = stack.up(step.before)
    if step.refusal != done.refusal:
        return "what up refuses a preview refuses"
    if not done.refusal and step.plan.changes != done.plan.changes:
        return "what up does a preview shows"
    if step.changes is False and (done.after != step.before or step.plan.changes):
        return "what a preview calls nothing is nothing"
    refreshed = stack.up_with_refresh(step.before)
    # A refresh takes the mark `held` away with what others changed; who then opens the brake means today's removal.
    before = step.before
    is_reopened = before.why == "held" and before.is_open and before.row != type_of(before.entry)
    if done.after.row != refreshed.after.row and not (is_retried(before) or before.late or is_reopened):
        return "a refresh before it changes nothing about what up does"
    return None


def is_retried(moment: Moment) -> bool:
    """Tell whether a refusal is kept where nothing changed; what a refresh corrects is a change."""
    return moment.why.startswith("refused")


def judge_loss(stack: Stack, step: Step) -> str | None:
    before, house = step.before, stack.house
    if not is_less(step.after.row, before.row):
        return None
    inputs = stack.check(before)
    wanted = type_of(inputs["assignments"].get(ANA))
    if house.is_protected:
        return "somebody protected lost something"
    if house.brake == 0 and not before.is_open and not before.is_approved:
        return "the brake let somebody lose something"
    if before.why == "held" and not before.is_approved:
        return "what was held ran by itself"
    if not is_less(wanted, before.row):
        return "somebody lost what is declared"
    if before.given is None and (house.adopt != "all" or wanted is None):
        return "somebody lost what this stack never gave"
    is_adopted = before.entry is None and house.adopt == "all"
    if before.given and is_less(before.given, before.row) and wanted and house.repair == "additive" and not is_adopted:
        return "what was raised by hand was undone"
    if before.given and is_in_doubt(inputs, before.entry):
        return "somebody lost what a group in doubt gave"
    return None


def judge_up(stack: Stack, name: str, step: Step) -> str | None:
    before, after = step.before, step.after
    if step.refusal or after.state is None:
        return None
    if stack.refresh(after).changes is not False:
        return "a refresh after an up finds nothing"
    refreshed = stack.refresh(after).after
    if (refreshed.entry, refreshed.why) != (after.entry, after.why):
        return "a refresh after an up changes nothing"
    if name not in {"up", "up --refresh"} or after.late:
        return None
    if before.is_unseen and after.why == "unsent":
        return None  # what no list had shown was gone by then: the run is red, and the next one takes it up
    again = stack.up(after)
    if again.after != after or again.changes or (again.plan and again.plan.changes):
        return "a second up does nothing"
    return judge_end(stack, before, after)


def judge_end(stack: Stack, before: Moment, after: Moment) -> str | None:
    """Return what an up left undone without a reason that the history knows of."""
    inputs, house = stack.check(before), stack.house
    value = inputs["assignments"].get(ANA)
    wanted = type_of(value)
    if not after.why:
        if wanted and (after.row != wanted or after.entry != value):
            return "what is declared was not done, and nobody said why"
        if after.entry and not wanted:
            return "what is no longer declared stayed in the ledger"
        # What others made of an entry before any list showed it is left to them: the way that takes nothing.
        is_others = before.is_unseen and before.row != type_of(before.entry)
        return "what this stack gave was never taken back" if after.is_owed and not wanted and not is_others else None
    excuses = {
        "held": house.brake == 0 and not before.is_approved,
        "frozen": is_in_doubt(inputs, value) or is_in_doubt(inputs, before.entry),
        "protected": house.is_protected,
        "raised": house.repair == "additive" and is_less(wanted, after.row),
        "unowned": house.adopt == "report" or (house.adopt == "upgrade" and is_less(wanted, after.row)),
        "waitlisted": house.professional == 1,
        "refused": before.why.startswith("refused"),
        "reverted": ANA in before.outputs.get("reverts", {}),
        "unsent": False,
    }
    word = after.why.partition(",")[0]
    return None if excuses[word] else f"{word} without a reason"


def find_broken(stack: Stack, starts: list[Moment], commands: int) -> dict[str, str]:
    """Return every law that a history breaks, with the first step that does."""
    broken: dict[str, str] = {}
    for name, step in explore(stack, starts, commands):
        law = judge(stack, name, step)
        if law:
            broken.setdefault(law, f"{name!r}: {text_of(step.before)} → {text_of(step.after)}")
    return broken


@pytest.mark.parametrize("house", HOUSES, ids=str)
@pytest.mark.parametrize("commands", [2, pytest.param(4, marks=pytest.mark.campaign)])
def test_no_history_loses_touches_or_tells_what_it_must_not(house, commands):
    stack = Stack(house)

    assert find_broken(stack, starts_of(stack), commands) == {}


@pytest.mark.campaign
def test_no_history_of_four_commands_from_nothing_breaks_a_law():
    assert find_broken(Stack(House()), [Moment(row=row) for row in ROWS], commands=4) == {}


def test_the_histories_reach_every_state_that_a_person_can_be_in():
    reached = Counter()
    for house in HOUSES:
        stack = Stack(house)
        for _, step in explore(stack, starts_of(stack), 1):
            reached[step.before.why.partition(",")[0]] += 1
            reached["hand"] += " via hand" in (step.before.entry or "")
            reached["unseen"] += step.before.is_unseen

    words = {"", "held", "refused", "unsent", "frozen", "raised", "unowned", "protected", "hand", "unseen"}
    assert words <= {word for word, count in reached.items() if count}
