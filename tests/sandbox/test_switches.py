from sandbox.switches import SWITCHES, find_faults


def test_every_switch_says_what_it_rests_on():
    for switch in SWITCHES.values():
        assert switch.alternatives
        assert switch.default not in switch.alternatives
        assert len(switch.evidence) > 20


def test_an_unknown_switch_and_an_unknown_position_are_both_named():
    faults = find_faults({"no-such": "x", "add-same-type": "teapot"})

    assert [fault.partition(":")[0] for fault in faults] == ["switches.no-such", "switches.add-same-type"]
