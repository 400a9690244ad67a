"""An approval file, written from the removals that plan documents hold."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pydantic import TypeAdapter
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from qlik_provider.changes import name_some
from qlik_provider.documents import Document, parse_document
from qlik_provider.entitlements import KEY_PATTERN, fold
from qlik_provider.errors import UnusableApproval
from qlik_provider.report import PlanDocument, PlannedChange
from qlik_provider.review import read_plans
from qlik_provider.shapes import Approval

LONGEST = timedelta(days=30)
"""How long an approval may count: what is approved for longer is forgotten."""
_SCHEMA = "../../schema/approval.json"  # as every file of a declaration names its own
ONE_RUN = timedelta(days=1)  # plans further apart are not of one run


@dataclass(frozen=True)
class HeldPerson:
    """Somebody whose removals are held, and all that they would lose; one subject may stand in several plans."""

    subject: str
    mail: str
    losses: tuple[str, ...]

    def is_named(self, name: str) -> bool:
        """Tell whether this is who is meant by a mail or a subject."""
        return name.casefold() in {self.subject.casefold(), self.mail.casefold()}


@dataclass(frozen=True)
class ApprovalFile:
    """What an approval file is to say, and where."""

    path: Path
    people: tuple[HeldPerson, ...]
    reason: str
    expires: date
    left: tuple[HeldPerson, ...]
    """Who is held and not in it."""

    def write(self) -> None:
        """Write the file; raises UnusableApproval where one of that name is there already."""
        data = CommentedMap(subjects=CommentedSeq(), reason=self.reason, expires=self.expires)
        column = 6 + max(len(person.subject) for person in self.people)
        for place, person in enumerate(self.people):
            data["subjects"].append(person.subject)
            comment = " ".join(f"{person.mail}: {'; '.join(person.losses)}".split())
            data["subjects"].yaml_add_eol_comment(comment, place, column)
        faults = parse_document(Document(self.path, data), TypeAdapter(Approval))
        if isinstance(faults, list):
            raise UnusableApproval("; ".join(faults))
        yaml = YAML()
        yaml.indent(mapping=2, sequence=4, offset=2)
        yaml.width = 1_000_000  # one line each, however long
        try:
            self.path.parent.mkdir(exist_ok=True)
            if (self.path.parent / _SCHEMA).exists():
                data.yaml_set_start_comment(f"yaml-language-server: $schema={_SCHEMA}")
            with self.path.open("x", encoding="utf-8") as file:
                yaml.dump(data, file)
        except OSError as error:
            is_there = f"{self.path} is there already; give --name another one"
            cannot = f"{self.path} cannot be written: {error.strerror}"
            raise UnusableApproval(is_there if self.path.exists() else cannot) from None


def draft_approval(
    folder: Path, plans: Path, *, name: str, reason: str, expires: str, only: Collection[str]
) -> ApprovalFile | None:
    """Return the approval of what the plan documents in `plans` hold; None where they hold nothing.

    `expires` is a date, or days from the time of the plans, as `3d`. Raises UnusablePlans or UnusableApproval for
    whatever is wrong; nothing is written.
    """
    if not (folder / "access.yaml").is_file():
        raise UnusableApproval(f"{folder} is no folder of a stack: it has no access.yaml")
    documents = read_plans([plans])
    _refuse_others(documents, folder)
    now = max(document.now for document in documents.values())
    held = find_held(documents.values())
    if not held:
        return None
    wanted = _select(held, only)
    name = name or now.date().isoformat()
    if not re.fullmatch(KEY_PATTERN, name):
        raise UnusableApproval(f"--name {name!r}: a name is small letters, digits and hyphens")
    if not reason.strip():
        raise UnusableApproval("--reason is empty; say why these people may lose what they have")
    path = folder / "approvals" / f"{name}.yaml"
    left = tuple(person for person in held if person not in wanted)
    return ApprovalFile(path, wanted, " ".join(reason.split()), _parse_expiry(expires, now.date()), left)


def _refuse_others(documents: Mapping[Path, PlanDocument], folder: Path) -> None:
    """Refuse plans of another stack, and those of an earlier run that were left behind."""
    newest = max(document.now for document in documents.values())
    ours = (folder / "approvals").resolve().parts
    for path, document in documents.items():
        if newest - document.now > ONE_RUN:
            age = f"planned at {document.now:%Y-%m-%d %H:%M}, more than a day before the newest"
            raise UnusableApproval(f"{path}: {age}; empty the folder and plan again")
        theirs = Path(document.approvals or "").parts
        if document.approvals is None or ours[-len(theirs) :] != theirs:
            reads = f"reads {document.approvals}" if document.approvals else "reads no approvals"
            raise UnusableApproval(f"{path}: is the plan of a stack that {reads}, not {folder / 'approvals'}")


def find_held(documents: Iterable[PlanDocument]) -> tuple[HeldPerson, ...]:
    """Return everybody with a removal that is held, by mail."""
    found: dict[str, HeldPerson] = {}
    for document in documents:
        for change in document.held:
            known = found.get(fold(change.subject), HeldPerson(change.subject, change.mail, ()))
            losses = (*known.losses, _describe_loss(change, document))
            found[fold(change.subject)] = HeldPerson(known.subject, known.mail, losses)
    return tuple(sorted(found.values(), key=lambda person: (fold(person.mail), person.subject)))


def _describe_loss(change: PlannedChange, document: PlanDocument) -> str:
    if change.verb == "remove":
        return f"remove from {document.identity.get('group', document.resource)}"
    what = f"from {change.held} to {change.declared}" if change.declared else change.held
    return f"{change.verb} {what} ({', '.join(change.keys)})"


def _select(held: tuple[HeldPerson, ...], only: Collection[str]) -> tuple[HeldPerson, ...]:
    unknown = [name for name in only if not any(person.is_named(name) for person in held)]
    if unknown:
        mails = name_some(list(dict.fromkeys(person.mail for person in held)))
        raise UnusableApproval(f"not held: {', '.join(unknown)}; held are {mails}")
    return tuple(person for person in held if not only or any(person.is_named(name) for name in only))


def _parse_expiry(text: str, today: date) -> date:
    days = re.fullmatch(r"([1-9][0-9]{0,3})d", text)
    try:
        expires = today + timedelta(days=int(days[1])) if days else date.fromisoformat(text)
    except ValueError:
        raise UnusableApproval(f"--expires {text!r} is neither a date as {today} nor days as 3d") from None
    if not today <= expires <= today + LONGEST:
        limits = f"from {today}, the day of the plans, to {today + LONGEST}"
        raise UnusableApproval(f"--expires {text}: {expires} is out of bounds; choose a day {limits}")
    return expires
