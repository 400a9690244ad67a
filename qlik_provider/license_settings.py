"""What a tenant gives people by itself, and what a declaration makes of that; performs no I/O.

Two switches hand out seats at login, three flags hand out roles to professionals. A stack puts only those it declares,
keeps in `found` what it found when it began to, and gives that back when a setting is no longer declared.
https://qlik.dev/apis/rest/licenses (settings), https://qlik.dev/apis/rest/tenants
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from qlik_provider.entitlements import HAND, NONE, put_back_declared

Bag = Mapping[str, Any]

SEATS = {"professional": "autoAssignProfessional", "analyzer": "autoAssignAnalyzer"}
"""The switch that hands out each type to whoever logs in without a license."""
ROLES = {
    "SharedSpaceCreator": "autoAssignCreateSharedSpacesRoleToProfessionals",
    "PrivateAnalyticsContentCreator": "autoAssignPrivateAnalyticsContentCreatorRoleToProfessionals",
    "DataServicesContributor": "autoAssignDataServicesContributorRoleToProfessionals",
}
"""The flag of the tenant that hands out each role."""
NAMES = frozenset({*SEATS.values(), *ROLES.values()})

_ECHOED = ("tenant", "tenantId", "retry")
_TEXTS = {"true": True, "false": False}
_BY_HAND = f" via {HAND}"


@dataclass(frozen=True)
class Setting:
    """The value of one setting, and whether others gave it this value since this stack put its own."""

    value: bool
    is_by_hand: bool = False

    def __str__(self) -> str:
        return f"{write_value(self.value)}{_BY_HAND if self.is_by_hand else ''}"


@dataclass(frozen=True)
class ObservedSettings:
    """What was just read: the values, and why others of the settings are not known."""

    values: Mapping[str, bool]
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RecordedSettings:
    """What this stack stored last time; `settled` tells that the declaration has not changed since."""

    settings: Mapping[str, Setting] = field(default_factory=dict)
    found: Mapping[str, bool] = field(default_factory=dict)
    deviations: Mapping[str, str] = field(default_factory=dict)
    settled: bool = False


@dataclass(frozen=True)
class SettingChange:
    """One setting to put; `declared` is None where it is given back."""

    name: str
    held: bool
    value: bool
    declared: bool | None

    def __str__(self) -> str:
        back = " (as it was found)" if self.declared is None else ""
        return f"{self.name} {write_value(self.held)} → {write_value(self.value)}{back}"


@dataclass(frozen=True)
class SettingOutcome:
    """What became of one change."""

    change: SettingChange
    state: Literal["done", "refused", "unsent"]
    reason: str = ""

    def __str__(self) -> str:
        return str(self.change) if self.state == "done" else f"{self.change}: {self.reason}"


@dataclass(frozen=True)
class SettingsPlan:
    """What to put, and what the record will say when all of it is done."""

    changes: tuple[SettingChange, ...]
    settings: Mapping[str, Setting]
    found: Mapping[str, bool]
    deviations: Mapping[str, str]
    notes: tuple[str, ...]

    def differs_from(self, recorded: RecordedSettings) -> bool:
        """Tell whether applying would write, or change the record."""
        planned = (dict(self.settings), dict(self.found), dict(self.deviations))
        stored = (dict(recorded.settings), dict(recorded.found), dict(recorded.deviations))
        return bool(self.changes) or planned != stored


def plan_settings(desired: Mapping[str, bool], observed: ObservedSettings, recorded: RecordedSettings) -> SettingsPlan:
    """Return what turns the tenant's settings into the declared ones, and gives back what is no longer declared."""
    work = _Planning(desired, observed, recorded)
    for name in sorted({*desired, *recorded.settings}):
        if name not in observed.values:
            work.keep_unread(name)
        elif name in desired:
            work.declare(name)
        else:
            work.give_back(name)
    return SettingsPlan(tuple(work.changes), work.settings, work.found, work.deviations, tuple(work.notes))


class _Planning:
    """One pass over the settings, collecting what to put and what to record."""

    def __init__(self, desired: Mapping[str, bool], observed: ObservedSettings, recorded: RecordedSettings) -> None:
        self._desired, self._observed, self._recorded = desired, observed, recorded
        self.changes: list[SettingChange] = []
        self.settings: dict[str, Setting] = {}
        self.found: dict[str, bool] = {}
        self.deviations: dict[str, str] = {}
        self.notes: list[str] = []

    def keep_unread(self, name: str) -> None:
        """Leave the record as it is; what is wanted and cannot be seen to be so is tried again by every run."""
        self._keep(name)
        declared = self._desired.get(name)
        if declared is None or self._recorded.settings.get(name) != Setting(declared):
            self.deviations[name] = _write_deviation(declared, "unsent")
        self.notes.append(f"{name} is not known: {self._observed.unread.get(name, 'the tenant does not show it')}")

    def declare(self, name: str) -> None:
        """Put what is declared; a value that is there already is adopted."""
        wanted, held = self._desired[name], self._observed.values[name]
        change = SettingChange(name, held, wanted, wanted)
        if held != wanted and self._was_refused(change):
            self._keep(name)
            self.deviations[name] = _write_deviation(wanted, "refused")
            return
        self.settings[name] = Setting(wanted)
        self.found[name] = self._recorded.found.get(name, held)
        if held != wanted:
            self.changes.append(change)

    def give_back(self, name: str) -> None:
        """Put what was found, unless others have decided in the meantime."""
        mine, held = self._recorded.settings[name], self._observed.values[name]
        if mine.is_by_hand or mine.value != held:
            self.notes.append(f"{name} was changed by others and stays {write_value(held)}")
            return
        change = SettingChange(name, held, self._recorded.found.get(name, held), None)
        if change.value == held:
            return
        if self._was_refused(change):
            self._keep(name)
            self.deviations[name] = _write_deviation(None, "refused")
        else:
            self.changes.append(change)

    def _was_refused(self, change: SettingChange) -> bool:
        before = self._recorded.deviations.get(change.name)
        return self._recorded.settled and before == _write_deviation(change.declared, "refused")

    def _keep(self, name: str) -> None:
        if name in self._recorded.settings:
            self.settings[name] = self._recorded.settings[name]
        if name in self._recorded.found:
            self.found[name] = self._recorded.found[name]


def settle_settings(
    inputs: Bag, recorded: RecordedSettings, plan: SettingsPlan, outcomes: Sequence[SettingOutcome]
) -> dict[str, Any]:
    """Return the outputs after an apply: what this stack stands for, what it found, and what was not done."""
    settings, found, deviations = dict(plan.settings), dict(plan.found), dict(plan.deviations)
    for outcome in outcomes:
        name = outcome.change.name
        if outcome.state == "done":
            continue
        deviations[name] = _write_deviation(outcome.change.declared, outcome.state)
        settings.pop(name, None)
        if name in recorded.settings:
            settings[name] = recorded.settings[name]
        if outcome.state == "refused" and name not in recorded.found:
            found.pop(name, None)  # of what is unsent nobody knows whether it was put, so there is a way back
        elif name in recorded.found:
            found[name] = recorded.found[name]
    return {
        **{name: inputs[name] for name in _ECHOED if name in inputs},
        "settings": {name: str(setting) for name, setting in sorted(settings.items())},
        "found": {name: write_value(value) for name, value in sorted(found.items())},
        "deviations": dict(sorted(deviations.items())),
    }


def parse_settings(bag: Bag) -> dict[str, Setting]:
    """Return the settings of a bag; raises ValueError with every one that is not known or has no such value."""
    settings, faults = {}, []
    for name, text in bag.get("settings", {}).items():
        value = str(text).removesuffix(_BY_HAND)
        if name not in NAMES or value not in _TEXTS:
            faults.append(f"settings[{name!r}]: {text!r} is not 'true' or 'false' of {', '.join(sorted(NAMES))}")
        else:
            settings[name] = Setting(_TEXTS[value], is_by_hand=value != text)
    if faults:
        raise ValueError("; ".join(faults))
    return settings


def desired_settings(inputs: Bag) -> dict[str, bool]:
    """Return what the inputs declare."""
    return {name: setting.value for name, setting in parse_settings(inputs).items()}


def recorded_settings(outputs: Bag, *, settled: bool) -> RecordedSettings:
    """Return what the outputs record."""
    found = {name: _TEXTS[text] for name, text in outputs.get("found", {}).items()}
    return RecordedSettings(parse_settings(outputs), found, dict(outputs.get("deviations", {})), settled)


def inputs_of_settings(outputs: Bag) -> dict[str, Any]:
    """Return the inputs of the last apply: the settings with the declared values of the deviations put back."""
    settings = put_back_declared(outputs.get("settings", {}), outputs.get("deviations", {}))
    return {**{name: outputs[name] for name in _ECHOED if name in outputs}, "settings": settings}


def find_unproven(outputs: Bag, observed: ObservedSettings) -> list[str]:
    """Return what is on record and could not be read, each with the reason."""
    return [f"{name}: {observed.unread[name]}" for name in sorted(parse_settings(outputs)) if name in observed.unread]


def correct_settings(outputs: Bag, observed: ObservedSettings) -> dict[str, Any]:
    """Return `outputs` as far as what was read bears them out; the deviation beside a corrected entry goes."""
    settings, deviations = parse_settings(outputs), dict(outputs.get("deviations", {}))
    for name, mine in settings.items():
        held = observed.values.get(name, mine.value)
        if held != mine.value:
            settings[name] = Setting(held, is_by_hand=True)
            deviations.pop(name, None)
    texts = {name: str(setting) for name, setting in settings.items()}
    return {**outputs, "settings": texts, "deviations": deviations}


def write_settings(settings: Mapping[str, bool]) -> dict[str, str]:
    """Return declared settings as the bag holds them."""
    return {name: write_value(value) for name, value in sorted(settings.items())}


def warn_of_settings(
    declared: Mapping[str, bool], observed: ObservedSettings, order: Sequence[str], baseline: str
) -> Iterator[str]:
    """Yield one line for each thing the tenant does by itself that the declaration neither asks for nor ends.

    `declared` are the settings of the declaration, `order` the license types it gives.
    """
    for type, name in SEATS.items():
        is_on = observed.values.get(name)
        if name in declared or type not in order:
            continue
        if is_on and type != baseline:
            yield (
                f"{name} is on: the tenant gives {type} to whoever logs in without a license, also to people it was "
                f"taken from; licenses.autoAssign: {{{type}: false}} in access.yaml switches it off, true keeps it"
            )
        if is_on is False and type == baseline:
            yield (
                f"{name} is off: nobody gets the baseline {type} by logging in; "
                f"licenses.autoAssign: {{{type}: true}} in access.yaml switches it on"
            )
    for role, name in ROLES.items():
        if observed.values.get(name) and name not in declared and "professional" in order:
            yield (
                f"{name} is on: the tenant gives the role {role} to people with professional, also where no group has "
                f"it; licenses.autoAssignRoles: {{{role}: false}} in access.yaml switches it off, true keeps it"
            )
    for reason in sorted(set(observed.unread.values())):
        names = ", ".join(name for name, why in sorted(observed.unread.items()) if why == reason)
        yield f"whether the tenant gives seats or roles by itself is not known ({names}): {reason}"


def _write_deviation(declared: bool | None, why: str) -> str:  # noqa: FBT001 - what is declared is a boolean
    return f"{NONE if declared is None else write_value(declared)}; {why}"


def write_value(value: bool) -> str:  # noqa: FBT001 - what is written is a boolean
    """Return a value as the bag holds it."""
    return "true" if value else "false"
