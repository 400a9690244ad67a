"""Between the property bags that Pulumi stores and the values that the plan works on; performs no I/O.

A resource's map of people goes in as what is declared and comes out as the ledger: what this stack really holds.
`deviations` keep the declared value beside everybody who differs, so that `inputs_of(outputs)` is always what was
declared at the last apply. https://www.pulumi.com/docs/iac/concepts/providers/dynamic-providers/
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from qlik_provider.absence import Absences, Releases
from qlik_provider.accounts import parse_account
from qlik_provider.brake import Brake
from qlik_provider.doubt import distrust
from qlik_provider.entitlements import (
    MEMBER,
    MINUTE_FORMAT,
    NONE,
    Assignment,
    BySubject,
    Deviation,
    Entitlement,
    Removals,
    Reverts,
    Seats,
    fold,
    parse_absences,
    parse_entitlement,
    parse_minute,
    parse_removals,
    parse_reverts,
    put_back_declared,
    write_absences,
)
from qlik_provider.moves import match_people
from qlik_provider.plurals import count_of
from qlik_provider.premises import Recorded, Rules
from qlik_provider.verdicts import choose_rows, correct, count_reverts

Bag = Mapping[str, Any]


@dataclass(frozen=True)
class Form:
    """How one resource writes its map of people: the property, its values, and the inputs it echoes beside it."""

    people: str
    parse: Callable[[str], Entitlement]
    write: Callable[[Entitlement], str]
    echoed: tuple[str, ...]

    def parse_people(self, bag: Bag) -> dict[str, Entitlement]:
        """Return the people of a bag; raises ValueError with every value that does not parse."""
        people, faults = {}, []
        for subject, text in bag.get(self.people, {}).items():
            try:
                people[subject] = self.parse(text)
            except ValueError as error:
                faults.append(f"{self.people}[{subject!r}]: {error}")
        if faults:
            raise ValueError("; ".join(faults))
        return people

    def write_people(self, people: Mapping[str, Entitlement]) -> dict[str, str]:
        """Return the people as the bag holds them."""
        return {subject: self.write(entitlement) for subject, entitlement in people.items()}

    def parse_deviations(self, bag: Bag) -> dict[str, Deviation]:
        """Return the deviations of a bag, written as `<value or none>; <why>`."""
        parts = {subject: text.partition("; ") for subject, text in bag.get("deviations", {}).items()}
        return {
            subject: Deviation(None if declared == NONE else self.parse(declared), why)
            for subject, (declared, _, why) in parts.items()
        }

    def write_deviations(self, deviations: Mapping[str, Deviation]) -> dict[str, str]:
        """Return the deviations as the bag holds them; a text holds no count, time or rank, so it never goes stale."""
        return {
            subject: f"{self.write(deviation.declared) if deviation.declared else NONE}; {deviation.why}"
            for subject, deviation in deviations.items()
        }


def _parse_member(user_principal_name: str) -> Entitlement:
    return Entitlement(MEMBER, (), user_principal_name)


ASSIGNMENTS = Form(
    "assignments", parse_entitlement, str, ("tenant", "tenantId", "license", "rules", "doubt", "sources")
)
TENANT_MEMBERS = Form(
    "members", parse_entitlement, str, ("tenant", "tenantId", "key", "group", "rules", "doubt", "sources")
)
USERS = Form("users", parse_account, str, ("tenant", "tenantId", "rules", "doubt", "sources"))
LEAVERS = Form("people", parse_entitlement, str, ("tenant", "tenantId", "rules", "doubt", "sources"))
MEMBERS = Form("members", _parse_member, lambda member: member.mail, ("group", "groupObjectId", "rules"))


def inputs_of(outputs: Bag, form: Form) -> dict[str, Any]:
    """Return the inputs of the last apply: the ledger with the declared values of the deviations put back."""
    people = put_back_declared(outputs.get(form.people, {}), outputs.get("deviations", {}))
    rules = outputs.get("rules", {})
    ids = {s: id for s, id in outputs.get("objectIds", {}).items() if s in people or f"protect.{s}" in rules}
    return {
        **{name: outputs[name] for name in form.echoed if name in outputs},
        form.people: people,
        **write_object_ids(ids),
    }


def recorded_of(outputs: Bag, form: Form, *, settled: bool) -> Recorded:
    """Return what the outputs record; `settled` tells that the declaration has not changed since."""
    return Recorded(
        ledger=form.parse_people(outputs),
        deviations=form.parse_deviations(outputs),
        removed=parse_removed(outputs),
        seats=outputs.get("seats", {}),
        unseen=outputs.get("unseen", {}),
        foreign={type: int(count) for type, count in outputs.get("foreign", {}).items()},
        settled=settled,
        reverts={subject: parse_reverts(text) for subject, text in outputs.get("reverts", {}).items()},
        retry=outputs.get("rules", {}).get("retry", ""),
        absent={subject: parse_absences(text) for subject, text in outputs.get("absent", {}).items()},
        object_ids=outputs.get("objectIds", {}),
    )


def parse_removed(outputs: Bag) -> dict[datetime, Removals]:
    """Return the removals of a bag, by minute."""
    return {parse_minute(minute): parse_removals(text) for minute, text in outputs.get("removed", {}).items()}


def write_removed(removed: Mapping[datetime, Removals]) -> dict[str, str]:
    """Return the removals as the bag holds them."""
    return {minute.strftime(MINUTE_FORMAT): str(removals) for minute, removals in sorted(removed.items())}


def rules_of(inputs: Bag, approved: Collection[str] = ()) -> Rules:
    """Return the rules written in `rules` and `doubt`; every absent rule has the default of the declaration."""
    bag = inputs.get("rules", {})
    brake = Brake()
    return Rules(
        order=tuple(bag.get("order", MEMBER).split(", ")),
        adopt=bag.get("adopt", "upgrade"),
        repair=bag.get("repair", "additive"),
        brake=Brake(
            max=int(bag.get("brake.max", brake.max)),
            percent=int(bag.get("brake.percent", brake.percent)),
            minimum=int(bag.get("brake.minimum", brake.minimum)),
            on_breach=bag.get("brake.onBreach", brake.on_breach),
        ),
        protected=frozenset(subject.casefold() for subject in under(bag, "protect")),
        approved=frozenset(subject.casefold() for subject in approved),
        doubt=inputs.get("doubt", {}),
        reserve={type: int(count) for type, count in under(bag, "reserve").items()},
        baseline=bag.get("baseline", NONE),
        is_waiting=bag.get("shortage") == "waitlist",
        overage={type: int(count) for type, count in under(bag, "overage").items()},
        confers=under(bag, "confers"),
        first=tuple(filter(None, bag.get("priority", "").split(", "))),
        capacity={key: int(count) for key, count in under(bag, "capacity").items()},
        retry=str(bag.get("retry", "")),
        releases=Releases(
            after={key: timedelta(hours=int(hours)) for key, hours in under(bag, "release").items()},
            confers=under(bag, "confers"),
            denied=frozenset(fold(subject) for subject, type in under(bag, "exception").items() if type == NONE),
        ),
        only=frozenset(filter(None, str(bag["only"]).split(", "))) if "only" in bag else None,
        exceptions=frozenset(map(fold, under(bag, "exception"))),
        object_ids=inputs.get("objectIds", {}),
    )


def under(bag: Bag, prefix: str) -> dict[str, Any]:
    """Return the entries of a flat bag named `<prefix>.<rest>`, by their rest."""
    return {name.removeprefix(f"{prefix}."): value for name, value in bag.items() if name.startswith(f"{prefix}.")}


def carry_over(old: Bag, new: Bag, form: Form) -> tuple[dict[str, Any], list[str]]:
    """Return `new` with what keys in doubt, or left alone, conferred in `old`, and the subjects that doubt kept.

    A group whose object id changed is in doubt until the rule `source.<key>` names the new id. The stronger of the old
    and the new value wins, so a declared gain from a healthy group still arrives.
    """
    rules = rules_of(new)
    doubt, sources = dict(new.get("doubt", {})), dict(new.get("sources", {}))
    strangers: set[str] = set()
    for key, known in old.get("sources", {}).items():
        if key in doubt or rules.leaves_alone(key):
            sources.setdefault(key, known)  # or the group that has the name after the doubt would pass for this one
        found = sources.get(key, known)
        is_known = isinstance(found, str)  # an object id that a preview cannot know yet equals itself
        if is_known and found != known and new.get("rules", {}).get(f"source.{key}") != found:
            doubt[key] = f"object id {known} became {found}; accept it by objectId: {found} (the rule source.{key})"
            sources[key] = known
            strangers.add(key)
    rank, before = rules.rank, form.parse_people(old)
    people = distrust(form.parse_people(new), before, strangers, under(new.get("rules", {}), "confers"), rank)
    spelling = {fold(subject): subject for subject in people}
    ids, known = dict(new.get("objectIds", {})), old.get("objectIds", {})
    for subject, former in match_people(before, known, people, ids).items():
        spelling |= {fold(earlier): subject for earlier in former}
    carried = []
    for old_subject, held in before.items():
        subject = spelling.get(fold(old_subject), old_subject)
        kept = [key for key in held.keys if key in doubt or rules.leaves_alone(key)]
        declared = people.get(subject)
        if not kept and not rules.leaves_person_alone(subject):
            continue
        if declared is None or (rank(declared.type) > rank(held.type) and not held.is_by_hand()):
            people[subject] = held
            ids |= {subject: known[subject]} if subject in known else {}
            carried += [subject] if doubt.keys() & set(held.keys) else []
        else:
            keys = (*declared.keys, *(key for key in kept if key not in declared.keys))
            people[subject] = replace(declared, keys=keys)
    changed = {form.people: form.write_people(people), "doubt": doubt, "sources": sources}
    return {**new, **changed, **write_object_ids(ids)}, carried


def describe_left_alone(inputs: Bag, form: Form) -> str:
    """Return how many keep what keys give that do not count; nothing where every key does."""
    rules = rules_of(inputs)
    if rules.only is None:
        return ""
    people = form.parse_people(inputs).items()
    left = [who for who, entry in people if rules.leaves_person_alone(who) or any(map(rules.leaves_alone, entry.keys))]
    counts = ", ".join(sorted(rules.only)) or "nothing"
    keep = count_of(len(left), "person keeps", "people keep")
    return f"only {counts} counts; {keep} what something else gave them"


def correct_record(outputs: Bag, form: Form, rows: Iterable[Assignment], now: datetime) -> dict[str, Any]:
    """Return `outputs` as far as the rows read bear them out; nothing is ever added to the ledger.

    An entry that others changed takes the deviation beside it away: left standing, that would hide a loss. One that was
    confirmed and never shown yet stays as it is: a list that lags behind our own write proves nothing about it.
    """
    ledger, deviations = form.parse_people(outputs), form.parse_deviations(outputs)
    rules = rules_of(outputs)
    rows = tuple(rows)
    unseen = still_unseen(outputs.get("unseen", {}), rows)
    held = choose_rows(rows, BySubject(ledger), rules)
    recorded = replace(recorded_of(outputs, form, settled=False), unseen=unseen)
    reverts = count_reverts(recorded, held, rules, now)
    for subject, entry in list(ledger.items()):
        row = held.get(subject)
        if (row is not None and row.type == entry.type) or subject in unseen:
            continue
        deviation = deviations.pop(subject, None)
        declared = deviation.declared if deviation else None
        left = correct(entry, row)
        if left is None:
            del ledger[subject]
        else:
            ledger[subject] = declared if declared and declared.type == left.type else left
    about = {*ledger, *deviations, *outputs.get("rules", {})}
    ids = {s: id for s, id in outputs.get("objectIds", {}).items() if {s, f"protect.{s}"} & about}
    return {
        **{n: value for n, value in outputs.items() if n not in {"absent", "reverts", "unseen", "objectIds"}},
        **write_object_ids(ids),
        form.people: form.write_people(ledger),
        "deviations": form.write_deviations(deviations),
        **write_reverts(reverts),
        **write_unseen(unseen),
        **write_absent(recorded.absent, ledger, rules.releases, now),
    }


def write_absent(
    absent: Mapping[str, Absences], ledger: Mapping[str, Entitlement], releases: Releases, now: datetime
) -> dict[str, Any]:
    """Return the part of the outputs that says since when people are absent who hold something; none without any."""
    entries = BySubject(ledger)
    left = {who: releases.trim(keys, entries[who], now) for who, keys in absent.items() if who in entries}
    told = {subject: write_absences(keys) for subject, keys in sorted(left.items()) if keys}
    return {"absent": told} if told else {}


def write_object_ids(ids: Mapping[str, str]) -> dict[str, Any]:
    """Return the property that says whose the subjects are; none where each says it by itself."""
    return {"objectIds": dict(sorted(ids.items()))} if ids else {}


def write_reverts(reverts: Mapping[str, Reverts]) -> dict[str, Any]:
    """Return the part of the outputs that says what others undid; none while nobody did."""
    return {"reverts": {subject: str(found) for subject, found in sorted(reverts.items())}} if reverts else {}


def still_unseen(unseen: Mapping[str, str], rows: Iterable[Assignment]) -> dict[str, str]:
    """Return what of `unseen` these rows do not show either."""
    shown = {(fold(row.subject), row.type) for row in rows}
    return {subject: type for subject, type in unseen.items() if (fold(subject), type) not in shown}


def write_unseen(unseen: Mapping[str, str]) -> dict[str, Any]:
    """Return the output, which is there only when it says something."""
    return {"unseen": dict(sorted(unseen.items()))} if unseen else {}


def stand_in(
    rows: Collection[Assignment], desired: Mapping[str, Entitlement], recorded: Recorded
) -> tuple[Assignment, ...]:
    """Return the rows, with entries in the place of rows that should show them and never did yet.

    A change away from such an entry starts from what was confirmed; where nothing is to change it is asked for again,
    which does no harm and confirms it anew.
    """
    declared = BySubject(desired)
    confirmed = {
        fold(subject): Assignment(subject, type)
        for subject, type in still_unseen(recorded.unseen, rows).items()
        if subject not in declared or declared[subject].type != type
    }
    return (*(row for row in rows if fold(row.subject) not in confirmed), *confirmed.values())


def write_seats(seats: Mapping[str, Seats]) -> dict[str, str]:
    """Return the seats as the bag holds them: `<used> of <units>` by type."""
    return {type: str(count) for type, count in sorted(seats.items())}
