"""A declaration of which only some groups count, and what that leaves alone; performs no I/O."""

from dataclasses import replace

from qlik_provider.declaration import Declaration
from qlik_provider.entitlements import PEOPLE


def narrow(declaration: Declaration) -> Declaration:
    """Return the declaration with the groups that `only` names, or as it is; exceptions stay, to be left alone."""
    only = declaration.access.only
    if only is None:
        return declaration
    return replace(declaration, groups={key: group for key, group in declaration.groups.items() if key in only})


def describe_pilot(declaration: Declaration) -> list[str]:
    """Return what counts and what is left alone, at its place; nothing where everything counts."""
    only = declaration.access.only
    if only is None:
        return []
    groups = len(declaration.groups.keys() - set(only))
    exceptions = 0 if PEOPLE in only else len(declaration.people)
    left = [f"{groups} groups" if groups != 1 else "1 group"]
    left += [f"{exceptions} exceptions" if exceptions != 1 else "1 exception"] if exceptions else []
    reason = f"{', '.join(only) or 'nothing'} counts; left alone as they are: {' and '.join(left)}"
    return [declaration.fault("access", "only", reason=reason)]


def find_frozen(declaration: Declaration, registered: set[str]) -> list[str]:
    """Return the keys of groups that the state knows and that `only` does not name, by neither name."""
    only = declaration.access.only
    if only is None:
        return []
    former = {group.previously for key, group in declaration.groups.items() if key in only}
    return sorted(registered - set(only) - former)
