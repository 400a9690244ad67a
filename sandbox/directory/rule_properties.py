"""The properties membership rules name, and how they are read of a person."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.directory.rule_tokens import RuleError

_SAME = (
    "city", "country", "companyName", "department", "displayName", "employeeId", "givenName", "jobTitle", "mail",
    "onPremisesDistinguishedName", "onPremisesSamAccountName", "onPremisesSecurityIdentifier", "passwordPolicies",
    "postalCode", "preferredLanguage", "sipProxyAddress", "state", "streetAddress", "surname", "usageLocation",
    "userPrincipalName", "userType",
)  # fmt: skip
_RENAMED = {
    "facsimileTelephoneNumber": "faxNumber",
    "mailNickName": "mailNickname",
    "mobile": "mobilePhone",
    "objectId": "id",
    "physicalDeliveryOfficeName": "officeLocation",
}
_FLAGS = {"accountEnabled": "accountEnabled", "dirSyncEnabled": "onPremisesSyncEnabled"}
_LISTS = ("otherMails", "proxyAddresses")
_ATTRIBUTE = re.compile(r"extensionattribute([1-9]|1[0-5])", re.IGNORECASE)
_EXTENSION = re.compile(r"extension_[0-9a-f]{32}_\w+", re.IGNORECASE)


@dataclass(frozen=True)
class Subject:
    """A person as rules see one; the moment is that of the evaluation."""

    body: dict[str, Any]
    groups: frozenset[str] = field(default_factory=frozenset)
    manager: str = ""
    moment: float = 0.0

    @property
    def id(self) -> str:
        """The object id."""
        return str(self.body["id"])


@dataclass(frozen=True)
class RuleProperty:
    """A property of a rule: its type, and how it is read; a text that is empty counts as null."""

    kind: str
    read: Callable[[Subject], Any]


def resolve_property(name: str) -> RuleProperty:
    """Return the property, or raise RuleError for one that rules cannot name."""
    kind, dot, path = name.partition(".")
    if not dot:
        raise RuleError("No object type")
    if kind.lower() != "user":
        reason = "is not part of the sandbox" if kind.lower() == "device" else "is none"
        raise RuleError(f"Invalid object type. '{kind}' {reason}")
    known = _KNOWN.get(path.lower())
    if known is not None:
        return known
    if match := _ATTRIBUTE.fullmatch(path):
        return RuleProperty("text", _attribute(f"extensionAttribute{match.group(1)}"))
    if _EXTENSION.fullmatch(path):
        return RuleProperty("text", _extension(path.lower()))
    raise RuleError(f"Wrong property applied. Property '{path}' cannot be applied to object 'User'")


def resolve_item(name: str) -> None:
    """Raise RuleError for anything but the underscore, which stands for an item of a list of texts."""
    if name != "_":
        raise RuleError(f"Wrong property applied. '{name}' cannot be applied to an item of this list")


def _text(path: str) -> Callable[[Subject], Any]:
    return lambda subject: subject.body.get(path) or None


def _attribute(name: str) -> Callable[[Subject], Any]:
    return lambda subject: (subject.body.get("onPremisesExtensionAttributes") or {}).get(name) or None


def _extension(name: str) -> Callable[[Subject], Any]:
    """Return what reads a directory extension, whose name is compared without case."""

    def read(subject: Subject) -> Any:
        found = next((value for key, value in subject.body.items() if key.lower() == name), None)
        return None if found is None else str(found) if not isinstance(found, bool) else str(found).lower()

    return read


def _flag(path: str) -> Callable[[Subject], Any]:
    return lambda subject: bool(subject.body.get(path))


def _list(path: str) -> Callable[[Subject], Any]:
    return lambda subject: subject.body.get(path) or []


# Names are compared without case, as the samples of the documentation write them either way.
_KNOWN = {
    **{name.lower(): RuleProperty("text", _text(name)) for name in _SAME},
    **{name.lower(): RuleProperty("text", _text(path)) for name, path in _RENAMED.items()},
    **{name.lower(): RuleProperty("flag", _flag(path)) for name, path in _FLAGS.items()},
    **{name.lower(): RuleProperty("list", _list(name)) for name in _LISTS},
    "employeehiredate": RuleProperty("moment", _text("employeeHireDate")),
    "telephonenumber": RuleProperty("text", lambda subject: (subject.body.get("businessPhones") or [None])[0]),
}
