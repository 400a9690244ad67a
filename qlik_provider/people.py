"""People and names as the two services know them, as values."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


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
class TenantUser:
    """A user of the tenant (https://qlik.dev/apis/rest/users)."""

    id: str
    subject: str
    name: str = ""
    email: str | None = None
    status: str = "active"


@dataclass(frozen=True)
class TenantNames:
    """What the names of a declaration can mean in a tenant."""

    id: str
    license: str
    types: tuple[str, ...]
    roles: tuple[str, ...] = ()
    spaces: tuple[str, ...] = ()
    users: tuple[TenantUser, ...] = ()


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
