"""That the breaks are made, judged and compared with the list as docs/mutants.md says."""

from pathlib import Path

import pytest
from mutants.judge import Judge
from mutants.operators import Mutant, make_mutants
from mutants.page import PAGE, Row, count, write_page
from mutants.survivors import compare, read_survivors

SOURCE = """
LIMIT = 18

def is_adult(age: int | None) -> bool:
    if age is None:
        return False
    return age >= LIMIT

def sort_names(names):
    return list(sorted(names))

def count_down(number):
    while number > 0:
        number -= 1
    return number
"""
TESTS = """
from ages import count_down, is_adult, sort_names

def test_ages():
    assert [is_adult(age) for age in (17, 18, None)] == [False, True, False]

def test_names():
    assert sort_names(["bo", "ana"]) == ["ana", "bo"]

def test_numbers():
    assert count_down(3) == 0
"""
CHOSEN = {
    "LIMIT = 18 -> LIMIT = 17": ("killed", "test_ages.py::test_ages"),
    "return age >= LIMIT -> return age > LIMIT": ("killed", "test_ages.py::test_ages"),
    "return list(sorted(names)) -> return list(list(names))": ("killed", "test_ages.py::test_names"),
    "return list(sorted(names)) -> return sorted(names)": ("survived", "0"),
    "number -= 1 -> pass": ("endless", "-26"),
}


def breaks_of(line: str) -> list[str]:
    """Return what becomes of one line in a function."""
    return [
        mutant.after for mutant in make_mutants("ages", f"def judge(one, other, few, many):\n    {line}\n    end()")
    ]


@pytest.mark.parametrize(
    ("line", "breaks"),
    [
        pytest.param("found = one < 3", ["one <= 3", "one >= 3", "one < 4", "one < 2"], id="a comparison, a number"),
        pytest.param("found = one and other", ["one or other", "other", "one"], id="two conditions"),
        pytest.param("found = not one", ["one"], id="not"),
        pytest.param("found = -one", ["one"], id="minus"),
        pytest.param("found = one + other", ["one - other"], id="a sum"),
        pytest.param("found = True", ["False"], id="a truth"),
        pytest.param("found = 'text'", [], id="a text is left alone"),
        pytest.param("found = any(few.of(many))", ["few.of(many)", "all(few.of(many))"], id="any"),
        pytest.param("found = min(one, other)", ["max(one, other)"], id="the least of two"),
        pytest.param("found = fold(one)", ["one"], id="one thing made another"),
        pytest.param("found = seat(one, at=other)", ["seat(one)"], id="a named argument"),
        pytest.param("found = few.intersection(many)", ["few.union(many)"], id="sets"),
        pytest.param(
            "found = [a for a in few if a]", ["[a for a in few if True]", "[a for a in few if False]"], id="if"
        ),
        pytest.param("found = one if other else few", ["one if True else few", "one if False else few"], id="either"),
        pytest.param(
            "found = sorted(few, key=lambda a: (a.mail, a.key))",
            ["sorted(few)", "list(few)", "sorted(few, key=lambda a: (a.key, a.mail))"],
            id="an order",
        ),
    ],
)
def test_an_expression_is_broken_in_each_way_it_could_be_mistaken(line: str, breaks: list[str]):
    assert breaks_of(line) == [*(f"found = {after}" for after in breaks), "pass"]


@pytest.mark.parametrize(
    ("line", "breaks"),
    [
        pytest.param("return one", ["return None"], id="what is returned"),
        pytest.param("return None", [], id="nothing returned"),
        pytest.param("yield one", ["yield from ()"], id="what is yielded"),
        pytest.param("few.append(one)", ["pass"], id="a call"),
        pytest.param("few[one] = other", ["pass"], id="an entry"),
        pytest.param("one = other", ["pass"], id="a new value of a name"),
        pytest.param("one += other", ["pass", "one = other", "one -= other"], id="a sum"),
        pytest.param("raise Unsafe(one) from other", ["pass", "raise one from other"], id="an error"),
        pytest.param("if one: return", ["if True:", "if False:", "pass"], id="an early end"),
    ],
)
def test_a_statement_is_broken_in_each_way_it_could_be_mistaken(line: str, breaks: list[str]):
    assert breaks_of(line) == [*breaks, "pass"]


def test_types_documentation_and_decorators_are_left_alone():
    source = (
        '"""Says 1."""\n\n@total(1)\nclass Age:\n    """Says 1."""\n\n    age: int | None\n    kind: Literal[1, 2]\n'
    )

    assert make_mutants("ages", source) == []


def test_a_mutant_is_known_by_its_text_wherever_it_stands():
    moved = f'"""A module."""\n\nNAME = "age"\n\n{SOURCE}'

    here, there = make_mutants("ages", SOURCE), make_mutants("ages", moved)

    assert [mutant.key for mutant in here] == [mutant.key for mutant in there]
    assert [mutant.line for mutant in here] != [mutant.line for mutant in there]
    assert len({mutant.key for mutant in here}) == len({mutant.source for mutant in here}) == len(here)


def test_equal_lines_of_a_function_are_told_apart():
    mutants = make_mutants("ages", "def tell(one):\n    say(one)\n    say(one)\n")

    assert [(one.before, one.after, one.nth) for one in mutants] == [
        ("say(one)", "pass", 1),
        ("say(one)", "one", 1),
        ("say(one)", "pass", 2),
        ("say(one)", "one", 2),
    ]


def test_what_matters_is_killed_what_does_not_end_is_ended_and_what_changes_nothing_survives(tmp_path: Path):
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n", encoding="utf-8")
    (tmp_path / "ages.py").write_text(SOURCE, encoding="utf-8")
    (tmp_path / "test_ages.py").write_text(TESTS, encoding="utf-8")
    judge = Judge(tmp_path, worlds=10, seconds=1)

    fates = {
        mutant: judge.judge("ages", mutant.source, ["test_ages.py"])
        for mutant in make_mutants("ages", SOURCE)
        if f"{mutant.before} -> {mutant.after}" in CHOSEN
    }
    unbroken = judge.judge("ages", SOURCE, ["test_ages.py"])
    with pytest.raises(RuntimeError, match=r"pytest cannot run test_names\.py"):
        judge.judge("ages", SOURCE, ["test_names.py"])
    judge.close()

    assert unbroken.fate == "survived"
    assert {f"{mutant.before} -> {mutant.after}": (*verdict,) for mutant, verdict in fates.items()} == CHOSEN
    assert str(count(fates)[0]) == "ages: 5 mutants, 4 killed (1 of them did not end), 1 survived: 80.0 %"
    assert (tmp_path / "ages.py").read_text(encoding="utf-8") == SOURCE


def mutant_of(function: str, before: str, after: str) -> Mutant:
    return Mutant("ages", function, before, after, 1, 7, "")


def test_a_survivor_without_a_reason_and_a_reason_without_a_survivor_are_told():
    new, killed, explained = (mutant_of(name, "return 1", "return 2") for name in ("new", "killed", "explained"))
    gone = mutant_of("killed", "return 3", "return 4")

    told = compare([new, explained], [new, killed, explained], [one.key for one in (killed, explained, gone)])

    assert told == (
        "survived, and is not listed: ages line 7, new: `return 1` -> `return 2`",
        "listed, and killed now: ages, killed: `return 1` -> `return 2`",
        "listed, and there no more: ages, killed: `return 3` -> `return 4`",
    )


@pytest.mark.parametrize("reason", ["", "' '"])
def test_a_survivor_is_listed_with_a_reason(tmp_path: Path, reason: str):
    path = tmp_path / "survivors.yaml"
    path.write_text(f"- {{module: ages, function: f, before: a, after: b, reason: {reason}}}", encoding="utf-8")

    with pytest.raises(ValueError, match="with a reason"):
        read_survivors(path)


def test_the_page_gives_the_reasons_of_the_list():
    page = PAGE.read_text(encoding="utf-8")

    reasons = read_survivors()

    assert [reason for reason in reasons.values() if " ".join(reason.split()) not in page] == []
    assert page.partition("## The survivors\n")[2].count("\n| ") == len(reasons) + bool(reasons)


def test_a_page_is_written_with_one_row_a_module_and_one_a_survivor():
    mutant = mutant_of("f", "one | other", "one")

    page = write_page([Row("ages", 4, 1, 0)], [mutant], {mutant.key: "it\n  changes nothing"})

    assert page.endswith(
        "| `ages` | 4 | 3 | 1 | 75.0 % |\n\n## The survivors\n\n"
        "| line | in | what is written | what no test tells from it | why none has to |\n|---|---|---|---|---|\n"
        "| 7 | `ages.f` | `one \\| other` | `one` | it changes nothing |\n"
    )
