"""directory/deletedItems: what can be restored, and what is deleted for good (entra.md 3)."""

import json
import sqlite3
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.directory.access import (
    READ_APPLICATIONS,
    READ_GROUPS,
    READ_USERS,
    WRITE_APPLICATIONS,
    WRITE_GROUPS,
    WRITE_USERS,
    require,
)
from sandbox.directory.errors import not_found
from sandbox.directory.people import PERSON_COLUMNS
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
from sandbox.directory.recycle_bin import (
    COLLECTION,
    find_deleted_user,
    find_item,
    purge,
    restore_item,
    restore_user,
)
from sandbox.directory.shapes import GROUP_PROPERTIES, USER_DEFAULTS, USER_PROPERTIES, body_of, show_member, show_user
from sandbox.documents import listing_of
from sandbox.paging import Clause, Listing, Order
from sandbox.routing import Endpoint, endpoint

PATH = "/directory/deletedItems"

_PEOPLE = Listing("body", Clause("people"), Order("seq", "seq"), (Clause("is_deleted"),))
_READ = {"user": READ_USERS, "group": READ_GROUPS, "application": READ_APPLICATIONS}
_WRITE = {"user": WRITE_USERS, "group": WRITE_GROUPS, "application": WRITE_APPLICATIONS}
_NAMES = ("displayName", "mailNickname", "appId", "groupTypes", "securityEnabled", "mailEnabled", "deletedDateTime")


async def list_users(request: Request) -> Response:
    """Return one page of the users in the recycle bin."""
    require(request, READ_USERS)
    refuse_unknown_options(request)
    names = read_select(request, USER_PROPERTIES)
    if names is None:
        is_short = version_of(request) == "v1.0"
        names = [*USER_DEFAULTS, "deletedDateTime"] if is_short else sorted(USER_PROPERTIES)
    listing = filtered(request, _PEOPLE, PERSON_COLUMNS, "User")
    return answer_list(request, listing, f"{PATH[1:]}/microsoft.graph.user", lambda row: show_user(body_of(row), names))


async def list_groups(request: Request) -> Response:
    """Return one page of the groups in the recycle bin."""
    return _list_items(request, "group")


async def list_applications(request: Request) -> Response:
    """Return one page of the applications in the recycle bin."""
    return _list_items(request, "application")


async def list_principals(request: Request) -> Response:
    """Return one page of the service principals in the recycle bin."""
    return _list_items(request, "servicePrincipal")


async def get_item(request: Request) -> JSONResponse:
    """Return one deleted object with its type."""
    kind, body = _find(request, writes=False)
    refuse_unknown_options(request)
    names = read_select(request, USER_PROPERTIES | GROUP_PROPERTIES)
    shown = _show(kind, body, [*USER_DEFAULTS, "deletedDateTime"] if names is None and kind == "user" else names)
    return JSONResponse(context(request, "directoryObjects/$entity") | shown)


async def restore(request: Request) -> JSONResponse:
    """Return the object, which is there again."""
    kind, _ = _find(request, writes=True)
    sandbox, object_id = sandbox_of(request), request.path_params["id"].lower()
    row, item = find_deleted_user(sandbox, object_id), find_item(sandbox, object_id)
    body = restore_user(sandbox, row) if row is not None else restore_item(sandbox, item or {})
    return JSONResponse(context(request, "directoryObjects/$entity") | _show(kind, body, None))


async def delete_item(request: Request) -> Response:
    """Delete an object for good."""
    _find(request, writes=True)
    purge(sandbox_of(request), request.path_params["id"].lower())
    return Response(status_code=204)


def _find(request: Request, *, writes: bool) -> tuple[str, dict[str, Any]]:
    """Return the type and the properties of the deleted object of the path, or raise 403 or 404."""
    sandbox, object_id = sandbox_of(request), request.path_params["id"]
    row, item = find_deleted_user(sandbox, object_id), find_item(sandbox, object_id)
    kind = "user" if row is not None else item["kind"] if item is not None else ""
    roles = _WRITE if writes else _READ
    allowed = roles.get(kind, roles["application"]) if kind else frozenset().union(*roles.values())
    require(request, allowed)
    if row is not None:
        return kind, body_of(row)
    if item is not None:
        return kind, item["body"] | {"deletedDateTime": item["deletedDateTime"]}
    raise not_found(object_id)


def _show(kind: str, body: dict[str, Any], names: list[str] | None) -> dict[str, Any]:
    return show_member(kind, body, names, shows_people=True)


def _list_items(request: Request, kind: str) -> Response:
    require(request, _READ.get(kind, READ_APPLICATIONS))
    refuse_unknown_options(request)
    names = read_select(request, GROUP_PROPERTIES | {"appId"})
    shown = "json_set(json_extract(body, '$.body'), '$.deletedDateTime', json_extract(body, '$.deletedDateTime'))"
    listing = replace(listing_of(COLLECTION), columns=f"{shown} AS body")
    listing = listing.where(Clause("json_extract(documents.body, '$.kind') = ?", (kind,)))
    columns = columns_of("documents", ())
    inner = columns_of("documents", _NAMES)
    columns.update({name: expression.replace("$.", "$.body.") for name, expression in inner.items()})
    columns.update(columns_of("documents", ("deletedDateTime",), {"id": "documents.id"}))
    listing = filtered(request, listing, columns, f"{kind[:1].upper()}{kind[1:]}")

    def show(row: sqlite3.Row) -> dict[str, Any]:
        shown = _show(kind, json.loads(row["body"]), names)
        del shown["@odata.type"]
        return shown

    return answer_list(request, listing, f"{PATH[1:]}/microsoft.graph.{kind}", show)


def _lists() -> list[Endpoint]:
    found = []
    handlers = {
        "user": list_users,
        "group": list_groups,
        "application": list_applications,
        "servicePrincipal": list_principals,
    }
    for kind, handler in handlers.items():
        found.append(endpoint("GET", f"{PATH}/microsoft.graph.{kind}/$count", handler, query=COUNT_OPTIONS))
        found.append(endpoint("GET", f"{PATH}/microsoft.graph.{kind}", handler, query=LIST_OPTIONS))
    return found


ROUTES = [
    *_lists(),
    endpoint("POST", f"{PATH}/{{id}}/restore", restore),
    endpoint("GET", f"{PATH}/{{id}}", get_item, query=ITEM_OPTIONS),
    endpoint("DELETE", f"{PATH}/{{id}}", delete_item, status=204),
]
