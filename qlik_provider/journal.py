"""One line for each apply: what was intended, what became of it, and who asked for it.

The lines hold personal data: who gained and lost what.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from qlik_provider.outcomes import Outcome
from qlik_provider.plan import Plan
from qlik_provider.report import PlanDocument, PlannedChange
from qlik_provider.verdicts import WAITLISTED

JOURNAL = "QLIK_JOURNAL"
_COMMIT = ("QLIK_COMMIT", "GITHUB_SHA", "BUILD_SOURCEVERSION", "CI_COMMIT_SHA")
_ACTOR = (
    "QLIK_ACTOR",
    "GITHUB_ACTOR",
    "BUILD_REQUESTEDFOREMAIL",
    "BUILD_REQUESTEDFOR",
    "GITLAB_USER_LOGIN",
)

Fate = Literal["done", "refused", "unsent", "held", "unreviewed", "waitlisted"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class JournalEntry(_Part):
    """One person's change, or one right of a group, and what became of it."""

    verb: str
    subject: str
    mail: str
    held: str | None
    """The type before; null for none."""
    declared: str | None
    """The type afterwards; null for none."""
    becomes: str | None = None
    """The subject to which a seat moves; null for everything else."""
    outcome: Fate
    reason: str
    """In the words of the service; empty where it gave none."""


class JournalCounts(_Part):
    """How many changes, by verb; what was intended is the sum of all others."""

    intended: dict[str, int]
    done: dict[str, int]
    refused: dict[str, int]
    unsent: dict[str, int]
    held: dict[str, int]
    unreviewed: dict[str, int]
    waitlisted: dict[str, int]


class JournalRecord(_Part):
    """One apply of one resource."""

    version: Literal[1] = 1
    time: datetime
    """The time of the service at its first answer to the run."""
    resource: str
    kind: str
    identity: dict[str, str]
    commit: str | None
    actor: str | None
    """Who asked for the run, as the pipeline says."""
    client: str | None
    """As whom the provider wrote: the id of the client, or the name of the variable where that is all there is."""
    counts: JournalCounts
    changes: tuple[JournalEntry, ...]
    failure: str | None
    """What stopped the apply before anything was known to be done; null for nothing."""


Fates = Mapping[str, tuple[Fate, str]]
"""What became of a change and the service's reason, by its subject in the plan document."""


def make_record(
    document: PlanDocument,
    fates: Fates,
    waiting: Iterable[JournalEntry] = (),
    failure: str | None = None,
    *,
    client: str,
    environment: Mapping[str, str] = os.environ,
) -> JournalRecord:
    """Return the record of an apply; a change of unknown fate counts as unsent, for the reason of the failure.

    `client` is the variable that names as whom the provider wrote.
    """
    entries = (*_entries(document, fates, failure), *waiting)
    return JournalRecord(
        time=document.now,
        resource=document.resource,
        kind=document.kind,
        identity=document.identity,
        commit=_first(_COMMIT, environment),
        actor=_first(_ACTOR, environment),
        client=_name_client(client, environment),
        counts=JournalCounts(
            intended=_count(entries),
            **{fate: _count(entry for entry in entries if entry.outcome == fate) for fate in get_args(Fate)},
        ),
        changes=entries,
        failure=failure,
    )


def _entries(document: PlanDocument, fates: Fates, failure: str | None) -> Iterator[JournalEntry]:
    for change in document.changes:
        fate, reason = fates.get(_name_fate(change.verb, change.subject), ("unsent", failure or ""))
        yield _entry(change, fate, reason)
    for change in document.held:
        yield _entry(change, "held")
    for change in document.unreviewed:
        yield _entry(change, "unreviewed")


def _entry(change: PlannedChange, outcome: Fate, reason: str = "") -> JournalEntry:
    return JournalEntry(
        verb=change.verb,
        subject=change.subject,
        mail=change.mail,
        held=change.held,
        declared=change.declared,
        becomes=change.becomes,
        outcome=outcome,
        reason=reason,
    )


def fates_of(outcomes: Iterable[Outcome]) -> Fates:
    """Return what became of the changes of people; a seat that somebody else took first was refused."""
    return {
        _name_fate(outcome.change.verb, outcome.change.subject): (
            "refused" if outcome.state == "short" else outcome.state,
            outcome.reason,
        )
        for outcome in outcomes
    }


def _name_fate(verb: str, subject: str) -> str:
    """Return the name of a change: a subject that somebody moves away from may be given to somebody else at once."""
    return f"move {subject}" if verb == "move" else subject


def waiting_in(plan: Plan) -> Iterator[JournalEntry]:
    """Yield an entry for everybody who waits for a seat."""
    for subject, deviation in sorted(plan.deviations.items()):
        if deviation.declared and deviation.why.startswith(WAITLISTED):
            held = plan.ledger.get(subject)
            yield JournalEntry(
                verb="switch" if held else "assign",
                subject=subject,
                mail=deviation.declared.mail,
                held=held.type if held else None,
                declared=deviation.declared.type,
                outcome="waitlisted",
                reason=deviation.why,
            )


def _count(entries: Iterable[JournalEntry]) -> dict[str, int]:
    return dict(sorted(Counter(entry.verb for entry in entries).items()))


def _first(variables: Iterable[str], environment: Mapping[str, str]) -> str | None:
    return next((environment[name] for name in variables if environment.get(name)), None)


def _name_client(variable: str, environment: Mapping[str, str]) -> str | None:
    """Return the id of a client; an API key is a secret as a whole, so only the name of its variable is told."""
    if variable == "QLIK_CLIENT_ID" and environment.get("QLIK_API_KEY"):
        return "QLIK_API_KEY"
    return environment.get(variable) or None


def write_record(record: JournalRecord, environment: Mapping[str, str] = os.environ) -> str | None:
    """Append one line to the file that `QLIK_JOURNAL` names, `-` for stdout; return why that failed, None for done.

    One write at the end of the file, so two processes never mix their lines; only its owner may read a new file.
    """
    target = environment.get(JOURNAL)
    if not target:
        return None
    line = f"{json.dumps(record.model_dump(mode='json', by_alias=True), ensure_ascii=False)}\n"
    try:
        if target == "-":
            sys.stdout.write(line)
            sys.stdout.flush()
        else:
            _append(Path(target), line.encode())
    except (OSError, ValueError) as error:
        return f"the journal {target} was not written, {error}; what was done stands in the state"
    return None


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        written = os.write(file, line)
    finally:
        os.close(file)
    if written < len(line):
        raise OSError(f"only {written} of {len(line)} bytes found room")


def journal_schema() -> dict[str, Any]:
    """Return the JSON schema of a record."""
    return JournalRecord.model_json_schema(by_alias=True)
