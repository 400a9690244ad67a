"""What is the same in every directory: the templates of applications and the roles they bring."""

from sandbox.documents import Document

# The template of an application that is in no gallery; its roles have no value, so no map by value finds them.
CUSTOM = "8adf8e6e-67b2-4cf2-a259-e3dc5476c621"
USER_ROLE = "18d14569-c3bd-439b-9a66-3a2aee01d14f"

TEMPLATES: tuple[Document, ...] = (
    {
        "id": CUSTOM,
        "displayName": "Custom",
        "homePageUrl": None,
        "supportedSingleSignOnModes": ["password", "saml", "external"],
        "supportedProvisioningTypes": ["sync"],
        "logoUrl": None,
        "categories": [],
        "publisher": None,
        "description": None,
    },
)
ROLES = [
    {
        "allowedMemberTypes": ["User"],
        "description": name,
        "displayName": name,
        "id": role_id,
        "isEnabled": True,
        "origin": "Application",
        "value": None,
    }
    for name, role_id in (("User", USER_ROLE), ("msiam_access", "b9632174-c057-4f7e-951b-be3adc52bfe6"))
]
