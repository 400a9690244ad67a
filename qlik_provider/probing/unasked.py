"""The switches that no probe tells: each with the reason."""

from qlik_provider.probing.assumption import unasked

_LOGIN = "somebody would have to log in"
_TRANSFER = "something of somebody's would have to change its owner"
_GROUPS = "groups of a user would have to change, and the probe creates none"
_SPACES = "a space would have to be created or changed"
_DIRECTORY_WRITE = "the probe writes nothing to the directory"
_KEYS = "a key for provisioning would have to be created, which the tenant shows once and counts"

UNASKED = (
    unasked("rate-limit-window", "sliding,fixed", "the limit would have to be used up, which runs of the stack share"),
    unasked(
        "capacity-promotion",
        "automatic,none",
        "a role would have to be granted, and the Full User seat it takes may not come back",
    ),
    unasked(
        "capacity-delete",
        "reassigned,sticks",
        "an entitlement that comes back after a delete could not be cleaned up after",
    ),
    unasked("scim-backslashes", "both,one,two", _KEYS),
    unasked("scim-keys", "several,one", _KEYS),
    unasked("scim-key-limit", "apart,counted", _KEYS),
    unasked(
        "assignments-list", "immediate,delayed", "a list that shows a write at once proves nothing about the next one"
    ),
    unasked("license-absent-status", "missing200,notFound404", "only a tenant without a license shows it"),
    unasked("webhook-payload", "cloudEvents,hybrid,legacy", "somebody would have to receive a webhook"),
    unasked("other-tenant-audit", "external,silent", "another tenant on the license would have to write"),
    unasked("duplicate-email", "conflict409,accepted", "it takes two users, and the probe creates the subject only"),
    unasked("deleted-subject-login", "newUser,refused", _LOGIN),
    unasked("professional-roles", "login,assignment", _LOGIN),
    unasked("realm-subject", "prefixed,asGiven", _LOGIN),
    unasked("replace-custom-groups", "refusedWithIdpGroups,keepsIdpGroups", _GROUPS),
    unasked("delete-group-in-use", "refused400,conflict409", _GROUPS),
    unasked("space-name-case", "exact,ignored", _SPACES),
    unasked("space-owner-assignment", "conflict409,created201", _SPACES),
    unasked("space-assignments-of-deleted", "kept,removed", _SPACES),
    unasked("transfer-unknown-owner", "notFound404,badRequest400", _TRANSFER),
    unasked("transfer-inactive-owner", "accepted,refused400", _TRANSFER),
    unasked("transfer-without-entitlement", "accepted,refused403", _TRANSFER),
    unasked("transfer-without-role", "accepted,refused403", _TRANSFER),
    unasked("sharing-task-transfer", "keep,disable", _TRANSFER),
    unasked("reload-task-owner", "kept,followsApp", _TRANSFER),
    unasked("glossary-owner-patch", "refused400,accepted", _TRANSFER),
    unasked("directory-consistency", "immediate,advancedReads,allReads", _DIRECTORY_WRITE),
    unasked("deleted-security-group", "permanent,recoverable", _DIRECTORY_WRITE),
    unasked("restored-memberships", "kept,lost", _DIRECTORY_WRITE),
    unasked("instantiate-owner", "none,caller", _DIRECTORY_WRITE),
    unasked("secrets-before-job", "accepted,refused404", _DIRECTORY_WRITE),
    unasked("secrets-listing", "asSent,withDefaults", _DIRECTORY_WRITE),
    unasked("secrets-put", "replace,merge", _DIRECTORY_WRITE),
    unasked("customappsso-template", "accepted,refused400", _DIRECTORY_WRITE),
    unasked("start-without-secrets", "quarantine,active,refused400", _DIRECTORY_WRITE),
    unasked("provision-unknown-rule", "failure200,refused400", _DIRECTORY_WRITE),
    unasked("template-scope", "userImpersonation,none", _DIRECTORY_WRITE),
    unasked("schema-in-force", "atOnce,afterRestart", _DIRECTORY_WRITE),
)
