import os
from collections.abc import Iterator

import pytest
from campaign.cases import Theatre
from campaign.forks import Forge
from harness import Sandbox


def inherited() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("QLIK_", "ARM_", "PULUMI_"))}


@pytest.fixture(scope="session")
def theatre(tmp_path_factory, sandbox: Sandbox) -> Iterator[Theatre]:
    """The runs without faults, played once; each case starts from one of their snapshots."""
    forge = Forge(tmp_path_factory.mktemp("forge"), {**inherited(), **sandbox.environment})
    yield Theatre(sandbox, forge)
    forge.close()
