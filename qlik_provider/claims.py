"""Which stacks of this repository give the seats of which tenant, as far as their files show it.

A license has one owner. Two stacks are seen to share a tenant where both name it as `qlik:tenant` in their
`Pulumi.<stack>.yaml`; what a stack takes from its environment, or has in another repository, cannot be seen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from qlik_provider.documents import Document, read_document


@dataclass(frozen=True)
class Claim:
    """One configured stack, the tenant it names (empty: none), and the folder of its declaration."""

    stack: str
    tenant: str
    folder: Path

    def gives_seats(self) -> bool:
        """Tell whether the declaration has a licenses block that names no other owner."""
        licenses = _read(self.folder / "access.yaml", "licenses")
        return licenses is not None and not licenses.get("ownedBy")

    def is_of(self, other: "Claim") -> bool:
        """Tell whether both name one tenant, in whatever spelling."""
        return bool(self.tenant) and _host(self.tenant) == _host(other.tenant)


def read_claims(stacks: Path) -> list[Claim]:
    """Return every stack configured in a folder; a file that cannot be read is left to its own stack's run."""
    claims = []
    for path in sorted(stacks.glob("Pulumi.*.yaml")):
        config = _read(path, "config") or {}
        stack = path.stem.removeprefix("Pulumi.")
        tenant = config.get("qlik:tenant")
        folder = stacks / str(config.get("qlik:access", stack))
        claims.append(Claim(stack, tenant if isinstance(tenant, str) else "", folder))
    return claims


def find_owner(folder: Path, name: str) -> Path | None:
    """Return the declaration beside `folder` of the stack of that name; None where this repository has none."""
    stacks = folder.parent
    named = [stacks / name, *(claim.folder for claim in read_claims(stacks) if claim.stack == name)]
    return next((path for path in named if (path / "access.yaml").is_file()), None)


def dispute_owner(folder: Path, name: str) -> str | None:
    """Return why the stack of that name cannot own the seats of the stack in `folder`; None where it can."""
    owner = find_owner(folder, name)
    if name == folder.name or (owner and owner.name == folder.name):
        return "names this stack itself; take the line out, and it gives the seats"
    if owner is None or isinstance(read_document(owner / "access.yaml"), str):
        return None
    licenses = _read(owner / "access.yaml", "licenses")
    if licenses is None:
        return f"{owner / 'access.yaml'} has no licenses block, so nobody would give the seats"
    if licenses.get("ownedBy"):
        return f"{owner / 'access.yaml'} names {licenses['ownedBy']} as the owner; name the stack that gives the seats"
    return None


def dispute_claims(folder: Path) -> Iterator[str]:
    """Yield a reason for each other stack that gives the seats of a tenant whose seats the stack in `folder` gives."""
    claims = read_claims(folder.parent)
    for mine in (claim for claim in claims if claim.folder.name == folder.name):
        for other in (claim for claim in claims if claim.stack != mine.stack and mine.is_of(claim)):
            both = f"the stacks {mine.stack} and {other.stack} both give the seats of {mine.tenant}"
            if other.folder == mine.folder and mine.stack < other.stack:
                yield f"{both}, from one declaration; keep one of them"
            if other.folder != mine.folder and other.gives_seats():
                yield (
                    f"{both}, and a license has one owner; write ownedBy: {other.folder.name} here, or "
                    f"ownedBy: {mine.folder.name} in {other.folder / 'access.yaml'}"
                )


def _read(path: Path, part: str) -> Mapping[str, Any] | None:
    """Return the part of a file as it is written; None where there is no such mapping."""
    document = read_document(path)
    data = document.data if isinstance(document, Document) else None
    found = data.get(part) if isinstance(data, Mapping) else None
    return found if isinstance(found, Mapping) else None


def _host(url: str) -> tuple[str, int] | str:
    """Return what is the same in two spellings of one URL."""
    parts = urlsplit(url.strip())
    try:
        port = parts.port or 443
    except ValueError:
        return url
    return parts.hostname or url, port
