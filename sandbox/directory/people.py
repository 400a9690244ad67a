"""Users of the directory and its recycle bin."""

import re
import sqlite3

from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox.answers import sandbox_of
from sandbox.directory.access import READ_USERS, require
from sandbox.directory.errors import not_found
from sandbox.directory.queries import answer_list, context, filtered, read_select, refuse_unknown_options, version_of
from sandbox.directory.shapes import USER_DEFAULTS, USER_PROPERTIES, body_of, show_user
from sandbox.paging import Clause, Listing, Order
from sandbox.state import Sandbox, fold

_STORED = (
    "givenName", "surname", "jobTitle", "department", "companyName", "employeeId", "mailNickname", "userType",
    "createdDateTime",
)  # fmt: skip

# What a filter may name; quotes are no part of a property's name.
PERSON_COLUMNS = {
    "id": "people.id",
    "userPrincipalName": "people.upn_key",
    "mail": "people.mail_key",
    "displayName": "people.name_key",
    "accountEnabled": "json_extract(people.body, '$.accountEnabled')",
} | {name: f"fold(json_extract(people.body, '$.{name}'))" for name in _STORED}

_PEOPLE = Listing("body", Clause("people"), Order("seq", "seq"))
_BY_ID = "SELECT * FROM people WHERE NOT is_deleted AND id = ?"
_BY_NAME = "SELECT * FROM people WHERE NOT is_deleted AND upn_key = ?"
_PRESENT = Clause("NOT is_deleted")
_DELETED = Clause("is_deleted")


async def list_people(request: Request) -> JSONResponse:
    """Return one page of the directory's users."""
    return _answer(request, _PEOPLE.where(_PRESENT), "users", ())


async def list_deleted(request: Request) -> JSONResponse:
    """Return one page of the users in the recycle bin."""
    return _answer(
        request, _PEOPLE.where(_DELETED), "directory/deletedItems/microsoft.graph.user", ("deletedDateTime",)
    )


async def get_person(request: Request) -> JSONResponse:
    """Return one user by object id or user principal name."""
    require(request, READ_USERS)
    refuse_unknown_options(request)
    names = _names(request, ())
    name = request.path_params["id"]
    row = find_person(sandbox_of(request), name)
    if row is None:
        raise not_found(name)
    return JSONResponse(context(request, "users/$entity") | show_user(body_of(row), names))


def find_person(sandbox: Sandbox, name: str) -> sqlite3.Row | None:
    """Return the user with this object id or user principal name, or None."""
    is_id = re.fullmatch(r"[0-9a-fA-F-]{36}", name) is not None
    row: sqlite3.Row | None = sandbox.db.execute(_BY_ID if is_id else _BY_NAME, (fold(name),)).fetchone()
    return row


def _answer(request: Request, listing: Listing, suffix: str, extra: tuple[str, ...]) -> JSONResponse:
    require(request, READ_USERS)
    refuse_unknown_options(request)
    names = _names(request, extra)
    listing = filtered(request, listing, PERSON_COLUMNS)
    return answer_list(request, listing, suffix, lambda row: show_user(body_of(row), names))


def _names(request: Request, extra: tuple[str, ...]) -> list[str]:
    """Return the selected properties, or those of the version: v1.0 has few, beta has all."""
    names = read_select(request, USER_PROPERTIES)
    if names is not None:
        return names
    return [*USER_DEFAULTS, *extra] if version_of(request) == "v1.0" else sorted(USER_PROPERTIES)
