"""Applications and service principals as Graph writes them."""

from typing import Any

from sandbox.directory.entities import merged

_INFO = {
    "logoUrl": None,
    "marketingUrl": None,
    "privacyStatementUrl": None,
    "supportUrl": None,
    "termsOfServiceUrl": None,
}
_PUBLISHER = {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None}

# What was never set is null or empty, never absent: azuread reads through these members without looking.
_APPLICATION: dict[str, Any] = {
    "deletedDateTime": None,
    "appId": None,
    "applicationTemplateId": None,
    "disabledByMicrosoftStatus": None,
    "createdDateTime": None,
    "displayName": None,
    "description": None,
    "groupMembershipClaims": None,
    "identifierUris": [],
    "isDeviceOnlyAuthSupported": None,
    "isFallbackPublicClient": None,
    "nativeAuthenticationApisEnabled": None,
    "notes": None,
    "publisherDomain": None,
    "serviceManagementReference": None,
    "signInAudience": "AzureADMyOrg",
    "tags": [],
    "tokenEncryptionKeyId": None,
    "uniqueName": None,
    "samlMetadataUrl": None,
    "defaultRedirectUri": None,
    "certification": None,
    "optionalClaims": None,
    "servicePrincipalLockConfiguration": None,
    "requestSignatureVerification": None,
    "addIns": [],
    "api": {
        "acceptMappedClaims": None,
        "knownClientApplications": [],
        "requestedAccessTokenVersion": None,
        "oauth2PermissionScopes": [],
        "preAuthorizedApplications": [],
    },
    "appRoles": [],
    "info": _INFO,
    "keyCredentials": [],
    "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
    "passwordCredentials": [],
    "publicClient": {"redirectUris": []},
    "requiredResourceAccess": [],
    "verifiedPublisher": _PUBLISHER,
    "web": {
        "homePageUrl": None,
        "logoutUrl": None,
        "redirectUris": [],
        "implicitGrantSettings": {"enableAccessTokenIssuance": False, "enableIdTokenIssuance": False},
        "redirectUriSettings": [],
    },
    "spa": {"redirectUris": []},
}
# Shown by beta, and in v1.0 where it is selected.
_BETA_APPLICATION = {"oauth2RequirePostResponse": False}
APPLICATION_PROPERTIES = frozenset(_APPLICATION) | _BETA_APPLICATION.keys() | {"id"}

_SERVICE_PRINCIPAL: dict[str, Any] = {
    "deletedDateTime": None,
    "accountEnabled": True,
    "alternativeNames": [],
    "appDisplayName": None,
    "appDescription": None,
    "appId": None,
    "applicationTemplateId": None,
    "appOwnerOrganizationId": None,
    "appRoleAssignmentRequired": False,
    "createdDateTime": None,
    "description": None,
    "disabledByMicrosoftStatus": None,
    "displayName": None,
    "homepage": None,
    "loginUrl": None,
    "logoutUrl": None,
    "notes": None,
    "notificationEmailAddresses": [],
    "preferredSingleSignOnMode": None,
    "preferredTokenSigningKeyThumbprint": None,
    "replyUrls": [],
    "servicePrincipalNames": [],
    "servicePrincipalType": "Application",
    "signInAudience": "AzureADMyOrg",
    "tags": [],
    "tokenEncryptionKeyId": None,
    "samlSingleSignOnSettings": None,
    "addIns": [],
    "appRoles": [],
    "info": _INFO,
    "keyCredentials": [],
    "oauth2PermissionScopes": [],
    "passwordCredentials": [],
    "resourceSpecificApplicationPermissions": [],
    "verifiedPublisher": _PUBLISHER,
}
_BETA_SERVICE_PRINCIPAL = {"samlMetadataUrl": None}
SERVICE_PRINCIPAL_PROPERTIES = frozenset(_SERVICE_PRINCIPAL) | _BETA_SERVICE_PRINCIPAL.keys() | {"id"}


def show_application(body: dict[str, Any]) -> dict[str, Any]:
    """Return an application with every property."""
    return {"id": body["id"]} | merged(_APPLICATION | _BETA_APPLICATION, body)


def show_service_principal(body: dict[str, Any]) -> dict[str, Any]:
    """Return a service principal with every property."""
    names = {"servicePrincipalNames": [body["appId"]], "appDisplayName": body["displayName"]}
    return {"id": body["id"]} | merged(_SERVICE_PRINCIPAL | _BETA_SERVICE_PRINCIPAL, names | body)
