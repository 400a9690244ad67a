"""The served description, played with whatever fits it and whatever does not; `make fuzz` plays longer."""

import copy
import os

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, openapi
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from serving import CLIENT, DIRECTORY, NESTED, READER, READERS, SERVICE_PRINCIPAL, WORLD, directory_token, person

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "1"))
CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance]
_ROLES = ("Group", "User", "Application", "AppRoleAssignment", "Synchronization", "Directory")
_CLIENT = WORLD["directory"]["clients"][0] | {"roles": [f"{name}.ReadWrite.All" for name in _ROLES]}
# What is not limited can be asked as often as hypothesis likes, and what is allowed gets past the first check.
FREE = WORLD | {
    "tenant": WORLD["tenant"] | {"rateLimits": False},
    "directory": WORLD["directory"] | {"clients": [_CLIENT]},
}
FILTERS = [
    'subject eq "user1234"', 'name co "a" and (status eq "active")', "displayName eq 'BI Readers'",
    "startswith(displayName,'P')", "name", '"', "a eq", "(" * 60, "id eq 1", "subject eq 'x' or", 'x eq "\\ud800"',
]  # fmt: skip
TEXTS = ["0", "-1", "9" * 40, "9" * 5000, "1e400", "true", "null", "\u0663", "%", "a,b", ",", "+name", "-x", "\x7f"]
CURSORS = [
    "bmV4dDpbXQ==",
    "bmV4dDpbMV0=",
    "bmV4dDpbbnVsbCwgW11d",
    "bmV4dDpbMWUzMDAsIHt9XQ==",
    "bmV4dDo=",
    "====",
    "\u00e9",
]


def known_ids(control):
    """Return ids of what there is, of every kind."""
    control.headers["Authorization"] = "Bearer sandbox-api-key"
    ids = [
        person(1),
        READERS,
        NESTED,
        READER,
        SERVICE_PRINCIPAL,
        CLIENT,
        DIRECTORY,
        WORLD["tenant"]["id"],
        "me",
        "space01",
    ]
    for path in ("users", "roles", "groups?systemGroups=true", "spaces", "api-keys", "oauth-clients", "audits"):
        ids += [
            item.get("id") or item["clientId"] for item in control.get(f"/api/v1/{path}").json().get("data", [])[:2]
        ]
    del control.headers["Authorization"]
    return ids


def likely(document, ids):
    """Return the description with values that get past the first check, beside any other text."""
    document = copy.deepcopy(document)
    for item in document["paths"].values():
        for operation in item.values():
            for parameter in operation["parameters"]:
                name = parameter["name"]
                values = TEXTS
                if parameter["in"] == "path":
                    values = [*ids, DIRECTORY, "x", "\u00e9 \u20ac", "9" * 400]
                elif name in {"filter", "$filter", "$search"}:
                    values = FILTERS
                elif name in {"next", "prev", "page", "$skiptoken", "startingAfter", "endingBefore", "$deltatoken"}:
                    values = CURSORS
                parameter["schema"] = {"anyOf": [{"enum": values}, parameter["schema"]]}
    return document


@pytest.fixture(scope="module")
def session(served):
    with requests.Session() as session:
        session.verify, session.trust_env = served.ca, False
        yield session


def is_named_by_design(case, answer, mode):
    """Say whether a 501 is about an option the sandbox does not play, or about a path that was not meant."""
    if answer.status_code != 501 or "is not part of the sandbox" not in answer.text:
        return False
    # What does not fit a path may hold a question mark or a slash, and makes another path of it.
    return mode is GenerationMode.NEGATIVE or f"{case.method} /" not in answer.text


def play(operation, mode, session, base, headers, begin):
    """Return the answers of an operation that are none of a service's."""
    wrong = []

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode))
    def ask(case):
        answer = case.call(
            base_url=base, session=session, headers=headers, verify=session.verify, allow_redirects=False
        )
        shown = f"{answer.status_code} {case.as_curl_command()[:1500]} -> {answer.content[:300]}"
        if answer.status_code >= 500:
            if not is_named_by_design(case, answer, mode):
                wrong.append(shown)
            return
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as failures:
            wrong.append(f"{failures.exceptions[0].title} {failures.exceptions[0].message[:300]}: {shown}")

    begin()
    try:
        ask()
    except Unsatisfiable:
        # Without parameters and body there is nothing that could not fit.
        assert mode is GenerationMode.NEGATIVE
    return wrong


@pytest.mark.parametrize(
    "service",
    [*(pytest.param(name, marks=pytest.mark.campaign) for name in ("qlik", "graph")), "identity", "control"],
)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fitting", "unfitting"])
def test_no_answer_is_a_failure_of_the_sandbox(control, served, session, service, mode):
    control.put("/_sandbox/world", json=FREE).raise_for_status()
    document = control.get("/_sandbox/openapi.json", params={"service": service}).json()
    headers = {"qlik": {"Authorization": "Bearer sandbox-api-key"}, "graph": {}, "identity": {}, "control": {}}[service]
    if service == "graph":
        headers = {"Authorization": f"Bearer {directory_token(control)}"}
        # Both versions have the same handlers.
        document["paths"] = {path: item for path, item in document["paths"].items() if not path.startswith("/beta/")}
    schema = openapi.from_dict(likely(document, known_ids(control)))
    if service == "control":
        begin = lambda: control.put("/_sandbox/world", json={"world": 1, "clock": WORLD["clock"]})  # noqa: E731
    else:
        snapshot = control.post("/_sandbox/snapshots").json()["id"]
        begin = lambda: control.post(f"/_sandbox/snapshots/{snapshot}/restore")  # noqa: E731

    wrong = []
    for result in schema.get_all_operations():
        wrong += play(result.ok(), mode, session, served.url, headers, begin)

    assert not wrong, "\n".join(wrong)
