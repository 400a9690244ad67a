"""Properties as text, as Pulumi's rich diff prints them."""

import json
from typing import Any

from sandbox.engine.differences import compare
from sandbox.engine.states import Step
from sandbox.engine.values import UNKNOWN, Properties, has_unknown

_MISSING = object()


def render_step(step: Step, pad: str) -> list[str]:
    """Return a line for each property a step sets, changes or removes; keys beginning with `__` are not shown."""
    if step.op == "same":
        return []
    if step.op in {"create", "delete"} or step.old is None or step.new is None:
        return _members(_visible(step.state.inputs), pad)
    read = step.op == "refresh"
    olds, news = (s.outputs if read else s.inputs for s in (step.old, step.new))
    return _changes(_visible(olds), _visible(news), pad) or ([] if read else _members(_visible(news), pad))


def render_outputs(olds: Properties, news: Properties, *, is_preview: bool) -> list[str]:
    """Return the lines of the stack's outputs; a preview leaves out what it does not know or sees unchanged."""
    lines = []
    for key in sorted(olds.keys() | news.keys()):
        old, new = olds.get(key, _MISSING), news.get(key, _MISSING)
        if not olds or (old == new and not is_preview):
            lines += _labelled(f"    {key}: ", new, "    ")
        elif old != new and not (is_preview and has_unknown(new)):
            before, after = ({} if value is _MISSING else {key: value} for value in (old, new))
            lines += _changes(before, after, "    ")
    return lines


def _changes(olds: dict[str, Any], news: dict[str, Any], pad: str) -> list[str]:
    keys = sorted(key for key in olds.keys() | news.keys() if _differs(olds, news, key))
    width = max((len(key) for key in keys), default=0)
    lines: list[str] = []
    for key in keys:
        old, new = olds.get(key, _MISSING), news.get(key, _MISSING)
        label = f"{key:<{width}}: "
        if new is _MISSING or old is _MISSING:
            lines += _labelled(
                f"{pad[:-2]}{'-' if new is _MISSING else '+'} {label}", old if new is _MISSING else new, pad
            )
        elif isinstance(old, dict) and isinstance(new, dict):
            lines += [f"{pad[:-2]}~ {label}{{", *_changes(old, new, f"{pad}    "), f"{pad}}}"]
        else:
            lines.append(f"{pad[:-2]}~ {label}{_inline(old)} => {_inline(new)}")
    return lines


def _members(members: dict[str, Any], pad: str) -> list[str]:
    width = max((len(key) for key in members), default=0)
    return [line for key in sorted(members) for line in _labelled(f"{pad}{key:<{width}}: ", members[key], pad)]


def _labelled(label: str, value: Any, pad: str) -> list[str]:
    if isinstance(value, dict) and value:
        return [f"{label}{{", *_members(value, f"{pad}    "), f"{pad}}}"]
    return [f"{label}{_inline(value)}"]


def _inline(value: Any) -> str:
    return "[unknown]" if value == UNKNOWN else json.dumps(value, ensure_ascii=False)


def _differs(olds: dict[str, Any], news: dict[str, Any], key: str) -> bool:
    return bool(compare(*({key: members[key]} if key in members else {} for members in (olds, news))))


def _visible(properties: Properties) -> Properties:
    return {key: value for key, value in properties.items() if not key.startswith("__")}
