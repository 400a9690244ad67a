"""What the sandbox publishes of itself, compared with what the vendor publishes."""

import csv
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from sandbox.endpoints import ENDPOINTS
from sandbox.routing import Endpoint, operations_of

PATH = "/_sandbox/openapi.json"
SERVICES = ("qlik", "graph", "identity", "control")


@pytest.fixture(scope="session")
def document(everyone):
    return everyone.get(PATH).raise_for_status().json()


# Whole tenants come and go by no API of this sandbox, and it has no app to count consumption.
LEFT_OUT = {
    ("POST", "/api/v1/tenants"),
    ("POST", "/api/v1/tenants/{tenantId}/actions/deactivate"),
    ("POST", "/api/v1/tenants/{tenantId}/actions/reactivate"),
    ("POST", "/api/v1/audits/actions/fetch-consumption-app"),
}


def operations(document):
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def published():
    """Return the rows of Appendix A, without those this sandbox leaves out."""
    with (Path(__file__).parent / "appendix-a.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [row for row in rows if (row["method"], row["path"]) not in LEFT_OUT]


def unnamed(path):
    """Return a path whose parameters have no names; the vendor's and the sandbox's names differ."""
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def test_every_route_of_a_sandbox_publishes_its_operation():
    assert set(ENDPOINTS) == set(SERVICES)
    assert [route for routes in ENDPOINTS.values() for route in routes if not isinstance(route, Endpoint)] == []


def test_no_two_routes_publish_the_same_operation(document):
    assert len(operations(document)) == sum(len(list(operations_of(routes))) for routes in ENDPOINTS.values())


@pytest.mark.parametrize("row", published(), ids=lambda row: f"{row['method']} {row['path']}")
def test_every_published_endpoint_is_played_with_its_query_status_and_tier(document, row):
    found = {(method, unnamed(path)): operation for (method, path), operation in operations(document).items()}
    operation = found[row["method"], unnamed(row["path"])]

    asked = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}
    assert set(filter(None, row["query"].split(","))) <= asked
    assert set(row["status"].split("/")) & set(operation["responses"])
    assert operation["x-qlik-tier"] == row["tier"]


def test_the_description_is_well_formed(document):
    assert document["openapi"] == "3.1.0"
    names = [operation["operationId"] for operation in operations(document).values()]
    assert len(names) == len(set(names))
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for operation in operations(document).values():
        assert operation["summary"].endswith(".")
        assert set(operation["tags"]) <= set(SERVICES)


def test_every_reference_leads_somewhere(document):
    def references(node):
        if isinstance(node, dict):
            yield from ([node["$ref"]] if isinstance(node.get("$ref"), str) else [])
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                yield from references(child)

    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known


def test_who_has_to_prove_who_it_is_stands_there(document):
    found = operations(document)

    assert found["GET", "/api/v1/users"]["security"] == [{"bearer": []}]
    assert found["POST", "/oauth/token"]["security"] == [{"client": []}, {}]
    assert found["GET", "/_sandbox/"]["security"] == []


@pytest.mark.parametrize("service", SERVICES)
def test_one_service_can_be_had_alone(everyone, document, service):
    own = everyone.get(PATH, params={"service": service}).json()

    assert set(operations(own)) == {
        key for key, operation in operations(document).items() if operation["tags"] == [service]
    }


def test_a_service_nobody_plays_is_refused(everyone):
    assert everyone.get(PATH, params={"service": "teapot"}).status_code == 400
