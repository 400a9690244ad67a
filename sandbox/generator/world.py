"""A whole world, made to order; the same order makes the same world, byte for byte."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

from sandbox.clock import stamp
from sandbox.generator.belongings import add_admin, add_bots, make_clients, make_keys, make_roles
from sandbox.generator.content import make_content
from sandbox.generator.groups import make_groups
from sandbox.generator.people import make_people
from sandbox.generator.profile import Profile
from sandbox.generator.seats import list_rows, make_seats
from sandbox.generator.sign_in import make_application, make_provider, make_scim_key, make_tenant_groups

NOW = datetime(2026, 11, 2, 8, tzinfo=UTC)

_DIRECTORY = "11111111-1111-1111-1111-111111111111"
_APPLICATION = {
    "id": "22222222-2222-2222-2222-222222222222",
    "secret": "sandbox-directory-secret",
    "oid": "33333333-3333-3333-3333-333333333333",
    "roles": ["Group.ReadWrite.All", "User.Read.All"],
}


def make_world(people: int, groups: int, seed: int, profile: Profile, *, has_cycle: bool = False) -> dict[str, Any]:
    """Return a world with so many people and groups."""
    # Each part draws from a stream of its own: more groups leave the people as they were.
    company = make_people(people, profile, NOW, _stream(seed, "people"))
    teams = make_groups(groups, company, NOW, _stream(seed, "groups"), has_cycle=has_cycle)
    seats = make_seats(company, teams, profile, NOW, _stream(seed, "seats"))
    belongings = _stream(seed, "belongings")
    add_admin(seats, NOW, belongings)
    add_bots(seats, profile, NOW, belongings)
    users = [*seats.users.values(), *seats.returned]
    roles = make_roles(users, belongings)
    sign_in = _stream(seed, "sign-in")
    tenant_groups = make_tenant_groups(teams, seats, profile, NOW, sign_in)
    group_names = [group["name"] for group in tenant_groups]
    return {
        "world": 1,
        "clock": stamp(NOW),
        "tenant": {
            "id": "kPzYCEmTn3Nn4uVwGc5Yh1bWq0LrT8Xa",
            "name": "contoso",
            "clients": make_clients(),
            "apiKeys": [*make_keys(), make_scim_key()],
            "identityProviders": [make_provider()],
            "license": {"number": "9999000000001234"},
            "allotments": seats.allotments,
            "settings": {"autoAssignAnalyzer": False, "autoAssignProfessional": False},
            "roles": roles,
            "users": users,
            "groups": tenant_groups,
            "groupSettings": {"autoCreateGroups": True},
            "assignments": list_rows(seats),
            **make_content(users, group_names, NOW, _stream(seed, "content")),
        },
        "directory": {
            "tenantId": _DIRECTORY,
            "clients": [_APPLICATION],
            "users": company.users,
            "deleted": company.deleted,
            "groups": teams.groups,
            **make_application(teams, sign_in),
        },
    }


def _stream(seed: int, part: str) -> Random:
    return Random(f"{seed} {part}")  # noqa: S311  # nothing drawn from it is a secret


def as_json(world: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a world as JSON, one for each thing of a list."""
    yield "{"
    for number, (name, part) in enumerate(world.items()):
        comma = "," if number < len(world) - 1 else ""
        if isinstance(part, dict):
            yield f"{json.dumps(name)}: {{"
            yield from _members_as_json(part)
            yield f"}}{comma}"
        else:
            yield f"{json.dumps(name)}: {json.dumps(part)}{comma}"
    yield "}"


def as_yaml(world: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of a world as YAML; what stands in a line of its own is JSON, and so YAML."""
    for name, part in world.items():
        if not isinstance(part, dict):
            yield f"{name}: {json.dumps(part)}"
            continue
        yield f"{name}:"
        for key, value in part.items():
            if isinstance(value, list) and value:
                yield f"  {key}:"
                yield from (f"    - {_line(item)}" for item in value)
            else:
                yield f"  {key}: {_line(value)}"


def _members_as_json(part: dict[str, Any]) -> Iterator[str]:
    for number, (name, value) in enumerate(part.items()):
        comma = "," if number < len(part) - 1 else ""
        if isinstance(value, list) and value:
            yield f"  {json.dumps(name)}: ["
            yield from (f"    {_line(item)}," for item in value[:-1])
            yield f"    {_line(value[-1])}"
            yield f"  ]{comma}"
        else:
            yield f"  {json.dumps(name)}: {_line(value)}{comma}"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
