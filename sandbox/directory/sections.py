"""The directory's part of a world."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal, Self

from pydantic import ConfigDict, model_validator
from pydantic.alias_generators import to_snake

from sandbox.directory.application_sections import (
    AdministrativeUnit,
    Application,
    AppRoleAssignment,
    Contact,
    Device,
    Domain,
    ProvisioningLog,
    ServicePrincipal,
    SynchronizationJob,
    SynchronizationSecrets,
)
from sandbox.directory.deleted_sections import DeletedItem
from sandbox.directory.timing import Timing
from sandbox.sections import DAWN, Moment, ObjectId, Section, find_twice


class FederatedCredential(Section):
    """Whom an application trusts to speak for it; `key` is the public key of the issuer, as PEM."""

    issuer: str
    subject: str
    audiences: list[str] = ["api://AzureADTokenExchange"]
    key: str


class DirectoryClient(Section):
    """An application registration with a secret and its application roles; certificates are PEM without their key."""

    id: ObjectId
    secret: str
    oid: ObjectId
    roles: list[str] = []
    certificates: list[str] = []
    federated_credentials: list[FederatedCredential] = []


# Properties of users that few have: kept beside the fields of the section, so that the many pay nothing for them.
RARE_PROPERTIES = frozenset(
    {
        "ageGroup", "businessPhones", "city", "consentProvidedForMinor", "country", "creationType", "employeeHireDate",
        "employeeOrgData", "employeeType", "externalUserState", "externalUserStateChangeDateTime", "faxNumber",
        "imAddresses", "mobilePhone", "officeLocation", "onPremisesDistinguishedName", "onPremisesDomainName",
        "onPremisesExtensionAttributes", "onPremisesImmutableId", "onPremisesSamAccountName",
        "onPremisesSecurityIdentifier", "onPremisesSyncEnabled", "onPremisesUserPrincipalName", "otherMails",
        "passwordPolicies", "postalCode", "preferredLanguage", "proxyAddresses", "showInAddressList", "state",
        "streetAddress", "usageLocation",
    }
)  # fmt: skip
# What referred to a deleted user: restoring puts the references back.
_REMEMBERED = frozenset({"memberOf", "ownerOf", "managerOf"})
_EXTENSION = re.compile(r"extension_[0-9a-f]{32}_\w+")


class Person(Section):
    """A user of the directory; `manager` is an object id."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str | bool | list[Any] | dict[str, Any] | None]

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
    manager: ObjectId | None = None
    created_date_time: Moment = DAWN
    deleted_date_time: Moment | None = None

    @model_validator(mode="after")
    def _know_the_rest(self) -> Self:
        for name in self.model_extra or ():
            if name not in RARE_PROPERTIES | _REMEMBERED and not _EXTENSION.fullmatch(name):
                raise ValueError(f"{name} is no property of a user")
        return self


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
    mail: str | None = None
    mail_enabled: bool = False
    membership_rule: str | None = None
    membership_rule_processing_state: str | None = None
    allow_external_senders: bool | None = None
    auto_subscribe_new_members: bool | None = None
    hide_from_address_lists: bool | None = None
    hide_from_outlook_clients: bool | None = None
    preferred_data_location: str | None = None
    preferred_language: str | None = None
    proxy_addresses: list[str] = []
    resource_behavior_options: list[str] = []
    resource_provisioning_options: list[str] = []
    security_enabled: bool = True
    theme: str | None = None
    visibility: str | None = None
    writeback_configuration: dict[str, Any] | None = None
    created_date_time: Moment = DAWN


class Directory(Section):
    """The Microsoft Entra tenant."""

    tenant_id: ObjectId = "00000000-0000-0000-0000-000000000000"
    clients: list[DirectoryClient] = []
    users: list[Person] = []
    deleted: list[Person] = []
    deleted_items: list[DeletedItem] = []
    groups: list[Group] = []
    domains: list[Domain] = []
    applications: list[Application] = []
    service_principals: list[ServicePrincipal] = []
    app_role_assignments: list[AppRoleAssignment] = []
    synchronization_secrets: list[SynchronizationSecrets] = []
    synchronization_jobs: list[SynchronizationJob] = []
    provisioning_logs: list[ProvisioningLog] = []
    administrative_units: list[AdministrativeUnit] = []
    devices: list[Device] = []
    contacts: list[Contact] = []
    timing: Timing = Timing()


# Fields of the section above that are kept as documents, each under the name of its collection.
COLLECTIONS: tuple[str, ...] = (
    "domains", "applications", "servicePrincipals", "appRoleAssignments", "synchronizationSecrets",
    "synchronizationJobs", "provisioningLogs", "administrativeUnits", "devices", "contacts", "deletedItems",
)  # fmt: skip
# What documents refer to by lists of object ids: kept as links, as those of groups are.
RELATIONS = {"applications": ("owners",), "servicePrincipals": ("owners",), "administrativeUnits": ("members",)}
# The member of a document that names what it belongs to, for those that belong to something.
_PARENTS = {"appRoleAssignments": "resourceId", "synchronizationJobs": "servicePrincipalId"}


def parent_of(collection: str, document: dict[str, Any]) -> str:
    """Return what a document belongs to, or nothing."""
    return str(document.get(_PARENTS.get(collection, ""), ""))


def find_directory_faults(directory: Directory) -> Iterator[str]:
    """Yield what does not hold together in the directory."""
    people = [person.id for person in (*directory.users, *directory.deleted)]
    things = [
        item.id
        for items in (
            directory.applications,
            directory.administrative_units,
            directory.devices,
            directory.contacts,
        )
        for item in items
    ]
    principals = [principal.id for principal in directory.service_principals]
    # The service principal of a client may be told in full, under the client's object id.
    clients = [client.oid for client in directory.clients]
    ids = [*people, *(group.id for group in directory.groups), *things, *principals]
    yield from find_twice("directory", [*ids, *(oid for oid in clients if oid not in principals)])
    yield from find_twice("directory.clients", (client.id for client in directory.clients))
    yield from find_twice("directory.users", (user.user_principal_name.casefold() for user in directory.users))
    yield from find_twice("directory.applications", (application.app_id for application in directory.applications))
    present = {*ids, *clients} - {person.id for person in directory.deleted}
    for place, object_id in _references(directory):
        if object_id not in present:
            yield f"{place.replace('?', object_id)} does not exist"
    known = {*principals, *clients}
    for job in directory.synchronization_jobs:
        if job.service_principal_id not in known:
            yield f"directory.synchronizationJobs: {job.service_principal_id} is no service principal"
    for secrets in directory.synchronization_secrets:
        if secrets.id not in known:
            yield f"directory.synchronizationSecrets: {secrets.id} is no service principal"
    yield from _find_relations_twice(directory)


def _find_relations_twice(directory: Directory) -> Iterator[str]:
    for place, name, relation, members in _relations(directory):
        yield from find_twice(f"directory.{place}: {relation} of {name}", members)


def _references(directory: Directory) -> Iterator[tuple[str, str]]:
    """Yield every reference to an object, and where it stands with `?` for the object."""
    for place, name, relation, members in _relations(directory):
        yield from ((f"directory.{place}: ? in {relation} of {name}", member) for member in members)
    for user in directory.users:
        if user.manager is not None:
            yield f"directory.users: ? as manager of {user.display_name}", user.manager
    for assignment in directory.app_role_assignments:
        yield "directory.appRoleAssignments: the principal ?", assignment.principal_id
        yield "directory.appRoleAssignments: the resource ?", assignment.resource_id


def _relations(directory: Directory) -> Iterator[tuple[str, str, str, Iterable[str]]]:
    """Yield each list of references: its place, the name of what has it, its name and its object ids."""
    for group in directory.groups:
        yield "groups", group.display_name, "members", group.members
        yield "groups", group.display_name, "owners", group.owners
    for place, names in RELATIONS.items():
        for item in getattr(directory, to_snake(place)):
            for name in names:
                yield place, item.display_name, name, getattr(item, name)
