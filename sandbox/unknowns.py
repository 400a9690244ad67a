"""What the references leave open by number: each is a switch, or stands here with the reason why it is none."""

from dataclasses import dataclass

TENANT_UNKNOWNS = tuple(f"U{number}" for number in range(1, 27))  # qlik-api.md 14
DIRECTORY_UNKNOWNS = tuple(f"E{number}" for number in range(1, 10))  # entra.md 10


@dataclass(frozen=True)
class Unmodelled:
    """One unknown that is no switch: what is open, and why the sandbox has one answer or none."""

    unknown: str
    question: str
    reason: str


UNMODELLED = (
    Unmodelled(
        "U14",
        "SCIM endpoint: its path, attributes, groups, and what matches a user",
        "the tenant's SCIM endpoint is not played (501); a provisioned user comes from the world or a login",
    ),
    Unmodelled(
        "U16",
        "groupsRecursive, and whether groups within groups are in a claim",
        "the identity provider decides before the tenant sees it: a login is given the groups of its claim",
    ),
    Unmodelled(
        "U22",
        "error codes other than the few that were seen",
        "any text is possible: the sandbox's own codes stand for them, and a fault plays the one you fear",
    ),
    Unmodelled(
        "U25",
        "when the legacy events of the identity service go away",
        "a date of the vendor's, not a behaviour; only the present events are published",
    ),
    Unmodelled(
        "E1",
        "getting the azuread plugin onto a machine without a network",
        "about the engine, not about the directory",
    ),
    Unmodelled(
        "E2",
        "the bridged plugin against another cloud's metadata",
        "settled by running it: the real engine's tests do",
    ),
    Unmodelled(
        "E7",
        "getGroup in a preview for a group made by the same program",
        "about the engine, not about the directory",
    ),
    Unmodelled(
        "E8",
        "differences between releases of the azuread plugin",
        "about the plugin; its calls are compared with the recorded trace",
    ),
    Unmodelled(
        "E9",
        "whether the tenant's SCIM endpoint accepts RFC patches, and how it frees the seat of a disabled user",
        "about the tenant's SCIM endpoint, which is not played (501)",
    ),
)
