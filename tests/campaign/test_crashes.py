"""A provider process that is killed at a call: nobody loses a license by it, and the next run does the rest."""

import pytest
from campaign.cases import STAGES, Theatre

MOMENTS = ("before", "after")


def crash(theatre: Theatre, name: str, moment: str, places: slice) -> list[str]:
    stage = theatre.stages[name]
    return [
        f"{name} {call.number} {call.purpose}: {text}"
        for call in stage.calls[places]
        for text in theatre.crash(stage, call, moment)
    ]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", ["first", "change"])
def test_a_provider_killed_at_its_last_writes_leaves_what_the_next_run_completes(theatre, name, moment):
    assert crash(theatre, name, moment, slice(-2, None)) == []


@pytest.mark.campaign
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", STAGES)
def test_a_provider_killed_at_any_call_leaves_what_the_next_run_completes(theatre, name, moment):
    assert crash(theatre, name, moment, slice(None)) == []
