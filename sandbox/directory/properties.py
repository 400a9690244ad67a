"""What a filter may name, and which operators each property takes (learn.microsoft.com/graph/aad-advanced-queries).

Operators in capitals work by default, the others need an advanced query: E eq, G ge and le, I in, S startsWith,
Z endsWith, N null. `ne` and `not` always need an advanced query. Properties that are not listed take everything.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "flag", "moment", "list", "guid", "extension"]

_EXTENSION = re.compile(r"extension_[0-9a-fA-F]{32}_\w+")
_ATTRIBUTE = re.compile(r"onPremisesExtensionAttributes/(extensionAttribute(?:[1-9]|1[0-5]))")

_TEXT = {
    "EI": "ageGroup consentProvidedForMinor creationType id appId servicePrincipalType externalUserState "
    "applicationTemplateId signInAudience publisherDomain appOwnerOrganizationId",
    "EIn": "onPremisesSecurityIdentifier userType",
    "EGISn": "city country department givenName mailNickname state surname jobTitle",
    "EGISzN": "mail",
    "EISn": "displayName",
    "EISgn": "employeeId",
    "EGIS": "onPremisesUserPrincipalName usageLocation",
    "EGISz": "userPrincipalName",
    "egisn": "companyName mobilePhone officeLocation postalCode preferredLanguage streetAddress",
    "egis": "employeeType onPremisesSamAccountName description membershipRule",
    "egi": "onPremisesImmutableId",
    "egisN": "extensionAttribute",
    "ein": "passwordPolicies",
    "ei": "membershipRuleProcessingState",
}
_FLAGS = {
    "EIg": "accountEnabled securityEnabled",
    "EIgn": "onPremisesSyncEnabled",
    "EI": "mailEnabled isAssignableToRole",
    "eg": "showInAddressList",
    "e": "appRoleAssignmentRequired",
}
_MOMENTS = {"EGi": "createdDateTime deletedDateTime", "egi": "employeeHireDate"}
_LISTS = {
    "EGISz": "proxyAddresses otherMails",
    "EGIS": "imAddresses servicePrincipalNames identifierUris",
    "E": "groupTypes businessPhones tags assignedLicenses assignedPlans",
}
# Graph answers a filter on these as unsupported even in an advanced query, as its documentation shows.
_UNSUPPORTED = {("Group", "createdDateTime")}

_DEFAULT_SORTS = {("User", "displayName"), ("User", "userPrincipalName"), ("Group", "displayName")}
_ADVANCED_SORTS = {"createdDateTime", "deletedDateTime", "displayName", "userPrincipalName"}
_NO_SORT = {("Group", "createdDateTime"), ("Group", "userPrincipalName")}

# What $search looks into: words of these, and the beginning of others.
WORDED = ("displayName", "description")


@dataclass(frozen=True)
class Property:
    """A property as filters see it."""

    kind: Kind = "text"
    operators: str = "EGISZN"

    def takes(self, operator: str, *, is_advanced: bool) -> bool:
        """Say whether the operator, a capital, works in a plain or in an advanced query."""
        return operator in self.operators or (is_advanced and operator.lower() in self.operators)


def _read(kind: Kind, table: dict[str, str]) -> dict[str, Property]:
    return {name: Property(kind, operators) for operators, names in table.items() for name in names.split()}


# Of a directory extension only its application knows the type.
_EXTENSIONS = {"EGISN": "extension"}

_KNOWN = (
    _read("text", _TEXT)
    | _read("flag", _FLAGS)
    | _read("moment", _MOMENTS)
    | _read("list", _LISTS)
    | _read("extension", _EXTENSIONS)
)


def property_of(name: str) -> Property:
    """Return what is published about a property, by its path."""
    if _ATTRIBUTE.fullmatch(name):
        return _KNOWN["extensionAttribute"]
    if _EXTENSION.fullmatch(name):
        return _KNOWN["extension"]
    if name == "skuId":
        return Property("guid")
    return _KNOWN.get(name, Property())


def is_filterable(resource: str, name: str) -> bool:
    """Say whether a resource can be filtered by a property at all."""
    return (resource, name) not in _UNSUPPORTED


def is_sortable(resource: str, name: str, *, is_advanced: bool) -> bool:
    """Say whether a resource can be sorted by a property."""
    if is_advanced:
        return name in _ADVANCED_SORTS and (resource, name) not in _NO_SORT
    return (resource, name) in _DEFAULT_SORTS


def is_extension(name: str) -> bool:
    """Say whether a name is that of a directory extension."""
    return _EXTENSION.fullmatch(name) is not None


class Columns(dict[str, str]):
    """SQL expressions by property; extensions are found in the body although nobody lists them."""

    def __init__(self, body: str, known: dict[str, str]) -> None:
        super().__init__(known)
        self._body = body

    def __missing__(self, name: str) -> str:
        if name not in self:
            raise KeyError(name)
        attribute = _ATTRIBUTE.fullmatch(name)
        path = f"onPremisesExtensionAttributes.{attribute.group(1)}" if attribute else name
        return f"fold(json_extract({self._body}, '$.{path}'))"

    def __contains__(self, name: object) -> bool:
        is_known = super().__contains__(name)
        return is_known or (isinstance(name, str) and bool(_ATTRIBUTE.fullmatch(name) or _EXTENSION.fullmatch(name)))


def columns_of(table: str, names: Iterable[str], stored: dict[str, str] | None = None) -> Columns:
    """Return the columns of a table whose bodies have these properties; `stored` have a column of their own."""
    body = f"{table}.body"
    return Columns(body, {name: _expression(body, name) for name in names} | (stored or {}))


def _expression(body: str, name: str) -> str:
    path, kind = f"json_extract({body}, '$.{name}')", property_of(name).kind
    if kind == "moment":
        # Moments are kept with and without milliseconds; only one form can be compared.
        return f"strftime('%Y-%m-%dT%H:%M:%fZ', {path})"
    return f"fold({path})" if kind == "text" else path
