"""Groups of the directory, as azuread writes GroupWithoutMembers (entra.md 3.1, 3.2)."""

import json
import sqlite3
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.directory.access import READ_GROUPS, WRITE_GROUPS, WRITE_MEMBERS, require
from sandbox.directory.errors import bad_request, not_found
from sandbox.directory.links import add_links, read_references
from sandbox.directory.queries import answer_list, context, filtered, read_select, refuse_unknown_options
from sandbox.directory.shapes import GROUP_PROPERTIES, body_of, show_group
from sandbox.paging import Clause, Listing, Order
from sandbox.seed import insert, new_object_id
from sandbox.state import Sandbox, fold

GROUP_COLUMNS = {
    "id": "groups.id",
    "displayName": "groups.name_key",
    "mailNickname": "groups.nickname_key",
    "mailEnabled": "json_extract(groups.body, '$.mailEnabled')",
    "securityEnabled": "json_extract(groups.body, '$.securityEnabled')",
}

_GROUPS = Listing("body", Clause("groups"), Order("seq", "seq"))
_REQUIRED = {"displayName": str, "mailEnabled": bool, "mailNickname": str, "securityEnabled": bool}
_WRITABLE = frozenset(
    {
        "description",
        "displayName",
        "groupTypes",
        "isAssignableToRole",
        "mailEnabled",
        "mailNickname",
        "membershipRule",
        "membershipRuleProcessingState",
        "resourceBehaviorOptions",
        "resourceProvisioningOptions",
        "securityEnabled",
        "visibility",
    }
)
_BINDINGS = ("members", "owners")


async def list_groups(request: Request) -> JSONResponse:
    """Return one page of groups."""
    require(request, READ_GROUPS)
    refuse_unknown_options(request)
    names = read_select(request, GROUP_PROPERTIES)
    listing = filtered(request, _GROUPS, GROUP_COLUMNS)
    return answer_list(request, listing, "groups", lambda row: show_group(body_of(row), names))


async def get_group(request: Request) -> JSONResponse:
    """Return one group; what is not set is null, never absent."""
    require(request, READ_GROUPS)
    refuse_unknown_options(request)
    names = read_select(request, GROUP_PROPERTIES)
    row = require_group(request)
    return JSONResponse(context(request, "groups/$entity") | show_group(body_of(row), names))


async def create_group(request: Request) -> JSONResponse:
    """Return the new group with its owners and members bound."""
    require(request, WRITE_GROUPS)
    sandbox, body = sandbox_of(request), await read_body(request)
    for name, kind in _REQUIRED.items():
        if not isinstance(body.get(name), kind):
            message = f"A value is required for property '{name}' of resource 'Group'."
            raise bad_request(message)
    group = {"id": new_object_id(), "createdDateTime": sandbox.clock.stamp()} | _properties(body)
    _store(sandbox, group)
    _bind(sandbox, group["id"], body)
    return JSONResponse(context(request, "groups/$entity") | show_group(group), status_code=201)


async def update_group(request: Request) -> Response:
    """Change properties and bind members: all of it or nothing."""
    body = await read_body(request)
    is_membership_only = set(body) <= {"members@odata.bind", "@odata.type"}
    require(request, WRITE_MEMBERS if is_membership_only else WRITE_GROUPS)
    sandbox, row = sandbox_of(request), require_group(request)
    group = body_of(row) | _properties(body)
    statement = "UPDATE groups SET name_key = ?, nickname_key = ?, body = ? WHERE id = ?"
    keys = (fold(group["displayName"]), fold(group["mailNickname"]))
    _bind(sandbox, row["id"], body)
    sandbox.db.execute(statement, (*keys, json.dumps(group), row["id"]))
    return Response(status_code=204)


async def delete_group(request: Request) -> Response:
    """Delete a group, and its membership in other groups with it."""
    require(request, WRITE_GROUPS)
    sandbox, row = sandbox_of(request), require_group(request)
    sandbox.db.execute("DELETE FROM links WHERE group_id = ? OR object_id = ?", (row["id"], row["id"]))
    sandbox.db.execute("DELETE FROM groups WHERE id = ?", (row["id"],))
    return Response(status_code=204)


def require_group(request: Request) -> sqlite3.Row:
    """Return the group of the path, or raise 404."""
    group_id = request.path_params["id"]
    row: sqlite3.Row | None = (
        sandbox_of(request).db.execute("SELECT * FROM groups WHERE id = ?", (group_id.lower(),)).fetchone()
    )
    if row is None:
        raise not_found(group_id)
    return row


async def read_body(request: Request) -> dict[str, Any]:
    """Return the JSON object of a body, or raise the 400 of Graph."""
    try:
        content = await request.json()
    except ValueError as error:
        raise bad_request("Unable to read JSON request payload.", "BadRequest") from error
    if not isinstance(content, dict):
        raise bad_request("Unable to read JSON request payload.", "BadRequest")
    return content


def _properties(body: dict[str, Any]) -> dict[str, Any]:
    """Return the properties to write, or raise 400 for one that does not exist."""
    found = {}
    for name, value in body.items():
        if "@odata." in name:
            continue
        if name not in _WRITABLE:
            message = f"The property '{name}' does not exist on type 'microsoft.graph.group' or is read-only."
            raise bad_request(message)
        if name in _REQUIRED and not isinstance(value, _REQUIRED[name]):
            raise bad_request(f"Invalid value specified for property '{name}' of resource 'Group'.")
        found[name] = value
    return found


def _bind(sandbox: Sandbox, group_id: str, body: dict[str, Any]) -> None:
    """Add the references of `members@odata.bind` and `owners@odata.bind`."""
    for relation in _BINDINGS:
        references = body.get(f"{relation}@odata.bind")
        if references is not None:
            add_links(sandbox, relation, group_id, read_references(relation, references))


def _store(sandbox: Sandbox, group: dict[str, Any]) -> None:
    keys = (fold(group["displayName"]), fold(group["mailNickname"]))
    insert(sandbox, "groups", [(None, group["id"], *keys, json.dumps(group))])
