"""Users of the directory, made, changed and deleted, and their managers (entra.md 3.4)."""

import json
import re
import sqlite3
from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.directory.access import READ_USERS, WRITE_USERS, require
from sandbox.directory.domains import is_verified
from sandbox.directory.entities import Entity, Properties, Reference, merged, read_entity, read_reference
from sandbox.directory.errors import bad_request, not_found
from sandbox.directory.links import has_link
from sandbox.directory.objects import find_object
from sandbox.directory.people import find_person
from sandbox.directory.queries import ITEM_OPTIONS, context, read_select, refuse_unknown_options, version_of
from sandbox.directory.recycle_bin import discard_user
from sandbox.directory.shapes import USER_DEFAULTS, USER_PROPERTIES, body_of, show_member, show_user
from sandbox.documents import without_nulls
from sandbox.ids import new_object_id
from sandbox.routing import endpoint
from sandbox.state import Sandbox, fold, insert

_REQUIRED = ("accountEnabled", "displayName", "mailNickname", "userPrincipalName")
_NAME = re.compile(r"[A-Za-z0-9'._!#^~+-]{1,64}@[A-Za-z0-9.-]{1,48}")
_CLASSES = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^A-Za-z0-9]")
_MIN_PASSWORD, _MIN_CLASSES = 8, 3

Text = Annotated[str | None, Field(max_length=256)]
Texts = Annotated[list[str], Field(max_length=250)]


class PasswordProfile(Entity):
    """A password and what is to happen to it; it is never shown."""

    force_change_password_next_sign_in: bool | None = None
    force_change_password_next_sign_in_with_mfa: bool | None = None
    password: str | None = None


class UserProperties(Entity):
    """What can be written of a user."""

    account_enabled: bool = True
    age_group: Text = None
    business_phones: Texts = Field(default=[])
    city: Text = None
    company_name: Text = None
    consent_provided_for_minor: Text = None
    country: Text = None
    department: Text = None
    display_name: Annotated[str, Field(min_length=1, max_length=256)] = ""
    employee_hire_date: Text = None
    employee_id: Text = None
    employee_org_data: dict[str, str | None] | None = None
    employee_type: Text = None
    external_user_state: Text = None
    fax_number: Text = None
    given_name: Text = None
    job_title: Text = None
    mail: Text = None
    mail_nickname: Annotated[str, Field(min_length=1, max_length=64)] = ""
    mobile_phone: Text = None
    office_location: Text = None
    on_premises_extension_attributes: dict[str, str | None] | None = None
    on_premises_immutable_id: Text = None
    other_mails: Texts = Field(default=[])
    password_policies: Text = None
    password_profile: PasswordProfile | None = None
    postal_code: Text = None
    preferred_language: Text = None
    show_in_address_list: bool | None = None
    state: Text = None
    street_address: Annotated[str | None, Field(max_length=1024)] = None
    surname: Text = None
    usage_location: Annotated[str | None, Field(pattern="^[A-Za-z]{2}$")] = None
    user_principal_name: Annotated[str, Field(max_length=113)] = ""
    user_type: Annotated[str | None, Field(pattern="^(Member|Guest)$")] = None


async def create_user(request: Request) -> JSONResponse:
    """Return the new user."""
    require(request, WRITE_USERS)
    sandbox = sandbox_of(request)
    properties = await read_entity(request, UserProperties, "User", _REQUIRED)
    password = (properties.get("passwordProfile") or {}).get("password")
    if password is None:
        raise bad_request("A password must be specified to create a new user.")
    kept = {"userType": "Member"} | without_nulls(properties)
    user = {"id": new_object_id(), "createdDateTime": sandbox.clock.stamp()} | _checked(sandbox, "", kept)
    keys = (fold(user["userPrincipalName"]), fold(user.get("mail")), fold(user["displayName"]))
    insert(sandbox, "people", [(None, user["id"], *keys, False, json.dumps(user))])
    names = USER_DEFAULTS if version_of(request) == "v1.0" else sorted(USER_PROPERTIES)
    return JSONResponse(context(request, "users/$entity") | show_user(user, names), status_code=201)


async def update_user(request: Request) -> Response:
    """Change properties of a user."""
    require(request, WRITE_USERS)
    sandbox, row = sandbox_of(request), _require_user(request)
    properties = await read_entity(request, UserProperties, "User")
    change = _checked(sandbox, row["id"], properties)
    user = without_nulls(merged(body_of(row), change))
    keys = (fold(user["userPrincipalName"]), fold(user.get("mail")), fold(user["displayName"]))
    statement = "UPDATE people SET upn_key = ?, mail_key = ?, name_key = ?, body = ? WHERE id = ?"
    sandbox.db.execute(statement, (*keys, json.dumps(user), row["id"]))
    return Response(status_code=204)


async def delete_user(request: Request) -> Response:
    """Put a user into the recycle bin."""
    require(request, WRITE_USERS)
    discard_user(sandbox_of(request), _require_user(request))
    return Response(status_code=204)


async def get_manager(request: Request) -> JSONResponse:
    """Return the manager of a user, or 404 where there is none."""
    require(request, READ_USERS)
    refuse_unknown_options(request)
    names = read_select(request, USER_PROPERTIES)
    sandbox, row = sandbox_of(request), _require_user(request)
    statement = "SELECT object_id FROM links WHERE relation = 'manager' AND group_id = ?"
    link = sandbox.db.execute(statement, (row["id"],)).fetchone()
    found = None if link is None else find_object(sandbox, link["object_id"])
    if found is None:
        raise not_found("manager")
    shown = show_member(found.kind, found.body, names, shows_people=True)
    return JSONResponse(context(request, "directoryObjects/$entity") | shown)


async def put_manager(request: Request) -> Response:
    """Make another user, or a contact, the manager of a user."""
    require(request, WRITE_USERS)
    sandbox, row, manager_id = sandbox_of(request), _require_user(request), await read_reference(request)
    found = find_object(sandbox, manager_id)
    if found is None:
        raise not_found(manager_id)
    if found.kind not in {"user", "orgContact"} or found.id == row["id"]:
        raise bad_request("Invalid value specified for property 'manager' of resource 'User'.")
    if not has_link(sandbox, "manager", row["id"], found.id):
        sandbox.db.execute("DELETE FROM links WHERE relation = 'manager' AND group_id = ?", (row["id"],))
        insert(sandbox, "links", [(None, "manager", row["id"], found.id)])
    return Response(status_code=204)


async def delete_manager(request: Request) -> Response:
    """Leave a user without a manager."""
    require(request, WRITE_USERS)
    sandbox, row = sandbox_of(request), _require_user(request)
    done = sandbox.db.execute("DELETE FROM links WHERE relation = 'manager' AND group_id = ?", (row["id"],))
    if not done.rowcount:
        raise not_found("manager")
    return Response(status_code=204)


def _require_user(request: Request) -> sqlite3.Row:
    """Return the user of the path, or raise 404."""
    name = request.path_params["id"]
    row = find_person(sandbox_of(request), name)
    if row is None:
        raise not_found(name)
    return row


def _checked(sandbox: Sandbox, user_id: str, properties: Properties) -> Properties:
    """Return what is kept of the properties, or raise the 400 of the first that cannot be."""
    kept = {name: value for name, value in properties.items() if name != "passwordProfile"}
    if "userPrincipalName" in kept:
        _check_name(sandbox, user_id, kept["userPrincipalName"])
    _check_password((properties.get("passwordProfile") or {}).get("password"))
    if kept.get("mail"):
        _refuse_twice(sandbox, "mail_key", user_id, kept["mail"], "proxyAddresses")
        kept["proxyAddresses"] = [f"SMTP:{kept['mail']}"]
    return kept


def _check_name(sandbox: Sandbox, user_id: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise bad_request("Invalid value specified for property 'userPrincipalName' of resource 'User'.")
    if not is_verified(sandbox, name.rpartition("@")[2]):
        message = (
            "The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain"
            " names in your organization."
        )
        raise bad_request(message)
    _refuse_twice(sandbox, "upn_key", user_id, name, "userPrincipalName")


def _refuse_twice(sandbox: Sandbox, column: str, user_id: str, value: Any, name: str) -> None:
    """Raise 400 for a value that another user has; those in the recycle bin do not count."""
    # The column is a constant of this module; values are parameters.
    statement = f"SELECT 1 FROM people WHERE {column} = ? AND id <> ? AND NOT is_deleted"  # noqa: S608
    if sandbox.db.execute(statement, (fold(value), user_id)).fetchone() is not None:
        raise bad_request(f"Another object with the same value for property {name} already exists.")


def _check_password(password: str | None) -> None:
    if password is None:
        return
    classes = sum(re.search(pattern, password) is not None for pattern in _CLASSES)
    if len(password) < _MIN_PASSWORD or classes < _MIN_CLASSES:
        message = (
            "The specified password does not comply with password complexity requirements. Please provide a different"
            " password."
        )
        raise bad_request(message)


ROUTES = [
    endpoint("POST", "/users", create_user, body=UserProperties, status=201),
    endpoint("PATCH", "/users/{id}", update_user, body=UserProperties, status=204),
    endpoint("DELETE", "/users/{id}", delete_user, status=204),
    endpoint("GET", "/users/{id}/manager", get_manager, query=ITEM_OPTIONS),
    endpoint("PUT", "/users/{id}/manager/$ref", put_manager, body=Reference, status=204),
    endpoint("DELETE", "/users/{id}/manager/$ref", delete_manager, status=204),
]
