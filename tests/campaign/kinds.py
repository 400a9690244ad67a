"""Every fault of the sandbox, in families; which calls a kind can strike, and how it is armed on the k-th request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ALWAYS = 99
QLIK_ERROR = {"errors": [{"code": "HTTP-1", "title": "No"}]}


@dataclass(frozen=True)
class Kind:
    """One fault: its name in the table, what the sandbox is told, and the calls it can strike."""

    family: str
    name: str
    fault: Mapping[str, Any]
    strikes: frozenset[str] = frozenset({"any"})

    def fits(self, shapes: frozenset[str]) -> bool:
        return bool(self.strikes & shapes)


LISTS, PAGES, LATER_PAGES = frozenset({"list", "207", "batch"}), frozenset({"leading"}), frozenset({"later"})


def answers(family: str, *statuses: int, count: int = 1, headers: Mapping[str, str] | None = None) -> list[Kind]:
    suffix = (" for good" if count > 1 else "") + ("".join(f" {name} {text}" for name, text in (headers or {}).items()))
    return [
        Kind(
            family,
            f"{status}{suffix}",
            {"status": status, "body": QLIK_ERROR, "count": count, "headers": dict(headers or {})},
        )
        for status in statuses
    ]


def spoilt(family: str, *kinds: str, strikes: frozenset[str] = frozenset({"any"}), **others: Any) -> list[Kind]:
    suffix = " for good" if others.get("count", 1) > 1 else ""
    return [Kind(family, f"{kind}{suffix}", {"kind": kind, **others}, strikes) for kind in kinds]


def shaped(name: str, body: Any, status: int = 200) -> Kind:
    return Kind("no such answer", name, {"status": status, "body": body})


def items(*statuses: int) -> list[Kind]:
    """Return the refusals of the first items of a 207, and of one request of a batch."""
    return [
        Kind(
            "items refused",
            f"items {status}",
            {"item": {"every": 1, "status": status}, "count": 50},
            frozenset({"207"}),
        )
        for status in statuses
    ] + [
        Kind("items refused", f"request {status}", {"status": status, "body": GRAPH_ERROR}, frozenset({"batch"}))
        for status in statuses
    ]


GRAPH_ERROR = {"error": {"code": "Denied", "message": "No"}}

KINDS = (
    *answers("refused", 400, 401, 403, 404, 409, 413),
    *answers("busy", 408, 425, 429, 500, 502, 503, 504),
    *answers("busy", 429, 503, headers={"Retry-After": "1"}),
    *answers("busy for good", 429, 500, 503, count=ALWAYS),
    *answers("busy for good", 429, 503, headers={"Retry-After": "3600"}),
    *spoilt("connection lost", "reset-before", "reset-after"),
    *spoilt("connection lost for good", "reset-before", "reset-after", count=ALWAYS),
    *spoilt("late", "delay", delay=0.05),
    *spoilt("no such answer", "empty-200", "wrong-type", "invalid-json", "truncated-json"),
    shaped("200 {}", "{}"),
    shaped("200 []", "[]"),
    shaped("200 null", "null"),
    shaped("207 of nothing", {"data": [{}], "value": [{}], "responses": [{}]}, 207),
    *answers("no such answer", 204, 302),
    *spoilt("short list", "truncated-page", "missing-items", strikes=LISTS),
    *spoilt("short list", "missing-next", strikes=PAGES),
    *spoilt("short list", "repeated-cursor", strikes=LATER_PAGES),
    *spoilt("odd list", "extra-items", "duplicated-items", "reordered-items", strikes=LISTS),
    *items(400, 403, 404, 409, 429, 500, 503),
)
HANGING = Kind("no answer", "delay 31", {"kind": "delay", "delay": 31})
"""Longer than the client waits; each costs half a minute."""

FAMILIES = tuple(dict.fromkeys(kind.family for kind in KINDS))
MEANINGS = {
    "refused": "the request is refused, nothing is done",
    "busy": "refused for the moment, nothing is done; `Retry-After 1` asks for a second",
    "busy for good": "the same at every attempt; or a wait of an hour is asked for",
    "connection lost": "the connection breaks, before or after the work is done",
    "connection lost for good": "the same at every attempt",
    "late": "the true answer, late",
    "no such answer": "the work is done, or not, and the answer is empty, broken, cut or of another shape",
    "short list": "things are missing in a list, a 207 or a batch; or the way to the next page, or it leads back",
    "odd list": "a thing too many, one twice, or another order",
    "items refused": "half of the items of a 207, or one request of a batch, are refused",
    "no answer": "the work is done, and no answer comes for 31 seconds",
}
"""What happens in each family."""
