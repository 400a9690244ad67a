"""What is sent to create or change an identity provider: one form for each protocol (qlik-api.md 7.4)."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, Tag

from sandbox.bodies import Body

_OIDC_PATHS = frozenset({
    "/active", "/description", "/meta", "/options", "/options/realm", "/options/discoveryUrl",
    "/options/claimsMapping", "/pendingOptions", "/pendingOptions/realm", "/pendingOptions/discoveryUrl",
    "/pendingOptions/clientId", "/pendingOptions/clientSecret", "/pendingOptions/emailVerifiedAlwaysTrue",
    "/pendingOptions/claimsMapping", "/postLogoutRedirectUri", "/clockToleranceSec",
    "/pendingOptions/idTokenSignatureAlg", "/pendingOptions/decryptingKey",
})  # fmt: skip
_SAML_PATHS = frozenset({
    "/active", "/description", "/pendingOptions", "/pendingOptions/nameIdFormat",
    "/pendingOptions/allowIdpInitiatedLogin", "/pendingOptions/entityId", "/pendingOptions/signOnUrl",
    "/pendingOptions/metadata", "/pendingOptions/certificates", "/pendingOptions/claimsMapping",
    "/postLogoutRedirectUri", "/clockToleranceSec",
})  # fmt: skip
PATHS = {"OIDC": _OIDC_PATHS, "SAML": _SAML_PATHS, "jwtAuth": frozenset({"/description"})}
PROMOTE = "promote-options"


class _NewProvider(Body):
    """What every new provider may say."""

    clock_tolerance_sec: int | None = Field(default=None, alias="clockToleranceSec")
    description: str = ""
    tenant_ids: list[str] | None = Field(default=None, alias="tenantIds")


class _Interactive(_NewProvider):
    """A provider people log in with: live at once, or after somebody has tried its pending options."""

    interactive: bool
    create_new_users_on_login: bool = Field(default=False, alias="createNewUsersOnLogin")
    post_logout_redirect_uri: str | None = Field(default=None, alias="postLogoutRedirectUri")
    skip_verify: bool = Field(default=False, alias="skipVerify")
    options: dict[str, Any] | None = None
    pending_options: dict[str, Any] | None = Field(default=None, alias="pendingOptions")


class NewOidc(_Interactive):
    """A provider by OpenID Connect."""

    protocol: Literal["OIDC"]
    provider: Literal["auth0", "okta", "generic", "salesforce", "keycloak", "adfs", "azureAD"]


class NewSaml(_Interactive):
    """A provider by SAML."""

    protocol: Literal["SAML"]
    provider: Literal["okta", "generic", "adfs", "azureAD"]


class _StaticKey(Body):
    """The key an issuer signs with."""

    kid: str
    pem: str


class _JwtOptions(Body):
    """Who issues the tokens; one key is all there may be."""

    issuer: str
    static_keys: list[_StaticKey] = Field(alias="staticKeys", min_length=1, max_length=1)


class NewJwt(_NewProvider):
    """A provider whose tokens are signed by a static key."""

    protocol: Literal["jwtAuth"]
    provider: Literal["external"]
    options: _JwtOptions


def _protocol_of(body: Any) -> str | None:
    """Return which form a body has."""
    protocol = body.get("protocol") if isinstance(body, dict) else getattr(body, "protocol", None)
    return protocol if isinstance(protocol, str) else None


NewProvider = Annotated[
    Annotated[NewOidc, Tag("OIDC")] | Annotated[NewSaml, Tag("SAML")] | Annotated[NewJwt, Tag("jwtAuth")],
    Discriminator(_protocol_of),
]


class _ProviderChange(BaseModel):
    """One change of a provider; which paths there are depends on the protocol."""

    op: Literal["replace", "promote-options"]
    path: str | None = None
    value: Any = None


ProviderChanges = list[_ProviderChange]
