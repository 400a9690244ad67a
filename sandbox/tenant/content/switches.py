"""What is unknown of spaces, of what is owned, and of its passing to others (qlik-api.md 6 and 9)."""

from sandbox.switch import Switch

CONTENT_SWITCHES = (
    Switch(
        "spaces-max-limit",
        "100",
        ("1000",),
        "the specification of spaces states a default of 10 and no maximum; the vendor's SDK always asks for 100",
        "U19",
    ),
    Switch(
        "space-name-case",
        "exact",
        ("ignored",),
        "the name of a space must be unique; whether Finance and finance are two names is undocumented",
    ),
    Switch(
        "space-owner-assignment",
        "conflict409",
        ("created201",),
        "an owner needs no assignment and is never listed; what becomes of assigning one is undocumented",
    ),
    Switch(
        "space-assignments-of-deleted",
        "kept",
        ("removed",),
        "whether deleting a user or group removes its assignments to spaces is undocumented (qlik-api.md 6)",
    ),
    Switch(
        "space-events",
        "core",
        ("legacy", "both"),
        "com.qlik.core.space.* replace the deprecated com.qlik.space.*; whether both are published is undocumented",
    ),
    Switch(
        "admin-personal-items",
        "visible",
        ("hidden",),
        "whether GET items shows an administrator what stands in the personal spaces of others is undocumented",
        "U20",
    ),
    Switch(
        "transfer-unknown-owner",
        "notFound404",
        ("badRequest400",),
        "what a transfer to an id that is no user answers is undocumented (qlik-api.md 9); data files say DF-006",
    ),
    Switch(
        "transfer-inactive-owner",
        "accepted",
        ("refused400",),
        "whether a disabled, invited or provisioned user can be given content is undocumented (qlik-api.md 9)",
    ),
    Switch(
        "transfer-without-entitlement",
        "accepted",
        ("refused403",),
        "whether somebody without a license can be given content is undocumented (qlik-api.md 9)",
    ),
    Switch(
        "transfer-without-role",
        "accepted",
        ("refused403",),
        "whether the new owner needs the role that creates such things is undocumented (qlik-api.md 9)",
    ),
    Switch(
        "sharing-task-transfer",
        "keep",
        ("disable",),
        "a sharing task may be disabled by a change of owner, DISABLED_DUE_TO_OWNERSHIP_CHANGE; when is undocumented",
    ),
    Switch(
        "reload-task-owner",
        "kept",
        ("followsApp",),
        "whether the reload tasks of an app pass to its new owner is undocumented",
    ),
    Switch(
        "glossary-owner-patch",
        "refused400",
        ("accepted",),
        "the ownerId of a glossary is in its schema, but not among the paths of its PATCH (qlik-api.md 9)",
    ),
)
