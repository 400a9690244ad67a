"""OData's $expand: the first twenty objects of one relation, or the manager."""

import re
import sqlite3
from collections.abc import Callable
from typing import Any

from starlette.requests import Request

from sandbox.answers import sandbox_of
from sandbox.directory.access import identify
from sandbox.directory.errors import bad_request, graph_refusal
from sandbox.directory.shapes import body_of, show_member
from sandbox.directory.sources import containing_listing, direct_listing

MAX_EXPANDED = 20

Expand = Callable[[dict[str, Any]], dict[str, Any]]

_FORM = re.compile(r"(?P<name>\w+)(?:\(\$select=(?P<names>[\w,]+)\))?")
_RELATIONS = {
    "groups": {"members", "owners", "memberOf"},
    "users": {"manager", "memberOf"},
    "applications": {"owners"},
    "servicePrincipals": {"owners", "memberOf"},
}


def read_expansion(request: Request, *, is_advanced: bool = False) -> Expand | None:
    """Return what finds the expanded relation of a body, or None when nothing is to be expanded."""
    text = request.query_params.get("$expand", "").strip()
    if not text:
        return None
    if is_advanced:
        raise bad_request("$expand is not currently supported with advanced queries.", "Request_UnsupportedQuery")
    match = _FORM.fullmatch(text)
    if match is None and "," in text:
        raise bad_request("Only one property can be expanded in a single query.", "Request_UnsupportedQuery")
    collection = request.url.path.split("/")[2]
    if match is None or collection not in _RELATIONS:
        raise graph_refusal(501, "notImplemented", f"$expand={text} is not part of the sandbox.")
    name, names = match["name"], match["names"]
    if name not in _RELATIONS[collection]:
        raise bad_request(f"Could not find a property named '{name}'.", "BadRequest")
    db = sandbox_of(request).db
    selected = names.split(",") if names else None
    shows_people = identify(request).reads_users

    def expand(body: dict[str, Any]) -> dict[str, Any]:
        found = containing_listing(body["id"]) if name == "memberOf" else direct_listing(name, body["id"])
        rows = found.read(db, MAX_EXPANDED).rows
        shown = [_show(row, selected, shows_people=shows_people) for row in rows]
        if name == "manager":
            return {name: shown[0]} if shown else {}
        return {name: shown}

    return expand


def _show(row: sqlite3.Row, names: list[str] | None, *, shows_people: bool) -> dict[str, Any]:
    return show_member(row["kind"], body_of(row), names, shows_people=shows_people)
