"""What people are to be granted in spaces by themselves, without a group; performs no I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from qlik_provider.people import DirectoryUser
from qlik_provider.user_ledger import write_person, write_roles


@dataclass(frozen=True)
class UserGrants:
    """The people of `UserPolicy` and their spaces, as its inputs hold them."""

    people: Mapping[str, str]
    """By object id: whom the tenant is to know by which subject."""
    spaces: Mapping[str, str]
    """By object id and space: the roles."""
    rules: Mapping[str, str | int] = field(default_factory=dict)


def grant_users(
    people: Iterable[tuple[DirectoryUser, str | None, Mapping[str, Iterable[str]] | None]],
) -> UserGrants:
    """Return what people are to be granted: who, by which subject, and which roles in which spaces.

    No spaces at all are not managed: whoever has an exception without any keeps what this stack granted before.
    """
    people = list(people)
    return UserGrants(
        people={user.id: write_person(subject, user.address) for user, subject, spaces in people if spaces is not None},
        spaces={
            f"{user.id}/{space}": write_roles(roles, user.address)
            for user, _, spaces in people
            for space, roles in (spaces or {}).items()
        },
        rules={f"unmanaged.{user.id}": user.address for user, _, spaces in people if spaces is None},
    )
