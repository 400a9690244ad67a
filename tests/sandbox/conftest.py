"""One sandbox for all of these tests; each test starts from the same world."""

import json
from collections.abc import Iterator
from functools import partial

import httpx
import pytest
import serving
from azuread_world import CLIENT, SECRET
from azuread_world import WORLD as AZUREAD
from serving import WORLD, Served, directory_token, serve


@pytest.fixture(scope="session")
def world_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("world") / "world.json"
    path.write_text(json.dumps(WORLD))
    return path


@pytest.fixture(scope="session")
def served(world_file) -> Iterator[Served]:
    served = serve("--world", world_file)
    yield served
    served.stop()


@pytest.fixture(scope="session")
def everyone(served) -> Iterator[httpx.Client]:
    """A client without a token."""
    with served.client() as client:
        yield client


@pytest.fixture(autouse=True)
def control(everyone):
    """The control plane, after everything is as the world file says."""
    everyone.put("/_sandbox/world", json=WORLD).raise_for_status()
    everyone.delete("/_sandbox/faults")
    everyone.delete("/_sandbox/requests")
    return everyone


@pytest.fixture(scope="session")
def tenant(served) -> Iterator[httpx.Client]:
    """The tenant, called by an administrator."""
    with served.client("sandbox-api-key") as client:
        yield client


@pytest.fixture(scope="session")
def graph_connection(served) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


@pytest.fixture
def graph(control, graph_connection):
    """Graph, called by an application that may read people and write groups."""
    graph_connection.headers["Authorization"] = f"Bearer {directory_token(control)}"
    return graph_connection


@pytest.fixture
def azuread(control, graph_connection):
    """Graph in a directory where one application may do whatever the azuread plugin does."""
    control.put("/_sandbox/world", json=AZUREAD).raise_for_status()
    token = directory_token(control, CLIENT, SECRET)
    graph_connection.headers["Authorization"] = f"Bearer {token}"
    return graph_connection


@pytest.fixture
def place(control):
    """What starts from the world of the tests with other members of the tenant."""
    return partial(serving.place, control)
