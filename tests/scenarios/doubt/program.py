"""A program of somebody's own: seats whose groups are read elsewhere, with what it doubts about them."""

import json
import os
from pathlib import Path

import pulumi

from qlik_provider.resources import LicenseAssignments

seats = LicenseAssignments(
    "license-assignments",
    tenant=os.environ["QLIK_TENANT"],
    tenant_id="kPzYCEmTn3Nn4uVwGc5Yh1bWq0LrT8Xa",
    license="9999000000001234",
    **json.loads(Path("stacks/dev/inputs.json").read_text()),
)
pulumi.export("doubt", seats.doubt)
