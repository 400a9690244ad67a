"""Approvals that approve nothing: expired, of nobody, or carried out; performs no I/O."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from qlik_provider.declaration import Declaration
from qlik_provider.entitlements import fold
from qlik_provider.people import Directory, TenantNames
from qlik_provider.policy import parse_subject
from qlik_provider.rungs import is_leaver
from qlik_provider.subjects import build_subject


def find_strangers(declaration: Declaration, directory: Directory, tenant: TenantNames, today: date) -> frozenset[str]:
    """Return the approved subjects of files in force that nobody has and that name no right, folded."""
    rule = declaration.access.subject
    known = {fold(user.subject) for user in tenant.users} | tenant.holders
    for user in directory.users:
        known |= {fold(user.id), fold(build_subject(user, rule) or user.id)}
    approvals = [approval for approval in declaration.approvals.values() if approval.expires >= today]
    subjects = {fold(subject) for approval in approvals for subject in approval.subjects}
    return frozenset(subject for subject in subjects - known if not _is_right(subject, tenant))


def _is_right(subject: str, tenant: TenantNames) -> bool:
    """Tell whether a subject is a right that a group may have; the space of one need not be seen, nor its key declared.

    A role that the tenant does not have is held by no group. A rung of a leaver is nobody's subject either.
    """
    if is_leaver(subject):
        return True
    named = parse_subject(subject)
    roles = {fold(role) for role in tenant.roles}
    return named is not None and (named[1].kind == "space" or named[1].name in roles)


def describe_idle(declaration: Declaration, strangers: frozenset[str], today: date) -> Iterator[str]:
    """Yield a warning for each file that has expired, and for each subject that is nobody's, at its place."""
    for file, approval in declaration.approvals.items():
        unknown = [place for place, subject in enumerate(approval.subjects) if fold(subject) in strangers]
        if approval.expires < today:
            reason = f"ended on {approval.expires} and no longer counts; take the file out"
            yield declaration.fault(file, "expires", reason=reason)
        elif len(unknown) == len(approval.subjects) > 1:
            reason = f"approves nothing: none of the {len(unknown)} is known to directory or tenant"
            yield declaration.fault(file, "subjects", reason=reason)
        else:
            for place in unknown:
                reason = f"{approval.subjects[place]} is known to neither directory nor tenant"
                yield declaration.fault(file, "subjects", place, reason=reason)


def describe_carried_out(
    declaration: Declaration, deviations: Iterable[Mapping[str, str]], today: date
) -> Iterator[str]:
    """Yield a note for each file in force of which nobody differs from the declaration any more.

    `deviations` are those of every resource of the stack after an apply, by what an approval lists: there stands who is
    about to lose something, of a policy the right with its key, and of a rung the person.
    """
    differing = {fold(subject) for people in deviations for subject in people}
    for file, approval in declaration.approvals.items():
        if approval.expires >= today and not differing.intersection(map(_deviating, approval.subjects)):
            path = declaration.documents[file].path
            yield f"{path}: nobody it lists is about to lose anything; if it is carried out, the file can go"


def _deviating(subject: str) -> str:
    """Return an approved subject as deviations spell it: of a rung the person."""
    return fold(subject.split("/", 2)[-1] if is_leaver(subject) else subject)
