"""Identity providers in a world (qlik-api.md 7.4)."""

from typing import Any, Literal

from pydantic import Field

from sandbox.sections import DAWN, Moment, Section

Protocol = Literal["OIDC", "SAML", "jwtAuth", "qsefw-local-bearer-token"]
Provider = Literal["auth0", "okta", "qlik", "generic", "salesforce", "keycloak", "adfs", "external", "azureAD"]


class IdentityProvider(Section):
    """Where users come from: how they log in, and what their claims mean."""

    id: str
    active: bool = True
    interactive: bool = True
    protocol: Protocol = "OIDC"
    provider: Provider = "azureAD"
    tenant_ids: list[str] = Field(default_factory=list)
    description: str = ""
    create_new_users_on_login: bool = True
    post_logout_redirect_uri: str | None = None
    clock_tolerance_sec: int = 5
    created: Moment = DAWN
    last_updated: Moment = DAWN
    meta: dict[str, Any] | None = None
    options: dict[str, Any] | None = None
    pending_options: dict[str, Any] | None = None
    pending_state: Literal["verified", "pending", "error"] | None = None
    pending_result: dict[str, Any] | None = None
