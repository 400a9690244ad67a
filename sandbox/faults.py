"""Faults on demand: answers that are refused, late, lost, cut short or repeated."""

import re
from dataclasses import dataclass
from itertools import count
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote_plus

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, model_validator

Kind = Literal[
    "answer", "item", "delay", "hold", "reset-before", "reset-after", "truncated-page", "missing-next",
    "repeated-cursor", "empty-200", "wrong-type", "invalid-json", "truncated-json", "missing-items", "extra-items",
    "reordered-items", "duplicated-items",
]  # fmt: skip

MAX_DELAY = 600.0  # seconds
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")


def _as_pattern(text: str) -> str:
    """Return the text if it is a regular expression."""
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return text


def _as_headers(headers: dict[str, str]) -> dict[str, str]:
    """Return the headers if they can be sent."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"not a header: {name!r}")
        if name.lower() in {"content-length", "transfer-encoding", "connection", "date"}:
            raise ValueError(f"{name} is the server's own")
    return headers


Pattern = Annotated[str, AfterValidator(_as_pattern)]
Seconds = Annotated[float, Field(ge=0, le=MAX_DELAY, allow_inf_nan=False)]


class ItemFault(BaseModel):
    """The refusal of items of a 207: of one subject, or of every n-th item."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str | None = None
    every: int | None = Field(default=None, ge=1, le=10_000)
    status: int = Field(default=403, ge=200, le=599)
    code: str = "LICENSES-011"
    title: str = "No available allotment error, No available allotment."

    @model_validator(mode="after")
    def _names_items(self) -> Self:
        if (self.subject is None) is (self.every is None):
            raise ValueError("give either subject or every")
        return self


@dataclass(frozen=True)
class Asked:
    """What a fault is compared with: a request, or an item of a batch of requests."""

    method: str
    path: str
    query: str = ""
    caller: str = ""


class Fault(BaseModel):
    """What goes wrong, for which requests, how many times; `after` lets that many of them pass first."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(default="", max_length=100)
    method: str | None = None
    path: Pattern = ""
    query: Pattern | None = None
    caller: str | None = None
    count: int = Field(default=1, ge=1, le=1_000_000_000)
    after: int = Field(default=0, ge=0, le=1_000_000_000)
    kind: Kind = "answer"
    delay: Seconds = 0
    status: int | None = Field(default=None, ge=200, le=599)
    headers: Annotated[dict[str, str], AfterValidator(_as_headers)] = {}
    body: Any = None
    item: ItemFault | None = None
    items: int = Field(default=1, ge=1, le=10_000)

    _seen: int = PrivateAttr(default=0)

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        """Refuse an answer without a status, an item without its subject and a delay of no time."""
        if self.item is not None:
            self.kind = "item"
        elif self.kind == "answer" and self.status is None and self.delay:
            self.kind = "delay"
        elif self.kind == "answer" and self.status is None:
            raise ValueError("status is missing")
        elif self.kind == "item":
            raise ValueError("item is missing")
        if self.kind == "delay" and not self.delay:
            raise ValueError("delay is missing")
        return self

    def fits(self, asked: Asked) -> bool:
        """Say whether the fault is about this request."""
        return (
            self.method in {None, asked.method}
            and self.caller in {None, asked.caller}
            and re.search(self.path, asked.path) is not None
            and (self.query is None or re.search(self.query, unquote_plus(asked.query)) is not None)
        )

    def names(self, subject: str) -> bool:
        """Say whether the next item of a 207 is one to refuse; items are counted for every n-th."""
        if self.item is None:
            return False
        if self.item.subject is not None:
            return self.item.subject.casefold() == subject.casefold()
        self._seen += 1
        return self._seen % (self.item.every or 1) == 0

    def show(self) -> dict[str, Any]:
        """Return the fault as it still waits."""
        return self.model_dump(mode="json", exclude_none=True)


class Faults:
    """The faults that wait, in the order they were asked for."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []
        self._numbers = count(1)

    def add(self, fault: Fault) -> None:
        """Let the fault wait for its requests; one with the id of another takes its place."""
        fault.id = fault.id or f"fault-{next(self._numbers)}"
        self.waiting = [other for other in self.waiting if other.id != fault.id] + [fault]

    def remove(self, id: str) -> bool:
        """Forget one fault, and say whether there was one."""
        known = len(self.waiting)
        self.waiting = [fault for fault in self.waiting if fault.id != id]
        return len(self.waiting) < known

    def clear(self) -> None:
        """Forget every fault."""
        self.waiting.clear()

    @property
    def ask_for_callers(self) -> bool:
        """Say whether any fault is about the requests of one caller."""
        return any(fault.caller is not None for fault in self.waiting)

    def take(self, method: str, path: str, query: str, caller: str = "") -> Fault | None:
        """Return the first fault for a whole request and use it up once."""
        asked = Asked(method, path, query, caller)
        for fault in self.waiting:
            if fault.kind == "item" or not fault.fits(asked):
                continue
            # The first page came by no cursor, so there is none to repeat yet.
            if fault.kind == "repeated-cursor" and not _has_cursor(query):
                continue
            if self._use(fault):
                return fault
        return None

    def take_item(self, method: str, path: str, subject: str, caller: str = "", query: str = "") -> ItemFault | None:
        """Return the fault for one item of a 207 and use it up once."""
        asked = Asked(method, path, query, caller)
        for fault in self.waiting:
            if fault.kind == "item" and fault.fits(asked) and fault.names(subject) and self._use(fault):
                return fault.item
        return None

    def _use(self, fault: Fault) -> bool:
        """Count one fitting request; say whether the fault strikes."""
        if fault.after:
            fault.after -= 1
            return False
        fault.count -= 1
        if not fault.count:
            self.waiting.remove(fault)
        return True


def _has_cursor(query: str) -> bool:
    """Say whether a request asks for a further page."""
    return re.search(r"(^|&)(page|next|prev|startingAfter|endingBefore|cursor|(\$|%24)skiptoken)=", query) is not None
