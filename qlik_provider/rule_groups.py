"""Groups that this stack creates with a membership rule: found again, and whom the rule takes.

Their object id is not what says whom they stand for: the rule is, which is declared, and which alone decides who is in
a group with a rule. So another group with the same rule is as good, and the declared group with another rule is not.
https://learn.microsoft.com/entra/identity/users/groups-dynamic-membership
"""

import re
from collections.abc import Sequence

from qlik_provider.graph import GraphClient
from qlik_provider.people import DirectoryGroup, GroupReading


def write_nickname(stack: str, key: str) -> str:
    """Return the mail nickname of a group that a stack creates; its name may change, this does not."""
    return f"{stack}-{key}"


def read_rule_group(client: GraphClient, name: str, rule: str, nicknames: Sequence[str]) -> GroupReading:
    """Return whom a declared rule takes, or why nobody can tell; raises ApiError.

    `nicknames` are that of its key, and that of the key it had before, under which it may have been created.
    """
    nickname = nicknames[0]
    each = (client.read_groups_nicknamed(nickname) for nickname in nicknames)
    nicknamed = [group for groups in each for group in groups if group.is_dynamic]
    if not nicknamed:
        awaited = (
            f"no group with a rule has the mail nickname {nickname!r}: pulumi up creates it, with --refresh where it "
            "was deleted, and nobody counts before Entra has processed the rule; run again then"
        )
        return GroupReading(name, awaited=awaited)
    # An earlier group of the key may have been left in the directory, or another one have its nickname.
    found = [group for group in nicknamed if _in_one_line(group.rule) == _in_one_line(rule)] or nicknamed
    if len(found) > 1:
        ids = ", ".join(sorted(group.id for group in found))
        doubt = f"{len(found)} groups with a rule have the mail nickname {nickname!r}; delete what is not this stack's"
        return GroupReading(name, doubt=f"{doubt}: {ids}")
    group = found[0]
    doubt = _doubt_declared(client, group, rule)
    users = () if doubt else client.read_group_users(group.id, nested=False)
    doubt = doubt or doubt_rule(client, group)  # its processing may have begun meanwhile
    return GroupReading(name, group.id.lower(), users=() if doubt else users, doubt=doubt)


def doubt_rule(client: GraphClient, group: DirectoryGroup) -> str:
    """Return why the members of a dynamic group are not those of its rule; nothing where they are, or are to stay."""
    if not group.is_dynamic or group.is_paused:
        return ""
    rule = client.read_rule(group.id)
    if rule is not None and rule.status == "Succeeded":
        return ""
    if rule is not None and rule.status == "Failed":
        return f"the rule of {group.name!r} could not be processed; correct it: {rule.error_message or rule.status}"
    return f"the rule of {group.name!r} is being processed; run again when it is done"


def _doubt_declared(client: GraphClient, group: DirectoryGroup, rule: str) -> str:
    """Return why the members of a group are not those of the declared rule; nothing where they are."""
    by_hand = "pulumi up --refresh where that was done by hand"
    if _in_one_line(group.rule) != _in_one_line(rule):
        return (
            f"the rule of {group.name!r} is not the declared one, but {_in_one_line(group.rule)!r}; "
            f"pulumi up writes it, {by_hand}; run again when it was processed"
        )
    if group.is_paused:
        return f"the rule of {group.name!r} is paused; resume it, by {by_hand}"
    return doubt_rule(client, group)


def _in_one_line(rule: str) -> str:
    """Return a rule as it is compared: how its lines were broken does not matter."""
    return re.sub(r"\s*\n\s*", " ", rule.strip())
