"""What is unknown of the directory (entra.md)."""

from sandbox.switch import Switch

DIRECTORY_SWITCHES = (
    Switch(
        "batch-order",
        "request",
        ("reversed",),
        "Graph documents that the responses of a $batch may come in any order",
    ),
    Switch(
        "directory-consistency",
        "immediate",
        ("advancedReads", "allReads"),
        "advanced queries are answered by an index that lags by an unknown time, and new objects may be missing from"
        " a replica; directory.timing says for how long",
        "E6",
    ),
    Switch(
        "deleted-security-group",
        "permanent",
        ("recoverable",),
        "the restore API is documented not to apply to security groups; newer tenants preview their soft deletion",
    ),
    Switch(
        "restored-memberships",
        "kept",
        ("lost",),
        "undocumented: whether what is restored from deletedItems is in its former groups again",
    ),
    Switch(
        "instantiate-owner",
        "none",
        ("caller",),
        "whether an application with Application.ReadWrite.OwnedBy owns what it makes from a template (entra.md 6)",
        "E5",
    ),
    Switch(
        "template-scope",
        "userImpersonation",
        ("none",),
        "the azuread provider's tests find user_impersonation on an application of a gallery template; whether one of"
        " the Custom template publishes it too is undocumented",
    ),
    Switch(
        "secrets-before-job",
        "accepted",
        ("refused404",),
        "whether synchronization secrets can be put before a job exists; the plugin's trace puts them first",
        "E3",
    ),
    Switch(
        "secrets-listing",
        "asSent",
        ("withDefaults",),
        "#1013 of the azuread provider: the service may list SyncAll and SyncNotificationSettings beside what was sent",
        "E3",
    ),
    Switch(
        "secrets-put",
        "replace",
        ("merge",),
        "whether a PUT of secrets forgets the keys it leaves out; an empty value removes a key either way",
    ),
    Switch(
        "customappsso-template",
        "accepted",
        ("refused400",),
        "the template of before 2018: called unsupported for new applications, and used in the plugin's trace",
    ),
    Switch(
        "start-without-secrets",
        "quarantine",
        ("active", "refused400"),
        "what a job started without usable secrets comes to; quarantine for invalid credentials is documented",
    ),
    Switch(
        "schema-in-force",
        "atOnce",
        ("afterRestart",),
        "whether a job, also a disabled one, works by a schema that was put before it is restarted; its default schema"
        " is sandbox/directory/schemas/scim.json, made from the documentation and not fetched from a tenant",
        "E4",
    ),
    Switch(
        "provision-unknown-rule",
        "failure200",
        ("refused400",),
        "the answer to provisionOnDemand with a rule the schema lacks; the plugin takes any result for a success",
    ),
    Switch(
        "provisioning-log-job-filter",
        "accepted",
        ("refused400",),
        "whether auditLogs/provisioning can be filtered by jobId (entra.md 5.2)",
    ),
)
