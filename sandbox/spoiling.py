"""Answers spoilt: what a fault makes of what the routes answered."""

import json
from typing import Any

from sandbox.answers import Answer
from sandbox.faults import Fault

_HTML = b"<!DOCTYPE html><title>Service</title><p>This is not what was asked for."
_LISTS = ("data", "value", "responses")  # where the services keep the items of a list, a 207 and a batch
_BODILESS = {204, 304}


def make_answer(fault: Fault) -> Answer:
    """Return the answer a fault carries; text goes as it is, anything else as JSON."""
    body, status = fault.body, fault.status or 503
    content = b"" if body is None else body.encode() if isinstance(body, str) else _write(body)
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in fault.headers.items()]
    if status in _BODILESS:
        return Answer(status, headers)
    given = dict(headers).get(b"content-type", b"application/json").decode("latin-1")
    return Answer(status, headers).with_body(content, given)


def spoil(fault: Fault, answer: Answer, url: str) -> Answer:
    """Return the answer of the routes, spoilt; `url` is the request's own address."""
    match fault.kind:
        case "empty-200":
            return Answer(200).with_body(b"")
        case "wrong-type":
            return Answer(200).with_body(_HTML, "text/html; charset=utf-8")
        case "delay" | "reset-after":
            return answer
    if answer.is_refused:
        return answer
    match fault.kind:
        case "truncated-json":
            return answer.with_body(answer.body[: len(answer.body) // 2])
        case "invalid-json":
            return answer.with_body(answer.body[:-1] + b",]")
    content = answer.content
    if not isinstance(content, dict):
        return answer
    return answer.with_body(_write(_spoil_list(fault, content, url)))


def _spoil_list(fault: Fault, content: dict[str, Any], url: str) -> dict[str, Any]:
    """Return the JSON of a list, with other items or other links."""
    match fault.kind:
        case "missing-next":
            return _without_next(content)
        case "repeated-cursor" if "value" in content:
            return content | {"@odata.nextLink": url}
        case "repeated-cursor":
            return content | {"links": content.get("links", {}) | {"next": {"href": url}}}
    return content | {
        name: _spoil_items(fault, content[name]) for name in _LISTS if isinstance(content.get(name), list)
    }


def _spoil_items(fault: Fault, items: list[Any]) -> list[Any]:
    """Return the items of a page or a 207, fewer, more or in another order."""
    match fault.kind:
        case "truncated-page":
            return items[: len(items) // 2]
        case "missing-items":
            return items[: max(len(items) - fault.items, 0)]
        case "reordered-items":
            return items[::-1]
        case "duplicated-items":
            return [copy for place, item in enumerate(items) for copy in [item] * (2 if place < fault.items else 1)]
        case "extra-items":
            return [*items, *_extra_items(fault, items)]
    return items


def _extra_items(fault: Fault, items: list[Any]) -> list[Any]:
    """Return items nobody asked for: that of the fault, or copies of the last one under other names."""
    if fault.body is not None:
        return [fault.body] * fault.items
    if not items or not isinstance(items[-1], dict):
        return []
    return [
        {k: f"{v}-extra-{n}" if k in {"id", "subject"} else v for k, v in items[-1].items()}
        for n in range(1, fault.items + 1)
    ]


def _without_next(content: dict[str, Any]) -> dict[str, Any]:
    """Return the page without its link to the next one."""
    kept = {name: value for name, value in content.items() if name != "@odata.nextLink"}
    if isinstance(kept.get("links"), dict):
        kept["links"] = {name: link for name, link in kept["links"].items() if name != "next"}
    return kept


def _write(content: Any) -> bytes:
    """Return JSON as the services write it."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
