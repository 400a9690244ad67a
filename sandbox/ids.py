"""Ids of new things, as each service writes them."""

import hashlib
import secrets
import uuid


def derive_id(kind: str, name: str) -> str:
    """Return 24 hexadecimal digits that follow from a name, so that a world without ids is the same every time."""
    return hashlib.sha256(f"{kind} {name.casefold()}".encode()).hexdigest()[:24]


def role_id(name: str) -> str:
    """Return the id of a role of a world, which follows from its name."""
    return derive_id("role", name)


def new_tenant_id() -> str:
    """Return an id of 24 hexadecimal digits for something the tenant creates from now on."""
    return secrets.token_hex(12)


def new_object_id() -> str:
    """Return an object id for something the directory creates from now on."""
    return str(uuid.uuid4())
