"""Users of the directory and its recycle bin."""

import re
import sqlite3

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.directory.access import READ_USERS, require
from sandbox.directory.errors import not_found
from sandbox.directory.expansions import read_expansion
from sandbox.directory.properties import columns_of
from sandbox.directory.queries import (
    COUNT_OPTIONS,
    ITEM_OPTIONS,
    LIST_OPTIONS,
    answer_list,
    context,
    filtered,
    read_select,
    refuse_unknown_options,
    version_of,
)
from sandbox.directory.shapes import USER_DEFAULTS, USER_PROPERTIES, body_of, show_user
from sandbox.paging import Clause, Listing, Order
from sandbox.routing import endpoint
from sandbox.state import Sandbox, fold

PERSON_COLUMNS = columns_of(
    "people",
    USER_PROPERTIES | {"assignedLicenses", "assignedPlans"},
    {
        "id": "people.id",
        "userPrincipalName": "people.upn_key",
        "mail": "people.mail_key",
        "displayName": "people.name_key",
    },
)

_PEOPLE = Listing("body", Clause("people"), Order("seq", "seq"))
_BY_ID = "SELECT * FROM people WHERE NOT is_deleted AND id = ?"
_BY_NAME = "SELECT * FROM people WHERE NOT is_deleted AND upn_key = ?"
_PRESENT = Clause("NOT is_deleted")


async def list_people(request: Request) -> Response:
    """Return one page of the directory's users."""
    return _answer(request, _PEOPLE.where(_PRESENT), "users")


async def get_person(request: Request) -> JSONResponse:
    """Return one user by object id or user principal name."""
    require(request, READ_USERS)
    refuse_unknown_options(request)
    names = _names(request)
    name = request.path_params["id"]
    row = find_person(sandbox_of(request), name)
    if row is None:
        raise not_found(name)
    body, expand = body_of(row), read_expansion(request)
    shown = show_user(body, names) | (expand(body) if expand else {})
    return JSONResponse(context(request, "users/$entity") | shown)


def find_person(sandbox: Sandbox, name: str) -> sqlite3.Row | None:
    """Return the user with this object id or user principal name, or None."""
    is_id = re.fullmatch(r"[0-9a-fA-F-]{36}", name) is not None
    row: sqlite3.Row | None = sandbox.db.execute(_BY_ID if is_id else _BY_NAME, (fold(name),)).fetchone()
    return row


def _answer(request: Request, listing: Listing, suffix: str) -> Response:
    require(request, READ_USERS)
    refuse_unknown_options(request)
    names = _names(request)
    listing = filtered(request, listing, PERSON_COLUMNS)
    return answer_list(request, listing, suffix, lambda row: show_user(body_of(row), names))


def _names(request: Request) -> list[str]:
    """Return the selected properties, or those of the version: v1.0 has few, beta has all."""
    names = read_select(request, USER_PROPERTIES)
    if names is not None:
        return names
    return list(USER_DEFAULTS) if version_of(request) == "v1.0" else sorted(USER_PROPERTIES)


ROUTES = [
    endpoint("GET", "/users", list_people, query=LIST_OPTIONS),
    endpoint("GET", "/users/$count", list_people, query=COUNT_OPTIONS),
    endpoint("GET", "/users/{id}", get_person, query=ITEM_OPTIONS),
]
