"""Golden runs: recorded on Pulumi's own engine, compared on every engine, so that a divergence shows everywhere."""

import json

import pytest
from golden import RECORDED, record_preview, record_state
from harness import FRESH, ROOT, Player, read_world

GOLDEN = ROOT / "tests" / "golden"


@pytest.fixture
def virtualenv(virtualenv, name):
    """One of the runs starts the engine's command and its processes as users do, from nothing imported."""
    return FRESH if name == "raised-by-hand" else virtualenv


class Recorder(Player):
    """Plays a scenario and, before every command, asks the engine what it would do, as JSON."""

    def __init__(self, scenario, project) -> None:
        super().__init__(scenario, project)
        self.runs = []

    def _run(self, where, step) -> None:
        verb = step["run"].split()[0]
        if verb in {"preview", "up"}:
            refresh = " --refresh" if "--refresh" in step["run"] else ""
            self.runs.append({"run": step["run"], **record_preview(self.project.run(f"preview --json{refresh}"))})
        elif verb == "refresh":
            told = record_preview(self.project.run("refresh --preview-only --json"))
            self.runs.append({"run": step["run"], **told})
        super()._run(where, step)
        if verb != "preview":
            self.runs.append({"state after": step["run"], "resources": record_state(self.project)})


@pytest.mark.parametrize("name", RECORDED)
def test_an_engine_does_what_pulumi_did(name, project, request):
    """Operations, difference paths, exit codes and states equal those recorded on the real engine."""
    scenario = ROOT / "tests" / "scenarios" / name
    recorder = Recorder(scenario, project)
    recorder.play()
    file = GOLDEN / f"{name}.json"
    if request.config.getoption("--record-golden"):
        assert project.engine == "pulumi", "golden runs are recorded on Pulumi's own engine only"
        file.write_text(json.dumps(recorder.runs, indent=1, ensure_ascii=False, sort_keys=True) + "\n")

    expected = json.loads(file.read_text())

    assert [run.get("run", run.get("state after")) for run in recorder.runs] == [
        run.get("run", run.get("state after")) for run in expected
    ]
    for number, (run, golden) in enumerate(zip(recorder.runs, expected, strict=True)):
        assert run == golden, f"run {number}: {golden.get('run', golden.get('state after'))}"


def test_the_golden_worlds_are_the_scenarios_own():
    """What was recorded stands beside a scenario that can still be played."""
    for name in RECORDED:
        assert read_world(ROOT / "tests" / "scenarios" / name / "world.yaml")["world"] == 1
