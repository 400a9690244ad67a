"""Faults on demand: answers that are refused, lost, cut short or repeated."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Kind = Literal[
    "answer", "item", "reset-before", "reset-after", "truncated-page", "missing-next", "repeated-cursor",
    "empty-200", "wrong-type",
]  # fmt: skip


def _as_pattern(text: str) -> str:
    """Return the text if it is a regular expression."""
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from error
    return text


class ItemFault(BaseModel):
    """The refusal of one item of a 207."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    subject: str
    status: int = 403
    code: str = "LICENSES-011"
    title: str = "No available allotment error, No available allotment."


class Fault(BaseModel):
    """What goes wrong, for which requests, how many times; `after` lets that many of them pass first."""

    model_config = ConfigDict(extra="forbid")

    method: str | None = None
    path: Annotated[str, AfterValidator(_as_pattern)] = ""
    count: int = Field(default=1, ge=1)
    after: int = Field(default=0, ge=0)
    kind: Kind = "answer"
    status: int | None = Field(default=None, ge=200, le=599)
    headers: dict[str, str] = {}
    body: Any = None
    item: ItemFault | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        """Refuse an answer without a status and an item without its subject."""
        if self.item is not None:
            self.kind = "item"
        elif self.kind == "answer" and self.status is None:
            raise ValueError("status is missing")
        elif self.kind == "item":
            raise ValueError("item is missing")
        return self

    def fits(self, method: str, path: str) -> bool:
        """Say whether the fault is about this request."""
        return self.method in {None, method} and re.search(self.path, path) is not None


class Faults:
    """The faults that wait, in the order they were asked for."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let the fault wait for its requests."""
        self.waiting.append(fault)

    def clear(self) -> None:
        """Forget every fault."""
        self.waiting.clear()

    def take(self, method: str, path: str, query: str) -> Fault | None:
        """Return the first fault for a whole request and use it up once."""
        for fault in self.waiting:
            if fault.kind == "item" or not fault.fits(method, path):
                continue
            # The first page came by no cursor, so there is none to repeat yet.
            if fault.kind == "repeated-cursor" and not _has_cursor(query):
                continue
            if self._use(fault):
                return fault
        return None

    def take_item(self, method: str, path: str, subject: str) -> ItemFault | None:
        """Return the fault for one item of a batch and use it up once."""
        for fault in self.waiting:
            item = fault.item
            if item is None or not fault.fits(method, path):
                continue
            if item.subject.casefold() == subject.casefold() and self._use(fault):
                return item
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
    return re.search(r"(^|&)(page|next|prev|(\$|%24)skiptoken)=", query) is not None


def spoil(kind: Kind, content: Any, url: str) -> Any:
    """Return the JSON of a list answer, spoilt; `url` is the request's own address."""
    if not isinstance(content, dict):
        return content
    spoilt = dict(content)
    if kind == "truncated-page":
        for name in ("data", "value"):
            if isinstance(spoilt.get(name), list):
                spoilt[name] = spoilt[name][: len(spoilt[name]) // 2]
    if kind == "missing-next":
        spoilt.pop("@odata.nextLink", None)
        if "links" in spoilt:
            spoilt["links"] = {name: link for name, link in spoilt["links"].items() if name != "next"}
    if kind == "repeated-cursor":
        if "value" in spoilt:
            spoilt["@odata.nextLink"] = url
        else:
            spoilt["links"] = spoilt.get("links", {}) | {"next": {"href": url}}
    return spoilt
