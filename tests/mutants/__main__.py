"""`make mutants`: breaks what decides, one change at a time, and tells which breaks no pure test notices.

Arguments limit a run to a module or a function (`plan`, `plan._hold`); docs/mutants.md is written by a whole run only.
"""

import sys
import time
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from mutants.judge import Judge, Verdict
from mutants.operators import Mutant, make_mutants
from mutants.page import PAGE, count, write_page
from mutants.survivors import Key, compare, describe, read_survivors
from typer import echo

ROOT = Path(__file__).parents[2]
WORLDS = 100  # of each law: the breaks that only more of them show are few
PROCESSES = 2

SCORE = 90
# What decides, and the tests of each, the quick ones first.
LAWS = ("plan_laws", "plan_runs")
MODULES = {
    "plan": ("plan", "moves", "absence", "verdicts", "waitlist", "brake", "ledger", "review", *LAWS, "histories"),
    "verdicts": ("verdicts", "plan", "absence", "moves", "waitlist", "ledger", "review", *LAWS, "histories"),
    "premises": ("verdicts", "plan", "absence", "waitlist", "ledger", "review", *LAWS),
    "entitlements": ("entitlements", "changes", "brake", "plan", "ledger", "waitlist", *LAWS),
    "waitlist": ("waitlist", "plan", *LAWS),
    "changes": ("changes", "verdicts", "plan", "waitlist", "ledger", "review", *LAWS),
    "brake": ("brake", "plan", "ledger", *LAWS),
}
REQUIRED = ("plan", "verdicts", "premises", "entitlements")  # a run fails where too few of these are killed


def tests_of(module: str) -> list[str]:
    return [f"tests/core/test_{name}.py" for name in MODULES[module]]


def choose(wanted: Collection[str]) -> list[Mutant]:
    """Return the mutants of what is wanted; of everything, when nothing is named."""
    mutants = [
        mutant
        for module in MODULES
        for mutant in make_mutants(module, (ROOT / "qlik_provider" / f"{module}.py").read_text(encoding="utf-8"))
    ]
    chosen = [mutant for mutant in mutants if is_wanted(mutant.key, wanted)]
    if not chosen:
        raise SystemExit(f"error: nothing to break in {', '.join(wanted)}; the modules are {', '.join(MODULES)}")
    return chosen


def is_wanted(key: Key, wanted: Collection[str]) -> bool:
    """Tell whether a mutant is of a module or a function that was named; of anything, when nothing was."""
    module, function, *_ = key
    return not wanted or module in wanted or f"{module}.{function}" in wanted


def judge_all(mutants: Sequence[Mutant]) -> dict[Mutant, Verdict]:
    """Return what became of each mutant, in the order given."""
    judges = [Judge(ROOT, WORLDS) for _ in range(PROCESSES)]
    idle: SimpleQueue[Judge] = SimpleQueue()
    for judge in judges:
        idle.put(judge)

    def judge_one(mutant: Mutant) -> Verdict:
        judge = idle.get()
        try:
            return judge.judge(f"qlik_provider.{mutant.module}", mutant.source, tests_of(mutant.module))
        finally:
            idle.put(judge)

    verdicts = {}
    with ThreadPoolExecutor(PROCESSES) as threads:
        for mutant, verdict in zip(mutants, threads.map(judge_one, mutants), strict=True):
            verdicts[mutant] = verdict
            if verdict.fate == "survived":
                echo(f"survived: {mutant.module} line {mutant.line}, {describe(mutant.key)}")
            if len(verdicts) % 50 == 0:
                echo(f"{len(verdicts)} of {len(mutants)}", err=True)
    for judge in judges:
        judge.close()
    return verdicts


def check_unbroken(modules: Iterable[str]) -> None:
    """Raise SystemExit when the tests fail without a break: then they would kill everything."""
    judge = Judge(ROOT, WORLDS)
    for module in modules:
        source = (ROOT / "qlik_provider" / f"{module}.py").read_text(encoding="utf-8")
        begin = time.perf_counter()
        verdict = judge.judge(f"qlik_provider.{module}", source, tests_of(module))
        if verdict.fate != "survived":
            raise SystemExit(f"error: the tests fail without a break: {verdict.by}")
        echo(f"{module}: the tests pass without a break, in {time.perf_counter() - begin:.1f} s", err=True)
    judge.close()


def main(wanted: Sequence[str]) -> None:
    mutants = choose(wanted)
    check_unbroken(dict.fromkeys(mutant.module for mutant in mutants))
    begin = time.perf_counter()
    verdicts = judge_all(mutants)
    rows = count(verdicts)
    survived = [mutant for mutant, verdict in verdicts.items() if verdict.fate == "survived"]
    reasons = {key: reason for key, reason in read_survivors().items() if is_wanted(key, wanted)}
    for row in rows:
        echo(row)
    echo(f"{len(mutants)} mutants in {(time.perf_counter() - begin) / 60:.0f} minutes", err=True)
    weak = [row for row in rows if row.module in REQUIRED and row.score < SCORE]
    faults = [
        *(f"{row.module}: {row.score:.1f} % killed, under {SCORE} %" for row in weak),
        *compare(survived, mutants, reasons),
    ]
    for fault in faults:
        echo(f"error: {fault}")
    if faults:
        raise SystemExit(1)
    if not wanted:
        PAGE.write_text(write_page(rows, survived, reasons), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
