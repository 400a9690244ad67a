"""Changes by a named administrator, past the declaration: what drift is made of."""

import json
import sqlite3
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.answers import REFUSED
from sandbox.directory.dynamic_groups import DYNAMIC, check_rule
from sandbox.directory.links import add_links, has_link, remove_link
from sandbox.directory.objects import find_object
from sandbox.directory.people import find_person
from sandbox.directory.placing import person_row
from sandbox.directory.recycle_bin import discard_group, discard_user, find_item, restore_item
from sandbox.directory.sections import Person
from sandbox.directory.shapes import body_of
from sandbox.documents import find_document, put_document, without_nulls
from sandbox.state import Sandbox, fold
from sandbox.tenant.acts import Origin, change_row, tell_definition
from sandbox.tenant.administrators import find_administrator
from sandbox.tenant.entitlement import delete_seat
from sandbox.tenant.license_sections import License
from sandbox.tenant.seats import find_allotment


class TamperError(Exception):
    """An act that cannot be done, in one clause."""


class _Act(BaseModel):
    """What somebody does by hand."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=lambda name: name.rstrip("_"))

    by: Annotated[str, Field(min_length=1)] = "maria.admin@contoso.test"


class Row(_Act):
    """A license row assigned, revoked, or switched from one type to another.

    By an administrator of this tenant, or by one of another tenant on the same license, who is no user here.
    """

    do: Literal["assign", "switch", "revoke"]
    subject: str
    type: str
    from_: str | None = None
    tenant: Literal["this", "other"] = "this"


class Membership(_Act):
    """A member added to or removed from a group."""

    do: Literal["addMember", "removeMember"]
    group: str
    member: str


class Renaming(_Act):
    """A group that gets another name."""

    do: Literal["renameGroup"]
    group: str
    name: Annotated[str, Field(min_length=1, max_length=256)]


class Removal(_Act):
    """A group deleted, or put back from the recycle bin by its id."""

    do: Literal["deleteGroup", "restoreGroup"]
    group: str


class Rule(_Act):
    """The membership rule of a dynamic group changed, or its processing paused."""

    do: Literal["setRule"]
    group: str
    rule: Annotated[str, Field(min_length=1)]
    state: Literal["On", "Paused"] = "On"


class Account(_Act):
    """A user of the directory deleted, disabled or enabled."""

    do: Literal["deleteUser", "disableUser", "enableUser"]
    user: str


class Correction(_Act):
    """Properties of a user of the directory changed; what is null is taken away."""

    do: Literal["changeUser"]
    user: str
    properties: Annotated[dict[str, Any], Field(min_length=1)]


class Seats(_Act):
    """The units of an allotment changed."""

    do: Literal["setAllotment"]
    type: str
    units: int = Field(ge=0)


class Status(_Act):
    """The status of the license changed."""

    do: Literal["setLicenseStatus"]
    status: Literal["Ok", "Blacklisted", "Expired", "Missing"]


class Verification(_Act):
    """The pending options of an identity provider tried by a login, with success or without."""

    do: Literal["verifyProvider"]
    provider: str
    state: Literal["verified", "error"] = "verified"


Deed = Verification | Row | Membership | Renaming | Removal | Rule | Account | Correction | Seats | Status
Act = Annotated[Deed, Field(discriminator="do")]


def tamper(sandbox: Sandbox, act: Deed) -> None:
    """Do what the act says and keep who did it, or raise TamperError."""
    match act:
        case Verification():
            _verify_provider(sandbox, act)
        case Row():
            _change_row(sandbox, act)
        case Membership():
            _change_member(sandbox, act)
        case Renaming():
            _change_group(sandbox, act.group, {"displayName": act.name})
        case Removal():
            _remove_group(sandbox, act)
        case Rule():
            _change_group(sandbox, act.group, {"membershipRule": act.rule, "membershipRuleProcessingState": act.state})
        case Account() | Correction():
            _change_user(sandbox, act)
        case Seats():
            _change_seats(sandbox, act)
        case Status():
            _change_status(sandbox, act)
    kept = (sandbox.clock.stamp(), act.model_dump_json(by_alias=True, exclude_none=True))
    sandbox.db.execute("INSERT INTO tampering (at, act) VALUES (?, ?)", kept)


def read_tampering(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return every act so far, oldest first."""
    rows = sandbox.db.execute("SELECT * FROM tampering ORDER BY n")
    return [{"at": row["at"]} | json.loads(row["act"]) for row in rows]


def _change_row(sandbox: Sandbox, act: Row) -> None:
    """Write a row under the rules of the licenses service."""
    item = {"subject": act.subject, "type": act.type}
    is_own = act.tenant == "this"
    by = find_administrator(sandbox, act.by) if is_own else ""
    origin: Origin = "internal" if is_own else "external"
    if act.do == "assign":
        outcome = change_row(sandbox, "add", item, by=by, origin=origin)
    elif act.do == "revoke":
        outcome = delete_seat(sandbox, item, by=by, origin=origin)
    else:
        switched = item | ({"sourceType": act.from_} if act.from_ else {})
        outcome = change_row(sandbox, "update", switched, by=by, origin=origin)
    if outcome["status"] >= REFUSED:
        raise TamperError(f"{outcome['code']}: {outcome['title']}")


def _change_member(sandbox: Sandbox, act: Membership) -> None:
    group_id, member_id = _find_group(sandbox, act.group), _find_member(sandbox, act.member)
    is_member = has_link(sandbox, "members", group_id, member_id)
    if is_member is (act.do == "addMember"):
        raise TamperError(f"{act.member} is {'already' if is_member else 'not'} a member of {act.group}")
    if is_member:
        remove_link(sandbox, "members", group_id, member_id)
    else:
        add_links(sandbox, "members", group_id, [member_id])


def _change_group(sandbox: Sandbox, name: str, properties: dict[str, str]) -> None:
    group_id = _find_group(sandbox, name)
    group = body_of(_read_group(sandbox, group_id)) | properties
    if "membershipRule" in properties and DYNAMIC not in group.get("groupTypes", []):
        raise TamperError(f"{name} has no rule")
    check_rule(group)
    statement = "UPDATE groups SET name_key = ?, body = ? WHERE id = ?"
    sandbox.db.execute(statement, (fold(group["displayName"]), json.dumps(group), group_id))


def _remove_group(sandbox: Sandbox, act: Removal) -> None:
    if act.do == "deleteGroup":
        discard_group(sandbox, _read_group(sandbox, _find_group(sandbox, act.group)))
        return
    item = find_item(sandbox, act.group)
    if item is None or item["kind"] != "group":
        raise TamperError(f"no group {act.group} in the recycle bin")
    restore_item(sandbox, item)


def _read_group(sandbox: Sandbox, group_id: str) -> sqlite3.Row:
    row: sqlite3.Row = sandbox.db.execute("SELECT * FROM groups WHERE id = ?", (group_id,)).fetchone()
    return row


def _change_user(sandbox: Sandbox, act: Account | Correction) -> None:
    row = find_person(sandbox, act.user)
    if row is None:
        raise TamperError(f"no user {act.user}")
    if act.do == "deleteUser":
        discard_user(sandbox, row)
        return
    if act.do == "changeUser":
        _correct_user(sandbox, row, act.properties)
        return
    body = body_of(row) | {"accountEnabled": act.do == "enableUser"}
    sandbox.db.execute("UPDATE people SET body = ? WHERE id = ?", (json.dumps(body), row["id"]))


def _correct_user(sandbox: Sandbox, row: sqlite3.Row, properties: dict[str, Any]) -> None:
    kept = without_nulls({**body_of(row), **properties, "id": row["id"]})
    try:
        person = Person.model_validate(kept)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise TamperError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}".lstrip(": ")) from error
    twin = find_person(sandbox, person.user_principal_name)
    if twin is not None and twin["id"] != row["id"]:
        raise TamperError(f"{person.user_principal_name} is the name of another user")
    _, _, *keys, _, body = person_row(person)
    statement = "UPDATE people SET upn_key = ?, mail_key = ?, name_key = ?, body = ? WHERE id = ?"
    sandbox.db.execute(statement, (*keys, body, row["id"]))


def _change_seats(sandbox: Sandbox, act: Seats) -> None:
    if find_allotment(sandbox, act.type) is None:
        raise TamperError(f"no allotment {act.type}")
    sandbox.db.execute("UPDATE allotments SET units = ? WHERE name = ?", (act.units, act.type))
    tell_definition(sandbox)


def _verify_provider(sandbox: Sandbox, act: Verification) -> None:
    provider = find_document(sandbox, "identityProviders", act.provider)
    if provider is None or "pendingOptions" not in provider:
        raise TamperError(f"no identity provider {act.provider} with pending options")
    put_document(sandbox, "identityProviders", provider | {"pendingState": act.state})


def _change_status(sandbox: Sandbox, act: Status) -> None:
    known = sandbox.setting("license") or License().model_dump(mode="json", by_alias=True, exclude_none=True)
    sandbox.put_setting("license", known | {"status": act.status})
    tell_definition(sandbox)


def _find_group(sandbox: Sandbox, name: str) -> str:
    statement = "SELECT id FROM groups WHERE id = ? OR name_key = ?"
    rows = sandbox.db.execute(statement, (name.lower(), fold(name))).fetchall()
    if len(rows) != 1:
        raise TamperError(f"{len(rows) or 'no'} groups are named {name}")
    found: str = rows[0]["id"]
    return found


def _find_member(sandbox: Sandbox, name: str) -> str:
    person = find_person(sandbox, name)
    found = find_object(sandbox, name) if person is None else None
    if person is None and found is None:
        raise TamperError(f"no member {name}")
    return found.id if found is not None else str(person and person["id"])
