"""What `pulumi stack export` shows of one of our resources; performs no I/O.

https://www.pulumi.com/docs/iac/cli/commands/pulumi_stack_export
"""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qlik_provider.errors import UnusableState

_TYPE = "pulumi-python:dynamic/qlik:"


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Resource(_Part):
    type: str = ""
    outputs: dict[str, Any] = {}
    is_deleted: bool = Field(default=False, validation_alias="delete")


class _Deployment(_Part):
    resources: tuple[_Resource, ...] = ()


class _Export(_Part):
    deployment: _Deployment


def find_outputs(text: str, kind: str) -> dict[str, Any] | None:
    """Return the outputs of the one resource of a kind in a stack, None where there is none.

    Raises UnusableState for a text that is no export of a stack.
    """
    try:
        export = _Export.model_validate(json.loads(text))
    except (ValueError, ValidationError):
        # The cause would show what stands in the file.
        raise UnusableState("this is no export of a stack; write one with `pulumi stack export`") from None
    found = [row for row in export.deployment.resources if row.type == f"{_TYPE}{kind}" and not row.is_deleted]
    return found[-1].outputs if found else None
