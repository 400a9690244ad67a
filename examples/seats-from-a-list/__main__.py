"""Seats for the people of a list, whatever wrote it: no group, no directory, one resource."""

import csv
import os
from pathlib import Path

import pulumi

from qlik_provider.entitlements import Entitlement
from qlik_provider.gate import require_done
from qlik_provider.resources import LicenseAssignments

with Path("people.csv").open(encoding="utf-8", newline="") as file:
    people = {row["subject"]: Entitlement(row["license"], (row["why"],), row["mail"]) for row in csv.DictReader(file)}

config = pulumi.Config()
seats = LicenseAssignments(
    "license-assignments",
    tenant=os.environ["QLIK_TENANT"],
    tenant_id=config.require("tenantId"),
    license=config.require("license"),
    assignments={subject: str(entitlement) for subject, entitlement in people.items()},
    rules={"order": "professional, analyzer", "adopt": "upgrade", "onDestroy": "revoke", "brake.max": 5},
)
pulumi.export("seats", seats.seats)
require_done(seats)
