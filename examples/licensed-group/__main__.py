"""A team in a program of somebody's own: its group in Entra, its seats, and what it may do in the tenant."""

import os

import pulumi

from qlik_provider.components import Grants, LicensedGroup
from qlik_provider.entitlements import Entitlement
from qlik_provider.gate import require_done
from qlik_provider.resolution import Policy
from qlik_provider.resources import LicenseAssignments

KEY = "data-team"
TENANT = os.environ["QLIK_TENANT"]
BRAKE: dict[str, str | int] = {"brake.max": 5}
# By the object id in Entra; this tenant knows people by it, so it is their subject too.
PEOPLE = {
    "1157fe77-fc3f-5eae-a98d-1c1c381f0986": "agnieszka.ricci@contoso.test",
    "32f1e9b5-9d4a-58ee-8385-2a9f6516ff5d": "elena.laurent@contoso.test",
    "418f234a-ce33-5a90-8e96-e184edda5c70": "carla.arnold@contoso.test",
}

config = pulumi.Config()
tenant_id = config.require("tenantId")

team = LicensedGroup(
    KEY,
    stack=pulumi.get_stack(),
    name="Data Team",
    members=PEOPLE,
    rules=BRAKE,
    grants=Grants(
        tenant=TENANT,
        tenant_id=tenant_id,
        policy=Policy(
            roles=("SharedSpaceCreator",),
            spaces={"Logistics": ("consumer", "dataconsumer")},
            reach=len(PEOPLE),
            rules=BRAKE,
        ),
    ),
)
seats = LicenseAssignments(
    "license-assignments",
    tenant=TENANT,
    tenant_id=tenant_id,
    license=config.require("license"),
    assignments={subject: str(Entitlement("professional", (KEY,), mail)) for subject, mail in PEOPLE.items()},
    rules={"order": "professional, analyzer", **BRAKE},
)
pulumi.export("objectId", team.object_id)
pulumi.export("seats", seats.seats)
require_done(seats, team.members, team.policy)
