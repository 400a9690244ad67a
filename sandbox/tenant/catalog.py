"""What every tenant has from the start: built-in roles and the role tokens of spaces."""

# qlik.dev/manage/access-control/default-roles, after `Developer` was removed in January 2026.
BUILT_IN_ROLES = (
    ("TenantAdmin", "admin"),
    ("AnalyticsAdmin", "admin"),
    ("AuditAdmin", "admin"),
    ("DataAdmin", "admin"),
    ("AutomationCreator", "user"),
    ("AutomlDeploymentContributor", "user"),
    ("AutomlExperimentContributor", "user"),
    ("CollaborationPlatformUser", "user"),
    ("DataProductManager", "user"),
    ("DataServicesContributor", "user"),
    ("DataSpaceCreator", "user"),
    ("EmbeddedAnalyticsUser", "user"),
    ("ManagedSpaceCreator", "user"),
    ("PrivateAnalyticsContentCreator", "user"),
    ("SharedSpaceCreator", "user"),
    ("Steward", "user"),
)

SPACE_ROLES = {
    "shared": ("codeveloper", "consumer", "dataconsumer", "facilitator", "producer"),
    "managed": ("basicconsumer", "consumer", "contributor", "dataconsumer", "facilitator", "publisher"),
    "data": ("consumer", "dataconsumer", "datapreview", "facilitator", "operator", "producer", "publisher"),
}

# The system group that holds every user of the tenant.
EVERYONE = "000000000000000000000001"
EVERYONE_NAME = "com.qlik.Everyone"

# What the built-in administrators below TenantAdmin may do, in scopes; the help describes it, no page lists it.
ROLE_SCOPES = {
    "AnalyticsAdmin": ("admin.apps", "admin.automations", "admin.spaces", "admin.users:read"),
    "AuditAdmin": ("admin.audits:read",),
    "DataAdmin": ("admin.spaces",),
}
