"""Who is to have a user in the tenant before the first login, and who is not given one now; performs no I/O.

A user is created once and never fought over: login and the identity provider own name and e-mail afterwards. The tenant
recognises who logs in by the subject, then by the e-mail, so a second user of one e-mail would be nobody's.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from qlik_provider.accounts import USER, Account, parse_account, write_name
from qlik_provider.changes import Change, name_some
from qlik_provider.entitlements import BySubject, Entitlement, fold
from qlik_provider.moves import leave_out_known, object_id_of
from qlik_provider.people import DirectoryUser, TenantUser
from qlik_provider.plan import Plan
from qlik_provider.plurals import count_of

Bag = Mapping[str, Any]

SHARED = "shared"
KNOWN_AS = "known as"


@dataclass(frozen=True)
class Joiners:
    """Who is to be a user of the tenant, and what the plan for them is told besides, in plain values."""

    people: Mapping[str, Account]
    """By subject."""
    object_ids: Mapping[str, str]
    """The object id of whose subject it is."""
    kept: Mapping[str, Account]
    """By object id: people whose subject nobody can tell, or whom the tenant has by another one; who is recorded by a
    former one stays so."""
    rules: Mapping[str, str | int] = field(default_factory=dict)
    doubt: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


def name_joiners(named: Iterable[tuple[DirectoryUser, tuple[str, ...], str | None, bool]]) -> Joiners:
    """Return who is to be a user: people, their keys, their subjects (None for who has none), and who is `kept`."""
    people: dict[str, Account] = {}
    ids: dict[str, str] = {}
    kept: dict[str, Account] = {}
    for user, keys, subject, is_kept in named:
        account = Account(USER, keys, user.address, write_name(user.display_name, user.address))
        if is_kept:
            kept[user.id] = account
        if subject is not None:
            people[subject] = account
            ids[subject] = user.id
    return Joiners(people, leave_out_known(ids), kept)


def keep_names(old: Bag, new: Bag) -> dict[str, Any]:
    """Return `new` with the names that its people have in `old`: nobody is renamed once they were declared."""
    before = BySubject(old.get("users", {}))
    people = {who: parse_account(text) for who, text in new["users"].items()}
    named = {
        who: replace(account, name=parse_account(before[who]).name) if who in before else account
        for who, account in people.items()
    }
    return {**new, "users": {who: str(account) for who, account in named.items()}}


def find_forgotten(inputs: Bag, outputs: Bag) -> list[str]:
    """Return the e-mails of who is recorded and by no subject declared any more."""
    declared = {fold(parse_account(text).mail) for text in inputs["users"].values()}
    mails = {parse_account(text).mail for text in outputs.get("users", {}).values()}
    return sorted(mail for mail in mails if fold(mail) not in declared)


def describe_forgotten(mails: Sequence[str]) -> Iterator[str]:
    """Yield one sentence about who leaves the record."""
    if mails:
        stay = "stays a user" if len(mails) == 1 else "stay users"
        yield f"{count_of(len(mails), 'is', 'are')} no longer declared and {stay} of the tenant: {name_some(mails)}"


def known_as(subject: str) -> str:
    """Return the reason of a deviation for somebody whom the tenant has by another subject."""
    return f"{KNOWN_AS} {subject}"


def leave_unclear(
    plan: Plan, desired: Mapping[str, Entitlement], users: Iterable[TenantUser], object_ids: Mapping[str, str]
) -> Plan:
    """Return a plan that creates nobody whose e-mail another user of the tenant has, or another declared person.

    `users` are those of the tenant, of whatever status but deleted; `object_ids` say whose the declared subjects are.
    """
    by_mail: dict[str, list[TenantUser]] = {}
    for user in sorted(users, key=lambda user: fold(user.subject)):
        by_mail.setdefault(fold(user.email or ""), []).append(user)
    sharing = Counter(fold(account.mail) for account in desired.values())
    shared = [change for change in plan.changes if sharing[fold(change.mail)] > 1]
    known = [
        (change, by_mail[fold(change.mail)][0])
        for change in plan.changes
        if fold(change.mail) in by_mail and sharing[fold(change.mail)] == 1
    ]
    left = plan.leave(
        {
            **{change.key: SHARED for change in shared},
            **{change.key: known_as(user.subject) for change, user in known},
        }
    )
    warnings = [*_describe_shared(shared), *_describe_known(known, object_ids)]
    return replace(left, warnings=(*left.warnings, *warnings))


def _describe_shared(changes: list[Change]) -> Iterator[str]:
    if changes:
        names = name_some(sorted(_name(change) for change in changes))
        have = count_of(len(changes), "has", "have")
        told = f"{have} an e-mail that another declared person has too, and none is created"
        yield f"{told}: {names}; whoever logs in with it would be any of them, so give each an e-mail of their own"


def _name(change: Change) -> str:
    return f"{change.declared.name} <{change.mail}>" if isinstance(change.declared, Account) else change.mail


def _describe_known(known: list[tuple[Change, TenantUser]], object_ids: Mapping[str, str]) -> Iterator[str]:
    if not known:
        return
    names = [f"{change.mail} is {user.subject!r} there and {change.key!r} here" for change, user in known]
    fitting = Counter(_fit(change, user, object_ids) for change, user in known)
    mapping, count = min(fitting.items(), key=lambda item: (-item[1], item[0]))
    advice = f"what fits {count} of {len(known)}: subject: {mapping}" if mapping else "no mapping explains them"
    told = f"{count_of(len(known), 'is', 'are')} in the tenant by another subject, and no second user is created"
    yield f"{told}: {name_some(names)}; {advice}"


def _fit(change: Change, user: TenantUser, object_ids: Mapping[str, str]) -> str:
    """Return the mapping by which a person has the subject that the tenant shows; empty where none does."""
    realm, _, end = user.subject.rpartition("\\")
    origins = {fold(change.mail): "mail or userPrincipalName", object_id_of(change.key, object_ids): "objectId"}
    origin = origins.get(fold(end))
    return f"{{from: {origin}, realm: {realm or 'null'}}}" if origin else ""
