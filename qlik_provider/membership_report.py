"""Who of each group of the directory counts and who is left out, as a document; warnings say the same to people."""

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from qlik_provider.declaration import Declaration
from qlik_provider.membership import LeftOut, Memberships
from qlik_provider.report import write_part

NAME = "directory/memberships"  # a folder below that of the plans, which holds nothing else


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class LeftOutCounts(_Part):
    """How many of a group do not count, by their kind; null where they could not be counted."""

    guests: int
    disabled: int
    service_principals: int | None
    devices: int | None
    contacts: int | None
    nested_groups: int | None
    nested_users: int | None
    """Users in those groups who are not in the group itself."""


class CountedGroup(_Part):
    """One group, or query, whose people are read from the directory."""

    source: Literal["existing", "rule", "query", "everyone"]
    name: str
    """The display name; of a query its filter; of a group that was not found what the declaration calls it."""
    object_id: str | None
    counted: int | None
    """How many people count; null where nobody can tell."""
    left_out: LeftOutCounts | None
    """Null where nobody can tell who is in it."""
    doubt: str | None
    """Why nobody can tell, or nobody believes it; null for no doubt."""
    awaited: str | None
    """Why nobody is in it yet: this stack is to create it."""


class MembershipDocument(_Part):
    """What one run of the program read of every group of the directory, by key."""

    version: Literal[1] = 1
    now: datetime
    """The time of the tenant."""
    groups: dict[str, CountedGroup]


def make_memberships(declaration: Declaration, counted: Memberships, now: datetime) -> MembershipDocument:
    """Return who counts and who is left out, of each key whose people are read from the directory."""
    groups = {
        key: CountedGroup(
            source=declaration.groups[key].source,
            name=counted.names[key],
            object_id=counted.sources.get(key),
            counted=None if key in counted.frozen else len(users),
            left_out=_count(counted.left_out[key]) if key in counted.left_out else None,
            doubt=counted.doubt.get(key),
            awaited=counted.awaited.get(key),
        )
        for key, users in sorted(counted.users.items())
    }
    return MembershipDocument(now=now, groups=groups)


def _count(left_out: LeftOut) -> LeftOutCounts:
    return LeftOutCounts(
        guests=left_out.guests,
        disabled=left_out.disabled,
        service_principals=left_out.others["servicePrincipal"],
        devices=left_out.others["device"],
        contacts=left_out.others["orgContact"],
        nested_groups=left_out.nested,
        nested_users=left_out.nested_users,
    )


def write_memberships(document: MembershipDocument, environment: Mapping[str, str] = os.environ) -> None:
    """Write the document to `$QLIK_PLAN_DIR/directory/memberships.json`; raises UnusablePlans where that cannot be."""
    write_part(NAME, document, environment)


def membership_schema() -> dict[str, Any]:
    """Return the JSON schema of the document."""
    return MembershipDocument.model_json_schema(by_alias=True)
