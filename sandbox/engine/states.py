"""Resources as the checkpoint keeps them, and the steps that change them."""

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from sandbox.engine.differences import Detailed
from sandbox.engine.values import Properties

STACK = "pulumi:pulumi:Stack"
PROVIDERS = "pulumi:providers:"
_NAMES = {
    "ignore_changes": "ignoreChanges",
    "property_dependencies": "propertyDependencies",
    "retain_on_delete": "retainOnDelete",
}

Op = Literal["same", "create", "update", "delete", "refresh"]


@dataclass(frozen=True)
class State:
    """One resource: what was asked for (inputs) and what is there (outputs)."""

    urn: str
    type: str
    custom: bool
    id: str = ""
    inputs: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)
    parent: str = ""
    provider: str = ""
    dependencies: list[str] = field(default_factory=list)
    property_dependencies: dict[str, list[str]] = field(default_factory=dict)
    protect: bool = False
    retain_on_delete: bool = False
    ignore_changes: list[str] = field(default_factory=list)

    @property
    def is_provider(self) -> bool:
        """Tell whether this is a default provider, which no row and no count shows."""
        return self.type.startswith(PROVIDERS)

    @property
    def needs(self) -> set[str]:
        """The urns of the resources that cannot go before this one."""
        return {*self.dependencies, self.parent, self.provider.rsplit("::", 1)[0]}

    def export(self) -> dict[str, Any]:
        """Return the resource as a deployment of version 3 has it; empty members are left out."""
        members = {_NAMES.get(member.name, member.name): getattr(self, member.name) for member in fields(self)}
        return {name: value for name, value in members.items() if value or name == "custom"}

    @classmethod
    def load(cls, members: dict[str, Any]) -> "State":
        """Return the resource that `export` wrote."""
        names = {exported: name for name, exported in _NAMES.items()}
        return cls(**{names.get(name, name): value for name, value in members.items()})


@dataclass(frozen=True)
class Step:
    """One operation on one resource; `detailed` is None where the provider gave no details."""

    op: Op
    old: State | None
    new: State | None
    detailed: Detailed | None = None

    @property
    def state(self) -> State:
        """The resource as it will be, or as it was when it goes."""
        state = self.new or self.old
        if state is None:
            raise ValueError("a step has a resource before or after it")
        return state

    @property
    def urn(self) -> str:
        """The urn of the resource."""
        return self.state.urn

    @property
    def changes_protection(self) -> bool:
        """Tell whether the resource was protected and no longer is, or the other way round."""
        return self.old is not None and self.new is not None and self.old.protect != self.new.protect


def make_urn(stack: str, project: str, parent: str, type: str, name: str) -> str:
    """Return the urn of a resource; the types of its parents, but not the stack's, stand before its own."""
    parents = parent.split("::")[2] if parent else STACK
    qualified = type if parents == STACK else f"{parents}${type}"
    return f"urn:pulumi:{stack}::{project}::{qualified}::{name}"


def inherit_urn(urn: str, parent: str, former: str) -> str:
    """Return the urn of a child as it was when its parent had its former urn.

    A name that begins with the parent's began with the parent's former one.
    Rule: pulumi/pkg/resource/deploy/step_generator.go.
    """
    type, name = split_urn(urn)
    begins, began = split_urn(parent)[1], split_urn(former)[1]
    if name.startswith(begins):
        name = began + name.removeprefix(begins)
    stack, project = former.removeprefix("urn:pulumi:").split("::")[:2]
    return make_urn(stack, project, former, type, name)


def split_urn(urn: str) -> tuple[str, str]:
    """Return type and name of the resource a urn names."""
    type, name = urn.split("::", 3)[2:]
    return type.rsplit("$", 1)[-1], name
