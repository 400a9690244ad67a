"""What a user of the tenant owns, and what can become of each kind; performs no I/O.

https://qlik.dev/apis/rest has a call for each kind and none for all of them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Way = Literal["transfer", "revoke", "none"]

WAYS: Mapping[str, Way] = {
    "app": "transfer",
    "space": "transfer",
    "data-connection": "transfer",
    "data-file": "transfer",
    "automation": "transfer",
    "automation-connection": "transfer",
    "sharing-task": "transfer",
    "data-alert": "transfer",
    "glossary": "transfer",
    "api-key": "revoke",
}
"""What a call can do with a kind, in the order in which it is done; a kind that is not here has no call."""

MOVABLE = frozenset(WAYS)
"""The kinds that a call can hand over, or revoke."""

_REMEDIES = {
    "reload-task": "have the new owner of the app schedule it anew, and delete this one",
    "webhook": "have an administrator create it anew, and delete this one",
    "scim-key": "create another key for the identity provider, put it into the directory, and revoke this one",
}
_REMEDY = "have its owner or the administration console hand it over, or delete it there"

HIDDEN = "private sheets, bookmarks and stories in apps: no call shows them to anybody but their owner"
"""What no inventory can tell, and no caller but the owner can hand over (https://qlik.dev/changelog/38)."""


@dataclass(frozen=True)
class Belonging:
    """One thing that a user owns."""

    kind: str
    """A key of WAYS; for something only its item is known of, the type of the item as the tenant spells it."""
    id: str
    name: str
    owner: str
    """The id of the user."""
    place: str = ""
    """The id of the space; empty for the personal one, and for what stands in none."""
    folder: str = ""
    """The id of the folder a file is in."""
    bar: str = ""
    """Why this caller cannot hand it over, as far as a read shows that."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r}"

    @property
    def way(self) -> Way:
        """What a call can do with it."""
        return WAYS.get(self.kind, "none")

    @property
    def obstacle(self) -> str:
        """Why it stays with its owner whatever this stack does, and the way out; empty where a call can help."""
        if self.bar:
            return f"{self}: {self.bar}"
        if self.way == "none":
            return f"{self}: no call hands it over; {_REMEDIES.get(self.kind, _REMEDY)}"
        return ""


@dataclass(frozen=True)
class Belongings:
    """Everything that one user owns, as far as the tenant shows it."""

    items: tuple[Belonging, ...] = ()
    """In the order in which they are handed over."""
    unknown: tuple[str, ...] = ()
    """One line for each part that could not be listed; nothing follows from its emptiness."""

    @property
    def movable(self) -> tuple[Belonging, ...]:
        """What a call can hand over or revoke."""
        return tuple(item for item in self.items if not item.obstacle)

    @property
    def obstacles(self) -> tuple[str, ...]:
        """Why the owner cannot be deleted after everything movable is gone: one line each."""
        return (*(item.obstacle for item in self.items if item.obstacle), *self.unknown)

    def is_nothing(self) -> bool:
        """Tell whether it is proven that nothing is owned, but for what is HIDDEN."""
        return not self.items and not self.unknown


def in_order(items: Iterable[Belonging]) -> tuple[Belonging, ...]:
    """Return each thing once, in the order in which they are handed over: folders before the files in them."""
    order = {kind: place for place, kind in enumerate(WAYS)}
    once = {(item.kind, item.id): item for item in items}
    return tuple(
        sorted(
            once.values(),
            key=lambda item: (
                order.get(item.kind, len(order)),
                item.kind,
                bool(item.folder),
                item.name.casefold(),
                item.id,
            ),
        )
    )
