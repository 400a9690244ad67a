"""The one subject that writes are tried on: which may be it, and how everything is put back."""

from collections.abc import Mapping, Sequence
from typing import Any

from qlik_provider.client import QlikClient, Writer
from qlik_provider.entitlements import Assignment, fold
from qlik_provider.errors import LeftBehind, UnfitSubject
from qlik_provider.people import TenantUser
from qlik_provider.probing.restoration import Ending, insist
from qlik_provider.probing.witness import Witness
from qlik_provider.transport import Answer

_BOT = "qlikbot\\"
_ACTIONS = "/api/v1/licenses/assignments/actions"

Row = tuple[str, str]


def refuse_unfit(witness: Witness, subject: str, protected: Sequence[str], *, may_be_in_use: bool) -> None:
    """Raise UnfitSubject for a subject that somebody needs; nothing was sent before."""
    key = fold(subject)
    if not key.strip() or key != key.strip():
        raise UnfitSubject(f"--subject {subject!r} is no subject")
    user = next((user for user in witness.users if fold(user.subject) == key), None)
    held = held_by(witness.rows, subject)
    if key.startswith(_BOT) or (user is not None and user.id == witness.my_id):
        raise UnfitSubject(f"{subject} is the user of a client, or the caller; nothing is tried on it")
    if _names(subject, user) & {fold(name) for name in protected}:
        raise UnfitSubject(f"{subject} is protected by the declaration; nothing is tried on it")
    if held and user is None:
        raise UnfitSubject(
            f"{subject} holds {_join(held)} and is no user of this tenant: the row may be another tenant's"
        )
    if may_be_in_use:
        return
    if held:
        raise UnfitSubject(f"{subject} holds {_join(held)}; name a subject nobody uses, or allow it with --in-use")
    if user is not None:
        raise UnfitSubject(
            f"{subject} is a user of this tenant ({user.status}); name a subject nobody uses, or allow it with --in-use"
        )


def held_by(rows: Sequence[Assignment], subject: str) -> tuple[Assignment, ...]:
    """Return the rows of a subject, in whatever spelling the license has it."""
    return tuple(row for row in rows if fold(row.subject) == fold(subject))


class TrialSubject:
    """A subject whose rows may be written, and are afterwards what they were before."""

    def __init__(
        self, client: QlikClient, writer: Writer, subject: str, before: Sequence[Assignment], ending: Ending
    ) -> None:
        self.subject = subject
        self.before = tuple(before)
        self._client = client
        self._writer = writer
        self._ending = ending
        self._sent: list[str] = []

    def rows(self) -> tuple[Assignment, ...]:
        """Return the rows the license lists of this subject now."""
        return held_by(self._client.read_assignments(), self.subject)

    def add(self, type: str) -> Answer:
        """Give the subject a type."""
        self._sent.append(type)
        return self._try("add", [{"type": type}])

    def update(self, source_type: str, type: str) -> Answer:
        """Change one type of the subject into another."""
        self._sent.append(type)
        return self._try("update", [{"sourceType": source_type, "type": type}])

    def delete(self, *types: str) -> Answer:
        """Take these types from the subject, none of which it held before."""
        if {row.type for row in self.before} & set(types):
            raise AssertionError("a row that was there before is not the probe's to delete")
        return self._try("delete", [{"type": type} for type in types])

    def delete_as(self, subject: str, type: str) -> Answer:
        """Take a type from the subject, spelt in another case."""
        self._ending.check()
        return self._write("delete", [{"subject": subject, "type": type}])

    def clear(self) -> None:
        """Take whatever the subject holds that it did not hold before."""
        self._ending.check()
        self._put_back()

    def restore(self) -> None:
        """Put the rows back as they were; raises LeftBehind with what could not be."""
        reason = insist(self._is_put_back)
        if reason:
            sent = " and ".join(dict.fromkeys(self._sent)) or "nothing"
            raise LeftBehind(
                f"{self.subject} is perhaps not as before ({reason}): it held {_join(self.before)} and was tried with "
                f"{sent}; look at its rows and put them right by hand"
            )

    def _is_put_back(self) -> bool:
        self._put_back()
        return _pairs(self.rows()) == _pairs(self.before)

    def _put_back(self) -> None:
        """Take what was added, as it is listed and as it was sent; give what is missing."""
        now, before = _pairs(self.rows()), _pairs(self.before)
        kept = {type for _, type in before}
        sent = [(self.subject, type) for type in self._sent if type not in kept]
        # One request each: an item that the service cannot read may cost the others of its request.
        for row in dict.fromkeys([*(row for row in now if row not in before), *sent]):
            self._write("delete", [_item(row)])
        for row in before:
            if row not in now:
                self._write("add", [_item(row)])

    def _try(self, verb: str, items: Sequence[Mapping[str, str]]) -> Answer:
        self._ending.check()
        return self._write(verb, [{"subject": self.subject, **item} for item in items])

    def _write(self, verb: str, items: Sequence[Mapping[str, str]]) -> Answer:
        if any(fold(item["subject"]) != fold(self.subject) for item in items):
            raise AssertionError("the probe writes rows of its subject only")
        return self._writer.ask("POST", f"{_ACTIONS}/{verb}", {verb: list(items)})


def items_of(answer: Answer) -> list[dict[str, Any]]:
    """Return the items of a 207; none for a request refused as a whole."""
    data = answer.body.get("data") if isinstance(answer.body, dict) else None
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def _names(subject: str, user: TenantUser | None) -> set[str]:
    return {fold(subject), *((fold(user.email or ""), fold(user.name)) if user else ())}


def _pairs(rows: Sequence[Assignment]) -> list[Row]:
    return sorted((row.subject, row.type) for row in rows)


def _item(row: Row) -> dict[str, str]:
    return {"subject": row[0], "type": row[1]}


def _join(rows: Sequence[Assignment]) -> str:
    return " and ".join(row.type for row in rows) or "nothing"
