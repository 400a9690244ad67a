"""A group of pulumi-azuread in the same program, and the people in it: four hundred a call, not one."""

import pulumi
import pulumi_azuread as azuread

from qlik_provider.gate import require_done
from qlik_provider.resources import DirectoryMembers

# By the object id in Entra. Who is put into the group by others is left in it.
PEOPLE = {
    "2647f597-a4ac-5a62-9dda-f1550da9b1ab": "cormac.bianchi@contoso.test",
    "813bc3b3-eead-5409-bb00-8f6f70d8fea1": "carla.lange@contoso.test",
    "9054318a-e5eb-5570-9f59-5255305bc39e": "elif.berg@contoso.test",
}

# Without members of its own: a Group would list them all at every run, and write them one by one.
group = azuread.GroupWithoutMembers("readers", display_name="Report Readers", security_enabled=True)
readers = DirectoryMembers(
    "readers",
    group="readers",
    group_object_id=group.object_id,
    members=PEOPLE,
    rules={"brake.max": 5, "brake.onBreach": "fail"},
)
pulumi.export("objectId", group.object_id)
require_done(readers)
