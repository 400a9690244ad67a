"""The questions that only writing answers, tried on one subject in the order that needs the fewest seats."""

from qlik_provider.errors import UnfitSubject
from qlik_provider.probing.findings import Found
from qlik_provider.probing.license_readings import compare_domains
from qlik_provider.probing.trial_subject import TrialSubject, items_of
from qlik_provider.probing.trial_types import NO_TYPE, Types, assignable
from qlik_provider.probing.witness import Witness, code_of, describe
from qlik_provider.transport import Answer

BATCHES = (100, 101, 1000)  # sizes of the batches of deletes
_OK, _MULTI_STATUS, _REFUSED, _FORBIDDEN, _NOT_FOUND, _TOO_LARGE = 200, 207, 400, 403, 404, 413
# What is tried on no row but one the probe itself made.
_WITH_A_ROW_OF_OURS = (
    "add-other-type", "update-without-seat", "add-without-seat", "subject-match", "units-used", "seat-quarantine",
    "rows-listed",
)  # fmt: skip


class Trials:
    """The trials on one subject; what each tells is in `answers` once it was made."""

    def __init__(self, witness: Witness, subject: TrialSubject, types: Types) -> None:
        self.answers: dict[str, Found] = {}
        self._witness = witness
        self._subject = subject
        self._types = types
        self._used_before = 0

    def run(self) -> None:
        """Make every trial that this subject and these seats allow."""
        self._try_missing_rows()
        self._try_batches()
        if self._subject.before:
            self._try_again(self._subject.before[0].type)
            self._try_bad_item()
            for name in _WITH_A_ROW_OF_OURS:
                self._leave(name, "the subject has a row of its own, which this could cost it")
            return
        self._try_without_seat()
        self._try_first_row()
        self._try_other_spelling()
        self._try_giving_back()
        self._subject.add(self._types.given)
        self._try_again(self._types.given)
        self._try_bad_item()
        self._try_other_type()
        self._try_update_without_seat()

    def _try_missing_rows(self) -> None:
        """Delete rows the subject does not hold: what each item says, and in which order they come."""
        types = self._types_not_held()
        answer = self._subject.delete(*types)
        items = items_of(answer)
        self._tell("missing-row", " or ".join(sorted({code_of(item) for item in items})) or describe(answer))
        if len(types) < 2:  # noqa: PLR2004  # an order needs two
            self._leave("item-order", "the license has too few types to tell items apart")
            return
        came = tuple(str(item.get("type")) for item in items)
        orders = {tuple(types): "request", tuple(reversed(types)): "reversed"}
        self._tell("item-order", orders.get(came, "another order" if items else describe(answer)))

    def _try_batches(self) -> None:
        """Delete one missing row many times over in one request."""
        type = self._types_not_held()[0]
        for size in BATCHES:
            answer = self._subject.delete(*[type] * size)
            if answer.status != _MULTI_STATUS or len(items_of(answer)) != size:
                words = {(101, _REFUSED): "over100is400", (101, _TOO_LARGE): "over100is413"}
                self._tell("batch-limit", words.get((size, answer.status), f"{size} are too many: {describe(answer)}"))
                return
        self._tell("batch-limit", "unlimited")

    def _try_without_seat(self) -> None:
        """Add a type that is full."""
        if not self._types.full:
            self._leave("add-without-seat", "every type has a free seat")
            return
        self._tell("add-without-seat", _outcome(self._subject.add(self._types.full)))
        self._subject.clear()

    def _try_first_row(self) -> None:
        """Add the subject: the seat must be counted, the row listed, the subject kept as given."""
        given = self._types.given
        self._used_before = self._units_used()
        outcome = _outcome(self._subject.add(given))
        if not outcome.startswith("201"):
            raise UnfitSubject(f"{self._subject.subject} was not given {given}: {outcome}")
        grown = self._units_used() - self._used_before
        self._tell("units-used", {1: "immediate", 0: "delayed"}.get(grown, ""), "seats changed meanwhile")
        rows = self._subject.rows()
        self._tell("rows-listed", "immediate" if rows else "later")
        form = compare_domains(self._subject.subject, rows[0].subject) if rows else ""
        if form:
            self._tell("subject-case", form)

    def _try_other_spelling(self) -> None:
        """Delete the row under the subject in the other case."""
        subject = self._subject.subject.swapcase()
        if subject == self._subject.subject:
            self._leave("subject-match", "the subject has no letters")
            return
        outcome = _outcome(self._subject.delete_as(subject, self._types.given))
        words = {str(_OK): "caseless", str(_NOT_FOUND): "exact"}
        self._tell("subject-match", words.get(outcome.partition(" ")[0], outcome))

    def _try_giving_back(self) -> None:
        """Delete the row: its seat must be free again."""
        if self.answers["units-used"].answer != "immediate":
            self._subject.clear()
            self._leave("seat-quarantine", "the overview does not follow at once")
            return
        self._subject.clear()
        kept = self._units_used() - self._used_before
        self._tell("seat-quarantine", {0: "none", 1: "sevenDays"}.get(kept, ""), "seats changed meanwhile")

    def _try_again(self, type: str) -> None:
        """Add a type that the subject holds."""
        outcome = _outcome(self._subject.add(type))
        words = {"200": "ok200", "201": "created201", "409": "conflict409"}
        self._tell("add-same-type", words.get(outcome.partition(" ")[0], outcome))

    def _try_bad_item(self) -> None:
        """Add a type that no license has."""
        answer = self._subject.add(NO_TYPE)
        if answer.status == _REFUSED:
            self._tell("bad-item", "request400")
            return
        outcome = _outcome(answer)
        self._tell("bad-item", "item400" if outcome.startswith(str(_REFUSED)) else outcome)

    def _try_other_type(self) -> None:
        """Add a second type to a subject that holds one."""
        other = self._types.other
        kept = self.answers["seat-quarantine"].answer == "sevenDays"
        if not other or kept:
            reason = "a seat given back stays taken, so no second one is tried" if kept else "no second type is free"
            self._leave("add-other-type", reason)
            return
        outcome = _outcome(self._subject.add(other))
        held = {row.type for row in self._subject.rows()}
        if outcome.startswith("409"):
            self._tell("add-other-type", "conflict409")
        elif outcome.startswith("201") and held == {self._types.given, other}:
            self._tell("add-other-type", "secondRow201")
        else:
            self._tell("add-other-type", f"{outcome}, then holding {' and '.join(sorted(held)) or 'nothing'}")

    def _try_update_without_seat(self) -> None:
        """Change the subject's type into one that is full."""
        given, full = self._types.given, self._types.full
        if not full:
            self._leave("update-without-seat", "every type has a free seat")
            return
        if [row.type for row in self._subject.rows()] != [given]:
            self._subject.clear()
            self._subject.add(given)
        outcome = _outcome(self._subject.update(given, full))
        held = {row.type for row in self._subject.rows()}
        if outcome.startswith(str(_FORBIDDEN)):
            self._tell("update-without-seat", "keep" if given in held else "lose")
        else:
            self._tell("update-without-seat", f"{outcome}, then holding {' and '.join(sorted(held)) or 'nothing'}")

    def _types_not_held(self) -> list[str]:
        """Return the types that are given to people and that the subject did not hold before, or one there is not."""
        held = {row.type for row in self._subject.before}
        names = [allotment.name for allotment in assignable(self._witness.overview)]
        return [name for name in names if name not in held] or [NO_TYPE]

    def _units_used(self) -> int:
        """Return the seats of the given type that are in use now."""
        allotments = self._witness.client.read_overview().allotments
        return next((allotment.units_used for allotment in allotments if allotment.name == self._types.given), 0)

    def _tell(self, name: str, answer: str, otherwise: str = "") -> None:
        self.answers[name] = Found(answer, otherwise)

    def _leave(self, name: str, because: str) -> None:
        self.answers[name] = Found(because=because)


def _outcome(answer: Answer) -> str:
    """Return `201`, or `403 LICENSES-011`: of the one item, or of the request."""
    items = items_of(answer)
    return code_of(items[0]) if answer.status == _MULTI_STATUS and items else describe(answer)
