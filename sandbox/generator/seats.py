"""The license of a made-up tenant: who holds a seat, rightly or not, and who is a user."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from sandbox.generator.groups import Groups
from sandbox.generator.people import People, Person, new_id, some_moment
from sandbox.generator.profile import Profile
from sandbox.generator.words import as_nickname, draw_name
from sandbox.ids import derive_id

Row = dict[str, Any]
User = dict[str, Any]

_SEATED = 0.9  # of the people in groups that are there for a license, so many hold one
_VISITORS = 0.08  # of everybody else, so many are users without a seat
_BY_HAND = 0.02  # and so many hold a seat that an administrator gave them
_SPARE = 1.1  # seats bought for each one used
_OTHER = {"analyzer": "professional", "professional": "analyzer"}
_FORMS = ("contoso\\{id}", "{upn}", "auth0|{short}")


@dataclass
class Seats:
    """Users and rows of the tenant, by subject and by folded subject and type, and users who came back."""

    users: dict[str, User] = field(default_factory=dict)
    returned: list[User] = field(default_factory=list)
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)
    allotments: dict[str, dict[str, int]] = field(default_factory=dict)

    def seat(self, subject: str, kind: str, created: str) -> None:
        """Let a subject hold a type; one that does already keeps its row."""
        self.rows.setdefault((subject.casefold(), kind), {"subject": subject, "type": kind, "created": created})

    def know(self, subject: str, person: Person, **members: Any) -> None:
        """Let a person be a user of the tenant under a subject."""
        user = {"id": derive_id("user", subject), "subject": subject, "name": person["displayName"]}
        if "mail" in person:
            user["email"] = person["mail"]
        self.users.setdefault(subject.casefold(), user | {"createdAt": person["createdDateTime"]} | members)


def make_seats(people: People, groups: Groups, profile: Profile, now: datetime, random: Random) -> Seats:
    """Return users and seats that follow from the groups, with what went wrong over the years."""
    made = Seats()
    total = len(people.users)
    subjects = _subjects(people, profile.count("other_subject", total), random)
    wanted = _wanted(people, groups)
    for person in people.users:
        subject, kind = subjects[person["id"]], wanted.get(person["id"])
        is_seated = random.random() < (_SEATED if kind else _BY_HAND)
        if is_seated:
            made.seat(subject, kind or "analyzer", some_moment(now, 700, random))
        if is_seated or random.random() < _VISITORS:
            status = {} if person.get("accountEnabled", True) else {"status": "disabled"}
            made.know(subject, person, **status)
    _disturb(made, people, profile, now, random)
    _add_others(made, profile, total, now, random)
    _count_seats(made, profile, total)
    return made


def _wanted(people: People, groups: Groups) -> dict[str, str]:
    """Return the type that direct membership confers; without groups, one for every third person."""
    wanted: dict[str, str] = {}
    for group in groups.groups:
        kind = groups.types.get(group["id"])
        for member in group["members"] if kind else ():
            if wanted.get(member) != "professional":
                wanted[member] = str(kind)
    return wanted or {person["id"]: "analyzer" for person in people.users[::3]}


def _subjects(people: People, others: int, random: Random) -> dict[str, str]:
    """Return the subject of everybody: the object id, but for some from before that was agreed."""
    found = {person["id"]: person["id"] for person in people.users}
    for number, person in enumerate(random.sample(people.users, min(others, len(people.users)))):
        form = _FORMS[number % len(_FORMS)]
        short = person["id"].replace("-", "")[:24]
        found[person["id"]] = form.format(id=person["id"], upn=person["userPrincipalName"], short=short)
    return found


def _disturb(made: Seats, people: People, profile: Profile, now: datetime, random: Random) -> None:
    """Spoil what was in order: each kind of mess for other rows."""
    total = len(people.users)
    keys = list(made.rows)
    random.shuffle(keys)

    def take(share: str) -> list[tuple[str, str]]:
        count = profile.count(share, total)
        taken, keys[:count] = keys[:count], []
        return taken

    for subject, kind in take("other_type"):
        row = made.rows.pop((subject, kind))
        made.seat(row["subject"], _OTHER[kind], row["created"])
    for subject, kind in take("both_types"):
        made.seat(made.rows[subject, kind]["subject"], _OTHER[kind], some_moment(now, 300, random))
    for key in take("other_case"):
        made.rows[key]["subject"] = made.rows[key]["subject"].upper()
    for subject, _ in take("never_seen"):
        made.users.pop(subject, None)
    for subject, _ in take("provisioned"):
        made.users[subject]["status"] = "provisioned"
    for number, (subject, _) in enumerate(take("gone")):
        user = made.users[subject]
        if number % 2:
            # Whoever logs in again after being deleted is another user with the same subject.
            made.returned.append(
                {**user, "id": derive_id("user again", subject), "createdAt": some_moment(now, 90, random)}
            )
        user["status"] = "deleted"
    for person in people.deleted:
        made.seat(person["id"], "analyzer", some_moment(now, 700, random))
        made.know(person["id"], person, status="disabled")


def _add_others(made: Seats, profile: Profile, total: int, now: datetime, random: Random) -> None:
    """Add rows of nobody here: of people long gone, and of another tenant on the same license."""
    for _ in range(profile.count("orphans", total)):
        made.seat(new_id(random), "analyzer", some_moment(now, 1500, random))
    for _ in range(profile.count("other_tenant", total)):
        given, family = draw_name(random)
        kind = "professional" if random.random() < 1 / 4 else "analyzer"
        made.seat(f"fabrikam\\{as_nickname(given)}.{as_nickname(family)}", kind, some_moment(now, 900, random))


def _count_seats(made: Seats, profile: Profile, total: int) -> None:
    """Buy some more seats than are used, but of professional ones too few, so that the newest rows are in excess."""
    used = Counter(row["type"] for row in made.rows.values())
    excess = min(profile.count("excess", total), used["professional"])
    for kind in ("professional", "analyzer"):
        made.allotments[kind] = {"units": int(used[kind] * _SPARE) + 1, "overage": 0}
    if excess:
        made.allotments["professional"]["units"] = used["professional"] - excess


def list_rows(made: Seats) -> list[Row]:
    """Return the rows in the order they were made, the newest ones beyond the seats marked as excess."""
    rows = sorted(made.rows.values(), key=lambda row: (row["created"], row["subject"], row["type"]))
    used: Counter[str] = Counter()
    for row in rows:
        used[row["type"]] += 1
        if used[row["type"]] > made.allotments[row["type"]]["units"]:
            row["excess"] = True
    return rows
