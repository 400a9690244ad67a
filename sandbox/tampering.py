"""Changes by a named administrator, past the declaration: what drift is made of."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.answers import REFUSED
from sandbox.clock import stamp
from sandbox.directory.links import add_links, has_link, remove_link
from sandbox.directory.objects import find_object
from sandbox.directory.people import find_person
from sandbox.directory.shapes import body_of
from sandbox.state import Sandbox, fold
from sandbox.tenant.rows import add_row, delete_row, update_row
from sandbox.tenant.seats import find_allotment
from sandbox.world import License


class TamperError(Exception):
    """An act that cannot be done, in one clause."""


class _Act(BaseModel):
    """What somebody does by hand."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=lambda name: name.rstrip("_"))

    by: str = "maria.admin@contoso.test"


class Row(_Act):
    """A license row assigned, revoked, or switched from one type to another."""

    do: Literal["assign", "switch", "revoke"]
    subject: str
    type: str
    from_: str | None = None


class Membership(_Act):
    """A member added to or removed from a group."""

    do: Literal["addMember", "removeMember"]
    group: str
    member: str


class Account(_Act):
    """A user of the directory deleted, disabled or enabled."""

    do: Literal["deleteUser", "disableUser", "enableUser"]
    user: str


class Seats(_Act):
    """The units of an allotment changed."""

    do: Literal["setAllotment"]
    type: str
    units: int = Field(ge=0)


class Status(_Act):
    """The status of the license changed."""

    do: Literal["setLicenseStatus"]
    status: Literal["Ok", "Blacklisted", "Expired", "Missing"]


Act = Annotated[Row | Membership | Account | Seats | Status, Field(discriminator="do")]


def tamper(sandbox: Sandbox, act: Row | Membership | Account | Seats | Status) -> None:
    """Do what the act says and keep who did it, or raise TamperError."""
    match act:
        case Row():
            _change_row(sandbox, act)
        case Membership():
            _change_member(sandbox, act)
        case Account():
            _change_account(sandbox, act)
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
    if act.do == "assign":
        outcome = add_row(sandbox, item)
    elif act.do == "revoke":
        outcome = delete_row(sandbox, item)
    else:
        outcome = update_row(sandbox, item | ({"sourceType": act.from_} if act.from_ else {}))
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


def _change_account(sandbox: Sandbox, act: Account) -> None:
    row = find_person(sandbox, act.user)
    if row is None:
        raise TamperError(f"no user {act.user}")
    body = body_of(row)
    if act.do == "deleteUser":
        # Graph frees the name: it prefixes that of a deleted user with the object id.
        body["userPrincipalName"] = f"{row['id'].replace('-', '')}{body['userPrincipalName']}"
        body["deletedDateTime"] = stamp(sandbox.clock.now())
        sandbox.db.execute("DELETE FROM links WHERE object_id = ?", (row["id"],))
    else:
        body["accountEnabled"] = act.do == "enableUser"
    statement = "UPDATE people SET upn_key = ?, is_deleted = ?, body = ? WHERE id = ?"
    values = (fold(body["userPrincipalName"]), act.do == "deleteUser", json.dumps(body), row["id"])
    sandbox.db.execute(statement, values)


def _change_seats(sandbox: Sandbox, act: Seats) -> None:
    if find_allotment(sandbox, act.type) is None:
        raise TamperError(f"no allotment {act.type}")
    sandbox.db.execute("UPDATE allotments SET units = ? WHERE name = ?", (act.units, act.type))


def _change_status(sandbox: Sandbox, act: Status) -> None:
    known = sandbox.setting("license") or License().model_dump(by_alias=True)
    sandbox.put_setting("license", known | {"status": act.status})


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
