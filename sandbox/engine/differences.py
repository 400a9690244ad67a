"""What differs between two sets of properties, in Pulumi's path syntax."""

import re
from typing import Any

from sandbox.engine.values import UNKNOWN, Properties

Detailed = dict[str, str]
"""Property path to kind: `add`, `delete` or `update`."""

INVERSE = {"add": "delete", "delete": "add", "update": "update"}


def compare(olds: Properties, news: Properties) -> Detailed:
    """Return each differing property: `assignments.u1`, `assignments["a.b"]`, `list[0]`.

    An unknown value differs from every known one.
    Paths: pulumi/sdk/go/common/resource/properties_path.go.
    """
    found: Detailed = {}
    _compare_members("", olds, news, found)
    return found


def invert(detailed: Detailed | None) -> Detailed | None:
    """Return the difference that would undo this one."""
    return None if detailed is None else {path: INVERSE[kind] for path, kind in detailed.items()}


def root_keys(detailed: Detailed) -> list[str]:
    """Return the names of the properties in which the paths begin, sorted."""
    return sorted({parse_root(path) for path in detailed})


def parse_root(path: str) -> str:
    """Return the name of the property in which a path begins."""
    quoted = re.match(r'\["((?:\\"|[^"])*)"\]', path)
    return quoted[1].replace('\\"', '"') if quoted else re.split(r"[.\[]", path, maxsplit=1)[0]


def _compare_members(path: str, olds: dict[str, Any], news: dict[str, Any], found: Detailed) -> None:
    for key in olds.keys() | news.keys():
        inner = _join(path, key)
        if key not in news:
            found[inner] = "delete"
        elif key not in olds:
            found[inner] = "add"
        else:
            _compare_values(inner, olds[key], news[key], found)


def _compare_values(path: str, old: Any, new: Any, found: Detailed) -> None:
    if isinstance(old, dict) and isinstance(new, dict):
        _compare_members(path, old, new, found)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            inner = f"{path}[{index}]"
            if index >= len(new):
                found[inner] = "delete"
            elif index >= len(old):
                found[inner] = "add"
            else:
                _compare_values(inner, old[index], new[index], found)
    elif old != new or type(old) is not type(new) or new == UNKNOWN:
        found[path] = "update"


def _join(path: str, key: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_]*", key):
        return f"{path}.{key}" if path else key
    quoted = key.replace('"', '\\"')
    return f'{path}["{quoted}"]'
