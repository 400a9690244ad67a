"""docs/faults.md: what every fault at every call of every run led to, and the lines that a user reads then."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypedDict

from campaign.kinds import FAMILIES, HANGING, KINDS, MEANINGS

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
RUNS = {
    "first": (
        "## The first run\n\nCreates everything: 45 members added; 5 rows adopted, 5 switched, 105 assigned; rights "
        "granted to two groups of the tenant,\none of them created; four settings of the tenant put; a custom group "
        "created with two people, while a third, no user yet,\nwaits."
    ),
    "change": (
        "## A change\n\nUpdates everything: 22 members out and 3 in; 101 revoked, 6 switched, 101 assigned; one person "
        "who left every group\nis protected; rights granted and withdrawn beside those of others; one setting put, two "
        "given back; of the custom group\none person out and one in."
    ),
    "refresh": (
        "## A refresh\n\nReads everything, after others took a seat, raised a license and changed members, rights, a "
        "setting and who is in the\ncustom group by hand. A refresh that stops stores nothing."
    ),
}
COLUMNS = [*FAMILIES, HANGING.family]
_VOLATILE = (
    (re.compile(r"https://127\.0\.0\.1:\d+"), "https://<host>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<host>"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{24}\b"), "<id>"),
    (re.compile(r"\b[2345]\d\d\b(?= (HTTP-1|No|without|with))"), "<status>"),
    (
        re.compile(
            r"/api/v1/[a-z/]+(<id>(/[a-z]+(/<id>)?)?)?|/v1\.0/[$a-z]+(/<id>/[a-z]+)?|/<id>/[a-z0-9/.-]+|/oauth\S+"
        ),
        "<path>",
    ),
    (re.compile(r"\b\d+(?= (rows|of|short|seats?|to|person|people))|\b\d+(?= of )"), "<n>"),
)


class Entry(TypedDict):
    """What one fault at one call led to."""

    run: str
    number: int
    call: str
    purpose: str
    family: str
    kind: str
    word: str
    line: str


def write_page(entries: Iterable[Entry]) -> str:
    """Return the page."""
    entries = list(entries)
    head = PAGE.read_text(encoding="utf-8").partition("## The faults\n")[0]
    return "\n".join([head.rstrip("\n"), "", *_faults(), *_tables(entries), *_lines(entries)]) + "\n"


def read_rows(page: str) -> list[tuple[str, str, str, str]]:
    """Return run, number, call and purpose of every row of the page's tables."""
    rows, run = [], ""
    for line in page.splitlines():
        run = next((name for name, text in RUNS.items() if text.startswith(line) and line), run)
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0].isdigit():
            rows.append((run, cells[0], cells[1].strip("`"), cells[2]))
    return rows


def read_faults(page: str) -> dict[str, list[str]]:
    """Return the kinds of each family, as the page lists them."""
    table = page.partition("## The faults\n")[2].partition("\n## ")[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line[:3] == "| *"]
    return {row[0].strip("*"): [name.strip(" `") for name in row[1].split(",")] for row in cells}


def _faults() -> Iterator[str]:
    yield "## The faults\n"
    yield "| family | kinds | what happens |"
    yield "|---|---|---|"
    for family in COLUMNS:
        names = ", ".join(f"`{kind.name}`" for kind in (*KINDS, HANGING) if kind.family == family)
        yield f"| *{family}* | {names} | {MEANINGS[family]} |"
    yield ""


def _tables(entries: list[Entry]) -> Iterator[str]:
    for run, head in RUNS.items():
        yield f"{head}\n"
        yield " | ".join(["| ", "call", "what for", *COLUMNS]) + " |"
        yield "|---" * (len(COLUMNS) + 3) + "|"
        rows: dict[tuple[int, str, str], dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
        for entry in entries:
            if entry["run"] == run:
                rows[entry["number"], entry["call"], entry["purpose"]][entry["family"]].append(entry)
        for (number, call, purpose), cells in sorted(rows.items()):
            yield f"| {number} | `{call}` | {purpose} | {' | '.join(_cell(cells[f]) for f in COLUMNS)} |"
        yield ""


def _cell(entries: list[Entry]) -> str:
    """Return the word that the kinds of a family led to, the rarer ones with their kinds."""
    by_word: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        by_word[entry["word"]].append(entry["kind"])
    words = sorted(by_word, key=lambda word: (-len(by_word[word]), word))
    order = [kind.name for kind in KINDS]
    rarer = [f"{word}: {', '.join(f'`{k}`' for k in sorted(by_word[word], key=order.index))}" for word in words[1:]]
    return "; ".join([*words[:1], *rarer]) or "-"


def _lines(entries: list[Entry]) -> Iterator[str]:
    """Yield the lines that users read, each once: places, numbers and ids are left out."""
    seen: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if entry["line"]:
            seen[_steady(entry["line"])].add(entry["purpose"])
    yield "## What one reads\n"
    yield "| line | when this goes wrong |"
    yield "|---|---|"
    for line, purposes in sorted(seen.items()):
        yield f"| `{line}` | {'; '.join(sorted(purposes))} |"


def _steady(line: str) -> str:
    line = line.partition("\n")[0].partition("qlik_provider.errors.")[2].partition(": ")[2] or line.partition("\n")[0]
    for pattern, text in _VOLATILE:
        line = pattern.sub(text, line)
    return line.replace("|", "\\|")


def entries_of(reports: Iterable[Any]) -> list[Entry]:
    """Return what the tests of a campaign have recorded."""
    properties: list[Mapping[str, Any]] = [dict(report.user_properties) for report in reports]
    return [entry for bag in properties for entry in bag.get("faults", [])]
