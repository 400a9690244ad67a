"""Users, groups and service principals as Graph writes them."""

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

USER_DEFAULTS = (
    "businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
    "preferredLanguage", "surname", "userPrincipalName", "id",
)  # fmt: skip

USER_PROPERTIES = frozenset(
    (
        *USER_DEFAULTS,
        "accountEnabled", "ageGroup", "city", "companyName", "consentProvidedForMinor", "country",
        "createdDateTime", "creationType", "deletedDateTime", "department", "employeeHireDate", "employeeId",
        "employeeOrgData", "employeeType", "externalUserState", "faxNumber", "imAddresses", "mailNickname",
        "onPremisesDistinguishedName", "onPremisesDomainName", "onPremisesImmutableId",
        "onPremisesSamAccountName", "onPremisesSecurityIdentifier", "onPremisesSyncEnabled",
        "onPremisesUserPrincipalName", "otherMails", "passwordPolicies", "postalCode", "proxyAddresses",
        "showInAddressList", "state", "streetAddress", "usageLocation", "userType",
    )
)  # fmt: skip

_LISTS = {"businessPhones", "imAddresses", "otherMails", "proxyAddresses"}

# azuread compares these with what it sent: an absent membershipRule would be a difference for ever.
_GROUP: dict[str, Any] = {
    "deletedDateTime": None,
    "classification": None,
    "createdDateTime": None,
    "description": None,
    "expirationDateTime": None,
    "groupTypes": [],
    "isAssignableToRole": False,
    "mail": None,
    "mailEnabled": False,
    "membershipRule": None,
    "membershipRuleProcessingState": None,
    "onPremisesSyncEnabled": None,
    "preferredDataLocation": None,
    "preferredLanguage": None,
    "proxyAddresses": [],
    "resourceBehaviorOptions": [],
    "resourceProvisioningOptions": [],
    "securityEnabled": True,
    "theme": None,
    "visibility": None,
}
GROUP_PROPERTIES = frozenset(_GROUP) | {"id", "displayName", "mailNickname"}


def show_user(body: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the named properties of a user; one that was never set is null or an empty list."""
    return {name: body.get(name, [] if name in _LISTS else None) for name in names}


def show_group(body: dict[str, Any], names: Iterable[str] | None = None) -> dict[str, Any]:
    """Return a group with every property, or with the named ones."""
    whole = {"id": body["id"]} | _GROUP | body
    return whole if names is None else {name: whole[name] for name in names}


def show_service_principal(client: dict[str, Any]) -> dict[str, Any]:
    """Return the service principal of an application of the directory."""
    return {"id": client["oid"], "appId": client["id"], "displayName": client["id"]}


def show_member(kind: str, body: dict[str, Any], names: Iterable[str] | None, *, shows_people: bool) -> dict[str, Any]:
    """Return a member with its type; people have no properties for who may not read them (entra.md 4.4)."""
    typed = {"@odata.type": f"#microsoft.graph.{kind}"}
    if kind == "group":
        wanted = None if names is None else [name for name in names if name in GROUP_PROPERTIES]
        return typed | show_group(body, wanted)
    if kind == "servicePrincipal":
        return typed | show_service_principal(body)
    shown = show_user(body, USER_DEFAULTS if names is None else names)
    if not shows_people:
        shown = dict.fromkeys(shown) | {"id": body["id"]}
    return typed | shown


def body_of(row: sqlite3.Row) -> dict[str, Any]:
    """Return the stored properties of a row."""
    body: dict[str, Any] = json.loads(row["body"])
    return body
