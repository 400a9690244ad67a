"""The front door: declarations, worlds and runs as data, played by an engine against the sandbox."""

import pytest
from golden import RECORDED
from harness import Player, scenario_folders

PLAYED = [
    pytest.param(folder, id=folder.name)
    for folder in scenario_folders()
    if folder.name not in RECORDED  # those play as golden runs
]


@pytest.mark.parametrize("scenario", PLAYED)
def test_a_scenario_ends_as_its_expectation_says(scenario, project):
    """Each run exits, writes and tells as written down, and another run afterwards writes nothing."""
    Player(scenario, project).play()
