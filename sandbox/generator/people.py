"""The people of a made-up organisation: members, guests, service accounts and leavers."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sandbox.clock import stamp
from sandbox.generator.profile import Profile
from sandbox.generator.words import DEPARTMENTS, DOMAIN, LONG, PARTNERS, SERVICES, Department, as_ascii, draw_name

Person = dict[str, Any]

_SPAN = 9  # people whom one manager has
_RECYCLE_DAYS = 30
_LONGEST = 64  # characters before the @ of a user principal name


@dataclass
class People:
    """Everybody in the directory, by department, and who was deleted lately."""

    users: list[Person] = field(default_factory=list)
    deleted: list[Person] = field(default_factory=list)

    def of_department(self) -> dict[str, list[Person]]:
        """Return the people of each department; guests and service accounts are in none."""
        found: dict[str, list[Person]] = {}
        for user in self.users:
            if "department" in user:
                found.setdefault(user["department"], []).append(user)
        return found


def make_people(count: int, profile: Profile, now: datetime, random: Random) -> People:
    """Return `count` users, with the leavers of the last month beside them."""
    services, guests = profile.count("services", count), profile.count("guests", count)
    members = max(0, count - services - guests)
    taken: dict[str, int] = {}
    company = People()
    for number, department in enumerate(_departments(members, random)):
        company.users.append(_member(number, department, now, taken, random))
    _set_ranks(company, random)
    _rename_some(company.users, profile, count, random)
    company.users += [_guest(now, taken, random) for _ in range(min(guests, count - services))]
    company.users += [_service(number, now, taken, random) for number in range(min(services, count))]
    for user in _some(company.users[:members], profile.count("disabled", count), random):
        user["accountEnabled"] = False
    for user in _some(company.users[:members], profile.count("without_mail", count), random):
        user.pop("mail", None)
    for number, department in enumerate(_departments(profile.count("recycled", count), random)):
        company.deleted.append(_leaver(_member(members + number, department, now, taken, random), now, random))
    return company


def new_id(random: Random) -> str:
    """Return an object id that follows from the seed."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def some_moment(now: datetime, days: int, random: Random) -> str:
    """Return a moment of that many days before now."""
    return stamp((now - timedelta(seconds=int(random.random() * days * 86400) + 60)).replace(microsecond=0))


def _some(users: list[Person], count: int, random: Random) -> list[Person]:
    return random.sample(users, min(count, len(users)))


def _departments(count: int, random: Random) -> Iterator[Department]:
    """Yield a department for each person; the first ones are one of each, as far as they go."""
    yield from DEPARTMENTS[:count]
    rest = count - len(DEPARTMENTS)
    if rest > 0:
        yield from random.choices(DEPARTMENTS, [department.parts for department in DEPARTMENTS], k=rest)


def _member(number: int, department: Department, now: datetime, taken: dict[str, int], random: Random) -> Person:
    given, family = draw_name(random)
    alias = _alias(f"{given}.{family}", taken)
    return {
        "id": new_id(random),
        "userPrincipalName": f"{alias}@{DOMAIN}",
        "displayName": f"{given} {family}",
        "mail": f"{alias}@{DOMAIN}",
        "givenName": given,
        "surname": family,
        "mailNickname": alias.replace("'", ""),
        "department": department.name,
        "jobTitle": department.titles[int(len(department.titles) * random.random())],
        "companyName": "Contoso",
        "employeeId": f"E{100000 + number}",
        "createdDateTime": some_moment(now, 3000, random),
    }


def _guest(now: datetime, taken: dict[str, int], random: Random) -> Person:
    given, family = draw_name(random)
    partner = PARTNERS[int(len(PARTNERS) * random.random())]
    alias = _alias(f"{given}.{family}_{partner}", taken)
    return {
        "id": new_id(random),
        "userPrincipalName": f"{alias}#EXT#@{DOMAIN}",
        "displayName": f"{given} {family}",
        "mail": f"{alias.rpartition('_')[0]}@{partner}",
        "userType": "Guest",
        "mailNickname": f"{alias}#EXT#".replace("'", ""),
        "companyName": partner.partition(".")[0].title(),
        "createdDateTime": some_moment(now, 900, random),
    }


def _service(number: int, now: datetime, taken: dict[str, int], random: Random) -> Person:
    alias = _alias(f"svc-{SERVICES[number % len(SERVICES)]}", taken)
    return {
        "id": new_id(random),
        "userPrincipalName": f"{alias}@{DOMAIN}",
        "displayName": alias,
        "mailNickname": alias,
        "createdDateTime": some_moment(now, 2500, random),
    }


def _leaver(person: Person, now: datetime, random: Random) -> Person:
    """Return the person as the recycle bin keeps it: Graph frees the name by the id before it."""
    name = f"{person['id'].replace('-', '')}{person['userPrincipalName']}"
    deleted = {"deletedDateTime": some_moment(now, _RECYCLE_DAYS, random)}
    return person | {"userPrincipalName": name, "accountEnabled": False} | deleted


def _set_ranks(company: People, random: Random) -> None:
    """Give each department a head, team leads below it and everybody else a lead, of whom some have many people."""
    for name, people in company.of_department().items():
        head, *others = people
        head["jobTitle"] = f"Head of {name}"
        leads = others[: len(others) // _SPAN]
        for lead in leads:
            lead["jobTitle"] = f"Team Lead {name}"
            lead["manager"] = head["id"]
        for person in others[len(leads) :]:
            lead = leads[int(len(leads) * random.random() ** 1.5)] if leads else head
            person["manager"] = lead["id"]


def _rename_some(users: list[Person], profile: Profile, count: int, random: Random) -> None:
    """Give some people the name of another, and some a name that is very long; addresses stay."""
    namesakes = _some(users, 2 * profile.count("homonyms", count), random)
    for user, other in zip(namesakes[::2], namesakes[1::2], strict=False):
        user |= {name: other[name] for name in ("displayName", "givenName", "surname")}
    for number, user in enumerate(_some(users, profile.count("long_names", count), random)):
        given, family = LONG[number % len(LONG)]
        user |= {"displayName": f"{given} {family}", "givenName": given, "surname": family}


def _alias(name: str, taken: dict[str, int]) -> str:
    """Return a mail alias that nobody has: the second Ana Silva is ana.silva2."""
    base = as_ascii(name)[: _LONGEST - 6]
    number = taken[base] = taken.get(base, 0) + 1
    if number == 1:
        return base
    head, separator, tail = base.partition("_")
    return f"{head}{number}{separator}{tail}"
