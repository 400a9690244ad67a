"""The world file: what a sandbox starts from."""

import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sandbox import switches
from sandbox.directory.sections import Directory, find_directory_faults
from sandbox.sections import Moment, Section
from sandbox.tenant.content.references import find_content_faults
from sandbox.tenant.identities import find_identity_faults
from sandbox.tenant.sections import Tenant, find_tenant_faults


class WorldError(Exception):
    """A world that cannot be used; `faults` holds one line for each reason."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class World(Section):
    """Everything a sandbox knows; sections left out are empty, a clock left out is the present one."""

    world: Literal[1]
    clock: Moment | None = None
    tenant: Tenant = Tenant()
    directory: Directory = Directory()
    switches: dict[str, str] = {}

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        """Refuse names that refer to nothing and keys that occur twice, all at once."""
        is_case_told = self.switches.get("subject-match") == "exact"
        faults = [*find_tenant_faults(self.tenant, is_case_told=is_case_told), *find_identity_faults(self.tenant)]
        faults += find_content_faults(self.tenant)
        faults += find_directory_faults(self.directory)
        faults += switches.find_faults(self.switches)
        if faults:
            raise WorldError(faults)
        return self


def load_world(path: Path) -> World:
    """Return the world of a YAML or JSON file, or raise WorldError with every fault."""
    return read_world(read_file(path))


def read_file(path: Path) -> Any:
    """Return what a YAML or JSON file holds, or raise WorldError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise WorldError([f"{path}: {error.strerror}"]) from error
    try:
        # ruamel takes minutes for ten thousand people; JSON is YAML and takes none.
        return json.loads(text) if path.suffix == ".json" else YAML(typ="safe").load(text)
    except (YAMLError, ValueError) as error:
        raise WorldError([f"{path}: {' '.join(str(error).split())}"]) from error


def read_world(content: Any) -> World:
    """Return the world of parsed YAML or JSON, or raise WorldError with every fault."""
    try:
        return World.model_validate(content)
    except ValidationError as error:
        raise WorldError([_line(fault["loc"], fault["msg"]) for fault in error.errors()]) from error


def _line(place: tuple[int | str, ...], reason: str) -> str:
    """Return `tenant.users.3.subject: reason`."""
    return f"{'.'.join(map(str, place)) or 'world'}: {reason[:1].lower()}{reason[1:]}"
