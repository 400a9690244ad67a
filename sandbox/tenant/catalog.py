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
