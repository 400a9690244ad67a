"""OAuth clients in a world (qlik-api.md 8)."""

from typing import Any, Literal

from pydantic import Field

from sandbox.sections import DAWN, Moment, Section

AppType = Literal["web", "native", "spa", "anonymous-embed"]
AuthMethod = Literal["client_secret", "private_key_jwt"]


class ClientSecret(Section):
    """A secret beside the first one."""

    secret: str
    created_at: Moment = DAWN
    created_by: str = ""


class TenantClient(Section):
    """An OAuth client; one of a world may use client credentials without further ado.

    A name left out is the id; `scopes` are the scopes it is allowed.
    """

    id: str
    secret: str = ""
    scopes: list[str] = Field(default_factory=lambda: ["admin_classic"])
    secrets: list[ClientSecret] = Field(default_factory=list, max_length=5)
    name: str | None = None
    app_type: AppType = "web"
    description: str | None = None
    client_uri: str | None = None
    logo_uri: str | None = None
    jwks_uri: str | None = None
    redirect_uris: list[str] = Field(default_factory=list)
    allowed_origins: list[str] = Field(default_factory=list)
    allowed_grant_types: list[str] = Field(default_factory=lambda: ["client_credentials"])
    allowed_auth_methods: list[AuthMethod] = Field(default=["client_secret"])
    public_keys: list[dict[str, Any]] = Field(default_factory=list)
    consent_method: Literal["required", "trusted"] = "trusted"
    created_at: Moment = DAWN
    updated_at: Moment = DAWN
    published_at: Moment | None = None
    created_by: str = ""
