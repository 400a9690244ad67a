"""What a world says of spaces and of what users own."""

from typing import Any, Literal
from uuid import NAMESPACE_OID, uuid5

from pydantic import Field, JsonValue, model_validator

from sandbox.sections import DAWN, Moment, Section
from sandbox.tenant.catalog import SPACE_ROLES

RoleToken = Literal[
    "basicconsumer", "codeveloper", "consumer", "contributor", "dataconsumer", "datapreview", "facilitator",
    "operator", "producer", "publisher",
]  # fmt: skip
ShareRole = Literal["basicconsumer", "consumer", "contributor"]
ItemType = Literal[
    "app", "qlikview", "qvapp", "genericlink", "sharingservicetask", "note", "dataasset", "dataset", "automation",
    "automl-experiment", "automl-deployment", "assistant", "dataproduct", "dataqualityrule", "glossary",
    "knowledgebase", "script", "semantictype", "page",
]  # fmt: skip


class SpaceAssignment(Section):
    """Who has which roles in a space; the assignee is an id, a user's subject or a group's name."""

    id: str | None = None
    type: Literal["user", "group", "bot"] = "user"
    assignee: str = Field(min_length=1)
    roles: list[RoleToken] = Field(min_length=1)
    created_at: Moment = DAWN
    created_by: str = ""
    updated_at: Moment | None = None
    updated_by: str = ""


class SpaceShare(Section):
    """A resource of a space shown to somebody who has no role in it."""

    id: str | None = None
    type: Literal["user", "group", "link"] = "user"
    assignee: str = ""
    resource_type: Literal["app"] = "app"
    resource_id: str
    roles: list[ShareRole] = ["consumer"]
    disabled: bool = False
    created_at: Moment = DAWN
    created_by: str = ""
    updated_at: Moment | None = None
    updated_by: str = ""


class Space(Section):
    """A shared, managed or data space; the owner is a user's id or subject."""

    id: str | None = None
    name: str
    type: Literal["shared", "managed", "data"] = "shared"
    owner_id: str = ""
    description: str = ""
    created_at: Moment = DAWN
    created_by: str = ""
    updated_at: Moment | None = None
    assignments: list[SpaceAssignment] = []
    shares: list[SpaceShare] = []

    @model_validator(mode="after")
    def _roles_are_of_the_type(self) -> "Space":
        """Refuse a role that such a space does not have."""
        for assignment in self.assignments:
            for role in assignment.roles:
                if role not in SPACE_ROLES[self.type]:
                    raise ValueError(f"{role} is no role of a {self.type} space")
        return self


class Owned(Section):
    """Something with an owner, a user's id or subject, in a space, its id or name, or in the owner's personal one."""

    id: str = ""
    name: str = Field(min_length=1)
    owner_id: str = ""
    space_id: str = ""
    created_at: Moment = DAWN
    updated_at: Moment = DAWN

    @model_validator(mode="before")
    @classmethod
    def _derive_id(cls, content: Any) -> Any:
        """Give it an id that follows from its name, so that a world without ids is the same every time."""
        if isinstance(content, dict) and not content.get("id"):
            return content | {"id": str(uuid5(NAMESPACE_OID, f"{cls.__name__} {content.get('name')}"))}
        return content


class App(Owned):
    """An app."""

    description: str = ""
    published: bool = False
    usage: str = "ANALYTICS"


class AppObject(Owned):
    """A sheet, bookmark or story of an app, which may belong to somebody else than the app."""

    app_id: str
    type: str = "sheet"


class DataConnection(Owned):
    """A data connection; the id of credentials stands for the credentials themselves."""

    type: str = "QvOdbcConnectorPackage.exe"
    statement: str = ""
    datasource: str = ""
    credentials: str = ""


class DataFile(Owned):
    """A data file, or a folder that holds some."""

    size: int = Field(default=0, ge=0)
    folder: bool = False
    folder_id: str = ""
    app_id: str = ""
    locked: bool = False


class Automation(Owned):
    """An automation, with its history and the automation connections its blocks use."""

    description: str = ""
    run_mode: Literal["manual", "scheduled", "triggered", "webhook"] = "manual"
    state: Literal["available", "unavailable", "disabled"] = "available"
    last_run_status: str = ""
    runs: list[dict[str, JsonValue]] = []
    connections: list[str] = []


class AutomationConnection(Owned):
    """An account that automations act with."""

    connector_id: str = ""
    is_connected: bool = True


class SharingTask(Owned):
    """A report subscription or another sharing task."""

    type: Literal["chart-monitoring", "chart-sharing", "sheet-sharing", "template-sharing"] = "template-sharing"
    app_id: str = ""
    description: str = ""
    tags: list[str] = []
    enabled: bool = True
    enabled_by_system: bool = True
    recipients: list[str] = []
    task_errors: list[dict[str, str]] = []


class DataAlert(Owned):
    """A data alert."""

    app_id: str = ""
    description: str = ""
    owner_name: str = ""
    condition_id: str = ""
    enabled: bool = True
    trigger_type: Literal["RELOAD", "SCHEDULED", "MANUAL"] = "RELOAD"
    recipients: list[str] = []


class ReloadTask(Owned):
    """A scheduled reload of an app."""

    app_id: str = ""
    partial: bool = False
    recurrence: list[str] = []
    state: Literal["Enabled", "Disabled", "Completed"] = "Enabled"
    disabled_code: Literal["", "MANUALLY", "CONSECUTIVE-FAILURES"] = ""


class Glossary(Owned):
    """A business glossary."""

    description: str = ""
    overview: str = ""
    tags: list[str] = []


class Item(Owned):
    """Something of which the tenant knows no more than its item: a note, a dataset, an assistant."""

    resource_type: ItemType
    resource_id: str = ""
    resource_sub_type: str = ""
    description: str = ""
