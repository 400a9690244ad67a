"""The resources of Pulumi.

The path of this module and the names of its providers stand in every state that was ever stored: they never change.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from qlik_provider.ledger import ASSIGNMENTS, MEMBERS, Bag, Outcome
from qlik_provider.members import apply_members, observe_members
from qlik_provider.plan import Observed, Plan
from qlik_provider.provider import LedgerProvider
from qlik_provider.session import open_directory, open_tenant


class LicenseAssignmentsProvider(LedgerProvider):
    """The seats of one license."""

    form = ASSIGNMENTS
    kind = "LicenseAssignments"
    identity = ("tenantId", "license")

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return license_assignments_provider, ()

    def name(self, inputs: Bag) -> str:
        """Return the resource's name."""
        del inputs
        return "license-assignments"

    def id_of(self, inputs: Bag) -> str:
        """Return the license number."""
        return str(inputs["license"])

    def observe(self, bag: Bag) -> Observed:
        """Return the rows and seats of the license."""
        return open_tenant(bag["tenant"]).observe(bag["tenantId"], bag["license"])

    def apply(self, inputs: Bag, plan: Plan) -> tuple[Outcome, ...]:
        """Write to the tenant."""
        return open_tenant(inputs["tenant"]).apply(plan, self.show_progress(inputs))

    def now(self, inputs: Bag) -> datetime:
        """Return the time of the tenant."""
        return open_tenant(inputs["tenant"]).client.now


class DirectoryMembersProvider(LedgerProvider):
    """The direct members of one directory group."""

    form = MEMBERS
    kind = "DirectoryMembers"
    identity = ("group",)

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        return directory_members_provider, ()

    def name(self, inputs: Bag) -> str:
        """Return the name of the plan document."""
        return f"members-{inputs['group']}"

    def id_of(self, inputs: Bag) -> str:
        """Return the object id the group had at first."""
        return str(inputs["groupObjectId"])

    def observe(self, bag: Bag) -> Observed | None:
        """Return the members; nobody while the group is only planned."""
        group = bag.get("groupObjectId")
        if not isinstance(group, str):
            return Observed(())
        return observe_members(open_directory(), group)

    def apply(self, inputs: Bag, plan: Plan) -> tuple[Outcome, ...]:
        """Write to the directory."""
        return apply_members(open_directory(), inputs["groupObjectId"], plan, self.show_progress(inputs))

    def now(self, inputs: Bag) -> datetime:
        """Return the time of the directory."""
        del inputs
        return open_directory().now


_LICENSE_ASSIGNMENTS = LicenseAssignmentsProvider()
_DIRECTORY_MEMBERS = DirectoryMembersProvider()


def license_assignments_provider() -> LicenseAssignmentsProvider:
    """Return the provider that states refer to."""
    return _LICENSE_ASSIGNMENTS


def directory_members_provider() -> DirectoryMembersProvider:
    """Return the provider that states refer to."""
    return _DIRECTORY_MEMBERS


class LicenseAssignments(Resource, module="qlik", name="LicenseAssignments"):
    """The seats of one Qlik Cloud license that this stack gives to people.

    Creating it adopts rows that are there already, as the rule `adopt` says. Destroying it takes nothing from anybody.
    https://qlik.dev/apis/rest/licenses
    """

    assignments: pulumi.Output[dict[str, str]]
    """What this stack really holds, by subject: `<type> via <key>[, <key>…] for <e-mail>`."""
    deviations: pulumi.Output[dict[str, str]]
    """Where a person differs from the declaration, by subject: `<declared value or none>; <why>`."""
    removed: pulumi.Output[dict[str, str]]
    """Removals of the last 24 hours, by minute: `<people>[; <key> <people>…]`."""
    seats: pulumi.Output[dict[str, str]]
    """Seats by type: `<used> of <units>`."""
    foreign: pulumi.Output[dict[str, float]]
    """Rows this stack did not make, by type."""
    doubt: pulumi.Output[dict[str, str]]
    """Keys whose people are not known for certain, and why; what they conferred is kept."""

    def __init__(
        self,
        resource_name: str,
        *,
        tenant: str,
        tenant_id: str,
        license: str,
        assignments: Mapping[str, str],
        rules: Mapping[str, str | int],
        doubt: Mapping[str, str] | None = None,
        sources: Mapping[str, pulumi.Input[str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare who holds which type.

        `tenant` is the URL with the original hostname, `tenant_id` and `license` what the stack belongs to,
        `assignments` {subject: value}, `rules` {name: scalar} as docs/formats.md lists them, `doubt` {key: reason},
        `sources` {key: object id of the group read}.
        """
        super().__init__(
            license_assignments_provider(),
            resource_name,
            {
                "tenant": tenant,
                "tenantId": tenant_id,
                "license": license,
                "assignments": dict(assignments),
                "rules": dict(rules),
                "doubt": dict(doubt or {}),
                "sources": dict(sources or {}),
                "deviations": None,
                "removed": None,
                "seats": None,
                "foreign": None,
            },
            opts,
        )


class DirectoryMembers(Resource, module="qlik", name="DirectoryMembers"):
    """The people this stack puts into one group of the directory; others in it are left alone.

    Destroying it takes nobody out. https://learn.microsoft.com/graph/api/group-post-members
    """

    members: pulumi.Output[dict[str, str]]
    """Who is in the group by this stack, by object id: the user principal name."""
    deviations: pulumi.Output[dict[str, str]]
    """Who differs from the declaration, by object id: `<user principal name or none>; <why>`."""
    removed: pulumi.Output[dict[str, str]]
    """Removals of the last 24 hours, by minute."""
    foreign: pulumi.Output[dict[str, float]]
    """Members this stack did not add."""

    def __init__(
        self,
        resource_name: str,
        *,
        group: str,
        group_object_id: pulumi.Input[str],
        members: Mapping[str, str],
        rules: Mapping[str, str | int],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare who is in a group: `group` its key, `members` {object id: user principal name}."""
        super().__init__(
            directory_members_provider(),
            resource_name,
            {
                "group": group,
                "groupObjectId": group_object_id,
                "members": dict(members),
                "rules": dict(rules),
                "deviations": None,
                "removed": None,
                "seats": None,
                "foreign": None,
            },
            opts,
        )
