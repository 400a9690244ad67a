"""What is recorded under a key, under the name the key has today; performs no I/O.

`previously` in a group file comes here as a rule: `previously.<key>` where values name many keys, `previously` where a
resource belongs to one.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from qlik_provider.entitlements import (
    Entitlement,
    Removals,
    parse_absences,
    parse_removals,
    write_absences,
)
from qlik_provider.ledger import Bag, Form, under

APPROVED = "policy"


def follow(olds: Bag, news: Bag, form: Form | None = None) -> dict[str, Any]:
    """Return a recorded bag as it would be, had every key its name of today; `form` says how it writes people.

    Raises ValueError where a key is recorded beside its former name: two groups are not one.
    """
    rules = news.get("rules", {})
    name = "key" if "key" in olds else "group"  # the `group` of a policy is its name in the tenant
    own = {name: news.get(name)} if olds.get(name) and olds[name] == rules.get("previously") else {}
    names = {old: new for new, old in under(rules, "previously").items()}
    if form is None or not names:
        return {**olds, **own}
    _refuse_merger(olds, form, names)
    return {**olds, **own, **_rename(olds, form, names)}


def _rename(olds: Bag, form: Form, names: Mapping[str, str]) -> dict[str, Any]:
    def by_key(name: str) -> dict[str, Any]:
        return {names.get(key, key): value for key, value in olds[name].items()}

    renamed: dict[str, Any] = {name: by_key(name) for name in ("doubt", "sources") if name in olds}
    people = form.parse_people(olds)
    renamed[form.people] = form.write_people({who: _rename_in(entry, names) for who, entry in people.items()})
    if "deviations" in olds:
        deviations = {
            who: replace(deviation, declared=deviation.declared and _rename_in(deviation.declared, names))
            for who, deviation in form.parse_deviations(olds).items()
        }
        renamed["deviations"] = form.write_deviations(deviations)
    if "removed" in olds:
        removed = {minute: parse_removals(text) for minute, text in olds["removed"].items()}
        renamed["removed"] = {
            minute: str(Removals(count.people, tuple(sorted((names.get(key, key), n) for key, n in count.by_key))))
            for minute, count in removed.items()
        }
    if "absent" in olds:
        absent = {who: parse_absences(text).items() for who, text in olds["absent"].items()}
        renamed["absent"] = {
            who: write_absences({names.get(key, key): since for key, since in keys}) for who, keys in absent.items()
        }
    return renamed


def _rename_in(entitlement: Entitlement, names: Mapping[str, str]) -> Entitlement:
    return replace(entitlement, keys=tuple(names.get(key, key) for key in entitlement.keys))


def _refuse_merger(olds: Bag, form: Form, names: Mapping[str, str]) -> None:
    """Raise ValueError where both the former and the new name of a key are recorded."""
    known = {key for entry in form.parse_people(olds).values() for key in entry.keys} | olds.get("sources", {}).keys()
    for old, new in sorted(names.items()):
        if {old, new} <= known:
            raise ValueError(
                f"groups/{new}.yaml says previously: {old}, and the state knows {new} beside {old}; "
                "a key is renamed before it is used anew: take the line out, or run up in between"
            )


def follow_approvals(subjects: frozenset[str], inputs: Bag) -> frozenset[str]:
    """Return approved subjects, and rights of the group by its former key (`policy/<key>/<right>`) by that of today."""
    key, former = inputs.get("key"), inputs.get("rules", {}).get("previously")
    if not former:
        return subjects
    begins = f"{APPROVED}/{former}/"
    return subjects | {f"{APPROVED}/{key}/{s[len(begins) :]}" for s in subjects if s.casefold().startswith(begins)}
