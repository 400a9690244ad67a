import itertools

import pytest

from qlik_provider.license_settings import (
    NAMES,
    ROLES,
    SEATS,
    ObservedSettings,
    RecordedSettings,
    SettingOutcome,
    SettingsPlan,
    correct_settings,
    desired_settings,
    inputs_of_settings,
    parse_settings,
    plan_settings,
    recorded_settings,
    settle_settings,
    warn_of_settings,
    write_settings,
)

PRO, ANALYZER = SEATS["professional"], SEATS["analyzer"]
STEWARDS = ROLES["DataServicesContributor"]
OFF = dict.fromkeys(sorted(NAMES), False)


class Life:
    """One resource from run to run: `shown` is what the tenant has, `outputs` what the engine stores."""

    def __init__(self, **shown: bool) -> None:
        self.shown = {**OFF, **shown}
        self.hidden: set[str] = set()
        self.outputs: dict = {}

    def observe(self) -> ObservedSettings:
        values = {name: value for name, value in self.shown.items() if name not in self.hidden}
        return ObservedSettings(values, dict.fromkeys(self.hidden, "may not"))

    def plan(self, declared: dict[str, bool], retry: str = "") -> SettingsPlan:
        self.inputs = {"tenant": "t", "tenantId": "id", "settings": write_settings(declared), "retry": retry}
        is_same = inputs_of_settings(self.outputs) == self.inputs
        self.recorded = recorded_settings(self.outputs, settled=is_same)
        return plan_settings(desired_settings(self.inputs), self.observe(), self.recorded)

    def up(self, declared: dict[str, bool], state: str = "done", retry: str = "") -> list[str]:
        """Apply and return what was to be put."""
        plan = self.plan(declared, retry)
        if state == "done":
            self.shown |= {change.name: change.value for change in plan.changes}
        outcomes = [SettingOutcome(change, state) for change in plan.changes]
        self.outputs = settle_settings(self.inputs, self.recorded, plan, outcomes)
        return [str(change) for change in plan.changes]

    def refresh(self) -> None:
        self.outputs = correct_settings(self.outputs, self.observe())


def test_only_what_is_declared_is_put_and_what_was_found_is_kept():
    life = Life(**{PRO: True, ANALYZER: True, STEWARDS: True})

    assert life.up({PRO: False}) == [f"{PRO} true → false"]
    assert life.shown == {**OFF, ANALYZER: True, STEWARDS: True}
    assert life.outputs == {
        "tenant": "t", "tenantId": "id", "retry": "",
        "settings": {PRO: "false"}, "found": {PRO: "true"}, "deviations": {},
    }  # fmt: skip


def test_what_is_as_declared_is_adopted_without_a_write_and_given_back_without_one():
    life = Life()

    assert life.up({PRO: False}) == []
    assert life.outputs["found"] == {PRO: "false"}
    assert life.up({}) == []
    assert (life.outputs["settings"], life.outputs["found"]) == ({}, {})


@pytest.mark.parametrize("gone", [{PRO}, {STEWARDS}, {PRO, STEWARDS}])
def test_what_is_no_longer_declared_becomes_what_was_found(gone):
    life = Life(**{PRO: True, STEWARDS: True})
    life.up({PRO: False, STEWARDS: False})

    left = {name: False for name in (PRO, STEWARDS) if name not in gone}
    assert life.up(left) == [f"{name} false → true (as it was found)" for name in sorted(gone)]
    assert life.shown == {**OFF, PRO: PRO in gone, STEWARDS: STEWARDS in gone}
    assert set(life.outputs["found"]) == set(left)


@pytest.mark.parametrize("is_refreshed", [True, False])
@pytest.mark.parametrize("found", [True, False])
def test_what_others_changed_in_between_is_left_as_they_left_it_and_told(found, is_refreshed):
    life = Life(**{PRO: found})
    life.up({PRO: False})
    life.shown[PRO] = True
    if is_refreshed:
        life.refresh()

    plan = life.plan({})

    assert plan.changes == ()
    assert plan.notes == (f"{PRO} was changed by others and stays true",)
    assert life.up({}) == []
    assert (life.outputs["settings"], life.outputs["found"]) == ({}, {})


def test_a_refresh_reports_drift_an_up_repairs_it_and_what_was_found_first_is_still_known():
    life = Life(**{ANALYZER: False})
    life.up({ANALYZER: True})
    life.shown[ANALYZER] = False
    life.refresh()

    assert life.outputs["settings"] == {ANALYZER: "false via hand"}
    assert inputs_of_settings(life.outputs) != life.inputs
    assert life.up({ANALYZER: True}) == [f"{ANALYZER} false → true"]
    assert life.outputs["settings"] == {ANALYZER: "true"}
    assert life.up({}) == [f"{ANALYZER} true → false (as it was found)"]


def test_a_refused_change_is_not_sent_again_until_there_is_a_reason():
    life = Life(**{PRO: True})

    assert life.up({PRO: False}, "refused") == [f"{PRO} true → false"]
    assert life.outputs["deviations"] == {PRO: "false; refused"}
    assert (life.outputs["settings"], life.outputs["found"]) == ({}, {})
    assert inputs_of_settings(life.outputs) == life.inputs
    assert not life.plan({PRO: False}).differs_from(life.recorded)
    assert life.up({PRO: False}) == []
    assert life.outputs["deviations"] == {PRO: "false; refused"}
    assert life.up({PRO: False}, retry="again") == [f"{PRO} true → false"]
    assert (life.outputs["settings"], life.outputs["found"]) == ({PRO: "false"}, {PRO: "true"})


def test_what_was_never_put_is_not_given_back():
    life = Life(**{PRO: True})
    life.up({PRO: False}, "refused")
    life.shown[PRO] = False

    assert life.up({}) == []
    assert life.shown[PRO] is False


@pytest.mark.parametrize("state", ["refused", "unsent"])
def test_a_setting_that_could_not_be_given_back_is_not_forgotten(state):
    life = Life(**{PRO: True})
    life.up({PRO: False})

    life.up({}, state)

    assert life.outputs["deviations"] == {PRO: f"none; {state}"}
    assert (life.outputs["settings"], life.outputs["found"]) == ({PRO: "false"}, {PRO: "true"})
    assert inputs_of_settings(life.outputs) == life.inputs
    assert life.up({}) == ([] if state == "refused" else [f"{PRO} false → true (as it was found)"])
    assert life.up({}, retry="again") == ([f"{PRO} false → true (as it was found)"] if state == "refused" else [])


def test_another_value_that_was_refused_leaves_the_former_one_ours():
    life = Life(**{PRO: True})
    life.up({PRO: False})

    life.up({PRO: True}, "refused")

    assert life.outputs["settings"] == {PRO: "false"}
    assert life.outputs["deviations"] == {PRO: "true; refused"}
    assert life.up({}) == [f"{PRO} false → true (as it was found)"]


def test_what_may_not_be_read_is_told_and_tried_again_by_every_run():
    life = Life(**{PRO: True})
    life.hidden = {PRO}

    assert life.up({PRO: False, STEWARDS: True}) == [f"{STEWARDS} false → true"]
    assert life.outputs["deviations"] == {PRO: "false; unsent"}
    assert life.plan({PRO: False, STEWARDS: True}).notes == (f"{PRO} is not known: may not",)
    life.hidden = set()
    assert life.up({PRO: False, STEWARDS: True}) == [f"{PRO} true → false"]
    assert life.outputs["deviations"] == {}


def test_what_is_ours_and_can_no_longer_be_read_stays_ours():
    life = Life(**{PRO: True})
    life.up({PRO: False})
    life.hidden = {PRO}

    life.refresh()
    assert not life.plan({PRO: False}).differs_from(life.recorded)
    life.up({})
    assert life.outputs["deviations"] == {PRO: "none; unsent"}
    life.hidden = set()
    assert life.up({}) == [f"{PRO} false → true (as it was found)"]


@pytest.mark.parametrize("found", [True, False])
@pytest.mark.parametrize("path", [*itertools.product([True, False, None], repeat=3)])
def test_planning_again_is_empty_and_giving_up_leaves_the_tenant_as_it_was_found(found, path):
    life = Life(**{PRO: found})
    for declared in path:
        wanted = {} if declared is None else {PRO: declared}
        life.up(wanted)
        assert life.shown[PRO] == (found if declared is None else declared)
        assert inputs_of_settings(life.outputs) == life.inputs
        assert not life.plan(wanted).differs_from(life.recorded)

    life.up({})

    assert life.shown == {**OFF, PRO: found}
    assert life.outputs["found"] == {}


@pytest.mark.parametrize("text", ["on", "True", True, "true via finance", None])
def test_every_setting_that_is_none_is_named_at_once(text):
    with pytest.raises(ValueError, match="is not 'true' or 'false'") as refusal:
        parse_settings({"settings": {PRO: text, "autoAssignBasic": "true", ANALYZER: "false via hand"}})

    assert [part.partition(":")[0] for part in str(refusal.value).split("; ")] == [
        f"settings['{PRO}']",
        "settings['autoAssignBasic']",
    ]


def test_a_record_of_nothing_is_empty():
    assert recorded_settings({}, settled=False) == RecordedSettings()


# Warnings.


def warn(declared=None, unread=None, order=("professional", "analyzer"), baseline="none", **shown) -> list[str]:
    return list(warn_of_settings(declared or {}, ObservedSettings({**OFF, **shown}, unread or {}), order, baseline))


@pytest.mark.parametrize(
    ("name", "declaration"),
    [
        (PRO, "licenses.autoAssign: {professional: false}"),
        (ANALYZER, "licenses.autoAssign: {analyzer: false}"),
        *((name, f"licenses.autoAssignRoles: {{{role}: false}}") for role, name in ROLES.items()),
    ],
)
def test_what_the_tenant_gives_by_itself_is_one_line_with_the_text_that_ends_it(name, declaration):
    (line,) = warn(**{name: True})

    assert line.startswith(f"{name} is on: the tenant gives ")
    assert declaration in line
    assert "\n" not in line
    for declared in (True, False):
        assert warn({name: declared}, **{name: True}) == []


def test_what_is_off_or_not_this_stacks_to_take_back_is_no_warning():
    assert warn() == []
    assert warn(order=("analyzer",), **{PRO: True, STEWARDS: True}) == []
    assert warn(baseline="analyzer", **{ANALYZER: True}) == []


def test_a_baseline_that_the_tenant_does_not_give_is_a_warning():
    (line,) = warn(baseline="analyzer")

    assert line.startswith(f"{ANALYZER} is off: nobody gets the baseline analyzer")
    assert "licenses.autoAssign: {analyzer: true}" in line
    assert warn({ANALYZER: True}, baseline="analyzer") == []


def test_what_may_not_be_read_is_one_line_a_reason():
    observed = ObservedSettings({}, {PRO: "may not", ANALYZER: "may not", STEWARDS: "none"})

    assert list(warn_of_settings({}, observed, ("professional", "analyzer"), "analyzer")) == [
        f"whether the tenant gives seats or roles by itself is not known ({ANALYZER}, {PRO}): may not",
        f"whether the tenant gives seats or roles by itself is not known ({STEWARDS}): none",
    ]
