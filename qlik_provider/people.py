"""People and names as the two services know them, as values."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class DirectoryUser:
    """A user of the directory (https://learn.microsoft.com/graph/api/resources/user)."""

    id: str
    user_principal_name: str
    display_name: str = ""
    mail: str | None = None
    account_enabled: bool = True
    user_type: str = "Member"
    is_deleted: bool = False

    @property
    def address(self) -> str:
        """The mail, or the user principal name of somebody without one."""
        return self.mail or self.user_principal_name

    def has_left(self) -> bool:
        """Tell whether this is a leaver: disabled, or in the recycle bin."""
        return self.is_deleted or not self.account_enabled


@dataclass(frozen=True)
class DirectoryGroup:
    """A group of the directory (https://learn.microsoft.com/graph/api/resources/group)."""

    id: str
    name: str
    is_dynamic: bool = False
    """Its members follow from a rule."""
    is_paused: bool = False
    """The rule is not being processed, at somebody's wish."""
    rule: str = ""


@dataclass(frozen=True)
class GroupReading:
    """What one read of a group, or of whom a query takes, gave: people, or why they are not known for certain."""

    name: str
    """The display name; where the group was not found, what the declaration calls it; of a query its filter."""
    id: str | None = None
    """The object id, as far as it is known."""
    users: tuple[DirectoryUser, ...] = ()
    nested: int | None = 0
    """Groups in the group whose people were not asked for; None where they could not be counted."""
    nested_users: int | None = 0
    """Users in those groups who are not in the group itself; None where they could not be counted."""
    others: Mapping[str, int] = field(default_factory=dict)
    """Members that are no people, by Graph's type of them."""
    doubt: str = ""
    awaited: str = ""
    """Why nobody is in it yet: this stack is to create it."""
    remark: str = ""
    fault: str = ""
    """What is wrong with the declaration of it, as only the directory can tell."""
    place: tuple[str, ...] = ()
    """The part of the declaration that is wrong; empty for all that says where the people come from."""


@dataclass(frozen=True)
class TenantUser:
    """A user of the tenant (https://qlik.dev/apis/rest/users)."""

    id: str
    subject: str
    name: str = ""
    email: str | None = None
    status: str = "active"
    is_bot: bool = False
    """Whether it is the user of a client, whom nobody logs in as."""


@dataclass(frozen=True)
class IdentityProvider:
    """What people log in to the tenant by (https://qlik.dev/apis/rest/identity-providers)."""

    id: str
    name: str
    is_active: bool = True
    creates_users: bool = False
    """Whether whoever logs in becomes a user."""


@dataclass(frozen=True)
class Application:
    """An application of the directory that people sign in to.

    https://learn.microsoft.com/graph/api/resources/serviceprincipal
    """

    id: str
    name: str
    is_assignment_required: bool = False
    """Whether only who is assigned may sign in."""


@dataclass(frozen=True)
class InvitedUser:
    """A user of the tenant who has never logged in."""

    subject: str
    name: str
    email: str | None
    status: str
    created: datetime | None = None
    invite_expiry: datetime | None = None
    """Until when the invitation counts; None for who was provisioned."""


@dataclass(frozen=True)
class GroupedUser:
    """A user of the tenant, and the ids of the groups it is in."""

    id: str
    subject: str
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TenantRole:
    """A role of the tenant (https://qlik.dev/apis/rest/roles)."""

    name: str
    makes_full_users: bool = False
    """Whether it promotes a basic user on a capacity license (`userEntitlementType`)."""


@dataclass(frozen=True)
class TenantSpace:
    """A space that the caller can see (https://qlik.dev/apis/rest/spaces)."""

    id: str
    name: str
    type: str = "shared"
    assignable_roles: frozenset[str] = frozenset()
    """What the caller may assign in it; nothing, where it does not manage the space."""


@dataclass(frozen=True)
class SpaceAssignment:
    """The roles somebody has in a space."""

    id: str
    assignee: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class TenantGroup:
    """A group of the tenant (https://qlik.dev/apis/rest/groups)."""

    id: str
    name: str
    provider_type: str = "idp"
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Administrator:
    """A user with the role TenantAdmin: assigned, or by groups, whose ids these are."""

    id: str
    is_bot: bool = False
    is_assigned: bool = False
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TenantNames:
    """What the names of a declaration can mean in a tenant."""

    id: str
    license: str
    types: tuple[str, ...]
    roles: tuple[str, ...] = ()
    spaces: tuple[TenantSpace, ...] = ()
    users: tuple[TenantUser, ...] = ()
    pools: tuple[str, ...] = ()
    """Types that are minutes everybody shares."""
    holders: frozenset[str] = frozenset()
    """Folded subjects of all license rows; read only where somebody asks who holds one."""


class Directory:
    """The users of a directory, found by user principal name or mail in any case."""

    def __init__(self, users: Iterable[DirectoryUser]) -> None:
        self.users = tuple(users)
        self._named: dict[str, list[DirectoryUser]] = {}
        for user in self.users:
            for name in {user.user_principal_name.casefold(), user.address.casefold()}:
                self._named.setdefault(name, []).append(user)

    def find(self, name: str) -> tuple[DirectoryUser, ...]:
        """Return everybody of that name: present before deleted people, user principal names before mails."""
        found = self._named.get(name.casefold(), [])
        present = [user for user in found if not user.is_deleted] or found
        exact = [user for user in present if user.user_principal_name.casefold() == name.casefold()]
        return tuple(exact or present)

    def __iter__(self) -> Iterator[str]:
        return iter(self._named)
