"""A directory in which the azuread plugin finds everything it can handle, and an application that may do all of it."""

DIRECTORY = "11111111-1111-1111-1111-111111111111"
CLIENT = "22222222-2222-2222-2222-222222222222"
PRINCIPAL = "33333333-3333-3333-3333-333333333333"
SECRET = "sandbox-directory-secret"
ROLES = [
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "AdministrativeUnit.ReadWrite.All",
    "AuditLog.Read.All",
    "Domain.Read.All",
    "Group.ReadWrite.All",
    "RoleManagement.ReadWrite.Directory",
    "Synchronization.ReadWrite.All",
    "User.ReadWrite.All",
]
UNIT = "88888888-0000-4000-8000-000000000001"
DEVICE = "88888888-0000-4000-8000-000000000002"
CONTACT = "88888888-0000-4000-8000-000000000003"
ANA, BO = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"

WORLD = {
    "world": 1,
    "clock": "2026-11-02T08:00:00Z",
    "tenant": {"clients": [{"id": "qlik", "secret": "sandbox-client-secret"}]},
    "directory": {
        "tenantId": DIRECTORY,
        "clients": [{"id": CLIENT, "secret": SECRET, "oid": PRINCIPAL, "roles": ROLES}],
        "domains": [{"id": "contoso.test", "isDefault": True, "isInitial": True}, {"id": "fabrikam.test"}],
        "users": [
            {
                "id": ANA,
                "userPrincipalName": "ana@contoso.test",
                "displayName": "Ana Silva",
                "mail": "ana@contoso.test",
            },
            {"id": BO, "userPrincipalName": "bo@contoso.test", "displayName": "Bo Berg", "manager": ANA},
        ],
        "administrativeUnits": [{"id": UNIT, "displayName": "Lisbon"}],
        "devices": [{"id": DEVICE, "deviceId": DEVICE, "displayName": "Kiosk"}],
        "contacts": [{"id": CONTACT, "displayName": "Reception", "mail": "reception@fabrikam.test"}],
    },
}
