"""What can be granted to a group, by name, and what the names mean in a tenant; performs no I/O."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from qlik_provider.people import Administrator, TenantSpace

TENANT_ADMIN = "TenantAdmin"

Kind = Literal["role", "space"]

_RIGHT = re.compile(r"(?:(?P<group>[^/:]+)/)?(?P<kind>role|space):(?P<name>.+)", re.DOTALL)


@dataclass(frozen=True, order=True)
class Right:
    """A role of the tenant, or one role in one space, that a group holds.

    `group` is empty for the group of today, and the id of the tenant's group where the policy had another one before.
    """

    kind: Kind
    name: str
    role: str = ""
    group: str = ""

    def __str__(self) -> str:
        own = f"{self.kind}:{self.name}" + (f"/{self.role}" if self.role else "")
        return f"{self.group}/{own}" if self.group else own

    def describe(self, holder: str = "group") -> str:
        """Return the right as a sentence has it; `holder` says what may have had it before."""
        own = f"{self.role} in {self.name}" if self.kind == "space" else f"role {self.name}"
        return f"{own} (of the earlier {holder} {self.group})" if self.group else own


def parse_right(text: str) -> Right:
    """Return the right written as `role:<name>` or `space:<name>/<role>`, after `<group id>/` for an earlier group.

    Raises ValueError, saying the form, when `text` is anything else.
    """
    match = _RIGHT.fullmatch(text)
    name, role = match["name"] if match else "", ""
    if match and match["kind"] == "space":
        name, _, role = name.rpartition("/")
    if match is None or not name or (match["kind"] == "space" and not role):
        raise ValueError(f"{text!r} is not of the form 'role:<name>' or 'space:<name>/<role>'")
    return Right("space" if role else "role", name, role, match["group"] or "")


def explain_last_admin(group: str, administrators: Iterable[Administrator], caller: str) -> str | None:
    """Return why the role TenantAdmin must stay with a group; None where others keep it.

    Who logs in counts, so neither bots nor groups that nobody is in do: https://qlik.dev/apis/rest/users
    """
    administrators = list(administrators)
    left = [admin for admin in administrators if admin.is_assigned or admin.groups - {group}]
    if caller in {admin.id for admin in administrators} - {admin.id for admin in left}:
        return "this run itself is TenantAdmin by this group only"
    if all(admin.is_bot for admin in left):
        return "without this group nobody who logs in would be TenantAdmin"
    return None


def find_space(name: str, spaces: Iterable[TenantSpace]) -> TenantSpace | str:
    """Return the space of this id or name, or why there is not one."""
    spaces = list(spaces)
    by_id = [space for space in spaces if space.id == name]
    found = by_id or [space for space in spaces if space.name == name]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(sorted(space.id for space in found))
        return f"{name!r} is the name of {len(found)} spaces: {ids}; write the id instead"
    known = ", ".join(sorted(space.name for space in spaces)) or "none"
    return f"{name!r} is no space that this caller can see; it sees {known} (case counts)"


def find_space_faults(
    declared: Mapping[str, Iterable[str]], spaces: Iterable[TenantSpace]
) -> Iterator[tuple[str, str]]:
    """Yield each declared space whose roles cannot be assigned, and why: https://qlik.dev/apis/rest/spaces."""
    spaces, names = list(spaces), dict[str, str]()
    for name, roles in declared.items():
        space = find_space(name, spaces)
        if isinstance(space, str):
            yield name, space
            continue
        odd = ", ".join(sorted(set(roles) - space.assignable_roles))
        if names.setdefault(space.id, name) != name:
            yield name, f"{name!r} and {names[space.id]!r} are one space; name it once"
        elif not space.assignable_roles:
            yield name, f"this caller may assign no roles in the space {name!r}; give it TenantAdmin, or manage there"
        elif odd:
            allowed = ", ".join(sorted(space.assignable_roles))
            yield name, f"{odd} cannot be assigned in the {space.type} space {name!r}; it has {allowed}"
