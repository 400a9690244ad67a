"""Answers are the wire samples of the reference, byte for byte apart from ids and times (qlik-api.md, Appendix B)."""

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from serving import CLIENT, WORLD

SAMPLES = YAML(typ="safe").load(Path(__file__).with_name("samples.yaml"))
PATTERNS = {
    "<id>": r"[\w-]+",
    "<time>": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "<token>": r"eyJ[\w.-]+",
    "<number>": r"\d+",
    "…": r"[^\"]*",
}
TENANT = {
    **WORLD["tenant"],
    "allotments": {"professional": {"units": 3}, "analyzer": {"units": 3}},
    "users": [
        {"subject": "auth0|admin", "name": "Admin", "assignedRoles": ["TenantAdmin"]},
        {"subject": "user1234", "name": "Malik", "email": "malik@contoso.test", "assignedRoles": ["AuditAdmin"]},
    ],
    "apiKeys": [{"token": "sandbox-api-key", "subject": "auth0|admin"}],
    "identityProviders": [{"id": "6425d61fbb406d75678f1204", "protocol": "OIDC", "provider": "azureAD"}],
    "assignments": [
        {"subject": "qlik\\malik", "type": "analyzer", "created": "2026-03-02T09:00:00.000Z"},
        {"subject": "qlik\\kim", "type": "analyzer", "created": "2026-03-03T09:00:00.000Z"},
        {"subject": "fabrikam\\bo", "type": "analyzer", "created": "2026-03-04T09:00:00.000Z"},
    ],
}


def pattern(sample, base):
    """Return the regular expression of a sample's bytes; white space between tokens is the page's."""
    text = re.sub(r"(?<=[,{\[]) +(?=[\"{\[])", "", sample)
    if text.endswith("…"):
        text = text.removesuffix("…").rstrip(",")
        tail = ".*"
    else:
        tail = ""
    pieces = re.split("(<id>|<time>|<token>|<number>|<base>|…)", text)
    return "".join(base if p == "<base>" else PATTERNS.get(p, re.escape(p)) for p in pieces) + tail


@pytest.mark.parametrize("sample", SAMPLES, ids=[sample["name"] for sample in SAMPLES])
def test_an_answer_is_the_sample_of_the_reference(served, control, tenant, sample):
    control.put("/_sandbox/world", json=WORLD | {"tenant": TENANT}).raise_for_status()
    headers = {}
    if sample.get("by") == "bot":
        form = {"client_id": CLIENT, "client_secret": "sandbox-client-secret", "grant_type": "client_credentials"}
        token = control.post("/oauth/token", json=form).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
    if "fault" in sample:
        control.post("/_sandbox/faults", json=sample["fault"]).raise_for_status()
    method, path = sample["request"].split(" ", 1)
    for _ in range(sample.get("page", 1) - 1):
        path = tenant.get(path).json()["links"]["next"]["href"]

    answer = tenant.request(
        method, path, json=sample.get("json"), headers=headers, follow_redirects=sample.get("follow", False)
    )

    assert answer.status_code == sample["status"]
    for name, value in sample.get("headers", {}).items():
        assert answer.headers[name] == value
    if "body" in sample:
        assert re.fullmatch(pattern(sample["body"], re.escape(served.url)), answer.text), answer.text


def test_the_overview_has_every_required_field(tenant):
    body = tenant.get("/api/v1/licenses/overview").json()

    required = {
        "allotments", "licenseKey", "licenseNumber", "origin", "updated", "parameters", "product",
        "secondaryNumber", "status", "trial", "valid",
    }  # fmt: skip
    assert required <= set(body)
    assert body["allotments"][0] == {
        "name": "professional",
        "usageClass": "assigned",
        "units": 3,
        "unitsUsed": 1,
        "overage": 0,
    }


def test_the_status_has_every_required_field(tenant):
    body = tenant.get("/api/v1/licenses/status").json()

    required = {"type", "origin", "product", "status", "trial", "valid", "extensionStatus", "deactivated"}
    assert set(body) == required


def test_b8_the_event_of_a_license(control, tenant):
    control.put("/_sandbox/world", json=WORLD | {"tenant": TENANT}).raise_for_status()
    item = {"subject": "qtsel\\lhr", "type": "professional"}
    tenant.post("/api/v1/licenses/assignments/actions/add", json={"add": [item]}).raise_for_status()

    kind = "com.qlik.license.assignment.updated"
    audit = tenant.get("/api/v1/audits", params={"eventType": kind}).json()["data"][0]

    number = TENANT["license"]["number"]
    expected = f'{{"subject": "qtsel\\\\lhr", "license": "{number}", "type": "professional", "origin": "internal"}}'
    assert json.dumps(audit["data"]) == expected
