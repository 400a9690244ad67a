"""What a group that is not the one known so far may say about people: nothing, until somebody accepts it."""

from collections.abc import Callable, Collection, Mapping

from qlik_provider.entitlements import BySubject, Entitlement


def distrust(
    people: Mapping[str, Entitlement],
    held: Mapping[str, Entitlement],
    strangers: Collection[str],
    confers: Mapping[str, str],
    rank: Callable[[str], int],
) -> dict[str, Entitlement]:
    """Return `people` with the types that their other keys confer, where a stranger stands among the keys.

    Whoever creates a group under a known name would otherwise give its people a stronger type. Who has no other key
    stays as declared, which the plan freezes; who has one, but nobody knows what it confers, stays as `held`.
    """
    before = BySubject(held)
    left: dict[str, Entitlement] = {}
    for subject, declared in people.items():
        keys = tuple(key for key in declared.keys if key not in strangers)
        if not keys or keys[0] == declared.keys[0]:  # the first key confers the type
            left[subject] = declared
            continue
        types = [confers[key] for key in keys if key in confers and rank(confers[key]) >= rank(declared.type)]
        if len(types) == len(keys):
            left[subject] = Entitlement(min(types, key=rank), keys, declared.mail)
        elif known := before.get(subject):
            left[subject] = known
    return left
