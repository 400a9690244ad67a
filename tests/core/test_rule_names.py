import pytest

from qlik_provider.entitlements import Entitlement
from qlik_provider.rule_names import RULES, find_id_faults, find_rule_faults, find_type_faults, refuse_bad_rules


@pytest.mark.parametrize("kind", RULES)
def test_a_misspelt_rule_is_refused_by_every_resource_and_not_taken_for_none(kind):
    rules = {
        "brake.max": 5,
        "brake.maks": 5,
        "Brake.max": 5,
        "protect.": "x",
        "protect.ana": "x",
        "brake": 5,
        "protect": "x",
    }

    assert list(find_rule_faults(kind, rules)) == [
        f"rules[{name!r}]: is no rule of {kind}; docs/formats.md lists them"
        for name in ("Brake.max", "brake", "brake.maks", "protect", "protect.")
    ]


@pytest.mark.parametrize(
    ("name", "good", "bad", "words"),
    [
        ("brake.max", [0, 25, 25.0], ["25", -1, 2.5, True, None], "a number of people, 0 or more"),
        ("brake.percent", [0, 100], [101, "10"], "a percentage, 0 to 100"),
        ("brake.onBreach", ["hold", "fail"], ["stop", "", 1], "one of hold, fail"),
        ("order", ["analyzer", "professional, analyzer"], ["", "analyzer, ", 1], "license types joined by ', '"),
        ("adopt", ["report", "upgrade", "all"], ["none"], "one of report, upgrade, all"),
        ("reserve.analyzer", [0, 2], ["2"], "a number of seats, 0 or more"),
        ("release.finance", [24.0], ["24h"], "a number of hours, 0 or more"),
        ("retry", ["", "again"], [1], "a text"),
    ],
)
def test_what_may_stand_under_a_rule_is_told_in_its_unit(name, good, bad, words):
    assert [fault for value in good for fault in find_rule_faults("LicenseAssignments", {name: value})] == []
    for value in bad:
        (fault,) = find_rule_faults("LicenseAssignments", {name: value})
        assert fault == f"rules[{name!r}]: {value!r} is not {words}"


def test_every_fault_is_refused_at_once_and_none_refuses_nothing():
    refuse_bad_rules("DirectoryMembers", {"brake.max": 5})
    with pytest.raises(ValueError, match=r"^rules\['brake\.maks'\]: .*; rules\['order'\]: .*; another$"):
        refuse_bad_rules("DirectoryMembers", {"order": "analyzer", "brake.maks": 5}, ["another"])


def test_a_rule_of_another_resource_is_no_rule_of_this_one():
    assert list(find_rule_faults("GroupPolicy", {"doubt": "nobody can tell"})) == []
    assert len(list(find_rule_faults("DirectoryMembers", {"doubt": "nobody can tell", "order": "analyzer"}))) == 2


def test_a_type_that_nobody_ordered_is_given_to_nobody():
    people = {who: Entitlement(type, ("team",), f"{who}@contoso.test") for who, type in {"a": "x", "b": "y"}.items()}

    assert list(find_type_faults(people, {"order": "y, z"})) == ["assignments['a']: x does not stand in the rule order"]
    assert len(list(find_type_faults(people, {}))) == 2


def test_members_are_named_by_object_id():
    good, bad = "6F1C0000-0000-4000-8000-000000000001", "ana@contoso.test"

    assert list(find_id_faults([good, good.lower(), bad, f"{good}0"])) == [
        f"members[{name!r}]: is no object id of the directory" for name in (bad, f"{good}0")
    ]
