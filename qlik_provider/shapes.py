"""The shape of a stack's files (pydantic), strict to people: nothing unknown, nothing guessed, no null."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
    TypeAdapter,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core.core_schema import CoreSchema, WithDefaultSchema

from qlik_provider.entitlements import KEY_PATTERN, NONE
from qlik_provider.license_settings import ROLES, SEATS

T = TypeVar("T")

Name = Annotated[str, StringConstraints(min_length=1, max_length=256, strip_whitespace=True)]
Filter = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
TypeName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
Rule = Annotated[str, StringConstraints(min_length=1, max_length=3072, strip_whitespace=True)]
Key = Annotated[str, StringConstraints(pattern=rf"^{KEY_PATTERN}$")]
Duration = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*[hd]$")]
Count = Annotated[int, Field(ge=0)]
Percent = Annotated[int, Field(ge=1, le=100)]


def hours_of(duration: str) -> int:
    """Return the hours of a duration as it is declared: `24h`, `7d`."""
    return int(duration[:-1]) * (24 if duration.endswith("d") else 1)


class _NotNull:
    """Lets a part be left out, but not be written as null, which could mean either nothing or unmanaged."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        return schema["schema"] if schema["type"] == "nullable" else schema


Omittable = Annotated[T | None, _NotNull()]


class _SchemaGenerator(GenerateJsonSchema):
    """Leaves out the default of what may be left out: null is no value here."""

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        document = super().default_schema(schema)
        if "default" in document and document["default"] is None:
            del document["default"]
        return document


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=False)


class AutoAssign(_Part):
    """The types the tenant gives to whoever logs in without a license; left out: as it is."""

    professional: Omittable[bool] = None
    analyzer: Omittable[bool] = None


class AutoAssignRoles(_Part):
    """The roles the tenant gives to everybody with professional; left out: as it is."""

    shared_space_creator: Omittable[bool] = Field(default=None, alias="SharedSpaceCreator")
    private_analytics_content_creator: Omittable[bool] = Field(default=None, alias="PrivateAnalyticsContentCreator")
    data_services_contributor: Omittable[bool] = Field(default=None, alias="DataServicesContributor")


class Licenses(_Part):
    """Whom the seats of the tenant's license go to, and what happens when they do not suffice."""

    order: tuple[TypeName, ...] = Field(min_length=1)
    """License types as the tenant spells them, strongest first."""
    baseline: TypeName = NONE
    """What the tenant gives to everybody by itself: who leaves the last group is switched back to it."""
    shortage: Literal["fail", "waitlist"] = "fail"
    """What happens when seats do not suffice."""
    priority: tuple[Key, ...] = ()
    """With a waitlist: the groups whose people get seats first, in this order; the others follow by name."""
    reserve: dict[TypeName, Count] = {}
    """Warn when fewer seats stay free."""
    overage: dict[TypeName, Count] = {}
    """Paid extra seats this stack may use."""
    adopt: Literal["report", "upgrade", "all"] = "upgrade"
    """Rows found beside the declaration: own none; own equal ones and raise weaker ones; also lower stronger ones."""
    repair: Literal["additive", "full"] = "additive"
    """Whether rights raised by hand are undone."""
    on_destroy: Literal["keep", "revoke"] = "keep"
    """What becomes of the seats when the stack is destroyed."""
    owned_by: Omittable[Key] = None
    """Another stack that owns the seats of this license."""
    retry: str = ""
    """Change it to have refused items tried again."""
    auto_assign: AutoAssign = AutoAssign()
    auto_assign_roles: AutoAssignRoles = AutoAssignRoles()

    def tenant_settings(self) -> dict[str, bool]:
        """Return the settings of the tenant that are declared, by Qlik's names."""
        seats = self.auto_assign.model_dump(by_alias=True, exclude_none=True)
        roles = self.auto_assign_roles.model_dump(by_alias=True, exclude_none=True)
        return {
            **{SEATS[type]: value for type, value in seats.items()},
            **{ROLES[role]: value for role, value in roles.items()},
        }


class FormerSubject(_Part):
    """The mapping that a tenant had before: people may still be known by it."""

    from_: Literal["objectId", "userPrincipalName", "mail"] = Field(alias="from")
    realm: Annotated[str, StringConstraints(min_length=1)] | None = None


class Subject(_Part):
    """How a person's subject in the tenant follows from the directory; there is no default."""

    from_: Literal["objectId", "userPrincipalName", "mail", "tenant"] = Field(alias="from")
    realm: Annotated[str, StringConstraints(min_length=1)] | None = None
    """Stands before the subject, separated by a backslash; with tenant, before that of a newcomer."""
    newcomers: Omittable[Literal["objectId", "skip"]] = None
    """With tenant: what becomes of people who are not in it yet."""
    previously: Omittable[FormerSubject] = None
    """What it was before: the tenant may know people by it until they log in again."""

    @model_validator(mode="after")
    def _is_whole(self) -> "Subject":
        if self.from_ == "tenant":
            if self.newcomers is None:
                raise ValueError("from: tenant needs newcomers: objectId or skip, for people who are not in it yet")
            if self.previously is not None:
                raise ValueError("previously does not go with from: tenant, which takes subjects as they are")
            if self.realm and self.newcomers == "skip":
                raise ValueError("realm stands before the object id of newcomers, and newcomers: skip gives them none")
        elif self.newcomers is not None:
            raise ValueError("newcomers counts only with from: tenant")
        return self


class BrakeRule(_Part):
    """How many people may lose something in 24 hours before the rest is held."""

    max: Annotated[int, Field(ge=1)] = 25
    percent: Percent = 10
    minimum: Annotated[int, Field(ge=1)] = 20
    """The percentage counts from so many people on."""
    on_breach: Literal["hold", "fail"] = "hold"


class Leavers(_Part):
    """What happens, and when, to people who left the directory; empty: they are told, and nothing happens."""

    disable_after: Omittable[Duration] = None
    """They are disabled in the tenant so long after a run first saw that they left."""
    transfer_to: Omittable[Name] = None
    """Whose everything becomes that they own, before they are deleted."""
    delete_after: Omittable[Duration] = None
    """They are deleted so long after a run first saw that they left; left out: never."""


class SignIn(_Part):
    """How people get into the tenant."""

    application: Omittable[Name] = None
    """The application of the directory that they sign in to, by display name or client id."""


class JoinerWebhook(_Part):
    """What tells a pipeline of new users."""

    url: Annotated[str, StringConstraints(pattern=r"^https://[^\s/@?#;]+([/?#][^\s;]*)?$")]
    """Where `qlik-provider listen` is reached; never with credentials."""
    name: Omittable[Annotated[str, StringConstraints(pattern=r"^[^;\s]([^;]*[^;\s])?$", max_length=256)]] = None
    """In the tenant; left out: `qlik-provider <stack>`."""
    enabled: bool = True
    retry: str = ""
    """Change it to have the secret of the environment put again, and what was refused."""


class Joiners(_Part):
    """How a pipeline learns of people who are new."""

    webhook: JoinerWebhook


class Access(_Part):
    """access.yaml: the rules of one stack."""

    licenses: Omittable[Licenses] = None
    subject: Subject
    brake: BrakeRule = BrakeRule()
    protect: tuple[Name, ...] = ()
    """People who are never written in any way, by user principal name or mail."""
    leavers: Omittable[Leavers] = None
    provision: bool = False
    """Create the people of this stack as users of the tenant before their first login."""
    sign_in: Omittable[SignIn] = None
    """Tell also what lets people in whom no group explains: identity provider and application."""
    joiners: Omittable[Joiners] = None
    claim_by: Literal["displayName", "objectId"] = "displayName"
    only: Omittable[tuple[Key, ...]] = None
    """Pilot: the groups that count, and `people` where exceptions do; everything else is left as it is."""

    def counts(self, key: str) -> bool:
        """Tell whether what a key gives is carried out."""
        return self.only is None or key in self.only


class ExistingGroup(_Part):
    """A group this stack reads and never writes: by object id, by name, or by both, which must then agree."""

    object_id: Omittable[Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F-]{36}$")]] = None
    name: Omittable[Name] = None

    @model_validator(mode="after")
    def _has_one(self) -> "ExistingGroup":
        if self.object_id is None and self.name is None:
            raise ValueError("give objectId or name, or both")
        return self


class Group(_Part):
    """groups/<key>.yaml: one group, the license it gives, and where its people come from."""

    name: Omittable[Name] = None
    license: Omittable[TypeName] = None
    """A type of `licenses.order`; `capacity`: no seat, the minutes of the tenant."""
    grant: Literal["declared", "firstLogin"] = "declared"
    members: Omittable[tuple[Name, ...]] = None
    """User principal names or mails; left out: unmanaged; []: nobody."""
    rule: Omittable[Rule] = None
    """A membership rule of Entra: the group is created with it, and whom it takes is in the group."""
    existing: Omittable[ExistingGroup] = None
    nested: bool = False
    """Count the people of the groups in an existing group too."""
    query: Omittable[Filter] = None
    """The users that a filter of Graph takes."""
    everyone: bool = False
    """All users of the directory."""
    include: tuple[Literal["guests", "disabled"], ...] = ()
    """Who of the people read from the directory counts beside its members: guests, disabled accounts."""
    allow_empty: bool = False
    """Where nobody of the people read from the directory counts, that is no doubt."""
    roles: Omittable[tuple[Name, ...]] = None
    """Roles of the tenant; left out: unmanaged; []: none of ours."""
    spaces: Omittable[dict[Name, Annotated[tuple[Name, ...], Field(min_length=1)]]] = None
    """Roles in spaces, by name or id of the space; left out: unmanaged; {}: none of ours."""
    provider_type: Literal["idp", "custom"] = "idp"
    """Who says who is in the tenant's group: the identity provider, at a login; or this stack, by a custom group."""
    release_after: Omittable[Duration] = None
    """Who is no longer in the group keeps its seat for so many hours or days."""
    previously: Omittable[Key] = None
    """The key it had before."""

    @property
    def source(self) -> str:
        """The part that says where the people come from."""
        return self._sources()[0]

    def is_listed(self) -> bool:
        """Tell whether the declaration lists the people; those of any other source are read from the directory."""
        return self.members is not None

    def is_selection(self) -> bool:
        """Tell whether the people are in no group: a query selects them, or everybody counts."""
        return self.query is not None or self.everyone

    def is_custom(self) -> bool:
        """Tell whether this stack puts the people into a custom group of the tenant."""
        return self.provider_type == "custom"

    def _sources(self) -> list[str]:
        sources = [name for name in ("members", "rule", "existing", "query") if getattr(self, name) is not None]
        return [*sources, *(["everyone"] if self.everyone else [])]

    @model_validator(mode="after")
    def _has_a_source(self) -> "Group":
        sources = self._sources()
        if len(sources) != 1:
            given = " and ".join(sources) or "none"
            raise ValueError(f"needs one of members, rule, existing, query, everyone; given: {given}")
        is_created = sources[0] in {"members", "rule"} or (self.is_selection() and self.is_custom())
        if is_created and self.name is None:
            raise ValueError("needs a name, since this stack creates the group")
        return self


class Person(_Part):
    """people.yaml: one exception, which beats every group."""

    license: Omittable[TypeName] = None
    until: Omittable[date] = None
    """The last day on which it holds."""
    reason: Omittable[Name] = None
    spaces: Omittable[dict[Name, Annotated[tuple[Name, ...], Field(min_length=1)]]] = None
    """Roles in spaces that this person has without any group; left out: unmanaged; {}: none of ours."""


class Approval(_Part):
    """approvals/<name>.yaml: removals that somebody approved although they are many."""

    subjects: tuple[Name, ...] = Field(min_length=1)
    reason: Name
    expires: date
    """The last day on which it counts."""


People = dict[Name, Person]

SHAPES: Mapping[str, TypeAdapter[Any]] = {
    "access": TypeAdapter(Access),
    "group": TypeAdapter(Group),
    "people": TypeAdapter(People),
    "approval": TypeAdapter(Approval),
}


def declaration_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON schema of each kind of file."""
    return {name: shape.json_schema(by_alias=True, schema_generator=_SchemaGenerator) for name, shape in SHAPES.items()}
