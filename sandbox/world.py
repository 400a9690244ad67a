"""The world file: what a sandbox starts from."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sandbox import switches
from sandbox.tenant.catalog import BUILT_IN_ROLES

DAWN = datetime(2026, 1, 1, tzinfo=UTC)  # when things without a date of their own came into being


class WorldError(Exception):
    """A world that cannot be used; `faults` holds one line for each reason."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def _in_utc(moment: datetime) -> datetime:
    """Return the moment in UTC; one without a zone already is."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _as_uuid(text: str) -> str:
    """Return the object id in lower case, as Graph writes it."""
    return str(UUID(text))


Moment = Annotated[datetime, AfterValidator(_in_utc)]
ObjectId = Annotated[str, AfterValidator(_as_uuid)]
Subject = Annotated[str, Field(min_length=1)]


class Section(BaseModel):
    """A part of the world file: camelCase keys, nothing unknown, nothing changed afterwards."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class TenantClient(Section):
    """An OAuth client that may use client credentials."""

    id: str
    secret: str
    scopes: list[str] = ["admin_classic"]


class ApiKey(Section):
    """A bearer token of a user, as it is sent."""

    token: str
    subject: Subject
    status: Literal["active", "expired", "revoked"] = "active"


class License(Section):
    """The license a tenant runs on."""

    number: str = "9999000000000001"
    key: str = "sandbox-license-key"
    product: str = "Qlik Cloud Enterprise"
    status: Literal["Ok", "Blacklisted", "Expired", "Missing"] = "Ok"
    valid: str = "2026-01-01/2027-12-31"


class Allotment(Section):
    """The seats of one license type; an overage of -1 has no bound."""

    units: int = Field(ge=0)
    overage: int = Field(default=0, ge=-1)


class LicenseSettings(Section):
    """Which types the tenant hands out by itself."""

    auto_assign_professional: bool = False
    auto_assign_analyzer: bool = False


class TenantUser(Section):
    """A user of the tenant."""

    id: str | None = None
    subject: Subject
    name: str
    email: str | None = None
    status: Literal["active", "invited", "disabled", "deleted", "provisioned"] = "active"
    client_id: str | None = None
    assigned_roles: list[str] = []
    created_at: Moment = DAWN


class Assignment(Section):
    """A subject holding a license type."""

    subject: Subject
    type: str
    created: Moment = DAWN
    excess: bool = False


class Space(Section):
    """A shared, managed or data space."""

    id: str
    name: str
    type: Literal["shared", "managed", "data"] = "shared"
    owner_id: str = ""
    description: str = ""
    created_at: Moment = DAWN


class Role(Section):
    """A custom role."""

    name: str
    level: Literal["admin", "user"] = "user"
    description: str = ""


class Tenant(Section):
    """The Qlik Cloud tenant."""

    id: str = "sandboxTenant0000000000000000000"
    name: str = "sandbox"
    clients: list[TenantClient] = []
    api_keys: list[ApiKey] = []
    license: License | None = License()
    allotments: dict[str, Allotment] = {}
    settings: LicenseSettings = LicenseSettings()
    users: list[TenantUser] = []
    assignments: list[Assignment] = []
    spaces: list[Space] = []
    roles: list[Role] = []


class DirectoryClient(Section):
    """An application registration with a secret and its application roles."""

    id: ObjectId
    secret: str
    oid: ObjectId
    roles: list[str] = []


class Person(Section):
    """A user of the directory."""

    id: ObjectId
    user_principal_name: str
    display_name: str
    mail: str | None = None
    account_enabled: bool = True
    user_type: Literal["Member", "Guest"] = "Member"
    department: str | None = None
    given_name: str | None = None
    surname: str | None = None
    job_title: str | None = None
    company_name: str | None = None
    employee_id: str | None = None
    mail_nickname: str | None = None
    created_date_time: Moment = DAWN
    deleted_date_time: Moment | None = None


class Group(Section):
    """A group of the directory; members and owners are object ids."""

    id: ObjectId
    display_name: str
    mail_nickname: str
    members: list[ObjectId] = []
    owners: list[ObjectId] = []
    description: str | None = None
    group_types: list[str] = []
    is_assignable_to_role: bool = False
    mail_enabled: bool = False
    membership_rule: str | None = None
    membership_rule_processing_state: str | None = None
    resource_behavior_options: list[str] = []
    resource_provisioning_options: list[str] = []
    security_enabled: bool = True
    visibility: str | None = None
    created_date_time: Moment = DAWN


class Directory(Section):
    """The Microsoft Entra tenant."""

    tenant_id: ObjectId = "00000000-0000-0000-0000-000000000000"
    clients: list[DirectoryClient] = []
    users: list[Person] = []
    deleted: list[Person] = []
    groups: list[Group] = []


class World(Section):
    """Everything a sandbox knows; sections left out are empty, a clock left out is the present one."""

    world: Literal[1]
    clock: Moment | None = None
    tenant: Tenant = Tenant()
    directory: Directory = Directory()
    switches: dict[str, str] = {}

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        """Refuse names that refer to nothing and keys that occur twice, all at once."""
        faults = [*_tenant_faults(self.tenant), *_directory_faults(self.directory)]
        faults += switches.find_faults(self.switches)
        if faults:
            raise WorldError(faults)
        return self


def load_world(path: Path) -> World:
    """Return the world of a YAML or JSON file, or raise WorldError with every fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise WorldError([f"{path}: {error.strerror}"]) from error
    try:
        # ruamel takes minutes for ten thousand people; JSON is YAML and takes none.
        content = json.loads(text) if path.suffix == ".json" else YAML(typ="safe").load(text)
    except (YAMLError, ValueError) as error:
        raise WorldError([f"{path}: {' '.join(str(error).split())}"]) from error
    return read_world(content)


def read_world(content: Any) -> World:
    """Return the world of parsed YAML or JSON, or raise WorldError with every fault."""
    try:
        return World.model_validate(content)
    except ValidationError as error:
        raise WorldError([_line(fault["loc"], fault["msg"]) for fault in error.errors()]) from error


def _line(place: tuple[int | str, ...], reason: str) -> str:
    """Return `tenant.users.3.subject: reason`."""
    return f"{'.'.join(map(str, place)) or 'world'}: {reason[:1].lower()}{reason[1:]}"


def _tenant_faults(tenant: Tenant) -> Iterator[str]:
    """Yield what does not hold together in the tenant."""
    subjects = {user.subject.casefold() for user in tenant.users if user.status != "deleted"}
    roles = {name for name, _ in BUILT_IN_ROLES} | {role.name for role in tenant.roles}
    rows = (f"{row.subject.casefold()} {row.type}" for row in tenant.assignments)
    yield from _twice("tenant.assignments", rows)
    yield from _twice("tenant.users", (u.subject.casefold() for u in tenant.users if u.status != "deleted"))
    yield from _twice("tenant.clients", (client.id for client in tenant.clients))
    yield from _twice("tenant.spaces", (space.id for space in tenant.spaces))
    for key in tenant.api_keys:
        if key.subject.casefold() not in subjects:
            yield f"tenant.apiKeys: {key.subject} is no user of this tenant"
    for row in tenant.assignments:
        if row.type not in tenant.allotments:
            yield f"tenant.assignments: {row.subject} holds {row.type}, which has no allotment"
    for user in tenant.users:
        for name in user.assigned_roles:
            if name not in roles:
                yield f"tenant.users: {user.subject} has the role {name}, which does not exist"


def _directory_faults(directory: Directory) -> Iterator[str]:
    """Yield what does not hold together in the directory."""
    people = [*directory.users, *directory.deleted]
    clients = [client.oid for client in directory.clients]
    ids = [*(person.id for person in people), *(group.id for group in directory.groups), *clients]
    yield from _twice("directory", ids)
    yield from _twice("directory.clients", (client.id for client in directory.clients))
    yield from _twice("directory.users", (user.user_principal_name.casefold() for user in directory.users))
    present = set(ids) - {person.id for person in directory.deleted}
    for group in directory.groups:
        for relation, members in (("members", group.members), ("owners", group.owners)):
            yield from _twice(f"directory.groups: {relation} of {group.display_name}", members)
            for member in members:
                if member not in present:
                    yield f"directory.groups: {member} in {relation} of {group.display_name} does not exist"


def _twice(place: str, keys: Iterable[str]) -> Iterator[str]:
    """Yield a line for each key that occurs more than once."""
    for key, count in Counter(keys).items():
        if count > 1:
            yield f"{place}: {key} occurs {count} times"
