"""The calls of a run as its request log shows them: each with its place, its purpose and its shape."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from client.worlds import TENANT_ID

PURPOSES = (
    ("POST", r"/oauth/token", "a token of the tenant"),
    ("GET", r"/metadata/endpoints", "where the directory is"),
    ("GET", r"/[^/]+/v2\.0/\.well-known/openid-configuration", "where its tokens are"),
    ("POST", r"/[^/]+/oauth2/v2\.0/token", "a token of the directory"),
    ("GET", r"/api/v1/tenants/me", "which tenant it is"),
    ("GET", r"/api/v1/licenses/overview", "license and seats"),
    ("GET", r"/api/v1/licenses/assignments", "who holds what"),
    ("GET", r"/v1\.0/groups/[^/]+/members", "who is in the group"),
    ("POST", r"/v1\.0/\$batch", "members out or in"),
    ("POST", r"/api/v1/licenses/assignments/actions/delete", "revoke"),
    ("POST", r"/api/v1/licenses/assignments/actions/update", "switch"),
    ("POST", r"/api/v1/licenses/assignments/actions/add", "assign"),
    ("GET", r"/api/v1/groups", "which groups the tenant has"),
    ("GET", r"/api/v1/groups/[^/]+", "what the group holds now"),
    ("GET", r"/api/v1/users", "who, or how many, are in a group"),
    ("GET", r"/api/v1/users/[^/]+", "which groups the user is in"),
    ("PATCH", r"/api/v1/users/[^/]+", "into the group or out of it"),
    ("GET", r"/api/v1/spaces", "which spaces there are"),
    ("GET", r"/api/v1/spaces/[^/]+/assignments", "who has roles in the space"),
    ("POST", r"/api/v1/groups", "create the group"),
    ("PATCH", r"/api/v1/groups/[^/]+", "set its roles"),
    ("POST", r"/api/v1/spaces/[^/]+/assignments", "let it into the space"),
    ("PUT", r"/api/v1/spaces/[^/]+/assignments/[^/]+", "set its roles in the space"),
    ("DELETE", r"/api/v1/spaces/[^/]+/assignments/[^/]+", "take it out of the space"),
    ("GET", r"/api/v1/licenses/settings", "what the license gives by itself"),
    ("GET", r"/api/v1/tenants/[^/]+", "what the tenant gives by itself"),
    ("PUT", r"/api/v1/licenses/settings", "set what the license gives"),
    ("PATCH", r"/api/v1/tenants/[^/]+", "set what the tenant gives"),
)
_ID = re.compile(rf"[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}|[0-9a-f]{{24}}|{TENANT_ID}")
_LISTS = ("/assignments", "/members", "/groups", "/spaces", "/users")
_CURSOR = re.compile(r"(^|&)(page|next|(\$|%24)skiptoken)=")


@dataclass(frozen=True)
class Call:
    """One request of a run: how many to the same place were before it, and how many of those followed a cursor."""

    number: int
    method: str
    path: str
    earlier: int
    earlier_later: int
    writes: bool
    shapes: frozenset[str]

    @property
    def place(self) -> str:
        """The path without what differs from run to run."""
        return _ID.sub("{id}", self.path)

    @property
    def purpose(self) -> str:
        for method, path, purpose in PURPOSES:
            if method == self.method and re.fullmatch(path, self.path):
                return purpose
        raise LookupError(f"{self.method} {self.path} is not in PURPOSES")

    def arm(self, fault: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fault, waiting for this very request."""
        after = self.earlier_later if fault.get("kind") == "repeated-cursor" else self.earlier
        path = re.escape(self.place).replace(re.escape("{id}"), "[^/]+")  # what a run creates gets an id of its own
        return {"id": "campaign", "method": self.method, "path": f"^{path}$", "after": after, **fault}


def list_calls(log: Iterable[Mapping[str, Any]]) -> list[Call]:
    """Return the calls of a request log, in order."""
    log = list(log)
    seen: Counter[tuple[str, str]] = Counter()
    seen_later: Counter[tuple[str, str]] = Counter()
    calls = []
    for number, entry in enumerate(log, start=1):
        method, path, shapes = entry["method"], entry["path"], _shapes_of(entry, log[number:])
        key = (method, _ID.sub("{id}", path))
        calls.append(Call(number, method, path, seen[key], seen_later[key], entry["writes"], shapes))
        seen[key] += 1
        seen_later[key] += "later" in shapes
    return calls


def _shapes_of(entry: Mapping[str, Any], rest: list[Mapping[str, Any]]) -> frozenset[str]:
    shapes = {"any"}
    if entry["path"].endswith("/$batch"):
        shapes.add("batch")
    elif "/actions/" in entry["path"]:
        shapes.add("207")
    elif entry["method"] == "GET" and entry["path"].endswith(_LISTS):
        shapes.add("list")
        if _CURSOR.search(entry["query"]):
            shapes.add("later")
        if rest and rest[0]["path"] == entry["path"] and _CURSOR.search(rest[0]["query"]):
            shapes.add("leading")
    return frozenset(shapes)
