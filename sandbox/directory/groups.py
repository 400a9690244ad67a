"""Groups of the directory, as azuread writes them (entra.md 3.1, 3.2)."""

import json
import re
import sqlite3
from typing import Annotated, Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.answers import sandbox_of
from sandbox.directory.access import (
    CREATE_GROUPS,
    READ_GROUPS,
    WRITE_GROUPS,
    WRITE_MEMBERS,
    WRITE_ROLE_GROUPS,
    Caller,
    denied,
    identify,
    require,
    require_owned,
)
from sandbox.directory.domains import default_domain
from sandbox.directory.dynamic_groups import check_rule, processing_status
from sandbox.directory.entities import Entity, Properties, merged, read_entity, without_bindings
from sandbox.directory.errors import bad_request, not_found
from sandbox.directory.expansions import read_expansion
from sandbox.directory.links import add_links, read_references
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
from sandbox.directory.recycle_bin import discard_group
from sandbox.directory.shapes import GROUP_PROPERTIES, body_of, show_group
from sandbox.ids import new_object_id
from sandbox.paging import Clause, Listing, Order
from sandbox.routing import endpoint
from sandbox.state import Sandbox, fold, insert

GROUP_COLUMNS = columns_of(
    "groups",
    GROUP_PROPERTIES,
    {"id": "groups.id", "displayName": "groups.name_key", "mailNickname": "groups.nickname_key"},
)

_GROUPS = Listing("body", Clause("groups"), Order("seq", "seq"))
_REQUIRED = ("displayName", "mailEnabled", "mailNickname", "securityEnabled")
_RELATIONS = ("members", "owners")
_STATUS = "membershipRuleProcessingStatus"
_EMPTY: Properties = {
    "groupTypes": [],
    "isAssignableToRole": False,
    "proxyAddresses": [],
    "resourceBehaviorOptions": [],
    "resourceProvisioningOptions": [],
}
_UNIFIED, _DYNAMIC = "Unified", "DynamicMembership"
_NICKNAME = re.compile(r"[^\s@()\\\[\]\";:<>,]{1,64}")

Name = Annotated[str, Field(min_length=1, max_length=256)]


class GroupProperties(Entity):
    """What can be written of a group."""

    allow_external_senders: bool | None = None
    auto_subscribe_new_members: bool | None = None
    description: str | None = Field(default=None, max_length=1024)
    display_name: Name = ""
    group_types: list[str] = Field(default=[])
    hide_from_address_lists: bool | None = None
    hide_from_outlook_clients: bool | None = None
    is_assignable_to_role: bool | None = None
    mail_enabled: bool = False
    mail_nickname: str = ""
    members: list[str] = Field(default=[], alias="members@odata.bind")
    membership_rule: str | None = None
    membership_rule_processing_state: str | None = None
    owners: list[str] = Field(default=[], alias="owners@odata.bind")
    preferred_data_location: str | None = None
    preferred_language: str | None = None
    resource_behavior_options: list[str] = Field(default=[])
    resource_provisioning_options: list[str] = Field(default=[])
    security_enabled: bool = True
    theme: str | None = None
    visibility: str | None = None
    writeback_configuration: dict[str, Any] | None = None


async def list_groups(request: Request) -> Response:
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
    names = read_select(request, GROUP_PROPERTIES | ({_STATUS} if version_of(request) == "beta" else set()))
    body = body_of(require_group(request))
    shown = show_group(body, names if names is None else [name for name in names if name != _STATUS])
    # The status of the rule is shown to who asks for it only.
    if names is not None and _STATUS in names:
        shown[_STATUS] = processing_status(sandbox_of(request), body)
    expand = read_expansion(request)
    return JSONResponse(context(request, "groups/$entity") | shown | (expand(body) if expand else {}))


async def create_group(request: Request) -> JSONResponse:
    """Return the new group with its owners and members bound."""
    group = await make_group(request, require(request, CREATE_GROUPS))
    return JSONResponse(context(request, "groups/$entity") | show_group(group), status_code=201)


async def make_group(request: Request, caller: Caller) -> Properties:
    """Return the group the body describes, which exists from now on."""
    sandbox, properties = sandbox_of(request), await read_entity(request, GroupProperties, "Group", _REQUIRED)
    if properties.get("isAssignableToRole") and caller.roles.isdisjoint(WRITE_ROLE_GROUPS):
        raise denied()
    _check_kind(sandbox, properties)
    fresh: Properties = {"id": new_object_id(), "createdDateTime": sandbox.clock.stamp()}
    group = fresh | _EMPTY | without_bindings(properties)
    if _UNIFIED in group.get("groupTypes", []):
        mail = f"{group['mailNickname']}@{default_domain(sandbox)}"
        group = {"visibility": "Public"} | group | {"mail": mail, "proxyAddresses": [f"SMTP:{mail}"]}
    keys = (fold(group["displayName"]), fold(group["mailNickname"]))
    insert(sandbox, "groups", [(None, group["id"], *keys, json.dumps(group))])
    _bind(sandbox, group["id"], properties)
    return group


async def update_group(request: Request) -> Response:
    """Change properties and bind members: all of it or nothing."""
    identify(request)
    properties = await read_entity(request, GroupProperties, "Group")
    is_membership_only = set(properties) <= {"members@odata.bind"}
    group_id = request.path_params["id"].lower()
    require_owned(request, WRITE_MEMBERS if is_membership_only else WRITE_GROUPS, "Group.Create", group_id)
    sandbox, row = sandbox_of(request), require_group(request)
    before = body_of(row)
    group = merged(before, without_bindings(properties))
    if group.get("isAssignableToRole", False) != before.get("isAssignableToRole", False):
        raise bad_request("Property 'isAssignableToRole' is immutable and cannot be changed.")
    _check_kind(sandbox, group)
    _bind(sandbox, row["id"], properties)
    statement = "UPDATE groups SET name_key = ?, nickname_key = ?, body = ? WHERE id = ?"
    keys = (fold(group["displayName"]), fold(group["mailNickname"]))
    sandbox.db.execute(statement, (*keys, json.dumps(group), row["id"]))
    return Response(status_code=204)


async def delete_group(request: Request) -> Response:
    """Delete a group, and its membership in other groups with it."""
    require_owned(request, WRITE_GROUPS, "Group.Create", request.path_params["id"])
    sandbox, row = sandbox_of(request), require_group(request)
    discard_group(sandbox, row)
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


def _check_kind(sandbox: Sandbox, group: Properties) -> None:
    """Raise the 400 for properties that do not go together."""
    kinds = group.get("groupTypes", [])
    if not _NICKNAME.fullmatch(group["mailNickname"]):
        raise bad_request("Invalid value specified for property 'mailNickname' of resource 'Group'.")
    if set(kinds) - {_UNIFIED, _DYNAMIC}:
        raise bad_request("Invalid value specified for property 'groupTypes' of resource 'Group'.")
    if _UNIFIED not in kinds and group["mailEnabled"]:
        message = (
            "The service does not currently support writes of mail-enabled groups. Please ensure that the"
            " mail-enablement property is unset and the security-enablement property is set."
        )
        raise bad_request(message)
    if _UNIFIED in kinds:
        _check_unified(sandbox, group)
    if _DYNAMIC in kinds and not (group.get("membershipRule") and group.get("membershipRuleProcessingState")):
        raise bad_request("A value is required for property 'membershipRule' of resource 'Group'.")
    check_rule(group)
    if group.get("isAssignableToRole") and (_DYNAMIC in kinds or not group["securityEnabled"]):
        raise bad_request("A group that is assignable to a role must be security-enabled and not dynamic.")


def _check_unified(sandbox: Sandbox, group: Properties) -> None:
    """Raise the 400 for a Microsoft 365 group without mail, or whose nickname another one has."""
    if not group["mailEnabled"]:
        raise bad_request("Invalid value specified for property 'mailEnabled' of resource 'Group'.")
    statement = "SELECT id FROM groups WHERE nickname_key = ? AND id <> ? AND json_extract(body, '$.mailEnabled')"
    params = (fold(group["mailNickname"]), group.get("id", ""))
    if sandbox.db.execute(statement, params).fetchone() is not None:
        raise bad_request("Another object with the same value for property mailNickname already exists.")


def _bind(sandbox: Sandbox, group_id: str, properties: Properties) -> None:
    """Add the references of `members@odata.bind` and `owners@odata.bind`."""
    for relation in _RELATIONS:
        references = properties.get(f"{relation}@odata.bind")
        if references is not None:
            add_links(sandbox, relation, group_id, read_references(relation, references))


ROUTES = [
    endpoint("GET", "/groups", list_groups, query=LIST_OPTIONS),
    endpoint("GET", "/groups/$count", list_groups, query=COUNT_OPTIONS),
    endpoint("POST", "/groups", create_group, body=GroupProperties, status=201),
    endpoint("GET", "/groups/{id}", get_group, query=ITEM_OPTIONS),
    endpoint("PATCH", "/groups/{id}", update_group, body=GroupProperties, status=204),
    endpoint("DELETE", "/groups/{id}", delete_group, status=204),
]
