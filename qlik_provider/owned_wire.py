"""The bodies of what users own: each service has its own names for owner, name and place; performs no I/O."""

from collections.abc import Mapping
from typing import Any

from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field

CHANGE_OWNER = "change_owner"


class OwnedRow(BaseModel):
    """One row of a list of what is owned, or one such thing read by its id."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    id: str = Field(validation_alias=AliasChoices("qID", "resourceId", AliasPath("attributes", "id"), "id"))
    name: str = Field(
        default="", validation_alias=AliasChoices("qName", AliasPath("attributes", "name"), "name", "description")
    )
    owner: str | None = Field(
        validation_alias=AliasChoices(AliasPath("attributes", "ownerId"), "ownerId", "owner", "user", "userId", "sub")
    )
    """Null is nobody; a body without any of these names is not understood."""
    space: str | None = Field(default=None, validation_alias=AliasChoices("spaceId", "space"))
    type: str = Field(default="", validation_alias=AliasChoices("resourceType", "subType"))
    app: str | None = Field(default=None, validation_alias="appId")
    folder: str | None = Field(default=None, validation_alias="folderId")
    status: str = ""
    creator: str = Field(default="", validation_alias="createdByUser")
    actions: tuple[str, ...] | None = Field(default=None, validation_alias=AliasChoices("actions", "privileges"))

    def may_change_owner(self) -> bool:
        """Tell whether the service says nothing of what the caller may do, or that it may hand this over."""
        return self.actions is None or CHANGE_OWNER in self.actions


class ItemOutcome(BaseModel):
    """What became of one item of a 207 of data connections."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str = ""
    status: int
    error: Mapping[str, Any] | None = None

    @property
    def reason(self) -> str:
        """The service's words for a refusal."""
        parts = [str(self.status), *(str((self.error or {}).get(name) or "") for name in ("code", "title"))]
        return " ".join(" ".join(parts).split())


class ItemOutcomes(BaseModel):
    """The body of a 207 of data connections."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    data: tuple[ItemOutcome, ...]
