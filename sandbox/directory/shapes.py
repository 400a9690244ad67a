"""Users, groups and the other objects as Graph writes them."""

import json
import sqlite3
import struct
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sandbox.directory.application_shapes import show_application, show_service_principal

USER_DEFAULTS = (
    "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName", "id",
)  # fmt: skip

USER_PROPERTIES = frozenset(
    (
        *USER_DEFAULTS,
        "accountEnabled", "ageGroup", "city", "companyName", "consentProvidedForMinor", "country",
        "createdDateTime", "creationType", "deletedDateTime", "department", "employeeHireDate", "employeeId",
        "employeeOrgData", "employeeType", "externalUserState", "externalUserStateChangeDateTime", "faxNumber",
        "imAddresses", "mailNickname",
        "onPremisesDistinguishedName", "onPremisesDomainName", "onPremisesExtensionAttributes",
        "onPremisesImmutableId", "onPremisesSamAccountName", "onPremisesSecurityIdentifier",
        "onPremisesSyncEnabled", "onPremisesUserPrincipalName", "otherMails", "passwordPolicies", "postalCode",
        "proxyAddresses", "showInAddressList", "state", "streetAddress", "usageLocation", "userType",
    )
)  # fmt: skip

_ATTRIBUTES = "onPremisesExtensionAttributes"
_NO_ATTRIBUTES = dict.fromkeys(f"extensionAttribute{number}" for number in range(1, 16))
_LISTS = {"businessPhones", "imAddresses", "otherMails", "proxyAddresses"}

# azuread compares these with what it sent: an absent membershipRule would be a difference for ever.
_GROUP: dict[str, Any] = {
    "deletedDateTime": None,
    "classification": None,
    "createdDateTime": None,
    "creationOptions": [],
    "description": None,
    "expirationDateTime": None,
    "groupTypes": [],
    "isAssignableToRole": False,
    "mail": None,
    "mailEnabled": False,
    "membershipRule": None,
    "membershipRuleProcessingState": None,
    "onPremisesDomainName": None,
    "onPremisesLastSyncDateTime": None,
    "onPremisesNetBiosName": None,
    "onPremisesProvisioningErrors": [],
    "onPremisesSamAccountName": None,
    "onPremisesSecurityIdentifier": None,
    "onPremisesSyncEnabled": None,
    "preferredDataLocation": None,
    "preferredLanguage": None,
    "proxyAddresses": [],
    "renewedDateTime": None,
    "resourceBehaviorOptions": [],
    "resourceProvisioningOptions": [],
    "securityEnabled": True,
    "securityIdentifier": None,
    "theme": None,
    "visibility": None,
}
# Shown only where they are selected, of a single group.
ON_REQUEST: dict[str, Any] = {
    "allowExternalSenders": False,
    "autoSubscribeNewMembers": False,
    "hideFromAddressLists": False,
    "hideFromOutlookClients": False,
}
# Shown by default only where it was ever set: the plugin's recorded states know no group type otherwise.
_NO_WRITEBACK = {"writebackConfiguration": {"isEnabled": None, "onPremisesGroupType": None}}
GROUP_PROPERTIES = frozenset(_GROUP) | ON_REQUEST.keys() | _NO_WRITEBACK.keys() | {"id", "displayName", "mailNickname"}

_OTHER: dict[str, dict[str, Any]] = {
    "device": {
        "deletedDateTime": None, "accountEnabled": True, "createdDateTime": None, "deviceId": None,
        "displayName": None, "isCompliant": None, "isManaged": None, "operatingSystem": None,
        "operatingSystemVersion": None, "physicalIds": [], "profileType": None, "systemLabels": [], "trustType": None,
    },
    "orgContact": {
        "deletedDateTime": None, "companyName": None, "department": None, "displayName": None, "givenName": None,
        "jobTitle": None, "mail": None, "mailNickname": None, "proxyAddresses": [], "surname": None,
    },
    "administrativeUnit": {
        "deletedDateTime": None, "displayName": None, "description": None, "isMemberManagementRestricted": None,
        "visibility": None,
    },
}  # fmt: skip
UNIT_PROPERTIES = frozenset(_OTHER["administrativeUnit"]) | {"id"}


def show_user(body: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the named properties of a user; one that was never set is null or an empty list."""
    shown = {name: body.get(name, [] if name in _LISTS else None) for name in names}
    if _ATTRIBUTES in shown:
        shown[_ATTRIBUTES] = _NO_ATTRIBUTES | (shown[_ATTRIBUTES] or {})
    return shown


def show_group(body: dict[str, Any], names: Iterable[str] | None = None) -> dict[str, Any]:
    """Return a group with every property, or with the named ones."""
    stored = {name: value for name, value in body.items() if name not in ON_REQUEST}
    dated = {"renewedDateTime": body.get("createdDateTime"), "securityIdentifier": security_identifier(body["id"])}
    whole = {"id": body["id"]} | _GROUP | dated | stored
    return whole if names is None else {name: (_NO_WRITEBACK | whole | ON_REQUEST | body)[name] for name in names}


def show_member(kind: str, body: dict[str, Any], names: Iterable[str] | None, *, shows_people: bool) -> dict[str, Any]:
    """Return a member with its type; people have no properties for who may not read them (entra.md 4.4)."""
    typed = {"@odata.type": f"#microsoft.graph.{kind}"}
    if kind == "group":
        wanted = None if names is None else [name for name in names if name in GROUP_PROPERTIES]
        return typed | show_group(body, wanted)
    if kind == "user":
        shown = show_user(body, USER_DEFAULTS if names is None else names)
        return typed | (shown if shows_people else dict.fromkeys(shown) | {"id": body["id"]})
    return typed | show_other(kind, body, names)


def show_other(kind: str, body: dict[str, Any], names: Iterable[str] | None = None) -> dict[str, Any]:
    """Return an object of any other type with every property, or with those named ones it has."""
    if kind == "application":
        whole = show_application(body)
    elif kind == "servicePrincipal":
        whole = show_service_principal(body)
    else:
        whole = {"id": body["id"]} | _OTHER[kind] | body
    return whole if names is None else {name: whole[name] for name in names if name in whole}


def security_identifier(object_id: str) -> str:
    """Return the security identifier that follows from the object id of a group."""
    parts = struct.unpack("<4I", UUID(object_id).bytes_le)
    return f"S-1-12-1-{'-'.join(map(str, parts))}"


def body_of(row: sqlite3.Row) -> dict[str, Any]:
    """Return the stored properties of a row."""
    body: dict[str, Any] = json.loads(row["body"])
    return body
