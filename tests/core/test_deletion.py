from core.builders import Stack, declare, verbs


def test_a_group_file_that_goes_takes_its_seats_under_the_brake_and_no_others():
    stack = Stack()
    finance = {"ana": "analyzer via finance", "bo": "analyzer via finance", "cy": "analyzer via finance, sales"}
    stack.up(declare({**finance, "dee": "analyzer via sales"}, brake_max=1, brake_percent=100))
    without = {"cy": "analyzer via sales", "dee": "analyzer via sales"}

    plan = stack.up(declare(without, brake_max=1, brake_percent=100))

    assert verbs(plan) == []
    assert {change.key for change in plan.held} == {"ana", "bo"}
    assert set(stack.rows) == {"ana", "bo", "cy", "dee"}
    stack.up(declare(without, brake_max=1, brake_percent=100), approved=["ana", "bo"])
    assert set(stack.rows) == {"cy", "dee"}
