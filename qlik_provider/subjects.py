"""How people are named in the tenant: their subjects, by the mapping that a declaration gives; performs no I/O."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from qlik_provider.changes import name_some
from qlik_provider.entitlements import fold
from qlik_provider.people import DirectoryUser, TenantUser
from qlik_provider.plurals import count_of, count_people
from qlik_provider.shapes import FormerSubject, Subject

RENAMED = frozenset({"userPrincipalName", "mail"})  # what a person may get another one of


@dataclass(frozen=True)
class CheckedSubjects:
    """What comparing the subjects of people with those of the tenant's users gave."""

    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def build_subject(user: DirectoryUser, rule: FormerSubject | Subject) -> str | None:
    r"""Return the subject of a person in the tenant, `<realm>\<id>` where a realm is declared; None if they lack it.

    https://qlik.dev/manage/automate/identity-provider-create (claimsMapping.sub, realm)
    """
    values = {"objectId": user.id, "userPrincipalName": user.user_principal_name, "mail": user.mail}
    value = values.get(rule.from_)
    if not value:
        return None
    return f"{rule.realm}\\{value}" if rule.realm else value


class Subjects:
    """The subjects of people by one mapping, beside the users of the tenant."""

    def __init__(self, rule: Subject, users: Iterable[TenantUser]) -> None:
        self.rule = rule
        self._by_mail: dict[str, list[TenantUser]] = {}
        for user in users:
            if user.email and user.status != "deleted":
                self._by_mail.setdefault(fold(user.email), []).append(user)

    def find_users(self, person: DirectoryUser) -> list[TenantUser]:
        """Return the users of the tenant with a person's e-mail."""
        return self._by_mail.get(fold(person.address), [])

    def build(self, person: DirectoryUser) -> str | None:
        """Return a person's subject, None where nobody can tell it.

        From the tenant it is that of its one user of this e-mail; a newcomer there has the object id, or none.
        """
        if self.rule.from_ != "tenant":
            return build_subject(person, self.rule)
        found = self.find_users(person)
        if len(found) == 1:
            return found[0].subject
        if found or self.rule.newcomers == "skip":
            return None
        return build_subject(person, FormerSubject.model_validate({"from": "objectId", "realm": self.rule.realm}))

    def is_newcomer(self, person: DirectoryUser) -> bool:
        """Tell whether the tenant is to name a person and does not know them."""
        return self.rule.from_ == "tenant" and not self.find_users(person)

    def describe_ambiguous(self, person: DirectoryUser) -> str:
        """Return why nobody can tell which user of the tenant a person is; nothing where that is clear."""
        found = self.find_users(person) if self.rule.from_ == "tenant" else []
        if len(found) <= 1:
            return ""
        names = ", ".join(repr(user.subject) for user in found)
        return f"{person.address} is the e-mail of {len(found)} users of the tenant: {names}; leave it to one of them"

    def describe_missing(self, people: Iterable[DirectoryUser]) -> Iterator[str]:
        """Yield one sentence about those of the people who have no subject, or a newcomer's."""
        newcomers = [person.address for person in people if self.is_newcomer(person)]
        lacking = [person.user_principal_name for person in people if not self.is_newcomer(person)]
        keeps, are = "who holds a license by this stack keeps it", count_of(len(newcomers), "is", "are")
        if newcomers and self.rule.newcomers == "skip":
            yield f"{are} not in the tenant and skipped: {name_some(newcomers)}; {keeps}"
        elif newcomers:
            yield f"{are} not in the tenant and get the object id as subject: {name_some(newcomers)}"
        if lacking:
            names = name_some(lacking)
            yield f"{count_of(len(lacking), 'has', 'have')} no {self.rule.from_} to make a subject of: {names}; {keeps}"


def check_subjects(holders: Mapping[str, DirectoryUser], subjects: Subjects) -> CheckedSubjects:
    """Return one fault if people who are already in the tenant have other subjects there than the mapping gives them.

    `holders` are by folded subject. A wrong mapping would license people who never come: seats for ghosts. It is none
    where the tenant has somebody by the former mapping that is declared, or by a former name of the very form that fits
    at least half of the others: who was renamed has the new subject after the next login.
    """
    rule = subjects.rule
    met = [(subject, person, subjects.find_users(person)) for subject, person in holders.items()]
    met = [(subject, person, users) for subject, person, users in met if users]
    odd = [(p, users[0]) for subject, p, users in met if subject not in {fold(user.subject) for user in users}]
    if rule.from_ == "tenant":
        return CheckedSubjects()
    twice = [f"{p.address} ({', '.join(repr(user.subject) for user in us)})" for _, p, us in met if len(us) > 1]
    is_common = 2 * len(odd) <= len(met)
    former = [pair for pair in odd if _is_former(*pair, rule) or (is_common and _is_of_form(pair[1].subject, rule))]
    odd = [pair for pair in odd if pair not in former]
    return CheckedSubjects(
        tuple(_describe_odd(odd, [(person, users[0]) for _, person, users in met], rule)),
        (*_describe_former(former, rule), *_describe_twice(twice)),
    )


def _is_former(person: DirectoryUser, user: TenantUser, rule: Subject) -> bool:
    """Tell whether the tenant has somebody by the former mapping."""
    former = build_subject(person, rule.previously) if rule.previously else None
    return former is not None and fold(former) == fold(user.subject)


def _is_of_form(subject: str, rule: Subject) -> bool:
    """Tell whether a subject may be a former name of somebody, by a mapping whose names change."""
    realm, _, name = subject.rpartition("\\")
    return rule.from_ in RENAMED and fold(realm) == fold(rule.realm or "") and "@" in name


def _describe_odd(
    odd: list[tuple[DirectoryUser, TenantUser]], met: list[tuple[DirectoryUser, TenantUser]], rule: Subject
) -> Iterator[str]:
    if not odd:
        return
    fitting, count = _fit(met)
    declared = f"{{from: {fitting.from_}, realm: {fitting.realm or 'null'}}}"
    advice = f"what fits {count}: subject: {declared}; if the mapping changes, declare that beside it as previously"
    if (fitting.from_, fitting.realm) == (rule.from_, rule.realm):
        advice = "the mapping fits everybody else, so correct these users in the tenant or leave them out"
    told = _name(odd[0], rule)
    yield f"the subjects of {count_people(len(odd))} in the tenant are others than declared: {told}; {advice}"


def _describe_former(former: list[tuple[DirectoryUser, TenantUser]], rule: Subject) -> Iterator[str]:
    if former:
        names = name_some([_name(pair, rule) for pair in former])
        yield (
            f"{count_of(len(former), 'is', 'are')} in the tenant by a former subject until they log in again, and "
            f"from then on they use a seat of the new one: {names}"
        )


def _describe_twice(twice: list[str]) -> Iterator[str]:
    if twice:
        names = name_some(twice)
        are = count_of(len(twice), "is", "are")
        yield f"{are} in the tenant by several subjects, of which the declared one counts: {names}"


def _name(pair: tuple[DirectoryUser, TenantUser], rule: Subject) -> str:
    person, user = pair
    return f"{person.address} is {user.subject!r} there and {build_subject(person, rule)!r} by the declaration"


def _fit(pairs: list[tuple[DirectoryUser, TenantUser]]) -> tuple[Subject, str]:
    """Return the mapping that gives most people the subject they have in the tenant, and `n of m`."""
    realms = {user.subject.rpartition("\\")[0] or None for _, user in pairs}
    rules = [
        Subject.model_validate({"from": origin, "realm": realm})
        for origin in ("objectId", "userPrincipalName", "mail")
        for realm in sorted(realms, key=str)
    ]

    def count(rule: Subject) -> int:
        return sum(fold(build_subject(person, rule) or "") == fold(user.subject) for person, user in pairs)

    best = max(rules, key=count)
    return best, f"{count(best)} of {len(pairs)}"
