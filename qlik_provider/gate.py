"""The end of a program: red while anything was refused or is in doubt."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pulumi

from qlik_provider.resources import (
    DirectoryMembers,
    GroupPolicy,
    Leavers,
    LicenseAssignments,
    LicenseSettings,
    UserPolicy,
    Users,
    Webhook,
)

Declared = (
    LicenseAssignments | DirectoryMembers | GroupPolicy | LicenseSettings | Users | UserPolicy | Leavers | Webhook
)


def require_done(*resources: Declared | None) -> None:
    """Guarantee that an update ends red while the service refuses anything of these resources, or a key is in doubt.

    Call it once, at the end of a program. What was held by the brake, or waits for a seat, is a warning and no reason.
    Raises pulumi.RunError inside the update, after everything else was carried out; a preview tells it in warnings.
    https://www.pulumi.com/docs/iac/concepts/inputs-outputs/apply/
    """
    declared = [resource for resource in resources if resource is not None]
    doubts = [resource.doubt for resource in declared if isinstance(resource, LicenseAssignments | Users | Leavers)]
    told = pulumi.Output.all(
        deviations=pulumi.Output.all(*(resource.deviations for resource in declared)), doubts=pulumi.Output.all(*doubts)
    )
    told.apply(_end)


def find_refusals(deviations: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """Yield who is not as declared because the service refused, or nobody knows what became of it or of them."""
    for people in deviations:
        for subject, text in sorted(people.items()):
            if text.partition("; ")[2].startswith(("refused", "unsent", "unproven")):
                yield f"{subject}: {text}"


def raise_if_open(refusals: Sequence[str], doubts: Mapping[str, str]) -> None:
    """Raise RunError for what is open; never in a preview, where it would stop the stack for ever."""
    reasons = [f"refused: {text}" for text in refusals]
    reasons += [f"in doubt: {key}: {reason}" for key, reason in sorted(doubts.items())]
    if reasons and not pulumi.runtime.is_dry_run():
        raise pulumi.RunError("; ".join(reasons))


def _end(told: Mapping[str, Any]) -> None:
    doubts = {key: reason for found in told["doubts"] for key, reason in found.items()}
    raise_if_open(list(find_refusals(told["deviations"])), doubts)
